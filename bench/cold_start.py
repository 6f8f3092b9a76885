"""From the start of Python to the first track, as a library: compiled kernels that are kept, none at all, plain ones.

    python bench/cold_start.py [--rounds 5]

Twenty targets, positions once a second; each round in a process of its own. Kept: NUMBA_CACHE_DIR as it is, filled by a
first run that does not count. Plain: `skywarden.kernel.plain_while`, as the engine does until its compiler is through;
nothing is kept and nothing compiled. Compiled with nothing kept takes minutes: once, with --compile.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

PROGRAM = """
import sys, time
begin = time.perf_counter()
import numpy as np
from dataclasses import replace
from skywarden.kernel import plain_while
from skywarden.model.detection import Kind, detections
from skywarden.model.track import Picture
from skywarden.track.settings import TrackerSettings
from skywarden.track.step import track
imported = time.perf_counter() - begin
if sys.argv[1] == "plain":
    plain_while(lambda: True)
second = 1_000_000_000
start = 1_800_000_000 * second
picture, rng = Picture(start), np.random.default_rng(1)
places = rng.uniform(-2e4, 2e4, (20, 3)) + [3.5e6, 2.0e6, 4.93e6]
for k in range(20):
    now = start + (k + 1) * second
    z = places + [0.0, 50.0 * k, 0.0] + rng.normal(scale=30.0, size=(20, 3))
    noise = np.tile(np.eye(3) * 900.0, (20, 1, 1))
    seen = detections(Kind.POSITION, "r", now, np.full(20, now - second // 2), z, noise, revisit=1.0)
    picture = replace(track(picture, [seen], now, TrackerSettings()).onto(picture), time=now)
    if picture.tracks.shown().any():
        break
print(imported, time.perf_counter() - begin, int(picture.tracks.shown().sum()))
"""


def once(how: str, kept: str | None = None) -> tuple[float, float]:
    """Return s until all is imported, and until the first track. kept: folder of compiled kernels, None: as it is."""
    environment = os.environ | ({"NUMBA_CACHE_DIR": kept} if kept else {})
    command = [sys.executable, "-c", PROGRAM, how]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout.split()
    if told[2] == "0":
        sys.exit("no track was shown")
    return float(told[0]), float(told[1])


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--compile", action="store_true")
    asked = parser.parse_args()
    once("compiled")
    found: dict[str, list[tuple[float, float]]] = {"kept": [], "plain": []}
    with tempfile.TemporaryDirectory() as nothing:
        for _ in range(asked.rounds):
            found["kept"].append(once("compiled"))
            found["plain"].append(once("plain", nothing))
        if asked.compile:
            found["compiled"] = [once("compiled", nothing)]
    for how, rows in found.items():
        imported, first = (np.array(column) for column in zip(*rows, strict=True))
        row = {"import_s": np.median(imported), "first_track_s": np.median(first), "worst_s": first.max()}
        print(json.dumps({"how": how} | {name: round(float(value), 2) for name, value in row.items()}))


if __name__ == "__main__":
    main()
