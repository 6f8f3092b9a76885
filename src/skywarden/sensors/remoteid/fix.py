"""Where and when an aircraft was by its own word, with 1 sigma errors."""

from math import hypot, radians
from typing import NamedTuple

from skywarden import geo
from skywarden.model.detection import ErrorMeaning, TimeKind
from skywarden.sensors.remoteid.dji import Flight
from skywarden.sensors.remoteid.message import Location

SECOND = 1_000_000_000  # ns
HOUR = 3600 * SECOND
LEVEL_95, UP_95 = 2.448, 1.960  # sigmas in a bound of 95 %: radius on the level (sqrt(-2 ln 0.05)), and up and down
LEAST_LEVEL, LEAST_UP = 2.0, 3.0  # m; better than this is not believed of a receiver that flies
UNKNOWN_LEVEL, UNKNOWN_UP = 50.0, 50.0  # m; a place without its accuracy
PRESSURE_SIGMA, PRESSURE_SHARE = 150.0, 0.04  # m, and of the altitude: today's air is not the standard's
UNKNOWN_HEIGHT, UNKNOWN_HEIGHT_SIGMA = 500.0, 1500.0  # m above the geoid: on a mountain or over the sea
UNKNOWN_TIME, LEAST_TIME, RECEIPT_TIME = 0.5, 0.1, 1.0  # s


class Fix(NamedTuple):
    """One position. time: ns; latitude, longitude: rad; height: m above the ellipsoid; sigmas: s, m, m."""

    time: int
    time_sigma: float
    time_kind: TimeKind
    latitude: float
    longitude: float
    height: float
    level: float
    up: float
    meaning: ErrorMeaning


def of_location(location: Location, received: int) -> Fix | None:
    """Return the position that a Location gives, None if it does not know it. received: ns."""
    if location.latitude is None or location.longitude is None:
        return None
    latitude, longitude = radians(location.latitude), radians(location.longitude)
    height, up, bounded = _height(location, latitude, longitude)
    bound = location.horizontal_accuracy_m
    level = UNKNOWN_LEVEL if bound is None else max(bound / LEVEL_95, LEAST_LEVEL)
    meaning = ErrorMeaning.PERCENT_95 if bounded and bound is not None else ErrorMeaning.ASSUMED
    time, sigma, kind = received, RECEIPT_TIME, TimeKind.RECEIPT
    if location.seconds_after_hour is not None:
        time, kind = resolved(location.seconds_after_hour, received), TimeKind.MEASURED
        sigma = max(location.time_accuracy_s or UNKNOWN_TIME, LEAST_TIME)
    return Fix(time, sigma, kind, latitude, longitude, height, level, up, meaning)


def of_dji(flight: Flight, received: int) -> Fix | None:
    """Return the position that a DJI beacon gives: no accuracy, no time, no height whose meaning is known."""
    if flight.latitude is None or flight.longitude is None:
        return None
    latitude, longitude = radians(flight.latitude), radians(flight.longitude)
    height, up = _unknown(latitude, longitude)
    assumed = ErrorMeaning.ASSUMED
    return Fix(received, RECEIPT_TIME, TimeKind.RECEIPT, latitude, longitude, height, UNKNOWN_LEVEL, up, assumed)


def of_group(fix: Fix, radius: float) -> Fix:
    """Return the position of any one of several aircraft that are within a radius (m) of it, anywhere alike."""
    return fix._replace(level=hypot(fix.level, radius / 2))


def resolved(seconds_after_hour: float, near: int) -> int:
    """Return the time (UTC ns) so many seconds after a full hour that is closest to `near`."""
    after = round(seconds_after_hour * 10) * (SECOND // 10)
    return near + (near // HOUR * HOUR + after - near + HOUR // 2) % HOUR - HOUR // 2


def _height(location: Location, latitude: float, longitude: float) -> tuple[float, float, bool]:
    """Return m above the ellipsoid, 1 sigma, and whether that follows from a bound that was sent."""
    if location.height_ellipsoid_m is not None:
        bound = location.vertical_accuracy_m
        up = UNKNOWN_UP if bound is None else max(bound / UP_95, LEAST_UP)
        return location.height_ellipsoid_m, up, bound is not None
    if location.pressure_altitude_m is not None:
        pressure = location.pressure_altitude_m
        sigma = hypot(PRESSURE_SIGMA, PRESSURE_SHARE * pressure)
        return pressure + float(geo.geoid_height(latitude, longitude)), sigma, False
    return *_unknown(latitude, longitude), False


def _unknown(latitude: float, longitude: float) -> tuple[float, float]:
    return UNKNOWN_HEIGHT + float(geo.geoid_height(latitude, longitude)), UNKNOWN_HEIGHT_SIGMA
