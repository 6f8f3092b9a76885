"""The decoder of one ASTERIX source: frames in, detections out.

A message is a datagram, or one data block of a stream; it may hold several data blocks. What happens to it:

1. `reading`: its blocks and records must fit the editions that the source is configured with, and say what can be.
2. Bytes seen a moment ago (a second network) count as DUPLICATE.
3. Category 034 tells the radar's place (I034/120: WGS 84, its height taken as above the ellipsoid) and how long its
   antenna takes to turn. The configured place holds; without one the first reported place does. A report more than
   500 m off is a fault and refused.
4. Category 048 becomes POLAR detections, category 062 TRACKs. Simulated and test reports are set aside in a live
   picture, plots of a radar without a place always, and so is what comes of radars and systems without a block once
   there are SENDERS of them: QUOTA.

A message is counted once, under the first reason against it. Reasons of 1 to 3 refuse the whole message; those of 4
only set aside the records they are about.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from skywarden.errors import DecodeError
from skywarden.model.detection import Decoded, Frame, Reason
from skywarden.model.place import Sensor, Source
from skywarden.model.track import Mode
from skywarden.sensors.asterix import together
from skywarden.sensors.asterix.clock import utc
from skywarden.sensors.asterix.codec import HEADER, decode_record, time_of_day
from skywarden.sensors.asterix.editions import CURRENT, chosen
from skywarden.sensors.asterix.memory import Memory
from skywarden.sensors.asterix.reading import Compiled, read
from skywarden.sensors.asterix.sender import Sender


class Asterix:
    """One source of categories 034, 048, 062 and 065. See the module."""

    own_times = True
    answers = False

    def __init__(self, source: Source, sensors: tuple[Sensor, ...], mode: Mode) -> None:
        """Raises ConfigError for an edition, a height or a north that cannot be used."""
        self._categories = {number: Compiled.of(table) for number, table in chosen(source.editions).items()}
        self._sender = Sender(source, sensors)
        self._mode = mode
        self.alike = mode, tuple(sorted((number, c.program.table.edition) for number, c in self._categories.items()))
        self.state = Memory()

    def decode(self, frame: Frame) -> Decoded:
        """Return what the frame's messages say."""
        return self.together([(self, frame)])[0]

    @staticmethod
    def together(asked: Sequence[tuple["Asterix", Frame]]) -> list[Decoded]:
        """Return what the frames of several sources that are `alike` say; see `together`."""
        first = asked[0][0]
        parts = [together.Part(asterix._sender, asterix.state, frame) for asterix, frame in asked]
        return together.decoded(parts, first._categories, first._mode)

    def rows(self, frame: Frame) -> Iterator[dict[str, Any]]:
        """Yield each record as a JSON-ready row; a refused message as one row that says why."""
        _, verdicts = read(frame, self._categories)
        for index, message in enumerate(frame.messages()):
            reason = verdicts.reason(index)
            if reason is None:
                yield from self._records(message, frame)
            else:
                detail = "" if reason is Reason.UNSUPPORTED else self._detail(message)
                yield {"error": str(reason), "detail": detail, "source": frame.source}

    def _records(self, message: bytes, frame: Frame) -> Iterator[dict[str, Any]]:
        at = 0
        while at < len(message):
            end = at + int.from_bytes(message[at + 1 : at + HEADER], "big")
            if not at + HEADER < end <= len(message):
                raise DecodeError(Reason.MALFORMED, "a data block has no length that fits")
            compiled = self._categories.get(message[at])
            place = at + HEADER
            while compiled and place < end:
                table = compiled.program.table
                record, place = decode_record(table, message, place, end)
                head = {"category": table.number, **_identity(record, table.time, frame)}
                yield head | {f"I{table.number:03}/{name}": value for name, value in record.items()}
            at = end

    def _detail(self, message: bytes) -> str:
        try:
            for _ in self._records(message, Frame.of("", 0, message)):
                pass
        except DecodeError as e:
            return e.detail
        return "a record lacks what it must have, or a value is outside what is possible"

    @staticmethod
    def split(buffer: bytes) -> list[int]:
        """Return the lengths of the whole data blocks at the start; where no block can start, all that is left."""
        found, at = [], 0
        while at + HEADER <= len(buffer):
            size = int.from_bytes(buffer[at + 1 : at + HEADER], "big")
            if size < HEADER or buffer[at] == 0:
                found.append(len(buffer) - at)
                break
            if at + size > len(buffer):
                break
            found.append(size)
            at += size
        return found

    @staticmethod
    def stamp(message: bytes, near: int) -> int | None:
        """Return the time of the message's first record, UTC ns, on the day closest to `near`."""
        table = CURRENT.get(message[0]) if message else None
        seconds = time_of_day(table, message) if table else None
        return None if seconds is None else int(utc(np.array([round(seconds * 128)]), near)[0])


def _identity(record: dict[str, Any], time: str, frame: Frame) -> dict[str, Any]:
    """Return who sent a record and its time; when it was received, for a record without a time."""
    seconds = record.get(time, {}).get("TOD_s")
    ticks = None if seconds is None else np.array([round(seconds * 128)])
    return {
        "sac": record.get("010", {}).get("SAC"),
        "sic": record.get("010", {}).get("SIC"),
        "time": frame.received if ticks is None else int(utc(ticks, frame.received)[0]),
        "source": frame.source,
    }
