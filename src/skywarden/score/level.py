"""Level distances and flat grids: where things are on the ground below them."""

import numpy as np

from skywarden.geo.earth import east_north_up, ecef, geodetic
from skywarden.model.place import F64


def ground(position: F64) -> F64:
    """Return the points (N, 3) ECEF m on the ellipsoid straight below positions (N, 3) ECEF m.

    Straight lines between such points are level distances: 4 mm too short at 10 km, 0.1 m at 30 km.
    """
    latitude, longitude, _ = geodetic(position)
    return ecef(latitude, longitude, 0.0)


def plane(position: F64, latitude: float, longitude: float) -> F64:
    """Return (N, 2) m east and north of a point, in the plane that touches the ellipsoid there.

    position: (N, 3) ECEF m on the ellipsoid (`ground`). latitude, longitude: rad. The length of a chord is kept (the
    point is moved along its direction), so that level distances to the point are those of `ground`.
    """
    offset = position - ecef(latitude, longitude, 0.0)
    local = offset @ east_north_up(latitude, longitude).T
    flat = np.hypot(local[:, 0], local[:, 1])
    chord = np.linalg.norm(offset, axis=1)
    stretch = np.divide(chord, flat, out=np.ones_like(flat), where=flat > 0)
    return np.asarray(local[:, :2] * stretch[:, None])


def level_velocity(velocity: F64, latitude: float, longitude: float) -> F64:
    """Return (N, 2) m/s east and north, as seen from one point, of velocities (N, 3) ECEF m/s."""
    return np.asarray(velocity @ east_north_up(latitude, longitude)[:2].T)
