"""What sounds like an engine and is none of ours: mopeds and cars on roads, chainsaws, claps of thunder.

Drawn once for the whole scenario, so that it goes on from window to window and from node to node.
"""

from collections.abc import Callable
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from skywarden.model.place import F64, I64
from skywarden.sim.kinds import Voice
from skywarden.sim.sense.ears import Ears

DISTURBANCES = 63  # second word of the seed


class Noise(IntEnum):
    """What makes the noise. The first three have a voice; a clap's loudness is drawn."""

    MOPED = 0
    CAR = 1
    CHAINSAW = 2
    CLAP = 3  # thunder, blasting, guns


# DESIGN section 9: source levels at 1 m, mostly derived
VOICES = (
    Voice(100, (70, 130), 40, -5, -8),
    Voice(92, (30, 80), 30, -7, 6),
    Voice(108, (140, 215), 40, -4, -8),
)
SHARES = (0.45, 0.25, 0.26, 0.04)  # of sources, not of onsets: a clap is heard by 20 nodes, a moped by 3 (assumption)
ROAD_M_S = (8.0, 15.0)
ROAD_M = 12_000.0  # nodes within it are passed on the same road
SAW_S = 240.0  # mean time that a chainsaw is used
SAW_CYCLE_S = 18.0  # between two cuts
CLAP_S = 6.0  # a rumble lasts
CLAP_DEFLECTION = (6.0, 15.0)  # d' of a clap nearby
CLAP_FALL_M = 8000.0


class Disturbances(NamedTuple):
    """m onsets, one for each node that hears a source, in the order of `begin`.

    begin, end: s; source: number of what makes it; noise: of `Noise`; nearest: s when a vehicle is nearest; miss: m,
    how near, positive when it then is to the right of `heading`, rad, that it goes in with `speed`, m/s (a saw, a clap:
    simply at that distance and to that side); tone: Hz, NaN none; peak: d' of a clap.
    """

    node: I64
    begin: F64
    end: F64
    source: I64
    noise: I64
    nearest: F64
    miss: F64
    speed: F64
    heading: F64
    tone: F64
    peak: F64


class Passing(NamedTuple):
    """What is heard of them at one time, k rows: which onset, and distance m, radial speed m/s, azimuth rad now."""

    row: I64
    distance: F64
    leaving: F64
    azimuth: F64


Row = tuple[float, ...]
Rows = list[Row]
Draw = Callable[[np.random.Generator, "Country", int, float], Rows]


class Country(NamedTuple):
    """What sources are drawn from. tree: of the nodes' level; level: (n, 2) m; reach: (3,) m of each voice."""

    tree: "cKDTree[None]"
    level: F64
    reach: F64
    sound_m_s: float


def disturbances(of: Ears, reach: F64, sound_m_s: float, seconds: float, seed: int) -> Disturbances:
    """Draw all onsets within [0, seconds): as many as the nodes' rates say, by Poisson."""
    rng = np.random.default_rng([seed, DISTURBANCES])
    wanted = int(rng.poisson(of.rate.sum() * seconds))
    country = Country(cKDTree(of.level), of.level, reach, sound_m_s)
    share = np.cumsum(of.rate) / max(float(of.rate.sum()), 1e-300)
    rows: Rows = []
    source = 0
    while len(rows) < wanted:
        node = min(int(np.searchsorted(share, rng.random())), len(share) - 1)
        noise = int(rng.choice(len(SHARES), p=SHARES))
        begin = rng.uniform(0, seconds)
        rows += [(*row, source, noise) for row in DRAWS[noise](rng, country, node, begin)]
        source += 1
    rows = sorted(rows[:wanted], key=lambda row: (row[1], row[0]))
    table = np.array(rows, float).reshape(-1, 11)
    node_, begin_, end, nearest, miss, speed, heading, tone, peak, source_, noise_ = table.T
    whole = (node_.astype(np.int64), source_.astype(np.int64), noise_.astype(np.int64))
    return Disturbances(whole[0], begin_, end, whole[1], whole[2], nearest, miss, speed, heading, tone, peak)


def _vehicle(noise: Noise) -> Draw:
    def draw(rng: np.random.Generator, country: Country, node: int, begin: float) -> Rows:
        """Pass 2 to 5 nodes that lie most nearly along a road through the first one."""
        heading, speed = rng.uniform(0, 2 * np.pi), rng.uniform(*ROAD_M_S)
        road = np.array([np.sin(heading), np.cos(heading)])
        near = np.sort(np.asarray(country.tree.query_ball_point(country.level[node], ROAD_M), np.int64))
        offset = country.level[near] - country.level[node]
        along, beside = offset @ road, abs(offset @ np.array([road[1], -road[0]]))
        ahead = (along > 0) | (near == node)
        order = np.lexsort((near, np.where(ahead, beside - 0.2 * along * (near != node), np.inf)))
        passed = order[: min(int(rng.integers(2, 6)), int(np.count_nonzero(ahead)))]
        passed = passed[np.argsort(along[passed], kind="stable")]
        reach, tone = country.reach[noise], rng.uniform(*VOICES[noise].fundamental_hz)
        rows: Rows = []
        for k in passed:
            miss = reach * rng.uniform(0.05, 0.8) * rng.choice([-1.0, 1.0])  # roads go between nodes, not over them
            half = np.sqrt(reach**2 - miss**2) / speed
            nearest = begin + half + along[k] / speed
            rows.append((near[k], nearest - half, nearest + half, nearest, miss, speed, heading, tone, np.nan))
        return rows

    return draw


def _chainsaw(rng: np.random.Generator, country: Country, node: int, begin: float) -> Rows:
    distance = country.reach[Noise.CHAINSAW] * np.sqrt(rng.uniform(0.01, 0.8))
    end = begin + max(20.0, rng.exponential(SAW_S))
    tone = rng.uniform(*VOICES[Noise.CHAINSAW].fundamental_hz)
    return [(node, begin, end, begin, distance, 0.0, rng.uniform(0, 2 * np.pi), tone, np.nan)]


def _clap(rng: np.random.Generator, country: Country, node: int, begin: float) -> Rows:
    """Let 10 to 30 nodes hear a clap some kilometres from the first one, each when its sound arrives."""
    where = country.level[node] + rng.normal(0, 2000.0, 2)
    many = min(int(rng.integers(10, 31)), len(country.level))
    away, nodes = country.tree.query(where, np.arange(1, many + 1))
    peak, up = rng.uniform(*CLAP_DEFLECTION), rng.uniform(500.0, 2000.0)
    rows: Rows = []
    for distance, k in zip(np.hypot(away, up), np.atleast_1d(nodes), strict=True):
        to = where - country.level[k]
        arrives = begin + distance / country.sound_m_s
        loud = peak * np.exp(-distance / CLAP_FALL_M)
        heading = np.arctan2(to[0], to[1]) - np.pi / 2
        rows.append((k, arrives, arrives + CLAP_S, arrives, distance, 0.0, heading, np.nan, loud))
    return rows


DRAWS: tuple[Draw, ...] = (_vehicle(Noise.MOPED), _vehicle(Noise.CAR), _chainsaw, _clap)


def audible(of: Disturbances, time: float) -> Passing:
    """Return what sounds at `time`, s, where it is then, and how fast it goes away."""
    row = np.flatnonzero((of.begin <= time) & (time < of.end))
    since = time - of.nearest[row]
    cutting = (of.noise[row] != Noise.CHAINSAW) | (np.mod(since, SAW_CYCLE_S) < 0.7 * SAW_CYCLE_S)
    row, since = row[cutting], since[cutting]
    along = of.speed[row] * since
    distance = np.hypot(of.miss[row], along)
    azimuth = of.heading[row] + np.arctan2(of.miss[row], along)
    return Passing(row, distance, of.speed[row] * along / np.maximum(distance, 1.0), azimuth)
