"""Which track is on which target, from when to when: the association that SIAP and the track segments count.

A track belongs to the target nearest to it, closer than the cutoff, once that has been the same at `confirm` of the
track's times in a row, and until it has been another or none at `misses` times in a row.
A time at which the track has no row is one with no target.
Source: Votruba et al. 2001 leave the association open; the rules, edges included, are those of TrackToTruth in
Stone Soup 1.9.1, so that figures can be compared; it cannot score a track that leaves out a time while on a target.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from skywarden.model.place import F64, I64
from skywarden.score.assign import Comparison

NONE = -1


class Rule(NamedTuple):
    """Times in a row with the same nearest target that begin an association, and times without it that end one."""

    confirm: int = 3
    misses: int = 2


RULE = Rule()


class Associations(NamedTuple):
    """n associations. track, target: (n,) row of the tracks' and of the truth's names. start, end: (n,) ns, both
    inclusive. Sorted by track, then in the order in which they ended. Two of one track may overlap for a few times: one
    may begin, looking back, before the one before it is given up.
    """

    track: I64
    target: I64
    start: I64
    end: I64


class Held(NamedTuple):
    """m rows of tracks that are on a target. association: (m,) row; truth, track: (m,) rows of the comparison's points.

    Only times at which both have a row; sorted by association, then time.
    """

    association: I64
    truth: I64
    track: I64


class Hold(NamedTuple):
    """One association as row numbers of one track's times."""

    target: int
    first: int
    last: int


def nearest(comparison: Comparison) -> I64:
    """Return (rows of tracks,) the target (row of names) nearest to each track row within the cutoff, -1 none."""
    order = np.lexsort((comparison.distance, comparison.track))
    track = comparison.track[order]
    first = order[np.flatnonzero(np.diff(track, prepend=-1))]
    result = np.full(len(comparison.tracks), NONE)
    result[comparison.track[first]] = comparison.truth.id[comparison.target[first]]
    return result


def associate(comparison: Comparison, rule: Rule = RULE) -> Associations:
    """Return all associations of tracks and targets."""
    tracks = comparison.tracks
    order = np.lexsort((tracks.time, tracks.id))
    number, near = tracks.id[order], nearest(comparison)[order]
    at = np.searchsorted(comparison.time, tracks.time[order])
    time = comparison.time.tolist()
    edges = np.flatnonzero(np.diff(number, prepend=-1, append=-2))
    found: list[tuple[int, int, int, int]] = []
    for begin, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        first = int(at[begin])
        steps = np.full(int(at[end - 1]) - first + 1, NONE)
        steps[at[begin:end] - first] = near[begin:end]
        for hold in holds(steps, rule):
            found.append((int(number[begin]), hold.target, time[first + hold.first], time[first + hold.last]))
    return Associations(*np.array(found, np.int64).reshape(-1, 4).T)


def holds(near: I64, rule: Rule) -> Iterator[Hold]:
    """Yield the associations of one track from the targets nearest at its times (n,).

    Every rule of the edges is the peer's: misses go on counting through a change of target, and what was begun while
    another target was held is kept until it is confirmed.
    """
    change = np.flatnonzero(np.diff(near, prepend=near[:1] - 1, append=near[-1:] - 1))
    held, candidate = NONE, NONE
    seen = missed = start = since = last = 0
    for begin, end in zip(change[:-1].tolist(), change[1:].tolist(), strict=True):
        target = int(near[begin])
        for k in range(begin, end):
            if held == NONE:
                if target == NONE:
                    candidate, seen = NONE, 0
                    break  # nothing changes until the run's end
                candidate, seen, since = (candidate, seen + 1, since) if candidate == target else (target, 1, k)
                if seen >= rule.confirm:
                    held, start, last, candidate, seen = target, since, k, NONE, 0
            elif target == held:
                missed, last = 0, end - 1
                break
            else:
                missed += 1
                again = target != NONE and candidate == target
                candidate, seen, since = (target, seen + 1, since) if again else (target, 1, k)
                if missed >= rule.misses:
                    yield Hold(held, start, last)
                    held = NONE
                    if seen >= rule.confirm:
                        held, start, last = candidate, since, k
    if held != NONE:
        yield Hold(held, start, last)


def held(comparison: Comparison, associations: Associations) -> Held:
    """Return all rows in which the tracks are on their targets."""
    truth, tracks = comparison.truth, comparison.tracks
    order = np.lexsort((tracks.time, tracks.id))
    at = np.searchsorted(comparison.time, tracks.time[order])
    key = tracks.id[order] * len(comparison.time) + at  # sorted by track, then time
    base = associations.track * len(comparison.time)
    first = np.searchsorted(key, base + np.searchsorted(comparison.time, associations.start))
    after = np.searchsorted(key, base + np.searchsorted(comparison.time, associations.end), "right")
    count = after - first
    association = np.repeat(np.arange(len(count)), count)
    row = np.arange(len(association)) - np.repeat(np.cumsum(count) - count, count) + first[association]
    width = max(len(truth.names), 1)
    exists = np.searchsorted(comparison.time, truth.time) * width + truth.id  # sorted, as the truth is
    wanted = at[row] * width + associations.target[association]
    place = np.searchsorted(exists, wanted)
    good = np.flatnonzero(exists[np.minimum(place, len(exists) - 1)] == wanted) if len(exists) else place[:0]
    return Held(association[good], place[good], order[row[good]])


def seconds(nanoseconds: I64) -> F64:
    """Return s."""
    return np.asarray(nanoseconds / 1e9)
