"""Sensors that share no target with others though these see some near: whether all that they see is elsewhere.

`register` compares what sensors say of one target. Where GNSS is spoofed a sensor is kilometres or half a minute off,
so nothing of it is joined to anything. While there is such a sensor, what its group sees is put down, on the level, and
`displaced.shift` says by how much all of its plots are off, if most agree.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from skywarden.model.place import F64, I64
from skywarden.model.registered import Group, Seen, Stray
from skywarden.track.displaced import TARGETS, Shift, shift
from skywarden.track.measured import FIX, Measured
from skywarden.track.register import Register

TIME, SENSOR, TARGET = range(3)  # columns of `Seen.who`
ALONE, AMONG = 0.25, 0.5  # shares of a sensor's targets; who has fewer in common with others strays, until it has more
UNITED = 60_000_000_000  # ns; so long ago another has seen a target that is in common
STEADY = 180_000_000_000  # ns; for so long one with a fault has more in common again until it has none any more
PACE = 4_000_000_000  # ns; of a target by a sensor no more than one in that time is put down
SPAN = 180_000_000_000  # ns that are kept: the middle third is compared, with clocks of up to a minute off
ROOM = 8192  # rows that are kept
MIDDLE = 60_000_000_000  # ns
OFTEN = 30_000_000_000  # ns between comparisons
GAP = 20.0  # s; between two plots of one target that are farther apart nobody knows where it was
MOST = 96  # plots of a stray, and targets of others, that are compared
FAR, LATE = 1000.0, 5.0  # m, s; who is off by less has a bias, see `versions.FARTHEST`
CHANCE = 0.5  # of the plots that agree; if so many agree where they are, nothing is off
HALF, LEAST = 0.5, 0.25  # shares of the plots that must agree; fewer than half if quite other clocks have far fewer
APART = 1.6  # times as many as agree on another clock
PLACE, CLOCK = "place", "clock"  # faults


def watched(group: Group, told: Measured, register: Register) -> Group:
    """Return a group after a window of which `told` is what was measured: who strays from it, and what it saw.

    Those that stray are compared with those that do not, never with each other: of two nobody can say which is off.
    """
    now, found = register.time, _found(group, shared(told, register), register.time)
    if all(one.fault for one in found.values()):
        return replace(group, strays=tuple(found.values()), seen=Seen())
    seen = noted(group.seen, told, register)
    if now % OFTEN == 0:
        honest = np.array([FIX, *(k for k, name in enumerate(group.names) if name not in found)])
        for k, name in enumerate(group.names):
            if name in found and found[name].time == now and not found[name].fault:
                found[name] = found[name]._replace(fault=fault(seen, k, honest, now))
    return replace(group, strays=tuple(found.values()), seen=seen)


def _found(group: Group, shares: F64, now: int) -> dict[str, Stray]:
    """Return who strays now, by name. One with a fault keeps it while it sees nothing that could tell."""
    found = {one.sensor: one for one in group.strays if one.fault or one.time > now - UNITED}
    for name, share in zip(group.names, shares.tolist(), strict=True):
        what = found[name].fault if name in found else ""
        if share < ALONE or (what and not share > AMONG):
            found[name] = Stray(name, now, what)
        elif share > AMONG and (not what or found[name].time <= now - STEADY):
            found.pop(name, None)
    return found


def shared(told: Measured, register: Register) -> F64:
    """Return (S,) which share of a sensor's targets, in a window, others have seen too within UNITED.

    told: what was measured in it. NaN of who sees fewer than TARGETS, or while others do.
    """
    target, sensor = np.unique(np.stack([told.target, told.sensor], 1), axis=0).T
    slots = np.argsort(register.paths.label, kind="stable")
    label = register.paths.label[slots]
    at = slots[np.minimum(np.searchsorted(label, target), len(label) - 1)]
    lately = register.paths.last[at] > register.time - UNITED
    lately &= (register.paths.label[at] == target)[:, None]
    _, whose, times = np.unique(target, return_inverse=True, return_counts=True)
    several = times[whose.reshape(-1)] > 1
    found = np.full(len(register.position), np.nan)
    for k in range(len(found)):
        mine = sensor == k
        if mine.sum() >= TARGETS and (~mine).sum() >= TARGETS:
            others = np.delete(lately, k, axis=1).any(1) | several
            found[k] = others[mine].mean()
    return found


def noted(seen: Seen, told: Measured, register: Register) -> Seen:
    """Return what was seen with one window more, and without what is older than SPAN."""
    fix = told.sensor == FIX
    rows = np.flatnonzero(fix | np.isfinite(told.z[:, 0]))
    key = np.stack([told.target[rows], told.sensor[rows], told.time[rows] // PACE], 1)
    rows = rows[np.sort(np.unique(key, axis=0, return_index=True)[1])]
    who = np.stack([told.time[rows], told.sensor[rows], told.target[rows]], 1)
    old = seen.who[:, TIME] > register.time - SPAN
    both = Seen(np.concatenate([seen.who[old], who]), np.concatenate([seen.at[old], _level(told, rows, register)]))
    return Seen(both.who[-ROOM:], both.at[-ROOM:])


def _level(told: Measured, rows: I64, register: Register) -> F64:
    """Return (m, 2): m east and north of the group's first sensor, of plots and fixes. No elevation is none at all."""
    z, sensor = told.z[rows], told.sensor[rows]
    away, azimuth, elevation = z[:, 0], z[:, 1], np.nan_to_num(z[:, 2])
    flat = np.cos(elevation)
    local = np.stack([flat * np.sin(azimuth), flat * np.cos(azimuth), np.sin(elevation)], 1) * away[:, None]
    there = register.position[sensor] + np.einsum("mji,mj->mi", register.rotation[sensor], local)
    there = np.where((sensor == FIX)[:, None], z, there)
    return np.asarray(((there - register.position[0]) @ register.rotation[0].T)[:, :2])


def fault(seen: Seen, sensor: int, honest: I64, now: int) -> str:
    """Return what is wrong with a sensor: "place" or "clock", "" where nothing is known to be.

    honest: sensors, and FIX, whose targets are where they say. now: ns.
    """
    found = _off(seen, sensor, honest, now)
    if found is None:
        return ""
    if np.hypot(found.east, found.north) > FAR:
        return PLACE
    return CLOCK if abs(found.clock) > LATE else ""


def _off(seen: Seen, sensor: int, honest: I64, now: int) -> Shift | None:
    """Return by what all that a sensor saw is off, None where that is not known."""
    time, mine = seen.who[:, TIME], seen.who[:, SENSOR] == sensor
    middle = np.flatnonzero(mine & (time > now - 2 * MIDDLE) & (time <= now - MIDDLE))[-MOST:]
    paths = _paths(seen, np.isin(seen.who[:, SENSOR], honest))
    if not len(middle) or not paths:
        return None
    s = np.asarray((time - now) * 1e-9, np.float64)
    t, at = s[middle], seen.at[middle]
    known = [(s[rows], seen.at[rows]) for rows in paths]

    def where(clock: float) -> F64:
        return np.stack([_between(t - clock, when, places) for when, places in known], 1)

    found = shift(at, where, LEAST)
    if found is None or found.share < min(HALF, APART * found.rival):
        return None
    apart = np.nan_to_num(np.linalg.norm(at[:, None] - where(0.0), axis=2), nan=np.inf).min(1)
    return None if (apart < FAR).mean() > CHANCE * found.share else found


def _paths(seen: Seen, others: NDArray[np.bool_]) -> list[I64]:
    """Return rows of each target that others saw twice or more, by time, those seen most first."""
    rows = np.flatnonzero(others)
    rows = rows[np.lexsort((seen.who[rows, TIME], seen.who[rows, TARGET]))]
    ends = np.flatnonzero(np.diff(seen.who[rows, TARGET])) + 1
    each = [part for part in np.split(rows, ends) if len(part) > 1]
    return sorted(each, key=len, reverse=True)[:MOST]


def _between(t: F64, when: F64, places: F64) -> F64:
    """Return (m, 2) where a target was at times, s, between plots of it; NaN before, after and in gaps. when: rises."""
    k = np.clip(np.searchsorted(when, t), 1, len(when) - 1)
    gap = when[k] - when[k - 1]
    known = (t >= when[k - 1]) & (t <= when[k]) & (gap < GAP)
    part = np.where(known, (t - when[k - 1]) / np.maximum(gap, 1e-3), np.nan)
    return np.asarray(places[k - 1] + part[:, None] * (places[k] - places[k - 1]))
