"""Registration online: what each sensor adds to its measurements, from targets that it shares with others.

`begun`, then `step` for each some seconds of measurements that are joined to targets, in time order, as they were
before any correction. Of `corrections`, `changed` says what to subtract from now on and `known` how well all is
known; docs/registration.md shows them at work. Pure: time is an argument, and what is given is not changed.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.model.place import F64, I64, Place
from skywarden.track import jumps, strange
from skywarden.track.biases import (
    CLAIMED,
    CLOCK,
    EAST,
    OWN,
    Belief,
    BiasSettings,
    Told,
    learned,
    prior,
    renewed,
    target_columns,
    walked,
)
from skywarden.track.follow import Sums, World, assembled, followed
from skywarden.track.jumps import Candidates, Jump
from skywarden.track.measured import Measured, sane, within
from skywarden.track.paths import Opened, Paths, empty, ended, opened
from skywarden.track.strange import Strange

ROUNDS = 4  # through one step's measurements, at most
FAR = 4.0  # times what matters (`least_change`), from which a step is taken once more
TOGETHER = 30_000_000_000  # ns; two that measured one target within so long of each other are joined by it


class Register(NamedTuple):
    """All that is known. time: ns, up to when. position (S, 3), rotation (S, 3, 3): where sensors are enrolled.

    first (S, 6): what was believed of each before anything was measured.
    bond (S + 1, S + 1): ns when two sensors last were joined by a target, cooperative targets in the last row.
    ordinary (T,): whether a target's latency is only known to lie between 0 and the most. jumped: those of this step.
    """

    time: int
    position: F64
    rotation: F64
    first: F64
    belief: Belief
    paths: Paths
    candidates: Candidates
    strange: Strange
    bond: I64
    ordinary: NDArray[np.bool_]
    jumped: tuple[Jump, ...] = ()


def begun(places: Sequence[Place], settings: BiasSettings, time: int, biases: F64 | None = None) -> Register:
    """Return what is known at `time`, ns, of sensors at enrolled places: nothing was measured.

    biases: (S, 4) m, rad, rad, s, what is believed of them, e.g. configured. Raise ValueError for none, or no numbers.
    """
    count = len(places)
    position, rotation = np.array([p.position for p in places]), np.array([p.rotation for p in places])
    if not count or not (np.isfinite(position).all() and np.isfinite(rotation).all()):
        raise ValueError("registration needs the places of one sensor or more, in finite numbers")
    belief, targets = prior(count, settings), settings.targets
    first = np.zeros((count, OWN))
    if biases is not None:
        first[:, :EAST] = biases
    belief.mean[: OWN * count] = first.ravel()
    return Register(
        time,
        position,
        rotation,
        first,
        belief,
        empty(count, targets),
        jumps.none(len(belief.mean), count),
        strange.nothing_strange(count),
        np.zeros((count + 1, count + 1), np.int64),
        np.zeros(targets, bool),
    )


def step(register: Register, measured: Measured, time: int, settings: BiasSettings) -> Register:
    """Take in what was measured up to `time`, ns: some seconds, 10 at best. Return what is known then.

    Raise ValueError for a time before the last.
    """
    if time < register.time:
        raise ValueError("steps must come in time order; this one is older than the last")
    count = len(register.position)
    usable = sane(within(measured, register.time, time), count)
    paths, new = opened(ended(register.paths, time), usable)
    belief = walked(register.belief, (time - register.time) * 1e-9, count, settings)
    candidates = jumps.tried(register.candidates, register.time)
    belief, candidates = _claimed(belief, candidates, new, count)
    ordinary = register.ordinary.copy()
    ordinary[new.slot] = new.sigma >= 0.1 * settings.latency_most_s
    trusted = strange.trusted(register.strange)
    world = World(register.position, register.rotation, belief, belief.mean, trusted)
    paths, sums, told, after = _taken(paths, usable, world, settings)
    candidates = jumps.weighed(candidates, told, after)
    lately = _lately(register.strange, sums, (time - register.time) * 1e-9)
    moved = register._replace(time=time, belief=after, candidates=candidates, strange=lately, ordinary=ordinary)
    moved = _jumped(moved, trusted, settings)
    paths = _shifted(paths, after.mean, moved.belief.mean)
    return moved._replace(paths=paths, bond=_bonds(register.bond, paths, time))


def _taken(paths: Paths, usable: Measured, world: World, settings: BiasSettings) -> tuple[Paths, Sums, Told, Belief]:
    """Return the paths after measurements, what these say relative to the mean before, and what is believed then.

    Where biases turn out to be quite different from what was believed, once more from there, since nothing is linear
    over so much (Gauss-Newton).
    """
    before, start, sensors = world.belief, paths, len(world.position)
    for _ in range(ROUNDS):
        middle = world.middle
        paths, sums = followed(_shifted(start, before.mean, middle), usable, world, settings)
        told = assembled(sums)
        told = told._replace(score=told.score + told.information @ (middle - before.mean))
        after = learned(before, told)
        step = np.abs(after.mean - middle)[: OWN * sensors].reshape(sensors, OWN)[:, : len(settings.least_change)]
        if (step < FAR * np.array(settings.least_change)).all():
            break
        world = world._replace(middle=after.mean)
    return _shifted(paths, middle, after.mean), sums, told, after


def _claimed(belief: Belief, candidates: Candidates, new: Opened, count: int) -> tuple[Belief, Candidates]:
    """Give the targets whose first fix has come their columns: an error of fixes that stays, and a latency."""
    for slot, latency, sigma, offset in zip(new.slot.tolist(), *new[1:], strict=True):
        columns, variance = target_columns(count, slot), np.zeros((CLAIMED, CLAIMED))
        variance[:3, :3], variance[3, 3] = offset, max(sigma, 1e-4) ** 2
        belief = renewed(belief, columns, np.array([0.0, 0.0, 0.0, latency]), variance)
        candidates = jumps.forgotten(candidates, columns)
    return belief, candidates


def _shifted(paths: Paths, before: F64, after: F64) -> Paths:
    """Return the paths as they are if biases are what is believed now."""
    count = OWN * (paths.last.shape[1] - 1)
    step = after - before
    own = step[count:].reshape(-1, CLAIMED)
    mean = paths.mean + paths.slope[:, :, :count] @ step[:count]
    return paths._replace(mean=mean + np.einsum("tij,tj->ti", paths.slope[:, :, count:], own))


def _bonds(bond: I64, paths: Paths, time: int) -> I64:
    """Return when two were last joined, with those of now: both measured one target lately."""
    lately = (paths.last > time - TOGETHER) & (paths.label >= 0)[:, None]
    both = lately.T.astype(np.int64) @ lately.astype(np.int64) > 0
    return np.where(both, time, bond)


def _lately(old: Strange, sums: Sums, seconds: float) -> Strange:
    """Return what did not fit lately: what there was fades, what came is added."""
    fade, refused = np.exp(-seconds / strange.FADES), sums.refused[:-1]
    new = sums.strange, sums.strangely, sums.off, refused, sums.used[:-1], refused
    since = np.where((fade * old.refused >= 1.0) & (old.since > 0), old.since, sums.since)
    return Strange._make([*(fade * a + b for a, b in zip(old[:-1], new, strict=True)), since])


def _jumped(register: Register, before: NDArray[np.bool_], settings: BiasSettings) -> Register:
    """Return what is known after jumps: gross ones, and if there was none the likeliest by what all innovations say.

    before (S + 1,): who was trusted until now.
    """
    given, doubted = register, _doubted(register)
    register = register._replace(jumped=())
    for sensor in doubted:
        shift = strange.gross(register.strange, sensor)
        if shift is not None and abs(_clock(register, sensor, shift)) <= settings.farthest_clock_s:
            register = _shift(register, sensor, shift, settings)
        elif before[sensor]:
            register = _distrusted(register, sensor, settings)
        else:
            continue
        break  # the others may only not fit this one
    for sensor in range(len(register.position)):
        if abs(_clock(register, sensor, None)) > settings.farthest_clock_s:
            register = _distrusted(register, sensor, settings)
    if register.candidates is not given.candidates:
        return register
    likely = jumps.found(register.candidates, register.time, settings)
    if likely is None:
        return register
    belief = jumps.moved(register.belief, likely)
    return register._replace(belief=belief, jumped=likely.jumps, candidates=_anew(register))


def _doubted(register: Register) -> list[int]:
    """Return the sensors that most of what they measured does not fit lately, the worst first."""
    lately = register.strange
    share = lately.refused / np.maximum(lately.used + lately.refused, 1e-9)
    order = np.argsort(-share, kind="stable")
    doubted: list[int] = order[~strange.trusted(lately)[order]].tolist()
    return doubted


def _shift(register: Register, sensor: int, shift: tuple[tuple[int, ...], F64], settings: BiasSettings) -> Register:
    """Return what is known after a gross jump of a sensor: about where it is now, and nobody knows how exactly."""
    at = [OWN * sensor + column for column in shift[0]]
    since, off = int(register.strange.since[sensor]), float(register.strange.off[sensor])
    made = [Jump(c, since, size, 0.5 * off, True) for c, size in zip(at, shift[1].tolist(), strict=True)]
    if EAST in shift[0]:
        register = _astray(register, sensor, settings)
    belief = register.belief
    for column, size in zip(at, shift[1].tolist(), strict=True):
        mean, variance = belief.mean[column] + size, settings.jump[column % OWN] ** 2
        belief = renewed(belief, slice(column, column + 1), np.array([mean]), np.array([[variance]]))
    left = Strange._make(column.copy() for column in register.strange)
    for part in left:
        part[:] = 0  # of the others too: they may have not fitted this one
    candidates, jumped = _anew(register), (*register.jumped, *made)
    return register._replace(belief=belief, strange=left, candidates=candidates, jumped=jumped)


def _distrusted(register: Register, sensor: int, settings: BiasSettings) -> Register:
    """Return what is known if a sensor does not fit: nothing of it, since what did fit by chance is in its biases.

    It is only compared until most of what it measures fits again, or a shift is found that explains it.
    """
    columns = slice(OWN * sensor, OWN * sensor + OWN)
    belief = renewed(register.belief, columns, register.first[sensor], np.diag(np.square(settings.prior)))
    left = Strange._make(column.copy() for column in register.strange)
    for part in left[:4]:
        part[sensor] = 0.0
    left.refused[sensor] = max(left.refused[sensor], left.used[sensor] + strange.FEW)
    return register._replace(belief=belief, strange=left, candidates=_anew(register))


def _astray(register: Register, sensor: int, settings: BiasSettings) -> Register:
    """Return what is known if a sensor stands elsewhere: nothing of it, since what was seen of that went into all."""
    variance = np.square(settings.prior)
    variance[EAST:] = np.square(settings.jump[EAST:])
    columns = slice(OWN * sensor, OWN * sensor + OWN)
    return register._replace(belief=renewed(register.belief, columns, register.first[sensor], np.diag(variance)))


def _clock(register: Register, sensor: int, shift: tuple[tuple[int, ...], F64] | None) -> float:
    """Return by how much more than at first a sensor's clock is off, s, after a shift if there is one."""
    moved = dict(zip(shift[0], shift[1].tolist(), strict=True)) if shift else {}
    off = register.belief.mean[OWN * sensor + CLOCK] - register.first[sensor, CLOCK]
    return float(off + moved.get(CLOCK, 0.0))


def _anew(register: Register) -> Candidates:
    """Return no candidates: what was measured before a jump that is known says nothing of another."""
    return jumps.none(len(register.belief.mean), len(register.position))
