"""Where sensors stand: blocks of a scenario file, of one sensor or of many, as places on the ground."""

from typing import NamedTuple

import numpy as np

from skywarden.geo.terrain import Ground
from skywarden.model.place import F64
from skywarden.sim.raid import on_earth
from skywarden.sim.scene.settings import Pair, Placed


class Places(NamedTuple):
    """n sensors. names: n, all different; latitude, longitude: (n,) rad; height: (n,) m above the ellipsoid."""

    names: tuple[str, ...]
    latitude: F64
    longitude: F64
    height: F64


def places(block: Placed, origin: Pair, ground: Ground, rng: np.random.Generator) -> Places:
    """Return where the sensors of one block stand, `height_m` above the ground there.

    origin: of the scenario, latitude, longitude, deg. Only the layout "random" draws from `rng`.
    """
    latitude, longitude = on_map(origin, np.asarray(block.at_km) + _layout(block, rng))
    return Places(_names(block), latitude, longitude, ground.height(latitude, longitude) + block.height_m)


def on_map(origin: Pair, east_north_km: F64) -> tuple[F64, F64]:
    """Return latitude and longitude, rad, of (..., 2) km east and north of the origin (deg).

    The chart of sim.raid: true at the origin, degrees of equal size everywhere.
    """
    points = np.concatenate([east_north_km * 1e3, np.zeros((*east_north_km.shape[:-1], 1))], -1)
    latitude, longitude = on_earth(origin, points)
    return np.radians(latitude), np.radians(longitude)


def _names(block: Placed) -> tuple[str, ...]:
    if block.count == 1:
        return (block.name,)
    width = len(str(block.count))
    return tuple(f"{block.name}-{k:0{width}}" for k in range(1, block.count + 1))


def _layout(block: Placed, rng: np.random.Generator) -> F64:
    """Return (count, 2) km east and north of the block's middle."""
    extent = np.asarray(block.extent_km, float)
    if block.count == 1 and block.layout != "random":
        return np.zeros((1, 2))
    if block.layout == "random":
        return np.asarray(rng.uniform(-0.5, 0.5, (block.count, 2)) * extent)
    if block.layout == "ring":
        angle = np.arange(block.count) * 2 * np.pi / block.count
        return np.asarray(np.stack([np.sin(angle), np.cos(angle)], 1) * extent / 2)
    if block.layout == "line":
        return np.asarray(np.linspace(-0.5, 0.5, block.count)[:, None] * extent)
    return _grid(block.count, extent)


def _grid(count: int, extent: F64) -> F64:
    """Return (count, 2) km: rows from south to north, cells about square, the odd ones spread over all rows."""
    east, north = max(float(extent[0]), 1e-6), max(float(extent[1]), 1e-6)
    rows = int(np.clip(round((count * north / east) ** 0.5), 1, count))
    ends = np.round(np.arange(rows + 1) * count / rows).astype(np.int64)
    size = np.diff(ends)
    row = np.repeat(np.arange(rows), size)
    column = np.arange(count) - ends[row]
    return np.stack([((column + 0.5) / size[row] - 0.5) * extent[0], ((row + 0.5) / rows - 0.5) * extent[1]], 1)
