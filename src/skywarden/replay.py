"""A record run again: the same inputs through the same line; compared, written out, or gone on from.

No clock here: who wants to see a replay at its own speed waits between the groups that `by_tick` gives.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import msgspec

from skywarden.errors import ConfigError, RecordError
from skywarden.model.event import (
    INPUTS,
    Arrived,
    Entry,
    Event,
    Input,
    Lost,
    Output,
    Started,
    Tick,
    decode,
    encode,
    named,
)
from skywarden.pipeline import UNREADABLE, Caused, Line
from skywarden.record.info import utc
from skywarden.record.log import Log, Record, kind

HELD = 256 << 20  # bytes of outputs that may wait for their recorded twins; a record that lacks more has lost them


def replay(entries: Iterable[Entry], line: Line | None = None) -> Iterator[Entry]:
    """Yield the inputs as they were and, after each tick, what follows from it now.

    Recorded outputs are not read. New ones have seq 0: they are told apart by their cause and their order.
    """
    for _, group in by_tick(entries, line):
        yield from group


def by_tick(entries: Iterable[Entry], line: Line | None = None) -> Iterator[tuple[int, list[Entry]]]:
    """Yield replayed entries in groups that end with a tick and its outputs, with the tick's time (UTC ns).

    Inputs after the last tick come as a last group. Give a `line` to look at its picture between groups.
    """
    line = line or Line()
    line.beside = True
    group: list[Entry] = []
    for entry, outputs in _run(entries, line):
        if is_input(entry):
            group += [entry, *outputs]
        if outputs:
            yield outputs[-1].time, group
            group = []
    if group:
        yield group[-1].time, group


class Difference(NamedTuple):
    """Where a replay leaves its record. seq: of the recorded output, 0 when there is none. Both sides as JSON lines."""

    seq: int
    cause: int
    recorded: str | None
    replayed: str | None

    def __str__(self) -> str:
        nothing = "nothing"
        where = f"entry {self.seq}, caused by entry {self.cause}" if self.seq else f"caused by entry {self.cause}"
        return f"{where}\n  recorded: {self.recorded or nothing}\n  replayed: {self.replayed or nothing}"


class Hole(NamedTuple):
    """Where a record lacks entries: at entry `seq`, a `Lost`, whose fields these are. Times are ns since 1970."""

    seq: int
    since: int
    time: int
    entries: int
    messages: dict[str, int]

    def __str__(self) -> str:
        sources = ", ".join(f"{name} {count}" for name, count in self.messages.items())
        messages = f"{sum(self.messages.values())} messages" + (f" ({sources})" if sources else "")
        return (
            f"from entry {self.seq} on the record has a hole of {messages}, {self.entries} entries in all: "
            f"not comparable from {utc(self.since)} until {utc(self.time)}; after it the recorded state is gone on from"
        )


class Comparison(NamedTuple):
    """What came of a verification. outputs: compared and equal; missing: not yet recorded when the record ends.

    holes: where nothing could be compared.
    """

    ticks: int
    outputs: int
    missing: int
    difference: Difference | None
    holes: tuple[Hole, ...] = ()


def verify(entries: Iterable[Entry]) -> Difference | None:
    """Run a record again and return the first output that is not the recorded one, byte for byte; None: all equal."""
    return compare(entries).difference


def beginning(record: Record) -> Line:
    """Return the line as it was before a record's first entry, which retention may have moved. Raises RecordError."""
    found = record.beginning()
    if found is None:
        return Line()
    try:
        return Line.restore(found[1])
    except UNREADABLE as error:
        words = f"the state before entry {found[0] + 1}, with which this record begins, is of another version"
        raise RecordError(f"{words}: use that one ({error})") from error


def compare(entries: Iterable[Entry], line: Line | None = None) -> Comparison:
    """Run a record again and compare its outputs, in order, with the recorded ones, byte for byte.

    line: the state before the first entry; None: nothing was before.
    Other inputs may stand between a tick and its outputs. After kill -9 a record may end before the outputs of its
    last ticks, all or some of them; that is no difference. After a hole it goes on from the state recorded there.
    """
    expected: deque[Entry] = deque()
    holes: list[Hole] = []
    ticks = equal = held = 0
    known = 0 if line is None else None  # first entry; what followed from earlier ones cannot be compared
    line = line or Line()
    line.beside = True
    for entry, outputs in _run(entries, line):
        known = entry.seq if known is None else known
        if (lost := _lost(entry)) is not None:
            holes.append(Hole(entry.seq, lost.since, lost.time, lost.entries, lost.messages))
            expected.clear()
            held = 0
        ticks += bool(outputs)
        expected += outputs
        held += sum(len(e.payload) for e in outputs)
        if is_input(entry):
            if held <= HELD:
                continue
            difference = Difference(0, expected[0].cause, None, _text(expected[0]))
            return Comparison(ticks, equal, len(expected), difference, tuple(holes))
        if entry.cause < known:
            continue
        twin = expected.popleft() if expected else None
        if twin is None or (twin.cause, twin.payload) != (entry.cause, entry.payload):
            replayed = None if twin is None else _text(twin)
            difference = Difference(entry.seq, entry.cause, _text(entry), replayed)
            return Comparison(ticks, equal, len(expected), difference, tuple(holes))
        held -= len(twin.payload)
        equal += 1
    return Comparison(ticks, equal, len(expected), None, tuple(holes))


class Missing(NamedTuple):
    """An output that follows from a recorded tick and is not in the record yet. time: of the picture after the tick."""

    cause: int
    time: int
    event: Output


class Recovered(NamedTuple):
    """A line that goes on where a log ends. last: seq of its last entry. missing: to be appended first, in order."""

    line: Line
    last: int
    missing: list[Missing]


def recover(log: Log) -> Recovered:
    """Restore the newest snapshot (`Line.save()` after entry seq) and feed the inputs after it.

    A snapshot that this version cannot read any more is passed over: the whole record is fed instead. Raises
    RecordError when that does not begin at its beginning, and not with a state that can be read either.
    """
    line, last = _restored(log)
    since = last
    unrecorded: deque[tuple[int, list[Entry]]] = deque()  # seq of the tick, its outputs
    partly = 0  # outputs of the first of these ticks that are in the record
    for entry, outputs in _run(log.entries(since), line):
        last = entry.seq
        if _lost(entry) is not None:  # what was not recorded before it never will be
            unrecorded.clear()
            partly = 0
        if outputs:
            unrecorded.append((entry.seq, outputs))
        if is_input(entry) or entry.cause <= since:
            continue
        partly += 1
        if kind(entry.payload) == "Stepped":  # the last output of a tick
            while unrecorded and unrecorded[0][0] <= entry.cause:
                unrecorded.popleft()
            partly = 0
    rest = [e for _, outputs in unrecorded for e in outputs][partly:]
    return Recovered(line, last, [Missing(e.cause, e.time, _output(e)) for e in rest])


def _restored(log: Log) -> tuple[Line, int]:
    found = log.snapshot()
    if found is not None:
        with suppress(*UNREADABLE):
            return Line.restore(found[1]), found[0]
    begun = log.beginning()
    return beginning(log), begun[0] if begun is not None else 0


def is_input(entry: Entry) -> bool:
    """Say whether an entry came from outside, or follows from one that did."""
    return entry.cause == entry.seq


def to_json(entry: Entry) -> bytes:
    """Write an entry as one line of JSON, without the line's end; equal entries give equal bytes.

    Inputs carry their seq, outputs the seq of their cause: so an output's line is the same live and replayed.
    Messages of a frame are a list, each in base64.
    """
    number = {"seq": entry.seq} if is_input(entry) else {"cause": entry.cause}
    return _json({**number, "time": entry.time, **_fields(_event(entry))})


def _run(entries: Iterable[Entry], line: Line) -> Iterator[tuple[Entry, list[Entry]]]:
    """Yield every entry and, for a tick, the outputs that follow from it."""
    for entry in entries:
        outputs: list[Entry] = []
        if is_input(entry):
            event = _input(entry)
            if isinstance(event, Tick) and line.picture is None:
                raise RecordError(f"entry {entry.seq} is a tick before any start: the record's beginning is missing")
            caused = _fed(line, entry.seq, event)
            time = line.picture.time if line.picture else entry.time
            outputs = [Entry(0, time, c.cause, encode(c.event)) for c in caused]
        yield entry, outputs


def _fed(line: Line, seq: int, event: Input) -> list[Caused]:
    try:
        line.prepare()
        return line.feed(seq, event)
    except ConfigError as error:
        assert isinstance(event, Started)  # nothing else brings settings
        made = f"entry {seq}: the settings that skywarden {event.version} recorded cannot be read"
        raise RecordError(f"{made}: {error}; use that version, or name a new record") from error


def _lost(entry: Entry) -> Lost | None:
    if not is_input(entry) or kind(entry.payload) != Lost.__name__:
        return None
    event = _event(entry)
    assert isinstance(event, Lost)
    return event


def _event(entry: Entry) -> Event:
    try:
        event: Event = decode(entry.payload)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RecordError(f"entry {entry.seq} cannot be read ({error}): damaged, or of another version") from error
    return event


def _input(entry: Entry) -> Input:
    event = _event(entry)
    if isinstance(event, INPUTS):
        return event
    raise RecordError(f"entry {entry.seq} says it is an input and holds {type(event).__name__}: the record is damaged")


def _output(entry: Entry) -> Output:
    event = _event(entry)
    assert not isinstance(event, INPUTS)
    return event


def _fields(event: Event) -> dict[str, Any]:
    if isinstance(event, Arrived):
        frame = event.frame
        over = {"over": frame.over} if frame.over else {}
        messages = list(frame.messages())
        return {"time": frame.received, "type": "Arrived", "source": frame.source, "messages": messages, **over}
    fields = named(event)
    if isinstance(event, Lost):
        del fields["state"]  # megabytes that say nothing to a reader
    return {"type": type(event).__name__, **fields}


def _text(entry: Entry) -> str:
    try:
        return to_json(entry).decode()
    except RecordError:
        return f"{len(entry.payload)} bytes that are no event: {entry.payload[:40].hex()}"


_json = msgspec.json.Encoder().encode
