"""Assignments over time in which every change costs something, by dynamic and linear programming.

One group of E target-track pairs over K times. gain: (E, K), what a pair saves when it is assigned at a time, 0 where
its two ends are not near each other. To take or to leave a pair costs `change`. A pair may be held at no gain, and to
hold one from the first time on or to the last costs nothing.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from skywarden.model.place import F64, I64

EXACT = 20_000  # pairs x times of one group that are solved as one; HiGHS takes seconds for that
TABLE = 10_000_000  # numbers of one table of shortest paths


class Group(NamedTuple):
    """E pairs. target, track: (E,) whom they join. gain: (E, K). change: cost of taking or leaving a pair."""

    target: I64
    track: I64
    gain: F64
    change: float


class Solution(NamedTuple):
    """weight: (E, K), 0 to 1. exact: nothing better exists. bound: what is saved in all, changes paid, is not more."""

    weight: F64
    exact: bool
    bound: float


def solve(group: Group, largest: int = EXACT) -> Solution:
    """Return the best assignments over time, or good ones.

    First all targets take their best tracks over time, each as if it were alone. If no track is then taken twice, no
    assignment can be better. Else the same from the side of the tracks. Else, up to `largest` pairs x times, a linear
    programme. Else one target after another takes the best that is left (or one track after another).
    """
    start = _runs(group.gain)
    short = group._replace(gain=np.add.reduceat(group.gain, start, axis=1))
    found = _solve(short, largest)
    return found._replace(weight=np.repeat(found.weight, np.diff(start, append=group.gain.shape[1]), axis=1))


def _solve(group: Group, largest: int) -> Solution:
    sides = ((group.target, group.track), (group.track, group.target))
    bound = np.inf
    for own, other in sides:
        weight = _alone(own, group)
        bound = min(bound, _saved(group, weight))
        order = np.argsort(other, kind="stable")
        begin = np.flatnonzero(np.diff(other[order], prepend=-1))
        if (np.add.reduceat(weight[order], begin, axis=0) <= 1).all():
            return Solution(weight, True, bound)
    if group.gain.size <= largest:
        weight = _programme(group)
        return Solution(weight, True, _saved(group, weight))
    good = [_in_turn(own, other, group) for own, other in sides]
    return Solution(max(good, key=lambda weight: _saved(group, weight)), False, bound)


def _saved(group: Group, weight: F64) -> float:
    """Return what weights save, changes paid."""
    return float((group.gain * weight).sum() - group.change * np.abs(np.diff(weight, axis=1)).sum())


def _runs(gain: F64) -> I64:
    """Return where runs of times begin in which nothing but one and the same pair gains.

    Nothing is lost by changing at their ends only: the mean of the weights in a run, weighted by that pair's gain,
    gains as much and, by the triangle inequality, changes no more.
    """
    near = gain > 0
    alone = np.where(near.sum(0) == 1, near.argmax(0), -1)
    return np.flatnonzero(np.append(True, (alone[1:] != alone[:-1]) | (alone[1:] < 0)))


def _alone(own: I64, group: Group) -> F64:
    """Return weights (E, K) if each of `own` (E,), the pairs' ends on one side, chooses as if it were alone."""
    pairs, length = group.gain.shape
    order = np.argsort(own, kind="stable")
    begin = np.flatnonzero(np.diff(own[order], prepend=-1))
    count = np.diff(begin, append=pairs)
    weight = np.zeros((pairs, length))
    several = max(1, TABLE // (length * (int(count.max()) + 1)))
    for first in range(0, len(begin), several):
        sizes, after = count[first : first + several], int(begin[first])
        edges = order[after : after + int(sizes.sum())]
        end = np.repeat(np.arange(len(sizes)), sizes)
        slot = np.arange(len(edges)) - np.repeat(np.cumsum(sizes) - sizes, sizes) + 1  # 0 is to hold none
        table = np.zeros((len(sizes), int(sizes.max()) + 1, length))
        table[end, slot] = group.gain[edges]
        weight[edges] = _paths(table, group.change)[end] == slot[:, None]
    return weight


def _paths(gain: F64, change: float) -> I64:
    """Return (n, K) the best state of each at each time, by Viterbi. gain: (n, M, K); state 0 is to hold nothing."""
    n, states, length = gain.shape
    each, own = np.arange(n), np.arange(states)
    came = np.empty((length, n, states), np.int32)
    value = gain[:, :, 0].copy()
    for k in range(1, length):
        best = value.argmax(1)
        top, none = value[each, best], value[:, 0]
        drop = top - np.where(best == 0, 1.0, 2.0) * change  # to leave the best one, if there is one, and take another
        source = np.where(drop >= none - change, best, 0)
        offer = np.maximum(drop, none - change)[:, None]
        stay = value >= offer
        came[k] = np.where(stay, own, source[:, None])
        following = np.where(stay, value, offer)
        leave = top - change > none
        came[k, :, 0] = np.where(leave, best, 0)
        following[:, 0] = np.where(leave, top - change, none)
        value = following + gain[:, :, k]
    path = np.empty((n, length), np.int64)
    path[:, -1] = value.argmax(1)
    for k in range(length - 1, 0, -1):
        path[:, k - 1] = came[k, each, path[:, k]]
    return path


def _programme(group: Group) -> F64:
    """Return the best weights (E, K) by linear programming."""
    pairs, length = group.gain.shape
    n = pairs * length
    limits, bounds = _limits(group)
    changes = limits.shape[1] - n
    scale = max(float(group.gain.max(initial=0.0)), group.change, 1e-300)
    cost = np.concatenate([-group.gain.ravel(), np.full(changes, group.change)]) / scale
    constraint = LinearConstraint(limits, ub=bounds)
    found = milp(cost, constraints=constraint, bounds=Bounds(0.0, 1.0))  # no variable is asked to be whole
    if found.x is None:
        raise ArithmeticError(f"HiGHS found no assignment: {found.message}")
    return np.clip(np.asarray(found.x[:n], np.float64), 0.0, 1.0).reshape(pairs, length)


def _limits(group: Group) -> tuple[csr_array[np.float64], F64]:
    """Return the rows of the programme and their upper bounds: each end is used once, each change is paid.

    Variable e * K + k is the weight of pair e at time k, the variables after those are its changes.
    """
    pairs, length = group.gain.shape
    n = pairs * length
    each = np.arange(n)
    pair, k = np.divmod(each, length)
    row, column, height = [np.empty(0, np.int64)], [np.empty(0, np.int64)], 0
    for end in (group.target, group.track):
        several = np.bincount(end)[end[pair]] > 1  # else the bound of a single weight is enough
        row.append(height + np.unique(end[pair[several]] * length + k[several], return_inverse=True)[1])
        column.append(each[several])
        height = int(row[-1].max(initial=height - 1)) + 1
    sign = [np.ones(sum(map(len, row)))]
    later = each[k > 0]
    index = np.arange(len(later))
    for direction in (1.0, -1.0):  # |now - before| - change <= 0
        row += [height + index, height + index, height + index]
        column += [later, later - 1, n + index]
        sign += [np.full(len(later), direction), np.full(len(later), -direction), np.full(len(later), -1.0)]
        height += len(later)
    bounds = np.concatenate([np.ones(height - 2 * len(later)), np.zeros(2 * len(later))])
    triplets = (np.concatenate(sign), (np.concatenate(row), np.concatenate(column)))
    return csr_array(triplets, (height, n + len(later))), bounds


def _in_turn(own: I64, other: I64, group: Group) -> F64:
    """Return weights (E, K): each of `own` (E,) takes the best path of what is left, those with most to gain first."""
    others = np.unique(other, return_inverse=True)[1]
    taken = np.zeros((int(others.max()) + 1, group.gain.shape[1]), bool)
    most = np.bincount(own, group.gain.sum(1))
    weight = np.zeros(group.gain.shape)
    for end in sorted(np.unique(own).tolist(), key=lambda end: (-most[end], end)):
        edges = np.flatnonzero(own == end)
        free = np.where(taken[others[edges]], -np.inf, group.gain[edges])
        path = _paths(np.concatenate([np.zeros((1, free.shape[1])), free])[None], group.change)[0]
        weight[edges] = path == np.arange(1, len(edges) + 1)[:, None]
        taken[others[edges]] |= weight[edges] > 0
    return weight
