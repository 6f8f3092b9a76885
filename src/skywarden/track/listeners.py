"""The ear blocks of a wedge's leaves, put together by their moments when the wedge becomes one leaf."""

import numpy as np

from skywarden.kernel import inner
from skywarden.model.place import F64
from skywarden.track.pool import EARS, MODELS, WHOLE, Group, Leaf, Rows

LEAST = 1e-300  # that is divided by


@inner
def heard_by_all(leaves: Rows, group: Group) -> int:
    """Return when the latest sound came that corrected a leaf of a wedge, ns; 0 if any of them has no ear block."""
    latest, least = 0, 1
    for f in range(group.count):
        if group.choice[f, 0] >= 0:
            heard = leaves[group.choice[f, 0]].heard
            latest, least = max(latest, heard), min(least, heard)
    return latest if least > 0 else 0


@inner
def part_of(leaf: Leaf, m: int, weight: float, total: float) -> float:
    """Return a leaf's share of model m of a wedge. weight: of its hypothesis; total: of that model in all of them."""
    return float(weight * leaf.existence * leaf.weight[m] / max(total, LEAST))


@inner
def hearing(leaves: Rows, group: Group, weight: F64, mean: F64) -> tuple[F64, F64]:
    """Return mean (MODELS, EARS) and covariance (MODELS, EARS, WHOLE) of a wedge's ear blocks.

    weight (MODELS,), mean (MODELS, 6): of all its leaves together.
    """
    e, T = np.zeros((MODELS, EARS)), np.zeros((MODELS, EARS, WHOLE))
    for f in range(group.count):
        if group.choice[f, 0] >= 0:
            leaf = leaves[group.choice[f, 0]]
            for m in range(MODELS):
                part = part_of(leaf, m, group.weight[f], weight[m])
                for j in range(EARS):
                    e[m, j] += part * leaf.ear[m, j]
    for f in range(group.count):
        if group.choice[f, 0] >= 0:
            leaf = leaves[group.choice[f, 0]]
            for m in range(MODELS):
                gather(leaf, m, part_of(leaf, m, group.weight[f], weight[m]), (mean[m], e[m]), T[m])
    return e, T


@inner
def gather(leaf: Leaf, m: int, part: float, middle: tuple[F64, F64], T: F64) -> None:
    """Add a part of a leaf's block around the means of state and block to T (EARS, WHOLE)."""
    mean, e = middle
    for j in range(EARS):
        off = leaf.ear[m, j] - e[j]
        for b in range(WHOLE):
            other = leaf.mean[m, b] - mean[b] if b < 6 else leaf.ear[m, b - 6] - e[b - 6]
            T[j, b] += part * (leaf.tail[m, j, b] + off * other)


@inner
def put(leaf: Leaf, e: F64, T: F64) -> None:
    """Write means (MODELS, EARS) and covariances (MODELS, EARS, WHOLE) to a leaf's block."""
    for m in range(MODELS):
        for j in range(EARS):
            leaf.ear[m, j] = e[m, j]
            for b in range(WHOLE):
                leaf.tail[m, j, b] = T[m, j, b]
