"""The live view in a terminal: what arrives where and when, what flies, and which sources can be trusted.

Everything that a colour says a word says too. `render` is pure; `Live` draws it twice a second.
"""

import logging
import math
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from textwrap import wrap
from typing import Literal, NamedTuple

from msgspec import UNSET
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from skywarden.model.watched import CELLS
from skywarden.service.notices import notices
from skywarden.service.publish import DEGRADED, NOT_RECORDED, OK, STALLED, STALLED_AFTER, Published, Publisher
from skywarden.service.rows import NOTHING_YET, POINT, USELESS, AlertRow, SourceRow, TrackRow
from skywarden.service.tls import FAULTS
from skywarden.service.wire import FAST, FINISHED, QUIET
from skywarden.service.words import LANGUAGES
from skywarden.watch import Word, short

PERIOD = 0.5  # s between two drawings
AGAIN = 5.0  # s until it is tried again after a fault
OLD = 3.0  # s; data of that age are shown in red
WIDE, WORDY, NARROW = 110, 80, 70  # columns from which all fits; from which a word is whole; below it a short header
BESIDE = 62  # columns that a site's other cells take
EXPECTED = 0.2  # probability from which an arrival is worth a line
SITES = {"name": 0, "arrival": 0, "interval": 60, "threats": 50, "alert": 0}  # column -> terminal's width from which
TRACKS = {
    "number": 0, "status": 70, "category": 0, "class": 84, "callsign": 62, "position": 52, "height": 0, "speed": 0,
    "heading": 70, "seen_by": WIDE,
}  # fmt: skip
SOURCES = {"name": 0, "state": 0, "received": 50, "decoded": WIDE, "recorded": 70, "refused": 62, "age": 0}
WAITING = "waiting"  # a client; its state says why
GOOD, BAD, DIM, HEAD = "green", "bold red", "dim", "bold"
CATEGORY = {"suspect": "bold yellow", "hostile": BAD, "friend": "cyan", "assumed friend": "cyan", "neutral": GOOD}
STATE = {OK: GOOD, DEGRADED: "bold black on yellow", STALLED: "bold white on red"}
MODE = {"live": "bold white on dark_green", "sim": "bold black on yellow", "replay": "bold white on blue"}

logger = logging.getLogger(__name__)


class _Page(NamedTuple):
    """What the parts of one drawing share. stale: s since the picture was published."""

    shown: Published
    words: Mapping[str, str]
    width: int
    stale: float

    @property
    def wide(self) -> bool:
        return self.width >= WIDE

    def say(self, word: str) -> str:
        return self.words.get(word, word)

    def left(self, time: int) -> float:
        return (time - self.shown.picture.time) * 1e-9

    def age(self, seconds: float | None) -> str:
        return "-" if seconds is None else f"{seconds + self.stale:.1f} {self.say('s')}"

    def columns(self, chosen: Mapping[str, int]) -> list[str]:
        return [name for name, width in chosen.items() if self.width >= width]


def render(
    published: Published | None, language: str, width: int, height: int = 24, stale: float = 0.0
) -> RenderableType:
    """Return the view for a terminal of that size. language: "en" or "uk"; stale: s since it was published."""
    words = LANGUAGES[language]
    if published is None:
        return Text(f"skywarden  {words['no_data']}", style=HEAD)
    page = _Page(published, words, width, stale)
    told = _notices(page, max(1, min(height // 4, height - 10)))
    room = height - 1 - len(told) - 3 * 2  # the header line; a title and a heading for each table
    sources = published.sources
    sites = min(len(_site_names(published)), max(1, room // 3))
    left = room - sites - max(1, len(published.tracks))  # what sites and tracks do not need
    shown_sources = min(len(sources), max(1, room // 3, left))
    tracks = max(1, room - sites - shown_sources)
    tables = _sites(page, sites), _tracks(page, tracks), _sources(page, shown_sources)
    return Group(_header(page), *told, *tables)


def _header(page: _Page) -> Text:
    shown, say = page.shown, page.say
    mode = str(shown.picture.mode)
    time = datetime.fromtimestamp(shown.picture.time * 1e-9, UTC)
    full = page.width >= NARROW
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append("skywarden " if full else "", HEAD)
    line.append(f" {say(mode)} ", MODE.get(mode, "bold black on white"))
    state = STALLED if page.stale > STALLED_AFTER else shown.state
    if state == NOT_RECORDED or shown.not_recorded:
        line.append(f" {say(NOT_RECORDED)} ", "bold white on red")
    if state != NOT_RECORDED:
        line.append(f" {say(state)} ", STATE[state])
    line.append(f" {time:%Y-%m-%d %H:%M:%S}Z " if page.wide else f" {time:%H:%M:%S}Z " if full else "")
    _data_age(page, line)
    line.append(f" {say('tracks').lower()} {len(shown.tracks)} " if full else "")
    line.append(f" {say('alerts')} {len(shown.alerts)} ", BAD if shown.alerts else "")
    if page.wide and math.isfinite(shown.latency_ms[0]):
        line.append(f" p50 {shown.latency_ms[0]:.0f} p99 {shown.latency_ms[1]:.0f} {say('ms')}", DIM)
    return line


def _notices(page: _Page, room: int) -> list[Text]:
    """Return what must be known in `room` lines; each notice gets its share of them."""
    told = list(notices(page.shown, page.words))
    share = max(1, room // max(1, len(told)))
    lines = [line for one in told for line in wrap(one, page.width, max_lines=share, placeholder=" …")]
    return [_cell(Text(line, BAD)) for line in lines[:room]]


def _data_age(page: _Page, line: Text) -> None:
    """Add how long ago the sources were heard: the one heard last and, where that differs, the one missed longest."""
    heard = [source for source in page.shown.sources if source.last_age_s is not None]
    ages = [s.last_age_s for s in heard if s.state != FINISHED and s.last_age_s is not None]
    ages = ages or [s.last_age_s for s in heard if s.last_age_s is not None]
    newest, oldest = min(ages, default=None), max(ages, default=None)
    old = oldest is None or oldest + page.stale >= OLD
    text = page.age(oldest)
    if newest is not None and newest != oldest:
        text = f"{newest + page.stale:.1f}-{text}"
    line.append(f"{page.say('data')} {text} ", BAD if old else GOOD)


def _sites(page: _Page, room: int) -> Table:
    table = _table(page, "sites", page.columns(SITES), right=("arrival", "threats"))
    names = _site_names(page.shown)
    soonest: dict[str, AlertRow] = {}
    for alert in page.shown.alerts:
        soonest.setdefault(alert.site, alert)
    ordered = sorted(names, key=lambda n: (n not in soonest, soonest[n].arrival if n in soonest else 0))
    for name in ordered[:room]:
        _site(page, table, name, soonest.get(name))
    return _rest(page, table, len(names) - room)


def _site(page: _Page, table: Table, name: str, alert: AlertRow | None) -> None:
    threats = [t for t in page.shown.picture.threats if t.site == name and t.probability >= EXPECTED]
    if alert is not None:
        arrival = minutes(page.left(alert.arrival))
        interval = f"{minutes(page.left(alert.early))}-{minutes(page.left(alert.late))}"
        word, style = f"▲ {page.say('ALERT')}", BAD
    else:
        likely = min((t.arrival for t in threats), default=None)
        arrival, interval = "" if likely is None else minutes(likely), ""
        word, style = "", DIM
    cells: dict[str, Text | str] = {
        "name": name,
        "arrival": Text(arrival, HEAD),
        "interval": interval,
        "threats": str(len(threats)) if threats else "",
        "alert": _word(page, name, Text(word, style)),
    }
    table.add_row(*(_cell(cells[column]) for column in page.columns(SITES)))


def _word(page: _Page, name: str, alert: Text) -> Text:
    """Return the word of a site, with the cells that are not watched; an alert goes before it."""
    said = page.shown.words.get(name)
    if said is None or said.word == Word.ALERT:
        more = said is not None and said.blind and page.width >= WORDY
        return alert.append(f"  {page.say(Word.NOT_WATCHED)}", BAD) if more else alert
    good = said.word != Word.NOT_WATCHED and page.stale <= STALLED_AFTER  # else nobody works out anything
    first = page.say("watched" if good else Word.NOT_WATCHED if page.width >= WORDY else "blind")
    detail = page.say(said.word) if good else f"{first}: {short(said.blind, page.say)}" if said.blind else first
    few = f"{first}: {len(said.blind)}/{CELLS}" if said.blind else first
    fits = (text for text in (detail, few) if len(text) <= page.width - BESIDE)
    return Text(next(fits, first), BAD if not good else GOOD if said.word == Word.CLEAR else DIM)


def _site_names(shown: Published) -> list[str]:
    names = dict.fromkeys(site.name for site in shown.sites)
    names.update(dict.fromkeys(alert.site for alert in shown.alerts))
    return list(names)


def _tracks(page: _Page, room: int) -> Table:
    columns = page.columns(TRACKS)
    table = _table(page, "tracks", columns, right=("number", "height", "speed", "heading"))
    urgent = _urgency(page.shown)
    ordered = sorted(page.shown.tracks, key=lambda t: (urgent.get(t.number, math.inf), t.number))
    for track in ordered[:room]:
        cells = _track(page, track)
        table.add_row(*(_cell(cells[column]) for column in columns))
    return _rest(page, table, len(ordered) - room)


def _urgency(shown: Published) -> dict[int, float]:
    """Return track -> s to its next arrival; those that raised an alert come before all others."""
    alerted = {alert.track for alert in shown.alerts}
    found: dict[int, float] = {}
    for threat in shown.picture.threats:
        if threat.probability < EXPECTED:
            continue
        key = threat.arrival - (1e9 if threat.track in alerted else 0.0)
        found[threat.track] = min(key, found.get(threat.track, math.inf))
    for alert in shown.alerts:
        found.setdefault(alert.track, -1e9 + (alert.arrival - shown.picture.time) * 1e-9)
    return found


def _status(page: _Page, track: TrackRow) -> str:
    """Return the status of a track; of one of which only a region is known, that."""
    return page.say(track.status if track.kind == POINT else track.kind)


def _claimed(page: _Page, track: TrackRow) -> Text:
    """Return who a track says it is; that this cannot be true, or that nobody else sees it."""
    claimed = str(track.callsign or track.icao24 or "")
    if track.doubts:
        return Text(f"{claimed} {page.say('doubted')}".strip(), BAD)
    return Text(f"{claimed} {page.say('claimed_only')}".strip() if track.claimed_only else claimed)


def _class(page: _Page, track: TrackRow) -> str:
    """Return the likeliest class of a track, in per cent; nothing before it was judged."""
    if track.class_ is UNSET or track.probability is UNSET:
        return ""
    return f"{page.say(f'class {track.class_}')} {100 * track.probability:.0f} %"


def _track(page: _Page, track: TrackRow) -> dict[str, Text | str]:
    east, north, _ = track.velocity
    alerted = any(alert.track == track.number for alert in page.shown.alerts)
    return {
        "number": Text(f"{'▲ ' if alerted else ''}{track.number}", BAD if alerted else ""),
        "status": Text(_status(page, track), DIM if track.status == "coasting" else ""),
        "category": Text(page.say(track.category), CATEGORY.get(track.category, "")),
        "class": _class(page, track),
        "callsign": _claimed(page, track),
        "position": f"{track.latitude:.3f} {track.longitude:.3f}",
        "height": f"{track.height_m:.0f}",
        "speed": f"{math.hypot(east, north):.0f}",
        "heading": f"{round(math.degrees(math.atan2(east, north))) % 360:03d}°",
        "seen_by": ", ".join(track.sources),
    }


def _sources(page: _Page, room: int) -> Table:
    columns = page.columns(SOURCES)
    table = _table(page, "sources", columns, right=("received", "decoded", "recorded", "age"))
    ordered = sorted(page.shown.sources, key=_trouble)
    for source in ordered[:room]:
        cells = _source(page, source)
        table.add_row(*(_cell(cells[column]) for column in columns))
    return _rest(page, table, len(ordered) - room)


def _trouble(source: SourceRow) -> int:
    """Return the place of a source among others: what failed, then what works, then what never sent."""
    return 2 if source.state == NOTHING_YET else 1 if source.good else 0


def _source(page: _Page, source: SourceRow) -> dict[str, Text | str]:
    word, _, detail = source.state.partition(": ")
    known = page.say(detail) if word == USELESS else _known(page, detail)
    state = f"{page.say(word)}: {known}" if detail else page.say(word)
    if source.displaced:
        state += f" ({page.say('displaced').format(n=source.displaced)})"
    for end in page.shown.tls:
        if end.source == source.name and end.failed and word != WAITING:
            state += f" ({page.say('tls_failed').format(n=end.failed, fault=_known(page, end.fault or ''))})"
    if source.nodes:
        well = sum(node.good for node in source.nodes)
        state += f", {page.say('nodes').format(n=well, total=len(source.nodes))}"
    refused = sum(source.refused.values())
    worst = max(source.refused, key=lambda reason: source.refused[reason], default="")
    old = source.last_age_s is None or source.last_age_s + page.stale >= OLD
    return {
        "name": source.name,
        "state": Text(state, GOOD if source.good else BAD),
        "received": str(source.received),
        "decoded": str(source.decoded),
        "recorded": str(source.recorded),
        "refused": Text(f"{refused} {page.say(worst)}" if refused else "", "yellow"),
        "age": Text(page.age(source.last_age_s), BAD if old and source.state != FINISHED else ""),
    }


def _known(page: _Page, detail: str) -> str:
    """Return a detail with those parts in the page's language that have words; addresses stay."""
    for part in (QUIET, FAST, *FAULTS):
        detail = detail.replace(part, page.say(part))
    return detail


def _table(page: _Page, title: str, columns: list[str], right: tuple[str, ...]) -> Table:
    table = Table(
        title=page.say(title), title_style=HEAD, title_justify="left", box=None, expand=True, padding=(0, 1, 0, 0)
    )
    for column in columns:
        side: Literal["left", "right"] = "right" if column in right else "left"
        table.add_column(page.say(column), justify=side, no_wrap=True, overflow="ellipsis", header_style=DIM)
    return table


def _cell(content: Text | str) -> Text:
    """Return a cell that shows text as it is: no markup, no control codes. What targets claim comes through here."""
    text = content if isinstance(content, Text) else Text(content)
    return Text("".join(c if c.isprintable() else "?" for c in text.plain), style=text.style)


def _rest(page: _Page, table: Table, hidden: int) -> Table:
    if hidden > 0:
        table.title = f"{table.title} ({page.say('more').format(n=hidden)})"
    return table


def minutes(seconds: float) -> str:
    """Return a time span as mm:ss; what has passed is 00:00."""
    whole = max(0, round(seconds))
    return f"{whole // 60:02d}:{whole % 60:02d}"


def picture_svg(published: Published, path: Path | str, *, language: str = "en", width: int = 120) -> None:
    """Write a picture of the view, for documents."""
    console = Console(
        record=True, width=width, height=40, file=StringIO(), force_terminal=True, color_system="truecolor"
    )
    console.print(render(published, language, width, 40))
    console.save_svg(str(path), title="skywarden")


class View:
    """Draws the publisher's latest picture until it is stopped. fault: why it cannot; "": it can."""

    def __init__(self, publisher: Publisher, language: str, console: Console | None = None) -> None:
        self._publisher, self._language = publisher, language
        self._stop = threading.Event()
        self.fault = ""
        self._console = console or Console()
        self._thread = threading.Thread(target=self._run, name="view", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Leave the view; the terminal is as before."""
        self._stop.set()
        self._thread.join(2.0)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._draw()
            except Exception as fault:  # nobody would see that the view has ended: it tries again, and health says so
                self.fault = str(fault) or type(fault).__name__
                logger.exception("view_failed")
                self._stop.wait(AGAIN)

    def _draw(self) -> None:
        with Live(console=self._console, screen=True, auto_refresh=False) as live:
            while not self._stop.wait(PERIOD):
                size, stale = self._console.size, self._publisher.age()
                stale = stale if stale > PERIOD else 0.0
                live.update(
                    render(self._publisher.latest, self._language, size.width, size.height, stale), refresh=True
                )
                self.fault = ""
