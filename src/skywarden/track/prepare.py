"""A look's detections as the filter wants them: checked, with their densities, sorted by a key.

A detection that cannot be what its kind says is left out and its reason kept; nothing that comes from a wire stops the
filter.
"""

from math import cos, inf, isfinite, isnan, log, nan, pi, sin, sqrt
from typing import NamedTuple

import numpy as np

from skywarden.geo.earth import ECCENTRICITY2, SEMI_MAJOR
from skywarden.kernel import inner
from skywarden.model.place import F64, I64
from skywarden.track.clutter import known
from skywarden.track.looks import Plot, Sense
from skywarden.track.measure import (
    CORRELATION,
    DEEPEST,
    FALSE_BEARINGS,
    HIGHEST,
    LOWEST,
    SHRILLEST,
    SIGMA_MAX,
    SIGMA_MIN,
    SLACK,
    TONES,
    TURNED,
)
from skywarden.track.pool import Memory, Rows
from skywarden.track.view import DIRECTION, PLANE, POLAR, POSITION, SOUND, TONE
from skywarden.track.work import Parameters

USED, NOT_FINITE, IMPLAUSIBLE, TOO_LATE, QUOTA = 0, 1, 2, 3, 4  # Given.code
OWN, REPEATED = 5, 6  # of reports, see `feeds`


@inner
def shape(kind: int) -> tuple[int, int, int]:
    """Return of a kind: its components, how many of them must be there, and the first row they have in a view."""
    if kind == POLAR:
        return 4, 2, 0
    if kind == SOUND:
        return 3, 1, 1
    if kind == DIRECTION:
        return 2, 1, 1
    if kind == PLANE:
        return 2, 2, 0
    return 3, 3, 0


@inner
def copy(plot: Plot, z: F64, R: F64, kind: int) -> bool:
    """Write z and its covariance R to a plot, and which rows it has; False when a number is none that may be.

    A latitude and longitude become the ECEF position at height 0; their covariance is that of east and north, m^2.
    A tone, Hz, becomes its logarithm.
    """
    width, needed, first = shape(kind)
    plot.d = 0
    for k in range(width):
        if isfinite(z[k]):
            plot.rows[plot.d] = k + first
            plot.d += 1
        elif k < needed or not isnan(z[k]):
            return False
        plot.z[k + first] = z[k]
        for c in range(width):
            plot.covariance[k + first, c + first] = 0.5 * (R[k, c] + R[c, k])
    if kind == SOUND:
        pitch(plot)
    if kind == PLANE:
        ground(z[0] if abs(z[0]) <= pi / 2 else nan, z[1], plot.z)
    return 0.0 <= plot.time_sigma < SIGMA_MAX and isfinite(plot.lag)


@inner
def pitch(plot: Plot) -> None:
    """Turn the tone of a sound, Hz, into its logarithm; one that is none becomes -inf, which is not plausible."""
    hertz = plot.z[TONE]
    if isnan(hertz):
        return
    plot.z[TONE] = log(hertz) if hertz > 0.0 else -inf
    for k in range(1, TONE):
        plot.covariance[k, TONE] /= hertz
        plot.covariance[TONE, k] = plot.covariance[k, TONE]
    plot.covariance[TONE, TONE] /= hertz * hertz


@inner
def ground(latitude: float, longitude: float, out: F64) -> None:
    """Write the ECEF position of a place on the ellipsoid to out (3 or more). Source: NGA.STND.0036, section 4."""
    sine, cosine = sin(latitude), cos(latitude)
    radius = SEMI_MAJOR / sqrt(1.0 - ECCENTRICITY2 * sine * sine)
    out[0], out[1] = radius * cosine * cos(longitude), radius * cosine * sin(longitude)
    out[2] = radius * (1.0 - ECCENTRICITY2) * sine


@inner
def positive(plot: Plot, L: F64) -> bool:
    """Return whether a plot's covariance makes sense: positive, not singular, not absurd. L: scratch."""
    R, rows = plot.covariance, plot.rows
    for a in range(plot.d):
        variance = R[rows[a], rows[a]]
        if not (SIGMA_MIN * SIGMA_MIN <= variance <= SIGMA_MAX * SIGMA_MAX):
            return False
        for b in range(a + 1):
            value = R[rows[a], rows[b]]
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
def plausible(plot: Plot, kind: int) -> bool:
    """Return whether finite z can be a measurement of its kind at all."""
    z = plot.z
    if kind == POSITION:
        return LOWEST < sqrt(z[0] * z[0] + z[1] * z[1] + z[2] * z[2]) < HIGHEST
    if kind == PLANE:
        return isfinite(z[0])  # of a latitude that is one
    if kind == POLAR and not 0.0 < z[0] < SIGMA_MAX:
        return False
    if kind == SOUND and not (isnan(z[TONE]) or DEEPEST <= z[TONE] <= SHRILLEST):
        return False
    return not abs(z[2]) > pi / 2 + SLACK and abs(z[1]) < TURNED


@inner
def density(plot: Plot, kind: int, parameters: Parameters) -> float:
    """Return how many per unit of z there are for one per m^2 of level surface, spread evenly over heights and speeds.

    On average over bearings for DIRECTION and SOUND.
    """
    z = plot.z
    if kind == POSITION:
        return 1.0 / parameters.ceiling
    if kind == PLANE:
        return 1.0
    if kind in (DIRECTION, SOUND):
        value = FALSE_BEARINGS if isnan(z[2]) else FALSE_BEARINGS * FALSE_BEARINGS
        return float(value * TONES if kind == SOUND and not isnan(z[TONE]) else value)
    value = z[0]
    if not isnan(z[2]):
        value *= max(z[0] * cos(z[2]), 1.0) / parameters.ceiling
    if not isnan(z[3]):
        value /= parameters.speeds
    return float(value)


@inner
def widest(plots: Rows, m: int) -> int:
    """Return the ECEF axis along which the first m plots spread most."""
    best, axis = -1.0, 0
    for a in range(3):
        low = high = plots[0].z[a] if m > 0 else 0.0
        for j in range(m):
            low, high = min(low, plots[j].z[a]), max(high, plots[j].z[a])
        if high - low > best:
            best, axis = high - low, a
    return axis


@inner
def order(memory: Memory, m: int) -> None:
    """Sort the first m plots by the key of the look's kind, and write sense.axis, blur and parts."""
    sense, plots = memory.sense[0], memory.plots
    level = sense.kind == POSITION or sense.kind == PLANE
    sense.axis = widest(plots, m) if level else (0 if sense.kind == POLAR else 1)
    sense.second = (sense.axis + 1) % 3
    sense.blur, sense.side_blur, sense.parts = 0.0, 0.0, shape(sense.kind)[1] + shape(sense.kind)[2]
    if sense.kind == DIRECTION:
        sense.parts = 3  # range and elevation too, for how the azimuth bends
    if sense.kind == SOUND:
        sense.parts = 3
    sense.lag, sense.doubt, sense.addressed = 0.0, 0.0, 0
    key, side = np.empty(m), np.empty(m)
    for j in range(m):
        plot = plots[j]
        key[j], side[j] = plot.z[sense.axis], plot.z[sense.second]
        sense.lag, sense.doubt = max(sense.lag, abs(plot.lag)), max(sense.doubt, plot.time_sigma)
        R, both = plot.covariance, plot.covariance[0, 0] + plot.covariance[1, 1]
        sense.blur = max(sense.blur, both if sense.kind == PLANE else R[sense.axis, sense.axis])
        sense.side_blur = max(sense.side_blur, both if sense.kind == PLANE else R[sense.second, sense.second])
        last = plot.rows[plot.d - 1]
        if (last >= 2 and (sense.kind == POLAR or sense.kind == DIRECTION)) or (last == TONE and sense.kind == SOUND):
            sense.parts = 4
        if plot.address >= 0:
            sense.addressed = 1
        plot.key, plot.side = key[j], side[j]
    ranked, sorted_ = np.argsort(side, kind="mergesort"), plots[:m].copy()
    ranked = ranked[np.argsort(key[ranked], kind="mergesort")]
    for j in range(m):
        plots[j] = sorted_[ranked[j]]


class Given(NamedTuple):
    """Detections as they come, of any number of looks: z (n, w), covariance (n, w, w) as their kind has them, time (n,)

    ns, time_sigma (n,) s, address (n,); name (n,): label of the target that each may found, 0: the next number;
    person (n,): who reports it, 0 a device.
    Out: code (n,) USED or why not; label (n,) of the target that each belongs to or starts, 0 none.
    """

    z: F64
    covariance: F64
    time: I64
    time_sigma: F64
    address: I64
    name: I64
    person: I64
    code: I64
    label: I64


@inner
def standing(sense: Sense) -> int:
    """Return USED, or why nothing can have been measured from where a bearing was: an origin comes from a wire."""
    p = sense.position
    away = sqrt(p[0] * p[0] + p[1] * p[1] + p[2] * p[2])
    if (sense.kind != DIRECTION and sense.kind != SOUND) or LOWEST < away < HIGHEST:
        return USED
    return IMPLAUSIBLE if isfinite(away) else NOT_FINITE


@inner
def fill(memory: Memory, given: Given) -> int:
    """Make plots of the detections of the look in memory.sense; return how many."""
    sense, parameters, work = memory.sense[0], memory.parameters[0], memory.work[0]
    m, where = 0, standing(sense)
    for i in range(sense.begin, sense.end):
        if m == len(memory.plots):
            given.code[i] = QUOTA
            continue
        plot = memory.plots[m]
        plot.z[2] = plot.z[3] = nan
        plot.lag, plot.time_sigma = (given.time[i] - sense.time) * 1e-9, given.time_sigma[i]
        plot.address, plot.origin, plot.person = given.address[i], i, given.person[i]
        plot.label = plot.late = plot.claimed = 0
        given.code[i] = where
        if where != USED:
            continue
        if not copy(plot, given.z[i], given.covariance[i], sense.kind) or not positive(plot, work.C):
            given.code[i] = NOT_FINITE
        elif not plausible(plot, sense.kind):
            given.code[i] = IMPLAUSIBLE
        else:
            even = density(plot, sense.kind, parameters)
            plot.clutter = sense.clutter * even if sense.ground == 1 else sense.clutter / sense.volume
            if sense.ground == 1 and sense.kind == POLAR:
                plot.clutter = known(memory, plot.z[0], sense) * even
            plot.born = even
            plot.volume = 1.0
            for k in range(plot.d):
                plot.volume *= work.C[k, k]
            m += 1
    order(memory, m)
    return m


@inner
def answer(plots: Rows, given: Given) -> None:
    """Hand back whom the plots of a look belong to, and which were too late."""
    for plot in plots:
        given.label[plot.origin] = plot.label
        if plot.late == 1:
            given.code[plot.origin] = TOO_LATE
