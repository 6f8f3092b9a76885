"""A made-up sky for registration: aircraft that turn now and then, radars with biases, fixes with latency.

Places are within 60 km of the middle; heights 1 to 9 km; each aircraft turns by 1 to 3 deg/s for 10 to 40 s about every
90 s. Radars: range, azimuth, elevation with errors of 1 sigma, one look at each target in 4 s, nine of ten seen. Fixes:
once a second, 10 m of white error and 5 m that stays. All targets are followed for as long as the run lasts.
"""

from typing import NamedTuple

import numpy as np

from skywarden import geo
from skywarden.model.place import F64, I64, Place
from skywarden.track.measured import EXACT, FIX, ORDINARY, Measured, together

SECOND, START = 1_000_000_000, 1_900_000_000_000_000_000
MIDDLE = geo.place(np.radians(33.5), np.radians(-41.25), 0.0)  # the open Atlantic
STEP = 0.5  # s, of truth
WHITE, STAYING = 10.0, 5.0  # m, of fixes
REACH = 60e3  # m


class Radar(NamedTuple):
    """east, north m; sigma: range m, azimuth, elevation rad; bias: range m, azimuth, elevation rad, clock s.

    knock: s into the run, and what it adds to the bias (4,) from then on. revisit s; detection: probability.
    """

    east: float
    north: float
    sigma: tuple[float, float, float] = (50.0, np.radians(0.3), np.radians(0.5))
    bias: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    knock: float = np.inf
    added: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    shift: tuple[float, float] = (0.0, 0.0)  # m east, north: where it is, less where it is enrolled
    turning: bool = True  # it looks at each target at another time; else at all at once
    revisit: float = 4.0
    detection: float = 0.9

    def place(self) -> Place:
        """Return where it is enrolled."""
        return at(self.east, self.north, 50.0)


def at(east: float, north: float, height: float) -> Place:
    """Return a place by metres east and north of the middle."""
    latitude = np.radians(33.5) + north / 6.36e6
    return geo.place(latitude, np.radians(-41.25) + east / (6.38e6 * np.cos(latitude)), height)


class Sky(NamedTuple):
    """position (steps, n, 3), velocity (steps, n, 3): ECEF m, m/s, each STEP s."""

    position: F64
    velocity: F64


def sky(rng: np.random.Generator, count: int, speed: float, seconds: float) -> Sky:
    """Return aircraft of one speed, m/s, that turn now and then and stay in reach."""
    steps = round(seconds / STEP) + 1
    place = rng.uniform(-0.6 * REACH, 0.6 * REACH, (count, 2))
    heading, height = rng.uniform(-np.pi, np.pi, count), rng.uniform(1e3, 9e3, count)
    rate, until = np.zeros(count), np.full(count, 0.0)
    flat = np.zeros((steps, count, 3))
    for k in range(steps):
        flat[k] = np.column_stack([place, height])
        over, turning = k * STEP >= until, rate != 0.0
        far = np.hypot(*place.T) > 0.8 * REACH
        begin = over & ~turning
        inward = np.arctan2(-place[:, 0], -place[:, 1])
        side = np.where(far, np.sign(np.sin(inward - heading)), rng.choice([-1.0, 1.0], count))
        until = np.where(
            over, k * STEP + np.where(begin, rng.uniform(10, 40, count), rng.exponential(90, count)), until
        )
        rate = np.where(over, np.where(begin & (k > 0), side * np.radians(rng.uniform(1, 3, count)), 0.0), rate)
        heading = heading + rate * STEP
        place = place + STEP * speed * np.column_stack([np.sin(heading), np.cos(heading)])
    return Sky(*_ecef(flat))


def _ecef(flat: F64) -> tuple[F64, F64]:
    """Return places and velocities, ECEF, of m east, north and height."""
    latitude = np.radians(33.5) + flat[..., 1] / 6.36e6
    longitude = np.radians(-41.25) + flat[..., 0] / (6.38e6 * np.cos(latitude))
    position = geo.ecef(latitude, longitude, flat[..., 2])
    return position, np.gradient(position, STEP, axis=0)


def state(flown: Sky, seconds: F64, target: I64) -> F64:
    """Return (m, 6) states of targets at times, s, between the steps of truth."""
    last = len(flown.position) - 2
    k = np.clip(np.floor(seconds / STEP).astype(int), 0, last)
    dt = (seconds - k * STEP)[:, None]
    p, v = flown.position[k, target], flown.velocity[k, target]
    q, w = flown.position[k + 1, target], flown.velocity[k + 1, target]
    a = (w - v) / STEP
    straight = p + v * dt + 0.5 * a * dt**2
    left = (q - p - v * STEP - 0.5 * a * STEP**2) * (dt / STEP) ** 3
    return np.hstack([straight + left, v + a * dt])


def looks(rng: np.random.Generator, flown: Sky, radars: list[Radar], seconds: float) -> Measured:
    """Return what the radars report of all targets."""
    parts = []
    for row, radar in enumerate(radars):
        count, turns = flown.position.shape[1], int(seconds / radar.revisit)
        phase = rng.uniform(0, 1, count if radar.turning else 1) + np.zeros(count)
        true = radar.revisit * (np.arange(turns)[:, None] + phase[None]) % seconds
        target = np.broadcast_to(np.arange(count), true.shape)[hit := rng.random(true.shape) < radar.detection]
        true = true[hit]
        x, place = state(flown, true, target), radar.place()
        e = (x[:, :3] - place.position) @ place.rotation.T - [*radar.shift, 0.0]
        r, level = np.linalg.norm(e, axis=1), np.hypot(e[:, 0], e[:, 1])
        bias = np.array(radar.bias) + np.outer(true >= radar.knock, radar.added)
        z = np.stack([r, np.arctan2(e[:, 0], e[:, 1]), np.arctan2(e[:, 2], level)], -1) + bias[:, :3]
        z += rng.normal(size=z.shape) * radar.sigma
        parts.append(_columns(true + bias[:, 3], row, target, z, np.diag(np.square(radar.sigma))))
    return together(parts)


def fixes(rng: np.random.Generator, flown: Sky, seconds: float, latency: F64, spread: F64, exact: bool) -> Measured:
    """Return fixes once a second. latency (n,): s, of each aircraft; spread (n,): s, even, of each message besides.

    exact: whether registration is told that they are an exact reference.
    """
    count = flown.position.shape[1]
    stamped = np.arange(2, seconds, 1.0)[:, None] + rng.uniform(0, 1, count)[None]
    stamped = stamped[(stamped < seconds).all(1)]
    target = np.broadcast_to(np.arange(count), stamped.shape).ravel()
    true = (stamped - latency - spread * rng.uniform(0, 1, stamped.shape)).ravel()
    stays = rng.normal(scale=STAYING, size=(count, 3))
    z = state(flown, true, target)[:, :3] + stays[target] + rng.normal(scale=WHITE, size=(len(true), 3))
    told = _columns(stamped.ravel(), FIX, target, z, np.eye(3) * (WHITE**2 + STAYING**2))
    one = np.ones(len(true))
    return told._replace(
        latency=one * (EXACT if exact else ORDINARY)[0],
        latency_sigma=one * (EXACT if exact else ORDINARY)[1],
        time_sigma=one * (spread.max() / np.sqrt(12.0)),
    )


def _columns(seconds: F64, sensor: int, target: I64, z: F64, covariance: F64) -> Measured:
    m, none = len(seconds), np.zeros(len(seconds))
    time = START + np.round(seconds * SECOND).astype(np.int64)
    R = np.broadcast_to(covariance, (m, 3, 3)).copy()
    return Measured(time, none, np.full(m, sensor), target.astype(np.int64), z, R, none, none)


def between(measured: Measured, begin: int, end: int) -> Measured:
    """Return what is stamped from begin, ns, up to end."""
    low, high = np.searchsorted(measured.time, [begin, end])
    return Measured(*(column[low:high] for column in measured))
