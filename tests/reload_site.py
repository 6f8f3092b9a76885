"""An installation with a file that is read again, for the tests of reloading."""

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from test_app import STATION as BASE
from test_app import ask, wait

from skywarden.model.event import decode
from skywarden.record.reading import SqliteRecord
from skywarden.service.app import App
from skywarden.service.hangup import Hangup

PLANES = '[[sources]]\nname = "planes"\nformat = "modes"\nlisten = "tcp://127.0.0.1:{port}"\n'
NODES = '[[sources]]\nname = "nodes"\nformat = "sapient"\nlisten = "tcp://127.0.0.1:{port}"\n'
EXTRA = '[[sources]]\nname = "extra"\nformat = "asterix"\nlisten = "udp://127.0.0.1:{port}"\n'


def free(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Site:
    """An installation with a file, driven as the command does it."""

    def __init__(self, directory: Path, *sources: str, base: str = BASE) -> None:
        self.ports = {name: free() for name in (PLANES, NODES)} | {EXTRA: free(socket.SOCK_DGRAM)}
        self.record = directory / "record"
        self.file = directory / "site.toml"
        self.told: list[str] = []
        self.hangup = Hangup()
        self.write(*sources, base=base)
        self.app = App(self.file.read_text(), file=self.file, tell=self.told.append)
        self.app.start()

    def write(self, *sources: str, base: str = BASE) -> None:
        tables = [source.format(port=self.ports[source]) for source in sources]
        self.file.write_text("\n".join([*tables, base.format(record=self.record)]))

    def reload(self) -> dict[str, Any]:
        """Read the file again, as the main thread does after SIGHUP; return what health says once it shows."""
        self.app.reloading.hangup = self.hangup
        self.hangup(signal.SIGHUP, None)
        self.app.reloading.tend()
        tick = self.app.publisher.latest.tick
        wait(lambda: self.app.publisher.latest.tick > tick + 1)
        return dict(ask(self.app, "api/health")["config"])

    def connect(self, source: str) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.ports[source]), 5)

    def row(self, name: str) -> dict[str, Any]:
        wait(lambda: self.app.publisher.latest)
        return next(row for row in ask(self.app, "api/health")["sources"] if row["name"] == name)

    def events(self) -> list[Any]:
        return [decode(e.payload) for e in SqliteRecord(self.record).entries()]


@contextmanager
def site(directory: Path, *sources: str) -> Iterator[Site]:
    made = Site(directory, *sources)
    wait(lambda: made.app.publisher.latest)
    try:
        yield made
    finally:
        made.app.stop()


def connected(port: int) -> socket.socket | None:
    with suppress(OSError):
        return socket.create_connection(("127.0.0.1", port), 1)
    return None
