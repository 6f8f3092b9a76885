"""From a height above the ellipsoid to the elevation under which a radar sees it."""

import numpy as np

from skywarden import geo
from skywarden.model.place import F64, Place

EARTH_RADIUS = 6_371_000.0  # m; only to start from, the ellipsoid decides
ROUNDS = 3  # from the sphere to the ellipsoid; leaves less than 1 cm of height (tests/test_asterix_decoder.py)


def elevation(place: Place, distance: F64, azimuth: F64, height: F64) -> F64:
    """Return (n,) rad above the radar's horizontal plane; NaN where no point at that distance has that height.

    distance: (n,) slant m; azimuth: (n,) rad clockwise from the radar's own north; height: (n,) m above the WGS 84
    ellipsoid. The ray is straight: a measured slant range is not corrected for refraction.

    First on a sphere, where with a = R + h_radar, b = R + h:  b^2 = a^2 + r^2 + 2 a r sin(e);  then by Newton's
    method on the ellipsoid, where a change of elevation by d lifts the point by r d cos(e) very nearly.
    """
    own = float(geo.geodetic(place.position)[2])
    with np.errstate(divide="ignore", invalid="ignore"):
        sine = ((height - own) * (2 * EARTH_RADIUS + height + own) - distance**2) / (
            2 * distance * (EARTH_RADIUS + own)
        )
        angle = np.arcsin(np.where(np.abs(sine) < 1, sine, np.nan))
        for _ in range(ROUNDS):
            miss = height - geo.geodetic(_at(place, distance, azimuth, angle))[2]
            angle = angle + miss / (distance * np.maximum(np.cos(angle), 0.05))
    return np.where(np.abs(angle) < np.pi / 2, angle, np.nan)


def _at(place: Place, distance: F64, azimuth: F64, angle: F64) -> F64:
    """Return (n, 3) ECEF m of points in the radar's polar coordinates."""
    level = distance * np.cos(angle)
    local = np.stack([level * np.sin(azimuth), level * np.cos(azimuth), distance * np.sin(angle)], -1)
    return place.position + local @ place.rotation
