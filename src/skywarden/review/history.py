"""What is recorded of one track: when it was shown and lost, what was warned and told of it, and what people did."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from skywarden.model.act import Acknowledge, Categorise, Shelve, Uncategorise, Unshelve
from skywarden.model.deed import Acted, CategoryEnded, Cued, CueEnded, Decided, Escalated, Taken
from skywarden.model.event import (
    AlertCleared,
    AlertRaised,
    AlertUpdated,
    Announced,
    Entry,
    Event,
    LevelChanged,
    TrackCoasting,
    TrackConfirmed,
    TrackDropped,
)
from skywarden.record.reading import SqliteRecord
from skywarden.review.find import Tell, read

EVENTS = (
    TrackConfirmed, TrackCoasting, TrackDropped, AlertRaised, AlertUpdated, AlertCleared, LevelChanged, Announced,
    Escalated, Acted, Decided, Taken, CategoryEnded, Cued, CueEnded,
)  # fmt: skip
KINDS = tuple(kind.__name__ for kind in EVENTS)


class Step(NamedTuple):
    """One thing that happened. time: ns. what: key of its words; said: what they are filled with."""

    time: int
    what: str
    said: dict[str, str]


def history(record: SqliteRecord, track: int, site: str, tell: Tell) -> list[Step]:
    """Return what is recorded of a track in its order. site: of the alert that is looked at; "": all sites."""
    found = _Found(track, site)
    for entry in record.of_kinds(KINDS):
        tell(entry.seq)
        found.take(entry, read(entry))
    return found.steps


class _Found:
    """Goes through the record's events. standing: sites that have an alert for the track now."""

    def __init__(self, track: int, site: str) -> None:
        self.track, self.site = track, site
        self.steps: list[Step] = []
        self.standing: set[str] = set()
        self.raids: set[tuple[str, int]] = set()
        self.cues: set[int] = set()
        self.asked: dict[int, Step] = {}

    def take(self, entry: Entry, event: Event) -> None:
        """Take one event in."""
        taker = _TAKERS.get(type(event))
        if taker is not None:
            taker(self, entry, event)

    def add(self, time: int, what: str, **said: object) -> None:
        self.steps.append(Step(time, what, {name: str(value) for name, value in said.items()}))

    def concerns(self, site: str) -> bool:
        """Say whether a site has an alert for the track now, and is looked at."""
        return site in self.standing


def _life(found: _Found, entry: Entry, event: Any) -> None:
    if event.number == found.track:
        found.add(
            event.time, _LIFE[type(event)], reason=getattr(event, "reason", ""), label=getattr(event, "label", "")
        )


def _alert(found: _Found, entry: Entry, event: Any) -> None:
    alert = event.alert
    if alert.track == found.track and found.site in ("", alert.site):
        found.standing.add(alert.site)
        what = "raised" if isinstance(event, AlertRaised) else "updated"
        percent = f"{100 * alert.probability:.0f}"
        found.add(entry.time, what, site=alert.site, arrival=alert.arrival, percent=percent)


def _cleared(found: _Found, entry: Entry, event: AlertCleared) -> None:
    if event.track == found.track and found.site in ("", event.site):
        found.standing.discard(event.site)
        found.add(event.time, "cleared", site=event.site, reason=event.reason)


def _level(found: _Found, entry: Entry, event: LevelChanged) -> None:
    if found.concerns(event.site):
        found.add(event.time, "level", site=event.site, level=event.level.word)


def _announced(found: _Found, entry: Entry, event: Announced) -> None:
    if any(found.concerns(news.heading.site) for news in event.news):
        found.raids.add((event.position, event.raid))
        what = "announced" if event.aloud else "listed"
        found.add(event.time, what, position=event.position, raid=event.raid)


def _escalated(found: _Found, entry: Entry, event: Escalated) -> None:
    if (event.position, event.raid) in found.raids:
        found.add(event.time, "escalated", position=event.position, to=event.to)


def _acted(found: _Found, entry: Entry, event: Acted) -> None:
    act, who = event.act, event.person.name
    said: dict[str, object] = {"who": who}
    match act:
        case Categorise(track=found.track):
            what, said = "categorised", said | {"category": act.category, "reason": act.reason}
        case Uncategorise(track=found.track):
            what, said = "uncategorised", said | {"reason": act.reason}
        case Acknowledge() if (act.position, act.raid) in found.raids:
            what, said = "acknowledged", said | {"position": act.position, "raid": act.raid}
        case Shelve() | Unshelve() if found.concerns(act.site):
            what = "shelved" if isinstance(act, Shelve) else "unshelved"
            group = {"position": act.position, "site": act.site, "kind": act.kind, "way": act.direction}
            said = said | group | {"reason": getattr(act, "reason", "")}
        case _:
            return
    found.add(event.time, what, **said)
    found.asked[entry.seq] = found.steps[-1]


def _decided(found: _Found, entry: Entry, event: Decided) -> None:
    if event.hand_over.shown.track == found.track:
        found.add(event.time, "handed", who=event.person.name, partner=event.hand_over.partner)
        found.asked[entry.seq] = found.steps[-1]


def _taken(found: _Found, entry: Entry, event: Taken) -> None:
    step = found.asked.pop(entry.cause, None)
    if step is not None:
        step.said["refused"] = event.refused


def _ended(found: _Found, entry: Entry, event: CategoryEnded) -> None:
    if event.track == found.track:
        found.add(event.time, "category-ended")


def _cued(found: _Found, entry: Entry, event: Cued) -> None:
    if event.cue.track == found.track:
        found.cues.add(event.number)


def _cue_ended(found: _Found, entry: Entry, event: CueEnded) -> None:
    if event.number in found.cues:
        found.add(event.time, "cue-ended", partner=event.partner, reason=event.reason)


_LIFE: Mapping[type, str] = {TrackConfirmed: "confirmed", TrackCoasting: "coasting", TrackDropped: "dropped"}
_TAKERS: Mapping[type, Callable[[_Found, Entry, Any], None]] = {
    TrackConfirmed: _life,
    TrackCoasting: _life,
    TrackDropped: _life,
    AlertRaised: _alert,
    AlertUpdated: _alert,
    AlertCleared: _cleared,
    LevelChanged: _level,
    Announced: _announced,
    Escalated: _escalated,
    Acted: _acted,
    Decided: _decided,
    Taken: _taken,
    CategoryEnded: _ended,
    Cued: _cued,
    CueEnded: _cue_ended,
}
