"""`detections.csv` as numbers, and what is refused in it: each fault with its line and what would be right."""

from collections.abc import Callable, Sequence
from io import StringIO
from typing import Any, NamedTuple

import numpy as np

from skywarden.errors import ConfigError
from skywarden.model.place import F64

LONGEST = 1e9  # s, some 30 years: what is later is no time of a scenario


class Rule(NamedTuple):
    """What a column may hold. right: says so; fits: of its values (n,) whether each does."""

    right: str
    fits: Callable[[F64], Any]


FINITE = Rule("write a finite number", np.isfinite)
DISTANCE = Rule("write a distance in m, not negative", lambda x: np.isfinite(x) & (x >= 0))
TIME = Rule("write s from the scenario's start, not negative", lambda x: (x >= 0) & (x <= LONGEST))
COUNT = Rule("write a whole number, not negative", lambda x: (x >= 0) & (x <= LONGEST) & (x == np.round(x)))
NUMBER = Rule("write a whole number from 1", lambda x: (x >= 1) & (x <= LONGEST) & (x == np.round(x)))
ANY = Rule("", lambda x: np.full(x.shape, fill_value=True))


class Table(NamedTuple):
    """rows: (n, columns) as asked for; text: what they were read from."""

    rows: F64
    text: str

    def require(self, fits: Any, column: str, wrong: str) -> None:
        """Raise ConfigError with the line of the first row that does not fit. fits: (n,)."""
        if not fits.all():
            raise _fault(self.text, int(np.argmin(fits)), column, wrong)


def decoded(data: bytes, name: str) -> str:
    """Return the text of a file; a mark before it and what ends its lines do not matter. Raises ConfigError."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ConfigError(f"{name}, line {line}: this is not UTF-8 text; is it another file?") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def columns(text: str, rules: dict[str, Rule]) -> Table:
    """Return the columns of a CSV with a head, in the order of the rules. Raises ConfigError."""
    first, _, rest = text.removeprefix("\ufeff").partition("\n")
    head = [name.strip() for name in first.split(",")]
    missing = [name for name in rules if name not in head]
    if missing:
        raise ConfigError(f"detections.csv, line 1: has no column {', '.join(missing)}")
    if not rest.strip():
        raise ConfigError("detections.csv has no detections")
    places = [head.index(name) for name in rules]
    try:
        rows = np.loadtxt(StringIO(rest), delimiter=",", usecols=places, ndmin=2, comments=None)
    except ValueError as error:
        raise _unreadable(text, dict(zip(rules, places, strict=True)), error) from None
    table = Table(rows, text)
    for k, (name, rule) in enumerate(rules.items()):
        table.require(rule.fits(rows[:, k]), name, rule.right)
    return table


def _fault(text: str, row: int, column: str, wrong: str) -> ConfigError:
    """row: counted from 0 below the head; empty lines are none."""
    filled = [number for number, line in enumerate(text.split("\n"), 1) if number > 1 and line]
    return ConfigError(f"detections.csv, line {filled[row]}, column {column}: {wrong}")


def _unreadable(text: str, places: dict[str, int], error: ValueError) -> ConfigError:
    """Return the fault of the first line that has no number where one is needed."""
    for number, line in enumerate(text.split("\n")[1:], 2):
        fields = line.split(",")
        for name, place in places.items() if line else ():
            if not _is_number(fields, place):
                return ConfigError(f"detections.csv, line {number}, column {name}: cannot be read; write a number")
    return ConfigError(f"detections.csv cannot be read: {error}")


def _is_number(fields: Sequence[str], place: int) -> bool:
    try:
        float(fields[place])
    except (ValueError, IndexError):
        return False
    return True
