"""A storm of logins: what it does to the picture. Wrong passwords, 200 a second, each from another address.

So no address is ever told to wait, and passwords are compared without a pause, as many as the machine can. Measured in
turn, without and with the storm: how long `/api/picture` takes, and the engine's own p99 from receipt to publication.

    python bench/logins.py [--rate 200] [--seconds 30] [--aircraft 200]
"""

import argparse
import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from harness import Server, free_port, progress, report, toml, until, warm

PERIOD_S = 0.05  # s between two looks at the picture
WITHIN_S = 5.0  # s for an answer


def login(port: int, number: int) -> int:
    """Try to log in from an address of its own; return the status of the answer."""
    here = f"127.{1 + number // 62500 % 200}.{1 + number // 250 % 250}.{1 + number % 250}"
    body = json.dumps({"name": "Olena", "password": f"wrong password {number}"}).encode()
    with socket.socket() as sock:
        sock.settimeout(WITHIN_S)
        sock.bind((here, 0))
        sock.connect(("127.0.0.1", port))
        head = f"POST /api/login HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        sock.sendall(head.encode() + body)
        return int(sock.recv(100).split(b" ")[1])


def storm(port: int, rate: float, seconds: float) -> None:
    """Log in so often for so long; print how often each answer came. In a process of its own."""
    counts, begun = Counter[str](), time.monotonic()

    def one(number: int) -> None:
        try:
            counts[str(login(port, number))] += 1
        except (OSError, IndexError) as error:
            counts[type(error).__name__] += 1

    with ThreadPoolExecutor(64) as pool:
        for number in range(int(rate * seconds)):
            until(begun + number / rate)
            pool.submit(one, number)
    print(json.dumps(counts))


class Traffic(threading.Thread):
    """Aircraft that say where they are once a second each, over SBS."""

    def __init__(self, port: int, count: int) -> None:
        super().__init__(daemon=True)
        self._port, self._count, self.over = port, count, threading.Event()

    def run(self) -> None:
        """Send until it is over."""
        with socket.create_connection(("127.0.0.1", self._port)) as sock:
            number, begun = 0, time.monotonic()
            while not self.over.is_set():
                until(begun + number / self._count)
                which, now = number % self._count, time.time()
                stamp = f"{time.strftime('%Y/%m/%d,%H:%M:%S', time.gmtime(now))}.{int(now * 1000) % 1000:03d}"
                place = f"{36.0 + which % 20 * 0.05 + (now % 3600) * 1e-3:.5f},{-33.5 + which // 20 * 0.05:.5f}"
                line = f"MSG,3,1,1,{0xA00000 + which:06X},1,{stamp},{stamp},,3281,,,{place},,,0,0,0,0\r\n"
                sock.sendall(line.encode())
                number += 1


def look(server: Server, seconds: float) -> dict[str, float]:
    """Ask for the picture for so long; return percentiles of how long it took, ms, and the engine's own."""
    took, own, end = list[float](), list[float](), time.monotonic() + seconds
    while time.monotonic() < end:
        begun = time.monotonic()
        server.get("picture")
        took.append(1e3 * (time.monotonic() - begun))
        if len(took) % 20 == 0:
            own.append(server.get("health")["latency_ms"]["p99"])
        until(begun + PERIOD_S)
    p50, p99 = np.percentile(took, [50, 99])
    return {"p50_ms": round(p50, 1), "p99_ms": round(p99, 1), "worst_ms": round(max(took), 1),
            "engine_p99_ms": round(float(np.median(own)), 1)}  # fmt: skip


def bench(rate: float, seconds: float, aircraft: int) -> dict[str, Any]:
    """Run it; return the figures."""
    from skywarden.model.act import Role
    from skywarden.service.people import change

    with tempfile.TemporaryDirectory() as directory:
        port = free_port()
        change.add(Path(directory) / "users.toml", "Olena", Role.SUPERVISOR, "correct horse battery")
        site = toml("[[sites]]", {"name": "Plant A", "latitude": 36.3, "longitude": -33.1})
        source = toml("[[sources]]", {"name": "cars", "format": "sbs", "listen": f"tcp://127.0.0.1:{port}"})
        server = Server(Path(directory), f"{site}\n{source}")
        warm()
        server.start()
        traffic = Traffic(port, aircraft)
        try:
            traffic.start()
            time.sleep(15)
            return _measured(server, rate, seconds) | {"tracks": len(server.get("picture")["tracks"])}
        finally:
            traffic.over.set()
            traffic.join(2)
            server.stop()


def _measured(server: Server, rate: float, seconds: float) -> dict[str, Any]:
    found: dict[str, Any] = {"quiet": look(server, seconds)}
    cpu = server.cpu_s()
    command = [sys.executable, __file__, "--storm", str(server.port), "--rate", str(rate), "--seconds", str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        found["storm"] = look(server, seconds)
        found["answers"] = json.loads(process.communicate()[0])
    found["processors"] = round((server.cpu_s() - cpu) / seconds, 2)
    found["quiet again"] = look(server, seconds)
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--aircraft", type=int, default=200)
    parser.add_argument("--storm", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.storm:
        storm(options.storm, options.rate, options.seconds)
        return
    found = bench(options.rate, options.seconds, options.aircraft)
    progress(json.dumps(found, indent=1))
    goals = [(name, f"{found['storm'][name]} ms beside {found['quiet'][name]}", found["storm"][name] < 300.0)
             for name in ("p99_ms", "engine_p99_ms")]  # fmt: skip
    report(found, goals)


if __name__ == "__main__":
    main()
