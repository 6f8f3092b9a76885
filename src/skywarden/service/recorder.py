"""The engine's side of the record: it numbers what is recorded, knows what is safe, and tells of what was lost."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from skywarden.model.event import Arrived, Entry, Event, Input, Lost, encode
from skywarden.pipeline import Caused, Line
from skywarden.record.log import Log
from skywarden.record.writer import Writer

logger = logging.getLogger(__name__)

RECORD_WAIT = 0.25  # s; a slower disk must not delay a warning (DESIGN section 7)


@dataclass(slots=True)
class _Hole:
    """What the writer has refused, from the first entry on, as `Lost` will say it."""

    since: int
    entries: int = 0
    messages: dict[str, int] = field(default_factory=dict)


class Recorder:
    """Records inputs and outputs in one order. One thread calls it.

    When the writer refuses, all that follows is missing too, until the disk has caught up: a hole. A `Lost` then
    stands in its place. lost: source -> messages that are in no record, in this process.
    """

    def __init__(self, log: Log) -> None:
        """Go on after the log's last entry."""
        self.lost: dict[str, int] = {}
        self._writer = Writer(log)
        self._seq = log.last()  # of the last entry that was accepted
        self._handed = dict(self._writer.recorded)  # source -> messages accepted before it lost any
        self._hole: _Hole | None = None
        self._late = False  # the disk has not confirmed the last inputs in time

    def inputs(self, events: Sequence[Input]) -> Sequence[int]:
        """Record what came in, wait for the disk a while, and return the seq that each has for what follows from it.

        What is not recorded has no seq of its own: what follows from it follows from the `Lost` to come.
        """
        first = self._seq + 1
        stuck = self._late and self._writer.durable < self._seq  # no answer since: once was enough
        accepted = self._append([(_time(event), None, encode(event)) for event in events])
        for event in events:
            if isinstance(event, Arrived):
                self._count(event.frame.source, len(event.frame), accepted)
        late = bool(events) and accepted and not self._writer.wait(self._seq, 0.0 if stuck else RECORD_WAIT)
        if late and not self._late:
            logger.warning("not_recorded seq=%d fault=%s", self._seq, self._writer.fault)
        elif self._late and not late:
            logger.warning("recorded_again seq=%d", self._writer.durable)
        self._late = late
        return range(first, first + len(events)) if accepted else [first] * len(events)

    def outputs(self, caused: Sequence[tuple[int, Caused]]) -> None:
        """Record what followed, each with the picture's time, ns."""
        self._append([(at, c.cause, encode(c.event)) for at, c in caused])

    def mend(self, line: Line, *, closing: bool = False) -> None:
        """End a hole once the disk has caught up; call it between two passes. closing: there is no later."""
        hole = self._hole
        if hole is None or not (closing or self._writer.eased):
            return
        time = line.picture.time if line.picture else 0
        lost = Lost(time, hole.since, hole.entries, hole.messages, line.save())
        entry = Entry(self._seq + 1, time, self._seq + 1, encode(lost))
        if self._writer.submit([entry], beyond=True):
            logger.warning("lost seq=%d entries=%d messages=%s", entry.seq, hole.entries, hole.messages)
            self._seq, self._hole = entry.seq, None

    def snapshot(self, line: Line) -> int:
        """Keep the state as it is after the last entry; in a hole it is after none. Return its size, bytes."""
        if self._hole is not None:
            return 0
        state = line.save()
        self._writer.snapshot(self._seq, state)
        return len(state)

    def recorded(self) -> dict[str, int]:
        """Return source -> messages that are on the disk, as an acknowledgement: the first so many that were sent.

        So the counter of a source that lost some stays before the first of these, whatever is recorded later.
        """
        return {name: min(count, self._handed.get(name, 0)) for name, count in self._writer.recorded.items()}

    @property
    def last(self) -> int:
        """The seq of the last entry that was accepted."""
        return self._seq

    @property
    def confirmed(self) -> bool:
        """Say whether the last inputs are on the disk."""
        return self._hole is None and not self._late

    @property
    def fault(self) -> str | None:
        """Why the record does not confirm, in words; None while it does."""
        if self._hole is not None:
            return f"{self._writer.fault or 'the disk is too slow'}; memory is full too, and what comes is lost"
        slow = f"the disk needs more than {RECORD_WAIT} s" if self._late else None
        return self._writer.fault or slow

    def close(self, line: Line) -> bool:
        """Write down what is left and a last snapshot. False when the disk does not take it all."""
        self.mend(line, closing=True)
        self.snapshot(line)
        return self._writer.close() and self._hole is None

    def _append(self, rows: Sequence[tuple[int, int | None, bytes]]) -> bool:
        """Number and hand over entries: time, cause (None: its own) and payload. False when they are lost."""
        if self._hole is None:
            numbered = enumerate(rows, self._seq + 1)
            if self._writer.submit([Entry(seq, at, cause or seq, payload) for seq, (at, cause, payload) in numbered]):
                self._seq += len(rows)
                return True
            self._hole = _Hole(rows[0][0])
            logger.warning("losing after_seq=%d fault=%s", self._seq, self._writer.fault)
        self._hole.entries += len(rows)
        return False

    def _count(self, source: str, messages: int, accepted: bool) -> None:
        if self._hole is not None and not accepted:
            for counts in (self.lost, self._hole.messages):
                counts[source] = counts.get(source, 0) + messages
        elif source not in self.lost:
            self._handed[source] = self._handed.get(source, 0) + messages


def _time(event: Event) -> int:
    return event.frame.received if isinstance(event, Arrived) else getattr(event, "time", 0)
