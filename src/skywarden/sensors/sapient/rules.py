"""What a SAPIENT message must hold: the options of its proto files, and a table of what they leave out.

Faults name the field as protobuf-JSON writes it, with its path: `registration.modeDefinition[0].settleTime`.
Source: BSI Flex 335 v2.0, and its proto files, whose options say mandatory, ULID and UUID.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from math import isfinite
from typing import Any, NamedTuple

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
NOT_ULID, NOT_UUID, NOT_TIME = "not a ULID", "not a UUID", "not a time between the years 1 and 9999"
LAST_SECOND = 253_402_300_799  # of the year 9999
LISTED_MOST = 100  # faults of one message that are listed

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


def _share(value: float) -> str | None:
    return None if not isfinite(value) or 0.0 <= value <= 1.0 else "must be 0 to 1"


def _filled(value: str) -> str | None:
    return None if value.strip() else EMPTY


# What the options leave out: (message, field) -> a check of its value, of each one when there are several.
OURS: Mapping[tuple[str, str], Check] = {
    ("Registration", "icd_version"): _version,
    ("Registration", "dependent_nodes"): uuid,
    ("FollowObject", "follow_object_id"): ulid,
    ("Error", "error_message"): _filled,
    ("DetectionReport", "detection_confidence"): _share,
    ("DetectionReportClassification", "confidence"): _share,
    ("SubClass", "confidence"): _share,
    ("Behaviour", "confidence"): _share,
    ("Alert", "confidence"): _share,
}
NEEDED = {("TaskDefinition", "concurrent_tasks"), ("Error", "error_message")}  # mandatory by the text of the standard


class _Row(NamedTuple):
    """One field. child: full name of the message type inside, "" when there is none."""

    name: str
    several: bool
    checks: tuple[Check, ...]
    child: str


class _Plan(NamedTuple):
    """One message type. names: of what is needed; choices: (numbers of which one must be there, name)."""

    rows: Mapping[int, _Row]
    needed: frozenset[int]
    names: tuple[tuple[int, str], ...]
    choices: tuple[tuple[frozenset[int], str], ...]


def faults(message: Message) -> list[Fault]:
    """Return the broken rules of a message and of all that is in it, LISTED_MOST at most; none: it is valid."""
    return _faults(message, message.DESCRIPTOR.full_name, _plans())[:LISTED_MOST]


def _faults(message: Message, kind: str, plans: Mapping[str, _Plan]) -> list[Fault]:
    """Valid messages are many and must cost little: paths are only written for faults, from the inside out."""
    plan = plans[kind]
    found: list[Fault] = []
    there = set()
    for field, value in message.ListFields():
        number = field.number
        row = plan.rows[number]
        there.add(number)
        if row.several:
            for k, one in enumerate(value):
                if inside := _value(row, one, plans):
                    found += [Fault(f"{row.name}[{k}]{path}", rule) for path, rule in inside]
        elif inside := _value(row, value, plans):
            found += [Fault(row.name + path, rule) for path, rule in inside]
    if not plan.needed <= there:
        found += [Fault(name, MISSING) for number, name in plan.names if number not in there]
    found += [Fault(name, MISSING) for numbers, name in plan.choices if numbers.isdisjoint(there)]
    return found


def _value(row: _Row, value: Any, plans: Mapping[str, _Plan]) -> list[Fault]:
    for check in row.checks:
        if (rule := check(value)) is not None:
            return [Fault("", rule)]
    if not row.child:
        return []
    return [Fault("." + path, rule) for path, rule in _faults(value, row.child, plans)]


@cache
def _plans() -> dict[str, _Plan]:
    """Return the plan of every message type that can be inside a SAPIENT message, by full name."""
    plans: dict[str, _Plan] = {}
    waiting = [SapientMessage.DESCRIPTOR]
    while waiting:
        kind = waiting.pop()
        if kind.full_name not in plans:
            plans[kind.full_name] = _plan(kind)
            waiting += [field.message_type for field in kind.fields if field.message_type is not None]
    return plans


def _plan(kind: Descriptor) -> _Plan:
    rows = {field.number: _row(kind, field) for field in kind.fields}
    needed = [f for f in kind.fields if _options(f).is_mandatory or (kind.name, f.name) in NEEDED]
    choices = [
        (frozenset(field.number for field in choice.fields), _json_name(choice.name.removesuffix("_oneof")))
        for choice in kind.oneofs
        if choice.GetOptions().Extensions[oneof_options].is_mandatory
    ]
    names = tuple((f.number, f.json_name) for f in needed)
    return _Plan(rows, frozenset(f.number for f in needed), names, tuple(choices))


def _row(kind: Descriptor, field: FieldDescriptor) -> _Row:
    options, checks = _options(field), list[Check]()
    if field.type in (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT):
        checks.append(_finite)
    elif field.enum_type is not None:
        checks.append(_member(frozenset(v.number for v in field.enum_type.values)))
    elif field.message_type is not None and field.message_type.full_name == "google.protobuf.Timestamp":
        return _Row(field.json_name, field.is_repeated, (_time,), "")
    if options.is_ulid:
        checks.append(ulid)
    elif options.is_uuid:
        checks.append(uuid)
    elif options.is_mandatory and field.type == FieldDescriptor.TYPE_STRING:
        checks.append(_filled)
    if (kind.name, field.name) in OURS:
        checks.append(OURS[kind.name, field.name])
    child = field.message_type.full_name if field.message_type is not None else ""
    return _Row(field.json_name, field.is_repeated, tuple(checks), child)


def _options(field: FieldDescriptor) -> Any:
    return field.GetOptions().Extensions[field_options]


def _finite(value: float) -> str | None:
    return None if isfinite(value) else NOT_FINITE


def _member(known: frozenset[int]) -> Check:
    def check(value: int) -> str | None:
        if value == 0:
            return UNSPECIFIED
        return None if value in known else f"unknown value {value}"

    return check


def _time(value: Any) -> str | None:
    good = 0 <= value.nanos < 1_000_000_000 and -62_135_596_800 <= value.seconds <= LAST_SECOND
    return None if good else NOT_TIME


def _json_name(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(part.capitalize() for part in others)
