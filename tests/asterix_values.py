"""Our records beside those of libasterix (bench/asterix_peer.py): field by field, in order."""

from collections.abc import Iterator, Sequence
from typing import Any

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

UNITS = {"°": "deg", "m/s²": "m/s2", "°/s": "deg/s", "°C": "degC", "(NM)": "NM"}
JOINED = ("MBDATA", "BDS1", "BDS2")  # libasterix gives I062/380 BDS data as one number
Theirs = Sequence[Any]  # name, whole number, value or None, unit


def differences(table: Category, ours: dict[str, Any], theirs: dict[str, list[Theirs]]) -> list[str]:
    """Return what differs, in words; empty when every field of every item is equal, names and units too."""
    if list(ours) != list(theirs):
        return [f"items {list(ours)} and {list(theirs)}"]
    found = []
    for item in table.profile:
        if item is not None and item.name in ours:
            mine = _joined(list(_fields(item, ours[item.name])), theirs[item.name])
            if len(mine) != len(theirs[item.name]):
                found.append(f"{item.name}: {len(mine)} fields and {len(theirs[item.name])}")
            for field, other in zip(mine, theirs[item.name], strict=False):
                if (problem := _differs(*field, other)) is not None:
                    found.append(f"{item.name}: {problem}")
    return found


def _fields(item: Item, value: Any) -> Iterator[tuple[Field, Any]]:
    """Yield (field, value) in the order of the bytes."""
    shape: Shape = item.shape
    if isinstance(shape, Explicit):
        yield Field(item.name, 8, "raw"), value
    elif isinstance(shape, Repetitive | Chained):
        for element in value:
            fields = shape.element.fields
            yield from _group(fields, element if isinstance(element, dict) else {fields[0].key: element})
    elif isinstance(shape, Compound):
        for sub in shape.items:
            if sub is not None and sub.flat and isinstance(sub.shape, Fixed):
                yield from _group(sub.shape.fields, value)
            elif sub is not None and sub.name in value:
                yield from _fields(sub, value[sub.name])
    elif isinstance(shape, Extended):
        for part in shape.parts:
            yield from _group(part, value)
    else:
        yield from _group(shape.fields, value)


def _group(fields: Sequence[Field], values: dict[str, Any]) -> Iterator[tuple[Field, Any]]:
    for field in fields:
        for meaning in (field, field.other):
            if meaning is not None and meaning.name and meaning.key in values:
                yield meaning, values[meaning.key]


def _joined(mine: list[tuple[Field, Any]], theirs: Sequence[Theirs]) -> list[tuple[Field, Any]]:
    if "BDSDATA" not in [t[0] for t in theirs]:
        return mine
    found, at = [], 0
    while at < len(mine):
        if tuple(field.name for field, _ in mine[at : at + 3]) == JOINED:
            register = f"{mine[at][1]}{mine[at + 1][1]:X}{mine[at + 2][1]:X}"
            found.append((Field("BDSDATA", 64, "hex"), register))
            at += 3
        else:
            found.append(mine[at])
            at += 1
    return found


def _differs(field: Field, value: Any, theirs: Theirs) -> str | None:
    name, raw, other, unit = theirs
    expected = raw if other is None else other
    if isinstance(expected, str) and field.kind in ("icao", "ascii"):
        expected = expected.rstrip(" ")
    got = int(value, 16) if field.kind == "hex" else value
    if got != expected:
        return f"{field.key} is {got!r}, not {expected!r}"
    if UNITS.get(unit, unit) != (field.unit if other is not None else ""):
        return f"{field.key}: unit {unit!r}"
    # a field that is the whole item has the item's number there, and a name of ours here
    named = field.name.endswith(name) or name.isdecimal()
    return None if named else f"{field.key} is called {name}"
