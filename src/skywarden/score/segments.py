"""How one target after another was followed: since when, how long, under how many numbers, and taken for what.

When a track is on a target is said by `associations`; numbers that change from one time to the next and classes are
counted on the best one-to-one assignment of each time, that of GOSPA.
"""

from typing import NamedTuple

import numpy as np

from skywarden.model.place import F64, I64
from skywarden.score.assign import Comparison
from skywarden.score.associations import Associations, seconds
from skywarden.score.gospa import Gospa

NEVER = -1  # ns


class Segments(NamedTuple):
    """One value for each of n targets, the rows of the truth's names.

    first, last: ns, when it flew; -1 for a name without a living row. found: ns, when the first track was on it, -1
    never. tracked: s between times with a track on it. longest: s of the longest unbroken stay of one track. numbers:
    different tracks that were on it. breaks: times that it was lost and found again. switches: times that its track has
    another number than the one before, gaps passed over.
    Source: breaks and switches as fragmentations and identity switches in Bernardin, Stiefelhagen 2008 (CLEAR MOT).
    """

    first: I64
    last: I64
    found: I64
    tracked: F64
    longest: F64
    numbers: I64
    breaks: I64
    switches: I64

    @property
    def life(self) -> F64:
        """Return s from first to last."""
        return seconds(self.last - self.first)

    def wait(self, since: I64 | None = None) -> F64:
        """Return s until the first track, (n,); infinite if there never was one.

        since: (n,) ns from when to count, such as the first time at which a sensor covers the target; -1 (never
        covered) gives NaN. Its first time if not given. A track before `since` is a wait of 0.
        """
        begin = self.first if since is None else since
        wait = np.where(self.found == NEVER, np.inf, np.maximum(seconds(self.found - begin), 0.0))
        return np.where(begin == NEVER, np.nan, wait)


class Confusion(NamedTuple):
    """What targets were taken for. true: n words; reported: m words, "" for a track that states none.

    seconds: (n, m + 1) target-seconds; the last column: no track was assigned.
    """

    true: tuple[str, ...]
    reported: tuple[str, ...]
    seconds: F64


def segments(comparison: Comparison, associations: Associations, result: Gospa) -> Segments:
    """Return how each target was followed. result: GOSPA of the same comparison."""
    truth = comparison.truth
    n = len(truth.names)
    first, last = np.full(n, NEVER, np.int64), np.full(n, NEVER, np.int64)
    last[truth.id] = truth.time  # sorted by time, so the last one stays
    first[truth.id[::-1]] = truth.time[::-1]
    found, tracked, longest = np.full(n, NEVER, np.int64), np.zeros(n), np.zeros(n)
    numbers, breaks = np.zeros(n, np.int64), np.zeros(n, np.int64)
    order = np.lexsort((associations.start, associations.target))
    target = associations.target[order]
    edges = np.flatnonzero(np.diff(target, prepend=-1, append=-2))
    for a, b in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        rows, i = order[a:b], int(target[a])
        start, end = associations.start[rows], associations.end[rows]
        found[i], longest[i] = start[0], seconds(end - start).max()
        numbers[i] = len(np.unique(associations.track[rows]))
        reach = np.maximum.accumulate(end)
        gap = _gaps(comparison, start[1:], reach[:-1])
        breaks[i] = np.count_nonzero(gap)
        tracked[i] = seconds(reach[-1] - start[0]) - seconds((start[1:] - reach[:-1])[gap]).sum()
    return Segments(first, last, found, tracked, longest, numbers, breaks, _switches(comparison, result.pairs))


def _gaps(comparison: Comparison, start: I64, before: I64) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return whether there is a time between two stays that is in neither."""
    return np.searchsorted(comparison.time, start) - np.searchsorted(comparison.time, before) > 1


def _switches(comparison: Comparison, pairs: I64) -> I64:
    """Return (n,) changes of the assigned number from one assigned time to the next."""
    truth, row = comparison.truth, comparison.target[pairs]
    order = np.lexsort((truth.time[row], truth.id[row]))
    target, number = truth.id[row][order], comparison.tracks.id[comparison.track[pairs]][order]
    changed = (target[1:] == target[:-1]) & (number[1:] != number[:-1])
    return np.bincount(target[1:][changed], minlength=len(truth.names)).astype(np.int64)


def confusion(comparison: Comparison, result: Gospa) -> Confusion:
    """Return what the targets were taken for. result: GOSPA of the same comparison."""
    truth, tracks = comparison.truth, comparison.tracks
    times = np.unique(truth.time)
    step = float(np.median(seconds(np.diff(times)))) if len(times) > 1 else 1.0
    width = len(tracks.words) + 1
    said = np.full(len(truth), width - 1)
    said[comparison.target[result.pairs]] = tracks.word[comparison.track[result.pairs]]
    cells = np.bincount(truth.word * width + said, minlength=len(truth.words) * width)
    return Confusion(truth.words, tracks.words, np.asarray(cells.reshape(-1, width) * step, np.float64))
