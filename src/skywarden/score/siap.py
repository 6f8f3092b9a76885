"""SIAP: is every target tracked, by one track, under one number, and how well.

With J(t) targets, JT(t) of them associated with a track, N(t) tracks, NA(t) of them associated with a target (see
`associations`), sums over all times: completeness = JT / J; ambiguity = NA / JT; spuriousness = (N - NA) / N; position
and velocity accuracy = mean error of associated pairs; rate of number change = sum over targets of (numbers needed - 1)
/ sum of time tracked; longest segment = sum over targets of the longest time under one number / sum of life times.

Source: Votruba, Nisley, Rothrock, Zombro 2001, "Single Integrated Air Picture (SIAP) Metrics Implementation"; edge
rules as in Stone Soup 1.9.1, SIAPMetrics.
"""

from typing import NamedTuple

import numpy as np

from skywarden.model.place import F64, I64
from skywarden.score.assign import Comparison
from skywarden.score.associations import RULE, Associations, Held, Rule, associate, held, seconds


class Siap(NamedTuple):
    """SIAP over all times. position_accuracy m, velocity_accuracy m/s, number_changes 1/s; the rest are fractions."""

    completeness: float
    ambiguity: float
    spuriousness: float
    position_accuracy: float
    velocity_accuracy: float
    number_changes: float
    longest_segment: float

    def told(self, targets: int, tracks: int) -> "Siap":
        """Return the same with NaN where a figure is a ratio of nothing, to which the peer's rules give a best value.

        targets, tracks: how many times there was one, all added up. Where the completeness is 0, no track was on a
        target, so there is no pair to count and no error to measure.
        """
        apart = np.nan if self.completeness == 0 else 1.0
        return Siap(
            self.completeness if targets else np.nan,
            self.ambiguity * apart,
            self.spuriousness if tracks else np.nan,
            self.position_accuracy * apart,
            self.velocity_accuracy * apart,
            self.number_changes * apart,
            self.longest_segment if targets else np.nan,
        )


class Counts(NamedTuple):
    """What SIAP counts at each of T times. time: (T,) ns. targets J, tracked JT, tracks N, associated NA: (T,).

    position_error m, velocity_error m/s: (T,) sums over associated pairs.
    """

    time: I64
    targets: I64
    tracked: I64
    tracks: I64
    associated: I64
    position_error: F64
    velocity_error: F64


def siap(comparison: Comparison, rule: Rule = RULE) -> Siap:
    """Return SIAP over all times."""
    associations = associate(comparison, rule)
    rows = held(comparison, associations)
    n = counts(comparison, associations, rows)
    changes, longest = continuity(comparison, associations)
    J, JT, N, NA = (float(x.sum()) for x in (n.targets, n.tracked, n.tracks, n.associated))
    return Siap(
        _ratio(JT, J, 0.0),
        _ratio(NA, JT, 1.0),
        _ratio(N - NA, N, 0.0),
        _ratio(float(n.position_error.sum()), NA, 0.0),
        _ratio(float(n.velocity_error.sum()), NA, 0.0),
        changes,
        longest,
    )


def at_times(n: Counts) -> tuple[F64, F64, F64, F64, F64]:
    """Return completeness, ambiguity, spuriousness, position and velocity accuracy at each time, (T,) each."""
    return (
        _ratios(n.tracked, n.targets, 0.0),
        _ratios(n.associated, n.tracked, 1.0),
        _ratios(n.tracks - n.associated, n.tracks, 0.0),
        _ratios(n.position_error, n.associated, 0.0),
        _ratios(n.velocity_error, n.associated, 0.0),
    )


def counts(comparison: Comparison, associations: Associations, rows: Held) -> Counts:
    """Return what is counted at each time."""
    truth, tracks = comparison.truth, comparison.tracks
    targets, numbers = comparison.counts()
    at = np.searchsorted(comparison.time, truth.time[rows.truth])
    position = np.sqrt(((truth.position[rows.truth] - tracks.position[rows.track]) ** 2).sum(-1))
    velocity = np.sqrt(((truth.velocity[rows.truth] - tracks.velocity[rows.track]) ** 2).sum(-1))
    length = len(comparison.time)
    return Counts(
        comparison.time,
        targets,
        comparison.per_time(truth.time[np.unique(rows.truth)]),
        numbers,
        comparison.per_time(tracks.time[np.unique(rows.track)]),
        np.bincount(at, position, length).astype(np.float64),
        np.bincount(at, velocity, length).astype(np.float64),
    )


def continuity(comparison: Comparison, associations: Associations) -> tuple[float, float]:
    """Return the rate of number changes, 1/s, and the longest segment, 0 to 1."""
    order = np.lexsort((comparison.truth.time, comparison.truth.id))
    number, time = comparison.truth.id[order], comparison.truth.time[order]
    edges = np.flatnonzero(np.diff(number, prepend=-1, append=-2))
    life = seconds(time[edges[1:] - 1] - time[edges[:-1]]).sum() if len(time) else 0.0
    changes, tracked, longest = 0, 0.0, 0.0
    by_target = np.argsort(associations.target, kind="stable")
    limits = np.searchsorted(associations.target[by_target], np.arange(len(comparison.truth.names) + 1))
    for first, last in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        target = int(number[first])
        rows = by_target[limits[target] : limits[target + 1]]
        if len(rows):
            start, end = associations.start[rows], associations.end[rows]
            changes += numbers_needed(time[first:last], associations.track[rows], start, end) - 1
            tracked += float(seconds(union(start, end)))
            longest += float(
                seconds(np.bincount(np.unique(associations.track[rows], return_inverse=True)[1], end - start).max())
            )
    return _ratio(float(changes), tracked, 0.0), _ratio(longest, float(life), 0.0)


def union(start: I64, end: I64) -> I64:
    """Return the length of all ranges (n,) together, overlaps counted once; ns."""
    order = np.argsort(start, kind="stable")
    reach = np.maximum.accumulate(end[order])
    before = np.concatenate([start[order][:1], reach[:-1]])
    return np.asarray(np.maximum(reach - np.maximum(start[order], before), 0).sum())


def numbers_needed(time: I64, track: I64, start: I64, end: I64) -> int:
    """Return how many track numbers it takes to follow one target; 0 if it was never tracked.

    time: (n,) of the target, ns. track, start, end: (m,) its associations. At the first time that is not yet followed
    take, of the tracks that are on the target, the one that is on it last; follow it to the end of that stay. A stay
    that ends in the very time at which it is taken ends the count, as in Stone Soup 1.9.1.
    """
    final = {int(t): int(end[track == t].max()) for t in np.unique(track)}
    order = sorted(range(len(track)), key=lambda i: (-final[int(track[i])], int(track[i])))
    needed, k = 0, 0
    while k < len(time):
        now = time[k]
        stay = next((i for i in order if start[i] <= now <= end[i]), None)
        if stay is None:
            k += 1
            continue
        needed += 1
        if end[stay] == now:
            break
        k = int(np.searchsorted(time, end[stay])) + 1
    return needed


def _ratio(above: float, below: float, empty: float) -> float:
    return above / below if below else empty


def _ratios(above: F64 | I64, below: I64, empty: float) -> F64:
    return np.where(below > 0, above / np.maximum(below, 1), empty)
