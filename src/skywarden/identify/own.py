"""Which tracks are flights of our own: by where and when they begin, and by being followed without a break from there.

What a target says of itself is no proof: a track is a registered flight only if others measured it where that flight
starts, while it may start, as the only one, and nothing has put in doubt since that it is still the same: it coasts,
another track comes so near that labels may have been exchanged, it leaves its corridor, or its time is over. What ends
so does not begin again in the air. Source: DESIGN.md section 5.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from skywarden.geo import east_north_up, ecef
from skywarden.model.place import F64, I64, Flight
from skywarden.model.track import TrackKind, Tracks

SECOND = 1_000_000_000
NEW = 30 * SECOND  # ns; so long after it was first shown a track may turn out to be a flight that has just begun
COASTED = 15 * SECOND  # ns without a measurement, after which it may be another one
CLOSE = 300.0  # m, and SIGMAS of both places: so near to another track labels may be exchanged
SIGMAS = 3.0


class Seen(NamedTuple):
    """Tracks that are looked at: rows of the table. flight: (n,) what each was, "" none; measured: (n,) by others."""

    rows: I64
    flight: Sequence[str]
    measured: NDArray[np.bool_]


def own(flights: Sequence[Flight], tracks: Tracks, seen: Seen, held: Sequence[str], time: int) -> list[str]:
    """Return the name of the flight that each of the tracks seen is, "" none. held: flights that tracks are; time: ns.

    All tracks are needed, for who else is near.
    """
    plans = {flight.name: flight for flight in flights}
    after = [name if name in plans else "" for name in seen.flight]
    if not plans:
        return after
    doubtful = _doubtful(tracks, seen.rows, time)
    for k, name in enumerate(after):
        if name and (doubtful[k] or not _inside(plans[name], tracks.take(seen.rows[k : k + 1]), time)[0]):
            after[k] = ""
    young = seen.measured & ~doubtful & (tracks.since[seen.rows] > time - NEW)
    for name in sorted(plans.keys() - {*held}):
        if not young.any():
            break
        begun = _begun(plans[name], tracks, time)
        mine = [k for k in np.flatnonzero(young).tolist() if begun[seen.rows[k]] and not after[k]]
        if len(mine) == int(begun.sum()) == 1:
            after[mine[0]] = name
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
            found |= np.array(said, bool) & _inside(flight, tracks, time)
    return found


def _inside(flight: Flight, tracks: Tracks, time: int) -> NDArray[np.bool_]:
    """Return (n,) whether tracks are where and when a flight may be."""
    in_time = _ns(flight.begins.timestamp()) <= time <= _ns(flight.ends.timestamp())
    place = _level(flight, tracks, time)
    away = _from_route(place, _way(flight))
    return np.asarray(in_time & (away <= flight.corridor_m), bool)


def _begun(flight: Flight, tracks: Tracks, time: int) -> NDArray[np.bool_]:
    """Return (n,) which tracks are near where a flight starts, in its time, and were first shown just now."""
    near = np.hypot(*_level(flight, tracks, time).T) <= flight.launch_radius_m
    new = tracks.shown() & (tracks.since > time - NEW) & (tracks.kind == TrackKind.POINT)
    return np.asarray(near & new & _inside(flight, tracks, time), bool)


def _doubtful(tracks: Tracks, rows: I64, time: int) -> NDArray[np.bool_]:
    """Return (n,) whether each may be another one by now."""
    shown = tracks.shown()
    place = tracks.mean[:, :3] + tracks.mean[:, 3:] * ((time - tracks.time) * 1e-9)[:, None]
    size = SIGMAS * np.sqrt(np.trace(tracks.covariance[:, :3, :3], axis1=1, axis2=2))
    coasts = ~shown[rows] | (tracks.heard[rows] < time - COASTED) | (tracks.kind[rows] != TrackKind.POINT)
    if shown.sum() < 2:
        return np.asarray(coasts, bool)
    there = np.flatnonzero(shown)
    away, which = map(np.asarray, cKDTree(place[there]).query(place[rows], k=2))
    other = np.where(there[which[:, 0]] == rows, 1, 0)
    one = np.arange(len(rows))
    near = away[one, other] < np.maximum(CLOSE, size[rows] + size[there[which[one, other]]])
    return np.asarray(coasts | near, bool)


def _level(flight: Flight, tracks: Tracks, time: int) -> F64:
    """Return (n, 2) m, east and north of where a flight starts."""
    latitude, longitude = np.radians([flight.latitude]), np.radians([flight.longitude])
    axes, start = east_north_up(latitude, longitude)[0, :2], ecef(latitude, longitude, np.zeros(1))[0]
    place = tracks.mean[:, :3] + tracks.mean[:, 3:] * ((time - tracks.time) * 1e-9)[:, None]
    return np.asarray((place - start) @ axes.T)


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
