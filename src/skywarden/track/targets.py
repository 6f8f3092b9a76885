"""Which target each measurement of a window is of: aircraft by address, the others by what the tracker calls them.

A label of the tracker is another name, an alias, of a target once it has been joined to it: by the tracker, that gives
one track plots and fixes, by the radar's own addresses, or by `match`.
"""

from typing import NamedTuple

import numpy as np

from skywarden.model.detection import NO_ADDRESS, Kind
from skywarden.model.place import F64, I64
from skywarden.track.pool import Rows
from skywarden.track.register import Register

ADDRESSED = 1 << 53  # targets with an address are called so much more than that; labels are less
LABEL, TARGET, LAST, APART = range(4)  # columns of aliases
REMEMBERED = 120_000_000_000  # ns; an alias that is not seen for so long is none any more
PACE = 1_000_000_000  # ns; of one target by one sensor no more than one in that time
AROUND = 300e3  # m; aircraft farther from a group's first sensor are not used


def aliased(aliases: I64, heard: Rows, until: int) -> I64:
    """Return the aliases after what was heard in a window that ends at `until`, ns: what the tracker joins is joined.

    What was told apart stays so. Sorted by label.
    """
    aliases = aliases[aliases[:, LAST] > until - REMEMBERED].copy()
    aliases[np.isin(aliases[:, LABEL], heard["label"]), LAST] = until
    fix = heard["kind"] == Kind.POSITION
    address = np.where(heard["label"] > 0, heard["address"], NO_ADDRESS)
    known = np.flatnonzero((address >= 0) & ~np.isin(heard["label"], aliases[:, LABEL]))
    known = known[np.lexsort((~fix[known], heard["label"][known]))]
    label, first = np.unique(heard["label"][known], return_index=True)
    new = np.zeros((len(label), 4), np.int64)
    new[:, LABEL], new[:, TARGET], new[:, LAST] = label, ADDRESSED + address[known[first]], until
    both = np.concatenate([aliases, new])
    return both[np.argsort(both[:, LABEL], kind="stable")]


def joined(aliases: I64, label: int, target: int, until: int, apart: bool = False) -> I64:
    """Return the aliases with one more, or another one of that label."""
    left = aliases[aliases[:, LABEL] != label]
    both = np.concatenate([left, [[label, target, until, int(apart)]]])
    return both[np.argsort(both[:, LABEL], kind="stable")]


def named(heard: Rows, aliases: I64) -> I64:
    """Return (n,) the target of each: aircraft by their addresses, else by the alias of the label, else the label."""
    target, address = heard["label"].copy(), heard["address"]
    if len(aliases):
        at = np.minimum(np.searchsorted(aliases[:, LABEL], target), len(aliases) - 1)
        target = np.where(aliases[at, LABEL] == target, aliases[at, TARGET], target)
    return np.where(address >= 0, ADDRESSED + address, target)


class Chosen(NamedTuple):
    """rows (m,): of a window, that are used; target (m,): whose they are."""

    rows: I64
    target: I64


def chosen(heard: Rows, target: I64, sensor: I64, register: Register) -> Chosen:
    """Choose what a step takes in: bounded, the targets that tell most. sensor (n,): row in the group, -1 a fix.

    At most one measurement a second of a target by a sensor. As many targets as there is room for: half of them
    aircraft with fixes, first those that a sensor of the group has measured, then the nearest; then those that are
    followed already, that several measure, and of each sensor in turn those that it saw first.
    """
    room, middle = len(register.paths.label), register.position[0]
    fixed = _fixed(heard, target, sensor, middle)[: room // 2]
    others = _others(target, sensor, register.paths.label, fixed)[: room - len(fixed)]
    use = np.isin(target, np.concatenate([fixed, others])) & ((sensor >= 0) | np.isin(target, fixed))
    rows = np.flatnonzero(use)
    key = np.stack([target[rows], sensor[rows], heard["time"][rows] // PACE], 1)
    _, first = np.unique(key, axis=0, return_index=True)
    rows = rows[np.sort(first)]
    return Chosen(rows, target[rows])


def _fixed(heard: Rows, target: I64, sensor: I64, middle: F64) -> I64:
    """Return aircraft with fixes, the best first."""
    fix = np.flatnonzero(sensor < 0)
    one, first = np.unique(target[fix], return_index=True)
    away = np.linalg.norm(heard["z"][fix[first]] - middle, axis=1)
    seen = np.isin(one, target[sensor >= 0])
    order = np.lexsort((one, away, ~seen))
    return np.asarray(one[order[away[order] < AROUND]], np.int64)


def _others(target: I64, sensor: I64, followed: I64, fixed: I64) -> I64:
    """Return targets without fixes that are used, the best first."""
    plots = np.flatnonzero((sensor >= 0) & ~np.isin(target, fixed))
    one, first, where = np.unique(target[plots], return_index=True, return_inverse=True)
    by = np.unique(np.stack([where.reshape(-1), sensor[plots]], 1), axis=0)
    several = np.bincount(by[:, 0], minlength=len(one)) > 1
    whose, turn = sensor[plots[first]], np.zeros(len(one), np.int64)
    for each in np.unique(whose).tolist():  # rows are in the order of their times
        mine = np.flatnonzero(whose == each)
        turn[mine[np.argsort(first[mine], kind="stable")]] = np.arange(len(mine))
    order = np.lexsort((one, turn, ~several, ~np.isin(one, followed)))
    return np.asarray(one[order], np.int64)
