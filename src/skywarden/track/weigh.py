"""What looks of single microphones change of what is held for possible: existence, and place where that is vague.

Nodes are asked about targets as a whole, `presence` knows no hypotheses. So what they say of a target moves all that is
held possible of it alike: existence by the ratio of odds, place by the map that takes the target's moments before to
those after; the velocity that hangs together with it follows (Jeffrey's rule: given the place, all else stays).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.kernel import kernel
from skywarden.model.place import F64, I64
from skywarden.track.hearers import Known
from skywarden.track.notes import front
from skywarden.track.pool import MODELS, Memory
from skywarden.track.presence import SUREST
from skywarden.track.reach import slot

LEAST = 1e-9  # of a probability
LOUDEST = 8.0  # logarithm of odds; nobody is more surely heard, nor less
HEARD = 3.0  # the same of who was begun by being heard
HAIR = 1e-9  # of a variance


class Judged(NamedTuple):
    """Of m targets: by what the odds of existence change, existence then, and the logarithm of the odds to be heard."""

    ratio: F64
    existence: F64
    loud: F64


def audible(existence: F64, loud: F64) -> F64:
    """Return (m,) the probability that a target exists and can be heard. loud: (m,) logarithm of odds."""
    return np.asarray(existence / (1.0 + np.exp(-loud)), float)


def judged(existence: F64, loud: F64, after: F64) -> Judged:
    """Return what follows for targets from what nodes say of those that can be heard.

    existence, loud: (m,) before; after: (m,) of `audible` now. To nodes a target that cannot be heard is as none:
    silence first speaks against being heard, and against existence only of who was heard.
    """
    existence = np.minimum(existence, SUREST)
    before = np.clip(audible(existence, loud), LEAST, SUREST)
    after = np.clip(after, LEAST, SUREST)
    ratio = after * (1.0 - before) / (before * (1.0 - after))
    there = before * ratio + existence - before
    loud = np.clip(loud + np.log(ratio), -LOUDEST, LOUDEST)
    return Judged(there / existence, there / (there + 1.0 - existence), loud)


def exist(memory: Memory, target: I64, ratio: F64) -> None:
    """Multiply the odds of targets, rows (m,), by `ratio` (m,), in all hypotheses about them."""
    n, m, g, _ = memory.counts
    every = np.ones(n)
    every[target] = ratio
    leaves, groups = memory.leaves[:m], memory.groups[:g]
    mine = every[leaves["target"]]
    was = leaves["existence"].copy()
    total = 1.0 - was + was * mine  # how likely what was heard is, given the leaf
    leaves["existence"] = np.where(mine == 1.0, was, np.minimum(was * mine / total, SUREST))
    asked = np.isin(groups["member"], target[ratio != 1.0]).any(1) & (groups["size"] > 0)
    for k in np.flatnonzero(asked).tolist():
        group = groups[k]
        size, count = int(group["size"]), int(group["count"])
        choice = group["choice"][:count, :size]
        weight = group["weight"][:count] * np.where(choice >= 0, total[choice], 1.0).prod(1)
        group["weight"][:count] = weight / weight.sum()


def place(memory: Memory, leaf: I64, before: Known, after: Known, time: int) -> None:
    """Move leaves, rows (m,) without a group, as the targets they are of moved: from `before` to `after` at `time`, ns.

    A leaf stays at its own time. What is not finite, or has no spread, is left as it was.
    """
    leaves, known = memory.leaves, solid(before.covariance) & solid(after.covariance)
    dt = (time - leaves["time"][leaf]) * 1e-9
    for k in range(MODELS):
        P = leaves["covariance"][leaf, k]
        some = np.flatnonzero(known & (leaves["weight"][leaf, k] > 0.0) & solid(forward(P, dt)))  # a wedge's have one
        of, to = (Known(*(column[some] for column in one)) for one in (before, after))
        mean, covariance = shifted(leaves["mean"][leaf[some], k], P[some], dt[some], of, to)
        good = np.isfinite(mean).all(1) & np.isfinite(covariance).all((1, 2))
        row = leaf[some[good]]
        leaves["mean"][row, k], leaves["covariance"][row, k] = mean[good], covariance[good]
    leaves["heard"][leaf] = 0  # what its ear block had in common with the place is another now


def solid(P: F64) -> NDArray[np.bool_]:
    """Return (m,) which places of covariances (m, 3, 3) or (m, 6, 6) can be divided by: their minors are positive."""
    a, b, c = (P[:, k, k] for k in range(3))
    d, e, f = P[:, 0, 1], P[:, 0, 2], P[:, 1, 2]
    two = a * b - d * d
    three = c * two - a * f * f + 2.0 * d * e * f - b * e * e
    return np.asarray((a > 0.0) & (two > 0.0) & (three > 0.0) & np.isfinite(three), bool)


def forward(covariance: F64, dt: F64) -> F64:
    """Return (m, 3, 3) the covariance of places dt (m,) s later, without any noise of motion."""
    cross = covariance[:, :3, 3:] * dt[:, None, None]
    return np.asarray(
        covariance[:, :3, :3] + cross + cross.swapaxes(1, 2) + covariance[:, 3:, 3:] * (dt * dt)[:, None, None]
    )


def shifted(mean: F64, covariance: F64, dt: F64, before: Known, after: Known) -> tuple[F64, F64]:
    """Return states (m, 6), (m, 6, 6) after the map that takes `before` to `after`, dt (m,) s later than they hold.

    All must be `solid`.
    """
    A = np.zeros((len(dt), 3, 6))
    A[:, :, :3], A[:, :, 3:] = np.eye(3), dt[:, None, None] * np.eye(3)
    L0, L1 = (np.linalg.cholesky(known.covariance[:, :3, :3]) for known in (before, after))
    B = L1 @ np.linalg.inv(L0)
    S = A @ covariance @ A.swapaxes(1, 2)
    K = np.linalg.solve(S, A @ covariance).swapaxes(1, 2)
    here = np.einsum("mab,mb->ma", A, mean)
    there = after.mean[:, :3] + np.einsum("mab,mb->ma", B, here - before.mean[:, :3])
    change = K @ (B @ S @ B.swapaxes(1, 2) - S) @ K.swapaxes(1, 2)
    found = covariance + 0.5 * (change + change.swapaxes(1, 2))
    found[:, np.arange(6), np.arange(6)] *= 1.0 + HAIR
    return mean + np.einsum("mab,mb->ma", K, there - here), found


@kernel
def meet(memory: Memory, target: I64, nodes: tuple[I64, I64], time: int) -> None:
    """Write into the books of targets, rows (m,), that nodes hear them at `time`, ns. nodes: sensor (m,), name (m,).

    That says nothing of whether arrays of the same source can: what these saw and missed stays as it was.
    """
    sensor, name = nodes
    for k in range(len(target)):
        row = memory.targets[target[k]]
        before = slot(row, sensor[k])
        looked, view = (row.looked_at[before], row.in_view[before]) if before >= 0 else (time, 0.0)
        row.seen = max(row.seen, time)
        if row.witness != name[k]:
            row.witness = 0
        front(row, sensor[k], time)
        row.looked_at[0], row.in_view[0] = looked, view


def begin(memory: Memory, label: int, state: tuple[F64, F64], existence: float, times: tuple[int, int]) -> int:
    """Begin a target with mean (6,) and covariance (6, 6), which flies calmly until more is known; return its row.

    times: ns, since when it is known to fly, and when the state holds. Needs room for it.
    """
    t, i = memory.counts[:2].tolist()
    target, leaf = memory.targets[t], memory.leaves[i]
    memory.targets[t : t + 1], memory.leaves[i : i + 1] = np.zeros(1, target.dtype), np.zeros(1, leaf.dtype)
    target["label"], target["leaf"], target["address"], target["seen_by"] = label, i, -1, -1
    target["born"], target["seen"], target["placed"], leaf["time"] = times[0], times[1], times[1], times[1]
    target["told"], target["loud"] = times[1], HEARD
    leaf["target"], leaf["group"], leaf["existence"] = t, -1, existence
    leaf["weight"][0], leaf["mean"], leaf["covariance"] = 1.0, state[0], state[1]
    memory.counts[:2] += 1
    return int(t)
