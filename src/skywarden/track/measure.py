"""What each kind of detection says about a state: expected value, Jacobian, innovation. One row per kind in ROWS.

Sensor frame: its own east, north, up (Place.rotation @ (position - Place.position)). Azimuth is clockwise from its
north, elevation up from its level, both rad; range rate is positive going away.
"""

from collections.abc import Mapping
from math import atan2, cos, isfinite, isnan, log, pi, sqrt
from typing import NamedTuple

import numpy as np

from skywarden.kernel import inner, kernel
from skywarden.model.detection import Kind
from skywarden.model.place import F64
from skywarden.track.table import IMPLAUSIBLE, NOT_FINITE, USED, Plot, Rows, Spot, Work


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
SLACK = 0.1  # rad; noise may carry an elevation past the zenith
CORRELATION = 1e-9  # a covariance whose correlation matrix has a smaller pivot is singular


@inner
def polar(state: F64, spot: Spot, work: Work) -> None:
    """Write range, azimuth, elevation, range rate of a state to work.expected and their Jacobian to work.jacobian.

    state (6,) ECEF m, m/s; spot: the sensor's place. On the sensor itself distances count as 1 m.
    Source: Blackman, Popoli 1999, section 3.3, with range rate from d|r|/dt = e.v/|r|.
    """
    position, rotation = spot.position, spot.rotation
    e0 = e1 = e2 = v0 = v1 = v2 = 0.0
    for b in range(3):
        d, v = state[b] - position[b], state[b + 3]
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


@inner
def linearise(plot: Plot, spot: Spot, state: F64, work: Work) -> None:
    """Write d, innovation, H and rows of a detection against a state (6,) to `work`."""
    z, kind = plot.z, plot.kind
    if kind == POSITION:
        for a in range(3):
            work.innovation[a] = z[a] - state[a]
            work.rows[a] = a
            for b in range(6):
                work.H[a, b] = 1.0 if a == b else 0.0
        work.d = 3
        return
    polar(state, spot, work)
    first, width = (0, 4) if kind == POLAR else (1, 2)  # a direction has the azimuth and elevation of the polar model
    d = 0
    for k in range(width):
        if isnan(z[k]):
            continue
        difference = z[k] - work.expected[k + first]
        if k + first == 1:
            difference -= 2.0 * pi * np.floor(difference / (2.0 * pi) + 0.5)
        work.innovation[d] = difference
        work.rows[d] = k
        for b in range(6):
            work.H[d, b] = work.jacobian[k + first, b]
        d += 1
    work.d = d


@inner
def clutter(plot: Plot, per_m2: float) -> float:
    """Return the log of the false alarms expected per unit of a detection's z. per_m2: 1/m^2 of level surface."""
    z, kind = plot.z, plot.kind
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


@inner
def positive(plot: Plot, work: Work) -> bool:
    """Return whether the first work.d of work.rows of the covariance make sense: finite, not singular, not absurd."""
    R, rows, L = plot.covariance, work.rows, work.L
    for a in range(work.d):
        variance = R[rows[a], rows[a]]
        if not (SIGMA_MIN * SIGMA_MIN <= variance <= SIGMA_MAX * SIGMA_MAX):
            return False
        for b in range(a + 1):
            value = 0.5 * (R[rows[a], rows[b]] + R[rows[b], rows[a]])
            for c in range(b):
                value -= L[a, c] * L[b, c]
            if b < a:
                L[a, b] = value / L[b, b]
            elif not value > CORRELATION * variance:
                return False
            else:
                L[a, a] = sqrt(value)
    return True


@inner
def plausible(plot: Plot) -> bool:
    """Return whether finite z can be a measurement of its kind at all."""
    z = plot.z
    if plot.kind == POSITION:
        return LOWEST < sqrt(z[0] * z[0] + z[1] * z[1] + z[2] * z[2]) < HIGHEST
    if plot.kind == DIRECTION:
        return not abs(z[1]) > pi / 2 + SLACK
    return 0.0 < z[0] < SIGMA_MAX and not abs(z[2]) > pi / 2 + SLACK


@kernel
def check(plots: Rows, parameters: Rows, workspace: Rows) -> None:
    """Fill code (USED, NOT_FINITE, IMPLAUSIBLE) and clutter of all detections; one record each of the other two."""
    work = workspace[0]
    for plot in plots:
        needed = 3 if plot.kind == POSITION else (2 if plot.kind == POLAR else 1)
        width = 3 if plot.kind == POSITION else (4 if plot.kind == POLAR else 2)
        d, finite = 0, 0.0 <= plot.time_sigma < SIGMA_MAX
        for k in range(width):
            if isfinite(plot.z[k]):
                work.rows[d] = k
                d += 1
            elif k < needed or not isnan(plot.z[k]):
                finite = False
        work.d = d
        if not finite or not positive(plot, work):
            plot.code = NOT_FINITE
        elif not plausible(plot):
            plot.code = IMPLAUSIBLE
        else:
            plot.code = USED
            plot.clutter = clutter(plot, parameters[0].clutter)
