"""Where a sensor really stands, and when, that nobody agrees with: by which shift its plots fall on what others track.

A sensor whose GNSS is spoofed is kilometres or a minute off, so no tracker joins its plots to anything, and `register`
has no equation for it. But all its plots are off by the same. Each pair of a plot and a target votes for its own
difference; only the true one gets the votes of most plots. Then the plots have labels, and `register` does the rest.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from skywarden.model.place import F64, I64

CELL = 500.0  # m; votes are counted in squares of three by three, for angles that are off by half a degree
REACH = 6000.0  # m, of a shift
CLOCK = 60.0  # s
TICK = 1.0  # s between clocks that are tried
MOST = 0.5  # share of the plots that must agree
FEW, TARGETS = 12, 3  # plots and targets that must
NEARLY = 0.9  # of the most votes; between such clocks the one decides whose votes are closest together
OTHER = 15.0  # s, by which a clock is quite another


class Shift(NamedTuple):
    """What a sensor's plots are off. east, north: m, reported minus true. clock: s, likewise. share: of the plots.

    target (m,): which target each plot is of, -1 where it is of none. rival: share of the plots that agree, roughly, on
    some quite other clock: so many do by chance.
    """

    east: float
    north: float
    clock: float
    share: float
    target: I64
    rival: float


def shift(seen: F64, where: Callable[[float], F64], least: float = MOST) -> Shift | None:
    """Return by what a sensor is off, None where no shift is agreed on by enough plots of enough targets.

    seen (m, 2): where its plots are if nothing is off, m east and north. where: of a clock, s, the places (m, n, 2)
    that n targets are known to have had at the plots' times if these are later by that; NaN where they are not known.
    least: share of the plots that must agree.
    """
    if len(seen) < FEW:
        return None
    clocks = np.arange(-CLOCK, CLOCK + TICK, TICK).tolist()
    peaks = [_peak(seen[:, None] - where(clock)) for clock in clocks]
    most = max(count for count, _ in peaks)
    if most < max(FEW, least * len(seen)):
        return None
    tried = []
    for clock, (count, middle) in zip(clocks, peaks, strict=True):
        if count >= NEARLY * most:
            found, spread = _agreed(seen[:, None] - where(clock), middle, clock)
            tried.append((spread, found))
    best = min(tried, key=lambda one: one[0])[1]
    others = [count for clock, (count, _) in zip(clocks, peaks, strict=True) if abs(clock - best.clock) > OTHER]
    enough = best.share >= least and len(np.unique(best.target[best.target >= 0])) >= TARGETS
    return best._replace(rival=max(others) / len(seen)) if enough else None


def _peak(apart: F64) -> tuple[int, F64]:
    """Return the most plots that differ by nearly the same from some target, and that difference (2,), m."""
    side = int(2 * REACH / CELL) + 2
    near = (np.abs(apart[:, :, 0]) < REACH) & (np.abs(apart[:, :, 1]) < REACH)
    plot, _ = np.nonzero(near)
    cell = np.floor((apart[near] + REACH) / CELL).astype(np.int64) + 1
    votes = np.zeros((side + 1) ** 2)
    key = np.unique(plot * (side + 1) ** 2 + cell[:, 0] * (side + 1) + cell[:, 1])  # each plot has one vote a cell
    np.add.at(votes, key % (side + 1) ** 2, 1.0)
    grid = votes.reshape(side + 1, side + 1)
    rows = grid[:-2] + grid[1:-1] + grid[2:]
    squares = rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]
    i, j = np.unravel_index(int(squares.argmax()), squares.shape)
    return int(squares[i, j]), (np.array([i, j]) + 0.5) * CELL - REACH


def _agreed(apart: F64, middle: F64, clock: float) -> tuple[Shift, float]:
    """Return the shift by the plots near a difference (2,), the median of theirs, and how far they spread, m."""
    off = np.sqrt(((apart - middle) ** 2).sum(2))
    off = np.where(np.isfinite(off), off, np.inf)
    rows = np.arange(len(off))
    target = off.argmin(1)
    good = off[rows, target] < 1.5 * CELL
    chosen = apart[rows, target][good]
    east, north = np.median(chosen, axis=0).tolist()
    spread = float(np.median(np.hypot(*(chosen - [east, north]).T)))
    return Shift(east, north, clock, float(good.mean()), np.where(good, target, -1), 0.0), spread
