"""What arrivals, alerts and their part of the picture's hash take in each tick: processor time of one thread.

    python bench/threat_speed.py [tracks] [sites] [seconds]

Places are spread evenly over 600 x 600 km; a quarter of the tracks flies at 200 m/s, the others at 50. Each has flown
for minutes, so that its past is not its present, and is seen every 4 s, its velocity with an error that changes slowly
(0.8 of it stays). Ten ticks a second, and one second before it counts. In each tick both ways, one after the other: all
tracks judged, and each once a second in turn. Printed of each: mean and worst tick, and how many were judged in a tick.
"""

import sys
from collections.abc import Iterator
from dataclasses import replace
from time import process_time
from typing import NamedTuple

import numpy as np

from skywarden.alert import AlertSettings, decide
from skywarden.geo import east_north_up, ecef
from skywarden.model.past import Past
from skywarden.model.place import Site
from skywarden.model.threats import Threats
from skywarden.model.track import SEEN_BY, Picture, Status, Tracks
from skywarden.saved import digest
from skywarden.threat import Seen, evaluate, flown

SIDE = 600e3  # m
MIDDLE = np.radians([36.3, -33.1])
SECOND = 1_000_000_000
TICK = SECOND // 10
LOOKS = 40  # ticks from one look at a track to the next
STAYS = 0.8  # of a velocity's error, from look to look
PARTS = ("arrivals", "alerts", "hash")


class Way(NamedTuple):
    """in_turn: what the tick before found stands. Of each tick, spent: s, of PARTS; judged: how many tracks."""

    in_turn: bool
    spent: list[tuple[float, ...]]
    judged: list[int]


def main() -> None:
    count, places, seconds = (int(word) for word in (*sys.argv[1:], *("2000", "200", "3")[len(sys.argv) - 1 :]))
    place = np.random.default_rng(1).uniform(-0.5, 0.5, (places, 2)) * SIDE / np.array([111_200.0, 89_600.0])
    place += np.degrees(MIDDLE)
    sites = tuple(Site(name=f"s{k}", latitude=float(a), longitude=float(b)) for k, (a, b) in enumerate(place))
    for words, sigma in (("known well", 2.0), ("velocities off by 5 m/s", 5.0), ("by 20 m/s", 20.0)):
        ways = Way(False, [], []), Way(True, [], [])
        pictures = [Picture(0), Picture(0)]
        for k, (time, tracks, past) in enumerate(flight(count, sigma, 10 * (seconds + 1))):
            for i in (0, 1) if k % 2 else (1, 0):
                pictures[i] = tick(replace(pictures[i], time=time, tracks=tracks, past=past), sites, ways[i])
        for way, picture in zip(ways, pictures, strict=True):
            ms, judged = 1e3 * np.array(way.spent)[10:], way.judged[10:]
            ms = np.hstack([ms, ms.sum(1, keepdims=True)])
            each = [f"{n} {m.mean():.2f} ({m.max():.2f})" for n, m in zip((*PARTS, "in all"), ms.T, strict=True)]
            how = f"{'in turn' if way.in_turn else 'all'}, {np.mean(judged):.0f} judged (at most {max(judged)})"
            listed = f"{len(picture.threats)} pairs, {len(picture.alerts)} alerts"
            print(f"{count} tracks, {places} sites, {words}, {how}: {listed}; ms, mean (worst): {', '.join(each)}")


def tick(picture: Picture, sites: tuple[Site, ...], way: Way) -> Picture:
    """Return the picture after one tick, as `pipeline.step` makes it of tracks and past; what it took is noted."""
    settings, seen, time = AlertSettings(), Seen(picture.tracks, past=picture.past), picture.time
    bare = replace(picture, threats=Threats(), alerts=(), past=Past())
    began = process_time()
    threats = evaluate(seen, time, sites, settings, picture.threats if way.in_turn else None)
    found = process_time()
    shown = set(picture.tracks.number[picture.tracks.shown()].tolist())
    alerts, _ = decide(picture.alerts, threats, time, sites, settings, shown)
    decided = process_time()
    after = replace(picture, threats=threats, alerts=alerts)
    digest(after)
    whole = process_time()
    digest(bare)
    way.spent.append((found - began, decided - found, 2 * whole - decided - process_time()))
    way.judged.append(int((threats.judged.time == time).sum()))
    return after


def flight(count: int, sigma: float, ticks: int) -> Iterator[tuple[int, Tracks, Past]]:
    """Yield time, tracks and how they flew, tick by tick."""
    rng = np.random.default_rng(1)
    before, tracks = flying(rng, count), flying(rng, count)
    truth = tracks.mean.copy()
    tracks = replace(tracks, covariance=np.tile(np.diag([60.0**2] * 3 + [sigma**2] * 3), (count, 1, 1)))
    past = flown(flown(Past(), before, 0, 0.0), tracks, 120 * SECOND, 120.0)
    error = rng.normal(0.0, sigma, (count, 3))
    for k in range(ticks):
        time = 120 * SECOND + k * TICK
        seen = np.flatnonzero(tracks.number % LOOKS == k % LOOKS) if k else np.arange(count)
        error[seen] = STAYS * error[seen] + np.sqrt(1 - STAYS**2) * rng.normal(0.0, sigma, (len(seen), 3))
        mean, when = tracks.mean.copy(), tracks.time.copy()
        mean[seen] = truth[seen]
        mean[seen, :3] += truth[seen, 3:] * (k * TICK * 1e-9)
        mean[seen, 3:] += error[seen]
        when[seen] = time
        tracks = replace(tracks, mean=mean, time=when)
        past = flown(past, tracks, time, 0.1)
        yield time, tracks, past


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
