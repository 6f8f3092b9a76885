"""Checks of names: what tables and messages can carry, and that each is there once."""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from skywarden.config.locate import Key
from skywarden.config.shape import Problem, toml
from skywarden.sim.scene.about import SENSORS
from skywarden.sim.scene.right import STRUCTS, tables
from skywarden.sim.scene.settings import Placed

LONGEST = 39  # bytes of UTF-8: what a cell of a table holds
LONGEST_TITLE = 200  # of the scenario, which stands in no table and may have commas
LONGEST_WAVE = 30  # targets are called after it, with a number: first-12345
_CONTROL = ("Cc", "Zl", "Zp")  # categories of Unicode: control characters and what ends a line or a paragraph
_WORDS = {",": "a comma", '"': "a double quote", "\n": "a line break", "\r": "a line break", "\t": "a tab"}

Named = list[tuple[Key, str]]


def problems(data: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield every name that is wrong by itself or stands twice among the sections that share names."""
    about = data.get("scenario")
    if isinstance(about, Mapping) and isinstance(name := about.get("name"), str):
        yield from _spelt(("scenario", "name"), name, LONGEST_TITLE)
    for sections in (("sites",), SENSORS, ("waves",), ("spoofers",)):
        named = list(_named(data, sections))
        for key, name in named:
            yield from _spelt(key, name, LONGEST_WAVE if key[0] == "waves" else LONGEST)
        yield from _twice([(key, name) for key, name in named if not _wrong(name)])
    yield from _numbered(data)


def _named(data: Mapping[str, Any], sections: Iterable[str]) -> Iterator[tuple[Key, str]]:
    for section in sections:
        listed = data.get(section)
        for index, table in enumerate(listed if isinstance(listed, list) else []):
            name = table.get("name") if isinstance(table, Mapping) else None
            if isinstance(name, str):
                yield (section, index, "name"), name


def _wrong(name: str, signs: str = ',"') -> str:
    """Return the first character that a name cannot have, "" if there is none. signs: besides control characters."""
    return next((sign for sign in name if sign in signs or unicodedata.category(sign) in _CONTROL), "")


def _spelt(key: Key, name: str, longest: int) -> Iterator[Problem]:
    size = len(name.encode())
    signs = '"' if longest == LONGEST_TITLE else ',"'
    if sign := _wrong(name, signs):
        what = _WORDS.get(sign, f"the control character U+{ord(sign):04X}")
        better = "".join(" " if _wrong(one, signs) else one for one in name)
        better = " ".join(better.split())[:longest] or "north"
        yield Problem(key, f"has {what} in it, which names cannot have; write for example name = {toml(better)}")
    if size > longest:
        yield Problem(key, f"is {size} bytes long; write a name of at most {longest} (in UTF-8, a letter can take 4)")


def _twice(named: Named) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for key, name in named:
        if name in first:
            yield Problem(key, f"= {toml(name)} is taken by {first[name]}; give each its own name")
        first.setdefault(name, f"{key[0]}[{key[1]}]")


def _numbered(data: Mapping[str, Any]) -> Iterator[Problem]:
    """A block of several is called north-1, north-2 ...: no other may be called so, and it must not be too long."""
    blocks: list[tuple[Key, Placed]] = [one for section in SENSORS for one in tables(data, section, STRUCTS[section])]
    several = {block.name: (key, block.count) for key, block in blocks if block.count > 1}
    for key, block in blocks:
        width = len(str(block.count))
        longest = LONGEST - 1 - width
        if block.count > 1 and longest < len(block.name.encode()) <= LONGEST:
            text = f"is too long: each of the {block.count} has a number besides; write at most {longest} bytes"
            yield Problem((*key, "name"), text)
        stem, _, number = block.name.rpartition("-")
        if block.count > 1 or stem not in several or not (number.isascii() and number.isdecimal()):
            continue
        other, count = several[stem]
        if len(number) == len(str(count)) and 1 <= int(number) <= count:
            text = f"= {toml(block.name)} is that of one of the {count} of {other[0]}[{other[1]}]"
            yield Problem((*key, "name"), f"{text}; give each its own name")
