"""Decoders: bytes of one format in, detections out. No sockets, no clock.

To add a format follow docs/adding-a-sensor.md: write `sensors/<name>.py` with a class like `Decoder` below, add one
line to DECODERS, put samples under tests/samples/<name>/. The tests that run over DECODERS do the rest.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Protocol, cast

import msgspec
import numpy as np

from skywarden.errors import ConfigError
from skywarden.model.detection import Decoded, Detections, Frame, Kind, Node, Reason, take
from skywarden.model.place import Sensor, Source
from skywarden.model.track import Mode
from skywarden.pcap import Take, udp
from skywarden.sensors.asterix import Asterix
from skywarden.sensors.microphone import Microphone
from skywarden.sensors.modes import Beast, ModeS
from skywarden.sensors.remoteid import RemoteId
from skywarden.sensors.reports import Reports
from skywarden.sensors.sapient import Sapient
from skywarden.sensors.sbs import Sbs


class Decoder(Protocol):
    """One format of one source.

    state: everything it remembers between frames (a msgspec.Struct that encodes to msgpack), or None; saved with
    each snapshot, so that a restarted process goes on with equal results. It keeps no other memory.
    """

    state: Any
    own_times: bool  # messages carry their own times, so that all frames of a tick are decoded together
    answers: bool  # it talks with who sends (see Talker): each frame is of one connection

    def __init__(self, source: Source, sensors: tuple[Sensor, ...], mode: Mode) -> None: ...

    def decode(self, frame: Frame) -> Decoded:
        """Return what the frame's messages say; never raises for anything that is in them."""
        ...

    def rows(self, frame: Frame) -> Iterator[dict[str, Any]]:
        """Yield each message as a JSON-ready row, for `skywarden decode`; a refused one as {"error": reason}."""
        ...

    @staticmethod
    def split(buffer: bytes) -> list[int]:
        """Return the lengths of the whole messages at the start of a byte stream; the rest waits for more bytes.

        Lossless: what is not a message (noise, an oversize line) is given out as one, for `decode` to refuse.
        """
        ...

    @staticmethod
    def stamp(message: bytes, near: int) -> int | None:
        """Return the message's own time (UTC ns), the one closest to `near` if it has no date; None if it has none."""
        ...


class Talker(Protocol):
    """What a decoder that answers has besides: `decode` may return replies, and is told when a connection has ended.

    Its messages say what they are said to be only on the connection on which the sender has introduced himself.
    """

    def hang_up(self) -> tuple[Node, ...]:
        """Forget all connections: another process held them. Return the nodes that are remembered."""
        ...


class Gatherer(Protocol):
    """What a decoder has besides that can decode the frames of many sources at once, sooner than one by one."""

    alike: Hashable  # the same for all decoders whose frames can be decoded together

    @staticmethod
    def together(asked: Sequence[tuple[Any, Frame]]) -> list[Decoded]:
        """Return what `decode` of each decoder says of its frame. If it raises, none of them remembers anything."""
        ...


class Catcher(Protocol):
    """What a decoder has besides whose messages are not UDP datagrams where they are captured."""

    capturable: str  # what a packet must be, in words: "a radio frame with ..."

    @staticmethod
    def captured(link: int, packet: bytes, time: int) -> bytes | None:
        """Return the message that one captured packet holds, None if none. link: type in libpcap's list; time: ns."""
        ...


def taking(decoder: object) -> tuple[Take, str]:
    """Return what takes messages out of captured packets for a decoder or its class, and which packets, in words."""
    if not hasattr(decoder, "captured"):
        return udp, "a whole UDP datagram over IPv4"
    catcher = cast(Catcher, decoder)
    return catcher.captured, catcher.capturable


NEAR = 1_000_000_000  # ns; frames received within the same second may be joined

DECODERS: Mapping[str, type[Decoder]] = {
    "asterix": Asterix,
    "modes": ModeS,
    "beast": Beast,
    "sbs": Sbs,
    "sapient": Sapient,
    "microphone": Microphone,
    "reports": Reports,
    "remoteid": RemoteId,
}
SLOW = {"reports"}  # formats of people, whose messages may be a minute late


class Reader:
    """One decoder per source. A new Reader fed the same frames gives the same batches."""

    def __init__(self, sources: Sequence[Source], sensors: Sequence[Sensor], mode: Mode) -> None:
        self._sources = {s.name: s for s in sources}
        self._decoders: dict[str, Decoder] = {}
        self._coverage = {s.name: coverage for s in sensors if (coverage := s.coverage) is not None}
        self._fast = {s.name: s.time_bias_s for s in sensors}
        self._owner = {s.name: s.source for s in sensors} | {s.name: s.name for s in sources}
        for source in sources:
            if source.format not in DECODERS:
                raise ConfigError(f'unknown format "{source.format}"; there are {", ".join(DECODERS)}')
            mine = tuple(s for s in sensors if s.source == source.name)
            self._decoders[source.name] = DECODERS[source.format](source, mine, mode)

    def read(self, frame: Frame) -> Decoded:
        """Decode one frame and set aside what no sensor can have measured (not finite, far past, future)."""
        return self._possible(self._decoders[frame.source].decode(frame))

    def read_all(self, frames: Sequence[Frame]) -> list[Decoded]:
        """Return what `read` says of the frames of one of `groups`. If it raises, nothing of them is remembered."""
        asked = [(cast(Any, self._decoders[frame.source]), frame) for frame in frames]
        found = []
        for decoded, frame in zip(asked[0][0].together(asked), frames, strict=True):
            try:
                found.append(self._possible(decoded))
            except Exception:  # noqa: BLE001 - the decoders remember these frames now: they cannot be read once more
                found.append(Decoded(frame.source, 0, (), {Reason.DECODER_FAULT: len(frame)}))
        return found

    def groups(self, frames: Sequence[Frame]) -> list[list[int]]:
        """Return which frames can be decoded together: of decoders that can, no two of a source, in their order."""
        found: list[list[int]] = []
        latest: dict[Hashable, list[int]] = {}
        for index, frame in enumerate(frames):
            alike = getattr(self._decoders.get(frame.source), "alike", None) if _whole(frame) else None
            group = latest.get(alike) if alike is not None else None
            if group is None or frame.source in {frames[k].source for k in group}:
                group = []
                found.append(group)
            group.append(index)
            if alike is not None:
                latest[alike] = group
        return found

    def _possible(self, decoded: Decoded) -> Decoded:
        """Set aside what no sensor can have measured; add what is known of the sensors."""
        source = self._sources[decoded.source]
        refused = dict(decoded.refused)
        batches, useless = list[Detections](), dict[str, str]()
        for batch in decoded.batches:
            if self._owner.get(batch.sensor, decoded.source) != decoded.source:  # its name is another's
                refused[Reason.MISDIRECTED] = refused.get(Reason.MISDIRECTED, 0) + len(batch)
                continue
            bad: dict[str, int] = {}
            good = _sound(batch, source, self._fast.get(batch.sensor, 0.0), bad)
            if good.kind is Kind.TRACK:
                good = replace(good, policy=source.tracks)
            if (coverage := self._coverage.get(good.sensor)) is not None:
                good = replace(good, coverage=coverage)
            for reason, count in bad.items():
                refused[reason] = refused.get(reason, 0) + count
            if len(good):
                batches.append(good)
            elif bad:
                useless[batch.sensor] = max(bad, key=lambda reason: bad[reason])
        return replace(decoded, batches=tuple(batches), refused=refused, useless=useless)

    def join(self, frames: Sequence[tuple[int, Frame]]) -> list[tuple[int, Frame]]:
        """Make one frame of those of each connection whose messages carry their own times. (seq, frame): the last seq.

        Decoding costs a fixed time for each frame, whatever is in it; what they say does not depend on the cuts.
        """
        groups: dict[tuple[str, int, int], list[tuple[int, Frame]]] = {}
        for index, (seq, frame) in enumerate(frames):
            own = frame.source in self._decoders and self._decoders[frame.source].own_times and len(frame)
            part = frame.received // NEAR if own else index  # far apart in time they must keep their own receipt
            groups.setdefault((frame.source, frame.peer, part), []).append((seq, frame))
        return [(group[-1][0], _joined([frame for _, frame in group])) for group in groups.values()]

    def hang_up(self) -> dict[str, tuple[Node, ...]]:
        """Tell the decoders that answer that all their connections have ended; return source -> its nodes."""
        return {name: cast(Talker, d).hang_up() for name, d in self._decoders.items() if d.answers}

    def save(self) -> dict[str, bytes]:
        """Return the memory of every decoder that has one."""
        return {n: msgspec.msgpack.encode(d.state) for n, d in self._decoders.items() if d.state is not None}

    def restore(self, saved: Mapping[str, bytes]) -> None:
        """Give decoders of the same source and format their memory back."""
        for name, data in saved.items():
            decoder = self._decoders.get(name)
            if decoder is not None and decoder.state is not None:
                with suppress(msgspec.MsgspecError):  # of another version: it begins without memory
                    decoder.state = msgspec.msgpack.decode(data, type=type(decoder.state))


def _whole(frame: Frame) -> bool:
    """Return whether a frame can be one of several: it has messages, and their lengths are those of its data."""
    return not frame.over and len(frame) > 0 and int(frame.bounds()[-1]) == len(frame.data)


def _joined(frames: Sequence[Frame]) -> Frame:
    last = frames[-1]
    if len(frames) == 1:
        return last
    data, lengths = b"".join(f.data for f in frames), b"".join(f.lengths for f in frames)
    return Frame(last.source, last.received, data, lengths, last.peer)


def _sound(batch: Detections, source: Source, fast: float, refused: dict[str, int]) -> Detections:
    """Return the rows that can be used; count the others by reason in `refused`, which is empty.

    fast: s, the bias of the sensor's clock that is configured, and taken off later on.
    """
    age = (batch.received - batch.time) * 1e-9 + fast
    diagonal = np.einsum("nii->ni", batch.covariance)
    missing = np.isnan(batch.z)
    finite = ~np.isinf(batch.z).any(1) & ~missing.all(1) & ((diagonal > 0) | missing).all(1)
    finite &= (np.isfinite(diagonal) | missing).all(1)
    past, future = age > source.max_age_s, age < -source.max_lead_s
    for reason, rows in ((Reason.NOT_FINITE, ~finite), (Reason.PAST, finite & past), (Reason.FUTURE, finite & future)):
        if count := int(rows.sum()):
            refused[reason] = count
    keep = finite & ~past & ~future
    return batch if keep.all() else take(batch, keep)
