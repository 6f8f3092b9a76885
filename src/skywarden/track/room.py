"""Room for the filter's records: fresh for a filter of one's own, shared by all ticks of the engine."""

from threading import local
from typing import cast

import numpy as np

from skywarden.track.clutter import BINS
from skywarden.track.pool import (
    GRID,
    GROUP,
    LEAF,
    PAIR,
    PARAMETERS,
    PLOT,
    SENSE,
    TARGET,
    VIEW,
    WORK,
    Memory,
    Rows,
)

GROUPS = 256  # at most
PAIRS, FEWEST_PAIRS = 16, 1024  # room for pairs: for each leaf, and at least

_scratch = local()


def scratch(name: str, kind: "np.dtype[np.void]", rows: int) -> Rows:
    """Return so many rows or more, of any content, that are this thread's until it asks for them again.

    Fresh memory for what only one call needs would cost more than most calls do.
    """
    kept = getattr(_scratch, name, None)
    if kept is None or len(kept) < rows:
        kept = np.zeros(rows + rows // 2, kind)
        setattr(_scratch, name, kept)
    return cast(Rows, kept)


def room(targets: int, leaves: int, plots: int, groups: int = GROUPS, sensors: int = 1) -> Memory:
    """Return an empty memory with room for so many of each; parameters, grid and what is unseen are still missing."""
    work = np.zeros(1, WORK)
    work["six"] = 6
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
        sensors=np.zeros((sensors, 2), np.int64),
        clutter=np.zeros((sensors, BINS)),
        counts=np.array([0, 0, 1, 0]),
    )


def shared_room(targets: int, leaves: int, plots: int, groups: int, sensors: int) -> Memory:
    """Return a memory as `room` does, in space that this thread uses again when it asks next; groups are empty."""
    small = room(0, 0, 0, 0, sensors)
    memory = small._replace(
        targets=scratch("targets", TARGET, targets),
        leaves=scratch("leaves", LEAF, leaves),
        groups=scratch("groups", GROUP, groups),
        views=scratch("views", VIEW, leaves + leaves // 2),
        pairs=scratch("pairs", PAIR, max(PAIRS * leaves, FEWEST_PAIRS)),
        plots=scratch("plots", PLOT, plots)[:plots],
    )
    memory.groups.view(np.uint8)[:] = 0
    return memory
