"""Rows of evidence: what each source has said of each track, added up as long as the track lives.

A look is worth less the sooner it follows on the last one of the same source, which errs the same way again: after
dt seconds (1 - rho^dt) / (1 + rho^dt) of a first one, the share that is new of a first-order Markov error sampled so
often. So ten reports of one microphone within ten seconds are worth 2.6 of one. rho: correlation a second, by family.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.model.assessment import CLASSES, Family
from skywarden.model.place import F64, I64

K = len(CLASSES) - 1  # classes that something can speak for; the last one is unknown
ROOTS = 4  # sources of a family that a track has rows for; all later ones share one
MANY = -1  # source of that row
FADES_S = 30.0  # s; how it flew before is forgotten: a row of motion is a mean, not a sum
RHO: Mapping[Family, float] = {
    Family.RADAR: 0.9,
    Family.ACOUSTIC: 0.7,
    Family.CAMERA: 0.8,
    Family.RADIO: 0.9,
    Family.PEOPLE: 0.95,
    Family.MOTION: 0.0,
    Family.OTHER: 0.9,
    Family.CLAIM: 0.9,
}
ECHO_RHO = 0.1  # of a radar's echoes: they fluctuate from turn to turn
ROW = np.dtype(
    [
        ("id", "u8"),  # hash of the next six: whose row it is on which track
        ("key", "i8"),  # public number of the track; before it has one, minus its label
        ("source", "i8"),
        ("node", "i8"),
        ("family", "i2"),
        ("anybody", "?"),  # whoever sends it need not be in the configuration
        ("calm", "?"),  # then: it speaks against harm
        ("spare", "V4"),
        ("looks", "i8"),
        ("first", "i8"),  # ns
        ("last", "i8"),  # ns
        ("nats", "f8", (K,)),
        ("harm", "f8"),  # of what anybody may say: sum of how much likelier harm was by it, nats, never less than 0
        ("echoes", "f8"),  # independent ones
        ("echo", "f8"),  # sum of their dB
    ]
)
Rows = NDArray[np.void]
SUMS = ("looks", "nats", "harm", "echoes", "echo")
NEVER = np.iinfo(np.int64).min
_RHO = np.array([RHO[family] for family in Family])
_MIX = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5], np.uint64)


class Looks(NamedTuple):
    """n statements of sources on tracks. key: as in ROW; nats: (n, K) of one look; echo: (n,) dB, NaN none.

    family, anybody, calm, source, node: (n,) as in ROW. time: (n,) ns. harm: (n,) nats, what of it anybody may say for
    harm.
    """

    key: I64
    source: I64
    node: I64
    family: I64
    anybody: NDArray[np.bool_]
    calm: NDArray[np.bool_]
    time: I64
    nats: F64
    echo: F64
    harm: F64


def viewed(rows: NDArray[np.void]) -> Rows:
    """Return stored rows as records. Raises ValueError for another version's."""
    if not len(rows):
        return np.zeros(0, ROW)
    if rows.dtype.itemsize != ROW.itemsize:
        raise ValueError(f"rows of evidence have {rows.dtype.itemsize} bytes, not {ROW.itemsize}")
    return np.ascontiguousarray(rows).view(ROW)


def stored(rows: Rows) -> NDArray[np.void]:
    """Return records as the picture keeps them, read-only."""
    plain = rows.view(f"V{ROW.itemsize}")
    plain.flags.writeable = False
    return plain


def renamed(rows: Rows, label: I64, number: I64) -> Rows:
    """Return the rows of the tracks that there are, by their numbers once they have one. label, number: (n,)."""
    if not len(rows) or not len(label):
        return rows[:0]
    key, which = _keys(rows)
    order = np.argsort(label)
    at = order[np.minimum(np.searchsorted(label, -key, sorter=order), len(label) - 1)]
    numbered = (label[at] == -key) & (number[at] > 0)
    if numbered.any():
        rows = rows.copy()
        rows["key"] = np.where(numbered, number[at], key)[which]
        rows = folded(named(rows))
        key, which = _keys(rows)
    there = np.isin(key, np.concatenate([number[number > 0], -label[number <= 0]]))
    return rows if there.all() else rows[there[which]]


def _keys(rows: Rows) -> tuple[I64, I64]:
    """Return the keys that there are, and (n,) which of them each row has."""
    new = np.diff(rows["key"], prepend=rows["key"][:1] - 1) != 0
    return rows["key"][new], np.cumsum(new) - 1


def added(rows: Rows, looks: Looks, now: int) -> Rows:
    """Return rows, sorted by track, with what was said by `now`, ns.

    A look before the last one of its source says nothing, and none is later than now.
    """
    if not len(looks.key):
        return rows
    new = np.zeros(len(looks.key), ROW)
    for name in ("key", "source", "node", "family", "anybody", "calm"):
        new[name] = getattr(looks, name)
    time = np.minimum(looks.time, now)
    new["first"] = new["last"] = time
    new["looks"], new["harm"] = 1, looks.harm
    new["nats"], new["echo"] = looks.nats, np.where(np.isnan(looks.echo), 0.0, looks.echo)
    new, rows = _admitted(named(new), rows)
    order = np.lexsort((time, new["id"]))
    new, echoed = new[order], ~np.isnan(looks.echo[order])
    old = _found(rows, new)
    since = _since(rows, new, old)
    worth = fresh(since, _RHO[new["family"]])
    rows = rows.copy()
    motion = np.flatnonzero(new["family"] == Family.MOTION)
    if len(motion):
        worth[motion] = -np.expm1(-np.maximum(since[motion], 0.0) / FADES_S)
        again = motion[old[motion] >= 0]
        rows["nats"][old[again]] *= 1.0 - worth[again, None]
    new["nats"] *= worth[:, None]
    new["harm"] *= worth
    new["echoes"] = np.where(echoed, fresh(since, np.full(len(new), ECHO_RHO)), 0.0)
    new["echo"] *= new["echoes"]
    start = np.flatnonzero(np.concatenate(([True], new["id"][1:] != new["id"][:-1])))
    return _put(rows, _summed(new, start), old[start])


def _put(rows: Rows, new: Rows, old: I64) -> Rows:
    """Return rows with new ones, no two of one source on one track. old: the row of each that there is, -1 none."""
    mine, at = new[old >= 0], old[old >= 0]
    for name in SUMS:
        rows[name][at] += mine[name]
    rows["first"][at] = np.minimum(rows["first"][at], mine["first"])
    rows["last"][at] = np.maximum(rows["last"][at], mine["last"])
    if len(at) == len(new):
        return rows
    rows = np.concatenate([rows, new[old < 0]])
    return rows[np.lexsort((rows["id"], rows["key"]))]


def fresh(since: F64, rho: F64) -> F64:
    """Return (n,) what looks are worth, 0 to 1. since: (n,) s after the last one of the same source, inf: the first."""
    share = rho ** np.maximum(since, 0.0)
    return np.asarray((1.0 - share) / (1.0 + share))


def folded(rows: Rows) -> Rows:
    """Return rows sorted by track, those of one source on one track put together."""
    rows = rows[np.lexsort((rows["id"], rows["key"]))]
    start = np.flatnonzero(np.concatenate(([True], rows["id"][1:] != rows["id"][:-1])))
    return rows if len(start) == len(rows) else _summed(rows, start)


def _summed(rows: Rows, start: I64) -> Rows:
    """Return the sums of rows from each start to the next."""
    after = rows[start].copy()
    for name in SUMS:
        after[name] = np.add.reduceat(rows[name], start)
    after["first"] = np.minimum.reduceat(rows["first"], start)
    after["last"] = np.maximum.reduceat(rows["last"], start)
    return after


def _admitted(new: Rows, rows: Rows) -> tuple[Rows, Rows]:
    """Return new rows and rows; sources for which a track has no row of its own are of the many.

    Those that were there first have one. Of what anybody may say for harm those that say most have: who sends much that
    says little must not crowd out who says something.
    """
    strange = np.flatnonzero(_found(rows, new) < 0)
    if not len(strange):
        return new, rows
    late = new[strange]
    late["source"], late["node"] = MANY, MANY
    full = _found(rows, named(late)) >= 0
    full[full] = ~_louder(new[strange[full]], rows)
    new[strange[full]] = late[full]
    strange = strange[~full]
    if not len(strange):
        return new, rows
    some = np.concatenate([rows[np.isin(rows["key"], new["key"][strange]) & (rows["source"] != MANY)], new[strange]])
    _, first = np.unique(some["id"], return_index=True)
    known = first < len(some) - len(strange)
    some = some[first]
    group = _hashed(some["key"], _sort(some))
    loud = np.where(some["anybody"], -some["harm"], np.where(known, -1.0, 0.0))
    order = np.lexsort((some["node"], some["source"], ~known, loud, group))
    rank = np.arange(len(order)) - np.searchsorted(group[order], group[order])
    many = some["id"][order[rank >= ROOTS]]
    return _joined(new, many), folded(_joined(rows, many)) if len(rows) else rows


def _louder(new: Rows, rows: Rows) -> NDArray[np.bool_]:
    """Return (n,) which new rows of what anybody may say, say more for harm than one that has a row of its own."""
    found = np.asarray(new["anybody"] & ~new["calm"], bool)
    if not found.any():
        return found
    own = rows[np.isin(rows["key"], new["key"][found])]
    own = own[own["anybody"] & ~own["calm"] & (own["source"] != MANY)]
    if not len(own):
        return np.zeros(len(new), bool)
    group, mine = _hashed(own["key"], _sort(own)), _hashed(new["key"], _sort(new))
    order = np.lexsort((own["harm"], group))
    at = order[np.minimum(np.searchsorted(group[order], mine), len(order) - 1)]
    return np.asarray(found & (group[at] == mine) & (new["harm"] > own["harm"][at]), bool)


def _joined(rows: Rows, identity: NDArray[np.uint64]) -> Rows:
    """Return rows, those of some identities put among the many."""
    late = np.isin(rows["id"], identity)
    if late.any():
        rows = rows.copy()
        rows["source"][late], rows["node"][late] = MANY, MANY
        rows = named(rows)
    return rows


def _found(rows: Rows, new: Rows) -> I64:
    """Return (n,) which of the rows, sorted by track, has the identity of each new one, -1 none."""
    if not len(rows) or not len(new):
        return np.full(len(new), -1)
    key = rows["key"].copy()
    start, end = np.searchsorted(key, new["key"]), np.searchsorted(key, new["key"], "right")
    at = np.minimum(start[:, None] + np.arange(max(1, (end - start).max())), len(rows) - 1)  # a track has few rows
    same = rows["id"][at] == new["id"][:, None]
    return np.where(same.any(1), start + same.argmax(1), -1)


def _since(rows: Rows, new: Rows, old: I64) -> F64:
    """Return (n,) s since the look before of the same source on the same track, inf none."""
    before = np.full(len(new), NEVER)
    before[old >= 0] = rows["last"][old[old >= 0]]
    again = np.flatnonzero(new["id"][1:] == new["id"][:-1]) + 1
    before[again] = np.maximum(before[again], new["last"][again - 1])
    first = before == NEVER
    return np.where(first, np.inf, (new["last"] - np.where(first, 0, before)) * 1e-9)


def named(rows: Rows) -> Rows:
    """Fill in whose rows they are; equal by chance once in 10^19 pairs."""
    rows["id"] = _hashed(rows["key"], _sort(rows), rows["source"], rows["node"])
    return rows


def _sort(rows: Rows) -> I64:
    """Return (n,) one number for family, anybody and calm."""
    return np.asarray(rows["family"] * np.int64(4) + rows["anybody"] * np.int64(2) + rows["calm"])


def _hashed(*columns: NDArray[np.generic]) -> NDArray[np.uint64]:
    found = np.zeros(len(columns[0]), np.uint64)
    with np.errstate(over="ignore"):
        for factor, column in zip(_MIX, columns, strict=False):
            found = (found ^ column.astype(np.int64).view(np.uint64)) * factor
            found ^= found >> np.uint64(29)
    return found
