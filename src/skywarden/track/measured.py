"""What registration is told: measurements of radars, cameras and cooperative targets, with labels of their targets."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from skywarden.model.detection import Detections, Kind
from skywarden.model.place import F64, I64, Registration

FIX = -1  # `sensor` of a fix of a cooperative target
BLIND = 1e18  # variance of a component that is missing
FARTHEST = 2e6  # m, of a radar's plots
LATE, EARLY = 120_000_000_000, 10_000_000_000  # ns; stamped before or after the step by more, it is not used
FINEST = ((0.1, 1e-5, 1e-5), (0.1, 0.1, 0.1))  # m, rad, rad of a plot, m of a fix; nobody measures better
LEAST_RATIO = 1e-9  # of the eigenvalues of a covariance in its own units
ORDINARY = (0.3, 0.6 / 12.0**0.5)  # s, latency of an ordinary transponder and its sigma: even from 0 to 0.6
EXACT = (0.0, 0.002)  # s, of one whose times are exact


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


def measured(
    batch: Detections,
    sensor: int,
    target: I64,
    latency: tuple[float, float] = ORDINARY,
    applied: Registration | None = None,
) -> Measured:
    """Return the detections of a batch of POLAR, DIRECTION or POSITION as they were before any correction.

    sensor: row of the sensor that made them; POSITION are fixes of cooperative targets, whoever received them. target
    (n,): label of each one's target, negative where it is nobody's. latency: s, of fixes, and its sigma. applied: the
    correction of the batch, if it has one, so that its times can be put back. Raise ValueError for other kinds.
    """
    n = len(batch)
    z, covariance = np.full((n, 3), np.nan), np.tile(np.eye(3), (n, 1, 1))
    if batch.kind == Kind.DIRECTION:
        z[:, 1:], covariance[:, 1:, 1:] = batch.raw, batch.covariance
    elif batch.kind in (Kind.POLAR, Kind.POSITION):
        z, covariance = np.array(batch.raw[:, :3]), np.array(batch.covariance[:, :3, :3])
    else:
        raise ValueError(f"registration makes nothing of {batch.kind.name}")
    late = round(applied.time_s * 1e9) if applied is not None and applied.version == batch.registration else 0
    row = FIX if batch.kind == Kind.POSITION else sensor
    one = np.ones(n)
    return Measured(
        batch.time + late,
        np.array(batch.time_sigma),
        np.full(n, row),
        np.asarray(target, np.int64),
        z,
        covariance,
        latency[0] * one,
        latency[1] * one,
    )


def together(parts: Sequence[Measured]) -> Measured:
    """Return several sets of measurements as one, by the times that they report."""
    whole = Measured._make(np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.argsort(whole.time, kind="stable")
    return Measured._make(column[order] for column in whole)


def within(measured: Measured, begin: int, end: int) -> Measured:
    """Return what is stamped in a time, ns, give or take what may be late or early."""
    rows = (measured.time >= begin - LATE) & (measured.time <= end + EARLY)
    return Measured._make(column[rows] for column in measured)


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
    covariance = 0.5 * (covariance + covariance.swapaxes(1, 2))
    index = np.arange(3)
    finest = np.square(np.where(fix[:, None], FINEST[1], FINEST[0]))
    covariance[:, index, index] = np.maximum(covariance[:, index, index], finest)
    whole = measured._replace(z=z, covariance=covariance)
    return Measured._make(column[rows] for column in whole)
