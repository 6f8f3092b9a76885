"""The fast way in, first half: where every item of every record lies.

The tables of a category are compiled to rows of whole numbers, one for each item and sub-item; a small loop walks
the bytes by them and writes down offsets. `columns` then reads fields out of these offsets, array by array. What is
refused here is exactly what `codec.decode_record` refuses.

A row is (what, size, first, count):
  FIXED     size octets, mask of the spare bits at `first`
  EXTENDED  at most size octets, mask of the spare bits at `first`
  REPEATED  a count, then elements of size octets, mask at `first`
  CHAINED   elements of size octets while the last bit is set, mask at `first`
  EXPLICIT  a length that counts itself
  COMPOUND  a field specification for the rows first ... first + count
  NOTHING   must not occur
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skywarden.kernel import inner, kernel
from skywarden.model.place import I64
from skywarden.sensors.asterix.layout import (
    Category,
    Chained,
    Compound,
    Explicit,
    Extended,
    Field,
    Fixed,
    Item,
    Repetitive,
    Simple,
)

I32 = NDArray[np.int32]
U8 = NDArray[np.uint8]

NOTHING, FIXED, EXTENDED, REPEATED, CHAINED, EXPLICIT, COMPOUND = range(7)
ABSENT = -1
BAD = -1  # what the kernels return for a layout that does not fit
FINE, MALFORMED, TRUNCATED = range(3)  # how the blocks of a message are


@dataclass(frozen=True, slots=True)
class Program:
    """A category as numbers.

    rows: (k, 4) int32, the profile first, then the sub-items; masks: uint8. items, names: by row; "120", "120/CAL".
    """

    table: Category
    rows: I32
    masks: U8
    items: tuple[Item | None, ...]
    names: tuple[str, ...]

    @property
    def profile(self) -> int:
        return len(self.table.profile)


def program(table: Category) -> Program:
    """Compile the tables of one category."""
    masks = bytearray()
    items = list(table.profile)
    names = [item.name if item else "" for item in items]
    rows = [_row(item, masks) for item in items]
    for index, item in enumerate(table.profile):
        if item is not None and isinstance(item.shape, Compound):
            rows[index] = (COMPOUND, 0, len(rows), len(item.shape.items))
            rows += [_row(sub, masks) for sub in item.shape.items]
            items += item.shape.items
            names += [f"{item.name}/{sub.name}" if sub else "" for sub in item.shape.items]
    as_array = np.frombuffer(bytes(masks), np.uint8)
    return Program(table, np.array(rows, np.int32), as_array, tuple(items), tuple(names))


def _row(item: Item | None, masks: bytearray) -> tuple[int, int, int, int]:
    if item is None or isinstance(item.shape, Compound):
        return (NOTHING, 0, 0, 0)
    shape, first = item.shape, len(masks)
    what, spare = _spare(shape)
    masks += spare
    return (what, len(spare), first, 0)


def _spare(shape: Simple) -> tuple[int, bytes]:
    """Return what a shape is and, for its octets, the bits that must be 0."""
    if isinstance(shape, Explicit):
        return EXPLICIT, b""
    if isinstance(shape, Extended):
        return EXTENDED, b"".join(_mask(part, 1) for part in shape.parts)
    if isinstance(shape, Fixed):
        return FIXED, _mask(shape.fields, 0)
    if isinstance(shape, Repetitive):
        return REPEATED, _mask(shape.element.fields, 0)
    assert isinstance(shape, Chained)
    return CHAINED, _mask(shape.element.fields, 1)


def _mask(fields: Sequence[Field], more: int) -> bytes:
    bits = "".join(("0" if f.name else "1") * f.bits for f in fields) + "0" * more
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


@inner
def _fixed(data: U8, at: int, end: int, row: I32, masks: U8) -> int:
    """Return where `size` octets at `at` end, or BAD when they do not fit or a spare bit is set."""
    size, first = int(row[1]), row[2]
    if at + size > end:
        return BAD
    for i in range(size):
        if data[at + i] & masks[first + i]:
            return BAD
    return at + size


@inner
def _extended(data: U8, at: int, end: int, row: I32, masks: U8) -> int:
    for i in range(int(row[1])):
        if at + i >= end or data[at + i] & masks[row[2] + i]:
            return BAD
        if not data[at + i] & 1:
            return at + i + 1
    return BAD


@inner
def _repeated(data: U8, at: int, end: int, row: I32, masks: U8) -> int:
    if at >= end:
        return BAD
    count = data[at]
    at += 1
    for _ in range(count):
        at = _fixed(data, at, end, row, masks)
        if at == BAD:
            return BAD
    return at


@inner
def _chained(data: U8, at: int, end: int, row: I32, masks: U8) -> int:
    while True:
        at = _fixed(data, at, end, row, masks)
        if at == BAD or not data[at - 1] & 1:
            return at


@inner
def _skip(data: U8, at: int, end: int, row: I32, masks: U8) -> int:
    """Return where the item at `at` ends, or BAD."""
    what = row[0]
    if what == FIXED:
        return _fixed(data, at, end, row, masks)
    if what == EXTENDED:
        return _extended(data, at, end, row, masks)
    if what == REPEATED:
        return _repeated(data, at, end, row, masks)
    if what == CHAINED:
        return _chained(data, at, end, row, masks)
    if what == EXPLICIT and at < end and data[at] > 0 and at + data[at] <= end:
        return at + int(data[at])
    return BAD


@inner
def _specified(data: U8, at: int, end: int, count: int) -> int:
    """Return where the field specification at `at` ends, or BAD when it is too long for `count` items."""
    octets = 0
    while at + octets < end:
        octets += 1
        if not data[at + octets - 1] & 1:
            return at + octets
        if octets * 7 >= count:
            return BAD
    return BAD


@inner
def _compound(data: U8, at: int, end: int, row: I32, rows: I32, masks: U8, found: I32) -> int:  # noqa: PLR0913 - kernel
    first, count = row[2], row[3]
    start = at
    at = _specified(data, start, end, count)
    for octet in range(at - start):
        for bit in range(7):
            if data[start + octet] & (0x80 >> bit):
                k = octet * 7 + bit
                if k >= count:
                    return BAD
                found[first + k] = at
                at = _skip(data, at, end, rows[first + k], masks)
                if at == BAD:
                    return BAD
    return at


@inner
def _record(data: U8, start: int, end: int, rows: I32, masks: U8, profile: int, found: I32) -> int:  # noqa: PLR0913
    """Write down where the items of the record at `start` lie; return where it ends, or BAD."""
    found[:] = ABSENT
    at = _specified(data, start, end, profile)
    body = at
    for octet in range(at - start):
        for bit in range(7):
            if data[start + octet] & (0x80 >> bit):
                k = octet * 7 + bit
                if k >= profile:
                    return BAD
                found[k] = at
                if rows[k, 0] == COMPOUND:
                    at = _compound(data, at, end, rows[k], rows, masks, found)
                else:
                    at = _skip(data, at, end, rows[k], masks)
                if at == BAD:
                    return BAD
    return at if at > body else BAD


@kernel
def _records(  # noqa: PLR0913 - a kernel takes bare arrays
    data: U8, starts: I64, ends: I64, rows: I32, masks: U8, profile: int, offsets: I32, owner: I32, bad: U8
) -> int:
    """Walk the blocks starts ... ends. Returns how many records there are; those beyond `offsets` are only counted."""
    n = 0
    spare = np.empty(offsets.shape[1], np.int32)
    for block in range(len(starts)):
        at, end = starts[block], ends[block]
        while at < end:
            found = offsets[n] if n < len(offsets) else spare
            at = _record(data, at, end, rows, masks, profile, found)
            if at == BAD:
                bad[block] = 1
                break
            if n < len(offsets):
                owner[n] = block
            n += 1
    return n


@kernel
def _blocks(data: U8, bounds: I64, message: I32, starts: I64, ends: I64, state: U8) -> int:  # noqa: PLR0913
    """Find the data blocks of every message; state: FINE, MALFORMED or TRUNCATED, by message."""
    n = 0
    for k in range(len(bounds) - 1):
        at, end = bounds[k], bounds[k + 1]
        if at == end:
            state[k] = MALFORMED
        while at < end:
            if at + 3 > end:
                state[k] = TRUNCATED
                break
            size = int(data[at + 1]) * 256 + int(data[at + 2])
            if size <= 3 or data[at] == 0:
                state[k] = MALFORMED
                break
            if at + size > end:
                state[k] = TRUNCATED
                break
            message[n], starts[n], ends[n] = k, at, at + size
            at += size
            n += 1
    return n


@dataclass(frozen=True, slots=True)
class Blocks:
    """The data blocks of a frame. message: (b,) which message; start, end: (b,); state: (m,) by message."""

    message: I32
    start: I64
    end: I64
    state: U8


def blocks(data: U8, bounds: I64) -> Blocks:
    """Cut messages into data blocks. data: (n,) uint8; bounds: (m + 1,) where messages start and end."""
    room = len(data) // 4 + 1
    message, start, end = np.empty(room, np.int32), np.empty(room, np.int64), np.empty(room, np.int64)
    state = np.zeros(len(bounds) - 1, np.uint8)
    n = _blocks(data, bounds, message, start, end, state)
    return Blocks(message[:n], start[:n], end[:n], state)


def records(compiled: Program, data: U8, start: I64, end: I64) -> tuple[I32, I32, U8]:
    """Walk data blocks of one category.

    start, end: (b,) where the blocks lie, header included.
    Returns offsets (n, k) int32, by record and row, ABSENT where an item is not there; owner (n,) the block of each
    record; bad (b,) 1 where a block does not fit the layout (the records before that place are returned).
    """
    room = int((end - start).sum()) // 24 + 16
    while True:
        offsets, owner = np.empty((room, len(compiled.rows)), np.int32), np.empty(room, np.int32)
        bad = np.zeros(len(start), np.uint8)
        n = _records(data, start + 3, end, compiled.rows, compiled.masks, compiled.profile, offsets, owner, bad)
        if n <= room:
            return offsets[:n], owner[:n], bad
        room = n
