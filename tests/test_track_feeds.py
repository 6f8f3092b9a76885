"""Tracks of other systems: used as their source's policy says, never counted twice, and our own are not theirs."""

from dataclasses import replace

import numpy as np
import pytest
from foreign_world import Echo, Other, report
from test_track_chain import settled
from track_world import START, Flight, Radar, Sky, where

from skywarden import geo
from skywarden.model.detection import Claim
from skywarden.model.event import Refused, TrackDropped
from skywarden.model.place import TrackPolicy
from skywarden.model.track import Picture
from skywarden.track.beliefs import records
from skywarden.track.feeds import OURS, THEIRS, UNDECIDED, foreign
from skywarden.track.items import FEED
from skywarden.track.monitor import fits
from skywarden.track.settings import TrackerSettings
from skywarden.track.states import at
from skywarden.track.step import track

FLIGHTS = [Flight(900.0 * k, -8000.0 + 300.0 * k, 1000, 60 + 5 * k, 0.4 + 0.1 * k) for k in range(4)]
SETTINGS = TrackerSettings(settle_s=4.0, settle_slow_s=4.0)
DISPLAY, TRACKLETS, INTERSECTION = TrackPolicy
USED = (TRACKLETS, INTERSECTION)


def radar(**more):
    return Radar("r", 5000.0, -4000.0, revisit=2.0, sigma=(50.0, 0.004, 0.008, np.nan), **more)


def flown(sensors, until=60.0, flights=FLIGHTS, settings=SETTINGS, each=None):
    sky = Sky(flights, list(sensors), settings=settings, seed=3)
    for sensor in sensors:
        if isinstance(sensor, Echo):
            sensor.sky = sky
    return sky.run(until, each)


def feeds(sky, settled=False):
    beliefs = sky.picture.chains.settled.beliefs if settled else sky.picture.beliefs
    return records(beliefs.feeds, FEED)


def refused(sky, sensor):
    found = {}
    for event in sky.events:
        if isinstance(event, Refused) and event.source == sensor:
            found[event.reason] = found.get(event.reason, 0) + event.count
    return found


def same_tracks(one, other):
    """Whether both skies have equal tracks, to the bit; names of sensors may have other numbers."""
    a, b = one.picture.tracks, other.picture.tracks
    return all(
        getattr(a, name).tobytes() == getattr(b, name).tobytes()
        for name in ("label", "number", "status", "time", "mean", "covariance", "existence", "hits", "heard")
    )


class Errors:
    """Collects, from 25 s on, how far the nearest shown track is from each flight, and what its covariance says."""

    def __init__(self):
        self.off, self.nees = [], []

    def __call__(self, sky):
        if sky.t < 25.0:
            return
        mean, covariance = at(sky.shown(), START + round(sky.t * 1e9))
        for truth in sky.truth():
            error = mean[:, :3] - truth
            k = np.linalg.norm(error, axis=1).argmin()
            self.off.append(error[k] @ error[k])
            self.nees.append(error[k] @ np.linalg.solve(covariance[k, :3, :3], error[k]) / 3)

    @property
    def rms(self):
        return np.sqrt(np.mean(self.off))

    @property
    def anees(self):
        return np.mean(self.nees)


def test_what_is_only_shown_changes_nothing_and_is_known():
    alone, beside = flown([radar()]), flown([radar(), Other(DISPLAY)])
    assert same_tracks(alone, beside)
    table = feeds(beside)
    assert table["subject"].tolist() == [0, 1, 2, 3]
    assert (table["verdict"] == THEIRS).all()
    number = dict(zip(beside.shown().label.tolist(), beside.shown().number.tolist(), strict=True))
    assert sorted(number[label] for label in table["label"].tolist()) == [1, 2, 3, 4]  # which of ours each is
    assert not any(match.any() for tick in beside.matches for match in tick[1:])
    assert refused(beside, "other") == {}


def test_a_foreign_track_names_ours_only_while_ours_is_shown():
    sky = flown([radar(), Other(DISPLAY)], 40.0)
    assert sorted(foreign(sky.picture).track) == [1, 2, 3, 4]
    sky.sensors[0].look = lambda *_: None
    sky.run(85.0)
    assert len(sky.shown()) == 0
    assert foreign(sky.picture).track == [0, 0, 0, 0]


@pytest.mark.parametrize("policy", USED)
def test_what_only_another_system_sees_becomes_a_track(policy):
    errors = Errors()
    sky = flown([Other(policy)], each=errors)
    assert sorted(sky.shown().number.tolist()) == [1, 2, 3, 4]
    assert errors.rms < 70.0
    assert errors.anees < 1.2
    assert refused(sky, "other") == {}


@pytest.mark.parametrize("policy", USED)
def test_with_a_sensor_of_ours_it_is_one_track_and_a_better_one(policy):
    alone, beside = Errors(), Errors()
    flown([radar()], 120.0, each=alone)
    sky = flown([radar(), Other(policy)], 120.0, each=beside)
    assert sorted(sky.shown().number.tolist()) == [1, 2, 3, 4]
    assert len(sky.picture.tracks) == 4
    assert beside.rms < 0.97 * alone.rms
    assert beside.anees < 1.2


def test_the_same_state_twice_counts_once():
    """By covariance intersection, and as two systems that have it from one another."""
    one = flown([Other(INTERSECTION)])
    two = flown([Other(INTERSECTION), Other(INTERSECTION, name="copy")])
    assert sorted(two.shown().number.tolist()) == [1, 2, 3, 4]
    assert len(two.picture.tracks) == 4
    a, b = (np.linalg.slogdet(sky.shown().covariance)[1] for sky in (one, two))
    assert np.allclose(a, b, atol=0.05)
    assert (two.shown().existence <= one.shown().existence.max() + 1e-3).all()


def test_a_report_that_comes_twice_is_refused_and_so_is_an_older_one():
    other = Other(INTERSECTION)
    sky = flown([other], 20.0)
    before = sky.picture
    again = other.look(FLIGHTS, 18.4, None)
    older = report(other, 17.0, np.arange(4), again.z, again.covariance)
    again = report(other, feeds(sky)["time"][0] * 1e-9 - START * 1e-9, np.arange(4), again.z, again.covariance)
    sky.step([replace(again, time=feeds(sky)["time"].copy())])
    sky.step([older])
    assert refused(sky, "other") == {"duplicate": 4, "too late": 4}
    assert sky.picture.tracks.mean.tobytes() == before.tracks.mean.tobytes()


@pytest.mark.parametrize("policy", TrackPolicy)
@pytest.mark.parametrize("late", [0.3, 1.5])
def test_our_own_tracks_that_come_back_are_found_out_and_never_used(policy, late):
    alone, beside = flown([radar()]), flown([radar(), Echo(policy, late=late)])
    assert same_tracks(alone, beside)
    assert (feeds(beside)["verdict"] == OURS).all()
    assert len(feeds(beside)) == 4
    assert set(refused(beside, "echo")) == {"our own track"}
    assert refused(beside, "echo")["our own track"] > 4 * 30


@pytest.mark.parametrize("policy", USED)
def test_they_are_found_out_too_where_another_system_is_believed(policy):
    with_it, beside = flown([radar(), Other(policy)]), flown([radar(), Other(policy), Echo(policy)])
    assert same_tracks(with_it, beside)
    sensors = np.array(beside.picture.sensors)[feeds(beside)["sensor"]]
    assert (feeds(beside)["verdict"][sensors == "echo"] == OURS).all()
    assert (feeds(beside)["verdict"][sensors == "other"] == THEIRS).all()


@pytest.mark.parametrize("policy", USED)
def test_a_track_does_not_live_on_by_its_own_echo(policy):
    sky = Sky(FLIGHTS, [radar(), Echo(policy)], settings=SETTINGS, seed=3)
    sky.sensors[1].sky = sky
    sky.run(30.0)
    sky.sensors[0].detection = 0.0
    sky.run(80.0)
    assert len(sky.shown()) == 0
    assert len([event for event in sky.events if isinstance(event, TrackDropped)]) == 4
    assert sky.picture.next_number == 5


@pytest.mark.parametrize("policy", USED)
def test_not_even_by_one_that_is_not_found_out(policy):
    """A system that changes our heights by 60 m. Its tracks may correct ours, but start none and keep none alive."""
    echo = Echo(policy, higher=60.0)
    sky = Sky(FLIGHTS, [radar(), echo], settings=SETTINGS, seed=3)
    echo.sky = sky
    sky.run(120.0)
    assert (feeds(sky)["verdict"] == THEIRS).any()
    assert len(sky.shown()) <= 8
    sky.sensors[0].look = lambda *_: None
    sky.run(200.0)
    assert len(sky.shown()) == 0


def test_nothing_is_used_of_a_subject_near_ours_before_it_is_decided():
    """It could be ours; what is far from all of ours is believed at once."""
    far = Flight(30_000.0, 0.0, 1000, 80, 1.0)
    other = Other(INTERSECTION, offset=20.4)
    known = [*FLIGHTS, far]
    sky = Sky(known, [radar(reach=25_000.0), other], settings=SETTINGS, seed=3)
    sky.sensors[0].look = lambda flights, t, rng: Radar.look(sky.sensors[0], FLIGHTS, t, rng)
    sky.run(26.0)
    table = feeds(sky)
    assert table["verdict"].tolist() == [UNDECIDED] * 4 + [THEIRS]
    assert [len(set(row[row >= 0].tolist())) for row in sky.picture.tracks.seen_by] == [1] * 5
    sky.run(45.0)
    table, before = feeds(sky), sky.picture.tracks
    assert table["verdict"].tolist() == [THEIRS] * 5
    (last,) = (one for one in [other.look(known, 45.4, None)] if one is not None)
    sky.t = 45.5
    tracked = sky.step([last])
    assert (tracked.matches[0] > 0).all()
    after = sky.picture.tracks
    smaller = np.linalg.slogdet(after.covariance)[1] < np.linalg.slogdet(at(before, int(after.time[0]))[1])[1] - 0.01
    assert smaller.all()


def test_independent_systems_are_not_taken_for_ours():
    wrong = 0
    for seed in range(20):
        policy = USED[seed % 2]
        sky = Sky(FLIGHTS, [radar(), Other(policy, seed=seed, revisit=1.0)], settings=SETTINGS, seed=seed)
        sky.run(25.0)
        wrong += int((feeds(sky, settled=True)["verdict"] != THEIRS).sum())
    assert wrong <= 1  # of 80


@pytest.mark.parametrize("policy", USED)
def test_a_system_that_claims_too_much_is_named_and_does_not_drag_tracks_away(policy):
    errors = Errors()
    sky = flown([radar(), Other(policy, boast=30.0)], 90.0, each=errors)
    assert errors.rms < 90.0
    assert len(sky.shown()) <= 16
    found = {fit.sensor: fit for fit in fits(sky.picture.chains.settled)}
    assert found["other"].too_sure
    assert found["other"].kind == ("track" if policy is INTERSECTION else "position")
    assert not found["r"].too_sure


@pytest.mark.parametrize("policy", USED)
def test_an_honest_one_is_not_named(policy):
    sky = flown([radar(), Other(policy)], 90.0)
    found = {fit.sensor: fit for fit in fits(sky.picture.chains.settled)}
    assert not found["other"].too_sure
    assert found["other"].plots > 20


@pytest.mark.parametrize("policy", TrackPolicy)
def test_what_can_be_no_state_is_refused_and_the_others_used(policy):
    mean, covariance = np.zeros((8, 6)), np.tile(np.eye(6) * 100.0, (8, 1, 1))
    mean[:, :3] = where(1000.0 * np.arange(8), 0.0, 1000.0)
    mean[0, 4], mean[1, :3], mean[2, 3] = np.nan, 0.0, 2e4
    covariance[3, 0, 1] = covariance[3, 1, 0] = 100.0
    covariance[4, 2, 2], covariance[5, 0, 0], covariance[6, 1, 1] = -1.0, 1e13, np.inf
    made = report(Other(policy), 0.0, np.arange(8), mean, covariance)
    tracked = track(Picture(START), [made], START, SETTINGS)
    counted = {event.reason: event.count for event in tracked.events if isinstance(event, Refused)}
    assert counted == {"not finite": 5, "implausible": 2}
    assert records(tracked.beliefs.feeds, FEED)["subject"].tolist() == [7]
    assert (tracked.matches[0] != 0).sum() == (policy is not DISPLAY)


def test_a_system_that_does_not_tell_its_tracks_apart_is_not_used():
    made = report(Other(INTERSECTION), 0.0, np.array([-1]), np.append(where(0, 0, 1000), np.zeros(3))[None], np.eye(6))
    tracked = track(Picture(START), [made], START, SETTINGS)
    assert [(event.reason, event.count) for event in tracked.events] == [("implausible", 1)]
    assert len(tracked.tracks) == 0


@pytest.mark.parametrize("policy", TrackPolicy)
def test_a_flood_of_tracks_has_bounded_room(policy):
    settings = TrackerSettings(settle_s=1.0)
    sky, rng = Sky([], [], settings=settings), np.random.default_rng(0)
    for k in range(6):
        n = 3000
        mean = np.concatenate((where(*rng.uniform(-5e4, 5e4, (2, n)), 1000.0), np.zeros((n, 3))), 1)
        made = report(Other(policy), k * 0.5, np.arange(n) + n * k, mean, np.broadcast_to(np.eye(6) * 100.0, (n, 6, 6)))
        sky.t = (k + 1) * 0.5
        sky.step([made])
        assert len(feeds(sky)) <= settings.max_tracks_per_sensor
        assert len(sky.picture.tracks) <= settings.max_tentative_per_sensor + 20
    assert refused(sky, "other")["quota"] > 6000


@pytest.mark.parametrize("policy", TrackPolicy)
def test_any_order_of_arrival_gives_the_same_settled_chain(policy):
    sensors = [radar(), Other(policy, offset=0.7), Other(policy, name="third", noise=40.0, revisit=1.0, seed=8)]
    rng = np.random.default_rng(1)
    batches = [
        sensor.look(FLIGHTS, t, rng) for sensor in sensors for t in np.arange(0.3, 25.0, sensor.revisit).tolist()
    ]
    batches = sorted((one for one in batches if one is not None), key=lambda one: int(one.time[0]))
    slow = policy is not DISPLAY
    first, wanted = settled(np.random.default_rng(0), batches, 0.0, slow)
    assert len(records(first.chains.settled.beliefs.feeds, FEED)) == 8
    for seed in range(1, 5):
        picture, digests = settled(np.random.default_rng(seed), batches, 10.0, slow, again=0.2 if seed % 2 else 0.0)
        assert picture.chains.settled.digest == first.chains.settled.digest
        both = [time for time in digests if time in wanted]
        assert len(both) > 10
        assert [digests[time] for time in both] == [wanted[time] for time in both]


def test_what_another_system_says_of_names_is_a_claim_of_our_track():
    other = Other(INTERSECTION)
    sky = flown([other], 20.0)
    made = replace(other.look(FLIGHTS, 20.4, None), claims=(Claim(2, "callsign", "KITE"),))
    sky.t = 20.5
    tracked = sky.step([made])
    (row,) = np.flatnonzero(sky.picture.tracks.label == tracked.matches[0][2])
    place = sky.picture.tracks.mean[row, :3]
    assert np.linalg.norm(place - FLIGHTS[2].at(20.4)) < 200.0
    assert geo.geodetic(place)[2] > 500.0
