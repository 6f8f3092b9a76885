"""How long simulated microphones take: 15,000 nodes, 1,000 piston UAVs, one minute of reports and coverage.

    python bench/sound_speed.py [nodes] [fliers]

Prints seconds of processor time, messages, bytes, rows of coverage, and the most memory used.
"""

import resource
import sys
from time import process_time

import numpy as np

from skywarden.geo import east_north_up, ecef
from skywarden.geo.terrain import flat
from skywarden.sim.kinds import Kind
from skywarden.sim.scene.settings import About, Faults, Microphones, Scene
from skywarden.sim.sense.microphone import build
from skywarden.sim.sky import Sky, Target, Window

ORIGIN = (57.0, 11.5)  # deg
SIDE_KM = 500.0
SECONDS = 400
SPEED = 50.0  # m/s
EARTH = 6.37e6  # m


def sky(count: int) -> Sky:
    """Return piston UAVs in straight flight 500 m above the whole area."""
    rng = np.random.default_rng(1)
    start, heading = rng.uniform(-0.47e3 * SIDE_KM, 0.47e3 * SIDE_KM, (count, 2)), rng.uniform(0, 2 * np.pi, count)
    velocity = SPEED * np.stack([np.sin(heading), np.cos(heading), 0 * heading], 1)
    local = np.zeros((count, SECONDS, 3))
    local[..., :2] = start[:, None] + velocity[:, None, :2] * np.arange(SECONDS)[:, None]
    local[..., 2] = 500.0 - (local[..., :2] ** 2).sum(-1) / (2 * EARTH)
    latitude, longitude = np.radians(ORIGIN)
    axes = east_north_up(latitude, longitude)
    position = ecef(latitude, longitude, 0.0) + local.reshape(-1, 3) @ axes
    targets = tuple(Target(f"t{k}", Kind.UAV_PISTON, True) for k in range(count))
    first, length = np.zeros(count, np.int64), np.full(count, SECONDS)
    return Sky(targets, first, length, np.arange(count) * SECONDS, position, np.repeat(velocity @ axes, SECONDS, 0))


def main() -> None:
    """Measure."""
    nodes, fliers = (int(word) for word in (*sys.argv[1:], "15000", "1000")[:2])
    flown = sky(fliers)
    about = About(name="bench", origin=ORIGIN, area_km=(SIDE_KM, SIDE_KM))
    scene = Scene(scenario=about, faults=Faults(lost=0.05, outages=0.05, gnss_spoofed=0.1))
    block = Microphones(name="m", count=nodes, extent_km=(SIDE_KM, SIDE_KM), layout="random")
    begin = process_time()
    sense = build((block,), scene, flat(0.0), 1)
    built = process_time()
    sense.sent(flown, Window(0, 1))  # compiles
    print(f"built in {built - begin:.2f} s, first second {process_time() - built:.2f} s")
    begin = process_time()
    sent = sense.sent(flown, Window(100, 160))
    middle = process_time()
    cover = sense.cover(flown, Window(100, 160))
    end = process_time()
    print(f"60 s: sent in {middle - begin:.2f} s, {len(sent.time)} messages, {len(sent.data)} bytes")
    near = (cover.pd > 0.5).sum() / 60 / fliers
    print(f"      cover in {end - middle:.2f} s, {len(cover.pd)} rows, {near:.2f} nodes a flier at Pd over 0.5")
    print(f"memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
