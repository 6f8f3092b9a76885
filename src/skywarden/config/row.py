"""What is said of one setting."""

from typing import NamedTuple


class About(NamedTuple):
    """One setting. example: TOML text, shown where there is no default. low, high: limits of a number, inclusive."""

    text: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    example: str = ""
