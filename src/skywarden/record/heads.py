"""What a segment of any format says of itself beside its entries, as of one moment."""

import sqlite3
from typing import NamedTuple

from skywarden.record import segment
from skywarden.record.checkpoint import Checkpoint
from skywarden.record.retention import Removal

POINT = (int, int, int, bytes, bytes, bytes)
TREE = 3  # format with a tree in one segment alone, kept after its last entry
EVERYTHING = (1 << 62) - 1


class Head(NamedTuple):
    """begin: how it begins; None: no tree in it (formats 1 and 2). marked: its entries carry marks.

    size, edge: the tree after its last entry, where that is kept (format 3), else 0 and None. last: its last entry now.
    entries: the query for its entries. closed: another segment was begun after it. voucher: see there, of any type.
    """

    begin: segment.Begin | None
    marked: bool
    points: list[Checkpoint]
    size: int
    edge: bytes | None
    removal: Removal | None
    last: int
    entries: str
    closed: bool
    voucher: object = None


def head(connection: sqlite3.Connection) -> Head:
    """Read it. Raises ValueError when it is not what it must be, sqlite3.Error."""
    connection.execute("BEGIN")
    try:
        form = segment.form(connection)
        closed = bool(connection.execute("SELECT count(*) FROM meta WHERE key = 'closed'").fetchone()[0])
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        if form < TREE and "tree" not in names:
            return Head(None, False, [], 0, None, None, EVERYTHING, _ENTRIES.format("NULL"), closed)
        query = "SELECT size, first, time, root, key, signature FROM checkpoints ORDER BY size"
        rows = connection.execute(query).fetchall()
        if any(tuple(map(type, row)) != POINT for row in rows):
            raise ValueError("a checkpoint is not one")
        points = [Checkpoint(*row) for row in rows]
        if form < segment.WITH_BEGIN:
            return _alone(connection, points, closed)
        removal = connection.execute("SELECT seq, time, key, signature FROM removal").fetchone()
        if removal is not None and tuple(map(type, removal)) != (int, int, bytes, bytes):
            raise ValueError("the statement of what was removed is not one")
        statement = None if removal is None else Removal(*removal)
        begin, last = segment.begin(connection), segment.last(connection)
        voucher = connection.execute("SELECT value FROM meta WHERE key = 'state'").fetchone()
        found = Head(begin, True, points, 0, None, statement, last, _ENTRIES.format("mark"), closed)
        return found._replace(voucher=voucher and voucher[0])
    finally:
        connection.execute("COMMIT")


def _alone(connection: sqlite3.Connection, points: list[Checkpoint], closed: bool) -> Head:
    rows = connection.execute("SELECT first, size, edge FROM tree").fetchall()
    if len(rows) != 1 or tuple(map(type, rows[0])) != (int, int, bytes):
        raise ValueError("the record has no tree")
    first, size, edge = rows[0]
    begin = segment.Begin(first - 1, first)
    return Head(begin, False, points, size, edge, None, EVERYTHING, _ENTRIES.format("NULL"), closed)


_ENTRIES = "SELECT seq, time, cause, kind, payload, {} FROM entries WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?"
