"""Is a record what was written? Its entries against their hashes, the tree and the signed checkpoints."""

import sqlite3
from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from skywarden.record import segment
from skywarden.record.checkpoint import Checkpoint
from skywarden.record.sqlite import SqliteRecord
from skywarden.record.tree import Edge, leaf

TYPES = (int, int, int, str, bytes)  # of seq, time, cause, kind, payload
CHUNK = 2_000  # entries read at a time: between two no transaction is open, or a writer's file would grow and grow
WITH_TREE = 3  # format
OPEN_S = 30  # s of entries after the last checkpoint, at most: one follows after 10 s at the latest
SECOND = 1_000_000_000


class Saved(NamedTuple):
    """A segment's tree as it stands there."""

    first: int
    size: int
    edge: bytes


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
    """The state of a verification between two entries. tree: first seq, size and edge, as saved."""

    def __init__(self, public: Collection[bytes], tree: Saved | None) -> None:
        self.entries = self.first = self.seq = self.time = self.good = 0
        self.last: Checkpoint | None = None
        self.edge = Edge()
        self._public, self.tree = public, tree

    def take(self, row: tuple[Any, ...]) -> Fault | None:
        """Look at the next entry: seq, time, cause, kind, payload, hash or None."""
        seq = row[0]
        if self.entries == 0 and seq < 1:
            return Fault(seq, "no entry has such a number: it was added")
        if self.entries and seq != self.seq + 1:
            return Fault(self.seq + 1, f"entries {self.seq + 1} to {seq - 1} are missing")
        if tuple(map(type, row[:5])) != TYPES:
            return Fault(seq, "this entry is not what was written")
        self.first, self.seq, self.time = self.first or seq, seq, row[1]
        self.entries += 1
        if self.tree is None or seq < self.tree.first:
            return None
        if row[5] is None:
            return Fault(seq, "this entry has no hash: it was added, or its hash was taken away")
        hashed = leaf(*row[:5])
        if row[5] != hashed:
            return Fault(seq, "this entry is not what was written")
        self.edge.add(hashed)
        return None

    def check(self, point: Checkpoint) -> Fault | None:
        """Compare the tree with a checkpoint of its size."""
        if self._public and point.key not in self._public:
            return Fault(point.seq, f"the checkpoint after this entry is signed by another key: {point.key.hex()}")
        if self.tree is None or point.first != self.tree.first or not point.signed_by_its_key():
            return Fault(point.seq, "the checkpoint after this entry has a wrong signature")
        if point.root != self.edge.root():
            since = self.last.seq + 1 if self.last else point.first
            return Fault(since, f"entries {since} to {point.seq} are not those that were signed")
        self.good, self.last = self.good + 1, point
        return None

    def end(self, points: Sequence[Checkpoint]) -> Fault | None:
        """Look at what must be there besides. points: that had no entry of their size."""
        if self.tree is None:
            return None
        last = max([self.tree.size, *(point.size for point in points)])
        if self.edge.size < last:
            return Fault(self.seq, f"entries {self.seq + 1} to {self.tree.first + last - 1} are missing at the end")
        if points or self.edge.encode() != self.tree.edge:
            return Fault(self.seq, "the tree of the record is not that of its entries")
        signed = self.last.time if self.last else None
        if self._public and self.edge.size and (signed is None or abs(self.time - signed) > OPEN_S * SECOND):
            since = self.last.seq + 1 if self.last else self.tree.first
            return Fault(since, "from here on nothing is signed, and it should be: it was changed, or cut off")
        return None


def verify(path: Path, public: Collection[bytes] = (), progress: Callable[[int], None] | None = None) -> Report:
    """Read a whole record. public: the keys that may have signed; empty: whichever did. Raises RecordError.

    progress: is told the number of entries now and then. A process may write meanwhile: what it adds is not looked at.
    """
    walks, fault = list[_Walk](), None
    record = SqliteRecord(path)
    for file in segment.files(record.path):
        with segment.in_words(file), closing(segment.open_for_reading(file)) as connection:
            walk = _Walk(public, None)
            try:
                tree, points = _saved(connection)
                walk.tree = tree
                fault = fault or _segment(connection, walk, points, progress)
            except (sqlite3.DatabaseError, ValueError, TypeError, MemoryError) as error:
                fault = fault or Fault(walk.seq, f"what follows this entry cannot be read: {error or 'too long'}")
            walks.append(walk)
    if public and all(walk.tree is None for walk in walks):
        fault = fault or Fault(0, "there is a key for this record and no tree in it: the tree was taken away")
    return _report(walks, fault)


def _report(walks: Sequence[_Walk], fault: Fault | None) -> Report:
    seen = [walk for walk in walks if walk.entries]
    first, end = (seen[0].first, seen[-1].seq) if seen else (0, 0)
    covered = next((walk.tree.first for walk in walks if walk.tree is not None and walk.edge.size), 0)
    last = next((walk.last for walk in reversed(walks) if walk.last is not None), None)
    open_ = end - (last.seq if last else covered - 1) if covered else 0
    entries, good = sum(walk.entries for walk in walks), sum(walk.good for walk in walks)
    return Report(entries, (first, end), covered, good, last, open_, fault)


def _segment(
    connection: sqlite3.Connection,
    walk: _Walk,
    points: list[Checkpoint],
    progress: Callable[[int], None] | None,
) -> Fault | None:
    after, tree = -1 << 62, walk.tree
    last = (1 << 62) if tree is None else tree.first + tree.size - 1
    due = {point.size: point for point in points}
    while rows := connection.execute(_ENTRIES[tree is not None], (after, last, CHUNK)).fetchall():
        for row in rows:
            if fault := walk.take(row):
                return fault
            if (point := due.pop(walk.edge.size, None)) is not None and (fault := walk.check(point)):
                return fault
        after = rows[-1][0]
        if progress is not None:
            progress(walk.entries)
    if tree is None:
        return None
    now, _ = _saved(connection)
    newest = connection.execute("SELECT max(seq) FROM entries").fetchone()[0]
    if now is None or (newest or 0) > max(now.first + now.size - 1, tree.first - 1):
        return Fault(walk.seq, "entries were added behind the end of the tree")
    return walk.end(list(due.values()))


def _saved(connection: sqlite3.Connection) -> tuple[Saved | None, list[Checkpoint]]:
    """Return a segment's tree and checkpoints as of one moment; None: it was written before there were any.

    Raises ValueError when they are not what they must be.
    """
    connection.execute("BEGIN")
    try:
        form = connection.execute("SELECT value FROM meta WHERE key = 'format'").fetchone()[0]
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        if form < WITH_TREE and "tree" not in names:
            return None, []
        rows = connection.execute("SELECT first, size, edge FROM tree").fetchall()
        query = "SELECT size, first, time, root, key, signature FROM checkpoints ORDER BY size"
        points = [Checkpoint(*row) for row in connection.execute(query)]
    finally:
        connection.execute("COMMIT")
    if len(rows) != 1 or tuple(map(type, rows[0])) != (int, int, bytes):
        raise ValueError("the record has no tree")
    if any(tuple(map(type, point)) != (int, int, int, bytes, bytes, bytes) for point in points):
        raise ValueError("a checkpoint is not one")
    return Saved(*rows[0]), points


_ENTRIES = {
    False: "SELECT seq, time, cause, kind, payload, NULL FROM entries WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
    True: "SELECT seq, time, cause, kind, payload, hash FROM entries LEFT JOIN leaves USING (seq) "
    "WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
}
