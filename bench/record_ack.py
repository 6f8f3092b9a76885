"""How long a message waits for its acknowledgement: from `submit` to durable, at the rate of a raid.

    python bench/record_ack.py --messages 20000

Messages of 100 bytes in 200 frames a second, in ten groups a second (one for each tick), on the disk of --path.
Then the same entries as fast as the disk takes them.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np

from skywarden.model.detection import Frame
from skywarden.model.event import Arrived, Entry, encode
from skywarden.record import SqliteLog, Writer

FRAMES = 200  # a second
GROUPS = 10  # a second
MESSAGE = 100  # bytes


def frames(messages: int, seconds: int) -> list[list[Entry]]:
    """Return the groups of entries."""
    random = np.random.default_rng(1)
    payloads = []
    for _ in range(50):
        data = random.bytes(MESSAGE * messages // FRAMES)
        texts = [data[i : i + MESSAGE] for i in range(0, len(data), MESSAGE)]
        payloads.append(encode(Arrived(Frame.of("load", 1, *texts))))
    entries = [Entry(seq, seq, seq, payloads[seq % 50]) for seq in range(1, FRAMES * seconds + 1)]
    size = FRAMES // GROUPS
    return [entries[i : i + size] for i in range(0, len(entries), size)]


def paced(path: Path, groups: list[list[Entry]]) -> list[float]:
    """Return the wait of each group, s."""
    log = SqliteLog(path)
    writer = Writer(log)
    waits = []
    start = time.perf_counter()
    for number, group in enumerate(groups):
        time.sleep(max(0.0, start + number / GROUPS - time.perf_counter()))
        before = time.perf_counter()
        writer.submit(group)
        writer.wait(group[-1].seq, 10.0)
        waits.append(time.perf_counter() - before)
    writer.close()
    log.close()
    return waits


def unpaced(path: Path, groups: list[list[Entry]]) -> float:
    """Return how many seconds all of it takes."""
    log = SqliteLog(path)
    writer = Writer(log)
    start = time.perf_counter()
    for group in groups:
        writer.submit(group)
    writer.close(timeout=600)
    log.close()
    return time.perf_counter() - start


def main() -> None:
    """Measure and print one line of JSON."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--messages", type=int, default=20_000, help="a second")
    arguments.add_argument("--seconds", type=int, default=30)
    arguments.add_argument("--path", help="directory on the disk to measure; default: the temporary directory")
    chosen = arguments.parse_args()
    groups = frames(chosen.messages, chosen.seconds)
    size = sum(len(e.payload) for group in groups for e in group)
    with tempfile.TemporaryDirectory(dir=chosen.path) as directory:
        waits = np.array(paced(Path(directory) / "paced", groups)) * 1e3
        seconds = unpaced(Path(directory) / "unpaced", groups)
        written = sum(p.stat().st_size for p in (Path(directory) / "unpaced").iterdir())
    p50, p99 = np.percentile(waits, [50, 99])
    result = {"ack_p50_ms": p50, "ack_p99_ms": p99, "ack_max_ms": waits.max(), "MB_per_s": size / seconds / 1e6}
    print(json.dumps({k: round(float(v), 2) for k, v in {**result, "bytes_per_byte": written / size}.items()}))


if __name__ == "__main__":
    main()
