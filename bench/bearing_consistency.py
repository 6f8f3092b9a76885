"""Whether the filter is as good as it says of what it sees or hears only the direction of, and of people's reports.

    python bench/bearing_consistency.py [runs] [first seed]

As filter_consistency.py, *matched*: NEES of place and velocity over many runs and its band at 99.5 %, look by look.
Targets move as the filter believes, with one model of motion that does not turn. But for reports, which begin targets
themselves, each target is begun by one position of 150 m: what begins with a bearing is a wedge, whose error is not
Gaussian, see bearing_only.py. After it only what is named is seen, in turn, a look a second, nine of ten.

Sounds: what a target moved like that sent out when it was there; when that was comes from |p + w tau - s| = c tau.
Wind, speed of sound and ln f0 are drawn from the filter's own prior, and go on as it believes.
Not exact, so that sounds lie over their band: bearings of 4 degrees are not linear; a sound that left before the
filter's estimate is looked back at with noise that the filter takes as new, though it is in the estimate already; and
an array's east and north are not another's. Read them as NEES a dimension that should be near 1.
"""

import sys
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from filter_consistency import (
    BAND,
    CLIMB,
    HEIGHT,
    HEIGHT_SIGMA,
    LEVEL,
    MATCHED,
    NOISE,
    QUIET,
    SECOND,
    SITE,
    START,
    Judged,
    axes,
    drift,
    row,
)
from msgspec.structs import replace
from scipy.stats import chi2

from skywarden import geo
from skywarden.model.detection import Detections, Kind, detections
from skywarden.model.place import F64, Place
from skywarden.track import ear
from skywarden.track.air import Air
from skywarden.track.pmb import Filter, Sensor, evenly

STEP, BEFORE, LOOKS = (
    0.25,
    60.0,
    60,
)  # s of truth; s that targets have flown before; looks after the first, one a second
FIRST, SEEN, AWAY = np.array([150.0, 150.0, 100.0]), 0.9, 3e3  # m; probability; m, at most, of the middle
FORTH = np.repeat([1.0, -1.0], 3)
ROUNDS = 30  # of the search for when a sound left
ONE_MODEL = replace(MATCHED, turn_rad_s=0.0, turning_noise_m2_s3=NOISE)
WIND, SPEED, WIND_SIGMA, SPEED_SIGMA = np.array([4.0, -3.0]), 340.0, 3.0, 3.0  # m/s, east and north; of sound
AIR = Air(WIND @ SITE.rotation[:2], SPEED, WIND_SIGMA, SPEED_SIGMA)
SIGMA = {  # m, rad, rad, m/s; rad; m; rad, rad, of the tone
    Kind.POLAR: np.array([30.0, 0.004, 0.006, 1.0]),
    Kind.DIRECTION: np.radians([2.0, 2.0]),
    Kind.PLANE: np.array([200.0, 200.0]),
    Kind.SOUND: np.array([*np.radians([4.0, 6.0]), 0.003]),
}


class Eye(NamedTuple):
    """Who looks: which components it measures, and where it stands, (2,) m east and north of SITE."""

    kind: Kind
    parts: tuple[int, ...]
    at: tuple[float, float] = (0.0, 0.0)


@cache
def place(eye: Eye) -> Place:
    """Return where it stands."""
    return geo.place(*geo.geodetic(SITE.position + np.array([*eye.at, 0.0]) @ SITE.rotation))


@cache
def sensor(eye: Eye) -> Sensor:
    """Return what the filter is told of it."""
    return Sensor(eye.kind, SEEN, QUIET, whole=eye.kind == Kind.POLAR, air=AIR)


class Case(NamedTuple):
    """Who looks in turn; how many of east, north, up are judged; whether a position comes first."""

    eyes: Sequence[Eye]
    axes: int = 3
    told: bool = True


FINDERS, ARRAYS = [(-6e3, 4e3), (6e3, 4e3)], [(0.0, 0.0), (3e3, 2e3), (-3e3, 2e3), (1e3, -3e3)]
RADAR = Eye(Kind.POLAR, (0, 1, 2, 3), (0.0, -15e3))
ELEVATED = [Eye(Kind.DIRECTION, (0, 1), at) for at in FINDERS]
HEARD = [Eye(Kind.SOUND, (0, 1), at) for at in ARRAYS]
TONED = [eye._replace(parts=(0, 1, 2)) for eye in HEARD]
CASES = {
    "directions, azimuth": Case([eye._replace(parts=(0,)) for eye in ELEVATED], axes=2),
    "directions, elevation": Case(ELEVATED),
    "people's reports on the level": Case([Eye(Kind.PLANE, (0, 1))], axes=2, told=False),
    "sounds": Case(HEARD),
    "sounds and their tones": Case(TONED),
    "radar, directions, sounds with tones": Case([RADAR, ELEVATED[0], *TONED[:2], ELEVATED[1], *TONED[2:]]),
}


class World(NamedTuple):
    """What is true each STEP from -BEFORE: state (steps, runs, 6) ECEF, air (steps, runs, 4): wind, speed, ln f0."""

    state: F64
    air: F64

    def at(self, seconds: F64) -> tuple[F64, F64]:
        """Return states (runs, 6) and air (runs, 4) at a time of each run, s: places by cubics, the rest straight."""
        k = np.clip(np.floor((seconds + BEFORE) / STEP).astype(int), 0, len(self.state) - 2)
        runs = np.arange(self.state.shape[1])
        s = ((seconds + BEFORE) / STEP - k)[:, None]
        x, y, one, two = self.state[k, runs], self.state[k + 1, runs], self.air[k, runs], self.air[k + 1, runs]
        ends = (1 - s) ** 2 * ((1 + 2 * s) * x[:, :3] + s * STEP * x[:, 3:])
        ends += s**2 * ((3 - 2 * s) * y[:, :3] + (s - 1) * STEP * y[:, 3:])
        return np.hstack([ends, x[:, 3:] + s * (y[:, 3:] - x[:, 3:])]), one + s * (two - one)


def made(rng: np.random.Generator, runs: int) -> World:
    """Return what is true in all runs: drawn at 0 s from what the filter believes, and gone on so to both sides."""
    steps = round((BEFORE + LOOKS) / STEP) + 1
    bearing, away = rng.uniform(-np.pi, np.pi, runs), rng.uniform(0.0, AWAY, runs)
    local = np.stack([away * np.sin(bearing), away * np.cos(bearing), np.zeros(runs)], -1)
    latitude, longitude, _ = geo.geodetic(SITE.position + local @ SITE.rotation)
    begins = geo.ecef(latitude, longitude, rng.normal(HEIGHT, HEIGHT_SIGMA, runs))
    v = rng.normal(size=(runs, 3)) * [LEVEL, LEVEL, CLIMB]
    begun = np.hstack([begins, np.einsum("nji,nj->ni", axes(begins), v)])
    zero = round(BEFORE / STEP)
    state, air = np.empty((steps, runs, 6)), np.empty((steps, runs, 4))
    state[zero] = begun
    for k in range(zero, steps - 1):
        state[k + 1] = drift(state[k], STEP, 0.0, rng)
    for k in range(zero, 0, -1):  # backwards in time: velocities are turned round
        state[k - 1] = drift(state[k] * FORTH, STEP, 0.0, rng) * FORTH
    spread = [WIND_SIGMA, WIND_SIGMA, SPEED_SIGMA, ear.WIDE]
    steady = np.sqrt(STEP * np.array([ear.WIND_DRIFT, ear.WIND_DRIFT, ear.SPEED_DRIFT, ear.TONE_DRIFT]))
    walk = np.cumsum(rng.normal(size=air.shape) * steady, axis=0)
    air[:] = [*WIND, SPEED, ear.USUAL] + rng.normal(size=(runs, 4)) * spread + walk - walk[zero]
    return World(state, air)


def heard(world: World, seconds: float, stands: Place) -> tuple[F64, F64]:
    """Return what reaches an array: (runs, 3) where it seems to come from, m of the array; (runs,) ln of its tone.

    The delay is the root of |p(t - tau) + w tau - s| = c tau, found by repetition: it shrinks by a fifth or better.
    """
    tau = np.zeros(world.state.shape[1])
    for _ in range(ROUNDS):
        x, air = world.at(seconds - tau)
        wind = air[:, :2] @ SITE.rotation[:2]
        e = x[:, :3] + tau[:, None] * wind - stands.position
        tau = np.linalg.norm(e, axis=1) / air[:, 2]
    n = e / np.linalg.norm(e, axis=1)[:, None]
    along = (n * (x[:, 3:] - wind)).sum(1)
    return e @ stands.rotation.T, air[:, 3] + np.log(air[:, 2] - (n * wind).sum(1)) - np.log(air[:, 2] + along)


def measured(world: World, eye: Eye, seconds: float, rng: np.random.Generator) -> F64:
    """Return (runs, w) measurements with errors; NaN where nothing is measured."""
    stands, (x, _) = place(eye), world.at(np.full(world.state.shape[1], seconds))
    if eye.kind == Kind.PLANE:
        ahead = rng.normal(size=(len(x), 2)) * SIGMA[eye.kind]
        moved = x[:, :3] + np.einsum("nka,nk->na", axes(x[:, :3])[:, :2], ahead)
        return np.stack(geo.geodetic(moved)[:2], -1)
    e, v = (x[:, :3] - stands.position) @ stands.rotation.T, x[:, 3:] @ stands.rotation.T
    tone = np.zeros(len(x))
    if eye.kind == Kind.SOUND:
        e, tone = heard(world, seconds, stands)
    slant = np.linalg.norm(e, axis=1)
    z = np.stack([slant, np.arctan2(e[:, 0], e[:, 1]), np.arcsin(e[:, 2] / slant), (e * v).sum(1) / slant], -1)
    if eye.kind != Kind.POLAR:
        z = z[:, 1:3]
    if eye.kind == Kind.SOUND:
        z = np.hstack([z, tone[:, None]])
    z = z + rng.normal(size=z.shape) * SIGMA[eye.kind]
    if eye.kind == Kind.SOUND:
        z[:, 2] = np.exp(z[:, 2])
    z[:, [k for k in range(z.shape[1]) if k not in eye.parts]] = np.nan
    return z


def batch(eye: Eye, z: F64, time: int) -> Detections:
    """Return measurements (m, w) as detections of a look. time: ns."""
    sigma = np.broadcast_to(SIGMA[eye.kind], z.shape).copy()
    if eye.kind == Kind.SOUND:
        sigma[:, 2] *= np.nan_to_num(z[:, 2], nan=1.0)
    covariance = sigma[:, :, None] ** 2 * np.eye(z.shape[1])
    name = f"{eye.kind.name} {eye.at}"
    return detections(eye.kind, name, time, np.full(len(z), time), z, covariance, place=place(eye))


def told(world: World, filters: list[Filter], rng: np.random.Generator) -> None:
    """Begin a target in each run by a position at 0 s."""
    x, _ = world.at(np.zeros(len(filters)))
    turn, finds = axes(x[:, :3]), Sensor(Kind.POSITION, SEEN, QUIET)
    z = x[:, :3] + np.einsum("nka,nk->na", turn, rng.normal(size=(len(x), 3)) * FIRST)
    covariance = np.einsum("nka,k,nkb->nab", turn, FIRST**2, turn)
    for run, tracker in enumerate(filters):
        one = detections(Kind.POSITION, "first", START, np.array([START]), z[[run]], covariance[[run]])
        tracker.look(one, finds, START)


def errors(world: World, filters: list[Filter], parts: list[int]) -> F64:
    """Return (runs,) NEES of the likeliest target of each run at the time of its estimate, NaN where there is none."""
    found = [tracker.targets(0.2) for tracker in filters]
    best = [int(np.argmax(each.existence)) if len(each.label) else -1 for each in found]
    there = [k >= 0 for k in best]
    seconds = [(int(each.time[k]) - START) / SECOND if k >= 0 else 0.0 for each, k in zip(found, best, strict=True)]
    truth, _ = world.at(np.array(seconds))
    turn, nees = axes(truth[:, :3]), np.full(len(filters), np.nan)
    for run in np.flatnonzero(there):
        T = np.kron(np.eye(2), turn[run])[parts]
        error = T @ (found[run].mean[best[run]] - truth[run])
        nees[run] = error @ np.linalg.solve(T @ found[run].covariance[best[run]] @ T.T, error)
    return nees


def judge(case: Case, runs: int, seed: int) -> Judged:
    """Follow one target a run, look by look; looks before all have looked once do not count."""
    rng = np.random.default_rng(seed)
    world = made(rng, runs)
    filters = [Filter(ONE_MODEL, evenly(SITE, 60e3, 30.0, 15.0, cells=4), capacity=32) for _ in range(runs)]
    if case.told:
        told(world, filters, rng)
    parts = list(range(case.axes)) + list(range(3, 3 + case.axes))
    nees = np.full((LOOKS, runs), np.nan)
    for k in range(LOOKS):
        eye, time = case.eyes[k % len(case.eyes)], START + (k + 1) * SECOND
        z = measured(world, eye, k + 1.0, rng)
        there = (rng.random(runs) < SEEN) | (not case.told and k == 0)
        for run, tracker in enumerate(filters):
            if there[run] or sensor(eye).whole:
                tracker.look(batch(eye, z[[run]] if there[run] else z[:0], time), sensor(eye), time)
        if k >= len(case.eyes):
            nees[k] = errors(world, filters, parts)
    return Judged(nees[len(case.eyes) :], len(parts))


def main(runs: int, first: int) -> None:
    """Print one row a case. first: seed of the first case; each has one of its own."""
    low, high = (chi2.ppf(p, runs * 6) / (runs * 6) for p in ((1 - BAND) / 2, (1 + BAND) / 2))
    print(f"{runs} runs; band of the mean of 6 components: {low:.3f} to {high:.3f}")
    for number, (name, case) in enumerate(CASES.items()):
        print(row(f"matched: {name}", judge(case, runs, seed=first + number)), flush=True)


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    main(*given, *(400, 0)[len(given) :])
