"""WGS 84 <-> Earth-centred Earth-fixed (ECEF) <-> local east-north-up.

Angles in rad, lengths in m. Latitude and height are geodetic, height above the WGS 84 ellipsoid.
"""

import numpy as np

from skywarden.model.place import F64, Place

SEMI_MAJOR = 6378137.0  # m; WGS 84 (NIMA TR8350.2, table 3.1)
FLATTENING = 1 / 298.257223563
ECCENTRICITY2 = FLATTENING * (2 - FLATTENING)
SEMI_MINOR = SEMI_MAJOR * (1 - FLATTENING)


def ecef(latitude: F64 | float, longitude: F64 | float, height: F64 | float) -> F64:
    """Return (..., 3) ECEF m of geodetic points. Source: NIMA TR8350.2, equation 4-14."""
    sin, cos = np.sin(latitude), np.cos(latitude)
    normal = SEMI_MAJOR / np.sqrt(1 - ECCENTRICITY2 * sin**2)
    x = (normal + height) * cos * np.cos(longitude)
    y = (normal + height) * cos * np.sin(longitude)
    z = (normal * (1 - ECCENTRICITY2) + height) * sin
    return np.stack(np.broadcast_arrays(x, y, z), axis=-1)


def geodetic(position: F64) -> tuple[F64, F64, F64]:
    """Return latitude, longitude rad and height m of (..., 3) ECEF m.

    Error under 1 um from 10 km below the ellipsoid to 1,000 km above it (tests/test_geo.py). Longitude is in
    [-pi, pi]; on the axis it is 0. Source: Bowring 1976 with two rounds of his iteration.
    """
    x, y, z = np.moveaxis(np.asarray(position, float), -1, 0)
    second = ECCENTRICITY2 / (1 - ECCENTRICITY2)
    radius = np.hypot(x, y)
    beta = np.arctan2(z * SEMI_MAJOR, radius * SEMI_MINOR)
    for _ in range(2):
        latitude = np.arctan2(
            z + second * SEMI_MINOR * np.sin(beta) ** 3, radius - ECCENTRICITY2 * SEMI_MAJOR * np.cos(beta) ** 3
        )
        beta = np.arctan2((1 - FLATTENING) * np.sin(latitude), np.cos(latitude))
    sin, cos = np.sin(latitude), np.cos(latitude)
    height = radius * cos + z * sin - SEMI_MAJOR * np.sqrt(1 - ECCENTRICITY2 * sin**2)
    return latitude, np.arctan2(y, x), height


def east_north_up(latitude: F64 | float, longitude: F64 | float) -> F64:
    """Return (..., 3, 3) rotations ECEF -> east, north, up (the rows are the three unit vectors)."""
    sin_lat, cos_lat, sin_lon, cos_lon = np.broadcast_arrays(
        np.sin(latitude), np.cos(latitude), np.sin(longitude), np.cos(longitude)
    )
    zero = np.zeros_like(sin_lat)
    east = np.stack([-sin_lon, cos_lon, zero], -1)
    north = np.stack([-sin_lat * cos_lon, -sin_lat * sin_lon, cos_lat], -1)
    up = np.stack([cos_lat * cos_lon, cos_lat * sin_lon, sin_lat], -1)
    return np.stack([east, north, up], -2)


def place(latitude: float, longitude: float, height: float, north_offset: float = 0.0) -> Place:
    """Return a sensor's place. north_offset: rad, azimuth of its own north, clockwise from true north."""
    turn = np.array(
        [
            [np.cos(north_offset), -np.sin(north_offset), 0.0],
            [np.sin(north_offset), np.cos(north_offset), 0.0],
            [0.0, 0.0, 1.0],
        ]
    )
    return Place(ecef(latitude, longitude, height), turn @ east_north_up(latitude, longitude))
