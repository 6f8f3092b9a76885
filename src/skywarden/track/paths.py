"""The targets that registration follows, and whose path is which row.

Each path is a Kalman filter as if all biases were what they are believed to be, and its slope: how its state would
differ if they were not. So one target that is seen by several joins them, whoever they are.
Source: Friedland 1969, "Treatment of bias in recursive filtering", IEEE Transactions on Automatic Control 14(4).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.model.place import F64, I64
from skywarden.track.biases import CLAIMED, OWN
from skywarden.track.measured import FIX, Measured

Mask = NDArray[np.bool_]
NOBODY = -1
UNSEEN = 30_000_000_000  # ns; a path that was not measured for so long has ended
LOST = 3  # measurements one after another that do not fit it: the path is begun anew


class Paths(NamedTuple):
    """T targets. label (T,), -1 free; time (T,): ns, 0 before the first measurement; mean (T, 6), covariance (T, 6, 6).

    slope (T, 6, 6 S + 4): of the mean by the columns of the S sensors and the target's own. last (T, S + 1): ns of the
    last measurement used of each sensor, fixes at the end. misses (T,): since the last that fitted. claimed (T,):
    whether its own columns have their prior. frame (T,): column of the slope whose clock the path is kept in.
    votes (T, S + 1): of each sensor, how many more measurements fitted than did not in the last step.
    """

    label: I64
    time: I64
    mean: F64
    covariance: F64
    slope: F64
    last: I64
    misses: I64
    claimed: Mask
    frame: I64
    votes: I64


class Opened(NamedTuple):
    """Targets whose first fix has come: slot (k,), latency (k,) and its sigma, s, offset (k, 3, 3): covariance, m^2."""

    slot: I64
    latency: F64
    sigma: F64
    offset: F64


def empty(sensors: int, targets: int) -> Paths:
    """Return room for so many targets."""
    return Paths(
        np.full(targets, NOBODY, np.int64),
        np.zeros(targets, np.int64),
        np.zeros((targets, 6)),
        np.zeros((targets, 6, 6)),
        np.zeros((targets, 6, OWN * sensors + CLAIMED)),
        np.zeros((targets, sensors + 1), np.int64),
        np.zeros(targets, np.int64),
        np.zeros(targets, bool),
        np.zeros(targets, np.int64),
        np.zeros((targets, sensors + 1), np.int64),
    )


def ended(paths: Paths, time: int) -> Paths:
    """Return the paths without those that nothing was measured of for UNSEEN, or that their measurements have left."""
    gone = (paths.label != NOBODY) & ((time - paths.time > UNSEEN) | (paths.misses >= LOST))
    return paths._replace(
        label=np.where(gone, NOBODY, paths.label),
        time=np.where(gone, 0, paths.time),
        last=np.where(gone[:, None], 0, paths.last),
        misses=np.where(gone, 0, paths.misses),
        claimed=paths.claimed & ~gone,
    )


def opened(paths: Paths, measured: Measured) -> tuple[Paths, Opened]:
    """Give new labels a free row, those with fixes and then the earlier ones first. measured: see `measured.sane`.

    Also return the targets whose own columns begin now, with their first fix; their paths begin anew, by a fix.
    """
    label, claimed, fix = paths.label.copy(), paths.claimed.copy(), measured.sensor == FIX
    new = np.unique(measured.target[~np.isin(measured.target, label)])
    first = np.array([np.argmax(measured.target == one) for one in new.tolist()], np.int64)
    silent = ~np.isin(new, measured.target[fix])
    free = np.flatnonzero(label == NOBODY)
    order = np.lexsort((first, silent))[: len(free)]
    label[free[: len(order)]] = new[order]
    mine = np.flatnonzero(fix & np.isin(measured.target, label[~claimed]))
    _, index = np.unique(measured.target[mine], return_index=True)
    rows = mine[index]
    slot = np.array([np.argmax(label == one) for one in measured.target[rows].tolist()], np.int64)
    claimed[slot] = True
    time = paths.time.copy()
    time[slot] = 0
    begun = Opened(slot, measured.latency[rows], measured.latency_sigma[rows], measured.covariance[rows])
    return paths._replace(label=label, claimed=claimed, time=time), begun
