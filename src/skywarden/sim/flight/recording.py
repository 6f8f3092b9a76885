"""Recorded flights -> fliers: faults left out, cut at gaps, smoothed, at whole seconds.

The curve is a cubic smoothing spline in time, of each of east, north and height: what best fits positions with an
error of sigma and white acceleration of density q has the penalty sigma^2 / q (Wahba 1990, Spline Models for
Observational Data, section 1.3). It passes within some sigma of what was recorded, its slope is the velocity.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

import numpy as np
from scipy.interpolate import CubicSpline, make_smoothing_spline

from skywarden.errors import ConfigError
from skywarden.geo import east_north_up, ecef
from skywarden.model.place import F64, I64
from skywarden.sim.flight.fly import stacked
from skywarden.sim.flight.formats import Fixes, fixes
from skywarden.sim.flight.profile import on_ellipsoid
from skywarden.sim.kinds import KINDS
from skywarden.sim.raid import EARTH
from skywarden.sim.scene.settings import Recording
from skywarden.sim.sky import Sky, Target

GAP = 30.0  # s without a position: another flight
FASTER = 1.5  # times the highest speed of the kind, and SLACK, is faster than it can be
SLACK = 60.0  # m that a position may be off
STUBBORN = 5  # positions in a row that do not fit the one before: then it was that one
CLIMB = 60.0  # m/s; a height that changes faster, beyond SLACK, is wrong
SIGMA, DENSITY = 8.0, 1.0  # m, m^2/s^3: error and freedom, level
HEIGHT_SIGMA, HEIGHT_DENSITY = 8.0, 0.05  # of heights, which come in steps of 25 ft
FEWEST = 5  # points of a smoothing spline


class Piece(NamedTuple):
    """One flight without gaps. of: the aircraft, in the order of the file; the rest as in `Fixes`, times rising."""

    of: int
    time: F64
    latitude: F64
    longitude: F64
    height: F64


class Cleaned(NamedTuple):
    """What is left of a recording. dropped: positions left out, as a repeat, as a jump; heights: as a jump."""

    pieces: tuple[Piece, ...]
    repeated: int
    jumps: int
    heights: int


def flown(block: Recording, recordings: Mapping[str, bytes], origin: tuple[float, float], seconds: int) -> Sky:
    """Return a recording as fliers. origin: latitude, longitude, deg, for `move`. Raises ConfigError."""
    if block.file not in recordings:
        raise ConfigError(f"the recording {block.file} is missing")
    aircraft = fixes(block.file, recordings[block.file])
    pieces = cleaned(aircraft, KINDS[block.kind].speed[1]).pieces
    if not pieces:
        raise ConfigError(f"{block.file} has no flight with two positions")
    zero = datetime.fromisoformat(block.start).timestamp() if block.start else min(p.time[0] for p in pieces)
    middle = _middle(pieces)
    targets: list[Target] = []
    firsts, places, speeds = [], [], []
    for piece in pieces:
        at = np.arange(max(0, np.ceil(piece.time[0] - zero)), min(seconds, piece.time[-1] - zero) + 1e-9)
        if len(at) < 2 or (block.limit and len(targets) == block.limit):
            continue
        position, velocity = fitted(piece, zero + at)
        if block.move:
            position, velocity = _moved(position, velocity, middle, (np.radians(origin[0]), np.radians(origin[1])))
        targets.append(_target(block, aircraft[piece.of]))
        firsts.append(int(at[0]))
        places.append(position)
        speeds.append(velocity)
    if not targets:
        raise ConfigError(f"{block.file} has no flight within the {seconds} s from {block.start or 'its start'}")
    return stacked(targets, firsts, places, speeds)


def _target(block: Recording, some: Fixes) -> Target:
    target = Target(block.kind.value, block.kind, False)
    if not block.transponder:
        return target
    callsign = "".join(letter for letter in some.callsign.upper() if letter.isascii() and letter.isalnum())[:8]
    return target._replace(address=max(some.address, 0), callsign=callsign)


def cleaned(aircraft: list[Fixes], fastest: float) -> Cleaned:
    """Leave out what cannot be, and cut at gaps. fastest: m/s, of the kind."""
    pieces: list[Piece] = []
    repeated = jumps = heights = 0
    for of, some in enumerate(aircraft):
        order = np.argsort(some.time, kind="stable")
        piece = _rows(Piece(of, *some[2:]), order)
        keep = _news(piece)
        repeated += int(np.sum(~keep))
        piece = _rows(piece, np.flatnonzero(keep))
        bounds = np.flatnonzero(np.diff(piece.time, prepend=-np.inf) > GAP).tolist()
        for first, end in zip(bounds, [*bounds[1:], len(piece.time)], strict=True):
            run = _rows(piece, np.arange(first, end))
            runs = _plausible(run, FASTER * fastest)
            jumps += len(run.time) - sum(len(rows) for rows in runs)
            for rows in runs:
                one, wrong = _with_heights(_rows(run, rows))
                heights += wrong
                if one is not None and len(one.time) >= 2:
                    pieces.extend(_without_gaps(one))
    return Cleaned(tuple(pieces), repeated, jumps, heights)


def _without_gaps(piece: Piece) -> Iterator[Piece]:
    """Yield the parts between gaps that are there after positions were left out."""
    bounds = np.flatnonzero(np.diff(piece.time, prepend=-np.inf) > GAP).tolist()
    for first, end in zip(bounds, [*bounds[1:], len(piece.time)], strict=True):
        if end - first >= 2:
            yield _rows(piece, np.arange(first, end))


def _rows(piece: Piece, rows: I64) -> Piece:
    return Piece(piece.of, *(column[rows] for column in piece[1:]))


def _news(piece: Piece) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return (n,) bool: not a second position of one time, nor the old position again while it moves on."""
    same_time = np.diff(piece.time, prepend=-np.inf) <= 0
    still = (np.diff(piece.latitude, prepend=np.nan) == 0) & (np.diff(piece.longitude, prepend=np.nan) == 0)
    moves_on = np.concatenate([~still[1:], [False]]) if len(still) else still
    return np.asarray(~same_time & ~(still & moves_on))


def _plausible(piece: Piece, fastest: float) -> list[I64]:
    """Return the rows of each run of positions of which none is too far from the one before."""
    position = ecef(piece.latitude, piece.longitude, 0.0)
    runs: list[list[int]] = [[0]] if len(piece.time) else []
    others: list[int] = []
    for k in range(1, len(piece.time)):
        last = runs[-1][-1]
        if _reachable(position, piece.time, (last, k), fastest):
            runs[-1].append(k)
            others = []
            continue
        if others and not _reachable(position, piece.time, (others[-1], k), fastest):
            others = []
        others.append(k)
        if len(others) == STUBBORN:
            runs.append(others)
            others = []
    return [np.array(run, np.int64) for run in runs if len(run) >= 2]


def _reachable(position: F64, time: F64, pair: tuple[int, int], fastest: float) -> bool:
    a, b = pair
    away = float(np.sqrt(np.sum((position[b] - position[a]) ** 2)))
    return away <= fastest * float(time[b] - time[a]) + SLACK


def _with_heights(piece: Piece) -> tuple[Piece | None, int]:
    """Return the piece with a height everywhere, None if it has none at all; and how many were wrong.

    A height is wrong if it is far from the median of its neighbours; it is replaced from those around it.
    """
    known = np.flatnonzero(np.isfinite(piece.height))
    if not len(known):
        return None, 0
    height, time = piece.height[known], piece.time[known]
    around = np.lib.stride_tricks.sliding_window_view(np.pad(height, 3, mode="edge"), 7)
    span = np.maximum(np.gradient(time), 1.0) if len(time) > 1 else np.ones(1)
    good = np.abs(height - np.median(around, 1)) <= SLACK + CLIMB * span
    if not good.any():
        return None, len(height)
    return piece._replace(height=np.interp(piece.time, time[good], height[good])), int(np.sum(~good))


def fitted(piece: Piece, times: F64) -> tuple[F64, F64]:
    """Return position and velocity, (n, 3) ECEF m and m/s, at `times` (n,) Unix s within the piece."""
    middle = 0.5 * (piece.latitude[0] + piece.latitude[-1])
    scale = EARTH * np.cos(middle)
    longitude = np.unwrap(piece.longitude)
    east, east_rate = _curve(piece.time, scale * (longitude - longitude[0]), times, SIGMA**2 / DENSITY)
    north, north_rate = _curve(piece.time, EARTH * (piece.latitude - piece.latitude[0]), times, SIGMA**2 / DENSITY)
    up, up_rate = _curve(piece.time, piece.height, times, HEIGHT_SIGMA**2 / HEIGHT_DENSITY)
    latitude = piece.latitude[0] + north / EARTH
    position, velocity = np.empty((2, len(times), 3))
    across, meridian = _radii(latitude)
    moving = (east_rate / scale * across * np.cos(latitude), north_rate / EARTH * meridian, up_rate)
    on_ellipsoid((latitude, longitude[0] + east / scale, up), moving, position, velocity)
    return position, velocity


def _radii(latitude: F64) -> tuple[F64, F64]:
    """Return the radii of curvature across the meridian and along it, m, from the distance to points nearby."""
    d = 1e-5
    north = ecef(latitude + d, 0.0, 0.0) - ecef(latitude - d, 0.0, 0.0)
    return ecef(latitude, 0.0, 0.0)[..., 0] / np.cos(latitude), np.linalg.norm(north, axis=-1) / (2 * d)


def _curve(time: F64, values: F64, at: F64, penalty: float) -> tuple[F64, F64]:
    """Return values and slopes of the smooth curve at other times."""
    begin = time[0]
    if len(time) < FEWEST:
        slopes = np.gradient(values, time) if len(time) > 2 else np.full(2, np.diff(values) / np.diff(time))
        return np.interp(at, time, values), np.interp(at, time, slopes)
    spline: CubicSpline | object = make_smoothing_spline(time - begin, values, lam=penalty)
    assert callable(spline)
    return np.asarray(spline(at - begin)), np.asarray(spline(at - begin, 1))


def _middle(pieces: tuple[Piece, ...]) -> tuple[float, float]:
    """Return latitude and longitude, rad, in the middle of all."""
    longitude = np.unwrap(np.concatenate([piece.longitude for piece in pieces]))
    latitude = np.concatenate([piece.latitude for piece in pieces])
    return float(latitude.min() + latitude.max()) / 2, float(longitude.min() + longitude.max()) / 2


def _moved(position: F64, velocity: F64, middle: tuple[float, float], origin: tuple[float, float]) -> tuple[F64, F64]:
    """Turn the Earth under a recording: what was up, east and north at its middle is so at the origin."""
    turn = east_north_up(*origin).T @ east_north_up(*middle)
    return (position - ecef(*middle, 0.0)) @ turn.T + ecef(*origin, 0.0), velocity @ turn.T
