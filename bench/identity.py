"""How well the system knows what its tracks are, against the truth of a made-up night.

    python bench/identity.py [--seeds 1 2 3] [--scenario bench/identity.toml] [--keep DIR]

Once a second each shown track is compared with what flies within 500 m, or three standard deviations where it knows its
place worse. Log loss: mean of -ln of the probability given to the true class, over track-seconds; beside it that of the
classes' own shares, which knows the night's mix and nothing of the track. ECE: expected calibration error of the
likeliest class, ten bins. Suspects: of what comes to do harm and was followed, the share proposed within 90 s of being
shown; of all else, the share that ever was for over 10 s.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from skywarden.geo import ecef
from skywarden.identify.weigh import HARM
from skywarden.model.assessment import CLASSES, Category, Class
from skywarden.model.event import Tick, decode
from skywarden.model.place import F64
from skywarden.model.track import Picture
from skywarden.pipeline import Line
from skywarden.replay import is_input
from skywarden.service.frames import record_in
from skywarden.track.states import at

SECOND = 1_000_000_000
HERE = Path(__file__).parent
NEAR = 500.0  # m
LEAST = 1e-4  # of a probability, in the log loss
SUSPECT_WITHIN, WRONGLY = 90.0, 10.0  # s
SELDOM = 0.02  # share that is left out of the confusion


class Row(NamedTuple):
    """One track in one second. target: of truth, "" nobody; odds: of CLASSES; speed: m/s; age: s since it was shown."""

    time: int
    track: int
    target: str
    true: str
    odds: tuple[float, ...]
    category: Category
    speed: float
    age: float


def looked(picture: Picture, truth: "Truth") -> Iterator[Row]:
    """Yield what the picture says of each shown track."""
    tracks = picture.tracks.take(picture.tracks.shown())
    if not len(tracks):
        return
    known = {one.track: one for one in picture.identities}
    mean, covariance = at(tracks, picture.time)
    reach = np.maximum(NEAR, 3.0 * np.sqrt(np.trace(covariance[:, :3, :3], axis1=1, axis2=2)))
    who = truth.nearest(picture.time, mean[:, :3], reach)
    speed = np.sqrt((mean[:, 3:] ** 2).sum(1))
    for k, number in enumerate(tracks.number.tolist()):
        one = known[number]
        target, true = who[k]
        age = (picture.time - int(tracks.since[k])) * 1e-9
        yield Row(picture.time, number, target, true, one.odds, one.category, float(speed[k]), age)


class Truth:
    """What flies, second by second."""

    def __init__(self, made: Path) -> None:
        with (made / "truth.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        place = np.array([[float(row[name]) for name in ("latitude", "longitude", "height_m")] for row in rows])
        self._place = ecef(np.radians(place[:, 0]), np.radians(place[:, 1]), place[:, 2])
        self._who = [(row["target"], row["class"]) for row in rows]
        self._at = defaultdict[int, list[int]](list)
        for k, row in enumerate(rows):
            self._at[int(row["time_ns"]) // SECOND].append(k)

    def nearest(self, time: int, place: F64, reach: F64) -> list[tuple[str, str]]:
        rows = self._at.get(time // SECOND, [])
        if not rows:
            return [("", "")] * len(place)
        away, which = cKDTree(self._place[rows]).query(place)
        near = zip(which.tolist(), (away < reach).tolist(), strict=True)
        return [self._who[rows[k]] if good else ("", "") for k, good in near]


def watched(made: Path) -> list[Row]:
    """Run the line over a scenario's frames."""
    line, truth, rows = Line(), Truth(made), list[Row]()
    for seq, event in enumerate((decode(e.payload) for e in record_in(made).entries() if is_input(e)), 1):
        line.feed(seq, event)
        if isinstance(event, Tick) and line.picture is not None and event.time % SECOND < SECOND // 20:
            rows += looked(line.picture, truth)
    return rows


def figures(rows: list[Row]) -> dict[str, object]:
    """Return what is told of one night."""
    real = [row for row in rows if row.true and row.odds]
    chance = np.array([row.odds for row in real])
    true = np.array([CLASSES.index(Class(row.true)) for row in real])
    shares = np.bincount(true, minlength=len(CLASSES)) / len(true)
    given = chance[np.arange(len(true)), true]
    own = float(-np.log(np.maximum(given, LEAST)).mean())
    prior = float(-np.log(shares[true]).mean())
    best = chance.argmax(1)
    fast = np.array([row.speed > 100.0 for row in real]) & (true == CLASSES.index(Class.AEROPLANE))
    plane, uav = CLASSES.index(Class.AEROPLANE), [CLASSES.index(Class.UAV_PISTON), CLASSES.index(Class.UAV_JET)]
    civil = np.isin(true, [plane, CLASSES.index(Class.HELICOPTER)])
    old = civil & np.array([row.age > 120.0 for row in real])
    unknown = CLASSES.index(Class.UNKNOWN)
    return {
        "track_seconds": len(real),
        "nobody": sum(not row.true for row in rows),
        "log_loss": own,
        "log_loss_of_shares": prior,
        "less": 1.0 - own / prior,
        "ece": calibration(chance.max(1), best == true),
        "right": float((best == true).mean()),
        "fast_aeroplanes_right": float((best[fast] == plane).mean()) if fast.any() else None,
        "civil_taken_for_uav": float(np.isin(best[civil], uav).mean()) if civil.any() else None,
        "civil_unknown_after_120_s": float((best[old] == unknown).mean()) if old.any() else None,
        "suspects": suspects(rows),
        "confusion": confusion(true, best),
    }


def calibration(said: F64, right: np.ndarray) -> float:
    """Return the expected calibration error, ten bins of equal width. Source: Guo et al. 2017, equation 3."""
    which = np.minimum((said * 10).astype(int), 9)
    count = np.bincount(which, minlength=10)
    gap = np.abs(np.bincount(which, said, 10) - np.bincount(which, right, 10))
    return float(gap[count > 0].sum() / len(said))


def confusion(true: np.ndarray, best: np.ndarray) -> dict[str, dict[str, float]]:
    """Return class -> likeliest class -> share of track-seconds, but for what is seldom."""
    table = {}
    for k in np.unique(true).tolist():
        some = np.bincount(best[true == k], minlength=len(CLASSES)) / (true == k).sum()
        table[str(CLASSES[k])] = {
            str(CLASSES[j]): round(float(some[j]), 2) for j in np.argsort(-some) if some[j] > 0.02
        }
    return table


def suspects(rows: list[Row]) -> dict[str, str]:
    """Return class -> how many targets were proposed as suspects, of how many that were followed."""
    shown, first, wrong = {}, {}, defaultdict[str, float](float)
    for row in rows:
        if not row.target:
            continue
        shown.setdefault(row.target, (row.time, row.true))
        if row.category is Category.SUSPECT:
            first.setdefault(row.target, row.time)
            wrong[row.target] += 1.0
    last = {row.target: row.time for row in rows}
    told = {}
    for word in CLASSES:
        some = [t for t, (begun, true) in shown.items() if true == word and last[t] - begun >= SUSPECT_WITHIN * SECOND]
        if word in HARM:
            good = sum(t in first and first[t] - shown[t][0] <= SUSPECT_WITHIN * SECOND for t in some)
        else:
            good = sum(wrong[t] > WRONGLY for t in some)
        if some:
            told[str(word)] = f"{good} of {len(some)}"
    return told


def main() -> None:
    """Read the options, make each night, tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--scenario", type=Path, default=HERE / "identity.toml")
    parser.add_argument("--keep", type=Path, help="leave scenarios, and what was seen of each track, here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        for seed in options.seeds:
            made = (options.keep or Path(scratch)) / f"{options.scenario.stem}-{seed}"
            if not made.exists():
                words = ["simulate", str(options.scenario), "--seed", str(seed), "--out", str(made)]
                subprocess.run([sys.executable, "-m", "skywarden.cli", *words], check=True, stdout=subprocess.DEVNULL)
            rows = watched(made)
            if options.keep:
                kept = {name: np.array([getattr(row, name) for row in rows if row.odds]) for name in Row._fields}
                np.savez_compressed(made.with_suffix(".npz"), **kept)
            print(json.dumps({"seed": seed, **figures(rows)}), flush=True)


if __name__ == "__main__":
    main()
