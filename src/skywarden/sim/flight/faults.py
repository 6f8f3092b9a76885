"""Faults of recorded flights: what is left out, and where a flight is cut."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from skywarden.geo import ecef
from skywarden.model.place import F64, I64
from skywarden.sim.flight.formats import Fixes

LEAVING = 15.0  # m/s
GAP = 30.0  # s without a position: another flight
FASTER = 1.5  # times the highest speed of the kind, and SLACK, is faster than it can be
SLACK = 60.0  # m that a position may be off
STAMP = 0.5  # s that its time may be off: some are rounded
STUBBORN = 5  # positions in a row that do not fit the one before: then it was that one
BEND = 12.0  # m/s^2, that a flight is bent by at most
CLIMB = 60.0  # m/s; a height that changes faster, beyond SLACK, is wrong


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


def cleaned(aircraft: list[Fixes], fastest: float) -> Cleaned:
    """Leave out what cannot be, and cut at gaps. fastest: m/s, of the kind."""
    pieces: list[Piece] = []
    repeated = jumps = heights = 0
    told = np.concatenate([np.empty(0), *(some.height[np.isfinite(some.height)] for some in aircraft)])
    lowest = float(np.percentile(told, 1)) if len(told) else 0.0
    for of, some in enumerate(aircraft):
        order = np.argsort(some.time, kind="stable")
        piece = _rows(Piece(of, *some[2:]), order)
        keep = _news(piece)
        repeated += int(np.sum(~keep))
        piece = _rows(piece, np.flatnonzero(keep))
        for first, end in _bounds(piece.time):
            run = _rows(piece, np.arange(first, end))
            runs = _plausible(run, FASTER * fastest)
            jumps += len(run.time) - sum(len(rows) for rows in runs)
            for rows in runs:
                one = _rows(run, rows)
                straight = _straight(one)
                jumps += len(rows) - len(straight)
                one, wrong = _with_heights(_rows(one, straight), lowest)
                heights += wrong
                pieces.extend(_without_gaps(one))
    return Cleaned(tuple(pieces), repeated, jumps, heights)


def _without_gaps(piece: Piece) -> Iterator[Piece]:
    """Yield the parts between gaps that are there after positions were left out."""
    for first, end in _bounds(piece.time):
        if end - first >= 2:
            yield _rows(piece, np.arange(first, end))


def _bounds(time: F64) -> list[tuple[int, int]]:
    """Return first row and end of each part between gaps; none of no rows."""
    firsts = np.flatnonzero(np.diff(time, prepend=-np.inf) > GAP).tolist()
    return list(zip(firsts, [*firsts[1:], len(time)], strict=True)) if firsts else []


def _rows(piece: Piece, rows: I64) -> Piece:
    return Piece(piece.of, *(column[rows] for column in piece[1:]))


def _news(piece: Piece) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return (n,) bool: a new position, not a second one of one time, nor an old one again.

    A position that is repeated and then left with more than LEAVING is one that was not heard meanwhile; who really
    stands leaves slowly.
    """
    n = len(piece.time)
    first = np.diff(piece.time, prepend=-np.inf) > 0
    position = ecef(piece.latitude, piece.longitude, 0.0)
    still = np.concatenate([[False], (np.diff(position, axis=0) == 0).all(1)])[:n]
    speed = np.append(np.linalg.norm(np.diff(position, axis=0), axis=1) / np.maximum(np.diff(piece.time), 0.5), 0.0)
    run = np.cumsum(~still)  # the same for a position and its repeats
    leaving = speed[np.searchsorted(run, run, "right") - 1]
    coming = np.concatenate([[0.0], speed[:-1]])[np.searchsorted(run, run, "left")]
    last = run == run[-1] if n else still
    return np.asarray(first & ~(still & (np.where(last, coming, leaving) > LEAVING)))


def _plausible(piece: Piece, fastest: float) -> list[I64]:
    """Return the rows of each run of positions of which none is too far from the one before."""
    position = ecef(piece.latitude, piece.longitude, 0.0)
    steps = np.linalg.norm(np.diff(position, axis=0), axis=1)
    if (steps <= fastest * np.diff(piece.time) + SLACK).all():  # as nearly always
        return [np.arange(len(piece.time))] if len(piece.time) >= 2 else []
    runs: list[list[int]] = [[0]]
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


def _straight(piece: Piece) -> I64:
    """Return the rows that are not far off the line between their neighbours: BEND is more than any of them turns."""
    position = ecef(piece.latitude, piece.longitude, 0.0)
    before, after = piece.time[1:-1] - piece.time[:-2], piece.time[2:] - piece.time[1:-1]
    share = (before / (before + after))[:, None]
    off = np.linalg.norm(position[1:-1] - position[:-2] * (1 - share) - position[2:] * share, axis=1)
    speed = np.linalg.norm(position[2:] - position[:-2], axis=1) / (before + after)
    good = off <= SLACK + STAMP * speed + 0.5 * BEND * before * after
    return np.flatnonzero(np.concatenate([[True], good, [True]]))


def _reachable(position: F64, time: F64, pair: tuple[int, int], fastest: float) -> bool:
    a, b = pair
    away = float(np.sqrt(np.sum((position[b] - position[a]) ** 2)))
    return away <= fastest * float(time[b] - time[a]) + SLACK


def _with_heights(piece: Piece, lowest: float) -> tuple[Piece, int]:
    """Return the piece with a height everywhere; and how many were wrong.

    Heights that go together are those that can be reached from one to the next; the longest such chain is right, and
    what can be reached from it. lowest: m, for who tells no height: it is on the ground.
    """
    known = np.flatnonzero(np.isfinite(piece.height))
    if not len(known):
        return piece._replace(height=np.full(len(piece.time), lowest)), 0
    height, time = piece.height[known], piece.time[known]
    jumps = np.abs(np.diff(height)) > SLACK + CLIMB * np.diff(time)
    run = np.concatenate([[0], np.cumsum(jumps)])
    good = run == np.argmax(np.bincount(run))
    first, last = np.flatnonzero(good)[[0, -1]].tolist()
    for k in [*range(last + 1, len(time)), *range(first - 1, -1, -1)]:
        nearest = last if k > last else first
        if abs(height[k] - height[nearest]) <= SLACK + CLIMB * abs(time[k] - time[nearest]):
            good[k] = True
            first, last = min(first, k), max(last, k)
    return piece._replace(height=np.interp(piece.time, time[good], height[good])), int(np.sum(~good))
