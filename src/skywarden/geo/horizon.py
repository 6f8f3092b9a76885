"""The ground's horizon around a place: how high it appears in each direction, and how far away it is.

Elevations are apparent: radio bends, so that the Earth seems to have 4/3 of its radius R. Ground of height h at the
distance d appears at (h - h0) / d - d / (2 k R) above the level of an eye at h0, k = 4/3, for small angles.
Source: Skolnik, Introduction to Radar Systems, 3rd ed., section 8.2.
"""

from typing import NamedTuple

import numpy as np

from skywarden.geo.earth import SEMI_MAJOR
from skywarden.geo.sight import STANDARD_REFRACTION
from skywarden.geo.terrain import Ground
from skywarden.model.place import F64

FIRST, LAST, STEP = 100.0, 150_000.0, 100.0  # m; where ground is looked at
RAYS = 9  # in each direction's sector; the highest counts


class Horizon(NamedTuple):
    """elevation (n,) rad, apparent; distance (n,) m: evenly by azimuth, from true north on clockwise."""

    elevation: F64
    distance: F64


def horizon(ground: Ground, latitude: float, longitude: float, height: float, directions: int = 72) -> Horizon:
    """Return the horizon that an antenna sees. latitude, longitude: rad; height: m above the ellipsoid."""
    distance = np.arange(FIRST, LAST, STEP)
    drop = distance / (2.0 * STANDARD_REFRACTION * SEMI_MAJOR)
    elevation, away = np.empty(directions), np.empty(directions)
    for k in range(directions):
        azimuth = 2.0 * np.pi / directions * (k + (np.arange(RAYS) - RAYS // 2) / RAYS)
        arc = distance / SEMI_MAJOR
        sine = np.sin(latitude) * np.cos(arc) + np.cos(latitude) * np.sin(arc) * np.cos(azimuth)[:, None]
        east = np.sin(azimuth)[:, None] * np.sin(arc) * np.cos(latitude)
        there = longitude + np.arctan2(east, np.cos(arc) - np.sin(latitude) * sine)
        angle = np.arctan2(ground.height(np.arcsin(sine), there) - height, distance) - drop
        ray, step = np.unravel_index(np.argmax(angle), angle.shape)
        elevation[k], away[k] = angle[ray, step], distance[step]
    return Horizon(elevation, away)
