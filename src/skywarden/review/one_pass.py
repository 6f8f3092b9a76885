"""A shift, from the record's events in one pass. Nothing is run again, and no place of a track is read.

What stands at the end follows from all events since the record's beginning, or since the state that it begins with.
"""

from collections.abc import Iterator
from contextlib import suppress

from skywarden.model.event import Entry, Event, Started
from skywarden.pipeline import UNREADABLE, Line
from skywarden.record.reading import SqliteRecord
from skywarden.review.find import Tell, read
from skywarden.review.shift import Happened, Shift
from skywarden.review.shift_events import KINDS, take


def shift(record: SqliteRecord, begin: int, end: int, tell: Tell) -> Shift:
    """Return the shift. begin, end: ns. tell: told how far it is, as a seq. Raises RecordError."""
    found = Shift(begin, end)
    begun = record.beginning()
    first = next(record.entries(), None)
    if begun is not None:
        found.known = False
        with suppress(*UNREADABLE):
            picture = Line.restore(begun[1]).picture
            if picture is not None:
                found.standing.resume(picture)
                found.known = True
    elif first is not None and first.seq > 1:
        found.known = False
    for entry, event in _events(record, KINDS):
        tell(entry.seq)
        time = time_of(event, entry)
        if time > end:
            continue
        if isinstance(event, Started):
            down = _down(record, entry)
            if found.within(time):
                what = "reloaded" if event.reload else "began" if entry.seq < 2 else "started"
                said = {"version": event.version, "mode": str(event.mode), "down": down}
                found.record.add(Happened(time, what, said))
        take(found, entry, event, time)
    return found


def time_of(event: Event, entry: Entry) -> int:
    """Return the time of an event, ns; that of its entry where it says none."""
    return int(getattr(event, "time", entry.time))


def _events(record: SqliteRecord, kinds: tuple[str, ...]) -> Iterator[tuple[Entry, Event]]:
    for entry in record.of_kinds(kinds):
        yield entry, read(entry)


def _down(record: SqliteRecord, entry: Entry) -> float:
    """Return s for which nothing was recorded before a start; 0 where it is the first entry."""
    if entry.seq < 2:
        return 0.0
    last = next(record.entries(entry.seq - 2), None)
    return 0.0 if last is None or last.seq != entry.seq - 1 else max(0.0, (entry.time - last.time) * 1e-9)
