"""Changes of a protobuf message or a JSON value that keep its form: they get further than changes of bytes."""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from random import Random
from typing import Any

NUMBERS = (0.0, -0.0, 1.0, -1.0, 1e-3, 45.0, 90.0, 180.0, 360.0, -200.0, 5e5, 4e6, 1e9, 1e38, 1e308, -1e308, 5e-324)
STRANGE = (float("nan"), float("inf"), float("-inf"))
WHOLE = (0, 1, -1, 2, 100, 1 << 31, (1 << 31) - 1, -(1 << 31), (1 << 32) - 1, (1 << 63) - 1, -(1 << 63))
WORDS = (
    "",
    " ",
    "x",
    "x" * 70,
    "x" * 700,
    "30N",
    "61X",
    "00A",
    "31n",
    "test",
    "Simulated",
    "ß\u0000\U0001f6e9",
    "95%",
    "max",
)
ULIDS = ("01GGYFBAXGDG7AGAHRZ6XSNY12", "8ZZZZZZZZZZZZZZZZZZZZZZZZZ", "01ggyfbaxgdg7agahrz6xsny13")
DEEP = 90  # levels; protobuf reads 100


class Mutator:
    """Changes messages field by field. donors: of whose parts new ones are made; names: texts of special meaning."""

    def __init__(self, donors: Sequence[Any], names: Sequence[str]) -> None:
        self._parts: dict[str, list[Any]] = {}
        for message in donors:
            for part in parts_of(message):
                found = self._parts.setdefault(part.DESCRIPTOR.full_name, [])
                if len(found) < 200:
                    found.append(part)
        self._words = [*WORDS, *ULIDS, *names]

    def change(self, message: Any, rng: Random) -> None:
        """Change one field somewhere in a message."""
        target = rng.choice(list(parts_of(message)))
        there = [found for found, _ in target.ListFields()]
        field = rng.choice(there) if there and rng.random() < 0.6 else rng.choice(target.DESCRIPTOR.fields)
        if rng.random() < 0.15:
            target.ClearField(field.name)
        elif field.is_repeated:
            self._several(getattr(target, field.name), field, rng)
        elif field.message_type is not None:
            getattr(target, field.name).CopyFrom(self._part(field, rng))
            getattr(target, field.name).SetInParent()
        else:
            self._set(target, field, rng)

    def _several(self, values: Any, field: Any, rng: Random) -> None:
        if len(values) and rng.random() < 0.3:
            del values[rng.randrange(len(values))]
        elif field.message_type is not None:
            if field.message_type is field.containing_type and rng.random() < 0.2:
                for _ in range(rng.randint(1, DEEP)):  # a type that holds itself
                    values = getattr(values.add(), field.name)
            else:
                values.add().CopyFrom(self._part(field, rng))
        else:
            value = self._value(field, rng)
            try:
                values.append(value)
            except (ValueError, TypeError):
                values.append(type(value)())

    def _part(self, field: Any, rng: Random) -> Any:
        kind = field.message_type
        return rng.choice(self._parts.get(kind.full_name) or [kind._concrete_class()])

    def _set(self, target: Any, field: Any, rng: Random) -> None:
        try:
            setattr(target, field.name, self._value(field, rng))
        except (ValueError, TypeError, OverflowError):  # too large for the field
            target.ClearField(field.name)

    def _value(self, field: Any, rng: Random) -> Any:
        kind = field.cpp_type
        if kind in (field.CPPTYPE_DOUBLE, field.CPPTYPE_FLOAT):
            return rng.choice(
                (rng.choice(NUMBERS), rng.choice(STRANGE), rng.uniform(-200, 200), rng.uniform(-1e7, 1e7))
            )
        if kind == field.CPPTYPE_ENUM:
            return rng.choice([value.number for value in field.enum_type.values] + [0, 99, -1])
        if kind == field.CPPTYPE_BOOL:
            return rng.random() < 0.5
        if kind == field.CPPTYPE_STRING:
            text = rng.choice(self._words)
            return text.encode() if field.type == field.TYPE_BYTES else text
        return rng.choice((*WHOLE, rng.getrandbits(31)))


def parts_of(message: Any) -> Iterator[Any]:
    """Yield a message and all messages in it."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for one in value if field.is_repeated else (value,):
                yield from parts_of(one)


def values_of(value: Any) -> Iterator[Any]:
    """Yield a JSON value and all in it."""
    yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from values_of(one)


def change_json(value: Any, donors: Sequence[Any], rng: Random) -> Any:
    """Return a JSON value with one change somewhere."""
    holders = [one for one in values_of(value) if isinstance(one, dict | list) and one]
    if not holders:
        return deepcopy(rng.choice(donors))
    holder = rng.choice(holders)
    places = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
    place = rng.choice(places)
    way = rng.random()
    if way < 0.2:
        del holder[place]
    elif way < 0.3 and isinstance(holder, dict):
        holder[rng.choice(WORDS)] = holder.pop(place)
    elif way < 0.4:
        holder[place] = [holder[place]] if rng.random() < 0.5 else {"x": holder[place]}
    elif way < 0.7:
        holder[place] = rng.choice((*NUMBERS, *STRANGE, *WHOLE, *WORDS, *ULIDS, None, True, [], {}))
    else:
        holder[place] = deepcopy(rng.choice(donors))  # the same one twice could come to stand within itself
    return value
