"""Sensors that are registered together: their register as columns, with more sensors, with fewer paths.

The time of a step grows with the square of sensors, so only those that may see the same targets go together.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from skywarden.model.place import F64, Place
from skywarden.model.registered import Columns, Group
from skywarden.track import jumps
from skywarden.track.biases import CLAIMED, EAST, LATENCY, OWN, Belief, BiasSettings, prior
from skywarden.track.jumps import Candidates
from skywarden.track.paths import NOBODY, Paths
from skywarden.track.register import Register
from skywarden.track.strange import Strange

MOST = 12  # sensors of a group
MOST_GROUPS = 24  # 288 sensors; one of them makes a step a tick, so all are through in a window of 10 s
NEAR = 100e3  # m; from the first of a group


def packed(register: Register) -> Columns:
    """Return what a register knows as columns, read-only; its time is not in them."""
    one = register
    first = one.position, one.rotation, one.first
    columns: Columns = (*first, *one.belief, *one.paths, *one.candidates, *one.strange, one.bond, one.ordinary)
    for column in columns:
        column.flags.writeable = False
    return columns


def unpacked(group: Group) -> Register:
    """Return the register of a group."""
    left = iter(group.columns)

    def some(count: int) -> list[NDArray[np.generic]]:
        return [next(left) for _ in range(count)]

    position, rotation, first = some(3)
    belief, paths = Belief._make(some(len(Belief._fields))), Paths._make(some(len(Paths._fields)))
    candidates = Candidates._make(some(len(Candidates._fields)))
    strange = Strange._make(some(len(Strange._fields)))
    bond, ordinary = some(2)
    return Register(group.time, position, rotation, first, belief, paths, candidates, strange, bond, ordinary)  # type: ignore[arg-type]


def joining(place: F64, groups: Sequence[Group]) -> int | None:
    """Return the group that a sensor at `place`, (3,) ECEF m, joins; as many as there are: a new one. None: no room."""
    away = [float(np.linalg.norm(np.asarray(one.columns[0])[0] - place)) for one in groups]
    room = [k for k, one in enumerate(groups) if len(one.names) < MOST and away[k] <= NEAR]
    if room:
        return min(room, key=lambda k: away[k])
    return len(groups) if len(groups) < MOST_GROUPS else None


def grown(register: Register, place: Place, bias: F64, settings: BiasSettings) -> Register:
    """Return the register with one sensor more, at the end. bias (4,): m, rad, rad, s, what is believed of it.

    All that is known of the others stays, but for what speaks for a jump: that is looked for anew.
    """
    count = len(register.position)
    cs = OWN * count
    own = np.concatenate([bias, np.zeros(OWN - EAST)])
    before, new = register.belief, prior(1, settings).covariance[:OWN, :OWN]
    size = len(before.mean) + OWN
    old = np.delete(np.arange(size), np.arange(cs, cs + OWN))
    mean, covariance = np.insert(before.mean, cs, own), np.zeros((size, size))
    covariance[np.ix_(old, old)], covariance[cs : cs + OWN, cs : cs + OWN] = before.covariance, new
    bond = np.insert(np.insert(register.bond, count, 0, axis=0), count, 0, axis=1)
    return register._replace(
        position=np.vstack([register.position, place.position]),
        rotation=np.concatenate([register.rotation, place.rotation[None]]),
        first=np.vstack([register.first, own]),
        belief=Belief(mean, covariance),
        paths=_wider(register.paths, count),
        candidates=jumps.none(size, count + 1),
        strange=Strange._make(np.concatenate([c, np.zeros((1, *c.shape[1:]), c.dtype)]) for c in register.strange),
        bond=bond,
    )


def _wider(paths: Paths, count: int) -> Paths:
    """Return the paths with columns for one sensor more than `count`; fixes stay at the end."""
    slots, cs = len(paths.label), OWN * count
    return paths._replace(
        slope=np.concatenate([paths.slope[:, :, :cs], np.zeros((slots, 6, OWN)), paths.slope[:, :, cs:]], axis=2),
        last=np.insert(paths.last, count, 0, axis=1),
        frame=np.where(paths.frame == cs + LATENCY, cs + OWN + LATENCY, paths.frame),
        votes=np.insert(paths.votes, count, 0, axis=1),
    )


def forgotten(register: Register, slots: Sequence[int]) -> Register:
    """Return the register without some paths: they have turned out to be those of others."""
    paths = Paths._make(column.copy() for column in register.paths)
    for column, nothing in ((paths.label, NOBODY), (paths.time, 0), (paths.last, 0), (paths.misses, 0)):
        column[list(slots)] = nothing
    paths.claimed[list(slots)] = False
    return register._replace(paths=paths)


def finite(register: Register) -> bool:
    """Return whether all that is believed, and all paths, are numbers, and no variance is negative."""
    belief, paths = register.belief, register.paths
    numbers = all(np.isfinite(column).all() for column in (*belief, paths.mean, paths.covariance, paths.slope))
    return numbers and bool((np.diag(belief.covariance) > 0.0).all())


def own_columns(register: Register, slot: int) -> slice:
    """Return the columns of a target in the belief."""
    first = OWN * len(register.position) + CLAIMED * slot
    return slice(first, first + CLAIMED)
