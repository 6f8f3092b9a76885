"""Claims of what is not there: false aircraft and drones that a transmitter on the ground makes up.

They are in no truth. Their messages come from the transmitter, so only who can hear that hears them.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from skywarden.geo import east_north_up, ecef
from skywarden.geo.terrain import Ground
from skywarden.model.place import F64
from skywarden.sim.kinds import KINDS, Kind
from skywarden.sim.raid import on_earth
from skywarden.sim.scene.settings import Scene, Spoofer
from skywarden.sim.sky import Sky, Target

AERIAL_M = 3.0  # of a transmitter above the ground
AROUND_M = 20e3  # false targets begin within this distance of their transmitter
FIRST_ADDRESS = 0xF80000  # of invented ones; given to no country


class Ghosts(NamedTuple):
    """False targets as if they flew. transmitter: (n, 3) ECEF m, where each one's messages really come from.

    copies: (n,) name of the real target whose identity it takes, "" none.
    """

    sky: Sky
    transmitter: F64
    copies: tuple[str, ...]


def ghosts(scene: Scene, ground: Ground, what: str, seed: int) -> Ghosts:
    """Return all false targets of one system, "adsb" or "remote-id": straight, steady, plausible at first sight."""
    targets: list[Target] = []
    begins: list[F64] = []
    moves: list[F64] = []
    first, count = list[int](), list[int]()
    transmitters: list[F64] = []
    copies: list[str] = []
    kind = Kind.AIRLINER if what == "adsb" else Kind.MULTIROTOR
    for number, spoofer in enumerate(s for s in scene.spoofers if s.what == what):
        rng = np.random.default_rng([seed, 70, number, what == "adsb"])
        duration = int(max(2, min(spoofer.duration_s, scene.scenario.duration_s - spoofer.start_s)))
        at = _ecef(scene, ground, np.array([spoofer.at_km[0] * 1e3, spoofer.at_km[1] * 1e3, AERIAL_M]))
        for k in range(spoofer.targets):
            begin, move = _course((scene, ground), spoofer, kind, rng)
            targets.append(_target(spoofer, kind, k, FIRST_ADDRESS + 100 * number + k))
            begins.append(begin)
            moves.append(move)
            first.append(int(spoofer.start_s))
            count.append(duration)
            transmitters.append(at)
            copies.append(spoofer.copies_of)
    return Ghosts(_sky(targets, (begins, moves), first, count), np.array(transmitters).reshape(-1, 3), tuple(copies))


def _target(spoofer: Spoofer, kind: Kind, k: int, address: int) -> Target:
    name = f"{spoofer.name}-{k + 1}"
    if kind is Kind.AIRLINER:
        return Target(name, kind, False, address=address, callsign=f"GHO{address & 0xFFF:03d}"[:8])
    return Target(name, kind, False, serial=f"GHOST{address:015d}")


def _course(where: tuple[Scene, Ground], spoofer: Spoofer, kind: Kind, rng: np.random.Generator) -> tuple[F64, F64]:
    """Return where one begins and how it moves: ECEF m, m/s."""
    scene, ground = where
    (slow, fast), (low, high) = KINDS[kind].speed, KINDS[kind].height
    around = AROUND_M if kind is Kind.AIRLINER else AROUND_M / 10
    east, north = np.array(spoofer.at_km) * 1e3 + rng.uniform(-around, around, 2)
    point = np.array([east, north, rng.uniform(low, high)])
    course, speed = rng.uniform(0, 2 * np.pi), rng.uniform(slow, fast)
    latitude, longitude = on_earth(scene.scenario.origin, point)
    level = np.array([np.sin(course) * speed, np.cos(course) * speed, 0.0])
    return _ecef(scene, ground, point), level @ east_north_up(np.radians(latitude), np.radians(longitude))


def _ecef(scene: Scene, ground: Ground, point: F64) -> F64:
    """Return (3,) ECEF m of m east and north of the origin and above the ground."""
    latitude, longitude = (np.radians(angle) for angle in on_earth(scene.scenario.origin, point))
    return ecef(latitude, longitude, point[2] + ground.height(latitude, longitude))


def _sky(targets: Sequence[Target], courses: tuple[list[F64], list[F64]], first: list[int], count: list[int]) -> Sky:
    rows = np.array(count, np.int64)
    base = np.concatenate(([0], np.cumsum(rows)[:-1])) if len(rows) else np.empty(0, np.int64)
    begin, move = (np.repeat(np.array(part).reshape(-1, 3), rows, axis=0) for part in courses)
    since = (np.arange(int(rows.sum())) - np.repeat(base, rows)).astype(float)[:, None]
    return Sky(tuple(targets), np.array(first, np.int64), rows, base, begin + since * move, move)
