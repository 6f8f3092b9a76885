"""Heights along a way over the ground: the lowest smooth line above it that a flier can climb and sink along.

The flier knows the ground ahead. Three steps: the highest wanted height from some seconds before to some after, the
lowest line above that with no slope beyond the limits, its mean over the same seconds. The mean keeps the slopes
within the limits, and stays above what was wanted since each part of it does; the vertical acceleration is at most
(climb + sink) / (2 smooth + 1) per second.
"""

from math import cos, sin, sqrt

import numpy as np

from skywarden.geo.earth import ECCENTRICITY2, SEMI_MAJOR
from skywarden.kernel import inner, kernel
from skywarden.model.place import F64, I64

CLEARANCE = 100.0  # m above the ground for kinds that keep a level


@inner
def highest(line: F64, reach: int, out: F64) -> None:
    """Write the highest value from `reach` before to `reach` after each."""
    n = len(line)
    for k in range(n):
        most = line[k]
        for j in range(max(0, k - reach), min(n, k + reach + 1)):
            most = max(most, line[j])
        out[k] = most


@inner
def average(line: F64, reach: int, out: F64) -> None:
    """Write the mean from `reach` before to `reach` after each; the ends go on as they are."""
    n = len(line)
    for k in range(n):
        total = 0.0
        for j in range(k - reach, k + reach + 1):
            total += line[min(max(j, 0), n - 1)]
        out[k] = total / (2 * reach + 1)


@inner
def lift(line: F64, climb: float, dive: float, diving: int) -> None:
    """Raise `line` where it climbs faster than `climb` or sinks faster; from index `diving` on it may dive."""
    n = len(line)
    for k in range(1, n):
        line[k] = max(line[k], line[k - 1] - (dive if k >= diving else climb))
    for k in range(n - 2, -1, -1):
        line[k] = max(line[k], line[k + 1] - climb)


@kernel
def profile(ground: F64, height: F64, span: I64, limits: F64, rate: F64) -> None:
    """Replace wanted heights by those flown, above the ellipsoid, and write the vertical speeds.

    ground: (N,) highest ground near each row, m above the ellipsoid. height: (N,) in: wanted; out: flown. span: (n, 3)
    where each flier's rows begin, how many, from which one on it dives. limits: (n, 4) climb m/s, dive m/s, smooth s,
    1 if it keeps a level above the ellipsoid, else 0. rate: (N,) out, m/s.
    """
    for i in range(len(span)):
        first, count, diving = span[i]
        climb, dive, smooth, level = limits[i]
        reach = int(smooth)
        wanted, line = np.empty(count), np.empty(count)
        for k in range(count):
            if level > 0.0:
                wanted[k] = max(height[first + k], ground[first + k] + CLEARANCE)
            else:
                wanted[k] = height[first + k] + ground[first + k]
        highest(wanted, reach, line)
        lift(line, climb, dive, diving - reach)
        average(line, reach, wanted)
        for k in range(count):
            height[first + k] = wanted[k]
            a, b = max(k - 1, 0), min(k + 1, count - 1)
            rate[first + k] = (wanted[b] - wanted[a]) / max(b - a, 1)


@kernel
def on_ellipsoid(where: tuple[F64, F64, F64], moving: tuple[F64, F64, F64], position: F64, velocity: F64) -> None:
    """Write (N, 3) ECEF m and m/s of latitude, longitude rad, height m; east, north m/s at height 0; up m/s.

    Source: NIMA TR8350.2, equation 4-14 and its derivative.
    """
    latitude, longitude, height = where
    east, north, up = moving
    for k in range(len(latitude)):
        s, c, sl, cl = sin(latitude[k]), cos(latitude[k]), sin(longitude[k]), cos(longitude[k])
        w = 1.0 - ECCENTRICITY2 * s * s
        across = SEMI_MAJOR / sqrt(w)
        meridian = across * (1.0 - ECCENTRICITY2) / w
        h = height[k]
        position[k, 0] = (across + h) * c * cl
        position[k, 1] = (across + h) * c * sl
        position[k, 2] = (across * (1.0 - ECCENTRICITY2) + h) * s
        e, n, u = east[k] * (1.0 + h / across), north[k] * (1.0 + h / meridian), up[k]
        velocity[k, 0] = -sl * e - s * cl * n + c * cl * u
        velocity[k, 1] = cl * e - s * sl * n + c * sl * u
        velocity[k, 2] = c * n + s * u
