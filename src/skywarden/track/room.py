"""Room for the filter's records: for a filter of one's own, and for a tick of the engine."""

import numpy as np

from skywarden.track.clutter import COLUMNS
from skywarden.track.looks import PAIR, PLOT, SENSE, VIEW
from skywarden.track.monitor import KINDS
from skywarden.track.pool import EARS, GRID, GROUP, LEAF, SPOT, TARGET, WHOLE, Memory
from skywarden.track.work import PARAMETERS, WORK

GROUPS = 256  # at most
PAIRS, FEWEST_PAIRS = 16, 1024  # room for pairs: for each leaf, and at least


def room(targets: int, leaves: int, plots: int, groups: int = GROUPS, sensors: int = 1) -> Memory:
    """Return an empty memory with room for so many of each; parameters, grid and what is unseen are still missing."""
    work = np.zeros(1, WORK)
    work["six"], work["ears"], work["whole"] = 6, EARS, WHOLE
    return Memory(
        targets=np.zeros(targets, TARGET),
        leaves=np.zeros(leaves, LEAF),
        groups=np.zeros(groups, GROUP),
        views=np.zeros(leaves, VIEW),
        pairs=np.zeros(max(PAIRS * leaves, FEWEST_PAIRS), PAIR),
        plots=np.zeros(plots, PLOT),
        sense=np.zeros(1, SENSE),
        parameters=np.zeros(1, PARAMETERS),
        work=work,
        grid=np.zeros(1, GRID),
        unseen=np.zeros((2, 1, 1)),
        sensors=np.zeros((sensors, 3), np.int64),
        clutter=np.zeros((sensors, COLUMNS)),
        fits=np.zeros((sensors, KINDS, 3)),
        spots=np.zeros(leaves, SPOT),
        active=np.ones(leaves, np.int64),
        counts=np.zeros(4, np.int64),
    )


def rough_room(targets: int, leaves: int, plots: int, groups: int, sensors: int) -> Memory:
    """Return a memory as `room` does, much sooner: what lies in it is anything, but for groups, which are empty."""
    return room(0, 0, 0, groups, sensors)._replace(
        targets=np.empty(targets, TARGET),
        leaves=np.empty(leaves, LEAF),
        views=np.empty(leaves, VIEW),
        pairs=np.empty(max(PAIRS * leaves, FEWEST_PAIRS), PAIR),
        plots=np.empty(plots, PLOT),
        spots=np.zeros(leaves, SPOT),
        active=np.ones(leaves, np.int64),
    )
