"""The tree of a record that is being written: how it grows, is signed, and is found again at a start."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from skywarden.record import segment
from skywarden.record.checkpoint import Key
from skywarden.record.tree import MARK, Edge, leaf

CHECKPOINT_S = 10  # s between two signed roots
CHECKPOINT_ENTRIES = 50_000  # and entries: a start looks at those after the last one, and must not take long
SECOND = 1_000_000_000
ENTRY = (int, int, int, str, bytes)  # types of seq, time, cause, kind, payload
Row = tuple[int, int, int, str, bytes]  # seq, time, cause, kind, payload
Marked = tuple[int, int, int, str, bytes, bytes]


class SignedTree(NamedTuple):
    """A record's tree. first: seq of its first leaf; signed: ns and size, of the entry before the last checkpoint."""

    first: int
    edge: Edge
    signed: tuple[int, int] = (0, 0)

    def grown(self, rows: Iterable[Row]) -> tuple["SignedTree", list[Marked]]:
        """Return the tree with more entries, and these with their marks. This tree stays: a transaction may fail."""
        edge = self.edge.copy()
        add = edge.add
        marked = []
        for row in rows:
            hashed = leaf(*row)
            add(hashed)
            marked.append((*row, hashed[:MARK]))
        return self._replace(edge=edge), marked

    def due(self, time: int, more: int = 0) -> bool:
        """Say whether it should be signed. time: ns, of the last entry; more: entries that are not in it yet."""
        at, size = self.signed
        return abs(time - at) >= CHECKPOINT_S * SECOND or self.edge.size + more - size >= CHECKPOINT_ENTRIES

    def sign(self, connection: sqlite3.Connection, key: Key | None, time: int) -> "SignedTree":
        """Put a checkpoint after the last entry, within a transaction. key: None: nobody signs."""
        if key is not None and self.edge.size:
            point = key.sign(self.edge.size, self.first, time, self.edge.root())
            connection.execute(
                "INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?, ?, ?, ?, ?)", (*point, self.edge.encode())
            )
        return self._replace(signed=(time, self.edge.size))


def found(connection: sqlite3.Connection) -> SignedTree:
    """Return the tree after the last entry of a segment, of any format that has or gets one.

    It goes on from the last checkpoint whose edge is whole. A changed entry after it becomes a leaf as it is; its mark
    still tells. Raises ValueError when the tree is damaged, sqlite3.Error.
    """
    if segment.form(connection) < segment.WITH_BEGIN:
        return _older(connection)
    begin = segment.begin(connection)
    tree = SignedTree(begin.first, Edge.decode(begin.size, begin.edge))
    query = "SELECT time, size, root, edge FROM checkpoints ORDER BY size DESC"
    for time, size, root, edge in connection.execute(query).fetchall():
        with suppress(ValueError, TypeError):
            if (whole := Edge.decode(size, edge)).root() == root:
                tree = SignedTree(begin.first, whole, (time, size))
                break
    after = tree.first + tree.edge.size - 1
    query = "SELECT seq, time, cause, kind, payload FROM entries WHERE seq > ? ORDER BY seq"
    for row in connection.execute(query, (after,)):
        if tuple(map(type, row)) != ENTRY:
            raise ValueError(f"entry {row[0]} is damaged")
        tree.edge.add(leaf(*row))
    return tree


def doubts(connection: sqlite3.Connection, file: Path) -> Iterator[str]:
    """Yield in words what was taken away after the last entry of the newest segment. Raises sqlite3.Error."""
    if segment.form(connection) < segment.WITH_BEGIN:
        return
    last = segment.last(connection)
    (signed,) = connection.execute("SELECT max(first + size - 1) FROM checkpoints").fetchone()
    if type(signed) is int and signed > last:
        yield f"{file}: entries {last + 1} to {signed} are missing at the end: see `skywarden record verify`"
    if connection.execute("SELECT count(*) FROM meta WHERE key = 'closed'").fetchone()[0]:
        yield f"{file}: another segment was begun after it and is missing: see `skywarden record verify`"


def _older(connection: sqlite3.Connection) -> SignedTree:
    """Format 3 kept the tree after its last entry; before, there was none: it begins after the last entry."""
    if connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'tree'").fetchone()[0]:
        first, size, edge = connection.execute("SELECT first, size, edge FROM tree").fetchone()
        return SignedTree(first, Edge.decode(size, edge))
    return SignedTree(segment.last(connection) + 1, Edge())
