"""Scenarios of the tracking bench, each made once, followed by Stone Soup, by us or by a third tracker, and judged.

Used by bench/tracking_peer.py. What a peer made of a scenario is kept, for it is slow and comes out the same again:

    KEEP/SCENARIO_sSEED/                        meta.json, truth.csv, detections.csv
    KEEP/SCENARIO_sSEED/stonesoup_ALG[_pP][_nN]/  tracks.csv, run.json; P: its initiator's points, N: scans
"""

import csv
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from skywarden.score import flat

ROOT = Path(__file__).resolve().parents[1]
BENCH = ROOT.parent / "shared" / "bench"
KEEP = ROOT / ".peers" / "tracking"
OURS = "skywarden"
SWARM = ("--n", "60", "--half", "15000", "--pd", "0.85", "--clutter", "60", "--swarm", "6")
SCENES = {
    "n50_2d": ("--n", "50", "--dim", "2"),
    "n200_2d": ("--n", "200", "--dim", "2"),
    "n1000_2d": ("--n", "1000", "--dim", "2"),
    "n50_3d": ("--n", "50", "--dim", "3"),
    "n200_3d": ("--n", "200", "--dim", "3"),
    "n1000_3d": ("--n", "1000", "--dim", "3"),
    "hard": ("--n", "50", "--dim", "2", "--half", "8000", "--pd", "0.7", "--clutter", "150"),
    "swarm_2d": (*SWARM, "--dim", "2"),
    "swarm_3d": (*SWARM, "--dim", "3"),
}
SCANS = {"n1000_2d": 20, "n1000_3d": 20}  # the peer needs seconds a scan
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
SIAP = {  # our name -> the judge's
    "completeness": "Completeness",
    "ambiguity": "Ambiguity",
    "spuriousness": "Spuriousness",
    "position_accuracy": "Position_Accuracy",
    "velocity_accuracy": "Velocity_Accuracy",
    "number_changes": "Rate_of_Track_Number_Change",
    "longest_segment": "Longest_Track_Segment",
}


class Peer(NamedTuple):
    """How Stone Soup is run. python: of its environment; keep: where its tracks are kept.

    limit: s on the wall for one run; 0: what is kept must do.
    """

    python: Path
    keep: Path = KEEP
    limit: float = 3600.0


class Scene(NamedTuple):
    """One scenario with one seed. scans: how many are tracked; last: time of the last of them, s; cut: more follow."""

    name: str
    seed: int
    place: Path
    scans: int
    last: float
    cut: bool


class Followed(NamedTuple):
    """What a tracker made of a scene. cpu: processor seconds of each scan; () if the tracker does not say."""

    tracks: Path
    cpu: tuple[float, ...] = ()

    def milliseconds(self) -> float:
        """Return the mean of a scan, ms, after one scan to get warm; nan where it is not known."""
        return 1e3 * sum(self.cpu[1:]) / (len(self.cpu) - 1) if len(self.cpu) > 1 else float("nan")


def run(*arguments: object, limit: float | None = None) -> str:
    """Run a program on one thread and return what it prints."""
    command = [str(x) for x in arguments]
    environment = os.environ | ONE_THREAD
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment, timeout=limit).stdout


def scene(peer: Peer, name: str, seed: int, scans: int | None = None) -> Scene:
    """Make a scenario unless it is there. scans: track that many only; by default all, but 20 where n is 1,000."""
    place = peer.keep / f"{name}_s{seed}"
    if not (place / "meta.json").exists():  # which is written last
        run(sys.executable, BENCH / "gen_scenario.py", place, *SCENES[name], "--seed", seed)
    times = {}
    with (place / "detections.csv").open() as file:
        for row in csv.DictReader(file):
            times[int(row["scan"])] = float(row["t"])
    count = min(scans or SCANS.get(name, len(times)), len(times))
    return Scene(name, seed, place, count, times[sorted(times)[count - 1]], count < len(times))


def peer_tracks(peer: Peer, scene: Scene, algorithm: str, again: bool = False) -> Followed | None:
    """Let Stone Soup follow a scene. algorithm: as its runner names it, or NAME:POINTS for another initiator.

    again: run it, whatever is kept, beside what is kept. None: it did not end within the limit, or is not kept.
    """
    name, _, points = algorithm.partition(":")
    tag = (f"_p{points}" if points else "") + (f"_n{scene.scans}" if scene.cut else "") + ("_again" if again else "")
    place = scene.place / f"stonesoup_{name}{tag}"
    told, gave_up = place / "run.json", place / "gave_up"
    if again:
        told.unlink(missing_ok=True)
    tried = float(gave_up.read_text()) if gave_up.exists() else 0.0
    if not told.exists() and peer.limit > tried:
        options = [*(["--minpts", points] if points else []), *(["--scans", scene.scans] if scene.cut else [])]
        script = BENCH / "run_stonesoup.py"
        try:  # a tag that begins with "-" would be an option; an empty one is no argument at all
            run(peer.python, script, scene.place, name, *options, f"--tag={tag}", limit=peer.limit)
        except subprocess.TimeoutExpired:
            place.mkdir(exist_ok=True)
            gave_up.write_text(str(peer.limit))
    if not told.exists():
        return None
    return Followed(place / "tracks.csv", tuple(json.loads(told.read_bytes())["cpu"]))


def own_tracks(place: Path, last: float | None, out: Path, command: str | None = None) -> Followed:
    """Let us follow a scenario, or a third tracker. out: folder for the tracks; last: tmax, s.

    command: of the third, with {scenario}, {out}, {timing} and {tmax}; {timing}, if it writes it, as ours does.
    """
    tracks, timing = out / "tracks.csv", out / "run.json"
    timing.unlink(missing_ok=True)
    values = {"scenario": place, "out": tracks, "timing": timing, "tmax": 1e9 if last is None else last}
    if command is None:
        command = f"{shlex.quote(sys.executable)} -m skywarden.cli track {{scenario}} --out {{out}} --timing {{timing}}"
        command += " --tmax {tmax}"
    run(*(word.format(**values) for word in shlex.split(command)))
    cpu = json.loads(timing.read_bytes())["cpu_s"] if timing.exists() else ()
    return Followed(tracks, tuple(cpu))


def judged(peer: Peer, scene: Scene, followed: Followed, siap_by_judge: bool = False) -> dict[str, Any]:
    """Return the judge's figures up to the scene's last scan, m.

    SIAP is by our own judge, which gives the same figures (bench/metrics_peer.py) a hundred times faster; by Stone
    Soup's if `siap_by_judge`.
    """
    options = [] if siap_by_judge else ["--noss"]
    told = run(peer.python, BENCH / "judge.py", scene.place, followed.tracks, "--tmax", scene.last, *options)
    found = json.loads(told)
    figures = {name: found[key] for name, key in (("gospa", "gospa_rms"), ("place", "loc"))}
    figures |= {name: found[name] for name in ("missed", "false")}
    if siap_by_judge:
        return figures | {name: found[f"siap_{key}"] for name, key in SIAP.items()}
    settings = flat.meta((scene.place / "meta.json").read_bytes())
    true = flat.truth((scene.place / "truth.csv").read_bytes(), settings.dim)
    tracks = flat.tracks(followed.tracks.read_bytes(), settings.dim)
    return figures | flat.flat_scores(settings, true, tracks, last=scene.last).siap._asdict()
