"""The table of claimed identities: one record each, in the order of the identities.

It is bounded: an identity is forgotten two minutes after its last claim, and of more than `MOST` each sensor keeps an
equal share, those that were there first. So who makes up thousands of names fills his own receiver's share, no other.
"""

from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from skywarden.identify.places import Places
from skywarden.model.place import I64

SECOND = 1_000_000_000  # ns
MOST = 5_000
FORGET_AFTER = 120 * SECOND
DOUBTS = 4  # kinds
ROW = np.dtype(
    [
        ("identity", "i8"),
        ("owner", "i8"),  # sensor that said it first
        ("born", "i8"),  # ns, its first claim
        ("caused", "i8", (DOUBTS,)),  # ns, the last cause of each doubt, 0 none
        ("since", "i8"),  # ns, from when on it has been doubted without a break, 0 it is not
        ("turned", "i8"),  # ns, when it last went back to its other place
        ("strayed", "i8"),  # ns, when it last was where nobody can be
        # the place that was claimed last, and the one from which no motion leads there
        ("seen", "i8", (2,)),  # ns, the tick of the last claim, and of the step
        ("time", "i8", (2,)),  # ns, as claimed; 0: there is no such place
        ("label", "i8", (2,)),  # matched track, 0 none
        ("sensor", "i8", (2,)),
        ("place", "f4", (2, 3)),  # ECEF m, half a metre exact
        ("level", "f4", (2,)),  # m^2
        ("slack", "f4", (2,)),  # s
        ("turns", "u1"),  # how often it went back in a row
        ("strays", "u1"),  # how often it was where nobody can be
        ("doubts", "u1"),  # those that hold, one bit each
    ]
)
LAYOUT = f"{crc32(repr(ROW.descr).encode()):08x}"
Rows = NDArray[np.void]


def opened(rows: Rows, layout: str) -> Rows:
    """Return a copy of the records with their fields; none if they are of another version."""
    return rows.view(ROW).copy() if layout == LAYOUT else np.zeros(0, ROW)


def kept(rows: Rows, time: int) -> Rows:
    """Return the records without those that nobody has claimed lately."""
    stay = time - rows["seen"][:, 0] <= FORGET_AFTER
    return rows if stay.all() else rows[stay]


def entered(rows: Rows, said: Places, time: int) -> Rows:
    """Return the records with new ones for identities that have none, as far as there is room."""
    found = positions(rows, said.identity)
    new = np.flatnonzero(found < 0)
    if not len(new):
        return rows
    identity, first = np.unique(said.identity[new], return_index=True)
    more = np.zeros(len(identity), ROW)
    more["identity"], more["owner"] = identity, said.sensor[new][first]
    more["born"] = more["seen"][:, 0] = time
    both = np.concatenate((rows, more))
    if len(both) > MOST:
        both = both[_shared(both)]
    return both[np.argsort(both["identity"], kind="stable")]


def positions(rows: Rows, identity: I64) -> I64:
    """Return (n,) the record of each identity, -1 none."""
    if not len(rows):
        return np.full(len(identity), -1)
    at = np.minimum(np.searchsorted(rows["identity"], identity), len(rows) - 1)
    return np.where(rows["identity"][at] == identity, at, -1)


def _shared(rows: Rows) -> I64:
    """Return which records stay: of each owner the oldest, up to a number that is the same for all."""
    _, owner, counts = np.unique(rows["owner"], return_inverse=True, return_counts=True)
    order = np.lexsort((rows["identity"], rows["born"], owner))
    rank = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.asarray(order[rank < _level(counts)], np.int64)


def _level(counts: I64) -> int:
    """Return the largest number such that no owner has more and all together have no more than `MOST`."""
    left, owners = MOST, len(counts)
    for count in np.sort(counts).tolist():
        if count * owners > left:
            return left // owners
        left, owners = left - count, owners - 1
    return MOST
