"""Clocks: the only place where the time of day comes from. UTC, ns since 1970."""

import threading
import time
from collections.abc import Callable
from typing import Protocol

JUMP = 500_000_000  # ns; a smaller difference is drift and followed slowly, a larger one is a step of the host's clock
SLEW_PPM = 500  # how fast drift is followed; as NTP itself does
READING = 1_000_000  # ns; a pair of readings further apart than this is read again
LEAP = 60_000_000_000  # ns; a message's time this far ahead of the data must be confirmed by the next one
EARLIEST = 631_152_000 * 1_000_000_000  # ns; 1 January 1990


class Clock(Protocol):
    """What the service asks for the time."""

    def now(self) -> int:
        """Return the time, UTC ns; never less than it returned before."""
        ...

    def stepped(self) -> int:
        """Return by how many ns the host's clock jumped since last asked; 0 when it did not."""
        ...


def steady_ns() -> int:
    """Return a clock that nobody can set and that goes on while the computer sleeps, ns."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    return time.monotonic_ns()


class HostClock:
    """This computer's time, read once at the start and carried on by a clock that nobody can set.

    A step of the host's clock is reported by `stepped`, never followed: the picture's time goes on evenly. Who wants
    the new time restarts. Slow drift between the two clocks is followed at 500 ppm at most.
    """

    def __init__(self, wall: Callable[[], int] = time.time_ns, steady: Callable[[], int] = steady_ns) -> None:
        self._wall, self._steady = wall, steady
        self._lock = threading.Lock()
        wall_now, steady_now = self._read()
        self._base = (wall_now, steady_now)  # our time at that steady time
        self._drift = 0  # ns still to be followed since then
        self._steps = 0  # ns, sum of the reported steps

    def now(self) -> int:
        with self._lock:
            return self._at(self._steady())

    def stepped(self) -> int:
        """Return the step since last asked, ns, forward is positive; ask about once a tick: this follows drift too."""
        with self._lock:
            wall, steady = self._read()
            ours = self._at(steady)
            difference = wall - self._steps - ours
            step = difference if abs(difference) >= JUMP else 0
            self._steps += step
            self._base, self._drift = (ours, steady), difference - step
            return step

    def _at(self, steady: int) -> int:
        elapsed = steady - self._base[1]
        most = elapsed * SLEW_PPM // 1_000_000
        return self._base[0] + elapsed + max(-most, min(most, self._drift))

    def _read(self) -> tuple[int, int]:
        for _ in range(5):
            before, wall, after = self._steady(), self._wall(), self._steady()
            if after - before < READING:
                break
        return wall, after


class DataClock:
    """The messages' own time, for recordings: the latest stamp seen. Starts at 0, before any message.

    A single stamp far ahead (a damaged message) does not move it: the next one must agree. Nor does a first one
    from before 1990, or the recording would begin with decades of nothing.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now = 0
        self._doubted: int | None = None

    def now(self) -> int:
        return self._now

    def stepped(self) -> int:
        """Return 0: recordings have no host clock."""
        return 0

    def observe(self, time_ns: int) -> None:
        """Take a message's time in."""
        with self._lock:
            odd = time_ns > self._now + LEAP if self._now else time_ns < EARLIEST
            if odd and (self._doubted is None or abs(time_ns - self._doubted) > LEAP):
                self._doubted = time_ns
            elif time_ns > self._now:
                self._now, self._doubted = time_ns, None
