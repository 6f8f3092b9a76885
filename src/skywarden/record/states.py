"""States of the whole picture in a database of their own beside the segments: short cuts for a restart, no evidence.

Not in the segments, since a state of several MB in the same file holds up the entries that come meanwhile. Each says
after which entry it is and that entry's mark: a record that was brought back from an older copy has other entries under
the same numbers.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from skywarden.errors import RecordError
from skywarden.model.event import SCHEMA
from skywarden.record import segment
from skywarden.record.log import SNAPSHOTS_KEPT, seal

NAME = "states.sqlite"
_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE snapshots (seq INTEGER PRIMARY KEY, mark BLOB NOT NULL, digest BLOB NOT NULL, payload BLOB NOT NULL)
"""
_DROP = f"""
DELETE FROM snapshots WHERE seq NOT IN (SELECT seq FROM snapshots ORDER BY seq DESC LIMIT {SNAPSHOTS_KEPT})
"""
SPOILED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")  # what is in it is of no use any more


class State(NamedTuple):
    """seq, mark: of the entry that it comes after."""

    seq: int
    mark: bytes
    payload: bytes


class States:
    """Where a writing process keeps them. Made when the first one is saved. Usable from several threads."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / NAME
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._turn = Lock()

    def complete(self) -> None:
        """Bring to an end what a power cut has left: who only reads cannot."""
        with self._turn, suppress(sqlite3.Error, OSError, RecordError):
            if self._file.exists():
                self._open()

    def save(self, state: State) -> None:
        """Keep a state; of the older ones the last few stay. Raises sqlite3.Error, OSError, RecordError."""
        with self._turn:
            try:
                self._save(state)
            except (sqlite3.Error, RecordError) as error:
                self._let_go()
                if not getattr(error, "sqlite_errorname", SPOILED[0]).startswith(SPOILED):
                    raise
                segment.discard(self._file)
                self._save(state)

    def _save(self, state: State) -> None:
        if segment.identity(self._file) != self._identity:  # somebody has removed it
            self._let_go()
        if self._connection is None:
            if not self._file.exists():
                _make(self._file)
            self._open()
        assert self._connection is not None
        row = (state.seq, state.mark, seal(state.seq, state.payload), state.payload)
        with segment.transaction(self._connection):
            self._connection.execute("INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?, ?)", row)
            self._connection.execute(_DROP)

    def _open(self) -> None:
        self._connection = segment.open_for_writing(self._file)
        self._identity = segment.identity(self._file)

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = self._identity = None

    def close(self) -> None:
        """Leave one file, which can be read where nothing may be written."""
        with self._turn:
            if self._connection is not None:
                segment.close_after_writing(self._connection)
            self._connection = self._identity = None


def _make(file: Path) -> None:
    half = file.with_suffix(".new")
    segment.discard(half)
    with closing(segment.connected(half)) as connection, segment.transaction(connection):
        for statement in _TABLES.split(";"):
            connection.execute(statement)
        connection.execute("INSERT INTO meta VALUES ('format', ?)", (SCHEMA,))
    half.rename(file)
    segment.settle(file.parent)


def whole(directory: Path) -> Iterator[State]:
    """Yield the states that are whole, newest first. One that cannot be read is passed over: they are short cuts."""
    with suppress(sqlite3.Error, RecordError), closing(segment.open_for_reading(directory / NAME)) as connection:
        for seq in _seqs(connection):
            with suppress(sqlite3.DatabaseError, MemoryError, TypeError):
                query = "SELECT mark, digest, payload FROM snapshots WHERE seq = ?"
                mark, digest, payload = connection.execute(query, (seq,)).fetchone()
                if type(mark) is bytes and seal(seq, payload) == digest:
                    yield State(seq, mark, bytes(payload))


def kept(directory: Path) -> list[int]:
    """Return the entries after which there is a state, whole or not."""
    with suppress(sqlite3.Error, RecordError), closing(segment.open_for_reading(directory / NAME)) as connection:
        return sorted(_seqs(connection))
    return []


def _seqs(connection: sqlite3.Connection) -> list[int]:
    found = connection.execute("SELECT seq FROM snapshots ORDER BY seq DESC").fetchall()
    return [seq for (seq,) in found if type(seq) is int and seq > 0]
