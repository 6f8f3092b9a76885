"""The ground: heights on a grid of latitude and longitude, from SRTM tiles, made up, or flat.

Heights are metres above the WGS 84 ellipsoid, angles rad. Outside its grid the ground is flat. Pure: bytes in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.geo.sight import BLOCK, STANDARD_REFRACTION, Grid, seen
from skywarden.model.place import F64

F32 = NDArray[np.float32]
RADIUS = 6371000.0  # m, mean radius: metres to degrees of the made-up hills' grid
SPACING = 200.0  # m, of the made-up hills' grid
MARGIN = 20_000.0  # m of hills beyond the area on each side
MOST_CORNERS = 250_000_000  # of one grid, 1 GB
FINEST = 5 * SPACING  # m; no hills smaller than what the grid can show


@dataclass(frozen=True, slots=True)
class Ground:
    """Heights at the corners of cells. Between corners they are bilinear.

    south, west: rad, of heights[0, 0]; step: rad, north and east from corner to corner. heights: (rows, columns)
    float32 m, rows from south to north. tops: float32 m, the highest corner of each BLOCK x BLOCK cells, borders
    included. outside: m, everywhere else.
    """

    south: float
    west: float
    step: tuple[float, float]
    heights: F32
    tops: F32
    outside: float

    def height(self, latitude: F64 | float, longitude: F64 | float) -> F64:
        """Return m above the ellipsoid. latitude, longitude: rad, shapes that broadcast."""
        latitude, longitude = np.broadcast_arrays(np.asarray(latitude, float), np.asarray(longitude, float))
        if not self.heights.size:
            return np.full(latitude.shape, self.outside)
        row, column = (latitude - self.south) / self.step[0], (longitude - self.west) / self.step[1]
        rows, columns = self.heights.shape
        inside = (row >= 0) & (row <= rows - 1) & (column >= 0) & (column <= columns - 1)
        low = np.clip(np.floor(np.where(inside, row, 0.0)).astype(np.int64), 0, rows - 2)
        left = np.clip(np.floor(np.where(inside, column, 0.0)).astype(np.int64), 0, columns - 2)
        up, right, table = row - low, column - left, self.heights
        south = table[low, left] * (1 - right) + table[low, left + 1] * right
        north = table[low + 1, left] * (1 - right) + table[low + 1, left + 1] * right
        return np.where(inside, south * (1 - up) + north * up, self.outside)

    def sight(self, a: F64, b: F64, refraction: float = STANDARD_REFRACTION) -> NDArray[np.bool_]:
        """Return (...) bool: no ground stands between a and b, (..., 3) ECEF m each. See `geo.sight`.

        refraction: effective over true radius of the earth; 4/3 for radio, 1 for a straight ray.
        """
        return seen(self._grid(), a, b, refraction)

    def _grid(self) -> Grid:
        highest = float(self.tops.max()) if self.tops.size else self.outside
        place = (self.south, self.west, *self.step)
        return Grid(np.array([*place, self.outside, max(highest, self.outside)]), self.heights, self.tops)


class Relief(NamedTuple):
    """Made-up hills. lowest: m above the ellipsoid; relief: m, highest above lowest; scale: m from hill to hill."""

    lowest: float
    relief: float
    scale: float


def flat(height: float) -> Ground:
    """Return ground of one height, m above the ellipsoid."""
    nothing = np.zeros((0, 0), np.float32)
    nothing.flags.writeable = False
    return Ground(0.0, 0.0, (1.0, 1.0), nothing, nothing, height)


def grid(corner: tuple[float, float], step: tuple[float, float], heights: F64 | F32, outside: float) -> Ground:
    """Return the ground of heights (rows, columns), m above the ellipsoid, from south to north.

    corner: latitude, longitude of heights[0, 0], rad; step: rad north and east; outside: m beyond the grid.
    """
    table = np.ascontiguousarray(heights, np.float32)
    rows, columns = (-(-(size - 1) // BLOCK) for size in table.shape)
    tops = np.empty((rows, columns), np.float32)
    for row in range(rows):
        band = table[row * BLOCK : (row + 1) * BLOCK + 1].max(0)
        inner = np.maximum.reduceat(band[: columns * BLOCK], np.arange(0, min(columns * BLOCK, len(band)), BLOCK))
        last = band[np.minimum(np.arange(1, columns + 1) * BLOCK, len(band) - 1)]
        tops[row] = np.maximum(inner, last)
    for array in (table, tops):
        array.flags.writeable = False
    return Ground(*corner, step, table, tops, outside)


def hills(origin: tuple[float, float], size: tuple[float, float], relief: Relief, rng: np.random.Generator) -> Ground:
    """Return made-up hills around `origin` (latitude, longitude, rad) with valleys wider than ridges.

    size: m east-west and north-south; 20 km more on each side. Smooth noise: octaves of cubic B-splines through
    random knots, each half as wide and half as high as the one before. The same generator gives the same hills.
    """
    step = (SPACING / RADIUS, SPACING / (RADIUS * float(np.cos(origin[0]))))
    rows, columns = hills_shape(size)
    noise = np.zeros((rows, columns))
    knot, weight = relief.scale / 2, 1.0
    while weight == 1.0 or knot >= FINEST:
        noise += weight * _smooth(rows, columns, knot / SPACING, rng)
        knot, weight = knot / 2, weight / 2
    noise -= noise.min()
    noise /= noise.max()
    corner = (origin[0] - step[0] * (rows - 1) / 2, origin[1] - step[1] * (columns - 1) / 2)
    return grid(corner, step, relief.lowest + relief.relief * noise**1.5, relief.lowest)


def hills_shape(size: tuple[float, float]) -> tuple[int, int]:
    """Return rows and columns of the grid of made-up hills. size: m east-west and north-south."""
    columns, rows = (int((length + 2 * MARGIN) / SPACING) + 2 for length in size)
    return rows, columns


def _smooth(rows: int, columns: int, knot: float, rng: np.random.Generator) -> F64:
    """Return (rows, columns) of a B-spline whose knots, `knot` cells apart, are normal random numbers."""
    knots = rng.normal(size=(int(rows / knot) + 4, int(columns / knot) + 4))
    return _spline(_spline(knots, rows, knot).T, columns, knot).T


def _spline(knots: F64, count: int, knot: float) -> F64:
    """Return (count, ...) values of a uniform cubic B-spline along the first axis."""
    place = np.arange(count) / knot
    first = place.astype(np.int64)
    u = (place - first)[:, None]
    weights = ((1 - u) ** 3, 3 * u**3 - 6 * u**2 + 4, -3 * u**3 + 3 * u**2 + 3 * u + 1, u**3)
    total: F64 = np.zeros((count, knots.shape[1]))
    for k, weight in enumerate(weights):
        total += weight / 6 * knots[first + k]
    return total


def mosaic(tiles: Sequence[Ground]) -> Ground:
    """Join grounds that have the same step and stand on one grid, as SRTM tiles do; gaps have the first's `outside`.

    Raises ValueError when they do not.
    """
    if len(tiles) == 1:
        return tiles[0]
    step = tiles[0].step
    south, west = min(t.south for t in tiles), min(t.west for t in tiles)
    places = [((t.south - south) / step[0], (t.west - west) / step[1]) for t in tiles]
    if any(t.step != step for t in tiles) or any(abs(x - round(x)) > 1e-3 for place in places for x in place):
        raise ValueError("these tiles do not stand on one grid: take all of 1 or all of 3 seconds of arc")
    corners = [(round(row), round(column)) for row, column in places]
    rows = max(row + t.heights.shape[0] for (row, _), t in zip(corners, tiles, strict=True))
    columns = max(column + t.heights.shape[1] for (_, column), t in zip(corners, tiles, strict=True))
    if rows * columns > MOST_CORNERS:
        size = f"{rows} x {columns} heights, {rows * columns / 1e6:.0f} million"
        raise ValueError(f"these tiles span a grid of {size}; {MOST_CORNERS / 1e6:g} can be used: take fewer tiles")
    heights = np.full((rows, columns), tiles[0].outside, np.float32)
    for (row, column), one in zip(corners, tiles, strict=True):
        heights[row : row + one.heights.shape[0], column : column + one.heights.shape[1]] = one.heights
    return grid((south, west), step, heights, tiles[0].outside)
