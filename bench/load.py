"""20,000 detections a second on 1,000 moving targets from 20 radars: socket, record, tracker, API, on 2 cores.

With `--radars 3 --turn 2 --late 0.01 --tick 50`: three radars of 2 s a turn, 1 % of the plots 1 to 10 s late.
With `--microphones 15000` besides: so many single microphones, some 3 km apart, 1 % of their messages late too. The
square of the targets is then that of the microphones; `--side` gives another, in km, with or without them. `--seed`
gives another crowd and other microphones.

A process of its own sends ASTERIX CAT 048 over UDP. Reported: delay from the socket to the published picture, memory,
processor time, whether all that was sent was received, decoded and recorded, and the tracks.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import microphone_field as field
import numpy as np
from harness import ROOT, Server, free_port, progress, report, running, toml

from skywarden.pipeline import Line
from skywarden.record import SqliteLog
from skywarden.sim.installation import configuration
from skywarden.sim.scenario import crowd

MAKING_S, MAKING_S_EACH, MAKING_S_SAPIENT = 3.0, 8e-6, 150e-6  # s for the sender to begin, and for each detection
MAKING_S_CALL = 6e-6  # s, for each second of each microphone
GOAL_P99_MS, GOAL_LATE_P99_MS = 250.0, 100.0
START = 10  # samples, one a second; until then all targets are new at once
SETTLED = START + 30  # samples; until then the window of the delays holds that


def setting(
    radars: int, nodes: int = 0, tick_ms: int = 100, microphones: int = 0, half_m: float = 60e3
) -> tuple[str, dict[str, str]]:
    """Return the configuration without record and API, and the address of each source."""
    import socket

    scenario = crowd(1, targets=1, radars=radars, nodes=nodes, seconds=1.0, half_m=half_m)
    kinds = {"udp": socket.SOCK_DGRAM, "tcp": socket.SOCK_STREAM}
    listen = {name: f"{scheme}://127.0.0.1:{free_port(kinds[scheme])}" for name, scheme in scenario.sources.items()}
    text = configuration(scenario, listen, "", "")
    text = text[: text.index("[record]")].replace("[run]\n", f"[run]\ntick_ms = {tick_ms}\n", 1)
    if microphones:
        listen[field.SOURCE] = f"udp://127.0.0.1:{free_port(kinds['udp'])}"
        ears = {"name": field.SOURCE, "format": "microphone", "listen": listen[field.SOURCE]}
        text += toml("[[sources]]", ears) + "\n"
    return text, listen


def making_s(detections: float, reports: float = 0.0, calls: float = 0.0) -> float:
    """Return how long after its start a sender can send the first message, s. reports: of SAPIENT nodes."""
    return MAKING_S + MAKING_S_EACH * detections + MAKING_S_SAPIENT * reports + MAKING_S_CALL * calls


def send(order: dict[str, Any]) -> subprocess.Popen[str]:
    """Start the sender."""
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "bench" / "sender.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(order))
    process.stdin.close()
    return process


def outcome(sender: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait for a sender and return what it sent."""
    assert sender.stdout is not None
    with sender.stdout as output:
        found: dict[str, Any] = json.loads(output.read())
    sender.wait()
    return found


class Viewer(threading.Thread):
    """Somebody who looks at the picture: a WebSocket client that counts what it gets."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.messages = self.bytes = 0
        self._port = port

    def run(self) -> None:
        from websockets.exceptions import WebSocketException
        from websockets.sync.client import connect

        try:
            with connect(f"ws://127.0.0.1:{self._port}/api/stream", max_size=None) as stream:
                for message in stream:
                    self.messages += 1
                    self.bytes += len(message)
        except (OSError, WebSocketException):
            return  # the server has stopped


def watch(server: Server, sender: subprocess.Popen[str], begin: float, end: float) -> dict[str, Any]:
    """Sample health until the sender has ended, and once more. begin, end: monotonic, of what is not late.

    Tracks are counted then: those of which only late plots come end in the seconds after.
    """
    samples, cpu = [], 0.0
    tracks: list[dict[str, Any]] | None = None
    while sender.poll() is None:
        time.sleep(1.0)
        elapsed = time.monotonic() - begin
        if elapsed < 0:
            cpu = server.cpu_s()
            continue
        if tracks is None and time.monotonic() > end:
            tracks = server.get("picture")["tracks"]
        samples.append(server.get("health")["latency_ms"])
        if len(samples) % 5 == 0:
            progress(f"{elapsed:5.0f} s  latency {samples[-1]}  {server.memory_mb():.0f} MB")
    samples.append(server.get("health")["latency_ms"])
    known = [s for s in samples if s["p50"] is not None]
    tracks = server.get("picture")["tracks"] if tracks is None else tracks
    return {
        "p50_ms": float(np.median([s["p50"] for s in known])) if known else None,
        "p99_ms": max((s["p99"] for s in known[SETTLED:]), default=None),
        "p99_from_start_ms": max((s["p99"] for s in known), default=None),
        "p99_at_end_ms": known[-1]["p99"] if known else None,
        "p99_at_start_ms": max((s["p99"] for s in known[:START]), default=None),
        "cpu_cores": (server.cpu_s() - cpu) / (time.monotonic() - begin),
        "memory_mb": server.memory_mb(),
        "memory_peak_mb": server.memory_mb("VmHWM"),
        "tracks": len(tracks),
        "confirmed": sum(track["status"] == "confirmed" for track in tracks),
    }


def bench(
    targets: int,
    radars: int,
    nodes: int,
    seconds: float,
    turn_s: float = 1.0,
    late: float = 0.0,
    tick_ms: int = 100,
    microphones: int = 0,
    side_km: float | None = None,
    seed: int = 1,
) -> dict[str, Any]:
    """Run once; return the figures. late: share of the plots and calls; side_km: None: as microphones need."""
    half = field.half_m(microphones, side_km)
    text, addresses = setting(radars, nodes, tick_ms, microphones, half)
    with tempfile.TemporaryDirectory() as directory, running(Path(directory), text) as server:
        making = making_s(targets * radars * seconds, targets * nodes * seconds, microphones * seconds)
        begin = time.monotonic() + making
        start = time.time_ns() + int(making * 1e9)
        order = {"addresses": addresses, "targets": targets, "radars": radars, "nodes": nodes, "half_m": half}
        order |= {"seconds": seconds, "seed": seed, "turn_s": turn_s, "late": late, "microphones": microphones}
        viewer = Viewer(server.port)
        viewer.start()
        sender = send(order | {"start": start})
        found = watch(server, sender, begin, begin + seconds)
        sent = outcome(sender)
        complete = server.wait_recorded(sent["messages"], 10.0)
        rows = server.sources()
        disk = sum(file.stat().st_size for file in server.record.iterdir()) / 1e6
        server.stop()
        known = listened(server.record) if microphones else 0
    return found | {
        "detections_per_s": sent["detections"] / seconds,
        "sender_late_ms": sent["late_ms"],
        "sender_ready_s": sent["ready_s"],
        "load_average": os.getloadavg()[0],
        "side_km": half / 500.0,
        "microphones": sent["ears"],
        "microphones_known": known,
        "calls": sent["calls"],
        "calls_decoded": rows[field.SOURCE]["decoded"] if microphones else 0,
        "sent": sum(sent["messages"].values()),
        "received": sum(row["received"] for row in rows.values()),
        "decoded": sum(row["decoded"] for row in rows.values()),
        "recorded": sum(row["recorded"] for row in rows.values()),
        "refused": {reason: n for row in rows.values() for reason, n in row["refused"].items()},
        "complete": complete,
        "targets": targets,
        "seed": seed,
        "stream_messages": viewer.messages,
        "record_mb": disk,
    }


def listened(record: Path) -> int:
    """Return how many single microphones the tracker knew when its system was stopped."""
    log = SqliteLog(record)
    state = log.snapshot()
    log.close()
    picture = Line.restore(state[1]).picture if state else None
    return len(picture.beliefs.nodes) if picture else 0


def main() -> None:
    """Read the options, run, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--targets", type=int, default=1000)
    parser.add_argument("--radars", type=int, default=20)
    parser.add_argument("--nodes", type=int, default=0, help="SAPIENT nodes, beside or instead of the radars")
    parser.add_argument("--seconds", type=float, default=60.0, help=f"over {SETTLED}, or no p99 is told")
    parser.add_argument("--turn", type=float, default=1.0, help="of each radar, s")
    parser.add_argument("--late", type=float, default=0.0, help="share of the plots and calls that are 1 to 10 s late")
    parser.add_argument("--tick", type=int, default=100, help="ms")
    parser.add_argument("--microphones", type=int, default=0, help="single ones, without bearings")
    parser.add_argument("--side", type=float, help="of the square of targets and microphones, km")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    size = (asked.targets, asked.radars, asked.nodes, asked.seconds, asked.turn, asked.late, asked.tick)
    found = bench(*size, asked.microphones, asked.side, asked.seed)
    ears = f"{found['microphones_known']} of {found['microphones']} known; "
    ears += f"{found['calls']} calls sent, {found['calls_decoded']} decoded, {found['calls'] / asked.seconds:.0f}/s"
    heard = found["microphones_known"] == found["microphones"] and found["calls_decoded"] == found["calls"]
    goal = GOAL_LATE_P99_MS if asked.late else GOAL_P99_MS
    counts = f"{found['sent']} sent, {found['received']} received, {found['decoded']} decoded, "
    report(
        found,
        [
            ("p50 from socket to picture", f"{found['p50_ms']} ms", True),
            ("p99 from socket to picture", f"{found['p99_ms']} ms", (found["p99_ms"] or 1e9) < goal),
            ("p99 from the very beginning", f"{found['p99_from_start_ms']} ms", True),
            ("p99 of the last half minute", f"{found['p99_at_end_ms']} ms", True),
            ("p99 while all tracks begin", f"{found['p99_at_start_ms']} ms", True),
            ("detections", f"{found['detections_per_s']:.0f}/s", True),
            ("microphones", ears, heard),
            ("nothing lost", counts + f"{found['recorded']} recorded", found["complete"]),
            (
                "tracks",
                f"{found['confirmed']} confirmed, {found['tracks']} shown of {found['targets']}",
                found["tracks" if asked.late else "confirmed"] >= 0.99 * found["targets"],  # late ones come after all
            ),
            ("memory", f"{found['memory_mb']:.0f} MB, peak {found['memory_peak_mb']:.0f} MB", True),
            ("processor", f"{found['cpu_cores']:.2f} cores, load average {found['load_average']:.1f}", True),
        ],
    )


if __name__ == "__main__":
    main()
