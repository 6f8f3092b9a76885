"""Ground and lines of sight: against rays sampled densely, known horizons, and tiles as they are on disk."""

import gzip
from math import radians
from pathlib import Path

import numpy as np
import pytest

from skywarden.geo import ecef, geodetic, geoid_height
from skywarden.geo.srtm import tile
from skywarden.geo.terrain import Ground, Relief, flat, grid, hills, mosaic
from skywarden.model.place import F64

DATA = Path(__file__).parents[2] / "shared" / "data" / "geo"
MARGIN = 0.5  # m; a ray that passes the ground by less may be seen either way
DENSE = 20.0  # m between the points of the slow ray


def loaded(name: str) -> tuple[Ground, F64]:
    """Return the ground and the file's own table, north to south, m above sea level."""
    path = DATA / f"{name}.hgt.gz"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    data = path.read_bytes()
    return tile(data, path.name), np.frombuffer(gzip.decompress(data), ">i2").reshape(1201, 1201).astype(float)


def bilinear(table: F64, south: int, west: int, latitude: F64, longitude: F64) -> F64:
    """Return m above the ellipsoid from a tile's table. latitude, longitude: deg."""
    row, column = (south + 1 - latitude) * 1200, (longitude - west) * 1200
    a, b = np.clip(row.astype(int), 0, 1199), np.clip(column.astype(int), 0, 1199)
    y, x = row - a, column - b
    top = table[a, b] * (1 - x) + table[a, b + 1] * x
    bottom = table[a + 1, b] * (1 - x) + table[a + 1, b + 1] * x
    return top * (1 - y) + bottom * y + geoid_height(np.radians(latitude), np.radians(longitude))


def slow(table: F64, corner: tuple[int, int], a: F64, b: F64, k: float) -> float:
    """Return the least height, m, of a ray over the ground: points on the chord, lifted by refraction."""
    length = float(np.linalg.norm(b - a))
    t = np.linspace(0, 1, int(length / DENSE) + 2)[1:-1]
    latitude, longitude, height = geodetic(a + t[:, None] * (b - a))
    lifted = height + (1 - 1 / k) * length**2 * t * (1 - t) / (2 * 6.371e6)
    return float((lifted - bilinear(table, *corner, np.degrees(latitude), np.degrees(longitude))).min())


@pytest.mark.parametrize("name, south, west", [("N43E006", 43, 6), ("N57E011", 57, 11)])
@pytest.mark.parametrize("k", [1.0, 4 / 3])
def test_a_line_of_sight_is_that_of_a_slow_ray(name: str, south: int, west: int, k: float) -> None:
    ground, table = loaded(name)
    rng, count = np.random.default_rng([south, round(3 * k)]), 2500
    latitude, longitude = south + rng.uniform(0.02, 0.98, (2, count)), west + rng.uniform(0.02, 0.98, (2, count))
    near = rng.random(count) < 0.5  # short ones too
    latitude[1, near] = np.clip(latitude[0, near] + rng.normal(0, 0.05, near.sum()), south + 0.02, south + 0.98)
    longitude[1, near] = np.clip(longitude[0, near] + rng.normal(0, 0.05, near.sum()), west + 0.02, west + 0.98)
    up = np.stack([rng.uniform(2, 60, count), 10 ** rng.uniform(1, 3.5, count)])
    height = np.stack([bilinear(table, south, west, *p) for p in zip(latitude, longitude, strict=True)]) + up
    a, b = ecef(np.radians(latitude), np.radians(longitude), height)
    seen = ground.sight(a, b, k)
    clearance = np.array([slow(table, (south, west), *pair, k) for pair in zip(a, b, strict=True)])
    sure = np.abs(clearance) > MARGIN
    print(name, k, int((seen != (clearance > 0)).sum()), "differ of", count, "share seen", seen.mean(),
          np.sort(np.abs(clearance[seen != (clearance > 0)]))[-5:])
    assert np.array_equal(seen[sure], clearance[sure] > 0)
    assert 0.1 < seen.mean() < 0.9
    assert (~sure).mean() < 0.02
