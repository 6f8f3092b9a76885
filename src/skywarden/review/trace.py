"""A line that remembers which messages corrected one track: detections are followed back to the bytes they came in.

The tracker says which detection corrected which track. Which message a detection came from no decoder says, so the
frames of a tick are decoded once more, message by message, from what the decoder remembered before that tick: what is
said does not depend on where the bytes were cut (tests/contracts). This is done only for frames that matter.

What is listed are measurements that were matched at the head, when they came. What comes late is put in its place in
time by a second chain, which is the head some seconds later; what the two make of the same measurements is nearly the
same. Single microphones are asked all together, and are matched to nobody.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from skywarden.identify import Heard
from skywarden.model.detection import Detections, Frame
from skywarden.model.event import Failed, Input, Started, Tick
from skywarden.model.place import I64
from skywarden.model.track import Picture
from skywarden.pipeline import Caused, Line
from skywarden.review.meaning import Says, meaning
from skywarden.sensors import Reader

Key = tuple[str, int, int, bytes]  # sensor, kind, subject, what was measured, to the bit


class Measured(NamedTuple):
    """One measurement that corrected the track, or began it.

    seq: of the entry with its frame; received: ns. message: which of the frame's `messages`, from 1 on; 0: not known.
    time: ns, when the target was there, as the sensor said. data: the message's bytes, or the frame's.
    """

    seq: int
    source: str
    received: int
    message: int
    messages: int
    sensor: str
    time: int
    kind: str
    says: Says
    data: bytes


class Message(NamedTuple):
    """One message of a tick. place: from 1 on."""

    seq: int
    place: int
    frame: Frame
    data: bytes


class Came(NamedTuple):
    """What came for one tick. memory: of the decoders before it. found: source -> messages by what they say."""

    frames: list[tuple[int, Frame]]
    memory: dict[str, bytes]
    reader: Reader
    found: dict[str, dict[Key, deque[Message]]]

    def message(self, key: Key) -> Message | None:
        """Return the message that says this, each once; the last again where there are no more."""
        for source in dict.fromkeys(frame.source for _, frame in self.frames):
            if source not in self.found:
                self.found[source] = self._read(source)
            some = self.found[source].get(key)
            if some:
                return some.popleft() if len(some) > 1 else some[0]
        return None

    def only(self, sources: set[str]) -> "Came":
        """Return what came from some sources; with `self` go the frames and the memory of all others."""
        frames = [(seq, frame) for seq, frame in self.frames if frame.source in sources]
        memory = {name: data for name, data in self.memory.items() if name in sources}
        return Came(frames, memory, self.reader, {})

    def _read(self, source: str) -> dict[Key, deque[Message]]:
        """Decode a source's frames once more, message by message."""
        if source in self.memory:
            self.reader.restore({source: self.memory[source]})
        found: dict[Key, deque[Message]] = {}
        for seq, frame in self.frames:
            if frame.source != source or frame.over:
                continue
            for place, part in _parts(frame):
                for batch in self._batches(part):
                    for row in range(len(batch)):
                        message = Message(seq, place, frame, part.data)
                        found.setdefault(_key(batch, row), deque()).append(message)
        return found

    def _batches(self, part: Frame) -> tuple[Detections, ...]:
        try:
            return self.reader.read(part).batches
        except Exception:  # noqa: BLE001 - a message that breaks a decoder did so when it came, and was refused
            return ()


class Row(NamedTuple):
    """A measurement whose message has not been looked for yet."""

    came: Came
    batch: Detections
    row: int


@dataclass
class Traced(Line):
    """A line that keeps what corrected the track `track`, until after entry `until`. Equal to a Line in all it gives.

    measured: in their order. at: the line's picture after `until`. begun: labels that the track had; known: labels of
    those that were there before the first entry, so that what corrected them then is not known.
    """

    track: int = 0
    until: int = 0
    measured: list[Measured] = field(default_factory=list, compare=False)
    at: Picture | None = field(default=None, compare=False)
    begun: set[int] = field(default_factory=set, compare=False)
    known: frozenset[int] = field(default=frozenset(), compare=False)
    _open: dict[int, list[Row]] = field(default_factory=dict, compare=False)
    _heard: Heard | None = field(default=None, compare=False)
    _again: Reader | None = field(default=None, compare=False)

    def follow(self, track: int, until: int) -> "Traced":
        """Begin to follow a track."""
        self.track, self.until, self.tell = track, until, self._take
        labels = self.picture.tracks.label.tolist() if self.picture is not None else []
        self.known = frozenset(labels)
        return self

    def feed(self, seq: int, event: Input) -> list[Caused]:
        """See Line."""
        follows = seq <= self.until and isinstance(event, Tick | Started) and self.picture is not None
        came = self._came() if follows else None
        self._heard = None
        outputs = Line.feed(self, seq, event)
        if isinstance(event, Started):
            self._again = None
        failed = any(isinstance(one.event, Failed) for one in outputs)
        if came is not None and not failed:
            self._keep(came, self._heard)
        if seq == self.until:
            self.at = self.picture
        return outputs

    def _take(self, heard: Heard) -> None:
        self._heard = heard

    def _came(self) -> Came:
        if self._again is None:
            assert self.picture is not None
            self._again = Reader(self.settings.sources, self.settings.sensors, self.picture.mode)
        memory = self.reader.save() if self._pending else {}
        return Came(list(self._pending), memory, self._again, {})

    def _keep(self, came: Came, heard: Heard | None) -> None:
        """Keep what this tick's detections did. Of tracks without a number yet nobody knows who they will be."""
        assert self.picture is not None
        tracks = self.picture.tracks
        mine, others = tracks.label[tracks.number == self.track], tracks.label[tracks.number == 0]
        matched = list(_matched(heard, np.concatenate((mine, others))))
        if matched:  # a track may be without a number for minutes, and would hold all that came
            came = came.only(self._sources({batch.sensor for _, (batch, _) in matched}, came))
        for label, row in matched:
            self._open.setdefault(label, []).append(Row(came, *row))
        for label in mine.tolist():
            self.begun.add(label)
            self.measured += [_measured(row) for row in self._open.pop(label, [])]
        still = set(others.tolist())
        self._open = {label: rows for label, rows in self._open.items() if label in still}

    def _sources(self, sensors: set[str], came: Came) -> set[str]:
        """Return from which sources sensors may have come: all of them where one is not known."""
        owner = {s.name: s.source for s in self.settings.sensors} | {s.name: s.name for s in self.settings.sources}
        found = {owner.get(name, owner.get(name.split("/")[0], "")) for name in sensors}
        return {frame.source for _, frame in came.frames} if "" in found else found

    @property
    def whole(self) -> bool:
        """Say whether all of the track's measurements are there: nothing of it was before the first entry."""
        return not self.begun & self.known


def _matched(heard: Heard | None, labels: I64) -> Iterator[tuple[int, tuple[Detections, int]]]:
    """Yield the detections that were matched to one of `labels`, with it."""
    if heard is None or not len(labels):
        return
    for batch, match in zip(heard.batches, heard.matches, strict=True):
        for row in np.flatnonzero((match > 0) & np.isin(match, labels)).tolist():
            yield int(match[row]), (batch, row)


def _measured(row: Row) -> Measured:
    batch, k = row.batch, row.row
    message = row.came.message(_key(batch, k))
    said = batch.sensor, int(batch.time[k]), batch.kind.name.lower(), meaning(batch, k)
    if message is not None:
        frame = message.frame
        return Measured(message.seq, frame.source, frame.received, message.place, len(frame), *said, message.data)
    source = batch.sensor
    return Measured(0, source, batch.received, 0, 0, *said, b"")


def _parts(frame: Frame) -> Iterator[tuple[int, Frame]]:
    """Yield a frame's messages as frames, with their places; a frame without messages as it is."""
    if not len(frame):
        yield 0, frame
    for place, data in enumerate(frame.messages(), 1):
        yield place, Frame.of(frame.source, frame.received, data, peer=frame.peer)


def _key(batch: Detections, row: int) -> Key:
    return batch.sensor, int(batch.kind), int(batch.subject[row]), batch.raw[row].tobytes()
