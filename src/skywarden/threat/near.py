"""Which pairs of a track and a site can matter at all: near enough, by speed and horizon, or inside the radius."""

from collections.abc import Sequence
from math import asin, cos, pi, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.geo import east_north_up, ecef
from skywarden.kernel import inner, kernel
from skywarden.model.place import F64, I64, Site
from skywarden.model.track import TrackKind, Tracks
from skywarden.threat.course import SLOWEST, Turns

HELD = 3.0  # radii by which the straight way may pass a site: who weaves still comes (`alert.HELD_RADII`)
LEARNED = 0.06  # rad, error of a course that the table's cases had: 2 m/s at 50 m/s and more
FARTHEST = 2.4  # sigmas of the outermost of the headings that are looked at (`stage.STEPS`)
EARLY = 1.2  # how much sooner than by its own speed somebody came
HIGHEST = 30_000.0  # m over a site: its height does not count
GATE = 3.0  # standard deviations of a track's place, by which it may be nearer than it seems


class Pairs(NamedTuple):
    """k pairs of a track and a site. Level plane of the site: m, m/s, east and north; mean at the picture's time.

    track, site: (k,) rows. offset, velocity, mean: (k, 2), mean and steady as in `threat.past`; steady: (k,) m/s. axes:
    (sites, 2, 3) ECEF -> east, north. since: (k,) s since the track's update. radius, horizon: (k,) m, s. vague: (k,)
    bool, of the track only a wide region is known.
    """

    track: I64
    site: I64
    offset: F64
    velocity: F64
    mean: F64
    steady: F64
    axes: F64
    since: F64
    radius: F64
    horizon: F64
    vague: NDArray[np.bool_]

    def take(self, rows: I64) -> "Pairs":
        """Return some of them; axes are of all sites."""
        some = [column if name == "axes" else column[rows] for name, column in self._asdict().items()]
        return Pairs(*some)


class Flights(NamedTuple):
    """n tracks. position, velocity, mean: (n, 3) ECEF m, m/s; speed, steady: (n,) m/s; mean, steady: see `threat.past`.

    blur: (n,) m by which one may be nearer. turn: (n,) rad^2 and place: (n,) m^2, variances of heading and of place.
    anywhere: (n,) bool, its course is no reason to leave it out.
    """

    position: F64
    velocity: F64
    mean: F64
    speed: F64
    steady: F64
    blur: F64
    turn: F64
    place: F64
    anywhere: NDArray[np.bool_]


class Places(NamedTuple):
    """m sites. centre: (m, 3) ECEF m; axes: (m, 2, 3) east and north; radius, horizon: (m,) m, s."""

    centre: F64
    axes: F64
    radius: F64
    horizon: F64


def places(sites: Sequence[Site], horizon_s: float) -> Places:
    """Return sites as arrays. A site's horizon is `horizon_s`, or twice its lead time where that is longer."""
    place = np.radians([(site.latitude, site.longitude) for site in sites])
    centre = ecef(place[:, 0], place[:, 1], np.array([site.height_m for site in sites]))
    axes = np.ascontiguousarray(east_north_up(place[:, 0], place[:, 1])[:, :2])
    horizon = np.array([max(horizon_s, 2 * site.need_s) for site in sites])
    return Places(centre, axes, np.array([site.radius_m for site in sites]), horizon)


class Looked(NamedTuple):
    """Which tracks are looked at. rows: (k,) of the tracks. past: (n, 4) of all of them, as in `model.past`.

    turn: (n,) rad^2 and place: (n,) m^2, variances of heading and of place across it.
    """

    tracks: Tracks
    rows: I64
    past: F64
    turn: F64
    place: F64


def near(seen: Looked, time: int, of: Places, turns: Turns) -> Pairs:
    """Return the pairs of some tracks that can matter, in the order of tracks, then sites. time: ns."""
    tracks, rows = seen.tracks, seen.rows
    since = np.asarray((time - tracks.time[rows]) * 1e-9, float)
    velocity = np.ascontiguousarray(tracks.mean[rows, 3:])
    position = tracks.mean[rows, :3] + velocity * since[:, None]
    mean, steady = np.ascontiguousarray(seen.past[rows, :3]), np.maximum(seen.past[rows, 3], SLOWEST)
    spread = np.sqrt(np.trace(tracks.covariance[rows, :3, :3], axis1=1, axis2=2))
    vague = tracks.kind[rows] != TrackKind.POINT
    speed = np.sqrt((velocity**2).sum(1))
    flights = Flights(position, velocity, mean, speed, steady, GATE * spread, seen.turn[rows], seen.place[rows], vague)
    found = np.empty(len(rows) * len(of.radius), np.int64)
    i, j = np.divmod(found[: meet(flights, of, turns, found)], len(of.radius))
    offset, moves, flew = (
        np.einsum("kab,kb->ka", of.axes[j], one) for one in (position[i] - of.centre[j], velocity[i], mean[i])
    )
    of_site = of.axes, since[i], of.radius[j], of.horizon[j]
    return Pairs(rows[i], j, offset, moves, flew, steady[i], *of_site, vague[i])


@kernel
def meet(flights: Flights, of: Places, turns: Turns, found: I64) -> int:
    """Write which pairs can matter, as track * sites + site, to `found`; return how many.

    A gate in three dimensions first, straight through the Earth: in the level plane alone the antipodes are overhead.
    Then who is outside must move, and be on a course from which anybody like it ever came (`turns`).
    """
    count, sites, level = 0, len(of.radius), np.empty((3, 2))
    for i in range(len(flights.speed)):
        for j in range(sites):
            reach = EARLY * flights.speed[i] * of.horizon[j] + flights.blur[i] + of.radius[j] + HIGHEST
            apart, level[:] = 0.0, 0.0
            for axis in range(3):
                step = flights.position[i, axis] - of.centre[j, axis]
                apart += step * step
                for way in range(2):
                    level[0, way] += of.axes[j, way, axis] * step
            if not apart <= reach * reach:  # not a number is nowhere
                continue
            if level[0, 0] ** 2 + level[0, 1] ** 2 > of.radius[j] ** 2 and not flights.anywhere[i]:
                for axis in range(3):
                    for way in range(2):
                        level[1, way] += of.axes[j, way, axis] * flights.velocity[i, axis]
                        level[2, way] += of.axes[j, way, axis] * flights.mean[i, axis]
                away = sqrt(level[0, 0] ** 2 + level[0, 1] ** 2)
                sigma = unsure(flights.turn[i], flights.place[i], away)
                if not leads(level, flights.steady[i], (of.radius[j], EARLY * of.horizon[j]), turns, sigma):
                    continue
            found[count] = i * sites + j
            count += 1
    return count


@inner
def unsure(turn: float, place: float, away: float) -> float:
    """Return rad, how badly it is known by which angle a course misses; what the table's cases had does not count."""
    return sqrt(max(turn + place / (away * away) - LEARNED * LEARNED, 0.0))


@inner
def leads(level: F64, steady: float, place: tuple[float, float], turns: Turns, sigma: float) -> bool:
    """Return whether the site lies within the angle of the course by which anybody like it was likely to turn.

    Or whether the straight way passes it by little (HELD). level: (3, 2) offset from the site, velocity and its mean.
    place: m, its radius, and s within which one must come. sigma: rad, of the course.
    """
    radius, horizon = place
    away, speed = sqrt(level[0, 0] ** 2 + level[0, 1] ** 2), sqrt(level[1, 0] ** 2 + level[1, 1] ** 2)
    if speed < SLOWEST or away - radius > horizon * speed:
        return False
    toward = -(level[0, 0] * level[1, 0] + level[0, 1] * level[1, 1])
    aside = abs(level[0, 0] * level[1, 1] - level[0, 1] * level[1, 0])
    if toward > 0.0 and aside <= HELD * radius * speed:
        return True
    time, nearer = (away - radius) / speed, -(level[0, 0] * level[2, 0] + level[0, 1] * level[2, 1]) / (away * steady)
    k = min(int(np.searchsorted(turns.time, time)), len(turns.time) - 1)
    q = min(int(np.searchsorted(turns.nearer, nearer)), len(turns.nearer) - 1)
    angle = turns.angle[k, q] + asin(radius / away) + FARTHEST * sigma
    return bool(angle >= pi or toward >= cos(angle) * away * speed)
