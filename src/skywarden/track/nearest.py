"""The nearest of other points: SciPy's tree for many; for few it is not even imported, which takes half a second."""

import numpy as np

from skywarden.model.place import F64, I64

FEW = 10_000  # distances that are worked out one by one


def nearest(points: F64, others: F64, most: int, within: float) -> tuple[I64, I64]:
    """Return rows of `points` and of `others`, (p,) each: the `most` nearest of each at most `within` m away.

    points (n, 3), others (m, 3): m. In the order of the points, the nearest first.
    """
    most = min(most, len(others))
    if not most or not len(points):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    few = len(points) * len(others) <= FEW
    distance, which = _one_by_one(points, others, most) if few else _tree(points, others, most, within)
    i, k = np.nonzero(distance < within)
    return i, which[i, k]


def _one_by_one(points: F64, others: F64, most: int) -> tuple[F64, I64]:
    """Return (n, most) the distances to the nearest, m, and which these are."""
    distance = np.sqrt(((points[:, None] - others) ** 2).sum(2))
    which = np.argsort(distance, axis=1, kind="stable")[:, :most]
    return np.take_along_axis(distance, which, 1), which


def _tree(points: F64, others: F64, most: int, within: float) -> tuple[F64, I64]:
    """Return the same; infinite, and no row, for what is not within that many m: the search ends there."""
    from scipy.spatial import cKDTree  # `pipeline` has it already: no tick of a running system waits for this

    distance, which = cKDTree(others).query(points, k=list(range(1, most + 1)), distance_upper_bound=within)
    return np.asarray(distance), np.asarray(which, np.int64)
