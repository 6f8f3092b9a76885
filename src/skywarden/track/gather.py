"""Items -> looks: what a sensor saw within a tenth of a second, in time order.

A look is one instant to the filter, and its detections come from different targets. How items are cut into looks
follows from the items, never from the messages or ticks that brought them.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.model.detection import NO_SUBJECT, Kind
from skywarden.model.place import I64
from skywarden.track.items import Items
from skywarden.track.measure import ROWS
from skywarden.track.pool import Rows
from skywarden.track.prepare import Given
from skywarden.track.standing import stand

QUANTUM = 100_000_000  # ns; the longest look, and what the tracker's chains go by
OFTEN = 8  # times that a sensor may see one subject in the time of a look: each is a look of its own, of some 80 us
HALF = 500_000_000  # ns a second of revisit: a look is at most half of it, so that no target can be in it twice


class Gathered(NamedTuple):
    """given: detections in the order of looks; origin (n,): row of `Items` of each. looks: `Sense`, in time order.

    sensors: names, old ones first. Not taken: repeated, (r,) rows of items that are equal to another, and crowded, (c,)
    of subjects that were seen too often.
    """

    given: Given
    origin: I64
    looks: Rows
    sensors: tuple[str, ...]
    repeated: I64
    crowded: I64


def gather(items: Items, sensors: tuple[str, ...]) -> Gathered:
    """Cut items into looks, in the order of the middles of their times, those of equal time by sensor and kind.

    In a look they are in the order of their times, then names. The order in which items are given changes nothing. Of
    a subject that is seen too often in the time of a look the first ones are taken, in the same order.
    """
    rows, (senses, sense) = items.rows, _senses(items)
    order = np.lexsort((rows["name"], rows["time"], sense))
    again = (np.diff(sense[order], prepend=-1) == 0) & (np.diff(rows["name"][order], prepend=-1) == 0)
    repeated, order = order[again], order[~again]
    sense, time = sense[order], rows["time"][order]
    longest = np.clip(senses["revisit"][sense] * HALF, 1, QUANTUM).astype(np.int64)
    slot = time // QUANTUM * (QUANTUM + 1) + time % QUANTUM // longest
    alone = np.array([ROWS[Kind(kind)].alone for kind in senses["kind"].tolist()], bool)
    alone &= ~((senses["kind"] == Kind.DIRECTION) & (senses["begins"] > 0.0))  # whose looks tell targets apart
    subject = rows["subject"][order]
    turn = _occurrences((sense, slot, np.where(alone[sense], 0, subject)), np.arange(len(order)))
    often, who = turn, senses["sensor"] * len(Kind) + senses["kind"]
    if len(np.unique(who)) < len(who):  # who moves, or says another revisit each time, has many senses
        often = _occurrences((who[sense], slot, subject), np.lexsort((rows["name"][order], time)))
    few = alone[sense] | (often < OFTEN)
    crowded, by = order[~few], np.lexsort((turn, slot, sense))
    by = by[few[by]]
    order, sense, slot, turn = order[by], sense[by], slot[by], turn[by]
    time = rows["time"][order]
    new = [np.diff(column, prepend=-1) != 0 for column in (sense, turn)]
    begin = np.flatnonzero(new[0] | new[1] | (np.diff(slot, prepend=slot[:1] - 1) != 0))
    length = np.diff(np.append(begin, len(order)))
    first, last = time[begin], time[begin + length - 1]
    middle = first + (last - first) // 2
    rank = np.lexsort((turn[begin], sense[begin], middle))
    length = length[rank]
    start = np.cumsum(length) - length
    flat = np.repeat(begin[rank] - start, length) + np.arange(len(order))
    looks = senses[sense[begin[rank]]]
    seen = [items.names[k] for k in looks["sensor"].tolist()]
    number = numbered(sensors, seen)
    sensors, looks["sensor"] = tuple(number), [number[name] for name in seen]
    looks["time"], looks["begin"], looks["end"] = middle[rank], start, start + length
    stand(looks, rows["origin"][order[begin[rank]]])
    return Gathered(_given(rows[order[flat]]), order[flat], looks, sensors, repeated, crowded)


def numbered(sensors: Sequence[str], seen: Iterable[str]) -> dict[str, int]:
    """Return the number of each sensor by its name: of those known, then of the others in the order of `seen`."""
    return {name: k for k, name in enumerate(dict.fromkeys((*sensors, *seen)))}


def _senses(items: Items) -> tuple[Rows, I64]:
    """Return senses that differ, in an order of their own, and (n,) which of them measured each item."""
    size = items.senses.dtype.itemsize
    plain, place = np.unique(np.ascontiguousarray(items.senses).view(f"V{size}"), return_inverse=True)
    senses = plain.view(items.senses.dtype)
    rank = np.lexsort((senses["kind"], senses["sensor"]))
    back = np.empty(len(rank), np.int64)
    back[rank] = np.arange(len(rank))
    return senses[rank], back[place.reshape(-1)][items.rows["sense"]]


def _occurrences(columns: tuple[I64, I64, I64], order: I64) -> I64:
    """Return (n,) how many rows before it, in this order, each row equals. columns: (n,) each, the last a subject."""
    turn = np.zeros(len(order), np.int64)  # of one that has no subject
    known = order[columns[2][order] != NO_SUBJECT]
    if not len(known):
        return turn
    order = known[np.lexsort([column[known] for column in reversed(columns)])]
    new = _changes(columns[0][order]) | _changes(columns[1][order]) | _changes(columns[2][order])
    first = np.flatnonzero(new)
    turn[order] = np.arange(len(order)) - np.repeat(first, np.diff(np.append(first, len(order))))
    return turn


def _changes(column: I64) -> NDArray[np.bool_]:
    """Return (n,) where a column differs from the row before; the first row does."""
    return np.concatenate((np.ones(min(len(column), 1), bool), column[1:] != column[:-1]))


def _given(rows: Rows) -> Given:
    """Return items as the filter takes them."""
    n, plain = len(rows), np.ascontiguousarray
    z, covariance = plain(rows["z"]), plain(rows["covariance"])
    columns = ("time", "time_sigma", "address", "name", "person")
    time, sigma, address, name, person = (plain(rows[column]) for column in columns)
    return Given(z, covariance, time, sigma, address, name, person, np.zeros(n, np.int64), np.zeros(n, np.int64))
