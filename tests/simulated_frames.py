"""A small simulated record for tests: the demo's raid, tick by tick. As a program it writes one and prints its sums."""

import sys
from hashlib import sha256
from itertools import groupby
from pathlib import Path

from skywarden.model.detection import Frame
from skywarden.service.frames import FrameRecord
from skywarden.sim.installation import configuration
from skywarden.sim.scenario import Scenario, coast, messages

SECOND = 1_000_000_000
TICK = SECOND // 10
START = 1_900_000_000 * SECOND


def settings_of(scenario: Scenario, record: str = "record") -> str:
    return configuration(scenario, scenario.loopback(), record, "127.0.0.1:0")


def written(path: Path, seconds: float, seed: int = 1, start: int = START) -> Path:
    """Write the raid's first seconds without its nodes, whose messages need a connection each."""
    scenario = coast(seed, seconds=seconds)
    wanted = [m for m in messages(scenario, start) if m.source != "nodes"]
    due = {k: list(part) for k, part in groupby(wanted, lambda m: (m.time - start) // TICK)}
    with FrameRecord(path, seed, settings_of(scenario), start) as record:
        for k in range(round(seconds * 10)):
            by_source: dict[str, list[bytes]] = {}
            times: dict[str, int] = {}
            for message in due.get(k, []):
                by_source.setdefault(message.source, []).append(message.data)
                times[message.source] = message.time
            record.add([Frame.of(s, times[s], *data) for s, data in by_source.items()], start + (k + 1) * TICK)
    return path


def sums(path: Path) -> dict[str, str]:
    return {p.name: sha256(p.read_bytes()).hexdigest() for p in sorted(path.iterdir())}


if __name__ == "__main__":
    print(sums(written(Path(sys.argv[1]), 20.0)))
