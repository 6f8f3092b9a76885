"""The measures of tracks alone, for one case: GOSPA, OSPA, SIAP, trajectories, segments, classes."""

from typing import NamedTuple

import numpy as np

from skywarden.model.place import F64, I64
from skywarden.score.assign import compare
from skywarden.score.associations import associate, held
from skywarden.score.case import Case
from skywarden.score.covered import first_covered, looks
from skywarden.score.gospa import Gospa, Means, gospa, means
from skywarden.score.nees import Nees, nees
from skywarden.score.ospa import ospa
from skywarden.score.segments import NEVER, Confusion, Segments, confusion, segments
from skywarden.score.siap import Siap, siap
from skywarden.score.spans import NS
from skywarden.score.trajectory import Trajectories, trajectory
from skywarden.score.twice import Twice, seen_twice, twice

POWER = 2.0  # p


class Quality(NamedTuple):
    """How good the tracks are. gospa: at each time; ospa: m, mean over the times.

    covered: (n,) ns, of truth.names, when the sensors had seen a target with probability 0.9; -1: never or not known.
    twice: of targets that two radars see well; None: nobody knows which.
    """

    gospa: Gospa
    means: Means
    ospa: float
    siap: Siap
    trajectory: Trajectories
    segments: Segments
    covered: I64
    confusion: Confusion
    twice: Twice | None
    nees: Nees


def quality(given: Case, cutoff: float, whole: Case | None = None) -> Quality:
    """Return the measures with c = cutoff, m, p = 2 and a switch of a track that costs gamma = c.

    given: without nuisances (`nuisance.apart`); whole: with them, for what targets were taken for; None: the same.
    """
    comparison = compare(given.truth, given.tracks, cutoff)
    result, associations, seen = gospa(comparison, POWER), associate(comparison), seen_twice(given)
    return Quality(
        result,
        means(result),
        _mean(ospa(comparison, POWER)),
        siap(comparison),
        trajectory(comparison, cutoff, POWER),
        segments(comparison, associations, result),
        _covered(given),
        confusion(comparison, result) if whole is None else _confusion(whole, cutoff),
        None if seen is None else twice(comparison, held(comparison, associations), seen),
        nees(comparison, result),
    )


def _confusion(whole: Case, cutoff: float) -> Confusion:
    comparison = compare(whole.truth, whole.tracks, cutoff)
    return confusion(comparison, gospa(comparison, POWER))


def _mean(values: F64) -> float:
    return float(values.mean()) if len(values) else np.nan


def _covered(given: Case) -> I64:
    table = looks(given)
    if table is None:
        return np.full(len(given.truth.names), NEVER, np.int64)
    seconds = [first_covered(table, row) if row >= 0 else None for row in given.target_rows().tolist()]
    return np.array([NEVER if second is None else given.start + second * NS for second in seconds], np.int64)
