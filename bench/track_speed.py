"""How long a tracker tick takes: 1,000 aircraft, 20 radars with 100 plots each per tick of 100 ms. Per part, in ms.

    python bench/track_speed.py [targets] [radars] [plots a radar]

Each radar turns once in (targets / plots) ticks, so that every target is seen by every radar once a turn.
"""

import sys
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np

from skywarden import geo
from skywarden.model.detection import Detections, Kind, detections
from skywarden.model.place import F64
from skywarden.model.track import Picture, Status
from skywarden.track import step

START, TICK = 1_800_000_000_000_000_000, 100_000_000
LATITUDE, LONGITUDE, HALF = 0.87, 0.53, 0.03  # rad; a square of some 380 by 250 km
SIGMA = np.array([50.0, 2e-3, 5e-3])  # m, rad, rad
PARTS = ("items", "taken", "age", "progressed")  # of a tick; taken: the filter, progressed: once more, later
WARM = 110  # ticks until something is settled


def flights(rng: np.random.Generator, n: int) -> tuple[F64, F64]:
    """Return position and velocity (n, 3) ECEF of level flights."""
    latitude, longitude = (c + rng.uniform(-HALF, HALF, n) for c in (LATITUDE, LONGITUDE))
    heading, speed = rng.uniform(0, 2 * np.pi, n), rng.uniform(40, 250, n)
    level = np.stack([speed * np.sin(heading), speed * np.cos(heading), np.zeros(n)], -1)
    turn = geo.east_north_up(latitude, longitude)
    return geo.ecef(latitude, longitude, rng.uniform(100, 10_000, n)), np.einsum("nji,nj->ni", turn, level)


def seen(place: Any, name: str, position: F64, time: int, rng: np.random.Generator) -> Detections:
    """Return one radar's plots of the positions (m, 3)."""
    e = (position - place.position) @ place.rotation.T
    r = np.linalg.norm(e, axis=1)
    z = np.stack([r, np.arctan2(e[:, 0], e[:, 1]), np.arcsin(e[:, 2] / r), np.full(len(e), np.nan)], -1)
    z[:, :3] += rng.normal(size=(len(e), 3)) * SIGMA
    covariance = np.broadcast_to(np.diag([*SIGMA**2, 1.0]), (len(e), 4, 4))
    times = np.full(len(e), time)
    return detections(Kind.POLAR, name, time, times, z, covariance, place=place, revisit=1.0)


def timed(function: Callable[..., Any], name: str, spent: dict[str, list[float]]) -> Callable[..., Any]:
    """Return the function with a stop-watch."""

    def run(*args: Any) -> Any:
        begin = perf_counter()
        try:
            return function(*args)
        finally:
            spent[name][-1] += perf_counter() - begin

    return run


def main(targets: int = 1000, radars: int = 20, plots: int = 100) -> None:
    rng = np.random.default_rng(1)
    position, velocity = flights(rng, targets)
    places = [geo.place(*(c + rng.uniform(-HALF, HALF) for c in (LATITUDE, LONGITUDE)), 100.0) for _ in range(radars)]
    order = rng.permutation(targets)
    picture, settings = Picture(START), step.TrackerSettings()
    spent: dict[str, list[float]] = defaultdict(list)
    whole = []
    begin = perf_counter()
    turn = -(-targets // plots)
    for tick in range(1, max(8 * turn, WARM + 4 * turn) + 1):
        time = START + tick * TICK
        now = position + velocity * (tick * TICK * 1e-9)
        batches = []
        for k, place in enumerate(places):
            rows = order[np.arange((tick + k) * plots, (tick + k + 1) * plots) % targets]
            batches.append(seen(place, f"radar {k:02}", now[rows], time - 1_000_000 * (20 - k % 20), rng))
        for times in spent.values():
            times.append(0.0)
        before = perf_counter()
        tracked = step.track(picture, batches, time, settings)
        whole.append(perf_counter() - before)
        if tick == 1:
            print(f"first tick, with compilation or loading of the cache: {perf_counter() - begin:.1f} s")
            for name in PARTS:
                spent[name] = []
                setattr(step, name, timed(getattr(step, name), name, spent))
        picture = replace(tracked.onto(picture), time=time)
    settled = np.array(whole[max(4 * turn, WARM) :]) * 1000
    confirmed = int((picture.tracks.status == Status.CONFIRMED).sum())
    print(f"{targets} targets, {radars} x {plots} plots a tick: {len(picture.tracks)} tracks, {confirmed} confirmed")
    for name, times in spent.items():
        part = np.array(times[-len(settled) :]) * 1000
        print(f"  {name:10} {np.median(part):7.2f} ms median, {part.mean():6.2f} mean")
    print(f"  whole      {np.median(settled):7.2f} ms median, {settled.mean():6.2f} mean, {settled.max():.2f} worst")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
