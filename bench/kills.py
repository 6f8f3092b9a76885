"""30 SIGKILLs at random moments under load: nothing acknowledged is lost, the numbers of the tracks stay.

Numbered ADS-B lines go over TCP. /api/stream tells how many of them are recorded; the last count told before a kill is
compared with what the record holds of the lives up to then. Then: how long a restart takes to a live picture, and
whether each address still has the number that it had.
"""

import argparse
import json
import math
import socket
import tempfile
import threading
import time
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from harness import Server, free_port, progress, report, skywarden, toml, warm
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from skywarden.model.event import Arrived, Started, decode
from skywarden.record.reading import SqliteRecord
from skywarden.sensors.modes.encode import airborne_position

SOURCE = "numbered"
GOAL_RESTART_S = 3.0
TRACKS_S = 60.0  # s; longer than any track takes to be confirmed
FIRST_ADDRESS = 0xF10000
METRES = 111_195.0  # m in a degree of latitude


class Traffic(threading.Thread):
    """Aircraft on straight lines over the open sea, each position numbered, sent again and again to whoever listens."""

    def __init__(self, port: int, aircraft: int, rate: float) -> None:
        super().__init__(daemon=True)
        self.sent = 0
        self.stopping = threading.Event()
        self._port, self._aircraft, self._rate = port, aircraft, rate
        rng = np.random.default_rng(1)
        self._from = rng.uniform(-0.7, 0.7, (aircraft, 2)).tolist()
        self._course = rng.uniform(0, 2 * np.pi, aircraft).tolist()
        self._begun = time.time()

    def run(self) -> None:
        """Send until stopped; connect again when the other end has died."""
        while not self.stopping.is_set():
            try:
                with socket.create_connection(("127.0.0.1", self._port), 1.0) as wire:
                    self._send(wire)
            except OSError:
                time.sleep(0.02)

    def _send(self, wire: socket.socket) -> None:
        due = time.monotonic()
        while not self.stopping.is_set():
            count = max(1, int(self._rate / 50))
            lines = b"".join(self._line(self.sent + k) for k in range(count))
            self.sent += count  # before sending: what is cut off in the middle is not sent again
            wire.sendall(lines)
            due += count / self._rate
            time.sleep(max(0.0, due - time.monotonic()))

    def _line(self, number: int) -> bytes:
        k = number % self._aircraft
        now = time.time()
        moved = 220.0 * (now - self._begun) / METRES
        latitude = 29.5 + self._from[k][0] + moved * math.cos(self._course[k])
        longitude = -45.75 + self._from[k][1] + moved * math.sin(self._course[k]) / math.cos(math.radians(29.5))
        odd = number // self._aircraft % 2 == 1
        frame = airborne_position(FIRST_ADDRESS + k, latitude, longitude, 20_000 + 25 * (k % 400), odd)
        return json.dumps({"timestamp": now, "frame": frame.hex(), "number": number}).encode() + b"\n"


class Told(threading.Thread):
    """What the stream said last: the recorded counter, and address -> number of track."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.recorded, self.ticks = 0, 0
        self.numbers: dict[str, int] = {}
        self._port = port

    def run(self) -> None:
        """Listen until the server is gone."""
        try:
            with connect(f"ws://127.0.0.1:{self._port}/api/stream", max_size=None) as stream:
                for text in stream:
                    message = json.loads(text)
                    if message.get("type") == "tick":
                        self.recorded = message["recorded"].get(SOURCE, 0)
                        self.numbers = {t["icao24"]: t["number"] for t in message["tracks"] if "icao24" in t}
                        self.ticks += 1
        except (OSError, WebSocketException):
            return


def lives(record: Path) -> list[list[int]]:
    """Return the numbers in the record, life by life (from one Started to the next), in order."""
    found: list[list[int]] = []
    log = SqliteRecord(record)
    for entry in log.entries():
        event = decode(entry.payload)
        if isinstance(event, Started):
            found.append([])
        elif isinstance(event, Arrived):
            lines = event.frame.messages()
            found[-1] += [json.loads(line)["number"] for line in lines if line.endswith(b"}\n")]
    log.close()
    return found


def lost(told: list[int], record: list[list[int]]) -> int:
    """Return how many acknowledged messages the record lacks. told: the counter before each kill."""
    worst = held = 0
    for count, numbers in zip(told, record, strict=False):
        held += len(numbers)
        worst = max(worst, count - held)
    return max(worst, 0)


def gaps(record: list[list[int]]) -> int:
    """Return how many messages are missing, doubled or out of order within a life; a stream is kept whole or cut."""
    return sum(sum(b != a + 1 for a, b in pairwise(numbers)) for numbers in record)


def bench(kills: int, aircraft: int, rate: float, directory: Path) -> dict[str, Any]:
    """Run once; return the figures."""
    port = free_port()
    source = {"name": SOURCE, "format": "modes", "listen": f"tcp://127.0.0.1:{port}"}
    server = Server(directory, "\n".join([toml("[run]", {"mode": "sim"}), toml("[[sources]]", source)]))
    traffic = Traffic(port, aircraft, rate)
    rng = np.random.default_rng(2)
    told: list[int] = []
    restarts: list[float] = []
    carried: dict[str, set[int]] = defaultdict(set)
    warm()
    server.start()
    traffic.start()
    try:
        for k in range(kills):
            listener = Told(server.port)
            listener.start()
            _until_tracks(listener)
            time.sleep(float(rng.uniform(0.0, 4.0)))
            server.kill()
            listener.join(5.0)
            told.append(listener.recorded)
            _carry(carried, listener.numbers)
            restarts.append(server.start())
            progress(f"kill {k + 1}: {told[-1]} acknowledged, live again after {restarts[-1]:.2f} s")
        listener = Told(server.port)
        listener.start()
        time.sleep(2.0)
        _carry(carried, listener.numbers)
    finally:
        traffic.stopping.set()
        server.stop()
    record = lives(server.record)
    verified = skywarden("replay", str(server.record), "--verify")
    progress((verified.stdout + verified.stderr).strip()[-500:])
    return {
        "kills": kills,
        "sent": traffic.sent,
        "recorded": sum(map(len, record)),
        "acknowledged": told[-1] if told else 0,
        "acknowledged_lost": lost(told, record),
        "gaps": gaps(record),
        "restart_s": {"median": float(np.median(restarts)), "worst": max(restarts)},
        "addresses": len(carried),
        "renumbered": sum(len(numbers) > 1 for numbers in carried.values()),
        "replay_equal": verified.returncode == 0,
    }


def _until_tracks(listener: Told) -> None:
    deadline = time.monotonic() + TRACKS_S
    while not listener.numbers and time.monotonic() < deadline:
        time.sleep(0.05)


def _carry(carried: dict[str, set[int]], numbers: dict[str, int]) -> None:
    for address, number in numbers.items():
        carried[address].add(number)


def main() -> None:
    """Read the options, run, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--aircraft", type=int, default=300)
    parser.add_argument("--rate", type=float, default=1500.0, help="messages a second")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        found = bench(options.kills, options.aircraft, options.rate, Path(directory))
    worst = found["restart_s"]["worst"]
    report(
        found,
        [
            ("acknowledged and lost", str(found["acknowledged_lost"]), found["acknowledged_lost"] == 0),
            ("gaps inside a life", str(found["gaps"]), found["gaps"] == 0),
            ("restart to a live picture", f"worst {worst:.2f} s", worst < GOAL_RESTART_S),
            (
                "addresses that changed number",
                f"{found['renumbered']} of {found['addresses']}",
                not found["renumbered"],
            ),
            ("acknowledged at all", str(found["acknowledged"]), found["acknowledged"] > 0 and found["addresses"] > 0),
            ("replay equal", str(found["replay_equal"]), found["replay_equal"]),
        ],
    )


if __name__ == "__main__":
    main()
