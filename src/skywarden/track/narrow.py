"""When the ranges of a wedge have become one place, on the level: then it is a target like any other.

Its hypotheses are put together by their first two moments. While it is a wedge and confirmed, each of its leaves
has both models of motion.
"""

import numpy as np

from skywarden.kernel import inner
from skywarden.model.place import F64
from skywarden.track.joint import release
from skywarden.track.listeners import heard_by_all, hearing, put
from skywarden.track.models import models, predict, promote
from skywarden.track.motion import up
from skywarden.track.pool import MODELS, Group, Leaf, Memory, Rows

LEAST = 1e-300  # that is divided by
TOGETHER = 1.0  # of the variance on the level inside of leaves, what lies between them


@inner
def narrow(memory: Memory, g: int) -> None:
    """Look at a group after a look: if it is a wedge of which one place is left, make it one leaf."""
    group = memory.groups[g]
    if group.size != 1 or group.member[0] < 0 or memory.targets[group.member[0]].wedge == 0:
        return
    leaves, latest = memory.leaves, 0
    for f in range(group.count):
        if group.choice[f, 0] >= 0:
            leaf = leaves[group.choice[f, 0]]
            latest = max(latest, leaf.time)
            if memory.targets[group.member[0]].confirmed == 1 and models(leaf) == 1:
                promote(leaf)
    for f in range(group.count):
        if group.choice[f, 0] >= 0:
            predict(leaves[group.choice[f, 0]], latest, memory.parameters[0], memory.work[0])
    if one_place(leaves, group, memory.work[0].vertical):
        merge(memory, g)


@inner
def middle(leaf: Leaf, a: int) -> float:
    """Return component a of a leaf's mean over its models."""
    return float(leaf.weight[0] * leaf.mean[0, a] + leaf.weight[1] * leaf.mean[1, a])


@inner
def one_place(leaves: Rows, group: Group, upward: F64) -> bool:
    """Return whether the leaves of a wedge are about as near to each other, on the level, as each is wide."""
    total = inside = between = 0.0
    mean = np.zeros(3)
    for f in range(group.count):
        i = group.choice[f, 0]
        if i >= 0:
            weight = group.weight[f] * leaves[i].existence
            total += weight
            for a in range(3):
                mean[a] += weight * middle(leaves[i], a)
    if not total > 0.0:
        return False
    for a in range(3):
        mean[a] /= total
    up(mean, upward)
    for f in range(group.count):
        i = group.choice[f, 0]
        if i < 0:
            continue
        weight, P, off2, vertical = group.weight[f] * leaves[i].existence, leaves[i].covariance[0], 0.0, 0.0
        for a in range(3):
            d = middle(leaves[i], a) - mean[a]
            off2 += d * d
            vertical += d * upward[a]
            inside += weight * P[a, a]
            for b in range(3):
                inside -= weight * P[a, b] * (upward[a] * upward[b])
        between += weight * (off2 - vertical * vertical)
    return bool(between <= TOGETHER * inside)


@inner
def merge(memory: Memory, g: int) -> None:
    """Make one leaf of all hypotheses about a wedge, which exists as likely as in all of them, and end its group."""
    group, leaves = memory.groups[g], memory.leaves
    weight, mean, P = np.zeros(MODELS), np.zeros((MODELS, 6)), np.zeros((MODELS, 6, 6))
    kept = -1
    for f in range(group.count):
        if group.choice[f, 0] >= 0:
            kept = group.choice[f, 0]
            for m in range(MODELS):
                average(leaves[kept], m, group.weight[f], weight, mean[m])
    for f in range(group.count):
        if group.choice[f, 0] >= 0:
            for m in range(MODELS):
                gather(leaves[group.choice[f, 0]], m, group.weight[f] / max(weight[m], LEAST), mean[m], P[m])
    heard, (ears, tails) = heard_by_all(leaves, group), hearing(leaves, group, weight, mean)
    for f in range(group.count):
        if group.choice[f, 0] >= 0:
            leaves[group.choice[f, 0]].existence = 0.0
    release(memory, group.member[0], kept)
    group.size = 0
    write(leaves[kept], weight, mean, P)
    leaves[kept].heard = heard
    put(leaves[kept], ears, tails)


@inner
def average(leaf: Leaf, m: int, part: float, weight: F64, mean: F64) -> None:
    """Take a part of a leaf's model m into a weight, (MODELS,), and a mean, (6,), that stay those of all so far."""
    part *= leaf.existence * leaf.weight[m]
    weight[m] += part
    for a in range(6):
        mean[a] += part / max(weight[m], LEAST) * (leaf.mean[m, a] - mean[a])


@inner
def gather(leaf: Leaf, m: int, part: float, mean: F64, P: F64) -> None:
    """Add a part of a leaf's covariance around another mean to P (6, 6)."""
    x, C = leaf.mean[m], leaf.covariance[m]
    part *= leaf.existence * leaf.weight[m]
    for a in range(6):
        for b in range(a + 1):
            P[a, b] += part * (C[a, b] + (x[a] - mean[a]) * (x[b] - mean[b]))
            P[b, a] = P[a, b]


@inner
def write(leaf: Leaf, weight: F64, mean: F64, P: F64) -> None:
    """Write weights (MODELS,), which add to the existence, means (MODELS, 6) and covariances to a leaf."""
    leaf.existence = weight[0] + weight[1]
    for m in range(MODELS):
        leaf.weight[m] = weight[m] / leaf.existence
        for a in range(6):
            leaf.mean[m, a] = mean[m, a]
            for b in range(6):
                leaf.covariance[m, a, b] = P[m, a, b]
