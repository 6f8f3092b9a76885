"""The targets that registration follows: whose path is which row, and which measurements can be used at all.

Each path is a Kalman filter as if all biases were what they are believed to be, and its slope: how its state would
differ if they were not. So one target that is seen by several joins them, whoever they are.
Source: Friedland 1969, "Treatment of bias in recursive filtering", IEEE Transactions on Automatic Control 14(4).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.model.place import F64, I64
from skywarden.track.biases import CLAIMED, OWN

Mask = NDArray[np.bool_]
NOBODY = -1
FIX = -1  # `sensor` of a fix of a cooperative target
UNSEEN = 30_000_000_000  # ns; a path that was not measured for so long has ended
LOST = 3  # measurements one after another that do not fit it: the path is begun anew
BLIND = 1e18  # variance of a component that is missing
FARTHEST = 2e6  # m, of a radar's plots
LEAST_RATIO = 1e-9  # of the eigenvalues of a covariance in its own units


class Measured(NamedTuple):
    """m measurements that are joined to targets. time (m,): ns, as reported; time_sigma (m,): s, of each alone.

    sensor (m,): row of the sensor, -1 for a fix. target (m,): label of the target, 0 or more. z (m, 3): range m,
    azimuth, elevation rad, range and elevation NaN where missing, or a fix, ECEF m. covariance (m, 3, 3). latency,
    latency_sigma (m,): s, what is believed of a fix's source before it is measured.
    """

    time: I64
    time_sigma: F64
    sensor: I64
    target: I64
    z: F64
    covariance: F64
    latency: F64
    latency_sigma: F64


class Paths(NamedTuple):
    """T targets. label (T,), -1 free; time (T,): ns, 0 before the first measurement; mean (T, 6), covariance (T, 6, 6).

    slope (T, 6, 6 S + 4): of the mean by the columns of the S sensors and the target's own. last (T, S + 1): ns of the
    last measurement used of each sensor, fixes at the end. misses (T,): since the last that fitted. claimed (T,):
    whether its own columns have their prior. frame (T,): column of the slope whose clock the path is kept in.
    votes (T, S + 1): of each sensor, how many more measurements fitted than did not in the last step.
    """

    label: I64
    time: I64
    mean: F64
    covariance: F64
    slope: F64
    last: I64
    misses: I64
    claimed: Mask
    frame: I64
    votes: I64


class Opened(NamedTuple):
    """Targets whose first fix has come: slot (k,), latency (k,) and its sigma, s, offset (k, 3, 3): covariance, m^2."""

    slot: I64
    latency: F64
    sigma: F64
    offset: F64


def empty(sensors: int, targets: int) -> Paths:
    """Return room for so many targets."""
    return Paths(
        np.full(targets, NOBODY, np.int64),
        np.zeros(targets, np.int64),
        np.zeros((targets, 6)),
        np.zeros((targets, 6, 6)),
        np.zeros((targets, 6, OWN * sensors + CLAIMED)),
        np.zeros((targets, sensors + 1), np.int64),
        np.zeros(targets, np.int64),
        np.zeros(targets, bool),
        np.zeros(targets, np.int64),
        np.zeros((targets, sensors + 1), np.int64),
    )


def sane(measured: Measured, sensors: int) -> Measured:
    """Return what can be used, in time order, missing components as 0 with the variance BLIND: never NaN.

    Left out: unknown sensors, negative labels, ranges and angles that cannot be, fixes that are no numbers,
    covariances that are not positive.
    """
    z, covariance = measured.z.copy(), measured.covariance.copy()
    fix = measured.sensor == FIX
    missing = ~np.isfinite(z)
    good = (measured.sensor >= FIX) & (measured.sensor < sensors) & (measured.target >= 0)
    good &= np.where(fix, ~missing.any(1), ~missing[:, 1])
    z[missing] = 0.0
    ranged = missing[:, 0] | ((z[:, 0] > 0.0) & (z[:, 0] < FARTHEST))
    good &= fix | (ranged & (np.abs(z[:, 1:]) < 100.0).all(1))
    covariance = np.where(missing[:, :, None] | missing[:, None, :], np.eye(3) * BLIND, covariance)
    diagonal = np.einsum("kii->ki", covariance)
    good &= np.isfinite(covariance).all((1, 2)) & (diagonal > 0.0).all(1)
    for name in ("time_sigma", "latency", "latency_sigma"):
        value = getattr(measured, name)
        good &= np.isfinite(value) & (value >= 0.0)
    scale = 1.0 / np.sqrt(diagonal[good])
    even = covariance[good] * scale[:, :, None] * scale[:, None, :]
    good[np.flatnonzero(good)[np.linalg.eigvalsh(even)[:, 0] < LEAST_RATIO]] = False
    rows = np.flatnonzero(good)
    rows = rows[np.lexsort((measured.target[rows], measured.sensor[rows], measured.time[rows]))]
    whole = measured._replace(z=z, covariance=0.5 * (covariance + covariance.swapaxes(1, 2)))
    return Measured._make(column[rows] for column in whole)


def ended(paths: Paths, time: int) -> Paths:
    """Return the paths without those that nothing was measured of for UNSEEN, or that their measurements have left."""
    gone = (paths.label != NOBODY) & ((time - paths.time > UNSEEN) | (paths.misses >= LOST))
    return paths._replace(
        label=np.where(gone, NOBODY, paths.label),
        time=np.where(gone, 0, paths.time),
        last=np.where(gone[:, None], 0, paths.last),
        misses=np.where(gone, 0, paths.misses),
        claimed=paths.claimed & ~gone,
    )


def opened(paths: Paths, measured: Measured) -> tuple[Paths, Opened]:
    """Give new labels a free row, those with fixes and then the earlier ones first. measured: see `sane`.

    Also return the targets whose own columns begin now, with their first fix; their paths begin anew, by a fix.
    """
    label, claimed, fix = paths.label.copy(), paths.claimed.copy(), measured.sensor == FIX
    new = np.unique(measured.target[~np.isin(measured.target, label)])
    first = np.array([np.argmax(measured.target == one) for one in new.tolist()], np.int64)
    silent = ~np.isin(new, measured.target[fix])
    free = np.flatnonzero(label == NOBODY)
    order = np.lexsort((first, silent))[: len(free)]
    label[free[: len(order)]] = new[order]
    mine = np.flatnonzero(fix & np.isin(measured.target, label[~claimed]))
    _, index = np.unique(measured.target[mine], return_index=True)
    rows = mine[index]
    slot = np.array([np.argmax(label == one) for one in measured.target[rows].tolist()], np.int64)
    claimed[slot] = True
    time = paths.time.copy()
    time[slot] = 0
    begun = Opened(slot, measured.latency[rows], measured.latency_sigma[rows], measured.covariance[rows])
    return paths._replace(label=label, claimed=claimed, time=time), begun
