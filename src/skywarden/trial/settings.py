"""The world of a benchmark scenario as its meta.json says it, and what that means as settings of the tracker.

Only what is given there is set: noise, detection, clutter, motion. How tracks are confirmed, gated, associated and
ended stays as it is for everybody.
"""

from math import pi, sqrt
from typing import Annotated

import msgspec
from msgspec import Meta

from skywarden.track.measure import CEILING, SPEEDS
from skywarden.track.settings import TrackerSettings

KM2 = 1e6  # m^2
BORN = 0.05  # new targets to false alarms a look, which no scenario says; with 0.01 nothing starts in dense clutter
LEAST = 1e-3  # false alarms a scan where there are fewer or none: new targets are as many as `BORN` says, so never none
FLAT_HEIGHT, FLAT_CLIMB = 10.0, 1.0  # m, m/s, 1 sigma, where targets lie in a plane: small, and not nothing

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
    """Where new targets appear: so many a step, normally distributed. std: of x, vx, y, vy."""

    weight: Counted
    std: tuple[Positive, Positive, Positive, Positive]


class Crossing(msgspec.Struct, frozen=True):
    """The layout with positions. dt: s a step; q: m^2/s^3; R: m^2; area: x from, to, y from, to, m."""

    dt: Positive
    q: Counted
    R: tuple[tuple[float, float], tuple[float, float]]
    pd: Probability
    clutter_per_scan: Counted
    area: tuple[float, float, float, float]
    birth: Birth

    def __post_init__(self) -> None:
        """Raise ValueError, which msgspec tells with the place, for what only all fields together show."""
        (xx, xy), (yx, yy) = self.R
        if not (xx > 0 and xy == yx and xx * yy > xy * yx):
            raise ValueError("R must be a covariance: symmetric and positive definite")
        if not (self.area[0] < self.area[1] and self.area[2] < self.area[3]):
            raise ValueError("area must be x from, to, y from, to, each rising")


def radar_settings(meta: Radars) -> TrackerSettings:
    """Return the tracker's settings for radars.

    The tracker spreads false alarms evenly over the ground, the scenario evenly over range: both agree at half of
    the greatest range. In two dimensions targets lie at z = 0, and heights are known.
    """
    radar = meta.sensors[0]
    half = radar.rmax / 2
    density = max(radar.lam, LEAST) / (radar.rmax * 2 * pi)  # per m and rad
    if meta.dim == 2:
        per_m2 = density / half
    else:
        density /= (radar.e_lim[1] - radar.e_lim[0]) * (radar.rr_lim[1] - radar.rr_lim[0])
        per_m2 = density * SPEEDS * CEILING / half**2
    common = TrackerSettings(
        level_noise_m2_s3=meta.tracker_hint.q,
        detection_probability=radar.pd,
        false_alarms_per_km2=per_m2 * KM2,
        new_targets_per_km2=BORN * per_m2 * KM2,
        birth_level_speed_m_s=meta.tracker_hint.vmax / sqrt(3),
    )
    flat = {"height_m": 0.0, "height_sigma_m": FLAT_HEIGHT, "birth_vertical_speed_m_s": FLAT_CLIMB}
    return msgspec.structs.replace(common, **flat) if meta.dim == 2 else common


def crossing_settings(meta: Crossing, flat_sigma: float) -> TrackerSettings:
    """Return the tracker's settings for positions in the plane z = 0, which it is told with `flat_sigma`, m.

    It thinks in three dimensions and finds that every detection hits z = 0. Density of false alarms there: as if they
    did too. The motion noise upwards is as small as may be.
    """
    west, east, south, north = meta.area
    per_m2 = max(meta.clutter_per_scan, LEAST) / ((east - west) * (north - south))
    per_m2 *= CEILING / (sqrt(2 * pi) * flat_sigma)
    return TrackerSettings(
        level_noise_m2_s3=meta.q,
        vertical_noise_m2_s3=1e-6,
        detection_probability=meta.pd,
        false_alarms_per_km2=per_m2 * KM2,
        new_targets_per_km2=BORN * per_m2 * KM2,
        birth_level_speed_m_s=meta.birth.std[1],
        birth_vertical_speed_m_s=1e-3,
    )
