"""Magnetic declination from the World Magnetic Model 2025 (coefficients ship with the package, public domain).

Source of the formulas: Chulliat et al., The US/UK World Magnetic Model for 2025-2030, technical report, section 1.2.
"""

from functools import cache
from importlib.resources import files

import numpy as np

from skywarden.geo.earth import ecef
from skywarden.model.place import F64

DEGREE = 12
EPOCH, UNTIL = 2025.0, 2030.0  # years in which the model is valid
REFERENCE_RADIUS = 6371200.0  # m; of the model, not of the Earth


@cache
def _coefficients() -> F64:
    """Return (4, DEGREE + 1, DEGREE + 1): g, h nT at the epoch, their change nT/year. A constant file, so cached."""
    table = np.zeros((4, DEGREE + 1, DEGREE + 1))
    text = files("skywarden").joinpath("data", "wmm2025.cof").read_text(encoding="ascii")
    for line in text.splitlines()[1:]:
        if line.startswith("9999"):
            break
        n, m, *values = line.split()
        table[:, int(n), int(m)] = [float(value) for value in values]
    table.flags.writeable = False
    return table


def declination(latitude: F64 | float, longitude: F64 | float, height: F64 | float, year: F64 | float) -> F64:
    """Return the azimuth of magnetic north, rad, east of true north positive.

    latitude, longitude: geodetic rad; height: m above the ellipsoid; year: 2026.5 is the middle of 2026; shapes
    broadcast. The model holds from 2025.0 to 2030.0; a year outside gives the declination of the nearest one inside
    (it drifts by about 0.1 deg a year in Europe). The field near the ground differs from the model by 0.3 deg rms in
    Europe, more near iron; close to the magnetic poles a declination means nothing.
    """
    east, north = _horizontal_field(*np.broadcast_arrays(latitude, longitude, height, year))
    return np.asarray(np.arctan2(east, north))


def _horizontal_field(latitude: F64, longitude: F64, height: F64, year: F64) -> tuple[F64, F64]:
    """Return the east and north components, nT."""
    x, y, z = np.moveaxis(ecef(latitude, longitude, height), -1, 0)
    radius = np.sqrt(x * x + y * y + z * z)
    sin = z / radius
    cos = np.maximum(np.hypot(x, y) / radius, 1e-9)  # keeps the poles defined
    legendre, slope = _legendre(sin, cos)
    g, h, g_change, h_change = _coefficients()
    since = np.clip(year, EPOCH, UNTIL) - EPOCH
    east, north, down = np.zeros_like(radius), np.zeros_like(radius), np.zeros_like(radius)
    for n in range(1, DEGREE + 1):
        scale = (REFERENCE_RADIUS / radius) ** (n + 2)
        for m in range(n + 1):
            cosine, sine = np.cos(m * longitude), np.sin(m * longitude)
            a, b = g[n, m] + g_change[n, m] * since, h[n, m] + h_change[n, m] * since
            even = scale * (a * cosine + b * sine)
            north -= even * slope[n, m]
            down -= (n + 1) * even * legendre[n, m]
            east += scale * m * (a * sine - b * cosine) * legendre[n, m] / cos
    tilt = np.arcsin(np.clip(sin, -1, 1)) - latitude  # from geocentric to geodetic
    return east, north * np.cos(tilt) - down * np.sin(tilt)


def _legendre(sin: F64, cos: F64) -> tuple[F64, F64]:
    """Return Schmidt semi-normalised P(sin) and dP/dlatitude, each (DEGREE + 1, DEGREE + 1, ...): [n, m]."""
    p, slope = np.zeros((2, DEGREE + 1, DEGREE + 1, *sin.shape))
    p[0, 0] = 1.0
    for n in range(1, DEGREE + 1):
        k = np.sqrt((2 * n - 1) / (2 * n)) if n > 1 else 1.0
        p[n, n] = k * cos * p[n - 1, n - 1]
        slope[n, n] = k * (cos * slope[n - 1, n - 1] - sin * p[n - 1, n - 1])
        for m in range(n):
            below = np.sqrt((n - 1) ** 2 - m**2) if m < n - 1 else 0.0
            over = np.sqrt(n**2 - m**2)
            before = p[n - 2, m] if n > 1 else 0.0
            slope_before = slope[n - 2, m] if n > 1 else 0.0
            p[n, m] = ((2 * n - 1) * sin * p[n - 1, m] - below * before) / over
            slope[n, m] = ((2 * n - 1) * (cos * p[n - 1, m] + sin * slope[n - 1, m]) - below * slope_before) / over
    return p, slope
