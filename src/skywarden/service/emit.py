"""Outputs to files: JSON lines of events, GeoJSON once a second. In a thread of its own: a full pipe delays nobody."""

import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Protocol

from skywarden.config import OutputSettings
from skywarden.errors import ConfigError
from skywarden.model.event import Output
from skywarden.outputs import EVENT_ENCODERS

GEOJSON_EVERY = 1.0  # s
WAITING = 100_000  # events; more than that a reader cannot have missed by being slow
COMPLAIN_EVERY = 10.0  # s

logger = logging.getLogger(__name__)


class Shown(Protocol):
    """A picture that knows itself as GeoJSON."""

    def geojson(self) -> bytes: ...


class Emitter:
    """Writes what is configured. `take` only hands over."""

    def __init__(self, outputs: OutputSettings) -> None:
        self._lines = _open_lines(outputs.jsonl)
        self._geojson = Path(outputs.geojson) if outputs.geojson else None
        self._events: deque[Output] = deque(maxlen=WAITING)
        self._shown: Shown | None = None
        self._due = self._complain_due = 0.0
        self._wake = threading.Event()
        self._closing = False
        self._thread: threading.Thread | None = None
        if self._lines or self._geojson:
            self._thread = threading.Thread(target=self._run, name="outputs", daemon=True)
            self._thread.start()

    def take(self, shown: Shown, events: Sequence[Output]) -> None:
        """Hand a tick over. When the reader is far behind, the oldest events go."""
        if self._thread is not None:
            if self._lines:
                self._events.extend(events)
            self._shown = shown
            self._wake.set()

    def close(self) -> None:
        """Write what waits; give up after a while when nobody reads."""
        self._closing = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(2.0)

    def _run(self) -> None:
        while not self._closing:
            self._wake.wait()
            self._wake.clear()
            self._write_lines()
            if self._geojson and time.monotonic() >= self._due:
                self._due = time.monotonic() + GEOJSON_EVERY
                self._write_geojson(self._geojson)
        self._write_lines()  # what came while the last ones were written
        if self._geojson:
            self._write_geojson(self._geojson)
        if self._lines and self._lines is not sys.stdout.buffer:
            self._lines.close()

    def _write_lines(self) -> None:
        happened = [self._events.popleft() for _ in range(len(self._events))]
        text = b"".join(EVENT_ENCODERS["jsonl"](event) for event in happened)
        if text and self._lines:
            try:
                self._lines.write(text)
                self._lines.flush()
            except OSError as e:
                self._complain("jsonl", e)

    def _write_geojson(self, path: Path) -> None:
        if self._shown is None:
            return
        beside = path.with_name(f".{path.name}.new")
        try:
            beside.write_bytes(self._shown.geojson())
            os.replace(beside, path)
        except OSError as e:
            self._complain("geojson", e)

    def _complain(self, output: str, error: OSError) -> None:
        now = time.monotonic()
        if now >= self._complain_due:
            self._complain_due = now + COMPLAIN_EVERY
            logger.warning("output_failed output=%s error=%s", output, error)


def _open_lines(target: str | None) -> BinaryIO | None:
    if target is None:
        return None
    if target == "-":
        return sys.stdout.buffer
    try:
        return Path(target).open("ab")
    except OSError as e:
        raise ConfigError(f"cannot write {target}: {e.strerror}; choose another file", "outputs.jsonl") from None
