"""What a microphone array hears of a target, against brute force; and that it is heard where it was."""

from typing import NamedTuple

import numpy as np
import pytest
from filter_books import near
from filter_memory import NOW, SECOND, SITE, anywhere, empty, fill, find, given, put, sight, slopes, state
from filter_sky import POSITIONS, bits, ecef, look, tracker
from scipy.optimize import brentq
from scipy.stats import chi2

from skywarden import geo
from skywarden.geo.earth import ECCENTRICITY2
from skywarden.kernel import plain_while
from skywarden.model.detection import Kind, detections
from skywarden.model.place import F64, Place
from skywarden.track import Air, Filter, FilterSettings, Sensor, evenly
from skywarden.track.motion import predict_all
from skywarden.track.pool import Memory
from skywarden.track.sound import SHARED

AIR = Air(np.array([6.0, -4.0, 3.0]), speed=338.0, speed_sigma=2.0, wind_sigma=3.0)
ARRAY = Sensor(Kind.SOUND, 0.8, 0.1, whole=False, reach_m=12e3, air=AIR)
SIGMA = np.radians(4.0)
STRAIGHT = FilterSettings(turn_rad_s=0.0)  # who turns: test_filter_ear
LEVEL = SITE.rotation[:2]  # nobody doubts that winds are level


class Heard(NamedTuple):
    """delay: s; z (3,): range, azimuth, elevation of where a sound seems to come from."""

    delay: float
    z: F64


def heard(x: F64, before: float, place: Place, air: Air) -> Heard:
    """Return what is heard of a target on a straight line, whose state x (6,) is `before` s old at the arrival."""

    def seems(tau: float) -> F64:
        return np.asarray(x[:3] + (before - tau) * x[3:] + tau * air.wind - place.position)

    tau = brentq(lambda t: np.linalg.norm(seems(t)) - air.speed * t, 0.0, 500.0, xtol=1e-13)
    e = place.rotation @ seems(tau)
    r = np.linalg.norm(e)
    return Heard(tau, np.array([r, np.arctan2(e[0], e[1]), np.arcsin(e[2] / r)]))


def slope(of, at: F64, step: float) -> F64:
    """Return the derivative of a function of a vector, by differences: columns go with the vector."""
    steps = step * np.eye(len(at))
    return np.stack([(of(at + h) - of(at - h)) / (2.0 * step) for h in steps], -1)


class Slopes(NamedTuple):
    """Derivatives of what is heard: by the state (3, 6), the wind (3, 3), the speed of sound (3, 1); rate (3,): 1/s."""

    state: F64
    wind: F64
    speed: F64
    rate: F64


def derived(x: F64, age: float) -> Slopes:
    """Return the derivatives for a state of `age` s."""
    place = slope(lambda p: heard(np.append(p, x[3:]), age, SITE, AIR).z, x[:3], 1.0)
    velocity = slope(lambda v: heard(np.append(x[:3], v), age, SITE, AIR).z, x[3:], 0.1)
    wind = slope(lambda w: heard(x, age, SITE, Air(w, AIR.speed)).z, AIR.wind, 0.1)
    speed = slope(lambda c: heard(x, age, SITE, Air(AIR.wind, float(c[0]))).z, np.array([AIR.speed]), 0.1)
    rate = (heard(x, age + 0.01, SITE, AIR).z - heard(x, age - 0.01, SITE, AIR).z) / 0.02
    return Slopes(np.hstack([place, velocity]), wind, speed, rate)


def seen(e: F64) -> F64:
    """Return range, azimuth and elevation of a place east, north, up."""
    r = np.linalg.norm(e)
    return np.array([r, np.arctan2(e[0], e[1]), np.arcsin(e[2] / r)])


def bowed(e: F64, S: F64) -> tuple[F64, F64]:
    """Return how far the mean of what is seen of a place is off what is seen of its mean, (3,), and its variance (3,)

    over that of the straight form. S (3, 3): spread of what is seen.
    """
    J = np.linalg.inv(slope(seen, e, 0.1))
    C, shift, more = J @ S @ J.T, np.zeros(3), np.zeros(3)
    for k in (1, 2):
        second = slope(lambda at, k=k: slope(seen, at, 1.0)[k], e, 1.0)
        shift[k], more[k] = 0.5 * np.trace(second @ C), 0.5 * np.trace(second @ C @ second @ C)
    return shift, more


@pytest.mark.parametrize("lead", [-25.0, -6.0, 0.0, 4.0])  # s that the leaf is ahead of the arrival
@pytest.mark.parametrize("seed", range(3))
def test_a_view_is_that_of_the_place_that_the_sound_left(lead: float, seed: int) -> None:
    memory, before = empty(ARRAY, STRAIGHT), anywhere(np.random.default_rng(seed))
    before.mean[:, :3] += 0.8 * (SITE.position - before.mean[:, :3])  # within 8 km, so that the Earth is flat enough
    row = put(memory, before, NOW + round(lead * SECOND))
    view, leaf = sight(memory, row, 3), state(memory, row)
    assert view.detection == 0.8
    age = (NOW - int(memory.leaves["time"][row])) * 1e-9
    for m in range(2):
        x, P = leaf.mean[m], leaf.covariance[m]
        sound, by = heard(x, age, SITE, AIR), derived(x, age)
        H, scale = by.state, np.abs(by.state[:, :3]).max(1, keepdims=True)  # 1/s for velocities
        assert slopes(memory)[m, :3] / scale == pytest.approx(H / scale, rel=5e-3, abs=2e-2)
        assert view.HP[m, :3] / scale == pytest.approx(H @ P / scale, rel=1e-2, abs=1.0)
        turn = geo.east_north_up(*geo.geodetic(x[:3])[:2])
        level, upright = (memory.parameters["turning"][0], 2.0) if m else (SHARED * 0.5, SHARED * 2.0)
        Q = turn.T @ np.diag([level, level, upright]) @ turn * max(sound.delay - age, 0.0) ** 3 / 3.0
        S = H @ P @ H.T + H[:, :3] @ Q @ H[:, :3].T
        winds = by.wind @ LEVEL.T
        S += AIR.wind_sigma**2 * winds @ winds.T + AIR.speed_sigma**2 * by.speed @ by.speed.T
        r, azimuth, elevation = sound.z
        level_r = r * np.cos(elevation)
        e = np.array([level_r * np.sin(azimuth), level_r * np.cos(azimuth), r * np.sin(elevation)])
        shift, more = bowed(e, S)
        wanted, some = S + np.diag(more), np.tril_indices(3)
        sigma = np.sqrt(np.diag(wanted))
        assert (view.S[m, :3, :3] / sigma / sigma[:, None])[some] == pytest.approx(
            (wanted / sigma / sigma[:, None])[some], abs=2e-2
        )
        flat = 5.0 * scale[:, 0]  # m: what the Earth falls away in between
        assert (np.abs(view.z[m, :3] - sound.z - shift) < flat).all()
        assert view.rate[m, :3] / scale[:, 0] == pytest.approx(by.rate / scale[:, 0], rel=1e-2, abs=1e-2)


def test_an_array_that_is_near_knows_that_its_bearing_is_no_straight_line() -> None:
    memory = empty(Sensor(Kind.SOUND, 0.8, 0.1, whole=False, air=Air(wind_sigma=0.0, speed_sigma=0.0)))
    x = ecef((120.0, 160.0, 150.0), (0.0, 0.0, 0.0))
    root = np.random.default_rng(3).normal(size=(3, 3)) * 60.0
    P = np.zeros((6, 6))
    P[:3, :3], P[3:, 3:] = SITE.rotation.T @ root @ root.T @ SITE.rotation, np.eye(3) * 1e-6
    row = put(memory, anywhere(np.random.default_rng(1))._replace(mean=np.stack([x, x]), covariance=np.stack([P, P])))
    view = sight(memory, row, 3)
    J = slope(seen, np.array([120.0, 160.0, 150.0]), 0.1)
    S = J @ root @ root.T @ J.T
    shift, more = bowed(np.array([120.0, 160.0, 150.0]), S)
    assert view.z[0, :3] == pytest.approx(seen(np.array([120.0, 160.0, 150.0])) + shift, abs=2e-3)
    assert np.diag(view.S[0, :3, :3]) == pytest.approx(np.diag(S) + more, rel=0.02)
    assert (more[1:] > 0.1 * np.diag(S)[1:]).all()


def test_a_leaf_long_behind_is_brought_to_when_the_sound_left_and_no_further() -> None:
    memory = empty(ARRAY)
    before = anywhere(np.random.default_rng(5))
    before.mean[:, :3] += 0.8 * (SITE.position - before.mean[:, :3])
    row = put(memory, before, NOW - 60 * SECOND)
    sight(memory, row, 3)
    left = (NOW - int(memory.leaves["time"][row])) * 1e-9
    x = state(memory, row).mean[0]
    assert left == pytest.approx(heard(x, left, SITE, AIR).delay, abs=0.03)
    assert 0.0 < left < 60.0


@pytest.mark.parametrize(
    "place, velocity, wind",
    [
        ((2e3, 1e3, 300.0), (335.0, 0.0, 0.0), (0.0, 0.0, 0.0)),  # m/s: faster than 0.95 of sound
        ((2e3, 1e3, 300.0), (300.0, 0.0, 0.0), (-30.0, 0.0, 0.0)),  # in the air that it flies through
        ((14e3, 1e3, 300.0), (50.0, 0.0, 0.0), (0.0, 0.0, 0.0)),  # too far to be heard
    ],
)
def test_who_cannot_be_heard_is_not_expected(place, velocity, wind) -> None:
    air = Air(np.array(wind) @ SITE.rotation)
    memory = empty(Sensor(Kind.SOUND, 0.8, 0.1, whole=False, reach_m=12e3, air=air))
    x = ecef(place, velocity)
    row = put(memory, anywhere(np.random.default_rng(1))._replace(mean=np.stack([x, x]), weight=(1.0, 0.0)))
    assert sight(memory, row, 3).detection == 0.0


def grid() -> list[Place]:
    """Return arrays 3 km apart around SITE."""
    places = []
    for east in range(-4, 5):
        for north in range(-4, 5):
            where = SITE.position + np.array([3e3 * east, 3e3 * north, 0.0]) @ SITE.rotation
            places.append(geo.place(*geo.geodetic(where)[:2], 10.0))
    return places


GRID = grid()


class Flight(NamedTuple):
    """A target that flies straight on and what arrays hear of it, in the order of arrivals. x: (6,) at the start."""

    x: F64
    sounds: list[tuple[float, Place, F64]]

    def at(self, seconds: float) -> F64:
        """Return the state (6,) then."""
        return np.append(self.x[:3] + seconds * self.x[3:], self.x[3:])


def flight(rng: np.random.Generator, speed: float, seconds: float, air: Air, reach: float = 6e3) -> Flight:
    """Return a flight over the grid; each array within reach hears it once in two seconds."""
    heading = rng.uniform(-np.pi, np.pi)
    v = speed * np.array([np.sin(heading), np.cos(heading), 0.0])
    beside = [*rng.uniform(-1.5e3, 1.5e3, 2), 300.0]
    x, sounds = ecef(-0.5 * seconds * v + beside, v), []
    for place in GRID:
        for t in np.arange(rng.uniform(3.0, 5.0), seconds, 2.0):
            sound = heard(x, t, place, air)
            if sound.z[0] < reach and sound.delay < t and rng.random() < 0.9:
                sounds.append((t, place, sound.z[1:] + SIGMA * rng.normal(size=2)))
    return Flight(x, sorted(sounds, key=lambda sound: sound[0]))


def follow(one: Flight, kind: Kind, air: Air, rng: np.random.Generator) -> Filter:
    """Return a filter that has seen the start of a flight for 2 s, and heard the rest, taken for this kind."""
    settings = FilterSettings(
        calm_noise_m2_s3=0.01,
        busy_noise_m2_s3=0.01,
        vertical_noise_m2_s3=0.01,
        turn_rad_s=0.0,
        turning_noise_m2_s3=0.01,
    )
    used = Filter(settings, evenly(SITE, 60e3, 5.0, 0.001), 64)
    sensor = Sensor(kind, 0.9, 1e-9, whole=False, reach_m=8e3, air=air)
    for t in (0.0, 1.0, 2.0):
        look(used, one.at(t)[None, :3] + 30.0 * rng.normal(size=(1, 3)), t, POSITIONS, np.diag([900.0] * 3))
    for t, place, z in one.sounds:
        time = NOW + round(t * SECOND)
        R = np.diag([SIGMA**2] * 2)[None].copy()
        used.look(detections(kind, "array", time, np.array([time]), z[None], R, place=place), sensor, time)
    return used


def now(used: Filter, seconds: float) -> tuple[F64, F64]:
    """Return mean (6,) and covariance (6, 6) of the likeliest target, brought to a time."""
    found = used.targets(0.0)
    best = int(np.argmax(found.existence))
    ahead = np.array([(NOW + round(seconds * SECOND) - found.time[best]) * 1e-9])
    mean, covariance = predict_all(found.mean[[best]], found.covariance[[best]], ahead, np.array([0.01]), 0.01)
    return mean[0], covariance[0]


def test_who_is_heard_is_where_it_is_now_and_not_where_the_sound_comes_from() -> None:
    off: dict[Kind, list[float]] = {Kind.SOUND: [], Kind.DIRECTION: []}
    for seed in range(6):
        for kind, errors in off.items():
            rng = np.random.default_rng(seed)
            one = flight(rng, 140.0, 40.0, Air())
            mean, _ = now(follow(one, kind, Air(), rng), 40.0)
            errors.append(float(np.linalg.norm(mean[:3] - one.at(40.0)[:3])))
    assert np.median(off[Kind.SOUND]) < 100.0
    assert np.median(off[Kind.DIRECTION]) > 300.0


def test_covariances_are_honest_where_the_air_is_known() -> None:
    air, nees = Air(np.array([5.0, -5.0, 5.0]), 343.0, wind_sigma=0.0, speed_sigma=0.0), []
    for seed in range(40):
        rng = np.random.default_rng(100 + seed)
        one = flight(rng, 60.0, 40.0, air)
        mean, covariance = now(follow(one, Kind.SOUND, air, rng), 40.0)
        error = mean - one.at(40.0)
        nees.append(float(error @ np.linalg.solve(covariance, error)))
    low, high = (chi2.ppf(p, 240) / 240 for p in (0.0025, 0.9975))
    assert low < np.mean(nees) / 6 < high


@pytest.mark.parametrize("volume", [0.0, 2.0 * np.pi**2])
def test_a_sound_starts_nothing(volume: float) -> None:
    rng, used = np.random.default_rng(2), tracker()
    sensor = Sensor(Kind.SOUND, 0.9, 0.1, volume=volume, whole=False)
    for t, place, z in flight(rng, 50.0, 20.0, Air()).sounds:
        time = NOW + round(t * SECOND)
        R = np.diag([SIGMA**2] * 2)[None].copy()
        used.look(detections(Kind.SOUND, "array", time, np.array([time]), z[None], R, place=place), sensor, time)
    assert len(used.targets(0.0).label) == 0


def few(rng: np.random.Generator) -> Memory:
    """Return a memory with leaves from near to beyond the reach of an array, in some wind."""
    air = Air(rng.normal(size=3) * 15.0, wind_sigma=rng.uniform(0.0, 6.0), speed_sigma=rng.uniform(0.0, 6.0))
    memory = empty(Sensor(Kind.SOUND, 0.8, 1e-9, whole=False, reach_m=6e3, air=air))
    for away in (2e3, 4.5e3, 5.9e3, 6.5e3, 8e3, 11e3):
        bearing, heading = rng.uniform(-np.pi, np.pi, 2)
        place, speed = away * np.array([np.sin(bearing), np.cos(bearing), 0.07]), rng.uniform(0.0, 280.0)
        x = ecef(place, speed * np.array([np.sin(heading), np.cos(heading), 0.0]))
        P = np.diag([rng.uniform(1.0, 60.0) ** 2] * 3 + [rng.uniform(0.1, 5.0) ** 2] * 3)
        one = anywhere(rng)._replace(mean=np.stack([x, x]), covariance=np.stack([P, P]), weight=(1.0, 0.0))
        put(memory, one, NOW + round(rng.uniform(-3.0, 3.0) * SECOND))
    return memory


def test_no_sound_that_fits_is_passed_over() -> None:
    """The quick test of whom a look can concern, beside comparing all: at the edge of the reach, in wind, sent late."""
    fits = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        memory = few(rng)
        n = int(memory.counts[1])
        before = memory.leaves[:n].copy()
        z = np.array([sight(memory, row, 3).z[0, 1:4] for row in range(n)]) + 0.005 * rng.normal(size=(n, 3))
        z[:, 2] = np.nan  # no tone
        for k in range(n):
            memory.leaves[:n] = before
            m = fill(memory, given(z[[k]], np.diag([1e-5] * 3)[None]), born=1e-30)
            active = near(memory, m)
            for pair in find(memory, m):
                fits += 1
                assert active[pair.leaf] == 1
    assert fits > 150


def polar_twin(e: F64) -> tuple[F64, F64, list[F64]]:
    """Return what is seen of a place east, north, up, its derivative (3, 3), and the second ones of the angles."""
    r, g = np.linalg.norm(e), np.hypot(e[0], e[1])
    east, north = e[0] / g, e[1] / g
    cosine, sine = g / r, e[2] / r
    away, side, upward = np.array([east, north, 0.0]), np.array([north, -east, 0.0]), np.array([0.0, 0.0, 1.0])
    line, across = cosine * away + sine * upward, cosine * upward - sine * away
    azimuth = -(np.outer(away, side) + np.outer(side, away)) / g**2
    elevation = -(np.outer(line, across) + np.outer(across, line) + sine / cosine * np.outer(side, side)) / r**2
    return seen(e), np.stack([line, side / g, across / r]), [azimuth, elevation]


@pytest.mark.parametrize("lead", [-25.0, -6.0, 0.0, 4.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_view_is_that_of_its_slow_twin(lead: float, seed: int) -> None:
    """Matrices from top to bottom, of the same model of motion, to rounding."""
    memory, before = empty(ARRAY, STRAIGHT), anywhere(np.random.default_rng(10 + seed))
    row = put(memory, before, NOW + round(lead * SECOND))
    view, leaf = sight(memory, row, 3), state(memory, row)
    lag = (NOW - int(memory.leaves["time"][row])) * 1e-9
    for m in range(2):
        x, P = leaf.mean[m], leaf.covariance[m]
        noise = (memory.parameters["turning"][0], 2.0) if m else (SHARED * 0.5, SHARED * 2.0)
        up = geo.east_north_up(*geo.geodetic(x[:3])[:2])[2]
        n = x[:3] / [1.0, 1.0, 1.0 - ECCENTRICITY2]
        vertical = n / np.linalg.norm(n)
        assert vertical == pytest.approx(up, abs=1e-5)
        arrived = moved(x, lag, vertical)
        tau = brentq(
            lambda t, x=arrived: np.linalg.norm(x[:3] - t * (x[3:] - AIR.wind) - SITE.position) - AIR.speed * t, 0, 500
        )
        back = tau - lag
        left = moved(x, -back, vertical)
        e, u = left[:3] + tau * AIR.wind - SITE.position, left[3:] - AIR.wind
        z, J, second = polar_twin(SITE.rotation @ e)
        J = J @ SITE.rotation
        away = np.linalg.norm(e)  # c tau, but for the Earth's curve
        bottom = AIR.speed * away + e @ u
        G = J @ (np.eye(3) - np.outer(u, e) / bottom)
        H = np.hstack([G, -back * G])
        Q = max(back, 0.0) ** 3 / 3.0 * (noise[0] * np.eye(3) + (noise[1] - noise[0]) * np.outer(vertical, vertical))
        speed = J @ u * away * tau / bottom
        S = H @ P @ H.T + G @ Q @ G.T + (tau * AIR.wind_sigma) ** 2 * G @ LEVEL.T @ LEVEL @ G.T
        S += AIR.speed_sigma**2 * np.outer(speed, speed)
        plain = J @ SITE.rotation.T
        C = np.linalg.solve(plain, np.linalg.solve(plain, S).T)
        for k, bent in enumerate(second, 1):
            z[k] += 0.5 * np.trace(bent @ C)
            S[k, k] += 0.5 * np.trace(bent @ C @ bent @ C)
        some = np.tril_indices(3)
        sigma = np.sqrt(np.diag(S))
        assert view.z[m, :3] == pytest.approx(z, rel=1e-9)
        assert slopes(memory)[m, :3] == pytest.approx(H, rel=1e-8, abs=1e-9 * np.abs(H).max(1).min())
        assert view.HP[m, :3] == pytest.approx(H @ P, rel=1e-8, abs=1e-9 * np.abs(H @ P).max(1).min())
        assert view.S[m, :3, :3][some] / np.outer(sigma, sigma)[some] == pytest.approx(
            (S / np.outer(sigma, sigma))[some], abs=1e-8
        )
        assert view.rate[m, :3] == pytest.approx(G @ left[3:], rel=1e-8, abs=1e-9)


def moved(x: F64, seconds: float, vertical: F64) -> F64:
    """Return a state (6,) later: straight on, falling off with the Earth's curve."""
    level = x[3:] - vertical * (vertical @ x[3:])
    fall = level @ level / np.sqrt(x[:3] @ x[:3] + 1.0)
    place = x[:3] + seconds * x[3:] - 0.5 * seconds**2 * fall * vertical
    return np.concatenate([place, x[3:] - seconds * fall * vertical])


def test_what_is_heard_is_the_same_plain_and_compiled() -> None:
    one, found = flight(np.random.default_rng(4), 60.0, 16.0, AIR), []
    for plain in (False, True):
        plain_while(lambda plain=plain: plain)
        found.append(bits(follow(one, Kind.SOUND, AIR, np.random.default_rng(5))))
        plain_while(lambda: False)
    assert found[0] == found[1]
