"""What is to be explained: an alert of a record, or one of its tracks, and the moment."""

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from msgspec import MsgspecError

from skywarden.errors import RecordError
from skywarden.model.assessment import Alert
from skywarden.model.event import AlertRaised, AlertUpdated, Entry, Event, Tick, TrackConfirmed, TrackDropped, decode
from skywarden.pipeline import UNREADABLE, Line
from skywarden.record.info import utc
from skywarden.record.reading import SqliteRecord

Tell = Callable[[float], None]  # told how far a scan of the record is, as a seq
SOME = 5  # alerts and tracks that an error names


class Asked(NamedTuple):
    """What a person wants explained. site, track: of the alert; "" and 0: any. at: ns, the newest until then; 0:
    of all. alone: the track itself, whether it ever caused an alert or not.
    """

    site: str = ""
    track: int = 0
    at: int = 0
    alone: bool = False


class Moment(NamedTuple):
    """What is explained. until: seq of the tick after which it held. last: seq of the last entry that is needed.

    alert, entry: as recorded; None where it is the track alone. confirmed: the entry of its confirmation, None where
    that is not in the record any more.
    """

    track: int
    time: int
    until: int
    last: int
    alert: Alert | None
    entry: Entry | None
    confirmed: Entry | None


def moment(record: SqliteRecord, asked: Asked, tell: Tell) -> Moment:
    """Find it. Raises RecordError, with what to type instead, where there is no such alert or track."""
    if next(record.of_kinds(("Stepped",)), None) is None:
        words = "has only what came in, and no warnings: run it first (skywarden run --from DIR), and name that record"
        raise RecordError(f"{record.path} {words}")
    return _of_track(record, asked, tell) if asked.alone else _of_alert(record, asked, tell)


def _of_alert(record: SqliteRecord, asked: Asked, tell: Tell) -> Moment:
    kinds = ("AlertRaised", "AlertUpdated") if asked.at else ("AlertRaised",)
    others: deque[str] = deque(maxlen=SOME)
    found: tuple[Entry, Alert] | None = None
    for entry in record.of_kinds(kinds):
        tell(entry.seq)
        event = read(entry)
        assert isinstance(event, AlertRaised | AlertUpdated)
        alert = event.alert
        late = asked.at and entry.time > asked.at
        if not late and asked.site in ("", alert.site) and asked.track in (0, alert.track):
            found = entry, alert
        elif isinstance(event, AlertRaised):
            others.append(f"{alert.site}:{alert.track} ({utc(alert.raised)})")
    if found is None:
        raise RecordError(_no_alert(record, asked, list(others)))
    entry, alert = found
    confirmed, _ = _life(record, alert.track, tell)
    return Moment(alert.track, entry.time, entry.cause, entry.seq, alert, entry, confirmed)


def _no_alert(record: SqliteRecord, asked: Asked, others: list[str]) -> str:
    which = f" for {asked.site}:{asked.track}" if asked.track else ""
    until = f" until {utc(asked.at)}" if asked.at else ""
    words = f"{record.path}: no alert{which} was raised{until}"
    return f"{words}; there are, the newest last: {', '.join(others)}" if others else f"{words}; there is none at all"


def _life(record: SqliteRecord, track: int, tell: Tell) -> tuple[Entry | None, Entry | None]:
    """Return the entries of a track's confirmation and of its end, None where there is none."""
    confirmed = dropped = None
    for entry in record.of_kinds(("TrackConfirmed", "TrackDropped")):
        tell(entry.seq)
        event = read(entry)
        if isinstance(event, TrackConfirmed) and event.number == track:
            confirmed, dropped = confirmed or entry, None
        elif isinstance(event, TrackDropped) and event.number == track:
            dropped = entry
    return confirmed, dropped


def _of_track(record: SqliteRecord, asked: Asked, tell: Tell) -> Moment:
    confirmed, dropped = _life(record, asked.track, tell)
    if confirmed is None and dropped is None and asked.track not in _before(record):
        raise RecordError(f"{record.path}: no track {asked.track} was shown; {_tracks(record)}")
    until = 0
    time = 0
    first = confirmed.cause if confirmed is not None else 0
    end = dropped.cause if dropped is not None else record.last() + 1
    for entry in record.of_kinds(("Tick",), max(first - 1, 0)):
        tell(entry.seq)
        event = read(entry)
        assert isinstance(event, Tick)
        if entry.seq >= end or (asked.at and event.time > asked.at):
            break
        until, time = entry.seq, event.time
    if not until:
        began = utc(confirmed.time) if confirmed is not None else "the record's beginning"
        raise RecordError(f"{record.path}: track {asked.track} was shown from {began} on; write a later --at")
    stepped = (entry.seq for entry in record.of_kinds(("Stepped",), until) if entry.cause >= until)
    return Moment(asked.track, time, until, next(stepped, record.last()), None, None, confirmed)


def _before(record: SqliteRecord) -> set[int]:
    """Return the tracks that there were when the record began, if retention has deleted what was before."""
    begun = record.beginning()
    if begun is not None:
        with suppress(*UNREADABLE):
            picture = Line.restore(begun[1]).picture
            return set() if picture is None else set(picture.tracks.number[picture.tracks.shown()].tolist())
    return set()


def _tracks(record: SqliteRecord) -> str:
    """Return which tracks there were, in words."""
    found: deque[int] = deque(maxlen=SOME)
    for entry in record.of_kinds(("TrackConfirmed",)):
        event = read(entry)
        if isinstance(event, TrackConfirmed):
            found.append(event.number)
    return f"there are, the newest last: {', '.join(map(str, found))}" if found else "there is none at all"


def read(entry: Entry) -> Event:
    """Return an entry's event. Raises RecordError where it is damaged."""
    try:
        event: Event = decode(entry.payload)
    except (MsgspecError, UnicodeDecodeError) as error:
        raise RecordError(f"entry {entry.seq} cannot be read ({error}): damaged, or of another version") from error
    return event
