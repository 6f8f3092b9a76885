"""A hundred small waves: how long each site is alarmed, beside simpler rules.

    python bench/waves.py --keep DIR [--seeds 101 201]              # make them and run this system; hours
    python bench/waves.py --keep DIR --again NAME [KEY=VALUE ...]   # alerts again, with other [alert] settings; minutes
    python bench/waves.py --keep DIR --judge [--tables NAME]        # all that is kept, together

Seeds 1 to 20 are to develop on, 101 to 200 to judge. What judging needs is kept, not the frames; what is kept already
is left as it is, so that it can be stopped and go on. The system runs with ticks of half a second, a fifth of the
usual ones, or it would take a day. `--again` decides once a second by what arrivals were worth then, so a second later
at most. `--scenario FILE` runs another scenario file.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import numpy as np
from harness import progress, skywarden
from wave_world import scene

from skywarden.alert import AlertSettings, decide
from skywarden.config import load
from skywarden.model.event import Entry, Tick, decode
from skywarden.model.threats import PAIRS, Threats
from skywarden.outputs.tables import HEADS, alerts
from skywarden.record.log import kind
from skywarden.replay import beginning, by_tick
from skywarden.service.frames import record_in
from skywarden.service.tables import Tables

SECOND = 1_000_000_000
TABLES = "tables"  # of this system as it ran
TICK = SECOND // 2


def made(seed: int, keep: Path, file: Path | None = None) -> None:
    """Make one raid, run the system over it and keep all but the frames."""
    kept = keep / str(seed)
    if (kept / TABLES / "threats.npz").exists():
        return
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(dir=keep) as scratch:
        out = Path(scratch) / "scenario"
        if file is None:
            file = Path(scratch) / "wave.toml"
            file.write_text(scene(seed))
        done("simulate", str(file), "--seed", str(seed), "--out", str(out))
        run(out / "frames", out / TABLES)
        shutil.rmtree(out / "frames")
        shutil.rmtree(kept, ignore_errors=True)
        shutil.move(out, kept)
    progress(f"seed {seed}: {time.monotonic() - begun:.0f} s")


def run(frames: Path, tables: Path) -> None:
    """Run the system over frames; write its tables, and its threats once a second."""
    record = record_in(frames)
    line = beginning(record)
    columns: dict[str, list[np.ndarray]] = {name: [] for name in ("now", "shown_at", "shown", *PAIRS)}
    with Tables(tables) as written:
        last = 0
        for at, group in by_tick(sparse(record.entries()), line):
            written.take(group, line.picture, line.settings.tracker)
            if line.picture is None or at // SECOND == last:
                continue
            last = at // SECOND
            threats, tracks = line.picture.threats, line.picture.tracks
            shown = tracks.number[tracks.shown()]
            columns["now"].append(np.full(len(threats), line.picture.time))
            columns["shown_at"].append(np.full(len(shown), line.picture.time))
            columns["shown"].append(shown)
            for name in PAIRS:
                columns[name].append(getattr(threats, name))
    kept = {name: np.concatenate(parts) for name, parts in columns.items()}
    np.savez_compressed(tables / "threats.npz", sites=[s.name for s in line.settings.sites], **kept)


def sparse(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Yield the entries of a simulated record without four of five ticks."""
    for entry in entries:
        if kind(entry.payload) != Tick.__name__ or decode(entry.payload).time % TICK == 0:
            yield entry


def again(kept: Path, name: str, settings: AlertSettings) -> None:
    """Decide anew about the alerts of one raid."""
    sites = load(kept / "skywarden.toml").sites
    with np.load(kept / TABLES / "threats.npz") as file:
        told = {key: file[key] for key in file.files}
    names = tuple(told["sites"].tolist())
    standing, lines = (), [HEADS["alerts"]]
    for now in np.unique(told["shown_at"]).tolist():
        rows = slice(*np.searchsorted(told["now"], [now, now + 1]))
        threats = Threats(sites=names, **{key: told[key][rows] for key in PAIRS})
        shown = told["shown"][slice(*np.searchsorted(told["shown_at"], [now, now + 1]))]
        standing, changes = decide(standing, threats, now, sites, settings, set(shown.tolist()))
        lines += [alerts(change) for change in changes]
    (kept / name).mkdir(exist_ok=True)
    (kept / name / "alerts.csv").write_text("".join(lines))
    for table in ("tracks.csv", "arrivals.csv"):
        shutil.copy(kept / TABLES / table, kept / name / table)


def done(*words: str) -> str:
    """Run skywarden; return what it said. Ends the program when it fails."""
    found = skywarden(*words)
    if found.returncode:
        sys.exit(f"skywarden {' '.join(words)} failed: {found.stderr}")
    return found.stdout


def main() -> None:
    """Read the options; make, decide anew, or judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs=2, default=(101, 201), metavar=("FIRST", "END"))
    parser.add_argument("--scenario", type=Path, help="a scenario file instead of the waves")
    parser.add_argument("--again", metavar="NAME", help="write tables of this name")
    parser.add_argument("--judge", action="store_true")
    parser.add_argument("--tables", default=TABLES, help="whose alerts are judged")
    parser.add_argument("settings", nargs="*", metavar="KEY=VALUE", help="of [alert]")
    given = parser.parse_args()
    given.keep.mkdir(parents=True, exist_ok=True)
    seeds = list(range(*given.seeds))
    kept = [given.keep / str(seed) for seed in seeds if (given.keep / str(seed) / TABLES / "threats.npz").exists()]
    if given.again:
        words = dict(word.split("=", 1) for word in given.settings)
        settings = msgspec.convert(words, AlertSettings, strict=False)
        for one in kept:
            again(one, given.again, settings)
    if given.judge:
        progress(f"{len(kept)} of {len(seeds)} waves")
        tables = given.again or given.tables
        print(done("score", *(str(part) for one in kept for part in (one, one / tables)), "--json"))
    elif not given.again:
        for seed in seeds:
            made(seed, given.keep, given.scenario)


if __name__ == "__main__":
    main()
