"""A process of its own that sends more than it should. Used by flood.py.

One JSON object on standard input: {kind, port, host, from, rate, seconds}. kind "valid": a SAPIENT node over TCP that
reports targets that do not exist; "random": datagrams of random bytes, half of them with the head of an ASTERIX block.
It prints one: {sent: n}, messages that were handed to the kernel; over TCP it waits when the other end does not read.
"""

import json
import random
import socket
import sys
import time

import numpy as np

from skywarden.sim.nodes import Post, What, located, registration, status, ulid
from skywarden.sim.raid import Flier
from skywarden.sim.scenario import ORIGIN

MADE = 20_000  # messages, sent again and again; longer than a node's reports are remembered
STEP = 0.01  # s between two blocks
FAKER = "ffffffff-0000-4000-8000-000000000001"


def valid() -> tuple[bytes, list[bytes]]:
    """Return the introduction of a node, and what it reports."""
    rng, now = np.random.default_rng(7), time.time_ns()
    post = Post(
        name="faker", source="nodes", node_id=FAKER, what=What.RADAR,
        latitude=ORIGIN[0], longitude=ORIGIN[1], height_m=300.0,
    )  # fmt: skip
    places = np.column_stack([rng.normal(ORIGIN[0], 0.3, MADE), rng.normal(ORIGIN[1], 0.3, MADE), np.full(MADE, 900.0)])
    reports = [located(post, now, (ulid(now, rng), ulid(now, rng)), place, Flier.UAV) for place in places]
    return registration(post, now) + status(post, now, rng), reports


def noise() -> list[bytes]:
    """Return random messages."""
    chance = random.Random(1)
    made = [chance.randbytes(chance.randint(4, 60)) for _ in range(MADE)]
    return [b"\x30" + (len(m) + 3).to_bytes(2, "big") + m if chance.random() < 0.5 else m for m in made]


def main() -> None:
    """Make all messages first, say so on standard error, then send."""
    order = json.load(sys.stdin)
    to, rate = (order["host"], order["port"]), order["rate"]
    stream = order["kind"] == "valid"
    introduction, made = valid() if stream else (b"", noise())
    print("ready", file=sys.stderr, flush=True)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM if stream else socket.SOCK_DGRAM) as sock:
        sock.bind((order["from"], 0))
        sock.connect(to)
        sock.settimeout(STEP)
        if stream:
            sock.sendall(introduction)
        print(json.dumps({"sent": send(sock, made, rate, order["seconds"], stream)}))


def send(sock: socket.socket, made: list[bytes], rate: float, seconds: float, stream: bool) -> int:
    """Send at a rate for some seconds; return how many messages the kernel has taken."""
    sent, begun, left = 0, time.monotonic(), memoryview(b"")
    lengths: list[int] = []
    while (elapsed := time.monotonic() - begun) < seconds:
        due = int(rate * elapsed) - sent
        if not left and due > 0:
            block = [made[(sent + k) % MADE] for k in range(min(due, int(rate * STEP) + 1))]
            if not stream:
                for message in block:
                    sock.send(message)
                sent += len(block)
                continue
            left, lengths = memoryview(b"".join(block)), [len(message) for message in block]
        try:
            taken = sock.send(left) if left else 0
        except TimeoutError:
            continue
        left = left[taken:]
        if left:
            continue
        sent += len(lengths)
        lengths = []
        time.sleep(max(0.0, STEP - (time.monotonic() - begun - elapsed)) if int(rate * (elapsed + STEP)) <= sent else 0)
    return sent


if __name__ == "__main__":
    main()
