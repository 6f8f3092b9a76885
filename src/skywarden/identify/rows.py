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
        ("echoes", "f8"),  # independent ones
        ("echo", "f8"),  # sum of their dB
    ]
)
Rows = NDArray[np.void]
SUMS = ("looks", "nats", "echoes", "echo")
_MIX = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5], np.uint64)


class Looks(NamedTuple):
    """n statements of sources on tracks. key: as in ROW; nats: (n, K) of one look; echo: (n,) dB, NaN none.

    family, anybody, calm, source, node: (n,) as in ROW. time: (n,) ns.
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
    if not len(rows):
        return rows
    if not len(label):
        return rows[:0]
    order = np.argsort(label)
    at = order[np.minimum(np.searchsorted(label, -rows["key"], sorter=order), len(label) - 1)]
    numbered = (label[at] == -rows["key"]) & (number[at] > 0)
    if numbered.any():
        rows = rows.copy()
        rows["key"][numbered] = number[at[numbered]]
        rows = folded(rows)
    there = np.isin(rows["key"], np.concatenate([number[number > 0], -label[number <= 0]]))
    return rows if there.all() else rows[there]


def added(rows: Rows, looks: Looks) -> Rows:
    """Return rows, sorted by track, with what was said now. A look before the last one of its source says nothing."""
    if not len(looks.key):
        return rows
    new = np.zeros(len(looks.key), ROW)
    for name in ("key", "source", "node", "family", "anybody", "calm"):
        new[name] = getattr(looks, name)
    new["first"] = new["last"] = looks.time
    new["looks"] = 1
    new["nats"], new["echo"] = looks.nats, np.where(np.isnan(looks.echo), 0.0, looks.echo)
    _admit(new, rows)
    order = np.lexsort((looks.time, _identity(new)))
    new, echoed = new[order], ~np.isnan(looks.echo[order])
    since, old = _since(rows, new)
    worth = fresh(since, np.array([RHO[Family(f)] for f in range(len(Family))])[new["family"]])
    motion = np.flatnonzero(new["family"] == Family.MOTION)
    if len(motion):
        worth[motion] = -np.expm1(-np.maximum(since[motion], 0.0) / FADES_S)
        rows = rows.copy()
        rows["nats"][old[motion[old[motion] >= 0]]] *= 1.0 - worth[motion[old[motion] >= 0], None]
    new["nats"] *= worth[:, None]
    new["echoes"] = np.where(echoed, fresh(since, np.full(len(new), ECHO_RHO)), 0.0)
    new["echo"] *= new["echoes"]
    return folded(np.concatenate([rows, new]))


def fresh(since: F64, rho: F64) -> F64:
    """Return (n,) what looks are worth, 0 to 1. since: (n,) s after the last one of the same source, inf: the first."""
    share = rho ** np.maximum(since, 0.0)
    return np.asarray((1.0 - share) / (1.0 + share))


def folded(rows: Rows) -> Rows:
    """Return rows sorted by track, those of one source on one track put together."""
    identity = _identity(rows)
    order = np.lexsort((identity, rows["key"]))
    rows, identity = rows[order], identity[order]
    start = np.flatnonzero(np.concatenate(([True], identity[1:] != identity[:-1])))
    if len(start) == len(rows):
        return rows
    after = rows[start].copy()
    for name in SUMS:
        after[name] = np.add.reduceat(rows[name], start)
    after["first"] = np.minimum.reduceat(rows["first"], start)
    after["last"] = np.maximum.reduceat(rows["last"], start)
    return after


def _admit(new: Rows, rows: Rows) -> None:
    """Put sources that are new to a track, and for which it has no row of its own left, into the row of many."""
    known = np.isin(_identity(new), _identity(rows))
    if known.all():
        return
    both = np.concatenate([rows, new])
    identity = np.concatenate([_identity(rows), _identity(new)])
    _, first = np.unique(identity, return_index=True)
    some = both[first]
    old = np.isin(identity[first], _identity(rows))
    group = _hashed(some["key"], _sort(some))
    order = np.lexsort((some["node"], some["source"], ~old, group))  # those that have a row keep it
    rank = np.arange(len(order)) - np.searchsorted(group[order], group[order])
    own = np.zeros(len(order), bool)
    own[order] = (rank < ROOTS) | old[order]
    late = ~own[np.searchsorted(identity[first], _identity(new))]
    new["source"][late], new["node"][late] = MANY, MANY


def _since(rows: Rows, new: Rows) -> tuple[F64, I64]:
    """Return (n,) s since the look before of the same source on the same track, inf none; and its row, -1 none."""
    mine, theirs = _identity(new), _identity(rows)
    order = np.argsort(theirs)
    before, old = np.full(len(new), np.iinfo(np.int64).min), np.full(len(new), -1)
    if len(rows):
        at = order[np.minimum(np.searchsorted(theirs, mine, sorter=order), len(rows) - 1)]
        same = theirs[at] == mine
        before[same], old[same] = rows["last"][at[same]], at[same]
    again = np.flatnonzero(mine[1:] == mine[:-1]) + 1
    before[again] = np.maximum(before[again], new["last"][again - 1])
    first = before == np.iinfo(np.int64).min
    return np.where(first, np.inf, (new["last"] - np.where(first, 0, before)) * 1e-9), old


def _identity(rows: Rows) -> NDArray[np.uint64]:
    """Return (n,) a hash of whose row it is on which track; equal by chance once in 10^19 pairs."""
    return _hashed(rows["key"], _sort(rows), rows["source"], rows["node"])


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
