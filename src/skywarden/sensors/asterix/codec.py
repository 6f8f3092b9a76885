"""Records of any category as plain values, and back; driven by the tables, one record at a time.

This is the exact way in and out: for people (`skywarden decode`), for the simulator and outputs, and the slow twin
of the array path in `program`. A record is a dict: item -> value, in the order of the profile.

    >>> from skywarden.sensors.asterix import decode_block, encode_block
    >>> plot = {"010": {"SAC": 1, "SIC": 2}, "140": {"TOD_s": 43200.0}, "040": {"RHO_NM": 12.5, "THETA_deg": 90.0}}
    >>> block = encode_block(48, [plot])
    >>> block.hex()
    '30000dd001025460000c804000'
    >>> decode_block(block) == [plot]
    True

Fixed: {field: value}, fields that are left out are 0. Extended: the same, as many parts as fields are named.
Compound: {sub-item: value}, a sub-item of one field without another level. Repetitive: a list. RE, SP: hexadecimal.
Spare bits are written as 0 and must be 0. Source: EUROCONTROL-SPEC-0149 part 1, edition 3.1, section 4.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from skywarden.errors import DecodeError
from skywarden.model.detection import Reason
from skywarden.sensors.asterix.editions import CURRENT
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
    Shape,
)
from skywarden.sensors.asterix.values import to_raw, to_value

Record = dict[str, Any]
HEADER = 3  # octets: category, length of the block in two octets


class _Cursor:
    """A place in a block: the only thing that reads bytes."""

    __slots__ = ("at", "data", "end")

    def __init__(self, data: bytes, at: int, end: int) -> None:
        self.data, self.at, self.end = data, at, end

    def take(self, size: int) -> int:
        """Return the next `size` octets as one number. Raises DecodeError past the end."""
        if self.at + size > self.end:
            raise DecodeError(Reason.WRONG_EDITION, "an item runs past the end of the block")
        self.at += size
        return int.from_bytes(self.data[self.at - size : self.at], "big")


def _bits(fields: Sequence[Field], word: int, left: int) -> Record:
    """Return the fields in a number of `left` bits. Raises DecodeError when a spare bit is set."""
    values: Record = {}
    raws: dict[str, int] = {}
    for field in fields:
        left -= field.bits
        raw = (word >> left) & ((1 << field.bits) - 1)
        if not field.name:
            if raw:
                raise DecodeError(Reason.WRONG_EDITION, "a spare bit is set")
            continue
        raws[field.name] = raw
        chosen = field.other if field.other and raws[field.switch] else field
        values[chosen.key] = to_value(chosen, raw)
    return values


def _element(element: Fixed, word: int, bits: int) -> Any:
    values = _bits(element.fields, word, bits)
    return next(iter(values.values())) if len(element.fields) == 1 else values


def _read(shape: Shape, cursor: _Cursor) -> Any:
    if isinstance(shape, Fixed):
        return _bits(shape.fields, cursor.take(shape.size), shape.size * 8)
    if isinstance(shape, Extended):
        return _read_extended(shape, cursor)
    if isinstance(shape, Repetitive):
        size = shape.element.size
        return [_element(shape.element, cursor.take(size), size * 8) for _ in range(cursor.take(1))]
    if isinstance(shape, Chained):
        return _read_chained(shape, cursor)
    if isinstance(shape, Explicit):
        size = cursor.take(1) - 1
        if size < 0:
            raise DecodeError(Reason.WRONG_EDITION, "an explicit item has length 0")
        return f"{cursor.take(size):0{size * 2}x}" if size else ""
    values: Record = {}
    for item in _named(shape.items, cursor):
        value = _read(item.shape, cursor)
        values.update(value if item.flat else {item.name: value})
    return values


def _read_extended(shape: Extended, cursor: _Cursor) -> Record:
    values: Record = {}
    for part in shape.parts:
        octet = cursor.take(1)
        values.update(_bits(part, octet >> 1, 7))
        if not octet & 1:
            return values
    raise DecodeError(Reason.WRONG_EDITION, "an extended item goes on after its last part")


def _read_chained(shape: Chained, cursor: _Cursor) -> list[Any]:
    bits = sum(f.bits for f in shape.element.fields)
    found = []
    more = 1
    while more:
        word = cursor.take((bits + 1) // 8)
        more = word & 1
        found.append(_element(shape.element, word >> 1, bits))
    return found


def _named(items: Sequence[Item | None], cursor: _Cursor) -> list[Item]:
    """Read a field specification; return the items that it names."""
    found: list[Item] = []
    position = 0
    more = 1
    while more:
        octet = cursor.take(1)
        more = octet & 1
        for bit in range(7, 0, -1):
            if octet >> bit & 1:
                item = items[position] if position < len(items) else None
                if item is None:
                    raise DecodeError(Reason.WRONG_EDITION, f"bit {position + 1} of a field specification is set")
                found.append(item)
            position += 1
        if more and position >= len(items):
            raise DecodeError(Reason.WRONG_EDITION, "a field specification is too long")
    return found


def decode_record(category: Category, data: bytes, start: int, end: int) -> tuple[Record, int]:
    """Return the record at `start` and where the next one starts. Raises DecodeError."""
    cursor = _Cursor(data, start, end)
    items = _named(category.profile, cursor)
    if not items:
        raise DecodeError(Reason.WRONG_EDITION, "a record without items")
    record: Record = {}
    for item in items:
        try:
            record[item.name] = _read(item.shape, cursor)
        except DecodeError as e:
            raise DecodeError(e.reason, f"I{category.number:03}/{item.name}: {e.detail}") from None
    return record, cursor.at


def time_of_day(table: Category, message: bytes) -> float | None:
    """Return the time in the first record of a message, s since midnight UTC; None when there is none."""
    cursor = _Cursor(message, HEADER, len(message))
    try:
        for item in _named(table.profile, cursor):
            value = _read(item.shape, cursor)
            if item.name == table.time:
                return float(value["TOD_s"])
    except DecodeError:
        pass  # its message says so when it is decoded
    return None


def decode_block(data: bytes, table: Category | None = None) -> list[Record]:
    """Return the records of one data block. table: the edition; None is the current one. Raises DecodeError."""
    if len(data) < HEADER or int.from_bytes(data[1:3], "big") != len(data):
        raise DecodeError(Reason.MALFORMED, "the length in the header is not the length of the block")
    table = table or CURRENT.get(data[0])
    if table is None or table.number != data[0]:
        raise DecodeError(Reason.UNSUPPORTED, f"category {data[0]}")
    records, at = [], HEADER
    while at < len(data):
        record, at = decode_record(table, data, at, len(data))
        records.append(record)
    return records


def _pack(fields: Sequence[Field], value: Mapping[str, Any]) -> int:
    word = 0
    for field in fields:
        chosen = field
        if field.other and field.other.key in value:
            chosen = field.other
        word = word << field.bits | (to_raw(chosen, value.get(chosen.key, 0)) if field.name else 0)
    return word


def _keys(fields: Sequence[Field]) -> set[str]:
    return {f.key for f in fields if f.name} | {f.other.key for f in fields if f.other}


def _check(value: Mapping[str, Any], known: set[str]) -> None:
    if unknown := sorted(set(value) - known):
        raise ValueError(f"{', '.join(unknown)}: no such field; there are {', '.join(sorted(known))}")


def _write(shape: Shape, value: Any) -> bytes:
    if isinstance(shape, Fixed):
        _check(value, _keys(shape.fields))
        return _pack(shape.fields, value).to_bytes(shape.size, "big")
    if isinstance(shape, Extended):
        return _write_extended(shape, value)
    if isinstance(shape, Repetitive):
        return bytes([len(value)]) + b"".join(_write(shape.element, _whole(shape.element, v)) for v in value)
    if isinstance(shape, Chained):
        return _write_chained(shape, value)
    if isinstance(shape, Explicit):
        content = bytes.fromhex(value)
        return bytes([len(content) + 1]) + content
    return _write_compound(shape, value)


def _whole(element: Fixed, value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {element.fields[0].key: value}


def _write_extended(shape: Extended, value: Mapping[str, Any]) -> bytes:
    _check(value, set().union(*map(_keys, shape.parts)))
    last = max((i for i, part in enumerate(shape.parts) if _keys(part) & set(value)), default=0)
    return bytes(_pack(part, value) << 1 | (i < last) for i, part in enumerate(shape.parts[: last + 1]))


def _write_chained(shape: Chained, value: Sequence[Any]) -> bytes:
    if not value:
        raise ValueError("a chained item needs at least one element")
    size = (sum(f.bits for f in shape.element.fields) + 1) // 8
    words = [_pack(shape.element.fields, _whole(shape.element, v)) << 1 for v in value]
    return b"".join((w | (i < len(words) - 1)).to_bytes(size, "big") for i, w in enumerate(words))


def _write_compound(shape: Compound, value: Mapping[str, Any]) -> bytes:
    content: list[bytes | None] = []
    used: set[str] = set()
    for item in shape.items:
        keys = set() if item is None else _item_keys(item) & set(value)
        used |= keys
        if item is None or not keys:
            content.append(None)
        else:
            content.append(_write(item.shape, {k: value[k] for k in keys} if item.flat else value[item.name]))
    if unknown := sorted(set(value) - used):
        raise ValueError(f"{', '.join(unknown)}: no such sub-item")
    return _specification(content) + b"".join(c for c in content if c is not None)


def _item_keys(item: Item) -> set[str]:
    return _keys(item.shape.fields) if item.flat and isinstance(item.shape, Fixed) else {item.name}


def _specification(content: Sequence[bytes | None]) -> bytes:
    """Return the field specification for what is there, as short as it can be."""
    there = [i for i, c in enumerate(content) if c is not None]
    octets = bytearray(there[-1] // 7 + 1 if there else 1)
    for i in there:
        octets[i // 7] |= 0x80 >> i % 7
    for i in range(len(octets) - 1):
        octets[i] |= 1
    return bytes(octets)


def encode_record(table: Category, record: Mapping[str, Any]) -> bytes:
    """Return the bytes of one record. Raises ValueError for what the category does not have or hold."""
    prefix = f"I{table.number:03}/"
    values = {name.removeprefix(prefix): value for name, value in record.items() if value is not None}
    content: list[bytes | None] = []
    for item in table.profile:
        try:
            there = item is not None and item.name in values
            content.append(_write(item.shape, values.pop(item.name)) if item is not None and there else None)
        except (ValueError, TypeError, AttributeError, OverflowError) as e:
            raise ValueError(f"{prefix}{item.name if item else ''}: {e}") from None
    if values:
        raise ValueError(f"category {table.number} has no item {', '.join(sorted(values))}")
    return _specification(content) + b"".join(c for c in content if c is not None)


def encode_block(category: int, records: Sequence[Mapping[str, Any]], table: Category | None = None) -> bytes:
    """Return one data block of records (as `decode_block` gives them). table: the edition; None is the current one.

    Raises ValueError when a record does not fit the category, or the block is longer than 65,535 octets.
    """
    body = b"".join(encode_record(table or CURRENT[category], record) for record in records)
    if len(body) + HEADER > 0xFFFF:
        raise ValueError(f"a block holds 65,535 octets, not {len(body) + HEADER}; make several")
    return bytes([category]) + (len(body) + HEADER).to_bytes(2, "big") + body
