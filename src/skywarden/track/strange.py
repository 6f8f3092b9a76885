"""What of a sensor does not fit, and whether a shift would make it fit: of range, angle or clock, or of its place.

Where a jump is so large that no measurement fits any more, `jumps` sees nothing of it. Least squares on what does not
fit, by a sensor's own columns, says which shift explains how much of its chi-square.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.model.place import F64, I64
from skywarden.track.biases import CLOCK, EAST, OWN

AGREED = 0.75  # share of the chi-square of strange measurements that a shift must explain
SIMPLER = 0.03  # of that chi-square, for each column of the shift
SHIFTS = (*((k,) for k in range(EAST)), (EAST, EAST + 1), (CLOCK, EAST, EAST + 1))  # spoofed: place, often clock too
FEW = 12.0  # strange measurements that say nothing yet
FADES = 60.0  # s; after so many a strange measurement counts 1 / e


class Strange(NamedTuple):
    """What did not fit lately, fading: information (S, 6, 6), score (S, 6), chi-square off (S,), of rows (S,).

    used, refused (S,): how many fitted and did not, fading too. since (S,): ns, the first of these.
    """

    information: F64
    score: F64
    off: F64
    rows: F64
    used: F64
    refused: F64
    since: I64


def nothing_strange(sensors: int) -> Strange:
    """Return no strange measurement of `sensors` sensors."""
    one = np.zeros(sensors)
    return Strange(
        np.zeros((sensors, OWN, OWN)), np.zeros((sensors, OWN)), one, one, one, one, np.zeros(sensors, np.int64)
    )


def trusted(strange: Strange) -> NDArray[np.bool_]:
    """Return (S + 1,) whether most of what a sensor measured lately fits; fixes, at the end, are trusted."""
    return np.append(~((strange.refused >= FEW) & (strange.refused > strange.used)), True)


def gross(strange: Strange, sensor: int) -> tuple[tuple[int, ...], F64] | None:
    """Return which columns of a sensor must shift, and by how much, so that what did not fit does.

    None where most of its measurements fit, or no shift of SHIFTS helps.
    """
    off = float(strange.off[sensor])
    if trusted(strange)[sensor] or strange.rows[sensor] < FEW:
        return None
    G, g, best = strange.information[sensor], strange.score[sensor], None
    most = AGREED * off
    for columns in SHIFTS:
        block, part = G[np.ix_(columns, columns)], g[list(columns)]
        if np.linalg.eigvalsh(block)[0] <= 0.0:
            continue
        size = np.linalg.solve(block, part)
        explained = float(size @ part) - SIMPLER * off * len(columns)
        if explained > most:
            most, best = explained, (columns, size)
    return best
