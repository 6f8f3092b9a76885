"""The raid benchmark: eight fixed scenarios, made, tracked and judged by one command.

    python bench/raids/run.py drones100                  # this system
    python bench/raids/run.py drones100 --tracks my.csv  # any other system's tracks, made from the same frames
    python bench/raids/run.py --all                      # all eight, as rows of a table

What a system under test may read is in DIR/frames; the rest of DIR is for the judge. docs/scoring.md tells the columns
of a tracks file. --keep DIR leaves everything there, with the page report.html.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
NAMES = ["quiet", "drones30", "drones100", "decoys300", "directions500", "night948", "swarm", "spoofing"]
SEED = 101  # of the published figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--tracks", type=Path, help="another system's tracks (CSV, or a directory of tables)")
    parser.add_argument("--keep", type=Path, help="leave scenario, tables and report.html here")
    given = parser.parse_args()
    for name in given.names:
        if not (HERE / f"{name}.toml").exists():
            parser.error(f"there is no {name}.toml in {HERE}; known: {', '.join(NAMES)}, real_dense, real_gliders")
    for name in NAMES if given.all else given.names:
        if given.keep:
            run(name, given.seed, given.keep / f"{name}-{given.seed}", given.tracks)
        else:
            with tempfile.TemporaryDirectory() as scratch:
                run(name, given.seed, Path(scratch), given.tracks)


def run(name: str, seed: int, where: Path, tracks: Path | None) -> None:
    """Make one scenario, run this system over it unless there are other tracks, and print one line of JSON."""
    made, tables = where / "scenario", tracks or where / "tables"
    spent = {}
    if not made.exists():
        made.parent.mkdir(parents=True, exist_ok=True)
        spent["simulate"] = command("simulate", str(HERE / f"{name}.toml"), "--seed", str(seed), "--out", str(made))[1]
    if tracks is None:
        shutil.rmtree(tables, ignore_errors=True)
        spent["replay"] = command("replay", str(made / "frames"), "--tables", str(tables))[1]
    out, spent["score"] = command("score", str(made), str(tables), "--json", "--html", str(where / "report.html"))
    figures = {named(figure): figure["value"] for figure in json.loads(out)["figures"]}
    print(json.dumps({"scenario": name, "seed": seed, "seconds": spent, "figures": figures}), flush=True)


def named(figure: dict[str, str]) -> str:
    """Return the name of a figure, with what it is of where it is not of everything together."""
    return f"{figure['name']} [{figure['of']}]" if figure.get("of") else figure["name"]


def command(*words: str) -> tuple[str, float]:
    """Run skywarden; return its standard output and the seconds it took. Ends the program when it fails."""
    begun = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "skywarden.cli", *words], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"skywarden {' '.join(words)} failed with exit code {done.returncode}")
    return done.stdout, round(time.monotonic() - begun, 1)


if __name__ == "__main__":
    main()
