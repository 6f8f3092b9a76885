"""Fliers: routes with way-points flown out into arrays of where each one is, and when.

The plan is drawn on a flat chart: metres east and north of an origin, and height above the sea. `chart` bends it onto
WGS 84. Pure: no clock, no random numbers of its own, no files.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec
import numpy as np

from skywarden.geo import ecef
from skywarden.model.detection import NO_ADDRESS
from skywarden.model.place import F64, I64

STEP = 0.5  # s between stored points; a 3 deg/s turn at 50 m/s bends 8 cm away from the chord
EARTH = 6371000.0  # m, mean radius: the chart's own scale


class Flier(StrEnum):
    """What flies."""

    UAV = "uav"  # one-way, piston engine
    AIRLINER = "airliner"
    HELICOPTER = "helicopter"
    BIRDS = "birds"


TURN_DEG_S = {Flier.UAV: 3.0, Flier.AIRLINER: 1.5, Flier.HELICOPTER: 4.0, Flier.BIRDS: 12.0}
CLIMB_M_S = {Flier.UAV: 4.0, Flier.AIRLINER: 10.0, Flier.HELICOPTER: 5.0, Flier.BIRDS: 1.0}


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One flier's plan. points: (east m, north m, height m) each; it exists from `start` s to the last point."""

    kind: Flier
    points: tuple[tuple[float, float, float], ...]
    speed: float  # m/s over the ground
    start: float = 0.0
    address: int = NO_ADDRESS
    callsign: str = ""
    squawk: str = "7000"


@dataclass(frozen=True, slots=True)
class Fliers:
    """n routes flown. track: (n, k, 3) east, north, height m on the chart every STEP s, NaN before and after.

    origin: latitude, longitude of the chart's zero, deg.
    """

    routes: tuple[Route, ...]
    origin: tuple[float, float]
    track: F64

    def __len__(self) -> int:
        return len(self.routes)

    def at(self, rows: I64, times: F64) -> F64:
        """Return (m, 3) chart positions of fliers `rows` (m,) at `times` (m,) s; NaN where it is not flying."""
        last = self.track.shape[1] - 1
        step = np.clip(times / STEP, 0.0, last)
        before = np.minimum(step.astype(np.int64), last - 1)
        part = (step - before)[:, None]
        between: F64 = self.track[rows, before] * (1 - part) + self.track[rows, before + 1] * part
        return between

    def ecef(self, rows: I64, times: F64) -> F64:
        """Return (m, 3) ECEF m, like `at`."""
        return chart(self.origin, self.at(rows, times))

    def velocity(self, rows: I64, times: F64) -> F64:
        """Return (m, 3) m/s east, north, up; NaN where it is not flying."""
        return (self.at(rows, times + STEP / 2) - self.at(rows, times - STEP / 2)) / STEP


def chart(origin: tuple[float, float], points: F64) -> F64:
    """Return (..., 3) ECEF m of chart points (..., 3). origin: latitude, longitude, deg."""
    latitude, longitude = on_earth(origin, points)
    return ecef(np.radians(latitude), np.radians(longitude), points[..., 2])


def on_earth(origin: tuple[float, float], points: F64) -> tuple[F64, F64]:
    """Return latitude and longitude, deg, of chart points (..., 3): a plate carree chart true at its origin."""
    east, north = points[..., 0], points[..., 1]
    latitude = origin[0] + np.degrees(north / EARTH)
    longitude = origin[1] + np.degrees(east / (EARTH * np.cos(np.radians(origin[0]))))
    return latitude, longitude


def fly(routes: Sequence[Route], origin: tuple[float, float], seconds: float) -> Fliers:
    """Fly all routes for `seconds`: constant speed, turns and climbs at the rate of each kind."""
    most = max(len(route.points) for route in routes)
    way = np.array([route.points + route.points[-1:] * (most - len(route.points)) for route in routes])
    count = np.array([len(route.points) for route in routes])
    start = np.array([route.start for route in routes])
    stride = np.array([route.speed for route in routes]) * STEP
    turn = np.radians([TURN_DEG_S[route.kind] for route in routes]) * STEP
    climb = np.array([CLIMB_M_S[route.kind] for route in routes]) * STEP
    rows = np.arange(len(routes))
    here, leg = way[:, 0].copy(), np.ones(len(routes), np.int64)
    heading = np.arctan2(way[:, 1, 0] - here[:, 0], way[:, 1, 1] - here[:, 1])
    track = np.full((len(routes), int(np.ceil(seconds / STEP)) + 2, 3), np.nan)
    for k in range(track.shape[1]):
        flying = (k * STEP >= start) & (leg < count)
        track[flying, k] = here[flying]
        aim = way[rows, np.minimum(leg, count - 1)] - here
        off = np.arctan2(aim[:, 0], aim[:, 1]) - heading
        heading += np.where(flying, np.clip((off + np.pi) % (2 * np.pi) - np.pi, -turn, turn), 0.0)
        move = np.column_stack([np.sin(heading) * stride, np.cos(heading) * stride, np.clip(aim[:, 2], -climb, climb)])
        here = here + np.where(flying[:, None], move, 0.0)
        reach = np.where(leg == count - 1, stride, np.maximum(stride, 0.7 * stride / turn))
        leg += flying & (np.hypot(aim[:, 0], aim[:, 1]) <= reach)
    return Fliers(tuple(routes), origin, track)


def column(points: F64, distances: F64, sideways: F64) -> list[F64]:
    """Return one route per flier of a stream along `points` (w, 3): each starts `distances` m along it.

    sideways: (n,) m to the right of the first leg, for the whole route but its last point.
    """
    legs = np.hypot(*(points[1:] - points[:-1])[:, :2].T)
    along = np.concatenate(([0.0], np.cumsum(legs)))
    first = (points[1] - points[0])[:2] / legs[0]
    right = np.array([first[1], -first[0], 0.0])
    routes = []
    for distance, offset in zip(distances, sideways, strict=True):
        passed = int(np.clip(np.searchsorted(along, distance, "right") - 1, 0, len(legs) - 1))
        part = (distance - along[passed]) / legs[passed]
        begin = points[passed] + (points[passed + 1] - points[passed]) * part
        route = np.vstack([begin, points[passed + 1 :]])
        route[:-1] += right * offset
        routes.append(route)
    return routes
