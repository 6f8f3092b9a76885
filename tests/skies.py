"""Small scenes and skies for the tests of simulated sensors: straight flights over flat ground, drawn by hand."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from skywarden.geo import east_north_up, ecef
from skywarden.sim.kinds import Kind
from skywarden.sim.raid import on_earth
from skywarden.sim.scene.read import read
from skywarden.sim.scene.settings import Scene
from skywarden.sim.sky import Sky, Target

ORIGIN = (29.5, -45.75)
HEAD = """
[scenario]
name = "test"
origin = [29.5, -45.75]
area_km = [200, 200]
start = 2030-03-14T20:00:00Z
duration_s = {seconds}

[[sites]]
name = "Plant"
at_km = [0, 0]
"""
ALL = """
[[radars]]
name = "radar"
measures_height = true

[[microphones]]
name = "ear"
count = 9
extent_km = [6, 6]

[[direction_finders]]
name = "finder"

[[cameras]]
name = "eye"
field_deg = 360

[[observers]]
name = "post"
count = 200
layout = "random"
extent_km = [14, 14]
eager = 0.9

[[receivers]]
name = "adsb"

[[remote_id]]
name = "rid"
reach_km = 6
"""


def scene(text: str = ALL, seconds: float = 120.0) -> Scene:
    return read(HEAD.format(seconds=seconds) + text)


def start_of(made: Scene) -> int:
    return round(made.scenario.start.timestamp()) * 1_000_000_000


def straight(
    begin: tuple[float, float, float], velocity: tuple[float, float, float], seconds: int, **target: Any
) -> tuple[Target, np.ndarray, np.ndarray]:
    """One flight: m east, north, up of the origin; m/s east, north, up."""
    latitude, longitude = (float(np.radians(v)) for v in on_earth(ORIGIN, np.array(begin)))
    place = ecef(latitude, longitude, begin[2])
    move = np.array(velocity) @ east_north_up(latitude, longitude)
    position = place + np.arange(seconds + 1)[:, None] * move
    about = {"name": "one", "kind": Kind.UAV_PISTON, "raid": True} | target
    return Target(**about), position, np.broadcast_to(move, position.shape).copy()


def sky(flights: Sequence[tuple[Target, np.ndarray, np.ndarray]], first: Sequence[int] | None = None) -> Sky:
    counts = np.array([len(position) for _, position, _ in flights])
    return Sky(
        tuple(target for target, _, _ in flights),
        np.array(first if first is not None else [0] * len(flights), np.int64),
        counts,
        np.cumsum(counts) - counts,
        np.concatenate([position for _, position, _ in flights]),
        np.concatenate([velocity for _, _, velocity in flights]),
    )


def busy(seconds: int = 120) -> Sky:
    """A sky that every kind of sensor has something to say about."""
    return sky(
        [
            straight((-1500.0, 1200.0, 300.0), (25.0, 0.0, 0.0), seconds, name="drone", radio=True),
            straight(
                (800.0, -2500.0, 80.0), (0.0, 20.0, 0.0), seconds, name="copter", kind=Kind.MULTIROTOR, serial="SER1"
            ),
            straight(
                (-9000.0, 5000.0, 2500.0),
                (150.0, 0.0, 0.0),
                seconds,
                name="liner",
                kind=Kind.AIRLINER,
                raid=False,
                address=0xF00101,
                callsign="AVR101",
            ),
        ]
    )
