"""What is known of one source's wire, and the messages it has brought that nobody has fetched yet."""

import errno
import math
import os
import struct
import time
from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from skywarden.model.detection import Frame
from skywarden.model.place import Source
from skywarden.service.clock import DataClock
from skywarden.service.quota import Quota, rate_of

POLL_BYTES = 1 << 20  # bytes read of one source in one poll, so that a flood does not delay the others
POLL_DATAGRAMS = 2048  # the same, counted
PARTIAL = 1 << 20  # bytes of an unfinished message kept; then it is handed on as it is
WAITING = 64 << 20  # bytes of one source that wait for the engine; then TCP waits and UDP is dropped
TOTAL = 256 << 20  # bytes of all sources, with those that the engine works on; then the same for who has much waiting
OVERHEAD = 256  # bytes that a frame takes besides its messages
EARLY = 4096  # messages without a time before the first one that has one

RETRY = 2.0  # s between two tries to listen
SILENT_AFTER = 10.0  # s without a message from a source, or on one of its addresses, that has brought some before
LISTENING = "listening"
READING = "reading"
FINISHED = "finished"
QUIET = f"nothing for {SILENT_AFTER:.0f} s at"  # addresses follow
FAST = "faster than max_rate:"  # a host follows


class Framing(Protocol):
    """The part of a decoder that cuts a stream into messages (see sensors.Decoder)."""

    answers: bool

    @staticmethod
    def split(buffer: bytes) -> list[int]: ...

    @staticmethod
    def stamp(message: bytes, near: int) -> int | None: ...


class Wire(msgspec.Struct, frozen=True):
    """One source's wire, as /api/health shows it. Counters start with the process.

    state: "listening", "connected", "connecting", "waiting: ...", "cannot listen: ...", "reading", "finished",
    "cannot read: ..."; "listening: nothing for 10 s at ...", "connected: ...": other addresses hear, and these, which
    heard before in this process, do not; "listening: faster than max_rate: HOST", "connected: ...": in the last 10 s
    that host sent more than it may. received: messages; delayed: those over their connection's rate, which waited;
    overrun: messages lost because we did not keep up; last_received: ns, 0 before the first; peers: connected clients;
    address: with the port that was really bound, or the file; several are joined by ", "; a multicast group has its
    interface after an "@". displaced: clients sent away for others. silent_after: s without a message, 0 never.
    """

    name: str
    state: str
    received: int
    bytes: int
    overrun: int
    last_received: int
    peers: int
    address: str
    displaced: int = 0
    delayed: int = 0
    silent_after: float = SILENT_AFTER


class Way:
    """One address, or the file, of a source. heard: s, steady, its last whole message; 0.0: none yet."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.state = ""
        self.heard = 0.0
        self.peers = self.displaced = 0


class Load:
    """What all sources together keep in memory. waiting: bytes; share: what a source may have even then."""

    def __init__(self, sources: int = 1, total: int = TOTAL) -> None:
        self.waiting, self._total = 0, total
        self.divide(sources)

    def divide(self, sources: int) -> None:
        """Give each of so many sources its share."""
        self.share = self._total // (2 * max(sources, 1))

    @property
    def full(self) -> bool:
        return self.waiting >= self._total


class Feed:
    """Counters and fresh messages of one source. Only the receiver thread changes it; `waiting` is the inbox's."""

    def __init__(
        self,
        source: Source,
        framing: type[Framing],
        addresses: Sequence[str],
        load: Load,
        limited: bool = True,
    ) -> None:
        """Begin with nothing. limited: senders have quotas."""
        self._load, self._limited = load, limited
        self.begin(source, framing, addresses)
        self.received = self.bytes = self.overrun = self.last_received = self.delayed = 0
        self.waiting = self._over = 0
        self._fastest = ""  # host that was last too fast, and when, s, steady
        self._fast_at = 0.0
        self.done = False
        self._fresh: dict[int, tuple[list[bytes], list[int]]] = {}  # connection -> pieces, lengths
        self._ended: list[int] = []  # connections
        self._connections = 0

    def begin(self, source: Source, framing: type[Framing], addresses: Sequence[str]) -> None:
        """Go on with another wire under the same name: counters and the numbers of connections are not begun again."""
        self.framing = framing
        self.ways = [Way(address) for address in addresses]
        self.mean(source)

    def mean(self, source: Source) -> None:
        """Go on with the same wire under other settings of what its messages mean."""
        self.source = source
        self.quota = Quota(rate_of(source) if self._limited else math.inf)

    def slow(self, host: str, *, delayed: int = 0, refused: int = 0) -> None:
        """Note that a host sends more than it may: so many of its messages wait, or are not taken in."""
        self._fastest, self._fast_at = host, time.monotonic()
        self.delayed += delayed
        self._over += refused

    @property
    def full(self) -> bool:
        """Say whether so much waits for the engine that no more may be read."""
        waiting = self.waiting
        return waiting >= WAITING or (waiting >= self._load.share and self._load.full)

    def wire(self) -> Wire:
        return Wire(
            self.source.name,
            self._state(time.monotonic()),
            self.received,
            self.bytes,
            self.overrun,
            self.last_received,
            sum(way.peers for way in self.ways),
            ", ".join(way.address for way in self.ways),
            sum(way.displaced for way in self.ways),
            self.delayed,
            self.source.silent_after_s,
        )

    def _state(self, now: float) -> str:
        state = _state(self.ways, now)
        fast = self._fastest and now - self._fast_at < SILENT_AFTER and ":" not in state
        return f"{state}: {FAST} {self._fastest}" if fast else state

    def connection(self) -> int:
        """Return the number of a new connection; 0 when the format does not ask who sent."""
        self._connections += 1
        return self._connections if self.framing.answers else 0

    def add(self, data: bytes, lengths: list[int], connection: int = 0) -> None:
        """Take whole messages in."""
        pieces, known = self._fresh.setdefault(connection, ([], []))
        pieces.append(data)
        known += lengths

    def cut(self, partial: bytes, chunk: bytes) -> tuple[bytes, list[int], bytes]:
        """Return the whole messages of a stream, their lengths, and what waits for more bytes."""
        buffer = partial + chunk if partial else chunk
        lengths = self.framing.split(buffer)
        used = sum(lengths)
        return (buffer[:used] if used < len(buffer) else buffer), lengths, buffer[used:]

    def stamp(self, message: bytes, near: int) -> int | None:
        """Return a message's own time. One at which the format's code fails has none: `decode` will refuse it."""
        try:
            return self.framing.stamp(message, near)
        except Exception:  # noqa: BLE001 - formats may be other people's; a fault there must not end the receiver
            return None

    def end(self, partial: bytes, connection: int = 0) -> None:
        """A peer left in the middle of a message: keep what came, the decoder refuses it and it is counted."""
        if partial:
            self.add(partial, [len(partial)], connection)

    def ended(self, connection: int) -> None:
        """Let a decoder that answers know that a connection is no more."""
        if connection:
            self._ended.append(connection)

    def flush(self, now: int) -> list[Frame]:
        """Return what was taken in since the last call, received now (UTC ns): a frame for each connection."""
        if not self._fresh and not self._ended and not self._over:
            return []
        over, self._over = self._over, 0
        fresh, ended, frames = self._fresh, self._ended, list[Frame]()
        self._fresh, self._ended = {}, []
        last = {connection: fresh.pop(connection) for connection in ended if connection in fresh}
        for connection, (pieces, lengths) in (*last.items(), *fresh.items()):
            data = b"".join(pieces)
            self.received += len(lengths)
            self.bytes += len(data)
            self.last_received = now
            packed = struct.pack(f"<{len(lengths)}I", *lengths)
            frames.append(Frame(self.source.name, now, data, packed, connection))
        ends = [Frame.of(self.source.name, now, peer=connection) for connection in ended]
        if over:
            frames.append(Frame(self.source.name, now, b"", b"", over=over))
        return [*frames[: len(last)], *ends, *frames[len(last) :]]  # who comes back finds his old connection ended

    def messages(self) -> list[bytes]:
        """Return what was taken in since the last call, one by one. Who sent it is forgotten: nobody is answered."""
        fresh, found = self._fresh, list[bytes]()
        self._fresh, self._ended = {}, []
        for pieces, lengths in fresh.values():
            data, start = b"".join(pieces), 0
            for length in lengths:
                found.append(data[start : start + length])
                start += length
        return found


class Stamper:
    """Gives the messages of recordings their own times, one frame for each (data clock).

    Messages before the first time that is believed wait for it, EARLY at most; then the host's time has to do.
    """

    def __init__(self, clock: DataClock) -> None:
        self._clock = clock
        self._early: list[tuple[Feed, bytes]] = []

    def near(self) -> int:
        """Return the time to which messages without a date belong."""
        return self._clock.now() or time.time_ns()

    def frames(self, feed: Feed, messages: Iterable[bytes]) -> list[Frame]:
        """Stamp a feed's messages and move the data clock."""
        return [f for m in messages for f in self.frame(feed, feed.stamp(m, self.near()), m)]

    def frame(self, feed: Feed, time_ns: int | None, message: bytes) -> list[Frame]:
        """Return the frame for one message whose time is known, after those that waited for a time."""
        if time_ns is not None:
            self._clock.observe(time_ns)
        if not self._clock.now():
            self._early.append((feed, message))
            return self.rest() if len(self._early) >= EARLY else []
        return [*self._release(), self._frame(feed, message)]

    def rest(self) -> list[Frame]:
        """Return what still waits for a time when nothing more will come."""
        if self._early:
            self._clock.observe(self.near())
        return self._release()

    def _release(self) -> list[Frame]:
        early, self._early = self._early, []
        return [self._frame(feed, message) for feed, message in early]

    def _frame(self, feed: Feed, message: bytes) -> Frame:
        feed.received += 1
        feed.bytes += len(message)
        feed.last_received = self._clock.now()
        return Frame.of(feed.source.name, feed.last_received, message)


def _state(ways: Sequence[Way], now: float) -> str:
    """Return the state of a source. now: s, steady.

    The first fault, with its address when there are several; else the liveliest, with the addresses that have gone
    silent while another hears. One that never heard may be a spare. When all are silent, the source is (rows.py).
    """
    for way in ways:
        if way.state.startswith("cannot"):
            return way.state if len(ways) == 1 else f"{way.state} ({way.address})"
    state = min((way.state for way in ways), default="")  # "connected" before "listening"
    heard = [way for way in ways if way.heard]
    silent = [way.address for way in heard if now - way.heard > SILENT_AFTER]
    return f"{state}: {QUIET} {', '.join(silent)}" if 0 < len(silent) < len(heard) else state


def why(error: OSError) -> str:
    """Say an error of the system in a few words."""
    words = {
        errno.EADDRINUSE: "address in use",
        errno.EADDRNOTAVAIL: "this computer does not have that address",
        errno.ENODEV: "this computer does not have that interface",
    }
    return words.get(error.errno or 0) or (os.strerror(error.errno).lower() if error.errno else str(error))


def size(frame: Frame) -> int:
    """Return the bytes that a frame takes while it waits."""
    return len(frame.data) + len(frame.lengths) + OVERHEAD
