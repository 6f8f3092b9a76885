"""Universal Transverse Mercator coordinates to geodetic ones.

Source: Karney 2011, "Transverse Mercator with an accuracy of a few nanometers", equations 7 to 12, 19 to 21 and 36,
with the series to the fourth power of n: better than 1 um in a zone.
"""

import re

import numpy as np

from skywarden.geo.earth import ECCENTRICITY2, FLATTENING, SEMI_MAJOR
from skywarden.model.place import F64

SCALE = 0.9996  # on the central meridian
FALSE_EASTING = 500_000.0  # m
FALSE_NORTHING = 10_000_000.0  # m, on the south half
N = FLATTENING / (2 - FLATTENING)
RADIUS = SEMI_MAJOR / (1 + N) * (1 + N**2 / 4 + N**4 / 64)  # m, of the circle as long as a meridian
BETA = (
    N / 2 - 2 / 3 * N**2 + 37 / 96 * N**3 - 1 / 360 * N**4,
    1 / 48 * N**2 + 1 / 15 * N**3 - 437 / 1440 * N**4,
    17 / 480 * N**3 - 37 / 840 * N**4,
    4397 / 161280 * N**4,
)
_ZONE = re.compile(r"([0-9]{1,2})\s*([C-HJ-NP-X])", re.IGNORECASE | re.ASCII)


def zone(text: str) -> tuple[float, bool] | None:
    """Return the central meridian, rad, of a zone like "36U" and whether it is on the north half; None: it is none.

    The letter is that of the latitude band; N and later ones are north, so that "36N" can only mean one thing.
    """
    match = _ZONE.fullmatch(text.strip())
    if match is None or not 1 <= int(match[1]) <= 60:
        return None
    return float(np.radians(6 * int(match[1]) - 183)), match[2].upper() >= "N"


def from_utm(easting: F64, northing: F64, meridian: float, north: bool) -> tuple[F64, F64]:
    """Return latitude and longitude, rad, of (n,) eastings and northings, m. meridian, north: see `zone`."""
    xi = (northing - (0.0 if north else FALSE_NORTHING)) / (SCALE * RADIUS)
    eta = (easting - FALSE_EASTING) / (SCALE * RADIUS)
    along, across = xi.copy(), eta.copy()
    for j, beta in enumerate(BETA, 1):
        along -= beta * np.sin(2 * j * xi) * np.cosh(2 * j * eta)
        across -= beta * np.cos(2 * j * xi) * np.sinh(2 * j * eta)
    sinh, cos = np.sinh(across), np.cos(along)
    longitude = (meridian + np.arctan2(sinh, cos) + np.pi) % (2 * np.pi) - np.pi
    return _latitude(np.sin(along) / np.hypot(sinh, cos)), longitude


def _latitude(conformal: F64) -> F64:
    """Return the geodetic latitude of the tangent of a conformal one, by Newton's method."""
    e, tangent = ECCENTRICITY2**0.5, conformal.copy()
    for _ in range(3):
        secant = np.hypot(1.0, tangent)
        sigma = np.sinh(e * np.arctanh(e * tangent / secant))
        here = tangent * np.hypot(1.0, sigma) - sigma * secant
        slope = (1 + (1 - ECCENTRICITY2) * tangent**2) / ((1 - ECCENTRICITY2) * secant)
        tangent = tangent + (conformal - here) / np.hypot(1.0, here) * slope
    return np.asarray(np.arctan(tangent))
