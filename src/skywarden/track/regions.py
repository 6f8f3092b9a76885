"""Targets of which only a wide region is known: where it is, and which they are."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.model.place import F64, I64
from skywarden.model.track import TrackKind
from skywarden.track.motion import VERTICAL_NOISE, predict_all
from skywarden.track.pool import HYPOTHESES, MODELS, Rows
from skywarden.track.standing import level_axes

FIFTH, NARROW_M = 0.2, 100.0  # of a range, and m; one that is known worse than to both is that of a wedge


class Regions(NamedTuple):
    """Targets with several ranges open. target: (k,) rows; time: (k,) ns, when mean (k, 6) and covariance (k, 6, 6)

    hold, which are those of all ranges together, ECEF m and m/s.
    """

    target: I64
    time: I64
    mean: F64
    covariance: F64


def opened(wedges: I64, leaves: Rows, groups: Rows, noise: F64) -> Regions:
    """Return what is known of wedges, rows of targets, over all their hypotheses and models of motion.

    Each is the only member of its group. noise: (MODELS,) m^2/s^3, level. Sums go in the order of hypotheses, whatever
    else is known.
    """
    alone = groups[(groups["size"] == 1) & np.isin(groups["member"][:, 0], wedges)]
    choice = alone["choice"][:, :, 0]
    used = (np.arange(HYPOTHESES) < alone["count"][:, None]) & (choice >= 0)
    alone, choice, used = (column[used.any(axis=1)] for column in (alone, choice, used))
    k, h = np.nonzero(used)
    some = leaves[choice[k, h]]
    first = np.flatnonzero(np.diff(k, prepend=-1))
    if not len(first):
        return Regions(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 6)), np.zeros((0, 6, 6)))
    time = np.maximum.reduceat(some["time"], first)
    weight = (alone["weight"][k, h] * some["existence"])[:, None] * some["weight"]
    whole = np.add.reduceat(weight.sum(axis=1), first)
    part = weight / whole[k, None]
    dt = np.repeat((time[k] - some["time"]) * 1e-9, MODELS)
    means, spreads = np.ascontiguousarray(some["mean"]), np.ascontiguousarray(some["covariance"])
    level = np.tile(noise, len(some))
    x, P = predict_all(means.reshape(-1, 6), spreads.reshape(-1, 6, 6), dt, level, VERTICAL_NOISE)
    x, P = x.reshape(-1, MODELS, 6), P.reshape(-1, MODELS, 6, 6)
    used_ = part > 0.0
    x, P = np.where(used_[:, :, None], x, 0.0), np.where(used_[:, :, None, None], P, 0.0)
    mean = np.add.reduceat((part[:, :, None] * x).sum(axis=1), first)
    apart = np.where(used_[:, :, None], x - mean[k, None], 0.0)
    inside = (part[:, :, None, None] * (P + apart[:, :, :, None] * apart[:, :, None, :])).sum(axis=1)
    return Regions(alone["member"][:, 0].copy(), time, mean, np.add.reduceat(inside, first))


def kinds(targets: Rows, mean: F64, covariance: F64) -> NDArray[np.int8]:
    """Return (n,) `TrackKind` of targets: wedges are those that a bearing began and whose range is not known well.

    That is how far they are over the ground from where it was begun: a height that nobody measures makes no wedge.
    mean (n, 6), covariance (n, 6, 6): ECEF, m and m/s.
    """
    kind = np.full(len(targets), TrackKind.POINT, np.int8)
    begun = np.flatnonzero(targets["origin"].any(axis=1))
    origin = targets["origin"][begun]
    up = level_axes(origin)[:, 2]
    away = mean[begun, :3] - origin
    away -= (away * up).sum(axis=1)[:, None] * up
    far2 = (away * away).sum(axis=1)
    along = np.einsum("na,nab,nb->n", away, covariance[begun, :3, :3], away)  # variance of the range times far2
    wide = (along > FIFTH * FIFTH * far2 * far2) & (along > NARROW_M * NARROW_M * far2)
    kind[targets["hits"] == 0] = TrackKind.FIELD
    kind[begun[wide | (targets["wedge"][begun] == 1)]] = TrackKind.WEDGE
    return kind
