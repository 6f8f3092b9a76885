"""The outline of an area as it is told: configured places only, rounded to 0.001 degrees (some 100 m)."""

from collections.abc import Sequence
from math import ceil, cos, degrees, hypot, pi, radians, sin
from typing import NamedTuple

from skywarden.model.place import District, Site

EARTH = 6_371_000.0  # m
AROUND = 16  # corners of what stands for a circle
DIGITS = 3
STEP_KM = 0.1  # radii are whole steps
ROUNDING_M = 80.0  # by which a rounded place is off at most
WIDE = 90.0  # degrees of longitude, beyond which no polygon is told
STEEP = 85.0  # degrees of latitude; beyond, and across 180 degrees of longitude, only a circle is told

Point = tuple[float, float]  # latitude, longitude, deg


class Outline(NamedTuple):
    """polygon: closed, latitude first; () where the circle is all. circle: latitude, longitude, radius in km.

    code: "name=value", of a list of areas that others have too; "".
    """

    area: str
    polygon: tuple[Point, ...]
    circle: tuple[float, float, float]
    code: str = ""


def outline(area: str, sites: Sequence[Site], district: District | None) -> Outline:
    """Return how an area is told, from its sites and its own block. Raises ValueError when it has no site."""
    if not sites:
        raise ValueError(f"{area} has no site")
    code = district.code if district else ""
    corners = list(district.polygon) if district else []
    if not corners and len(sites) == 1 and district is None:
        site = sites[0]
        return Outline(area, (), _circle((site.latitude, site.longitude), site.radius_m), code)
    corners = corners or [corner for site in sites for corner in _around(site)]
    around = _unwrapped(corners)
    middle = tuple(0.5 * (min(values) + max(values)) for values in zip(*around, strict=True))
    far = max(_distance(middle, corner) for corner in around)
    circle = _circle((middle[0], middle[1]), far)
    wide = max(corner[1] for corner in around) - min(corner[1] for corner in around) > WIDE
    odd = wide or any(abs(latitude) > STEEP or abs(longitude) > 180.0 for latitude, longitude in around)
    own = district is not None and bool(district.polygon)
    ring = () if odd else _closed(around if own else _hull(around))
    return Outline(area, ring if len(set(ring)) >= 3 else (), circle, code)


def _circle(middle: Point, radius_m: float) -> tuple[float, float, float]:
    latitude, longitude = middle
    longitude = (longitude + 180.0) % 360.0 - 180.0
    steps = ceil(min(radius_m + ROUNDING_M, pi * EARTH) / 1000.0 / STEP_KM)  # nothing is farther than half around
    return round(latitude, DIGITS) + 0.0, round(longitude, DIGITS) + 0.0, round(steps * STEP_KM, 1)


def _closed(ring: Sequence[Point]) -> tuple[Point, ...]:
    rounded = [(round(latitude, DIGITS) + 0.0, round(longitude, DIGITS) + 0.0) for latitude, longitude in ring]
    kept = [point for k, point in enumerate(rounded) if k == 0 or point != rounded[k - 1]]
    return (*kept, kept[0]) if kept[0] != kept[-1] else tuple(kept)


def _around(site: Site) -> list[Point]:
    """Return the corners of a regular polygon around a site's circle."""
    reach = degrees((site.radius_m + ROUNDING_M) / EARTH / cos(pi / AROUND))
    flat = max(cos(radians(site.latitude)), 0.01)
    turns = [2.0 * pi * k / AROUND for k in range(AROUND)]
    return [(site.latitude + reach * cos(a), site.longitude + reach * sin(a) / flat) for a in turns]


def _unwrapped(points: Sequence[Point]) -> list[Point]:
    """Return points without a step across 180 degrees of longitude."""
    first = points[0][1]
    return [(latitude, first + (longitude - first + 180.0) % 360.0 - 180.0) for latitude, longitude in points]


def _distance(one: Sequence[float], other: Sequence[float]) -> float:
    flat = cos(radians(min(abs(one[0]), abs(other[0]), 90.0)))  # the nearer to the equator: never too short
    return EARTH * radians(hypot(one[0] - other[0], (one[1] - other[1]) * flat))


def _hull(points: Sequence[Point]) -> list[Point]:
    """Return the convex hull. Source: Andrew 1979, Information Processing Letters 9, 216."""
    ordered = sorted(set(points))
    return [*_half(ordered)[:-1], *_half(ordered[::-1])[:-1]]


def _half(ordered: Sequence[Point]) -> list[Point]:
    found: list[Point] = []
    for point in ordered:
        while len(found) > 1 and _turn(found[-2], found[-1], point) <= 0.0:
            found.pop()
        found.append(point)
    return found


def _turn(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
