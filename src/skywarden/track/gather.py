"""Items -> looks: what a sensor saw within a tenth of a second, in time order.

A look is one instant to the filter, and its detections come from different targets. How items are cut into looks
follows from the items, never from the messages or ticks that brought them.
"""

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
HALF = 500_000_000  # ns a second of revisit: a look is at most half of it, so that no target can be in it twice


class Gathered(NamedTuple):
    """given: detections in the order of looks; origin (n,): row of `Items` of each. looks: `Sense`, in time order.

    sensors: names, old ones first. repeated: (r,) rows of items that are equal to another, and not taken.
    """

    given: Given
    origin: I64
    looks: Rows
    sensors: tuple[str, ...]
    repeated: I64


def gather(items: Items, sensors: tuple[str, ...]) -> Gathered:
    """Cut items into looks, in the order of the middles of their times, those of equal time by sensor and kind.

    In a look they are in the order of their times, then names. The order in which items are given changes nothing.
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
    turn = _occurrences(sense, slot, np.where(alone[sense], 0, rows["subject"][order]))
    by = np.lexsort((turn, slot, sense))
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
    sensors += tuple(name for name in dict.fromkeys(seen) if name not in sensors)
    looks["sensor"] = [sensors.index(name) for name in seen]
    looks["time"], looks["begin"], looks["end"] = middle[rank], start, start + length
    stand(looks, rows["origin"][order[begin[rank]]])
    return Gathered(_given(rows[order[flat]]), order[flat], looks, sensors, repeated)


def _senses(items: Items) -> tuple[Rows, I64]:
    """Return senses that differ, in an order of their own, and (n,) which of them measured each item."""
    size = items.senses.dtype.itemsize
    plain, place = np.unique(np.ascontiguousarray(items.senses).view(f"V{size}"), return_inverse=True)
    senses = plain.view(items.senses.dtype)
    rank = np.lexsort((senses["kind"], senses["sensor"]))
    back = np.empty(len(rank), np.int64)
    back[rank] = np.arange(len(rank))
    return senses[rank], back[place.reshape(-1)][items.rows["sense"]]


def _occurrences(sense: I64, slot: I64, subject: I64) -> I64:
    """Return (n,) how often each row's subject was seen before by its sense in its slot; 0 where it has none."""
    turn = np.zeros(len(sense), np.int64)
    known = np.flatnonzero(subject != NO_SUBJECT)
    if not len(known):
        return turn
    order = known[np.lexsort((known, subject[known], slot[known], sense[known]))]
    new = _changes(sense[order]) | _changes(slot[order]) | _changes(subject[order])
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
