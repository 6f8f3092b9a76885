"""Which tracks are flights of our own: by where and when they begin, and by being followed without a break from there.

What a target says of itself is no proof: a track is a registered flight only if something in the configuration measured
it where that flight starts, slow and low, while it may start, as the only one that has just appeared there, and nothing
has put in doubt since that it is still the same: it was not measured for a while, another track comes so near that
labels may have been exchanged, it leaves its corridor, or its time is over. A flight begins once. Source: DESIGN.md
section 5.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from skywarden.geo import east_north_up, ecef, geodetic
from skywarden.model.place import F64, I64, Flight
from skywarden.model.track import Status, TrackKind, Tracks

SECOND = 1_000_000_000
NEW = 30 * SECOND  # ns; so long after it was first shown a track may turn out to be a flight that has just begun
BORN = 60 * SECOND  # ns; at most so much older it is than that
COASTED = 15 * SECOND  # ns without a measurement, after which it may be another one
CLOSE = 300.0  # m, and SIGMAS of both places: so near to another track labels may be exchanged
SIGMAS = 3.0
NEIGHBOURS = 8  # tracks that are asked whether they are so near
HERE = 100_000.0  # m; the plane around a start is no use further away


class Seen(NamedTuple):
    """Tracks that are looked at: rows of the table. flight: (n,) what each was, "" none; measured: (n,) ns, when last

    by what is in the configuration.
    """

    rows: I64
    flight: Sequence[str]
    measured: I64


class Plans(NamedTuple):
    """Flights that there are. begun: names of those that have begun. ground: m above the ellipsoid, the lowest site."""

    flights: Sequence[Flight]
    begun: Sequence[str]
    ground: float


def own(plans: Plans, tracks: Tracks, seen: Seen, time: int) -> list[str]:
    """Return the name of the flight that each of the tracks seen is, "" none. time: ns.

    All tracks are needed, for who else is near.
    """
    flights = {flight.name: flight for flight in plans.flights if _in_time(flight, time)}
    after = [name if name in flights else "" for name in seen.flight]
    lately = seen.measured > time - COASTED
    young = lately & (tracks.since[seen.rows] > time - NEW) & (tracks.born[seen.rows] > time - NEW - BORN)
    held = np.array([name != "" for name in after], bool)
    if not flights or not (held | young).any():
        return after
    doubtful = ~lately
    doubtful[held | young] |= _doubtful(tracks, seen.rows[held | young], time)
    for k in np.flatnonzero(held).tolist():
        if doubtful[k] or not _inside(flights[after[k]], tracks.take(seen.rows[k : k + 1]), time)[0]:
            after[k] = ""
    fresh = np.flatnonzero(tracks.shown() & (tracks.since > time - NEW) & (tracks.kind == TrackKind.POINT))
    for name in sorted(flights.keys() - {*plans.begun}) if (young & ~held & ~doubtful).any() else ():
        begun = fresh[_begun(flights[name], tracks.take(fresh), time, plans.ground)]
        mine = np.flatnonzero(young & ~held & ~doubtful & np.isin(seen.rows, begun))
        if len(begun) == len(mine) == 1:
            after[int(mine[0])] = name
            held[mine] = True
    return after


def says_own(
    flights: Sequence[Flight], claims: Sequence[Mapping[str, str]], tracks: Tracks, time: int
) -> NDArray[np.bool_]:
    """Return (n,) which tracks say that they are a flight of ours that may be where they are. claims: of each."""
    found = np.zeros(len(tracks), bool)
    for flight in flights:
        name = flight.identity.strip().casefold()
        if name:
            said = [any(value.strip().casefold() == name for value in one.values()) for one in claims]
            found |= np.array(said, bool) & _inside(flight, tracks, time) & _in_time(flight, time)
    return found


def _in_time(flight: Flight, time: int) -> bool:
    return _ns(flight.begins.timestamp()) <= time <= _ns(flight.ends.timestamp())


def _inside(flight: Flight, tracks: Tracks, time: int) -> NDArray[np.bool_]:
    """Return (n,) whether tracks are where a flight may be."""
    place, away = _level(flight, tracks, np.full(len(tracks), time))
    return np.asarray((away < HERE) & (_from_route(place, _way(flight)) <= flight.corridor_m), bool)


def _begun(flight: Flight, tracks: Tracks, time: int, ground: float) -> NDArray[np.bool_]:
    """Return (n,) which tracks were near where a flight starts when they were first shown, slow and low."""
    place, away = _level(flight, tracks, tracks.since)
    _, _, height = geodetic(tracks.mean[:, :3])
    level = np.sqrt((tracks.mean[:, 3:] ** 2).sum(1))
    slow = (level <= flight.fastest_m_s) & (height - ground <= flight.highest_m)
    near = np.hypot(*place.T) <= flight.launch_radius_m
    return np.asarray(slow & near & (away < HERE) & _inside(flight, tracks, time), bool)


def _doubtful(tracks: Tracks, rows: I64, time: int) -> NDArray[np.bool_]:
    """Return (n,) whether each may be another one by now: nobody shows it, or another is near, shown or not yet."""
    place = tracks.mean[:, :3] + tracks.mean[:, 3:] * ((time - tracks.time) * 1e-9)[:, None]
    size = SIGMAS * np.sqrt(np.trace(tracks.covariance[:, :3, :3], axis1=1, axis2=2))
    lost = ~tracks.shown()[rows] | (tracks.kind[rows] != TrackKind.POINT)
    there = np.flatnonzero(tracks.status != Status.DROPPED)
    if len(there) < 2:
        return np.asarray(lost, bool)
    away, which = map(np.asarray, cKDTree(place[there]).query(place[rows], k=min(NEIGHBOURS, len(there))))
    other = there[which]
    near = away < np.maximum(CLOSE, size[rows][:, None] + size[other])
    return np.asarray(lost | (near & (other != rows[:, None])).any(1), bool)


def _level(flight: Flight, tracks: Tracks, time: I64) -> tuple[F64, F64]:
    """Return (n, 2) m, east and north of where a flight starts at `time` (n,) ns, straight on, and (n,) m from it."""
    latitude, longitude = np.radians([flight.latitude]), np.radians([flight.longitude])
    axes, start = east_north_up(latitude, longitude)[0, :2], ecef(latitude, longitude, np.zeros(1))[0]
    step = tracks.mean[:, :3] + tracks.mean[:, 3:] * ((time - tracks.time) * 1e-9)[:, None] - start
    return np.asarray(step @ axes.T), np.sqrt((step**2).sum(1))


def _way(flight: Flight) -> F64:
    """Return (m, 2) m, east and north of its start: the start and its way-points."""
    latitude, longitude = np.radians([(flight.latitude, flight.longitude), *flight.route]).T
    axes = east_north_up(latitude[:1], longitude[:1])[0, :2]
    place = ecef(latitude, longitude, np.zeros(len(latitude)))
    return np.asarray((place - place[0]) @ axes.T)


def _from_route(place: F64, way: F64) -> F64:
    """Return (n,) m, distance of places (n, 2) from a line through points (m, 2)."""
    begin, end = (way[:-1], way[1:]) if len(way) > 1 else (way, way)
    step = end - begin
    length2 = np.maximum((step**2).sum(1), 1e-12)
    share = np.clip(((place[:, None] - begin) * step).sum(2) / length2, 0.0, 1.0)
    nearest = begin + share[..., None] * step
    return np.asarray(np.sqrt(((place[:, None] - nearest) ** 2).sum(2)).min(1))


def _ns(seconds: float) -> int:
    return round(seconds * SECOND)
