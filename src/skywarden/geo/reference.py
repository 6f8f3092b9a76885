"""From the reference that an installer or a message names to the one used inside: ellipsoid and true north."""

from math import atan, degrees, floor, radians, sin, tan

import numpy as np

from skywarden.errors import ConfigError
from skywarden.geo.geoid import geoid_height
from skywarden.geo.magnetic import declination
from skywarden.model.place import F64, HeightReference, NorthReference

# Where UTM's zones are not 6 deg wide: south, north, west, east, central meridian, deg. DMA TM8358.2, section 3.
ODD_ZONES = (
    (56, 64, 3, 12, 9),
    (72, 84, 0, 9, 3),
    (72, 84, 9, 21, 15),
    (72, 84, 21, 33, 27),
    (72, 84, 33, 42, 39),
)


def height_above_ellipsoid(
    height: F64 | float, reference: HeightReference, latitude: F64 | float, longitude: F64 | float
) -> F64:
    """Return m above the WGS 84 ellipsoid. height: m above the reference; latitude, longitude: rad.

    BAROMETRIC is taken as a height above the geoid. The standard atmosphere is not today's: each hPa of sea level
    pressure off 1013.25 is 8.2 m (950 to 1050 hPa: -530 to +300 m), each 10 deg C off standard 4 % of the height.
    So give such a height a sigma of 150 m + 4 % unless a QNH was applied.
    Raises ConfigError for GROUND: there is no terrain model here.
    """
    if reference is HeightReference.ELLIPSOID:
        return np.asarray(height, float)
    if reference is HeightReference.GROUND:
        raise ConfigError(
            'height_reference = "ground" needs a terrain model, which is not there. Add the height of the ground '
            'above sea level (from any map) to height_m and write height_reference = "geoid".',
            "height_reference",
        )
    return np.asarray(height + geoid_height(latitude, longitude))


def north_offset(reference: NorthReference, latitude: float, longitude: float, height: float, year: float) -> float:
    """Return the azimuth of a sensor's north, rad, clockwise from true north. `geo.place` takes it.

    latitude, longitude: rad; height: m above the ellipsoid; year: for MAGNETIC. GRID is the UTM grid.
    Raises ConfigError for PLATFORM: a heading is not a property of the place.
    """
    if reference is NorthReference.TRUE:
        return 0.0
    if reference is NorthReference.MAGNETIC:
        return float(declination(latitude, longitude, height, year))
    if reference is NorthReference.GRID:
        return _convergence(latitude, longitude)
    raise ConfigError(
        'north_reference = "platform" does not say where the platform points. Write north_reference = "true" and '
        "azimuth_bias_deg = minus the platform's true heading in deg.",
        "north_reference",
    )


def _convergence(latitude: float, longitude: float) -> float:
    """Return grid minus true north of UTM, rad; positive east of the zone's central meridian on the north half.

    The ellipsoid adds less than 1e-6 rad inside a zone. Source: DMA TM8358.2, section 2-6.
    """
    return atan(sin(latitude) * tan(longitude - radians(_central_meridian(degrees(latitude), degrees(longitude)))))


def _central_meridian(latitude: float, longitude: float) -> float:
    """All deg."""
    longitude = (longitude + 180) % 360 - 180
    for south, north, west, east, meridian in ODD_ZONES:
        if south <= latitude < north and west <= longitude < east:
            return meridian
    return 6 * floor(longitude / 6) + 3
