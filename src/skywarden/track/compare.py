"""Sensors against each other: whether each has common targets where the others have them, by settled plots.

In each window of five seconds one plot of each sensor and target is compared with one of another sensor, brought to its
time by the target's velocity: chi-square of their difference against the errors that both claim. A sensor that is off
by more than the tracker's gates makes tracks of its own; these are compared with the nearest track of others if that
pair is alone, flies alike, shares no sensor, and at least three such pairs of two sensors differ by one shift.

Who is off is decided by many: two others at least that agree with each other, and more than it and those that agree
with it; only sensors of the configuration are asked. A sensor that sees alone has nothing that is compared, so it can
never be put in quarantine by this.
"""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.model.detection import Kind
from skywarden.model.place import F64, I64
from skywarden.model.trust import Compared
from skywarden.track.beliefs import records
from skywarden.track.biases import OWN
from skywarden.track.overheard import HEARD
from skywarden.track.pool import Rows
from skywarden.track.residuals import placed, plots

WINDOW = 5_000_000_000  # ns, of the settled chain's time
FADE = 0.5 ** (5 / 60)  # a window: half of what is remembered is of the last minute
MORE = 4  # windows that a tick takes in at most
ITEMS = 2048  # plots of a window that are compared; more tell little more
GATE = np.array([0.0, 10.83, 13.82, 16.27])  # chi-square of 1 to 3 components that one of a thousand exceeds
MOST = 25.0  # of chi-square over components, as it is summed: one wild plot says no more
ACCELERATION, UNSURE = 5.0, 15.0  # m/s^2, m/s; by which a target flies otherwise than straight on between two plots
MISSING = 1e12  # variance of a component that was not measured
APART = 5_000.0  # m; so far two tracks of one target may lie apart: 2 deg at 140 km
LONELY = 2.5  # times as far the next nearest must be
ALIKE = 40.0  # m/s
SHIFTED, AGREE = 3, 2 / 3  # pairs that differ by one shift, at least, and the share of them that must
ENOUGH, HALF = 50.0, 0.5  # plots, and the share outside of the gate, from which one sensor speaks against another
SOME, FEW = 20.0, 0.2  # plots, and the share up to which one speaks for another
PATIENCE = 60_000_000_000  # ns, for which most must speak against a sensor before it is in quarantine
RELEASE = 300_000_000_000  # ns, for which nobody must, and somebody for it, before it is out
SENSORS = 512  # that are compared; who comes later is not
LEAST = 0.1  # plots; pairs with fewer are forgotten
DIGITS = 16
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
Mask = NDArray[np.bool_]


def went_on(known: Compared, heard: Sequence[Rows], names: Sequence[str], until: int) -> Compared:
    """Take in what a chain has heard. names: of its sensors; until: ns, up to where it has settled."""
    parts = (*known.heard, *(rows for rows in heard if len(rows)))
    if not parts:
        return known
    if not known.until:
        first = min(int(records(rows, HEARD)["time"].min()) for rows in parts)
        known = replace(known, until=first // WINDOW * WINDOW)
    known = replace(known, heard=parts)
    for _ in range(MORE):
        if until < known.until + WINDOW:
            break
        known = _window(known, names, until)
    return known


def _window(known: Compared, names: Sequence[str], until: int) -> Compared:
    """Take in the next window in which something was heard; what was before it is in already."""
    every = [records(rows, HEARD) for rows in known.heard]
    first = min((int(rows["time"].min()) for rows in every), default=until)
    gone = max(0, min(first, until) - known.until) // WINDOW
    end = known.until + (gone + 1) * WINDOW
    if end > until:  # nothing was heard in any whole window
        after = replace(known, until=known.until + gone * WINDOW, sums=known.sums * FADE**gone)
        return replace(after, digest=_digest(after)) if gone else known
    rows = np.concatenate([np.zeros(0, HEARD), *(part[part["time"] < end] for part in every)])
    later = [part["time"] >= end for part in every]
    left = tuple(plain[keep] for plain, keep in zip(known.heard, later, strict=True) if keep.any())
    after = replace(known, heard=left, until=end, sums=known.sums * FADE ** (gone + 1))
    after = decided(_added(after, compared(rows, end), names), end)
    return replace(after, digest=_digest(after))


class Pairs(NamedTuple):
    """k plots compared. one, other (k,): numbers of sensors; outside (k,): whether far off; nis (k,): at most MOST."""

    one: I64
    other: I64
    outside: Mask
    nis: F64


def compared(rows: Rows, end: int) -> Pairs:
    """Compare the plots of a window, `HEARD`, that ends at `end`, ns."""
    items = chosen(rows, end)
    i, j = same(items)
    off = _difference(items, i, j)
    found = [_pairs(items, i, j, off)]
    i, j = split(items, end)
    if len(i):
        off = _difference(items, i, j)
        keep = _shifted(items, i, j, off)
        off = Difference(off.d[keep], off.S[keep], off.parts[keep])
        found.append(_pairs(items, i[keep], j[keep], off))
    return Pairs(*(np.concatenate(columns) for columns in zip(*found, strict=True)))


def chosen(rows: Rows, end: int) -> Rows:
    """Return the last plot of each sensor and target, of at most ITEMS; other targets in each window."""
    kind = (rows["kind"] == Kind.POLAR) | (rows["kind"] == Kind.DIRECTION)
    rows = rows[kind & np.isfinite(rows["state"]).all(1) & np.isfinite(rows["up"]) & np.isfinite(rows["z"][:, 1])]
    rows = rows[np.lexsort((rows["name"], rows["time"], rows["sensor"], rows["label"]))]
    follows = (rows["label"][1:] == rows["label"][:-1]) & (rows["sensor"][1:] == rows["sensor"][:-1])
    rows = rows[~np.append(follows, np.zeros(min(len(rows), 1), bool))]
    if len(rows) > ITEMS:
        label, which, count = np.unique(rows["label"], return_inverse=True, return_counts=True)
        turn = np.argsort((label.astype(np.uint64) ^ np.uint64(end)) * GOLDEN, kind="stable")
        within = np.zeros(len(label), bool)
        within[turn] = np.cumsum(count[turn]) <= ITEMS
        rows = rows[within[which.reshape(-1)]]
    return rows


def same(items: Rows) -> tuple[I64, I64]:
    """Return which plots are of one track and two sensors; the second has a range. items: by label and sensor."""
    found = [np.zeros((0, 2), np.int64)]
    for step in range(1, len(items)):
        at = np.flatnonzero(items["label"][step:] == items["label"][:-step])
        if not len(at):
            break
        found.append(np.stack([at, at + step], 1))
    return _ranged(items, np.concatenate(found))


def _ranged(items: Rows, pairs: I64) -> tuple[I64, I64]:
    ranged = np.isfinite(items["z"][:, 0])
    turned = np.where(ranged[pairs[:, 1:]], pairs, pairs[:, ::-1])
    keep = ranged[turned[:, 1]]
    return turned[keep, 0], turned[keep, 1]


def split(items: Rows, end: int) -> tuple[I64, I64]:
    """Return which plots may be of one target that has two tracks: alone, alike, and of different sensors.

    Each pair both ways round, as far as the second has a range: a shift of one sensor is the same in its own measures.
    """
    label, first = np.unique(items["label"], return_index=True)
    if len(label) < 2 * SHIFTED:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    state = items["state"][first]
    place = state[:, :3] + state[:, 3:] * ((end - items["time"][first]) * 1e-9)[:, None]
    from scipy.spatial import cKDTree  # `pipeline` has it already: no tick of a running system waits for this

    away, which = map(np.asarray, cKDTree(place).query(place, k=3))
    near = which[:, 1]
    apart: F64 = np.linalg.norm(state[:, 3:] - state[near, 3:], axis=1)
    mine = np.arange(len(label))
    good = (away[:, 1] < APART) & (away[:, 2] > LONELY * away[:, 1]) & (apart < ALIKE)
    good &= good[near] & (near[near] == mine) & (mine < near)
    begin, stop = first, np.append(first[1:], len(items))
    found = []
    for one in np.flatnonzero(good).tolist():
        a, b = (np.arange(begin[k], stop[k]) for k in (one, near[one]))
        if not np.isin(items["sensor"][a], items["sensor"][b]).any():
            pairs = np.stack(np.meshgrid(a, b), -1).reshape(-1, 2)
            found += [pairs, pairs[:, ::-1]]
    every = np.concatenate(found) if found else np.zeros((0, 2), np.int64)
    every = every[np.isfinite(items["z"][every[:, 1], 0])]
    return every[:, 0], every[:, 1]


class Difference(NamedTuple):
    """d (k, 3): range m, azimuth, elevation rad; S (k, 3, 3): its covariance; parts (k,): how many components count."""

    d: F64
    S: F64
    parts: I64

    def chi2(self, shift: F64 | float = 0.0) -> F64:
        d = self.d - shift
        return np.asarray((d * np.linalg.solve(self.S, d[..., None])[..., 0]).sum(1))


def _difference(items: Rows, i: I64, j: I64) -> Difference:
    """Return by what plots i differ from where plots j have the target, as the sensors of i measure it."""
    one, other, none = items[i], items[j], np.zeros((len(i), OWN))
    dt = (one["time"] - other["time"]) * 1e-9
    place, spread = _place(other)
    state = np.concatenate([place + other["state"][:, 3:] * dt[:, None], other["state"][:, 3:]], 1)
    astray = (UNSURE * dt) ** 2 + (0.5 * ACCELERATION * dt**2) ** 2
    stamps = one["time_sigma"] ** 2 + other["time_sigma"] ** 2
    v = other["state"][:, 3:]
    spread = spread + astray[:, None, None] * np.eye(3) + stamps[:, None, None] * v[:, :, None] * v[:, None]
    expected = plots(state, one["position"], one["rotation"], none)
    d = one["z"] - expected.z
    d[:, 1] = (d[:, 1] + np.pi) % (2.0 * np.pi) - np.pi
    missing = ~np.isfinite(d)
    d[missing] = 0.0
    S = expected.by_place @ spread @ expected.by_place.swapaxes(1, 2) + _claimed(one["covariance"], missing)
    return Difference(d, S, (~missing).sum(1))


def _place(rows: Rows) -> tuple[F64, F64]:
    """Return where plots with a range lie, (k, 3) ECEF m, and their covariance. Without an elevation: as the track."""
    seen = plots(rows["state"], rows["position"], rows["rotation"], np.zeros((len(rows), OWN)))
    z, flat = rows["z"].copy(), ~np.isfinite(rows["z"][:, 2])
    z[flat, 2] = seen.z[flat, 2]
    missing = np.zeros((len(rows), 3), bool)
    missing[:, 2] = flat
    covariance = _claimed(rows["covariance"], missing, (rows["up"] / np.maximum(z[:, 0], 1.0)) ** 2)
    back = np.linalg.inv(seen.by_place)
    spread = back @ covariance @ back.swapaxes(1, 2)
    return placed(z, rows["position"], rows["rotation"], np.zeros((len(rows), OWN))), spread


def _claimed(covariance: F64, missing: Mask, instead: F64 | float = MISSING) -> F64:
    """Return covariances (k, 3, 3); missing components alone, with other variances. instead: (k,) or one."""
    found = np.where(missing[:, :, None] | missing[:, None, :], 0.0, covariance)
    index = np.arange(3)
    found[:, index, index] += np.where(missing, np.reshape(instead, (-1, 1)), 0.0)
    return np.asarray(found)


def _shifted(items: Rows, i: I64, j: I64, off: Difference) -> Mask:
    """Return which differences are those of two sensors whose differences are mostly one shift, one way round."""
    both = np.stack([items["sensor"][i], items["sensor"][j]], 1)
    keep, done = np.zeros(len(i), bool), set[tuple[int, ...]]()
    for one, other in np.unique(both, axis=0).tolist():
        mine = np.flatnonzero((both == (one, other)).all(1))
        targets = len(np.unique(items["label"][i[mine]]))
        if targets < SHIFTED or (other, one) in done:
            continue
        part = Difference(off.d[mine], off.S[mine], off.parts[mine])
        agree = part.chi2(np.median(part.d, axis=0)) <= GATE[part.parts]
        if agree.sum() >= max(SHIFTED, AGREE * len(mine)):
            keep[mine] = True
            done.add((one, other))
    return keep


def _pairs(items: Rows, i: I64, j: I64, off: Difference) -> Pairs:
    chi2 = off.chi2()
    good = np.isfinite(chi2) & (off.parts > 0)
    parts = np.maximum(off.parts, 1)
    nis = np.minimum(np.where(good, chi2, 0.0) / parts, MOST)
    one, other = items["sensor"][i[good]], items["sensor"][j[good]]
    return Pairs(one, other, (chi2 > GATE[parts])[good], nis[good])


def _added(known: Compared, new: Pairs, names: Sequence[str]) -> Compared:
    """Return it with more pairs; sensors that nothing is known of any more are forgotten."""
    known = _kept(known)
    row = {name: k for k, name in enumerate(known.names)}
    for number in np.unique(np.concatenate([new.one, new.other])).tolist():
        if names[number] not in row and len(row) < SENSORS:
            row[names[number]] = len(row)
    more = len(row) - len(known.names)
    worse, well, out = (np.append(one, np.zeros(more, np.int64)) for one in (known.worse, known.well, known.out))
    known = replace(known, names=tuple(row), worse=worse, well=well, out=out)
    number = np.array([row.get(name, -1) for name in names], np.int64)
    both = np.sort(np.stack([number[new.one], number[new.other]], 1), axis=1).reshape(-1, 2)
    keep = both[:, 0] >= 0
    who = np.concatenate([known.who, both[keep]])
    plots = np.stack([np.ones(len(new.one)), new.outside, new.nis], 1)[keep]
    sums = np.concatenate([known.sums, plots])
    pairs, which = np.unique(who, axis=0, return_inverse=True)
    total = np.zeros((len(pairs), 3))
    np.add.at(total, which.reshape(-1), sums)
    return replace(known, who=pairs, sums=total)


def _kept(known: Compared) -> Compared:
    """Return it without pairs that have faded, and sensors that have none and are not in quarantine."""
    keep = known.sums[:, 0] > LEAST
    who, sums = known.who[keep], known.sums[keep]
    there = (known.out > 0) | np.isin(np.arange(len(known.names)), who)
    if there.all():
        return replace(known, who=who, sums=sums)
    row = np.cumsum(there) - 1
    names = tuple(name for name, stays in zip(known.names, there.tolist(), strict=True) if stays)
    worse, well, out = known.worse[there], known.well[there], known.out[there]
    return replace(known, names=names, who=row[who], sums=sums, worse=worse, well=well, out=out)


def decided(known: Compared, now: int) -> Compared:
    """Return it with who is off now, and who is in quarantine for it. now: ns, of the settled chain."""
    share = known.sums[:, 1] / np.maximum(known.sums[:, 0], 1e-9)
    against = (known.sums[:, 0] >= ENOUGH) & (share > HALF)
    agree = (known.sums[:, 0] >= SOME) & (share < FEW)
    n = len(known.names)
    votes = np.isin(known.names, known.enrolled) if known.enrolled else np.ones(n, bool)
    says_against, says_for = (_matrix(n, known.who[some]) & votes for some in (against, agree))
    worse, well, out = known.worse.copy(), known.well.copy(), known.out.copy()
    for k in range(n):
        foes = np.flatnonzero(says_against[k])
        united = bool(says_for[np.ix_(foes, foes)].any())
        bad = united and len(foes) > 1 + says_for[k].sum()
        good = not len(foes) and bool(says_for[k].any())
        worse[k] = (worse[k] or now) if bad else 0
        well[k] = (well[k] or now) if good else 0
        if bad and now - worse[k] >= PATIENCE:
            out[k] = out[k] or now
        if good and now - well[k] >= RELEASE:
            out[k] = 0
    return replace(known, worse=worse, well=well, out=out)


def _matrix(n: int, who: I64) -> Mask:
    """Return (n, n): column says something of row."""
    found = np.zeros((n, n), bool)
    found[who[:, 0], who[:, 1]] = found[who[:, 1], who[:, 0]] = True
    return found


def _digest(known: Compared) -> str:
    total = sha256(repr((known.names, known.until, known.enrolled)).encode())
    for column in (known.who, known.sums, known.worse, known.well, known.out):
        total.update(np.ascontiguousarray(column).view(np.uint8).data)
    return total.hexdigest()[:DIGITS]
