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

from math import exp, inf, isfinite, log, sqrt
from typing import NamedTuple

import numpy as np

from skywarden.kernel import inner, kernel
from skywarden.model.place import F64, I64
from skywarden.track.audible import FAINT, Hearing, came, chance
from skywarden.track.cells import Field, near

SILENT, HEARD, ABSENT = 0, 1, -1  # of a node's look; an absent one says nothing, whatever the reason
POINTS = 7  # of cubature over place: the middle and two on each axis
OUT = 2.0  # standard deviations from the middle to the others
STATES = POINTS + 1  # of a target: at each point, or it does not exist
ROUNDS = 3  # of belief propagation
MIDDLE, OUTER = 0.25, 0.125  # their weights: exact to the third order, kurtosis 4 instead of 3
SUREST = 0.9999  # that a target exists, or that a node hears it, as in `joint`
LEAST = 1e-12  # of a probability that is divided by, or of which the logarithm is taken
KEPT = 0.1  # of the spread of a place is kept, whatever one tick says: seven points cannot show less
MOST = 96  # nodes that a target is compared with
SIGMAS = 3.0  # of the place, around which nodes are asked


class Looks(NamedTuple):
    """What n nodes say at one time, in the order of a `Field`. now, before: (n,) HEARD, SILENT or ABSENT.

    gap: (n,) s since the look before. false: (n,) share of the time that a node hears something without any target.
    turn: (n,) s, how fast that changes, see `nodes.turns`. unseen: (n,) expected number of unknown targets heard.
    """

    now: I64
    before: I64
    gap: F64
    false: F64
    turn: F64
    unseen: F64


class Known(NamedTuple):
    """m targets, at the looks' time. mean: (m, 6) ECEF m, m/s; covariance: (m, 6, 6). existence: (m,).

    since: (m,) s before the looks that each is known to have been in flight; what it did before is not asked.
    """

    mean: F64
    covariance: F64
    existence: F64
    since: F64


class Pairs(NamedTuple):
    """Targets and nodes that may hear them. start: (m + 1,) where each target's begin; node: (k,) rows of the field.

    pd: (k, POINTS) chance of hearing now; was: (k, POINTS) at the look before; both: (k, POINTS) of silence at both.
    Each holds over points of the target's place.
    """

    start: I64
    node: I64
    pd: F64
    was: F64
    both: F64


class Shape(NamedTuple):
    """Points that stand for m targets. root: (m, 6, 3), columns that make the spread of place, with the velocity that

    belongs to them. good: (m,) 1 where the numbers are any good.
    """

    root: F64
    good: I64


def hear(known: Known, field: Field, looks: Looks, hearing: Hearing) -> Known:
    """Return targets corrected by one look of all nodes. What is not finite stays as it is and counts for nobody.

    A target is corrected by nodes within its reach and three sigmas, at most MOST of them. Takes any number of nodes.
    """
    looks = sane(looks)
    shape, pairs = compare(known, field, looks, hearing)
    message, term, silent = np.zeros((len(pairs.node), STATES)), np.empty((len(pairs.node), 3)), alone(looks, hearing)
    for _ in range(ROUNDS):
        every = silent.copy()
        believe(known, pairs, message, term, every)
        tell(pairs, looks, term, every, message)
    out = Known(known.mean.copy(), known.covariance.copy(), known.existence.copy(), known.since)
    correct(out, shape, pairs, message)
    return out


def sane(looks: Looks) -> Looks:
    """Return looks without those whose numbers are none: they are absent."""
    whole = np.isfinite(looks.false + looks.turn + looks.unseen) & (looks.turn > 0.0) & (looks.gap > 0.0)
    now = np.where(whole, looks.now, ABSENT)
    false, unseen = np.where(whole, looks.false, 0.0), np.where(whole, looks.unseen, 0.0)
    gap, turn = np.where(whole, looks.gap, inf), np.where(whole, looks.turn, 1.0)
    return Looks(now, np.where(whole, looks.before, ABSENT), gap, false, turn, unseen)


def compare(known: Known, field: Field, looks: Looks, hearing: Hearing) -> tuple[Shape, Pairs]:
    """Return points of each target, and with which chances nodes hear it there."""
    m = len(known.mean)
    shape = Shape(np.zeros((m, 6, 3)), np.zeros(m, np.int64))
    centre, radius = np.empty((m, 3)), np.empty(m)
    spread(known, shape, hearing, field.farthest, centre, radius)
    start, found = np.zeros(m + 1, np.int64), np.empty(m * MOST, np.int64)
    k = near(field, centre, radius, MOST, start, found)
    pairs = Pairs(start, found[:k].copy(), np.empty((k, POINTS)), np.empty((k, POINTS)), np.empty((k, POINTS)))
    listen(known, shape, field, pairs, looks, hearing)
    return shape, pairs


@kernel
def spread(  # noqa: PLR0913 - in and out
    known: Known, shape: Shape, hearing: Hearing, farthest: F64, centre: F64, radius: F64
) -> None:
    """Fill `shape`; write where nodes are looked up: the middle of the way that the target flew since the oldest sound.

    centre: (m, 3) ECEF m; radius: (m,) m, NaN where the numbers are no good.
    """
    reach = farthest[0] * exp(FAINT * hearing.spread)
    for i in range(len(known.mean)):
        x, root = known.mean[i], shape.root[i]
        r = known.existence[i]
        good = 0.0 < r <= 1.0 and factor(known.covariance[i], root)
        speed = size = 0.0
        for a in range(3):
            speed += x[a + 3] * x[a + 3]
            size += root[a, 0] * root[a, 0] + root[a, 1] * root[a, 1] + root[a, 2] * root[a, 2]
        speed = sqrt(speed)
        late = 0.5 * reach / hearing.sound
        for a in range(3):
            centre[i, a] = x[a] - late * x[a + 3]
        radius[i] = reach + late * speed + SIGMAS * sqrt(size)
        shape.good[i] = 1 if good and isfinite(radius[i] + centre[i, 0] + centre[i, 1] + centre[i, 2]) else 0
        if shape.good[i] == 0:
            radius[i] = -1.0


@inner
def factor(P: F64, root: F64) -> bool:
    """Write the (6, 3) root of the spread of place to `root`: root root^T has the columns of P that belong to place.

    The upper three rows are its Cholesky factor. Returns False where P has none.
    """
    for a in range(6):
        for b in range(3):
            if b > a:
                root[a, b] = 0.0
                continue
            value = P[a, b]
            for c in range(b):
                value -= root[a, c] * root[b, c]
            if a == b:
                if not 0.0 < value < inf:
                    return False
                root[a, b] = sqrt(value)
            else:
                root[a, b] = value / root[b, b]
    return True


@inner
def point(x: F64, root: F64, k: int, out: F64) -> None:
    """Write point k of a target to out (6,): 0 the middle, then both ways on each axis."""
    axis, sign = (k - 1) // 2, OUT if k % 2 == 1 else -OUT
    for a in range(6):
        out[a] = x[a] if k == 0 else x[a] + sign * root[a, axis]


@kernel
def listen(  # noqa: PLR0913 - in and out
    known: Known, shape: Shape, field: Field, pairs: Pairs, looks: Looks, hearing: Hearing
) -> None:
    """Fill the chances of `pairs`."""
    state, d, u = np.empty(6), np.empty(3), np.empty(3)
    for i in range(len(known.mean)):
        for k in range(POINTS):
            if pairs.start[i] == pairs.start[i + 1]:
                continue
            point(known.mean[i], shape.root[i], k, state)
            for a in range(3):
                u[a] = state[a + 3] - hearing.wind[a]
            for q in range(pairs.start[i], pairs.start[i + 1]):
                j = pairs.node[q]
                gap = looks.gap[j] if looks.before[j] != ABSENT else inf
                for a in range(3):
                    d[a] = state[a] - field.place[j, a]
                pd = heard(d, u, field.reach[j], known.since[i], hearing)
                was = 0.0
                if gap < inf:
                    for a in range(3):
                        d[a] -= gap * state[a + 3]
                    was = heard(d, u, field.reach[j], known.since[i] - gap, hearing)
                stays = exp(-gap / hearing.memory)
                pairs.pd[q, k], pairs.was[q, k] = pd, was
                pairs.both[q, k] = stays * min(1.0 - pd, 1.0 - was) + (1.0 - stays) * (1.0 - pd) * (1.0 - was)


@inner
def heard(d: F64, u: F64, reach: float, since: float, hearing: Hearing) -> float:
    """Return the chance that a node hears a target d (3,) m off, unless its sound left before it was known to be."""
    tau = came(d, u, hearing.sound)
    if not 0.0 <= tau <= since:
        return 0.0
    return chance(hearing.sound * tau, reach, hearing.detection, hearing.spread)


def alone(looks: Looks, hearing: Hearing) -> F64:
    """Return (n, 3) logarithms of the probability that each node is silent now, at the look before, and at both, if

    there is none of the known targets.
    """
    false, unseen = np.clip(looks.false, 0.0, 1.0 - LEAST), np.maximum(looks.unseen, 0.0)
    goes_on, same = np.exp(-looks.gap / looks.turn), np.exp(-looks.gap / hearing.memory)
    one = np.log1p(-false) - unseen
    again = np.log1p(-(1.0 - goes_on) * false) + np.log1p((1.0 - same) * np.expm1(-unseen))
    return np.stack([one, one, one + again], -1)


def shares(known: Known, pairs: Pairs, looks: Looks, hearing: Hearing) -> F64:
    """Return (n, 3) logarithms as `alone`, with all known targets as they were believed to be before the look."""
    silent = alone(looks, hearing)
    believe(known, pairs, np.zeros((len(pairs.node), STATES)), np.empty((len(pairs.node), 3)), silent)
    return silent


@inner
def prior(existence: float, belief: F64) -> None:
    """Write logarithms of the probability of each point, and of not existing, to belief (STATES,)."""
    for k in range(POINTS):
        belief[k] = log(existence * (MIDDLE if k == 0 else OUTER))
    belief[POINTS] = log(max(1.0 - existence, 1.0 - SUREST))


@kernel
def believe(known: Known, pairs: Pairs, message: F64, term: F64, silent: F64) -> None:
    """Write what each target makes a node say, as believed by all other nodes' messages.

    message: (k, STATES); term: (k, 3) logarithms of the probability that the node of a pair is silent of the target of
    the pair now, before and both; all terms of a node are added to silent (n, 3).
    """
    total, least = np.empty(STATES), 1.0 - SUREST
    for i in range(len(known.mean)):
        if pairs.start[i] == pairs.start[i + 1]:
            continue
        prior(known.existence[i], total)
        for q in range(pairs.start[i], pairs.start[i + 1]):
            for k in range(STATES):
                total[k] += message[q, k]
        for q in range(pairs.start[i], pairs.start[i + 1]):
            best = -inf
            for k in range(STATES):
                best = max(best, total[k] - message[q, k])
            left = exp(total[POINTS] - message[q, POINTS] - best)
            now = was = both = every = left
            for k in range(POINTS):
                weight = exp(total[k] - message[q, k] - best)
                every += weight
                now += weight * (1.0 - pairs.pd[q, k])
                was += weight * (1.0 - pairs.was[q, k])
                both += weight * pairs.both[q, k]
            term[q, 0], term[q, 1] = log(max(now / every, least)), log(max(was / every, least))
            term[q, 2] = log(max(both / every, least))
            for a in range(3):
                silent[pairs.node[q], a] += term[q, a]


@kernel
def tell(pairs: Pairs, looks: Looks, term: F64, silent: F64, message: F64) -> None:
    """Write what each node says of each point of a target, and of its not existing, to message (k, STATES)."""
    for q in range(len(pairs.node)):
        j = pairs.node[q]
        now, before = looks.now[j], looks.before[j]
        if now == ABSENT:
            continue
        s, b, both = exp(silent[j, 0] - term[q, 0]), exp(silent[j, 1] - term[q, 1]), exp(silent[j, 2] - term[q, 2])
        message[q, POINTS] = log(likely(now, before, s, b, both))
        for k in range(POINTS):
            here, was = s * (1.0 - pairs.pd[q, k]), b * (1.0 - pairs.was[q, k])
            message[q, k] = log(likely(now, before, here, was, both * pairs.both[q, k]))


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
        prior(known.existence[i], weight)
        best, told = -inf, 0.0
        for k in range(STATES):
            for q in range(pairs.start[i], pairs.start[i + 1]):
                weight[k] += message[q, k]
                told += abs(message[q, k])
            best = max(best, weight[k])
        if told == 0.0:  # all its nodes are absent
            continue
        there = 0.0
        for k in range(STATES):
            weight[k] = exp(weight[k] - best)
            there += weight[k] if k < POINTS else 0.0
        known.existence[i] = there / (there + weight[POINTS])
        if there > LEAST:
            shift(known.mean[i], known.covariance[i], shape.root[i], weight, there)


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
