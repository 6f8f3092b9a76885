"""From one head to the next: which of the new tracks is which of those that people know."""

from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from skywarden.model.detection import NO_ADDRESS
from skywarden.model.place import I64
from skywarden.model.track import Status, Tracks
from skywarden.track.settings import TrackerSettings
from skywarden.track.states import at
from skywarden.track.table import rows_of

WITHDRAWN = "withdrawn: what came late explains it otherwise"
GATE = 22.5  # chi-square with 6 degrees of freedom, 99.9 %
NEIGHBOURS, WIDEST = 8, 20_000.0  # candidates of each track, at most so many m away


class Handed(NamedTuple):
    """tracks: with the numbers, status and hearing of those they continue. withdrawn: numbers that were shown."""

    tracks: Tracks
    withdrawn: list[int]


def handed_over(before: Tracks, after: Tracks, time: int, settings: TrackerSettings) -> Handed:
    """Give what people know of tracks to those of the same label, then to those at the same place and velocity."""
    old, row = rows_of(before.label, after.label)
    left = np.flatnonzero(~np.isin(np.arange(len(before)), row) & (before.number > 0))
    free = np.flatnonzero(~np.isin(np.arange(len(after)), old) & (after.status == Status.CONFIRMED))
    again, found = _alike(before.take(left), after.take(free), time, settings)
    old, row = np.concatenate((old, free[found])), np.concatenate((row, left[again]))
    number, status, heard = np.zeros(len(after), np.int64), np.zeros(len(after), np.int8), np.minimum(after.heard, time)
    number[old], status[old], heard[old] = before.number[row], before.status[row], before.heard[row]
    gone = before.shown() & ~np.isin(np.arange(len(before)), row)
    columns = {name: getattr(after, name) for name in Tracks.__slots__}
    withdrawn: list[int] = before.number[gone].tolist()
    return Handed(Tracks(**(columns | {"number": number, "status": status, "heard": heard})), withdrawn)


def _alike(before: Tracks, after: Tracks, time: int, settings: TrackerSettings) -> tuple[I64, I64]:
    """Return rows of `before` and of `after` that are one target, each at most once: the most alike first."""
    if not len(before) or not len(after):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    (x, P), (y, Q) = (at(tracks, time, settings.vertical_noise_m2_s3) for tracks in (before, after))
    near = min(NEIGHBOURS, len(after))
    distance, which = (
        np.asarray(each)
        for each in cKDTree(y[:, :3]).query(x[:, :3], k=list(range(1, near + 1)), distance_upper_bound=WIDEST)
    )
    i, j = np.nonzero(np.isfinite(distance))
    j = which[i, j]
    off = x[i] - y[j]
    chi2 = np.einsum("na,na->n", off, np.linalg.solve(P[i] + Q[j], off[:, :, None])[:, :, 0])
    other = (
        (before.address[i] != after.address[j]) & (before.address[i] != NO_ADDRESS) & (after.address[j] != NO_ADDRESS)
    )
    fits = np.flatnonzero((chi2 < GATE) & ~other)
    pairs: dict[int, int] = {}
    for k in fits[np.argsort(chi2[fits], kind="stable")].tolist():
        if int(i[k]) not in pairs and int(j[k]) not in pairs.values():
            pairs[int(i[k])] = int(j[k])
    return np.array(list(pairs), np.int64), np.array(list(pairs.values()), np.int64)
