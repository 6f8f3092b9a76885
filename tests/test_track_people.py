"""People who report: some of it is of something else altogether; beside a radar, alone, together, too much at once."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from track_world import START, Flight, Radar, Sky, batch, where

from skywarden import geo
from skywarden.model.detection import Kind, Reporter
from skywarden.model.event import Refused
from skywarden.model.track import Picture
from skywarden.track import admit
from skywarden.track.settings import TrackerSettings
from skywarden.track.step import track

NEVER = {"observer_blunders": 1e-3, "citizen_blunders": 1e-3}  # who nearly never errs
SIGMA = 1_000.0  # m, of a place on a map
DISC = 10_000.0  # m; a wrong place is somewhere in it


@dataclass
class Person:
    """Somebody at a place, who reports the first flight now and then; so many of the reports are of something else.

    by: "place" on a map, "azimuth" and elevation, or "both": each third is a place. aside: sigmas by which what is
    wrong is beside the flight, always to the same side, since somebody else stands there; 0: it is anywhere.
    """

    who: int
    east: float = 0.0
    north: float = 0.0
    revisit: float = 10.0
    offset: float = 0.0
    wrong: float = 0.0
    aside: float = 0.0
    by: str = "place"
    name: str = "phones"
    late: float = 0.0
    reporter: Reporter = Reporter.OBSERVER
    reports: int = 0

    def look(self, flights, t, rng):
        wrong, self.reports = rng.random() < self.wrong, self.reports + 1
        if self.by == "azimuth" or (self.by == "both" and self.reports % 3 != 1):
            return self.pointed(flights[0].at(t), wrong, t, rng)
        off, turn = SIGMA * np.hypot(*rng.normal(size=2)), rng.uniform(0.0, 2.0 * np.pi)
        if wrong:
            off, turn = (SIGMA * self.aside, 0.0) if self.aside else (DISC * np.sqrt(rng.random()), turn)
        latitude, longitude, _ = geo.geodetic(flights[0].at(t))
        latitude += off * np.cos(turn) / 6.37e6
        longitude += off * np.sin(turn) / 6.37e6 / np.cos(latitude)
        return self.said(Kind.PLANE, t, [latitude, longitude], np.eye(2) * SIGMA**2)

    def pointed(self, position, wrong, t, rng):
        place = geo.place(*geo.geodetic(where(self.east, self.north, 150.0))[:2], 150.0)
        e = place.rotation @ (position - place.position)
        z = np.array([np.arctan2(e[0], e[1]), np.arcsin(e[2] / np.linalg.norm(e))])
        z += np.radians([5.0, 10.0]) * rng.normal(size=2)
        if wrong and self.aside:
            z[0] += np.radians(5.0 * self.aside)
        elif wrong:
            z = np.array([rng.uniform(-np.pi, np.pi), rng.uniform(0.0, np.pi / 2)])
        return self.said(Kind.DIRECTION, t, z, np.diag(np.radians([5.0, 10.0])) ** 2, place=place)

    def said(self, kind, t, z, covariance, **more):
        more |= {"node": np.array([self.who]), "reporter": self.reporter, "time_sigma": 3.0, "revisit": 60.0}
        return batch(kind, self.name, t, z, covariance, **more)


def errors(sky):
    """Return how far the first flight is from the nearest shown track, m, and how many of them are over 3 km off."""
    shown, truth = sky.shown(), sky.flights[0].at(sky.t)
    level = geo.east_north_up(*geo.geodetic(truth)[:2])[:2]
    since = (START + round(sky.t * 1e9) - shown.time) * 1e-9
    off = np.linalg.norm((shown.mean[:, :3] + since[:, None] * shown.mean[:, 3:] - truth) @ level.T, axis=1)
    return off.min(initial=np.inf), int((off > 3000.0).sum())


COARSE = Radar("radar", 0.0, -40_000.0, revisit=6.0, sigma=(80.0, 0.01, 0.02, np.nan))
GOOD = Radar("radar", 0.0, -12_000.0, revisit=1.0)
WRONG = Person(3, 500.0, 1500.0, revisit=2.0, offset=0.5, wrong=0.2, aside=4.0, by="azimuth")


def followed(radar, person, seed, settings):
    """Return how far a radar's track is off, m, in the mean of 50 s, with a person or nobody."""
    flight = Flight(-3000.0, -2000.0, 900.0, 55.0, 0.9)
    sensors = [radar] if person is None else [radar, replace(person)]
    sky, off = Sky([flight], sensors, seed=seed, settings=TrackerSettings(**settings)), []
    sky.run(100.0, lambda s: off.append(errors(s)[0]) if s.t > 50.0 else None)
    return np.mean(off)


def test_an_observer_who_is_wrong_one_time_in_five_does_not_move_the_track_of_a_radar():
    """Another target four sigma aside is pointed at, always the same: the worst there is inside of the gate.

    A good radar's track stays; a coarse one's is better by the observer, and best if blunders are reckoned with.
    """
    for seed in range(2):
        nobody, told = (followed(GOOD, who, seed, {}) for who in (None, WRONG))
        assert abs(told - nobody) < 5.0
    nobody, trusted, told = (
        np.mean([followed(COARSE, who, seed, settings) for seed in range(5)])
        for who, settings in ((None, {}), (WRONG, NEVER), (WRONG, {}))
    )
    assert told < 0.6 * nobody
    assert told < 0.93 * trusted


def found(count, settings, seed, until, wrong=0.0, aside=0.0, by="place", revisit=6.0):
    """Return a sky after so many persons told of its one flight, how far off it was, m, and when it was shown, s."""
    spots = ((-1000.0, 4000.0), (4000.0, -1500.0), (5000.0, 5000.0))
    persons = [Person(3 + k, *spots[k], count * revisit, 0.5 + k * revisit, wrong, aside, by) for k in range(count)]
    flight = Flight(0.0, 0.0, 900.0, 50.0, 0.9)
    sky, off, shown = Sky([flight], persons, seed=seed, settings=TrackerSettings(**settings)), [], []

    def each(s):
        off.extend([min(errors(s)[0], 5000.0)] if s.t > 0.5 * until else [])
        shown.extend([s.t] if len(s.shown()) else [])

    sky.run(until, each)
    return sky, np.mean(off), min(shown, default=np.inf)


def test_one_person_alone_confirms_nothing_however_often_and_two_do():
    for seed in range(3):
        alone, _, never = found(1, {}, seed, 90.0)
        assert never == np.inf
        assert alone.picture.tracks.existence.max() > 0.99  # it is not for want of reports
        assert alone.picture.tracks.hits.max() > 5
        _, off, shown = found(2, {}, seed, 90.0)
        assert shown < 60.0
        assert off < 2000.0


def test_a_flood_of_sounds_takes_nothing_from_another_source():
    def sounds(name, count):
        z, node = np.zeros((count, 2)), np.zeros(count, np.int64)
        return batch(Kind.SOUND, name, 0.0, z, np.eye(2), node=node, origin=np.ones((count, 3)))

    big, few = sounds("a", admit.MOST_SOUNDS - 1), sounds("z", 500)
    assert admit.admitted([big, few], [0, 1]) == ([1], {"a": admit.MOST_SOUNDS - 1})
    many = [sounds("a", 100) for _ in range(200)]
    kept, refused = admit.admitted([*many, few], range(201))
    assert 200 in kept
    assert refused == {"a": 20_500 - admit.MOST_SOUNDS}


def test_one_person_by_two_lines_is_one_person_and_a_device_is_enough():
    """The same pseudonym by two telephone lines: two sensors to the tracker."""
    flight = Flight(0.0, 0.0, 900.0, 50.0, 0.9)
    lines = [Person(3, revisit=12.0, offset=0.5), Person(3, revisit=12.0, offset=6.5, name="app")]
    sky = Sky([flight], lines, seed=1).run(60.0)
    assert not len(sky.shown())
    sky.sensors.append(Radar("radar", 0.0, -40_000.0, revisit=6.0, detection=1.0))
    sky.run(75.0)
    assert len(sky.shown()) == 1


def test_three_observers_find_a_target_though_one_report_in_ten_is_of_something_else():
    for seed in range(6):
        sky, off, shown = found(3, {}, seed, 100.0, wrong=0.1, by="both", revisit=2.0)
        assert shown < 40.0
        assert off < 600.0
        assert errors(sky)[1] == 0


def test_who_takes_no_report_for_a_blunder_is_led_astray():
    """One in five is of what is four sigma aside of the target: beyond the gate it would be nobody's in any case."""
    off = np.zeros(2)
    for seed in range(8):
        off += [found(3, told, seed, 100.0, 0.2, 4.0, "both", 2.0)[1] for told in ({}, NEVER)]
    assert off[0] < 0.93 * off[1]


def crowd(t, count, name):
    """Return so many reports of places, of so many persons."""
    rng = np.random.default_rng(count)
    made = []
    for k in range(count):
        latitude, longitude, _ = geo.geodetic(where(*rng.uniform(-50_000, 50_000, 2), 0.0))
        person = Person(k, name=name)
        made.append(person.said(Kind.PLANE, t, [latitude, longitude], np.eye(2) * SIGMA**2))
    return made


def refused(tracked):
    return {e.source: e.count for e in tracked.events if isinstance(e, Refused) and e.reason == "quota"}


def test_a_flood_of_reports_is_bounded_named_and_takes_nothing_from_the_others(monkeypatch):
    monkeypatch.setattr(admit, "MOST", 30)
    flood, few, now = crowd(1.0, 100, "flood"), crowd(1.0, 5, "phones"), START + 2_000_000_000
    radar = Radar("radar", 0.0, -40_000.0, detection=1.0).look(
        [Flight(0.0, 0.0, 900.0, 50.0, 0.9)], 1.0, np.random.default_rng(0)
    )
    tracked = track(Picture(START), [*flood, radar, *few], now, TrackerSettings())
    assert refused(tracked) == {"flood": 75}
    used = [int(match[0] > 0) for match in tracked.matches]
    assert (sum(used[:100]), used[100], sum(used[101:])) == (25, 1, 5)
    order = np.random.default_rng(1).permutation(106)
    batches = [*flood, radar, *few]
    again = track(Picture(START), [batches[k] for k in order], now, TrackerSettings())
    assert refused(again) == {"flood": 75}
    assert again.tracks.label.tolist() == tracked.tracks.label.tolist()
    assert again.tracks.mean.tobytes() == tracked.tracks.mean.tobytes()
    assert [int(match[0]) for match in again.matches] == [int(tracked.matches[k][0]) for k in order]


def test_as_many_as_a_tick_takes_in_are_all_taken_in(monkeypatch):
    monkeypatch.setattr(admit, "MOST", 30)
    tracked = track(Picture(START), crowd(1.0, 30, "phones"), START + 2_000_000_000, TrackerSettings())
    assert refused(tracked) == {}
    assert all(match[0] > 0 for match in tracked.matches)


def test_without_people_their_settings_change_nothing():
    radar = Radar("radar", 0.0, -20_000.0, revisit=1.0, false_alarms=5.0)
    place = {"place": radar.place, "revisit": 1.0}

    class Camera:
        name, revisit, offset, late = "camera", 1.0, 0.3, 0.0

        def look(self, flights, t, rng):
            z = radar.polar(flights[0].at(t), flights[0], t)[1:3] + 0.01 * rng.normal(size=2)
            return batch(Kind.DIRECTION, self.name, t, z, np.eye(2) * 1e-4, **place)

    flight, other = Flight(0.0, 0.0, 900.0, 50.0, 0.9), {"observer_blunders": 0.9, "blunder_reach_m": 100.0}
    skies = [
        Sky([flight], [radar, Camera()], settings=TrackerSettings(**told)).run(12.0) for told in ({}, NEVER | other)
    ]
    assert skies[0].picture.tracks.mean.tobytes() == skies[1].picture.tracks.mean.tobytes()
    assert skies[0].picture.beliefs.targets.tobytes() == skies[1].picture.beliefs.targets.tobytes()


@pytest.mark.parametrize("name", ["observer_blunders", "citizen_blunders", "blunder_reach_m"])
def test_shares_of_nothing_and_discs_of_nothing_are_refused(name):
    with pytest.raises(ValueError, match=name):
        TrackerSettings(**{name: 0.0})
