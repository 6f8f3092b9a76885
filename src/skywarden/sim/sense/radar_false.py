"""Plots that no target of the scenario made: noise, clutter near the radar, single birds.

- Noise: each of reach / range cell x 360 / beam cells a look passes the threshold with the false alarm probability.
- Clutter: a number a look as the file says, falling off exponentially with the distance; slow.
- Birds: so many plots a look on average, of single birds that fly straight on at 8 to 18 m/s for minutes, so the same
  bird comes again at the next look, a little further on. They are drawn once for the whole scenario, and each radar
  has its own: what a radar sees of one bird reaches no other radar's cells.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skywarden.model.place import F64, I64
from skywarden.sim.sense.radar_fleet import Flags, Fleet
from skywarden.sim.sense.radar_looks import FULL
from skywarden.sim.sense.radar_signal import blind
from skywarden.sim.sky import Window

CLUTTER_DEPTH = 0.1  # of the reach: mean distance of clutter
CLUTTER_RATE = 3.0  # m/s, 1 sigma of what still moves in it: branches, waves
UNFILTERED = 300.0  # m/s; noise in the Doppler cells of a radar without blind speeds is anywhere within
BIRD_SEEN = 0.5  # of one look
BIRD_SPEED = (8.0, 18.0)  # m/s
BIRD_LIFE = (120.0, 600.0)  # s in sight
BIRD_HEIGHT = (30.0, 600.0)  # m above the radar
BIRD_SECTION = 0.02  # m^2; sets how far away birds are seen
REFRACTED = 4 / 3 * 6371000.0  # m


@dataclass(frozen=True, slots=True)
class Plots:
    """m plots, (m,) each: radar; true time s; distance m, azimuth rad; height m above the ellipsoid; rate m/s."""

    radar: I64
    time: F64
    distance: F64
    azimuth: F64
    height: F64
    rate: F64

    def take(self, rows: Flags | I64) -> "Plots":
        """Return some of them."""
        return Plots(*(getattr(self, name)[rows] for name in self.__slots__))

    @classmethod
    def join(cls, parts: Sequence["Plots"]) -> "Plots":
        """Return all plots of all parts."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__))


@dataclass(frozen=True, slots=True)
class Birds:
    """n birds. radar: (n,). span: (n, 2) s from, to. place, velocity: (n, 2) m, m/s east and north of its radar at
    span[:, 0]; height: (n,) m above it."""

    radar: I64
    span: F64
    place: F64
    velocity: F64
    height: F64


def cells(fleet: Fleet) -> F64:
    """Return (n,) how many cells a look has."""
    return np.asarray(fleet.reach / fleet.cell * FULL / fleet.beam)


def false_plots(fleet: Fleet, window: Window, rng: np.random.Generator) -> Plots:
    """Return plots of noise and clutter with times in the window."""
    first = np.ceil((window.start - fleet.phase) / fleet.period)
    looks = np.where(
        fleet.stares,
        np.ceil((window.end - fleet.phase) / fleet.period) - first,
        (window.end - window.start) / fleet.period,
    )
    parts = []
    for clutter, mean in ((False, cells(fleet) * fleet.false_alarm), (True, fleet.clutter)):
        radar = np.repeat(np.arange(len(fleet)), rng.poisson(mean * looks))
        count, u = len(radar), rng.random((5, len(radar)))
        period, phase = fleet.period[radar], fleet.phase[radar]
        time = np.where(
            fleet.stares[radar],
            phase + (first[radar] + np.floor(u[0] * looks[radar])) * period,
            window.start + u[0] * (window.end - window.start),
        )
        azimuth = np.where(fleet.stares[radar], u[1], (time - phase) / period % 1) * FULL
        if clutter:
            distance = -np.log1p(-u[2] * (1 - np.exp(-1 / CLUTTER_DEPTH))) * CLUTTER_DEPTH * fleet.reach[radar]
            rise, rate = u[3] * 100, np.abs(rng.normal(0, CLUTTER_RATE, count))
        else:
            distance, angle = u[2] * fleet.reach[radar], u[3] * fleet.highest[radar]
            rise, rate = distance * np.sin(angle), np.zeros(count)
        height = fleet.height[radar] + rise + distance**2 / (2 * REFRACTED)
        parts.append(Plots(radar, time, distance, azimuth, height, _left(fleet, radar, rate, u[4])))
    return Plots.join(parts)


def _left(fleet: Fleet, radar: I64, rate: F64, u: F64) -> F64:
    """Return rates m/s that the filter leaves: `rate` past the notch, or where it is 0 any. u: (m,) 0..1."""
    speed = fleet.blind_speed[radar]
    notch = np.minimum(np.where(speed > 0, fleet.notch[radar], 0.0), speed / 2)
    widest = np.where(speed > 0, speed - notch, UNFILTERED)
    sign, part = np.where(u < 0.5, -1.0, 1.0), 2 * u % 1
    return sign * np.where(rate > 0, np.minimum(notch + rate, widest), notch + part * (widest - notch))


def flock(fleet: Fleet, seconds: float, rng: np.random.Generator) -> Birds:
    """Draw the single birds around all radars for the whole scenario.

    As many as make `bird_clutter` plots a look, with BIRD_SEEN and what the moving-target filter takes out.
    """
    life = (BIRD_LIFE[0] + BIRD_LIFE[1]) / 2
    present = fleet.birds / (BIRD_SEEN * np.maximum(_fast_enough(fleet), 0.05))
    radar = np.repeat(np.arange(len(fleet)), rng.poisson(present * (seconds + life) / life))
    count, u = len(radar), rng.random((6, len(radar)))
    begin = u[0] * (seconds + life) - life
    span = np.stack([begin, begin + rng.uniform(*BIRD_LIFE, count)], 1)
    limit = np.minimum((fleet.half * BIRD_SECTION) ** 0.25 * fleet.reference, fleet.reach / 2)[radar]
    away, where = np.sqrt(u[1]) * limit, u[2] * FULL
    speed, course = BIRD_SPEED[0] + u[3] * (BIRD_SPEED[1] - BIRD_SPEED[0]), u[4] * FULL
    velocity = np.stack([speed * np.sin(course), speed * np.cos(course)], 1)
    middle = np.stack([away * np.sin(where), away * np.cos(where)], 1)  # where it is at half its time
    place = middle - velocity * (span[:, 1] - span[:, 0])[:, None] / 2
    return Birds(radar, span, place, velocity, BIRD_HEIGHT[0] + u[5] * (BIRD_HEIGHT[1] - BIRD_HEIGHT[0]))


def _fast_enough(fleet: Fleet) -> F64:
    """Return (n,) the share of birds whose range rate is not in the notch at zero: all courses are as likely."""
    speed = np.linspace(*BIRD_SPEED, 101)
    slow = np.minimum(fleet.notch[:, None] / speed, 1.0)
    return np.where(fleet.blind_speed > 0, (2 / np.pi * np.arccos(slow)).mean(1), 1.0)


def bird_plots(fleet: Fleet, birds: Birds, window: Window, rng: np.random.Generator) -> Plots:
    """Return plots of single birds with times in the window."""
    around = np.flatnonzero((birds.span[:, 0] < window.end) & (birds.span[:, 1] >= window.start))
    radar = birds.radar[around]
    period, phase = fleet.period[radar], fleet.phase[radar]
    first = np.floor((window.start - phase) / period).astype(np.int64) - 1
    count = np.ceil((window.end - window.start) / period).astype(np.int64) + 3
    row = np.repeat(np.arange(len(around)), count)
    number = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count) + first[row]
    bird, radar, north = around[row], radar[row], number * period[row] + phase[row]
    time = north + period[row] / 2
    for _ in range(3):
        east, ahead = (birds.place[bird] + birds.velocity[bird] * (time - birds.span[bird, 0])[:, None]).T
        azimuth = np.arctan2(east, ahead) % FULL
        time = np.where(fleet.stares[radar], north, north + azimuth / FULL * period[row])
    level = np.hypot(east, ahead)
    height = birds.height[bird]
    distance = np.hypot(level, height)
    rate = (birds.velocity[bird] * np.stack([east, ahead], 1)).sum(1) / distance
    keep = (time >= window.start) & (time < window.end) & (rng.random(len(time)) < BIRD_SEEN)
    keep &= (time >= birds.span[bird, 0]) & (time < birds.span[bird, 1]) & (distance < fleet.reach[radar])
    keep &= ~blind(rate, fleet.blind_speed[radar], fleet.notch[radar])
    above = fleet.height[radar] + height + level**2 / (2 * REFRACTED)
    return Plots(radar, time, distance, azimuth, above, rate).take(keep)
