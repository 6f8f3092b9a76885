"""Recordings as sources: raw bytes, lines and packet captures, compressed or not, read as fast as they are fetched."""

import gzip
import heapq
import zlib
from collections.abc import Callable, Generator, Iterator, Sequence
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple

from skywarden import pcap
from skywarden.model.detection import Frame
from skywarden.sensors import taking
from skywarden.service.clock import Clock, DataClock
from skywarden.service.wire import FINISHED, PARTIAL, READING, Feed, Stamper, why

CHUNK = 64 << 10  # bytes
AHEAD = 1 << 20  # bytes of recordings that may wait for the engine
POLL_MESSAGES = 2000  # of recordings, by their own times
GZIP = b"\x1f\x8b"
CAPTURES = tuple(bytes.fromhex(m) for m in ("a1b2c3d4", "d4c3b2a1", "a1b23c4d", "4d3cb2a1", "0a0d0d0a"))


class Timed(NamedTuple):
    """A message of a recording. order: ns, where it stands among the others; time: its own, None if it has none."""

    order: int
    time: int | None
    feed: Feed
    message: bytes


class Files:
    """All recordings together: side by side on the host's clock, merged by their own times on the data clock."""

    def __init__(self, feeds: Sequence[Feed], clock: Clock) -> None:
        self._feeds = feeds
        self._pieces = {feed.source.name: _pieces(feed) for feed in feeds}
        self._clock = clock
        self._merged: Iterator[Timed] = iter(())
        if isinstance(clock, DataClock):
            self._stamper = Stamper(clock)
            streams = [_timed(feed, self._pieces[feed.source.name], self._stamper.near) for feed in feeds]
            self._merged = heapq.merge(*streams, key=lambda m: m.order)

    @property
    def done(self) -> bool:
        return all(feed.done for feed in self._feeds)

    def read(self) -> list[Frame]:
        """Return the next frames; none while enough of them wait for the engine."""
        if isinstance(self._clock, DataClock):
            return self._read_merged()
        frames: list[Frame] = []
        for feed in self._feeds:
            room = 0 if feed.done else AHEAD - feed.waiting
            while room > 0 and (piece := next(self._pieces[feed.source.name], None)):
                feed.add(piece[1], piece[2])
                room -= len(piece[1])
            frames += feed.flush(self._clock.now())
        return frames

    def close(self) -> None:
        for pieces in self._pieces.values():
            pieces.close()

    def _read_merged(self) -> list[Frame]:
        frames: list[Frame] = []
        if sum(feed.waiting for feed in self._feeds) >= AHEAD:
            return frames
        for _ in range(POLL_MESSAGES):
            found = next(self._merged, None)
            if found is None:
                return frames + self._stamper.rest()
            frames += self._stamper.frame(found.feed, found.time, found.message)
        return frames


Piece = tuple[int, bytes, list[int]]  # near what time (0: unknown), whole messages, their lengths


def _timed(feed: Feed, pieces: Iterator[Piece], now: Callable[[], int]) -> Iterator[Timed]:
    last = 0
    for near, data, lengths in pieces:
        start = 0
        for length in lengths:
            message = data[start : start + length]
            start += length
            time = feed.stamp(message, near or last or now())
            if time is None and near:
                time = near
            last = time or last
            yield Timed(last, time, feed, message)


def _pieces(feed: Feed) -> Generator[Piece, None, None]:
    """Yield a recording piece by piece; set the feed's state when it ends or cannot be read."""
    feed.ways[0].state = READING
    state = FINISHED
    try:
        with _open(Path(feed.source.file or "")) as stream:
            yield from _cut(feed, stream)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        state = "cannot read: damaged gzip file"
    except OSError as e:
        state = f"cannot read: {why(e)}"
    except ValueError as e:
        state = f"cannot read: {e}"
    except Exception as e:  # noqa: BLE001 - `split` may be other people's; a fault there must not end the receiver
        state = f"cannot read: {e or type(e).__name__}"
    feed.ways[0].state, feed.done = state, True


def _open(path: Path) -> BufferedReader | gzip.GzipFile:
    with path.open("rb") as stream:
        zipped = stream.read(len(GZIP)) == GZIP
    return gzip.open(path) if zipped else path.open("rb")


def _cut(feed: Feed, stream: BufferedReader | gzip.GzipFile) -> Iterator[Piece]:
    first = stream.read(len(CAPTURES[0]))
    if first in CAPTURES:
        for time, message in pcap.packets(first + stream.read(), taking(feed.framing)[0]):
            if message:
                yield time, message, [len(message)]
        return
    partial, chunk = first, first
    while chunk:
        chunk = stream.read(CHUNK)
        buffer = partial + chunk
        lengths = feed.framing.split(buffer) if chunk else []
        if buffer and not lengths and (not chunk or len(buffer) > PARTIAL):
            lengths = [len(buffer)]
        used = sum(lengths)
        partial = buffer[used:]
        if lengths:
            yield 0, buffer[:used], lengths
