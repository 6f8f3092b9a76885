"""What the scanner goes by: the rules of a valid detection report, as numbers.

Made from the same plan as `faults` goes by. One type of the table is one place in the report where a message stands,
so that the x of a location is not that of a predicted one. Whatever the scanner has no code for is NEVER: such a field
makes a message unsure.
"""

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

import numpy as np

from skywarden.model.place import I64
from skywarden.sensors.sapient import rules
from skywarden.sensors.sapient.proto import FieldDescriptor, SapientMessage
from skywarden.sensors.sapient.rules import Check, Plan, Row

NUMBERS = 32  # field numbers that the table has room for
NEEDED, MUST, EXCLUSIVE = range(3)  # columns of a type
NEVER_THERE = 1  # bit of field 0, which no message has: a type that needs it is unsure
WHAT, WIRE, CHECK, SLOT, CHILD, SEVERAL, LIMIT, TAGGED = range(8)  # columns of a row
NEVER, TEXT, MESSAGE, WHOLE, FLOAT, DOUBLE = range(6)  # WHAT
ANY, ULID, UUID, FILLED, SHARE, MEMBER, UP_TO = range(7)  # CHECK; LIMIT: bits of the members, or the largest number
NONE = -1  # SLOT: not kept
VARINT, EIGHT, DELIMITED, FOUR, NO_WIRE = 0, 1, 2, 5, 8  # WIRE: wire types of protobuf, and none

# What is kept. Words: the bits of a double, or a whole number. Places and bearings never come together.
WORDS: Mapping[str, int] = {
    "detection_report.location.x": 0,
    "detection_report.location.y": 1,
    "detection_report.location.z": 2,
    "detection_report.location.x_error": 3,
    "detection_report.location.y_error": 4,
    "detection_report.location.z_error": 5,
    "detection_report.location.coordinate_system": 6,
    "detection_report.location.datum": 7,
    "detection_report.range_bearing.range": 0,
    "detection_report.range_bearing.azimuth": 1,
    "detection_report.range_bearing.elevation": 2,
    "detection_report.range_bearing.range_error": 3,
    "detection_report.range_bearing.azimuth_error": 4,
    "detection_report.range_bearing.elevation_error": 5,
    "detection_report.range_bearing.coordinate_system": 8,
    "detection_report.range_bearing.datum": 9,
    "timestamp.seconds": 10,
    "timestamp.nanos": 11,
}
VALUES = 6  # the first words
# Where texts lie, without their tags.
NODE, DESTINATION, REPORT, OBJECT, STATE, ZONE, CLASS, SIGNAL, NAME, COLOUR = range(10)
TEXTS: Mapping[str, int] = {
    "node_id": NODE,
    "destination_id": DESTINATION,
    "detection_report.report_id": REPORT,
    "detection_report.object_id": OBJECT,
    "detection_report.state": STATE,
    "detection_report.location.utm_zone": ZONE,
}
# Where fields lie with their tags, all of one number; such bytes are a detection report of these fields alone.
FIELDS: Mapping[str, int] = {
    "detection_report.classification": CLASS,
    "detection_report.signal": SIGNAL,
    "detection_report.id": NAME,
    "detection_report.colour": COLOUR,
}
SLOTS: Mapping[str, int] = {**WORDS, **TEXTS, **FIELDS}
CONTENT = "detection_report"  # the only one of the contents of a message

_WIRES = {TEXT: DELIMITED, WHOLE: VARINT, FLOAT: FOUR, DOUBLE: EIGHT}
_KINDS = {
    FieldDescriptor.TYPE_STRING: TEXT,
    FieldDescriptor.TYPE_ENUM: WHOLE,
    FieldDescriptor.TYPE_INT32: WHOLE,
    FieldDescriptor.TYPE_INT64: WHOLE,
    FieldDescriptor.TYPE_FLOAT: FLOAT,
    FieldDescriptor.TYPE_DOUBLE: DOUBLE,
}
_NO_FIELD = (NEVER, NO_WIRE, ANY, NONE, 0, 0, 0, 0)
_TEXT_CHECKS: Mapping[Check | None, int] = {None: ANY, rules.ulid: ULID, rules.uuid: UUID, rules.filled: FILLED}
_FLOAT_CHECKS: Mapping[Check, int] = {rules.finite: ANY, rules.Finite(rules.share): SHARE}


class Table(NamedTuple):
    """t types; the message itself is type 0. Bits of fields: 1 << number.

    rows: (t * NUMBERS, 8) int64, that of field f of type k at k * NUMBERS + f. types: (t, 3) int64 bits of the fields
    that must be there, of those of which one must, and of those of which no two may.
    """

    rows: I64
    types: I64


class _Types:
    """The types found so far, as lists."""

    def __init__(self) -> None:
        self.rows: list[I64] = []
        self.types: list[tuple[int, int, int]] = []

    def add(self, needed: int, must: int, exclusive: int) -> int:
        """Add a type without fields; return its number."""
        self.rows.append(np.tile(_NO_FIELD, (NUMBERS, 1)))
        self.types.append((needed, must, exclusive))
        return len(self.rows) - 1


@cache
def table() -> Table:
    """Return the table of a message with a detection report."""
    types = _Types()
    _add(types, rules.plan(), "", {})
    return Table(np.concatenate(types.rows), np.array(types.types, np.int64))


def _add(types: _Types, plan: Plan, path: str, above: Mapping[int, int]) -> int:
    """Add a type and all inside it; return its number. above: plans in which it stands -> type; one may hold itself."""
    must = [bits for bits, _ in plan.choices] if path else [1 << plan.names[CONTENT]]
    if max(len(must), len(plan.exclusive)) > 1 or plan.needed >= 1 << NUMBERS:
        return types.add(NEVER_THERE, 0, 0)
    number = types.add(plan.needed, sum(must), sum(plan.exclusive))
    inside = {**above, id(plan): number}
    for name, field in plan.names.items():
        if field < NUMBERS and (path or name not in _others(plan)):
            types.rows[number][field] = _row(types, plan.rows[field], path + name, inside)
    return number


def _others(plan: Plan) -> set[str]:
    """Return the contents of a message that are no detection report."""
    content = next(bits for bits in plan.exclusive if bits & 1 << plan.names[CONTENT])
    return {name for name, field in plan.names.items() if content & 1 << field and name != CONTENT}


def _row(types: _Types, row: Row, path: str, above: Mapping[int, int]) -> tuple[int, ...]:
    slot = SLOTS.get(path, NONE)
    if row.check is rules.timely:
        return MESSAGE, DELIMITED, ANY, slot, _time(types, path), row.several, 0, 0
    if row.child is not None and row.check is None:
        known = above.get(id(row.child))
        child = _add(types, row.child, path + ".", above) if known is None else known
        return MESSAGE, DELIMITED, ANY, slot, child, row.several, 0, path in FIELDS
    what, check, limit = _value(row)
    if what == NEVER or check is None or (row.several and what != TEXT):  # several numbers may come packed, or not
        return _NO_FIELD
    return what, _WIRES[what], check, slot, 0, row.several, limit, path in FIELDS


def _value(row: Row) -> tuple[int, int | None, int]:
    """Return what a value is, its check, None when there is no code for it, and the limit of the check."""
    what = _KINDS.get(row.kind, NEVER)
    if what == TEXT:
        return what, _TEXT_CHECKS.get(row.check), 0
    if what in (FLOAT, DOUBLE):
        check = None if row.check is None else _FLOAT_CHECKS.get(row.check)
        return what, None if check == SHARE and what == DOUBLE else check, 0
    if what == WHOLE and isinstance(row.check, rules.Member):
        few = all(0 <= value < 63 for value in row.check.known)
        return what, MEMBER if few else None, sum(1 << value for value in row.check.known) if few else 0
    return what, ANY if what == WHOLE and row.check is None else None, 0


def _time(types: _Types, path: str) -> int:
    """Add a google.protobuf.Timestamp whose time can be."""
    number = types.add(0, 0, 0)
    fields = SapientMessage.DESCRIPTOR.fields_by_name["timestamp"].message_type.fields_by_name
    for name, last in (("seconds", rules.LAST_SECOND), ("nanos", rules.LAST_NANO)):
        row = (WHOLE, VARINT, UP_TO, SLOTS.get(f"{path}.{name}", NONE), 0, 0, last, 0)
        types.rows[number][fields[name].number] = row
    return number
