"""A rotating radar: when its beam passes each flier, whether it sees it, and what it measures.

Sources: Skolnik, Introduction to Radar Systems, 3rd ed., sections 2.8 (Swerling 1) and 8.2 (4/3 earth horizon).
"""

from dataclasses import dataclass

import msgspec
import numpy as np

from skywarden.geo import place
from skywarden.model.place import F64, I64, Place
from skywarden.sim.raid import EARTH, Flier, Fliers

REFRACTED_EARTH = 4 / 3 * EARTH  # m; standard refraction
FALSE_ALARM = 1e-6  # per cell
HALF_RANGE_M = {Flier.UAV: 75e3, Flier.AIRLINER: 300e3, Flier.HELICOPTER: 140e3, Flier.BIRDS: 14e3}  # where Pd is 0.5
HEIGHT_SIGMA = 0.004  # times the level distance: an elevation measured to 0.23 deg
REPLIES = 0.98  # of a transponder, per pass
CLUTTER = -1  # flier of a plot that nothing real made


class Radar(msgspec.Struct, frozen=True, kw_only=True):
    """One radar: where it stands, how it turns, how well it measures."""

    name: str
    sac: int
    sic: int
    latitude: float  # deg
    longitude: float  # deg
    height_m: float  # of the antenna above the ellipsoid
    period_s: float  # one turn
    phase_s: float = 0.0  # when it passes north for the first time
    reach_m: float = 120e3  # instrumented range
    power: float = 1.0  # times the ranges of HALF_RANGE_M
    range_sigma_m: float = 30.0
    azimuth_sigma_deg: float = 0.08
    highest_deg: float = 60.0  # it sees nothing above this elevation: the cone of silence
    clutter: float = 3.0  # false plots a turn, on average
    measures_height: bool = False

    def stands(self) -> Place:
        """Return its place; azimuths count from true north."""
        return place(np.radians(self.latitude), np.radians(self.longitude), self.height_m)


@dataclass(frozen=True, slots=True)
class Plots:
    """n plots in time order. time: (n,) s; distance: (n,) slant m; azimuth: (n,) rad from true north, clockwise.

    height: (n,) m above the sea, as the radar measures it; level: (n,) m, as a transponder reports it (the air of this
    coast is the standard one at 1013.25 hPa). flier: (n,) row of Fliers or CLUTTER. replied: (n,) bool, it answered.
    """

    time: F64
    distance: F64
    azimuth: F64
    height: F64
    level: F64
    flier: I64
    replied: np.ndarray[tuple[int], np.dtype[np.bool_]]


def look(radar: Radar, fliers: Fliers, seconds: float, rng: np.random.Generator) -> Plots:
    """Return all plots of one radar over `seconds`."""
    rows, times = passes(radar, fliers, seconds)
    chart = fliers.at(rows, times)
    distance, azimuth = aim(radar, fliers, rows, times)
    kinds = [route.kind for route in fliers.routes]
    half = radar.power * np.array([HALF_RANGE_M[kind] for kind in kinds])[rows]
    answers = np.array([route.address >= 0 for route in fliers.routes])[rows]
    seen = rng.random(len(rows)) < detection(distance, half)
    replied = answers & (rng.random(len(rows)) < REPLIES)
    above = chart[:, 2] - radar.height_m
    reached = (distance < radar.reach_m) & (distance < horizon(radar.height_m, chart[:, 2]))
    reached &= above < distance * np.sin(np.radians(radar.highest_deg))
    noise = rng.normal(size=(3, len(rows)))
    level = np.sqrt(np.maximum(distance**2 - above**2, 0.0))
    measured = distance + noise[0] * radar.range_sigma_m
    heard = chart[:, 2] + (measured - distance) * above / distance + noise[2] * HEIGHT_SIGMA * level
    keep = (seen | replied) & reached & ~np.isnan(distance)
    false = _clutter(radar, seconds, rng)
    plots = Plots(
        np.concatenate([times[keep], false.time]),
        np.concatenate([measured[keep], false.distance]),
        np.concatenate([(azimuth + noise[1] * np.radians(radar.azimuth_sigma_deg))[keep], false.azimuth]),
        np.concatenate([np.maximum(heard, 0.0)[keep], false.height]),
        np.concatenate([chart[keep, 2], false.level]),
        np.concatenate([rows[keep], false.flier]),
        np.concatenate([replied[keep], false.replied]),
    )
    order = np.argsort(plots.time, kind="stable")
    return Plots(*(getattr(plots, name)[order] for name in plots.__slots__))


def passes(radar: Radar, fliers: Fliers, seconds: float) -> tuple[I64, F64]:
    """Return rows (m,) and times (m,) s at which the beam passes each flier, turn by turn."""
    turns = np.arange(-1, int(seconds / radar.period_s) + 1) * radar.period_s + radar.phase_s
    rows = np.repeat(np.arange(len(fliers)), len(turns))
    north = np.tile(turns, len(fliers))
    times = north + radar.period_s / 2
    for _ in range(3):  # the azimuth moves by far less than a turn, so this settles at once
        azimuth = aim(radar, fliers, rows, times)[1]
        times = north + np.where(np.isnan(azimuth), 0.5, azimuth / (2 * np.pi)) * radar.period_s
    inside = (times >= 0) & (times < seconds)
    return rows[inside], times[inside]


def aim(radar: Radar, fliers: Fliers, rows: I64, times: F64) -> tuple[F64, F64]:
    """Return true slant range (m,) m and azimuth (m,) rad in 0..2 pi."""
    stands = radar.stands()
    east, north, up = ((fliers.ecef(rows, times) - stands.position) @ stands.rotation.T).T
    return np.sqrt(east**2 + north**2 + up**2), np.arctan2(east, north) % (2 * np.pi)


def horizon(antenna: float, height: F64) -> F64:
    """Return how far away (m) something at `height` m can be and still be seen by an antenna at `antenna` m."""
    sight: F64 = np.sqrt(2 * REFRACTED_EARTH * antenna) + np.sqrt(2 * REFRACTED_EARTH * np.maximum(height, 0.0))
    return sight


def detection(distance: F64, half: F64) -> F64:
    """Return the probability of detection of a Swerling 1 target that is seen half of the time at `half` m."""
    signal = (np.log(FALSE_ALARM) / np.log(0.5) - 1) * (half / np.maximum(distance, 1.0)) ** 4
    return np.asarray(np.exp(np.log(FALSE_ALARM) / (1 + signal)))


def _clutter(radar: Radar, seconds: float, rng: np.random.Generator) -> Plots:
    """Return false plots: as many per ring of equal width, so denser near the radar, as sea clutter is."""
    count = int(rng.poisson(radar.clutter * seconds / radar.period_s))
    time = rng.random(count) * seconds
    azimuth = (time - radar.phase_s) / radar.period_s * 2 * np.pi % (2 * np.pi)
    distance = 1000 + rng.random(count) * (0.5 * radar.reach_m - 1000)
    height = rng.random(count) * 300
    return Plots(time, distance, azimuth, height, height, np.full(count, CLUTTER), np.zeros(count, bool))
