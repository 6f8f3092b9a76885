"""How tracks flew in the last minutes: fading means of their velocity and of their speed.

A velocity's mean has the length of the speed's where a track flew straight on, and less where it wound about; towards
a site it is what share of its way brought the track nearer. Two vectors a track stand for a list of places, and judge
forecasts as well as one of 300 s does (docs/alerts.md).
"""

import numpy as np

from skywarden.model.past import Past
from skywarden.model.place import F64
from skywarden.model.track import Tracks

FADES_S = 300.0  # s


def flown(before: Past, tracks: Tracks, time: int, seconds: float) -> Past:
    """Return the means of all numbered tracks at `time`, ns, `seconds` after the last ones.

    A track that is younger than the means fade counts from its first plot on: its first velocity is its worst.
    """
    tracks = tracks.take(np.flatnonzero(tracks.number))
    tracks = tracks.take(np.argsort(tracks.number))
    number, now = tracks.number, _now(tracks)
    since, age = max(seconds, 0.0), np.maximum((time - tracks.born) * 1e-9, max(seconds, 0.0))
    fresh = np.expm1(-since / FADES_S) / np.minimum(np.expm1(-age / FADES_S), -1e-12)
    known = recalled(before, tracks)
    mean = known + fresh[:, None] * (now - known)
    for array in (number, mean):
        array.flags.writeable = False
    return Past(number, mean)


def recalled(past: Past, tracks: Tracks) -> F64:
    """Return (n, 4) the means of all tracks; of those that have none, what they do now."""
    found = _now(tracks)
    if len(past.number):
        at = np.minimum(np.searchsorted(past.number, tracks.number), len(past.number) - 1)
        known = (past.number[at] == tracks.number) & np.isfinite(past.mean[at]).all(1)
        found[known] = past.mean[at[known]]
    return found


def _now(tracks: Tracks) -> F64:
    return np.hstack([tracks.mean[:, 3:], np.sqrt((tracks.mean[:, 3:] ** 2).sum(1))[:, None]])
