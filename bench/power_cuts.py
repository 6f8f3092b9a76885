"""200 power cuts: what was acknowledged is in the record, in order, once, verified, and writing goes on.

The real record (SqliteLog, Writer, SQLite with its pragmas) writes on a simulated disk (power.py) whose power is cut at
a drawn moment: while it is opened, made, written, moved from the WAL to the segment, or closed; in two records of
three also while a new segment is begun, in one of three while old ones are deleted. What is left on the disk after it
is drawn too. Then the record is opened again and looked at, and the next life goes on in it.

    python bench/power_cuts.py --synchronous OFF     # must fail: the layer sees what is not synced
"""

import argparse
import shutil
from collections import Counter
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from harness import progress, report
from power import Disk, memory, restore
from sqlite_layer import watching

from skywarden.errors import RecordError
from skywarden.model.detection import Frame
from skywarden.model.event import Arrived, Entry, encode
from skywarden.record import SqliteLog, Writer, segment
from skywarden.record import writer as writer_module
from skywarden.record.checkpoint import Key
from skywarden.record.retention import ALL, Keep
from skywarden.record.verify import verify

LIVES = 10  # with one record; then a new one begins
GROUPS = 70  # that a life writes at most: more than a WAL of 8 MB, so that it is moved to the segment and used again
KEY = Key(bytes(range(32)))
RECORD = Path("var", "lib", "record")  # directories above it are made by the record, too
KILLED = 0.3  # share of lives before which a process is killed while it opens the record, and the power stays
STEP = 50_000_000  # ns between two entries: a checkpoint is signed after every 200
KEEP = (ALL, Keep(segment=1 << 20), Keep(bytes=6 << 20))  # as it is; in small segments; and only the newest of them
MOMENTS = ("opening", "any", "any", "moving", "beginning", "closing")


def entry(seq: int) -> Entry:
    """Return the entry that must stand under a number: small and large ones."""
    size = 300_000 if seq % 211 == 0 else 40 + seq * 7919 % 9000
    data = (seq.to_bytes(8, "little") * (size // 8 + 1))[:size]
    return Entry(seq, seq * STEP, seq, encode(Arrived(Frame.of(f"source{seq % 3}", seq * STEP, data))))


def state(seq: int) -> bytes:
    """Return the snapshot after an entry."""
    return seq.to_bytes(8, "little") * 20_000


class Told(SqliteLog):
    """A record that remembers which snapshot is known to be safe."""

    kept = 0

    def save_snapshot(self, seq: int, payload: bytes) -> None:
        super().save_snapshot(seq, payload)
        self.kept = seq


@dataclass
class Chain:
    """One record through several lives. safe: last entry that was acknowledged; kept: last snapshot that was."""

    directory: Path
    rng: np.random.Generator
    keep: Keep
    synchronous: str | None = None
    disk: dict[str, bool] = field(default_factory=dict)
    safe: int = 0
    kept: int = 0
    faults: list[str] = field(default_factory=list)
    lives: int = 0
    segments: int = 0
    cut_in: Counter[str] = field(default_factory=Counter)

    def life(self) -> str:
        """Write until the power is cut, look at what is left; return the moment that was drawn."""
        here = self.directory / f"life{self.lives}"
        here.mkdir(exist_ok=True)
        moment = MOMENTS[int(self.rng.integers(len(MOMENTS)))]
        disk = Disk(here, **self.disk)
        with watching(disk, here):
            if self.rng.random() < KILLED:
                self._write(disk, here / RECORD, "opening")
                disk.go_on()
            self._write(disk, here / RECORD, moment)
        found = disk.left(self.rng)
        self.cut_in[disk.cut_in] += 1
        self.lives += 1
        copy = self.directory / "look"
        for root in (copy, self.directory / f"life{self.lives}"):
            restore(found, root, self.rng)
        shutil.rmtree(here)
        self.look(copy / RECORD, moment)
        shutil.rmtree(copy)
        return moment

    def _write(self, disk: Disk, path: Path, moment: str) -> None:
        if moment == "opening":
            disk.cut_after(int(self.rng.integers(1, 90)))
        elif moment == "any":
            disk.cut_after(int(10 ** self.rng.uniform(1.5, 3.9)))
        try:
            log = Told(path, KEY, self.keep)
        except RecordError:
            disk.cut()
            return
        if self.synchronous:
            log._connection.execute(f"PRAGMA synchronous = {self.synchronous}")
        if moment == "moving":
            disk.cut_after(int(self.rng.integers(1, 1300)), ".sqlite")
        elif moment == "beginning":
            disk.cut_after(int(self.rng.integers(1, 60)), ("record", ".new", ".new-journal", "-shm"))
        writer = Writer(log)
        self._submit(writer, disk, GROUPS if moment in ("moving", "any", "beginning") else int(self.rng.integers(8)))
        if moment == "closing":
            disk.cut_after(int(self.rng.integers(1, 40)))
        writer.close(0.0 if disk.dead else 10.0)
        for thread in (writer._thread, writer._keeper):  # it waits 10 ms here; a file that is open yet has no end
            thread.join(10.0)
        self.safe, self.kept = max(self.safe, writer.durable), max(self.kept, log.kept)
        with suppress(RecordError):
            log.close()
        disk.cut()

    def _submit(self, writer: Writer, disk: Disk, groups: int) -> None:
        for group in range(groups):
            end = writer.next + int(self.rng.integers(1, 60))
            writer.submit([entry(seq) for seq in range(writer.next, end)])
            if group % (7 if self.keep is ALL else 2) == 1:
                writer.snapshot(end - 1, state(end - 1))
            if self.rng.random() < 0.9:
                writer.wait(end - 1, 10.0)
            if disk.dead:
                return

    def look(self, path: Path, moment: str) -> None:
        """Open what was left, and say what is wrong with it."""
        try:
            if not path.exists() and not self.safe:
                return
            with closing(SqliteLog(path, KEY, self.keep)) as log:
                self.segments = segment.number(segment.files(path)[-1])
                self.faults += [f"cut while {moment}: {fault}" for fault in self._wrong(log)]
            if (fault := verify(path, {KEY.public}).fault) is not None:
                self.faults.append(f"cut while {moment}: verify: {fault}")
        except RecordError as error:
            self.faults.append(f"cut while {moment}: not to be opened: {error}")

    def _wrong(self, log: SqliteLog) -> Sequence[str]:
        found = list(log.entries())
        last = log.last()
        first = found[0].seq if found else last + 1  # what was before it may have been let go
        faults = []
        if found != [entry(seq) for seq in range(first, last + 1)]:
            faults.append("entries are missing, twice or changed")
        if first > 1 and (self.keep.bytes is None or log.beginning() != (first - 1, state(first - 1))):
            faults.append(f"it begins with entry {first}, and nothing says how")
        if last < self.safe:
            faults.append(f"acknowledged to {self.safe}, found to {last}")
        counts = {f"source{k}": len(range(k or 3, last + 1, 3)) for k in range(3)}
        if log.recorded() != {name: count for name, count in counts.items() if count}:
            faults.append("the counters are not those of the entries")
        snapshot = log.snapshot()
        seq = snapshot[0] if snapshot else 0
        if not self.kept <= seq <= last or (snapshot and snapshot[1] != state(seq)):
            faults.append(f"a snapshot after {self.kept} was safe, and there is {seq}")
        log.append([entry(last + 1)])
        if log.last() != last + 1:
            faults.append("writing does not go on")
        return faults


def bench(
    cuts: int, seed: int, directory: Path, synchronous: str | None = None, *, first_fault: bool = False, **disk: bool
) -> dict[str, Any]:
    """Cut the power so often; return the figures. first_fault: or until one is found.

    synchronous, disk: spoil what the record relies on, see `Disk`.
    """
    before, writer_module.RETRY_S = writer_module.RETRY_S, 0.01
    moments = dict.fromkeys(MOMENTS, 0)
    safe, done, segments, faults, cut_in = 0, 0, 0, list[str](), Counter[str]()
    try:
        for number in count():
            if done >= cuts or (first_fault and faults):
                break
            root = directory / f"chain{number}"
            root.mkdir()
            chain = Chain(root, np.random.default_rng([seed, number]), KEEP[number % len(KEEP)], synchronous, disk)
            while done < cuts and chain.lives < LIVES and not chain.faults:
                moments[chain.life()] += 1
                done += 1
            safe += chain.safe
            segments += chain.segments
            faults += chain.faults
            cut_in += chain.cut_in
            shutil.rmtree(root)
            progress(f"{done} cuts, {safe} entries acknowledged, {len(faults)} faults")
    finally:
        writer_module.RETRY_S = before
    figures = {"cuts": done, "moments": moments, "cut_in": dict(cut_in), "acknowledged": safe, "faults": faults}
    figures["segments"] = segments
    return figures | {"bound": 1 - 0.05 ** (1 / max(done, 1))}


def main() -> None:
    """Read the options, run, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cuts", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--synchronous", help="OFF or NORMAL instead of what the record has")
    options = parser.parse_args()
    with memory() as directory:
        found = bench(options.cuts, options.seed, directory, options.synchronous)
    for fault in found["faults"]:
        progress(fault)
    report(
        found,
        [
            ("power cuts", f"{found['cuts']}: {found['moments']}", True),
            ("segments begun", str(found["segments"]), found["segments"] > 0),
            ("cut before", str(found["cut_in"]), True),
            ("acknowledged", f"{found['acknowledged']} entries", found["acknowledged"] > 0),
            ("records not as acknowledged", str(len(found["faults"])), not found["faults"]),
            ("probability of a loss, 95 %", f"below {100 * found['bound']:.1f} % a cut", not found["faults"]),
        ],
    )


if __name__ == "__main__":
    main()
