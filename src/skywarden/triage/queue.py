"""Whose turn it is, where more come than can be looked at: those who have been right, then all regions alike.

A flood from one place, or of one name, stands in line behind the first reports of every other place and name.
"""

from collections.abc import Sequence

import numpy as np

from skywarden.geo.earth import SEMI_MAJOR
from skywarden.model.detection import Detections
from skywarden.model.place import F64, I64
from skywarden.model.triage import Mark, Told
from skywarden.triage.take import sorted_rows
from skywarden.triage.trust import credibility

TURN = 96  # reports looked at in a second
MOST_WAITING = 2048
AT_ONCE = 1024  # reports of one tick; each takes some 50 us to read
CELL = np.radians(0.2)  # of places that are one region
KNOWN = 0.6  # credibility of those who go first


def fewer(batches: Sequence[Detections]) -> list[Detections]:
    """Return at most AT_ONCE of the batches of one tick, spread over the places that they come from and the names."""
    if len(batches) <= AT_ONCE:
        return list(batches)
    spots = np.array([np.zeros(3) if one.place is None else one.place.position for one in batches])
    cells = np.floor(spots / (CELL * SEMI_MAJOR)).astype(np.int64) @ np.array([1, 10_000, 100_000_000])
    names = np.array([0 if one.node is None else int(one.node[0]) for one in batches])
    rest = np.array([(int(one.time[0]), int(one.number[0])) for one in batches])
    order = np.lexsort((rest[:, 1], names, rest[:, 0]))
    turn = np.maximum(_place_in(cells[order]), 8 * _place_in(names[order]))
    chosen = order[np.argsort(turn, kind="stable")[:AT_ONCE]]
    return [batches[k] for k in chosen.tolist()]


def ranked(told: F64, marks: I64, known: tuple[I64, F64], time: int) -> tuple[F64, I64]:
    """Return reports in the order in which they are looked at. known: people and trust; time: ns."""
    told, marks = sorted_rows(told, marks)
    cells = np.floor(told[:, [Told.STAND_LATITUDE, Told.STAND_LONGITUDE]] / CELL).astype(np.int64)
    turn = np.maximum(_place_in(cells[:, 0] * 100_000 + cells[:, 1]), 8 * _place_in(marks[:, Mark.WHO]))
    trusted = credibility(*known, marks[:, Mark.WHO], time) >= KNOWN
    turn[trusted] = _place_in(marks[:, Mark.WHO])[trusted]
    order = np.lexsort((np.arange(len(turn)), turn))
    return told[order], marks[order]


def _place_in(group: I64) -> I64:
    """Return (n,) how many of the same group come before each."""
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=group[order][:1] - 1))
    places = np.arange(len(group)) - np.repeat(starts, np.diff(np.append(starts, len(group))))
    found = np.empty(len(group), np.int64)
    found[order] = places
    return found
