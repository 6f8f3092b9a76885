"""Which tracks are near which targets, second by second, and which target a track is."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy.spatial import KDTree

from skywarden.model.place import F64, I64
from skywarden.score.case import Case
from skywarden.score.spans import NS
from skywarden.score.tables import Points


class Near(NamedTuple):
    """Pairs of a target and a track near each other, sorted by time. All (n,).

    time: ns, one of the truth's. target: row of truth.names. track: row of tracks.names. distance: level, m.
    """

    time: I64
    target: I64
    track: I64
    distance: F64

    def of(self, rows: I64) -> "Near":
        """Return some of the pairs."""
        return Near(self.time[rows], self.target[rows], self.track[rows], self.distance[rows])


def near(given: Case, limit: float) -> Near:
    """Return all pairs within `limit` m, level distance, at the truth's times."""
    found = list(_at_each_time(given, limit))
    if not found:
        nothing = np.empty(0, np.int64)
        return Near(nothing, nothing, nothing, np.empty(0))
    return Near(
        np.concatenate([part.time for part in found]),
        np.concatenate([part.target for part in found]),
        np.concatenate([part.track for part in found]),
        np.concatenate([part.distance for part in found]),
    )


def _at_each_time(given: Case, limit: float) -> Iterator[Near]:
    times, begins = np.unique(given.truth.time, return_index=True)
    ends = np.r_[begins[1:], len(given.truth)]
    first, last = (np.searchsorted(given.tracks.time, times, side) for side in ("left", "right"))
    for moment, a, b, c, d in zip(times, begins, ends, first, last, strict=True):
        if c == d:
            continue
        tree = KDTree(given.seen[c:d])
        pairs = KDTree(given.below[a:b]).sparse_distance_matrix(tree, limit, output_type="coo_matrix")
        if pairs.nnz:
            target, track = given.truth.id[a + pairs.row], given.tracks.id[c + pairs.col]
            yield Near(np.full(pairs.nnz, moment), target, track, pairs.data)


def rows_of(points: Points, time: I64, number: I64) -> I64:
    """Return (n,) the rows of points at times (n,) with names (n,), all of which there are. points: sorted by both."""
    times, width = np.unique(points.time), max(len(points.names), 1)
    key = np.searchsorted(times, points.time) * width + points.id
    return np.searchsorted(key, np.searchsorted(times, time) * width + number)


def target_of(given: Case, pairs: Near) -> I64:
    """Return for each of tracks.names the target it is, row of truth.names; -1: none.

    At each time a track belongs to the target nearest to it (within the limit of the pairs); over time, to the one it
    belonged to most often; the one that comes first of several equal ones.
    """
    owner = np.full(len(given.tracks.names), -1, np.int64)
    if not len(pairs.time):
        return owner
    order = np.lexsort((pairs.distance, pairs.track, pairs.time))
    time, track, target = pairs.time[order], pairs.track[order], pairs.target[order]
    nearest = np.r_[True, (np.diff(time) != 0) | (np.diff(track) != 0)]
    both, count = np.unique(np.column_stack([track[nearest], target[nearest]]), axis=0, return_counts=True)
    best = np.lexsort((-both[:, 1], count))  # the last written wins: most often, then the first target
    owner[both[best, 0]] = both[best, 1]
    return owner


def step_s(given: Case) -> float:
    """Return the time between two rows of the truth, s."""
    steps = np.diff(np.unique(given.truth.time))
    return float(np.median(steps)) / NS if len(steps) else 1.0
