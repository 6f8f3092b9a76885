"""Two targets of sounds alone that nobody can tell apart: one of them is as good as both.

Each sound is a look of its own, and which array should have heard whom is not asked. So what two arrays begin at once
lives on as two targets, each with half of the sounds. Radars miss one of two; arrays do not. Whoever is within what is
unknown of both places and velocities is left out, if only arrays tell of it; of two such ones the younger.
"""

import numpy as np
from numpy.typing import NDArray

from skywarden.model.place import F64
from skywarden.track.motion import level_sigma
from skywarden.track.nearest import nearest
from skywarden.track.pool import Rows
from skywarden.track.standing import level_axes

NEAR, MOST = 4.0, 8  # chi-square of four degrees of freedom, under which two are one; others that are looked at
VAGUE_M, WIDEST = 500.0, 2_000.0  # m: level sigma of who may be a twin; no two are farther apart


def twins(targets: Rows, states: tuple[F64, F64], since: int) -> NDArray[np.bool_]:
    """Return (n,) which targets are to be left out. states: at one time. since: ns; who was placed later is no twin."""
    mean, covariance = states
    sharp = (level_sigma(mean, covariance) < VAGUE_M) & (targets["confirmed"] == 1) & (targets["wedge"] == 0)
    heard = sharp & targets["origin"].any(axis=1) & (targets["placed"] < since)
    gone = np.zeros(len(targets), bool)
    if not heard.any():
        return gone
    one, other = np.flatnonzero(heard), np.flatnonzero(sharp)
    i, j = nearest(mean[one, :3], mean[other, :3], MOST, WIDEST)
    i, j = one[i], other[j]
    rank = np.lexsort((targets["label"], targets["born"]))
    place = np.empty(len(rank), np.int64)
    place[rank] = np.arange(len(rank))
    later = (i != j) & (~heard[j] | (place[i] > place[j]))
    i, j = i[later], j[later]
    gone[i[_apart(mean, covariance, i, j) < NEAR]] = True
    return gone


def _apart(mean: F64, covariance: F64, i: NDArray[np.int64], j: NDArray[np.int64]) -> F64:
    """Return (k,) chi-square of the difference of places and velocities on the level."""
    level = level_axes(mean[i, :3])[:, :2]
    d = np.concatenate([np.einsum("nka,na->nk", level, (mean[i] - mean[j])[:, a : a + 3]) for a in (0, 3)], 1)
    both = covariance[i] + covariance[j]
    S = np.concatenate(
        [
            np.concatenate(
                [np.einsum("nka,nab,nlb->nkl", level, both[:, a : a + 3, b : b + 3], level) for b in (0, 3)], 2
            )
            for a in (0, 3)
        ],
        1,
    )
    return np.asarray(np.einsum("nk,nk->n", d, np.linalg.solve(S, d[..., None])[..., 0]), float)
