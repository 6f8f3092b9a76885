"""The crossing scenario (Williams 2015): four targets meet at the middle of 81 steps; its own 20 runs and new ones.

`compared` lets `skywarden track`, a third tracker and the PMBM filter of ../shared/reference/tracking/pmbm.cpp follow
the same detections, and scores RMS GOSPA by the judge's function. pmbm.cpp is compiled here and runs in this process.
New runs, drawn from meta.json with Pd, noise and clutter of their own:

    given            the 20 runs of the file
    detections       the truth of the file, new detections
    paths            new paths too: the targets' states in the middle are those of the file, from there white noise of
                     acceleration drives them on and, in time turned round, back; births and ends as in the file
    model            all from the filter's own model: Poisson births at step 1 and after, each target lives on with Ps
"""

import argparse
import csv
import ctypes
import gzip
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tracking_scenes import BENCH, OURS, own_tracks

SCENARIO = BENCH / "williams15"
SOURCE = BENCH.parent / "reference" / "tracking" / "pmbm.cpp"
SETS = ("given", "detections", "paths", "model")
CUTOFF = 10.0  # m
MOST = 64  # estimates of pmbm.cpp at one step
LEAST_WEIGHT, GATE, LEAST_EXISTENCE = 1e-4, 20.0, 1e-5  # of pmbm.cpp, as its author runs it
RESAMPLED = 10_000

Steps = list[np.ndarray]  # of each step (n, 2) or (n, 4), m and m/s


class Runs(NamedTuple):
    """Several runs. truth: (n, 2) of each step of each run; detections likewise."""

    truth: list[Steps]
    detections: list[Steps]


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options that only this scenario has."""
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--new", type=int, default=100, help="runs of each new set")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--hypotheses", type=int, nargs="*", default=[200, 20], help="of pmbm.cpp; none: do not run it")


def compared(asked: argparse.Namespace, folder: Path) -> Iterator[tuple[str, dict[str, dict[str, Any]]]]:
    """Yield the name of each set of runs and each tracker's figures on it."""
    meta = json.loads((SCENARIO / "meta.json").read_bytes())
    library = compiled(folder) if asked.hypotheses else None
    for name in asked.sets:
        runs = made(name, meta, asked)
        place = folder / f"crossing_{name}"
        write(place, meta, runs)
        squares, spent = {}, {}
        for _ in range(asked.rounds):
            for tracker, command in asked.also.items():
                followed = own_tracks(place, None, folder / tracker, command)
                squares[tracker] = scored(runs, estimates(followed.tracks, runs))
                spent.setdefault(tracker, []).append(followed.milliseconds())
            for most in asked.hypotheses:
                found, seconds = pmbm(library, meta, runs, most)
                squares[f"pmbm.cpp {most}"] = scored(runs, found)
                spent.setdefault(f"pmbm.cpp {most}", []).append(1e3 * seconds / (len(runs.truth) * meta["steps"]))
        yield name, {tracker: figures(squares, tracker, min(spent[tracker])) for tracker in squares}


def made(name: str, meta: dict[str, Any], asked: argparse.Namespace) -> Runs:
    """Return the runs of a set."""
    table = np.loadtxt(SCENARIO / "truth.csv", delimiter=",", skiprows=1)
    given = [table[table[:, 0] == k + 1] for k in range(meta["steps"])]
    places = [step[:, [2, 4]] for step in given]
    if name == "given":
        rows = np.loadtxt(SCENARIO / "detections.csv.gz", delimiter=",", skiprows=1)
        runs = [rows[rows[:, 0] == run] for run in np.unique(rows[:, 0])]
        found = [[run[run[:, 1] == k + 1][:, 2:] for k in range(meta["steps"])] for run in runs]
        return Runs([places] * len(found), found)
    truth, detections = [], []
    for number in range(asked.new):
        random = np.random.default_rng([asked.seed, SETS.index(name), number])
        if name == "detections":
            truth.append(places)
        else:
            truth.append(new_paths(random, meta, given) if name == "paths" else from_model(random, meta))
        detections.append([seen(random, meta, step) for step in truth[-1]])
    return Runs(truth, detections)


def seen(random: np.random.Generator, meta: dict[str, Any], places: np.ndarray) -> np.ndarray:
    """Return the detections (m, 2) of targets at places (n, 2), in no order."""
    x0, x1, y0, y1 = meta["area"]
    hit = places[random.random(len(places)) < meta["pd"]]
    hit = hit + random.multivariate_normal([0, 0], meta["R"], len(hit)).reshape(-1, 2)
    clutter = random.uniform((x0, y0), (x1, y1), (random.poisson(meta["clutter_per_scan"]), 2))
    return random.permutation(np.vstack([hit, clutter]))


def motion(meta: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return the transition (4, 4) of x, vx, y, vy over one step and the covariance (4, 4) of its noise."""
    t, two = meta["dt"], np.eye(2)
    noise = meta["q"] * np.array([[t**3 / 3, t**2 / 2], [t**2 / 2, t]])
    return np.kron(two, [[1, t], [0, 1]]), np.kron(two, noise)


def new_paths(random: np.random.Generator, meta: dict[str, Any], given: Steps) -> Steps:
    """Return new paths through the middle of the given ones (k, target, x, vx, y, vy), as (n, 2) of each step."""
    F, Q = motion(meta)
    back = np.linalg.inv(F)
    ends = {}  # target -> its first and last step
    for step in given:
        for k, target in step[:, :2].astype(int):
            ends[target] = (min(ends.get(target, (k, k))[0], k), k)
    steps: list[list[np.ndarray]] = [[] for _ in given]
    for target, (first, last) in sorted(ends.items()):
        middle = min((len(given) + 1) // 2, last)
        state = next(row[2:] for row in given[middle - 1] if int(row[1]) == target)
        path = {middle: state}
        for k in range(middle + 1, last + 1):
            path[k] = random.multivariate_normal(F @ path[k - 1], Q)
        for k in range(middle - 1, first - 1, -1):
            path[k] = back @ random.multivariate_normal(path[k + 1], Q)
        for k, x in path.items():
            steps[k - 1].append(x[[0, 2]])
    return [np.array(step).reshape(-1, 2) for step in steps]


def from_model(random: np.random.Generator, meta: dict[str, Any]) -> Steps:
    """Return paths of targets that are born and end as the model says, as (n, 2) of each step."""
    F, Q = motion(meta)
    birth = meta["birth"]
    states, steps = np.zeros((0, 4)), []
    for k in range(meta["steps"]):
        states = states[random.random(len(states)) < meta["ps"]]
        states = states @ F.T + random.multivariate_normal(np.zeros(4), Q, len(states)).reshape(-1, 4)
        born = random.poisson(birth["weight"] if k else meta["initial_poisson_weight"])
        states = np.vstack([states, random.normal(birth["mean"], birth["std"], (born, 4))])
        steps.append(states[:, [0, 2]])
    return steps


def write(place: Path, meta: dict[str, Any], runs: Runs) -> None:
    """Write a scenario of the crossing's layout."""
    place.mkdir()
    (place / "meta.json").write_text(json.dumps(meta))
    with gzip.open(place / "detections.csv.gz", "wt") as file:
        file.write("mc,k,x,y\n")
        for run, steps in enumerate(runs.detections, 1):
            for k, step in enumerate(steps, 1):
                file.writelines(f"{run},{k},{x:.6f},{y:.6f}\n" for x, y in step)


def estimates(tracks: Path, runs: Runs) -> list[Steps]:
    """Read `mc,k,track,x,vx,y,vy` into (n, 2) of each step of each run."""
    found: dict[tuple[int, int], list[tuple[float, float]]] = {}
    with tracks.open() as file:
        for row in csv.DictReader(file):
            found.setdefault((int(row["mc"]), int(row["k"])), []).append((float(row["x"]), float(row["y"])))
    numbers = range(1, len(runs.truth) + 1)
    return [
        [np.array(found.get((run, k), [])).reshape(-1, 2) for k in range(1, len(steps) + 1)]
        for run, steps in zip(numbers, runs.truth, strict=True)
    ]


def compiled(folder: Path) -> ctypes.CDLL:
    """Compile pmbm.cpp."""
    library = folder / "libpmbm.so"
    subprocess.run(["g++", "-O3", "-march=native", "-shared", "-fPIC", "-w", SOURCE, "-o", library], check=True)
    return ctypes.CDLL(str(library))


def pmbm(library: ctypes.CDLL, meta: dict[str, Any], runs: Runs, most: int) -> tuple[list[Steps], float]:
    """Return the estimates of pmbm.cpp with at most `most` hypotheses, and its processor seconds."""
    x0, x1, y0, y1 = meta["area"]
    birth, steps, real = meta["birth"], meta["steps"], ctypes.c_double
    density = meta["clutter_per_scan"] / ((x1 - x0) * (y1 - y0))
    mean, covariance = np.array(birth["mean"], float), np.diag(np.array(birth["std"], float) ** 2)
    found, spent = [], 0.0
    for run in runs.detections:
        z = np.ascontiguousarray(np.vstack(run))
        starts = np.append(0, np.cumsum([len(step) for step in run])).astype(np.int32)
        out, counts, hypotheses = np.zeros((steps, MOST, 2)), np.zeros(steps, np.int32), np.zeros(steps, np.int32)
        start, plots, means, covariances, results, numbers, kept = (
            ctypes.c_void_p(a.ctypes.data) for a in (starts, z, mean, covariance, out, counts, hypotheses)
        )
        world = map(real, (meta["pd"], meta["ps"], density, meta["q"], meta["dt"]))
        births = map(real, (birth["weight"], meta["initial_poisson_weight"]))
        settings = map(real, (LEAST_WEIGHT, GATE, LEAST_EXISTENCE, meta["report_existence"]))
        begun = time.process_time()
        library.pmbm_run(
            steps, start, plots, *world, means, covariances, *births, most, *settings, results, numbers, MOST, kept
        )
        spent += time.process_time() - begun
        found.append([out[k, : counts[k]] for k in range(steps)])
    return found, spent


def scored(runs: Runs, found: list[Steps]) -> np.ndarray:
    """Return squared GOSPA and its parts, (runs, steps, 4)."""
    sys.path.insert(0, str(BENCH))
    from judge import gospa2

    pairs = zip(runs.truth, found, strict=True)
    return np.array([[gospa2(x, y, CUTOFF) for x, y in zip(a, b, strict=True)] for a, b in pairs])


def figures(squares: dict[str, np.ndarray], tracker: str, milliseconds: float) -> dict[str, Any]:
    """Return RMS GOSPA and parts, and our RMS through it with bounds by resampling runs."""
    gospa, place, missed, false = np.sqrt(squares[tracker].mean((0, 1)))
    ours, its = (squares[name][:, :, 0].mean(1) for name in (OURS, tracker))
    drawn = np.random.default_rng(1).integers(0, len(ours), (RESAMPLED, len(ours)))
    ratios = np.sqrt(ours[drawn].mean(1) / its[drawn].mean(1))
    low, high, at_most = np.quantile(ratios, (0.025, 0.975, 0.95))
    parts = {
        "gospa": gospa,
        "place": place,
        "missed": missed,
        "false": false,
        "ratio": np.sqrt(ours.mean() / its.mean()),
    }
    parts |= {"at_most": at_most, "low": low, "high": high}
    return {"n": len(ours)} | {name: float(x) for name, x in parts.items()} | {"ms_step": milliseconds}
