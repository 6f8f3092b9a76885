"""What the network does to messages, some come late and so out of order, some come twice; and how ticks cut them.

Late messages may belong to a later window than the look that they tell of: `Stream` keeps them until it is their turn.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from skywarden.kernel import kernel
from skywarden.model.place import I64
from skywarden.sim.scene.settings import Faults
from skywarden.sim.sky import U8, Sent, nothing_sent

SECOND = 1_000_000_000


def deliver(sent: Sent, faults: Faults, rng: np.random.Generator) -> Sent:
    """Return the messages as they come in: late ones, doubled ones, in the order of their arrival."""
    count = len(sent.time)
    if not count:
        return sent
    times, rows = sent.time, np.arange(count)
    if faults.late > 0:
        late = rng.random(count) < faults.late
        times = times + np.where(late, rng.exponential(faults.late_s * SECOND, count), 0).astype(np.int64)
    if faults.duplicated > 0:
        twice = np.flatnonzero(rng.random(count) < faults.duplicated)
        again = times[twice] + rng.integers(1, SECOND, len(twice))
        times, rows = np.concatenate([times, again]), np.concatenate([rows, twice])
    return _arranged(sent, times, rows)


def joined(parts: list[Sent]) -> Sent:
    """Return the messages of several parts in the order of their times; equal times in the order of the parts."""
    if not parts:
        return nothing_sent()
    whole = Sent(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    return _arranged(whole, whole.time, np.arange(len(whole.time)))


def _arranged(sent: Sent, times: I64, rows: I64) -> Sent:
    """Return messages `rows` with arrival `times`, sorted."""
    if len(rows) == len(sent.time) and bool(np.all(times[1:] >= times[:-1])):
        return sent._replace(time=times)
    order = np.argsort(times, kind="stable")
    rows = rows[order]
    lengths = sent.lengths[rows]
    begins = np.concatenate(([0], np.cumsum(sent.lengths, dtype=np.int64)))[rows]
    data = np.empty(int(lengths.sum()), np.uint8)
    _gather(sent.data, begins, lengths.astype(np.int64), data)
    return Sent(times[order], lengths, data, sent.sender[rows])


@kernel
def _gather(source: U8, begins: I64, lengths: I64, out: U8) -> None:
    """Copy pieces of bytes one behind the other."""
    at = 0
    for k in range(len(begins)):
        begin = begins[k]
        for i in range(lengths[k]):
            out[at + i] = source[begin + i]
        at += lengths[k]


class Piece(NamedTuple):
    """The messages of one source in one tick. tick: which one; received: ns, of the last message."""

    tick: int
    received: int
    data: bytes
    lengths: bytes


class Stream:
    """The messages of one source, window after window, cut into ticks."""

    def __init__(self, start: int, tick: int) -> None:
        """Take the time (ns) of second 0 and the length of a tick (ns)."""
        self._start, self._tick = start, tick
        self._kept = nothing_sent()

    def push(self, sent: Sent, until: int) -> Iterator[Piece]:
        """Take the messages of the next window; yield what comes in before `until` (ns)."""
        waiting = joined([self._kept, sent]) if len(self._kept.time) else sent
        ends = np.cumsum(waiting.lengths, dtype=np.int64)
        ready = int(np.searchsorted(waiting.time, until))
        cut = int(ends[ready - 1]) if ready else 0
        self._kept = Sent(waiting.time[ready:], waiting.lengths[ready:], waiting.data[cut:], waiting.sender[ready:])
        tick = (waiting.time[:ready] - self._start) // self._tick
        bounds = np.flatnonzero(np.diff(tick, prepend=-1, append=-2)) if ready else np.empty(0, np.int64)
        data, lengths = waiting.data.tobytes(), waiting.lengths.astype("<u4").tobytes()
        for a, b in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
            first = int(ends[a - 1]) if a else 0
            yield Piece(int(tick[a]), int(waiting.time[b - 1]), data[first : int(ends[b - 1])], lengths[4 * a : 4 * b])

    @property
    def waiting(self) -> int:
        """How many messages are still on their way."""
        return len(self._kept.time)
