"""What the decoder of one source remembers between frames, and how."""

from collections.abc import Mapping
from hashlib import blake2b

import msgspec
import numpy as np
from numpy.typing import NDArray

from skywarden import geo
from skywarden.model.detection import Frame
from skywarden.model.place import I64

Flags = NDArray[np.bool_]

SECOND = 1_000_000_000  # ns
WINDOW = 4 * SECOND  # the same bytes within it are a copy; two networks differ by milliseconds, a turn takes 4 s
MOST = 65_536  # copies remembered
JUMP = 500.0  # m; a radar that reports a place further off is at fault, it has not moved
PERIODS = (0.5, 60.0)  # s; an antenna turns in this time
SENDERS = 256  # radars, and systems that send tracks, without a block: each is a sensor for good, and costs each tick


class Memory(msgspec.Struct):
    """All that is remembered. Radars are named "sac-sic".

    messages: received so far. seen: 64-bit hash of a message -> ns when it was received first. swept: ns when old
    ones were last forgotten. places: deg, deg, m above the ellipsoid, as first reported. periods: s. systems: that
    sent tracks, but for configured ones.
    """

    messages: int = 0
    seen: dict[int, int] = {}
    swept: int = 0
    places: dict[str, tuple[float, float, float]] = {}
    periods: dict[str, float] = {}
    systems: list[str] = []


def copies(seen: Mapping[int, int], frame: Frame, good: Flags) -> tuple[I64, dict[int, int]]:
    """Return which of the good messages have been seen a moment ago, and what is to be remembered of the others.

    good: (m,) of the frame's messages.
    """
    now, new = frame.received, dict[int, int]()
    bounds = frame.bounds().tolist()
    found = []
    for index in np.flatnonzero(good).tolist():
        key = int.from_bytes(blake2b(frame.data[bounds[index] : bounds[index + 1]], digest_size=8).digest(), "big")
        last = new.get(key, seen.get(key))
        if last is not None and abs(now - last) <= WINDOW:
            found.append(index)
        else:
            new[key] = now
    return np.array(found, np.int64), new


def remember(memory: Memory, new: Mapping[int, int], now: int) -> None:
    """Remember messages; forget old ones now and then. now: ns."""
    memory.seen.update(new)
    if abs(now - memory.swept) > WINDOW // 4 or len(memory.seen) > MOST:
        _sweep(memory, now)


def _sweep(memory: Memory, now: int) -> None:
    kept = {key: time for key, time in memory.seen.items() if abs(now - time) <= WINDOW}
    if len(kept) > MOST:
        latest = sorted(kept.items(), key=lambda item: (-item[1], item[0]))[: MOST // 2]
        kept = dict(latest)
    memory.seen, memory.swept = kept, now


def apart(one: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    """Return m between two places (deg, deg, m)."""
    a, b = (geo.ecef(np.radians(p[0]), np.radians(p[1]), p[2]) for p in (one, other))
    return float(np.linalg.norm(a - b))
