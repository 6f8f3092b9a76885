"""30 SIGKILLs at random moments under load: nothing acknowledged is lost, the numbers of the tracks stay.

Numbered ADS-B lines go over TCP. /api/stream tells how many of them are recorded; the last count told before a kill is
compared with what the record holds of the lives up to then. Then: how long a restart takes to a live picture, and
whether each address still has the number that it had.

    python bench/kills.py --kills 100 --hours 12 --aircraft 60 --rate 300

makes a record of 12 hours first (long_record.py) and goes on in it, with the radars of these hours besides. Then the
replay is compared from the end of these hours on; --whole compares all of it.
"""

import argparse
import json
import math
import socket
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise, zip_longest
from pathlib import Path
from typing import Any

import long_record
import numpy as np
from harness import Server, free_port, progress, report, skywarden, toml, warm
from long_record import SECOND, ordinary, traffic
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from skywarden.model.event import Arrived, Started, decode
from skywarden.pipeline import Line
from skywarden.record.reading import SqliteRecord
from skywarden.replay import is_input, replay
from skywarden.sensors.modes.encode import airborne_position
from skywarden.sim.installation import configuration

SOURCE = "numbered"
GOAL_RESTART_S = 3.0
PAIRS = 10  # restarts without load, in turn with this record and with one that is hardly begun
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


class Radars(threading.Thread):
    """Radar plots of a raid, sent to whoever listens or nobody. addresses: name -> "udp://127.0.0.1:port"."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        super().__init__(daemon=True)
        self.stopping = threading.Event()
        self._ports = {name: int(text.rpartition(":")[2]) for name, text in addresses.items()}

    def run(self) -> None:
        """Send until stopped, one raid after the other."""
        wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for message in traffic(time.time_ns(), time.time_ns() + 86_400 * SECOND):
            if self.stopping.wait(max(0.0, (message.time - time.time_ns()) / SECOND)):
                break
            if message.source in self._ports:
                wire.sendto(message.data, ("127.0.0.1", self._ports[message.source]))
        wire.close()


def lives(record: Path, after: int = 0) -> list[list[int]]:
    """Return the numbers in the record, life by life (from one Started to the next), in order; from an entry on."""
    found: list[list[int]] = []
    log = SqliteRecord(record)
    for entry in log.entries(after):
        event = decode(entry.payload)
        if isinstance(event, Started):
            found.append([])
        elif isinstance(event, Arrived) and event.frame.source == SOURCE:
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


def equal_from(record: Path, after: int, state: bytes) -> bool:
    """Say whether all that was recorded after an entry follows again from the state after it, byte for byte."""
    opened = SqliteRecord(record)
    again = replay(opened.entries(after), Line.restore(state))
    pairs = zip_longest(
        ((e.cause, e.payload) for e in again if not e.seq),
        ((e.cause, e.payload) for e in opened.entries(after) if not is_input(e)),
    )
    return all(ours == recorded for ours, recorded in pairs)


def setting(hours: float) -> tuple[str, int, dict[str, str]]:
    """Return the configuration without record and API, the port of the numbered source, and the radars' addresses."""
    port = free_port()
    source = {"name": SOURCE, "format": "modes", "listen": f"tcp://127.0.0.1:{port}"}
    if not hours:
        return "\n".join([toml("[run]", {"mode": "sim"}), toml("[[sources]]", source)]), port, {}
    raid = ordinary(1, 1.0)
    kinds = {"udp": socket.SOCK_DGRAM, "tcp": socket.SOCK_STREAM}
    listen = {name: f"{scheme}://127.0.0.1:{free_port(kinds[scheme])}" for name, scheme in raid.sources.items()}
    text = configuration(raid, listen, "", "")
    radars = {name: address for name, address in listen.items() if address.startswith("udp")}
    return text[: text.index("[record]")] + toml("[[sources]]", source), port, radars


def bench(
    kills: int,
    aircraft: int,
    rate: float,
    directory: Path,
    hours: float = 0.0,
    pairs: int = PAIRS,
    record: Path | None = None,
) -> dict[str, Any]:
    """Run once; return the figures. hours: the length of the record before the first kill; pairs: see PAIRS.

    record: one of such sources that was made before, with its key beside it; then it is not made.
    """
    text, port, addresses = setting(hours)
    server = Server(directory, text)
    warm()
    before, state = 0, b""
    if record is not None:
        before, state = long_record.copy(record, server.record)
    elif hours:
        before, state = long_record.make(server.record, server.text, hours, time.time_ns())
    size = sum(file.stat().st_size for file in server.record.iterdir()) if hours else 0
    progress(f"the record has {before} entries, {size / 1e6:.0f} MB")
    in_turn = _in_turn(server, directory / "short", text, pairs) if hours and pairs else {}
    begun = SqliteRecord(server.record).last() if hours else 0
    numbered, radars = Traffic(port, aircraft, rate), Radars(addresses)
    first = server.start()
    numbered.start()
    radars.start()
    try:
        seen = _kill(server, kills)
    finally:
        numbered.stopping.set()
        radars.stopping.set()
        server.stop()
    found = lives(server.record, begun)
    renumbered = {address: sorted(numbers) for address, numbers in seen.carried.items() if len(numbers) > 1}
    if renumbered:
        progress(f"numbers of one address: {renumbered}")
    return {
        "kills": kills,
        "hours": hours,
        "entries_before": before,
        "mb_before": size / 1e6,
        "sent": numbered.sent,
        "recorded": sum(map(len, found)),
        "acknowledged": seen.told[-1] if seen.told else 0,
        "acknowledged_lost": lost(seen.told, found),
        "gaps": gaps(found),
        "first_start_s": first,
        "restart_s": {"median": float(np.median(seen.restarts)), "worst": max(seen.restarts)},
        "restart_cpu_s": float(np.median(seen.processor)),
        "restart_in_turn_s": in_turn,
        "over_goal": sum(one > GOAL_RESTART_S for one in seen.restarts),
        "addresses": len(seen.carried),
        "renumbered": len(renumbered),
        "verified": _good("record", "verify", str(server.record)),
        "replay_equal": equal_from(server.record, before, state) if hours else _verified(server.record),
        "bound": 1 - 0.05 ** (1 / kills),
    }


@dataclass(slots=True)
class Seen:
    """What was seen from outside. told: messages acknowledged before each kill; restarts, processor: s for each.

    carried: address -> all numbers that its track had.
    """

    told: list[int] = field(default_factory=list)
    restarts: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    carried: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))


def _kill(server: Server, kills: int) -> Seen:
    """Kill a running server and start it again, so often."""
    seen, rng = Seen(), np.random.default_rng(2)
    for k in range(kills):
        seen.told.append(_life(server, seen.carried, float(rng.uniform(0.0, 4.0))))
        seen.restarts.append(server.start())
        seen.processor.append(server.cpu_s())
        progress(f"kill {k + 1}: {seen.told[-1]} acknowledged, live again after {seen.restarts[-1]:.2f} s")
    listener = Told(server.port)
    listener.start()
    time.sleep(2.0)
    _carry(seen.carried, listener.numbers)
    return seen


def _verified(record: Path) -> bool:
    return _good("replay", str(record), "--verify")


def _good(*command: str) -> bool:
    done = skywarden(*command)
    progress((done.stdout + done.stderr).strip()[-500:])
    return done.returncode == 0


def _in_turn(server: Server, directory: Path, text: str, pairs: int) -> dict[str, dict[str, float]]:
    """Return how long restarts take without load: with this record, and with one that is hardly begun. Medians.

    wall: s to a live picture; processor: s until then, which other work on the machine does not change.
    """
    directory.mkdir()
    both = {"long": server, "short": Server(directory, text)}
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in both}
    for _ in range(pairs + 1):
        for name, one in both.items():
            taken[name].append((one.start(), one.cpu_s()))
            one.kill()
    middle = {name: np.median(times[1:], axis=0).tolist() for name, times in taken.items()}
    return {name: {"wall": wall, "processor": processor} for name, (wall, processor) in middle.items()}


def _life(server: Server, carried: dict[str, set[int]], seconds: float) -> int:
    """Look on until there are tracks and some seconds more, kill, and return what was acknowledged."""
    listener = Told(server.port)
    listener.start()
    _until_tracks(listener)
    time.sleep(seconds)
    server.kill()
    listener.join(5.0)
    _carry(carried, listener.numbers)
    return listener.recorded


def _until_tracks(listener: Told) -> None:
    deadline = time.monotonic() + TRACKS_S
    while not listener.numbers and time.monotonic() < deadline:
        time.sleep(0.05)


def _carry(carried: dict[str, set[int]], numbers: dict[str, int]) -> None:
    for address, number in numbers.items():
        if int(address, 16) >= FIRST_ADDRESS:  # those of the raid are elsewhere when a raid begins again
            carried[address].add(number)


def main() -> None:
    """Read the options, run, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--aircraft", type=int, default=300)
    parser.add_argument("--rate", type=float, default=1500.0, help="messages a second")
    parser.add_argument("--hours", type=float, default=0.0, help="length of the record before the first kill")
    parser.add_argument("--record", type=Path, help="one that --hours made before: a copy is gone on with")
    parser.add_argument("--whole", action="store_true", help="compare the replay of all of it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        size = (options.kills, options.aircraft, options.rate)
        found = bench(*size, Path(directory), options.hours, record=options.record)
        if options.hours and options.whole:
            found["replay_equal"] &= _verified(Path(directory) / "record")
    worst = found["restart_s"]["worst"]
    report(
        found,
        [
            ("record before", f"{found['hours']} h, {found['entries_before']} entries", True),
            ("acknowledged and lost", str(found["acknowledged_lost"]), found["acknowledged_lost"] == 0),
            ("gaps inside a life", str(found["gaps"]), found["gaps"] == 0),
            (
                "restart to a live picture",
                f"median {found['restart_s']['median']:.2f} s, worst {worst:.2f} s",
                worst < GOAL_RESTART_S,
            ),
            (
                "addresses that changed number",
                f"{found['renumbered']} of {found['addresses']}",
                not found["renumbered"],
            ),
            ("acknowledged at all", str(found["acknowledged"]), found["acknowledged"] > 0 and found["addresses"] > 0),
            ("record verify", str(found["verified"]), found["verified"]),
            ("replay equal", str(found["replay_equal"]), found["replay_equal"]),
        ],
    )


if __name__ == "__main__":
    main()
