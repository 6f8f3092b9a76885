"""The decoder of microphone nodes: bytes -> columns -> one batch of each kind."""

import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from skywarden.model.detection import Decoded, Frame, Reason
from skywarden.model.place import F64, Sensor, Source
from skywarden.model.track import Mode
from skywarden.sensors.microphone.batches import batches
from skywarden.sensors.microphone.layout import CHECK, VERSION, Flags
from skywarden.sensors.microphone.memory import Claimed, Memory, configured, copies, enrol, find
from skywarden.sensors.microphone.reading import CODE, GOOD, LATEST, REASONS, SHORTEST, Said, lengths, read
from skywarden.sensors.microphone.rows import rows

NOT_LIVE = Flags.SIMULATED | Flags.TEST


class Microphone:
    """All nodes of one source. Batches are of the whole source: each row has its node and where that stands."""

    own_times = True
    answers = False

    def __init__(self, source: Source, sensors: tuple[Sensor, ...], mode: Mode) -> None:
        self.state = Memory()
        self._source = source.name
        self._live = mode is Mode.LIVE
        self._fixed = configured(sensors)

    def decode(self, frame: Frame) -> Decoded:
        """Return SOUND, PRESENCE and SILENCE of a frame's messages; never raises for anything that is in them."""
        said = read(frame)
        if self._live:
            said.why[(said.why == GOOD) & ((said.head("flags") & NOT_LIVE) != 0)] = CODE[Reason.SIMULATED]
        origin, moved = self._place(said, frame.received)
        good = said.why == GOOD
        counts = np.bincount(said.why, minlength=len(REASONS)).tolist()
        refused = {str(reason): int(n) for reason, n in zip(REASONS, counts, strict=True) if reason and n}
        if moved:
            refused[Reason.MOVED] = moved
        return Decoded(
            frame.source, int(good.sum()), tuple(batches(frame, said, good, origin, self._fixed.node)), refused
        )

    def _place(self, said: Said, now: int) -> tuple[F64, int]:
        """Mark copies and messages without a place. Return (n, 3) where nodes stand, and how many say elsewhere."""
        origin = np.zeros((len(said.why), 3))
        left = np.flatnonzero(said.why == GOOD)
        claimed = Claimed(
            node=said.head("node")[left],
            number=said.head("number")[left],
            time=said.head("time")[left],
            latitude=said.head("latitude")[left],
            longitude=said.head("longitude")[left],
            height=said.head("height")[left],
            sure=(said.head("flags")[left] & Flags.PLACE) == 0,
        )
        found = find(self.state, claimed.node, self._fixed, now)
        said.why[left[found < 0]] = CODE[Reason.QUOTA]
        left, claimed, found = left[found >= 0], claimed.take(found >= 0), found[found >= 0]
        again = copies(self.state, found, claimed.number, claimed.time)
        said.why[left[again]] = CODE[Reason.DUPLICATE]
        left, claimed, found = left[~again], claimed.take(~again), found[~again]
        place, origin[left] = enrol(self.state, found, claimed, self._fixed)
        said.why[left[place < 0]] = CODE[Reason.SITE_UNKNOWN]
        return origin, int((place > 0).sum())

    def rows(self, frame: Frame) -> Iterator[dict[str, Any]]:
        """Yield what each message says. People may look at copies, too."""
        return rows(self._source, read(frame))

    @staticmethod
    def split(buffer: bytes) -> list[int]:
        """Return the lengths of whole messages; bytes between two messages are given out as one."""
        return lengths(buffer)

    @staticmethod
    def stamp(message: bytes, near: int) -> int | None:
        """Return the end of the look, UTC ns, of the first message."""
        found = lengths(message[:512])
        if not found or found[0] < SHORTEST or message[2] != VERSION:
            return None
        end = found[0]
        if zlib.crc32(message[: end - CHECK]) != int.from_bytes(message[end - CHECK : end], "big"):
            return None
        time = int.from_bytes(message[16:24], "big")
        return time if time < LATEST else None
