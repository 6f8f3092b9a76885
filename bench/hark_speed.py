"""How long looks of single sounds take beside many targets: microseconds a look, close in time and far apart.

    python bench/hark_speed.py [targets] [sounds]

Sounds that come within a fifth of a second know roughly where every leaf is; those that come every quarter of a second
compare with all leaves anew. Both sorts hear the same targets from the same arrays.
"""

import sys
from time import perf_counter

import numpy as np

from skywarden import geo
from skywarden.model.detection import Kind, detections
from skywarden.model.place import F64
from skywarden.track.gather import gather
from skywarden.track.items import items
from skywarden.track.look import follow
from skywarden.track.pmb import Filter, FilterSettings, evenly
from skywarden.track.pool import Memory
from skywarden.track.prepare import USED, Given
from skywarden.track.settings import TrackerSettings

START, SECOND = 1_800_000_000_000_000_000, 1_000_000_000
MIDDLE = geo.place(0.87, 0.53, 100.0)
HALF = 150e3  # m; of a square
AWAY = 3e3  # m, of an array from the target that it hears


def sky(rng: np.random.Generator, n: int) -> tuple[Memory, F64]:
    """Return a memory with n sure targets that hover, and where they are."""
    memory = Filter(FilterSettings(), evenly(MIDDLE, HALF, 1.0, 0.0), n).memory
    local = np.stack([rng.uniform(-HALF, HALF, n), rng.uniform(-HALF, HALF, n), np.full(n, 500.0)], -1)
    position = MIDDLE.position + local @ MIDDLE.rotation
    memory.leaves["mean"][:n, :, :3] = position[:, None]
    memory.leaves["mean"][:n, :, 3:] = rng.normal(size=(n, 1, 3)) * 60.0
    memory.leaves["covariance"][:n] = np.diag([900.0] * 3 + [25.0] * 3)
    memory.leaves["weight"][:n], memory.leaves["existence"][:n], memory.leaves["time"][:n] = (0.9, 0.1), 0.999, START
    memory.leaves["target"][:n] = memory.targets["leaf"][:n] = np.arange(n)
    memory.leaves["group"][:n] = -1
    memory.targets["label"][:n], memory.targets["confirmed"][:n], memory.targets["address"][:n] = 1, 1, -1
    memory.targets["seen_by"][:n], memory.targets["seen"][:n], memory.targets["revisit"][:n] = -1, START, 4.0
    memory.counts[:2] = n
    return memory, position


def heard(rng: np.random.Generator, position: F64, count: int, apart: int) -> tuple[Given, np.ndarray]:
    """Return looks of `count` sounds, `apart` ns from each other."""
    some = position[rng.integers(0, len(position), count)]
    origin = some + (rng.uniform(-AWAY, AWAY, (count, 2)) @ MIDDLE.rotation[:2]) - 400.0 * MIDDLE.rotation[2]
    turn = geo.east_north_up(*geo.geodetic(origin)[:2])
    e = np.einsum("nij,nj->ni", turn, some - origin)
    z = np.stack([np.arctan2(e[:, 0], e[:, 1]), np.arcsin(e[:, 2] / np.linalg.norm(e, axis=1))], -1)
    time = START + apart * np.arange(1, count + 1)
    R = np.broadcast_to(np.eye(2) * 0.07**2, (count, 2, 2))
    batch = detections(
        Kind.SOUND, "ears", START, time, z + rng.normal(size=z.shape) * 0.07, R, origin=origin, node=np.arange(count)
    )
    found = gather(items([batch], TrackerSettings()), ())
    return found.given, found.looks


def main(targets: int = 3000, sounds: int = 160) -> None:
    spent = {}
    for name, apart in (("compile", SECOND // 4), ("far apart", SECOND // 4), ("close", SECOND // 10 // sounds)):
        rng = np.random.default_rng(1)
        memory, position = sky(rng, targets)
        given, looks = heard(rng, position, sounds, apart)
        begin = perf_counter()
        follow(memory, given, looks)
        spent[name] = (perf_counter() - begin) / sounds * 1e6
        if name != "compile":
            used = (given.code == USED).mean()
            print(f"{name:10} {spent[name]:7.1f} us a look, {used:.2f} used, {(given.label > 0).mean():.2f} claimed")
    print(f"{targets} targets, {sounds} sounds: close in time {spent['far apart'] / spent['close']:.1f} times as fast")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
