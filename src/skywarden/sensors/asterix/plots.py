"""Category 048: a radar's plots as detections.

z is slant range, azimuth, elevation and range rate (Kind.POLAR). What is not in a plot is NaN:

- elevation comes from the height of a 3D radar (I048/110, above mean sea level) or else from the target's own flight
  level (I048/090, when validated and not garbled), through the radar's place and the ellipsoid;
- range rate comes from I048/120 when it is not marked doubtful. The standard does not say its sign; away from the
  radar is taken as positive.

Source: EUROCONTROL-SPEC-0149-4, edition 1.32, section 5.2.
"""

from dataclasses import dataclass

import numpy as np

from skywarden.geo import geoid_height
from skywarden.model.detection import NO_ADDRESS, Claim, Detections, Kind, detections
from skywarden.model.place import F64, I64, Place, Sensor
from skywarden.sensors.asterix.clock import TIME_SIGMA, utc
from skywarden.sensors.asterix.columns import Columns, Flags
from skywarden.sensors.asterix.elevation import elevation
from skywarden.sensors.asterix.values import ICAO

NAUTICAL_MILE = 1852.0  # m
FOOT = 0.3048  # m
FLIGHT_LEVEL = 100 * FOOT  # m
ROUNDING = 25 * FOOT / 12**0.5  # m, 1 sigma of I048/110
# Standard pressure is not today's: 1 sigma, m and part of the height (geo.height_above_ellipsoid).
BAROMETRIC, BAROMETRIC_PART = 150.0, 0.04
LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ")


@dataclass(frozen=True, slots=True)
class Radar:
    """What is known of the radar that sent a batch. latitude, longitude: rad."""

    sensor: Sensor
    place: Place
    latitude: float
    longitude: float
    revisit: float


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


def polar(columns: Columns, radar: Radar, received: int, number: I64) -> Detections:
    """Return a radar's plots. number: (n,) of the messages that they came in."""
    z, covariance = _measurements(columns, radar)
    time = utc(columns.raw("140/TOD"), received)
    address = np.where(columns.there("220/ADR"), columns.raw("220/ADR"), NO_ADDRESS)
    return detections(
        Kind.POLAR,
        radar.sensor.name,
        received,
        time,
        z,
        covariance,
        place=radar.place,
        time_sigma=TIME_SIGMA,
        scan=(time - time.min()) // max(1, int(radar.revisit * 0.5e9)),
        number=number,
        address=address,
        revisit=radar.revisit,
        claims=(*callsigns(columns, "240/ID"), *squawks(columns, "070")),
    )


def _measurements(columns: Columns, radar: Radar) -> tuple[F64, F64]:
    sensor = radar.sensor
    distance = columns.value("040/RHO") * NAUTICAL_MILE
    azimuth = np.radians(columns.value("040/THETA"))
    height, height_sigma = _height(columns, radar)
    angle = elevation(radar.place, distance, azimuth, height)
    three_d = columns.there("110/3DH")
    own = np.where(three_d | np.isnan(angle), np.radians(sensor.elevation_sigma_deg), 0.0)
    doubtful = columns.flag("120/CAL/D")
    rate = np.where(doubtful, np.nan, columns.value("120/CAL/CAL"))
    sigma = np.empty((len(columns), 4))
    sigma[:, 0] = sensor.range_sigma_m
    sigma[:, 1] = np.radians(sensor.azimuth_sigma_deg)
    sigma[:, 2] = np.hypot(own, np.where(np.isnan(angle), 0.0, height_sigma / distance))
    sigma[:, 3] = sensor.range_rate_sigma_m_s
    return np.stack([distance, azimuth, angle, rate], 1), np.eye(4) * (sigma**2)[:, None, :]


def _height(columns: Columns, radar: Radar) -> tuple[F64, F64]:
    """Return (n,) m above the ellipsoid, NaN where there is none, and (n,) 1 sigma of what is not the radar's angle.

    The geoid is taken at the radar: over a radar's range it changes by less than the rounding of either height.
    """
    measured_height = columns.value("110/3DH") * FOOT
    level = columns.value("090/FL") * FLIGHT_LEVEL
    level = np.where(columns.flag("090/V") | columns.flag("090/G"), np.nan, level)
    height = np.where(np.isnan(measured_height), level, measured_height)
    barometric = BAROMETRIC + BAROMETRIC_PART * np.abs(level)
    sigma = np.where(np.isnan(measured_height), barometric, ROUNDING)
    return height + float(geoid_height(radar.latitude, radar.longitude)), sigma


def callsigns(columns: Columns, path: str) -> list[Claim]:
    """Return what targets call themselves; nothing where the field is empty or holds what is no letter or digit."""
    codes = columns.raw(path)
    found = []
    for index in np.flatnonzero(columns.there(path)).tolist():
        text = "".join(ICAO[int(codes[index]) >> shift & 63] for shift in range(42, -1, -6)).strip(" ")
        if text and set(text) <= LETTERS:
            found.append(Claim(index, "callsign", text))
    return found


def squawks(columns: Columns, item: str) -> list[Claim]:
    """Return the mode 3/A codes that are validated and not garbled."""
    good = columns.there(f"{item}/MODE3A") & ~columns.flag(f"{item}/V") & ~columns.flag(f"{item}/G")
    codes = columns.raw(f"{item}/MODE3A")
    return [Claim(index, "squawk", f"{int(codes[index]):04o}") for index in np.flatnonzero(good).tolist()]
