"""A shift as headings and tables of words, for the terminal and the page alike."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from skywarden.model.raid import Heading, Level
from skywarden.review.lists import Some
from skywarden.review.shift import Announcement, Done, Happened, Shift
from skywarden.review.shift_words import SHIFT
from skywarden.review.words import Say, clock, moment, of
from skywarden.watch import short

MOST = 40  # rows of a table
FEW = 6  # names in one cell
DAY = 86_400_000_000_000  # ns

Rows = Sequence[tuple[str, ...]]


class Section(NamedTuple):
    """One table. head: of its columns. left: what is said of rows that are not shown, "" all are."""

    title: str
    head: tuple[str, ...]
    rows: Rows
    left: str = ""


class Page(NamedTuple):
    """All of it. standing, happened: tables; notes: lines below the title."""

    title: str
    notes: list[str]
    standing: list[Section]
    happened: list[Section]


def page(found: Shift, record: str, language: str) -> Page:
    """Return a shift in words. record: its name, as people know it."""
    words = Words(found, of(SHIFT, language))
    say = words.say
    modes = dict.fromkeys([*found.modes, *([str(found.standing.mode)] if found.standing.mode else [])])
    notes = [say("span", begin=moment(found.begin), end=moment(found.end))]
    notes.append(say("mode", mode=", ".join(map(say, modes))) if modes else say("no-mode"))
    notes.append(say("made-from", record=record))
    if not found.known:
        notes.append(say("unknown"))
    return Page(say("title"), notes, _standing(words), _happened(words))


class Words:
    """Says what is in a shift."""

    def __init__(self, found: Shift, say: Say) -> None:
        self.found = found
        self.say = say

    def time(self, time: int) -> str:
        """Return a time, with its date where it is half a day or more from the end of the span."""
        if not time:
            return "-"
        return clock(time) if abs(self.found.end - time) < DAY // 2 else moment(time)

    def position(self, name: object) -> str:
        return str(name) or self.say("all")

    def level(self, level: Level) -> str:
        return self.say(f"level {level.word}")

    def group(self, kind: object, way: str) -> str:
        """Return a kind and a direction: "drones from W"."""
        where = self.say("direction_from", way=self.say(f"way {way}")) if way else ""
        return f"{self.say(f'kind {kind}')} {where}".rstrip()

    def heading(self, one: Heading) -> str:
        return f"{one.site}: {self.group(one.kind, one.word)}"

    def blind(self, cells: Iterable[str]) -> str:
        told = short(cells, self.say)
        return self.say("blind", blind=told) if told else self.say("not-looked")

    def section(self, key: str, head: Sequence[str], rows: Rows) -> Section:
        """Return a table; of a long one the first rows."""
        left = self.say("more-rows", n=len(rows) - MOST) if len(rows) > MOST else ""
        return Section(self.say(key), tuple(map(self.say, head)), rows[:MOST], left)

    def newest(self, key: str, head: Sequence[str], some: Some[Any], row: Callable[[Any], tuple[str, ...]]) -> Section:
        """Return a table of things in the order of time; of a long one the last rows."""
        rows = [row(one) for one in some][-MOST:]
        left = self.say("left-out", n=some.count - len(rows)) if some.count > len(rows) else ""
        return Section(self.say(key), tuple(map(self.say, head)), rows, left)


def _standing(words: Words) -> list[Section]:
    now, say, time, position = words.found.standing, words.say, words.time, words.position
    blind = [
        (site, time(cell.since), words.blind(cell.blind))
        for site, cell in sorted(now.watched.items())
        if not cell.watched
    ]
    waiting = [(position(w.position), str(w.raid), time(w.since), time(w.last), w.to) for w in now.waiting.values()]
    shelves = [
        (position(s.position), words.heading(s.heading), time(s.until), s.by, s.reason) for s in now.shelves.values()
    ]
    said = [(str(s.track), say(s.category), s.by, time(s.at), s.reason) for s in now.said.values()]
    feeds = [(f.partner, f.by, time(f.at), time(f.until), f.purpose) for f in now.feeds.values()]
    handed = [(h.partner, str(h.track), h.by, time(h.at), time(h.until)) for h in now.handed.values()]
    wrong = sorted([*now.faults.items(), *now.quarantined.items()])
    faults = [(name, _fault(say, what), time(since)) for name, (what, since) in wrong]
    return [
        words.section("h-alerts", ("site", "level", "tracks", "arrival"), _alerts(words)),
        words.section("h-waiting", ("position", "raid", "since", "last", "told"), waiting),
        words.section("h-unwatched", ("site", "since", "from-where"), blind),
        words.section("h-shelves", ("position", "group", "until", "by", "reason"), shelves),
        words.section("h-said", ("track", "category", "by", "since", "reason"), said),
        words.section("h-feeds", ("partner", "by", "since", "until", "purpose"), feeds),
        words.section("h-handed", ("partner", "track", "by", "since", "until"), handed),
        words.section("h-faults-now", ("sensor", "fault", "since"), faults),
    ]


def _alerts(words: Words) -> Rows:
    now = words.found.standing
    of_site: dict[str, list[tuple[int, int]]] = {}
    for alert in now.alerts.values():
        of_site.setdefault(alert.site, []).append((alert.arrival, alert.track))
    rows = []
    for site, coming in sorted(of_site.items(), key=lambda pair: min(pair[1])):
        tracks = [str(track) for _, track in sorted(coming)]
        level = words.level(now.levels.get(site, Level.WARN))
        rows.append((site, level, _few(tracks, words.say), words.time(min(coming)[0])))
    return rows


def _few(names: Sequence[str], say: Say) -> str:
    more = f", {say('more', n=len(names) - FEW)}" if len(names) > FEW else ""
    return ", ".join(names[:FEW]) + more


def _happened(words: Words) -> list[Section]:
    found = words.found
    event = words.time
    raids = [
        (
            words.position(raid.position),
            str(raid.number),
            f"{event(raid.first)} - {event(raid.last)}",
            _few(list(raid.sites), words.say),
            _few([words.say(f"kind {kind}") for kind in raid.kinds], words.say),
            words.level(raid.level),
            f"{raid.aloud} / {raid.listed}",
            event(raid.ended) if raid.ended else words.say("on"),
        )
        for raid in sorted(found.raids.values(), key=lambda raid: (raid.first, raid.position))
    ]
    refused: dict[str, list[tuple[int, str]]] = {}
    for (source, reason), count in found.refused.items():
        refused.setdefault(source, []).append((-count, reason))
    return [
        words.section("h-raids", ("position", "raid", "time", "sites", "kinds", "worst", "aloud", "ended"), raids),
        words.section("h-sites", ("site", "raised", "cleared", "standing", "first", "last", "worst"), _sites(words)),
        words.newest("h-announced", ("time", "position", "raid", "news", "answer"), found.announced, _announced(words)),
        words.newest("h-escalations", ("time", "what"), found.escalations, _happening(words)),
        words.newest("h-acts", ("time", "who", "what", "outcome"), found.acts, _done(words)),
        words.newest("h-watch", ("time", "what"), found.unwatched, _happening(words)),
        words.newest("h-faults", ("time", "what"), found.faults, _happening(words)),
        words.newest("h-record", ("time", "what"), found.record, _happening(words)),
        words.section("h-refused", ("source", "count", "reasons"), [_source(words, *one) for one in refused.items()]),
    ]


def _sites(words: Words) -> Rows:
    standing: dict[str, int] = {}
    for site, _ in words.found.standing.alerts:
        standing[site] = standing.get(site, 0) + 1
    return [
        (
            name,
            str(one.raised),
            str(one.cleared),
            str(standing.get(name, 0)),
            words.time(one.first),
            words.time(one.last),
            words.level(max(one.level, Level.WARN if one.raised else Level.QUIET)),
        )
        for name, one in sorted(words.found.sites.items())
    ]


def _source(words: Words, name: str, reasons: list[tuple[int, str]]) -> tuple[str, ...]:
    said = [f"{words.say(reason)} {-count}" for count, reason in sorted(reasons)]
    return name, str(-sum(count for count, _ in reasons)), _few(said, words.say)


def _announced(words: Words) -> Callable[[Announcement], tuple[str, ...]]:
    say = words.say

    def row(one: Announcement) -> tuple[str, ...]:
        items = [
            say(
                "item",
                site=new.heading.site,
                count=new.tracks,
                kind=say(f"kind {new.heading.kind}"),
                way=say("direction_from", way=say(f"way {new.heading.word}")) if new.heading.word else "",
                level=words.level(new.level),
            ).replace(" ,", ",")
            for new in one.news
        ]
        answer = say("not-acknowledged")
        if one.acknowledged:
            after = f"{(one.acknowledged - one.time) * 1e-9:.0f}"
            answer = say("acknowledged-by", time=words.time(one.acknowledged), who=one.who, s=after)
        if one.escalated:
            answer += f"; {say('and-told', to=one.to, time=words.time(one.escalated))}"
        return words.time(one.time), words.position(one.position), str(one.raid), "; ".join(items), answer

    return row


def _said(words: Words, said: dict[str, object]) -> dict[str, object]:
    """Return what fills a row's words, each in its own words."""
    say = words.say
    shown: dict[str, Callable[[Any], str]] = {
        "position": words.position,
        "kind": lambda kind: say(f"kind {kind}"),
        "direction": lambda way: say("direction_from", way=say(f"way {way}")) if way else "",
        "category": say,
        "mode": say,
        "until": words.time,
        "since": words.time,
        "down": lambda s: f"{s:.0f}",
        "step": lambda s: f"{s:+.3f}",
        "blind": words.blind,
        "fault": lambda what: _fault(say, what),
        "reasons": "; ".join,
    }
    return {name: shown[name](value) if name in shown else value for name, value in said.items()}


def _fault(say: Say, what: str) -> str:
    key = f"fault {what}"
    return say(key) if key in SHIFT else what


def _happening(words: Words) -> Callable[[Happened], tuple[str, ...]]:
    def row(one: Happened) -> tuple[str, ...]:
        what = "fault-row" if one.what == "fault" else one.what
        return words.time(one.time), words.say(what, _="", **_said(words, one.said))

    return row


def _done(words: Words) -> Callable[[Done], tuple[str, ...]]:
    say = words.say

    def row(one: Done) -> tuple[str, ...]:
        if not one.who:
            outcome = ""
        elif one.refused is None:
            outcome = say("not-known")
        else:
            outcome = say("was-refused", reason=one.refused) if one.refused else say("taken")
        who = f"{one.who} ({say(f'role {one.role}')})" if one.who else say("by-itself")
        what = say(one.what, _="", **_said(words, one.said)).replace("  ", " ")
        return words.time(one.time), who, what, outcome

    return row
