"""From the bytes of a frame to columns: where messages begin, which of them are sound, what they say."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.model.assessment import CLASSES
from skywarden.model.detection import Frame, Reason
from skywarden.model.place import F64, I64
from skywarden.sensors.microphone.layout import (
    ALIVE,
    CHECK,
    ENTRY,
    FIXED,
    HEAD,
    HEARD,
    HEARTBEAT,
    HEARTBEAT_SIZE,
    LONGEST,
    MAGIC,
    NO_ANGLE,
    NO_AZIMUTH,
    NOT_SAID,
    REPORT,
    U8,
    VERSION,
    checksums,
)

START = MAGIC.to_bytes(2, "big")
SHORTEST = np.dtype(HEAD).itemsize + CHECK  # bytes
REPORT_BODY, ALIVE_BODY = np.dtype([*HEAD, *HEARD]), np.dtype([*HEAD, *ALIVE])
LATEST = 2**62  # ns; int64 ends in 2262
QUIETEST, LOUDEST = -5000, 20_000  # 0.01 dB re 20 uPa
HIGHEST = 100_000_000  # 0.001 Hz
OUTERMOST = 2_000_000  # 0.01 m; nothing on the ground is higher or lower than half of it
GOOD = 0
REASONS = (
    None,
    Reason.TRUNCATED,
    Reason.MALFORMED,
    Reason.OVERSIZE,
    Reason.CHECKSUM,
    Reason.UNSUPPORTED,
    Reason.IMPLAUSIBLE,
    Reason.SIMULATED,
    Reason.DUPLICATE,
    Reason.QUOTA,
    Reason.SITE_UNKNOWN,
)
CODE = {reason: code for code, reason in enumerate(REASONS)}


class Said(NamedTuple):
    """n messages of a frame, in their order.

    why: (n,) int64 index into REASONS, GOOD for a sound one. type: (n,) REPORT, HEARTBEAT or 0.
    heard: (n,) REPORT_BODY; alive: (n,) ALIVE_BODY; each zero where the message is of the other type.
    llr: (n, len(CLASSES)) nats, 0 where nothing is said. llr_said: (n, len(CLASSES)).
    """

    why: I64
    type: I64
    heard: NDArray[np.void]
    alive: NDArray[np.void]
    llr: F64
    llr_said: NDArray[np.bool_]

    def head(self, name: str) -> NDArray[np.int64]:
        """Return (n,) int64, a field that both types have."""
        return np.where(self.type == REPORT, self.heard[name], self.alive[name]).astype(np.int64)


def lengths(buffer: bytes) -> list[int]:
    """Return the lengths of whole messages at the start of a stream; noise before the next start counts as one."""
    found, start = list[int](), 0
    while len(buffer) - start >= 6:
        size = _size(buffer, start)
        if not SHORTEST <= size <= LONGEST:
            following = buffer.find(START, start + 1)
            end = following if following >= 0 else len(buffer) - buffer.endswith(START[:1])
            size = max(end - start, 1)
        elif size > len(buffer) - start:
            break
        found.append(size)
        start += size
    return found


def _size(data: bytes, start: int) -> int:
    """Return the length that a message says it has, 0 if none begins here."""
    return int.from_bytes(data[start + 4 : start + 6], "big") if data[start : start + 2] == START else 0


def read(frame: Frame) -> Said:
    """Read all messages of a frame. A datagram may hold several, one behind the other."""
    octets = np.frombuffer(frame.data, np.uint8)
    start, size, why = _cut(frame, octets)
    n = len(start)
    kinds = len(CLASSES)
    said = Said(
        why,
        np.zeros(n, np.int64),
        np.zeros(n, REPORT_BODY),
        np.zeros(n, ALIVE_BODY),
        np.zeros((n, kinds)),
        np.zeros((n, kinds), np.bool_),
    )
    for length in np.unique(size[why == GOOD]).tolist():
        _read_group(octets, start, np.flatnonzero((size == length) & (why == GOOD)), length, said)
    _judge(said)
    return said


def _cut(frame: Frame, octets: U8) -> tuple[I64, I64, I64]:
    """Return where messages start, their lengths and codes. Nearly always a frame's messages are single ones."""
    bounds = frame.bounds()
    start, size = bounds[:-1], np.diff(bounds)
    long = np.flatnonzero(size >= SHORTEST)
    at = start[long]
    magic = octets[at].astype(np.int64) << 8 | octets[at + 1]
    wanted = octets[at + 4].astype(np.int64) << 8 | octets[at + 5]
    single = np.zeros(len(start), np.bool_)
    single[long] = (magic == MAGIC) & (wanted == size[long]) & (wanted <= LONGEST)
    why = np.zeros(len(start), np.int64)
    if single.all():
        return start, size, why
    pieces = list[tuple[int, int, int]]()
    for alone, begin, length in zip(single.tolist(), start.tolist(), size.tolist(), strict=True):
        pieces += [(begin, length, GOOD)] if alone else _pieces(frame.data, begin, begin + length)
    columns = np.array(pieces, np.int64).reshape(-1, 3)
    return columns[:, 0], columns[:, 1], columns[:, 2]


def _pieces(data: bytes, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield start, length and code of the messages in data[start:end]; what follows a bad one is a part of it."""
    if start == end:
        yield start, 0, CODE[Reason.MALFORMED]
    while start < end:
        size = _size(data, start) if end - start >= 6 else 0
        code = GOOD
        if not SHORTEST <= size <= LONGEST:
            code = CODE[Reason.OVERSIZE if size > LONGEST else Reason.MALFORMED]
        elif size > end - start:
            code = CODE[Reason.TRUNCATED]
        yield start, end - start if code else size, code
        start = end if code else start + size


def _read_group(octets: U8, start: I64, rows: I64, length: int, said: Said) -> None:
    """Read the messages `rows`, all of `length` bytes."""
    messages = _together(octets, start[rows], length)
    head = messages[:, : np.dtype(HEAD).itemsize].copy().view(np.dtype(HEAD))[:, 0]
    check = messages[:, -CHECK:].copy().view(">u4")[:, 0]
    entries, odd = divmod(length - FIXED, ENTRY.itemsize)
    report = head["type"] == REPORT
    fits = report & (entries >= 0) & (odd == 0) | (head["type"] == HEARTBEAT) & (length == HEARTBEAT_SIZE)
    if entries >= 0:
        fits &= ~report | (messages[:, REPORT_BODY.itemsize - 1] == entries)
    known = (head["version"] == VERSION) & ((head["type"] == REPORT) | (head["type"] == HEARTBEAT))
    said.why[rows] = np.select(
        [check != checksums(messages), ~known, ~fits],
        [CODE[Reason.CHECKSUM], CODE[Reason.UNSUPPORTED], CODE[Reason.MALFORMED]],
        GOOD,
    )
    good = said.why[rows] == GOOD
    said.type[rows[good]] = head["type"][good]
    heard, alive = good & report, good & ~report
    _copy(messages[alive], said.alive, rows[alive])
    if heard.any():
        _copy(messages[heard], said.heard, rows[heard])
        _classes(messages[heard, REPORT_BODY.itemsize : -CHECK], rows[heard], said)


def _together(octets: U8, start: I64, length: int) -> U8:
    """Return (m, length) bytes; a view where the messages stand one behind the other, as they mostly do."""
    if start[-1] - start[0] == (len(start) - 1) * length and (np.diff(start) == length).all():
        return octets[start[0] : start[-1] + length].reshape(-1, length)
    found: U8 = octets[start[:, None] + np.arange(length)]
    return found


def _copy(messages: U8, into: NDArray[np.void], rows: I64) -> None:
    octets = into.view(np.uint8).reshape(len(into), into.itemsize)
    octets[rows] = messages[:, : into.itemsize]


def _classes(octets: U8, rows: I64, said: Said) -> None:
    """Write the class entries, (m, entries * ENTRY) bytes. Codes that are unknown here are left out."""
    entries = np.ascontiguousarray(octets).view(ENTRY)
    codes, steps = entries["code"], entries["llr"]
    if entries.shape[1] == len(CLASSES) and (codes == np.arange(len(CLASSES))).all() and (steps != NOT_SAID).all():
        said.llr[rows], said.llr_said[rows] = steps * 0.01, True  # how `encode` writes them
        return
    known = (codes < len(CLASSES)) & (steps != NOT_SAID)
    message, entry = np.nonzero(known)
    row, code = rows[message], codes[message, entry]
    said.llr[row, code] = steps[message, entry] * 0.01
    said.llr_said[row, code] = True


def _judge(said: Said) -> None:
    """Mark sound messages that say something impossible."""
    heard, alive = said.heard, said.alive
    bad = (said.type == REPORT) & _impossible_report(heard)
    bad |= (said.type == HEARTBEAT) & ((alive["health"] > 2) | _outside(alive["noise"]) | (alive["interval"] == 0))
    latitude, longitude = said.head("latitude"), said.head("longitude")
    bad |= (np.abs(latitude) > 900_000_000) | (np.abs(longitude) > 1_800_000_000)
    bad |= np.abs(said.head("height")) > OUTERMOST
    time = np.where(said.type == REPORT, heard["time"], alive["time"])
    bad |= time >= LATEST
    said.why[(said.why == GOOD) & bad] = CODE[Reason.IMPLAUSIBLE]


def _impossible_report(heard: NDArray[np.void]) -> NDArray[np.bool_]:
    azimuth, elevation = heard["azimuth"], heard["elevation"]
    pointed, tilted = azimuth != NO_AZIMUTH, elevation != NO_ANGLE
    bad = _outside(heard["level"]) | _outside(heard["noise"]) | (heard["f0"] > HIGHEST)
    bad |= pointed & ((azimuth >= 36_000) | (heard["sigma_azimuth"] == 0))
    bad |= tilted & (~pointed | (np.abs(elevation.astype(np.int64)) > 9000) | (heard["sigma_elevation"] == 0))
    return np.asarray(bad | (np.abs(heard["correlation"].astype(np.int64)) > 9990))


def _outside(level: NDArray[np.int16]) -> NDArray[np.bool_]:
    return (level < QUIETEST) | (level > LOUDEST)
