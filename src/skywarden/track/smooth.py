"""The past of tracks as it looks some seconds later, for review: what was measured since tells where they were.

Goes along with the settled chain, a second after the other: what the filter knew at each second is corrected by what it
came to know in the `lag` after it. Source: Rauch, Tung, Striebel 1965, in the form of Bar-Shalom, Li, Kirubarajan
2001, section 8.6, with one model of motion: the level noise that the track flies with then.
"""

from collections import deque
from typing import NamedTuple

import numpy as np

from skywarden.model.place import F64, I64
from skywarden.model.track import Chain
from skywarden.track.chain import SECOND, tracks_of
from skywarden.track.motion import predict_all
from skywarden.track.settings import TrackerSettings
from skywarden.track.states import at
from skywarden.track.table import rows_of

LAG = 5  # s


class Past(NamedTuple):
    """Targets at one time, ns. label: (n,); mean (n, 6) and covariance (n, 6, 6): ECEF, m and m/s.

    noise: (n,) m^2/s^3, level, as each flies then.
    """

    time: int
    label: I64
    mean: F64
    covariance: F64
    noise: F64


class Smoother:
    """Follows one settled chain."""

    def __init__(self, lag: int = LAG) -> None:
        """lag: s, at least 1."""
        self._known: deque[Past] = deque(maxlen=lag + 1)

    def take(self, chain: Chain, settings: TrackerSettings) -> Past | None:
        """Take the chain as it is now; when a second is over, return what it was `lag` seconds before, smoothed."""
        newest, time = self._known[-1].time if self._known else 0, chain.until // SECOND * SECOND
        if time < newest:  # a clock was set back
            self._known.clear()
        elif time == newest:
            return None
        tracks = tracks_of(chain, settings)
        mean, covariance = at(tracks, time, settings.vertical_noise_m2_s3)
        self._known.append(Past(time, tracks.label, mean, covariance, tracks.noise))
        full = len(self._known) == self._known.maxlen
        return smoothed(list(self._known), settings.vertical_noise_m2_s3) if full else None


def smoothed(known: list[Past], vertical_noise: float) -> Past:
    """Return the first of what was known at some times, in order, in the light of the others. noise: m^2/s^3."""
    after = known[-1]
    for before in known[-2::-1]:
        after = _back(before, after, vertical_noise)
    return after


def _back(before: Past, after: Past, vertical_noise: float) -> Past:
    """Return what was known before, corrected by the same targets smoothed after it. One that has ended stays."""
    later, row = rows_of(before.label, after.label)
    x, P, dt = before.mean[row], before.covariance[row], (after.time - before.time) * 1e-9
    ahead, spread = predict_all(x, P, np.full(len(row), dt), before.noise[row], vertical_noise)
    F = np.eye(6)
    F[[0, 1, 2], [3, 4, 5]] = dt
    gain = np.linalg.solve(spread, F @ P).swapaxes(1, 2)  # P F^T spread^-1; both are symmetric
    mean, covariance = before.mean.copy(), before.covariance.copy()
    mean[row] += np.einsum("nij,nj->ni", gain, after.mean[later] - ahead)
    change = gain @ (after.covariance[later] - spread) @ gain.swapaxes(1, 2)
    covariance[row] += 0.5 * (change + change.swapaxes(1, 2))
    return before._replace(mean=mean, covariance=covariance)
