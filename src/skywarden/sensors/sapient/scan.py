"""The fast way in: valid detection reports read out of the bytes of many messages at once.

A loop walks the wire by `table` and writes down values and where texts lie. What it passes is valid, `faults` would
find nothing, and says the same to protobuf; of everything else it is not sure, and leaves it to them: other contents,
broken rules, unknown fields, a field that comes twice, numbers longer than they need be.
Source: protobuf's encoding, protobuf.dev/programming-guides/encoding.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.kernel import inner, kernel
from skywarden.model.place import I64
from skywarden.sensors.sapient.message import HEADER, LONGEST
from skywarden.sensors.sapient.table import (
    CHECK,
    CHILD,
    COLOUR,
    DELIMITED,
    DOUBLE,
    EXCLUSIVE,
    FILLED,
    FLOAT,
    LIMIT,
    MEMBER,
    MESSAGE,
    MUST,
    NEEDED,
    NONE,
    NUMBERS,
    SEVERAL,
    SHARE,
    SLOT,
    TAGGED,
    ULID,
    UP_TO,
    UUID,
    VALUES,
    WHAT,
    WHOLE,
    WIRE,
    WORDS,
    table,
)

U8 = NDArray[np.uint8]

UNSURE, OUTSIDE = -1, -2
DEEPEST = 12  # messages within each other
KIND, END, SEEN = range(3)  # of each of them: type, where it ends, bits of the fields that came
OCTETS = 5  # of a whole number: 35 bits, more than a time needs
INFINITE, INFINITE_FLOAT = 0x7FF, 0xFF  # exponents of what is no finite number
ONE, MINUS_ZERO = 0x3F800000, 0x80000000  # floats, as bits
UNKNOWN = np.array([np.nan]).view(np.int64)[0]  # word of a value that is not there


class Scanned(NamedTuple):
    """n messages of a frame. sure: (n,) 1 where a message is a valid detection report; the other rows mean nothing.

    words: (n, w) int64, spans: (n, s, 2) int64 first and last octet + 1, in slots as in `table`. A text that is not
    there has no length.
    """

    sure: U8
    words: I64
    spans: I64


def nothing(count: int) -> Scanned:
    """Return `count` messages of which none is sure."""
    words = np.zeros((count, max(WORDS.values()) + 1), np.int64)
    words[:, :VALUES] = UNKNOWN
    return Scanned(np.zeros(count, np.uint8), words, np.zeros((count, COLOUR + 1, 2), np.int64))


def scan(data: U8, bounds: I64) -> Scanned:
    """Read messages with their lengths before them. bounds: (n + 1,) where they start and end in data."""
    found = nothing(len(bounds) - 1)
    if bounds[-1] <= len(data):  # compiled code does not look whether it reads beyond
        rules = table()
        _scan(data, bounds, rules.rows, rules.types, *found)
    return found


@inner
def _octets(data: U8, at: int, count: int) -> int:
    """Return a little-endian number of `count` octets; of eight it has a sign."""
    word = 0
    for i in range(count):
        octet = int(data[at + i])
        if i == 7 and octet >= 128:
            octet -= 256
        word |= octet << (8 * i)
    return word


@inner
def _varint(data: U8, at: int, end: int) -> tuple[int, int]:
    """Return a number and where it ends, UNSURE when it is longer than OCTETS or than it need be."""
    word = 0
    for i in range(OCTETS):
        if at + i >= end:
            return 0, UNSURE
        octet = int(data[at + i])
        word |= (octet & 127) << (7 * i)
        if octet < 128:
            return word, UNSURE if octet == 0 and i > 0 else at + i + 1
    return 0, UNSURE


@inner
def _more(data: U8, at: int, end: int, count: int) -> bool:
    """Return whether `count` octets at `at` go on with a letter of UTF-8."""
    good = at + count <= end
    for i in range(count if good else 0):
        good = good and data[at + i] & 0xC0 == 0x80
    return good


@inner
def _utf8(data: U8, at: int, end: int) -> bool:
    """Return whether a text is UTF-8: shortest form, no surrogates, no letters after U+10FFFF (RFC 3629)."""
    while at < end:
        first = int(data[at])
        count = 0 if first < 0x80 else 1 if first < 0xE0 else 2 if first < 0xF0 else 3
        if 0x80 <= first < 0xC2 or first > 0xF4 or not _more(data, at + 1, end, count):
            return False
        if count >= 2:
            second = int(data[at + 1])
            if (first == 0xE0 and second < 0xA0) or (first == 0xED and second > 0x9F):
                return False
            if (first == 0xF0 and second < 0x90) or (first == 0xF4 and second > 0x8F):
                return False
        at += 1 + count
    return True


@inner
def _visible(data: U8, at: int, end: int) -> bool:
    """Return whether a text has a letter that surely is no white space, by its first octet."""
    while at < end and not (0x21 <= data[at] <= 0x7E or 0xC3 <= data[at] <= 0xE0 or data[at] > 0xE3):
        at += 1
    return at < end


@inner
def _is_ulid(data: U8, at: int, end: int) -> bool:
    if end - at != 26 or not 0x30 <= data[at] <= 0x37:
        return False
    for i in range(at, end):
        octet = data[i]
        if not 0x30 <= octet <= 0x39:
            letter = octet & 0xDF  # capital
            if not 0x41 <= letter <= 0x5A or letter == 0x49 or letter == 0x4C or letter == 0x4F or letter == 0x55:
                return False
    return True


@inner
def _is_uuid(data: U8, at: int, end: int) -> bool:
    if end - at != 36:
        return False
    for i in range(36):
        octet = data[at + i]
        if i == 8 or i == 13 or i == 18 or i == 23:
            if octet != 0x2D:
                return False
        elif not (0x30 <= octet <= 0x39 or 0x41 <= octet & 0xDF <= 0x46):
            return False
    return True


@inner
def _is_text(data: U8, at: int, end: int, check: int) -> bool:
    if check == ULID:
        return _is_ulid(data, at, end)
    if check == UUID:
        return _is_uuid(data, at, end)
    return _utf8(data, at, end) and (check != FILLED or _visible(data, at, end))


@inner
def _is_number(word: int, what: int, check: int, limit: int) -> bool:
    """Return whether the bits of a number are one that may be."""
    if what == DOUBLE:
        return (word >> 52) & INFINITE != INFINITE
    if what == FLOAT:
        if check == SHARE:
            return word <= ONE or word == MINUS_ZERO
        return (word >> 23) & INFINITE_FLOAT != INFINITE_FLOAT
    if check == MEMBER:
        return word < 63 and (limit >> word) & 1 == 1
    return check != UP_TO or word <= limit


@inner
def _number(data: U8, at: int, end: int, rows: I64, row: int, words: I64, k: int) -> int:  # noqa: PLR0913 - kernel
    """Read a number of message k; return where it ends, or UNSURE."""
    what, slot = rows[row, WHAT], rows[row, SLOT]
    if what == WHOLE:
        word, stop = _varint(data, at, end)
    else:
        size = 8 if what == DOUBLE else 4
        stop = at + size if at + size <= end else UNSURE
        word = _octets(data, at, size) if stop != UNSURE else 0
    if stop == UNSURE or not _is_number(word, what, rows[row, CHECK], rows[row, LIMIT]):
        return UNSURE
    if slot != NONE:
        words[k, slot] = word
    return stop


@inner
def _note(rows: I64, row: int, places: tuple[int, int, int], again: bool, spans: I64, k: int) -> bool:  # noqa: PLR0913
    """Write down where a text or a field of message k lies. Fields of one number that lie apart are unsure.

    places: where its tag, its content and what follows begin.
    """
    tag, start, stop = places
    slot = rows[row, SLOT]
    if slot == NONE:
        return True
    if not rows[row, TAGGED]:
        spans[k, slot, 0] = start
    elif not again:
        spans[k, slot, 0] = tag
    elif spans[k, slot, 1] != tag:
        return False
    spans[k, slot, 1] = stop
    return True


@inner
def _leave(at: int, types: I64, stack: I64, depth: int) -> int:
    """Leave the messages that end at `at`; return how deep we are then, OUTSIDE of all, or UNSURE of what one lacks."""
    while depth >= 0 and at == stack[depth, END]:
        kind, seen = stack[depth, KIND], stack[depth, SEEN]
        must, exclusive = types[kind, MUST], types[kind, EXCLUSIVE] & seen
        if types[kind, NEEDED] & ~seen or (must and not must & seen) or exclusive & (exclusive - 1):
            return UNSURE
        depth -= 1
    return depth if depth >= 0 else OUTSIDE


@inner
def _enter(stack: I64, depth: int, kind: int, end: int) -> int:
    """Enter a message; return how deep we are then, or UNSURE."""
    if depth == DEEPEST:
        return UNSURE
    stack[depth, KIND], stack[depth, END], stack[depth, SEEN] = kind, end, 0
    return depth


@inner
def _sure(  # noqa: PLR0913 - a kernel takes bare arrays
    data: U8, at: int, end: int, rows: I64, types: I64, stack: I64, words: I64, spans: I64, k: int
) -> bool:
    """Walk message k, from `at` to `end`; return whether it is a valid report."""
    depth = _enter(stack, 0, 0, end)
    while True:
        depth = _leave(at, types, stack, depth)
        if depth < 0:
            return depth == OUTSIDE
        begin, end = at, stack[depth, END]
        tag, at = _varint(data, begin, end)
        number = tag >> 3
        if at == UNSURE or number >= NUMBERS:
            return False
        row = stack[depth, KIND] * NUMBERS + number
        again = (stack[depth, SEEN] >> number) & 1 == 1
        if tag & 7 != rows[row, WIRE] or (again and not rows[row, SEVERAL]):
            return False
        stack[depth, SEEN] |= 1 << number
        if rows[row, WIRE] != DELIMITED:
            at = _number(data, at, end, rows, row, words, k)
        else:
            length, at = _varint(data, at, end)
            if at == UNSURE or length > end - at or not _note(rows, row, (begin, at, at + length), again, spans, k):
                return False
            if rows[row, WHAT] == MESSAGE:
                depth = _enter(stack, depth + 1, rows[row, CHILD], at + length)
            else:
                at = at + length if _is_text(data, at, at + length, rows[row, CHECK]) else UNSURE
        if at == UNSURE or depth == UNSURE:
            return False


@kernel
def _scan(  # noqa: PLR0913 - a kernel takes bare arrays
    data: U8, bounds: I64, rows: I64, types: I64, sure: U8, words: I64, spans: I64
) -> None:
    """Walk all messages whose length fits. See Table and Scanned."""
    stack = np.zeros((DEEPEST, 3), np.int64)
    for k in range(len(bounds) - 1):
        start, end = bounds[k] + HEADER, bounds[k + 1]
        if start > end or end - start > LONGEST or _octets(data, start - HEADER, HEADER) != end - start:
            continue
        if _sure(data, start, end, rows, types, stack, words, spans, k):
            sure[k] = 1
