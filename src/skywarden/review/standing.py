"""What stands at a moment, kept up by a record's events: alerts, shelves, words, feeds, hand-overs, what is watched."""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from skywarden.config import recalled
from skywarden.errors import ConfigError
from skywarden.model.assessment import Alert
from skywarden.model.event import SiteWatched, Started
from skywarden.model.held import Feed, Said, Shelf
from skywarden.model.raid import Heading, Level
from skywarden.model.track import Mode, Picture
from skywarden.model.trust import Word
from skywarden.watch import clear


class Cell(NamedTuple):
    """Whether a site is watched. since: ns, of that word. blind: cells that are not."""

    watched: bool
    since: int
    blind: tuple[str, ...]


class Handed(NamedTuple):
    """A hand-over that stands. at, until: ns."""

    number: int
    partner: str
    track: int
    by: str
    at: int
    until: int


class Waits(NamedTuple):
    """What was announced at a position and nobody has acknowledged. since, last: ns. to: who was told besides."""

    position: str
    raid: int
    since: int
    last: int
    to: str = ""


@dataclass
class Standing:
    """All of it at one moment. levels: of sites, those that are not quiet. faults, quarantined: sensor -> what, since

    when, ns.
    """

    mode: Mode | None = None
    alerts: dict[tuple[str, int], Alert] = field(default_factory=dict)
    levels: dict[str, Level] = field(default_factory=dict)
    shelves: dict[tuple[str, Heading], Shelf] = field(default_factory=dict)
    said: dict[int, Said] = field(default_factory=dict)
    feeds: dict[str, Feed] = field(default_factory=dict)
    handed: dict[int, Handed] = field(default_factory=dict)
    waiting: dict[str, Waits] = field(default_factory=dict)
    watched: dict[str, Cell] = field(default_factory=dict)
    faults: dict[str, tuple[str, int]] = field(default_factory=dict)
    quarantined: dict[str, tuple[str, int]] = field(default_factory=dict)

    def resume(self, picture: Picture) -> None:
        """Take over what a recorded state says stands: at a record's beginning, or after a hole of it."""
        held, time = picture.held, picture.time
        self.mode = picture.mode
        self.alerts = {(one.site, one.track): one for one in picture.alerts}
        self.levels = {one.site: one.level for one in picture.raids.sites if one.level is not Level.QUIET}
        self.shelves = {(one.position, one.heading): one for one in held.shelves}
        self.said = {one.track: one for one in held.said}
        self.feeds = {one.partner: one for one in held.feeds}
        standing = picture.handovers.standing
        self.handed = {h.number: Handed(h.number, h.partner, h.track, h.by, h.at, h.until) for h in standing}
        self.waiting = {w.position: Waits(w.position, w.raid, w.since, w.last, w.to) for w in held.waiting}
        faults = {one.sensor: one.fault for one in picture.chains.registered.standing if one.fault}
        self.faults = {name: (what, self.faults.get(name, ("", time))[1]) for name, what in faults.items()}
        self.quarantined = {
            one.name: ("quarantine", one.since) for one in picture.trust.standing if one.word is Word.QUARANTINED
        }
        for site in picture.watch.posts.sites:
            blind = clear(site, (), (), picture.watch).blind
            self.watch(SiteWatched(time, site, not blind, blind))

    def start(self, event: Started) -> None:
        """Take new settings: no site is watched until that has been worked out anew."""
        self.mode = event.mode
        with suppress(ConfigError):  # of another version: its sites are told by their events
            names = [site.name for site in recalled(event.resolved, event.settings).sites]
            before = self.watched
            fresh = Cell(False, event.time, ())
            self.watched = {n: before[n] if n in before and not before[n].watched else fresh for n in names}

    def watch(self, event: SiteWatched) -> None:
        """Take what is watched of a site. Other cells that are blind do not make it longer or shorter not watched."""
        before = self.watched.get(event.site)
        same = before is not None and before.watched == event.watched
        since = before.since if same and before is not None else event.time
        self.watched[event.site] = Cell(event.watched, since, event.blind)
