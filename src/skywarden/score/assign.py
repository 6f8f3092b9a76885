"""Which target and which track come near each other, and the best one-to-one assignment of them.

All times are worked on at once: a row of one time is never near a row of another, so each group of rows that are near
each other, directly or through others, is solved by itself. That is exact: a pair further apart than the cutoff costs
as much as leaving both alone, so no best assignment needs one, and groups share no pair.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from skywarden.model.place import F64, I64
from skywarden.score.tables import Points

BOOL = NDArray[np.bool_]
SMALL = 2000  # target-track pairs of one time; below, all distances cost less than two trees


@dataclass(frozen=True, slots=True)
class Comparison:
    """Targets and tracks at the same times, and which are near each other.

    truth: living targets; tracks; cutoff: m. time: (T,) all times of both, ns. target, track: (k,) rows of truth and of
    tracks with the same time and less than the cutoff apart, sorted; distance: (k,) m.
    """

    truth: Points
    tracks: Points
    cutoff: float
    time: I64
    target: I64
    track: I64
    distance: F64

    def counts(self) -> tuple[I64, I64]:
        """Return the number of targets and of tracks at each time, (T,) each."""
        return self.per_time(self.truth.time), self.per_time(self.tracks.time)

    def per_time(self, times: I64) -> I64:
        """Return how many of some times (any of `time`) fall on each time, (T,)."""
        return np.bincount(np.searchsorted(self.time, times), minlength=len(self.time))

    def sums(self, pairs: BOOL | I64, values: F64) -> F64:
        """Return the sum at each time, (T,), of a value (m,) for each of m of the k pairs."""
        at = np.searchsorted(self.time, self.truth.time[self.target[pairs]])
        return np.bincount(at, weights=values, minlength=len(self.time)).astype(np.float64)


def compare(truth: Points, tracks: Points, cutoff: float) -> Comparison:
    """Return all pairs of a living target and a track at one time, less than `cutoff` m apart."""
    truth = truth.living()
    time = np.union1d(truth.time, tracks.time)
    edges = np.append(time, np.iinfo(np.int64).max)
    first, second = np.searchsorted(truth.time, edges), np.searchsorted(tracks.time, edges)
    both = np.flatnonzero((np.diff(first) > 0) & (np.diff(second) > 0))
    found = [np.empty((0, 2), np.int64)]
    for k in both:
        near = _near(truth.position[first[k] : first[k + 1]], tracks.position[second[k] : second[k + 1]], cutoff)
        found.append(near + np.array([first[k], second[k]]))
    target, track = np.concatenate(found).T
    distance = np.sqrt(((truth.position[target] - tracks.position[track]) ** 2).sum(-1))
    within = distance < cutoff
    return Comparison(truth, tracks, cutoff, time, target[within], track[within], distance[within])


def _near(a: F64, b: F64, cutoff: float) -> I64:
    """Return (k, 2) rows of a and b not much more than the cutoff apart, sorted; the caller measures again."""
    reach = cutoff * (1 + 1e-9)
    if len(a) * len(b) <= SMALL:
        return np.argwhere(((a[:, None] - b[None]) ** 2).sum(-1) <= reach * reach)
    pairs = KDTree(a).sparse_distance_matrix(KDTree(b), reach, output_type="coo_matrix")
    order = np.lexsort((pairs.col, pairs.row))
    return np.stack([pairs.row[order], pairs.col[order]], 1).astype(np.int64)


def groups(first: I64, second: I64) -> I64:
    """Return (k,) the number of the group that each pair is in: those joined by a row of `first` or of `second`."""
    if len(first) == 0:
        return np.empty(0, np.int64)
    width, height = int(first.max()) + 1, int(second.max()) + 1
    links = coo_array((np.ones(len(first), np.int8), (first, second + width)), (width + height, width + height))
    _, label = connected_components(links, directed=False)
    return np.unique(label[first], return_inverse=True)[1]


def assign(comparison: Comparison, gain: F64) -> I64:
    """Return the pairs, sorted, of the one-to-one assignment with the largest sum of gains. gain: (k,), over 0."""
    target, track = comparison.target, comparison.track
    group = groups(target, track)
    count = np.bincount(group) if len(group) else np.empty(0, np.int64)
    taken = [np.flatnonzero(count[group] == 1)]
    order = np.argsort(group, kind="stable")
    start = np.cumsum(count) - count
    for g in np.flatnonzero(count > 1):
        pairs = order[start[g] : start[g] + count[g]]
        taken.append(pairs[_best(target[pairs], track[pairs], gain[pairs])])
    return np.sort(np.concatenate(taken))


def _best(target: I64, track: I64, gain: F64) -> I64:
    """Return which of the pairs of one group are taken."""
    if target[0] == target[-1] or (track == track[0]).all():  # sorted by target; one of something takes the best
        return np.array([np.argmax(gain)])
    rows, row = np.unique(target, return_inverse=True)
    columns, column = np.unique(track, return_inverse=True)
    matrix = np.zeros((len(rows), len(columns)))
    matrix[row, column] = gain
    place = np.full(matrix.shape, -1)
    place[row, column] = np.arange(len(gain))
    chosen = place[linear_sum_assignment(matrix, maximize=True)]
    return chosen[chosen >= 0]
