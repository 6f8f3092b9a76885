"""One loud sound heard by many nodes, each when it gets there: thunder, blasting. It is no flight, though it may look

like a fast one: a front that runs over the nodes at the speed of sound. The odds that a node began to hear because of
one are reckoned as in `lines`, over places from which it may have come.
"""

from math import erfc, exp, inf, log, pi, sqrt

import numpy as np

from skywarden.kernel import inner, kernel
from skywarden.model.place import F64
from skywarden.track.audible import Hearing
from skywarden.track.lines import LEAST, MOST, Onset, Onsets, heard, onset_rows
from skywarden.track.pool import Rows

LOUDEST = 14e3  # m from which a clap is heard, half of the time
FADING = 0.3  # 1 sigma of the logarithm of that
PLACES = 1024  # from which it may have come
SIGMA = 2.0  # s, of when a node begins to hear it: looks of 1 s, wind, length of the flash
DETECTION = 0.9
FEWEST = 4  # nodes that tell a clap: three fit one always, if they begin soon after each other
LIKE = 3  # nodes that may be a flight or a clap
FEW = 1e-6  # of the best place's likelihood ratio, or of 1: less is left out
LOOSE = 5.0  # sigmas, beyond which a node did not begin by it


def places(count: int = PLACES) -> F64:
    """Return (count, 2) m, east and north of a node: spread evenly over where a clap may be that it hears."""
    turn = 2.0 * np.pi * (np.arange(count) * 0.618033988749895 % 1.0)
    away = 1.2 * LOUDEST * np.sqrt((np.arange(count) + 0.5) / count)
    return np.stack([away * np.sin(turn), away * np.cos(turn)], -1)


def ask_clap(onsets: Onsets, table: F64, hearing: Hearing) -> tuple[float, F64]:
    """Return the mean likelihood ratio, by all nodes but the first, of a clap that the first began to hear, and

    (k,) the probability that each node's beginning is that clap, if there was one. table: (s, 2) m, see `places`.
    """
    weight, share = np.empty(len(table)), np.zeros(len(onsets.begun))
    if together(onsets, hearing.sound) < LIKE:
        return 0.0, share
    return compare_claps(onset_rows(onsets, hearing), table, hearing.sound, weight, share), share


def together(onsets: Onsets, sound: float) -> int:
    """Return how many nodes, the first too, began when a clap might that the first began to hear: not used up."""
    away, after = np.linalg.norm(onsets.place[:, :2], axis=1), np.abs(onsets.begun - onsets.begun[0])
    return int((np.isfinite(onsets.rate) & (after < away / sound + LOOSE * SIGMA)).sum())


@kernel
def compare_claps(nodes: Rows, table: F64, sound: float, weight: F64, share: F64) -> float:
    """Weigh all places. weight (s,): of each, their sum is 1; share (k,) and what is returned as in `ask_clap`."""
    best, ratio, total = 0.0, np.empty(1), 0.0
    for s in range(len(table)):
        weight[s] = echoed(nodes, table[s], sound, best, ratio)
        best = max(best, weight[s])
    for s in range(len(table)):
        weight[s] = exp(weight[s] - best)
        total += weight[s]
    if not total > 0.0:
        return 0.0
    for s in range(len(table)):
        weight[s] /= total
        if weight[s] < FEW:
            continue
        share[0] += weight[s]
        for j in range(1, len(share)):
            share[j] += weight[s] * rolled(nodes[j], nodes[0].begun, table[s], sound, ratio)
    return total / len(table) * exp(min(best, MOST))


@inner
def echoed(nodes: Rows, from_: F64, sound: float, best: float, ratio: F64) -> float:
    """Return the logarithm of a place's likelihood ratio by all nodes but the one asked; -inf if far below `best`."""
    total, product = 0.0, 1.0
    for j in range(1, len(nodes)):
        if heard(nodes[j]):
            rolled(nodes[j], nodes[0].begun, from_, sound, ratio)
            total += log(ratio[0]) if ratio[0] != 1.0 else 0.0
    least = exp(min(best + log(FEW) - total, 0.0))
    for j in range(1, len(nodes)):
        if product < least:  # silence only takes away
            return -inf
        if not heard(nodes[j]):
            rolled(nodes[j], nodes[0].begun, from_, sound, ratio)
            product *= ratio[0]
    return total + log(max(product, LEAST))


@inner
def rolled(node: Onset, begun: float, from_: F64, sound: float, ratio: F64) -> float:
    """Write a node's likelihood ratio of a clap to ratio (1,); return the probability that it began by that.

    begun: s, of the first node; from_ (2,): m, east and north of it.
    """
    x, y = from_[0], from_[1]
    ratio[0] = 1.0
    away = sqrt((node.place[0] - x) ** 2 + (node.place[1] - y) ** 2)
    at = begun + (away - sqrt(x * x + y * y)) / sound
    began = heard(node)
    if node.free > at - SIGMA:  # it was busy or down when the clap came by
        return 0.0
    pd = 0.5 * DETECTION * erfc(log(max(away, 1.0) / LOUDEST) / (FADING * sqrt(2.0)))
    off = ((node.begun if began else node.quiet) - at) / SIGMA
    missed, by = 1.0 - 0.5 * pd * erfc(-off / sqrt(2.0)), 0.0
    if began:
        by = pd * exp(-0.5 * off * off) / (sqrt(2.0 * pi) * SIGMA * node.rate)
    ratio[0] = missed + by
    return by / (missed + by)
