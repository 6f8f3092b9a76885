"""Tracks per aircraft in the running system: two radars that are off in opposite ways, registered and not.

    python bench/registration_engine.py [--runs 4] [--seed 0] [--seconds 500]

The sky of registration_world.py, 8 aircraft of 150 m/s, and two radars (50 m, 0.1 deg, 0.3 deg, a look in 4 s) that
are off by 150 m, 0.5 deg and 200 ms in opposite ways. They are fed through `pipeline.step` as in
tests/registry_sky.py, with the aircraft's own fixes (once a second, latencies of 0 to 600 ms that nobody tells) and
without. Counted are shown tracks within 3 km of an aircraft, over aircraft, twice a second: in the mean of the first
two minutes, in which no track is shown for the first ten seconds or so; of the second minute; and of all from the
seventh on. Beside it: the same with registration switched off, and with radars that have no bias. Printed is the least
and the most of all runs, and how far off what is applied at the end is at most.
"""

import argparse
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from registration_world import Radar
from registry_sky import DEGREE, EAST, NAMES, WEST, begun, last, run, settings, sky, tracks_each

from skywarden.model.place import F64
from skywarden.model.track import Picture

RADARS, UNBIASED = [WEST, EAST], [radar._replace(bias=(0.0, 0.0, 0.0, 0.0)) for radar in (WEST, EAST)]
TICK = 0.5  # s
FIRST, SETTLED = round(120.0 / TICK), round(360.0 / TICK)  # ticks


class Outcome(NamedTuple):
    """Tracks per aircraft in the first two minutes, in the second, and from the seventh on; what is left, m and deg."""

    first: float
    second: float
    settled: float
    range_m: float
    azimuth_deg: float


WAYS = {  # radars, and whether they are registered
    "registered": (RADARS, True),
    "not registered": (RADARS, False),
    "no bias, registered": (UNBIASED, True),
}


def left(picture: Picture, radars: list[Radar]) -> F64:
    """Return the most that radars are off by after what is applied, (2,): range m, azimuth deg."""
    found = last(picture)
    off = [
        (found[name].range_m - radar.bias[0], (found[name].azimuth - radar.bias[1]) / DEGREE)
        if name in found
        else (-radar.bias[0], -radar.bias[1] / DEGREE)
        for name, radar in zip(NAMES, radars, strict=False)
    ]
    return np.asarray(np.abs(off).max(0))


def outcome(way: str, fixes: bool, seed: int, seconds: float) -> Outcome:
    """Return the figures of one run."""
    radars, registered = WAYS[way]
    made, chosen = sky(radars, seconds, fixes=fixes, seed=seed), settings(register_sensors=registered)
    each: list[float] = []
    picture, _ = run(
        begun(chosen), made.batches, seconds, chosen, TICK, lambda p: each.append(tracks_each(p, made.flown))
    )
    first, second, settled = np.mean(each[:FIRST]), np.mean(each[FIRST // 2 : FIRST]), np.mean(each[SETTLED:])
    return Outcome(float(first), float(second), float(settled), *left(picture, radars))


def row(name: str, found: list[Outcome]) -> str:
    """Return one line of the table."""
    low, high, mean = np.min(found, 0), np.max(found, 0), np.mean(found, 0)
    return (
        f"{name:37} first two minutes {low[0]:.2f} to {high[0]:.2f} (mean {mean[0]:.2f})  "
        f"second {low[1]:.2f} to {high[1]:.2f}  seventh on {low[2]:.2f} to {high[2]:.2f} (mean {mean[2]:.2f})  "
        f"left at most {high[3]:.0f} m, {high[4]:.3f} deg"
    )


def main() -> None:
    """Read the options, run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0, help="of the first run; the others follow")
    parser.add_argument("--seconds", type=float, default=500.0, help="over 360, or nothing is settled")
    asked = parser.parse_args()
    if asked.seconds <= SETTLED * TICK:
        parser.error(f"--seconds must be over {SETTLED * TICK:.0f}")
    for fixes in (True, False):
        for way in WAYS:
            found = [outcome(way, fixes, asked.seed + k, asked.seconds) for k in range(asked.runs)]
            print(row(f"{way}, {'with' if fixes else 'without'} fixes", found), flush=True)


if __name__ == "__main__":
    main()
