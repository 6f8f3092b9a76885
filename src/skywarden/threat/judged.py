"""Which tracks are judged in this tick, and what is kept of the others.

Each is judged once a second, in turn (`model.turn`), so that no tick takes long; and at once when it is new, shown
again, or on another course than it was judged by.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.model.place import F64, I64
from skywarden.model.threats import FAR, PAIRS, Judged, Threats
from skywarden.model.track import Tracks
from skywarden.model.turn import due

JUMP = 1.0  # of its own uncertainty, by which a track's level velocity may have moved since it was judged


class Turn(NamedTuple):
    """Who was judged when, with this tick. rows: (k,) of the tracks, to be judged now. others: numbers of the rest."""

    judged: Judged
    rows: I64
    others: I64


def turn(before: Judged, tracks: Tracks, rows: I64, time: int) -> Turn:
    """Return who is to be judged at `time`, ns. rows: of the tracks that may raise an alert."""
    rows = rows[np.argsort(tracks.number[rows])]
    number, velocity = tracks.number[rows], tracks.mean[rows, 3:]
    last, then, now = np.full(len(rows), time), velocity, np.ones(len(rows), bool)
    if len(before.number) and len(rows):
        at = np.minimum(np.searchsorted(before.number, number), len(before.number) - 1)
        last, then = before.time[at], before.velocity[at]
        now = (before.number[at] != number) | due(number, last, time)
        moved = np.flatnonzero(~now & (velocity != then).any(1))
        now[moved] = _turned(tracks, rows[moved], velocity[moved] - then[moved])
    judged = Judged(number, np.where(now, time, last), np.where(now[:, None], velocity, then))
    for column in (judged.number, judged.time, judged.velocity):
        column.flags.writeable = False
    return Turn(judged, rows[now], number[~now])


def _turned(tracks: Tracks, rows: I64, moved: F64) -> NDArray[np.bool_]:
    """Return which tracks are on another course. moved: (k, 3) m/s; what it has climbed is not looked at."""
    place, spread = tracks.mean[rows, :3], tracks.covariance[rows, 3:, 3:]
    up = place / np.sqrt((place**2).sum(1))[:, None]
    level = (moved**2).sum(1) - (moved * up).sum(1) ** 2
    known = np.trace(spread, axis1=1, axis2=2) - np.einsum("ki,kij,kj->k", up, spread, up)
    return np.asarray(level > JUMP**2 * known, bool)


def joined(before: Threats, found: Threats, now: Turn) -> Threats:
    """Return what was found in this tick, and what stands of before: of tracks whose turn it was not."""
    if not len(now.rows) and len(now.others) == len(before.judged.number):
        return before
    stays = np.flatnonzero(np.isin(before.track, now.others))
    columns = [np.concatenate([getattr(before, name)[stays], getattr(found, name)]) for name in PAIRS]
    order = np.argsort(columns[1] * FAR + columns[0], kind="stable")  # of two runs in order: by merging
    columns = [column[order] for column in columns]
    for column in columns:
        column.flags.writeable = False
    return Threats(now.judged, before.sites, *columns)
