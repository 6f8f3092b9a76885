"""Targets that arrays of one source have begun: which of them are shown, and which are others' twins.

An array's own false alarms hang together: a machine hums beside it for minutes. So a target is shown when several of
them have heard it in turn (`notes`). Mopeds and saws are heard by several too: it must be faster than these.

Each sound is a look of its own, and which array should have heard whom is not asked. So what two arrays begin at once
lives on as two targets, each with half of the sounds: radars miss one of the two, arrays do not. Who is beside another,
within what is unknown of both, is left out if arrays alone tell of it; of two such ones the younger.
"""

import numpy as np
from numpy.typing import NDArray

from skywarden.model.place import F64, I64
from skywarden.track.motion import level_sigma
from skywarden.track.nearest import nearest
from skywarden.track.notes import PAUSE
from skywarden.track.pool import Rows
from skywarden.track.standing import level_axes

TWIN = "one with another: arrays cannot tell the two apart"
IN_TURN = 6  # looks, each of another array than the last and soon after it
KNOWN_M = 300.0  # m: level sigma from which who is begun by sounds may be shown
DRIVES, SURELY = 15.0, 2.0  # m/s; sigmas of its speed by which it is faster than that
SURE = 0.5  # existence of who has a twin
NEAR, MOST = 4.0, 8  # chi-square of four degrees of freedom, under which two are one; others that are looked at
VAGUE_M, WIDEST = 500.0, 2_000.0  # m: level sigma of who may be a twin; no two are farther apart


def begun(targets: Rows, since: int) -> NDArray[np.bool_]:
    """Return (n,) whom sounds have begun and nobody else has placed since then, ns, and whose range is known."""
    return np.asarray(targets["origin"].any(axis=1) & (targets["placed"] < since) & (targets["wedge"] == 0), bool)


def ripe(targets: Rows, heard: NDArray[np.bool_], at: int) -> NDArray[np.bool_]:
    """Return (n,) whom of those that arrays have begun, (n,), they hear in turn at `at`, ns, unknown to people yet."""
    turns = (targets["turns"] >= IN_TURN) & (targets["turned"] >= at - PAUSE)
    return np.asarray(heard & (targets["confirmed"] == 0) & turns, bool)


def flying(mean: F64, covariance: F64) -> NDArray[np.bool_]:
    """Return (n,) what is surely somewhere and faster than what drives, by states (n, 6) and (n, 6, 6)."""
    level = level_axes(mean[:, :3])[:, :2]
    v = np.einsum("nka,na->nk", level, mean[:, 3:])
    speed = np.sqrt((v * v).sum(1))
    along = np.einsum("nk,nka->na", v / np.maximum(speed, 1e-9)[:, None], level)
    sigma = np.sqrt(np.einsum("na,nab,nb->n", along, covariance[:, 3:, 3:], along))
    known = level_sigma(mean, covariance) < KNOWN_M
    return np.asarray(known & (speed - SURELY * sigma > DRIVES), bool)


def twins(targets: Rows, heard: NDArray[np.bool_], states: tuple[F64, F64], existence: F64) -> NDArray[np.bool_]:
    """Return (n,) which targets are to be left out. heard (n,): of which arrays alone tell; states: all at one time.

    Of several in a row each is left out beside one that stays, the oldest first.
    """
    mean, covariance = states
    shown = (targets["confirmed"] == 1) & (targets["wedge"] == 0) & (existence > SURE)
    sharp = shown & (level_sigma(mean, covariance) < VAGUE_M)
    one, other = np.flatnonzero(heard & sharp), np.flatnonzero(sharp)
    i, j = nearest(mean[one, :3], mean[other, :3], MOST, WIDEST)
    i, j = one[i], other[j]
    place = np.argsort(np.lexsort((targets["label"], targets["born"])), kind="stable")
    later = (i != j) & (~heard[j] | (place[i] > place[j]))
    i, j = i[later], j[later]
    near = _apart(mean, covariance, i, j) < NEAR
    gone = np.zeros(len(targets), bool)
    for k in np.flatnonzero(near)[np.lexsort((place[j[near]], place[i[near]]))].tolist():
        gone[i[k]] |= not gone[j[k]]
    return gone


def _apart(mean: F64, covariance: F64, i: I64, j: I64) -> F64:
    """Return (k,) chi-square of the difference of places and velocities on the level."""
    axes = np.zeros((len(i), 4, 6))
    axes[:, :2, :3] = axes[:, 2:, 3:] = level_axes(mean[i, :3])[:, :2]
    d = np.einsum("nka,na->nk", axes, mean[i] - mean[j])
    S = np.einsum("nka,nab,nlb->nkl", axes, covariance[i] + covariance[j], axes)
    return np.asarray(np.einsum("nk,nk->n", d, np.linalg.solve(S, d[..., None])[..., 0]), float)
