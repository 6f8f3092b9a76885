"""Looks of sensors of which many share a name: each from where its own stands, along the level there.

Only sums, products, quotients and roots, so that what a look is does not depend on how many are worked out together.
"""

import numpy as np

from skywarden.geo.earth import ECCENTRICITY2
from skywarden.model.detection import Kind
from skywarden.model.place import F64
from skywarden.track.pool import Rows


def level_axes(position: F64) -> F64:
    """Return (n, 3, 3) rotations ECEF -> east, north, up at places, (n, 3) ECEF m; NaN where a place is none.

    Up is the ellipsoid's normal, within 1e-6 rad up to 2 km above it; at the poles east is that of longitude 0.
    """
    up = position / np.array([1.0, 1.0, 1.0 - ECCENTRICITY2])
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        up /= np.sqrt(up[:, :1] * up[:, :1] + up[:, 1:2] * up[:, 1:2] + up[:, 2:] * up[:, 2:])
        flat = np.sqrt(up[:, 0] * up[:, 0] + up[:, 1] * up[:, 1])
        pole = flat == 0.0
        flat = np.where(pole, 1.0, flat)
        east = np.stack([-up[:, 1] / flat, np.where(pole, 1.0, up[:, 0] / flat), np.zeros(len(up))], 1)
    x, y, z = up.T
    north = np.stack([-z * east[:, 1], z * east[:, 0], x * east[:, 1] - y * east[:, 0]], 1)
    return np.stack([east, north, up], 1)


def stand(looks: Rows, origin: F64) -> None:
    """Write to looks, `SENSE`, what differs from the others of their sensor: place and axes, and where the wind blows.

    origin: (n, 3) ECEF m, of who measured; zeros where the sensor's own place counts. A wind is known by its east,
    north and up until then.
    """
    own = np.asarray(origin.any(axis=1), bool)
    looks["position"][own] = origin[own]
    heard = np.asarray(looks["kind"] == Kind.SOUND, bool)
    axes = level_axes(looks["position"][own | heard])
    looks["rotation"][own] = axes[own[own | heard]]
    wind, axes = looks["wind"][heard], axes[heard[own | heard]]
    looks["wind"][heard] = wind[:, :1] * axes[:, 0] + wind[:, 1:2] * axes[:, 1] + wind[:, 2:] * axes[:, 2]
