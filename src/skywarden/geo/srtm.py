"""SRTM tiles (.hgt): one degree of latitude and longitude, heights above sea level, as a Ground.

Big-endian int16 m above EGM96, 3601 x 3601 (1 second of arc) or 1201 x 1201 (3 seconds), from north to south; -32768
is a void. The name says the south-west corner. Source: USGS, SRTM documentation, section 2.1.
"""

import gzip
import re
import zlib

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from skywarden.geo.geoid import geoid_height
from skywarden.geo.terrain import Ground, grid

VOID = -32768
LOWEST, HIGHEST = -500, 9000  # m above the sea: all land is between them
SIZES = {3601: 1, 1201: 3}  # corners a side: seconds of arc
GEOID_CELLS = 4  # of the geoid's table in a degree
_NAME = re.compile(r"([NS])(\d{2})([EW])(\d{3})\.hgt(\.gz)?", re.IGNORECASE)


def tile(data: bytes, name: str) -> Ground:
    """Return the ground of one tile; `terrain.mosaic` joins several. Beyond it is the sea (geoid at its middle).

    data: the file's bytes, gzip or not; name: as in "N57E011.hgt". Voids get the height of the nearest known place.
    Raises ValueError for a name or a size that is none of a tile, and for heights that are nowhere on Earth.
    """
    south, west = corner(name)
    try:
        raw = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    except (EOFError, OSError, zlib.error) as e:
        raise ValueError(f"{name} is no whole gzip file: {e}; fetch the tile again") from None
    side = round((len(raw) / 2) ** 0.5)
    if side not in SIZES or len(raw) != 2 * side * side:
        raise ValueError(f"{name} has {len(raw)} bytes; a tile has 2 x 3601 x 3601 or 2 x 1201 x 1201")
    above_sea = _filled(np.frombuffer(raw, ">i2").reshape(side, side)[::-1])
    low, high = float(above_sea.min()), float(above_sea.max())
    if low < LOWEST or high > HIGHEST:
        limits = f"a tile has {LOWEST} to {HIGHEST} m, as big-endian numbers"
        raise ValueError(f"{name} has heights of {low:g} to {high:g} m; {limits}: fetch it again")
    heights = above_sea + _geoid(south, west, side)
    step = float(np.radians(SIZES[side] / 3600))
    sea = float(geoid_height(np.radians(south + 0.5), np.radians(west + 0.5)))
    return grid((float(np.radians(south)), float(np.radians(west))), (step, step), heights, sea)


def corner(name: str) -> tuple[int, int]:
    """Return latitude and longitude, deg, of the south-west corner that a tile's name says. Raises ValueError."""
    match = _NAME.search(name)
    if match is None:
        raise ValueError(f'"{name}" is no name of an SRTM tile, like N57E011.hgt: its south-west corner')
    south = int(match[2]) * (1 if match[1].upper() == "N" else -1)
    return south, int(match[4]) * (1 if match[3].upper() == "E" else -1)


def _filled(heights: NDArray[np.int16]) -> NDArray[np.float32]:
    void = heights == VOID
    if void.all():
        return np.zeros(heights.shape, np.float32)
    if not void.any():
        return heights.astype(np.float32)
    nearest = distance_transform_edt(void, return_distances=False, return_indices=True)
    return np.asarray(heights[tuple(nearest)], np.float32)


def _geoid(south: int, west: int, side: int) -> NDArray[np.float32]:
    """Return (side, side) m. The geoid's table is bilinear in quarters of a degree, so its nodes say all."""
    node = np.arange(GEOID_CELLS + 1) / GEOID_CELLS
    table = geoid_height(np.radians(south + node)[:, None], np.radians(west + node)[None, :])
    place = np.arange(side) / (side - 1)
    rows = np.stack([np.interp(place, node, column) for column in table.T], 1)
    return np.stack([np.interp(place, node, row) for row in rows]).astype(np.float32)
