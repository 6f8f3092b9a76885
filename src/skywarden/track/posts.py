"""What a chain knows of single microphones: where each stands and what it heard, as records that go from tick to tick.

A call is one message of a node: it hears something, or it lives. Calls are written down as they come; what follows from
them for targets is asked once a second, see `listen`.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.model.detection import Detections, Kind
from skywarden.model.place import F64, I64
from skywarden.track.cells import Field, cubes, find, numbered
from skywarden.track.measure import HIGHEST, LOWEST
from skywarden.track.nodes import Book, empty, note
from skywarden.track.pool import Rows, record
from skywarden.track.prepare import IMPLAUSIBLE, QUOTA, USED

CALL = record("", "time node heard sense", place=3)
NODE = record(
    "rate claps runs loud quiet fits", "cube node sensor begun last free alive up said at fresh fault", place=3
)
WRITTEN = ("begun", "last", "free", "alive", "up")  # of a Book, by calls
MOST, MOST_EACH = 32_768, 24_576  # nodes in all, of one source; who comes then is not listened to
MOVED = 1.0  # m; who stands elsewhere is another node
NAMES = (1 << 62) - 1


class Noted(NamedTuple):
    """nodes: `NODE`, in the order of a field, after some calls. code: (k,) of each call, USED or why not."""

    nodes: Rows
    code: I64


def calls(batches: Sequence[tuple[int, Detections]]) -> Rows:
    """Return the calls of PRESENCE and SILENCE. batches: with the row of `senses` of each."""
    found, begin = np.zeros(sum(len(batch) for _, batch in batches), CALL), 0
    for sense, batch in batches:
        rows = found[begin : begin + len(batch)]
        rows["time"], rows["heard"], rows["sense"] = batch.time, batch.kind is Kind.PRESENCE, sense
        rows["node"], rows["place"] = named(batch), _places(batch)
        begin += len(batch)
    return found


def named(batch: Detections) -> I64:
    """Return (n,) what nodes are called here: of the number that each has at its source, and of the source."""
    return np.asarray((batch.subject if batch.node is None else batch.node) ^ salt(batch.sensor), np.int64)


def salt(source: str) -> int:
    """Return what tells the nodes of a source from those of others that have equal numbers there."""
    return int.from_bytes(blake2b(source.encode(), digest_size=8).digest(), "little") & NAMES


def _places(batch: Detections) -> F64:
    """Return where each node stands; NaN where nobody knows, ECEF m."""
    if batch.origin is not None:
        return batch.origin
    return np.full(3, np.nan) if batch.place is None else batch.place.position


def noted(nodes: Rows, said: Rows, sensor: I64) -> Noted:
    """Write calls down, in the order of their times. sensor: (senses,) number of the sensor of each sense.

    Equal for every order of `said` and for every cut in time, as long as nodes stay where they are.
    """
    code = np.where(_somewhere(said["place"]), USED, IMPLAUSIBLE)
    order = np.lexsort((*said["place"].T, said["heard"], said["node"], said["time"]))
    order = order[code[order] == USED]
    nodes = _with_new(nodes, said[order], sensor)
    row = find(nodes["node"], said["node"][order])
    code[order[row < 0]] = QUOTA
    order, row = order[row >= 0], row[row >= 0]
    some, place = np.unique(row, return_inverse=True)
    part = nodes[some]
    book, fresh = book_of(part), np.zeros(len(part), np.int64)
    note(book, place.reshape(-1), said["time"][order], said["heard"][order], fresh)
    for name in WRITTEN:
        part[name] = getattr(book, name)
    part["fresh"] |= fresh
    nodes[some] = part
    return Noted(nodes, code)


def steady(nodes: Rows, said: Rows) -> bool:
    """Return whether all calls are of known nodes where they stand: then no cut in time changes what is known."""
    row = find(nodes["node"], said["node"])
    if not len(said) or (row < 0).any():
        return not len(said)
    return bool(np.abs(nodes["place"][row] - said["place"]).max() <= MOVED)


def _somewhere(place: F64) -> NDArray[np.bool_]:
    """Return (k,) which places can be on the Earth; one that is no number cannot."""
    away = np.linalg.norm(place, axis=1)
    return np.asarray((away > LOWEST) & (away < HIGHEST), bool)


def _with_new(nodes: Rows, said: Rows, sensor: I64) -> Rows:
    """Return a copy of the nodes, with those that call for the first time or from elsewhere."""
    names, first = np.unique(said["node"], return_index=True)
    row, place = find(nodes["node"], names), said["place"][first]
    old = np.flatnonzero(row >= 0)
    moved = old[np.abs(nodes["place"][row[old]] - place[old]).max(1, initial=0.0) > MOVED]
    new = np.union1d(np.flatnonzero(row < 0), moved)
    if not len(new):
        return nodes.copy()
    kept, sensors = np.delete(nodes, row[moved]), sensor[said["sense"][first[new]]]
    new = new[_room(kept["sensor"], sensors)]
    made = np.zeros(len(new), NODE)
    for name, column in zip(Book._fields, empty(len(new)), strict=True):
        made[name] = column
    made["rate"] = made["claps"] = np.inf
    made["node"], made["place"], made["sensor"] = names[new], place[new], sensor[said["sense"][first[new]]]
    made["cube"] = cubes(made["place"])
    every = np.concatenate((kept, made))
    return every[np.lexsort((every["node"], every["cube"]))]


def _room(kept: I64, new: I64) -> I64:
    """Return which of those that are new there is room for. kept, new: the sensors that nodes are of.

    No source may fill the table with made-up nodes: the others must find room beside it.
    """
    found = []
    for one in np.unique(new).tolist():
        left = max(MOST_EACH - int((kept == one).sum()), 0)
        found.append(np.flatnonzero(new == one)[:left])
    return np.sort(np.concatenate([np.zeros(0, np.int64), *found]))[: max(MOST - len(kept), 0)]


def book_of(nodes: Rows) -> Book:
    """Return what nodes have said and what was learned of them."""
    return Book(*(np.ascontiguousarray(nodes[name]) for name in Book._fields))


def kept(nodes: Rows, book: Book) -> Rows:
    """Return nodes with what a book says of them."""
    nodes = nodes.copy()
    for name, column in zip(Book._fields, book, strict=True):
        nodes[name] = column
    return nodes


def field_of(nodes: Rows, reach: float) -> Field:
    """Return where nodes stand. reach: m, at which each hears half of what flies by."""
    cube, node, place = (np.ascontiguousarray(nodes[name]) for name in ("cube", "node", "place"))
    return Field(cube, node, place, np.full(len(nodes), reach), np.full(1, reach), numbered(nodes["sensor"]))


def learned(nodes: Rows, settled: Rows) -> Rows:
    """Return nodes with the false alarms that the settled chain has learned of each; of others nothing is known."""
    row = find(settled["node"], nodes["node"])
    there = row >= 0
    nodes = nodes.copy()
    for name in ("runs", "loud", "quiet"):
        nodes[name] = 0.0
        nodes[name][there] = settled[name][row[there]]
    return nodes
