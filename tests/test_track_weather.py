"""The air of an area, learned from sounds of targets that radars see: where its wind blows, and who hears with it."""

from dataclasses import dataclass

import numpy as np
import pytest
from hark_world import Ears, bearing, stand
from scipy.optimize import brentq
from track_world import LATITUDE, LONGITUDE, START, Flight, Radar, Sky

from skywarden.config import Settings
from skywarden.model.track import Picture
from skywarden.pipeline import Line
from skywarden.sensors import take
from skywarden.service.sensor_rows import air
from skywarden.track import weather
from skywarden.track.beliefs import records
from skywarden.track.chain import tracks_of
from skywarden.track.gather import gather
from skywarden.track.items import items
from skywarden.track.settings import TrackerSettings
from skywarden.track.standing import level_axes
from skywarden.track.weather import AIR, DRIFT, LOCAL, MOST, Bearings, area, bent, corrected, with_air

SETTINGS = TrackerSettings(settle_s=4.0, settle_slow_s=4.0)
PLACES = [stand(3000.0 * a, 3000.0 * b) for a in (-1, 0, 1) for b in (-1, 0, 1)]
WIND, SPEED = np.array([7.0, -5.0]), 340.0  # m/s, towards east and north


def comes(node, flight, wind, speed, t=0.0):
    """Return where the sound seems to come from that a node (3,) hears at t s, less the node. flight: s -> ECEF m."""

    def apart(s):
        seems = flight(t - s) + wind * s - node
        return np.linalg.norm(seems) - speed * s

    s = brentq(apart, 0.0, 200.0)
    return flight(t - s) + wind * s - node


@dataclass
class Windy(Ears):
    """Arrays that hear through moving air."""

    def look(self, flights, t, rng):
        z, node = [], []
        for k, place in enumerate(self.places):
            for flight in flights:
                seems = comes(place.position, flight.at, WIND @ place.rotation[:2], SPEED, t)
                if np.linalg.norm(seems) < self.reach and rng.random() < 0.9:
                    z.append(bearing(place, place.position + seems) + rng.normal(size=2) * self.sigma)
                    node.append(k)
        return self.said(np.array(z), t, np.array(node)) if z else None


def scene(rng, n, air, sigma=0.0):
    """Return bearings of n known targets around one node, as they are heard through `air` (3,)."""
    node = stand(0.0, 0.0).position
    level = level_axes(node[None])[0]
    offset = np.column_stack([rng.uniform(-4000, 4000, (n, 2)), rng.uniform(50, 900, n)]) @ level
    velocity = np.column_stack([rng.normal(0, 70, (n, 2)), rng.normal(0, 4, n)]) @ level
    azimuth = []
    for d, v in zip(offset, velocity, strict=True):
        seems = level @ comes(node, lambda t, d=d, v=v: node + d + v * t, air[:2] @ level[:2], air[2])
        azimuth.append(np.arctan2(seems[0], seems[1]))
    return Bearings(
        np.array(azimuth) + sigma * rng.normal(size=n),
        np.full(n, max(sigma, 1e-3) ** 2),
        START,
        np.tile(level[:2], (n, 1, 1)),
        offset,
        velocity,
        np.full(n, 1.0),
    )


@pytest.mark.parametrize("seed", range(5))
def test_where_a_sound_seems_to_come_from_is_what_root_finding_gives(seed):
    rng = np.random.default_rng(seed)
    air = np.append(rng.uniform(-15, 15, 2), rng.uniform(325, 350))
    heard = scene(rng, 30, air)
    azimuth, slope, _ = bent(heard, air)
    assert np.abs(np.remainder(azimuth - heard.azimuth + np.pi, 2 * np.pi) - np.pi).max() < 1e-9
    for k in range(3):
        step = np.eye(3)[k] * 1e-4
        turned = np.remainder(bent(heard, air + step)[0] - bent(heard, air - step)[0] + np.pi, 2 * np.pi) - np.pi
        np.testing.assert_allclose(slope[:, k], turned / 2e-4, atol=1e-9)


def begun(time=START):
    row = np.zeros(1, AIR)
    row["area"], row["time"], row["mean"] = 5, time, (0.0, 0.0, 340.0)
    row["covariance"] = np.diag([25.0, 25.0, 25.0])
    return row


def test_thousands_of_bearings_tell_the_wind_and_each_tells_little():
    off = []
    for seed in range(12):
        rng = np.random.default_rng([3, seed])
        air = np.append(rng.normal(0, 4, 2), 340.0)
        row, heard = begun(), scene(rng, 1500, air, 0.07)
        for k in range(0, 1500, 50):
            part = Bearings(*(c if isinstance(c, int) else c[k : k + 50] for c in heard))
            row = corrected(row, part, SETTINGS)
        sigma = np.sqrt(np.diag(row["covariance"][0]))
        assert (sigma[:2] < 2.4).all()
        assert (sigma[:2] > 1.0).all()  # bearings that follow each other are worth a tenth
        off.append((row["mean"][0, :2] - air[:2]) / sigma[:2])
    assert np.abs(off).max() < 3.0
    assert np.sqrt(np.mean(np.square(off))) < 1.0


def test_nobody_knows_less_than_is_usual_and_a_bearing_of_somebody_else_is_nothing():
    rng = np.random.default_rng(1)
    heard = scene(rng, 20, np.array([0.0, 0.0, 340.0]), 0.01)
    wrong = heard._replace(azimuth=heard.azimuth + 1.5)
    later = corrected(begun(START - 30 * 86_400 * 10**9), wrong, SETTINGS)
    np.testing.assert_allclose(later["covariance"][0], np.diag([25.0, 25.0, 25.0]), rtol=1e-9)
    np.testing.assert_allclose(later["mean"][0], [0.0, 0.0, 340.0])
    nothing = corrected(begun(), heard._replace(azimuth=np.full(20, np.nan)), SETTINGS)
    assert np.isfinite(nothing["mean"]).all()
    above = heard.offset.copy()
    above[3] = 0.0  # where the array stands: its sound comes from nowhere
    with np.errstate(invalid="ignore"):
        spoilt, without = (
            corrected(begun(), heard._replace(offset=above), SETTINGS),
            corrected(begun(), Bearings(*(c if isinstance(c, int) else np.delete(c, 3, 0) for c in heard)), SETTINGS),
        )
    np.testing.assert_allclose(spoilt["mean"], without["mean"], rtol=1e-12)


def flown(seed=0, seconds=100.0, ears=None, shuffle=False, radar=True):
    flights = [Flight(-6000.0, 1000.0, 700, 60, np.pi / 2), Flight(2000.0, -6000.0, 500, 50, 0.1)]
    flights += [Flight(5000.0, 4000.0, 900, 70, -2.2)]
    sensors = [Radar("r", -9000.0, -9000.0, revisit=2.0)] if radar else []
    heard = [Windy(PLACES, sigma=0.03) if ears is None else ears]
    return Sky(flights, sensors + heard, seed=seed, settings=SETTINGS, shuffle=shuffle).run(seconds)


def air_of(sky):
    return records(sky.picture.chains.settled.beliefs.air, AIR)


def test_the_settled_chain_learns_the_wind_and_the_head_hears_with_it():
    sky = flown()
    (row,) = air_of(sky)
    sigma = np.sqrt(np.diag(row["covariance"]))
    assert row["area"] == area(PLACES[4].position[None])[0]
    assert (sigma[:2] < 2.0).all()
    assert (np.abs(row["mean"][:2] - WIND) < 2.5 * sigma[:2]).all()
    assert len(tracks_of(sky.picture.chains.settled, SETTINGS)) == 3
    one = Windy(PLACES).said(np.array([[0.3, 0.2]]), 100.0, np.array([4]))
    (look,) = with_air(gather(items([one], SETTINGS), ()), air_of(sky), SETTINGS).looks
    level = level_axes(look["position"][None])[0]
    assert level @ look["wind"] == pytest.approx([*row["mean"][:2], 0.0], abs=1e-9)
    assert look["sound"] == row["mean"][2]
    assert LOCAL[0] < look["wind_sigma"] < 3.0


def test_air_that_cannot_be_is_forgotten(monkeypatch):
    """Whoever tells of it: 8.6 m/s is more than there is here."""
    monkeypatch.setattr(weather, "STRONGEST", 3.0)
    seen = list[np.ndarray]()
    sky = flown(seconds=1.0)
    for _ in range(40):
        sky.run(sky.t + 2.0)
        seen += [air_of(sky)["mean"][:, :2]]
    assert max(np.abs(one).max(initial=0.0) for one in seen) <= 3.0
    assert 0 < sum(len(one) > 0 for one in seen) < len(seen)


def test_what_microphones_alone_follow_teaches_nothing_of_the_air():
    """Its place has the wind in it already."""

    class Once(Radar):
        def look(self, flights, t, rng):
            return super().look(flights, t, rng) if t < 30.0 else None

    flights = [Flight(-6000.0, 1000.0, 700, 60, np.pi / 2)]
    sensors = [Once("r", -9000.0, -9000.0, revisit=2.0), Windy(PLACES, sigma=0.03)]
    sky = Sky(flights, sensors, settings=SETTINGS).run(52.0)
    before = air_of(sky).copy()
    assert len(before)
    sky.run(65.0)
    assert sky.shown().seen_at[0, 0] > START + 55 * 10**9
    assert air_of(sky).tobytes() == before.tobytes()


@pytest.mark.parametrize("seed", range(3))
def test_the_air_is_the_same_in_whatever_order_sounds_come(seed):
    rng, flights = np.random.default_rng(seed), [Flight(-3000.0, 1000.0, 700, 60, np.pi / 2)]
    ears, radar = Windy(PLACES, sigma=0.03), Radar("r", -9000.0, -9000.0, revisit=2.0)
    looks = [ears.look(flights, float(t), rng) for t in range(30)]
    looks += [radar.look(flights, 2.0 * t, rng) for t in range(15)]
    looks = [one for one in looks if one is not None]
    found = []
    for _ in range(2):
        sky = Sky(flights, [], settings=SETTINGS)
        when = np.array([(int(one.time[0]) - START) * 1e-9 + rng.uniform(0.0, 2.5) for one in looks])
        for k in range(1, 90):
            sky.t = 0.5 * k
            come = [looks[i] for i in rng.permutation(len(looks)) if 0.5 * (k - 1) <= when[i] < 0.5 * k]
            torn = [take(one, np.arange(len(one)) == i) for one in come for i in rng.permutation(len(one))]
            sky.step(torn)
        found.append((air_of(sky).tobytes(), sky.picture.chains.settled.digest))
    assert len(found[0][0])
    assert found[0] == found[1]


def test_the_air_is_told_by_areas_and_only_so_many_are_kept():
    one = Windy(PLACES).said(np.array([[0.3, 0.2]]), 0.0, np.array([4]))
    found = gather(items([one], SETTINGS), ())
    row = begun(START)
    assert with_air(found, row, SETTINGS).looks.tobytes() == found.looks.tobytes()  # another area
    row["area"] = area(PLACES[4].position[None])
    row["mean"], row["covariance"] = (3.0, 4.0, 333.0), np.diag([1.0, 1.0, 1.0])
    (now,) = with_air(found, row, SETTINGS).looks
    assert now["wind_sigma"] == pytest.approx(np.sqrt(1.0 + LOCAL[0] ** 2))
    row["time"] -= 3600 * 10**9
    (later,) = with_air(found, row, SETTINGS).looks
    assert later["wind_sigma"] == pytest.approx(np.sqrt(1.0 + 3600 * DRIFT[0] + LOCAL[0] ** 2))
    row["time"] -= 10**6 * 10**9
    (unknown,) = with_air(found, row, SETTINGS).looks
    assert unknown["wind_sigma"] == pytest.approx(np.sqrt(25.0 + LOCAL[0] ** 2))
    assert MOST == 256


def test_a_saved_state_has_the_air_in_it():
    sky = flown(seconds=30.0)
    again = Line.restore(Line(settings=Settings(tracker=SETTINGS), picture=sky.picture).save()).picture
    assert len(air_of(sky))
    assert again.chains.settled.beliefs.air.tobytes() == sky.picture.chains.settled.beliefs.air.tobytes()


def test_people_read_of_the_wind_where_it_was_heard():
    sky = flown()
    (row,), (known,) = air(sky.picture), air_of(sky)
    assert (
        np.hypot((row.latitude - np.degrees(LATITUDE)) * 111.0, (row.longitude - np.degrees(LONGITUDE)) * 71.0) < 90.0
    )
    assert (row.wind_east_m_s, row.wind_north_m_s) == pytest.approx(known["mean"][:2], abs=0.051)
    assert row.time == known["time"]
    assert air(Picture(START)) == []


def test_only_air_that_can_be_is_possible():
    rows = np.concatenate([begun() for _ in range(6)])
    rows["mean"] = [(0, 0, 340), (51, 0, 340), (0, -51, 340), (0, 0, 279), (0, 0, 371), (np.nan, 0, 340)]
    assert weather.possible(rows).tolist() == [True, False, False, False, False, False]
