"""The outbox's file beside the record: SQLite, durable when a call returns, readable by its owner only."""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from skywarden.errors import RecordError
from skywarden.model.warning import SECOND
from skywarden.service.outbox_queue import Row

SPOILT = (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)  # no such column, damaged, no database
KEPT = 7 * 86_400 * SECOND  # ns that what is done stays to be looked at
BUSY = 2.0  # s to wait for another process
FORMAT = 1
TABLES = """
CREATE TABLE IF NOT EXISTS rows (
    place INTEGER PRIMARY KEY, recipient TEXT NOT NULL, message TEXT NOT NULL, state TEXT NOT NULL,
    done INTEGER NOT NULL, row BLOB NOT NULL, UNIQUE (recipient, message)
);
CREATE TABLE IF NOT EXISTS marks (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS asked (recipient TEXT PRIMARY KEY);
"""
PUT = """
INSERT INTO rows (recipient, message, state, done, row) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (recipient, message) DO UPDATE SET state = excluded.state, done = excluded.done, row = excluded.row
"""
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Row).decode


def spoilt(error: Exception) -> bool:
    """Say whether an error means that the file is damaged; else it may be locked, or its disk does not answer."""
    cause = error.__cause__ or error
    code = cause.sqlite_errorcode & 0xFF if isinstance(cause, sqlite3.DatabaseError) else None
    return isinstance(cause, msgspec.MsgspecError) or code in SPOILT


def set_aside(path: Path, now: int) -> Path:
    """Give a damaged file another name, and return that. now: ns. Raises OSError."""
    aside = path.with_name(f"{path.name}.damaged-{now // SECOND}")
    path.replace(aside)
    for tail in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + tail).replace(aside.with_name(aside.name + tail))
    return aside


def beside(record: Path) -> Path:
    """Return where the outbox of a record is."""
    return record.with_name(record.name + ".outbox")


class OtherFormatError(RecordError):
    """The file was made by another version, which may read it yet."""


class Store:
    """One connection; its owner sees to it that one thread at a time uses it."""

    def __init__(self, path: Path) -> None:
        """Open or make it. Raises RecordError."""
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
            path.chmod(0o600)
            self._db = sqlite3.connect(path, timeout=BUSY, check_same_thread=False, isolation_level=None)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.executescript(TABLES)
            if (made := self.mark("format")) not in (None, FORMAT):
                raise OtherFormatError(f"{path} was made by another skywarden (format {made}, this one reads {FORMAT})")
            self._db.execute("INSERT OR REPLACE INTO marks VALUES ('format', ?)", (FORMAT,))
        except (sqlite3.Error, OSError, RecordError) as error:
            with suppress(AttributeError):  # there is no connection yet
                self._db.close()
            if isinstance(error, RecordError):
                raise
            raise RecordError(f"{path}: {error}; this file holds what is to be sent, and cannot be used") from error

    def rows(self, last: int | None = None) -> Iterator[Row]:
        """Yield what was kept, oldest first. last: so many of the latest. Raises RecordError."""
        limit = -1 if last is None else last
        try:
            found = self._db.execute("SELECT row FROM rows ORDER BY place DESC LIMIT ?", (limit,)).fetchall()
            yield from (_decode(row) for (row,) in reversed(found))
        except (sqlite3.Error, msgspec.MsgspecError) as error:
            raise RecordError(f"{self.path} cannot be read: {error}") from error

    def mark(self, name: str) -> int | None:
        """Return a number that was kept."""
        found = self._db.execute("SELECT value FROM marks WHERE name = ?", (name,)).fetchone()
        return None if found is None else int(found[0])

    def put(self, rows: Sequence[Row], read: int | None) -> None:
        """Keep rows, and up to which entry the record was read, in one transaction. Raises sqlite3.Error."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._db.executemany(PUT, [(r.recipient, r.message, r.state, r.done, _encode(r)) for r in rows])
            if read is not None:
                self._db.execute("INSERT OR REPLACE INTO marks VALUES ('read', ?)", (read,))
            self._db.execute("COMMIT")
        except sqlite3.Error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def prune(self, now: int) -> None:
        """Forget what has been done for long; a disk that takes no change keeps it."""
        done = "done > 0 AND done < ? AND state NOT IN ('waiting', 'retrying')"
        with suppress(sqlite3.Error):
            self._db.execute(f"DELETE FROM rows WHERE {done}", (now - KEPT,))

    def ask(self, recipient: str) -> None:
        """Leave word, for the process that sends, that a recipient is to be tried again now."""
        self._db.execute("INSERT OR REPLACE INTO asked VALUES (?)", (recipient,))

    def asked(self) -> list[str]:
        """Return the recipients that were asked for, once."""
        found = [name for (name,) in self._db.execute("SELECT recipient FROM asked").fetchall()]
        if found:
            self._db.execute("DELETE FROM asked")
        return found

    def close(self) -> None:
        """Close the file."""
        self._db.close()
