"""Whether an array can hear a target: its cover, asked where the sound left."""

import numpy as np
from filter_memory import anywhere, empty, put, sight
from filter_sky import ecef

from skywarden.model.detection import Kind
from skywarden.model.place import F64
from skywarden.model.place import Sensor as Enrolled
from skywarden.track import Sensor


def enrolled(**limits: float) -> Sensor:
    """Return an array with a limited cover, in m, deg and per km^2."""
    coverage = Enrolled(name="array", source="array", **limits).coverage
    return Sensor(Kind.SOUND, 0.8, 0.1, whole=False, coverage=coverage)


def chance(sensor: Sensor, x: F64) -> float:
    """Return how likely an array hears a target whose state is x (6,) at the arrival."""
    memory = empty(sensor)
    row = put(memory, anywhere(np.random.default_rng(1))._replace(mean=np.stack([x, x]), weight=(1.0, 0.0)))
    return float(sight(memory, row, 3).detection)


def test_cover_is_asked_where_the_sound_left() -> None:
    flown_on = ecef((5.5e3, 0.0, 300.0), (100.0, 0.0, 0.0))  # the sound is from 4.3 km
    come_near = ecef((4.5e3, 0.0, 300.0), (-100.0, 0.0, 0.0))  # from 6.4 km
    assert chance(enrolled(max_range_m=5e3), flown_on) == 0.8
    assert chance(enrolled(max_range_m=5e3), come_near) < 0.1


def test_who_is_too_fast_to_be_heard_is_not_hidden_but_unheard() -> None:
    assert chance(enrolled(max_range_m=5e3), ecef((8e3, 0.0, 300.0), (400.0, 0.0, 0.0))) == 0.0


def test_false_alarms_on_the_ground_are_not_those_of_bearings() -> None:
    assert enrolled(false_alarms_per_km2=3.0).record["clutter"][0] == 0.1
