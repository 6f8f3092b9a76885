"""A source that sends garbage, 10,000 messages a second, beside radars that send well: do the good ones notice?

The same radars three times: alone, with random datagrams on an ASTERIX wire, with random lines on a Mode S wire.
Judged: the good sources' p99 delay grows by less than half, nothing of theirs is lost, the garbage is counted.
"""

import argparse
import random
import socket
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from harness import Server, free_port, progress, report, running, toml
from load import making_s, outcome, send, setting

GOAL_RATIO = 1.5
WIRES = {"asterix": "udp", "modes": "tcp"}


class Garbage(threading.Thread):
    """Sends random messages, `rate` a second, in bursts of 10 ms."""

    def __init__(self, form: str, port: int, rate: float) -> None:
        super().__init__(daemon=True)
        self.sent = 0
        self.stopping = threading.Event()
        self._form, self._port, self._rate = form, port, rate
        self._random = random.Random(1)

    def run(self) -> None:
        """Send until stopped."""
        kind = socket.SOCK_DGRAM if WIRES[self._form] == "udp" else socket.SOCK_STREAM
        with socket.socket(socket.AF_INET, kind) as wire:
            wire.connect(("127.0.0.1", self._port))
            due = time.monotonic()
            while not self.stopping.is_set():
                burst = [self._message() for _ in range(int(self._rate / 100))]
                if kind is socket.SOCK_DGRAM:
                    for message in burst:
                        wire.send(message)
                else:
                    wire.sendall(b"".join(burst))
                self.sent += len(burst)
                due += 0.01
                time.sleep(max(0.0, due - time.monotonic()))

    def _message(self) -> bytes:
        """Half of it looks right at the start, so that it gets further into the decoder."""
        noise = self._random.randbytes(self._random.randint(4, 60))
        good = self._random.random() < 0.5
        if self._form == "asterix":
            return b"\x30" + (len(noise) + 3).to_bytes(2, "big") + noise if good else noise
        noise = noise.replace(b"\n", b"")
        return b'{"timestamp": %d, "frame": "%s"}\n' % (time.time(), noise.hex().encode()) if good else noise + b"\n"


def phase(form: str | None, rate: float, seconds: float, radars: int, targets: int) -> dict[str, Any]:
    """Run the good sources for `seconds`, with garbage of a form or alone. Return the figures."""
    text, addresses = setting(radars)
    kind = socket.SOCK_DGRAM if form and WIRES[form] == "udp" else socket.SOCK_STREAM
    port = free_port(kind)
    if form:
        table = {"name": "garbage", "format": form, "listen": f"{WIRES[form]}://127.0.0.1:{port}"}
        text += "\n" + toml("[[sources]]", table)
    with tempfile.TemporaryDirectory() as directory, running(Path(directory), text) as server:
        order = {"addresses": addresses, "targets": targets, "radars": radars, "nodes": 0}
        order |= {"seconds": seconds, "seed": 1}
        making = making_s(targets * radars * seconds)
        sender = send(order | {"start": time.time_ns() + int(making * 1e9)})
        time.sleep(making)
        garbage = Garbage(form, port, rate) if form else None
        if garbage:
            garbage.start()
        p99 = watch(server, seconds)
        if garbage:
            garbage.stopping.set()
            garbage.join()
        sent = outcome(sender)
        complete = server.wait_recorded(sent["messages"], 10.0)
        rows = server.sources()
    bad = rows.get("garbage", {"refused": {}, "received": 0, "overrun": 0})
    return {
        "p99_ms": p99,
        "complete": complete,
        "good_refused": sum(sum(row["refused"].values()) for name, row in rows.items() if name != "garbage"),
        "garbage_sent": garbage.sent if garbage else 0,
        "garbage_received": bad["received"],
        "garbage_refused": bad["refused"],
    }


def watch(server: Server, seconds: float) -> float:
    """Return the p99 delay at the end, the worst of the last half."""
    samples = []
    begun = time.monotonic()
    while (elapsed := time.monotonic() - begun) < seconds:
        time.sleep(min(1.0, seconds / 4))
        if elapsed > seconds / 2:
            samples.append(server.get("health")["latency_ms"]["p99"])
    return max(float(value) for value in samples if value is not None)


def bench(rate: float, seconds: float, radars: int, targets: int) -> dict[str, Any]:
    """Run all phases; return the figures."""
    found: dict[str, Any] = {}
    for form in (None, *WIRES):
        name = form or "alone"
        found[name] = phase(form, rate, seconds, radars, targets)
        progress(f"{name}: {found[name]}")
    ratios = {form: found[form]["p99_ms"] / found["alone"]["p99_ms"] for form in WIRES}
    return found | {"ratio": ratios}


def main() -> None:
    """Read the options, run, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=10_000.0, help="garbage messages a second")
    parser.add_argument("--seconds", type=float, default=45.0, help="of each phase")
    parser.add_argument("--radars", type=int, default=5)
    parser.add_argument("--targets", type=int, default=200)
    options = parser.parse_args()
    found = bench(options.rate, options.seconds, options.radars, options.targets)
    goals = []
    for form in WIRES:
        row = found[form]
        goals += [
            (f"p99 with {form} garbage", f"times {found['ratio'][form]:.2f}", found["ratio"][form] < GOAL_RATIO),
            (f"good ones complete beside {form}", str(row["complete"]), row["complete"]),
            (
                f"{form} garbage refused",
                f"{row['garbage_refused']} of {row['garbage_sent']}",
                bool(row["garbage_refused"]),
            ),
        ]
    report(found, goals)


if __name__ == "__main__":
    main()
