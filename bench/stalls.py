"""A disk that stalls for 1, 10 and 100 s: warnings and picture go on as without, and all of it is recorded after.

A real `skywarden run`, but for a layer below SQLite that holds every write back (stalling_run.py). Three radars over
UDP; every second a UAV more appears and flies at the site, so that there is a warning every second. What is measured:

- picture: from the moment a message is sent until a client of /api/stream has the tick that counts it as decoded
- warning: of each AlertRaised, from the sending of the first message that is new in its tick, not the last
"""

import argparse
import json
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from dataclasses import replace as changed
from pathlib import Path
from typing import Any

import numpy as np
from harness import ROOT, Server, free_port, progress, report, skywarden, warm
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from skywarden.model.event import Arrived, decode
from skywarden.record.reading import SqliteRecord
from skywarden.sim.blocks import Timed
from skywarden.sim.installation import configuration
from skywarden.sim.raid import Flier, Route, fly
from skywarden.sim.scenario import ORIGIN, Scenario, crowd, messages

RADARS = 3
SECOND = 1_000_000_000
FIRST_S = 40.0  # s until as many UAVs have arrived as appear, and the first warnings are out
AFTER_S = 3.0  # s after a stall that count as neither: the disk catches up
ALIVE_S = 60.0  # s that a UAV flies
BEGIN_M, END_M = 12e3, 9e3  # m from the site
AHEAD_S = 1.0  # s between making the messages and sending the first
GOAL_MS = 300.0


def stream(seconds: float, each_second: float) -> Scenario:
    """Return UAVs that appear one after the other all around the site, and fly at it."""
    rng = np.random.default_rng(1)
    routes = []
    for k in range(int((seconds + ALIVE_S) * each_second)):
        course = rng.uniform(0, 2 * np.pi)
        way = np.array([np.sin(course), np.cos(course)])
        points = tuple((*(way * reach).tolist(), float(rng.uniform(300, 1200))) for reach in (BEGIN_M, END_M))
        routes.append(Route(kind=Flier.UAV, points=points, speed=50.0, start=k / each_second))
    empty = crowd(1, targets=1, radars=RADARS, seconds=seconds)
    return changed(empty, fliers=fly(routes, ORIGIN, seconds + 2))


class Sender(threading.Thread):
    """Sends each message at its time and remembers when, s of the steady clock: source -> one for each message."""

    def __init__(self, ready: Sequence[Timed], ports: dict[str, int]) -> None:
        super().__init__(daemon=True)
        self.sent: dict[str, list[float]] = {name: [] for name in ports}
        self._ready, self._ports = ready, ports

    def run(self) -> None:
        wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for message in self._ready:
            time.sleep(max(0.0, (message.time - time.time_ns()) / SECOND))
            self.sent[message.source].append(time.monotonic())
            wire.sendto(message.data, ("127.0.0.1", self._ports[message.source]))
        wire.close()


@dataclass(slots=True)
class Seen:
    """One tick at a client. time: s of the steady clock; decoded: source -> messages since the start."""

    time: float
    decoded: dict[str, int]
    raised: int
    state: str


class Client(threading.Thread):
    """Reads /api/stream."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.seen: list[Seen] = []
        self._port = port

    def run(self) -> None:
        try:
            with connect(f"ws://127.0.0.1:{self._port}/api/stream", max_size=None) as wire:
                for text in wire:
                    now, tick = time.monotonic(), json.loads(text)
                    decoded = {row["name"]: row["decoded"] for row in tick["sources"]}
                    raised = sum(event["type"] == "AlertRaised" for event in tick["events"])
                    self.seen.append(Seen(now, decoded, raised, tick["state"]))
        except (OSError, WebSocketException):
            return


@dataclass(slots=True)
class Delays:
    """ms, with the moment of sending, s."""

    picture: list[tuple[float, float]] = field(default_factory=list)
    warning: list[tuple[float, float]] = field(default_factory=list)


def delays(sent: dict[str, list[float]], seen: Sequence[Seen]) -> Delays:
    """Return how long each message took to the picture, and each warning."""
    found = Delays()
    before = dict.fromkeys(sent, 0)
    for tick in seen:
        new = [at for name, times in sent.items() for at in times[before[name] : tick.decoded.get(name, 0)]]
        before = {name: max(before[name], tick.decoded.get(name, 0)) for name in sent}
        found.picture += [(at, (tick.time - at) * 1e3) for at in new]
        if new:
            found.warning += [(min(new), (tick.time - min(new)) * 1e3)] * tick.raised
    return found


def quantile(found: Sequence[tuple[float, float]], spans: Sequence[tuple[float, float]]) -> dict[str, float]:
    """Return p50, p99 and count of the delays, ms, of what was sent within `spans`, s."""
    within = [ms for at, ms in found if any(begin <= at < end for begin, end in spans)]
    p50, p99 = np.percentile(within, [50, 99], method="higher") if within else (float("nan"), float("nan"))
    return {"p50": float(p50), "p99": float(p99), "count": len(within)}


def setting(directory: Path) -> tuple[Server, dict[str, int]]:
    """Return an installation whose disk can stall, and the ports of its radars."""
    scenario = stream(1.0, 1.0)
    ports = {name: free_port(socket.SOCK_DGRAM) for name in scenario.sources}
    listen = {name: f"udp://127.0.0.1:{port}" for name, port in ports.items()}
    text = configuration(scenario, listen, "", "")
    environment = {"STALL_FILE": str(directory / "stall"), "STALL_BELOW": str(directory)}
    program = [str(ROOT / "bench" / "stalling_run.py")]
    return Server(directory, text[: text.index("[record]")], environment, program), ports


def bench(
    stalls: Sequence[float], pause: float, each_second: float, directory: Path, first: float = FIRST_S
) -> dict[str, Any]:
    """Stall so long, s, one stall after the other with a pause before each; return the figures. first: see FIRST_S."""
    server, ports = setting(directory)
    seconds = first + sum(stalls) + pause * len(stalls) + AFTER_S
    making = stream(seconds, each_second)
    warm()
    server.start()
    try:
        start = time.time_ns()
        ready = list(messages(making, start))
        late = time.time_ns() - start + int(AHEAD_S * SECOND)
        ready = list(messages(making, start + late))
        sender, client = Sender(ready, ports), Client(server.port)
        client.start()
        sender.start()
        time.sleep(late / SECOND - (time.time_ns() - start) / SECOND + first)
        spans: dict[float, list[tuple[float, float]]] = {0.0: []}
        for stall in stalls:
            begin = time.monotonic() + AFTER_S
            time.sleep(pause)
            spans[0.0].append((begin, time.monotonic()))
            spans.setdefault(stall, []).append(_stall(directory / "stall", stall))
            progress(f"stalled for {stall:g} s")
        sender.join()
        sent = {name: len(times) for name, times in sender.sent.items()}
        complete = server.wait_recorded(sent, 30.0)
        health = server.get("health")
    finally:
        server.stop()
    found = delays(sender.sent, client.seen)
    return {
        "stalls": {f"{length:g}": _figures(found, client.seen, span) for length, span in spans.items()},
        "raised": sum(tick.raised for tick in client.seen),
        "complete": complete,
        "state_after": health["state"],
        "lost": health["record"]["lost"],
        **recorded(server.record, ready),
    }


def _stall(file: Path, seconds: float) -> tuple[float, float]:
    """Let the disk stall; return when, s of the steady clock."""
    begin = time.monotonic()
    half = file.with_suffix(".new")
    half.write_text(str(begin + seconds))
    half.replace(file)
    time.sleep(seconds)
    return begin, begin + seconds


def _figures(found: Delays, seen: Sequence[Seen], spans: Sequence[tuple[float, float]]) -> dict[str, Any]:
    states = Counter(tick.state for tick in seen if any(begin <= tick.time < end for begin, end in spans))
    picture, warning = quantile(found.picture, spans), quantile(found.warning, spans)
    return {"times": len(spans), "picture_ms": picture, "warning_ms": warning, "states": dict(states)}


def recorded(path: Path, ready: Sequence[Timed]) -> dict[str, Any]:
    """Say whether a record holds what was sent, in order, without a gap, and whether a replay is equal."""
    record = SqliteRecord(path)
    held: dict[str, list[bytes]] = {}
    seqs = [0]
    for entry in record.entries():
        seqs.append(entry.seq)
        event = decode(entry.payload)
        if isinstance(event, Arrived):
            held.setdefault(event.frame.source, []).extend(event.frame.messages())
    sent: dict[str, list[bytes]] = {}
    for message in ready:
        sent.setdefault(message.source, []).append(message.data)
    verified = skywarden("replay", str(path), "--verify")
    untouched = skywarden("record", "verify", str(path))
    progress((verified.stdout + verified.stderr + untouched.stdout + untouched.stderr).strip()[-600:])
    return {
        "sent": len(ready),
        "recorded": sum(map(len, held.values())),
        "same_in_order": held == sent,
        "no_gap": seqs == list(range(len(seqs))),
        "replay_equal": verified.returncode == 0,
        "verified": untouched.returncode == 0,
    }


def judge(found: dict[str, Any]) -> list[tuple[str, str, bool]]:
    """Return the goals."""
    base = found["stalls"]["0"]
    goals = []
    for length, figures in found["stalls"].items():
        for what in ("picture_ms", "warning_ms"):
            p50, p99, count = (figures[what][name] for name in ("p50", "p99", "count"))
            said = f"p50 {p50:.0f}, p99 {p99:.0f} ms of {count}; {figures['states']}"
            name = f"{figures['times']} × {length} s: {what[:-3]}" if length != "0" else f"no stall: {what[:-3]}"
            goals.append((name, said, p99 <= base[what]["p99"] + GOAL_MS))
    held = found["complete"] and found["same_in_order"] and found["no_gap"] and found["recorded"] == found["sent"]
    goals.append(("all recorded, in order", f"{found['recorded']} of {found['sent']}", held))
    goals.append(("warnings", str(found["raised"]), found["raised"] > 0))
    goals.append(("replay equal", str(found["replay_equal"]), found["replay_equal"]))
    goals.append(("record verify", str(found["verified"]), found["verified"]))
    return goals


def main() -> None:
    """Read the options, run, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stalls", type=float, nargs="+", default=[1.0] * 20 + [10.0] * 4 + [100.0], help="s each")
    parser.add_argument("--pause", type=float, default=8.0, help="s before each")
    parser.add_argument("--each-second", type=float, default=1.0, help="UAVs that appear each second")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        found = bench(options.stalls, options.pause, options.each_second, Path(directory))
    goals = judge(found)
    report(found, goals)
    sys.exit(not all(met for _, _, met in goals))


if __name__ == "__main__":
    main()
