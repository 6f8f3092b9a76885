"""Single birds around places: they come, wander about for minutes and go, as many as there are on average.

Where the circles of several places overlap there are as many as around the one with most: it is the same air. So two
radars that stand together see the same birds, and not each its own.

Births follow a Poisson process, even over the ground and in time, wider than the circles; a bird's flight is kept from
when it first comes within a circle to when it last is. So the number within a circle has the same mean at all times.
Lives, headings and shares are assumptions of ours, not counts of birds.
"""

from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from skywarden.errors import ConfigError
from skywarden.geo import ecef
from skywarden.geo.earth import ECCENTRICITY2, SEMI_MAJOR
from skywarden.model.place import F64, I64
from skywarden.sim.flight.fly import Ground, joined, renamed, stacked
from skywarden.sim.flight.profile import on_ellipsoid, profile
from skywarden.sim.flight.traffic import wind
from skywarden.sim.flight.way import MANNERS, cruise_speed
from skywarden.sim.kinds import KINDS, Kind
from skywarden.sim.scene.settings import Scene
from skywarden.sim.sky import Sky, Target

SEED = 97  # what the generator is for
NEAR = 8e3  # m over the ground, around each place
MARGIN = 5e3  # m that hardly a bird flies from the middle of its way to either end
LIFE = (120.0, 600.0)  # s
SOARING = 0.25  # how many circle, carried by the wind
MOST_WIND = 10.0  # m/s; no bird is carried faster
SWINGS = ((1.1, (100.0, 200.0)), (0.5, (20.0, 40.0)))  # rad to either side of the course, and s that it takes
SLOW = (300.0, 600.0)  # s, of changes of speed and height
CIRCLE = (22.0, 45.0)  # s that one takes
PROBE = 10  # s between the looks whether a bird is near
MOST = 200_000  # birds that may be drawn
MOST_TARGETS = 1 << 16  # of a scenario: rows of coverage.npy have no larger numbers
PART = 2_000  # birds that are flown at once


class Birds(NamedTuple):
    """n birds. latitude, longitude: (n,) rad in the middle of the way, at `middle` s; half: s from there to its ends.

    speed: m/s in the air; course: rad; height: m above the ground; swing: (n, 4) rad, phases; period: (n, 3) s, of two
    swings and of its speed and height; circle: rad/s, of those that soar, else 0.
    """

    latitude: F64
    longitude: F64
    middle: I64
    half: I64
    speed: F64
    course: F64
    height: F64
    swing: F64
    period: F64
    circle: F64

    def take(self, rows: I64 | NDArray[np.bool_]) -> "Birds":
        """Return some of them."""
        return Birds._make(column[rows] for column in self)


class Level(NamedTuple):
    """Rows of birds one after the other, (N,) each: which bird; s; latitude, longitude rad; m/s east and north; m."""

    bird: I64
    second: I64
    latitude: F64
    longitude: F64
    east: F64
    north: F64
    height: F64

    def take(self, rows: NDArray[np.bool_]) -> "Level":
        """Return some rows."""
        return Level._make(column[rows] for column in self)


def wildlife(stands: F64, counts: F64, scene: Scene, ground: Ground, seed: int) -> Sky:
    """Return the single birds of a scenario, called "bird": on average `counts` within 8 km of each stand.

    stands: (n, 3) latitude, longitude rad and height m; counts: (n,). Raises ConfigError if they would be too many.
    200 stands with 3 each for an hour took 2.2 s of one core, and 0.1 GB for the Sky.
    """
    rng, seconds = np.random.default_rng([seed, SEED]), ceil(scene.scenario.duration_s)
    stands, counts = stands[counts > 0], counts[counts > 0]
    skies = [stacked([], [], [], [])]
    if len(stands):
        tree = cKDTree(ecef(stands[:, 0], stands[:, 1], 0.0))
        birds = _alone(_drawn(stands, counts, seconds, rng), tree, counts, rng)
        carried = np.array(wind(scene.weather))
        carried *= min(1.0, MOST_WIND / max(float(np.hypot(*carried)), 1e-9))
        for first in range(0, len(birds.middle), PART):
            level = _level(birds.take(np.arange(first, min(first + PART, len(birds.middle)))), carried)
            skies.append(_risen(_near(level, tree, seconds), ground))
            if sum(map(len, skies)) > MOST_TARGETS:
                raise ConfigError(
                    f"there are more than {MOST_TARGETS} birds near radars in that time, which is as many targets as "
                    "can be numbered; write less radars.bird_clutter, or a shorter scenario.duration_s"
                )
    return joined(skies)


def inhabited(sky: Sky, birds: Sky) -> Sky:
    """Return one sky, with the birds last and numbered after others: the rows of all others stay as they are.

    Raises ConfigError for more targets than can be numbered.
    """
    whole, name = joined([sky, birds]), Kind.BIRD.value
    if len(whole) > MOST_TARGETS:
        raise ConfigError(
            f"{len(whole)} targets are more than {MOST_TARGETS}; write fewer in [[waves]] and [[traffic]], "
            f"or less radars.bird_clutter: {len(birds)} of them are birds near radars"
        )
    before = sum(target.kind is Kind.BIRD for target in sky.targets)
    numbered = [target._replace(name=f"{name}-{before + k + 1}") for k, target in enumerate(birds.targets)]
    return renamed(whole, [*sky.targets, *numbered])


def _drawn(stands: F64, counts: F64, seconds: int, rng: np.random.Generator) -> Birds:
    """Draw the birds of each stand as if it were the only one."""
    wide = NEAR + MARGIN
    mean = counts * (wide / NEAR) ** 2 * (seconds + LIFE[1]) / (0.5 * sum(LIFE))
    if mean.sum() > MOST:
        most = float(counts.max() * MOST / mean.sum())
        raise ConfigError(
            f"radars.bird_clutter makes about {mean.sum():,.0f} birds, more than {MOST:,} cannot be flown; "
            f"write bird_clutter = {most:.2g} or less, or a shorter scenario.duration_s"
        )
    stand = np.repeat(np.arange(len(stands)), rng.poisson(mean))
    count = len(stand)
    u = rng.random((7, count))
    away, bearing = wide * np.sqrt(u[0]), 2 * np.pi * u[1]
    meridian, across = _radii(stands[stand, 0])
    latitude = stands[stand, 0] + away * np.cos(bearing) / meridian
    soars = u[2] < SOARING
    low, high = KINDS[Kind.BIRD].height
    low, high = 1.25 * low, high / 1.25  # heights change by up to a fifth
    return Birds(
        latitude,
        stands[stand, 1] + away * np.sin(bearing) / (across * np.cos(latitude)),
        np.round(u[3] * (seconds + LIFE[1]) - LIFE[1] / 2).astype(np.int64),
        np.round(rng.uniform(*LIFE, count) / 2).astype(np.int64),
        cruise_speed(Kind.BIRD, 0.0) + u[4] * (cruise_speed(Kind.BIRD, 1.0) - cruise_speed(Kind.BIRD, 0.0)),
        2 * np.pi * u[5],
        low + (high - low) * np.where(soars, 0.3 + 0.7 * u[6], u[6] ** 2),
        rng.uniform(0, 2 * np.pi, (count, 4)),
        np.stack([rng.uniform(*between, count) for between in (SWINGS[0][1], SWINGS[1][1], SLOW)], 1),
        np.where(soars, np.sign(rng.random(count) - 0.5) * 2 * np.pi / rng.uniform(*CIRCLE, count), 0.0),
    )


def _alone(birds: Birds, tree: cKDTree, counts: F64, rng: np.random.Generator) -> Birds:
    """Leave out birds where circles overlap, so that there are as many as around the stand with most."""
    u, kept = rng.random(len(birds.middle)), [np.zeros(0, np.int64)]
    for first in range(0, len(u), PART):
        rows = np.arange(first, min(first + PART, len(u)))
        place = cKDTree(ecef(birds.latitude[rows], birds.longitude[rows], 0.0))
        pairs = tree.sparse_distance_matrix(place, 1.01 * (NEAR + MARGIN), output_type="ndarray")
        pairs.sort(order=["j", "i"])  # sums do not depend on how they were found
        total, most = np.zeros(len(rows)), np.zeros(len(rows))
        np.add.at(total, pairs["j"], counts[pairs["i"]])
        np.maximum.at(most, pairs["j"], counts[pairs["i"]])
        kept.append(rows[u[rows] * total < most])
    return birds.take(np.concatenate(kept))


def _level(birds: Birds, carried: F64) -> Level:
    """Fly birds over the ground for their whole lives. carried: (2,) m/s east, north, that soaring ones are carried."""
    count = 2 * birds.half + 1
    base, bird = np.cumsum(count) - count, np.repeat(np.arange(len(count)), count)
    since = np.arange(len(bird)) - np.repeat(base + birds.half, count)  # s since the middle
    soars, phase = birds.circle != 0, birds.swing[bird]
    heading = birds.course[bird] + birds.circle[bird] * since
    for k, (swing, _) in enumerate(SWINGS):
        wave = np.sin(2 * np.pi * since / birds.period[bird, k] + phase[:, k])
        heading += np.where(soars, 0.0, swing)[bird] * wave
    slow = 2 * np.pi * since / birds.period[bird, 2]
    speed = birds.speed[bird] * (1 + MANNERS[Kind.BIRD].wander * np.sin(slow + phase[:, 2]))
    east = speed * np.sin(heading) + np.where(soars, carried[0], 0.0)[bird]
    north = speed * np.cos(heading) + np.where(soars, carried[1], 0.0)[bird]
    middle = base + birds.half
    meridian, _ = _radii(birds.latitude)
    latitude = birds.latitude[bird] + _way(north / meridian[bird], middle, bird)
    _, across = _radii(latitude)
    longitude = birds.longitude[bird] + _way(east / (across * np.cos(latitude)), middle, bird)
    height = birds.height[bird] * (1 + 0.2 * np.sin(slow + phase[:, 3]))
    return Level(bird, birds.middle[bird] + since, latitude, longitude, east, north, height)


def _way(rate: F64, middle: I64, bird: I64) -> F64:
    """Return (N,) the integral of `rate` (N,) from the middle of each bird's rows."""
    whole = np.cumsum(rate) - 0.5 * rate  # trapezoids
    return np.asarray(whole - whole[middle][bird])


def _near(level: Level, tree: cKDTree, seconds: int) -> Level:
    """Keep each bird's rows of the scenario, from the last look before it comes near to the first after it has left."""
    birds = int(level.bird[-1]) + 1
    probes = np.flatnonzero(level.second % PROBE == 0)
    place = ecef(level.latitude[probes], level.longitude[probes], 0.0)
    away, _ = tree.query(place, distance_upper_bound=NEAR)
    inside = probes[np.isfinite(away)]
    first, last = np.full(birds, seconds + 1), np.full(birds, -1)
    np.minimum.at(first, level.bird[inside], level.second[inside] - PROBE)
    np.maximum.at(last, level.bird[inside], level.second[inside] + PROBE)
    first, last = np.maximum(first, 0), np.minimum(last, seconds)
    kept = level.take((level.second >= first[level.bird]) & (level.second <= last[level.bird]))
    rows = np.bincount(kept.bird, minlength=birds)
    return kept.take(rows[kept.bird] >= 2)


def _risen(level: Level, ground: Ground) -> Sky:
    """Give birds their heights above the ground, and the rows to a Sky."""
    base = np.flatnonzero(np.diff(level.bird, prepend=-1))
    count = np.diff(base, append=len(level.bird))
    traits, manner = KINDS[Kind.BIRD], MANNERS[Kind.BIRD]
    limits = np.tile([traits.climb, manner.dive, manner.smooth, 0.0], (len(base), 1))
    below, height, rate = ground.height(level.latitude, level.longitude), level.height.copy(), np.empty(len(level.bird))
    profile(below, height, np.stack([base, count, count], 1), limits, rate)
    position, velocity = np.empty((2, len(rate), 3))
    on_ellipsoid((level.latitude, level.longitude, height), (level.east, level.north, rate), position, velocity)
    targets: Sequence[Target] = [Target(Kind.BIRD.value, Kind.BIRD, False)] * len(base)
    return Sky(tuple(targets), level.second[base], count, base, position, velocity)


def _radii(latitude: F64) -> tuple[F64, F64]:
    """Return the radii of curvature along the meridian and across it, m. Source: NIMA TR8350.2, section 4."""
    w = 1 - ECCENTRICITY2 * np.sin(latitude) ** 2
    return SEMI_MAJOR * (1 - ECCENTRICITY2) / w**1.5, SEMI_MAJOR / np.sqrt(w)
