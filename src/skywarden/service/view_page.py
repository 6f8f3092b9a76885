"""What all parts of the live view share: what is drawn, words, colours, and how a table begins and ends."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from rich.table import Table
from rich.text import Text

from skywarden.model.assessment import Threat
from skywarden.service.publish import Published

WIDE, WORDY, NARROW = 110, 80, 70  # columns from which all fits; from which a word is whole; below it a short header
GOOD, BAD, DIM, HEAD = "green", "bold red", "dim", "bold"


class Page(NamedTuple):
    """What the parts of one drawing share. stale: s since the picture was published. expected: by site."""

    shown: Published
    expected: Mapping[str, list[Threat]]
    words: Mapping[str, str]
    width: int
    stale: float

    @property
    def wide(self) -> bool:
        return self.width >= WIDE

    def say(self, word: str) -> str:
        return self.words.get(word, word)

    def left(self, time: int) -> float:
        return (time - self.shown.picture.time) * 1e-9

    def age(self, seconds: float | None) -> str:
        return "-" if seconds is None else f"{seconds + self.stale:.1f} {self.say('s')}"

    def columns(self, chosen: Mapping[str, int]) -> list[str]:
        return [name for name, width in chosen.items() if self.width >= width]


def blank(page: Page, title: str, columns: list[str], right: tuple[str, ...]) -> Table:
    """Return a table without rows. right: columns that are set to the right."""
    table = Table(
        title=page.say(title), title_style=HEAD, title_justify="left", box=None, expand=True, padding=(0, 1, 0, 0)
    )
    for column in columns:
        side: Literal["left", "right"] = "right" if column in right else "left"
        table.add_column(page.say(column), justify=side, no_wrap=True, overflow="ellipsis", header_style=DIM)
    return table


def cell(content: Text | str) -> Text:
    """Return a cell that shows text as it is: no markup, no control codes. What targets claim comes through here."""
    text = content if isinstance(content, Text) else Text(content)
    return Text("".join(c if c.isprintable() else "?" for c in text.plain), style=text.style)


def rest(page: Page, table: Table, hidden: int) -> Table:
    if hidden > 0:
        table.title = f"{table.title} ({page.say('more').format(n=hidden)})"
    return table


def minutes(seconds: float) -> str:
    """Return a time span as mm:ss; what has passed is 00:00."""
    whole = max(0, round(seconds))
    return f"{whole // 60:02d}:{whole % 60:02d}"
