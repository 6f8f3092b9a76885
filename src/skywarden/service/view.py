"""The live view in a terminal: what arrives where and when, what flies, and which sources can be trusted.

Everything that a colour says a word says too. `render` is pure; `Live` draws it twice a second.
"""

import logging
import math
import threading
from datetime import UTC, datetime
from io import StringIO
from itertools import chain
from pathlib import Path
from textwrap import wrap

from msgspec import UNSET
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from skywarden.model.assessment import Threat
from skywarden.service.notices import notices
from skywarden.service.publish import DEGRADED, NOT_RECORDED, OK, STALLED, STALLED_AFTER, Published, Publisher
from skywarden.service.rows import NOTHING_YET, POINT, USELESS, SourceRow, TrackRow
from skywarden.service.tls import FAULTS
from skywarden.service.view_page import BAD, DIM, GOOD, HEAD, NARROW, WIDE, Page, blank, cell, rest
from skywarden.service.view_reports import reports
from skywarden.service.view_sites import raids, site_names, sites
from skywarden.service.wire import FAST, FINISHED, QUIET
from skywarden.service.words import LANGUAGES

PERIOD = 0.5  # s between two drawings
AGAIN = 5.0  # s until it is tried again after a fault
OLD = 3.0  # s; data of that age are shown in red
EXPECTED = 0.2  # probability from which an arrival is worth a line
TRACKS = {
    "number": 0, "status": 70, "category": 0, "class": 84, "callsign": 62, "position": 52, "height": 0, "speed": 0,
    "heading": 70, "seen_by": WIDE,
}  # fmt: skip
SOURCES = {"name": 0, "state": 0, "received": 50, "decoded": WIDE, "recorded": 70, "refused": 62, "age": 0}
WAITING = "waiting"  # a client; its state says why
CATEGORY = {"suspect": "bold yellow", "hostile": BAD, "friend": "cyan", "assumed friend": "cyan", "neutral": GOOD}
STATE = {OK: GOOD, DEGRADED: "bold black on yellow", STALLED: "bold white on red"}
MODE = {"live": "bold white on dark_green", "sim": "bold black on yellow", "replay": "bold white on blue"}

logger = logging.getLogger(__name__)


def render(
    published: Published | None, language: str, width: int, height: int = 24, stale: float = 0.0
) -> RenderableType:
    """Return the view for a terminal of that size. language: "en" or "uk"; stale: s since it was published."""
    words = LANGUAGES[language]
    if published is None:
        return Text(f"skywarden  {words['no_data']}", style=HEAD)
    page = Page(published, _expected(published), words, width, stale)
    told = _notices(page, max(1, min(height // 4, height - 10)))
    room = height - 1 - len(told) - 3 * 2  # the header line; a title and a heading for each table
    sources = published.sources
    shown_sites = min(len(site_names(published)), max(1, room // 3))
    coming = raids(page, max(1, room // 5))
    coming += reports(page)
    room -= len(coming)
    left = room - shown_sites - max(1, len(published.tracks))  # what sites and tracks do not need
    shown_sources = min(len(sources), max(1, room // 3, left))
    tracks = max(1, room - shown_sites - shown_sources)
    parts: list[RenderableType] = [
        sites(page, shown_sites),
        *coming,
        _tracks(page, tracks),
        _sources(page, shown_sources),
    ]
    return Group(_header(page), *told, *parts)


def _header(page: Page) -> Text:
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


def _notices(page: Page, room: int) -> list[Text]:
    """Return what must be known in `room` lines; each notice gets its share of them."""
    told = list(notices(page.shown, page.words))
    share = max(1, room // max(1, len(told)))
    lines = [line for one in told for line in wrap(one, page.width, max_lines=share, placeholder=" …")]
    return [cell(Text(line, BAD)) for line in lines[:room]]


def _data_age(page: Page, line: Text) -> None:
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


def _tracks(page: Page, room: int) -> Table:
    columns = page.columns(TRACKS)
    table = blank(page, "tracks", columns, right=("number", "height", "speed", "heading"))
    urgent = _urgency(page)
    ordered = sorted(page.shown.tracks, key=lambda t: (urgent.get(t.number, math.inf), t.number))
    for track in ordered[:room]:
        cells = _track(page, track)
        table.add_row(*(cell(cells[column]) for column in columns))
    return rest(page, table, len(ordered) - room)


def _expected(shown: Published) -> dict[str, list[Threat]]:
    """Return the arrivals worth a line by site, as they are at the picture's time."""
    found: dict[str, list[Threat]] = {}
    for threat in shown.picture.threats.at(shown.picture.time, EXPECTED):
        found.setdefault(threat.site, []).append(threat)
    return found


def _urgency(page: Page) -> dict[int, float]:
    """Return track -> s to its next arrival; those that raised an alert come before all others."""
    shown = page.shown
    alerted = {alert.track for alert in shown.alerts}
    found: dict[int, float] = {}
    for threat in chain.from_iterable(page.expected.values()):
        key = threat.arrival - (1e9 if threat.track in alerted else 0.0)
        found[threat.track] = min(key, found.get(threat.track, math.inf))
    for alert in shown.alerts:
        found.setdefault(alert.track, -1e9 + (alert.arrival - shown.picture.time) * 1e-9)
    return found


def _status(page: Page, track: TrackRow) -> str:
    """Return the status of a track; of one of which only a region is known, that."""
    return page.say(track.status if track.kind == POINT else track.kind)


def _claimed(page: Page, track: TrackRow) -> Text:
    """Return who a track says it is; that this cannot be true, or that nobody else sees it."""
    claimed = str(track.callsign or track.icao24 or "")
    if track.doubts:
        return Text(f"{claimed} {page.say('doubted')}".strip(), BAD)
    return Text(f"{claimed} {page.say('claimed_only')}".strip() if track.claimed_only else claimed)


def _class(page: Page, track: TrackRow) -> str:
    """Return the likeliest class of a track, in per cent; nothing before it was judged."""
    if track.class_ is UNSET or track.probability is UNSET:
        return ""
    return f"{page.say(f'class {track.class_}')} {100 * track.probability:.0f} %"


def _track(page: Page, track: TrackRow) -> dict[str, Text | str]:
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


def _sources(page: Page, room: int) -> Table:
    columns = page.columns(SOURCES)
    table = blank(page, "sources", columns, right=("received", "decoded", "recorded", "age"))
    ordered = sorted(page.shown.sources, key=_trouble)
    for source in ordered[:room]:
        cells = _source(page, source)
        table.add_row(*(cell(cells[column]) for column in columns))
    return rest(page, table, len(ordered) - room)


def _trouble(source: SourceRow) -> int:
    """Return the place of a source among others: what failed, then what works, then what never sent."""
    return 2 if source.state == NOTHING_YET else 1 if source.good else 0


def _source(page: Page, source: SourceRow) -> dict[str, Text | str]:
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


def _known(page: Page, detail: str) -> str:
    """Return a detail with those parts in the page's language that have words; addresses stay."""
    for part in (QUIET, FAST, *FAULTS):
        detail = detail.replace(part, page.say(part))
    return detail


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
