"""What a network of microphone arrays shows by itself: no radar, no other sensor, in the running line.

    python bench/arrays_alone.py [runs] [first seed]

A hundred arrays, 3 km apart, twelve one-way UAVs that fly in from the west and a helicopter; mopeds, cars, saws, claps
and bearings of something else as `skywarden simulate` has them. Replayed as a record, once with arrays that begin
targets and once without (then only what all nodes hear together does). Printed, of all runs: the share of the seconds
of UAVs over the field in which a shown track is within 1 km on the level; how long after coming in that first was so,
median and the share of who never was; seconds an hour that a track is shown which is over 2 km from all that fly.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace

from skywarden import geo
from skywarden.model.place import F64, I64
from skywarden.replay import beginning, by_tick
from skywarden.score import tables
from skywarden.service.frames import record_in
from skywarden.service.tables import Tables

FIELD_M, NEAR_M, FAR_M = 15_000.0, 1_000.0, 2_000.0
SECOND, HOUR = 1_000_000_000, 3600.0
PLACE = geo.place(np.radians(29.5), np.radians(-45.75), 0.0)
SCENARIO = """
[scenario]
name = "Arrays alone"
origin = [29.5, -45.75]
area_km = [50, 50]
start = 2030-03-14T21:00:00Z
duration_s = 1500

[terrain]
kind = "flat"

[[sites]]
name = "Quillmere power station"
at_km = [0, 0]
lead_time_s = 120

[[microphones]]
name = "array"
count = 100
extent_km = [30, 30]
height_m = 4
array = true

[[traffic]]
kind = "helicopter"
count = 1

[[waves]]
name = "west"
kind = "uav-piston"
count = 12
from_deg = [200, 340]
spread_s = 600

[faults]
lost = 0.01
late = 0.01
"""


class Found(NamedTuple):
    """Of one run. followed, over: target-seconds; first: s, of each UAV that came in, NaN never; far: s; lasted: s."""

    followed: int
    over: int
    first: list[float]
    far: int
    lasted: float


def run(*words: str) -> None:
    """Run skywarden."""
    subprocess.run([sys.executable, "-m", "skywarden.cli", *words], check=True, stdout=subprocess.DEVNULL)


def replayed(frames: Path, tables: Path, begins: float) -> None:
    """Write the tables of a record, replayed with another `sound_begins_m` than it was made with."""
    record = record_in(frames)
    line = beginning(record)
    with Tables(tables) as written:
        for _, group in by_tick(record.entries(), line):
            if line.settings.tracker.sound_begins_m != begins:
                line.settings = replace(line.settings, tracker=replace(line.settings.tracker, sound_begins_m=begins))
            written.take(group, line.picture, line.settings.tracker)


def local(points: tables.Points) -> F64:
    """Return (n, 2) m east and north."""
    return ((points.position - PLACE.position) @ PLACE.rotation.T)[:, :2]


def nearest(times: I64, places: F64, when: I64, where: F64) -> F64:
    """Return (n,) m from each place to the nearest of the others at the same time; infinite without any."""
    found = np.full(len(times), np.inf)
    for k, (time, place) in enumerate(zip(times.tolist(), places, strict=True)):
        a, b = np.searchsorted(when, [time, time + 1])
        if b > a:
            found[k] = np.linalg.norm(where[a:b] - place, axis=1).min()
    return found


def judged(made: Path, shown: Path) -> Found:
    """Compare tables with the truth."""
    truth = tables.truth((made / "truth.csv").read_bytes()).living()
    tracks = tables.tracks((shown / "tracks.csv").read_bytes())
    order, by = np.argsort(tracks.time, kind="stable"), np.argsort(truth.time, kind="stable")
    when, where = tracks.time[order], local(tracks)[order]
    time, place, target = truth.time[by], local(truth)[by], truth.id[by]
    far = int((nearest(when, where, time, place) > FAR_M).sum())
    followed, over, first = 0, 0, list[float]()
    for row, name in enumerate(truth.names):
        mine = np.flatnonzero((target == row) & (np.abs(place) < FIELD_M).all(1)) if name.startswith("west") else []
        if not len(mine):
            continue
        near = nearest(time[mine], place[mine], when, where) < NEAR_M
        followed, over = followed + int(near.sum()), over + len(mine)
        first.append((time[mine][near][0] - time[mine[0]]) / SECOND if near.any() else np.nan)
    return Found(followed, over, first, far, (time[-1] - time[0]) / SECOND)


def main() -> None:
    """Print both rows."""
    runs, seed = (int(word) for word in (sys.argv[1:] + ["5", "11"][len(sys.argv) - 1 :]))
    found = {5000.0: list[Found](), 0.0: list[Found]()}
    for k in range(runs):
        with tempfile.TemporaryDirectory() as scratch:
            where = Path(scratch)
            (where / "arrays.toml").write_text(SCENARIO)
            run("simulate", str(where / "arrays.toml"), "--seed", str(seed + k), "--out", str(where / "made"))
            for begins, rows in found.items():
                replayed(where / "made/frames", where / "tables", begins)
                rows.append(judged(where / "made", where / "tables"))
    for begins, rows in found.items():
        first = np.concatenate([row.first for row in rows])
        share = sum(row.followed for row in rows) / sum(row.over for row in rows)
        far = sum(row.far for row in rows) / sum(row.lasted for row in rows) * HOUR
        print(
            f"sound_begins_m = {begins:.0f}: {len(rows)} runs, {len(first)} UAVs over the field; followed {share:.3f} "
            f"of {sum(row.over for row in rows)} s; first after {np.nanmedian(first):.0f} s (median), never "
            f"{np.isnan(first).mean():.3f}; far from all that fly {far:.0f} s an hour"
        )


if __name__ == "__main__":
    main()
