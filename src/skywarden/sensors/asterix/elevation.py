"""From a height above the ellipsoid to the elevation under which a radar sees it."""

import numpy as np

from skywarden.geo.earth import ECCENTRICITY2, SEMI_MAJOR
from skywarden.model.place import F64


def curvature(latitude: F64 | float, bearing: F64) -> F64:
    """Return the ellipsoid's radius of curvature at latitudes along true bearings (n,), rad, m.

    Source: Euler's formula, 1/R = cos^2(b) / M + sin^2(b) / N, M and N the meridian's and the prime vertical's radius.
    """
    w = 1 - ECCENTRICITY2 * np.sin(latitude) ** 2
    prime_vertical = SEMI_MAJOR / np.sqrt(w)
    meridian = prime_vertical * (1 - ECCENTRICITY2) / w
    flatter: F64 = np.cos(bearing) ** 2 / meridian + np.sin(bearing) ** 2 / prime_vertical
    return 1 / flatter


def elevation(distance: F64, height: F64, own: F64 | float, radius: F64) -> F64:
    """Return (n,) rad above the radar's horizontal plane; NaN where no point at that distance has that height.

    distance: (n,) slant m; height: (n,) m above the WGS 84 ellipsoid; own: the radar's, of all or (n,); radius: (n,) m,
    `curvature`.
    On the sphere that fits the ellipsoid in the plot's direction, with a = R + own and b = R + height:
    b^2 = a^2 + r^2 + 2 a r sin(e). The height that comes out is right to 0.5 m at 100 km and to 12 m at 450 km
    (tests/test_asterix_plots.py). The ray is straight: a measured slant range is not corrected for refraction.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        sine = ((height - own) * (2 * radius + height + own) - distance**2) / (2 * distance * (radius + own))
        return np.arcsin(np.where(np.abs(sine) < 1, sine, np.nan))
