"""How much of a raid is followed at which height above the ground, where single microphones stand around.

    python bench/raids/heights.py SCENARIO TABLES [TABLES ...]

SCENARIO: what `skywarden simulate` made; TABLES: what `skywarden replay --tables` wrote, or another system. A second of
a raid's target counts if a microphone is within 3.7 km of it on the level. It is followed if a shown track is within
500 m of it on the level, whoever's that is. Seen by radar: one has a true Pd of at least 0.5.
"""

import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from skywarden import geo
from skywarden.model.place import F64, I64
from skywarden.score import tables
from skywarden.sim.scene.ground import ground
from skywarden.sim.scene.read import read

REACH_M, NEAR_M = 3700.0, 500.0
SURE = 0.5  # Pd of a radar that sees
HEIGHTS = ((-1e3, 50.0), (50.0, 300.0), (300.0, 600.0), (600.0, 1e5))  # m above the ground
SECOND = 1_000_000_000


def below(position: F64) -> tuple[F64, F64]:
    """Return places on the ellipsoid straight below, and heights over it."""
    latitude, longitude, height = geo.geodetic(position)
    return geo.ecef(latitude, longitude, np.zeros(len(height))), height


def near(times: I64, places: F64, of: tables.Points) -> NDArray[np.bool_]:
    """Return which places (n, 3), in the order of their times, have one of the points near them at that time."""
    order = np.argsort(of.time, kind="stable")
    when, where, found = of.time[order], below(of.position[order])[0], np.zeros(len(times), bool)
    for time in np.unique(times).tolist():
        a, b = np.searchsorted(when, [time, time + 1])
        i, j = np.searchsorted(times, [time, time + 1])
        if b > a:
            found[i:j] = cKDTree(where[a:b]).query(places[i:j])[0] < NEAR_M
    return found


def seen(directory: Path, targets: I64, seconds: I64) -> NDArray[np.bool_]:
    """Return which (second, target) a radar sees. targets: rows of targets.json."""
    sensors = tables.sensors((directory / "sensors.json").read_bytes())
    radars = np.array([sensor.kind.startswith("radar") for sensor in sensors])
    table = tables.coverage((directory / "coverage.npy").read_bytes())
    sure = radars[table.sensor] & (table.pd >= SURE)
    key = table.second[sure].astype(np.int64) << 16 | table.target[sure]
    return np.asarray(np.isin(seconds << 16 | targets, np.unique(key)))


def told(directory: Path) -> tuple[tables.Points, I64]:
    """Return the seconds of a raid's targets, by time, and for each the row of targets.json."""
    truth = tables.truth((directory / "truth.csv").read_bytes()).living()
    known = tables.targets((directory / "targets.json").read_bytes())
    row = {target.name: k for k, target in enumerate(known)}
    names = np.array([row[name] for name in truth.names])
    raid = np.array([target.raid for target in known])
    rows = np.flatnonzero(raid[names[truth.id]])
    truth = truth.take(rows[np.argsort(truth.time[rows], kind="stable")])
    return truth, names[truth.id]


def main() -> None:
    """Read, count, print."""
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    directory, systems = Path(sys.argv[1]), [Path(each) for each in sys.argv[2:]]
    truth, target = told(directory)
    sensors = tables.sensors((directory / "sensors.json").read_bytes())
    ears = np.radians([(s.latitude, s.longitude) for s in sensors if s.kind == "microphones"])
    place, height = below(truth.position)
    stands = geo.ecef(ears[:, 0], ears[:, 1], np.zeros(len(ears)))
    within = np.flatnonzero(cKDTree(stands).query(place)[0] < REACH_M)
    truth, target, place, height = truth.take(within), target[within], place[within], height[within]
    made = json.loads((directory / "manifest.json").read_text())
    scene = read((directory / "scenario.toml").read_text())
    latitude, longitude, _ = geo.geodetic(truth.position)
    height -= ground(scene, made["seed"], {}).height(latitude, longitude)
    radar = seen(directory, target, (truth.time - made["start_ns"]) // SECOND)
    shown = [near(truth.time, place, tables.tracks((each / "tracks.csv").read_bytes())) for each in systems]
    print(f"{'above the ground':18} {'radar':6} {'seconds':>9}  " + "  ".join(each.name for each in systems))
    for low, high in HEIGHTS:
        for by in (True, False):
            these = (height >= low) & (height < high) & (radar == by)
            parts = "  ".join(f"{found[these].mean():.4f}" if these.any() else "-" for found in shown)
            print(f"{low:6.0f} to {high:6.0f} m  {'yes' if by else 'no':6} {these.sum():9d}  {parts}", flush=True)


if __name__ == "__main__":
    main()
