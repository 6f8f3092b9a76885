"""Plots that no target of the scenario made: noise and clutter near the radar.

- Noise: each of reach / range cell x 360 / beam cells a look passes the threshold with the false alarm probability.
- Clutter: a number a look as the file says, falling off exponentially with the distance; slow.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from skywarden.model.place import F64, I64
from skywarden.sim.sense.radar_fleet import Flags, Fleet
from skywarden.sim.sense.radar_looks import FULL
from skywarden.sim.sky import Window

CLUTTER_DEPTH = 0.1  # of the reach: mean distance of clutter
CLUTTER_RATE = 3.0  # m/s, 1 sigma of what still moves in it: branches, waves
UNFILTERED = 300.0  # m/s; noise in the Doppler cells of a radar without blind speeds is anywhere within
REFRACTED = 4 / 3 * 6371000.0  # m


@dataclass(frozen=True, slots=True)
class Plots:
    """m plots, (m,) each: radar; true time s; distance m, azimuth rad; height m above the ellipsoid; rate m/s.

    power: what was received over the mean noise, the noise in it included.
    """

    radar: I64
    time: F64
    distance: F64
    azimuth: F64
    height: F64
    rate: F64
    power: F64

    def take(self, rows: Flags | I64) -> "Plots":
        """Return some of them."""
        return Plots(*(getattr(self, name)[rows] for name in self.__slots__))

    @classmethod
    def join(cls, parts: Sequence["Plots"]) -> "Plots":
        """Return all plots of all parts."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__))


def cells(fleet: Fleet) -> F64:
    """Return (n,) how many cells a look has."""
    return np.asarray(fleet.reach / fleet.cell * FULL / fleet.beam)


def false_plots(fleet: Fleet, window: Window, rng: np.random.Generator) -> Plots:
    """Return plots of noise and clutter with times in the window, of radars that are up then."""
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
        power = np.full(count, np.nan)  # drawn below, for those that are left
        parts.append(Plots(radar, time, distance, azimuth, height, _left(fleet, radar, rate, u[4]), power))
    found = Plots.join(parts)
    found = found.take(fleet.up(found.radar, found.time))
    power = fleet.threshold[found.radar] + fleet.half[found.radar] * rng.exponential(size=len(found.radar))
    return replace(found, power=power)


def _left(fleet: Fleet, radar: I64, rate: F64, u: F64) -> F64:
    """Return rates m/s that the filter leaves: `rate` past the notch, or where it is 0 any. u: (m,) 0..1."""
    speed = fleet.blind_speed[radar]
    notch = np.minimum(np.where(speed > 0, fleet.notch[radar], 0.0), speed / 2)
    widest = np.where(speed > 0, speed - notch, UNFILTERED)
    sign, part = np.where(u < 0.5, -1.0, 1.0), 2 * u % 1
    return sign * np.where(rate > 0, np.minimum(notch + rate, widest), notch + part * (widest - notch))
