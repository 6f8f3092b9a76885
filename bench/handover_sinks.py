"""Partners and recipients on loopback that keep every byte they get, and say of each message what it was."""

import socket
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))

import allowed_cues

LOOK = 0.1  # s


class Got(NamedTuple):
    """One message. at: s, monotonic. kind: "cue", "end" or "feed"; number: of the hand-over, or of the track."""

    at: float
    sink: str
    kind: str
    number: int
    words: str


class Sink:
    """Listens at a free port. kind: "tcp" or "udp"."""

    def __init__(self, name: str, kind: str) -> None:
        self.name, self.bytes = name, 0
        self._got: list[tuple[float, bytes]] = []
        self._stop = threading.Event()
        self._udp = kind == "udp"
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if self._udp else socket.SOCK_STREAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(LOOK)
        if not self._udp:
            self._socket.listen(16)
        self.address = f"{kind}://127.0.0.1:{self._socket.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._take if self._udp else self._accept, daemon=True)]
        self._threads[0].start()

    def _take(self) -> None:
        while not self._stop.is_set():
            with suppress(TimeoutError):
                self._keep(self._socket.recv(65_536))

    def _accept(self) -> None:
        while not self._stop.is_set():
            with suppress(TimeoutError):
                connection, _ = self._socket.accept()
                self._threads.append(threading.Thread(target=self._read, args=(connection,), daemon=True))
                self._threads[-1].start()

    def _read(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(LOOK)
            rest = b""
            while not self._stop.is_set():
                try:
                    piece = connection.recv(65_536)
                except TimeoutError:
                    continue
                except OSError:
                    break
                if not piece:
                    break
                *lines, rest = (rest + piece).split(b"\n")
                for line in lines:
                    self._keep(line + b"\n")
        if rest:
            self._keep(rest)

    def _keep(self, data: bytes) -> None:
        self.bytes += len(data)
        self._got.append((time.monotonic(), data))

    def raw(self) -> list[bytes]:
        """Return what came, message by message."""
        return [data for _, data in self._got]

    def messages(self) -> list[Got]:
        """Read all with the parser that knows no encoder. Raises AssertionError for whatever is not allowed."""
        found = []
        for at, data in list(self._got):
            kind, root = allowed_cues.to_partner(data)
            number = allowed_cues.number_of(root)
            found.append(Got(at, self.name, kind, number, root.findtext("detail/remarks") or ""))
        return found

    def close(self) -> None:
        """Stop listening."""
        self._stop.set()
        for thread in self._threads:
            thread.join(2)
        self._socket.close()
