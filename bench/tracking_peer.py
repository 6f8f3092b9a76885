"""`skywarden track` beside Stone Soup 1.9.1 on the scenarios of ../shared/bench, by the judge that stands there.

Runs with the project's Python. Stone Soup needs an environment of its own (`pip install stonesoup==1.9.1`):

    python bench/tracking_peer.py accuracy hard swarm_2d --peer-python PEER/bin/python --peers gnnkd,gnnkd:5,jpdakd,lbp
    python bench/tracking_peer.py speed n50_2d n1000_3d --peer-python PEER/bin/python
    python bench/tracking_peer.py crossing [--new 100]

accuracy: GOSPA of each tracker over the seeds, and ours through each one's, paired by seed: the mean of the ratios, its
one-sided 95 % bound and two-sided 95 % interval (t). The peer's best is the associator with the least mean GOSPA.
speed: processor time of a scan after the first, minimum of --rounds runs of each in turn, against the peer's fastest
associator among those within 5 % of its best GOSPA.
crossing: see bench/crossing_runs.py; there the peer is the PMBM filter in C++ of ../shared/reference.

A peer's associator is written as its runner names it, NAME:POINTS for an initiator that wants so many points. Its
tracks are kept in --keep. A third tracker: --also 'NAME=COMMAND', in it {scenario}, {out}, {timing} and {tmax}.
Lines of JSON go into --lines FILE, tables in Markdown to stdout. What --known FILE has of a peer is not run again for
its accuracy, which comes out the same: bench/tracking_peers.jsonl is of hours of work. Times in it are of any day.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import crossing_runs
import numpy as np
from scipy import stats
from tracking_scenes import KEEP, OURS, SCENES, Peer, Scene, judged, own_tracks, peer_tracks, scene

PEERS = "gnnkd,jpdakd,lbp"
SEEDS = tuple(range(11, 21))  # 1 to 9 are for tuning
AS_GOOD = 1.05  # of the peer's best GOSPA: its fastest associator within this is the one to be faster than
FIGURES = ("gospa", "place", "missed", "false", "completeness", "ambiguity", "spuriousness", "ms_scan")
Row = dict[str, Any]


def bounds(ratios: np.ndarray) -> Row:
    """Return the mean of (n,) paired ratios, its one-sided upper 95 % bound and its two-sided 95 % interval."""
    n, mean = len(ratios), float(ratios.mean())
    error = float(ratios.std(ddof=1)) / np.sqrt(n) if n > 1 else float("nan")
    one, two = (float(stats.t.ppf(q, n - 1)) if n > 1 else float("nan") for q in (0.95, 0.975))
    return {"ratio": mean, "at_most": mean + one * error, "low": mean - two * error, "high": mean + two * error}


def rows_of(asked: argparse.Namespace, at: Scene, folder: Path) -> list[Row]:
    """Let every tracker follow one scene, and judge it. Who does not end in time has no row."""
    found = {name: own_tracks(at.place, at.last, folder / name, command) for name, command in asked.also.items()}
    known = [asked.known[key] for name in asked.peers if (key := (at.name, at.seed, at.scans, name)) in asked.known]
    rows = list(known)
    left = [name for name in asked.peers if name not in [row["tracker"] for row in known]]
    found |= {name: peer_tracks(asked.peer, at, name) for name in left}
    for name, followed in found.items():
        if followed is None:
            print(f"{at.name} seed {at.seed}: no tracks of {name} within {asked.limit:g} s", file=sys.stderr)
            continue
        figures = judged(asked.peer, at, followed, asked.siap_by_judge)
        head = {"scenario": at.name, "seed": at.seed, "scans": at.scans, "tracker": name}
        rows.append(head | figures | {"ms_scan": followed.milliseconds()})
        tell(asked, "run", rows[-1])
    return rows


def known_rows(file: Path | None) -> dict[tuple[str, int, int, str], Row]:
    """Return the peers' rows of a file of --lines, by scenario, seed, scans and tracker."""
    rows = [] if file is None else [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    runs = [row for row in rows if row["what"] == "run" and row["tracker"] != OURS]
    return {(row["scenario"], row["seed"], row["scans"], row["tracker"]): row for row in runs}


def over_seeds(rows: list[Row]) -> dict[str, Row]:
    """Return each tracker's mean figures, and the ratio of our GOSPA and its own, paired by seed."""
    scored: dict[str, dict[int, Row]] = {}
    for row in rows:
        scored.setdefault(row["tracker"], {})[row["seed"]] = row
    ours, found = scored[OURS], {}
    for name, by_seed in scored.items():
        pairs = np.array([ours[seed]["gospa"] / row["gospa"] for seed, row in by_seed.items()])
        means = {key: float(np.mean([row[key] for row in by_seed.values()])) for key in FIGURES}
        found[name] = {"seeds": sorted(by_seed)} | means | bounds(pairs)
    return found


def best(found: dict[str, Row], peers: list[str], seeds: int) -> str:
    """Return the peer's associator with the least mean GOSPA, of those that came through on every seed."""
    through = [name for name in peers if name in found and len(found[name]["seeds"]) == seeds]
    if not through:
        sys.exit("no associator of the peer came through on every seed: give it more time with --limit")
    return min(through, key=lambda name: float(found[name]["gospa"]))


def accuracy(asked: argparse.Namespace, folder: Path) -> None:
    """Print a table of all trackers on each scenario, and one line for each scenario with the peer's best."""
    short = []
    print(
        "| scenario | tracker | seeds | GOSPA | place | missed | false | completeness | ambiguity | spuriousness "
        "| ms a scan | ours / its GOSPA | at most | 95 % |\n|" + "---|" * 14
    )
    for name in asked.scenarios:
        rows = [
            row for seed in asked.seeds for row in rows_of(asked, scene(asked.peer, name, seed, asked.scans), folder)
        ]
        found = over_seeds(rows)
        for tracker, r in found.items():
            metres = " | ".join(f"{r[key]:,.0f}" for key in FIGURES[:4])
            shares = " | ".join(f"{r[key]:.3f}" for key in FIGURES[4:7])
            print(
                f"| {name} | {tracker} | {len(r['seeds'])} | {metres} | {shares} | {r['ms_scan']:,.3g} | {ratio(r)} |"
            )
            tell(asked, "mean", {"scenario": name, "tracker": tracker} | r)
        top = best(found, asked.peers, len(asked.seeds))
        peer, ours = found[top], found[OURS]
        short.append(
            f"| {name} | {len(asked.seeds)} | {peer['gospa']:,.0f} m ({top}) | {ours['gospa']:,.0f} m | {ratio(peer)} |"
        )
    print("\n| scenario | seeds | Stone Soup's best GOSPA | ours | ratio | at most | 95 % |\n|" + "---|" * 7)
    print("\n".join(short))


def ratio(row: Row) -> str:
    return f"{row['ratio']:.3f} | {row['at_most']:.3f} | {row['low']:.3f} to {row['high']:.3f}"


def speed(asked: argparse.Namespace, folder: Path) -> None:
    """Print processor time of a scan of ours and of the peer's fastest good associator, run in turn."""
    print("| scenario | seed | scans | Stone Soup | ms a scan | tracker | ms a scan | ratio |\n|" + "---|" * 8)
    for name in asked.scenarios:
        scenes = [scene(asked.peer, name, seed, asked.scans) for seed in asked.seeds]
        found = over_seeds([row for at in scenes for row in rows_of(asked, at, folder)])
        least = found[best(found, asked.peers, len(scenes))]["gospa"]
        good = [
            n for n in asked.peers if len(found[n]["seeds"]) == len(scenes) and found[n]["gospa"] <= AS_GOOD * least
        ]
        fastest = min(good, key=lambda n: float(found[n]["ms_scan"]))
        for at in scenes:
            spent = in_turn(asked, at, fastest, folder)
            for tracker in asked.also:
                print(
                    f"| {name} | {at.seed} | {at.scans} | {fastest} | {spent[fastest]:,.4g} "
                    f"| {tracker} | {spent[tracker]:.4g} | {spent[fastest] / spent[tracker]:,.0f} |"
                )
            head = {"scenario": name, "seed": at.seed, "scans": at.scans, "rounds": asked.rounds, "good": good}
            tell(asked, "speed", head | {"ms_scan": spent})


def in_turn(asked: argparse.Namespace, at: Scene, fastest: str, folder: Path) -> dict[str, float]:
    """Return the least ms of a scan over the rounds; every tracker once in each round."""
    rounds = []
    for _ in range(asked.rounds):
        found = {fastest: peer_tracks(asked.peer, at, fastest, again=True)}
        found |= {name: own_tracks(at.place, at.last, folder / name, command) for name, command in asked.also.items()}
        counts = {name: len(followed.cpu) for name, followed in found.items() if followed and followed.cpu}
        if set(counts.values()) != {at.scans}:
            sys.exit(f"{at.name}: not the same scans for all, {counts} instead of {at.scans}")
        rounds.append({name: followed.milliseconds() for name, followed in found.items() if followed})
    return {name: min(one[name] for one in rounds) for name in rounds[0]}


def crossing(asked: argparse.Namespace, folder: Path) -> None:
    """Print RMS GOSPA and ms a step on the crossing scenario's own runs and on new ones."""
    print(
        "| runs | tracker | RMS GOSPA | place | missed | false | ms a step | ours / its | at most | 95 % |\n|"
        + "---|" * 10
    )
    for name, found in crossing_runs.compared(asked, folder):
        for tracker, r in found.items():
            parts = " | ".join(f"{r[key]:.3f}" for key in ("gospa", "place", "missed", "false"))
            print(f"| {name} | {tracker} | {parts} | {r['ms_step']:.3g} | {ratio(r)} |")
            tell(asked, "crossing", {"runs": name, "tracker": tracker} | r)


def tell(asked: argparse.Namespace, what: str, row: Row) -> None:
    """Add a line of JSON, null for what is not known."""
    if asked.lines is not None:
        known = {name: None if value != value else value for name, value in row.items()}
        with asked.lines.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"what": what} | known, allow_nan=False) + "\n")


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--also", action="append", default=[], metavar="NAME=COMMAND")
    shared.add_argument("--lines", type=Path, metavar="FILE")
    scenes = argparse.ArgumentParser(add_help=False, parents=[shared])
    scenes.add_argument("scenarios", nargs="+", choices=sorted(SCENES))
    scenes.add_argument("--peer-python", type=Path, required=True)
    scenes.add_argument("--peers", default=PEERS, help="associators of Stone Soup, with commas between them")
    scenes.add_argument("--seeds", type=int, nargs="+")
    scenes.add_argument("--known", type=Path, metavar="FILE", help="lines of --lines: what they have of peers counts")
    scenes.add_argument("--scans", type=int, help="track only that many (20 where n is 1,000)")
    scenes.add_argument("--keep", type=Path, default=KEEP)
    scenes.add_argument("--limit", type=float, default=3600.0, help="s for one run of the peer; 0: only what is kept")
    scenes.add_argument("--siap-by-judge", action="store_true", help="SIAP by Stone Soup's code too: slow")
    what = parser.add_subparsers(dest="what", required=True)
    what.add_parser("accuracy", parents=[scenes]).set_defaults(function=accuracy, first_seeds=SEEDS)
    fast = what.add_parser("speed", parents=[scenes])
    fast.set_defaults(function=speed, first_seeds=SEEDS[:1])
    cross = what.add_parser("crossing", parents=[shared])
    cross.set_defaults(function=crossing)
    crossing_runs.options(cross)
    for one, rounds in ((fast, 5), (cross, 3)):
        one.add_argument("--rounds", type=int, default=rounds, help="runs in turn; the least time counts")
    return parser.parse_args()


def main() -> None:
    """Compare."""
    asked = options()
    asked.also = {OURS: None} | dict(text.split("=", 1) for text in asked.also)
    if asked.what != "crossing":
        asked.peers = asked.peers.split(",")
        asked.seeds = asked.seeds or asked.first_seeds
        asked.known = known_rows(asked.known)
        asked.peer = Peer(asked.peer_python, asked.keep.resolve(), asked.limit)
    with tempfile.TemporaryDirectory() as folder:
        for name in asked.also:
            (Path(folder) / name).mkdir()
        asked.function(asked, Path(folder))


if __name__ == "__main__":
    main()
