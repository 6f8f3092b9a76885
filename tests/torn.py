"""What a disk can do to a file: bits that flip, pages lost, exchanged or written half, an end that is missing."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

SECTOR = 512  # bytes; the least that a disk writes
PAGE = 8192  # bytes, of a segment
Tear = Callable[[bytearray, np.random.Generator], None]


def _spot(data: bytearray, rng: np.random.Generator, size: int) -> int:
    """Return where a block of a size begins, aligned to it."""
    return int(rng.integers(max(1, len(data) // size))) * size


def bits_flipped(data: bytearray, rng: np.random.Generator) -> None:
    """One to three bits, anywhere."""
    for place in rng.integers(len(data), size=int(rng.integers(1, 4))):
        data[place] ^= 1 << int(rng.integers(8))


def head_changed(data: bytearray, rng: np.random.Generator) -> None:
    """One byte where a page says what it holds: its type, how many cells, where they are."""
    at = _spot(data, rng, PAGE) + int(rng.integers(120))
    data[min(at, len(data) - 1)] = int(rng.integers(256))


def bytes_written_over(data: bytearray, rng: np.random.Generator) -> None:
    """Some bytes in a row, with anything."""
    size = int(rng.integers(1, 64))
    at = int(rng.integers(max(1, len(data) - size)))
    data[at : at + size] = rng.bytes(len(data[at : at + size]))


def page_zeroed(data: bytearray, rng: np.random.Generator) -> None:
    """A page or a sector that holds nothing."""
    size = (PAGE, SECTOR)[int(rng.integers(2))]
    at = _spot(data, rng, size)
    data[at : at + size] = bytes(len(data[at : at + size]))


def pages_exchanged(data: bytearray, rng: np.random.Generator) -> None:
    """Two pages or sectors, each at the other's place."""
    size = (PAGE, SECTOR)[int(rng.integers(2))]
    a, b = _spot(data, rng, size), _spot(data, rng, size)
    data[a : a + size], data[b : b + size] = data[b : b + size], data[a : a + size]


def page_doubled(data: bytearray, rng: np.random.Generator) -> None:
    """A page at the place of another one too: a write that went astray."""
    a, b = _spot(data, rng, PAGE), _spot(data, rng, PAGE)
    data[a : a + PAGE] = data[b : b + PAGE]


def end_missing(data: bytearray, rng: np.random.Generator) -> None:
    """Cut off, anywhere or between two pages."""
    size = int(rng.integers(len(data)))
    del data[size // PAGE * PAGE if rng.random() < 0.5 else size :]


def end_too_long(data: bytearray, rng: np.random.Generator) -> None:
    """Something behind the end: nothing, anything, or what stands before it."""
    size = int(rng.integers(1, 3 * PAGE))
    data += (bytes(size), rng.bytes(size), bytes(data[-size:]))[int(rng.integers(3))]


TEARS: tuple[Tear, ...] = (
    bits_flipped,
    head_changed,
    bytes_written_over,
    page_zeroed,
    pages_exchanged,
    page_doubled,
    end_missing,
    end_too_long,
)


def tear(file: Path, way: Tear, rng: np.random.Generator) -> bool:
    """Damage a file; return whether it is another one now."""
    before = file.read_bytes()
    data = bytearray(before)
    way(data, rng)
    file.write_bytes(data)
    return bytes(data) != before
