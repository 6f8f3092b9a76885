"""Sounds of many arrays of one source in the tracker: whose they are, what they are called, what cannot be one."""

from dataclasses import replace

import numpy as np
import pytest
from hark_world import Ears, bearing, delay, stand
from track_world import START, Flight, Radar, Sky, batch

from skywarden import geo
from skywarden.model.detection import Kind
from skywarden.model.event import Refused
from skywarden.model.track import Picture
from skywarden.sensors import take
from skywarden.track.gather import gather
from skywarden.track.items import ITEM, items, together
from skywarden.track.settings import TrackerSettings
from skywarden.track.standing import level_axes
from skywarden.track.step import track

SETTINGS = TrackerSettings(sound_begins_m=0.0)  # what they begin: test_track_arrays.py
PLACES = [stand(3000.0 * a, 3000.0 * b) for a in (-1, 0, 1) for b in (-1, 0, 1)]
EARS = Ears(PLACES)


def some(rng, n=40):
    """Return bearings of random arrays at random times."""
    z = rng.uniform((-np.pi, 0.0), (np.pi, 1.5), (n, 2))
    return EARS.said(z, np.round(rng.uniform(0.0, 2.0, n), 1), rng.integers(0, len(PLACES), n))


@pytest.mark.parametrize("seed", range(5))
def test_each_sound_is_a_look_from_where_its_array_stands(seed):
    given = some(np.random.default_rng(seed))
    found = gather(items([given], SETTINGS), ())
    assert found.sensors == ("ears",)  # names of nodes do not go through a tick
    assert (found.looks["end"] - found.looks["begin"] == 1).all()
    assert sorted(found.origin.tolist()) == list(range(len(given)))
    for look in found.looks:
        row = found.origin[look["begin"]]
        place = PLACES[given.node[row]]
        assert np.array_equal(look["position"], place.position)
        assert look["rotation"] == pytest.approx(place.rotation, abs=1e-7)
        assert look["time"] == given.time[row]
        assert (look["missable"], look["reach"], look["sound"], look["sound_sigma"]) == (1, 6000.0, 340.0, 5.0)


@pytest.mark.parametrize("used", [False, True])
def test_tones_of_arrays_are_used_where_the_settings_say_so(used):
    toned = batch(Kind.SOUND, "one", 0.0, [0.3, 0.1, 110.0], np.diag([0.01, 0.02, 0.1]), place=PLACES[0])
    rows = items([toned], TrackerSettings(sound_tones=used)).rows
    assert rows["z"][0, :2].tolist() == [0.3, 0.1]
    assert np.isnan(rows["z"][0, 2]) != used
    assert (rows["covariance"][0, 2, 2] > 0.0) == used


def test_the_wind_blows_along_the_level_where_an_array_stands():
    settings = TrackerSettings(wind_east_m_s=3.0, wind_north_m_s=-4.0, wind_sigma_m_s=1.0)
    turned = geo.place(0.9, 0.5, 100.0, north_offset=1.0)
    given = [some(np.random.default_rng(1)), batch(Kind.SOUND, "one", 0.0, [0.3, np.nan], np.eye(2), place=turned)]
    found = gather(items(given, settings), ())
    assert len(found.looks) == 41
    for look in found.looks:
        level = geo.east_north_up(*geo.geodetic(look["position"])[:2])
        assert level @ look["wind"] == pytest.approx([3.0, -4.0, 0.0], abs=1e-5)
        assert look["wind_sigma"] == 1.0
    (mine,) = found.looks[[found.sensors[k] == "one" for k in found.looks["sensor"]]]
    assert np.array_equal(mine["rotation"], turned.rotation)


def test_axes_are_level_also_at_the_poles_and_whatever_stands_beside():
    rng = np.random.default_rng(1)
    latitude, longitude = rng.uniform(-np.pi / 2, np.pi / 2, 200), rng.uniform(-np.pi, np.pi, 200)
    latitude[:2], longitude[:2] = (np.pi / 2, -np.pi / 2), 0.0
    places = geo.ecef(latitude, longitude, rng.uniform(0.0, 2000.0, 200))
    places[:2, :2] = 0.0
    axes = level_axes(places)
    assert axes == pytest.approx(geo.east_north_up(latitude, longitude), abs=1e-6)
    assert axes @ axes.swapaxes(1, 2) == pytest.approx(np.broadcast_to(np.eye(3), (200, 3, 3)), abs=1e-15)
    for size in (1, 3, 7):
        parts = [level_axes(places[k : k + size]) for k in range(0, 200, size)]
        assert np.concatenate(parts).tobytes() == axes.tobytes()


@pytest.mark.parametrize("seed", range(5))
def test_neither_order_nor_messages_nor_repetition_matter(seed):
    rng = np.random.default_rng(seed)
    given = some(rng)
    first = gather(items([given], SETTINGS), ())
    for _ in range(4):
        parts = [take(given, np.arange(len(given)) == k) for k in rng.permutation(len(given))]
        extra = [parts[k] for k in rng.integers(0, len(parts), 3)]
        for new in (
            items([*parts, *extra], SETTINGS),
            together([items(part, SETTINGS) for part in (parts[:9], extra, parts[9:])]),
        ):
            found = gather(new, ())
            assert found.looks.tobytes() == first.looks.tobytes()
            assert found.given.name.tobytes() == first.given.name.tobytes()
            assert found.given.z.tobytes() == first.given.z.tobytes()
            assert len(found.repeated) == 3


def test_the_same_sound_of_another_array_is_another():
    one = EARS.said(np.array([[0.3, 0.2]]), 0.0, np.array([4]))
    names = {int(items([one], SETTINGS).rows["name"][0])}
    for a in range(3):
        for step in (np.inf, -np.inf):
            origin = one.origin.copy()
            origin[0, a] = np.nextafter(origin[0, a], step)
            names.add(int(items([replace(one, origin=origin)], SETTINGS).rows["name"][0]))
    names.add(int(items([replace(one, origin=None, place=PLACES[4])], SETTINGS).rows["name"][0]))
    assert len(names) == 8
    assert len(gather(items([one, replace(one, origin=one.origin + 1.0)], SETTINGS), ()).looks) == 2


def test_what_has_no_origin_is_called_as_ever():
    """Labels of targets are names: they must not change when items get more columns."""
    given = batch(Kind.POLAR, "r", [0.0, 0.1], [[1e4, 0.1, 0.2, np.nan], [2e4, -0.1, 0.2, 5.0]], np.eye(4))
    assert items([given], SETTINGS).rows["name"].tolist() == NAMES
    assert ITEM.names[-3:] == ("sense", "origin", "person")


NAMES = [1623543319122806, 4415634614848155]


@pytest.mark.parametrize(
    "origin, reason",
    [
        ([np.nan, 0.0, 0.0], "not finite"),
        ([4e6, np.inf, 0.0], "not finite"),
        ([0.0, 0.0, 0.0], "implausible"),
        ([6e6, 0.0, 0.0], "implausible"),
        ([1e200, 1e200, 0.0], "not finite"),
        ([9e6, 0.0, 0.0], "implausible"),
    ],
)
def test_who_says_he_stands_nowhere_has_measured_nothing(origin, reason):
    good = EARS.said(np.array([[0.3, 0.2]] * 3), 0.0, np.array([0, 1, 2]))
    wrong = good.origin.copy()
    wrong[1] = origin
    tracked = track(Picture(START), [replace(good, origin=wrong)], START, SETTINGS)
    assert tracked.events == (Refused("ears", reason, 1),)


def test_a_sound_without_any_place_is_refused():
    nowhere = batch(Kind.SOUND, "ears", np.zeros(3), np.ones((3, 2)), np.eye(2))
    assert track(Picture(START), [nowhere], START, SETTINGS).events == (Refused("ears", "site unknown", 3),)


def test_one_array_that_hears_nothing_new_changes_nothing():
    """A look of a sound says nothing of who is not heard in it, and a sound starts nothing."""
    sky = Sky([Flight(0, 0, 900, 50, 0.5)], [Radar("r", 9000.0, -6000.0, revisit=2.0)], settings=SETTINGS).run(20.0)
    (before,) = sky.picture.tracks.existence
    aside = bearing(PLACES[0], sky.truth()[0])[0] + np.pi
    sky.t += 0.5
    tracked = sky.step([EARS.said(np.array([[aside, 0.1]]), sky.t, np.array([0]))])
    assert tracked.matches[0].tolist() == [0]
    assert sky.picture.tracks.existence.tolist() == [pytest.approx(before, rel=1e-6)]


def off(sky):
    """Return m between a sky's only track and its flight, and 1 sigma of the level."""
    tracks = sky.picture.tracks
    assert len(tracks.take(tracks.shown())) == 1
    k = int(np.flatnonzero(tracks.shown())[0])
    t = (int(tracks.time[k]) - START) * 1e-9
    return float(np.linalg.norm(tracks.mean[k, :3] - sky.flights[0].at(t))), float(
        np.sqrt(np.trace(tracks.covariance[k, :3, :3]))
    )


class Once(Radar):
    """Sees for the first 30 s."""

    def look(self, flights, t, rng):
        return super().look(flights, t, rng) if t < 30.0 else None


def test_arrays_go_on_with_a_track_that_its_radar_has_lost():
    flight = Flight(-4000.0, -1000.0, 800, 60, 1.4)
    radar = Once("r", -20_000.0, 0.0, revisit=2.0)
    with_ears = Sky([flight], [radar, EARS], settings=SETTINGS).run(58.0)
    without = Sky([flight], [radar], settings=SETTINGS).run(58.0)
    assert not without.picture.tracks.shown().any()
    error, sigma = off(with_ears)
    assert error < 150.0
    assert error < 3.5 * sigma
    assert [e for e in with_ears.events if isinstance(e, Refused)] == []
    assert with_ears.picture.sensors[int(with_ears.shown().seen_by[0, 0])] == "ears"
    with_ears.run(75.0)  # 30 s after the last plot sounds tell no more that it is there, and 9 s later it is dropped
    assert not with_ears.picture.tracks.shown().any()


def test_a_sound_corrects_its_track_as_it_was_when_the_sound_left():
    """Taken as instant it would pull a fast one back by what it flew meanwhile."""
    flight = Flight(-6000.0, 1500.0, 900, 140, np.pi / 2)
    radar = Radar("r", -3000.0, -30_000.0, revisit=4.0, sigma=(400.0, 0.02, 0.02, np.nan))
    errors = []
    for seed in range(6):
        ears = Ears(PLACES, sigma=0.02)
        sky = Sky([flight], [radar, ears], seed=seed, settings=SETTINGS).run(70.0)
        errors.append(off(sky)[0])
    late = delay(flight, PLACES[4], 70.0) * 140.0
    assert late > 500.0
    assert np.median(errors) < 0.4 * late
