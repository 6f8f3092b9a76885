"""The ground's horizon around a place, against lines of sight over the same ground; and the command that prints it."""

import gzip
import re
from pathlib import Path

import numpy as np
import pytest
from test_cli import Cli

from skywarden import geo
from skywarden.config import ConfigProblems, parse
from skywarden.geo.horizon import horizon
from skywarden.geo.terrain import Relief, flat, grid, hills
from skywarden.model.place import Sensor
from skywarden.track import pmb
from skywarden.track.cover import visible

LATITUDE, LONGITUDE = np.radians(50.0), np.radians(30.0)
SITE = """
[[sources]]
name = "net"
format = "asterix"
listen = "udp://127.0.0.1:8600"

[[sensors]]
name = "hill"
source = "net"
sac = 25
sic = 12
{more}
"""
PLACED = "latitude = 10.5\nlongitude = 20.5\nheight_m = 50.0"


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path) -> Cli:
    monkeypatch.chdir(tmp_path)
    return Cli(monkeypatch, capsysbinary)


def test_over_the_sea_it_is_below_the_level_by_what_the_earth_bends() -> None:
    """Source: the dip of the horizon, sqrt(2 h / k R), at sqrt(2 k R h)."""
    found = horizon(flat(0.0), LATITUDE, LONGITUDE, 50.0)
    assert np.degrees(found.elevation) == pytest.approx(np.full(72, -0.1965), abs=1e-3)
    assert found.distance == pytest.approx(np.full(72, 29_160.0), abs=500.0)


def test_a_ridge_is_where_it_stands() -> None:
    """A wall 300 m high, 10 km north."""
    step = np.radians(1.0 / 1200)
    south, west = LATITUDE - 600 * step, LONGITUDE - 600 * step
    heights = np.zeros((1201, 1201))
    row = 600 + round(10_000 / (step * 6_371_000.0))
    heights[row : row + 3] = 300.0
    found = horizon(grid((south, west), (step, step), heights, 0.0), LATITUDE, LONGITUDE, 20.0)
    away = (row - 600) * step * 6_390_000.0
    assert found.distance[0] == pytest.approx(away, abs=250.0)
    assert np.degrees(found.elevation[0]) == pytest.approx(np.degrees(280.0 / away) - 0.034, abs=0.06)
    assert found.distance[6] == pytest.approx(away / np.cos(np.radians(27.0)), rel=0.1)
    assert found.elevation[36] < 0.0


def test_what_it_hides_no_ray_reaches_and_what_it_leaves_a_ray_does_where_there_is_one_ridge() -> None:
    """Random points over hills: hidden ones are hidden from a ray too but for the width of a direction's sector."""
    rng = np.random.default_rng(3)
    ground = hills((LATITUDE, LONGITUDE), (80e3, 80e3), Relief(50.0, 400.0, 15e3), rng)
    height = float(ground.height(LATITUDE, LONGITUDE)) + 15.0
    found = horizon(ground, LATITUDE, LONGITUDE, height)
    sensor = Sensor(
        name="r",
        source="r",
        horizon_deg=tuple(np.degrees(found.elevation)),
        horizon_m=tuple(found.distance),
    )
    place = geo.place(LATITUDE, LONGITUDE, height)
    sense = pmb.Sensor(2, 0.9, 1e-9, coverage=sensor.coverage).record.view(np.recarray)[0]  # type: ignore[arg-type]
    sense["position"], sense["rotation"] = place.position, place.rotation
    azimuth, level = rng.uniform(0, 2 * np.pi, 4000), rng.uniform(1e3, 35e3, 4000)
    local = np.stack([level * np.sin(azimuth), level * np.cos(azimuth), np.zeros(4000)], 1)
    latitude, longitude, _ = geo.geodetic(place.position + local @ place.rotation)
    above = ground.height(latitude, longitude) + rng.uniform(5.0, 400.0, 4000)
    points = geo.ecef(latitude, longitude, above)
    rays = ground.sight(np.broadcast_to(place.position, points.shape), points)
    seen = np.array([visible(point, sense) for point in points])
    assert 0.2 < rays.mean() < 0.9
    assert (rays & ~seen).mean() < 0.05  # seen by a ray, and hidden: beside the highest point of a sector
    assert (~rays & ~seen).sum() > 0.5 * (~rays).sum()  # most of what is hidden; the rest is behind lesser hills


def tile_of(tmp_path: Path, heights: "np.ndarray[tuple[int, int], np.dtype[np.int16]]") -> Path:
    file = tmp_path / "N10E020.hgt.gz"
    file.write_bytes(gzip.compress(heights.astype(">i2").tobytes(), 1))
    return file


def test_the_command_prints_lines_that_the_configuration_takes(cli: Cli, tmp_path: Path) -> None:
    heights = np.full((1201, 1201), 10, np.int16)
    heights[480:483] = 900  # some 11 km north of the middle
    tile_of(tmp_path, heights)
    Path("site.toml").write_text(SITE.format(more=PLACED))
    said = cli.good("config", "horizon", "N10E020.hgt.gz", "--config", "site.toml", "--sensor", "hill")
    lines = [line for line in said.splitlines() if line.startswith("horizon_")]
    assert [line.split(" = ")[0] for line in lines] == ["horizon_deg", "horizon_m"]
    (sensor,) = parse(SITE.format(more=PLACED + "\n" + "\n".join(lines))).sensors
    assert len(sensor.horizon_deg) == len(sensor.horizon_m) == 72
    assert sensor.horizon_deg[0] == pytest.approx(4.4, abs=0.3)
    assert sensor.horizon_m[0] == pytest.approx(11_000, abs=300)
    assert max(sensor.horizon_deg[30:42]) < 0.1


@pytest.mark.parametrize(
    ("arguments", "more", "says"),
    [
        (("--sensor", "no"), PLACED, 'site.toml has no sensor "no"; its sensors are hill'),
        (("--sensor", "hill"), "", 'sensor "hill" has no place in site.toml; write its latitude'),
        (("--sensor", "hill", "site.toml"), PLACED, '"site.toml" is no name of an SRTM tile'),
    ],
)
def test_what_is_missing_is_said(cli: Cli, tmp_path: Path, arguments: tuple[str, ...], more: str, says: str) -> None:
    tile_of(tmp_path, np.zeros((1201, 1201), np.int16))
    Path("site.toml").write_text(SITE.format(more=more))
    assert says in cli.bad(2, "config", "horizon", "N10E020.hgt.gz", "--config", "site.toml", *arguments)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("horizon_deg = [1.0, 2.0]\nhorizon_m = [5.0]", "horizon_m.*has 1 values and horizon_deg 2"),
        ("horizon_deg = [1.0, 99.0]", r"horizon_deg.*= 99"),
        ("azimuth_from_deg = 10.0", "azimuth_from_deg.*stands without azimuth_to_deg"),
        ("min_range_m = 10.0\nmax_range_m = 5.0", "min_range_m.*must be less than max_range_m"),
        ("min_elevation_deg = 50.0\nmax_elevation_deg = 5.0", "min_elevation_deg.*must be less"),
        ("detection_probability = 1.0", "detection_probability.*between 0.01 and 0.999"),
    ],
)
def test_a_coverage_that_cannot_be_is_refused_with_what_to_write(more: str, says: str) -> None:
    with pytest.raises(ConfigProblems) as caught:
        parse(SITE.format(more=PLACED + "\n" + more))
    assert re.search(says, str(caught.value))
