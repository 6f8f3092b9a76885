"""Whether a sensor's bias has jumped, and when: the likelihood of that over that of no jump, for each time and kind.

A jump of size d in a column before some time shifts all innovations since by a known direction times d: the believed
bias follows it in part, by `shift`. Innovations of the steps are independent, so their scores and information add up.
Source: Willsky, Jones 1976, "A generalized likelihood ratio approach to the detection and estimation of jumps in linear
systems", IEEE Transactions on Automatic Control 21(1).
With a Gaussian prior for d, which is integrated out, nothing is gained by a jump that need not be.
"""

from typing import NamedTuple

import numpy as np

from skywarden.model.place import F64, I64
from skywarden.track.biases import EAST, OWN, Belief, BiasSettings, Told

SPACING = 20_000_000_000  # ns between two times at which a jump may have been
WITHIN = 300_000_000_000  # ns; earlier jumps are not looked for any more
FARTHEST = 5.0  # sigma of a jump; what is further does not fit
LOOSE = 0.3  # of a jump's size, 1 sigma more, since its time is only known to SPACING
KINDS = (*((k,) for k in range(EAST)), (EAST, EAST + 1))  # columns that jump at once: one, or the place
CLEAR = 5.0  # nats by which a jump must be likelier than one of any other sensor
PATIENCE = 90_000_000_000  # ns; so long after it the likeliest is believed all the same, but not of a place


class Candidates(NamedTuple):
    """C times. since (C,): ns. shift (C, n, S, 6): of the mean by a jump of 1 in each column of each sensor.

    score (C, S, 6), information (C, S, 6, 6): of the size of such jumps.
    """

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


class Found(NamedTuple):
    """A jump of k columns. size (k,), its variance (k, k); move (k, n): of the mean, by a size of 1."""

    jumps: tuple[Jump, ...]
    size: F64
    variance: F64
    move: F64


def none(columns: int, sensors: int) -> Candidates:
    """Return no time at all."""
    shift, score = np.zeros((0, columns, sensors, OWN)), np.zeros((0, sensors, OWN))
    return Candidates(np.zeros(0, np.int64), shift, score, np.zeros((0, sensors, OWN, OWN)))


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
    count, n, sensors, _ = candidates.shift.shape
    spread = G - G @ P @ G  # A^T (A P A^T + I)^-1 A
    rest = told.score - G @ (P @ told.score)
    seen = np.eye(n, OWN * sensors) - candidates.shift.reshape(count, n, -1)
    followed = (P @ (G @ seen)).reshape(candidates.shift.shape)
    more, seen = (spread @ seen).reshape(candidates.shift.shape), seen.reshape(candidates.shift.shape)
    return Candidates(
        candidates.since,
        candidates.shift + followed,
        candidates.score + np.einsum("cnsk,n->csk", seen, rest),
        candidates.information + np.einsum("cnsk,cnsl->cskl", seen, more),
    )


def evidence(candidates: Candidates, columns: tuple[int, ...], settings: BiasSettings) -> tuple[F64, F64, F64]:
    """Return nats (C, S) for a jump of some columns together, its size (C, S, k) and the variance of that.

    -inf where it would be smaller than matters, or further than fits.
    """
    at = list(columns)
    width = np.square(settings.jump)[at]
    J, g = candidates.information[:, :, at][:, :, :, at], candidates.score[:, :, at]
    root = np.sqrt(width)
    even = np.eye(len(at)) + root[:, None] * J * root  # I + D^1/2 J D^1/2: positive whatever J, a sum of squares, is
    variance = root[:, None] * np.linalg.inv(even) * root
    size = np.einsum("cskl,csl->csk", variance, g)
    nats = 0.5 * np.einsum("csk,csk->cs", size, g) - 0.5 * np.linalg.slogdet(even)[1]
    nats -= settings.place_doubt * (EAST in columns)
    far = np.sqrt((size**2).sum(2))
    least, most = settings.least_jump[at[0]], FARTHEST * settings.jump[at[0]]
    return np.where((far >= least) & (far <= most), nats, -np.inf), size, variance


def found(candidates: Candidates, time: int, settings: BiasSettings) -> Found | None:
    """Return the likeliest jump, None if none is likely enough, or clearly likelier than that of another sensor."""
    if not len(candidates.since):
        return None
    every = [evidence(candidates, columns, settings) for columns in KINDS]
    nats = np.stack([one[0] for one in every])  # (kinds, C, S)
    best = nats.max((0, 1))
    others = np.array([np.delete(best, k).max(initial=-np.inf) for k in range(len(best))])
    patient = np.array([EAST not in columns for columns in KINDS])[:, None] & (time - candidates.since >= PATIENCE)
    clear = (nats >= others + CLEAR) | patient[:, :, None]
    nats = np.where(clear & (nats >= settings.jump_evidence), nats, -np.inf)
    kind, c, sensor = np.unravel_index(int(nats.argmax()), nats.shape)
    if nats[kind, c, sensor] == -np.inf:
        return None
    since, most = int(candidates.since[c]), float(nats[kind, c, sensor])
    size, columns = every[kind][1][c, sensor], list(KINDS[kind])
    at = [OWN * int(sensor) + column for column in columns]
    move = -candidates.shift[c, :, sensor, columns]  # (k, n)
    move[np.arange(len(at)), at] += 1.0
    made = tuple(Jump(one, since, far, most, False) for one, far in zip(at, size.tolist(), strict=True))
    return Found(made, size, every[kind][2][c, sensor], move)


def moved(belief: Belief, jump: Found) -> Belief:
    """Return the belief with a jump taken in, as if it had been known of when it was."""
    loose = jump.variance + np.diag((LOOSE * jump.size) ** 2)
    return Belief(belief.mean + jump.size @ jump.move, belief.covariance + jump.move.T @ loose @ jump.move)
