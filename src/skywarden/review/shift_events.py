"""What each event of a record does to a shift: one function for each kind."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import msgspec

from skywarden.model import act as acts
from skywarden.model.deed import (
    Acted,
    CategoryEnded,
    Cued,
    CueEnded,
    Decided,
    Delivered,
    Escalated,
    FeedEnded,
    SensorTrust,
    ShelfEnded,
    Suspended,
    Taken,
)
from skywarden.model.event import (
    AlertCleared,
    AlertRaised,
    AlertUpdated,
    Announced,
    ClockStepped,
    Entry,
    Event,
    Failed,
    LevelChanged,
    Lost,
    RaidEnded,
    Refused,
    SensorFault,
    SiteWatched,
    Started,
)
from skywarden.model.held import Feed, Said, Shelf
from skywarden.model.place import SECTORS
from skywarden.model.raid import NOWHERE, Heading, Level
from skywarden.model.trust import Word
from skywarden.pipeline import UNREADABLE, Line
from skywarden.review.shift import Announcement, Done, Happened, New, Raid, Shift, SiteSum
from skywarden.review.standing import Handed, Waits


def take(shift: Shift, entry: Entry, event: Event, time: int) -> None:
    """Take one event in. time: ns, of the event."""
    _TAKERS[type(event)](shift, entry, event, time)


def _started(shift: Shift, entry: Entry, event: Started, time: int) -> None:
    shift.standing.start(event)
    if shift.within(time):
        shift.modes[str(event.mode)] = None


def _raised(shift: Shift, entry: Entry, event: Any, time: int) -> None:
    alert = event.alert
    shift.standing.alerts[alert.site, alert.track] = alert
    if isinstance(event, AlertRaised) and shift.within(time):
        site = shift.sites.setdefault(alert.site, SiteSum())
        site.raised += 1
        site.first = site.first or time
        site.last = time


def _cleared(shift: Shift, entry: Entry, event: AlertCleared, time: int) -> None:
    shift.standing.alerts.pop((event.site, event.track), None)
    if shift.within(time):
        shift.sites.setdefault(event.site, SiteSum()).cleared += 1


def _level(shift: Shift, entry: Entry, event: LevelChanged, time: int) -> None:
    shift.standing.levels.pop(event.site, None)
    if event.level is not Level.QUIET:
        shift.standing.levels[event.site] = event.level
    if shift.within(time):
        site = shift.sites.setdefault(event.site, SiteSum())
        site.level = max(site.level, event.level)


def _announced(shift: Shift, entry: Entry, event: Announced, time: int) -> None:
    key = event.position, event.raid
    raid = shift.raids.setdefault(key, Raid(*key, time, time))
    raid.last = time
    raid.aloud += event.aloud
    raid.listed += not event.aloud
    for news in event.news:
        raid.level = max(raid.level, news.level)
        raid.sites[news.heading.site] = raid.kinds[str(news.heading.kind)] = None
    if not event.aloud:
        return
    waits = shift.standing.waiting.get(event.position)
    since = waits.since if waits is not None and waits.raid == event.raid else time
    shift.standing.waiting[event.position] = Waits(event.position, event.raid, since, time)
    if shift.within(time):
        new = tuple(New(one.heading, one.level, one.tracks) for one in event.news)
        shift.announced.add(Announcement(time, event.position, event.raid, new))


def _raid_ended(shift: Shift, entry: Entry, event: RaidEnded, time: int) -> None:
    waits = shift.standing.waiting.get(event.position)
    if waits is not None and waits.raid == event.raid:
        del shift.standing.waiting[event.position]
    raid = shift.raids.get((event.position, event.raid))
    if raid is not None:
        raid.ended = time
        if time < shift.begin:
            del shift.raids[event.position, event.raid]


def _escalated(shift: Shift, entry: Entry, event: Escalated, time: int) -> None:
    waits = shift.standing.waiting.get(event.position)
    if waits is not None and waits.raid == event.raid:
        shift.standing.waiting[event.position] = waits._replace(to=event.to)
    for one in shift.announced:
        if (one.position, one.raid) == (event.position, event.raid) and not one.acknowledged and not one.escalated:
            one.escalated, one.to = time, event.to
    if shift.within(time):
        said = {"position": event.position, "raid": event.raid, "to": event.to}
        shift.escalations.add(Happened(time, "escalated", said))


def _did(shift: Shift, time: int, what: str, person: acts.Person | None, **said: object) -> Done:
    who, role = (person.name, person.role.word) if person is not None else ("", "")
    done = Done(time, who, role, what, said, None if person is not None else "")
    return shift.acts.add(done) if shift.within(time) else done


def _acted(shift: Shift, entry: Entry, event: Acted, time: int) -> None:
    act = event.act
    what = _WORDS[type(act)]
    said = {name: value for name, value in msgspec.structs.asdict(act).items() if name not in ("label", "seen")}
    shift.asked[entry.seq] = _did(shift, time, what, event.person, **said), event


def _decided(shift: Shift, entry: Entry, event: Decided, time: int) -> None:
    said = {"partner": event.hand_over.partner, "track": event.hand_over.shown.track}
    shift.asked[entry.seq] = _did(shift, time, "handed", event.person, **said), event


def _taken(shift: Shift, entry: Entry, event: Taken, time: int) -> None:
    done, asked = shift.asked.pop(entry.cause, (None, None))
    if done is not None:
        done.refused = event.refused
    if isinstance(asked, Acted) and not event.refused:
        _HOLDS[type(asked.act)](shift, asked, asked.act, time)


def _acknowledge(shift: Shift, event: Acted, act: acts.Acknowledge, time: int) -> None:
    waits = shift.standing.waiting.get(act.position)
    if waits is not None and waits.raid == act.raid:
        del shift.standing.waiting[act.position]
    for one in shift.announced:
        if (one.position, one.raid) == (act.position, act.raid) and not one.acknowledged:
            one.acknowledged, one.who = event.time, event.person.name


def _shelve(shift: Shift, event: Acted, act: acts.Shelve, time: int) -> None:
    heading = _heading(act)
    shelf = Shelf(act.position, heading, act.until, act.reason.strip(), event.person.name, time)
    shift.standing.shelves[act.position, heading] = shelf


def _unshelve(shift: Shift, event: Acted, act: acts.Unshelve, time: int) -> None:
    shift.standing.shelves.pop((act.position, _heading(act)), None)


def _categorise(shift: Shift, event: Acted, act: acts.Categorise, time: int) -> None:
    said = Said(act.track, act.category, act.reason.strip(), event.person.name, time)
    shift.standing.said[act.track] = said


def _uncategorise(shift: Shift, event: Acted, act: acts.Uncategorise, time: int) -> None:
    shift.standing.said.pop(act.track, None)


def _allow(shift: Shift, event: Acted, act: acts.AllowFeed, time: int) -> None:
    shift.standing.feeds[act.partner] = Feed(act.partner, act.purpose.strip(), act.until, event.person.name, time)


def _end_feed(shift: Shift, event: Acted, act: acts.EndFeed, time: int) -> None:
    shift.standing.feeds.pop(act.partner, None)


def _nothing_held(shift: Shift, event: Acted, act: acts.Act, time: int) -> None:
    """It ends with its group, or by itself, and is told when it was done."""


def _delivered(shift: Shift, entry: Entry, event: Delivered, time: int) -> None:
    if event.state not in ("sent", "superseded") and shift.within(time):
        said: dict[str, object] = {"recipient": event.recipient, "state": event.state, "reason": event.reason}
        shift.record.add(Happened(time, "not-delivered", said))


def _heading(act: acts.Shelve | acts.Unshelve) -> Heading:
    return Heading(act.site, act.kind, SECTORS.index(act.direction) if act.direction in SECTORS else NOWHERE)


def _shelf_ended(shift: Shift, entry: Entry, event: ShelfEnded, time: int) -> None:
    shift.standing.shelves.pop((event.position, event.heading), None)
    site, kind, way = event.heading.site, event.heading.kind, event.heading.word
    _did(shift, time, "shelf-ended", None, position=event.position, site=site, kind=kind, direction=way)


def _category_ended(shift: Shift, entry: Entry, event: CategoryEnded, time: int) -> None:
    shift.standing.said.pop(event.track, None)
    _did(shift, time, "category-ended", None, track=event.track)


def _feed_ended(shift: Shift, entry: Entry, event: FeedEnded, time: int) -> None:
    shift.standing.feeds.pop(event.partner, None)
    _did(shift, time, "feed-ended", None, partner=event.partner)


def _cued(shift: Shift, entry: Entry, event: Cued, time: int) -> None:
    known = shift.standing.handed.get(event.number)
    at = time if known is None else known.at
    handed = Handed(event.number, event.partner, event.cue.track, event.by, at, event.until)
    shift.standing.handed[event.number] = handed


def _cue_ended(shift: Shift, entry: Entry, event: CueEnded, time: int) -> None:
    known = shift.standing.handed.pop(event.number, None)
    track = "?" if known is None else known.track
    _did(shift, time, "cue-ended", None, partner=event.partner, track=track, reason=event.reason)


def _watched(shift: Shift, entry: Entry, event: SiteWatched, time: int) -> None:
    before = shift.standing.watched.get(event.site)
    shift.standing.watch(event)
    changed = before is None or before.watched != event.watched
    if changed and shift.within(time):
        what = "watched" if event.watched else "not-watched"
        shift.unwatched.add(Happened(time, what, {"site": event.site, "blind": event.blind}))


def _fault(shift: Shift, entry: Entry, event: SensorFault, time: int) -> None:
    shift.standing.faults.pop(event.sensor, None)
    if event.fault:
        shift.standing.faults[event.sensor] = event.fault, time
    if shift.within(time):
        said: dict[str, object] = {"sensor": event.sensor, "fault": event.fault}
        shift.faults.add(Happened(time, "fault" if event.fault else "fault-over", said))


def _trust(shift: Shift, entry: Entry, event: SensorTrust, time: int) -> None:
    """Quarantine stands with what is wrong with sensors, and is told when it begins and ends."""
    before = shift.standing.quarantined.pop(event.sensor, None)
    began = event.word is Word.QUARANTINED
    if began:
        shift.standing.quarantined[event.sensor] = "quarantine", time if before is None else before[1]
    if shift.within(time) and (before is not None or began):
        reasons = (event.by, *event.reasons) if event.by else event.reasons
        said: dict[str, object] = {"sensor": event.sensor, "reasons": reasons}
        shift.faults.add(Happened(time, "quarantine" if began else "quarantine-over", said))


def _refused(shift: Shift, entry: Entry, event: Refused, time: int) -> None:
    if shift.within(time):
        shift.refused[event.source, event.reason] += event.count


def _lost(shift: Shift, entry: Entry, event: Lost, time: int) -> None:
    with suppress(*UNREADABLE):
        picture = Line.restore(event.state).picture
        if picture is not None:
            shift.standing.resume(picture)
    if shift.within(time):
        said: dict[str, object] = {"since": event.since, "entries": event.entries}
        shift.record.add(Happened(time, "hole", said | {"messages": sum(event.messages.values())}))


def _clock(shift: Shift, entry: Entry, event: ClockStepped, time: int) -> None:
    if shift.within(time):
        shift.record.add(Happened(time, "clock", {"step": event.step * 1e-9}))


def _failed(shift: Shift, entry: Entry, event: Failed, time: int) -> None:
    if shift.within(time):
        shift.record.add(Happened(time, "failed", {"error": event.error}))


def _suspended(shift: Shift, entry: Entry, event: Suspended, time: int) -> None:
    if shift.within(time):
        shift.record.add(Happened(time, "suspended", {"reason": event.reason}))


_WORDS: Mapping[type, str] = {
    acts.Acknowledge: "acknowledged",
    acts.Shelve: "shelved",
    acts.Unshelve: "unshelved",
    acts.Categorise: "categorised",
    acts.Uncategorise: "uncategorised",
    acts.AllowFeed: "feed-allowed",
    acts.EndFeed: "feed-taken",
    acts.AnswerAdvice: "advice-answered",
    acts.Quarantine: "quarantined",
    acts.Unquarantine: "unquarantined",
    acts.Trust: "trusted",
    acts.Untrust: "untrusted",
}
_HOLDS: Mapping[type, Callable[[Shift, Acted, Any, int], None]] = {
    acts.Acknowledge: _acknowledge,
    acts.Shelve: _shelve,
    acts.Unshelve: _unshelve,
    acts.Categorise: _categorise,
    acts.Uncategorise: _uncategorise,
    acts.AllowFeed: _allow,
    acts.EndFeed: _end_feed,
    acts.AnswerAdvice: _nothing_held,
    acts.Quarantine: _nothing_held,
    acts.Unquarantine: _nothing_held,
    acts.Trust: _nothing_held,
    acts.Untrust: _nothing_held,
}
_TAKERS: Mapping[type, Callable[[Shift, Entry, Any, int], None]] = {
    Started: _started,
    AlertRaised: _raised,
    AlertUpdated: _raised,
    AlertCleared: _cleared,
    LevelChanged: _level,
    Announced: _announced,
    RaidEnded: _raid_ended,
    Escalated: _escalated,
    Acted: _acted,
    Decided: _decided,
    Taken: _taken,
    ShelfEnded: _shelf_ended,
    CategoryEnded: _category_ended,
    FeedEnded: _feed_ended,
    Cued: _cued,
    CueEnded: _cue_ended,
    SiteWatched: _watched,
    SensorFault: _fault,
    SensorTrust: _trust,
    Refused: _refused,
    Lost: _lost,
    ClockStepped: _clock,
    Failed: _failed,
    Suspended: _suspended,
    Delivered: _delivered,
}
KINDS = tuple(kind.__name__ for kind in _TAKERS)
