"""What presence costs: 15,000 nodes and 1,000 known targets a tick, and one beginning asked whether somebody is new.

    python bench/presence_speed.py [nodes] [targets]

Prints microseconds of processor time, the least of seven runs, and the bytes that are kept between ticks.
"""

import sys
from collections.abc import Callable
from time import process_time

import numpy as np

from skywarden import geo
from skywarden.model.place import F64
from skywarden.track.audible import Hearing
from skywarden.track.cells import field
from skywarden.track.newcomers import Rules, Scene, answer, search
from skywarden.track.nodes import SECOND, Messages, empty, look, take
from skywarden.track.presence import HEARD, SILENT, Known, Looks, compare, hear

ORIGIN = np.radians([50.0, 30.0])
EARTH = 6.37e6  # m
NOW = 1_800_000_000 * SECOND
SPACING = 4000.0


def least(call: Callable[[], object], runs: int = 7) -> float:
    """Return us of processor time of the quickest of some calls, after one that compiles."""
    call()
    best = np.inf
    for _ in range(runs):
        begin = process_time()
        call()
        best = min(best, process_time() - begin)
    return best * 1e6


def ecef(place: F64, height: float) -> F64:
    """Return ECEF m of places (n, 2), east and north."""
    local = np.column_stack([place, height - (place**2).sum(1) / (2 * EARTH)])
    return geo.ecef(*ORIGIN, 0.0) + local @ geo.east_north_up(*ORIGIN)


def targets(count: int, side: float, rng: np.random.Generator) -> Known:
    """Return targets at 50 m/s somewhere in the field, known to some 300 m."""
    heading = rng.uniform(0, 2 * np.pi, count)
    velocity = 50.0 * np.column_stack([np.sin(heading), np.cos(heading), 0 * heading]) @ geo.east_north_up(*ORIGIN)
    mean = np.hstack([ecef(rng.uniform(-side / 2, side / 2, (count, 2)), 500.0), velocity])
    A = rng.normal(size=(count, 6, 8)) * np.array([300, 300, 300, 5, 5, 5])[:, None]
    return Known(mean, A @ A.swapaxes(1, 2) / 8, np.full(count, 0.9), np.full(count, 1e6))


def bench(nodes: int, count: int) -> dict[str, float]:
    """Measure, on a grid of 4 km; return us and bytes."""
    rng, side = np.random.default_rng(1), SPACING * np.sqrt(nodes)
    made = field(np.arange(nodes), ecef(rng.uniform(-side / 2, side / 2, (nodes, 2)), 2.0), np.full(nodes, 4000.0))
    hearing, known = Hearing(), targets(count, side, rng)
    now = np.where(rng.random(nodes) < 0.05, HEARD, SILENT)
    before = np.where(rng.random(nodes) < 0.98, now, SILENT)
    looks = Looks(now, before, np.ones(nodes), np.full(nodes, 3.3e-3), np.full(nodes, 60.0), np.zeros(nodes))
    book, row = empty(nodes), rng.integers(0, nodes, 1600)
    messages = Messages(row, np.full(len(row), NOW), np.ones(len(row), np.int64))
    book = take(book, Messages(np.arange(nodes), np.full(nodes, NOW - 9 * SECOND), np.zeros(nodes, np.int64)), NOW)[0]
    heard = take(book, messages, NOW)[0]
    rate = np.full(nodes, 5.6e-5)
    sought, scene = search(hearing, Rules()), Scene(made, heard, rate, rate.copy())
    asked = int(row[0])
    return {
        "targets": least(lambda: hear(known, made, looks, hearing)),
        "pairs": float(compare(known, made, looks, hearing)[1].start[-1]),
        "messages": least(lambda: take(book, messages, NOW)),
        "looks": least(lambda: look(heard, NOW, np.zeros(nodes))),
        "beginning": least(lambda: answer(scene, asked, NOW, sought)),
        "field": least(lambda: field(made.node, made.place, made.reach)),
        "bytes": float(sum(column.nbytes for column in (*made, *heard, rate, rate))),
    }


def main() -> None:
    """Print the figures."""
    nodes, count = (int(word) for word in (*sys.argv[1:], "15000", "1000")[:2])
    found = bench(nodes, count)
    print(f"{nodes} nodes on 4 km, {count} targets, {found['pairs']:.0f} pairs")
    print(f"targets corrected by one look of all nodes: {found['targets']:.0f} us")
    print(f"1,600 messages taken in: {found['messages']:.0f} us; a look at all nodes: {found['looks']:.0f} us")
    print(f"one beginning asked, at worst: {found['beginning']:.0f} us")
    print(f"nodes sorted into cubes, once: {found['field']:.0f} us; kept between ticks: {found['bytes'] / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
