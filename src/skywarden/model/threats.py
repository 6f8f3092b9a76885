"""Which track could reach which site, as the picture keeps it: what was found when each track was last judged."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from skywarden.model.assessment import Threat
from skywarden.model.place import F64, I64

QUANTILES = 7  # of an arrival, `threat.course.LEVELS`
FAR = 1 << 40  # more than any track's number
PAIRS = ("track", "site", "time", "probability", "times", "miss", "vague", "stake")  # columns of equal length


def _whole() -> I64:
    return np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class Judged:
    """n tracks, in the order of their numbers. time: (n,) ns, when each was; velocity: (n, 3) ECEF m/s, what it had."""

    number: I64 = field(default_factory=_whole)
    time: I64 = field(default_factory=_whole)
    velocity: F64 = field(default_factory=lambda: np.zeros((0, 3)))


@dataclass(frozen=True, slots=True)
class Threats:
    """k pairs of a track and a site, in the order of the sites, then of track numbers; and all tracks that were judged.

    sites: names of all. track: (k,) public numbers. site: (k,) rows of `sites`. time: (k,) ns, when it was judged: from
    then `times` count. probability, times, miss, vague, stake: (k,), (k, QUANTILES), (k,), (k,), (k,), as in `Threat`.
    """

    judged: Judged = field(default_factory=Judged)
    sites: tuple[str, ...] = ()
    track: I64 = field(default_factory=_whole)
    site: I64 = field(default_factory=_whole)
    time: I64 = field(default_factory=_whole)
    probability: F64 = field(default_factory=lambda: np.zeros(0))
    times: F64 = field(default_factory=lambda: np.zeros((0, QUANTILES)))
    miss: F64 = field(default_factory=lambda: np.zeros(0))
    vague: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    stake: F64 = field(default_factory=lambda: np.zeros(0))

    def __len__(self) -> int:
        return len(self.track)

    def take(self, rows: I64) -> "Threats":
        """Return some of the pairs, in that order."""
        return replace(self, **{name: getattr(self, name)[rows] for name in PAIRS})

    def at(self, time: int, least: float = 0.0) -> list[Threat]:
        """Return the pairs as people read them: seconds from `time`, ns. Without those less probable than `least`."""
        some = self.take(np.flatnonzero(self.probability >= least))
        left = np.maximum(some.times - ((time - some.time) * 1e-9)[:, None], 0.0)
        columns = (some.track, some.site, some.probability, left, some.miss, some.vague, some.stake)
        listed = zip(*(column.tolist() for column in columns), strict=True)
        return [
            Threat(track, self.sites[site], p, tuple(when), by, wide, stake)
            for track, site, p, when, by, wide, stake in listed
        ]

    def rows_of(self, site: I64, track: I64) -> I64:
        """Return (m,) the rows of pairs, -1 of those that are not listed. site: (m,) rows of `sites`; track: (m,)."""
        if not len(self):
            return np.full(len(track), -1)
        listed, wanted = self.site * FAR + self.track, site * FAR + track
        at = np.minimum(np.searchsorted(listed, wanted), len(listed) - 1)
        return np.where(listed[at] == wanted, at, -1)
