"""Two senders that flood beside radars and SAPIENT nodes that send well: do the good ones notice?

Good: radars over UDP, each a source, and nodes over TCP, all of one source. Then, beside them, one more node of that
source, which reports 100,000 targets a second that do not exist, and another host, which sends 10,000 random datagrams
a second to the port of a radar. In turn: alone, flooded, alone, flooded.

Judged: the good ones' p99 delay, from each message's own sending to the first picture with it that a viewer got, grows
by less than half, and each of their messages is recorded and in a picture. Senders, flooders and viewer take processor
time of the same machine; over TCP a flooder mostly waits.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from bisect import bisect_left
from collections import defaultdict, deque
from pathlib import Path
from typing import Any

import numpy as np
from harness import ROOT, Server, progress, report, running
from load import making_s, outcome, send, setting
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from skywarden.model.event import Arrived, Refused, Tick, decode
from skywarden.record.reading import SqliteRecord
from skywarden.sim.scenario import crowd, messages

GOAL_RATIO = 1.5
SETTLED_S = 3.0  # s; until then all targets are new at once
STRANGER = "127.0.0.2"  # another host, for a listener on Linux
ALONE, FLOODED = "alone", "flooded"


class Viewer(threading.Thread):
    """Notes when each picture could be seen. times: of the pictures; seen: when, ns."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.times: list[int] = []
        self.seen: list[int] = []
        self._port = port

    def run(self) -> None:
        """Look until the server stops."""
        try:
            with connect(f"ws://127.0.0.1:{self._port}/api/stream", max_size=None) as stream:
                for message in stream:
                    self.seen.append(time.time_ns())
                    start = message.index('"time":') + 7  # nothing else of it is needed
                    self.times.append(int(message[start : message.index(",", start)]))
        except (OSError, WebSocketException):
            return

    def saw(self, tick: int) -> int | None:
        """Return when a picture of that time or later was seen."""
        index = bisect_left(self.times, tick)
        return self.seen[index] if index < len(self.times) else None


def flood(kind: str, port: int, rate: float, seconds: float) -> subprocess.Popen[str]:
    """Start a flooder; it has made its messages when this returns."""
    order = {"kind": kind, "port": port, "host": "127.0.0.1", "rate": rate, "seconds": seconds}
    order["from"] = STRANGER if kind == "random" else "127.0.0.1"
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "bench" / "flooder.py")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stderr is not None
    process.stdin.write(json.dumps(order))
    process.stdin.close()
    process.stderr.readline()
    process.stderr.close()
    return process


def phase(flooded: bool, options: argparse.Namespace) -> dict[str, Any]:
    """Run the good senders once, with floods or alone. Return the figures."""
    size = {"targets": options.targets, "radars": options.radars, "nodes": options.nodes, "seconds": options.seconds}
    text, addresses = setting(options.radars, options.nodes)
    if options.max_rate:
        text = text.replace("listen =", f"max_rate = {options.max_rate}\nlisten =")
    ports = {name: int(address.rpartition(":")[2]) for name, address in addresses.items()}
    victim = next(name for name in addresses if name != "nodes")
    with tempfile.TemporaryDirectory() as directory, running(Path(directory), text) as server:
        viewer = Viewer(server.port)
        viewer.start()
        making = making_s(
            options.targets * options.radars * options.seconds, options.targets * options.nodes * options.seconds
        )
        start = time.time_ns() + int(making * 1e9)
        sender = send(size | {"addresses": addresses, "seed": 1, "start": start, "times": True})
        floods = {}
        if flooded:
            lasting = options.seconds + making
            floods = {
                "valid": flood("valid", ports["nodes"], options.valid, lasting),
                "random": flood("random", ports[victim], options.random, lasting),
            }
        cpu, begun = server.cpu_s(), time.monotonic()
        sent = outcome(sender)
        cores = (server.cpu_s() - cpu) / (time.monotonic() - begun)
        flooding = {kind: outcome(process)["sent"] for kind, process in floods.items()}
        settled(server)
        rows = server.sources()
        good = [message.data for message in messages(crowd(1, **size), start)]
        found = delays(server.record, viewer, good, sent["at"])
    known = found["delays"][np.array(sent["at"])[found["index"]] > start + SETTLED_S * 1e9]
    return {
        "p50_ms": float(np.percentile(known, 50)) / 1e6,
        "p99_ms": float(np.percentile(known, 99)) / 1e6,
        "good": len(good),
        "lost": len(good) - len(found["delays"]),
        "good_refused": {n: row["refused"] for n, row in rows.items() if n not in ("nodes", victim) and row["refused"]},
        "flood_sent": flooding,
        "flood_taken": found["others"],
        "refused": found["refused"],
        "delayed": rows["nodes"]["delayed"],
        "sender_late_ms": sent["late_ms"],
        "cpu_cores": cores,
    }


def settled(server: Server) -> None:
    """Wait until nothing comes any more."""
    before, now = -1, 0
    while before != now:
        time.sleep(1.0)
        before, now = now, sum(row["recorded"] + row["received"] for row in server.sources().values())


def delays(record: Path, viewer: Viewer, good: list[bytes], at: list[int]) -> dict[str, Any]:
    """Follow each good message through the record into a picture.

    good: the messages as they were sent; at: when, ns. Return the delays, ns, of those that were found, their index,
    and what else was recorded and refused.
    """
    waiting: dict[bytes, deque[int]] = defaultdict(deque)
    for index, data in enumerate(good):
        waiting[data].append(index)
    fresh: list[int] = []
    found: list[tuple[int, int]] = []
    others: dict[str, int] = defaultdict(int)
    refused: dict[str, int] = defaultdict(int)
    for entry in SqliteRecord(record).entries():
        event = decode(entry.payload)
        if isinstance(event, Arrived):
            for message in event.frame.messages():
                if waiting.get(message):
                    fresh.append(waiting[message].popleft())
                else:
                    others[event.frame.source] += 1
        elif isinstance(event, Refused):
            refused[f"{event.source}: {event.reason}"] += event.count
        elif isinstance(event, Tick):
            seen = viewer.saw(event.time)
            found += [(index, seen - at[index]) for index in fresh if seen is not None]
            fresh = []
    index, late = np.array(found, np.int64).reshape(-1, 2).T
    return {"index": index, "delays": late, "others": dict(others), "refused": dict(refused)}


def bench(options: argparse.Namespace) -> dict[str, Any]:
    """Run all phases in turn; return the figures."""
    runs: dict[str, list[dict[str, Any]]] = {ALONE: [], FLOODED: []}
    for _ in range(options.rounds):
        for name, rows in runs.items():
            rows.append(phase(name == FLOODED, options))
            progress(f"{name}: {rows[-1]}")
    p99 = {name: float(np.mean([row["p99_ms"] for row in rows])) for name, rows in runs.items()}
    return {**runs, "p99_ms": p99, "ratio": p99[FLOODED] / p99[ALONE]}


def arguments(*given: str) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0, help="of each phase")
    parser.add_argument("--rounds", type=int, default=2, help="of alone and flooded")
    parser.add_argument("--targets", type=int, default=200)
    parser.add_argument("--radars", type=int, default=5)
    parser.add_argument("--nodes", type=int, default=5)
    parser.add_argument("--valid", type=float, default=100_000.0, help="valid messages a second that flood")
    parser.add_argument("--random", type=float, default=10_000.0, help="random datagrams a second")
    parser.add_argument("--max-rate", type=float, help="of each source, to see what happens without quotas")
    return parser.parse_args(given or None)


def main() -> None:
    """Read the options, run, judge."""
    found = bench(arguments())
    flooded = found[FLOODED]
    sent = {kind: sum(row["flood_sent"][kind] for row in flooded) for kind in ("valid", "random")}
    good_refused = [row["good_refused"] for row in flooded]
    lost = sum(row["lost"] for row in (*found[ALONE], *flooded))
    report(
        found,
        [
            ("p99 alone", f"{found['p99_ms'][ALONE]:.0f} ms", True),
            ("p99 beside the floods", f"times {found['ratio']:.2f}", found["ratio"] < GOAL_RATIO),
            ("good messages lost", f"{lost} of {sum(r['good'] for r in (*found[ALONE], *flooded))}", lost == 0),
            ("refused of good sources", str(good_refused), not any(good_refused)),
            ("taken by the kernel of the floods", str(sent), all(sent.values())),
            ("refused", str([r["refused"] for r in flooded]), True),
        ],
    )


if __name__ == "__main__":
    main()
