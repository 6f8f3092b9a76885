"""Checks between the settings of a scenario: places, references, what only makes sense together.

What `config.shape` has already named is passed over: only tables that are right by themselves are looked at.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from math import hypot
from typing import Any

import numpy as np

from skywarden.config.locate import Key
from skywarden.config.shape import Problem, toml
from skywarden.geo.srtm import corner
from skywarden.sim.raid import on_earth
from skywarden.sim.scene import naming, raid, sizes
from skywarden.sim.scene.about import SENSORS
from skywarden.sim.scene.right import STRUCTS, one, ordered, shown, tables
from skywarden.sim.scene.settings import (
    About,
    Cameras,
    Microphones,
    Observers,
    Pair,
    Placed,
    Radars,
    SceneSite,
    Terrain,
)

HIGHEST_LATITUDE = 80.0  # deg; nearer to a pole east and north mean little
HIGHEST_HILL = 8400.0  # m; a sensor upon it, and what is above the ellipsoid there, is still below 9000
EDGE = 85.0  # deg, of the whole area
EARLIEST, LATEST = datetime(1980, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)  # of a start


def problems(data: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield every mistake between settings."""
    about = one(data.get("scenario"), About)
    area = about.area_km if about else (float("inf"), float("inf"))
    if about:
        yield from _scenario(about)
    sites = tables(data, "sites", SceneSite)
    for key, site in sites:
        yield from _inside(key, "at_km", [site.at_km], area)
    for section in SENSORS:
        for key, sensor in tables(data, section, STRUCTS[section]):
            yield from _sensor(key, sensor, area)
    yield from _terrain(data)
    yield from _tiles(data, about)
    yield from naming.problems(data)
    seconds = about.duration_s if about and about.duration_s > 0 else float("inf")
    yield from raid.problems(data, seconds, [site.name for _, site in sites])
    yield from sizes.problems(data)


def _scenario(about: About) -> Iterator[Problem]:
    if abs(about.origin[0]) > HIGHEST_LATITUDE:
        text = f"has latitude {about.origin[0]:g}; the latitude stands first and is between -80 and 80 (degrees)"
        yield Problem(("scenario", "origin"), text)
    else:
        yield from _on_the_globe(about)
    if about.start.tzinfo is None:
        written = about.start.isoformat() + "Z"
        yield Problem(("scenario", "start"), f"has no time zone; for UTC write start = {written}")
        return
    if about.start.timestamp() % 1:
        whole = toml(about.start.replace(microsecond=0))
        yield Problem(("scenario", "start"), f"has a part of a second; write a whole one: start = {whole}")
    starts = [about.start.replace(hour=hour) for hour in (0, 23)] if about.start_drawn else [about.start]
    if not all(EARLIEST <= start <= LATEST for start in starts):
        limits = f"must be between {EARLIEST:%Y-%m-%d} and {LATEST:%Y-%m-%d}, at any hour if start_drawn"
        yield Problem(("scenario", "start"), f"{limits}; write for example start = 2030-03-14T20:00:00Z")


def _on_the_globe(about: About) -> Iterator[Problem]:
    """The area must not reach a pole nor across the date line: latitudes and longitudes are counted on."""
    half = np.array(about.area_km) * 500
    latitude, longitude = on_earth(about.origin, np.array([-half, half]))
    which, limit = ("latitude", EDGE) if np.abs(latitude).max() > EDGE else ("longitude", 180.0)
    reached = (latitude if which == "latitude" else longitude).tolist()
    if max(map(abs, reached)) > limit:
        area = f"scenario.area_km = {shown(about.area_km)} around it reaches from {which} {reached[0]:.4g} to"
        why = "the area must not cross the date line" if limit == 180 else "east and north mean little there"
        text = f"= {shown(about.origin)}: {area} {reached[1]:.4g}, beyond {limit:g} (degrees); {why}"
        yield Problem(("scenario", "origin"), f"{text}; choose another origin or a smaller area")


def _inside(key: Key, name: str, points: Iterable[Pair], area: Pair) -> Iterator[Problem]:
    """Everything stands on the terrain, which is as large as the area."""
    for point in points:
        if abs(point[0]) > area[0] / 2 or abs(point[1]) > area[1] / 2:
            limits = f"{-area[0] / 2:g} to {area[0] / 2:g} east and {-area[1] / 2:g} to {area[1] / 2:g} north"
            yield Problem(
                (*key, name),
                f"= {shown(point)} is outside the area ({limits}, kilometres); move it or make scenario.area_km larger",
            )
            return


def _sensor(key: Key, sensor: Placed, area: Pair) -> Iterator[Problem]:
    (x, y), (width, depth) = sensor.at_km, sensor.extent_km
    yield from _inside(key, "at_km", [sensor.at_km], area)
    if sensor.count > 1 and hypot(width, depth) == 0 and not sensor.moving:
        yield Problem(key, f"puts {sensor.count} at one point; write extent_km = [40, 30], or count = 1")
    corners = [(x - width / 2, y - depth / 2), (x + width / 2, y + depth / 2)]
    if sensor.count > 1 and abs(x) <= area[0] / 2 and abs(y) <= area[1] / 2:
        yield from _reaching(key, corners, area)
    if isinstance(sensor, Radars | Microphones):
        yield from _still(key, sensor)
    elif sensor.moving and len(sensor.path_km) < 2:
        what = "a path of one point, which needs two" if sensor.path_km else "no path"
        yield Problem(key, f"moves but has {what}; write path_km = [[0, 0], [10, 5]], or moving = false")
    elif sensor.path_km and not sensor.moving:
        yield Problem((*key, "path_km"), "is only for a sensor that moves; write moving = true, or leave it out")
    yield from _inside(key, "path_km", sensor.path_km, area)
    yield from _kind(key, sensor)


def _still(key: Key, sensor: Placed) -> Iterator[Problem]:
    for name, there in (("moving", sensor.moving), ("path_km", bool(sensor.path_km))):
        if there:
            movers = "only direction finders, cameras, observers and receivers can move"
            yield Problem((*key, name), f"is not for {key[0]}: {movers}; leave it out")


def _reaching(key: Key, corners: list[Pair], area: Pair) -> Iterator[Problem]:
    """A field of sensors must not reach over the edge."""
    for problem in _inside(key, "extent_km", corners, area):
        yield problem._replace(text=problem.text.replace("= ", "reaches to ", 1).replace("is outside", "outside"))


def _kind(key: Key, sensor: Placed) -> Iterator[Problem]:
    if isinstance(sensor, Observers):
        yield from _delay((*key, "delay_s"), sensor.delay_s)
    if isinstance(sensor, Microphones):
        yield from ordered(key, "excess_db", sensor.excess_db)
    if isinstance(sensor, Cameras) and sensor.turning and sensor.field_deg == 360:
        yield Problem((*key, "turning"), "is for a field of less than 360 degrees; write turning = false")


def _delay(key: Key, delay: Pair) -> Iterator[Problem]:
    if delay[0] > delay[1]:
        yield Problem(key, f"= {shown(delay)}: the median stands first and is the lower one")
    elif delay[0] <= 0:
        yield Problem(key, f"= {shown(delay)}: nobody reports in no time; write both above 0: delay_s = [15, 90]")


def _terrain(data: Mapping[str, Any]) -> Iterator[Problem]:
    terrain = one(data.get("terrain", {}), Terrain)
    if terrain and terrain.tiles and terrain.kind != "tiles":
        yield Problem(("terrain", "tiles"), f'need kind = "tiles", not {toml(terrain.kind)}; or leave them out')
    if terrain and terrain.kind == "hills" and terrain.height_m + terrain.relief_m > HIGHEST_HILL:
        top = f"of hills up to {terrain.height_m + terrain.relief_m:g} m, height_m + relief_m"
        yield Problem(("terrain", "relief_m"), f"= {terrain.relief_m:g} {top}; both together at most {HIGHEST_HILL:g}")
    if terrain and terrain.kind == "tiles" and not terrain.tiles:
        yield Problem(("terrain", "kind"), '= "tiles" needs files of heights; write tiles = ["N43E006.hgt.gz"]')


def _tiles(data: Mapping[str, Any], about: About | None) -> Iterator[Problem]:
    """A tile that does not meet the area is of no use: its name or the origin is wrong."""
    terrain = one(data.get("terrain", {}), Terrain)
    if terrain is None or terrain.kind != "tiles":
        return
    for index, name in enumerate(terrain.tiles):
        key = ("terrain", "tiles", index)
        try:
            south, west = corner(name)
        except ValueError as e:
            yield Problem(key, f"= {e}")
            continue
        if about is None:
            continue
        half = np.array(about.area_km) * 500
        latitude, longitude = on_earth(about.origin, np.array([-half, half]))
        if latitude[0] > south + 1 or latitude[1] < south or longitude[0] > west + 1 or longitude[1] < west:
            sides = ("{:.4g} to {:.4g}".format(*side.tolist()) for side in (latitude, longitude))
            area = "latitude {}, longitude {}".format(*sides)
            yield Problem(key, f"= {toml(name)} does not meet the area ({area}); write the tiles of the area")
