"""One loud sound heard by many nodes, each when it gets there: thunder, blasting. It is no flight, though it may look

like a fast one: a front that runs over the nodes at the speed of sound. The odds that a node began to hear because of
one are reckoned as in `lines`, over places from which it may have come.
"""

from math import erfc, exp, log, pi, sqrt

import numpy as np

from skywarden.kernel import kernel
from skywarden.model.place import F64
from skywarden.track.lines import WINDOW, Onsets

LOUDEST = 14e3  # m from which a clap is heard, half of the time
FADING = 0.3  # 1 sigma of the logarithm of that
PLACES = 1024  # from which it may have come
SIGMA = 2.0  # s, of when a node begins to hear it: looks of 1 s, wind, length of the flash
DETECTION = 0.9


def places(count: int = PLACES) -> F64:
    """Return (count, 2) m, east and north of a node: spread evenly over where a clap may be that it hears."""
    turn = 2.0 * np.pi * (np.arange(count) * 0.618033988749895 % 1.0)
    away = 1.2 * LOUDEST * np.sqrt((np.arange(count) + 0.5) / count)
    return np.stack([away * np.sin(turn), away * np.cos(turn)], -1)


@kernel
def clap(onsets: Onsets, table: F64, sound: float) -> float:
    """Return the mean likelihood ratio, by all nodes but the first, of a clap over places (s, 2)

    around that."""
    logs, best = np.zeros(len(table)), -1e300
    begun = onsets.begun[0]
    for s in range(len(table)):
        x, y = onsets.place[0, 0] + table[s, 0], onsets.place[0, 1] + table[s, 1]
        own = sqrt(table[s, 0] * table[s, 0] + table[s, 1] * table[s, 1])
        for j in range(1, len(onsets.begun)):
            away = sqrt((onsets.place[j, 0] - x) ** 2 + (onsets.place[j, 1] - y) ** 2)
            at = begun + (away - own) / sound
            until = onsets.begun[j] if onsets.begun[j] >= -WINDOW else onsets.quiet[j]
            if onsets.free[j] > at - SIGMA:  # it was busy or down when the clap came by
                continue
            pd = 0.5 * DETECTION * erfc(log(max(away, 1.0) / LOUDEST) / (FADING * sqrt(2.0)))
            off = (until - at) / SIGMA
            missed = 1.0 - 0.5 * pd * erfc(-off / sqrt(2.0))
            if until == onsets.begun[j]:
                missed += pd * exp(-0.5 * off * off) / (sqrt(2.0 * pi) * SIGMA * onsets.rate[j])
            logs[s] += log(missed)
        best = max(best, logs[s])
    total = 0.0
    for s in range(len(table)):
        total += exp(logs[s] - best)
    return total / len(table) * exp(best)
