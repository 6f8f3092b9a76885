"""Registration online: what each sensor adds to its measurements, from targets that it shares with others.

`begun`, then `step` for each some seconds of measurements that are joined to targets, in time order, as they were
before any correction; `corrections` says what to subtract from now on, `known` how well all is known. docs/registration.md
shows it at work. Pure: time is an argument, and what is given is not changed.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.model.place import F64, I64, Place
from skywarden.track import jumps
from skywarden.track.biases import CLAIMED, OWN, Belief, BiasSettings, learned, prior, renewed, sensor_columns, walked
from skywarden.track.biases import target_columns as own_columns
from skywarden.track.follow import Sums, World, assembled, followed
from skywarden.track.jumps import Candidates, Jump, Strange
from skywarden.track.paths import Measured, Opened, Paths, empty, ended, opened, sane

TOGETHER = 30_000_000_000  # ns; two that measured one target within so long of each other are joined by it


class Register(NamedTuple):
    """All that is known. time: ns, up to when. position (S, 3), rotation (S, 3, 3): where sensors are enrolled.

    bond (S + 1, S + 1): ns when two sensors last were joined by a target, cooperative targets in the last row.
    ordinary (T,): whether a target's latency is only known to lie between 0 and the most. jumped: those of this step.
    """

    time: int
    position: F64
    rotation: F64
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
    if biases is not None:
        belief.mean[: OWN * count].reshape(count, OWN)[:, :4] = biases
    return Register(
        time,
        position,
        rotation,
        belief,
        empty(count, targets),
        jumps.none(len(belief.mean), count),
        jumps.nothing_strange(count),
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
    usable = sane(measured, count)
    paths, new = opened(ended(register.paths, time), usable)
    belief = walked(register.belief, (time - register.time) * 1e-9, count, settings)
    candidates = jumps.tried(register.candidates, register.time)
    belief, candidates = _claimed(belief, candidates, new, count)
    ordinary = register.ordinary & paths.claimed
    ordinary[new.slot] = new.sigma >= 0.1 * settings.latency_most_s
    paths, sums = followed(paths, usable, World(register.position, register.rotation, belief), settings)
    told = assembled(sums)
    after = learned(belief, told)
    candidates = jumps.weighed(candidates, told, after)
    strange = _strange(register.strange, sums, (time - register.time) * 1e-9)
    moved = register._replace(time=time, belief=after, candidates=candidates, strange=strange, ordinary=ordinary)
    moved = _jumped(moved._replace(jumped=()), settings)
    return moved._replace(paths=_shifted(paths, belief.mean, moved.belief.mean), bond=_bonds(register.bond, paths, time))


def joined(register: Register, since: int) -> tuple[I64, NDArray[np.bool_]]:
    """Return (S,) the group of each sensor, joined by targets since then, and whether it has cooperative targets.

    A group is named by the lowest row of a sensor in it.
    """
    reach = (register.bond > since) | np.eye(len(register.bond), dtype=bool)
    for _ in range(len(reach).bit_length()):
        reach = reach @ reach
    return np.argmax(reach[:-1], axis=1), reach[:-1, -1]


def _claimed(belief: Belief, candidates: Candidates, new: Opened, count: int) -> tuple[Belief, Candidates]:
    """Give the targets whose first fix has come their columns: an error of fixes that stays, and a latency."""
    for slot, latency, sigma, offset in zip(new.slot.tolist(), *new[1:], strict=True):
        columns, variance = own_columns(count, slot), np.zeros((CLAIMED, CLAIMED))
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


def _strange(strange: Strange, sums: Sums, seconds: float) -> Strange:
    """Return what did not fit lately: what there was fades, what came is added."""
    fade = np.exp(-seconds / jumps.FADES)
    old, new = strange[:-1], (sums.strange, sums.strangely, sums.off, sums.used[:-1], sums.refused[:-1])
    since = np.where((fade * strange.refused >= 1.0) & (strange.since > 0), strange.since, sums.since)
    return Strange(*(fade * a + b for a, b in zip(old, new, strict=True)), since)


def _jumped(register: Register, settings: BiasSettings) -> Register:
    """Return what is known after jumps that are likely enough were taken in: one by all innovations, then gross ones."""
    count = len(register.position)
    likely = jumps.found(register.candidates, settings)
    if likely is not None:
        jump, move, variance = likely
        belief = jumps.moved(register.belief, jump, move, variance)
        register = register._replace(belief=belief, jumped=(jump,), candidates=_anew(register))
    for sensor in range(count):
        shift = jumps.gross(register.strange, sensor)
        if shift is None:
            continue
        belief, strange = register.belief, register.strange
        width = np.square(settings.jump if shift[0][0] >= 4 else settings.prior)
        for column, size in zip(shift[0], shift[1].tolist(), strict=True):
            at = sensor_columns(sensor).start + column
            mean = np.array([belief.mean[at] + size])
            belief = renewed(belief, slice(at, at + 1), mean, width[column, None, None])
            jump = Jump(at, int(strange.since[sensor]), size, float(strange.off[sensor]), True)
            register = register._replace(jumped=(*register.jumped, jump))
        left = Strange(*(column.copy() for column in strange))
        for column in left:
            column[sensor] = 0
        register = register._replace(belief=belief, strange=left, candidates=_anew(register))
    return register


def _anew(register: Register) -> Candidates:
    """Return no candidates: what was measured before a jump that is known says nothing of another."""
    return jumps.none(len(register.belief.mean), len(register.position))
