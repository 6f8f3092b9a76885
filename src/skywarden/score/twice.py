"""SIAP where it can be asked for: of targets that two radars see well, by the true probabilities of detection.

Elsewhere a target may be missed for want of sensors and not for what the system makes of them. A track on no target
belongs to the living target that is nearest to it, however far: it counts where that one is seen twice.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from skywarden.model.place import I64
from skywarden.score.assign import Comparison
from skywarden.score.associations import Held
from skywarden.score.case import Case
from skywarden.score.spans import NS

TWICE = ("completeness", "ambiguity", "spuriousness", "part")
WELL = 0.5  # true probability of detection by one look
RADAR = "radar"  # how Sensor.kind begins


class Twice(NamedTuple):
    """Target-times J that two radars see well of `all_targets`, of which `tracked` had a track; track-times on these
    targets, and those on none that are nearest to one of them.
    """

    all_targets: int
    targets: int
    tracked: int
    on: int
    spurious: int

    def ratios(self) -> dict[str, float]:
        """Return completeness, ambiguity, spuriousness and the part of target-times seen twice; NaN of nothing."""
        both = self.spurious + self.on
        pairs = ((self.tracked, self.targets), (self.on, self.tracked), (self.spurious, both))
        return {
            name: _ratio(*pair) for name, pair in zip(TWICE, (*pairs, (self.targets, self.all_targets)), strict=True)
        }


def seen_twice(given: Case) -> NDArray[np.bool_] | None:
    """Return (N,) which rows of the truth two radars see well; None without a coverage table."""
    table = given.coverage
    if table is None or not given.sensors:
        return None
    radar = np.array([sensor.kind.startswith(RADAR) for sensor in given.sensors])
    rows = radar[table.sensor] & (table.pd >= WELL)
    width = len(given.targets) + 1
    seen = np.sort(table.second[rows].astype(np.int64) * width + table.target[rows])
    second, target = (given.truth.time - given.start) // NS, given.target_rows()[given.truth.id]
    key = second * width + np.where(target < 0, width - 1, target)
    return np.asarray(np.searchsorted(seen, key, "right") - np.searchsorted(seen, key, "left") >= 2)


def twice(comparison: Comparison, rows: Held, seen: NDArray[np.bool_]) -> Twice:
    """Return what is counted. rows: in which tracks are on targets; seen: (N,) rows of the comparison's truth."""
    on = rows.track[seen[rows.truth]]
    return Twice(
        len(comparison.truth),
        int(seen.sum()),
        len(np.unique(rows.truth[seen[rows.truth]])),
        len(np.unique(on)),
        _spurious(comparison, np.setdiff1d(np.arange(len(comparison.tracks)), rows.track), seen),
    )


def _spurious(comparison: Comparison, free: I64, seen: NDArray[np.bool_]) -> int:
    """Return how many of some rows of tracks, sorted, have a target seen twice as the nearest of all living ones."""
    truth, tracks, count = comparison.truth, comparison.tracks, 0
    times, begin = np.unique(tracks.time[free], return_index=True)
    first, after = np.searchsorted(truth.time, times), np.searchsorted(truth.time, times, "right")
    ends = np.append(begin, len(free))
    for k in np.flatnonzero(first < after).tolist():
        mine = tracks.position[free[ends[k] : ends[k + 1]]]
        _, nearest = KDTree(truth.position[first[k] : after[k]]).query(mine)
        count += int(seen[first[k] + nearest].sum())
    return count


def _ratio(some: int, of: int) -> float:
    return some / of if of else np.nan
