"""The world of a benchmark scenario as its meta.json says it, and what that means as settings of the tracker.

Only what is given there is set: noise, detection, clutter, motion. How tracks are confirmed, gated, associated and
ended stays as it is for everybody.
"""

from math import pi, sqrt

import msgspec

from skywarden.track.measure import CEILING, SPEEDS
from skywarden.track.settings import TrackerSettings

KM2 = 1e6  # m^2
BORN = 0.05  # new targets to false alarms a look, which no scenario says; with 0.01 nothing starts in dense clutter
FLAT_HEIGHT, FLAT_CLIMB = 10.0, 1.0  # m, m/s, 1 sigma, where targets lie in a plane: small, and not nothing


class Radar(msgspec.Struct, frozen=True):
    """One sensor. lam: false alarms a scan, evenly over range, bearing and, where measured, elevation and range rate.

    pos: m, in the scenario's axes; sigma_: 1 sigma, m, rad, m/s; rmax: m; pd: probability; lim: from, to, rad, m/s.
    """

    id: int
    pos: tuple[float, float, float]
    sigma_r: float
    sigma_b: float
    rmax: float
    pd: float
    lam: float
    sigma_e: float = 0.0
    sigma_rr: float = 0.0
    e_lim: tuple[float, float] = (0.0, 0.0)
    rr_lim: tuple[float, float] = (0.0, 0.0)


class Hint(msgspec.Struct, frozen=True):
    """What every tracker is told. q: white acceleration, m^2/s^3; vmax: m/s, the fastest target."""

    q: float
    vmax: float


class Radars(msgspec.Struct, frozen=True):
    """The layout with radars. dt: s between two looks of one."""

    dim: int
    dt: float
    sensors: tuple[Radar, ...]
    tracker_hint: Hint


class Birth(msgspec.Struct, frozen=True):
    """Where new targets appear: so many a step, normally distributed. std: of x, vx, y, vy."""

    weight: float
    std: tuple[float, float, float, float]


class Crossing(msgspec.Struct, frozen=True):
    """The layout with positions. dt: s a step; q: m^2/s^3; R: m^2; area: x from, to, y from, to, m."""

    dt: float
    q: float
    R: tuple[tuple[float, float], tuple[float, float]]
    pd: float
    clutter_per_scan: float
    area: tuple[float, float, float, float]
    birth: Birth


def radar_settings(meta: Radars) -> TrackerSettings:
    """Return the tracker's settings for radars.

    The tracker spreads false alarms evenly over the ground, the scenario evenly over range: both agree at half of
    the greatest range. In two dimensions targets lie at z = 0, and heights are known.
    """
    radar = meta.sensors[0]
    half = radar.rmax / 2
    density = radar.lam / (radar.rmax * 2 * pi)  # per m and rad
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
    per_m2 = meta.clutter_per_scan / ((east - west) * (north - south))
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
