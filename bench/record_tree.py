"""The record's tree: 10,000 changes of a record found, 10 million entries verified, and what the tree costs.

Changes are those of tests/spoiled.py, in turn, each of a record of three segments. The cost is measured in turn with
the tree and without it (its work left out), in one run: of the engine, which takes 20,000 detections/s of 1,000 targets
in as fast as it can, with socket and picture for people left out; and of appending alone.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from harness import ROOT, progress, report

sys.path.append(str(ROOT / "tests"))
from spoiled import FILE_WAYS, WAYS, spoil

from skywarden.config import parse
from skywarden.errors import RecordError
from skywarden.model.detection import Frame
from skywarden.model.event import Arrived, Entry, encode
from skywarden.record import segment, sqlite
from skywarden.record.checkpoint import Key
from skywarden.record.log import kind, tally
from skywarden.record.pieces import workers
from skywarden.record.retention import ALL, Keep
from skywarden.record.sqlite import SqliteLog
from skywarden.record.verify import verify
from skywarden.record.walk import Fault
from skywarden.service.engine import Engine
from skywarden.sim.installation import configuration
from skywarden.sim.scenario import crowd, messages

KEY = Key(bytes(range(32)))
SECOND = 1_000_000_000
GOAL_S, GOAL_COST = 60.0, 0.10
MESSAGE = bytes(100)
SMALL = 100  # entries of a segment of the record that is changed
TICK = SECOND // 10
START = 1_800_000_000 * SECOND


def entries(first: int, count: int, size: int, spacing: int) -> list[Entry]:
    """Return entries with `size` messages of 100 bytes each, `spacing` ns apart."""
    frame = Frame.of("radar", 0, *[MESSAGE] * size)
    payload = encode(Arrived(frame))
    return [Entry(seq, seq * spacing, seq, payload) for seq in range(first, first + count)]


def write(path: Path, count: int, group: int, size: int, spacing: int, *, part: int = 0, bare: bool = False) -> float:
    """Write a record; return the s that it took. part: after so many entries a state is kept, and may end a segment."""
    log = _Bare(path, KEY) if bare else SqliteLog(path, KEY, Keep(segment=1) if part == SMALL else ALL)
    begun = time.perf_counter()
    for first in range(1, count + 1, group):
        log.append(entries(first, min(group, count + 1 - first), size, spacing))
        if part and log.last() % part == 0 and log.last() < count:
            log.save_snapshot(log.last(), b"state")
    taken = time.perf_counter() - begun
    log.close()
    return taken


def _fault(record: Path) -> Fault | None:
    try:
        return verify(record, {KEY.public}).fault
    except RecordError as error:  # no record of ours any more, and that is said
        return Fault(0, str(error))


def mutations(directory: Path, count: int) -> dict[str, Any]:
    """Change one record `count` times, each time from the whole one; return how often it was found and named."""
    whole = directory / "whole"
    write(whole, 300, 10, 1, SECOND, part=SMALL)
    rng, missed, misnamed = np.random.default_rng(1), Counter[str](), Counter[str]()
    for k in range(count):
        record = Path(shutil.copytree(whole, directory / "spoiled"))
        way: Any = (*WAYS, *FILE_WAYS)[k % (len(WAYS) + len(FILE_WAYS))]
        seq = way(record, rng) or 0 if way in FILE_WAYS else spoil(record, way, rng)
        fault = _fault(record)
        missed[way.__name__] += fault is None
        misnamed[way.__name__] += fault is not None and seq not in (0, fault.seq)
        shutil.rmtree(record)
        if k % 1000 == 999:
            progress(f"{k + 1} changes, {missed.total()} missed")
    return {"changes": count, "missed": missed.total(), "misnamed": misnamed.total()}


def large(directory: Path, count: int) -> dict[str, Any]:
    """Write and verify `count` small entries."""
    path = directory / "large"
    written = write(path, count, 20_000, 0, SECOND // 100, part=200_000)
    progress(f"{count} entries written in {written:.0f} s")
    begun = time.perf_counter()
    with workers(count) as pool:
        found = verify(path, {KEY.public}, None, pool)
    taken = time.perf_counter() - begun
    segments = len(segment.files(path))
    megabytes = sum(file.stat().st_size for file in path.iterdir()) / 1e6
    shutil.rmtree(path)
    sizes = {"megabytes": megabytes, "segments": segments}
    return {"entries": found.entries, "verify_s": taken, "fault": found.fault, **sizes}


class _Bare(SqliteLog):
    """The same appends without marks, tree and checkpoints."""

    def append(self, entries: Sequence[Entry]) -> None:
        """See Log."""
        rows = [(e.seq, e.time, e.cause, kind(e.payload), e.payload, b"") for e in entries]
        counts = [(*key, c.entries, c.messages, c.bytes) for key, c in tally(entries).items()]
        with segment.transaction(self._connection):
            self._connection.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)", rows)
            self._connection.executemany(sqlite._ADD_COUNT, counts)
        self._last = entries[-1].seq


def cost(directory: Path, rounds: int = 7, count: int = 20_000) -> float:
    """Return by which share appends take longer with the tree: frames of 20 messages, 20 entries a transaction."""
    ratios = []
    for k in range(rounds):
        with_tree = write(directory / f"with{k}", count, 20, 20, SECOND // 200)
        without = write(directory / f"without{k}", count, 20, 20, SECOND // 200, bare=True)
        ratios.append(with_tree / without - 1)
        progress(f"with {with_tree:.2f} s, without {without:.2f} s")
    return float(np.median(ratios))


class _Clock:
    """Stands where it is put."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> int:
        """See Clock."""
        return self.time

    def stepped(self) -> int:
        """See Clock."""
        return 0


def arriving(seconds: float, radars: int = 20) -> tuple[str, list[list[Frame]]]:
    """Return the configuration of some radars, and the frames of each tick."""
    scenario = crowd(1, targets=1000, radars=radars, seconds=seconds)
    ticks: list[dict[str, list[bytes]]] = [{} for _ in range(int(seconds * SECOND) // TICK + 20)]
    for message in messages(scenario, START):
        ticks[(message.time - START) // TICK].setdefault(message.source, []).append(message.data)
    text = configuration(scenario, scenario.loopback(), "", "")
    frames = [[Frame.of(name, START + k * TICK, *some) for name, some in tick.items()] for k, tick in enumerate(ticks)]
    return text[: text.index("[record]")], frames


def engine_s(path: Path, text: str, ticks: list[list[Frame]], bare: bool) -> float:
    """Return the s that the engine takes to record and track all frames."""
    log, clock = (_Bare if bare else SqliteLog)(path, KEY), _Clock()
    engine = Engine(parse(text), text, log, clock, lambda outcome: None)
    begun = time.perf_counter()
    for frames in ticks:
        clock.time += TICK
        engine.turn(frames)
    taken = time.perf_counter() - begun
    engine.close()
    log.close()
    return taken


def ingest_cost(directory: Path, rounds: int = 7, seconds: float = 6.0) -> float:
    """Return by which share the engine takes longer with the tree."""
    text, ticks = arriving(seconds)
    engine_s(directory / "first", text, ticks, bare=False)  # compiles
    ratios = []
    for k in range(rounds):
        with_tree = engine_s(directory / f"engine{k}", text, ticks, bare=False)
        without = engine_s(directory / f"bare{k}", text, ticks, bare=True)
        ratios.append(with_tree / without - 1)
        progress(f"engine with {with_tree:.2f} s, without {without:.2f} s")
    return float(np.median(ratios))


def main() -> int:
    """Read the options, run, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--changes", type=int, default=10_000)
    parser.add_argument("--entries", type=int, default=10_000_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        extra, share = cost(directory), ingest_cost(directory)
        changed = mutations(directory, asked.changes)
        found = large(directory, asked.entries)
    rows = [
        ("changes found", f"{changed['changes'] - changed['missed']} of {changed['changes']}", not changed["missed"]),
        ("changes named at their entry", f"{changed['misnamed']} not", not changed["misnamed"]),
        (f"{found['entries']} entries verified", f"{found['verify_s']:.1f} s", found["verify_s"] < GOAL_S),
        ("the engine takes longer with the tree by", f"{share:.1%}", share < GOAL_COST),
        ("and appending alone", f"{extra:.1%}", True),
    ]
    report(changed | found | {"ingest_cost": share, "cost": extra}, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
