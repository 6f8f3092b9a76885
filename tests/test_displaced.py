"""A sensor that is kilometres or a minute off is found by what the others track, and no honest one is said to be."""

import numpy as np
import pytest

from skywarden.track.displaced import shift


def world(seed, east=0.0, north=0.0, clock=0.0, targets=10, plots=80, strangers=0.2):
    """Return plots of a radar of 0.3 deg, off by half a degree too, and what is known of targets at their times."""
    rng = np.random.default_rng(seed)
    begin, heading = rng.uniform(-30e3, 30e3, (targets, 2)), rng.uniform(-np.pi, np.pi, targets)
    speed = 150.0 * np.column_stack([np.sin(heading), np.cos(heading)])
    stamped, which = rng.uniform(0.0, 60.0, plots), rng.integers(0, targets, plots)
    place = begin + speed * stamped[:, None, None]
    at = begin[which] + speed[which] * (stamped - clock)[:, None]
    azimuth, away = np.arctan2(*at.T) + np.radians(0.5) + rng.normal(scale=0.005, size=plots), np.hypot(*at.T)
    seen = away[:, None] * np.column_stack([np.sin(azimuth), np.cos(azimuth)]) + rng.normal(scale=50.0, size=(plots, 2))
    other = rng.random(plots) < strangers
    seen[other] = rng.uniform(-40e3, 40e3, (other.sum(), 2))
    return seen + np.array([east, north]), place, speed, which, other


def found_by(seen, place, speed, *_):
    return shift(seen, lambda clock: place - clock * speed)


@pytest.mark.parametrize("seed", range(8))
def test_a_place_that_is_kilometres_off_is_found(seed):
    east, north = 3000.0 * np.sin(seed), -3000.0 * np.cos(seed)
    seen, place, velocity, which, other = world(seed, east, north)
    found = found_by(seen, place, velocity)
    assert found is not None
    assert np.hypot(found.east - east, found.north - north) < 600.0
    assert abs(found.clock) <= 4.0
    right = found.target == which
    assert right[~other].mean() > 0.85


@pytest.mark.parametrize("clock", [-50.0, -7.0, 12.0, 55.0])
def test_a_clock_that_is_off_is_found_with_or_without_a_place(clock):
    for east in (0.0, 2500.0):
        seen, place, velocity, which, other = world(4, east, 0.0, clock)
        found = found_by(seen, place, velocity)
        assert found is not None
        assert abs(found.clock - clock) <= 4.0
        assert abs(found.east - east) < 700.0
        assert (found.target == which)[~other].mean() > 0.85


@pytest.mark.parametrize("seed", range(8))
def test_an_honest_one_is_where_it_says(seed):
    found = found_by(*world(seed))
    assert found is not None
    assert np.hypot(found.east, found.north) < 600.0
    assert abs(found.clock) <= 4.0


def test_of_what_nobody_else_tracks_nothing_is_said():
    for seed in range(8):
        assert found_by(*world(seed, strangers=1.0)) is None
    seen, place, velocity, *_ = world(1, 3000.0)
    assert found_by(seen[:10], place[:10], velocity) is None
    assert found_by(seen, place[:, :2], velocity[:2]) is None
    assert found_by(seen, np.full_like(place, np.nan), velocity) is None


def test_targets_that_are_not_known_at_times_and_a_lone_pair_do_no_harm():
    seen, place, velocity, _, _ = world(2, 3000.0, -1000.0)
    place = place.copy()
    place[::3, ::2] = np.nan
    found = found_by(seen, place, velocity)
    assert found is None or np.hypot(found.east - 3000.0, found.north + 1000.0) < 600.0
    alone, here, speed, which, _ = world(3, 3000.0, strangers=0.0)
    one = which == which[0]
    many = np.repeat(np.flatnonzero(one), 20)
    assert found_by(alone[many], here[many], speed) is None  # one target near another: no shift of all
