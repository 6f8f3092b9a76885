"""Threats: who is listed, in awkward cases, and what is said of wide regions against many plain futures."""

from dataclasses import replace

import numpy as np
import pytest
from flights import PLANT, SECOND, TIME, flying
from hypothesis import given, settings
from hypothesis import strategies as st

from skywarden.alert import AlertOn, AlertSettings
from skywarden.geo import east_north_up, ecef
from skywarden.model.assessment import Category, Identity
from skywarden.model.past import Past
from skywarden.model.place import Site
from skywarden.model.track import Status, TrackKind, Tracks
from skywarden.threat import Seen, evaluate, flown
from skywarden.threat.course import shipped, turns
from skywarden.threat.near import Looked, near, places
from skywarden.threat.past import recalled
from skywarden.threat.straight import passages

SETTINGS = AlertSettings()
EXACT = AlertSettings(wander_ratio=0.0)
LISTED = AlertSettings(floor_probability=0.0)


def threats_of(tracks, sites=(PLANT,), settings=SETTINGS, **seen):
    return evaluate(Seen(tracks, **seen), TIME, sites, settings).at(TIME)


def only(tracks, **given):
    threats = threats_of(tracks, **given)
    assert len(threats) == 1
    return threats[0]


def test_head_on_it_probably_arrives_at_the_edge_of_the_radius_a_little_late():
    threat = only(flying([23_000, 0, 100, -50, 0, 0]))
    assert threat.early < 400 < threat.late < 600
    assert threat.arrival == pytest.approx(400, abs=20)
    assert 0.5 < threat.probability < 0.95
    assert list(threat.times) == sorted(threat.times)
    assert (threat.track, threat.site, threat.vague) == (1, "plant", False)


def test_the_nearer_the_surer_and_the_narrower():
    far, near_by = (only(flying([east, 0, 100, -50, 0, 0])) for east in (43_000, 9_000))
    assert far.probability < near_by.probability
    assert near_by.late - near_by.early < 0.2 * (far.late - far.early)


def test_inside_the_radius_it_has_arrived_whatever_it_does():
    for state in ([2900, 0, 100, 50, 0, 0], [2900, 0, 100, 0, 0, 0]):
        threat = only(flying(state))
        assert threat.times == (0.0,) * 7
        assert threat.probability == 1


def test_one_that_flies_away_or_hovers_or_passes_far_off_is_no_threat():
    tracks = flying(
        [3600, 0, 100, 50, 0, 0], [3500, 0, 100, -0.5, 0, 0], [9000, 0, 0, 0, 0, 0], [0, 30_000, 0, 200, 0, 0]
    )
    assert threats_of(tracks) == []


def test_who_came_nearer_all_the_time_is_likelier_to_come_than_who_wound_about():
    old = np.full(1, TIME - 3600 * SECOND)
    tracks = replace(flying([30_000, 0, 100, -50, 0, 0]), born=old)
    before = replace(flying([30_000, 0, 100, 0, -50, 0]), born=old)
    new = only(tracks)
    steady = only(tracks, past=flown(flown(Past(), tracks, TIME, 0.0), tracks, TIME + 60 * SECOND, 60.0))
    wound = only(tracks, past=flown(flown(Past(), before, TIME, 0.0), tracks, TIME + 60 * SECOND, 60.0))
    assert new.probability == steady.probability
    assert wound.probability < 0.8 * steady.probability


def test_a_heading_that_is_hardly_known_makes_all_ways_possible():
    sure, unsure = (
        threats_of(flying([20_000, north, 100, -50, 0, 0], sigma=(50.0, speed)))
        for north, speed in ((0, 2.0), (0, 20.0))
    )
    beside, perhaps = (
        threats_of(flying([20_000, 11_000, 100, -50, 0, 0], sigma=(50.0, speed))) for speed in (2.0, 20.0)
    )
    assert unsure[0].probability < sure[0].probability
    assert sum(t.probability for t in perhaps) > sum(t.probability for t in beside)


@pytest.mark.parametrize("degrees", [6.0, 12.0, 25.0])
@pytest.mark.parametrize("north", [0.0, 4000.0, 9000.0])
def test_a_badly_known_heading_counts_as_the_mean_of_many(north, degrees):
    """Against the table's answers for many headings, each exactly known."""
    speed, rng = 50.0, np.random.default_rng(2)
    sigma = np.hypot(np.tan(np.radians(degrees)), 0.06) * speed  # the table's cases had 0.06 rad
    told = threats_of(flying([20_000, north, 100, -speed, 0, 0], sigma=(1.0, sigma)), settings=LISTED)
    many = rng.normal(0.0, np.tan(np.radians(degrees)), 2000)
    states = [[20_000, north, 100, -speed * np.cos(a), speed * np.sin(a), 0] for a in many]
    now = flying(*states)
    before = flown(Past(), flying(*[[20_000, north, 100, -speed, 0, 0]] * len(many)), TIME, 0.0)
    each = threats_of(now, settings=LISTED, past=before)
    assert told[0].probability == pytest.approx(sum(t.probability for t in each) / len(many), abs=0.05)


def test_a_speed_that_is_hardly_known_makes_the_interval_wider_and_the_early_end_earlier():
    sure, unsure = (only(flying([23_000, 0, 100, -50, 0, 0], sigma=(50.0, speed))) for speed in (2.0, 15.0))
    assert unsure.early < 0.8 * sure.early
    assert unsure.late > 1.2 * sure.late


def test_what_is_not_a_number_is_nowhere():
    tracks = flying([2000, 0, 100, -50, 0, 0])
    tracks.mean[0, 0] = np.nan
    assert threats_of(tracks) == []
    past = flown(Past(), tracks, TIME, 0.0)
    assert np.isfinite(flown(past, flying([2000, 0, 100, -50, 0, 0]), TIME, 1.0).mean).all()


def test_whatever_is_over_the_radius_has_arrived_however_high():
    assert only(flying([500, 0, 25_000, 0, 0, 0])).probability == 1


def test_a_place_that_is_hardly_known_counts_as_the_heading_does():
    sure, unsure = (only(flying([20_000, 0, 100, -50, 0, 0], sigma=(place, 2.0))) for place in (50.0, 5000.0))
    assert unsure.probability < sure.probability


def test_of_whom_only_a_wide_region_is_known_that_is_said():
    tracks = flying([9000, 0, 500, -50, 0, 0], sigma=(3000.0, 10.0))
    wedge = only(replace(tracks, kind=np.full(1, TrackKind.WEDGE, np.int8)))
    assert wedge.vague
    inside = flying([1000, 0, 500, -50, 0, 0], sigma=(9000.0, 10.0))
    assert only(replace(inside, kind=np.full(1, TrackKind.WEDGE, np.int8))).probability < 1
    gone = flying([-9000, 0, 500, -50, 0, 0], sigma=(500.0, 1.0))
    assert threats_of(replace(gone, kind=np.full(1, TrackKind.WEDGE, np.int8))) == []


def test_the_other_side_of_the_earth_is_not_overhead():
    here = Site(name="here", latitude=0.0, longitude=30.0, radius_m=3000.0)
    antipode = Site(name="antipode", latitude=0.0, longitude=-150.0, radius_m=3000.0)
    threats = threats_of(flying([0, 0, 100, 50, 0, 0], sites_at=here), (here, antipode))
    assert [threat.site for threat in threats] == ["here"]


def test_a_track_seen_ten_seconds_ago_is_ten_seconds_further_on():
    late = only(flying([23_000, 0, 100, -50, 0, 0], time=TIME - 10 * SECOND))
    assert late.times == pytest.approx(only(flying([22_500, 0, 100, -50, 0, 0])).times)


def test_beyond_the_horizon_nothing_is_listed_unless_the_site_needs_longer():
    tracks = flying([103_000, 0, 100, -50, 0, 0])
    assert threats_of(tracks) == []
    slow_site = Site(name="plant", latitude=36.30, longitude=-33.10, lead_time_s=1500.0)
    assert 1800 < only(tracks, sites=(slow_site,)).arrival < 3000


@pytest.mark.parametrize(
    "status, listed", [(Status.CONFIRMED, 1), (Status.COASTING, 1), (Status.TENTATIVE, 0), (Status.DROPPED, 0)]
)
def test_only_shown_tracks_threaten(status, listed):
    assert len(threats_of(flying([23_000, 0, 100, -50, 0, 0], status=status))) == listed


def test_alerting_on_suspects_leaves_the_others_out_and_by_default_nobody():
    tracks = flying(*[[23_000, 0, 100, -50, 0, 0]] * 4)
    identities = tuple(
        Identity(n, category)
        for n, category in enumerate([Category.UNKNOWN, Category.SUSPECT, Category.FRIEND, Category.HOSTILE], 1)
    )
    assert [threat.track for threat in threats_of(tracks, identities=identities)] == [1, 2, 3, 4]
    some = threats_of(tracks, settings=AlertSettings(alert_on=AlertOn.SUSPECT), identities=identities)
    assert [threat.track for threat in some] == [2, 4]


def test_threats_come_in_the_order_of_the_sites_then_of_track_numbers():
    beside = Site(name="a", latitude=36.31, longitude=-33.10)
    tracks = flying(*[[23_000, 0, 100, -50, 0, 0]] * 3)
    threats = threats_of(tracks.take(np.array([2, 0, 1])), (PLANT, beside))
    assert [(threat.site, threat.track) for threat in threats] == [(s, t) for s in ("plant", "a") for t in (1, 2, 3)]


def test_without_tracks_or_sites_there_is_no_threat():
    assert threats_of(Tracks.empty()) == []
    assert threats_of(flying([23_000, 0, 100, -50, 0, 0]), ()) == []


def of_region(tracks, site=PLANT, settings=EXACT):
    """Return what is said of the first track as of a wide region: arrival, sigma, probability."""
    limits = turns(shipped(), settings.floor_probability)
    open_, none = np.full(1, 100.0), np.zeros(1)
    looked = Looked(tracks, np.zeros(1, np.int64), recalled(Past(), tracks), open_, none)
    pairs = near(looked, TIME, places((site,), settings.horizon_s), limits)
    found = passages(pairs, tracks.covariance[:1], settings.wander_ratio, settings.wander_time_s)
    return [float(column[0]) for column in found]


def test_of_a_region_a_way_off_the_middle_reaches_the_edge_where_the_chord_begins():
    arrival, _, probability = of_region(flying([20_000, 1800, 100, -100, 0, 0], sigma=(1.0, 0.01)))
    assert arrival == pytest.approx((20_000 - 2400) / 100, abs=0.1)
    assert probability == pytest.approx(1)


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
    expected, deviation, probability = of_region(tracks, settings=settings)
    arrival = futures(tracks, PLANT, settings)
    arrived = arrival[np.isfinite(arrival)]
    assert probability == pytest.approx(len(arrived) / len(arrival), abs=0.04)
    assert expected == pytest.approx(arrived.mean(), abs=0.25 * arrived.std() + 1)
    assert deviation == pytest.approx(arrived.std(), rel=0.2)
    within = np.abs(arrived - expected) <= 1.2816 * deviation
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
    expected, deviation, probability = of_region(tracks, wide)
    arrival = futures(tracks, wide, EXACT, count=8000, seconds=1500)
    arrived = arrival[np.isfinite(arrival)]
    assert probability == pytest.approx(len(arrived) / len(arrival), abs=0.03)
    assert expected == pytest.approx(arrived.mean(), abs=0.08 * arrived.std())
    assert deviation == pytest.approx(arrived.std(), rel=0.08)


@settings(deadline=None)  # the first one reads the table and the compiled kernels
@given(
    st.tuples(*[st.floats(-300_000, 300_000)] * 2),
    st.tuples(*[st.floats(-900, 900)] * 2),
    st.floats(0.0, 5000.0),
    st.floats(0.0, 300.0),
    st.sampled_from(list(TrackKind)),
)
def test_whatever_flies_the_figures_are_possible(place, velocity, place_sigma, velocity_sigma, kind):
    tracks = flying([*place, 500, *velocity, 0], sigma=(place_sigma, velocity_sigma))
    for threat in threats_of(replace(tracks, kind=np.full(1, kind, np.int8))):
        near_by = not threat.vague and threat.miss <= 3 * PLANT.radius_m
        assert (0.0 if near_by else 0.05) <= threat.probability <= 1
        assert 0 <= threat.arrival <= 1800
        assert list(threat.times) == sorted(threat.times)
        assert np.isfinite(threat.times).all()
        assert threat.times[0] >= 0


def test_what_a_track_would_do_counts_unless_all_count_whole():
    tracks = flying((9000, 0, 300, -50, 0, 0), (9000, 2000, 300, -50, 0, 0))
    known = (Identity(1, Category.UNKNOWN, stake=0.07),)
    for alert_on, stakes in ((AlertOn.HARM, [0.07, 1.0]), (AlertOn.ALL, [1.0, 1.0])):
        found = threats_of(tracks, settings=AlertSettings(alert_on=alert_on), identities=known)
        assert [one.stake for one in found] == stakes
        assert found[0].probability > 0.5
