"""Retarded time against brute force, in closed form and along paths."""

import numpy as np
import pytest
from scipy.optimize import brentq
from sound_world import flat_sky

from skywarden.sim.kinds import Kind
from skywarden.sim.sound.delay import Medium, direction, doppler, emission_times, paths_of, travel_time

CALM = Medium(340.0, np.zeros(3))
WINDY = Medium(338.0, np.array([9.0, -4.0, 0.0]))


def brute(place, ear, time, medium, bounds):
    """Return when what is heard was emitted: the front of each emission is followed until it meets the ear."""

    def early(when):
        front = place(when) + medium.wind * (time - when)
        return np.linalg.norm(front - ear) - medium.speed * (time - when)

    return brentq(early, *bounds, xtol=1e-13, rtol=1e-15)


@pytest.mark.parametrize("medium", [CALM, WINDY])
def test_straight_flight_in_closed_form(medium):
    rng = np.random.default_rng(3)
    for _ in range(200):
        p0, v = rng.uniform(-8000, 8000, 3), rng.uniform(-170, 170, 3)
        ear, t = rng.uniform(-100, 100, 3), rng.uniform(0, 50)
        tau = travel_time(p0 + v * t - ear, v, medium)
        expected = brute(lambda when, p0=p0, v=v: p0 + v * when, ear, t, medium, (t - 400, t))
        assert abs(t - tau - expected) < 1e-9


def test_a_source_at_the_ear_is_heard_at_once():
    assert travel_time(np.zeros(3), np.array([50.0, 0, 0]), WINDY) == 0.0


@pytest.mark.parametrize("medium", [CALM, WINDY])
def test_turning_flight_along_its_path(medium):
    rng = np.random.default_rng(5)
    seconds = np.arange(0, 121.0)
    angle = 0.05 * seconds
    position = np.stack([2000 * np.sin(angle) + 500, 2000 * np.cos(angle), 300 + 2 * seconds], -1) + 6e6
    velocity = np.stack([100 * np.cos(angle), -100 * np.sin(angle), 2 + 0 * seconds], -1)
    sky = flat_sky(Kind.UAV_JET, position, velocity, first=1000)
    ears = np.column_stack([rng.uniform(-4000, 4000, (100, 3)) * [1, 1, 0.01] + 6e6, rng.uniform(1040, 1110, 100)])
    found = emission_times(paths_of(sky), np.zeros(100, np.int64), ears, medium)

    def place(when):
        return sky.at(np.array([0]), np.array([when]))[0][0]

    for ear, when in zip(ears, found, strict=True):
        expected = brute(place, ear[:3], ear[3], medium, (ear[3] - 35, ear[3]))
        assert abs(when - expected) < 1e-9


def test_nothing_is_heard_before_the_first_sound_and_after_the_last():
    seconds = np.arange(0, 11.0)
    position = np.array([4000.0, 0, 100]) + seconds[:, None] * [10.0, 0, 0]
    sky = flat_sky(Kind.UAV_PISTON, position, np.tile([10.0, 0, 0], (11, 1)))
    times = np.array([5.0, 11.76, 11.77, 20.0, 22.0, 22.1])
    ears = np.column_stack([np.zeros((6, 2)), np.full(6, 100.0), times])
    heard = emission_times(paths_of(sky), np.zeros(6, np.int64), ears, CALM)
    assert np.isfinite(heard).tolist() == [False, False, True, True, True, False]  # 4000 / 340 s; 10 + 4100 / 340 s


def test_sound_comes_from_where_the_source_was():
    unit = direction(np.array([3000.0, 0.0, 0.0]), np.array([0.0, 50.0, 0.0]), CALM)
    assert np.degrees(np.arctan2(unit[1], unit[0])) == pytest.approx(-np.degrees(np.arcsin(50 / 340)), abs=1e-9)


def test_tone_is_the_rate_at_which_emission_times_pass():
    p0, v, ear = np.array([1500.0, 700.0, 200.0]), np.array([-60.0, 20.0, 1.0]), np.array([30.0, -20.0, 2.0])
    t, h = 3.0, 1e-3
    emitted = [s - travel_time(p0 + v * s - ear, v, WINDY) for s in (t - h, t + h)]
    ratio = doppler(direction(p0 + v * t - ear, v, WINDY), v, WINDY)
    assert ratio == pytest.approx((emitted[1] - emitted[0]) / (2 * h), abs=1e-8)
    assert ratio > 1.1
