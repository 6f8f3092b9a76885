"""Assignments over time in which every change costs something: exact by dynamic or linear programming, or in pieces.

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
PIECE = 4_000  # pairs x times solved at once in larger groups


class Group(NamedTuple):
    """E pairs. target, track: (E,) whom they join. gain: (E, K). change: cost of taking or leaving a pair."""

    target: I64
    track: I64
    gain: F64
    change: float


def solve(group: Group, largest: int = EXACT) -> tuple[F64, bool]:
    """Return weights (E, K), 0 to 1, and whether they are the best there are."""
    start = _runs(group.gain)
    short = group._replace(gain=np.add.reduceat(group.gain, start, axis=1))
    pairs, length = short.gain.shape
    exact = True
    if (short.target == short.target[0]).all() or (short.track == short.track[0]).all():
        weight = _star(short)
    elif pairs * length <= largest:
        weight = _programme(short, None)
    else:
        weight, exact = _in_pieces(short, min(PIECE, largest)), False
    return np.repeat(weight, np.diff(start, append=group.gain.shape[1]), axis=1), exact


def _runs(gain: F64) -> I64:
    """Return where runs of times begin in which nothing but one and the same pair gains.

    Nothing is lost by changing at their ends only: the mean of the weights in a run, weighted by that pair's gain,
    gains as much and, by the triangle inequality, changes no more.
    """
    near = gain > 0
    alone = np.where(near.sum(0) == 1, near.argmax(0), -1)
    return np.flatnonzero(np.append(True, (alone[1:] != alone[:-1]) | (alone[1:] < 0)))


def _star(group: Group) -> F64:
    """All pairs share one end: the best path through time by Viterbi. State E is to hold none of them."""
    gain = np.vstack([group.gain, np.zeros(group.gain.shape[1])])
    none, length = len(gain) - 1, gain.shape[1]
    came = np.empty(gain.shape, np.int64)
    value = gain[:, 0].copy()
    own = np.arange(none + 1)
    for k in range(1, length):
        best = int(np.argmax(value))
        other = value[best] - np.where(own == none, 1.0, 2.0 if best != none else 1.0) * group.change
        free = value[none] - group.change
        came[:, k] = np.where(value >= other, own, best)
        value = np.maximum(value, other)
        came[:none, k] = np.where(value[:none] >= free, came[:none, k], none)
        value[:none] = np.maximum(value[:none], free)
        value += gain[:, k]
    weight = np.zeros_like(gain)
    state = int(np.argmax(value))
    for k in range(length - 1, -1, -1):
        weight[state, k] = 1.0
        state = int(came[state, k]) if k else state
    return weight[:-1]


def _programme(group: Group, before: F64 | None) -> F64:
    """Return the best weights (E, K) by linear programming. before: (E,) weights at the time before the first."""
    pairs, length = group.gain.shape
    n = pairs * length
    limits, bounds = _limits(group, before)
    changes = limits.shape[1] - n
    scale = max(float(group.gain.max(initial=0.0)), group.change, 1e-300)
    cost = np.concatenate([-group.gain.ravel(), np.full(changes, group.change)]) / scale
    constraint = LinearConstraint(limits, ub=bounds)
    found = milp(cost, constraints=constraint, bounds=Bounds(0.0, 1.0))  # no variable is asked to be whole
    if found.x is None:
        raise ArithmeticError(f"HiGHS found no assignment: {found.message}")
    return np.clip(np.asarray(found.x[:n], np.float64), 0.0, 1.0).reshape(pairs, length)


def _limits(group: Group, before: F64 | None) -> tuple[csr_array[np.float64], F64]:
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
    later = each if before is not None else each[k > 0]  # which have a weight before them
    known = np.zeros(len(later)) if before is None else np.where(k[later] == 0, before[pair[later]], 0.0)
    free = k[later] > 0
    index = np.arange(len(later))
    for direction in (1.0, -1.0):  # |now - before| - change <= 0
        row += [height + index, height + index[free], height + index]
        column += [later, later[free] - 1, n + index]
        sign += [np.full(len(later), direction), np.full(int(free.sum()), -direction), np.full(len(later), -1.0)]
        height += len(later)
    bounds = np.concatenate([np.ones(height - 2 * len(later)), known, -known])
    triplets = (np.concatenate(sign), (np.concatenate(row), np.concatenate(column)))
    return csr_array(triplets, (height, n + len(later))), bounds


def _in_pieces(group: Group, size: int) -> F64:
    """Return good weights (E, K): piece after piece in time, each begun from what the last one held.

    Each piece looks ahead as far as it decides. Only pairs that gain in it or are held take part.
    """
    pairs, length = group.gain.shape
    weight, before, k = np.zeros((pairs, length)), None, 0
    while k < length:
        step = 1
        while k + 2 * step < length and _busy(group.gain[:, k : k + 4 * step], before) * 4 * step <= size:
            step *= 2
        part = np.flatnonzero((group.gain[:, k : k + 2 * step] > 0).any(1) | (False if before is None else before > 0))
        piece = Group(group.target[part], group.track[part], group.gain[part, k : k + 2 * step], group.change)
        found = _programme(piece, None if before is None else before[part])
        weight[part, k : k + step] = found[:, :step]
        before = weight[:, min(k + step, length) - 1]
        k += step
    return weight


def _busy(gain: F64, before: F64 | None) -> int:
    return int(((gain > 0).any(1) | (False if before is None else before > 0)).sum())
