"""The engine with single microphones: found by them alone, never lost before a sound can have come, equal for all."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from ears_world import PLACES, REACH, SECOND, SOUND, Path, called, flight, told
from track_world import START, batch

from skywarden import geo
from skywarden.model.detection import Kind
from skywarden.model.event import Refused, TrackConfirmed
from skywarden.model.track import Picture, Status
from skywarden.track import listen
from skywarden.track.beliefs import records
from skywarden.track.chain import tracks_of
from skywarden.track.pool import TARGET
from skywarden.track.posts import NODE
from skywarden.track.settings import TrackerSettings
from skywarden.track.states import at
from skywarden.track.step import track

SETTINGS = TrackerSettings(settle_s=10.0)


class Watch:
    """A picture that is stepped once a second."""

    def __init__(self):
        self.picture, self.events, self.told, self.settings = Picture(START), [], None, SETTINGS

    def step(self, t, batches):
        time = START + round(t * SECOND)
        self.told = track(self.picture, batches, time, self.settings)
        self.picture = replace(self.told.onto(self.picture), time=time)
        self.events += self.told.events
        return self.picture

    def shown(self):
        """Return the shown tracks, and where each is now, ECEF m."""
        tracks = self.picture.tracks.take(self.picture.tracks.shown())
        return tracks, at(tracks, self.picture.time)[0][:, :3]


def watched(flights, until, dead=()):
    watch = Watch()
    for t in range(until):
        watch.step(t + 0.5, called(flights, float(t), dead))
    return watch


def test_who_flies_over_a_field_is_found_by_it_alone_and_lost_behind_it():
    one = flight(begin=20.0)
    watch, off = Watch(), {}
    for t in range(1000):
        watch.step(t + 0.5, called([one], float(t)))
        tracks, places = watch.shown()
        assert len(tracks) <= 1
        if len(tracks):
            off[t] = float(np.linalg.norm(places[0] - one.at(t + 0.5)))
    first = min(off)
    assert first < 200  # it is over the first nodes at 100 s
    assert np.median([off[t] for t in off if t < 820]) < 1500.0
    assert all(t in off for t in range(first, 820))  # until it has flown out, 40 km on
    assert max(off) < 999
    assert sum(isinstance(event, TrackConfirmed) for event in watch.events) == 1
    assert watch.picture.sensors == ("ears",)


def test_nobody_flies_and_nobody_is_found():
    watch = watched([], 200)
    assert len(watch.picture.tracks) == 0
    assert not watch.events
    nodes = records(watch.picture.beliefs.nodes, NODE)
    assert len(nodes) == len(PLACES)
    assert (nodes["alive"] > 0).all()


def beside_a_silent_node(speed, sound):
    """Fly straight at the one node there is, known by positions until 16 km off; then nobody tells. The node is silent.

    sound: m/s, that the tracker reckons with. Returns m to the node now, m that the sound went which comes now, odds of
    existence and the logarithm of the odds to be heard, each (n,), one a second.
    """
    one, watch = Path((-20_000.0, 0.0, 300.0), (speed, 0.0, 0.0)), Watch()
    watch.settings = msgspec.structs.replace(
        SETTINGS,
        calm_noise_m2_s3=1e-3,
        busy_noise_m2_s3=1e-3,
        vertical_noise_m2_s3=1e-3,
        microphone_reach_spread=0.02,
        sound_speed_m_s=sound,
    )
    told_of = []
    for t in range(int(21_000.0 / speed)):
        batches = [told(Kind.SILENCE, np.array([0]), float(t))] if t % 10 == 0 else []
        way = one.way(t)[0]
        if way > 16_000.0:
            found = one.at(t)[None]
            batches.append(batch(Kind.POSITION, "radar", np.array([float(t)]), found, np.eye(3) * 25.0, revisit=300.0))
        watch.step(t + 0.5, batches)
        if way <= 16_000.0:
            (existence,) = watch.picture.tracks.existence.tolist()
            (loud,) = records(watch.picture.beliefs.targets, TARGET)["loud"].tolist()
            told_of.append((np.linalg.norm(one.at(t) - PLACES[0]), way, existence / (1.0 - existence), loud))
    return np.array(told_of).T


OUTSIDE = REACH * np.exp(3.0 * 0.02)  # m, three sigmas of reach off


@pytest.mark.parametrize("speed", [50.0, 140.0, 230.0])
def test_silence_of_a_node_is_nothing_before_a_sound_can_have_come(speed):
    """Neither existence nor, where silence goes first, that it can be heard: not even inside of the reach."""
    away, way, odds, loud = beside_a_silent_node(speed, SOUND)
    early = way > OUTSIDE
    assert (early & (away < REACH)).sum() >= 5  # it is there, and its sound is still under way
    assert odds[early] == pytest.approx(odds[0], rel=1e-9)
    assert loud[early] == pytest.approx(loud[0], abs=1e-9)
    assert 0.45 * odds[0] < odds.min() < 0.6 * odds[0]
    assert loud[-1] < -1.0  # rather it cannot be heard than that it is not there


@pytest.mark.parametrize("speed", [50.0, 140.0, 230.0])
def test_silence_would_take_it_before_its_sound_comes_if_sound_were_instant(speed):
    """So the test above can fail."""
    away, way, odds, loud = beside_a_silent_node(speed, 1e6)
    early = way > OUTSIDE
    assert odds[early].min() < 0.6 * odds[0]
    assert loud[early].min() < loud[0] - 2.5
    assert loud[away > 1.1 * OUTSIDE] == pytest.approx(loud[0], abs=1e-9)  # by where it is, nothing before


@pytest.mark.parametrize("slow", [False, True])
def test_any_order_of_arrival_gives_the_same_settled_chain(slow):
    """Ticks of any length, messages up to 10 s late and in any order; a radar's positions beside the microphones.

    slow: and somebody's word about the same targets, up to a minute late.
    """
    rng = np.random.default_rng(5)
    flights = [flight(begin=-30.0), Path((0.0, 9_000.0, 400.0), (60.0, 5.0, 0.0))]
    sent = [(float(t), one) for t in range(90) for one in called(flights, float(t))]
    for t in range(0, 90, 4):
        place = flights[1].at(float(t)) + rng.normal(0.0, 20.0, 3)
        found = batch(Kind.POSITION, "radar", np.array([float(t)]), place[None], np.eye(3) * 400.0, revisit=4.0)
        sent.append((float(t), found))
    for t in range(20, 90, 7):  # a source whose name is before the others', and that begins in the middle of a second
        sent.append((t + 0.7, told(Kind.PRESENCE, np.array([3]), t + 0.7, "another")))
        sent.append((t + 0.2, told(Kind.SILENCE, np.array([3]), t + 0.2, f"begins {t}")))
    for t in range(5, 90, 9) if slow else ():
        latitude, longitude, _ = geo.geodetic(flights[1].at(float(t)))
        sent.append((t, batch(Kind.PLANE, "people", t, [latitude, longitude], np.eye(2) * 9e4, revisit=60.0)))
    digests = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        late = [59.0 if one.sensor == "people" else 9.0 for _, one in sent]
        coming = [
            (t + (rng.uniform(0.0, most) if seed else 0.0), one) for (t, one), most in zip(sent, late, strict=True)
        ]
        picture, now, seen = Picture(START), 0.0, {}
        while now < (190.0 if slow else 130.0):
            now += rng.uniform(0.2, 0.8)
            due = [one for when, one in coming if when <= now]
            coming = [(when, one) for when, one in coming if when > now]
            order = rng.permutation(len(due))
            found = track(picture, [due[k] for k in order], START + round(now * SECOND), SETTINGS, slow)
            picture = replace(found.onto(picture), time=START + round(now * SECOND))
            settled = picture.chains.settled
            seen[settled.until] = settled.digest
        digests.append(seen)
        assert len(tracks_of(settled, SETTINGS)) >= 1
        assert len(settled.beliefs.nodes) == len(PLACES) + 11
    for other in digests[1:]:
        both = [time for time in other if time in digests[0]]
        assert len(both) > 20
        assert [other[time] for time in both] == [digests[0][time] for time in both]


def test_the_head_begins_whom_the_settled_chain_begins_too():
    watch = watched([flight(begin=20.0)], 220)
    sure = tracks_of(watch.picture.chains.settled, SETTINGS)
    assert (sure.status == Status.CONFIRMED).sum() == 1
    tracks, places = watch.shown()
    settled, _ = at(sure, watch.picture.time)
    assert len(tracks) == 1
    assert np.linalg.norm(settled[0, :3] - places[0]) < 2000.0


def test_calls_from_nowhere_are_counted_for_their_source():
    some = told(Kind.PRESENCE, np.arange(3), 0.0)
    object.__setattr__(some, "origin", np.full((3, 3), np.nan))
    watch = Watch()
    watch.step(0.5, [some])
    assert watch.told.events == (Refused("ears", "implausible", 3),)


def test_a_beginning_that_a_known_target_makes_likely_begins_nobody():
    """A radar knows the flight all the time: nodes hear it, one after the other, and nobody else is there."""
    one, watch = flight(begin=20.0), Watch()
    for t in range(420):
        found = batch(Kind.POSITION, "radar", np.array([float(t)]), one.at(t)[None], np.eye(3) * 400.0, revisit=2.0)
        watch.step(t + 0.5, [*called([one], float(t)), found])
    assert sum(isinstance(event, TrackConfirmed) for event in watch.events) == 1
    assert len(watch.picture.tracks) == 1


def fresh(watch):
    return records(watch.picture.beliefs.nodes, NODE)["fresh"].tolist()


def test_a_field_that_is_switched_on_in_noise_is_asked_for_nobody():
    """What hears something since it lives has not begun to."""
    watch, every = Watch(), np.arange(len(PLACES))
    for t in range(5):
        watch.step(t + 0.5, [told(Kind.PRESENCE, every, float(t))])
    assert not any(fresh(watch))
    assert len(watch.picture.tracks) == 0


def test_when_all_begin_at_once_they_are_asked_one_after_the_other_until_it_is_too_late(monkeypatch):
    monkeypatch.setattr(listen, "WORK", 1)
    watch, every = Watch(), np.arange(len(PLACES))
    watch.step(0.5, [told(Kind.SILENCE, every, 0.0)])
    waiting = []
    for t in range(30, 95):
        watch.step(t + 0.5, [told(Kind.PRESENCE, every, float(t))])
        waiting.append(fresh(watch).count(2))
    assert 80 < waiting[0] < len(PLACES)  # who is told by the same clap is not asked any more
    assert waiting[1] < waiting[0]
    assert waiting[-1] == 0


def test_a_node_that_was_not_heard_of_for_a_day_is_forgotten():
    watch = Watch()
    watch.step(0.5, [told(Kind.SILENCE, np.arange(5), 0.0)])
    for t in (86_390.0, 86_420.0):
        watch.step(t + 0.5, [told(Kind.SILENCE, np.array([1]), t)])
    nodes = records(watch.picture.beliefs.nodes, NODE)
    assert len(nodes) == 1


def test_a_fault_of_ours_is_told_and_the_tracks_go_on(monkeypatch):
    watch = watched([flight(begin=20.0)], 5)
    monkeypatch.setattr("skywarden.track.step.half_second", lambda *_: 1 // 0)
    watch.step(6.5, [told(Kind.SILENCE, np.array([1]), 6.0)])
    assert watch.told.events == (Refused("ears", "decoder fault", 1),)
