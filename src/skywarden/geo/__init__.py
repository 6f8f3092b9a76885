"""Geometry: Earth-centred <-> geodetic <-> local east-north-up; height and north references.

Every angle rad, every length m. `earth` is exact geometry, `geoid` and `magnetic` read tables that ship with the
package, `reference` turns what an installer wrote ("above sea level", "magnetic north") into what the tracker needs.
"""

from skywarden.geo.earth import east_north_up, ecef, geodetic, place
from skywarden.geo.geoid import geoid_height
from skywarden.geo.magnetic import declination
from skywarden.geo.reference import height_above_ellipsoid, north_offset
from skywarden.geo.utm import from_utm

__all__ = [
    "declination",
    "east_north_up",
    "ecef",
    "from_utm",
    "geodetic",
    "geoid_height",
    "height_above_ellipsoid",
    "north_offset",
    "place",
]
