"""The judge's measures against Stone Soup's own metric code: are they equal, and how much faster are they.

Runs with the Python of an environment of its own that has stonesoup==1.9.1 and msgspec, with PYTHONPATH=src:

    python bench/metrics_peer.py random [--cases 24]     random scenes of 3 to 40 targets: largest difference
    python bench/metrics_peer.py speed [--targets 200]   CPU seconds of both, in turn, on the same scene
    python bench/metrics_peer.py bench [--bench DIR]     scenarios of the bench, its peer's tracks, its judge's figures

Each prints JSON and ends with 1 if a difference is over 1e-9 (relative where values are over 1) or the ratio under 100.
Stone Soup cannot score a track that leaves out times while it is on a target; such tracks are not made here.
"""

import argparse
import datetime
import json
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from stonesoup.dataassociator.tracktotrack import TrackToTruth
from stonesoup.measures import Euclidean
from stonesoup.metricgenerator.manager import MultiManager
from stonesoup.metricgenerator.ospametric import GOSPAMetric, OSPAMetric
from stonesoup.metricgenerator.tracktotruthmetrics import SIAPMetrics
from stonesoup.types.groundtruth import GroundTruthPath, GroundTruthState
from stonesoup.types.state import GaussianState
from stonesoup.types.track import Track

from skywarden.score import flat
from skywarden.score.assign import compare
from skywarden.score.associations import associate, held
from skywarden.score.gospa import gospa
from skywarden.score.ospa import Least, ospa
from skywarden.score.siap import at_times, counts, siap
from skywarden.score.tables import Points

ALLOWED = 1e-9
QUICKER = 100
SECOND = 1_000_000_000
START = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
BENCH = Path(__file__).resolve().parents[2] / "shared" / "bench"
SIAP = (
    "Completeness",
    "Ambiguity",
    "Spuriousness",
    "Position Accuracy",
    "Velocity Accuracy",
    "Rate of Track Number Change",
    "Longest Track Segment",
)
SCENARIOS = (
    ("--n", "10", "--dim", "2", "--seed", "11"),
    ("--n", "50", "--dim", "2", "--seed", "12"),
    ("--n", "50", "--dim", "3", "--scans", "25", "--seed", "13"),
    ("--n", "40", "--dim", "2", "--half", "8000", "--pd", "0.7", "--clutter", "60", "--seed", "14"),
    ("--n", "36", "--dim", "2", "--half", "15000", "--pd", "0.85", "--clutter", "40", "--swarm", "6", "--seed", "15"),
)


def scene(random, targets, steps, area, dimensions):
    """Return truth and tracks, Points each: births, deaths, exchanged numbers, doubles, ghosts, and noise."""
    true, found, number = [], [], 0
    for target in range(targets):
        first, last = sorted(random.choice(steps + 1, 2, replace=False))
        if random.random() < 0.6:
            first, last = 0, steps
        place, speed = random.uniform(0, area, dimensions), random.normal(0, area / 40, dimensions)
        path = place + np.arange(steps)[:, None] * speed
        true += [(k, target, *path[k], *speed) for k in range(first, last)]
        for _ in range(1 + (random.random() < 0.3)):
            k = first + random.integers(0, 4)
            while k < last:
                end = min(last + random.integers(0, 3), k + random.integers(2, steps), steps)
                noise = random.normal(0, area / 60, (steps, dimensions))
                found += [(t, number, *(path[t] + noise[t]), *(speed + noise[t] / 9)) for t in range(k, end)]
                number, k = number + 1, end + random.integers(0, 3)
    for _ in range(int(random.integers(0, targets // 2 + 1))):
        first, last = sorted(random.choice(steps + 1, 2, replace=False))
        place = random.uniform(0, area, dimensions)
        found += [(k, number, *place, *np.zeros(dimensions)) for k in range(first, last)]
        number += 1
    return points(true, targets, dimensions), points(found, number, dimensions)


def points(rows, names, dimensions):
    table = np.array(sorted(rows, key=lambda row: row[:2])).reshape(-1, 2 + 2 * dimensions)
    zero = np.zeros(len(table), np.int64)
    time, number = (table[:, 0] * SECOND).astype(np.int64), table[:, 1].astype(np.int64)
    position, velocity = table[:, 2 : 2 + dimensions], table[:, 2 + dimensions :]
    names = tuple(map(str, range(names)))
    return Points(time, number, position, velocity, names, zero, ("",), np.ones(len(table), bool), zero)


def paths(data, path, state):
    found = {}
    for t, number, position, velocity in zip(data.time, data.id, data.position, data.velocity, strict=True):
        moment = START + datetime.timedelta(seconds=int(t) / SECOND)
        found.setdefault(int(number), path()).append(state(np.concatenate([position, velocity]), moment))
    return set(found.values())


def theirs(true, found, cutoff, power):
    """Return Stone Soup's figures by name, and the CPU seconds of its metric code alone."""
    dimensions = true.position.shape[1]
    truths = paths(true, GroundTruthPath, lambda x, t: GroundTruthState(x, timestamp=t))
    tracks = paths(found, Track, lambda x, t: GaussianState(x, np.eye(len(x)), timestamp=t))
    place, speed = Euclidean(list(range(dimensions))), Euclidean(list(range(dimensions, 2 * dimensions)))
    keys = {"tracks_key": "tracks", "truths_key": "truths"}
    generators = [
        GOSPAMetric(p=power, c=cutoff, measure=place, generator_name="gospa", **keys),
        OSPAMetric(p=power, c=cutoff, measure=place, generator_name="ospa", **keys),
        SIAPMetrics(position_measure=place, velocity_measure=speed, generator_name="siap", **keys),
    ]
    manager = MultiManager(generators, associator=TrackToTruth(association_threshold=cutoff, measure=place))
    begin = time.process_time()
    manager.add_data({"truths": truths, "tracks": tracks})
    metrics = manager.generate_metrics()
    spent = time.process_time() - begin
    figures = {}
    for part in ("distance", "localisation", "missed", "false"):
        figures[part] = [m.value[part] for m in metrics["gospa"]["GOSPA Metrics"].value]
    figures["ospa"] = [m.value for m in metrics["ospa"]["OSPA distances"].value]
    for name in SIAP:
        figures[name] = [metrics["siap"][f"SIAP {name}"].value]
    for name in SIAP[:5]:
        figures[f"{name} at times"] = [m.value for m in metrics["siap"][f"SIAP {name} at times"].value]
    return figures, spent


def ours(true, found, cutoff, power):
    """Return our figures under the same names, and the CPU seconds of all of it."""
    begin = time.process_time()
    comparison = compare(true, found, cutoff)
    parts = gospa(comparison, power)
    distances = ospa(comparison, power, Least.DISTANCE)
    whole = siap(comparison)
    associations = associate(comparison)
    series = at_times(counts(comparison, associations, held(comparison, associations)))
    spent = time.process_time() - begin
    figures = {"distance": parts.distance, "localisation": parts.localisation, "missed": parts.missed}
    figures |= {"false": parts.false, "ospa": distances}
    figures |= {name: [value] for name, value in zip(SIAP, whole, strict=True)}
    figures |= {f"{name} at times": values for name, values in zip(SIAP[:5], series, strict=True)}
    return figures, spent


def differences(a, b):
    """Return the largest difference of each figure; relative where the value is over 1."""
    assert a.keys() == b.keys()
    found = {}
    for name in a:
        x, y = np.array(a[name], float), np.array(b[name], float)
        found[name] = float(np.max(np.abs(x - y) / np.maximum(1, np.abs(x)), initial=0)) if x.shape == y.shape else 9e9
    return found


def worst(several):
    return {name: max(found[name] for found in several) for name in several[0]}


def random_cases(cases, seed):
    found = []
    for case in range(cases):
        random = np.random.default_rng([seed, case])
        targets, dimensions = int(random.integers(3, 41)), int(random.integers(2, 4))
        true, tracks = scene(random, targets, int(random.integers(8, 40)), 1000.0, dimensions)
        cutoff, power = float(random.uniform(20, 250)), float(random.choice([1, 1.5, 2, 3]))
        found.append(differences(theirs(true, tracks, cutoff, power)[0], ours(true, tracks, cutoff, power)[0]))
    return {"cases": cases, "largest_difference": worst(found)}


def speed(targets, steps, rounds):
    true, tracks = scene(np.random.default_rng(targets), targets, steps, 30_000.0, 2)
    spent, found = [], []
    for _ in range(rounds):
        (a, peer), (b, own) = theirs(true, tracks, 500.0, 2.0), ours(true, tracks, 500.0, 2.0)
        spent.append((peer, own))
        found.append(differences(a, b))
    ratios = sorted(peer / own for peer, own in spent)
    return {
        "targets": targets,
        "steps": steps,
        "cpu_s": [{"stone_soup": round(peer, 3), "skywarden": round(own, 5)} for peer, own in spent],
        "ratio": round(ratios[len(ratios) // 2], 1),
        "largest_difference": worst(found),
    }


def judged(bench):
    """Return how our figures differ from those of the bench's judge on tracks of the bench's peer."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for arguments in SCENARIOS:
            place = Path(folder) / "_".join(arguments).replace("--", "")
            run(bench / "gen_scenario.py", place, *arguments)
            run(bench / "run_stonesoup.py", place, "gnnkd")
            file = place / "stonesoup_gnnkd" / "tracks.csv"
            run(bench / "judge.py", place, file)
            judge = json.loads(file.with_suffix(".score.json").read_text())
            found[place.name] = differences({k: [v] for k, v in judge.items()}, own_scores(place, file))
    return {"scenarios": found, "largest_difference": worst(list(found.values()))}


def own_scores(place, file):
    settings = flat.meta((place / "meta.json").read_bytes())
    true = flat.truth((place / "truth.csv").read_bytes(), settings.dim)
    found = flat.flat_scores(settings, true, flat.tracks(file.read_bytes(), settings.dim))
    g, s = found.gospa, found.siap
    figures = {"scans": found.scans, "gospa_rms": g.root_mean, "loc": g.localisation, "missed": g.missed}
    figures |= {"false": g.false, "gospa_mean": g.mean, "gospa_per_target": found.per_target}
    figures |= {"n_missed_mean": g.missed_targets, "n_false_mean": g.false_tracks, "ss_gospa_mean": g.mean}
    figures |= {"ss_gospa_rms": g.root_mean, "ss_ospa_mean": found.ospa}
    figures |= {"siap_" + name.replace(" ", "_"): value for name, value in zip(SIAP, s, strict=True)}
    return {name: [value] for name, value in figures.items()}


def run(*arguments):
    subprocess.run([sys.executable, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)


def main():
    warnings.filterwarnings("ignore")
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("random", "speed", "bench"))
    parser.add_argument("--cases", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--targets", type=int, default=200)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bench", type=Path, default=BENCH)
    a = parser.parse_args()
    if a.what == "random":
        found = random_cases(a.cases, a.seed)
    elif a.what == "speed":
        found = speed(a.targets, a.steps, a.rounds)
    else:
        found = judged(a.bench)
    print(json.dumps(found, indent=1))
    good = all(x <= ALLOWED for x in found["largest_difference"].values()) and found.get("ratio", QUICKER) >= QUICKER
    sys.exit(not good)


if __name__ == "__main__":
    main()
