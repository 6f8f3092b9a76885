"""The geoid: how far mean sea level lies above the WGS 84 ellipsoid (EGM96, 15-minute grid, ships with the package).

The table is `data/egm96.zlib`, made from the public grid of the NGA by design/2026-11-geoid-table.py: int16
centimetres, north to south and 180 W to 180 E, as second differences, low bytes before high bytes, zlib.
"""

import zlib
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from skywarden.model.place import F64

ROWS, COLUMNS = 721, 1440  # latitude +90 ... -90, longitude -180 ... +179.75 deg
STEP = np.pi / 720  # rad, 15 minutes of arc


@cache
def _table() -> NDArray[np.int16]:
    """Return (ROWS, COLUMNS + 1) int16 cm; the last column repeats the first. A constant file, so cached for good."""
    packed = zlib.decompress(files("skywarden").joinpath("data", "egm96.zlib").read_bytes())
    low, high = np.frombuffer(packed, np.uint8).reshape(2, ROWS, COLUMNS)
    second = (low + (high.astype(np.uint16) << 8)).view(np.int16)
    first = np.add.accumulate(second, axis=0, dtype=np.int16)
    table = np.empty((ROWS, COLUMNS + 1), np.int16)
    np.add.accumulate(first, axis=1, dtype=np.int16, out=table[:, :-1])
    table[:, -1] = table[:, 0]
    table.flags.writeable = False
    return table


def geoid_height(latitude: F64 | float, longitude: F64 | float) -> F64:
    """Return the geoid's height above the WGS 84 ellipsoid, m; add it to a height above mean sea level.

    latitude, longitude: rad, any shapes that broadcast; any longitude, latitude is limited to the poles.
    Bilinear. Against the grid it is exact to 5 mm; between its points the interpolation adds 0.03 m rms and up to
    about 1 m in the highest mountains (design/2026-11-geoid-table.py). Source: NIMA TR8350.2, EGM96.
    """
    table = _table()
    row = np.clip((np.pi / 2 - np.asarray(latitude, float)) / STEP, 0.0, ROWS - 1)
    column = np.mod((np.asarray(longitude, float) + np.pi) / STEP, COLUMNS)
    top = np.minimum(row.astype(np.int64), ROWS - 2)
    left = np.minimum(column.astype(np.int64), COLUMNS - 1)
    down, right = row - top, column - left
    north = table[top, left] * (1 - right) + table[top, left + 1] * right
    south = table[top + 1, left] * (1 - right) + table[top + 1, left + 1] * right
    return np.asarray(0.01 * (north * (1 - down) + south * down))
