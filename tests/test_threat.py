"""Threats against geometry, against a plain simulation of many futures, and in awkward cases."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from flights import PLANT, SECOND, TIME, flying
from hypothesis import given
from hypothesis import strategies as st

from skywarden.alert import AlertOn, AlertSettings
from skywarden.geo import east_north_up, ecef
from skywarden.model.assessment import Category, Identity
from skywarden.model.place import Site
from skywarden.model.track import Status, TrackKind, Tracks
from skywarden.threat import evaluate

EXACT = AlertSettings(wander_ratio=0.0)


def only(tracks, settings=EXACT, time=TIME, sites=(PLANT,)):
    threats = evaluate(tracks, (), time, sites, settings)
    assert len(threats) == 1
    return threats[0]


def test_head_on_it_arrives_at_the_edge_of_the_radius():
    threat = only(flying([23_000, 0, 100, -50, 0, 0]))
    assert threat.arrival == pytest.approx(400, abs=0.1)
    assert threat.miss == pytest.approx(0, abs=1)
    assert threat.probability == pytest.approx(1)
    assert (threat.track, threat.site) == (1, "plant")


def test_a_way_off_the_middle_reaches_the_edge_where_the_chord_begins():
    threat = only(flying([20_000, 1800, 100, -100, 0, 0]))
    assert threat.arrival == pytest.approx((20_000 - 2400) / 100, abs=0.1)
    assert threat.miss == pytest.approx(1800, abs=1)


def test_one_that_passes_outside_is_measured_to_closest_approach():
    threat = only(flying([20_000, 3100, 100, -100, 0, 0], sigma=(100.0, 0.1)))
    assert threat.miss == pytest.approx(3100, abs=1)
    assert threat.arrival == pytest.approx(200, abs=10)
    assert 0.1 < threat.probability < 0.4


def test_inside_the_radius_it_has_arrived_whatever_it_does():
    away = only(flying([2900, 0, 100, 50, 0, 0]))
    hovering = only(flying([2900, 0, 100, 0, 0, 0]))
    for threat in (away, hovering):
        assert (threat.arrival, threat.arrival_sigma, threat.probability) == (0, 0, 1)
    assert away.miss == pytest.approx(2900, abs=1)


def test_of_whom_only_a_wide_region_is_known_that_is_said():
    tracks = flying([9000, 0, 500, -50, 0, 0])
    point = only(tracks)
    wedge = only(replace(tracks, kind=np.full(1, TrackKind.WEDGE, np.int8)))
    assert (point.vague, wedge.vague) == (False, True)
    assert msgspec.structs.replace(wedge, vague=False) == point


def test_one_that_flies_away_or_hovers_or_passes_far_off_is_no_threat():
    tracks = flying(
        [3200, 0, 100, 50, 0, 0], [3500, 0, 100, -0.5, 0, 0], [9000, 0, 0, 0, 0, 0], [0, 30_000, 0, 200, 0, 0]
    )
    assert evaluate(tracks, (), TIME, (PLANT,), AlertSettings()) == ()


def test_an_airliner_that_passes_30_km_away_is_no_threat_but_one_at_5_km_is_a_possible_one():
    tracks = flying([60_000, 30_000, 9000, -220, 0, 0], [60_000, 5000, 9000, -220, 0, 0], sigma=(50.0, 2.0))
    threats = evaluate(tracks, (), TIME, (PLANT,), AlertSettings())
    assert [threat.track for threat in threats] == [2]
    assert 0.05 < threats[0].probability < 0.5


def test_the_other_side_of_the_earth_is_not_overhead():
    here = Site(name="here", latitude=0.0, longitude=30.0, radius_m=3000.0)
    antipode = Site(name="antipode", latitude=0.0, longitude=-150.0, radius_m=3000.0)
    threats = evaluate(flying([0, 0, 100, 50, 0, 0], sites_at=here), (), TIME, (here, antipode), AlertSettings())
    assert [threat.site for threat in threats] == ["here"]


def test_a_track_seen_ten_seconds_ago_is_ten_seconds_further_on():
    threat = only(flying([23_000, 0, 100, -50, 0, 0], time=TIME - 10 * SECOND))
    assert threat.arrival == pytest.approx(390, abs=0.1)


def test_beyond_the_horizon_nothing_is_listed_unless_the_site_needs_longer():
    tracks = flying([103_000, 0, 100, -50, 0, 0])
    assert evaluate(tracks, (), TIME, (PLANT,), EXACT) == ()
    slow_site = Site(name="plant", latitude=36.30, longitude=-33.10, lead_time_s=1200.0)
    assert only(tracks, sites=(slow_site,)).arrival == pytest.approx(2000, abs=1)


@pytest.mark.parametrize(
    "status, listed", [(Status.CONFIRMED, 1), (Status.COASTING, 1), (Status.TENTATIVE, 0), (Status.DROPPED, 0)]
)
def test_only_shown_tracks_threaten(status, listed):
    tracks = flying([23_000, 0, 100, -50, 0, 0], status=status)
    assert len(evaluate(tracks, (), TIME, (PLANT,), EXACT)) == listed


def test_alerting_on_suspects_leaves_the_others_out_and_by_default_nobody():
    tracks = flying(*[[23_000, 0, 100, -50, 0, 0]] * 4)
    identities = tuple(
        Identity(n, category)
        for n, category in enumerate([Category.UNKNOWN, Category.SUSPECT, Category.FRIEND, Category.HOSTILE], 1)
    )
    everyone = evaluate(tracks, identities, TIME, (PLANT,), EXACT)
    assert [threat.track for threat in everyone] == [1, 2, 3, 4]
    some = evaluate(tracks, identities, TIME, (PLANT,), AlertSettings(alert_on=AlertOn.SUSPECT))
    assert [threat.track for threat in some] == [2, 4]


def test_threats_come_in_the_order_of_the_sites_then_of_track_numbers():
    near = Site(name="a", latitude=36.31, longitude=-33.10)
    tracks = flying(*[[23_000, 0, 100, -50, 0, 0]] * 3)
    mixed = tracks.take(np.array([2, 0, 1]))
    threats = evaluate(mixed, (), TIME, (PLANT, near), AlertSettings())
    assert [(threat.site, threat.track) for threat in threats] == [(s, t) for s in ("plant", "a") for t in (1, 2, 3)]


def test_without_tracks_or_sites_there_is_no_threat():
    assert evaluate(Tracks.empty(), (), TIME, (PLANT,), EXACT) == ()
    assert evaluate(flying([23_000, 0, 100, -50, 0, 0]), (), TIME, (), EXACT) == ()


def futures(tracks, site, settings, count=4000, seconds=700, seed=1):
    """Fly `count` futures of the first track in 1 s steps; return when each first comes within the radius (inf: never).

    A plain twin of the model: no closed form, no linearisation.
    """
    rng = np.random.default_rng(seed)
    axes = east_north_up(np.radians(site.latitude), np.radians(site.longitude))[:2]
    centre = ecef(np.radians(site.latitude), np.radians(site.longitude), site.height_m)
    drawn = rng.multivariate_normal(tracks.mean[0], tracks.covariance[0], count, method="cholesky")
    place, velocity = (drawn[:, :3] - centre) @ axes.T, drawn[:, 3:] @ axes.T
    sigma = settings.wander_ratio * np.hypot(*(axes @ tracks.mean[0, 3:]))
    keep = np.exp(-1 / settings.wander_time_s)
    wander, arrival = np.zeros((count, 2)), np.full(count, np.inf)
    for second in range(seconds):
        arrival[np.isinf(arrival) & (np.hypot(*place.T) <= site.radius_m)] = second
        before = wander
        wander = keep * wander + sigma * np.sqrt(1 - keep**2) * rng.standard_normal((count, 2))
        place = place + velocity + (before + wander) / 2
    return arrival


@pytest.mark.parametrize(
    "state, sigma, settings",
    [
        ([18_000, 0, 300, -50, 0, 0], (200.0, 2.0), EXACT),
        ([18_000, 2500, 300, -50, 0, 0], (200.0, 2.0), EXACT),
        ([18_000, 6000, 300, -40, -5, 0], (300.0, 3.0), EXACT),
        ([18_000, 0, 300, -50, 0, 0], (100.0, 1.0), AlertSettings()),
        ([12_000, 12_000, 300, -40, -35, 0], (100.0, 1.0), AlertSettings()),
        ([40_000, 6000, 9000, -200, 0, 0], (100.0, 2.0), AlertSettings()),
    ],
)
def test_arrival_and_probability_are_those_of_many_futures(state, sigma, settings):
    tracks = flying(state, sigma=sigma)
    threat = only(tracks, settings)
    arrival = futures(tracks, PLANT, settings)
    arrived = arrival[np.isfinite(arrival)]
    assert threat.probability == pytest.approx(len(arrived) / len(arrival), abs=0.04)
    assert threat.arrival == pytest.approx(arrived.mean(), abs=0.25 * arrived.std() + 1)
    assert threat.arrival_sigma == pytest.approx(arrived.std(), rel=0.2)
    within = np.abs(arrived - threat.arrival) <= 1.2816 * threat.arrival_sigma
    assert within.mean() == pytest.approx(0.8, abs=0.07)


@pytest.mark.parametrize("turn", [np.radians(40), np.radians(-40), np.radians(90)])
def test_an_oblong_uncertainty_across_the_way_shifts_the_arrival_of_those_that_hit(turn):
    """The position error lies aslant, the track passes near the edge: who hits is who is early, or late."""
    wide = Site(name="wide", latitude=36.30, longitude=-33.10, radius_m=8000.0)
    tracks = flying([30_000, 7000, 300, -50, 0, 0])
    axes = east_north_up(np.radians(36.30), np.radians(-33.10))
    along = axes.T @ [np.cos(turn), np.sin(turn), 0.0]
    tracks.covariance[0, :3, :3] = 3000.0**2 * np.outer(along, along) + np.eye(3)
    tracks.covariance[0, 3:, 3:] = 4.0 * np.eye(3)
    threat = only(tracks, sites=(wide,))
    arrival = futures(tracks, wide, EXACT, count=8000, seconds=1500)
    arrived = arrival[np.isfinite(arrival)]
    assert threat.probability == pytest.approx(len(arrived) / len(arrival), abs=0.03)
    assert threat.arrival == pytest.approx(arrived.mean(), abs=0.08 * arrived.std())
    assert threat.arrival_sigma == pytest.approx(arrived.std(), rel=0.08)


def test_miss_sigma_is_that_of_straight_futures():
    tracks = flying([18_000, 2500, 300, -50, 0, 0], sigma=(200.0, 2.0))
    threat = only(tracks)
    rng = np.random.default_rng(2)
    place = rng.normal([18_000, 2500], 200.0, (20_000, 2))
    velocity = rng.normal([-50, 0], 2.0, (20_000, 2))
    miss = (place[:, 0] * velocity[:, 1] - place[:, 1] * velocity[:, 0]) / np.hypot(*velocity.T)
    assert threat.miss == pytest.approx(abs(miss.mean()), rel=0.03)
    assert threat.miss_sigma == pytest.approx(miss.std(), rel=0.05)
    assert threat.probability == pytest.approx(np.mean(np.abs(miss) <= 3000), abs=0.02)


@given(
    st.tuples(*[st.floats(-300_000, 300_000)] * 2),
    st.tuples(*[st.floats(-900, 900)] * 2),
    st.floats(0.0, 5000.0),
    st.floats(0.0, 300.0),
)
def test_whatever_flies_the_figures_are_possible(place, velocity, place_sigma, velocity_sigma):
    tracks = flying([*place, 500, *velocity, 0], sigma=(place_sigma, velocity_sigma))
    for threat in evaluate(tracks, (), TIME, (PLANT,), AlertSettings()):
        assert 0.02 <= threat.probability <= 1
        assert 0 <= threat.arrival <= 1800
        assert np.isfinite(threat.arrival_sigma)
        assert threat.arrival_sigma >= 0
        assert threat.miss >= 0
        assert threat.miss_sigma > 0
