"""Rows of the documentation that follow from the code: settings, scenarios, ASTERIX items.

Run this file to bring the rows of docs/configuration.md, scenarios.md and formats.md up to date; a new row
must be put into its table by hand first, its first column is enough.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from skywarden.config.write import markdown
from skywarden.sensors.asterix.editions import EDITIONS
from skywarden.sensors.asterix.layout import (
    Category,
    Chained,
    Compound,
    Explicit,
    Extended,
    Field,
    Fixed,
    Item,
    Repetitive,
    Shape,
)
from skywarden.sim.scene.template import documented


def asterix_rows(category: Category) -> Iterator[str]:
    """Yield "| `I048/040` | title | `RHO_NM`, `THETA_deg` |" for each item of a category."""
    for item in category.profile:
        if item is not None:
            yield f"| `I{category.number:03}/{item.name}` | {item.title} | {_content(item)} |"


def _content(item: Item) -> str:
    if isinstance(item.shape, Explicit):
        return "raw bytes, hexadecimal"
    if isinstance(item.shape, Compound):
        return "; ".join(_part(part) for part in item.shape.items if part is not None)
    return _fields(item.shape)


def _part(item: Item) -> str:
    return _fields(item.shape) if item.flat else f"`{item.name}`: {_content(item)}"


def _fields(shape: Shape) -> str:
    if isinstance(shape, Fixed):
        return _names(shape.fields)
    if isinstance(shape, Extended):
        return ", ".join(_names(part) for part in shape.parts)
    if isinstance(shape, Repetitive | Chained):
        return f"list of {_names(shape.element.fields)}"
    raise TypeError(type(shape))


def _names(fields: tuple[Field, ...]) -> str:
    keys = [key for field in fields if field.name for key in (field.key, field.other.key if field.other else "") if key]
    return ", ".join(f"`{key}`" for key in keys)


def newest() -> list[Category]:
    """Return the newest edition of each category."""
    return [editions[0] for editions in EDITIONS.values()]


def update(page: Path, rows: Iterable[str]) -> None:
    """Replace the rows of a page that begin with the same first column."""
    fresh = {row.split(" | ")[0]: row for row in rows}
    lines = [fresh.get(line.split(" | ")[0], line) for line in page.read_text().splitlines()]
    page.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    docs = Path(__file__).parent.parent / "docs"
    update(docs / "configuration.md", markdown())
    update(docs / "scenarios.md", documented())
    update(docs / "formats.md", (row for category in newest() for row in asterix_rows(category)))
