"""Compact position reporting: 17 bits of latitude and longitude, two interleaved grids (even, odd).

One message is a place modulo a cell of 6 degrees (airborne) or 1.5 degrees (surface). It is resolved against a
place that is known to be near (`local`), or by one even and one odd message (`whole`).

Angles in this module are degrees: they are the format's own. Latitude north, longitude east positive.

Source: ICAO Doc 9871, appendix C.2.6 (RTCA DO-260B, appendix A.1.7): C.2.6.2 NL, C.2.6.3 encoding, C.2.6.5 local,
C.2.6.7 airborne pair, C.2.6.8 surface pair.
"""

from bisect import bisect_left
from math import acos, cos, degrees, floor, pi, sqrt

import msgspec

SCALE = 1 << 17
_LATITUDE_ZONES = 15
# Latitude where the number of longitude zones falls from n to n - 1, for n = 59 ... 2.
_TRANSITIONS = (
    *(degrees(acos(sqrt((1 - cos(pi / (2 * _LATITUDE_ZONES))) / (1 - cos(2 * pi / n))))) for n in range(59, 2, -1)),
    87.0,
)


class Half(msgspec.Struct, frozen=True, array_like=True):
    """One position message: half of a pair. time: ns. latitude, longitude: 17-bit counts."""

    time: int
    latitude: int
    longitude: int
    odd: bool
    surface: bool


def zones(latitude: float) -> int:
    """Return the number of longitude zones NL at a latitude, 1 to 59."""
    return 59 - bisect_left(_TRANSITIONS, abs(latitude))


def local(half: Half, latitude: float, longitude: float) -> tuple[float, float] | None:
    """Return the place of a message that is nearest to a known one; None beyond a pole.

    Right when the true place is within half a cell of the known one: 180 NM airborne, 45 NM on the surface.
    """
    turn = 90.0 if half.surface else 360.0
    step = turn / (60 - half.odd)
    part = half.latitude / SCALE
    north = step * (floor(0.5 + latitude / step - part) + part)
    if not -90.0 <= north <= 90.0:
        return None
    step = turn / max(zones(north) - half.odd, 1)
    part = half.longitude / SCALE
    return north, wrap(step * (floor(0.5 + longitude / step - part) + part))


def whole(half: Half, other: Half, near: tuple[float, float] | None = None) -> tuple[float, float] | None:
    """Return the place of `half`, the later one, with `other` from the other grid.

    near: (latitude, longitude) of a place within 45 degrees; needed for surface positions, which leave four
    longitudes and two latitudes open. None: the two lie in different longitude zones, or the place cannot be told.
    """
    even, odd = (other, half) if half.odd else (half, other)
    turn = 90.0 if half.surface else 360.0
    y_even, y_odd = even.latitude / SCALE, odd.latitude / SCALE
    index = floor(59 * y_even - 60 * y_odd + 0.5)
    north_even = turn / 60 * (index % 60 + y_even)
    north_odd = turn / 59 * (index % 59 + y_odd)
    if half.surface:
        if near is None:
            return None
        south = near[0] < (north_odd if half.odd else north_even) - 45.0
        north_even, north_odd = north_even - 90.0 * south, north_odd - 90.0 * south
    else:
        north_even -= 360.0 * (north_even >= 270.0)
        north_odd -= 360.0 * (north_odd >= 270.0)
    north = north_odd if half.odd else north_even
    count = zones(north_even)
    if not -90.0 <= north <= 90.0 or count != zones(north_odd):
        return None
    x_even, x_odd = even.longitude / SCALE, odd.longitude / SCALE
    width = max(count - half.odd, 1)
    index = floor(x_even * (count - 1) - x_odd * count + 0.5)
    east = turn / width * (index % width + half.longitude / SCALE)
    if near is not None and half.surface:
        east += 90.0 * round((near[1] - east) / 90.0)
    return north, wrap(east)


def encode(latitude: float, longitude: float, odd: bool, surface: bool = False) -> tuple[int, int]:
    """Return the 17-bit counts of a place on one of the two grids."""
    turn = 90.0 if surface else 360.0
    step = turn / (60 - odd)
    y = floor(SCALE * (latitude % step) / step + 0.5)
    north = step * (y / SCALE + floor(latitude / step))
    step = turn / max(zones(north) - odd, 1)
    x = floor(SCALE * (longitude % step) / step + 0.5)
    return y % SCALE, x % SCALE


def wrap(longitude: float) -> float:
    """Return a longitude between -180 (included) and 180 degrees."""
    return longitude if -180.0 <= longitude < 180.0 else (longitude + 180.0) % 360.0 - 180.0
