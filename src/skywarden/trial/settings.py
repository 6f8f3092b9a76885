"""The world of a benchmark scenario as its meta.json says it, and what that means as settings of the tracker.

Only what is given there is set: noise, detection, clutter, motion. How tracks are confirmed, gated, associated and
ended stays as it is for everybody.
"""

from collections.abc import Mapping
from math import log, pi, sqrt
from typing import Annotated, NamedTuple

import msgspec
import numpy as np
from msgspec import Meta

from skywarden.model.detection import Kind
from skywarden.model.place import F64, Place
from skywarden.track.pmb import FilterSettings, Sensor, Unseen, evenly

UNSEEN, APPEAR = 30.0, 15.0  # targets in reach at the beginning, and new ones a minute, which no scenario says
LEAST = 1e-3  # false alarms a scan where there are fewer or none
CALM, BUSY = 0.1, 8.0  # noise of both models of motion in that of the one that the scenario names
UPRIGHT_NOISE, UPRIGHT_CLIMB = 0.1, 3.0  # m^2/s^3, m/s, as the peer has them
FLAT_HEIGHT, FLAT_CLIMB, FLAT_NOISE = 10.0, 1.0, 1e-6  # where targets lie in a plane: small, and not nothing
KNOWN = 1e9  # shape of a Gamma distribution that is as good as one number
CELLS = 32  # along a side of the area
CAPACITY, ROOM = 4096, 8  # targets that there is room for: at least, and for each plot of the largest scan

Positive = Annotated[float, Meta(gt=0, le=1e9)]
Counted = Annotated[float, Meta(ge=0, le=1e9)]
Probability = Annotated[float, Meta(gt=0, le=1)]


class Radar(msgspec.Struct, frozen=True):
    """One sensor. lam: false alarms a scan, evenly over range, bearing and, where measured, elevation and range rate.

    pos: m, in the scenario's axes; sigma_: 1 sigma, m, rad, m/s; rmax: m; pd: probability; lim: from, to, rad, m/s.
    """

    id: int
    pos: tuple[float, float, float]
    sigma_r: Positive
    sigma_b: Positive
    rmax: Positive
    pd: Probability
    lam: Counted
    sigma_e: Counted = 0.0
    sigma_rr: Counted = 0.0
    e_lim: tuple[float, float] = (0.0, 0.0)
    rr_lim: tuple[float, float] = (0.0, 0.0)


class Hint(msgspec.Struct, frozen=True):
    """What every tracker is told. q: white acceleration, m^2/s^3; vmax: m/s, the fastest target."""

    q: Counted
    vmax: Positive


class Radars(msgspec.Struct, frozen=True):
    """The layout with radars. dt: s between two looks of one."""

    dim: Annotated[int, Meta(ge=2, le=3)]
    dt: Positive
    sensors: Annotated[tuple[Radar, ...], Meta(min_length=1)]
    tracker_hint: Hint

    def __post_init__(self) -> None:
        """Raise ValueError, which msgspec tells with the place, for what only all fields together show."""
        for k, radar in enumerate(self.sensors if self.dim == 3 else ()):
            for name in ("sigma_e", "sigma_rr"):
                if not getattr(radar, name) > 0:
                    raise ValueError(f"sensors[{k}].{name} must be > 0 where dim is 3")
            for name in ("e_lim", "rr_lim"):
                low, high = getattr(radar, name)
                if not low < high:
                    raise ValueError(f"sensors[{k}].{name} must be two numbers that rise where dim is 3")
        if len({radar.id for radar in self.sensors}) < len(self.sensors):
            raise ValueError("sensors must have an id each of their own")


class Birth(msgspec.Struct, frozen=True):
    """Where new targets appear: so many a step, normally distributed. mean, std: of x, vx, y, vy."""

    weight: Counted
    mean: tuple[float, float, float, float]
    std: tuple[Positive, Positive, Positive, Positive]


class Crossing(msgspec.Struct, frozen=True):
    """The layout with positions. dt: s a step; q: m^2/s^3; R: m^2; area: x from, to, y from, to, m.

    ps: that a target lives on, a step; initial_poisson_weight: targets at the beginning; report_existence: from which
    probability a target counts as there.
    """

    dt: Positive
    q: Counted
    R: tuple[tuple[float, float], tuple[float, float]]
    pd: Probability
    clutter_per_scan: Counted
    area: tuple[float, float, float, float]
    birth: Birth
    ps: Probability
    initial_poisson_weight: Counted
    report_existence: Probability

    def __post_init__(self) -> None:
        """Raise ValueError, which msgspec tells with the place, for what only all fields together show."""
        (xx, xy), (yx, yy) = self.R
        if not (xx > 0 and xy == yx and xx * yy > xy * yx):
            raise ValueError("R must be a covariance: symmetric and positive definite")
        if not (self.area[0] < self.area[1] and self.area[2] < self.area[3]):
            raise ValueError("area must be x from, to, y from, to, each rising")


class World(NamedTuple):
    """What the filter is told of a scenario. sensors: by name. capacity: targets that there is room for."""

    settings: FilterSettings
    sensors: Mapping[str, Sensor]
    unseen: Unseen
    capacity: int


def radar_world(meta: Radars, middle: Place, plots: int) -> World:
    """Return the world of a layout with radars, around `middle`, the scenario's origin. plots: most of any scan.

    How many targets there are and appear is not said; UNSEEN and APPEAR hold for every scenario, and the filter learns.
    """
    flat = meta.dim == 2
    settings = FilterSettings(
        calm_noise_m2_s3=CALM * meta.tracker_hint.q,
        busy_noise_m2_s3=BUSY * meta.tracker_hint.q,
        vertical_noise_m2_s3=FLAT_NOISE if flat else UPRIGHT_NOISE,
        birth_level_speed_m_s=meta.tracker_hint.vmax / sqrt(3),
        birth_vertical_speed_m_s=FLAT_CLIMB if flat else UPRIGHT_CLIMB,
        height_m=0.0,
        height_sigma_m=FLAT_HEIGHT,
        speeds_m_s=2.0 * meta.tracker_hint.vmax,
    )
    sensors = {f"radar{radar.id}": _radar(radar, meta) for radar in meta.sensors}
    half = max(radar.rmax for radar in meta.sensors)
    return World(settings, sensors, evenly(middle, half, UNSEEN, APPEAR), max(CAPACITY, ROOM * plots))


def _radar(radar: Radar, meta: Radars) -> Sensor:
    volume = radar.rmax * 2 * pi
    if meta.dim == 3:
        volume *= (radar.e_lim[1] - radar.e_lim[0]) * (radar.rr_lim[1] - radar.rr_lim[0])
    return Sensor(
        Kind.POLAR,
        detection=radar.pd,
        clutter=max(radar.lam, LEAST),
        volume=volume,
        reach_m=radar.rmax,
        revisit_s=meta.dt,
    )


def crossing_world(meta: Crossing, middle: Place, plots: int) -> World:
    """Return the world of the layout with positions; `middle` is that of its area. Its model is told, not learned."""
    west, east, south, north = meta.area
    settings = FilterSettings(
        calm_noise_m2_s3=meta.q,
        busy_noise_m2_s3=meta.q,
        vertical_noise_m2_s3=FLAT_NOISE,
        end_after_s=-meta.dt / log(min(meta.ps, 1.0 - 1e-9)),
        birth_level_speed_m_s=meta.birth.std[1],
        birth_vertical_speed_m_s=FLAT_CLIMB,
        height_m=0.0,
        height_sigma_m=FLAT_HEIGHT,
        birth_shape=KNOWN,
        shown_existence=meta.report_existence,
    )
    per_m2 = max(meta.clutter_per_scan, LEAST) / ((east - west) * (north - south))
    sensor = Sensor(Kind.PLANE, detection=meta.pd, clutter=per_m2, revisit_s=meta.dt)
    cell = max(east - west, north - south) / CELLS
    along = (np.arange(CELLS) + 0.5) * cell
    x = _normal(np.asarray(west + along, float), meta.birth.mean[0], meta.birth.std[0])
    y = _normal(np.asarray(south + along, float), meta.birth.mean[2], meta.birth.std[2])
    density = y[:, None] * x[None, :]
    unseen = Unseen(middle, cell, meta.initial_poisson_weight * density, meta.birth.weight / meta.dt * density)
    return World(settings, {"sensor": sensor}, unseen, max(CAPACITY, ROOM * plots))


def _normal(x: F64, mean: float, sigma: float) -> F64:
    return np.asarray(np.exp(-0.5 * ((x - mean) / sigma) ** 2) / (sigma * sqrt(2.0 * pi)))
