"""What it takes to put alerts together, once a second: processor time by alerts and sites.

python bench/raid_speed.py
"""

import time

import numpy as np

from skywarden.geo import east_north_up, ecef
from skywarden.model.assessment import CLASSES, Alert, Identity
from skywarden.model.place import Site
from skywarden.model.raid import Raids
from skywarden.model.track import Tracks
from skywarden.raid import RaidSettings, Warned, raids

SECOND = 1_000_000_000
NOW = 1_900_000_000 * SECOND
ROUNDS = 30


def scene(count: int, sites: int, rng: np.random.Generator) -> tuple[list[Alert], Tracks, list[Identity], Warned]:
    """Return alerts of `count` tracks, each for one site, and what is known of them."""
    known = tuple(
        Site(name=f"site {k}", latitude=29.0 + k % 15 / 10, longitude=-46.0 + k // 15 / 10) for k in range(sites)
    )
    where = np.radians([29.5, -45.75])
    mean = np.zeros((count, 6))
    level = np.column_stack([rng.uniform(-60e3, 60e3, (count, 2)), np.full(count, 500.0)])
    mean[:, :3] = ecef(*where, 0.0) + level @ east_north_up(*where)
    whole, flat, pair = np.arange(1, count + 1), np.zeros(count), np.zeros((count, 4), np.int64)
    status, when = np.ones(count, np.int8), np.full(count, NOW)
    spread = np.zeros((count, 6, 6))
    tracks = Tracks(
        whole, whole, status, when, when, mean, spread, flat, when, whole, flat, flat, whole, pair, pair, when, status
    )
    odds = rng.dirichlet(np.full(len(CLASSES), 0.3), count).tolist()
    identities = [Identity(number, odds=tuple(row)) for number, row in zip(whole.tolist(), odds, strict=True)]
    alerts = []
    for number in whole.tolist():
        arrival = NOW + round(rng.uniform(30.0, 900.0) * SECOND)
        early, late = arrival - 20 * SECOND, arrival + 40 * SECOND
        site = known[number % sites].name
        alerts.append(Alert(site, number, NOW, arrival, early, late, float(rng.uniform(0.1, 0.9)), NOW))
    return alerts, tracks, identities, Warned(known, (), RaidSettings())


def main() -> None:
    rng = np.random.default_rng(1)
    for count, sites in ((100, 1), (500, 8), (1000, 8), (1000, 200)):
        alerts, tracks, identities, warned = scene(count, sites, rng)
        state, took = Raids(), []
        for k in range(ROUNDS):
            begun = time.process_time()
            state, _ = raids(state, alerts, (tracks, identities), NOW + k * SECOND, warned)
            took.append(1e3 * (time.process_time() - begun))
        told = f"{count} alerts, {sites} sites, {len(state.groups)} groups"
        print(f"{told}: {np.median(took):.1f} ms (most {max(took):.1f})")


if __name__ == "__main__":
    main()
