"""Bearings that begin targets in the tracker: where that is said of a sensor; wedges until a second place sees them."""

from dataclasses import replace

import numpy as np
import pytest
from hark_world import Ears, Finder, bearing, stand
from track_world import START, Flight, Radar, Sky

from skywarden import geo
from skywarden.alert import AlertSettings
from skywarden.model.place import Site
from skywarden.model.track import TrackKind
from skywarden.threat import Seen, evaluate

FLIGHT = Flight(2000.0, 7000.0, 800, 40, 2.0)
WEST, EAST = stand(-4000.0, 0.0), stand(6000.0, 0.0)


def finder(name="west", place=WEST, begins=15_000.0, **more):
    return Finder(name, place, begins=begins, **more)


def pair():
    """Return two finders that are 8.5 km from each other."""
    at = (0.0, 4e3), (3e3, -4e3)
    return [Finder(f"f{k}", stand(*at[k]), 1.0, offset=0.4 * k, begins=20e3) for k in range(2)]


def off(sky, flight=FLIGHT):
    """Return m on the level between each shown track and a flight, at the track's own time."""
    tracks = sky.shown()
    found = []
    for k in range(len(tracks)):
        d = tracks.mean[k, :3] - flight.at((int(tracks.time[k]) - START) * 1e-9)
        up = geo.east_north_up(*geo.geodetic(tracks.mean[k, :3])[:2])[2]
        found.append(np.linalg.norm(d - (d @ up) * up))
    return np.array(found)


def test_bearings_begin_nothing_unless_it_is_said_of_their_sensor():
    sky = Sky([FLIGHT], [finder(begins=0.0)]).run(40.0)
    assert len(sky.picture.tracks) == 0


def test_a_direction_finder_makes_a_wedge_and_a_second_one_a_point_of_it():
    sky = Sky([FLIGHT], [finder()]).run(24.0)
    (kind,) = sky.shown().kind.tolist()
    assert kind == TrackKind.WEDGE
    tracks = sky.shown()
    away = tracks.mean[0, :3] - WEST.position
    sigma = np.sqrt(away @ tracks.covariance[0, :3, :3] @ away) / np.linalg.norm(away)
    assert sigma > 0.2 * np.linalg.norm(away)
    aside = bearing(WEST, tracks.mean[0, :3])[0] - bearing(WEST, FLIGHT.at(24.0))[0]
    assert abs(aside) < 0.05
    number = tracks.number.tolist()
    sky.sensors.append(finder("east", EAST, offset=0.7))
    sky.run(70.0)
    assert sky.shown().number.tolist() == number
    assert sky.shown().kind.tolist() == [TrackKind.POINT]
    assert off(sky)[0] < 500.0


def test_arrays_of_one_source_make_a_point_of_a_wedge_and_show_none_themselves():
    """What they begin is shown by `arrays`, which is asked where nodes call: here nobody does."""
    flight = Flight(0.0, 3000.0, 500, 40, 2.0)
    ears = Ears([stand(3000.0 * k, 3000.0) for k in (-1, 0, 1)])

    sky = Sky([flight], [ears]).run(30.0)
    assert len(sky.picture.tracks) > 0
    assert len(sky.shown()) == 0
    sky = Sky([flight], [finder(), ears]).run(40.0)
    assert sky.shown().kind.tolist() == [TrackKind.POINT]
    assert off(sky, flight)[0] < 400.0


@pytest.mark.parametrize("seed", range(3))
def test_one_target_with_three_finders_is_one(seed):
    third = finder("north", stand(0.0, 12_000.0), offset=1.1)
    sky = Sky([FLIGHT], [finder(), finder("east", EAST, offset=0.7), third], seed=seed).run(60.0)
    assert sky.shown().kind.tolist() == [TrackKind.POINT]
    assert off(sky)[0] < 400.0


@pytest.mark.parametrize("seed", range(3))
def test_who_is_nearer_to_two_finders_than_they_are_to_each_other_is_one(seed):
    """Neither measures elevation: each of them alone would have it far away, where there is more room."""
    flight = Flight(3300.0, 0.0, 300, 50, -np.pi / 2)
    sky = Sky([flight], pair(), seed=seed).run(20.0)
    assert sky.shown().kind.tolist() == [TrackKind.POINT]
    assert off(sky, flight)[0] < 400.0


def test_two_that_each_finder_hears_stay_two():
    """One is 9 km from one finder, the other 14 km; where their bearings cross there is nobody."""
    flights = [Flight(9e3, -7e3, 300, 50, -np.pi / 2), Flight(4e3, 14e3, 300, 50, np.pi)]
    sky = Sky(flights, pair()).run(30.0)
    assert sky.shown().kind.tolist() == [TrackKind.POINT] * 2
    assert max(min(off(sky, flight)) for flight in flights) < 1000.0


@pytest.mark.parametrize("seed", range(3))
def test_bearings_of_what_a_radar_tracks_begin_no_second_target(seed):
    flights = [Flight(3000.0 * k, 6000.0 - 1000.0 * k, 800, 40, 0.5 * k) for k in range(4)]
    radar = Radar("r", 0.0, -9000.0, revisit=4.0)
    sky = Sky(flights, [radar, finder(), finder("east", EAST, offset=0.7)], seed=seed).run(60.0)
    assert len(sky.shown()) == 4
    assert sky.shown().kind.tolist() == [TrackKind.POINT] * 4


class Mistaken(Finder):
    """Sees nothing but what is not there: some bearings a look, from anywhere."""

    def look(self, flights, t, rng):
        n = rng.poisson(0.6)
        z = np.stack([rng.uniform(-np.pi, np.pi, n), np.full(n, np.nan)], -1)
        return self.said(z, t) if n else None


def test_false_bearings_do_not_fill_the_picture():
    """0.6 a look are as many as the tracker is told of."""
    sensors = [Mistaken(f"f{k}", stand(3000.0 * k, 0.0), offset=0.3 * k, begins=15_000.0) for k in range(3)]
    shown = []
    sky = Sky([], sensors).run(300.0, each=lambda sky: shown.append(len(sky.shown())))
    assert np.mean(shown) < 0.5
    assert len(sky.picture.tracks) < 3 * 40


def test_one_sensor_begins_so_many_wedges_and_no_more():
    flood = finder(sigma=0.002)
    sky = Sky([], [])
    for k in range(6):
        sky.t += 2.0
        z = np.stack([np.linspace(-3.1, 3.1, 300) + 1e-3 * k, np.full(300, np.nan)], -1)
        sky.step([flood.said(z, sky.t)])
    assert len(sky.picture.tracks) <= 40
    assert any(e.reason == "quota" for e in sky.events if hasattr(e, "reason"))


def test_the_middle_of_a_wedge_over_a_site_is_no_arrival():
    sky = Sky([FLIGHT], [finder()]).run(24.0)
    tracks = sky.shown()
    latitude, longitude, _ = geo.geodetic(tracks.mean[0, :3])
    site = Site(name="s", latitude=float(np.degrees(latitude)), longitude=float(np.degrees(longitude)), radius_m=500.0)
    time = int(tracks.time[0])
    told = evaluate(Seen(tracks), time, (site,), AlertSettings(floor_probability=0.0)).at(time)
    assert all(threat.probability < 0.5 for threat in told)
    (point,) = evaluate(Seen(replace(tracks, kind=tracks.kind * 0)), time, (site,), AlertSettings()).at(time)
    assert point.probability == 1.0
