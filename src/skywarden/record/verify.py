"""Is a record what was written? Its entries against their hashes, the tree and the signed checkpoints."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from skywarden.record import segment
from skywarden.record.checkpoint import Checkpoint
from skywarden.record.sqlite import SqliteRecord
from skywarden.record.tree import Edge, leaf

Row = tuple[int, int, int, str, bytes]  # seq, time, cause, kind, payload


class Fault(NamedTuple):
    """The first thing that is not as it was written. seq: at which entry, or after which one."""

    seq: int
    what: str


class Report(NamedTuple):
    """What came of a verification. seqs: first and last entry; covered: first entry in the tree, 0 none.

    checkpoints: how many fit; last: the last of these; uncovered: entries after it, which no signature covers.
    """

    entries: int
    seqs: tuple[int, int]
    covered: int
    checkpoints: int
    last: Checkpoint | None
    uncovered: int
    fault: Fault | None


class _Walk:
    """The state of a verification between two entries."""

    def __init__(self, public: bytes | None) -> None:
        self.entries = self.first = self.seq = self.good = 0
        self.last: Checkpoint | None = None
        self.public = public

    def check(self, point: Checkpoint, edge: Edge) -> Fault | None:
        """Compare the tree with a checkpoint of its size."""
        if self.public is not None and point.key != self.public:
            return Fault(point.seq, f"the checkpoint after this entry is signed by another key: {point.key.hex()}")
        if not point.signed_by_its_key():
            return Fault(point.seq, "the checkpoint after this entry has a wrong signature")
        if point.root != edge.root():
            since = self.last.seq + 1 if self.last else point.first
            return Fault(since, f"entries {since} to {point.seq} are not those that were signed")
        self.good, self.last = self.good + 1, point
        return None


def verify(path: Path, public: bytes | None = None, progress: Callable[[int], None] | None = None) -> Report:
    """Read a whole record. public: the key that must have signed; None: whichever did. Raises RecordError.

    progress: is told the number of entries now and then.
    """
    walk, covered = _Walk(public), 0
    record = SqliteRecord(path)
    fault: Fault | None = None
    for file in segment.files(record.path):
        with segment.in_words(file), closing(segment.open_for_reading(file)) as connection:
            connection.execute("BEGIN")  # one state of it, also while a process writes
            tree = _tree(connection)
            covered = covered or (tree[0] if tree else 0)
            try:
                fault = fault or _segment(connection, tree, walk, progress)
            except sqlite3.DatabaseError as error:
                fault = fault or Fault(walk.seq, f"what follows this entry cannot be read: {error}")
    uncovered = walk.seq - (walk.last.seq if walk.last else (covered or walk.seq + 1) - 1)
    return Report(walk.entries, (walk.first, walk.seq), covered, walk.good, walk.last, max(0, uncovered), fault)


def _segment(
    connection: sqlite3.Connection,
    tree: tuple[int, int, bytes] | None,
    walk: _Walk,
    progress: Callable[[int], None] | None,
) -> Fault | None:
    edge = Edge()
    points = _checkpoints(connection)
    point = next(points, None)
    hashes = connection.execute("SELECT seq, hash FROM leaves ORDER BY seq") if tree else iter(())
    known = next(hashes, None)
    for row in connection.execute("SELECT seq, time, cause, kind, payload FROM entries ORDER BY seq"):
        if fault := _entry(row, walk):
            return fault
        if tree and row[0] >= tree[0]:
            hashed = leaf(*row)
            if known != (row[0], hashed):
                return _wrong_leaf(row[0], known)
            known = next(hashes, None)
            edge.add(hashed)
            if point is not None and point.size == edge.size:
                if fault := walk.check(point, edge):
                    return fault
                point = next(points, None)
        if progress is not None and walk.entries % 10_000 == 0:
            progress(walk.entries)
    return _end(tree, edge, walk, point)


def _entry(row: Row, walk: _Walk) -> Fault | None:
    if walk.seq and row[0] != walk.seq + 1:
        return Fault(walk.seq + 1, f"entries {walk.seq + 1} to {row[0] - 1} are missing")
    walk.first = walk.first or row[0]
    walk.seq = row[0]
    walk.entries += 1
    return None


def _wrong_leaf(seq: int, known: tuple[int, bytes] | None) -> Fault:
    if known is None or known[0] > seq:
        return Fault(seq, "this entry has no hash: it was added later")
    return Fault(seq, "this entry is not what was written")


def _end(tree: tuple[int, int, bytes] | None, edge: Edge, walk: _Walk, point: Checkpoint | None) -> Fault | None:
    if tree is None:
        return None
    first, size, saved = tree
    if edge.size < size or (point is not None and edge.size < point.size):
        end = first + max(size, point.size if point else 0) - 1
        return Fault(walk.seq, f"entries {walk.seq + 1} to {end} are missing at the end")
    if edge.size > size or edge.encode() != saved:
        return Fault(walk.seq, "the tree of the record is not that of its entries")
    if point is not None:
        return Fault(point.seq, "a checkpoint has no entry that it could be of")
    return None


def _tree(connection: sqlite3.Connection) -> tuple[int, int, bytes] | None:
    """Return first seq, size and edge of a segment's tree; None: it was written before there were any."""
    if not connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'tree'").fetchone()[0]:
        return None
    row = connection.execute("SELECT first, size, edge FROM tree").fetchone()
    return None if row is None else (int(row[0]), int(row[1]), bytes(row[2]))


def _checkpoints(connection: sqlite3.Connection) -> Iterator[Checkpoint]:
    if _tree(connection) is None:
        return
    query = "SELECT size, first, time, root, key, signature FROM checkpoints ORDER BY size"
    for row in connection.execute(query):
        yield Checkpoint(*row)
