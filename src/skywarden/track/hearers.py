"""Known targets and the nodes that may hear them: with which chance, at points that stand for where a target may be.

The nodes around a place are those within reach of the way that the target flew since the oldest sound that may come.
"""

from math import exp, inf, isfinite, sqrt
from typing import NamedTuple

import numpy as np

from skywarden.kernel import inner, kernel
from skywarden.model.place import F64, I64
from skywarden.track.audible import FAINT, Hearing, came, chance
from skywarden.track.cells import Field, near

SILENT, HEARD, ABSENT = 0, 1, -1  # of a node's look; an absent one says nothing, whatever the reason
POINTS = 7  # of cubature over place: the middle and two on each axis
SHARP = 0.1  # of the largest reach; of a target whose place is better known the middle stands for all
OUT = 2.0  # standard deviations from the middle to the others
MOST = 384  # nodes that a target is compared with, the nearest, of each source its share
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
    Each holds over points of the target's place; of who has one point only the first is written.
    """

    start: I64
    node: I64
    pd: F64
    was: F64
    both: F64


class Shape(NamedTuple):
    """Points that stand for m targets. root: (m, 6, 3), columns that make the spread of place, with the velocity that

    belongs to them. points: (m,) how many, POINTS or 1; 0 where the numbers are no good.
    """

    root: F64
    points: I64


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
        shape.points[i] = 1 if sqrt(size) < SHARP * farthest[0] else POINTS
        if not (good and isfinite(radius[i] + centre[i, 0] + centre[i, 1] + centre[i, 2])):
            shape.points[i], radius[i] = 0, -1.0


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
        for k in range(shape.points[i]):
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
