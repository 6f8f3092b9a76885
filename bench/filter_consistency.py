"""Whether the filter is as good as it says: its covariances against what is true, over many runs.

    python bench/filter_consistency.py [runs] [first seed]

NEES: squared error over covariance, in the components that the sensors see. *Matched*: targets move as the filter
believes; the mean over runs must lie in the band that chi-square gives it at 99.5 %, look by look, so that one look of
200 is outside by chance. *Turning*: targets turn with 3 deg/s at times, which no model says; mean per dimension and the
share inside the 95 % region. Directions, sounds and people's reports: bearing_consistency.py.
Source: Bar-Shalom, Li, Kirubarajan 2001, section 5.4.2.
"""

import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import chi2

from skywarden import geo
from skywarden.model.detection import Detections, Kind, detections
from skywarden.model.place import F64
from skywarden.track.pmb import Filter, FilterSettings, Sensor, evenly

SITE = geo.place(np.radians(29.5), np.radians(-45.75), 50.0)
START, SECOND = 1_900_000_000_000_000_000, 1_000_000_000
BAND, REGION = 0.995, 0.95
QUIET = 1e-15  # false alarms per m^2: none, so that only the estimate is judged
LEVEL, CLIMB, NOISE, UPRIGHT = 40.0, 3.0, 2.0, 0.5  # m/s, m/s, m^2/s^3, m^2/s^3
HEIGHT, HEIGHT_SIGMA = 2000.0, 200.0  # m
SIGMA = {  # m, rad, rad, m/s; m
    Kind.POLAR: np.array([30.0, 0.004, 0.006, 1.0]),
    Kind.DIRECTION: np.array([0.003, 0.003]),
    Kind.POSITION: np.array([25.0, 25.0, 40.0]),
}


class Eye(NamedTuple):
    """A sensor and which components it measures."""

    sensor: Sensor
    parts: tuple[int, ...]


def eye(kind: Kind, *parts: int) -> Eye:
    """Return a sensor at SITE that detects nine times of ten."""
    return Eye(Sensor(kind, detection=0.9, clutter=QUIET, whole=kind != Kind.DIRECTION), parts)


class Case(NamedTuple):
    """Sensors that look in turn, and how many of east, north, up are judged."""

    eyes: Sequence[Eye]
    axes: int = 3


CASES = {
    "radar, range and azimuth": Case([eye(Kind.POLAR, 0, 1)], axes=2),
    "radar, elevation": Case([eye(Kind.POLAR, 0, 1, 2)]),
    "radar, elevation and range rate": Case([eye(Kind.POLAR, 0, 1, 2, 3)]),
    "positions": Case([eye(Kind.POSITION, 0, 1, 2)]),
    "mixed": Case([eye(Kind.POLAR, 0, 1, 2, 3), eye(Kind.POSITION, 0, 1, 2), eye(Kind.DIRECTION, 0, 1)]),
}
MATCHED = FilterSettings(
    calm_noise_m2_s3=NOISE,
    busy_noise_m2_s3=NOISE,
    vertical_noise_m2_s3=UPRIGHT,
    birth_level_speed_m_s=LEVEL,
    birth_vertical_speed_m_s=CLIMB,
    height_m=HEIGHT,
    height_sigma_m=HEIGHT_SIGMA,
)
TURNING = FilterSettings(height_m=HEIGHT, height_sigma_m=HEIGHT_SIGMA)


class World(NamedTuple):
    """Where all targets are, one a run: east, north, up and velocity (runs, 6), m, m/s, and how they go on."""

    state: F64
    move: Callable[[F64, float, float, np.random.Generator], F64]


def axes(position: F64) -> F64:
    """Return (n, 3, 3): east, north, up at ECEF positions (n, 3)."""
    latitude, longitude, _ = geo.geodetic(position)
    return geo.east_north_up(latitude, longitude)


def drift(state: F64, dt: float, _: float, rng: np.random.Generator) -> F64:
    """Move states (n, 6), ECEF, as the filter believes: over the curved Earth, with white acceleration."""
    turn = axes(state[:, :3])
    up, q = turn[:, 2], np.array([NOISE, NOISE, UPRIGHT])
    one, other = rng.normal(size=(2, len(state), 3))
    speed = np.sqrt(q * dt) * one
    place = np.sqrt(q * dt**3) * (one / 2 + other / np.sqrt(12.0))
    level = state[:, 3:] - up * (state[:, 3:] * up).sum(1, keepdims=True)
    fall = -up * (level**2).sum(1, keepdims=True) / np.linalg.norm(state[:, :3], axis=1, keepdims=True)
    push = [np.einsum("nji,nj->ni", turn, part) for part in (place, speed)]
    moved = state[:, :3] + dt * state[:, 3:] + fall * dt**2 / 2 + push[0]
    return np.hstack([moved, state[:, 3:] + fall * dt + push[1]])


def turning(state: F64, dt: float, time: float, rng: np.random.Generator) -> F64:
    """Move states (n, 6), ECEF, level: a minute straight on, then 20 s of turning by 3 deg/s, and again."""
    turn, rate = axes(state[:, :3]), np.radians(3.0) if time % 80.0 >= 60.0 else 0.0
    v = np.einsum("nij,nj->ni", turn, state[:, 3:])
    a = rate * dt
    c, s = np.cos(a), np.sin(a)
    sine, vers = (s / rate, (1 - c) / rate) if rate else (dt, 0.0)
    step = np.stack([sine * v[:, 0] + vers * v[:, 1], sine * v[:, 1] - vers * v[:, 0], v[:, 2] * dt], -1)
    after = np.stack([c * v[:, 0] + s * v[:, 1], c * v[:, 1] - s * v[:, 0], v[:, 2]], -1)
    place = state[:, :3] + np.einsum("nji,nj->ni", turn, step)
    latitude, longitude, _ = geo.geodetic(place)
    place = geo.ecef(latitude, longitude, geo.geodetic(state[:, :3])[2] + v[:, 2] * dt)
    return np.hstack([place, np.einsum("nji,nj->ni", axes(place), after)])


def begin(rng: np.random.Generator, runs: int, move: Callable[..., F64]) -> F64:
    """Return first states (runs, 6), ECEF, from what the filter believes of new targets."""
    bearing, away = rng.uniform(-np.pi, np.pi, runs), rng.uniform(8e3, 30e3, runs)
    local = np.stack([away * np.sin(bearing), away * np.cos(bearing), np.zeros(runs)], -1)
    latitude, longitude, _ = geo.geodetic(SITE.position + local @ SITE.rotation)
    place = geo.ecef(latitude, longitude, rng.normal(HEIGHT, HEIGHT_SIGMA, runs))
    v = rng.normal(size=(runs, 3)) * [LEVEL, LEVEL, CLIMB]
    if move is turning:
        heading, speed = rng.uniform(-np.pi, np.pi, runs), rng.uniform(20.0, 60.0, runs)
        v = np.stack([speed * np.sin(heading), speed * np.cos(heading), rng.normal(size=runs)], -1)
    return np.hstack([place, np.einsum("nji,nj->ni", axes(place), v)])


def measure(state: F64, one: Eye, rng: np.random.Generator) -> F64:
    """Return (n, w) measurements of states (n, 6) with errors; NaN where nothing is measured."""
    kind = one.sensor.kind
    error = rng.normal(size=(len(state), len(SIGMA[kind]))) * SIGMA[kind]
    if kind == Kind.POSITION:
        return np.asarray(state[:, :3] + error)
    e, v = (state[:, :3] - SITE.position) @ SITE.rotation.T, state[:, 3:] @ SITE.rotation.T
    slant = np.linalg.norm(e, axis=1)
    z = np.stack([slant, np.arctan2(e[:, 0], e[:, 1]), np.arcsin(e[:, 2] / slant), (e * v).sum(1) / slant], -1)
    z = z if kind == Kind.POLAR else z[:, 1:3]
    z += error
    z[:, [k for k in range(z.shape[1]) if k not in one.parts]] = np.nan
    return z


def batch(one: Eye, z: F64, time: int) -> Detections:
    """Return measurements (m, w) as detections of a look."""
    kind = one.sensor.kind
    covariance = np.broadcast_to(np.diag(SIGMA[kind] ** 2), (len(z), z.shape[1], z.shape[1])).copy()
    place = None if kind == Kind.POSITION else SITE
    return detections(kind, "sensor", time, np.full(len(z), time), z, covariance, place=place)


class Judged(NamedTuple):
    """NEES (looks, runs), NaN where there is no estimate; of how many components."""

    nees: F64
    d: int

    def each(self) -> F64:
        """Return (looks,) mean over runs, per dimension."""
        return np.asarray(np.nanmean(self.nees, axis=1) / self.d)

    def outside(self) -> int:
        """Return how many looks' means lie outside of their band."""
        count = (~np.isnan(self.nees)).sum(1)
        low, high = (chi2.ppf(p, count * self.d) / (count * self.d) for p in ((1 - BAND) / 2, (1 + BAND) / 2))
        return int(np.sum((self.each() < low) | (self.each() > high)))

    def covered(self) -> float:
        """Return the share of errors inside the 95 % region."""
        return float(np.mean(self.nees[~np.isnan(self.nees)] <= chi2.ppf(REGION, self.d)))

    def kept(self) -> float:
        """Return the share of run-looks that have an estimate."""
        return float(np.mean(~np.isnan(self.nees)))


def judge(case: Case, settings: FilterSettings, move: Callable[..., F64], runs: int, looks: int, seed: int) -> Judged:
    """Follow one target a run, look by look, dt 2 s. Each estimate is judged at its own time.

    A look that covers only a part of the sky and finds nothing moves nothing on.
    """
    rng = np.random.default_rng(seed)
    state, dt = begin(rng, runs, move), 2.0
    filters = [Filter(settings, evenly(SITE, 60e3, 30.0, 15.0, cells=4), capacity=32) for _ in range(runs)]
    parts = list(range(case.axes)) + list(range(3, 3 + case.axes))
    nees, truth = np.full((looks, runs), np.nan), {}
    for k in range(looks):
        if k:
            state = move(state, dt, k * dt, rng)
        one, time = case.eyes[k % len(case.eyes)], START + round(k * dt * SECOND)
        z, truth[time] = measure(state, one, rng), (state, axes(state[:, :3]))
        there = (rng.random(runs) < one.sensor.detection) | (k == 0)
        for run, tracker in enumerate(filters):
            tracker.look(batch(one, z[[run]] if there[run] else z[:0], time), one.sensor, time)
            found = tracker.targets(0.2)
            if k < len(case.eyes) or len(found.label) == 0:
                continue
            best = int(np.argmax(found.existence))
            then, turn = truth[int(found.time[best])]
            T = np.kron(np.eye(2), turn[run])[parts]
            error = T @ (found.mean[best] - then[run])
            nees[k, run] = error @ np.linalg.solve(T @ found.covariance[best] @ T.T, error)
    return Judged(nees[len(case.eyes) :], len(parts))


def row(name: str, found: Judged) -> str:
    """Return one line of the table."""
    each = found.each()
    percent = [f"{100 * share:5.1f} %" for share in (found.covered(), found.kept())]
    return (
        f"{name:<41} NEES/d {np.nanmean(found.nees) / found.d:5.3f} ({each.min():5.3f} to {each.max():5.3f})  "
        f"looks outside {found.outside()} of {len(each)}  95 % region {percent[0]}  kept {percent[1]}"
    )


def main(runs: int, first: int) -> None:
    """Print one row a case. first: seed of the first case; each has one of its own."""
    low, high = (chi2.ppf(p, runs * 6) / (runs * 6) for p in ((1 - BAND) / 2, (1 + BAND) / 2))
    print(f"{runs} runs; band of the mean of 6 components: {low:.3f} to {high:.3f}")
    for title, settings, move, looks in (("matched", MATCHED, drift, 40), ("turning", TURNING, turning, 80)):
        for number, (name, case) in enumerate(CASES.items()):
            print(row(f"{title}: {name}", judge(case, settings, move, runs, looks, seed=first + number)))


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    main(*given, *(400, 0)[len(given) :])
