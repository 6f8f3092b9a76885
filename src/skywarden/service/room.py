"""How long the record's disk will last: looked at in a thread of its own, for a disk that hangs must stop nobody."""

import shutil
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

from skywarden.record import segment
from skywarden.record.retention import Keep

LOOK_S = 10.0
SPAN_S = 3600.0  # over which the rate is taken: a raid is over by then
LEAST_S = 60.0  # below it the rate says more of SQLite's files than of the traffic
SCARCE_H = 6.0  # h; below it somebody must see to it: a night's raid must fit


class Left(msgspec.Struct, frozen=True):
    """bytes: of the record. free_bytes: of its disk. bytes_per_s: by which it grows; None: not known yet.

    hours_left: until the disk is full; None: not known yet, or never, because max_gb comes first. hours_kept: that the
    record reaches back once it has reached max_gb, at this rate; None: there is no such limit, or not known yet.
    """

    bytes: int
    free_bytes: int
    bytes_per_s: float | None
    hours_left: float | None
    hours_kept: float | None

    @property
    def scarce(self) -> bool:
        return self.hours_left is not None and self.hours_left < SCARCE_H


class Sample(NamedTuple):
    """At a moment, s: bytes of the record, and all that were ever written since the start."""

    at: float
    held: int
    written: int


def left(first: Sample, last: Sample, free: int, keep: Keep) -> Left:
    """Return what two samples say."""
    span = last.at - first.at
    rate = (last.written - first.written) / span if span >= LEAST_S else None
    if not rate or rate < 0:
        return Left(last.held, free, rate, None, None)
    limited = keep.bytes is not None and keep.bytes + keep.piece <= last.held + free
    hours = None if limited else round(free / rate / 3600, 1)
    return Left(last.held, free, round(rate, 1), hours, keep.bytes and round(keep.bytes / rate / 3600, 1))


class Room:
    """Looks every LOOK_S. left: what it saw last; None: nothing yet."""

    def __init__(self, directory: Path, keep: Keep, removed: Callable[[], int]) -> None:
        """removed: returns the bytes that retention has deleted since the start."""
        self.left: Left | None = None
        self._directory, self._keep, self._removed = directory, keep, removed
        self._samples: deque[Sample] = deque(maxlen=round(SPAN_S / LOOK_S))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="room", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more. Does not wait: the disk may hang."""
        self._stop.set()

    def look(self, now: float) -> None:
        """Look once. now: s."""
        try:
            held = sum(file.stat().st_size for file in segment.parts(self._directory))
            free = shutil.disk_usage(self._directory).free
        except OSError:  # the record itself says what is wrong with the disk
            return
        self._samples.append(Sample(now, held, held + self._removed()))
        self.left = left(self._samples[0], self._samples[-1], free, self._keep)

    def _run(self) -> None:
        while not self._stop.is_set():
            self.look(time.monotonic())
            self._stop.wait(LOOK_S)
