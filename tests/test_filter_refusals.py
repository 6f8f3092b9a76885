"""What the filter is told wrongly is an error in words, and never a picture."""

from dataclasses import replace

import numpy as np
import pytest
from filter_memory import NOW, SECOND, SITE
from filter_sky import RADAR, look, plots, straight, tracker

from skywarden.model.detection import Kind, detections
from skywarden.track import Air, FilterSettings, Sensor, evenly
from skywarden.track.settings import TrackerSettings

NAN = float("nan")
SENSOR = {"kind": Kind.POLAR, "detection": 0.9, "clutter": 1e-10}


@pytest.mark.parametrize("kind", [Kind.DELAY, Kind.PRESENCE, Kind.TRACK])
def test_a_sensor_of_a_kind_that_the_filter_makes_nothing_of_is_refused(kind):
    with pytest.raises(ValueError, match=f"makes nothing of {kind.name}"):
        Sensor(**SENSOR | {"kind": kind})


@pytest.mark.parametrize(
    "name, value, words",
    [
        *(("detection", value, "a probability over 0") for value in (0.0, -1.0, 1.5, NAN)),
        *(("clutter", value, "clutter must be a number") for value in (-3.0, NAN, float("inf"))),
        *(("volume", value, "volume must be a number") for value in (-1.0, NAN, float("inf"))),
        *(("reach_m", value, "reach_m must be > 0") for value in (0.0, -5.0, NAN)),
        *(("revisit_s", value, "revisit_s must be > 0") for value in (0.0, -5.0, NAN)),
    ],
)
def test_a_sensor_that_cannot_be_is_refused(name, value, words):
    with pytest.raises(ValueError, match=words):
        Sensor(**SENSOR | {name: value})


def test_a_sound_says_nothing_of_who_is_not_heard():
    with pytest.raises(ValueError, match="whole=False"):
        Sensor(Kind.SOUND, 0.9, 0.1)


@pytest.mark.parametrize(
    "name, value",
    [
        *(("wind", value) for value in ([NAN, 0.0, 0.0], [np.inf, 0.0, 0.0], [1.0, 2.0], 3.0)),
        *(("speed", value) for value in (0.0, -340.0, NAN, np.inf)),
        *((name, value) for name in ("wind_sigma", "speed_sigma") for value in (-1.0, NAN, np.inf)),
    ],
)
def test_air_that_cannot_be_is_refused_by_name(name, value):
    with pytest.raises(ValueError, match=name):
        Air(**{name: value})


def test_air_is_a_part_of_a_sensor_that_is_hashed_and_compared_and_cannot_be_written():
    air = Air(np.array([3.0, 0.0, 0.0]))
    assert hash(Sensor(Kind.SOUND, 0.9, 0.1, whole=False, air=air)) == hash(
        Sensor(Kind.SOUND, 0.9, 0.1, whole=False, air=air)
    )
    assert Sensor(Kind.SOUND, 0.9, 0.1, whole=False) != Sensor(Kind.SOUND, 0.9, 0.1, whole=False, air=air)
    with pytest.raises(ValueError, match="read-only"):
        air.wind[0] = 1.0


@pytest.mark.parametrize("name, value", [("detection", 1.0), ("clutter", 0.0), ("reach_m", float("inf"))])
def test_what_is_at_the_edge_is_taken(name, value):
    assert Sensor(**SENSOR | {name: value}).record[name.removesuffix("_m")][0] == value


@pytest.mark.parametrize("name", [n for n in FilterSettings.__struct_fields__ if n != "height_m"])
@pytest.mark.parametrize("value", [NAN, -0.5])
def test_settings_that_are_none_or_negative_are_refused_by_name(name, value):
    with pytest.raises(ValueError, match=name):
        FilterSettings(**{name: value})


def test_a_gate_is_a_probability():
    with pytest.raises(ValueError, match="gate_probability"):
        FilterSettings(gate_probability=1.5)
    assert FilterSettings(gate_probability=1.0, height_m=-100.0).height_m == -100.0


@pytest.mark.parametrize(
    "wrong",
    [
        {"half_m": 0.0},
        {"half_m": -1.0},
        {"half_m": NAN},
        {"cells": 0},
        {"number": -1.0},
        {"number": NAN},
        {"per_minute": -1.0},
    ],
)
def test_what_may_be_there_unseen_is_a_number_of_targets_in_a_disc(wrong):
    with pytest.raises(ValueError, match="must be"):
        evenly(**{"middle": SITE, "half_m": 30e3, "number": 5.0, "per_minute": 1.0} | wrong)


def seen(times, place=SITE):
    """Return a look with one plot at each of these times, s after NOW."""
    z = np.tile([8e3, 1.0, 0.1, 0.0], (len(times), 1))
    stamps = np.array([NOW + round(t * SECOND) for t in times], np.int64)
    covariance = np.tile(np.diag([900.0, 1e-5, 1e-5, 1.0]), (len(times), 1, 1))
    return detections(Kind.POLAR, "radar", NOW, stamps, z, covariance, place=place, revisit=2.0)


@pytest.mark.parametrize(
    "place",
    [
        None,
        replace(SITE, position=np.array([NAN, 0.0, 6.4e6])),
        replace(SITE, position=np.array([0.0, np.inf, 0.0])),
        replace(SITE, rotation=np.full((3, 3), NAN)),
    ],
)
def test_a_radar_that_is_nowhere_is_an_error_and_no_target_at_the_middle_of_the_earth(place):
    used = tracker()
    with pytest.raises(ValueError, match="needs the place"):
        used.look(seen([0.0], place), RADAR, NOW)
    assert len(used.targets(0.0).label) == 0


@pytest.mark.parametrize("times", [[15.1], [-15.1], [0.0, -60.0], [3e9]])
def test_times_that_are_not_around_the_looks_own_are_an_error(times):
    used = tracker()
    with pytest.raises(ValueError, match="15 s before or after"):
        used.look(seen(times), RADAR, NOW)
    assert used.time is None  # nothing has begun
    assert used.look(seen([0.0]), RADAR, NOW).tolist() == [0]


def test_a_turn_of_a_slow_radar_is_a_look():
    assert tracker().look(seen([-12.0, -6.0, 0.0]), replace(RADAR, revisit_s=12.0), NOW).tolist() == [0, 0, 0]


def test_after_an_error_the_filter_goes_on():
    rng, used = np.random.default_rng(3), tracker()
    flight = straight([(8e3, 5e3, 800.0)], [(-40.0, 20.0, 0.0)], 12)
    for k, states in enumerate(flight):
        look(used, plots(states, rng), 2.0 * k)
        with pytest.raises(ValueError, match="needs the place"):
            used.look(seen([0.0], None), RADAR, NOW + 2 * k * SECOND)
    assert used.targets().label.tolist() == [1]


@pytest.mark.parametrize("name", TrackerSettings.__struct_fields__)
@pytest.mark.parametrize("value", [-1, NAN])
def test_settings_of_the_tracker_that_are_no_numbers_or_negative_are_refused(name, value):
    if name in ("height_m", "wind_east_m_s", "wind_north_m_s") and value == -1:
        assert getattr(TrackerSettings(**{name: -1}), name) == -1
        return
    with pytest.raises(ValueError, match=f"{name} must be"):
        TrackerSettings(**{name: value})


@pytest.mark.parametrize("name", ["detection_probability", "gate_probability", "confirm_existence", "drop_existence"])
@pytest.mark.parametrize("value", [0.0, 1.5])
def test_probabilities_of_the_tracker_are_over_0_and_1_at_most(name, value):
    with pytest.raises(ValueError, match=f"{name} must be a probability"):
        TrackerSettings(**{name: value})


def test_what_the_filter_refuses_the_tracker_refuses():
    with pytest.raises(ValueError, match="busy_stay_s must be > 0"):
        TrackerSettings(busy_stay_s=0.0)
