"""Which of two sets of states are the same targets: the most alike first, each at most once."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.model.detection import NO_ADDRESS
from skywarden.model.place import F64, I64
from skywarden.track.nearest import nearest

GATE = 22.5  # chi-square with 6 degrees of freedom, 99.9 %
NEIGHBOURS, WIDEST = 8, 20_000.0  # candidates of each, at most so many m away


class States(NamedTuple):
    """n states at one time. mean (n, 6) ECEF m and m/s; covariance (n, 6, 6); address (n,) claimed, -1 none."""

    mean: F64
    covariance: F64
    address: I64

    def take(self, rows: I64 | NDArray[np.bool_]) -> "States":
        """Return some of them."""
        return States(self.mean[rows], self.covariance[rows], self.address[rows])


def chi2(one: States, other: States, i: I64, j: I64) -> F64:
    """Return (n,) how far apart, in squared sigmas, row i of the one is from row j of the other."""
    off = one.mean[i] - other.mean[j]
    S = one.covariance[i] + other.covariance[j]
    return np.asarray(np.einsum("na,na->n", off, np.linalg.solve(S, off[:, :, None])[:, :, 0]), float)


def alike(one: States, other: States) -> tuple[I64, I64]:
    """Return rows of both that may be one target. Two different addresses never are."""
    i, j = nearest(one.mean[:, :3], other.mean[:, :3], NEIGHBOURS, WIDEST)
    off = chi2(one, other, i, j)
    a, b = one.address[i], other.address[j]
    fits = np.flatnonzero((off < GATE) & ((a == b) | (a == NO_ADDRESS) | (b == NO_ADDRESS)))
    pairs: dict[int, int] = {}
    taken = set[int]()
    for k in fits[np.argsort(off[fits], kind="stable")].tolist():
        mine, its = int(i[k]), int(j[k])
        if mine not in pairs and its not in taken:
            pairs[mine] = its
            taken.add(its)
    return np.array(list(pairs), np.int64), np.array(list(pairs.values()), np.int64)
