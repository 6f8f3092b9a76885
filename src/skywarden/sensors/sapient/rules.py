"""What a SAPIENT message must hold: the options of its proto files, and a table of what they leave out.

Faults name the field as protobuf-JSON writes it, with its path: `registration.modeDefinition[0].settleTime`.
Source: BSI Flex 335 v2.0, and its proto files, whose options say mandatory, ULID and UUID.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from math import isfinite
from typing import Any, NamedTuple

import msgspec

from skywarden.sensors.sapient.proto import (
    Descriptor,
    FieldDescriptor,
    Message,
    SapientMessage,
    field_options,
    oneof_options,
)

ICD_VERSION = "BSI Flex 335 v2.0"
MISSING, EMPTY, UNSPECIFIED, NOT_FINITE = "missing", "empty", "unspecified", "not a finite number"
NOT_ULID, NOT_UUID, NOT_TIME = "not a ULID", "not a UUID", "not a time between the years 1970 and 2255"
LAST_SECOND = 9_000_000_000  # in the year 2255: ns since 1970 fit 64 bits
LAST_NANO = 999_999_999
TIMESTAMP = "google.protobuf.Timestamp"
LISTED_MOST = 100  # faults of one message that are listed
PATH_MOST = 200  # letters of a path: classes lie within classes a hundred deep, and each fault is said to the node

_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", re.IGNORECASE | re.ASCII)  # Crockford's letters: no I, L, O, U
_UUID = re.compile(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}", re.IGNORECASE | re.ASCII)

Check = Callable[[Any], str | None]  # a value -> the rule that it breaks


class Fault(NamedTuple):
    """One broken rule. field: path in protobuf-JSON names, "" for the message as a whole."""

    field: str
    rule: str


def ulid(value: str) -> str | None:
    """Return NOT_ULID unless a text is 26 letters of Crockford's base 32 that fit 128 bits."""
    return None if _ULID.fullmatch(value) else NOT_ULID


def uuid(value: str) -> str | None:
    """Return NOT_UUID unless a text is 32 hexadecimal digits in the five groups of RFC 9562."""
    return None if _UUID.fullmatch(value) else NOT_UUID


def _version(value: str) -> str | None:
    return None if value.strip().casefold() == ICD_VERSION.casefold() else f'must be "{ICD_VERSION}"'


def share(value: float) -> str | None:
    return None if 0.0 <= value <= 1.0 else "must be 0 to 1"


def finite(value: float) -> str | None:
    return None if isfinite(value) else NOT_FINITE


def filled(value: str) -> str | None:
    return None if value.strip() else EMPTY


# What the options leave out: (message, field) -> a check of its value, of each one when there are several.
OURS: Mapping[tuple[str, str], Check] = {
    ("Registration", "icd_version"): _version,
    ("Registration", "dependent_nodes"): uuid,
    ("FollowObject", "follow_object_id"): ulid,
    ("Error", "error_message"): filled,
    ("DetectionReport", "detection_confidence"): share,
    ("DetectionReportClassification", "confidence"): share,
    ("SubClass", "confidence"): share,
    ("Behaviour", "confidence"): share,
    ("Alert", "confidence"): share,
}
NEEDED = {("TaskDefinition", "concurrent_tasks"), ("Error", "error_message")}  # mandatory by the text of the standard


class Row(NamedTuple):
    """One field. bit: 1 << number; kind: FieldDescriptor.TYPE_...

    check: of a value, None when any will do. child: the plan of a message inside.
    """

    name: str
    bit: int
    several: bool
    kind: int
    check: Check | None
    child: "Plan | None"


class Plan:
    """One message type. rows: field number -> row; names: field name in the proto file -> number.

    needed: bits of the fields that must be there; choices: (bits of which one must be, name); exclusive: bits of fields
    of which the last on the wire is the one that counts.
    """

    def __init__(self) -> None:
        self.rows: dict[int, Row] = {}
        self.names: dict[str, int] = {}
        self.needed = 0
        self.choices: list[tuple[int, str]] = []
        self.exclusive: list[int] = []


class Member(msgspec.Struct, frozen=True):
    """Check: a known value of an enumeration. known: without 0, which says nothing."""

    known: frozenset[int]

    def __call__(self, value: Any) -> str | None:
        """Return the broken rule."""
        if value in self.known:
            return None
        return f"unknown value {value}" if value else UNSPECIFIED


class Finite(msgspec.Struct, frozen=True):
    """Check: a finite number for which a rule of ours holds as well."""

    own: Check

    def __call__(self, value: Any) -> str | None:
        """Return the broken rule."""
        return self.own(value) if isfinite(value) else NOT_FINITE


def faults(message: Message) -> list[Fault]:
    """Return the broken rules of a message and of all that is in it, LISTED_MOST at most; none: it is valid."""
    return [_short(fault) for fault in _faults(message, plan())[:LISTED_MOST]]


def _short(fault: Fault) -> Fault:
    """Return a fault whose path, if it is long, has only its end."""
    return fault if len(fault.field) <= PATH_MOST else fault._replace(field="..." + fault.field[3 - PATH_MOST :])


def _faults(message: Message, plan: Plan) -> list[Fault]:
    """Valid messages are many and must cost little: paths are only written for faults, from the inside out."""
    found: list[Fault] = []
    there = 0
    rows = plan.rows
    for field, value in message.ListFields():
        name, bit, several, _, check, child = rows[field.number]
        there |= bit
        for k, one in enumerate(value) if several else ((0, value),):
            if len(found) >= LISTED_MOST:
                return found
            if check is not None and (rule := check(one)) is not None:
                found.append(Fault(f"{name}[{k}]" if several else name, rule))
            elif child is not None and (inside := _faults(one, child)):
                at = f"{name}[{k}]." if several else name + "."
                found += [Fault(at + path, rule) for path, rule in inside]
    if plan.needed & ~there:
        found += [Fault(row.name, MISSING) for row in rows.values() if row.bit & plan.needed & ~there]
    for bits, name in plan.choices:
        if not bits & there:
            found.append(Fault(name, MISSING))
    return found


@cache
def plan() -> Plan:
    """Return the plan of a SAPIENT message, with those of all message types inside."""
    plans: dict[str, Plan] = {}
    return _planned(SapientMessage.DESCRIPTOR, plans)


def _planned(kind: Descriptor, plans: dict[str, Plan]) -> Plan:
    """Return a type's plan; a type may hold itself."""
    if kind.full_name in plans:
        return plans[kind.full_name]
    plan = plans[kind.full_name] = Plan()
    for field in kind.fields:
        inside = field.message_type
        child = None if inside is None or inside.full_name == TIMESTAMP else _planned(inside, plans)
        bit = 1 << field.number
        plan.rows[field.number] = Row(field.json_name, bit, field.is_repeated, field.type, _check(kind, field), child)
        plan.names[field.name] = field.number
        if _options(field).is_mandatory or (kind.name, field.name) in NEEDED:
            plan.needed |= bit
    for choice in kind.oneofs:
        bits = sum(1 << field.number for field in choice.fields)
        if choice.GetOptions().Extensions[oneof_options].is_mandatory:
            plan.choices.append((bits, _json_name(choice.name.removesuffix("_oneof"))))
        if len(choice.fields) > 1:  # protobuf makes one of each optional field, too
            plan.exclusive.append(bits)
    return plan


def _check(kind: Descriptor, field: FieldDescriptor) -> Check | None:
    """Return the check of a field's values: what its type asks for, then what the standard does."""
    own = OURS.get((kind.name, field.name))
    if field.type in (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT):
        return finite if own is None else Finite(own)
    if own is not None:
        return own
    if field.enum_type is not None:
        return Member(frozenset(v.number for v in field.enum_type.values if v.number))
    if field.message_type is not None:
        return timely if field.message_type.full_name == TIMESTAMP else None
    options = _options(field)
    if options.is_ulid:
        return ulid
    if options.is_uuid:
        return uuid
    return filled if options.is_mandatory and field.type == FieldDescriptor.TYPE_STRING else None


def _options(field: FieldDescriptor) -> Any:
    return field.GetOptions().Extensions[field_options]


def timely(value: Any) -> str | None:
    good = 0 <= value.nanos <= LAST_NANO and 0 <= value.seconds <= LAST_SECOND
    return None if good else NOT_TIME


def _json_name(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(part.capitalize() for part in others)
