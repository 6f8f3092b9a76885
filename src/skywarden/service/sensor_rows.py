"""Sensors as people's programs read of them: how well each is what it claims, what is taken off it, the air between."""

import math

import msgspec
import numpy as np

from skywarden.geo import geodetic
from skywarden.model.place import Registration
from skywarden.model.registered import Standing
from skywarden.model.track import Picture
from skywarden.track.beliefs import records
from skywarden.track.monitor import ENOUGH, Fit, fits
from skywarden.track.weather import AIR, middle
from skywarden.track.witness import faulty

TOO_SURE, NOT_KNOWN, WELL = "errors larger than claimed", "not known yet", "ok"
MANY = 0.2  # share of single microphones from which their faults are a matter of the whole
NAMED = 8  # of those with a fault; there may be thousands


class SensorRow(msgspec.Struct, frozen=True):
    """How well one sensor and kind is what it claims; see `track.monitor`."""

    sensor: str
    kind: str
    plots: int
    ratio: float
    state: str


def fitting(picture: Picture) -> list[SensorRow]:
    """Return a row for each sensor and kind that plots of sure targets came from, by the settled chain."""
    found = fits(picture.chains.settled)
    return [SensorRow(f.sensor, f.kind, round(f.plots), round(f.ratio, 2), _claim(f)) for f in found]


class RegistrationRow(msgspec.Struct, frozen=True):
    """What is taken off the measurements of one sensor, or will be from `since` on; see `track.registry`."""

    sensor: str
    version: int
    since: int
    range_m: float
    azimuth_deg: float
    elevation_deg: float
    time_s: float
    range_sigma_m: float | None
    azimuth_sigma_deg: float | None
    elevation_sigma_deg: float | None
    time_sigma_s: float | None
    relative: bool | None
    fault: str


def registration(picture: Picture) -> list[RegistrationRow]:
    """Return a row for each sensor that has a correction, or that registration knows; the newest version of each.

    Of what is only configured no sigma is known.
    """
    newest = {one.sensor: one for one in sorted(picture.registrations, key=lambda one: one.version)}
    known = {one.sensor: one for one in picture.chains.registered.standing}
    found = []
    for name in sorted({*newest, *known}):
        one, row = newest.get(name, Registration(name)), known.get(name)
        azimuth, elevation = math.degrees(one.azimuth), math.degrees(one.elevation)
        sigma = _sigma(row) if row else (None,) * 4
        found.append(
            RegistrationRow(
                sensor=name,
                version=one.version,
                since=one.since,
                range_m=one.range_m,
                azimuth_deg=round(azimuth, 4),
                elevation_deg=round(elevation, 4),
                time_s=one.time_s,
                range_sigma_m=sigma[0],
                azimuth_sigma_deg=sigma[1],
                elevation_sigma_deg=sigma[2],
                time_sigma_s=sigma[3],
                relative=row.relative if row else None,
                fault=row.fault if row else "",
            )
        )
    return found


class LeftRow(msgspec.Struct, frozen=True):
    """Sensors that registration has no room for: how many, and the first few, by name."""

    sensors: int
    first: tuple[str, ...]


def left(picture: Picture) -> LeftRow:
    """Return who is not registered; see `track.group`."""
    names = picture.chains.registered.left
    return LeftRow(len(names), names[:NAMED])


class EarsRow(msgspec.Struct, frozen=True):
    """The single microphones: how many are known, how many have a fault, and the faults of the first few, by name."""

    known: int
    faulty: int
    first: dict[str, str]

    @property
    def many(self) -> bool:
        return self.faulty > MANY * self.known


def ears(picture: Picture) -> EarsRow:
    """Return what is known of single microphones; see `track.witness`."""
    settled = picture.chains.settled
    found = faulty(settled)
    return EarsRow(len(settled.beliefs.nodes), len(found), {name: found[name] for name in sorted(found)[:NAMED]})


class AirRow(msgspec.Struct, frozen=True):
    """What is known of the air of an area; see `track.weather`."""

    latitude: float
    longitude: float
    time: int
    wind_east_m_s: float
    wind_north_m_s: float
    wind_sigma_m_s: float
    sound_speed_m_s: float
    sound_speed_sigma_m_s: float


def air(picture: Picture) -> list[AirRow]:
    """Return a row for each area whose air is known, by the settled chain."""
    known = records(picture.chains.settled.beliefs.air, AIR)
    latitude, longitude, _ = geodetic(middle(known["area"]))
    found = []
    for row, north, east in zip(known, np.degrees(latitude).tolist(), np.degrees(longitude).tolist(), strict=True):
        (wind_east, wind_north, speed), sigma = row["mean"].tolist(), np.sqrt(np.diag(row["covariance"])).tolist()
        found.append(
            AirRow(
                latitude=round(north, 2),
                longitude=round(east, 2),
                time=int(row["time"]),
                wind_east_m_s=round(wind_east, 1),
                wind_north_m_s=round(wind_north, 1),
                wind_sigma_m_s=round(max(sigma[:2]), 1),
                sound_speed_m_s=round(speed, 1),
                sound_speed_sigma_m_s=round(sigma[2], 1),
            )
        )
    return found


def _sigma(row: Standing) -> tuple[float, float, float, float]:
    away, azimuth, elevation, clock = row.sigma
    return away, round(math.degrees(azimuth), 4), round(math.degrees(elevation), 4), clock


def _claim(fit: Fit) -> str:
    """Return in a word whether a sensor is as good as it says."""
    if fit.too_sure:
        return TOO_SURE
    return WELL if fit.plots >= ENOUGH else NOT_KNOWN
