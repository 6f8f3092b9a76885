"""The word of a site: alert, not watched, or watched. Nothing else in the product may say that a site is clear."""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from skywarden.model.place import F64, SECTORS
from skywarden.model.watched import CELLS, ENOUGH, LAYERS, SHAPE, Watch


class Word(StrEnum):
    """What is said of a site, the worst first."""

    ALERT = "alert"
    NOT_WATCHED = "not watched"
    LISTED = "watched, something is listed"
    CLEAR = "watched, nothing comes"


class Said(NamedTuple):
    """The word of a site. blind: cells that are not watched, from low to high, "NE low"; whatever the word is."""

    word: Word
    blind: tuple[str, ...]


def clear(site: str, alerts: Iterable[str], threats: Iterable[str], watch: Watch) -> Said:
    """Return what may be said of a site. alerts, threats: the sites of alerts that stand, and of threats listed.

    Only "watched, nothing comes" is an all-clear: every cell is watched, no alert stands, and no threat is listed.
    """
    blind = cells(watch, site)
    if site in alerts:
        return Said(Word.ALERT, blind)
    if blind:
        return Said(Word.NOT_WATCHED, blind)
    return Said(Word.LISTED if site in threats else Word.CLEAR, ())


def cells(watch: Watch, site: str) -> tuple[str, ...]:
    """Return the cells of a site that are not watched; all of one that was not looked at, or that nobody knows."""
    if site not in watch.posts.sites or not watch.at[watch.posts.sites.index(site)]:
        return named((1 << CELLS) - 1)
    return named(int(watch.blind[watch.posts.sites.index(site)]))


def blinded(values: F64) -> int:
    """Return the cells that are not watched, bit 3 * sector + layer. values: (8, 3, speeds) probabilities.

    The worst speed counts; what is no number is not watched.
    """
    good = (np.asarray(values).reshape(SHAPE) >= ENOUGH).all(2).ravel()
    return int((~good << np.arange(CELLS)).sum())


def named(blind: int) -> tuple[str, ...]:
    """Return cells in words, from low to high: "NE low"."""
    rows = ((layer, sector) for layer in range(len(LAYERS)) for sector in range(len(SECTORS)))
    return tuple(f"{SECTORS[s]} {LAYERS[a]}" for a, s in rows if blind >> (len(LAYERS) * s + a) & 1)


def short(blind: Iterable[str], say: Callable[[str], str] = str) -> str:
    """Return cells in few words, "low all around, NE middle". say: another language's word for each word."""
    told = list(blind)
    found = []
    for layer in LAYERS:
        mine = [cell.split()[0] for cell in told if cell.endswith(f" {layer}")]
        whole = len(mine) == len(SECTORS)
        found += [f"{say(layer)} {say('all around')}"] if whole else [f"{say(s)} {say(layer)}" for s in mine]
    return say("all around") if len(told) == CELLS else ", ".join(found)
