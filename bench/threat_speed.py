"""What one evaluation of all tracks against all sites takes: processor time of one thread.

    python bench/threat_speed.py [tracks] [sites]

Places are spread evenly over 600 x 600 km; a quarter of the tracks flies at 200 m/s, the others at 50. Each track has
flown for minutes, so that its past is not its present. Printed: median and worst of 20, and how many pairs were listed.
"""

import sys
from dataclasses import replace
from time import process_time

import numpy as np

from skywarden.alert import AlertSettings
from skywarden.geo import east_north_up, ecef
from skywarden.model.place import Site
from skywarden.model.track import SEEN_BY, Status, Tracks
from skywarden.threat import Seen, evaluate, flown

SIDE = 600e3  # m
MIDDLE = np.radians([36.3, -33.1])
SECOND = 1_000_000_000


def main() -> None:
    count, places = (int(word) for word in (sys.argv[1:3] if len(sys.argv) > 2 else ("2000", "200")))
    rng = np.random.default_rng(1)
    tracks = flying(rng, count)
    place = np.degrees(MIDDLE) + rng.uniform(-0.5, 0.5, (places, 2)) * SIDE / np.array([111_200.0, 89_600.0])
    sites = [Site(name=f"s{k}", latitude=float(a), longitude=float(b)) for k, (a, b) in enumerate(place)]
    past = flown(flown(Seen(tracks).past, flying(rng, count), 0, 0.0), tracks, 120 * SECOND, 120.0)
    for words, sigma in (("known well", 2.0), ("velocities off by 5 m/s", 5.0), ("by 20 m/s", 20.0)):
        spread = np.tile(np.diag([60.0**2] * 3 + [sigma**2] * 3), (count, 1, 1))
        seen, spent = Seen(replace(tracks, covariance=spread), past=past), []
        for _ in range(21):
            began = process_time()
            found = evaluate(seen, 0, sites, AlertSettings())
            spent.append(1e3 * (process_time() - began))
        of = f"median {np.median(spent[1:]):.1f} ms, worst {max(spent[1:]):.1f} ms, first {spent[0]:.0f} ms"
        print(f"{count} tracks, {places} sites, {words}: {len(found)} pairs listed, {of}")


def flying(rng: np.random.Generator, count: int) -> Tracks:
    """Return tracks spread over the square, on courses of their own."""
    east, north = rng.uniform(-0.5, 0.5, (2, count)) * SIDE
    course, speed = rng.uniform(0.0, 2 * np.pi, count), np.where(rng.random(count) < 0.25, 200.0, 50.0)
    axes = east_north_up(*MIDDLE)
    position = ecef(*MIDDLE, 0.0) + np.stack([east, north, 1000.0 + 0 * east], 1) @ axes
    velocity = np.stack([speed * np.sin(course), speed * np.cos(course), 0 * speed], 1) @ axes
    label, zero, flat = np.arange(1, count + 1), np.zeros(count, np.int64), np.zeros(count)
    seen = np.full((count, SEEN_BY), -1)
    status = np.full(count, Status.CONFIRMED, np.int8)
    spread = np.tile(np.diag([60.0**2] * 3 + [4.0] * 3), (count, 1, 1))
    mean = np.hstack([position, velocity])
    life = (zero, zero + 9, flat + 1.0, flat, zero - 1)  # born, hits, existence, revisit, address
    return Tracks(label, label, status, zero, zero, mean, spread, flat, *life, seen, seen, zero, status * 0)


if __name__ == "__main__":
    main()
