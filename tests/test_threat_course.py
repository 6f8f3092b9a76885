"""Courses: their four figures, and the table of what came of them, against slow twins."""

import json
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest
from flights import SECOND, TIME, flying
from hypothesis import given, settings
from hypothesis import strategies as st
from plain import both
from scipy.interpolate import RegularGridInterpolator

from skywarden.errors import ConfigError
from skywarden.model.past import Past
from skywarden.threat.course import (
    LEVELS,
    MEDIAN,
    SOON,
    Course,
    Passing,
    courses,
    forecast,
    late,
    look,
    sharpened,
    shipped,
    table,
)  # fmt: skip
from skywarden.threat.past import FADES_S, flown

RADIUS = 3000.0


def passing(offset, velocity, mean=None, steady=None):
    offset, velocity = np.array([offset], float), np.array([velocity], float)
    mean = velocity if mean is None else np.array([mean], float)
    steady = np.hypot(*mean.T) if steady is None else np.array([steady])
    return Passing(offset, velocity, mean, steady, np.array([RADIUS]))


def course(*given, **more):
    return Course(*(float(column[0]) for column in courses(passing(*given, **more))))


def test_a_course_into_the_radius_takes_until_its_edge():
    found = course([20_000, 1800], [-100, 0])
    assert found.time == pytest.approx((20_000 - 2400) / 100)
    assert found.off < 0
    assert found.speed == 100
    assert found.nearer == pytest.approx(20_000 / np.hypot(20_000, 1800))


def test_a_course_that_misses_by_far_takes_as_long_as_straight_to_the_site():
    found = course([20_000, 0], [0, -100])
    assert found.time == pytest.approx(170, abs=0.01)
    assert found.off == pytest.approx(90 - np.degrees(np.arcsin(0.15)))
    assert found.nearer == pytest.approx(0, abs=1e-12)
    assert course([20_000, 0], [100, 0]).off == pytest.approx(180 - np.degrees(np.arcsin(0.15)))


def test_the_time_has_no_step_where_a_course_just_misses():
    edge = np.arcsin(RADIUS / 20_000)
    inside, outside = (
        course([20_000, 0], [-100 * np.cos(angle), 100 * np.sin(angle)]) for angle in (edge - 1e-6, edge + 1e-6)
    )
    assert inside.off < 0 < outside.off
    assert inside.time == pytest.approx(outside.time, rel=0.01)
    assert inside.time == pytest.approx(np.sqrt(20_000**2 - RADIUS**2) / 100, rel=0.01)


def test_who_wound_about_came_less_near_than_it_flew():
    assert course([20_000, 0], [-50, 0], [-25, 10], 50.0).nearer == pytest.approx(0.5)
    assert course([20_000, 0], [-50, 0], [25, 10], 50.0).nearer == pytest.approx(-0.5)


places, speeds = (st.tuples(*[st.floats(-most, most)] * 2) for most in (3e5, 900.0))


@settings(deadline=None)  # the first one reads the table and the compiled kernels
@given(places, speeds, speeds)
def test_whatever_flies_a_course_has_figures_and_a_forecast(offset, velocity, mean):
    if np.hypot(*offset) <= RADIUS:
        offset = (offset[0] + 2 * RADIUS + 1.0, offset[1])
    found = courses(passing(offset, velocity, mean))
    assert all(np.isfinite(column).all() for column in found)
    assert found.time[0] >= 0
    assert -1 <= found.nearer[0] <= 1
    comes, times = forecast(found, shipped())
    assert 0 < comes[0] < 1
    assert (np.diff(times[0]) >= 0).all()
    assert times[0, 0] >= 0


def test_the_table_is_interpolated_as_by_the_slow_twin():
    rng, known = np.random.default_rng(3), shipped()
    shape = tuple(len(nodes) for nodes in known.nodes)
    low, high = (np.array([nodes[end] for nodes in known.nodes]) for end in (0, -1))
    values = rng.uniform(low - 0.3 * (high - low), high + 0.3 * (high - low), (500, 4))
    values[:4] = low, high, [nodes[2 % len(nodes)] for nodes in known.nodes], (low + high) / 2
    comes, times = np.zeros(len(values)), np.full((len(values), len(LEVELS)), np.nan)
    look(values, known, np.full(len(values), 0.15), comes, times)
    within = np.clip(values, low, high)
    chance = RegularGridInterpolator(known.nodes, known.comes.reshape(shape))(within)
    weighted = (known.comes[:, None] * known.ratio).reshape(*shape, len(LEVELS))
    ratio = RegularGridInterpolator(known.nodes, weighted)(within) / chance[:, None]
    assert np.allclose(comes, chance, rtol=1e-9, atol=1e-12)
    some = chance >= 0.15
    assert 0 < some.sum() < len(some)
    assert np.allclose(times[some], ratio[some], rtol=1e-9, atol=1e-9)
    assert np.isnan(times[~some]).all()


def test_the_table_is_interpolated_equally_plain_and_compiled():
    rng, known = np.random.default_rng(4), shipped()
    values = np.stack([rng.uniform(nodes[0], nodes[-1], 50) for nodes in known.nodes], 1)

    def looked():
        comes, times = np.zeros(50), np.full((50, len(LEVELS)), np.nan)
        look(values, known, np.full(50, 0.1), comes, times)
        return comes.tobytes(), times.tobytes()

    plain, compiled = both(looked)
    assert plain == compiled


def test_straight_in_is_likelier_than_aside_and_steady_likelier_than_winding():
    def comes(time, off, nearer, speed=50.0):
        return forecast(Course(*(np.array([value]) for value in (time, off, nearer, speed))), shipped())[0][0]

    for time in (30.0, 120.0, 480.0):
        assert comes(time, -3.0, 1.0) > comes(time, 6.0, 1.0) > comes(time, 50.0, 0.6)
        assert comes(time, -3.0, 1.0) > comes(time, -3.0, 0.3)
        assert comes(time, 170.0, -0.9) < 0.1


def test_intervals_are_drawn_together_about_their_median_by_how_far_off_and_how_fast_it_is():
    sharp = np.array([[0.5, 0.5, 0.7], [1.0, 1.0, 2.0]])
    known = shipped()._replace(medians=late(np.array([60.0, 600.0])), sharp=sharp)
    ratios = np.array([0.5, 0.6, 0.8, 1.0, 1.2, 1.5, 2.0])
    times = np.stack([late(middle * ratios) for middle in (30.0, 60.0, 6000.0, 6000.0)])
    slow, fast = known.nodes[3][[0, 2]]
    found = sharpened(times, np.array([slow, slow - 9.0, slow, fast]), known)
    assert found[:, MEDIAN] == pytest.approx(times[:, MEDIAN])
    apart = times - times[:, MEDIAN, None]
    assert found - found[:, MEDIAN, None] == pytest.approx(apart * np.array([0.5, 0.5, 1.0, 2.0])[:, None])
    assert np.exp(times[1, MEDIAN]) - SOON == pytest.approx(60.0)


def spoiled(**changed) -> str:
    text = files("skywarden").joinpath("data", "courses.json").read_text()
    return json.dumps(json.loads(text) | changed)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        spoiled(comes=[0.5]),
        spoiled(time=[0.0]),
        spoiled(off=[3.0, 2.0]),
        spoiled(speed=[0.0, 1.0, 2.0]),
        spoiled(more=1),
        spoiled(sharp={"30": [1.0], "60": [1.0]}),
    ],
)
def test_a_spoiled_table_says_how_to_make_it_again(text):
    with pytest.raises(ConfigError, match="make it again"):
        table(text)


def test_the_past_fades_and_follows_numbers():
    old = TIME - 3600 * SECOND
    two = replace(flying([0, 0, 100, 50, 0, 0], [0, 0, 100, 0, 30, 0]), born=np.full(2, old))
    first = flown(Past(), two, TIME, 0.0)
    assert first.mean[:, 3] == pytest.approx([50, 30])
    turned = replace(flying([0, 0, 100, -50, 0, 0], [0, 0, 100, 0, 30, 0]), born=np.full(2, old))
    after = flown(first, turned, TIME + 300 * SECOND, FADES_S)
    assert after.mean[0, :3] == pytest.approx((1 - 2 * np.exp(-1)) * turned.mean[0, 3:], rel=1e-4)
    assert after.mean[:, 3] == pytest.approx([50, 30])
    swapped = flown(after, turned.take(np.array([1, 0])), TIME, 0.0)
    assert (swapped.number == after.number).all()
    assert swapped.mean == pytest.approx(after.mean)
    fresh = replace(turned, number=np.array([7, 0]))
    assert flown(after, fresh, TIME, 1.0).number.tolist() == [7]
    assert flown(after, fresh, TIME, 1.0).mean[0, :3] == pytest.approx(turned.mean[0, 3:])
    with pytest.raises(ValueError, match="read-only"):
        after.mean[0] = 0.0


def test_of_a_young_track_all_that_it_did_counts_alike():
    past = Past()
    for second in range(1, 61):
        east = -50.0 if second > 30 else 50.0
        tracks = replace(flying([0, 0, 100, east, 0, 0]), born=np.full(1, TIME))
        past = flown(past, tracks, TIME + second * SECOND, 1.0)
    assert np.linalg.norm(past.mean[0, :3]) < 0.06 * 50
    assert past.mean[0, 3] == pytest.approx(50)
