"""Settings as a record keeps them: every value, defaults too, so that later versions read what was meant then.

A setting that is renamed or removed: raise LAYOUT and add a row to RENAMED. A new one needs nothing but its default.
"""

import tomllib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, get_args, get_origin

import msgspec

from skywarden.config.settings import Settings
from skywarden.errors import ConfigError

LAYOUT = 1


class Renamed(NamedTuple):
    """From `layout` on the setting `old` ("alert.hold_s", "sites.radius_m") has the name `new` in the same table."""

    layout: int
    old: str
    new: str | None  # None: there is no such setting any more


RENAMED: tuple[Renamed, ...] = ()


class _Kept(msgspec.Struct, frozen=True):
    layout: int
    settings: dict[str, Any]


def resolved(settings: Settings) -> str:
    """Return all settings as JSON, with the number of their layout."""
    return msgspec.json.encode(_Kept(LAYOUT, msgspec.to_builtins(settings)), order="sorted").decode()


def recalled(text: str, configuration: str = "") -> Settings:
    """Return the settings that `resolved` wrote, in this version or an earlier one.

    configuration: the file's text, for a record of the first format, which has no other (text is empty then).
    What this version does not know is left out, what it alone knows has its default, and limits of today do not bind
    values of then. Raises ConfigError, in words that go after "the settings cannot be read: ".
    """
    try:
        kept = msgspec.json.decode(text, type=_Kept) if text else _Kept(1, tomllib.loads(configuration))
        if kept.layout > LAYOUT:
            raise ConfigError(f"they have layout {kept.layout}, this version reads {LAYOUT}: update skywarden")
        return msgspec.convert(_known(upgraded(kept.settings, kept.layout), Settings), Settings)
    except (msgspec.MsgspecError, tomllib.TOMLDecodeError) as e:
        raise ConfigError(str(e)) from None


def upgraded(data: dict[str, Any], layout: int, renames: Sequence[Renamed] = RENAMED) -> dict[str, Any]:
    """Give the settings of an older layout, as plain data, the names of today."""
    for rename in renames:
        if rename.layout > layout:
            *tables, old = rename.old.split(".")
            for table in _tables(data, tables):
                if old in table:
                    value = table.pop(old)
                    if rename.new is not None:
                        table[rename.new] = value
    return data


def _tables(data: Any, path: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the tables at a path; of a list of tables each one."""
    found: Iterable[Any] = data if isinstance(data, list) else [data]
    for one in found:
        if isinstance(one, dict) and path:
            yield from _tables(one.get(path[0]), path[1:])
        elif isinstance(one, dict):
            yield one


def _known(value: Any, kind: Any) -> Any:
    if get_origin(kind) is tuple and isinstance(value, list):
        return [_known(one, get_args(kind)[0]) for one in value]
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and isinstance(value, dict):
        fields = {field.name: field.type for field in msgspec.structs.fields(kind)}
        return {name: _known(one, fields[name]) for name, one in value.items() if name in fields}
    return value
