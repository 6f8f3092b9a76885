"""The row of a measure."""

from typing import NamedTuple


class Measure(NamedTuple):
    """One measure. unit: "" for a count, "1" for a part of 1; english, ukrainian: its definition; source: of that."""

    unit: str
    english: str
    ukrainian: str
    source: str


OWN = "definition of this project, docs/scoring.md"
