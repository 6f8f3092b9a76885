"""Mode S frames as JSON lines: {"timestamp": seconds since 1970, "frame": hexadecimal}; other fields are not read.

The timestamp is the receiver's, milliseconds after the aircraft sent; the fix itself is up to 0.1 s old by then
(RTCA DO-260B, 2.2.5.2: uncompensated latency).
"""

import binascii
from collections.abc import Iterator
from typing import Any

import msgspec

from skywarden import framing
from skywarden.model.detection import Decoded, Frame, Reason, TimeKind
from skywarden.model.place import Sensor, Source
from skywarden.model.track import Mode
from skywarden.sensors.modes import batch
from skywarden.sensors.modes.aircraft import SECOND, State, repeated
from skywarden.sensors.modes.batch import Item, Timing
from skywarden.sensors.modes.receiver import Heard, hear, setting

LONGEST = 4096  # bytes; a line has about 100, with everything that receivers add about 1500
DEEPEST = 64  # brackets; what is nested deeper than the stack allows would raise, here or there but not in both
FIRST, LAST = 631_152_000.0, 7_258_118_400.0  # s since 1970: 1990, 2200
TIMING = Timing(TimeKind.MEASURED, 0.1)


class Line(msgspec.Struct, gc=False):
    """The two fields that are read."""

    timestamp: float
    frame: str


class _Stamp(msgspec.Struct):
    timestamp: float


_line = msgspec.json.Decoder(Line)
_stamp = msgspec.json.Decoder(_Stamp)


class ModeS:
    """Mode S and ADS-B from JSON lines. One decoder serves `decode` or `rows`: both advance the same memory."""

    own_times = True
    answers = False

    def __init__(self, source: Source, sensors: tuple[Sensor, ...], mode: Mode) -> None:
        self.state = State()
        self._settings = setting(source, sensors, mode is Mode.LIVE)

    def decode(self, frame: Frame) -> Decoded:
        """Return the positions in a frame of lines; never raises for anything that is in them."""
        return batch.decoded(self._settings, frame, self._hear(frame), TIMING)

    def rows(self, frame: Frame) -> Iterator[dict[str, Any]]:
        """Yield each line's fields."""
        return batch.rows(self._settings, self._hear(frame))

    def _hear(self, frame: Frame) -> Iterator[Item]:
        for index, line in enumerate(frame.messages()):
            found = parse(line)
            if isinstance(found, Reason):
                yield Item(index, frame.received, Heard(reason=found))
                continue
            time, data = found
            again = repeated(self.state, data, time)
            yield Item(index, time, hear(self.state, self._settings, time, data), again)

    @staticmethod
    def split(buffer: bytes) -> list[int]:
        """Return the lengths of whole lines; a line longer than 64 KiB is given out in pieces of that length."""
        return framing.lines(buffer)

    @staticmethod
    def stamp(message: bytes, near: int) -> int | None:
        """Return the line's timestamp, UTC ns."""
        if unreadable(message):
            return None
        try:
            return nanoseconds(_stamp.decode(message).timestamp)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None


def parse(line: bytes) -> tuple[int, bytes] | Reason:
    """Return time (UTC ns) and frame of one line, or why not."""
    if reason := unreadable(line):
        return reason
    try:
        found = _line.decode(line)
        data = binascii.unhexlify(found.frame)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
        return Reason.MALFORMED
    time = nanoseconds(found.timestamp)
    if time is None or not data or len(data) > 14:
        return Reason.MALFORMED
    return time, data


def unreadable(line: bytes) -> Reason | None:
    """Return why a line must not come to the JSON reader: its size and nesting, whatever the stack of the caller."""
    if len(line) > LONGEST:
        return Reason.OVERSIZE
    return Reason.MALFORMED if line.count(b"[") + line.count(b"{") > DEEPEST else None


def nanoseconds(seconds: float) -> int | None:
    """Return ns of s since 1970; None if that is no time of this and the next century."""
    if not FIRST <= seconds < LAST:
        return None
    whole = int(seconds)
    return whole * SECOND + round((seconds - whole) * 1e9)
