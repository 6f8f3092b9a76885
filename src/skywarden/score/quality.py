"""The measures of tracks alone, for one case: GOSPA and its parts, OSPA and SIAP, at the truth's times."""

from typing import NamedTuple

import numpy as np

from skywarden.model.place import F64
from skywarden.score.assign import compare
from skywarden.score.case import Case
from skywarden.score.gospa import Gospa, Means, gospa, means
from skywarden.score.ospa import ospa
from skywarden.score.siap import Siap, siap
from skywarden.score.spans import NS

POWER = 2.0  # p


class Quality(NamedTuple):
    """How good the tracks are. gospa: at each time; ospa: m, mean over the times."""

    gospa: Gospa
    means: Means
    ospa: float
    siap: Siap


def quality(given: Case, cutoff: float) -> Quality:
    """Return the measures with c = cutoff, m, and p = 2. Distances are in space, with heights."""
    comparison = compare(given.truth, given.tracks, cutoff)
    result = gospa(comparison, POWER)
    return Quality(result, means(result), _mean(ospa(comparison, POWER)), siap(comparison))


def _mean(values: F64) -> float:
    return float(values.mean()) if len(values) else np.nan


def times_s(found: Quality, start: int) -> F64:
    """Return the times of GOSPA, s since a start (ns)."""
    return np.asarray((found.gospa.time - start) / NS)
