"""Items that wait to be settled, by tick, found by their own time.

Where one in a hundred comes late, each tick's part reaches ten seconds back. So the times of all are laid side by side
once a tick: looking into each of 240 parts instead took 4 ms a window, ten times as long.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from skywarden.model.place import I64
from skywarden.model.track import Part
from skywarden.track.beliefs import plain, records
from skywarden.track.items import ITEM, REPORT, Items, together
from skywarden.track.looks import SENSE
from skywarden.track.posts import CALL

NEVER = 1 << 62  # ns


def stored(new: Items) -> Part:
    """Return items, at least one, to be kept until they are settled."""
    tables = (table[np.argsort(table["time"], kind="stable")] for table in (new.rows, new.reports, new.calls))
    rows, reports, calls = tables
    times, told, called = (np.ascontiguousarray(table["time"]) for table in (rows, reports, calls))
    return Part(plain(rows), times, plain(new.senses), new.names, plain(reports), told, plain(calls), called)


class Window(NamedTuple):
    """What is in a window of time. part: (k,) the parts that have any; begin, end: (k,) rows there."""

    part: I64
    begin: I64
    end: I64


class Times:
    """The times, ns, of p parts, each in order. ends: (p + 1,) where each begins and ends among all."""

    def __init__(self, parts: Sequence[I64]) -> None:
        self.all = np.concatenate((np.zeros(0, np.int64), *parts))
        self.ends = np.concatenate(([0], np.cumsum([len(part) for part in parts], dtype=np.int64)))

    def inside(self, begin: int, end: int) -> I64:
        """Return those in [begin, end)."""
        return self.all[(self.all >= begin) & (self.all < end)]

    def window(self, begin: int, end: int) -> Window:
        """Return where those in [begin, end) are: in each part they are neighbours."""
        at = np.flatnonzero((self.all >= begin) & (self.all < end))
        part, first, count = np.unique(
            np.searchsorted(self.ends, at, side="right") - 1, return_index=True, return_counts=True
        )
        low = at[first] - self.ends[part]
        return Window(part, low, low + count)

    def living(self, time: int) -> I64:
        """Return the parts that have any from `time` on."""
        some = np.flatnonzero(np.diff(self.ends))
        return np.asarray(some[self.all[self.ends[some + 1] - 1] >= time], np.int64)


class Waiting:
    """Items of many ticks."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts
        self._rows, self._reports = Times([part.times for part in parts]), Times([part.told for part in parts])
        self._calls = Times([part.called for part in parts])

    def __len__(self) -> int:
        return len(self._rows.all) + len(self._reports.all)

    def times(self, begin: int, end: int = NEVER) -> I64:
        """Return the times, ns, of all in [begin, end) but calls, in no order."""
        return np.concatenate((self._rows.inside(begin, end), self._reports.inside(begin, end)))

    def called(self, begin: int) -> I64:
        """Return the times, ns, of calls of single microphones from `begin` on, in no order."""
        return self._calls.inside(begin, NEVER)

    def first(self, begin: int) -> int:
        """Return the time, ns, of the first from `begin` on, calls too; NEVER if none is."""
        return min(int(each.inside(begin, NEVER).min(initial=NEVER)) for each in self._tables)

    @property
    def _tables(self) -> tuple[Times, Times, Times]:
        return self._rows, self._reports, self._calls

    def between(self, begin: int, end: int = NEVER) -> Items:
        """Return what waits of times in [begin, end), ns."""
        pieces: dict[int, list[slice]] = {}
        for k, times in enumerate(self._tables):
            for part, low, high in zip(*(column.tolist() for column in times.window(begin, end)), strict=True):
                pieces.setdefault(part, [slice(0), slice(0), slice(0)])[k] = slice(low, high)
        return together([_piece(self._parts[part], *pieces[part]) for part in sorted(pieces)])

    def left(self, time: int) -> tuple[Part, ...]:
        """Return the parts that have any from `time`, ns, on."""
        living = np.unique(np.concatenate([each.living(time) for each in self._tables])).tolist()
        return tuple(self._parts[part] for part in living)


def _piece(part: Part, rows: slice, reports: slice, calls: slice) -> Items:
    return Items(
        records(part.rows, ITEM)[rows],
        records(part.reports, REPORT)[reports],
        records(part.senses, SENSE),
        part.names,
        records(part.calls, CALL)[calls],
    )
