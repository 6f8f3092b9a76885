"""What a state that somebody else estimated adds to ours: as an equivalent measurement, or by covariance intersection.

Sources: Drummond 1997, "Tracklets and a hybrid fusion with process noise", for the first; Julier, Uhlmann 1997, "A
non-divergent estimation algorithm in the presence of unknown correlations", for the second.
"""

from typing import NamedTuple

import numpy as np

from skywarden.model.place import F64

NEW = 0.02  # share of a direction's information that must be new; less is rounding, or noise that we do not know
WEAK = 1e-4  # share that is given to what is not new, so that a matrix can be inverted
HALVINGS = 40  # of the interval in which the best weight lies


class Estimate(NamedTuple):
    """n states that somebody estimated. mean (n, w), covariance (n, w, w): any units, the same for all."""

    mean: F64
    covariance: F64


def tracklet(before: Estimate, now: Estimate, width: int) -> Estimate:
    """Return what is new in states `now`, as independent measurements (n, width) of their first components.

    before: what the same system had said, carried on to the same time with process noise. With y2, Y2 its information
    now and y1, Y1 that before, what came between is y2 - y1, Y2 - Y1. Its noise is not ours; if ours is less, some
    directions come out with nothing new, or less than nothing, and are left out; if it is more, too much seems new.
    """
    x, root = now.mean, np.linalg.cholesky(now.covariance)
    old = np.asarray(np.linalg.solve(before.covariance, root), float)
    share, axes = np.linalg.eigh(_symmetric(root.swapaxes(1, 2) @ old))  # of Y2, that Y1 is
    off = np.linalg.solve(root, (before.mean - x)[:, :, None])[:, :, 0]
    off = np.einsum("nak,na->nk", axes, off)
    fresh = 1.0 - share
    known = fresh < NEW
    z = np.where(known, 0.0, -share * off / np.where(known, 1.0, fresh))
    fresh = np.where(known, WEAK, fresh)
    into = (root @ axes)[:, :width]
    R = np.einsum("nak,nk,nbk->nab", into, 1.0 / fresh, into)
    return Estimate(x[:, :width] + np.einsum("nak,nk->na", into, z), _symmetric(R))


def intersection(one: Estimate, other: Estimate) -> Estimate:
    """Return both estimates of each state as one that is right however they depend on each other.

    Y = w Y1 + (1 - w) Y2 with the w in [0, 1] of the least determinant of the covariance. What one of them has taken
    from the other does not count again: with the same `other` once more nothing changes.
    """
    root = np.linalg.cholesky(one.covariance)
    half = np.asarray(np.linalg.solve(root, other.covariance), float)
    whole = np.asarray(np.linalg.solve(root, half.swapaxes(1, 2)), float)
    spread, axes = np.linalg.eigh(_symmetric(whole))  # other, in sigmas of one
    weight = _weight(1.0 / spread)[:, None]
    into = root @ axes
    off = np.linalg.solve(into, (other.mean - one.mean)[:, :, None])[:, :, 0]
    narrow = 1.0 / (weight + (1.0 - weight) / spread)
    step = np.einsum("nak,nk->na", into, narrow * (1.0 - weight) / spread * off)
    return Estimate(one.mean + step, _symmetric(np.einsum("nak,nk,nbk->nab", into, narrow, into)))


def _weight(sharp: F64) -> F64:
    """Return (n,) the w for which sum log(w + (1 - w) sharp) is greatest; sharp: (n, k), > 0. It is concave in w."""
    low, high = np.zeros(len(sharp)), np.ones(len(sharp))
    for _ in range(HALVINGS):
        w = 0.5 * (low + high)
        rises = ((1.0 - sharp) / (w[:, None] + (1.0 - w[:, None]) * sharp)).sum(1) > 0.0
        low, high = np.where(rises, w, low), np.where(rises, high, w)
    w = 0.5 * (low + high)
    return np.where(w > 1.0 - 1e-9, 1.0, np.where(w < 1e-9, 0.0, w))


def _symmetric(matrices: F64) -> F64:
    return np.asarray(0.5 * (matrices + matrices.swapaxes(1, 2)), float)
