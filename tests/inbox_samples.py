"""A toy format and helpers for the tests of sources, on loopback."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from skywarden.model.detection import Frame
from skywarden.model.place import Source
from skywarden.service.clock import DataClock, HostClock
from skywarden.service.sources import Inbox

SECOND = 1_000_000_000
LOOP = "udp://127.0.0.1:0"


class Lines:
    """A toy format: lines; a line may begin with its time in ns."""

    answers = False

    @staticmethod
    def split(buffer: bytes) -> list[int]:
        return [len(line) for line in buffer.splitlines(True) if line.endswith(b"\n")]

    @staticmethod
    def stamp(message: bytes, near: int) -> int | None:
        word = message.split(b" ")[0].strip()
        return int(word) if word.isdigit() else None


def source(name: str = "a", **way: Any) -> Source:
    return Source(name=name, format="lines", **way)


def make(*sources: Source, clock: HostClock | DataClock | None = None, **options: Any) -> Inbox:
    return Inbox(sources, clock or HostClock(), **{"decoders": {"lines": Lines}, **options})


@contextmanager
def running(*sources: Source, clock: HostClock | DataClock | None = None, **options: Any) -> Iterator[Inbox]:
    inbox = make(*sources, clock=clock, **options)
    inbox.start()
    try:
        yield inbox
    finally:
        inbox.stop()


def until(condition: Callable[[], Any], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


def collect(inbox: Inbox, count: int, seconds: float = 5.0) -> list[Frame]:
    """Take until that many messages have come."""
    frames: list[Frame] = []
    deadline = time.monotonic() + seconds
    while sum(len(f) for f in frames) < count:
        assert time.monotonic() < deadline, f"{sum(len(f) for f in frames)} of {count} messages came"
        frames += inbox.take(0.2)
    return frames


def messages(frames: list[Frame]) -> list[bytes]:
    return [m for f in frames for m in f.messages()]


def port(inbox: Inbox, index: int = 0) -> int:
    return int(inbox.wires()[index].address.rpartition(":")[2])


def send(inbox: Inbox, *datagrams: bytes, index: int = 0) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for datagram in datagrams:
            sock.sendto(datagram, ("127.0.0.1", port(inbox, index)))


def connect(inbox: Inbox, index: int = 0) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port(inbox, index)))
