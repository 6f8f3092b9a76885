"""Which two paths of registration are of one target: by where they go, what is not known of biases counted in.

The tracker joins what it believes to be one target, so two radars that are far enough off each other have two tracks
of it. To a register the difference of these is d = (x - y) with the covariance P_x + P_y + (G_x - G_y) B (G_x - G_y)^T,
G the slopes and B what is not known of all biases: where they are not known the gate is wide, and narrow where they
are. Only what is clear is joined: a pair must be the only one for both, and pairs must agree, since one shift of a
sensor explains all of its targets.
"""

from typing import NamedTuple

import numpy as np

from skywarden.model.place import F64, I64
from skywarden.track.biases import CLAIMED, EAST, OWN, BiasSettings
from skywarden.track.follow import CALMEST, FAST
from skywarden.track.motion import predict_all
from skywarden.track.paths import NOBODY, Mask
from skywarden.track.register import Register

GATE = 25.0  # chi-square of six; 3e-4 of true pairs are outside
SEEN = 15_000_000_000  # ns; who has measured a path so lately has no other path of that target
SEEDS = 6  # pairs from which agreement is tried
KNOWN = 0.3  # of a jump's size; a sensor whose azimuth is known better may have jumped
ENOUGH = 3  # windows of pairs that agree, added up, until they are believed
ROUNDING = 1.0, 0.1  # m, m/s, added to what paths claim: they fly on nearly straight for some seconds


class Abreast(NamedTuple):
    """Paths at one true time. slot (k,): rows; seen (k, S + 1): who measured each lately, fixes at the end.

    state (k, 6); covariance (k, 6, 6), biases as they are believed; slope (k, 6, n): by all columns of the belief.
    """

    slot: I64
    seen: Mask
    state: F64
    covariance: F64
    slope: F64


class Pair(NamedTuple):
    """Rows of `Abreast`: one that may be the other. sensor: whose the first is; jumped: only if that one had jumped."""

    one: int
    other: int
    sensor: int
    jumped: int


def abreast(register: Register, settings: BiasSettings) -> Abreast:
    """Return the paths that were measured lately, all at the register's time as it truly is."""
    paths, count = register.paths, len(register.position)
    cs, n = OWN * count, len(register.belief.mean)
    lately = paths.last > register.time - SEEN
    slot = np.flatnonzero((paths.label != NOBODY) & (paths.time > 0) & lately.any(1))
    frame = paths.frame[slot]
    clock = np.where(frame < cs, frame, frame + CLAIMED * slot)
    dt = (register.time - paths.time[slot]) * 1e-9 + register.belief.mean[clock]
    speed2 = (paths.mean[slot, 3:] ** 2).sum(1) / FAST**2
    noise = settings.level_noise_m2_s3 * np.clip(speed2, *CALMEST)
    state, covariance = predict_all(paths.mean[slot], paths.covariance[slot], dt, noise, settings.vertical_noise_m2_s3)
    covariance[:, np.arange(6), np.arange(6)] += np.repeat(np.square(ROUNDING), 3)
    slope = np.zeros((len(slot), 6, n))
    slope[:, :, :cs] = paths.slope[slot, :, :cs]
    own = cs + CLAIMED * slot[:, None] + np.arange(CLAIMED)
    slope[np.arange(len(slot))[:, None, None], np.arange(6)[:, None], own[:, None]] = paths.slope[slot, :, cs:]
    slope[:, :3] += dt[:, None, None] * slope[:, 3:]
    slope[np.arange(len(slot)), :3, clock] += state[:, 3:]
    return Abreast(slot, lately[slot], state, covariance, slope)


def pairs(register: Register, among: Abreast, settings: BiasSettings) -> list[Pair]:
    """Return the pairs that are the only one for both: as biases are believed, then if the sensor had jumped."""
    spread = register.belief.covariance
    count, k = len(register.position), len(among.slot)
    if k < 2:
        return []
    loose = np.flatnonzero(among.seen.sum(1) == 1)
    loose = loose[~among.seen[loose, -1]]
    shared = (among.seen.astype(int) @ among.seen.T.astype(int)) > 0
    found = [_pair(among, one, other, 0) for one, other in _only(_fits(among, spread), shared, among)]
    done = {row for pair in found for row in (pair.one, pair.other) if row in loose}
    for sensor in range(count):
        azimuth = np.sqrt(spread[OWN * sensor + 1, OWN * sensor + 1])
        mine = [row for row in loose.tolist() if among.seen[row, sensor] and row not in done]
        if mine and azimuth < KNOWN * settings.jump[1]:
            fits = _fits(among, _jumped(spread, sensor, settings))
            wide = _only(fits, shared, among)
            found += [_pair(among, one, other, 1) for one, other in wide if one in mine]
    return found


def _jumped(spread: F64, sensor: int, settings: BiasSettings) -> F64:
    """Return what is not known of biases if one sensor may have jumped."""
    wide, at = spread.copy(), OWN * sensor + np.arange(EAST)
    wide[at, at] += np.square(settings.jump[:EAST])
    return wide


def _fits(among: Abreast, spread: F64) -> Mask:
    """Return (k, k) which paths may be of one target, as far as their states say."""
    k = len(among.slot)
    flat = among.slope.reshape(6 * k, -1)
    joint = (flat @ spread @ flat.T).reshape(k, 6, k, 6).transpose(0, 2, 1, 3)
    mine = joint[np.arange(k), np.arange(k)] + among.covariance
    S = mine[:, None] + mine[None] - joint - joint.swapaxes(2, 3)
    d = among.state[:, None] - among.state[None]
    S[np.arange(k), np.arange(k)] = np.eye(6)
    chi2 = np.einsum("abi,abi->ab", d, np.linalg.solve(S, d[..., None])[..., 0])
    return np.asarray((chi2 < GATE) & ~np.eye(k, dtype=bool))


def _only(fits: Mask, shared: Mask, among: Abreast) -> list[tuple[int, int]]:
    """Return pairs that fit and have no rival: none that fits one of them and is measured by who measures the other.

    The first of each is the one that is joined to the other: the one that no fixes measure, and fewer sensors.
    """
    fits = fits & ~shared
    rivals = shared & ~np.eye(len(shared), dtype=bool)
    any_rival = (fits.astype(int) @ rivals.astype(int) > 0) | (rivals.astype(int) @ fits.astype(int) > 0)
    clear = np.argwhere(np.triu(fits & ~any_rival))
    rank = among.seen[:, -1] * 100 + among.seen.sum(1)
    return [(a, b) if rank[a] <= rank[b] else (b, a) for a, b in clear.tolist()]


def _pair(among: Abreast, one: int, other: int, jumped: int) -> Pair:
    return Pair(one, other, int(np.argmax(among.seen[one])), jumped)


def agreeing(register: Register, among: Abreast, some: list[Pair], settings: BiasSettings) -> list[Pair]:
    """Return those of one sensor's pairs that agree with each other on its biases: the most that do, [] under half."""
    spread = register.belief.covariance
    if some and some[0].jumped:
        spread = _jumped(spread, some[0].sensor, settings)
    d = np.array([among.state[p.one] - among.state[p.other] for p in some])
    D = np.array([among.slope[p.one] - among.slope[p.other] for p in some])
    R = np.array([among.covariance[p.one] + among.covariance[p.other] for p in some])
    n = len(some)
    flat = D.reshape(6 * n, -1)
    joint = (flat @ spread @ flat.T).reshape(n, 6, n, 6).transpose(0, 2, 1, 3)
    joint[np.arange(n), np.arange(n)] += R
    alone = np.array([d[k] @ np.linalg.solve(joint[k, k], d[k]) for k in range(n)])
    order, best = np.argsort(alone, kind="stable").tolist(), list[int]()
    for seed in order[:SEEDS]:
        chosen = [seed]
        for k in order:
            if k != seed and _fitting(joint, d, chosen, k):
                chosen.append(k)
        best = chosen if len(chosen) > len(best) else best
    return [some[k] for k in sorted(best)] if 2 * len(best) > n else []


def _fitting(joint: F64, d: F64, chosen: list[int], k: int) -> bool:
    """Return whether pair k fits what the chosen ones say of the biases that they have in common."""
    m = len(chosen)
    S = joint[np.ix_(chosen, chosen)].transpose(0, 2, 1, 3).reshape(6 * m, 6 * m)
    cross = joint[k, chosen].transpose(1, 0, 2).reshape(6, 6 * m)
    gain = np.linalg.solve(S, cross.T).T
    y = d[k] - gain @ d[chosen].ravel()
    return bool(y @ np.linalg.solve(joint[k, k] - gain @ cross.T, y) < GATE)
