"""Arrays of one source that begin targets: several of them in turn, one of a kind, nobody who is out of reach."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hark_world import Ears, stand
from track_world import START, Flight, Sky, batch, where

from skywarden import geo
from skywarden.model.detection import Detections, Kind, Reason, Reporter
from skywarden.model.event import Refused, TrackDropped
from skywarden.track import listen
from skywarden.track.arrays import TWIN, begun, ripe, twins
from skywarden.track.beliefs import records
from skywarden.track.cover import visible
from skywarden.track.gather import gather
from skywarden.track.items import items
from skywarden.track.people import persons
from skywarden.track.pool import TARGET
from skywarden.track.settings import TrackerSettings

SETTINGS = TrackerSettings()
PLACES = [stand(3000.0 * a, 3000.0 * b) for a in (-2, -1, 0, 1, 2) for b in (-2, -1, 0, 1, 2)]
ORIGINS = np.array([place.position for place in PLACES])
HELICOPTER, OTHER = Flight(-6000.0, -1500.0, 400, 50, 1.2), Flight(5000.0, 6000.0, 600, 55, 3.6)
TWICE = (3, 6, 9)  # seeds of skies in which two arrays have begun one helicopter twice, as machines round it
MACHINE = 12  # the array that a machine hums beside, in the middle
SECOND = 1_000_000_000


@dataclass
class Calls:
    """The same arrays, which also say that they hear something or live, as nodes do."""

    name: str = "ears"
    revisit: float = 1.0
    offset: float = 0.0
    late: float = 0.0
    reach: float = 5000.0
    humming: bool = False

    def look(self, flights: list[Flight], t: float, _rng: np.random.Generator) -> Detections:
        places = np.array([flight.at(t - 6.0) for flight in flights]).reshape(-1, 3)
        hears = (np.linalg.norm(ORIGINS[:, None] - places, axis=2) < self.reach).any(axis=1)
        hears[MACHINE] |= self.humming
        every = round(t) % 20 == 0
        node = np.arange(len(ORIGINS)) if every else np.flatnonzero(hears)
        kind = Kind.SILENCE if every else Kind.PRESENCE
        more = {"node": node, "origin": ORIGINS[node].copy(), "revisit": 1.0}
        return batch(kind, self.name, t, np.ones((len(node), 2)), np.eye(2), **more)


@dataclass
class Hum(Ears):
    """One array hears a machine in one direction, each second."""

    def look(self, flights: list[Flight], t: float, rng: np.random.Generator) -> Detections:
        z = np.array([[2.0, 0.05]]) + rng.normal(size=(1, 2)) * self.sigma
        return self.said(z, t, np.array([MACHINE]))


@dataclass
class Telephone:
    """Somebody who says each second where the machine might be that hums."""

    name: str = "phone"
    revisit: float = 1.0
    offset: float = 0.5
    late: float = 0.0

    def look(self, flights: list[Flight], t: float, _rng: np.random.Generator) -> Detections:
        latitude, longitude, _ = geo.geodetic(where(1000.0 * np.sin(2.0), 1000.0 * np.cos(2.0), 150.0))
        told = batch(Kind.PLANE, self.name, t, [latitude, longitude], np.eye(2) * 1e6, node=np.array([7]))
        return replace(told, reporter=Reporter.OBSERVER)


def listening(flights, *, until=40.0, seed=1, settings=SETTINGS, more=(), each=None):
    """Return a sky with nothing but arrays, and what is named; no fault of ours is hidden in it."""
    sky = Sky(flights, [Ears(PLACES), Calls(), *more], seed=seed, settings=settings).run(until, each)
    refused = [event for event in sky.events if isinstance(event, Refused)]
    assert not [event for event in refused if event.reason == Reason.DECODER_FAULT]
    return sky


def off(sky):
    """Return m on the whole between each shown track and the flight that is nearest to it, (tracks,)."""
    shown = sky.shown()
    since = (START + round(sky.t * 1e9) - shown.time) * 1e-9
    places = shown.mean[:, :3] + since[:, None] * shown.mean[:, 3:]
    return np.linalg.norm(places[:, None] - sky.truth(), axis=2).min(axis=1)


@pytest.mark.parametrize("seed", range(4))
def test_arrays_alone_follow_who_flies_over_them(seed):
    """Shown within half a minute, one number for each, near it; so it is after a minute, where it is now."""
    first = list[float]()
    sky = listening(
        [HELICOPTER, OTHER], seed=seed, until=70.0, each=lambda s: first.append(s.t) if len(s.shown()) == 2 else None
    )
    assert first[0] < 30.0
    assert len(sky.shown()) == 2
    assert off(sky).max() < 400.0


def test_they_begin_nobody_where_the_settings_say_so():
    sky = Sky([HELICOPTER, OTHER], [Ears(PLACES)], settings=replace_settings(sound_begins_m=0.0)).run(40.0)
    assert not len(sky.picture.tracks)


def replace_settings(**changed):
    """Return the usual settings but for these."""
    return TrackerSettings(**changed)


def test_what_hums_beside_one_array_is_nobody_for_how_long_it_may_hum():
    sky = Sky([], [Hum(PLACES), Calls(humming=True)], seed=2)
    most = list[int]()
    sky.run(120.0, lambda s: most.append(len(s.shown())))
    assert max(most) == 0
    assert sky.picture.tracks.existence.max() > 0.99  # it is not for want of sounds
    assert len(sky.picture.tracks) <= 3


@pytest.mark.parametrize("seed", range(2))
def test_a_moped_that_several_arrays_hear_is_followed_and_not_shown(seed):
    shown = list[int]()
    sky = listening(
        [Flight(-1500.0, 300.0, 105, 10, 1.5)], seed=seed, until=100.0, each=lambda s: shown.append(len(s.shown()))
    )
    assert max(shown) == 0
    assert len(sky.picture.tracks) == 1
    assert sky.picture.tracks.existence[0] > 0.99


def test_who_passes_beside_what_hums_is_found_all_the_same():
    sky = Sky([HELICOPTER], [Ears(PLACES), Hum(PLACES, name="ears"), Calls(humming=True)], seed=3).run(70.0)
    assert off(sky).min() < 400.0
    assert (off(sky) < 1000.0).all()


def nobody(targets, *_):
    """Return that of no target arrays tell twice."""
    return np.zeros(len(targets), bool)


def test_two_that_arrays_cannot_tell_apart_are_one_and_of_one_that_was_shown_it_is_told(monkeypatch):
    """Without it each of the two that two arrays begin at once lives on with half of the sounds, in some skies."""
    assert {len(listening([HELICOPTER], seed=seed).shown()) for seed in TWICE} == {1}
    with monkeypatch.context() as without:
        without.setattr(listen, "twins", nobody)
        skies = [listening([HELICOPTER], seed=seed) for seed in TWICE]
    two = [sky for sky in skies if len(sky.shown()) == 2]
    assert two
    for sky in two:
        numbers, before = set(sky.shown().number.tolist()), len(sky.events)
        sky.run(48.0)
        (end,) = (event for event in sky.events[before:] if isinstance(event, TrackDropped))
        assert end.reason == TWIN
        assert set(sky.shown().number.tolist()) == numbers - {end.number}


def held(places, *, spread=50.0, origin=1.0, placed=0, born=0):
    """Return targets at places (n, 2), m east and north of the middle, and their states, which stand still."""
    targets = np.zeros(len(places), TARGET)
    targets["confirmed"], targets["origin"][:, 0], targets["placed"] = 1, origin, placed
    targets["label"], targets["born"] = np.arange(1, len(places) + 1), START + np.broadcast_to(born, len(places))
    mean = np.zeros((len(places), 6))
    mean[:, :3] = [stand(*place).position for place in places]
    covariance = np.diag([spread**2] * 3 + [25.0] * 3)[None].repeat(len(places), 0)
    return targets, (mean, covariance)


def gone(targets, states, since=START, sure=(1.0, 1.0, 1.0)):
    """Return the rows that are left out."""
    existence = np.array(sure[: len(targets)])
    return np.flatnonzero(twins(targets, begun(targets, since), states, existence)).tolist()


def test_of_twins_the_younger_is_left_out_and_of_three_two():
    assert gone(*held([(0, 0), (40, 0)], born=[0, 9])) == [1]
    assert gone(*held([(0, 0), (40, 0)], born=[9, 0])) == [0]
    assert gone(*held([(0, 0), (40, 0)])) == [1]  # of the same age by their labels
    assert gone(*held([(0, 0), (40, 0), (0, 40)], born=[5, 3, 4])) == [0, 2]


def test_who_hardly_exists_takes_nobody_and_of_a_row_every_other_stays():
    assert gone(*held([(0, 0), (40, 0)]), sure=(0.2, 1.0)) == []
    assert gone(*held([(0, 0), (90, 0), (180, 0)])) == [1]  # the third is beside one that goes


def test_two_apart_stay_and_so_do_two_that_fly_apart():
    assert gone(*held([(0, 0), (400, 0)])) == []
    targets, (mean, covariance) = held([(0, 0), (40, 0)])
    mean[1, 3:] = 60.0
    assert gone(targets, (mean, covariance)) == []


def test_who_others_tell_of_stays_and_takes_the_twin():
    targets, states = held([(0, 0), (40, 0)], born=[9, 0])
    targets["placed"][0] = START + 1  # a radar saw it just now
    assert gone(targets, states) == [1]
    targets["placed"] = START + 1
    assert gone(targets, states) == []
    targets, states = held([(0, 0), (40, 0)])
    targets["origin"] = 0.0  # no bearing began them
    assert gone(targets, states) == []


def test_who_is_not_shown_or_known_too_badly_is_no_twin():
    targets, states = held([(0, 0), (40, 0)])
    targets["confirmed"][1] = 0
    assert gone(targets, states) == []
    assert gone(*held([(0, 0), (40, 0)], spread=900.0)) == []


def sense(settings=SETTINGS, **changed):
    """Return what the filter is told of a source of arrays, as one of them, in the middle, looks."""
    said = replace(Ears(PLACES).said(np.array([[0.3, 0.2]]), 0.0, np.array([MACHINE])), **changed)
    return gather(items([said], settings), ()).looks.view(np.recarray)[0]


def test_an_array_that_is_out_of_reach_misses_nobody():
    """One source, many ears: what one hears far away says nothing of who flies here."""
    look = sense()
    for away, heard in ((5_900.0, True), (6_100.0, False), (100_000.0, False)):
        assert visible(stand(away, 0.0, 300.0).position, look) == heard
    assert visible(stand(0.0, 10.0, 50.0).position, look)  # below it too: no hills are known


def test_arrays_begin_targets_no_farther_than_they_hear_and_people_with_a_place_of_their_own_begin_none():
    assert sense()["begins"] == 5_000.0
    assert sense(replace_settings(sound_reach_m=1_000.0))["begins"] == 1_000.0
    look = sense(reporter=Reporter.OBSERVER)
    assert (look["begins"], look["missable"]) == (0.0, 0)


def test_arrays_without_a_number_are_one_and_no_device_that_is_believed_alone():
    said = Ears(PLACES).said(np.zeros((3, 2)), 0.0, np.array([1, 2, 1]))
    one, two, again = persons(said).tolist()
    assert one == again != two
    assert (persons(replace(said, node=None)) > 0).all()
    assert len(set(persons(replace(said, node=None)).tolist())) == 1


def test_turns_count_while_they_go_on_and_only_enough_of_them():
    targets, _ = held([(0, 0)] * 4)
    targets["confirmed"], targets["turns"], targets["turned"] = 0, [6, 5, 6, 6], START
    targets["confirmed"][3] = 1
    everyone = np.ones(4, bool)
    assert np.flatnonzero(ripe(targets, everyone, START + 3 * SECOND)).tolist() == [0, 2]
    assert not ripe(targets, everyone, START + 5 * SECOND).any()
    assert not ripe(targets, ~everyone, START).any()


def test_what_others_say_between_two_sounds_of_one_array_makes_no_turn_of_the_second():
    sky = Sky([], [Hum(PLACES), Telephone()], seed=2).run(20.0)
    targets = records(sky.picture.beliefs.targets, TARGET)
    assert (targets["array"] != 0).any()
    assert (targets["witness"] == 0).any()  # both have told of one
    assert targets["turns"].max() == 1


def test_people_are_too_vague_for_sounds_to_go_on_from():
    """What a radar sees is kept by sounds for half a minute more; what a person points at is not."""
    targets = list[np.ndarray]()
    for person in (0, 7):
        told = batch(Kind.PLANE, "map", 0.0, [0.872, 0.531], np.eye(2) * 1e4, node=np.array([person]))
        told = replace(told, reporter=Reporter.OBSERVER if person else Reporter.DEVICE)
        sky = Sky([], [])
        sky.t = 0.5
        sky.step([told])
        targets.append(records(sky.picture.beliefs.targets, TARGET))
    assert targets[0]["placed"].tolist() == [START]
    assert targets[1]["placed"].tolist() == [0]
