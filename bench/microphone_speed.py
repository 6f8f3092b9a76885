"""Reports of microphone nodes into arrays, one core: written, decoded, checked for what no sensor can have measured.

Every node reports once a second and a frame is one second, as the engine joins it; half of the nodes have a bearing,
all say all classes. The same frames again as datagrams of ten messages. Reported: processor time, and what is saved.
"""

import argparse
import time
from typing import Any

import numpy as np
from harness import report

from skywarden.model.assessment import CLASSES
from skywarden.model.detection import Frame
from skywarden.model.place import Source
from skywarden.model.track import Mode
from skywarden.sensors import Reader
from skywarden.sensors.microphone.encode import Reports, encode

START = 1_790_000_000_000_000_000  # ns
SECOND = 1_000_000_000  # ns
TOGETHER = 10  # messages of a datagram
GOAL = 300_000  # messages/s of one core


def heard(nodes: int, second: int, rng: np.random.Generator) -> Reports:
    """Return what all nodes report in a second, at random."""
    k = np.arange(nodes)
    return Reports(
        node=k,
        number=np.full(nodes, second),
        time=START + second * SECOND + k,
        latitude=36.0 + k * 1e-4,
        longitude=np.full(nodes, -33.0),
        height_m=np.full(nodes, 20.0),
        level_db=rng.uniform(30, 90, nodes),
        noise_db=rng.uniform(20, 50, nodes),
        f0_hz=rng.uniform(80, 130, nodes),
        f0_sigma_hz=rng.uniform(0.1, 1, nodes),
        azimuth=np.where(k % 2 == 0, rng.uniform(0, 6, nodes), np.nan),
        elevation=np.where(k % 2 == 0, rng.uniform(0, 1, nodes), np.nan),
        sigma_azimuth=rng.uniform(0.05, 0.2, nodes),
        sigma_elevation=rng.uniform(0.05, 0.2, nodes),
        llr=rng.normal(0, 3, (nodes, len(CLASSES))),
        looks=rng.uniform(0.1, 1, nodes),
        flags=np.zeros(nodes, np.int64),
    )


def framed(octets: np.ndarray[Any, np.dtype[np.uint8]], received: int, together: int) -> Frame:
    """Return a frame of these messages, `together` of them in each datagram."""
    n, size = octets.shape
    lengths = [min(together, n - k) * size for k in range(0, n, together)]
    return Frame("ears", received, octets.tobytes(), np.array(lengths, "<u4").tobytes())


def bench(nodes: int, seconds: int) -> dict[str, Any]:
    """Run once; return the figures. The first second enrols the nodes and counts as the others."""
    rng = np.random.default_rng(1)
    source = Source(name="ears", format="microphone", listen="udp://127.0.0.1:0")
    single, joined = Reader((source,), (), Mode.SIM), Reader((source,), (), Mode.SIM)
    written, taken, saved = 0.0, {1: 0.0, TOGETHER: 0.0}, 0.0
    messages = detections = 0
    for second in range(seconds):
        said, begun = heard(nodes, second, rng), time.thread_time()
        octets = encode(said)
        written += time.thread_time() - begun
        for together, reader in ((1, single), (TOGETHER, joined)):
            frame = framed(octets, START + (second + 1) * SECOND, together)
            begun = time.thread_time()
            found = reader.read(frame)
            taken[together] += time.thread_time() - begun
        messages += found.messages
        detections += sum(map(len, found.batches))
        begun = time.thread_time()
        size = sum(map(len, single.save().values()))
        saved += time.thread_time() - begun
    return {
        "messages": messages,
        "detections": detections,
        "written_per_s": messages / written,
        "decoded_per_s": messages / taken[1],
        "decoded_joined_per_s": messages / taken[TOGETHER],
        "memory_bytes": size,
        "saved_ms": 1e3 * saved / seconds,
    }


def main() -> None:
    """Read the options, run, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=15_000)
    parser.add_argument("--seconds", type=int, default=10)
    options = parser.parse_args()
    found = bench(options.nodes, options.seconds)
    report(
        found,
        [
            ("written", f"{found['written_per_s']:,.0f} messages/s", True),
            ("decoded, single", f"{found['decoded_per_s']:,.0f} messages/s", found["decoded_per_s"] > GOAL),
            ("decoded, ten in a datagram", f"{found['decoded_joined_per_s']:,.0f} messages/s", True),
            ("memory", f"{found['memory_bytes']:,} bytes, saved in {found['saved_ms']:.2f} ms", True),
        ],
    )


if __name__ == "__main__":
    main()
