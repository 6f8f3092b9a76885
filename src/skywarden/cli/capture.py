"""A file of messages as frames: raw, .gz, pcap, or stdin."""

import gzip
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO, NamedTuple, cast

from skywarden.errors import DecodeError

if TYPE_CHECKING:
    from skywarden.model.detection import Frame
    from skywarden.sensors import Decoder

CHUNK = 1 << 18  # bytes read at once
BATCH = 256  # messages per frame
GZIP = b"\x1f\x8b"
PCAP = (b"\xa1\xb2\xc3\xd4", b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\x3c\x4d", b"\x4d\x3c\xb2\xa1", b"\x0a\x0d\x0d\x0a")


class Opened(NamedTuple):
    """stream: the bytes, unpacked; position: how far the file on disk is read; size: of it, 0 if it is a pipe."""

    stream: "IO[bytes]"
    position: Callable[[], float]
    size: int


@contextmanager
def opened(path: Path) -> "Iterator[Opened]":
    """Open a file, or stdin for "-"; what is packed with gzip is unpacked."""
    if str(path) == "-":
        plain = sys.stdin.buffer
        yield Opened(_unpacked(plain), lambda: 0.0, 0)
        return
    with path.open("rb") as plain:
        yield Opened(_unpacked(plain), lambda: float(plain.tell()), path.stat().st_size)


def _unpacked(plain: BinaryIO) -> "IO[bytes]":
    packed = _peek(plain, 2) == GZIP
    return cast("IO[bytes]", gzip.open(plain)) if packed else plain


def _peek(stream: "IO[bytes]", size: int) -> bytes:
    return bytes(stream.peek(size)[:size])  # type: ignore[attr-defined]  # files, pipes and gzip streams all have it


def frames(stream: "IO[bytes]", decoder: "Decoder", source: str, near: int) -> "Iterator[Frame]":
    """Yield a stream's messages as frames, received at their own times. near: ns, when the first one was."""
    from skywarden.model.detection import Frame

    stamped = _packets(stream) if _peek(stream, 4) in PCAP else _messages(stream, decoder)
    batch: list[bytes] = []
    for time, message in stamped:
        if time is not None:
            near = time
            yield Frame.of(source, near, message)
            continue
        batch.append(message)
        if len(batch) == BATCH:
            near = _time(batch, decoder, near)
            yield Frame.of(source, near, *batch)
            batch = []
    if batch:
        yield Frame.of(source, _time(batch, decoder, near), *batch)


def _time(batch: list[bytes], decoder: "Decoder", near: int) -> int:
    """Return the time of the last message that has one."""
    return next((t for m in reversed(batch) if (t := decoder.stamp(m, near)) is not None), near)


def _packets(stream: "IO[bytes]") -> Iterator[tuple[int | None, bytes]]:
    from skywarden.sensors.asterix.pcap import packets

    yield from packets(b"".join(_chunks(stream)))


def _messages(stream: "IO[bytes]", decoder: "Decoder") -> Iterator[tuple[int | None, bytes]]:
    rest = b""
    for chunk in _chunks(stream):
        buffer, start = rest + chunk, 0
        for length in decoder.split(buffer):
            yield None, buffer[start : start + length]
            start += length
        rest = buffer[start:]
    if rest:
        yield None, rest  # the end of a message is missing: the decoder refuses it, and it is counted


def _chunks(stream: "IO[bytes]") -> Iterator[bytes]:
    try:
        while chunk := stream.read(CHUNK):
            yield chunk
    except (EOFError, zlib.error, gzip.BadGzipFile) as e:
        raise DecodeError("truncated", f"the .gz file is damaged ({e}); what stands before it is printed") from None
