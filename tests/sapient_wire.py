"""SAPIENT messages by chance, valid ones and others, and their bytes written in ways that protobuf itself does not."""

from typing import Any

import numpy as np
from sapient_nodes import START

from skywarden.sensors.sapient import rules
from skywarden.sensors.sapient.proto import FieldDescriptor as Field
from skywarden.sensors.sapient.proto import SapientMessage
from skywarden.sim.nodes import ulid

NODES = ["8f3a1c52-0d4e-4b7a-9c61-2e5f7a9b1c03", "1B7D9E40-52aa-4f0c-8d3e-90c4b6a7d218"]
TEXTS = ["UAV", "x" * 70, "БпЛА", "é!", "日 本", "👽?", "36U"]
ODD_TEXTS = ["", " ", "\u00a0", "\x1c\t", "日本", "7", "Exercise"]
NUMBERS = [0.0, -0.0, 1.0, -45.7, 29.5, 600.0, 1e-300, 1e300, 5e-324]
NOT_FINITE = [np.nan, np.inf, -np.inf]
SHARES = [0.0, -0.0, 0.25, 0.7, 1.0]
NO_SHARES = [1.0000001, -0.1, np.nan, np.inf]
KEPT = ["classification", "signal"]
VARINT, EIGHT, DELIMITED, GROUP, END, FOUR = range(6)

Tree = list[tuple[int, int, Any]]  # number, wire type, and a number, bytes, or a tree


def message(rng: np.random.Generator, wrong: float = 0.0) -> Any:
    """Return a message with a detection report. wrong: share of values that break a rule, if there is one."""
    made = SapientMessage()
    made.timestamp.seconds, made.timestamp.nanos = START // 10**9 + int(rng.integers(9)), int(rng.integers(10**9))
    if rng.random() < wrong:
        made.timestamp.seconds = int(rng.choice([-1, rules.LAST_SECOND + 1, 2**40]))
    if rng.random() < wrong:
        made.timestamp.nanos = int(rng.choice([-1, 10**9]))
    made.node_id = NODES[rng.integers(2)] if rng.random() >= wrong else "8f3a1c52"
    if rng.random() < 0.2:
        made.destination_id = str(rng.choice([NODES[0], "5d0c7f1e-9a4b-4c1d-8e2f-7a6b5c4d3e2f"]))
    if rng.random() < 0.1:
        made.additional_information = str(rng.choice(TEXTS + ODD_TEXTS))
    plan = rules.plan()
    _fill(made.detection_report, plan.rows[plan.names["detection_report"]].child, rng, wrong)
    return made


def _fill(made: Any, plan: Any, rng: np.random.Generator, wrong: float, depth: int = 0) -> None:
    left_out = {rng.choice([k for k in plan.rows if bits >> k & 1]) for bits in plan.exclusive}
    for field in made.DESCRIPTOR.fields:
        row = plan.rows[field.number]
        needed = plan.needed & row.bit or any(bits & row.bit for bits in plan.exclusive)
        if field.number in left_out or rng.random() < (wrong if needed else 0.7 + depth / 10):
            continue
        for _ in range(int(rng.integers(1, 3)) if row.several else 1):
            if field.message_type is None:
                setattr(made, field.name, _value(row, rng, wrong))
                continue
            inside = getattr(made, field.name)
            inside = inside.add() if row.several else inside
            inside.SetInParent()
            if row.child is None:
                inside.seconds = int(rng.integers(1 << 33)) if rng.random() >= wrong else -5
            elif depth < 6:
                _fill(inside, row.child, rng, wrong, depth + 1)


def _value(row: Any, rng: np.random.Generator, wrong: float) -> Any:
    bad = rng.random() < wrong
    if row.kind == Field.TYPE_STRING:
        if row.check in (rules.ulid, rules.uuid):
            good = ulid(START, rng) if row.check is rules.ulid else NODES[rng.integers(2)]
            good = good if rng.random() < 0.7 else good.lower()
            at = int(rng.integers(len(good)))
            return good[:at] + str(rng.choice(["", "U", "é", "-", "g"])) + good[at + 1 :] if bad else good
        return str(rng.choice(ODD_TEXTS if bad or (row.check is None and rng.random() < 0.3) else TEXTS))
    if row.kind == Field.TYPE_ENUM:
        return int(rng.choice([0, 77, -1] if bad else sorted(row.check.known)))
    if row.kind == Field.TYPE_INT32:
        return int(rng.integers(0, 1000))
    if isinstance(row.check, rules.Finite):
        return float(rng.choice(NO_SHARES if bad else SHARES))
    normal = float(rng.normal(0, 50))
    finite = NUMBERS if row.kind == Field.TYPE_DOUBLE else NUMBERS[:6]
    return float(rng.choice(NOT_FINITE if bad else [*finite, normal]))


def tree(data: bytes, kind: Any) -> Tree:
    """Return the fields in the bytes of a message that protobuf wrote."""
    found: Tree = []
    at = 0
    while at < len(data):
        tag, at = _read(data, at)
        number, wire = tag >> 3, tag & 7
        field = kind.fields_by_number[number]
        if wire == VARINT:
            value, at = _read(data, at)
            found.append((number, wire, value))
            continue
        size = {EIGHT: 8, FOUR: 4}.get(wire)
        if size is None:
            size, at = _read(data, at)
        inside = data[at : at + size]
        found.append((number, wire, tree(inside, field.message_type) if field.message_type else inside))
        at += size
    return found


def _read(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 128:
            return value, at


def mixed(one: Tree, other: Tree, rng: np.random.Generator, share: float) -> Tree:
    """Return the fields of one message with a share of another's among them, also inside."""
    inside = {number: value for number, _, value in other if isinstance(value, list)}
    fields: Tree = [
        (
            number,
            wire,
            mixed(value, inside[number], rng, share) if isinstance(value, list) and number in inside else value,
        )
        for number, wire, value in one
    ]
    for field in other:
        if rng.random() < share:
            fields.insert(int(rng.integers(len(fields) + 1)), field)
    return fields


def write(fields: Tree, rng: np.random.Generator, odd: float) -> bytes:
    """Return the bytes of a tree, a share `odd` of its fields written oddly, or not at all."""
    fields = list(fields)
    if rng.random() < odd:
        rng.shuffle(fields)  # type: ignore[arg-type]
    out = b""
    for number, wire, value in fields:
        one = _field((number, wire, value), rng, odd)
        if rng.random() < odd:
            one = _odd_field((number, wire, value), one, rng)
        out += one
    return out


def _field(field: tuple[int, int, Any], rng: np.random.Generator, odd: float) -> bytes:
    number, wire, value = field
    tag = varint(number << 3 | wire, int(rng.integers(1, 4)) if rng.random() < odd else 0)
    if wire == VARINT:
        return tag + varint(value, int(rng.integers(1, 4)) if rng.random() < odd else 0)
    inside = write(value, rng, odd) if isinstance(value, list) else value
    if wire != DELIMITED:
        return tag + inside
    length = len(inside) + (int(rng.integers(-3, 4)) if rng.random() < odd / 4 else 0)
    return tag + varint(max(0, length), int(rng.integers(1, 4)) if rng.random() < odd else 0) + inside


def _odd_field(field: tuple[int, int, Any], good: bytes, rng: np.random.Generator) -> bytes:
    """Return something else instead of a field."""
    number, wire, value = field
    choice = int(rng.integers(10))
    if choice == 0:
        return b""
    if choice == 1:
        return good + good
    if choice == 2:  # unknown fields, known ones of a strange wire type
        return good + varint(int(rng.choice([17, 31, 32, 99, 4000])) << 3 | VARINT) + varint(int(rng.integers(1 << 40)))
    if choice == 3:
        return varint(number << 3 | int(rng.choice([VARINT, EIGHT, DELIMITED, FOUR, 6, 7]))) + good[1:]
    if choice == 4:  # a group
        return good + varint(number << 3 | GROUP) + good + varint(number << 3 | END)
    if choice == 5 and wire == DELIMITED and isinstance(value, bytes):
        strange = [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe0\x80\x80", b"\xd0", b"\x00"]
        text = value[:-1] + strange[rng.integers(len(strange))]
        return varint(number << 3 | wire) + varint(len(text)) + text
    if choice == 6 and wire in (EIGHT, FOUR):
        return good[:-2] + bytes(rng.integers([0x80, 0x7F], [0x100, 0x81]).tolist())
    if choice == 7 and wire == VARINT:
        return varint(number << 3) + varint(int(rng.choice([0, 1, 127, 128, 2**31, 2**32 + 1, 2**63, 2**64 - 1])))
    if choice == 8:
        at = int(rng.integers(len(good)))
        return good[:at] + bytes([good[at] ^ 1 << int(rng.integers(8))]) + good[at + 1 :]
    return good[: int(rng.integers(len(good)))]


def varint(value: int, more: int = 0) -> bytes:
    """Return a number as protobuf writes it, `more` octets longer than it need be."""
    out = []
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value]) if not more else bytes([*out, value | 128, *[128] * (more - 1), 0])
