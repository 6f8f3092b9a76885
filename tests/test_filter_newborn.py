"""What one detection says of a target that nobody has seen before: its place, its doubt, and hardly any velocity."""

from types import SimpleNamespace

import numpy as np
import pytest
import reference
from filter_memory import CODES, PLANES, POSITIONS, RADAR, SITE, bear, empty, fill, given, state
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from skywarden import geo
from skywarden.track.birth import heights
from skywarden.track.pmb import FilterSettings

SITE_HEIGHT = float(geo.geodetic(SITE.position)[2])  # m
PRIOR = FilterSettings(birth_level_speed_m_s=150.0, birth_vertical_speed_m_s=20.0)


def born(sensor, z, R):
    """Return the state (6,) and covariance (6, 6) of what one detection starts."""
    memory = empty(sensor, PRIOR, density=1e-6)
    assert fill(memory, given([z], [R])) == 1
    memory.plots["total"][0] = memory.plots["born"][0]
    bear(memory, 1)
    assert memory.counts.tolist() == [1, 1, 0, 1]
    leaf = state(memory, 0)
    assert leaf.weight == (1.0, 0.0)
    assert (leaf.covariance[0] == leaf.covariance[0].T).all()
    return leaf.mean[0], leaf.covariance[0]


def east_north_up(position):
    return geo.east_north_up(*geo.geodetic(position)[:2])


def local(east, north, up):
    return SITE.position + np.array([east, north, up]) @ SITE.rotation


def test_a_position_alone_gives_that_position_and_its_error():
    R = np.array([[100.0, 20.0, 0.0], [20.0, 50.0, 5.0], [0.0, 5.0, 400.0]])
    z = local(9000.0, 0.0, 500.0)
    mean, P = born(POSITIONS, z, R)
    np.testing.assert_array_equal(mean, [*z, 0, 0, 0])
    np.testing.assert_allclose(P[:3, :3], R)
    turn = east_north_up(z)
    np.testing.assert_allclose(turn @ P[3:, 3:] @ turn.T, np.diag([150.0**2] * 2 + [400.0]), atol=0.5)
    assert not P[:3, 3:].any()


def test_a_place_on_a_map_is_at_any_height_above_it():
    latitude, longitude = np.radians(29.6), np.radians(-45.6)
    R = np.array([[200.0**2, 9000.0], [9000.0, 300.0**2]])  # east, north
    mean, P = born(PLANES, np.array([latitude, longitude]), R)
    np.testing.assert_allclose(mean[:3], geo.ecef(latitude, longitude, 4000.0), atol=0.1)
    turn = geo.east_north_up(latitude, longitude)
    wanted = np.zeros((3, 3))
    wanted[:2, :2], wanted[2, 2] = R, 4000.0**2
    np.testing.assert_allclose(turn @ P[:3, :3] @ turn.T, wanted, atol=1e-5 * 4000.0**2)
    assert not mean[3:].any()


def test_a_radar_with_elevation_says_a_place_in_space():
    truth = np.concatenate([local(20_000.0, -5000.0, 3000.0), np.zeros(3)])
    sigma = np.array([50.0, 0.002, 0.004])
    z = reference.polar(truth, SITE)
    z[3] = np.nan
    mean, P = born(RADAR, z, np.diag([*sigma**2, 1.0]))
    np.testing.assert_allclose(mean[:3], truth[:3], atol=1e-6)
    H = reference.jacobian(truth, SITE)[:3, :3]
    wanted = np.linalg.inv(H) @ np.diag(sigma**2) @ np.linalg.inv(H).T
    np.testing.assert_allclose(P[:3, :3], wanted, atol=2.0)  # a metre is added, for plots straight overhead


def test_range_rate_is_used_at_birth():
    truth = np.concatenate([local(30_000.0, 0.0, 1000.0), 80.0 * SITE.rotation[0]])
    mean, P = born(RADAR, reference.polar(truth, SITE), np.diag([50.0, 0.002, 0.004, 2.0]) ** 2)
    found, east = SITE.rotation @ mean[3:], SITE.rotation[0]
    assert abs(found[0] - 80) < 2
    assert abs(found[1]) < 5
    assert np.sqrt(east @ P[3:, 3:] @ east) < 10


@pytest.mark.parametrize("height", [100.0, 4000.0, 10_500.0])
@pytest.mark.parametrize("east", [15_000.0, 40_000.0, 110_000.0])
def test_a_radar_without_elevation_starts_with_a_doubtful_height(height, east):
    latitude, longitude, _ = geo.geodetic(local(east, 5000.0, 0.0))
    truth = geo.ecef(latitude, longitude, height)
    z = reference.polar(np.concatenate([truth, np.zeros(3)]), SITE)
    z[2:] = np.nan
    mean, P = born(RADAR, z, np.diag([50.0, 0.002, 1.0, 1.0]) ** 2)
    up = reference.vertical(truth)
    assert 2000 < np.sqrt(up @ P[:3, :3] @ up) < 5000
    error = truth - mean[:3]
    assert error @ np.linalg.solve(P[:3, :3], error) < 16


@pytest.mark.parametrize("away", [1000.0, 3000.0, 8000.0])
@pytest.mark.parametrize("low", [30.0, 500.0])
def test_near_a_radar_without_elevation_it_is_not_taken_for_overhead(away, low):
    """A bird 3 km away was taken for 2.9 km high, known to 44 m: the prior's 4 and 11 km are straight overhead."""
    latitude, longitude, _ = geo.geodetic(local(away, 0.0, 0.0))
    truth = geo.ecef(latitude, longitude, SITE_HEIGHT + low)
    z = reference.polar(np.concatenate([truth, np.zeros(3)]), SITE)
    z[2:] = np.nan
    mean, P = born(RADAR, z, np.diag([50.0, 0.002, 1.0, 1.0]) ** 2)
    up = reference.vertical(truth)
    height, sigma = geo.geodetic(mean[:3])[2] - SITE_HEIGHT, np.sqrt(up @ P[:3, :3] @ up)
    assert height + 2 * sigma < 1.1 * z[0]
    assert sigma > 0.15 * z[0]
    error = truth - mean[:3]
    assert error @ np.linalg.solve(P[:3, :3], error) < 16


@drawn(height=st.floats(-500.0, 30e3), sigma=st.floats(100.0, 30e3), slant=st.floats(1.0, 400e3))
def test_three_heights_stand_for_any_prior_in_their_order(height, sigma, slant):
    plain = SimpleNamespace(height=height, height_sigma=sigma)
    bottom, middle, top = heights.plain(slant, 100.0, 6.371e6, plain)
    assert bottom <= middle <= top
    floor, steep = heights.plain(slant, 100.0, 6.371e6, SimpleNamespace(height=0.0, height_sigma=1e-6))[0], 0.87 * slant
    assert top <= max(floor, 100.0 + steep)
    if bottom > floor and top < 100.0 + steep:  # nothing of the prior is cut off
        np.testing.assert_allclose([bottom, middle, top], height + np.sqrt(3.0) * sigma * np.array([-1.0, 0.0, 1.0]))


@settings(max_examples=100, deadline=None)
@drawn(
    missing=st.sampled_from([(), (3,), (2,), (2, 3)]),
    log_sigma=st.tuples(*[st.floats(-3, 4)] * 4),
    place=st.tuples(*[st.floats(-60_000, 60_000)] * 2, st.floats(10, 12_000)),
)
def test_what_is_born_has_a_positive_covariance(missing, log_sigma, place):
    sigma = 10.0 ** np.array(log_sigma) * np.array([1.0, 1e-4, 1e-4, 0.1])
    z = reference.polar(np.concatenate([local(*place), [10.0, 20.0, 5.0]]), SITE)
    z[list(missing)] = np.nan
    mean, P = born(RADAR, z, np.diag(sigma**2))
    scale = np.sqrt(np.diag(P))
    assert np.isfinite(mean).all()
    assert np.linalg.eigvalsh(P / np.outer(scale, scale))[0] > 0.0


@pytest.mark.parametrize("clutter", [0.0, 1e-3, 10.0])
@pytest.mark.parametrize("others, begins", [(0.0, True), (1.5e3, True), (2.5e3, False)])
def test_a_plot_that_other_targets_want_begins_none_and_false_alarms_do_not_matter(clutter, others, begins):
    memory = empty(RADAR, FilterSettings(least_existence=1e-12, least_begun=5e-4), density=1e-6)
    z = reference.polar(np.concatenate([local(9e3, 4e3, 800.0), [10.0, 20.0, 5.0]]), SITE)
    assert fill(memory, given([z], [np.diag([30.0, 4e-3, 6e-3, 1.0]) ** 2])) == 1
    plot = memory.plots[0]
    plot.clutter = clutter * plot.born * 1e3
    plot.total = plot.clutter + plot.born * (1.0 + others)
    bear(memory, 1)
    assert memory.counts[0] == begins
    if begins:
        assert memory.leaves[0].existence == pytest.approx(1.0 / (1.0 + others + clutter * 1e3))


@pytest.mark.parametrize(
    "room, begun", [(0, []), (2, [3, 4]), (3, [0, 3, 4]), (5, [0, 1, 2, 3, 4]), (9, [0, 1, 2, 3, 4])]
)
def test_where_there_is_no_room_for_all_the_likeliest_begin(room, begun):
    memory = empty(RADAR, FilterSettings(most_of_sensor=room), density=1e-6)
    z = [reference.polar(np.concatenate([local(9e3, 1e3 * k, 800.0), np.zeros(3)]), SITE) for k in range(5)]
    assert fill(memory, given(z, [np.diag([30.0, 4e-3, 6e-3, 1.0]) ** 2] * 5)) == 5
    place = memory.plots["origin"][:5]
    existence = np.array([2e-3, 3e-3, 4e-3, 0.5, 0.02])  # 1e-3 to 1e-2 is one decade, in which the first come first
    memory.plots["total"][:5] = memory.plots["born"][:5] / existence[place]
    memory.plots["clutter"][:5] = memory.plots["total"][:5] - memory.plots["born"][:5]
    codes = bear(memory, 5)
    found = memory.plots["label"][:5] > 0
    order = place[np.flatnonzero(found)]
    if room == 3:
        order = np.where(order < 3, 0, order)  # whichever of the decade comes first in the look's own order
    assert sorted(order.tolist()) == begun
    assert (codes[place] == CODES["quota"]).tolist() == (~found).tolist()
