"""Checks of one table after the other: unknown keys, missing keys, types, limits."""

import math
import types
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from enum import Enum
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

import msgspec

from skywarden.config.about import about
from skywarden.config.locate import Key
from skywarden.config.settings import Settings
from skywarden.config.suggest import converted, meant, unit_of


class Problem(NamedTuple):
    """One mistake. key: where; text: what is wrong and what to write instead, to be read after the key."""

    key: Key
    text: str


def problems(data: Mapping[str, Any]) -> list[Problem]:
    """Return every mistake that can be seen in one place alone."""
    return list(_table(data, Settings, ()))


def name_of(key: Key) -> str:
    """Return the name of a setting wherever it stands: ("sites", 0, "name") -> "sites.name"."""
    return ".".join(part for part in key if isinstance(part, str))


def toml(value: Any) -> str:
    """Return a value as TOML text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    if isinstance(value, Mapping):
        inside = ", ".join(f"{toml(k)} = {toml(v)}" for k, v in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    return str(value)


def _table(data: Mapping[str, Any], struct: type, key: Key) -> Iterator[Problem]:
    fields = {field.name: field for field in msgspec.structs.fields(struct)}
    guessed = set()
    for name, value in data.items():
        if name in fields:
            yield from _entry(value, fields[name].type, (*key, name))
        else:
            problem, guess = _unknown(name, value, [n for n in fields if n not in data], key)
            guessed.add(guess)
            yield problem if guess else Problem(problem.key, f"is unknown; known here: {', '.join(fields)}")
    for name, field in fields.items():
        if field.required and name not in data and name not in guessed:
            example = about(name_of((*key, name))).example
            yield Problem(key, f"has no {name}; write {name} = {example}")


def _unknown(name: str, value: Any, free: list[str], key: Key) -> tuple[Problem, str | None]:
    """Return the problem with an unknown key, and the known one it was probably meant to be."""
    here = (*key, name)
    guess = meant(name, free)
    if guess is None:
        for section in msgspec.structs.fields(Settings):
            if name in _names(section.type) and not isinstance(value, dict | list):
                return Problem(here, f"is unknown here; write it below {_header(section)}"), name
        return Problem(here, ""), None
    unit = about(name_of((*key, guess))).unit
    instead = converted(value, guess, unit_of(name)[1]) if unit else None
    if instead is not None:
        return Problem(here, f"is unknown; write {guess} = {instead} ({unit})"), guess
    return Problem(here, f"is unknown; did you mean {guess}?"), guess


def _names(kind: Any) -> tuple[str, ...]:
    struct = get_args(kind)[0] if get_origin(kind) is tuple else kind
    return tuple(field.name for field in msgspec.structs.fields(struct))


def _header(section: msgspec.structs.FieldInfo) -> str:
    return f"[[{section.name}]]" if get_origin(section.type) is tuple else f"[{section.name}]"


def _entry(value: Any, kind: Any, key: Key) -> Iterator[Problem]:
    if get_origin(kind) in (Union, types.UnionType):
        choices = [choice for choice in get_args(kind) if choice is not types.NoneType]
        kind = choices[-1] if isinstance(value, list) else choices[0]  # one text or a list of them
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        if isinstance(value, Mapping):
            yield from _table(value, kind, key)
        else:
            yield Problem(key, f"must be one table; write [{key[-1]}]")
    elif get_origin(kind) is tuple and issubclass(get_args(kind)[0], msgspec.Struct):
        if isinstance(value, list) and all(isinstance(item, Mapping) for item in value):
            for index, item in enumerate(value):
                yield from _table(item, get_args(kind)[0], (*key, index))
        else:
            yield Problem(key, f"must be a list of tables; write [[{key[-1]}]] before each")
    elif text := _wrong(value, kind, key):
        yield Problem(key, text)


def _wrong(value: Any, kind: Any, key: Key) -> str | None:
    """Return what is wrong with a single value."""
    if kind is str:
        if not isinstance(value, str):
            return f"must be text; write {key[-1]} = {about(name_of(key)).example or toml(str(value))}"
        return None if value.strip() else f"is empty; write {key[-1]} = {about(name_of(key)).example or '...'}"
    if kind is bool:
        return None if isinstance(value, bool) else f"must be yes or no; write {key[-1]} = true or {key[-1]} = false"
    if kind in (int, float):
        return _wrong_number(value, kind, key)
    choices = [str(c.value) for c in kind] if isinstance(kind, type) and issubclass(kind, Enum) else []
    choices = [str(c) for c in get_args(kind)] if get_origin(kind) is Literal else choices
    if choices:
        return None if value in choices else _choose(value, choices, key)
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as e:
        return f"is not right ({e}); write {key[-1]} = {about(name_of(key)).example}"
    return None


def _choose(value: Any, choices: list[str], key: Key) -> str:
    listed = ", ".join(toml(c) for c in choices)
    guess = meant(value, choices) if isinstance(value, str) else None
    hint = f"; did you mean {toml(guess)}?" if guess else f"; write for example {key[-1]} = {toml(choices[0])}"
    return f"= {toml(value)} is not one of {listed}{hint}"


def _wrong_number(value: Any, kind: type, key: Key) -> str | None:
    name = str(key[-1])
    row = about(name_of(key))
    unit = f" ({row.unit})" if row.unit else ""
    if isinstance(value, bool) or not isinstance(value, int | float):
        instead = converted(value, name) or row.example
        advice = f"; write {name} = {instead}{unit}" if instead else f"; write a number{unit}"
        shown = "a date or time" if isinstance(value, date | datetime | time) else toml(value)
        return f"must be a number, not {shown}{advice}"
    if not math.isfinite(value):
        return f"= {value} is not a number that can be used{unit}"
    if kind is int and value != int(value):
        return f"must be a whole number; write {name} = {round(value)}{unit}"
    low, high = row.low, row.high
    if low is not None and high is not None and not low <= value <= high:
        return f"= {value} must be between {low:.10g} and {high:.10g}{unit}"
    return None
