"""How tracks flew in the last minutes: fading means of their velocity and of their speed.

A velocity's mean has the length of the speed's where a track flew straight on, and less where it wound about; towards
a site it is what share of its way brought the track nearer. Two vectors a track stand for a list of places, and judge
forecasts as well as one of 300 s does (docs/alerts.md).
"""

import numpy as np

from skywarden.model.past import Past
from skywarden.model.place import F64, I64
from skywarden.model.track import Tracks

FADES_S = 300.0  # s


def flown(before: Past, tracks: Tracks, time: int, seconds: float) -> Past:
    """Return the means of all numbered tracks at `time`, ns, `seconds` after the last ones.

    A track that is younger than the means fade counts from its first plot on: its first velocity is its worst.
    """
    rows = np.flatnonzero(tracks.number)
    rows = rows[np.argsort(tracks.number[rows])]
    number, now = tracks.number[rows], _now(tracks.mean[rows])
    since, age = max(seconds, 0.0), np.maximum((time - tracks.born[rows]) * 1e-9, max(seconds, 0.0))
    fresh = np.expm1(-since / FADES_S) / np.minimum(np.expm1(-age / FADES_S), -1e-12)
    known = _known(before, number, now)
    mean = known + fresh[:, None] * (now - known)
    for array in (number, mean):
        array.flags.writeable = False
    return Past(number, mean)


def recalled(past: Past, tracks: Tracks) -> F64:
    """Return (n, 4) the means of all tracks; of those that have none, what they do now."""
    return _known(past, tracks.number, _now(tracks.mean))


def _known(past: Past, number: I64, now: F64) -> F64:
    found = now.copy()
    if len(past.number):
        at = np.minimum(np.searchsorted(past.number, number), len(past.number) - 1)
        known = (past.number[at] == number) & np.isfinite(past.mean[at]).all(1)
        found[known] = past.mean[at[known]]
    return found


def _now(mean: F64) -> F64:
    return np.hstack([mean[:, 3:], np.sqrt((mean[:, 3:] ** 2).sum(1))[:, None]])
