"""From one head to the next: which of the new tracks is which of those that people know."""

from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from skywarden.model.detection import NO_ADDRESS
from skywarden.model.place import F64, I64
from skywarden.model.track import Tracks
from skywarden.track.settings import TrackerSettings
from skywarden.track.states import at
from skywarden.track.table import rows_of

WITHDRAWN = "withdrawn: what came late explains it otherwise"
GATE = 22.5  # chi-square with 6 degrees of freedom, 99.9 %
LIKELY = 0.5  # existence; who is less likely takes no number over
NEIGHBOURS, WIDEST = 8, 20_000.0  # candidates of each track, at most so many m away


States = tuple[tuple[F64, F64], tuple[F64, F64]]  # mean and covariance before, and after


class Handed(NamedTuple):
    """tracks: with the numbers, status and hearing of those they continue. withdrawn: numbers that were shown."""

    tracks: Tracks
    withdrawn: list[int]


def handed_over(before: Tracks, after: Tracks, time: int, settings: TrackerSettings) -> Handed:
    """Give what people know of tracks to those that continue them."""
    row, old = same(before, after, time, settings)
    number, status, heard = np.zeros(len(after), np.int64), np.zeros(len(after), np.int8), np.minimum(after.heard, time)
    number[old], status[old], heard[old] = before.number[row], before.status[row], before.heard[row]
    gone = before.shown() & ~np.isin(np.arange(len(before)), row)
    columns = {name: getattr(after, name) for name in Tracks.__slots__}
    withdrawn: list[int] = before.number[gone].tolist()
    return Handed(Tracks(**(columns | {"number": number, "status": status, "heard": heard})), withdrawn)


def same(before: Tracks, after: Tracks, time: int, settings: TrackerSettings) -> tuple[I64, I64]:
    """Return rows of `before` and of `after` that are one target: by label and place, by place alone, by label alone.

    By place alone only those with a number before and likely after: others come and go.
    """
    states = at(before, time, settings.vertical_noise_m2_s3), at(after, time, settings.vertical_noise_m2_s3)
    j, i = rows_of(before.label, after.label)
    fits = _chi2(states, i, j) < GATE
    free = [np.isin(np.arange(len(tracks)), rows[fits], invert=True) for tracks, rows in ((before, i), (after, j))]
    left, new = (
        np.flatnonzero(free[0] & (before.number > 0)),
        np.flatnonzero(free[1] & (after.existence > LIKELY)),
    )
    k, m = _alike(before.take(left), after.take(new), states, (left, new))
    rest = ~fits & ~np.isin(i, left[k]) & ~np.isin(j, new[m])
    return np.concatenate((i[fits], left[k], i[rest])), np.concatenate((j[fits], new[m], j[rest]))


def _chi2(states: States, i: I64, j: I64) -> F64:
    """Return (n,) how far apart, in squared sigmas, row i of the one is from row j of the other."""
    (x, P), (y, Q) = states
    off = x[i] - y[j]
    return np.asarray(np.einsum("na,na->n", off, np.linalg.solve(P[i] + Q[j], off[:, :, None])[:, :, 0]), float)


def _alike(before: Tracks, after: Tracks, states: States, rows: tuple[I64, I64]) -> tuple[I64, I64]:
    """Return rows of `before` and of `after` that are one target, each at most once: the most alike first.

    rows: theirs in states.
    """
    if not len(before) or not len(after):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    near = min(NEIGHBOURS, len(after))
    tree = cKDTree(states[1][0][rows[1], :3])
    found = tree.query(states[0][0][rows[0], :3], k=list(range(1, near + 1)), distance_upper_bound=WIDEST)
    distance, which = (np.asarray(each) for each in found)
    i, j = np.nonzero(np.isfinite(distance))
    j = which[i, j]
    chi2 = _chi2(states, rows[0][i], rows[1][j])
    one, two = before.address[i], after.address[j]
    fits = np.flatnonzero((chi2 < GATE) & ((one == two) | (one == NO_ADDRESS) | (two == NO_ADDRESS)))
    pairs: dict[int, int] = {}
    taken = set[int]()
    for k in fits[np.argsort(chi2[fits], kind="stable")].tolist():
        a, b = int(i[k]), int(j[k])
        if a not in pairs and b not in taken:
            pairs[a] = b
            taken.add(b)
    return np.array(list(pairs), np.int64), np.array(list(pairs.values()), np.int64)
