"""OSPA: one distance between the set of targets and the set of tracks at each time.

Source: Schuhmacher, Vo, Vo 2008, "A consistent metric for performance evaluation of multi-object filters", equation 3:
d^p = (min over assignments of the sum of min(d, c)^p + c^p |n - m|) / max(n, m).
"""

from enum import StrEnum
from math import isinf

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from skywarden.model.place import F64, I64
from skywarden.score.assign import Comparison, assign


class Least(StrEnum):
    """What the assignment makes smallest.

    POWER: the sum of d^p (for infinite p the largest d), as the paper has it. DISTANCE: the sum of d whatever p is, as
    Stone Soup 1.9.1 does; then the result can only be larger, and differs where p > 1 and targets are close.
    """

    POWER = "power"
    DISTANCE = "distance"


def ospa(comparison: Comparison, power: float = 2.0, least: Least = Least.POWER) -> F64:
    """Return OSPA, (T,) m, with c = the comparison's cutoff. power: p, at least 1, may be infinite."""
    cutoff, distance = comparison.cutoff, comparison.distance
    targets, tracks = comparison.counts()
    larger = np.maximum(targets, tracks)
    if isinf(power):
        return _largest(comparison, least)
    if least is Least.DISTANCE:
        pairs = assign(comparison, cutoff - distance)
    else:
        pairs = assign(comparison, cutoff**power - distance**power)
    assigned = comparison.per_time(comparison.truth.time[comparison.target[pairs]])
    total = comparison.sums(pairs, distance[pairs] ** power) + cutoff**power * (larger - assigned)
    return np.asarray((total / np.maximum(larger, 1)) ** (1 / power))


def _largest(comparison: Comparison, least: Least) -> F64:
    targets, tracks = comparison.counts()
    result = np.full(len(comparison.time), comparison.cutoff)
    at = np.searchsorted(comparison.time, comparison.truth.time[comparison.target])
    edges = np.searchsorted(at, np.arange(len(result) + 1))
    taken = np.zeros(len(at), bool)
    taken[assign(comparison, comparison.cutoff - comparison.distance)] = True
    for k in np.flatnonzero(targets == tracks):
        pairs = np.arange(edges[k], edges[k + 1])
        if least is Least.DISTANCE:
            chosen = pairs[taken[pairs]]
            if len(chosen) == targets[k]:
                result[k] = comparison.distance[chosen].max(initial=0.0)
        else:
            result[k] = _bottleneck(comparison, pairs, int(targets[k]))
    return result


def _bottleneck(comparison: Comparison, pairs: I64, size: int) -> float:
    """Return the smallest distance within which all `size` targets can have a track of their own; else the cutoff."""
    target = comparison.target[pairs]
    row = np.unique(target, return_inverse=True)[1]
    column = np.unique(comparison.track[pairs], return_inverse=True)[1]
    limits = np.append(np.unique(comparison.distance[pairs]), comparison.cutoff)
    low, high = 0, len(limits) - 1  # the last always holds
    while low < high:
        middle = (low + high) // 2
        within = comparison.distance[pairs] <= limits[middle]
        links = csr_array((np.ones(int(within.sum()), np.int8), (row[within], column[within])), (size, size))
        if np.count_nonzero(maximum_bipartite_matching(links) >= 0) == size:
            high = middle
        else:
            low = middle + 1
    return float(limits[low])
