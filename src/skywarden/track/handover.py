"""From one head to the next: which of the new tracks is which of those that people know."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from skywarden.model.place import I64
from skywarden.model.track import Status, Tracks
from skywarden.track.alike import GATE, States, alike, chi2
from skywarden.track.settings import TrackerSettings
from skywarden.track.states import at
from skywarden.track.table import rows_of

WITHDRAWN = "withdrawn: what came late explains it otherwise"
LIKELY = 0.5  # existence; who is less likely takes no number over


class Handed(NamedTuple):
    """tracks: with the numbers, status and hearing of those they continue. withdrawn: numbers that were shown."""

    tracks: Tracks
    withdrawn: list[int]


def handed_over(before: Tracks, after: Tracks, time: int, settings: TrackerSettings) -> Handed:
    """Give what people know of tracks to those that continue them."""
    row, old = same(before, after, time, settings)
    gone = before.shown() & ~np.isin(np.arange(len(before)), row)
    withdrawn: list[int] = before.number[gone].tolist()
    return Handed(carried(before, after, (row, old), np.minimum(after.heard, time)), withdrawn)


def carried(before: Tracks, after: Tracks, rows: tuple[I64, I64], heard: I64) -> Tracks:
    """Return `after` with what people know of those that go on; of the others that is nothing but when they were heard.

    rows: of `before`, of `after`. heard: (n,) ns, written over where they go on.
    """
    n, (one, other) = len(after), rows
    number, status, since = np.zeros(n, np.int64), np.full(n, Status.TENTATIVE, np.int8), np.zeros(n, np.int64)
    number[other], status[other], since[other] = before.number[one], before.status[one], before.since[one]
    heard[other] = before.heard[one]
    return replace(after, number=number, status=status, heard=heard, since=since)


def same(before: Tracks, after: Tracks, time: int, settings: TrackerSettings) -> tuple[I64, I64]:
    """Return rows of `before` and of `after` that are one target: by label and place, by place alone, by label alone.

    By place alone only those with a number before and likely after: others come and go.
    """
    one, other = (
        States(*at(tracks, time, settings.vertical_noise_m2_s3), tracks.address) for tracks in (before, after)
    )
    j, i = rows_of(before.label, after.label)
    fits = chi2(one, other, i, j) < GATE
    free = [np.isin(np.arange(len(tracks)), rows[fits], invert=True) for tracks, rows in ((before, i), (after, j))]
    left, new = (
        np.flatnonzero(free[0] & (before.number > 0)),
        np.flatnonzero(free[1] & (after.existence > LIKELY)),
    )
    k, m = alike(one.take(left), other.take(new))
    rest = ~fits & ~np.isin(i, left[k]) & ~np.isin(j, new[m])
    return np.concatenate((i[fits], left[k], i[rest])), np.concatenate((j[fits], new[m], j[rest]))
