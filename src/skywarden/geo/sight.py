"""Line of sight over the ground, for radio (4/3 earth) and light.

The ray from a to b runs over the great circle between the places below them. At the fraction t of it, its height
above the ellipsoid is

    h(t) = h_a + (h_b - h_a) t - B t (1 - t),  B = D^2 (1 + h / R) / (2 k R) + (h_b - h_a)^2 / R

D: arc between them, m; R: the ellipsoid's radius of curvature along it, at its middle; h: mean height; k: effective
over true radius (4/3 for radio in a standard atmosphere, 1 for a straight ray). The last term is because a straight
line is harmonic in the distance from the Earth's centre. Against the true chord, k = 1, the height is right to 0.02 m
at 50 km and 0.4 m at 300 km for ends up to 1 km high, and to 2 m at 300 km for one 10 km high (tests/test_sight.py);
the place below it to 0.2 m at 50 km and 6 m at 300 km.

The ray is compared with the bilinear ground cell by cell, exactly, except where it stays above the highest point of a
block of cells: there it is skipped, which changes nothing.

Sources: Skolnik, Introduction to Radar Systems, 3rd ed., section 8.2 (4/3 earth); ITU-R P.526, section 3 (bulge of
the earth); Euler's formula for R.
"""

from math import asin, atan2, floor, hypot, pi, sin, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.geo.earth import ECCENTRICITY2, SEMI_MAJOR, SEMI_MINOR
from skywarden.kernel import inner, kernel
from skywarden.model.place import F64

F32 = NDArray[np.float32]
Cubic = tuple[float, float, float, float]
STANDARD_REFRACTION = 4 / 3
BLOCK = 8  # cells a side
CHUNK = 8  # cells of the ray skipped or walked at once
TOUCH = 0.01  # m; a ray may go so far into the ground, as from an eye that lies on it
SECOND = ECCENTRICITY2 / (1 - ECCENTRICITY2)


class Grid(NamedTuple):
    """What the kernels see of a Ground. frame: (6,) south, west, step north, step east rad, outside m, highest m."""

    frame: F64
    heights: F32
    tops: F32


class End(NamedTuple):
    """An end of a ray. x, y, z: the ellipsoid's unit normal, ECEF; height: m above it."""

    x: float
    y: float
    z: float
    height: float


class Ray(NamedTuple):
    """One ray in grid units: row and column are c0 + c1 t + c2 t^2 + c3 t^3; height low + lift t - bulge t (1 - t)."""

    row: Cubic
    column: Cubic
    low: float
    lift: float
    bulge: float


def seen(grid: Grid, a: F64, b: F64, refraction: float) -> NDArray[np.bool_]:
    """Return (...) bool: the ray from a to b, (..., 3) ECEF m each, meets no ground. refraction: k of the module."""
    a, b = np.broadcast_arrays(np.asarray(a, float), np.asarray(b, float))
    first, last = np.ascontiguousarray(a.reshape(-1, 3)), np.ascontiguousarray(b.reshape(-1, 3))
    return _seen(grid, first, last, refraction).reshape(a.shape[:-1])


@kernel
def _seen(grid: Grid, a: F64, b: F64, refraction: float) -> NDArray[np.bool_]:
    result = np.empty(len(a), np.bool_)
    for i in range(len(a)):
        result[i] = _clear(grid, _end(a[i, 0], a[i, 1], a[i, 2]), _end(b[i, 0], b[i, 1], b[i, 2]), refraction)
    return result


@inner
def _end(x: float, y: float, z: float) -> End:
    """Return an end of a ray from ECEF m. Source: Bowring 1976, one round: 1 mm up to 10 km high, 1 m at 1,000 km."""
    across = max(hypot(x, y), 1e-9)
    tangent = z * SEMI_MAJOR / (across * SEMI_MINOR)
    cosine = 1.0 / sqrt(1.0 + tangent * tangent)
    sine = tangent * cosine
    up = z + SECOND * SEMI_MINOR * sine**3
    out = across - ECCENTRICITY2 * SEMI_MAJOR * cosine**3
    scale = 1.0 / hypot(up, out)
    sine, cosine = up * scale, out * scale
    height = across * cosine + z * sine - SEMI_MAJOR * sqrt(1.0 - ECCENTRICITY2 * sine * sine)
    return End(cosine * x / across, cosine * y / across, sine, height)


@inner
def _clear(grid: Grid, a: End, b: End, refraction: float) -> bool:
    angle = 2.0 * asin(min(0.5 * sqrt((a.x - b.x) ** 2 + (a.y - b.y) ** 2 + (a.z - b.z) ** 2), 1.0))
    radius, lift, highest = _curvature(a, b, angle), b.height - a.height, float(grid.frame[5])
    level = 1.0 + 0.5 * (a.height + b.height) / radius
    bulge = 0.5 * angle * angle * radius * level / refraction + lift * lift / radius
    lowest = min(max(0.5 - 0.5 * lift / max(bulge, 1e-9), 0.0), 1.0)
    under = a.height + lift * lowest - bulge * lowest * (1.0 - lowest) - highest
    if under >= 0.0:
        return True
    if grid.heights.size == 0 or angle < 1e-9:
        return under > -TOUCH
    ray = _ray(grid, a, b, angle, bulge)
    cells = max(hypot(_at(ray.row, 1.0) - ray.row[0], _at(ray.column, 1.0) - ray.column[0]), 1e-3)
    begin, end = _part(ray, highest)
    if begin >= end:
        return True
    middle, little = min(max(lowest, begin), end), 0.5 / cells
    if not _passes(grid, ray, max(middle - little, begin), min(middle + little, end)):
        return False  # most rays that are blocked are so where they are lowest
    return _walk(grid, ray, (begin, end), CHUNK / cells)


@inner
def _part(ray: Ray, highest: float) -> tuple[float, float]:
    """Return between which fractions the ray is under the highest ground there is."""
    if ray.bulge < 1e-6:
        return 0.0, 1.0
    vertex = 0.5 - 0.5 * ray.lift / ray.bulge
    half = sqrt(max(highest - _height(ray, vertex), 0.0) / ray.bulge) + 1e-6
    return max(0.0, vertex - half), min(1.0, vertex + half)


@inner
def _curvature(a: End, b: End, angle: float) -> float:
    """Return m, the ellipsoid's radius of curvature at the middle, along the ray. Source: Euler's formula."""
    sine = 0.5 * (a.z + b.z)
    w = 1.0 - ECCENTRICITY2 * sine * sine
    prime = SEMI_MAJOR / sqrt(w)
    meridian = prime * (1.0 - ECCENTRICITY2) / w
    north = (b.z - a.z) / max(angle * sqrt(max(1.0 - sine * sine, 1e-12)), 1e-12)
    north2 = min(north * north, 1.0)
    return 1.0 / (north2 / meridian + (1.0 - north2) / prime)


@inner
def _ray(grid: Grid, a: End, b: End, angle: float, bulge: float) -> Ray:
    """Return the ray in grid units: the cubic through four points of the great circle, under 1 m off it at 500 km."""
    frame = grid.frame
    row0, column0 = (asin(a.z) - frame[0]) / frame[2], atan2(a.y, a.x) - frame[1]
    row3, column3 = (asin(b.z) - frame[0]) / frame[2], _near(atan2(b.y, b.x) - frame[1], column0)
    far, near = sin(2.0 / 3.0 * angle) / sin(angle), sin(1.0 / 3.0 * angle) / sin(angle)
    row1 = (asin(far * a.z + near * b.z) - frame[0]) / frame[2]
    row2 = (asin(near * a.z + far * b.z) - frame[0]) / frame[2]
    column1 = _near(atan2(far * a.y + near * b.y, far * a.x + near * b.x) - frame[1], column0)
    column2 = _near(atan2(near * a.y + far * b.y, near * a.x + far * b.x) - frame[1], column0)
    row = _cubic(row0, row1, row2, row3)
    scale = 1.0 / frame[3]
    column = _cubic(column0 * scale, column1 * scale, column2 * scale, column3 * scale)
    return Ray(row, column, a.height, b.height - a.height, bulge)


@inner
def _near(angle: float, other: float) -> float:
    """Return an angle plus or minus whole turns, less than half a turn from another: past the antimeridian."""
    return angle - 2.0 * pi * floor((angle - other) / (2.0 * pi) + 0.5)


@inner
def _cubic(p0: float, p1: float, p2: float, p3: float) -> Cubic:
    """Return the coefficients of the cubic that has these values at 0, 1/3, 2/3 and 1."""
    c1 = -5.5 * p0 + 9.0 * p1 - 4.5 * p2 + p3
    c2 = 9.0 * p0 - 22.5 * p1 + 18.0 * p2 - 4.5 * p3
    return p0, c1, c2, p3 - p0 - c1 - c2


@inner
def _at(c: Cubic, t: float) -> float:
    return c[0] + t * (c[1] + t * (c[2] + t * c[3]))


@inner
def _height(ray: Ray, t: float) -> float:
    return ray.low + ray.lift * t - ray.bulge * t * (1.0 - t)


@inner
def _walk(grid: Grid, ray: Ray, part: tuple[float, float], chunk: float) -> bool:
    """Return whether the ray is above the ground in a part of it. chunk: fraction of the ray looked at at once."""
    lowest = 0.5 - 0.5 * ray.lift / max(ray.bulge, 1e-9)
    begin = part[0]
    while begin < part[1]:
        end = min(begin + chunk, part[1])
        if _height(ray, min(max(lowest, begin), end)) < _top(grid, ray, begin, end) and not _passes(
            grid, ray, begin, end
        ):
            return False
        begin = end
    return True


@inner
def _passes(grid: Grid, ray: Ray, begin: float, end: float) -> bool:
    """Return whether the ray is above the ground between two fractions of it, a few cells apart: cell by cell.

    From border to border of a cell the ray's clearance is a parabola, so its least value is exact. One loop without
    calls: those that hand over arrays would take longer than the rest.
    """
    heights, outside, low, lift, bulge = grid.heights, grid.frame[4], ray.low, ray.lift, ray.bulge
    rows, columns = heights.shape[0] - 1, heights.shape[1] - 1
    row, column = _at(ray.row, begin), _at(ray.column, begin)
    north, east = (_at(ray.row, end) - row) / (end - begin), (_at(ray.column, end) - column) / (end - begin)
    t, here = begin, (floor(row), floor(column))
    next_row = begin + (here[0] + (north > 0.0) - row) / north if north != 0.0 else 2.0
    next_column = begin + (here[1] + (east > 0.0) - column) / east if east != 0.0 else 2.0
    while t < end:
        leave = max(min(next_row, next_column, end), t)
        a0, a1 = row + north * (t - begin) - here[0], row + north * (leave - begin) - here[0]
        b0, b1 = column + east * (t - begin) - here[1], column + east * (leave - begin) - here[1]
        first, last = low + lift * t - bulge * t * (1.0 - t), low + lift * leave - bulge * leave * (1.0 - leave)
        curve = bulge
        if 0 <= here[0] < rows and 0 <= here[1] < columns:
            h, up, right = heights[here[0], here[1]], 0.0, 0.0
            up = heights[here[0] + 1, here[1]] - h
            right = heights[here[0], here[1] + 1] - h
            twist = heights[here[0] + 1, here[1] + 1] - h - up - right
            first -= h + a0 * up + b0 * right + a0 * b0 * twist
            last -= h + a1 * up + b1 * right + a1 * b1 * twist
            curve -= twist * north * east
        else:
            first -= outside
            last -= outside
        least, length = min(first, last), leave - t
        if curve > 0.0 and length > 0.0:
            slope = (last - first) / length - curve * length
            if -2.0 * curve * length < slope < 0.0:
                least = first - slope * slope / (4.0 * curve)
        if least < -TOUCH:
            return False
        t = leave
        if next_row <= next_column:
            here = (here[0] + (1 if north > 0.0 else -1), here[1])
            next_row += abs(1.0 / north)
        else:
            here = (here[0], here[1] + (1 if east > 0.0 else -1))
            next_column += abs(1.0 / east)
    return True


@inner
def _top(grid: Grid, ray: Ray, begin: float, end: float) -> float:
    """Return the highest ground of all blocks that the ray touches between two points; one cell more on each side."""
    row0, row1, column0, column1 = _at(ray.row, begin), _at(ray.row, end), _at(ray.column, begin), _at(ray.column, end)
    south, north = floor((min(row0, row1) - 1.0) / BLOCK), floor((max(row0, row1) + 1.0) / BLOCK)
    west, east = floor((min(column0, column1) - 1.0) / BLOCK), floor((max(column0, column1) + 1.0) / BLOCK)
    rows, columns = grid.tops.shape
    highest = -1e9
    if south < 0 or west < 0 or north >= rows or east >= columns:
        highest = grid.frame[4]
    for row in range(max(south, 0), min(north, rows - 1) + 1):
        for column in range(max(west, 0), min(east, columns - 1) + 1):
            highest = max(highest, grid.tops[row, column])
    return highest
