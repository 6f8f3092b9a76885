"""Which editions of which categories there are. The first of each is used when a source does not say."""

from collections.abc import Mapping

from skywarden.errors import ConfigError
from skywarden.sensors.asterix import cat034, cat048, cat062, cat065
from skywarden.sensors.asterix.layout import Category

EDITIONS: Mapping[int, tuple[Category, ...]] = {
    34: cat034.EDITIONS,
    48: cat048.EDITIONS,
    62: cat062.EDITIONS,
    65: cat065.EDITIONS,
}
CURRENT: Mapping[int, Category] = {number: editions[0] for number, editions in EDITIONS.items()}


def chosen(editions: Mapping[str, str]) -> dict[int, Category]:
    """Return the tables for a source's `editions`, e.g. {"048": "1.32"}.

    Raises ConfigError that names the editions there are.
    """
    found = dict(CURRENT)
    for category, edition in editions.items():
        if not category.isdecimal() or int(category) not in EDITIONS:
            raise ConfigError(f"ASTERIX category {category!r} is not read; use one of {_names(EDITIONS)}", "editions")
        known = {c.edition: c for c in EDITIONS[int(category)]}
        if edition not in known:
            raise ConfigError(
                f"category {category} has no edition {edition!r} here; use one of {', '.join(known)}", "editions"
            )
        found[int(category)] = known[edition]
    return found


def _names(numbers: Mapping[int, object]) -> str:
    return ", ".join(f'"{n:03}"' for n in numbers)
