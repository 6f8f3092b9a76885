"""A metric between whole trajectories: localisation, missed, false, and switches of tracks between targets.

Source: Garcia-Fernandez, Rahmathullah, Svensson 2020, "A metric on the space of finite sets of trajectories for
evaluation of multi-target tracking algorithms", the linear programming metric: like GOSPA summed over all times, with
one assignment for each, and gamma^p / 2 for each pair that is taken or left from one time to the next.

Assigned to a track that is far or not there, a target costs as much as unassigned. So what counts is only what near
pairs save, and targets and tracks that are never near, directly or through others, are solved apart: by shortest paths
where those do not clash, else by a linear programme, both exact. In a group that clashes and has more than `largest`
pairs x times one target after another takes the best that is left: then the metric is at most what is given, at least
`lower`, and `exact` is False.
"""

from typing import NamedTuple

import numpy as np

from skywarden.model.place import F64, I64
from skywarden.score.assign import Comparison, groups
from skywarden.score.gospa import gospa
from skywarden.score.switching import EXACT, Group, solve


class Trajectories(NamedTuple):
    """The metric over T times. localisation, missed, false, switch: (T,) m^p; a switch counts at the later time.

    time: (T,) ns. exact: whether all groups were solved exactly. lower: m^p, the sum over all times is not less than
    that. power: p.
    """

    time: I64
    localisation: F64
    missed: F64
    false: F64
    switch: F64
    exact: bool
    lower: float
    power: float

    @property
    def total(self) -> float:
        """Return the sum of all parts over all times, m^p."""
        return float((self.localisation + self.missed + self.false + self.switch).sum())

    @property
    def distance(self) -> float:
        """Return the metric, m."""
        return float(self.total ** (1 / self.power))

    @property
    def root_mean(self) -> float:
        """Return the metric with each time counted 1 / T, m: comparable between scenarios of different length."""
        return float((self.total / max(len(self.time), 1)) ** (1 / self.power))


class _Pairs(NamedTuple):
    """Pairs of names. target, track, group: (E,). row: (k,) which of them each of the comparison's pairs is."""

    target: I64
    track: I64
    group: I64
    row: I64


def trajectory(comparison: Comparison, switch: float, power: float = 2.0, largest: int = EXACT) -> Trajectories:
    """Return the metric with c = the comparison's cutoff. switch: gamma, m; power: p, at least 1, finite."""
    worst = comparison.cutoff**power
    cost = comparison.distance**power
    at = np.searchsorted(comparison.time, comparison.truth.time[comparison.target])
    pairs = _pairs(comparison)
    weight, changes, exact, bound = _weights(pairs, at, worst - cost, switch**power / 2, largest)
    length = len(comparison.time)
    targets, tracks = comparison.counts()
    assigned = np.bincount(at, weight, length)
    best = gospa(comparison, power)  # as if switches were free
    return Trajectories(
        comparison.time,
        np.bincount(at, weight * cost, length).astype(np.float64),
        worst / 2 * (targets - assigned),
        worst / 2 * (tracks - assigned),
        np.bincount(changes[0].astype(np.int64), changes[1], length).astype(np.float64),
        exact,
        max(float((worst / 2 * (targets + tracks)).sum()) - bound, float((best.distance**power).sum())),
        power,
    )


def _pairs(comparison: Comparison) -> _Pairs:
    width = max(len(comparison.tracks.names), 1)
    key = comparison.truth.id[comparison.target] * width + comparison.tracks.id[comparison.track]
    names, row = np.unique(key, return_inverse=True)
    target, track = np.divmod(names, width)
    return _Pairs(target, track, groups(target, track), row)


def _weights(pairs: _Pairs, at: I64, gain: F64, change: float, largest: int) -> tuple[F64, F64, bool, float]:
    """Return weights (k,) of the pairs, changes (2, n): time index and cost, whether all is exact, most to save."""
    weight, exact = np.ones(len(gain)), True  # a pair that competes with none is held all the time
    changes = [np.empty((2, 0))]
    if len(gain) == 0:
        return weight, changes[0], exact, 0.0
    size = np.bincount(pairs.group)
    members = np.argsort(pairs.group, kind="stable")
    first = np.cumsum(size) - size
    row_group = pairs.group[pairs.row]
    rows = np.argsort(row_group, kind="stable")
    limits = np.searchsorted(row_group[rows], np.arange(len(size) + 1))
    bound = float(gain[size[row_group] == 1].sum())
    place = np.empty(len(pairs.group), np.int64)
    place[members] = np.arange(len(members)) - np.repeat(first, size)
    for g in np.flatnonzero(size > 1):
        own, row = members[first[g] : first[g] + size[g]], rows[limits[g] : limits[g + 1]]
        times, k = np.unique(at[row], return_inverse=True)
        table = np.zeros((len(own), len(times)))
        table[place[pairs.row[row]], k] = gain[row]
        found, good, most = solve(Group(pairs.target[own], pairs.track[own], table, change), largest)
        weight[row] = found[place[pairs.row[row]], k]
        cost = change * np.abs(np.diff(found, axis=1)).sum(0)
        bound += most
        changes.append(np.stack([times[1:].astype(np.float64), cost]))
        exact = exact and good
    return weight, np.concatenate(changes, axis=1), exact, bound
