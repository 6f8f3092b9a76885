"""Recorded flights -> fliers: smoothed, at whole seconds, where they were flown or elsewhere."""

from collections.abc import Mapping
from datetime import datetime

import numpy as np

from skywarden.errors import ConfigError
from skywarden.geo import east_north_up, ecef
from skywarden.model.place import F64
from skywarden.sim.flight.faults import FASTER, GAP, Piece, cleaned
from skywarden.sim.flight.fly import stacked
from skywarden.sim.flight.formats import Fixes, fixes
from skywarden.sim.flight.profile import on_ellipsoid
from skywarden.sim.flight.smooth import smooth
from skywarden.sim.kinds import KINDS, Kind
from skywarden.sim.raid import EARTH
from skywarden.sim.scene.settings import Recording
from skywarden.sim.sky import Sky, Target

SIGMA = 8.0  # m, error of a recorded position
FREE = 0.4  # of what a kind accelerates in its tightest turn, for a second, is what a position may stray: q
HEIGHT_PENALTY = 8.0**2 / 0.05  # s^3; heights come in steps of 25 ft and change evenly


def flown(block: Recording, recordings: Mapping[str, bytes], origin: tuple[float, float], seconds: int) -> Sky:
    """Return a recording as fliers. origin: latitude, longitude, deg, for `move`. Raises ConfigError."""
    if block.file not in recordings:
        raise ConfigError(f"the recording {block.file} is missing")
    aircraft = fixes(block.file, recordings[block.file])
    left = cleaned(aircraft, KINDS[block.kind].speed[1])
    pieces = left.pieces
    if not pieces:
        raise ConfigError(_nothing(block, left.jumps))
    zero = datetime.fromisoformat(block.start).timestamp() if block.start else min(p.time[0] for p in pieces)
    middle, penalty = _middle(pieces), stiffness(block.kind)
    targets: list[Target] = []
    firsts, places, speeds = [], [], []
    for piece in pieces:
        at = np.arange(max(0, np.ceil(piece.time[0] - zero)), min(seconds, piece.time[-1] - zero) + 1e-9)
        if len(at) < 2 or (block.limit and len(targets) == block.limit):
            continue
        position, velocity = fitted(piece, zero + at, penalty)
        if block.move:
            position, velocity = _moved(position, velocity, middle, (np.radians(origin[0]), np.radians(origin[1])))
        targets.append(_target(block, aircraft[piece.of]))
        firsts.append(int(at[0]))
        places.append(position)
        speeds.append(velocity)
    if not targets:
        raise ConfigError(f"{block.file} has no flight within the {seconds} s from {block.start or 'its start'}")
    return stacked(targets, firsts, places, speeds)


def _nothing(block: Recording, jumps: int) -> str:
    """Return why nothing is left of a recording. jumps: positions left out as too far from the one before."""
    if not jumps:
        return (
            f"{block.file} has no flight with two positions at most {GAP:g} s apart; each row needs its place in "
            "degrees and its time, in seconds or like 2021-10-07T12:00:00Z"
        )
    fastest = FASTER * KINDS[block.kind].speed[1]
    return (
        f'{block.file} is too fast for kind = "{block.kind.value}": no two positions can be reached at up to '
        f"{fastest:g} m/s; write the kind that flew it, and times in seconds"
    )


def _target(block: Recording, some: Fixes) -> Target:
    target = Target(block.kind.value, block.kind, False)
    if not block.transponder:
        return target
    callsign = "".join(letter for letter in some.callsign.upper() if letter.isascii() and letter.isalnum())[:8]
    return target._replace(address=max(some.address, 0), callsign=callsign)


def stiffness(kind: Kind) -> float:
    """Return the penalty of level curves, s^3: the tighter a kind turns, the less."""
    traits = KINDS[kind]
    return (SIGMA / (FREE * max(traits.turn, 0.01) * 0.5 * sum(traits.speed))) ** 2


def fitted(piece: Piece, times: F64, penalty: float) -> tuple[F64, F64]:
    """Return position and velocity, (n, 3) ECEF m and m/s, at `times` (n,) Unix s within the piece.

    penalty: see `stiffness`.
    """
    middle = 0.5 * (piece.latitude[0] + piece.latitude[-1])
    scale = EARTH * np.cos(middle)
    longitude = np.unwrap(piece.longitude)
    level = np.column_stack([scale * (longitude - longitude[0]), EARTH * (piece.latitude - piece.latitude[0])])
    begin = piece.time[0]
    (east, north), (east_rate, north_rate) = (
        columns.T for columns in smooth(piece.time - begin, level, times - begin, penalty)
    )
    (up,), (up_rate,) = (
        column.T for column in smooth(piece.time - begin, piece.height[:, None], times - begin, HEIGHT_PENALTY)
    )
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


def _middle(pieces: tuple[Piece, ...]) -> tuple[float, float]:
    """Return latitude and longitude, rad, in the middle of all."""
    longitude = np.unwrap(np.concatenate([piece.longitude for piece in pieces]))
    latitude = np.concatenate([piece.latitude for piece in pieces])
    return float(latitude.min() + latitude.max()) / 2, float(longitude.min() + longitude.max()) / 2


def _moved(position: F64, velocity: F64, middle: tuple[float, float], origin: tuple[float, float]) -> tuple[F64, F64]:
    """Turn the Earth under a recording: what was up, east and north at its middle is so at the origin."""
    turn = east_north_up(*origin).T @ east_north_up(*middle)
    return (position - ecef(*middle, 0.0)) @ turn.T + ecef(*origin, 0.0), velocity @ turn.T
