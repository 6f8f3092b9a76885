"""GOSPA: how far a set of tracks is from the set of targets at each time, in parts that say why.

Source: Rahmathullah, Garcia-Fernandez, Svensson 2017, "Generalized optimal sub-pattern assignment metric",
equation 5 with alpha = 2: d^p = min over assignments of (sum of d(x, y)^p over assigned pairs closer than c
+ c^p / 2 for each target without a track + c^p / 2 for each track without a target).
"""

from math import nan as NAN
from typing import NamedTuple

import numpy as np

from skywarden.model.place import F64, I64
from skywarden.score.assign import Comparison, assign


class Gospa(NamedTuple):
    """GOSPA at T times. localisation, missed, false: (T,) m^p, their sum is distance^p. time: (T,) ns.

    targets, tracks, assigned: (T,) how many. pairs: rows of the comparison's pairs that are assigned. power: p.
    """

    time: I64
    localisation: F64
    missed: F64
    false: F64
    targets: I64
    tracks: I64
    assigned: I64
    pairs: I64
    power: float

    @property
    def distance(self) -> F64:
        """Return GOSPA itself, (T,) m."""
        return np.asarray((self.localisation + self.missed + self.false) ** (1 / self.power))


class Means(NamedTuple):
    """Over all times, m: the p-th roots of the mean of distance^p and of its parts, and the plain mean distance.

    missed_targets, false_tracks: mean number at a time.
    """

    root_mean: float
    localisation: float
    missed: float
    false: float
    mean: float
    missed_targets: float
    false_tracks: float


def gospa(comparison: Comparison, power: float = 2.0) -> Gospa:
    """Return GOSPA at each time with c = the comparison's cutoff. power: p, at least 1, finite."""
    worst = comparison.cutoff**power
    cost = comparison.distance**power
    pairs = assign(comparison, worst - cost)
    targets, tracks = comparison.counts()
    localisation = comparison.sums(pairs, cost[pairs])
    assigned = comparison.per_time(comparison.truth.time[comparison.target[pairs]])
    missed, false = worst / 2 * (targets - assigned), worst / 2 * (tracks - assigned)
    return Gospa(comparison.time, localisation, missed, false, targets, tracks, assigned, pairs, power)


def means(result: Gospa) -> Means:
    """Return the means over all times; NaN if there are none."""
    if len(result.time) == 0:
        return Means(NAN, NAN, NAN, NAN, NAN, NAN, NAN)
    whole = result.localisation + result.missed + result.false
    parts = (whole, result.localisation, result.missed, result.false)
    root, localisation, missed, false = (float(np.mean(part) ** (1 / result.power)) for part in parts)
    lacking = float(np.mean(result.targets - result.assigned))
    surplus = float(np.mean(result.tracks - result.assigned))
    return Means(root, localisation, missed, false, float(np.mean(result.distance)), lacking, surplus)
