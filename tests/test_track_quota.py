"""Floods: what a sensor, and all together, may hold in tracks; the others' targets are tracked all the same."""

from dataclasses import replace

import numpy as np
from test_track_step import fix
from track_world import TICK_S, Adsb, Flight, Radar, Sky, where

from skywarden.model.detection import NO_ADDRESS
from skywarden.model.event import Refused
from skywarden.model.track import Status
from skywarden.track.settings import TrackerSettings

TARGETS = [Flight(2000.0 * k, -1500.0 * k, 1000 + 300 * k, 80, 0.3 * k, 0x400000 + k) for k in range(20)]


class Fakes:
    """So many addresses a tick, each once or, when `same`, the same ones that stay where they are; dated `ago`, s."""

    def __init__(self, name, count, same=False, address=True, ago=0.0, spread=200_000):
        self.name, self.count, self.same, self.next = name, count, same, 0x800000
        self.address, self.ago, self.spread = address, ago, spread
        self.revisit, self.offset, self.late = TICK_S, 0.0, 0.0
        self.fixed = None

    def look(self, _, t, rng):
        position = where(*rng.uniform(-self.spread, self.spread, (2, self.count)), rng.uniform(0, 9000, self.count))
        if self.same:
            self.fixed = position if self.fixed is None else self.fixed
            position = self.fixed
        address = self.next + np.arange(self.count) if self.address else NO_ADDRESS
        self.next += 0 if self.same else self.count
        return fix(t - self.ago, position, address, sensor=self.name, subject=address if self.address else None)


def quota(events):
    found = {}
    for e in events:
        if isinstance(e, Refused) and e.reason == "quota":
            found[e.source] = found.get(e.source, 0) + e.count
    return found


def own(sky, name):
    by = sky.picture.tracks.seen_by
    return int(((by[:, 0] == sky.picture.sensors.index(name)) & (by[:, 1] < 0)).sum())


def real(sky):
    shown = sky.shown()
    return sorted(shown.address[shown.address < 0x800000].tolist())


def test_a_flood_of_new_addresses_is_bounded_counted_and_hides_nothing():
    sky = Sky(TARGETS, [Adsb(), Fakes("fakes", 3000)])
    most = []
    sky.run(4.0, lambda s: most.append((len(s.picture.tracks), own(s, "fakes"))))
    assert max(own for _, own in most) <= 500
    assert max(whole for whole, _ in most) <= 500 + len(TARGETS)
    assert real(sky) == [f.address for f in TARGETS]
    refused = quota(sky.events)
    assert set(refused) == {"fakes"}
    born = sum(int((m > 0).sum()) for matches in sky.matches for m in matches if len(m) == 3000)
    assert born + refused["fakes"] == 8 * 3000


def test_targets_that_appear_during_a_flood_from_many_sensors_are_confirmed():
    limits = TrackerSettings(max_tracks=500, max_tracks_per_sensor=200)
    floods = [Fakes(f"fakes {k}", 300) for k in range(4)]
    sky = Sky([], floods, settings=limits).run(2.0)
    assert len(sky.picture.tracks) == 500
    sky.flights, sky.sensors = TARGETS, [Adsb("zz"), *floods]
    most = []
    sky.run(8.0, lambda s: most.append(len(s.picture.tracks)))
    assert max(most) == 500
    assert real(sky) == [f.address for f in TARGETS]
    assert quota(sky.events).get("zz", 0) <= 3  # one that a fake begins beside may have to wait for its next report


def test_places_of_confirmed_tracks_are_free_for_tentative_ones_again():
    limits = TrackerSettings(max_tracks_per_sensor=70, max_tentative_per_sensor=30)
    sky = Sky([], [Fakes("lasting", 100, same=True)], settings=limits)
    most = []
    sky.run(8.0, lambda s: most.append(int((s.picture.tracks.status == Status.TENTATIVE).sum())))
    assert max(most) == 30
    assert len(sky.shown()) == len(sky.picture.tracks) == 70


def test_what_is_dated_long_ago_takes_nothing_from_those_who_are_on_time():
    """Gates of tracks that nobody has seen for long fit everything; any sender can date what it makes up so."""
    prompt = Radar("prompt", 0.0, 0.0, revisit=1.0, detection=1.0)
    sky = Sky(TARGETS, [Fakes("fakes", 300, address=False, ago=30.0, spread=20_000), prompt]).run(8.0)
    tracks, name = sky.picture.tracks, sky.picture.sensors.index("prompt")
    assert len(sky.shown()) == len(TARGETS)
    assert len(tracks) > 300
    assert ((tracks.seen_by[:, :2] == name).any(1) == (tracks.number > 0)).all()
    assert (tracks.seen_by[tracks.number > 0, 1] < 0).all()  # no one of the fakes was taken for a real target


def test_confirmed_tracks_never_go_for_new_ones():
    limits = TrackerSettings(max_tracks=100, max_tracks_per_sensor=90)
    sky = Sky([], [Fakes("lasting", 90, same=True)], settings=limits).run(6.0)
    before = sky.shown().number.tolist()
    assert len(before) == 90
    sky.sensors.append(Fakes("fakes", 300))
    sky.run(9.0)
    assert sky.shown().number.tolist() == before
    assert len(sky.picture.tracks) == 100
    assert set(quota(sky.events)) == {"fakes"}


def test_a_track_that_another_sensor_sees_too_does_not_count():
    limits = TrackerSettings(max_tracks_per_sensor=20)
    sky = Sky(TARGETS, [Adsb("one"), Adsb("two", offset=0.5)], settings=limits).run(6.0)
    assert (sky.picture.tracks.seen_by[:, 1] >= 0).all()
    more = [replace(f, east=f.east + 60_000.0, address=f.address + 100) for f in TARGETS]
    sky.flights = TARGETS + more
    sky.sensors = [Adsb("one")]
    sky.run(12.0)
    assert len(sky.shown()) == 40
    assert quota(sky.events) == {}
    assert (sky.picture.tracks.status == Status.CONFIRMED).all()
