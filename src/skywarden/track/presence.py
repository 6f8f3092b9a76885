"""What single microphones say by hearing something, and by hearing nothing, about targets that are known.

A node hears the union of what there is: its own false alarms, every target near enough, and those nobody knows. It
tells nothing apart, so hearing something is explained by whichever of them is likeliest, and silence counts against
all. With S the probability of silence now, B that of silence at the look before and J of both,

    from silence: J / B silent, 1 - J / B heard;  from hearing: (B - J, 1 - B - S + J) / (1 - B), with B - J and S - J
    as the silent one is before or now;  first look: S silent, 1 - S heard.

Each is a product over what may be heard, so is J: noise and each target are processes that go on or change, and who
is silent for all of them is so for each. `Hearing.memory` and `Looks.turn` say how fast they change; ten looks at the
same silence are worth about two, and at the same sound less.

Who else may be heard is weighed by what the other nodes say of that: loopy belief propagation between targets and
nodes, whose first round is the product over what was believed before (Q of DESIGN.md, section 4.6). Exact where targets
and nodes make a tree, and for silence. Source: Kschischang, Frey, Loeliger 2001.
"""

from math import exp, inf, log
from typing import NamedTuple

import numpy as np

from skywarden.kernel import inner, kernel
from skywarden.model.place import F64
from skywarden.track.audible import Hearing
from skywarden.track.cells import Field
from skywarden.track.hearers import ABSENT, HEARD, OUT, POINTS, SILENT, Known, Looks, Pairs, Shape, compare

__all__ = ["ABSENT", "HEARD", "SILENT", "Asked", "Known", "Looks", "Pairs", "asked", "compare", "hear", "shares"]

STATES = POINTS + 1  # of a target: it does not exist, or is at one of its points
ROUNDS = 3  # of belief propagation
MIDDLE, OUTER = 0.25, 0.125  # weights of the points: exact to the third order, kurtosis 4 instead of 3
SUREST = 0.9999  # that a target exists, or that a node hears it, as in `joint`
LEAST = 1e-12  # of a probability that is divided by, or of which the logarithm is taken
KEPT = 0.1  # of the spread of a place is kept, whatever one tick says: seven points cannot show less


def hear(known: Known, field: Field, looks: Looks, hearing: Hearing) -> Known:
    """Return targets corrected by one look of all nodes. What is not finite stays as it is and counts for nobody.

    A target is corrected by nodes within its reach and three sigmas, at most MOST of them. Takes any number of nodes.
    """
    return asked(known, field, looks, hearing).known


class Asked(NamedTuple):
    """known: after a look. pairs: who may hear whom. silent: (n, 3) as in `shares`, before the look."""

    known: Known
    pairs: Pairs
    silent: F64


def asked(known: Known, field: Field, looks: Looks, hearing: Hearing) -> Asked:
    """Return what `hear` does, and what it came by."""
    looks = sane(looks)
    shape, pairs = compare(known, field, looks, hearing)
    message, term, nobody = np.zeros((len(pairs.node), STATES)), np.empty((len(pairs.node), 3)), alone(looks, hearing)
    silent = nobody
    for k in range(ROUNDS):
        every = nobody.copy()
        believe(known, shape, pairs, message, term, every)
        silent = every if k == 0 else silent
        tell(shape, pairs, looks, term, every, message)
    out = Known(known.mean.copy(), known.covariance.copy(), known.existence.copy(), known.since)
    correct(out, shape, pairs, message)
    return Asked(out, pairs, silent)


def sane(looks: Looks) -> Looks:
    """Return looks without those whose numbers are none: they are absent."""
    whole = np.isfinite(looks.false + looks.turn + looks.unseen) & (looks.turn > 0.0) & (looks.gap > 0.0)
    now = np.where(whole, looks.now, ABSENT)
    false, unseen = np.where(whole, looks.false, 0.0), np.where(whole, looks.unseen, 0.0)
    gap, turn = np.where(whole, looks.gap, inf), np.where(whole, looks.turn, 1.0)
    return Looks(now, np.where(whole, looks.before, ABSENT), gap, false, turn, unseen)


def alone(looks: Looks, hearing: Hearing) -> F64:
    """Return (n, 3) logarithms of the probability that each node is silent now, at the look before, and at both, if

    there is none of the known targets.
    """
    false, unseen = np.clip(looks.false, 0.0, 1.0 - LEAST), np.maximum(looks.unseen, 0.0)
    goes_on, same = np.exp(-looks.gap / looks.turn), np.exp(-looks.gap / hearing.memory)
    one = np.log1p(-false) - unseen
    again = np.log1p(-(1.0 - goes_on) * false) + np.log1p((1.0 - same) * np.expm1(-unseen))
    return np.stack([one, one, one + again], -1)


def shares(known: Known, shape: Shape, pairs: Pairs, looks: Looks, hearing: Hearing) -> F64:
    """Return (n, 3) logarithms as `alone`, with all known targets as they were believed to be before the look."""
    silent = alone(looks, hearing)
    believe(known, shape, pairs, np.zeros((len(pairs.node), STATES)), np.empty((len(pairs.node), 3)), silent)
    return silent


@inner
def prior(existence: float, points: int, belief: F64) -> None:
    """Write logarithms of the probability of not existing and of each point to belief (STATES,)."""
    belief[0] = log(max(1.0 - existence, 1.0 - SUREST))
    for k in range(points):
        part = 1.0 if points == 1 else MIDDLE if k == 0 else OUTER
        belief[k + 1] = log(existence * part)


@kernel
def believe(  # noqa: PLR0913 - in and out
    known: Known, shape: Shape, pairs: Pairs, message: F64, term: F64, silent: F64
) -> None:
    """Write what each target makes a node say, as believed by all other nodes' messages.

    message: (k, STATES); term: (k, 3) logarithms of the probability that the node of a pair is silent of the target of
    the pair now, before and both; all terms of a node are added to silent (n, 3).
    """
    total, least = np.empty(STATES), 1.0 - SUREST
    for i in range(len(known.mean)):
        if pairs.start[i] == pairs.start[i + 1]:
            continue
        points = shape.points[i]
        prior(known.existence[i], points, total)
        for q in range(pairs.start[i], pairs.start[i + 1]):
            for k in range(points + 1):
                total[k] += message[q, k]
        for q in range(pairs.start[i], pairs.start[i + 1]):
            best = -inf
            for k in range(points + 1):
                best = max(best, total[k] - message[q, k])
            left = exp(total[0] - message[q, 0] - best)
            now = was = both = every = left
            for k in range(points):
                weight = exp(total[k + 1] - message[q, k + 1] - best)
                every += weight
                now += weight * (1.0 - pairs.pd[q, k])
                was += weight * (1.0 - pairs.was[q, k])
                both += weight * pairs.both[q, k]
            term[q, 0], term[q, 1] = log(max(now / every, least)), log(max(was / every, least))
            term[q, 2] = log(max(both / every, least))
            for a in range(3):
                silent[pairs.node[q], a] += term[q, a]


@kernel
def tell(shape: Shape, pairs: Pairs, looks: Looks, term: F64, silent: F64, message: F64) -> None:  # noqa: PLR0913
    """Write what each node says of a target's not existing, and of each of its points, to message (k, STATES)."""
    for i in range(len(shape.points)):
        for q in range(pairs.start[i], pairs.start[i + 1]):
            j = pairs.node[q]
            now, before = looks.now[j], looks.before[j]
            if now == ABSENT:
                continue
            s, b, both = exp(silent[j, 0] - term[q, 0]), exp(silent[j, 1] - term[q, 1]), exp(silent[j, 2] - term[q, 2])
            message[q, 0] = log(likely(now, before, s, b, both))
            for k in range(shape.points[i]):
                here, was = s * (1.0 - pairs.pd[q, k]), b * (1.0 - pairs.was[q, k])
                message[q, k + 1] = log(likely(now, before, here, was, both * pairs.both[q, k]))


@inner
def likely(now: int, before: int, silent: float, was: float, both: float) -> float:
    """Return the probability of a look given the one before. silent, was, both: of silence now, before, at both."""
    if before == ABSENT:
        found = silent if now == SILENT else 1.0 - silent
    elif before == SILENT:
        found = both / max(was, LEAST)
        found = found if now == SILENT else 1.0 - found
    elif now == SILENT:
        found = (silent - both) / max(1.0 - was, LEAST)
    else:
        found = (1.0 - was - silent + both) / max(1.0 - was, LEAST)
    return min(max(found, LEAST), 1.0)


@kernel
def correct(known: Known, shape: Shape, pairs: Pairs, message: F64) -> None:
    """Correct existence, place and velocity of `known` in place by all messages (k, STATES)."""
    weight = np.empty(STATES)
    for i in range(len(known.mean)):
        if pairs.start[i] == pairs.start[i + 1]:
            continue
        points = shape.points[i]
        prior(known.existence[i], points, weight)
        best, told = -inf, 0.0
        for k in range(points + 1):
            for q in range(pairs.start[i], pairs.start[i + 1]):
                weight[k] += message[q, k]
                told += abs(message[q, k])
            best = max(best, weight[k])
        if told == 0.0:  # all its nodes are absent
            continue
        there = 0.0
        for k in range(points + 1):
            weight[k] = exp(weight[k] - best)
            there += weight[k] if k > 0 else 0.0
        known.existence[i] = there / (there + weight[0])
        if there > LEAST and points == POINTS:
            shift(known.mean[i], known.covariance[i], shape.root[i], weight[1:], there)


@inner
def shift(x: F64, P: F64, root: F64, weight: F64, total: float) -> None:
    """Move a target by the mean of its weighed points and change its spread by theirs, in place.

    Points are root times unit vectors z, so with their mean and spread S the state moves by root z and its covariance
    changes by root (S - 1) root^T: never below 0, as P - root root^T is not. Source: Julier, Uhlmann 2004, section III.
    """
    z, change = np.zeros(3), np.zeros((3, 3))
    for a in range(3):
        plus, minus = weight[2 * a + 1] / total, weight[2 * a + 2] / total
        z[a] = OUT * (plus - minus)
        change[a, a] = OUT * OUT * (plus + minus)
    for a in range(3):
        for b in range(3):
            change[a, b] = (1.0 - KEPT) * (change[a, b] - z[a] * z[b] - (1.0 if a == b else 0.0))
    for a in range(6):
        for b in range(3):
            x[a] += root[a, b] * z[b]
    between(P, root, change)


@inner
def between(P: F64, root: F64, change: F64) -> None:
    """Add root change root^T to P, in place. root (6, 3), change (3, 3)."""
    for a in range(6):
        for b in range(a + 1):
            value = 0.0
            for c in range(3):
                for e in range(3):
                    value += root[a, c] * change[c, e] * root[b, e]
            P[a, b] += value
            if a != b:
                P[b, a] += value
