"""One loud sound heard by many nodes, each when it gets there: thunder, blasting. It is no flight, though it may look

like a fast one: a front that runs over the nodes at the speed of sound. The odds that a node began to hear because of
one are reckoned as in `lines`, over places from which it may have come.
"""

from math import erfc, exp, inf, log, pi, sqrt

import numpy as np

from skywarden.kernel import inner, kernel
from skywarden.model.place import F64
from skywarden.track.lines import MOST, WINDOW, Onsets, heard

LOUDEST = 14e3  # m from which a clap is heard, half of the time
FADING = 0.3  # 1 sigma of the logarithm of that
PLACES = 1024  # from which it may have come
SIGMA = 2.0  # s, of when a node begins to hear it: looks of 1 s, wind, length of the flash
DETECTION = 0.9
FEWEST = 4  # nodes that tell a clap: three fit one always, if they begin soon after each other
LIKE = 3  # nodes that may be a flight or a clap
FEW = 1e-9  # of the best place's weight: less is left out
LOOSE = 5.0  # sigmas, beyond which a node did not begin by it


def places(count: int = PLACES) -> F64:
    """Return (count, 2) m, east and north of a node: spread evenly over where a clap may be that it hears."""
    turn = 2.0 * np.pi * (np.arange(count) * 0.618033988749895 % 1.0)
    away = 1.2 * LOUDEST * np.sqrt((np.arange(count) + 0.5) / count)
    return np.stack([away * np.sin(turn), away * np.cos(turn)], -1)


def ask_clap(onsets: Onsets, table: F64, sound: float) -> tuple[float, F64]:
    """Return the mean likelihood ratio, by all nodes but the first, of a clap that the first began to hear, and

    (k,) the probability that each node's beginning is that clap, if there was one. table: (s, 2) m, see `places`.
    """
    weight, share = np.empty(len(table)), np.zeros(len(onsets.begun))
    if together(onsets, sound) < LIKE:
        return 0.0, share
    return compare_claps(onsets, table, sound, weight, share), share


def together(onsets: Onsets, sound: float) -> int:
    """Return how many nodes, the first too, began when a clap might that the first began to hear: not used up."""
    away, after = np.linalg.norm(onsets.place[:, :2], axis=1), np.abs(onsets.begun - onsets.begun[0])
    return int((np.isfinite(onsets.rate) & (after < away / sound + LOOSE * SIGMA)).sum())


@kernel
def compare_claps(onsets: Onsets, table: F64, sound: float, weight: F64, share: F64) -> float:
    """Weigh all places. weight (s,): of each, their sum is 1; share (k,) and what is returned as in `ask_clap`."""
    best, ratio = -inf, np.empty(1)
    for s in range(len(table)):
        weight[s] = 0.0
        for began in (True, False):
            if not began and weight[s] < best + log(FEW):  # silence only takes away
                weight[s] = -inf
                break
            for j in range(1, len(share)):
                if heard(onsets, j) == began:
                    rolled(onsets, j, table[s], sound, ratio)
                    weight[s] += log(ratio[0])
        best = max(best, weight[s])
    total = 0.0
    for s in range(len(table)):
        weight[s] = exp(weight[s] - best)
        total += weight[s]
    for s in range(len(table)):
        weight[s] /= total
        if weight[s] < FEW:
            continue
        share[0] += weight[s]
        for j in range(1, len(share)):
            share[j] += weight[s] * rolled(onsets, j, table[s], sound, ratio)
    return total / len(table) * exp(min(best, MOST))


@inner
def rolled(onsets: Onsets, j: int, from_: F64, sound: float, ratio: F64) -> float:
    """Write a node's likelihood ratio of a clap to ratio (1,); return the probability that it began by that.

    from_ (2,): m, east and north of the first node.
    """
    x, y = from_[0], from_[1]
    ratio[0] = 1.0
    away = sqrt((onsets.place[j, 0] - x) ** 2 + (onsets.place[j, 1] - y) ** 2)
    at = onsets.begun[0] + (away - sqrt(x * x + y * y)) / sound
    began = onsets.begun[j] >= -WINDOW
    if onsets.free[j] > at - SIGMA:  # it was busy or down when the clap came by
        return 0.0
    pd = 0.5 * DETECTION * erfc(log(max(away, 1.0) / LOUDEST) / (FADING * sqrt(2.0)))
    off = ((onsets.begun[j] if began else onsets.quiet[j]) - at) / SIGMA
    missed, by = 1.0 - 0.5 * pd * erfc(-off / sqrt(2.0)), 0.0
    if began:
        by = pd * exp(-0.5 * off * off) / (sqrt(2.0 * pi) * SIGMA * onsets.rate[j])
    ratio[0] = missed + by
    return by / (missed + by)
