"""Whether a sensor's bias has jumped, and when: the likelihood of that over that of no jump, for each time and column.

A jump of size d in a column before some time shifts all innovations since by a known direction times d: the believed
bias follows it in part, by `shift`. Innovations of the steps are independent, so their scores and information add up.
Source: Willsky, Jones 1976, "A generalized likelihood ratio approach to the detection and estimation of jumps in linear
systems", IEEE Transactions on Automatic Control 21(1).
With a Gaussian prior for d, which is integrated out, nothing is gained by a jump that need not be.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.model.place import F64, I64
from skywarden.track.biases import CLOCK, EAST, OWN, Belief, BiasSettings, Told

SPACING = 20_000_000_000  # ns between two times at which a jump may have been
WITHIN = 300_000_000_000  # ns; earlier jumps are not looked for any more
FARTHEST = 5.0  # sigma of a jump; what is further does not fit
LOOSE = 0.3  # of a jump's size, 1 sigma more, since its time is only known to SPACING
AGREED = 0.75  # share of the chi-square of strange measurements that a shift must explain
SIMPLER = 0.03  # of that chi-square, for each column of the shift
KINDS = (*((k,) for k in range(EAST)), (EAST, EAST + 1), (CLOCK, EAST, EAST + 1))  # spoofed: place, often clock too
FEW = 12.0  # strange measurements that say nothing yet
FADES = 60.0  # s; after so many a strange measurement counts 1 / e


class Candidates(NamedTuple):
    """C times. since (C,): ns. shift (C, n, 6 S): of the mean by a jump in each column; score, information (C, 6 S)."""

    since: I64
    shift: F64
    score: F64
    information: F64


class Jump(NamedTuple):
    """column: which of the sensors'. since: ns. size: m, rad, s. evidence: nats. gross: found by what did not fit."""

    column: int
    since: int
    size: float
    evidence: float
    gross: bool


def none(columns: int, sensors: int) -> Candidates:
    """Return no time at all."""
    cs = OWN * sensors
    return Candidates(np.zeros(0, np.int64), np.zeros((0, columns, cs)), np.zeros((0, cs)), np.zeros((0, cs)))


def tried(candidates: Candidates, time: int) -> Candidates:
    """Return the candidates with one for a jump at `time`, ns, if it is time, and without those too long ago."""
    keep = candidates.since >= time - WITHIN
    since, shift = candidates.since[keep], candidates.shift[keep]
    score, information = candidates.score[keep], candidates.information[keep]
    if len(since) and time - since[-1] < SPACING:
        return Candidates(since, shift, score, information)
    new = [np.concatenate([column, np.zeros((1, *column.shape[1:]))]) for column in (shift, score, information)]
    return Candidates(np.append(since, time), *new)


def forgotten(candidates: Candidates, columns: slice) -> Candidates:
    """Return the candidates after some columns were renewed: what is believed of these follows no jump."""
    shift = candidates.shift.copy()
    shift[:, columns] = 0.0
    return candidates._replace(shift=shift)


def weighed(candidates: Candidates, told: Told, after: Belief) -> Candidates:
    """Return the candidates after a step. told: relative to the mean before it; after: what is believed after it."""
    G, P = told.information, after.covariance
    cs = candidates.score.shape[1]
    spread = G - G @ P @ G  # A^T (A P A^T + I)^-1 A
    rest = told.score - G @ (P @ told.score)
    seen = np.eye(len(G), cs) - candidates.shift
    return Candidates(
        candidates.since,
        candidates.shift + P @ (G @ seen),
        candidates.score + np.einsum("cns,n->cs", seen, rest),
        candidates.information + np.einsum("cns,cns->cs", seen, spread @ seen),
    )


def evidence(candidates: Candidates, settings: BiasSettings) -> tuple[F64, F64, F64]:
    """Return (C, 6 S): nats for a jump in each column at each time, its size and the variance of that."""
    cs = candidates.score.shape[1]
    D = np.tile(np.square(settings.jump), cs // OWN)
    information = np.maximum(candidates.information, 0.0)
    variance = 1.0 / (information + 1.0 / D)
    nats = 0.5 * candidates.score**2 * variance - 0.5 * np.log1p(information * D)
    place = np.arange(cs) % OWN >= EAST
    return nats - settings.place_doubt * place, candidates.score * variance, variance


def found(candidates: Candidates, settings: BiasSettings) -> tuple[Jump, F64, float] | None:
    """Return the likeliest jump, how the mean moves by 1 of it, (n,), and the variance of its size; None if none is."""
    nats, size, variance = evidence(candidates, settings)
    least = np.tile(settings.least_jump, nats.shape[1] // OWN)
    most = FARTHEST * np.tile(settings.jump, nats.shape[1] // OWN)
    nats = np.where((np.abs(size) >= least) & (np.abs(size) <= most), nats, -np.inf)
    if nats.size == 0 or nats.max() < settings.jump_evidence:
        return None
    c, column = np.unravel_index(int(nats.argmax()), nats.shape)
    jump = Jump(int(column), int(candidates.since[c]), float(size[c, column]), float(nats[c, column]), False)
    move = -candidates.shift[c, :, column]
    move[column] += 1.0
    return jump, move, float(variance[c, column])


def moved(belief: Belief, jump: Jump, move: F64, variance: float) -> Belief:
    """Return the belief with a jump taken in, as if it had been known of when it was."""
    loose = variance + (LOOSE * jump.size) ** 2
    return Belief(belief.mean + jump.size * move, belief.covariance + loose * np.outer(move, move))


class Strange(NamedTuple):
    """What did not fit lately, fading: information (S, 6, 6), score (S, 6), chi-square off (S,), of how many, rows (S,).

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

    None where most of its measurements fit, or no shift of KINDS helps.
    """
    off = float(strange.off[sensor])
    if trusted(strange)[sensor] or strange.rows[sensor] < FEW:
        return None
    G, g, best = strange.information[sensor], strange.score[sensor], None
    most = AGREED * off
    for columns in KINDS:
        block, part = G[np.ix_(columns, columns)], g[list(columns)]
        if np.linalg.eigvalsh(block)[0] <= 0.0:
            continue
        size = np.linalg.solve(block, part)
        explained = float(size @ part) - SIMPLER * off * len(columns)
        if explained > most:
            most, best = explained, (columns, size)
    return best
