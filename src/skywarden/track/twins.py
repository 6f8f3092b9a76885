"""Two targets of sounds alone that nobody can tell apart: one of them is as good as both.

Each sound is a look of its own, and which array should have heard whom is not asked. So what two arrays begin at once
lives on as two targets, each with half of the sounds: radars miss one of the two, arrays do not. Who is beside another,
within what is unknown of both, is left out if arrays alone tell of it; of two such ones the younger.
"""

import numpy as np
from numpy.typing import NDArray

from skywarden.model.place import F64, I64
from skywarden.track.motion import level_sigma
from skywarden.track.nearest import nearest
from skywarden.track.pool import Rows
from skywarden.track.standing import level_axes

NEAR, MOST = 4.0, 8  # chi-square of four degrees of freedom, under which two are one; others that are looked at
VAGUE_M, WIDEST = 500.0, 2_000.0  # m: level sigma of who may be a twin; no two are farther apart


def heard_alone(targets: Rows, since: int) -> NDArray[np.bool_]:
    """Return (n,) who is confirmed by sounds that began it, and was not placed by anybody else since then, ns."""
    found = targets["origin"].any(axis=1) & (targets["placed"] < since)
    return np.asarray(found & (targets["confirmed"] == 1) & (targets["wedge"] == 0), bool)


def twins(targets: Rows, heard: NDArray[np.bool_], states: tuple[F64, F64]) -> NDArray[np.bool_]:
    """Return (n,) which targets are to be left out. heard (n,): of which arrays alone tell; states: all at one time."""
    mean, covariance = states
    sharp = (level_sigma(mean, covariance) < VAGUE_M) & (targets["confirmed"] == 1) & (targets["wedge"] == 0)
    one, other = np.flatnonzero(heard & sharp), np.flatnonzero(sharp)
    i, j = nearest(mean[one, :3], mean[other, :3], MOST, WIDEST)
    i, j = one[i], other[j]
    place = np.argsort(np.lexsort((targets["label"], targets["born"])), kind="stable")
    later = (i != j) & (~heard[j] | (place[i] > place[j]))
    i, j = i[later], j[later]
    gone = np.zeros(len(targets), bool)
    gone[i[_apart(mean, covariance, i, j) < NEAR]] = True
    return gone


def _apart(mean: F64, covariance: F64, i: I64, j: I64) -> F64:
    """Return (k,) chi-square of the difference of places and velocities on the level."""
    axes = np.zeros((len(i), 4, 6))
    axes[:, :2, :3] = axes[:, 2:, 3:] = level_axes(mean[i, :3])[:, :2]
    d = np.einsum("nka,na->nk", axes, mean[i] - mean[j])
    S = np.einsum("nka,nab,nlb->nkl", axes, covariance[i] + covariance[j], axes)
    return np.asarray(np.einsum("nk,nk->n", d, np.linalg.solve(S, d[..., None])[..., 0]), float)
