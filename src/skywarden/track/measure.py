"""What each kind of detection says about a state: expected value, Jacobian, innovation. One row per kind in ROWS.

Sensor frame: its own east, north, up (Place.rotation @ (position - Place.position)). Azimuth is clockwise from its
north, elevation up from its level, both rad; range rate is positive going away.
"""

from collections.abc import Mapping
from math import atan2, cos, floor, isfinite, isnan, log, pi, sqrt
from typing import NamedTuple

import numpy as np

from skywarden.kernel import kernel
from skywarden.model.detection import Kind
from skywarden.model.place import F64
from skywarden.track.table import IMPLAUSIBLE, NOT_FINITE, USED, Plots, Work


class Row(NamedTuple):
    """used: by this tracker. starts: a detection that fits no track starts one. placed: needs the sensor's place."""

    used: bool
    starts: bool
    placed: bool
    note: str


ROWS: Mapping[Kind, Row] = {
    Kind.POSITION: Row(True, True, False, "linear"),
    Kind.POLAR: Row(True, True, True, "extended Kalman filter; elevation and range rate may be missing"),
    Kind.DIRECTION: Row(True, False, True, "corrects tracks that others started; elevation may be missing"),
    Kind.PLANE: Row(False, False, False, "not used yet"),
    Kind.SOUND: Row(False, False, True, "not used yet: needs retarded time"),
    Kind.PRESENCE: Row(False, False, True, "not used yet: needs an existence model"),
    Kind.SILENCE: Row(False, False, True, "not used yet: needs an existence model"),
    Kind.DELAY: Row(False, False, True, "not used yet"),
    Kind.TRACK: Row(False, False, False, "not used yet: needs tracklets or covariance intersection"),
}

POSITION, POLAR, DIRECTION = int(Kind.POSITION), int(Kind.POLAR), int(Kind.DIRECTION)
CEILING = 10_000.0  # m; false alarms are spread evenly over this height
SPEEDS = 600.0  # m/s; and over this width of range rates
FALSE_BEARINGS = 0.1  # per rad of azimuth and per rad of elevation, a look
LOWEST, HIGHEST = 6.2e6, 8.0e6  # m from the Earth's centre; a position outside is not one of an aircraft
SIGMA_MIN, SIGMA_MAX = 1e-9, 1e6  # rad or m or m/s
CORRELATION = 1e-9  # a covariance whose correlation matrix has a smaller pivot is singular


@kernel
def polar(mean: F64, position: F64, rotation: F64, work: Work) -> None:
    """Write range, azimuth, elevation, range rate of a state to work.expected and their Jacobian to work.jacobian.

    mean (6,) ECEF m, m/s; position (3,), rotation (3, 3): the sensor's place. On the sensor itself distances count
    as 1 m. Source: Blackman, Popoli 1999, section 3.3, with range rate from d|r|/dt = e.v/|r|.
    """
    e0 = e1 = e2 = v0 = v1 = v2 = 0.0
    for b in range(3):
        d, v = mean[b] - position[b], mean[b + 3]
        e0 += rotation[0, b] * d
        e1 += rotation[1, b] * d
        e2 += rotation[2, b] * d
        v0 += rotation[0, b] * v
        v1 += rotation[1, b] * v
        v2 += rotation[2, b] * v
    ground2 = max(e0 * e0 + e1 * e1, 1.0)
    ground = sqrt(ground2)
    r = sqrt(ground2 + e2 * e2)
    rate = (e0 * v0 + e1 * v1 + e2 * v2) / r
    work.expected[0], work.expected[1], work.expected[2], work.expected[3] = r, atan2(e0, e1), atan2(e2, ground), rate
    J = work.jacobian
    for b in range(3):
        east, north, vertical = rotation[0, b], rotation[1, b], rotation[2, b]
        along = (e0 * east + e1 * north + e2 * vertical) / r
        J[0, b] = along
        J[1, b] = (e1 * east - e0 * north) / ground2
        J[2, b] = (ground * vertical - (e0 * east + e1 * north) * e2 / ground) / (r * r)
        J[3, b] = (v0 * east + v1 * north + v2 * vertical - rate * along) / r
        J[0, b + 3] = J[1, b + 3] = J[2, b + 3] = 0.0
        J[3, b + 3] = along


@kernel
def linearise(plots: Plots, j: int, mean: F64, work: Work) -> int:
    """Write innovation, H and rows of detection j against a state (6,) to `work`; return its dimension, 1 to 4."""
    z, kind = plots.z[j], plots.kind[j]
    if kind == POSITION:
        for a in range(3):
            work.innovation[a] = z[a] - mean[a]
            work.rows[a] = a
            for b in range(6):
                work.H[a, b] = 1.0 if a == b else 0.0
        return 3
    place = plots.place[j]
    polar(mean, plots.position[place], plots.rotation[place], work)
    first, width = (0, 4) if kind == POLAR else (1, 2)  # a direction has the azimuth and elevation of the polar model
    d = 0
    for k in range(width):
        if isnan(z[k]):
            continue
        difference = z[k] - work.expected[k + first]
        if k + first == 1:
            difference -= 2.0 * pi * floor(difference / (2.0 * pi) + 0.5)
        work.innovation[d] = difference
        work.rows[d] = k
        work.H[d] = work.jacobian[k + first]
        d += 1
    return d


@kernel
def clutter(plots: Plots, j: int, per_m2: float) -> float:
    """Return the log of the false alarms expected per unit of detection j's z. per_m2: 1/m^2 of level surface."""
    z, kind = plots.z[j], plots.kind[j]
    if kind == POSITION:
        return log(per_m2 / CEILING)
    if kind == DIRECTION:
        return log(FALSE_BEARINGS) * (1.0 if isnan(z[1]) else 2.0)
    density = per_m2 * z[0]
    if not isnan(z[2]):
        density *= z[0] * cos(z[2]) / CEILING
    if not isnan(z[3]):
        density /= SPEEDS
    return log(max(density, 1e-300))


@kernel
def positive(R: F64, rows: F64, d: int, L: F64) -> bool:
    """Return whether the d rows named of R, (w, w), form a usable covariance: finite, not singular, not absurd."""
    for a in range(d):
        variance = R[int(rows[a]), int(rows[a])]
        if not (SIGMA_MIN**2 <= variance <= SIGMA_MAX**2):
            return False
        for b in range(a + 1):
            i, k = int(rows[a]), int(rows[b])
            value = 0.5 * (R[i, k] + R[k, i])
            for c in range(b):
                value -= L[a, c] * L[b, c]
            if a == b:
                if not value > CORRELATION * variance:
                    return False
                L[a, a] = sqrt(value)
            else:
                L[a, b] = value / L[b, b]
    return True


@kernel
def plausible(z: F64, kind: int) -> bool:
    """Return whether finite z, (4,), can be a measurement of its kind at all."""
    if kind == POSITION:
        return bool(LOWEST < sqrt(z[0] * z[0] + z[1] * z[1] + z[2] * z[2]) < HIGHEST)
    elevation = z[2] if kind == POLAR else z[1]
    if abs(elevation) > pi / 2 + 0.1:
        return False
    return kind != POLAR or 0.0 < z[0] < SIGMA_MAX


@kernel
def check(plots: Plots, per_m2: float) -> None:
    """Fill plots.code (USED, NOT_FINITE, IMPLAUSIBLE) and plots.clutter."""
    rows, L = np.zeros(4), np.zeros((4, 4))
    for j in range(len(plots.time)):
        z, kind = plots.z[j], plots.kind[j]
        needed = 3 if kind == POSITION else (2 if kind == POLAR else 1)
        width = 3 if kind == POSITION else (4 if kind == POLAR else 2)
        d, finite = 0, isfinite(plots.time_sigma[j])
        for k in range(width):
            if isfinite(z[k]):
                rows[d] = k
                d += 1
            elif k < needed or not isnan(z[k]):
                finite = False
        if not finite or not positive(plots.covariance[j], rows, d, L):
            plots.code[j] = NOT_FINITE
        elif not plausible(z, kind):
            plots.code[j] = IMPLAUSIBLE
        else:
            plots.code[j] = USED
            plots.clutter[j] = clutter(plots, j, per_m2)
