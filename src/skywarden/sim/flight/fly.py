"""Planned routes -> where every flier is at every whole second."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from skywarden.model.place import F64, I64
from skywarden.sim.flight.profile import on_ellipsoid, profile
from skywarden.sim.flight.steer import Course, Flown, blank, steer
from skywarden.sim.flight.way import MANNERS, Route
from skywarden.sim.kinds import KINDS
from skywarden.sim.raid import on_earth
from skywarden.sim.sky import Sky, Target

PART = 200_000  # rows whose ground is looked up at once
FINE = 60.0  # m/s: the ground is looked at once more for each of these
MOST_LOOKS = 4  # a second
AT_ONCE = 8_000_000  # rows that fliers flown at once may need, 0.3 GB


class Ground(Protocol):
    """The ground, as this package uses it."""

    def height(self, latitude: F64, longitude: F64) -> F64:
        """Return m above the ellipsoid at latitudes and longitudes, rad."""
        ...


class Flat(NamedTuple):
    """Ground of one height, m above the ellipsoid."""

    level: float = 0.0

    def height(self, latitude: F64, longitude: F64) -> F64:
        """Return m above the ellipsoid at latitudes and longitudes, rad."""
        return np.full(np.broadcast(latitude, longitude).shape, self.level)


def fly(routes: Sequence[Route], origin: tuple[float, float], ground: Ground, seconds: int) -> Sky:
    """Fly routes until they end or `seconds` are over. origin: latitude, longitude, deg, of their chart.

    Speed, turn rate and climb keep to the limits of each kind; the height keeps above the ground.
    """
    routes = [route for route in routes if route.begin < seconds - 1]
    skies = []
    for some in _shares(routes, seconds):
        course = _packed(some, origin, seconds)
        flown = blank(int(course.row[-1]) if some else 0, len(some))
        steer(course._replace(row=course.row[:-1]), flown)
        skies.append(_risen(some, course.begin, _compact(flown, course.row), ground))
    return skies[0] if len(skies) == 1 else joined(skies)


def _shares(routes: Sequence[Route], seconds: int) -> Iterator[Sequence[Route]]:
    """Yield the routes in shares that need AT_ONCE rows at the most, if everyone flies to the end."""
    first = rows = 0
    for k, route in enumerate(routes):
        mine = seconds - max(0, int(route.begin)) + 1
        if rows + mine > AT_ONCE and k > first:
            yield routes[first:k]
            first, rows = k, 0
        rows += mine
    yield routes[first:]


def _packed(routes: Sequence[Route], origin: tuple[float, float], seconds: int) -> Course:
    """Return the routes as arrays; `row` has one number more: rows in all, if everyone flies to the end."""
    begin = np.array([max(0, int(route.begin)) for route in routes], np.int64)
    until = np.full(len(routes), seconds, np.int64)
    own = np.empty((len(routes), 8))
    for k, route in enumerate(routes):
        traits, manner = KINDS[route.target.kind], MANNERS[route.target.kind]
        moves = (manner.acceleration, manner.meander, manner.wander, route.phase, manner.dive, manner.smooth)
        own[k] = (route.speed, traits.turn, *moves)
    legs = [leg for route in routes for leg in route.legs]
    points = np.array([leg[:3] for leg in legs], float).reshape(-1, 3)
    start = np.array([route.start for route in routes], float).reshape(-1, 3)
    return Course(
        begin=begin,
        until=until,
        row=np.concatenate([[0], np.cumsum(until - begin + 1)]),
        leg=np.concatenate([[0], np.cumsum([len(route.legs) for route in routes])]).astype(np.int64),
        start=_geodetic(start, origin),
        wind=np.array([route.wind for route in routes], float).reshape(-1, 2),
        own=own,
        place=_geodetic(points, origin),
        mode=np.array([leg.mode for leg in legs], np.int64),
        hold=np.array([leg.hold for leg in legs], float),
        radius=np.array([leg.radius for leg in legs], float),
    )


def _geodetic(points: F64, origin: tuple[float, float]) -> F64:
    """Return (n, 3) latitude, longitude rad and height of chart points."""
    latitude, longitude = on_earth(origin, points)
    return np.column_stack([np.radians(latitude), np.radians(longitude), points[:, 2]])


def _compact(flown: Flown, row: I64) -> Flown:
    """Return the rows that were written, one flier after the other."""
    base = np.cumsum(flown.rows) - flown.rows
    columns = (flown.latitude, flown.longitude, flown.east, flown.north, flown.height)
    for column in columns:
        for first, to, count in zip(row.tolist(), base.tolist(), flown.rows.tolist(), strict=False):
            column[to : to + count] = column[first : first + count]
    latitude, longitude, east, north, height = (column[: int(flown.rows.sum())] for column in columns)
    return Flown(latitude, longitude, east, north, height, flown.rows, flown.dive)


def _risen(routes: Sequence[Route], begin: I64, flown: Flown, ground: Ground) -> Sky:
    """Give the fliers their heights, and the rows to a Sky."""
    base = np.cumsum(flown.rows) - flown.rows
    manners = [MANNERS[route.target.kind] for route in routes]
    climbs = [KINDS[route.target.kind].climb for route in routes]
    limits = np.array([(c, m.dive, m.smooth, m.level) for c, m in zip(climbs, manners, strict=True)], float)
    rate = np.empty(len(flown.height))
    span = np.stack([base, flown.rows, flown.dive], 1)
    profile(_below(flown, base, ground), flown.height, span, limits.reshape(-1, 4), rate)
    position, velocity = np.empty((2, len(rate), 3))
    where = (flown.latitude, flown.longitude, flown.height)
    on_ellipsoid(where, (flown.east, flown.north, rate), position, velocity)
    return Sky(tuple(route.target for route in routes), begin, flown.rows, base, position, velocity)


def _below(flown: Flown, base: I64, ground: Ground) -> F64:
    """Return (N,) m: the highest ground from half a second before each row to half a second after, and more.

    Fast fliers look more often between two rows, so that no ridge of a map with 90 m between its points is missed.
    """
    rows = len(flown.latitude)
    ahead = np.minimum(np.arange(rows) + 1, rows - 1)
    ends = base + flown.rows - 1
    ahead[ends] = ends
    looks = np.clip(np.hypot(flown.east, flown.north) // FINE + 1, 1, MOST_LOOKS)
    below = np.empty(rows)
    for first in range(0, rows, PART):
        part = slice(first, first + PART)
        below[part] = ground.height(flown.latitude[part], flown.longitude[part])
    for look in range(1, MOST_LOOKS):
        between = np.flatnonzero((looks > look) & (ahead > np.arange(rows)))
        for first in range(0, len(between), PART):
            k = between[first : first + PART]
            share = look / looks[k]
            latitude = flown.latitude[k] + share * (flown.latitude[ahead[k]] - flown.latitude[k])
            longitude = flown.longitude[k] + share * (flown.longitude[ahead[k]] - flown.longitude[k])
            high = ground.height(latitude, longitude)
            below[k] = np.maximum(below[k], high)
            below[ahead[k]] = np.maximum(below[ahead[k]], high)
    return below


def joined(skies: Sequence[Sky]) -> Sky:
    """Return one Sky of all fliers of several, in their order."""
    counts = np.concatenate([sky.count for sky in skies])
    return Sky(
        tuple(target for sky in skies for target in sky.targets),
        np.concatenate([sky.first for sky in skies]),
        counts,
        np.cumsum(counts) - counts,
        np.concatenate([sky.position for sky in skies]),
        np.concatenate([sky.velocity for sky in skies]),
    )


def renamed(sky: Sky, targets: Sequence[Target]) -> Sky:
    """Return the same Sky with other targets."""
    return Sky(tuple(targets), sky.first, sky.count, sky.base, sky.position, sky.velocity)


def stacked(targets: Iterable[Target], firsts: list[int], places: list[F64], speeds: list[F64]) -> Sky:
    """Return the Sky of fliers that are given one by one: (k, 3) ECEF positions and velocities from a second on."""
    counts = np.array([len(place) for place in places], np.int64)
    empty = [np.empty((0, 3))]
    return Sky(
        tuple(targets),
        np.array(firsts, np.int64),
        counts,
        np.cumsum(counts) - counts,
        np.concatenate(empty + places),
        np.concatenate(empty + speeds),
    )
