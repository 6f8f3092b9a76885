"""The record's tree: 10,000 changes of a record found, 10 million entries verified, and what the tree costs.

Changes are those of tests/spoiled.py, in turn, each of a record of three segments. The cost is the time to append the
same groups of entries with the tree and without it (its work left out), in turn, in one run.
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

from skywarden.errors import RecordError
from skywarden.model.detection import Frame
from skywarden.model.event import Arrived, Entry, encode
from skywarden.record import segment, sqlite
from skywarden.record.checkpoint import Key
from skywarden.record.log import kind, tally
from skywarden.record.retention import ALL, Keep
from skywarden.record.sqlite import SqliteLog
from skywarden.record.verify import Fault, verify

KEY = Key(bytes(range(32)))
SECOND = 1_000_000_000
GOAL_S, GOAL_COST = 60.0, 0.10
MESSAGE = bytes(100)
SMALL = 100  # entries of a segment of the record that is changed


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
    found = verify(path, {KEY.public})
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


def main() -> int:
    """Read the options, run, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--changes", type=int, default=10_000)
    parser.add_argument("--entries", type=int, default=10_000_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        extra = cost(directory)
        changed = mutations(directory, asked.changes)
        found = large(directory, asked.entries)
    rows = [
        ("changes found", f"{changed['changes'] - changed['missed']} of {changed['changes']}", not changed["missed"]),
        ("changes named at their entry", f"{changed['misnamed']} not", not changed["misnamed"]),
        (f"{found['entries']} entries verified", f"{found['verify_s']:.1f} s", found["verify_s"] < GOAL_S),
        ("the tree's share of appending", f"{extra:.1%}", extra < GOAL_COST),
    ]
    report(changed | found | {"cost": extra}, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
