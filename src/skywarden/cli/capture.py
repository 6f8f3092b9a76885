"""A file of messages as frames: raw, .gz, pcap, or stdin."""

import gzip
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from struct import Struct
from typing import IO, TYPE_CHECKING, BinaryIO, NamedTuple, cast

if TYPE_CHECKING:
    from skywarden.model.detection import Frame
    from skywarden.sensors import Decoder

CHUNK = 1 << 18  # bytes read at once
BATCH = 256  # messages per frame
GZIP = b"\x1f\x8b"
PCAP = (b"\xa1\xb2\xc3\xd4", b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\x3c\x4d", b"\x4d\x3c\xb2\xa1", b"\x0a\x0d\x0d\x0a")
DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile)
PCAPNG_PACKETS = (2, 3, 6)  # types of blocks: packet, simple packet, enhanced packet


@dataclass
class Trouble:
    """What was wrong with a file as a whole. damage: why its rest cannot be read; notes: what else to know."""

    damage: str = ""
    notes: list[str] = field(default_factory=list)


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
        if plain.seekable():
            yield Opened(_unpacked(plain), lambda: float(plain.tell()), path.stat().st_size)
        else:
            yield Opened(_unpacked(plain), lambda: 0.0, 0)


def _unpacked(plain: BinaryIO) -> "IO[bytes]":
    packed = plain.peek(2)[:2] == GZIP  # type: ignore[attr-defined]  # files and pipes have it
    return cast("IO[bytes]", gzip.open(plain)) if packed else plain


def frames(
    stream: "IO[bytes]", decoder: "Decoder", source: str, near: int, trouble: Trouble | None = None
) -> "Iterator[Frame]":
    """Yield a stream's messages as frames, received at their own times. near: ns, when the first one was.

    A damaged file ends where the damage is; that and what was left out stands in `trouble` afterwards.
    """
    from skywarden.model.detection import Frame

    trouble = trouble or Trouble()
    chunks = _chunks(stream, trouble)
    first = next(chunks, b"")
    while len(first) < 4 and (more := next(chunks, b"")):
        first += more
    chunks = chain([first], chunks)
    stamped = _packets(chunks, decoder, trouble) if first[:4] in PCAP else _messages(chunks, decoder)
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


def _packets(chunks: Iterator[bytes], decoder: "Decoder", trouble: Trouble) -> Iterator[tuple[int | None, bytes]]:
    from skywarden.pcap import packets
    from skywarden.sensors import taking

    data = b"".join(chunks)
    used, (take, wanted) = 0, taking(decoder)
    for used, packet in enumerate(packets(data, take), 1):  # noqa: B007 - the count is wanted afterwards
        yield packet
    total, cut = census(data)
    if cut:
        trouble.notes.append("the last packet is cut off")
    if total and not used:
        trouble.notes.append(f"none of the {total} packets of this capture is {wanted}")
    elif total > used:
        trouble.notes.append(f"{total - used} of {total} packets left out: not {wanted}")
    elif not total:
        trouble.notes.append("this capture has no whole packet")


def census(data: bytes) -> tuple[int, bool]:
    """Return how many whole packets a capture has, and whether it ends inside one."""
    total, at = 0, 0
    if data[:4] == PCAP[-1]:
        order = "<"
        while at + 12 <= len(data):
            if data[at : at + 4] == PCAP[-1]:
                order = ">" if data[at + 8 : at + 12] == b"\x1a\x2b\x3c\x4d" else "<"
            kind, size = Struct(order + "II").unpack_from(data, at)
            if size < 12 or at + size > len(data):
                break
            total += kind in PCAPNG_PACKETS
            at += size
        return total, at < len(data)
    header, at = Struct(("<" if data[:4] in (PCAP[1], PCAP[3]) else ">") + "IIII"), 24
    while at + header.size <= len(data):
        end = at + header.size + header.unpack_from(data, at)[2]
        if end > len(data):
            break
        total, at = total + 1, end
    return total, at != len(data)


def _messages(chunks: Iterator[bytes], decoder: "Decoder") -> Iterator[tuple[int | None, bytes]]:
    rest = b""
    for chunk in chunks:
        buffer, start = rest + chunk, 0
        for length in decoder.split(buffer):
            yield None, buffer[start : start + length]
            start += length
        rest = buffer[start:]
    if rest:
        yield None, rest  # the end of a message is missing: the decoder refuses it, and it is counted


def _chunks(stream: "IO[bytes]", trouble: Trouble) -> Iterator[bytes]:
    try:
        while chunk := stream.read1(CHUNK):  # type: ignore[attr-defined]  # `read` would lose what it has got so far
            yield chunk
    except DAMAGE as e:
        trouble.damage = f"the .gz file is damaged ({e}); what stands before it is printed"
