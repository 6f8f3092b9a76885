"""TOML text -> Settings, or one error that lists every mistake with its line."""

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import msgspec

from skywarden.config import relations, shape
from skywarden.config.locate import Key, dotted, locate
from skywarden.config.settings import Settings
from skywarden.config.shape import CONFIGURATION, Form, Problem
from skywarden.errors import ConfigError

Root = TypeVar("Root", bound=msgspec.Struct)
Between = Callable[[Mapping[str, Any]], Iterable[Problem]]  # finds mistakes that are between settings

_AT = re.compile(r"\(at line (\d+), column (\d+)\)")
_HINTS = (
    ("Invalid value", 'text needs quotes: name = "Plant A"; numbers and true/false do not'),
    ("Expected '=' after a key", "write key = value"),
    ("Cannot overwrite a value", "the same key stands twice; keep one"),
    ("Cannot declare", "the same [table] stands twice; keep one, or write [[sites]] with double brackets"),
    ("Illegal character '\\n'", "close the quotes"),
    ("Unescaped", "write \\\\ for a backslash, or put the text in single quotes"),
    ("Expected newline or end of document after a statement", "one setting on each line; decimals with a point"),
    ("Unterminated string", "close the quotes"),
    ("Unclosed array", "close the bracket ]"),
)


class ConfigProblems(ConfigError):
    """Every mistake of one configuration. problems: (line, dotted key, what to do), in the order of the file."""

    def __init__(self, problems: list[tuple[int, str, str]]) -> None:
        self.problems = problems
        line, where, _ = problems[0]
        super().__init__("\n".join(f"line {n}: {w} {t}".replace(":  ", ": ") for n, w, t in problems), where, line)


def parse(text: str) -> Settings:
    """Return the settings that a TOML text says. Raises ConfigProblems, a ConfigError, that lists all mistakes."""
    return parse_as(text, Settings, CONFIGURATION, relations.problems)


def parse_as(text: str, root: type[Root], form: Form, between: Between) -> Root:
    """Return what the TOML text of another kind of file says, as `parse` does. root: the same as form.root."""
    try:
        data = tomllib.loads(text)
        found = list(dict.fromkeys([*shape.problems(data, form), *between(data)]))
    except tomllib.TOMLDecodeError as e:
        raise _syntax(str(e), text) from None
    except RecursionError:
        raise ConfigProblems([(1, "", "nested too deeply; no setting needs more than a list in a table")]) from None
    if found:
        raise _listed(found, text)
    try:
        return msgspec.convert(data, root)
    except msgspec.ValidationError as e:  # a mistake that the checks above do not know
        raise ConfigError(str(e)) from None


def _listed(found: list[Problem], text: str) -> ConfigProblems:
    lines = locate(text)
    listed = sorted((_line(p.key, lines), dotted(p.key), p.text) for p in found)
    return ConfigProblems(listed)


def _line(key: Key, lines: dict[Key, int]) -> int:
    """Return the line of a key or, when it is missing, of the table around it."""
    while key and key not in lines:
        key = key[:-1]
    return lines.get(key, 1)


def _syntax(message: str, text: str) -> ConfigProblems:
    at = _AT.search(message)
    line = int(at[1]) if at else text.count("\n") + 1
    what = _AT.sub("", message).replace("(at end of document)", "").strip()
    hint: Any = next((hint for start, hint in _HINTS if what.startswith(start)), "")
    return ConfigProblems([(line, "", f"not TOML: {what}" + (f"; {hint}" if hint else ""))])
