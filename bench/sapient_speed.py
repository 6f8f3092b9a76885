"""SAPIENT detection reports into arrays: with the scanner and without it, the same frames in turn, one core.

20 nodes report 1,112 targets once a second, as in load.py; a frame is what one node says in 100 ms. Reported: time of
each way for a message, their ratio, and whether they said the same.
"""

import argparse
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from harness import report

from skywarden.model.detection import Decoded, Detections, Frame
from skywarden.model.place import Source
from skywarden.model.track import Mode
from skywarden.sensors.sapient import Sapient, reports
from skywarden.sim.scenario import crowd, messages

START = 1_790_000_000_000_000_000  # ns
TICK = 100_000_000  # ns
GOAL_US = 15.0  # of one core for a message: 20,000/s take less than a third of it
ARRAYS = ("time", "z", "covariance", "subject", "number", "evidence")


def frames(targets: int, nodes: int, seconds: float) -> Iterator[Frame]:
    """Yield what each node says in each tick, in the order of time."""
    scenario = crowd(1, targets=targets, radars=0, nodes=nodes, seconds=seconds)
    peers = {sender: k for k, sender in enumerate(scenario.senders, 1)}
    due, waiting = START + TICK, dict[str, list[bytes]]()
    for message in messages(scenario, START):
        while message.time >= due:
            yield from (Frame.of("nodes", due, *said, peer=peers[sender]) for sender, said in waiting.items())
            due, waiting = due + TICK, {}
        assert message.sender is not None
        waiting.setdefault(message.sender, []).append(message.data)


def timed(decoder: Sapient, frame: Frame, scanning: bool) -> tuple[Decoded, float]:
    """Decode a frame; return the result and the processor time, s."""
    scanner = reports.waiting
    reports.waiting = lambda: not scanning
    begun = time.thread_time()
    found = decoder.decode(frame)
    taken = time.thread_time() - begun
    reports.waiting = scanner
    return found, taken


def same(one: Decoded, other: Decoded) -> bool:
    """Say whether two results are equal, arrays to the bit."""
    if (one.messages, one.refused, one.replies) != (other.messages, other.refused, other.replies):
        return False
    pairs = list(zip(one.batches, other.batches, strict=True))
    return all(octets(a) == octets(b) and a.claims == b.claims for a, b in pairs)


def octets(batch: Detections) -> list[bytes | None]:
    """Return the arrays of a batch to the bit."""
    arrays = [getattr(batch, name) for name in ARRAYS]
    return [None if array is None else array.tobytes() for array in arrays]


def bench(targets: int, nodes: int, seconds: float) -> dict[str, Any]:
    """Run once; return the figures."""
    source = Source(name="nodes", format="sapient", listen="tcp://127.0.0.1:0")
    quick, slow = Sapient(source, (), Mode.SIM), Sapient(source, (), Mode.SIM)
    times, count, equal = list[tuple[float, float]](), 0, True
    for k, frame in enumerate(frames(targets, nodes, seconds)):
        (one, a), (other, b) = timed(quick, frame, True), timed(slow, frame, False)
        equal = equal and same(one, other)
        if k >= 2 * nodes:  # before that they register, and the kernel is read in
            times.append((a, b))
            count += len(frame)
    with_it, without = np.array(times).sum(0) / count * 1e6
    return {"messages": count, "scanned_us": float(with_it), "protobuf_us": float(without), "equal": equal}


def main() -> None:
    """Read the options, run, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--targets", type=int, default=1112)
    parser.add_argument("--nodes", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=6.0)
    options = parser.parse_args()
    found = bench(options.targets, options.nodes, options.seconds)
    ratio = found["protobuf_us"] / found["scanned_us"]
    report(
        found,
        [
            ("a message, scanned", f"{found['scanned_us']:.1f} us", found["scanned_us"] < GOAL_US),
            ("the same by protobuf and faults", f"{found['protobuf_us']:.1f} us, {ratio:.1f} times as long", True),
            ("equal", f"{found['messages']} messages", found["equal"]),
        ],
    )


if __name__ == "__main__":
    main()
