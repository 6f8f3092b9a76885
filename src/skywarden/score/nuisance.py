"""Nuisances: birds, and noise that is taken for something that flies. Neither wanted nor false.

Nobody is helped by complete tracks of birds, and a good track of a bird is no invention. So the measures of tracks are
taken without them: the truth loses the rows of nuisances, and a track loses each row that is then within c, level, of a
nuisance and not within c, level, of a wanted target. What the system does with nuisances is counted by itself.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.score.case import Case
from skywarden.score.nearby import Near, rows_of
from skywarden.score.notices import NO_ALERTS
from skywarden.score.tables import Points

NUISANCES = ("bird", "ground vehicle or other noise")  # words of the column `class` of the truth; DESIGN section 5


class Apart(NamedTuple):
    """A case and its nuisances apart.

    wanted: the case without them, with all names kept so that rows of names stay the same. pairs: tracks near wanted
    targets. nuisance: (names,) bool, of truth.names. spent: pairs of a nuisance and a track near no wanted target.
    """

    wanted: Case
    pairs: Near
    nuisance: NDArray[np.bool_]
    spent: Near


def nuisances(truth: Points) -> NDArray[np.bool_]:
    """Return (N,) whether each row of the truth is a nuisance's, by its class."""
    return np.array([word in NUISANCES for word in truth.words], bool)[truth.word]


def apart(given: Case, pairs: Near) -> Apart:
    """Return a case and its nuisances apart. pairs: tracks near any target within c (nearby.near)."""
    rows = nuisances(given.truth)
    named = np.zeros(len(given.truth.names), bool)
    named[given.truth.id[rows]] = True
    of_nuisance = named[pairs.target]
    wanted = np.flatnonzero(~of_nuisance)
    if not rows.any():
        return Apart(given, pairs, named, pairs.of(wanted[:0]))
    track = rows_of(given.tracks, pairs.time, pairs.track)
    near_wanted = np.zeros(len(given.tracks), bool)
    near_wanted[track[wanted]] = True
    spent = np.flatnonzero(of_nuisance & ~near_wanted[track])
    kept = np.ones(len(given.tracks), bool)
    kept[track[spent]] = False
    rest = replace(
        given,
        truth=given.truth.take(~rows),
        below=given.below[~rows],
        tracks=given.tracks.take(kept),
        seen=given.seen[kept],
    )
    return Apart(rest, pairs.of(wanted), named, pairs.of(spent))


class Nuisance(NamedTuple):
    """What a system made of nuisances. seconds: target-times of them; followed: those with a track near them that was
    near no wanted target. alerts: raised for tracks that are a nuisance's, 0 also without a table of them."""

    seconds: int
    followed: int
    alerts: int


def nuisance(given: Case, parts: Apart, owner: NDArray[np.int64]) -> Nuisance:
    """Return what a system made of nuisances. owner: the target of each of tracks.names (nearby.target_of)."""
    of_track = {name: target for name, target in zip(given.tracks.names, owner.tolist(), strict=True) if target >= 0}
    alerts = NO_ALERTS if given.alerts is None else given.alerts
    owners = [of_track.get(alerts.tracks[track], -1) for track in alerts.track.tolist()]
    followed = np.unique(np.column_stack([parts.spent.time, parts.spent.target]), axis=0)
    return Nuisance(
        int(nuisances(given.truth).sum()),
        len(followed),
        sum(target >= 0 and bool(parts.nuisance[target]) for target in owners),
    )
