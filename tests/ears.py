"""Microphones and targets for tests of presence, and slow twins of what is reckoned with them.

Places are m east, north and up of ORIGIN where a function says so, otherwise ECEF.
"""

from itertools import product
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

from skywarden import geo
from skywarden.model.place import F64, I64
from skywarden.track.audible import FAINT, Hearing
from skywarden.track.cells import Field, field
from skywarden.track.hearers import SHARP
from skywarden.track.presence import ABSENT, Known, Looks

ORIGIN = geo.ecef(np.radians(50.0), np.radians(30.0), 0.0)
AXES = geo.east_north_up(np.radians(50.0), np.radians(30.0))
HEARING = Hearing()
FAST = 0.95  # of the speed of sound


def ecef(local: F64) -> F64:
    """Return ECEF m of places (n, 3) east, north, up."""
    return ORIGIN + np.asarray(local, float) @ AXES


def standing(local: F64, reach: float = 4000.0) -> Field:
    """Return nodes at places (n, 3) east, north, up, named by their index."""
    return field(np.arange(len(local)), ecef(local), np.full(len(local), reach))


def flying(state: F64, existence: float = 0.8, sigma: float = 0.01, since: float = 1e6) -> Known:
    """Return targets (m, 6) east, north, up m and m/s."""
    state = np.atleast_2d(np.asarray(state, float))
    mean = np.hstack([ecef(state[:, :3]), state[:, 3:] @ AXES])
    covariance = np.tile(sigma**2 * np.eye(6), (len(mean), 1, 1))
    return Known(mean, covariance, np.full(len(mean), existence), np.full(len(mean), since))


def saying(now: I64, before: I64 | None = None, gap: float = 1.0, false: float = 3.3e-3, turn: float = 60.0) -> Looks:
    """Return looks of n nodes."""
    now = np.asarray(now)
    n = len(now)
    before = np.full(n, ABSENT) if before is None else np.asarray(before)
    gaps = np.where(before == ABSENT, np.inf, gap)
    return Looks(now, before, gaps, np.full(n, false), np.full(n, turn), np.zeros(n))


def delay(d: F64, v: F64, hearing: Hearing) -> float:
    """Return s since the sound left that comes now, by root finding, -1 for none. d, v (3,): node to target, m/s."""
    u = v - np.asarray(hearing.wind)
    if np.linalg.norm(u) >= FAST * hearing.sound:
        return -1.0

    def left(tau: float) -> float:
        return float(np.linalg.norm(d - u * tau) - hearing.sound * tau)

    return brentq(left, 0.0, 4.0 * np.linalg.norm(d) / (hearing.sound - np.linalg.norm(u)) + 1.0, xtol=1e-13)


def hears(d: F64, v: F64, reach: float, since: float, hearing: Hearing) -> float:
    """Return the chance that a node hears a target d (3,) m off."""
    tau = delay(d, v, hearing)
    if not 0.0 <= tau <= since:
        return 0.0
    z = np.log(max(hearing.sound * tau, 1.0) / reach) / hearing.spread
    return float(hearing.detection * norm.cdf(-z)) if z <= FAINT else 0.0


class Chain(NamedTuple):
    """A thing that may be heard: chance at the look before and now, and of silence at both."""

    was: float
    now: float
    both: float


def chain(was: float, now: float, stays: float) -> Chain:
    """Return it for a reason to hear that stays the same with probability `stays`, else is drawn anew."""
    return Chain(was, now, stays * min(1 - was, 1 - now) + (1 - stays) * (1 - was) * (1 - now))


def joint(one: Chain) -> F64:
    """Return (2, 2) probabilities of what it makes a node say, before and now: 0 silent, 1 heard."""
    silent = np.array([1 - one.was, 1 - one.now])
    return np.array([[one.both, silent[0] - one.both], [silent[1] - one.both, 1 - silent.sum() + one.both]])


def union(parts: list[Chain]) -> F64:
    """Return (2, 2) probabilities of what a node says that hears all parts, by enumeration of what each does."""
    total = np.zeros((2, 2))
    for states in product(product((0, 1), (0, 1)), repeat=len(parts)):
        chance = np.prod([joint(part)[state] for part, state in zip(parts, states, strict=True)])
        total[max(s[0] for s in states), max(s[1] for s in states)] += chance
    return total


def said(parts: list[Chain], now: int, before: int) -> float:
    """Return the probability of a look given the one before, by enumeration of what each part does."""
    table = union(parts)
    if before == ABSENT:
        return float(table[:, now].sum())
    return float(table[before, now] / table[before].sum())


def points(x: F64, P: F64, farthest: float) -> F64:
    """Return (7, 6) points of cubature over place, each with the velocity that belongs to it; all in the middle where

    the place is known to a tenth of the farthest reach.
    """
    if np.sqrt(np.trace(P[:3, :3])) < SHARP * farthest:
        return np.tile(x, (7, 1))
    root = P[:, :3] @ np.linalg.inv(np.linalg.cholesky(P[:3, :3])).T
    return x + np.vstack([np.zeros(6), *[sign * 2.0 * root[:, a] for a in range(3) for sign in (1, -1)]])


WEIGHTS = np.array([0.25, *[0.125] * 6])


def chances(known: Known, nodes: Field, looks: Looks, hearing: Hearing) -> F64:
    """Return (m, n, 7, 3) of every target at every node: heard at the look before, now, and silence at both."""
    found = np.zeros((len(known.mean), len(nodes.node), 7, 3))
    for i, j in np.ndindex(found.shape[:2]):
        for k, state in enumerate(points(known.mean[i], known.covariance[i], nodes.farthest[0])):
            d, v = state[:3] - nodes.place[j], state[3:]
            now = hears(d, v, nodes.reach[j], known.since[i], hearing)
            was, stays = 0.0, 0.0
            if looks.before[j] != ABSENT:
                gap = looks.gap[j]
                was = hears(d - gap * v, v, nodes.reach[j], known.since[i] - gap, hearing)
                stays = np.exp(-gap / hearing.memory)
            found[i, j, k] = chain(was, now, stays)
    return found


def slow(known: Known, nodes: Field, looks: Looks, hearing: Hearing) -> Known:
    """Return what `presence.hear` does, by messages between targets and nodes, for three or four of them.

    A target has eight states: at each point, or it is none. What a node says is enumerated.
    """
    table = chances(known, nodes, looks, hearing)
    m, n = table.shape[:2]
    states = np.concatenate([table, np.broadcast_to([0.0, 0.0, 1.0], (m, n, 1, 3))], axis=2)
    first = np.hstack([known.existence[:, None] * WEIGHTS, np.maximum(1.0 - known.existence, 1e-4)[:, None]])
    message = np.ones((m, n, 8))
    for _ in range(3):
        believed = np.stack([first * np.delete(message, j, axis=1).prod(axis=1) for j in range(n)], axis=1)
        seems = np.einsum("mjk,mjkc->mjc", believed / believed.sum(-1, keepdims=True), states)
        message = np.ones((m, n, 8))
        for i, j in np.ndindex(m, n):
            if looks.now[j] == ABSENT:
                continue
            stays = np.exp(-looks.gap[j] / looks.turn[j]) if looks.before[j] != ABSENT else 0.0
            rest = [chain(looks.false[j], looks.false[j], stays)]
            rest += [Chain(*seems[o, j]) for o in range(m) if o != i]
            look = int(looks.now[j]), int(looks.before[j])
            message[i, j] = [said([*rest, Chain(*state)], *look) for state in states[i, j]]
    weight = first * message.prod(axis=1)
    mean, covariance = known.mean.copy(), known.covariance.copy()
    for i in range(m):
        mean[i], covariance[i] = shifted(mean[i], covariance[i], weight[i, :7])
    return Known(mean, covariance, weight[:, :7].sum(-1) / weight.sum(-1), known.since)


def shifted(x: F64, P: F64, weight: F64) -> tuple[F64, F64]:
    """Return mean and covariance after points got weights: nine tenths of the change of spread, all of the mean."""
    weight = weight / weight.sum()
    root = P[:, :3] @ np.linalg.inv(np.linalg.cholesky(P[:3, :3])).T
    z = np.vstack([np.zeros(3), *[sign * 2.0 * np.eye(3)[a] for a in range(3) for sign in (1, -1)]])
    middle = weight @ z
    spread = np.einsum("k,ka,kb->ab", weight, z - middle, z - middle)
    return x + root @ middle, P + 0.9 * root @ (spread - np.eye(3)) @ root.T
