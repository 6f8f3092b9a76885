"""What it costs to say what is watched: 200 sites, 200 radars and 15,000 enrolled microphones over 600 x 600 km.

    python bench/watch_speed.py

Ticks of 100 ms: the start, a time in which nothing changes, and one in which three microphones die each second.
Processor time of the stage, and what the picture's hash takes more with it.
"""

from dataclasses import replace
from time import process_time

import numpy as np

from skywarden.config import Settings
from skywarden.model.place import Sensor, Site, Source
from skywarden.model.track import Beliefs, Health, Picture
from skywarden.model.watched import Watch
from skywarden.saved import digest
from skywarden.track.beliefs import plain
from skywarden.track.posts import NODE, salt
from skywarden.watch import Now, watched

SECOND = 1_000_000_000
START = 1_900_000_000 * SECOND
SITES, RADARS, EARS = 200, 200, 15_000
QUIET, DYING, END = 300, 600, 900  # ticks
DEAD = 200 * SECOND


def installation() -> Settings:
    """Return sites, radars and microphones in a square of 5.4 degrees of latitude."""
    rng = np.random.default_rng(1)
    place = np.column_stack([rng.uniform(33.6, 39.0, 16_000), rng.uniform(-36.4, -29.8, 16_000)]).tolist()
    sites = tuple(Site(name=f"s{k}", latitude=place[k][0], longitude=place[k][1]) for k in range(SITES))
    radars = [
        Sensor(
            name=f"r{k}", source=f"r{k}", sac=1, sic=k, latitude=lat, longitude=lon, height_m=20.0, max_range_m=150e3
        )
        for k, (lat, lon) in enumerate(place[SITES : SITES + RADARS])
    ]
    ears = [
        Sensor(name=f"e{k}", source="ears", node=k, latitude=lat, longitude=lon)
        for k, (lat, lon) in enumerate(place[-EARS:])
    ]
    names = [(f"r{k}", "asterix") for k in range(RADARS)] + [("ears", "microphone")]
    sources = tuple(
        Source(name=name, format=kind, listen=f"udp://127.0.0.1:{20_000 + k}") for k, (name, kind) in enumerate(names)
    )
    return Settings(sites=sites, sensors=(*radars, *ears), sources=sources)


def picture(tick: int) -> Picture:
    """Return what the line would know at a tick: all radars turn, all microphones live but those that have died."""
    time, marks = START + tick * SECOND // 10, round(0.64 * tick) + 1
    nodes = np.zeros(EARS, NODE)
    nodes["node"], nodes["alive"], nodes["up"] = np.arange(EARS) ^ salt("ears"), time, START - DEAD
    nodes["alive"][: 3 * max(0, (tick - DYING) // 10)] = time - DEAD
    health = [Health("ears", 10 * tick, last=time, used=time)]
    health += [Health(f"r{k}", marks, last=time, used=time, marks={f"r{k}": (time, marks)}) for k in range(RADARS)]
    return Picture(time, beliefs=replace(Beliefs(), nodes=plain(nodes)), health=tuple(health))


def main() -> None:
    """Print a line for each part."""
    settings, watch, last, cost, looked = installation(), Watch(), START, [], []
    for tick in range(1, END):
        now, before = picture(tick), watch
        began = process_time()
        watch, _ = watched(watch, Now(now, (), (), now.time), last, settings)
        cost.append(1e3 * (process_time() - began))
        looked.append(int((watch.at != before.at).sum()) if tick > 1 else 0)
        last = now.time
    print(f"first tick {cost[0]:.0f} ms")
    for name, part in (("start", slice(1, QUIET)), ("quiet", slice(QUIET, DYING)), ("dying", slice(DYING + 50, END))):
        p50, p99 = np.percentile(cost[part], [50, 99])
        print(f"{name}: median {p50:.1f}, p99 {p99:.1f} ms a tick, {np.mean(looked[part]):.1f} sites a tick")
    empty, full = Picture(last), replace(Picture(last), watch=watch)
    times = []
    for _ in range(20):
        began = process_time()
        digest(full)
        between = process_time()
        digest(empty)
        times.append(1e3 * (2 * between - began - process_time()))
    print(f"hash: {np.median(times):.2f} ms more")


if __name__ == "__main__":
    main()
