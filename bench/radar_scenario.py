"""How long a minute of 200 simulated radars and 1,000 targets takes: messages, coverage, lines of sight.

    python bench/radar_scenario.py [radars] [targets] [seconds]

An area of 600 km x 600 km with hills up to 200 m; a quarter of the targets each airliners and cruise missiles, the rest
one-way UAVs. Processor seconds of one core, after a first window that compiles.
"""

import json
import sys
from math import radians
from time import process_time

import numpy as np

from skywarden.geo import east_north_up, ecef
from skywarden.sim.kinds import Kind
from skywarden.sim.scene.ground import ground
from skywarden.sim.scene.settings import About, Faults, Radars, Scene, Terrain
from skywarden.sim.sense.radar import build
from skywarden.sim.sky import Sky, Target, Window

SIZE_KM = 600.0
KINDS = (Kind.UAV_PISTON, Kind.UAV_PISTON, Kind.CRUISE, Kind.AIRLINER)


def flying(count: int, seconds: int, rng: np.random.Generator) -> Sky:
    """Return targets on straight lines at 50 m/s, 100 to 1,500 m above the lowest ground."""
    latitude = radians(48) + rng.uniform(-0.5, 0.5, count) * SIZE_KM / 6371
    longitude = radians(30) + rng.uniform(-0.5, 0.5, count) * SIZE_KM / 6371 / np.cos(radians(48))
    course = rng.uniform(0, 2 * np.pi, count)
    level = 50 * np.stack([np.sin(course), np.cos(course), np.zeros(count)], 1)
    velocity = np.einsum("nji,nj->ni", east_north_up(latitude, longitude), level)
    first = ecef(latitude, longitude, rng.uniform(200, 1600, count))
    rows = seconds + 1
    position = first[:, None] + np.arange(rows)[:, None] * velocity[:, None]
    targets = tuple(Target(f"t{k}", KINDS[k % len(KINDS)], True) for k in range(count))
    base = np.arange(count) * rows
    flat = position.reshape(-1, 3), np.repeat(velocity, rows, 0)
    return Sky(targets, np.zeros(count, np.int64), np.full(count, rows), base, *flat)


def bench(radars: int, targets: int, seconds: int) -> dict[str, float]:
    """Return processor seconds and what came out."""
    block = Radars(
        name="r",
        count=radars,
        extent_km=(SIZE_KM, SIZE_KM),
        height_m=15,
        measures_height=True,
        measures_rate=True,
        blind_speed_m_s=120,
    )
    about = About(name="bench", origin=(48.0, 30.0), area_km=(SIZE_KM, SIZE_KM))
    scene = Scene(
        scenario=about, terrain=Terrain(kind="hills", height_m=100), radars=(block,), faults=Faults(outages=0.1)
    )
    here, sky = ground(scene, 1, {}), flying(targets, 2 * seconds + 10, np.random.default_rng(2))
    sense, window = build((block,), scene, here, 1), Window(5, 5 + seconds)
    sense.sent(sky, Window(0, 5))
    sense.cover(sky, Window(0, 1))
    begin = process_time()
    sent = sense.sent(sky, window)
    middle = process_time()
    cover = sense.cover(sky, window)
    end = process_time()
    a, b = sense.fleet.position[cover.sensor], sky.at(cover.target, cover.second.astype(float))[0]
    asked = process_time()
    here.sight(a, b)
    return {
        "sent_s": middle - begin,
        "cover_s": end - middle,
        "messages": len(sent.time),
        "bytes": len(sent.data),
        "cover_rows": len(cover.pd),
        "sight_us": (process_time() - asked) / max(1, len(a)) * 1e6,
    }


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:]]
    print(json.dumps(bench(*given, *(200, 1000, 60)[len(given) :]), indent=1))
