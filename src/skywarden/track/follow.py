"""What the paths of targets say of biases: every measurement that fits corrects its path and is one more equation.

Measurements of one target follow each other, those of different targets go side by side: round k takes the k-th of
each. The innovation of a path at measurement k, if biases differ by b from what is believed, is y - A b with
A = H slope + C and covariance S without b: so sums of A^T S^-1 A and A^T S^-1 y hold all that there is to know.

A path is kept in the time of one of those that measure it, its frame: what this one measures depends on no clock at
all. In true time each of its measurements would depend on its clock by the velocity that is believed at that moment,
which differs from that of the moment before; what follows from such differences is nothing but error, and would be
taken for knowledge of what no measurement can tell, the clocks' common part. (So it was at first: an
error of 155 ms where 37 were claimed.)
"""

from typing import NamedTuple

import numpy as np

from skywarden.geo import east_north_up, geodetic
from skywarden.model.place import F64, I64
from skywarden.track.biases import CLAIMED, CLOCK, LATENCY, OWN, Belief, BiasSettings, Told
from skywarden.track.measured import BLIND, FIX, Measured
from skywarden.track.motion import predict_all
from skywarden.track.paths import LOST, NOBODY, Mask, Paths
from skywarden.track.residuals import fixes, placed, plots

GATE = 25.0  # chi-square, from which a measurement is not the target's, or its sensor is not what is believed of it
TAIL = 9.0  # chi-square, from which one counts less (Huber 1981)
FIRST = 1e8  # m^2, of a place before it is measured: so wide that the first measurement is all that is known of it
SPEED, CLIMB = 250.0, 20.0  # m/s, 1 sigma before it is measured
FAST = 200.0  # m/s, of the settings of level noise
CALMEST = 1 / 16, 4.0  # of that noise, least and most
BACK = -6.0  # s; older than its path by more than that is not used


class World(NamedTuple):
    """position (S, 3) and rotation (S, 3, 3) of the sensors, and what is believed of all columns beforehand.

    middle (n,): biases about which all is linear. trusted (S + 1,): whether what a sensor measures is used, and not
    only compared; fixes at the end.
    """

    position: F64
    rotation: F64
    belief: Belief
    middle: F64
    trusted: Mask


class Sums(NamedTuple):
    """What was said in a time. both (6 S, 6 S), cross (T, 6 S, 4), own (T, 4, 4) information; score (6 S,), (T, 4).

    strange (S, 6, 6), strangely (S, 6), off (S,): information, score and chi-square of what did not fit, on its own
    sensor's columns. used, refused (S + 1,): how many fitted, or not, fixes at the end. since (S,): ns of the first
    that did not.
    """

    both: F64
    cross: F64
    own: F64
    score: F64
    scores: F64
    strange: F64
    strangely: F64
    off: F64
    used: I64
    refused: I64
    since: I64


class Round(NamedTuple):
    """k measurements of k targets, and the innovations of their paths. slot, sensor (k,); when (k,): ns.

    H (k, 3, 6): derivative by the state; A (k, 3, 6 S + 4). near (k,): the radar's, too near for this.
    """

    slot: I64
    sensor: I64
    when: I64
    y: F64
    H: F64
    A: F64
    S: F64
    near: Mask


def followed(paths: Paths, measured: Measured, world: World, settings: BiasSettings) -> tuple[Paths, Sums]:
    """Take measurements in, as `measured.sane` left them; return the paths after them and what they say of columns."""
    paths = Paths._make(column.copy() for column in paths)._replace(votes=np.zeros_like(paths.votes))
    sums = _nothing(len(world.position), len(paths.label))
    measured = _ordered(paths, measured, world.middle)
    for rows, slot in _rounds(paths, measured):
        some = Measured._make(column[rows] for column in measured)
        ready = _begin(paths, some, slot, world)
        some, slot = Measured._make(column[ready] for column in some), slot[ready]
        if len(slot):
            _take(paths, sums, _innovations(paths, some, slot, world, settings), world)
    return _outvoted(paths), sums


def _outvoted(paths: Paths) -> Paths:
    """Return the paths, lost those that fit fewer sensors than they do not: who founded them stands alone."""
    lost = (paths.votes < 0).sum(1) > (paths.votes > 0).sum(1)
    return paths._replace(misses=np.where(lost, LOST, paths.misses))


def assembled(sums: Sums) -> Told:
    """Return the sums over all columns, in their order."""
    cs, slots = len(sums.both), len(sums.own)
    n = cs + CLAIMED * slots
    information = np.zeros((n, n))
    information[:cs, :cs] = sums.both
    cross = sums.cross.swapaxes(0, 1).reshape(cs, CLAIMED * slots)
    information[:cs, cs:], information[cs:, :cs] = cross, cross.T
    index = cs + np.arange(CLAIMED * slots).reshape(slots, CLAIMED)
    information[index[:, :, None], index[:, None, :]] = sums.own
    return Told(information, np.concatenate([sums.score, sums.scores.ravel()]))


def _nothing(sensors: int, slots: int) -> Sums:
    cs = OWN * sensors
    return Sums(
        np.zeros((cs, cs)),
        np.zeros((slots, cs, CLAIMED)),
        np.zeros((slots, CLAIMED, CLAIMED)),
        np.zeros(cs),
        np.zeros((slots, CLAIMED)),
        np.zeros((sensors, OWN, OWN)),
        np.zeros((sensors, OWN)),
        np.zeros(sensors),
        np.zeros(sensors + 1, np.int64),
        np.zeros(sensors + 1, np.int64),
        np.zeros(sensors, np.int64),
    )


def _ordered(paths: Paths, measured: Measured, mean: F64) -> Measured:
    """Return the measurements in the order in which they were made, as far as the clocks are known."""
    cs, fix = OWN * (paths.last.shape[1] - 1), measured.sensor == FIX
    latency = mean[cs:].reshape(-1, CLAIMED)[:, LATENCY]
    order = np.argsort(paths.label, kind="stable")
    place = np.minimum(np.searchsorted(paths.label[order], measured.target), len(order) - 1)
    clock = mean[:cs].reshape(-1, OWN)[np.maximum(measured.sensor, 0), CLOCK]
    made = measured.time - np.round(np.where(fix, latency[order[place]], clock) * 1e9).astype(np.int64)
    rows = np.argsort(made, kind="stable")
    return Measured._make(column[rows] for column in measured)


def _rounds(paths: Paths, measured: Measured) -> list[tuple[I64, I64]]:
    """Return rows and slots of each round."""
    known = np.flatnonzero(np.isin(measured.target, paths.label[paths.label != NOBODY]))
    order = np.argsort(paths.label, kind="stable")
    slot = order[np.searchsorted(paths.label[order], measured.target[known])]
    turn = np.zeros(len(known), np.int64)
    by = np.argsort(slot, kind="stable")
    starts = np.flatnonzero(np.diff(slot[by], prepend=-1))
    turn[by] = np.arange(len(by)) - np.repeat(starts, np.diff(np.append(starts, len(by))))
    return [(known[turn == k], slot[turn == k]) for k in range(int(turn.max(initial=-1)) + 1)]


def _begin(paths: Paths, some: Measured, slot: I64, world: World) -> I64:
    """Begin the paths that have none yet, where a measurement says where it is; return which can go on."""
    fix, new = some.sensor == FIX, paths.time[slot] == 0
    full = (np.einsum("kii->ki", some.covariance) < BLIND).all(1)
    whole = fix | (full & ~paths.claimed[slot] & world.trusted[some.sensor])
    step = (_when(paths, some, slot, world.middle) - paths.time[slot]) * 1e-9
    at = np.flatnonzero(new & whole)
    if len(at):
        cs, sensor = OWN * len(world.position), np.maximum(some.sensor[at], 0)
        bias = world.middle[:cs].reshape(-1, OWN)[sensor]
        place = np.where(
            fix[at, None], some.z[at], placed(some.z[at], world.position[sensor], world.rotation[sensor], bias)
        )
        into = slot[at]
        own = world.middle[cs:].reshape(-1, CLAIMED)[into, :3]
        paths.mean[into, :3], paths.mean[into, 3:] = place - fix[at, None] * own, 0.0
        turn = east_north_up(*geodetic(place)[:2])
        paths.covariance[into] = 0.0
        paths.covariance[into, :3, :3] = np.eye(3) * FIRST
        speeds = np.diag([SPEED**2, SPEED**2, CLIMB**2])
        paths.covariance[into, 3:, 3:] = turn.swapaxes(1, 2) @ speeds @ turn
        paths.slope[into], paths.time[into], paths.last[into], paths.misses[into] = 0.0, some.time[at], 0, 0
        paths.frame[into] = np.where(fix[at], cs + LATENCY, OWN * sensor + CLOCK)
    return np.flatnonzero((new & whole) | (~new & (step > BACK)))


def _when(paths: Paths, some: Measured, slot: I64, mean: F64) -> I64:
    """Return (k,) ns: when the frames of the paths would have stamped what was measured then."""
    cs, frame = OWN * (paths.last.shape[1] - 1), paths.frame[slot]
    clock = np.where(some.sensor == FIX, cs + LATENCY + CLAIMED * slot, OWN * some.sensor + CLOCK)
    late = mean[clock] - mean[np.where(frame < cs, frame, frame + CLAIMED * slot)]
    return np.asarray(some.time - np.round(late * 1e9).astype(np.int64))


def _innovations(paths: Paths, some: Measured, slot: I64, world: World, settings: BiasSettings) -> Round:
    """Bring the paths to their measurements' times, and return how far these are off."""
    cs, k, fix, frame = OWN * len(world.position), len(slot), some.sensor == FIX, paths.frame[slot]
    radar, every = np.flatnonzero(~fix), world.middle
    when = _when(paths, some, slot, every)
    dt = np.asarray((when - paths.time[slot]) * 1e-9, float)
    mean, covariance = _predicted(paths, slot, dt, settings)
    paths.mean[slot], paths.covariance[slot], paths.time[slot] = mean, covariance, when
    paths.slope[slot, :3] += dt[:, None, None] * paths.slope[slot, 3:]
    sensor = some.sensor[radar]
    one = plots(mean[radar], world.position[sensor], world.rotation[sensor], every[:cs].reshape(-1, OWN)[sensor])
    other = fixes(mean[fix], every[cs:].reshape(-1, CLAIMED)[slot[fix]])
    z, H, by_time, near = np.zeros((k, 3)), np.zeros((k, 3, 6)), np.zeros((k, 3)), np.zeros(k, bool)
    for part, rows in ((one, radar), (other, np.flatnonzero(fix))):
        z[rows], H[rows, :, :3], by_time[rows], near[rows] = part.z, part.by_place, part.by_time, part.near
    A, columns = np.zeros((k, 3, cs + CLAIMED)), OWN * sensor[:, None] + np.arange(OWN)
    A[radar[:, None, None], np.arange(3)[:, None], columns[:, None]] = one.by_bias
    A[fix, :, cs:] = other.by_bias
    A[np.arange(k), :, frame] += by_time
    A += H @ paths.slope[slot]
    y = some.z - z
    y[radar, 1:] = (y[radar, 1:] + np.pi) % (2.0 * np.pi) - np.pi
    blind = np.einsum("kii->ki", some.covariance) >= BLIND
    y[blind], A[blind], H[blind], by_time[blind] = 0.0, 0.0, 0.0, 0.0
    jitter = by_time * some.time_sigma[:, None]
    S = H @ covariance @ H.swapaxes(1, 2) + some.covariance + jitter[:, :, None] * jitter[:, None]
    return Round(slot, some.sensor, when, y, H, A, S, near)


def _predicted(paths: Paths, slot: I64, dt: F64, settings: BiasSettings) -> tuple[F64, F64]:
    """Return states (k, 6) and covariances (k, 6, 6) of paths dt (k,) s later; faster ones turn with more force."""
    speed2 = (paths.mean[slot, 3:] ** 2).sum(1) / FAST**2
    turns = np.where(paths.claimed[slot], settings.claimed_noise_m2_s3, settings.level_noise_m2_s3)
    noise = turns * np.clip(speed2, *CALMEST)
    return predict_all(paths.mean[slot], paths.covariance[slot], dt, noise, settings.vertical_noise_m2_s3)


def _doubt(found: Round, world: World, cs: int) -> F64:
    """Return (k,) chi-square of the innovations, what is not known of the biases beforehand counted in."""
    slots = found.A.shape[2] - cs
    shared, own = found.A[:, :, :cs], found.A[:, :, cs:]
    at = cs + slots * found.slot[:, None] + np.arange(slots)
    P, away = world.belief.covariance, world.middle - world.belief.mean
    cross = shared @ P[:cs][:, at].swapaxes(0, 1) @ own.swapaxes(1, 2)
    S = found.S + shared @ P[:cs, :cs] @ shared.swapaxes(1, 2) + cross + cross.swapaxes(1, 2)
    S += own @ P[at[:, :, None], at[:, None, :]] @ own.swapaxes(1, 2)
    y = found.y + shared @ away[:cs] + np.einsum("kij,kj->ki", own, away[at])
    return np.asarray(np.einsum("ki,ki->k", y, np.linalg.solve(S, y[:, :, None])[:, :, 0]))


def _take(paths: Paths, sums: Sums, found: Round, world: World) -> None:
    """Correct paths by the measurements that fit, and add what they say to the sums; the others to the strange ones."""
    cs = len(sums.both)
    chi2, trusted = _doubt(found, world, cs), world.trusted[found.sensor]
    fits = (chi2 < GATE) & ~found.near
    strange = np.flatnonzero(~fits & ~found.near)
    _strange(sums, found, strange)
    np.add.at(sums.used, found.sensor[fits], 1)
    against = strange[trusted[strange]]
    paths.misses[found.slot[against]] += 1
    paths.votes[found.slot[against], found.sensor[against]] -= 1
    at = np.flatnonzero(fits & trusted)
    paths.votes[found.slot[at], found.sensor[at]] += 1
    slot, weight = found.slot[at], np.sqrt(TAIL / np.maximum(chi2[at], TAIL))
    S, y, A, H = found.S[at] / weight[:, None, None], found.y[at], found.A[at], found.H[at]
    P = paths.covariance[slot]
    HP = H @ P
    K = np.linalg.solve(S, HP).swapaxes(1, 2)
    paths.mean[slot] += np.einsum("kij,kj->ki", K, y)
    after = P - K @ HP
    paths.covariance[slot] = 0.5 * (after + after.swapaxes(1, 2))
    paths.slope[slot] -= K @ A
    paths.misses[slot], paths.last[slot, found.sensor[at]] = 0, found.when[at]
    root = np.linalg.cholesky(S)
    white = np.linalg.solve(root, np.concatenate([A, y[:, :, None]], 2))
    shared, own, y = white[:, :, :cs], white[:, :, cs:-1], white[:, :, -1]
    flat = shared.reshape(-1, cs)
    sums.both[:] += flat.T @ flat
    sums.score[:] += flat.T @ y.ravel()
    sums.cross[slot] += shared.swapaxes(1, 2) @ own
    sums.own[slot] += own.swapaxes(1, 2) @ own
    sums.scores[slot] += np.einsum("kij,ki->kj", own, y)


def _strange(sums: Sums, found: Round, rows: I64) -> None:
    """Add what does not fit to the strange sums of its sensors."""
    np.add.at(sums.refused, found.sensor[rows], 1)
    rows = rows[found.sensor[rows] != FIX]
    sensor = found.sensor[rows]
    columns = OWN * sensor[:, None] + np.arange(OWN)
    A = found.A[rows[:, None, None], np.arange(3)[:, None], columns[:, None]]
    B, y = np.linalg.solve(found.S[rows], A), found.y[rows]
    np.add.at(sums.strange, sensor, A.swapaxes(1, 2) @ B)
    np.add.at(sums.strangely, sensor, np.einsum("kij,ki->kj", B, y))
    np.add.at(sums.off, sensor, np.einsum("ki,ki->k", y, np.linalg.solve(found.S[rows], y[:, :, None])[:, :, 0]))
    for one, when in zip(sensor.tolist(), found.when[rows].tolist(), strict=True):
        sums.since[one] = min(sums.since[one] or when, when)
