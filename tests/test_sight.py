"""Ground and lines of sight: against rays sampled densely, known horizons, and tiles as they are on disk."""

import gzip
from math import radians
from pathlib import Path

import numpy as np
import pytest

from skywarden.errors import ConfigError
from skywarden.geo import ecef, geodetic, geoid_height
from skywarden.geo.srtm import tile
from skywarden.geo.terrain import Ground, Relief, flat, grid, hills, mosaic
from skywarden.kernel import plain_while
from skywarden.model.place import F64
from skywarden.sim.scene.ground import ground
from skywarden.sim.scene.settings import About, Scene, Terrain

DATA = Path(__file__).parents[2] / "shared" / "data" / "geo"
MARGIN = 0.1  # m; a ray that passes the ground by less may be seen either way


def loaded(name: str) -> tuple[Ground, F64]:
    """Return the ground and the file's own table, north to south, made m above the ellipsoid."""
    path = DATA / f"{name}.hgt.gz"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    data = path.read_bytes()
    south, west = int(name[1:3]), int(name[4:])
    latitude, longitude = south + np.arange(1200, -1, -1)[:, None] / 1200, west + np.arange(1201) / 1200
    table = np.frombuffer(gzip.decompress(data), ">i2").reshape(1201, 1201)
    return tile(data, path.name), table + geoid_height(np.radians(latitude), np.radians(longitude))


def bilinear(table: F64, south: int, west: int, latitude: F64, longitude: F64) -> F64:
    """Return m above the ellipsoid from a tile's table. latitude, longitude: deg."""
    row, column = (south + 1 - latitude) * 1200, (longitude - west) * 1200
    a, b = np.clip(row.astype(int), 0, 1199), np.clip(column.astype(int), 0, 1199)
    y, x = row - a, column - b
    top = table[a, b] * (1 - x) + table[a, b + 1] * x
    bottom = table[a + 1, b] * (1 - x) + table[a + 1, b + 1] * x
    return top * (1 - y) + bottom * y


def slow(table: F64, corner: tuple[int, int], ends: tuple[F64, F64], k: float) -> float:
    """Return the least height, m, of a ray over the ground: points on the chord, lifted by refraction.

    A point every 30 m, and where that leaves a doubt every 0.5 m.
    """
    a, b = ends
    length = float(np.linalg.norm(b - a))
    t = np.linspace(0, 1, int(length / 30) + 2)[1:-1]
    for _ in range(2):
        latitude, longitude, height = geodetic(a + t[:, None] * (b - a))
        lifted = height + (1 - 1 / k) * length**2 * t * (1 - t) / (2 * 6.371e6)
        ground = bilinear(table, *corner, np.degrees(latitude), np.degrees(longitude))
        above = lifted - ground
        near = t[above < 0.2 + 2 * np.abs(np.gradient(ground))] if len(t) > 1 else t
        if above.min() < -5 or not len(near):
            break
        t = np.clip(near[:, None] + np.linspace(-30, 30, 121) / length, t[0], t[-1]).ravel()
    return float(above.min())


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
    clearance = np.array([slow(table, (south, west), pair, k) for pair in zip(a, b, strict=True)])
    sure = np.abs(clearance) > MARGIN
    assert np.array_equal(seen[sure], clearance[sure] > 0)
    assert 0.1 < seen.mean() < 0.9
    assert (~sure).mean() < 0.005


def test_a_50_m_flyer_is_seen_from_a_10_m_mast_out_to_42_km() -> None:
    away = np.arange(38e3, 46e3, 50.0)
    latitude = radians(48) + away / 6.371e6
    seen = flat(0.0).sight(ecef(radians(48), 0.5, 10.0), ecef(latitude, 0.5, 50.0))
    assert away[seen].max() == pytest.approx(42e3, rel=0.02)
    assert seen[: seen.sum()].all()
    straight = flat(0.0).sight(ecef(radians(48), 0.5, 10.0), ecef(latitude, 0.5, 50.0), refraction=1.0)
    assert not straight.any()  # without refraction it is 36.5 km


@pytest.mark.parametrize(
    "away, height, right_to", [(50e3, 1e3, 0.02), (100e3, 1e3, 0.05), (300e3, 1e3, 0.4), (300e3, 1e4, 2)]
)
def test_a_straight_ray_is_as_low_as_its_chord(away: float, height: float, right_to: float) -> None:
    rng = np.random.default_rng(8)
    for azimuth in rng.uniform(0, 2 * np.pi, 20):
        latitude, longitude = radians(55) + away / 6.37e6 * np.array([0, np.cos(azimuth)]), np.zeros(2)
        longitude[1] = away / 6.37e6 * np.sin(azimuth) / np.cos(latitude.mean())
        a, b = ecef(latitude, longitude, np.array([30.0, height]))
        lowest = float(geodetic(a + np.linspace(0, 1, 3001)[:, None] * (b - a))[2].min())
        assert flat(lowest - right_to).sight(a, b, 1.0)
        assert not flat(lowest + right_to).sight(a, b, 1.0)


def test_a_scenario_has_the_ground_that_it_describes() -> None:
    def made(seed: int = 1, **terrain: object) -> Ground:
        about = About(name="x", origin=(48.0, 30.0), area_km=(30.0, 20.0))
        scene = Scene(scenario=about, terrain=Terrain(**terrain))  # type: ignore[arg-type]
        return ground(scene, seed, {"S02W070.hgt": np.full((1201, 1201), 7, ">i2").tobytes(), "x.hgt": b""})

    assert made(height_m=90.0).height(0.8, 0.5) == 90
    up = made(kind="hills", height_m=90.0, relief_m=100.0)
    assert float(up.heights.max()) == 190
    assert not np.array_equal(up.heights, made(2, kind="hills", height_m=90.0, relief_m=100.0).heights)
    assert np.degrees([up.south, up.west]) == pytest.approx([47.73, 29.53], abs=0.02)  # 20 km more on each side
    place = radians(-1.5), radians(-69.5)
    assert made(kind="tiles", tiles=("S02W070.hgt",)).height(*place) == pytest.approx(
        7 + geoid_height(*place), abs=1e-3
    )
    for tiles in ((), ("x.hgt",)):
        with pytest.raises(ConfigError):
            made(kind="tiles", tiles=tiles)


def test_flat_ground_and_a_grid_of_one_height_have_the_same_horizon() -> None:
    step = (radians(0.01), radians(0.01))
    even = grid((radians(47), radians(29)), step, np.full((200, 200), 120.0), 120.0)
    rng = np.random.default_rng(3)
    latitude, longitude = (
        radians(48) + rng.uniform(-0.012, 0.012, (2, 2000)),
        radians(30) + rng.uniform(-0.012, 0.012, (2, 2000)),
    )
    a = ecef(latitude[0], longitude[0], 120 + rng.uniform(1, 40, 2000))
    b = ecef(latitude[1], longitude[1], 120 + rng.uniform(1, 200, 2000))
    seen = even.sight(a, b)
    assert np.array_equal(seen, flat(120.0).sight(a, b))
    assert 0.2 < seen.mean() < 0.8


def test_a_hill_hides_what_is_behind_it_and_nothing_else() -> None:
    heights = np.zeros((101, 101))
    heights[:, 50] = 300.0  # a wall from south to north
    wall = grid((0.0, 0.0), (1e-5, 1e-5), heights, 0.0)  # 64 m cells at the equator
    east = np.array([20, 45, 55, 80]) * 1e-5
    assert wall.sight(ecef(5e-4, 10e-5, 20.0), ecef(5e-4, east, 100.0)).tolist() == [True, True, False, False]
    assert wall.sight(ecef(5e-4, 10e-5, 20.0), ecef(5e-4, east, 700.0)).tolist() == [True, True, True, True]
    assert wall.sight(ecef(5e-4, 45e-5, 20.0), ecef(9e-4, 45e-5, 20.0)).all()
    assert not wall.sight(ecef(5e-4, -30e-5, 20.0), ecef(5e-4, 130e-5, 20.0)).any()  # both ends off the grid


def test_sight_is_the_same_both_ways_and_in_plain_python() -> None:
    ground = hills((radians(48), radians(30)), (20e3, 20e3), Relief(100, 150, 6e3), np.random.default_rng(5))
    rng = np.random.default_rng(6)
    latitude, longitude = (
        radians(48) + rng.uniform(-4e-3, 4e-3, (2, 300)),
        radians(30) + rng.uniform(-4e-3, 4e-3, (2, 300)),
    )
    a, b = ecef(latitude, longitude, ground.height(latitude, longitude) + rng.uniform(2, 80, (2, 300)))
    seen = ground.sight(a, b)
    assert 0.1 < seen.mean() < 0.9
    assert np.array_equal(seen, ground.sight(b, a))
    plain_while(lambda: True)
    try:
        assert np.array_equal(seen, ground.sight(a, b))
    finally:
        plain_while(lambda: False)


def test_hills_have_their_relief_and_follow_from_the_seed() -> None:
    def make(seed: int) -> Ground:
        return hills((radians(48), radians(30)), (60e3, 40e3), Relief(150, 220, 12e3), np.random.default_rng(seed))

    ground = make(1)
    assert float(ground.heights.min()) == 150
    assert float(ground.heights.max()) == 370
    assert np.array_equal(ground.heights, make(1).heights)
    assert not np.array_equal(ground.heights, make(2).heights)
    slope = np.abs(np.diff(ground.heights.astype(float), axis=1)) / 200
    assert 0.005 < slope.mean() < 0.06  # hills, not noise and not a plain
    assert ground.height(radians(48), radians(32)) == 150  # outside it is flat
    wide = ground.heights.astype(float)
    crossings = (np.diff(np.sign(wide - wide.mean(1, keepdims=True)), axis=1) != 0).sum(1).mean()
    assert 2 * 200 * wide.shape[1] / crossings == pytest.approx(12e3, rel=0.6)  # from hill to hill


@pytest.mark.parametrize("name, south, west", [("N43E006", 43, 6), ("N57E011", 57, 11)])
def test_a_tile_has_the_heights_of_its_file_above_the_ellipsoid(name: str, south: int, west: int) -> None:
    ground, table = loaded(name)
    rng = np.random.default_rng(1)
    latitude, longitude = south + rng.random(5000), west + rng.random(5000)
    found = ground.height(np.radians(latitude), np.radians(longitude))
    assert np.abs(found - bilinear(table, south, west, latitude, longitude)).max() < 1e-3


def test_a_void_has_the_height_beside_it_and_a_wrong_file_is_refused() -> None:
    table = np.full((1201, 1201), 40, ">i2")
    table[:, 600:] = 80
    table[200:210, 300:310] = -32768
    table[500:520, 700:710] = -32768
    ground = tile(table.tobytes(), "S02W070.hgt")
    geoid = geoid_height(radians(-2), radians(-70))
    assert float(ground.heights.min() - geoid) == pytest.approx(40, abs=5)
    whole = table.copy()
    whole[200:210, 300:310], whole[500:520, 700:710] = 40, 80
    assert np.array_equal(ground.heights, tile(whole.tobytes(), "S02W070.hgt").heights)
    assert np.degrees([ground.south, ground.west]) == pytest.approx([-2, -70])
    with pytest.raises(ValueError, match="bytes"):
        tile(b"12", "N43E006.hgt")
    with pytest.raises(ValueError, match="south-west"):
        tile(table.tobytes(), "mountains.hgt")
    with pytest.raises(ValueError, match=r"N43E006\.hgt\.gz is no whole gzip file"):
        tile(b"\x1f\x8b12", "N43E006.hgt.gz")
    with pytest.raises(ValueError, match=r"N43E006\.hgt has heights of 9001 to 9001 m"):
        tile(np.full((1201, 1201), 9001, ">i2").tobytes(), "N43E006.hgt")


def test_tiles_side_by_side_are_one_ground() -> None:
    rng = np.random.default_rng(2)
    wide = rng.integers(0, 500, (1201, 2401)).astype(">i2")
    left, right = tile(wide[:, :1201].tobytes(), "N10E020.hgt"), tile(wide[:, 1200:].tobytes(), "N10E021.hgt")
    both = mosaic((right, left))
    latitude, longitude = np.radians(10 + rng.random(500)), np.radians(20 + 2 * rng.random(500))
    west = longitude < radians(21)
    expected = np.where(west, left.height(latitude, longitude), right.height(latitude, longitude))
    assert np.abs(both.height(latitude, longitude) - expected).max() < 1e-3
    assert both.heights.shape == (1201, 2401)
    fine = grid((0.0, 0.0), (1e-3, 1e-3), np.zeros((3, 3)), 0.0)
    with pytest.raises(ValueError, match="one grid"):
        mosaic((left, fine))
