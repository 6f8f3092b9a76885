"""Checks of one table after the other: unknown keys, missing keys, types, limits."""

import math
import types
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from enum import Enum
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

import msgspec

from skywarden.config.about import ABOUT
from skywarden.config.about_row import About
from skywarden.config.locate import Key
from skywarden.config.settings import Settings
from skywarden.config.suggest import converted, meant, unit_of

UNUSABLE = {"height_reference": "ground", "north_reference": "platform"}  # of sensors: `relations` says why


class Problem(NamedTuple):
    """One mistake. key: where; text: what is wrong and what to write instead, to be read after the key."""

    key: Key
    text: str


class Form(NamedTuple):
    """A kind of file. root: the struct that a whole file becomes; rows: what each of its settings means."""

    root: type
    rows: Mapping[str, About]

    def about(self, key: Key) -> About:
        """Return the row of the setting at a key."""
        return self.rows.get(name_of(key), About(""))


CONFIGURATION = Form(Settings, ABOUT)


def problems(data: Mapping[str, Any], form: Form = CONFIGURATION) -> list[Problem]:
    """Return every mistake that can be seen in one place alone."""
    return list(_table(data, form.root, (), form))


def tables(data: Mapping[str, Any], section: str) -> list[Mapping[str, Any]]:
    """Return the blocks of a section; none where it is no list of tables, which `problems` names."""
    found = data.get(section)
    return found if isinstance(found, list) and all(isinstance(item, Mapping) for item in found) else []


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
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    if isinstance(value, Mapping):
        inside = ", ".join(f"{toml(k)} = {toml(v)}" for k, v in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    return str(value)


def _table(data: Mapping[str, Any], struct: type, key: Key, form: Form) -> Iterator[Problem]:
    fields = {field.name: field for field in msgspec.structs.fields(struct)}
    guessed = set()
    for name, value in data.items():
        if name in fields:
            if value != "" or fields[name].default != "":  # written out, it is as good as left out
                yield from _entry(value, fields[name].type, (*key, name), form)
        else:
            free = [n for n, field in fields.items() if n not in data or holds_blocks(field.type)]
            problem, guess = _unknown((*key, name), value, free, form)
            guessed.add(guess)
            yield problem if guess else Problem(problem.key, f"is unknown; known here: {', '.join(fields)}")
    for name, field in fields.items():
        if field.required and name not in data and name not in guessed:
            example = form.about((*key, name)).example
            yield Problem(key, f"has no {name}; write {f'{name} = {example}' if key else f'[{name}]'}")


def _unknown(here: Key, value: Any, free: list[str], form: Form) -> tuple[Problem, str | None]:
    """Return the problem with an unknown key, and the known one it was probably meant to be."""
    name = str(here[-1])
    guess = meant(name, free)
    if guess is None:
        for section in msgspec.structs.fields(form.root):
            if name in _names(section.type) and not isinstance(value, dict | list):
                return Problem(here, f"is unknown here; write it below {_header(section)}"), name
        return Problem(here, ""), None
    unit = form.about((*here[:-1], guess)).unit
    instead = converted(value, guess, unit_of(name)[1]) if unit else None
    if instead is not None:
        return Problem(here, f"is unknown; write {guess} = {instead} ({unit})"), guess
    return Problem(here, f"is unknown; did you mean {guess}?"), guess


def _names(kind: Any) -> tuple[str, ...]:
    struct = get_args(kind)[0] if get_origin(kind) is tuple else kind
    return tuple(field.name for field in msgspec.structs.fields(struct))


def _header(section: msgspec.structs.FieldInfo) -> str:
    return f"[[{section.name}]]" if get_origin(section.type) is tuple else f"[{section.name}]"


def _entry(value: Any, kind: Any, key: Key, form: Form) -> Iterator[Problem]:
    if get_origin(kind) in (Union, types.UnionType):
        choices = [choice for choice in get_args(kind) if choice is not types.NoneType]
        kind = choices[-1] if isinstance(value, list) else choices[0]  # one text or a list of them
    elif get_origin(kind) is tuple and not _is_struct(get_args(kind)[0]):
        yield from _list(value, get_args(kind), key, form.about(key))
        return
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        if isinstance(value, Mapping):
            yield from _table(value, kind, key, form)
        else:
            yield Problem(key, f"must be one table; write [{key[-1]}]")
    elif holds_blocks(kind):
        if isinstance(value, list) and all(isinstance(item, Mapping) for item in value):
            for index, item in enumerate(value):
                yield from _table(item, get_args(kind)[0], (*key, index), form)
        else:
            yield Problem(key, f"must be a list of tables; write [[{key[-1]}]] before each")
    elif text := _wrong(value, kind, key, form.about(key)):
        yield Problem(key, text)


def holds_blocks(kind: Any) -> bool:
    """Return whether a setting of that type is a list of tables."""
    return get_origin(kind) is tuple and _is_struct(get_args(kind)[0])


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _wrong(value: Any, kind: Any, key: Key, row: About) -> str | None:
    """Return what is wrong with a single value."""
    if kind is str:
        if not isinstance(value, str):
            return f"must be text; write {key[-1]} = {row.example or toml(str(value))}"
        return None if value.strip() else f"is empty; write {key[-1]} = {row.example or '...'}"
    if kind is bool:
        return None if isinstance(value, bool) else f"must be yes or no; write {key[-1]} = true or {key[-1]} = false"
    if kind in (int, float):
        return _wrong_number(value, kind, str(key[-1]), row)
    choices = [str(c.value) for c in kind] if isinstance(kind, type) and issubclass(kind, Enum) else []
    choices = [str(c) for c in get_args(kind)] if get_origin(kind) is Literal else choices
    if choices:
        return None if value in choices else _choose(value, choices, key)
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as e:
        return f"is not right ({e}); write {key[-1]} = {row.example}"
    return None


def _choose(value: Any, choices: list[str], key: Key) -> str:
    guess = meant(value, choices) if isinstance(value, str) else None
    choices = [choice for choice in choices if choice != UNUSABLE.get(str(key[-1]))]
    listed = ", ".join(toml(c) for c in choices)
    hint = f"; did you mean {toml(guess)}?" if guess else f"; write for example {key[-1]} = {toml(choices[0])}"
    return f"= {toml(value)} is not one of {listed}{hint}"


def _list(value: Any, kinds: tuple[Any, ...], key: Key, row: About) -> Iterator[Problem]:
    """Check a list of any length, or one of as many values as there are `kinds`."""
    many = len(kinds) == 2 and kinds[1] is Ellipsis
    hint = f"; write {name_of(key[-1:])} = {row.example}" if row.example and isinstance(key[-1], str) else ""
    if not isinstance(value, list):
        yield Problem(key, f"must be a list, not {toml(value)}{hint}")
    elif not many and len(value) != len(kinds):
        yield Problem(key, f"must be a list of {len(kinds)} values, not {len(value)}{hint}")
    else:
        for index, item in enumerate(value):
            kind = kinds[0 if many else index]
            if get_origin(kind) is tuple:
                yield from _list(item, get_args(kind), (*key, index), row)
            elif text := _wrong(item, kind, key, row):
                yield Problem((*key, index), text)


def _wrong_number(value: Any, kind: type, name: str, row: About) -> str | None:
    unit = f" ({row.unit})" if row.unit else ""
    if isinstance(value, bool) or not isinstance(value, int | float):
        instead = converted(value, name) or row.example
        advice = f"; write {name} = {instead}{unit}" if instead else f"; write a number{unit}"
        shown = "a date or time" if isinstance(value, date | datetime | time) else toml(value)
        return f"must be a number, not {shown}{advice}"
    if isinstance(value, float) and not math.isfinite(value):
        return f"= {value} is not a number that can be used{unit}"
    if kind is int and not isinstance(value, int):
        return f"must be a whole number; write {name} = {round(value)}{unit}"
    low, high = row.low, row.high
    if low is not None and high is not None and not low <= value <= high:
        return f"= {value} must be between {low:.10g} and {high:.10g}{unit}"
    return None
