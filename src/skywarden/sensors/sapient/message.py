"""Bytes and protobuf-JSON to SAPIENT messages and back."""

import json
import re
from collections.abc import Iterator
from typing import Any

from skywarden.sensors.sapient.proto import DecodeError, Descriptor, SapientMessage, json_format
from skywarden.sensors.sapient.rules import Fault, faults

HEADER = 4  # bytes: the length of the message after it, little-endian
LONGEST = 1 << 19  # bytes of one message; a registration has some 10 kB
DEEPEST = 100  # objects within each other
_WHERE = re.compile(r" at SapientMessage\.([\w.]+)")


def parse(data: bytes) -> SapientMessage | None:
    """Return the message in some bytes, without the length; None when they hold none."""
    message = SapientMessage()
    try:
        message.ParseFromString(data)
    except DecodeError:
        return None
    return message


def pack(message: SapientMessage) -> bytes:
    """Return a message as it goes over the wire: length, then bytes."""
    data: bytes = message.SerializeToString(deterministic=True)
    return len(data).to_bytes(HEADER, "little") + data


def split(buffer: bytes) -> list[int]:
    """Return the lengths of the whole messages at the start of a stream, with their length fields.

    After a length that cannot be, nobody knows where the next message begins: the rest is given out as one piece.
    """
    lengths, start = [], 0
    while start + HEADER <= len(buffer):
        length = int.from_bytes(buffer[start : start + HEADER], "little")
        if length > LONGEST:
            lengths.append(len(buffer) - start)
            break
        if start + HEADER + length > len(buffer):
            break
        lengths.append(HEADER + length)
        start += lengths[-1]
    return lengths


def from_json(text: bytes | str) -> tuple[SapientMessage | None, list[Fault]]:
    """Return the message in a protobuf-JSON text, None when it is unreadable, and its faults."""
    try:
        data = json.loads(text)
        json.dumps(data, ensure_ascii=False).encode()  # raises for half of a surrogate pair, which no text can hold
    except (ValueError, RecursionError) as error:
        return None, [Fault("", f"not JSON: {error}")]
    if not isinstance(data, dict):
        return None, [Fault("", "not a JSON object")]
    message = SapientMessage()
    strange = list(_strange(data, SapientMessage.DESCRIPTOR, "", DEEPEST))
    try:
        json_format.ParseDict(data, message, ignore_unknown_fields=True)
    except (json_format.ParseError, OverflowError) as error:  # an infinite number where a whole one must be
        where = _WHERE.search(str(error))
        return None, [*strange, Fault(where[1] if where else "", f"unreadable: {error}")]
    return message, strange + faults(message)


def _strange(data: dict[str, Any], kind: Descriptor, path: str, depth: int) -> Iterator[Fault]:
    """Yield the names that v2.0 does not have."""
    fields = {field.json_name: field for field in kind.fields} | {field.name: field for field in kind.fields}
    for name, value in data.items():
        field = fields.get(name)
        if field is None:
            yield Fault(path + name, "no such field in v2.0")
        elif field.message_type is not None and depth:
            for k, one in enumerate(value if isinstance(value, list) else [value]):
                if isinstance(one, dict):
                    at = f"{path}{field.json_name}[{k}]." if field.is_repeated else f"{path}{field.json_name}."
                    yield from _strange(one, field.message_type, at, depth - 1)
