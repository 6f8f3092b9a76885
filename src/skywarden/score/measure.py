"""The row of a measure."""

from enum import StrEnum
from typing import NamedTuple


class Form(StrEnum):
    """How the value of a measure is written for people: a number (parts of 1 in percent), 0 to 1, yes or no."""

    NUMBER = "number"
    PLAIN = "plain"
    YES_NO = "yes or no"


Reason = tuple[str, str]  # why there is no value, in English and in Ukrainian


class Measure(NamedTuple):
    """One measure. unit: "" for a count, "1" for a part of 1; english, ukrainian: its definition; source: of that.

    empty: why there is no value where there is none, in both languages.
    """

    unit: str
    english: str
    ukrainian: str
    source: str
    form: Form = Form.NUMBER
    empty: Reason = ("nothing to count", "нема що рахувати")


OWN = "definition of this project, docs/scoring.md"
