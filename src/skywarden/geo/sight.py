"""Line of sight over the ground, for radio (4/3 earth) and light.

The ray from a to b runs over the great circle between the places below them. At the fraction t of it, its height
above the ellipsoid is

    h(t) = h_a + (h_b - h_a) t - D^2 t (1 - t) / (2 k R)

D: arc between them, m; R: the ellipsoid's radius of curvature along it, at its middle; k: effective over true radius
(4/3 for radio in a standard atmosphere, 1 for a straight ray). It is compared with the ground every half cell,
except where the ray stays above the highest point of a block of cells: there it is skipped, which changes nothing.
Error against the true chord, k = 1: see tests/test_sight.py.

Sources: Skolnik, Introduction to Radar Systems, 3rd ed., section 8.2 (4/3 earth); ITU-R P.526, section 3 (bulge of
the earth); Euler's formula for R.
"""

from math import asin, atan2, ceil, cos, hypot, sin, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.geo.earth import ECCENTRICITY2, FLATTENING, SEMI_MAJOR, SEMI_MINOR
from skywarden.kernel import inner, kernel
from skywarden.model.place import F64

F32 = NDArray[np.float32]
STANDARD_REFRACTION = 4 / 3
BLOCK = 16  # cells a side
CHUNK = 32  # samples skipped or walked at once, half a cell each
SECOND = ECCENTRICITY2 / (1 - ECCENTRICITY2)


class Grid(NamedTuple):
    """What the kernels see of a Ground. frame: (6,) south, west, step north, step east rad, outside m, highest m."""

    frame: F64
    heights: F32
    tops: F32


class Ray(NamedTuple):
    """One ray in grid units: row and column are c0 + c1 t + c2 t^2 + c3 t^3; height low + lift t - bulge t (1 - t)."""

    row: tuple[float, float, float, float]
    column: tuple[float, float, float, float]
    low: float
    lift: float
    bulge: float


def seen(grid: Grid, a: F64, b: F64, refraction: float) -> NDArray[np.bool_]:
    """Return (m,) bool: the ray from a to b, (m, 3) ECEF m each, meets no ground. refraction: k of the module."""
    a, b = np.broadcast_arrays(np.asarray(a, float), np.asarray(b, float))
    return _seen(grid, np.ascontiguousarray(a), np.ascontiguousarray(b), refraction)
