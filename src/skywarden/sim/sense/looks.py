"""Regular looks of sensors that stand here and there: when each one looks, and where every flier is then."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.geo import east_north_up, geodetic
from skywarden.geo.terrain import Ground
from skywarden.model.place import F64, I64
from skywarden.sim.sense.post import Post
from skywarden.sim.sky import Sky, Window

RADIO = 4 / 3  # effective radius of the earth over its real one, in standard air
OPTICAL = 1.0
MOST = 1_000_000  # pairs of a look and a flier worked on at once


class Pairs(NamedTuple):
    """m pairs of a sensor's look and a flier within its reach and in sight.

    sensor, target: (m,) rows; time: (m,) s; distance: (m,) m; azimuth, elevation: (m,) rad, true north, level.
    above: (m,) m, of the flier over the ellipsoid.
    """

    sensor: I64
    target: I64
    time: F64
    distance: F64
    azimuth: F64
    elevation: F64
    above: F64

    def where(self, keep: NDArray[np.bool_]) -> "Pairs":
        """Return the pairs where `keep` is true."""
        sensor, target, *rest = self
        return Pairs(sensor[keep], target[keep], *(column[keep] for column in rest))


def times(period: F64, phase: F64, window: Window) -> tuple[I64, F64]:
    """Return rows (m,) and times (m,) s of all looks in a window, of sensors with a period and a phase, s, each."""
    first = np.ceil((window.start - phase) / period).astype(np.int64)
    last = np.ceil((window.end - phase) / period).astype(np.int64)
    count = last - first
    rows = np.repeat(np.arange(len(period)), count)
    number = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count) + first[rows]
    return rows, phase[rows] + number * period[rows]


def pairs(post: Post, sky: Sky, look: tuple[I64, F64], targets: I64, air: tuple[Ground, float]) -> Pairs:
    """Return who of `targets` is within reach and in sight at each look (sensor (m,), time (m,) s).

    air: the ground that may hide them, and the refraction.
    """
    rows, at = look
    up = post.trouble.up(rows, at)
    rows, at = rows[up], at[up]
    at_once = max(1, MOST // max(1, len(targets)))
    parts = []
    for first in range(0, max(1, len(rows)), at_once):
        some = slice(first, first + at_once)
        sensor, time = np.repeat(rows[some], len(targets)), np.repeat(at[some], len(targets))
        target = np.tile(targets, len(rows[some]))
        parts.append(seen(post, sky, Meeting(sensor, target, time, post.reach[sensor]), *air))
    return Pairs(*(np.concatenate(column) for column in zip(*parts, strict=True)))


class Meeting(NamedTuple):
    """m pairs of a sensor and a flier (rows), at a time, s, and how far the sensor reaches for it, m."""

    sensor: I64
    target: I64
    time: F64
    reach: F64


def seen(post: Post, sky: Sky, meeting: Meeting, ground: Ground, refraction: float) -> Pairs:
    """Return those of the pairs that are within reach and in sight."""
    position, _ = sky.at(meeting.target, meeting.time)
    stands = post.at(meeting.sensor, meeting.time)
    near = np.linalg.norm(position - stands, axis=1) < meeting.reach  # NaN: not flying
    position, stands = position[near], stands[near]
    clear = ground.sight(stands, position, refraction) if len(position) else np.empty(0, bool)
    position, stands = position[clear], stands[clear]
    rows = np.flatnonzero(near)[clear]
    latitude, longitude, _ = geodetic(stands)
    east, north, vertical = np.einsum("nij,nj->in", east_north_up(latitude, longitude), position - stands)
    level = np.hypot(east, north)
    return Pairs(
        meeting.sensor[rows],
        meeting.target[rows],
        meeting.time[rows],
        np.hypot(level, vertical),
        np.arctan2(east, north) % (2 * np.pi),
        np.arctan2(vertical, level),
        geodetic(position)[2],
    )
