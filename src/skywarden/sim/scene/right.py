"""What the checks between settings have in common: tables that are right by themselves, names, ordered pairs."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar, get_args

import msgspec

from skywarden.config.locate import Key
from skywarden.config.shape import Problem, toml
from skywarden.config.suggest import meant, number
from skywarden.sim.scene.settings import Pair, Scene

Table = TypeVar("Table", bound=msgspec.Struct)
STRUCTS: Mapping[str, Any] = {
    field.name: (get_args(field.type) or (field.type,))[0] for field in msgspec.structs.fields(Scene)
}


def tables(data: Mapping[str, Any], section: str, struct: type[Table]) -> list[tuple[Key, Table]]:
    """Return the tables of a section that are right by themselves, each with its key."""
    listed = data.get(section)
    found: list[tuple[Key, Table]] = []
    for index, table in enumerate(listed if isinstance(listed, list) else []):
        if (read := one(table, struct)) is not None:
            found.append(((section, index), read))
    return found


def one(table: Any, struct: type[Table]) -> Table | None:
    """Return a table as its struct, None if it is wrong."""
    try:
        return msgspec.convert(table, struct)
    except msgspec.ValidationError:
        return None


def shown(values: Iterable[float]) -> str:
    """Return a list of numbers as people write it."""
    return "[" + ", ".join(map(number, values)) + "]"


def ordered(key: Key, name: str, pair: Pair) -> Iterator[Problem]:
    """The lower one of two limits stands first."""
    if pair[0] > pair[1]:
        yield Problem((*key, name), f"= {shown(pair)}: the lower one stands first; write {name} = {shown(pair[::-1])}")


def unknown(key: Key, name: str, what: str, known: Iterable[str]) -> Problem:
    """Return the problem that `name` is not the name of a `what`."""
    names = list(known)
    guess = meant(name, names)
    listed = f"there are {', '.join(map(toml, names))}" if names else "there is none"
    hint = f"did you mean {toml(guess)}?" if guess else listed
    return Problem(key, f"= {toml(name)} is not the name of a {what}; {hint}")
