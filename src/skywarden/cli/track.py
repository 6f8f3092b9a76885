"""`skywarden track`: the tracker alone on a scenario of the tracking benchmark."""

import json
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

if TYPE_CHECKING:
    from skywarden.trial.follow import Follower
    from skywarden.trial.layout import Run, Trial


def track(
    scenario: Annotated[
        Path, typer.Argument(metavar="SCENARIO_DIR", help="Directory with meta.json and detections.csv (or .csv.gz).")
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help='The tracks after each scan, as CSV; "-" is stdout.')],
    timing: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Processor seconds of each scan's step, as JSON.")
    ] = None,
    tmax: Annotated[float | None, typer.Option(metavar="SECONDS", help="Stop after this time of the scenario.")] = None,
) -> None:
    """Run the tracker on a scenario of the tracking benchmark, causally, and write its tracks for the judge."""
    from skywarden.cli.terminal import in_folder, progress, while_read, whole_file
    from skywarden.trial.follow import Follower

    if tmax is not None and not tmax >= 0:
        raise typer.BadParameter("write s from the scenario's start, not negative", param_hint="--tmax")
    trial = _read(scenario)
    piped = str(out) == "-"
    for path in ([] if piped else [out]) + ([] if timing is None else [timing]):
        in_folder(path)
    if timing is not None:
        _warm(trial)
    cpu: list[float] = []
    refused: Counter[int] = Counter()
    total = sum(len(run.scans) for run in trial.runs)
    with ExitStack() as stack:
        file = sys.stdout if piped else stack.enter_context(whole_file(out))
        stack.enter_context(while_read())
        told = stack.enter_context(progress("tracking", total, printing=piped))
        file.write(("mc,k,track,x,vx,y,vy" if trial.crossing else "scan,t,track,x,vx,y,vy,z,vz") + "\n")
        for run in trial.runs:
            follower = Follower(trial.world)
            _follow(run, follower, tmax, file, cpu)
            refused += follower.refused
            told(len(cpu))
    _tell(refused)
    if timing is not None:
        timing.write_text(json.dumps({"scans": len(cpu), "cpu_s": cpu}) + "\n")


def _tell(refused: Counter[int]) -> None:
    """Say on stderr how many detections were not used, and why."""
    from skywarden.cli.terminal import note
    from skywarden.track.step import REASONS

    if refused:
        listed = ", ".join(f"{count} {REASONS[code]}" for code, count in refused.most_common())
        note(f"{refused.total()} detections refused: {listed}")


def _read(scenario: Path) -> "Trial":
    from skywarden.errors import ConfigError
    from skywarden.trial.layout import read
    from skywarden.trial.table import decoded

    table = scenario / "detections.csv"
    zipped = table.with_suffix(".csv.gz")
    try:
        meta = (scenario / "meta.json").read_bytes()
        plain = table.exists() or not zipped.exists()
        data = table.read_bytes() if plain else _unzipped(zipped)
    except FileNotFoundError as error:
        missing = f"{error.filename} is not there"
        raise ConfigError(f"{missing}: a scenario of the benchmark has meta.json and detections.csv") from None
    return read(meta, decoded(data, str(table if plain else zipped)))


def _unzipped(file: Path) -> bytes:
    import gzip
    import zlib

    from skywarden.errors import ConfigError

    data = file.read_bytes()
    try:
        return gzip.decompress(data)
    except (EOFError, OSError, zlib.error) as error:
        raise ConfigError(f"{file} is not a whole gzip file: {error}; copy it again") from None


def _warm(trial: "Trial") -> None:
    """Have the kernel compiled before time is taken."""
    from skywarden.trial.follow import Follower

    for run in trial.runs[:1]:
        Follower(trial.world).step(run.scans[0])


def _follow(run: "Run", follower: "Follower", tmax: float | None, file: TextIO, cpu: list[float]) -> None:
    from time import process_time

    for scan in run.scans:
        if tmax is not None and scan.time > tmax:
            break
        begun = process_time()
        follower.step(scan)
        cpu.append(process_time() - begun)
        numbers, states = follower.shown()
        head = f"{run.number},{scan.number}" if run.number else f"{scan.number},{scan.time:.3f}"
        for number, (x, y, z, vx, vy, vz) in zip(numbers.tolist(), states.tolist(), strict=True):
            upright = "" if run.number else f",{z:.3f},{vz:.4f}"
            file.write(f"{head},{number},{x:.3f},{vx:.4f},{y:.3f},{vy:.4f}{upright}\n")
