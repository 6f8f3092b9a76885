"""Groups that split and merge: a track that began beside another, and one that is lost beside another.

Two that fly close together may be one plot to a sensor for a while. When they part, a second track begins where the
first one was; when they close up, one of the two is seen no more. That is told with the event, by the other's number:
neither is something new out of nowhere, nor has anything gone.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from skywarden.model.event import TrackCoasting, TrackConfirmed, TrackDropped
from skywarden.model.place import F64, I64
from skywarden.model.track import Status, Tracks
from skywarden.track.nearest import nearest

CLOSE = 300.0  # m; so close two may be one plot, whatever is known of them
VAGUE = 1_000.0  # m; what is known worse than that is not said to be beside anything
TOGETHER = 0.3  # of the faster one's speed, by which their velocities differ at most; or
DRIFT = 10.0  # m/s, if that is more
OLDER = 2  # revisits by which a track must have been there before the one that parts from it
NEIGHBOURS, WIDEST = 16, 5_000.0  # that are looked at, now at most so many m away


def accompanied(
    events: Sequence[TrackConfirmed | TrackCoasting | TrackDropped], tracks: Tracks, time: int, first: int
) -> list[TrackConfirmed | TrackCoasting | TrackDropped]:
    """Return a tick's events with the number of who was beside a track when it began, or when it was seen last.

    first: number from which on tracks are new; others are only found again.
    """
    row = {number: i for i, number in enumerate(tracks.number.tolist()) if number}
    told = [
        k
        for k, event in enumerate(events)
        if event.number in row
        and (isinstance(event, TrackCoasting) or (isinstance(event, TrackConfirmed) and event.number >= first))
    ]
    if not told:
        return list(events)
    which = np.array([row[events[k].number] for k in told])
    began = np.array([isinstance(events[k], TrackConfirmed) for k in told])
    when = np.where(began, tracks.born[which], tracks.seen_at[which].max(axis=1))
    found = list(events)
    for k, other in zip(told, beside(tracks, which, when, time, began), strict=True):
        found[k] = msgspec.structs.replace(events[k], beside=other)
    return found


def beside(tracks: Tracks, which: I64, when: I64, time: int, began: NDArray[np.bool_]) -> list[int]:
    """Return the number of the nearest shown track that flew along with each of `which` at its `when`, ns; 0: none.

    began: of each, whether the other must have been there before; else it must have been seen since. Straight back.
    """
    shown = np.flatnonzero(tracks.shown())
    velocity, now = tracks.mean[:, 3:], _places(tracks, np.full(len(tracks), time))
    a, b = nearest(now[which], now[shown], NEIGHBOURS + 1, WIDEST)
    i, j = which[a], shown[b]
    spread = np.sqrt(np.trace(tracks.covariance[:, :3, :3], axis1=1, axis2=2))
    with np.errstate(over="ignore", invalid="ignore"):  # of nonsense
        apart = np.linalg.norm(_places(tracks, when[a], i) - _places(tracks, when[a], j), axis=1)
        speed = np.linalg.norm(velocity, axis=1)
        differ = np.linalg.norm(velocity[i] - velocity[j], axis=1)
    last, born, confirmed = tracks.seen_at.max(axis=1), tracks.born, tracks.status == Status.CONFIRMED
    least = np.round(tracks.revisit[i] * 1e9).astype(np.int64)  # two of one turn differ by what a turn takes
    there = np.where(began[a], born[i] - born[j] > OLDER * least, (last[j] - when[a] > least // 2) & confirmed[j])
    there &= (i != j) & (spread[i] < VAGUE) & (spread[j] < VAGUE)
    there &= (apart < CLOSE + spread[i] + spread[j]) & (
        differ < np.maximum(TOGETHER * np.maximum(speed[i], speed[j]), DRIFT)
    )
    closest = [0] * len(which)
    for k in np.flatnonzero(there)[np.argsort(-apart[there], kind="stable")].tolist():
        closest[a[k]] = int(tracks.number[j[k]])
    return closest


def _places(tracks: Tracks, when: I64, rows: I64 | slice = slice(None)) -> F64:
    """Return (n, 3) where tracks would be at their `when`, ns, straight on."""
    mean, ahead = tracks.mean[rows], (when - tracks.time[rows]) * 1e-9
    return np.asarray(mean[:, :3] + mean[:, 3:] * ahead[:, None], float)
