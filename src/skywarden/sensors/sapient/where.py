"""SAPIENT locations as geodetic places, and their errors as metres.

x is longitude or easting, y latitude or northing. The standard does not say the unit of the error of a longitude in
degrees, and nodes differ: up to 0.1 it is taken as degrees, above as metres (no sensor is right to 0.1 m, and none that
is wrong by 11 km is of use). In radians the border is 0.002.
"""

from math import cos, hypot, radians
from typing import Any, NamedTuple

import msgspec
import numpy as np

from skywarden import geo
from skywarden.geo.earth import SEMI_MAJOR
from skywarden.geo.utm import zone as utm_zone
from skywarden.model.place import F64, HeightReference
from skywarden.sensors.sapient.proto import location_pb2

DEGREES = location_pb2.LOCATION_COORDINATE_SYSTEM_LAT_LNG_DEG_M
RADIANS = location_pb2.LOCATION_COORDINATE_SYSTEM_LAT_LNG_RAD_M
UTM = location_pb2.LOCATION_COORDINATE_SYSTEM_UTM_M
GEOID = location_pb2.LOCATION_DATUM_WGS84_G
ANGULAR = {DEGREES: (radians(1.0), 0.1), RADIANS: (1.0, 0.002)}  # rad of one unit; the largest error in that unit
JUMP = 100.0  # m; a fixed node that says it is further off than this has not moved, it is wrong


class Point(msgspec.Struct, frozen=True, array_like=True):
    """latitude, longitude: rad; height: m above the ellipsoid, NaN unknown."""

    latitude: float
    longitude: float
    height: float

    def near(self, other: "Point") -> bool:
        """Say whether another point is within JUMP."""
        east = (other.longitude - self.longitude) * cos(self.latitude)
        return hypot(other.latitude - self.latitude, east) * SEMI_MAJOR < JUMP


class Located(NamedTuple):
    """n locations. latitude, longitude: rad; height: m above the ellipsoid, NaN unknown.

    sigma: (n, 3) errors east, north, up, m, as the node means them, NaN where it says none.
    """

    latitude: F64
    longitude: F64
    height: F64
    sigma: F64


def point(location: Any, zone: str) -> Point | None:
    """Return one Location; None when it cannot be one: no such zone, no such latitude."""
    form = (location.coordinate_system, location.datum, location.utm_zone or zone)
    found = locate(form, np.array([numbers(location)]))
    if found is None or not np.isfinite(found.latitude[0]):
        return None
    return Point(float(found.latitude[0]), float(found.longitude[0]), float(found.height[0]))


def numbers(location: Any) -> tuple[float, float, float, float, float, float]:
    """Return x, y, z and their errors, NaN where one is missing."""
    has, nan = location.HasField, float("nan")
    return (
        location.x,
        location.y,
        location.z if has("z") else nan,
        location.x_error if has("x_error") else nan,
        location.y_error if has("y_error") else nan,
        location.z_error if has("z_error") else nan,
    )


def locate(form: tuple[int, int, str], values: F64) -> Located | None:
    """Return n locations of one form; None when its UTM zone is none. NaN latitude where a place cannot be.

    form: coordinate system, datum, UTM zone. values: (n, 6), see `numbers`.
    """
    system, datum, zone = form
    x, y, z, *_ = values.T
    sigma = values[:, 3:].copy()
    if system == UTM:
        known = utm_zone(zone)
        if known is None:
            return None
        possible = (np.abs(x - 500_000.0) < 1e6) & (y >= 0) & (y <= 10_000_000.0)
        latitude, longitude = geo.from_utm(np.where(possible, x, 500_000.0), np.where(possible, y, 0.0), *known)
    else:
        unit, largest = ANGULAR[system]
        latitude, longitude = y * unit, x * unit
        possible = (np.abs(latitude) <= np.pi / 2) & (np.abs(longitude) <= np.pi)
        angular = np.abs(sigma[:, :2]) <= largest
        sigma[:, 0] *= np.where(angular[:, 0], unit * SEMI_MAJOR * np.cos(latitude), 1.0)
        sigma[:, 1] *= np.where(angular[:, 1], unit * SEMI_MAJOR, 1.0)
    latitude = np.where(possible, latitude, np.nan)
    longitude = np.where(possible, longitude, np.nan)
    height = z
    if datum == GEOID:
        at = np.where(possible, latitude, 0.0), np.where(possible, longitude, 0.0)
        height = geo.height_above_ellipsoid(z, HeightReference.GEOID, *at)
    return Located(latitude, longitude, height, sigma)
