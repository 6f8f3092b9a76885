"""Kill -9 a process that writes a record under load, again and again, and see that nothing acknowledged is lost.

    python bench/kill_writer.py --kills 30

The child writes numbered entries (200 a second of 10 kB, in groups of 20) and prints each seq that is durable. The
parent kills it at a random moment, opens the record, and checks: everything that was printed is there, no gap, in
order, every payload as it was written. Then the next child goes on in the same record.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from skywarden.model.detection import Frame
from skywarden.model.event import Arrived, Entry, encode
from skywarden.record import SqliteLog, Writer

GROUP = 20
SIZE = 10_000


def entry(seq: int) -> Entry:
    """Return the entry that must stand under a number."""
    return Entry(seq, seq, seq, encode(Arrived(Frame.of("load", seq, seq.to_bytes(8, "little") * (SIZE // 8)))))


def child(path: Path, pause: float) -> None:
    """Write until killed."""
    log = SqliteLog(path)
    writer = Writer(log)
    print(writer.durable, flush=True)
    told = writer.durable
    while True:
        writer.submit([entry(seq) for seq in range(writer.next, writer.next + GROUP)])
        writer.wait(writer.next - 1, pause)
        time.sleep(pause)
        if writer.durable > told:
            told = writer.durable
            print(told, flush=True)
            writer.snapshot(told, bytes(200_000))


def kill_once(path: Path, after: float, pause: float) -> tuple[int, int]:
    """Start a child, kill it `after` s after its first word; return the last seq it acknowledged and the last found."""
    command = [sys.executable, __file__, "--child", str(path), "--pause", str(pause)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    first = process.stdout.readline()
    time.sleep(after)
    process.kill()
    lines = [first, *process.stdout.read().splitlines(keepends=True)]
    process.stdout.close()
    process.wait()
    acknowledged = int([line for line in lines if line.endswith("\n")][-1])
    return acknowledged, check(path)


def check(path: Path) -> int:
    """Read the whole record; raise AssertionError when it is not what was written. Return its last seq."""
    log = SqliteLog(path)
    last = 0
    for found in log.entries():
        last += 1
        assert found == entry(last), f"entry {last} is {found.seq}, or changed"
    assert last == log.last()
    snapshot = log.snapshot()
    assert snapshot is None or snapshot[0] <= last
    log.close()
    return last


def main() -> None:
    """Run it and print one line of JSON."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--kills", type=int, default=30)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--pause", type=float, default=0.01, help="s between two groups; 0.1 is the rate of a raid")
    arguments.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    chosen = arguments.parse_args()
    if chosen.child:
        child(chosen.child, chosen.pause)
    random = np.random.default_rng(chosen.seed)
    acknowledged = lost = found = 0
    with tempfile.TemporaryDirectory() as directory:
        for _ in range(chosen.kills):
            before = found
            told, found = kill_once(Path(directory) / "record", float(random.uniform(0.0, 0.6)), chosen.pause)
            acknowledged += told - before
            lost += max(0, told - found)
    print(json.dumps({"kills": chosen.kills, "acknowledged": acknowledged, "recorded": found, "lost": lost}))


if __name__ == "__main__":
    main()
