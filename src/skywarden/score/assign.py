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
    """Return the pairs, sorted, of the one-to-one assignment with the largest sum of gains. gain: (k,), over 0.

    Where all targets of a group have different best tracks, or all its tracks different best targets, these are it.
    """
    target, track = comparison.target, comparison.track
    if len(target) == 0:
        return np.empty(0, np.int64)
    group = groups(target, track)
    taken, done = [], np.zeros(int(group.max()) + 1, bool)
    for own, other in ((target, track), (track, target)):
        best = _best(own, gain)
        clash = best[_repeated(other[best])]
        simple = ~done
        simple[group[clash]] = False
        taken.append(best[simple[group[best]]])
        done |= simple
    rest = np.flatnonzero(~done[group])
    order = rest[np.argsort(group[rest], kind="stable")]
    row, column = _local(target[order], group[order]), _local(track[order], group[order])
    edges = np.flatnonzero(np.diff(group[order], prepend=-1, append=-1))
    for a, b in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        pairs, i, j = order[a:b], row[a:b], column[a:b]
        shape = (int(i.max()) + 1, int(j.max()) + 1)
        matrix, place = np.zeros(shape), np.full(shape, -1)
        matrix[i, j], place[i, j] = gain[pairs], pairs
        chosen = place[linear_sum_assignment(matrix, maximize=True)]
        taken.append(chosen[chosen >= 0])
    return np.sort(np.concatenate(taken))


def _best(own: I64, gain: F64) -> I64:
    """Return the pair with the largest gain of each row of one side."""
    order = np.lexsort((-gain, own))
    return order[np.flatnonzero(np.diff(own[order], prepend=-1))]


def _repeated(values: I64) -> BOOL:
    """Return which values occur more than once."""
    _, inverse, count = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray(count[inverse] > 1)


def _local(own: I64, group: I64) -> I64:
    """Return the number of each row within its group, from 0; pairs are sorted by group."""
    names, first, inverse = np.unique(own, return_index=True, return_inverse=True)
    order = np.lexsort((names, group[first]))
    sorted_group = group[first][order]
    begin = np.flatnonzero(np.diff(sorted_group, prepend=-1))
    rank = np.empty(len(names), np.int64)
    rank[order] = np.arange(len(names)) - np.repeat(begin, np.diff(begin, append=len(names)))
    return rank[inverse]
