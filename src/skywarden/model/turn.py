"""Whose turn it is: what is done for each track once a second is spread evenly over the ticks of that second.

By the track's number and the time alone: so it is the same in every replay, and whatever other tracks there are.
"""

import numpy as np
from numpy.typing import NDArray

from skywarden.model.place import I64

SECOND = 1_000_000_000
STEP = 618_033_989  # ns; turns of successive numbers are so far apart: by the golden section they fill a second evenly


def due(number: I64, last: I64 | int, time: int) -> NDArray[np.bool_]:
    """Return (n,) whether the turn of each track has come since `last`. number: (n,) public; last: (n,) or one, ns."""
    turn = number * STEP % SECOND
    return np.asarray((time + turn) // SECOND != (last + turn) // SECOND, bool)
