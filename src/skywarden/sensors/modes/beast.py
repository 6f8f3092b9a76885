"""Beast messages, the binary format of Mode S receivers (TCP port 30005).

    0x1a  type  counter (6 bytes)  signal (1)  frame        a byte 0x1a behind the type is sent twice
    type  "1" Mode A/C, 2 bytes   "2" Mode S short, 7   "3" Mode S long, 14   others (status) are not used

The counter runs at 12 MHz from the receiver's start: it is not UTC. Times are those of receipt here. The counter
only spaces out messages of one read, for the checks of `aircraft.resolve`.

Source: the format's own description by its maker (Mode-S Beast, data output formats, binary).
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from skywarden.model.detection import Decoded, Frame, Reason, TimeKind
from skywarden.model.place import Sensor, Source
from skywarden.model.track import Mode
from skywarden.sensors.modes import batch
from skywarden.sensors.modes.aircraft import State, repeated
from skywarden.sensors.modes.batch import Item, Timing
from skywarden.sensors.modes.receiver import Heard, hear, setting

ESCAPE = 0x1A
MAX_NOISE = 4096  # bytes given out as one message
TIMING = Timing(TimeKind.RECEIPT, 0.2)
_HEADER = 7  # counter and signal
_SIZES = {0x31: 2, 0x32: 7, 0x33: 14}  # bytes of the frame by type
_OTHER = range(0x34, 0x3A)
_DOUBLE = bytes([ESCAPE, ESCAPE])
_SINGLE = bytes([ESCAPE])


class Parsed(NamedTuple):
    """One Beast message. type: its byte; counter: 12 MHz ticks; frame: 2, 7 or 14 bytes."""

    type: int
    counter: int
    frame: bytes


class Beast:
    """Mode S and ADS-B from Beast messages. One decoder serves `decode` or `rows`: both advance the same memory."""

    own_times = False  # its counter says nothing of the time of day
    answers = False

    def __init__(self, source: Source, sensors: tuple[Sensor, ...], mode: Mode) -> None:
        self.state = State()
        self._settings = setting(source, sensors, mode is Mode.LIVE)

    def decode(self, frame: Frame) -> Decoded:
        """Return the positions in a frame of messages; never raises for anything that is in them."""
        return batch.decoded(self._settings, frame, self._hear(frame), TIMING)

    def rows(self, frame: Frame) -> Iterator[dict[str, Any]]:
        """Yield each message's fields."""
        return batch.rows(self._settings, self._hear(frame))

    def _hear(self, frame: Frame) -> Iterator[Item]:
        for index, message in enumerate(frame.messages()):
            found = parse(message)
            if isinstance(found, Reason):
                yield Item(index, frame.received, Heard(reason=found))
                continue
            if found.type == 0x31:  # Mode A/C: understood, and no aircraft is named in it
                yield Item(index, frame.received, Heard())
                continue
            again = bool(found.counter) and repeated(self.state, found.frame, found.counter)
            time = self._spaced(frame.received, found.counter)
            yield Item(index, frame.received, hear(self.state, self._settings, time, found.frame), again)

    def _spaced(self, received: int, counter: int) -> int:
        """Return the time of receipt, plus what the counter ran since the first message of the same read."""
        if received != self.state.received:
            self.state.received, self.state.counter = received, counter
        return received + max(counter - self.state.counter, 0) * 1000 // 12

    @staticmethod
    def split(buffer: bytes) -> list[int]:
        """Return the lengths of whole messages; bytes that belong to none are given out as one."""
        lengths, start = [], 0
        while length := _length(buffer, start):
            lengths.append(length)
            start += length
        return lengths

    @staticmethod
    def stamp(message: bytes, near: int) -> int | None:
        """Return None: a Beast message does not say when it is."""
        return None


def parse(message: bytes) -> Parsed | Reason:
    """Return the parts of one message, or why it has none."""
    if len(message) < 2 or message[0] != ESCAPE:
        return Reason.OVERSIZE if len(message) >= MAX_NOISE else Reason.MALFORMED
    size = _SIZES.get(message[1])
    if size is None:
        return Reason.UNSUPPORTED if message[1] in _OTHER else Reason.MALFORMED
    body = message[2:].replace(_DOUBLE, _SINGLE)
    if len(body) != _HEADER + size:
        return Reason.TRUNCATED if len(body) < _HEADER + size else Reason.MALFORMED
    return Parsed(message[1], int.from_bytes(body[:6]), body[_HEADER:])


def _length(buffer: bytes, start: int) -> int:
    """Return the length of the message that begins at `start`, 0 while it is not whole."""
    if len(buffer) - start < 2:
        return 0
    size = _SIZES.get(buffer[start + 1]) if buffer[start] == ESCAPE else None
    if size is None:
        return _noise(buffer, start)
    position, left = start + 2, _HEADER + size
    while left:
        step = buffer.find(ESCAPE, position, position + left)
        if step < 0:
            position += left
            return position - start if position <= len(buffer) else 0
        if step + 1 >= len(buffer):
            return 0
        if buffer[step + 1] != ESCAPE:
            return step - start  # a new message begins: this one was cut short
        left -= step - position + 1
        position = step + 2
    return position - start


def _noise(buffer: bytes, start: int) -> int:
    """Return the bytes before the next escape that begins a message, at most MAX_NOISE."""
    position = start + 2 if buffer[start] == ESCAPE else start
    end = start + MAX_NOISE
    while (step := buffer.find(ESCAPE, position, end)) >= 0 and step + 1 < len(buffer):
        if buffer[step + 1] != ESCAPE:
            return step - start
        position = step + 2
    return MAX_NOISE if len(buffer) >= end else 0
