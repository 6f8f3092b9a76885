"""Category 048: a radar's plots as detections.

z is slant range, azimuth, elevation and range rate (Kind.POLAR). What is not in a plot is NaN:

- elevation comes from the height of a 3D radar (I048/110, above mean sea level) or else from the target's own flight
  level (I048/090, when validated and not garbled), through the radar's place and the ellipsoid;
- range rate comes from I048/120 when it is not marked doubtful. The standard does not say its sign; away from the
  radar is taken as positive.

The echo is the radar cross section that gives the amplitude of the primary plot (I048/130, PAM) by the radar equation,
for a radar whose amplitude of 1 m^2 at ECHO_RANGE is configured.

Source: EUROCONTROL-SPEC-0149-4, edition 1.32, section 5.2.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace

from skywarden import geo
from skywarden.model.detection import Claim, Detections, Kind, detections
from skywarden.model.place import ECHO_RANGE, F64, I64, Place, Sensor
from skywarden.sensors.asterix.clock import TIME_SIGMA, utc
from skywarden.sensors.asterix.columns import Columns, Flags
from skywarden.sensors.asterix.elevation import curvature, elevation
from skywarden.sensors.asterix.values import ICAO

NAUTICAL_MILE = 1852.0  # m
FOOT = 0.3048  # m
FLIGHT_LEVEL = 100 * FOOT  # m
ROUNDING = 25 * FOOT / 12**0.5  # m, 1 sigma of I048/110
BAROMETRIC = 150.0  # m, 1 sigma assumed: standard pressure is not today's (8.2 m for each hPa, docs/geometry.md)
ABSENT = -1
LARGEST = 80.0  # dB over 1 m^2; an echo beyond it, or below minus it, is nothing that flies
# Six bits -> the letter in ASCII, 0 where it is none that a callsign may have.
_LETTERS = np.array([ord(c) if c.isalnum() or c == " " else 0 for c in ICAO], np.uint8)
_SHIFTS = np.arange(42, -1, -6)


@dataclass(frozen=True, slots=True)
class Radar:
    """What is known of the radar that sent a batch.

    latitude: rad; height: m above the ellipsoid; north: rad, azimuth of its own north; geoid: m above the ellipsoid,
    there. enrolled: it is in the configuration.
    """

    sensor: Sensor
    place: Place
    latitude: float
    height: float
    north: float
    geoid: float
    enrolled: bool = True

    @classmethod
    def at(cls, sensor: Sensor, position: tuple[float, float, float], north: float, enrolled: bool = True) -> "Radar":
        """position: deg, deg, m above the ellipsoid."""
        latitude, longitude, height = float(np.radians(position[0])), float(np.radians(position[1])), position[2]
        stands = geo.place(latitude, longitude, height, north)
        return cls(sensor, stands, latitude, height, north, float(geo.geoid_height(latitude, longitude)), enrolled)


@dataclass(frozen=True, slots=True)
class Plots:
    """n plots as they are sent, in SI units; NaN is missing.

    owner: message in the frame; radar: SAC * 256 + SIC; ticks: time of day, 1/128 s; azimuth: rad from the radar's
    north; height: m above mean sea level; height_sigma: m, without the radar's own angle error; three_d: height is
    the radar's own measurement; callsign, squawk: as coded, -1 is none. power: dBm.
    """

    owner: I64
    radar: I64
    ticks: I64
    distance: F64
    azimuth: F64
    rate: F64
    height: F64
    height_sigma: F64
    three_d: Flags
    address: I64
    callsign: I64
    squawk: I64
    power: F64

    def __len__(self) -> int:
        return len(self.owner)

    def take(self, rows: Flags | I64) -> "Plots":
        """Return some of them."""
        return Plots(*(getattr(self, name)[rows] for name in self.__slots__))


def simulated(columns: Columns) -> Flags:
    """Return (n,) which plots their sender marks as simulated or as a test."""
    return columns.flag("020/SIM") | columns.flag("020/TST")


def measured(columns: Columns) -> Flags:
    """Return (n,) which records are a measurement of a target in the air.

    Not: without a position; "no detection" (a radar's track that goes on without a plot); a fixed transponder; range
    beyond what I048/040 can say (ERR).
    """
    detected = ~columns.there("020/TYP") | columns.flag("020/TYP")
    position = columns.there("040/RHO") & (columns.raw("040/RHO") > 0)
    return detected & position & ~columns.flag("020/RAB") & ~columns.flag("020/ERR")


def plots(columns: Columns) -> Plots:
    """Return the plots in records of category 048."""
    height, sigma, three_d = _height(columns)
    rate = np.where(columns.flag("120/CAL/D"), np.nan, columns.value("120/CAL/CAL"))
    return Plots(
        owner=columns.owner.astype(np.int64),
        radar=columns.raw("010/SAC") * 256 + columns.raw("010/SIC"),
        ticks=columns.raw("140/TOD"),
        distance=columns.value("040/RHO") * NAUTICAL_MILE,
        azimuth=np.radians(columns.value("040/THETA")),
        rate=rate,
        height=height,
        height_sigma=sigma,
        three_d=three_d,
        address=coded(columns, "220/ADR"),
        callsign=coded(columns, "240/ID"),
        squawk=squawk(columns, "070"),
        power=columns.value("130/PAM/PAM"),
    )


def _height(columns: Columns) -> tuple[F64, F64, Flags]:
    measured_height = columns.value("110/3DH") * FOOT
    level = columns.value("090/FL") * FLIGHT_LEVEL
    level = np.where(columns.flag("090/V") | columns.flag("090/G"), np.nan, level)
    three_d = ~np.isnan(measured_height)
    sigma = np.where(three_d, ROUNDING, BAROMETRIC)
    return np.where(three_d, measured_height, level), sigma, three_d


class Heard(NamedTuple):
    """What one radar says in a frame.

    revisit: s, a turn of its antenna; rows: (k,) of the plots; received: ns; before: number of the message whose owner
    is 0.
    """

    radar: Radar
    revisit: float
    rows: I64
    received: int
    before: int


def polar(found: Plots, heard: Sequence[Heard]) -> Iterator[Detections]:
    """Yield the plots of each radar as detections.

    All is computed at once: the frames of a tick hold some plots of each of many radars, and a step costs the same for
    three plots as for 300.
    """
    if not heard:
        return
    found = found.take(np.concatenate([one.rows for one in heard]))
    sizes = np.array([len(one.rows) for one in heard], np.int64)
    which, ends = np.repeat(np.arange(len(heard)), sizes), np.cumsum(sizes)
    time = utc(found.ticks, np.array([one.received for one in heard], np.int64)[which])
    number = found.owner + np.array([one.before for one in heard], np.int64)[which]
    z, covariance = _measurements(found, [one.radar for one in heard], which)
    claims = _claims(found, which, ends - sizes)
    echo = _sections(found, [one.radar.sensor for one in heard], which)
    told = (np.bincount(which, np.isfinite(echo)) > 0).tolist()
    for k, (one, end) in enumerate(zip(heard, ends.tolist(), strict=True)):
        rows = slice(end - len(one.rows), end)
        yield detections(
            Kind.POLAR,
            one.radar.sensor.name,
            one.received,
            time[rows],
            z[rows],
            covariance[rows],
            place=one.radar.place,
            time_sigma=TIME_SIGMA,
            number=number[rows],
            address=found.address[rows],
            revisit=one.revisit,
            claims=tuple(claims.get(k, ())),
            enrolled=one.radar.enrolled,
            echo=echo[rows] if told[k] else None,
        )


def _measurements(found: Plots, radars: Sequence[Radar], which: I64) -> tuple[F64, F64]:
    """Return z (n, 4) and its covariance. which: (n,) radar of each plot.

    The geoid is taken at the radar: over a radar's range it changes by less than the rounding of either height.
    """
    sensors = [radar.sensor for radar in radars]
    rows = [(radar.latitude, radar.height, radar.north, radar.geoid) for radar in radars]
    latitude, own_height, north, geoid = np.array(rows)[which].T
    sigmas = [(s.range_sigma_m, s.azimuth_sigma_deg, s.elevation_sigma_deg, s.range_rate_sigma_m_s) for s in sensors]
    sigma = np.array(sigmas, float)[which]
    sigma[:, 1:3] = np.radians(sigma[:, 1:3])
    angle = elevation(found.distance, found.height + geoid, own_height, curvature(latitude, found.azimuth + north))
    missing = np.isnan(angle)
    own = np.where(found.three_d | missing, sigma[:, 2], 0.0)
    level = found.distance * np.cos(np.where(missing, 0.0, angle))  # a height says little of what is almost overhead
    sigma[:, 2] = np.hypot(own, np.where(missing, 0.0, found.height_sigma / level))
    return np.stack([found.distance, found.azimuth, angle, found.rate], 1), np.eye(4) * (sigma**2)[:, None, :]


def _sections(found: Plots, sensors: Sequence[Sensor], which: I64) -> F64:
    """Return (n,) radar cross sections, dB over 1 m^2; NaN where they are not known or absurd. which: (n,) sensor.

    The power falls with the fourth power of the distance. Source: Skolnik, Introduction to Radar Systems, 3rd ed.,
    section 1.2.
    """
    said = [np.nan if sensor.echo_dbm is None else sensor.echo_dbm for sensor in sensors]
    echo = found.power - np.array(said)[which] + 40 * np.log10(found.distance / ECHO_RANGE)
    return np.where(np.abs(echo) <= LARGEST, echo, np.nan)


def _claims(found: Plots, which: I64, begin: I64) -> dict[int, list[Claim]]:
    """Return what plots say of their targets, by radar, each with its row there. which: (n,); begin: (radars,)."""
    told: dict[int, list[Claim]] = {}
    for claim in (*callsigns(found.callsign), *squawks(found.squawk)):
        k = int(which[claim.index])
        told.setdefault(k, []).append(replace(claim, index=claim.index - int(begin[k])))
    return told


def coded(columns: Columns, path: str) -> I64:
    """Return (n,) a field as coded; -1 where it is not there (NO_ADDRESS, for an address)."""
    return np.where(columns.there(path), columns.raw(path), ABSENT)


def squawk(columns: Columns, item: str) -> I64:
    """Return (n,) the mode 3/A code; -1 where it is not there, not validated or garbled."""
    doubtful = columns.flag(f"{item}/V") | columns.flag(f"{item}/G")
    return np.where(doubtful, ABSENT, coded(columns, f"{item}/MODE3A"))


def callsigns(codes: I64) -> list[Claim]:
    """Return what targets call themselves; nothing where the field is empty or holds what is no letter or digit."""
    if not (codes >= 0).any():
        return []
    letters = _LETTERS[(np.maximum(codes, 0)[:, None] >> _SHIFTS) & 63]
    rows = np.flatnonzero((codes >= 0) & (letters > 0).all(1))
    texts = letters[rows].tobytes().decode("ascii")
    named = ((index, texts[8 * k : 8 * k + 8].strip(" ")) for k, index in enumerate(rows.tolist()))
    return [Claim(index, "callsign", text) for index, text in named if text]


def squawks(codes: I64) -> list[Claim]:
    """Return the mode 3/A codes."""
    return [Claim(row, "squawk", f"{codes[row]:04o}") for row in np.flatnonzero(codes >= 0).tolist()]
