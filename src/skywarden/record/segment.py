"""One file of a record: its tables, how it is opened, and what to say when that fails.

Settings of SQLite, measured with 20 frames of 10 kB ten times a second (bench/record_ack.py):
- WAL and synchronous FULL: a transaction is one append to one file and one sync, and readers do not wait.
- Pages of 8 kB. Pages of 4 and 32 kB were no slower or faster than chance; a small entry costs less in small pages, a
  frame of 10 kB takes fewer of the large ones.
- A checkpoint every 8 MB. It makes one transaction in forty wait 30 to 60 ms, a quarter of the 250 ms that a record may
  take; a longer interval would make it rarer and longer.
"""

import errno
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from skywarden import __version__
from skywarden.errors import RecordError
from skywarden.model.event import SCHEMA

PAGE = 8192  # bytes
CHECKPOINT = 1024  # pages
JOURNAL_LIMIT = 64 << 20  # bytes; what the WAL file may keep after a backlog went through it
BUSY_S = 1.0  # how long to wait for someone who has the file open in another program

WITH_BEGIN = 4  # format, since which a segment says how it begins; older ones are only read
_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE entries (
    seq INTEGER PRIMARY KEY, time INTEGER NOT NULL, cause INTEGER NOT NULL, kind TEXT NOT NULL, payload BLOB NOT NULL,
    mark BLOB NOT NULL
);
CREATE INDEX starts ON entries (seq) WHERE kind = 'Started';
CREATE TABLE tally (
    kind TEXT, source TEXT, entries INTEGER, messages INTEGER, bytes INTEGER, PRIMARY KEY (kind, source)
) WITHOUT ROWID;
CREATE TABLE before (
    kind TEXT, source TEXT, entries INTEGER, messages INTEGER, bytes INTEGER, PRIMARY KEY (kind, source)
) WITHOUT ROWID;
CREATE TABLE snapshots (seq INTEGER PRIMARY KEY, digest BLOB NOT NULL, payload BLOB NOT NULL);
CREATE TABLE begin (
    seq INTEGER NOT NULL, first INTEGER NOT NULL, size INTEGER NOT NULL, edge BLOB NOT NULL, digest BLOB, state BLOB
);
CREATE TABLE checkpoints (
    size INTEGER PRIMARY KEY, first INTEGER NOT NULL, time INTEGER NOT NULL, root BLOB NOT NULL, key BLOB NOT NULL,
    signature BLOB NOT NULL, edge BLOB NOT NULL
);
CREATE TABLE removal (seq INTEGER NOT NULL, time INTEGER NOT NULL, key BLOB NOT NULL, signature BLOB NOT NULL)
"""
Tally = tuple[str, str, int, int, int]  # kind, source; entries, messages, bytes


class Begin(NamedTuple):
    """What was before a segment. seq: the last entry; first, size, edge: the record's tree after it.

    digest, state: the whole picture's state after that entry, sealed; None: nobody knows, or there was nothing.
    """

    seq: int = 0
    first: int = 1
    size: int = 0
    edge: bytes = b""
    digest: bytes | None = None
    state: bytes | None = None


def files(directory: Path) -> list[Path]:
    """Return the segments of a record, oldest first. Raises OSError when the directory cannot be read."""
    return sorted(p for p in directory.iterdir() if p.name.startswith("segment-") and p.suffix == ".sqlite")


def parts(directory: Path) -> list[Path]:
    """Return all files that a record grows by: segments with what belongs to them, states. Raises OSError."""
    return sorted(p for p in directory.iterdir() if p.name.startswith(("segment-", "states.")))


def identity(file: Path) -> tuple[int, int] | None:
    """Return which file it is, None when it is not there: SQLite goes on writing a file that has lost its name."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def named(directory: Path, number: int) -> Path:
    """Return the path of a record's segment. number: 1 for the first."""
    return directory / f"segment-{number:06}.sqlite"


def number(file: Path) -> int:
    """Return which one of its record a segment is; 0 when its name has no number."""
    digits = file.stem.removeprefix("segment-")
    return int(digits) if digits.isdecimal() else 0


def unmade(file: Path) -> bool:
    """Say whether a power cut or an older version left an empty file in place of a segment."""
    return file.stat().st_size == 0 and not file.with_name(f"{file.name}-wal").exists()


def make(  # noqa: PLR0913 - all that a segment says of itself
    file: Path,
    begin: Begin,
    before: Iterable[Tally] = (),
    removal: tuple[int, int, bytes, bytes] | None = None,
    voucher: bytes | None = None,
    created: str | None = None,
) -> None:
    """Make a segment. It has its name only when it is whole and on the disk, so that a power cut leaves none or all.

    before: counts of all that came before it. removal: see `retention.Removal`; voucher: see there. created: UTC, as
    2030-03-14T20:00:00.000Z; None: now. Raises sqlite3.Error, OSError.
    """
    half = file.with_suffix(".new")
    discard(half)
    try:
        with closing(connected(half)) as connection, transaction(connection):
            for statement in _TABLES.split(";"):
                connection.execute(statement)
            connection.execute("INSERT INTO meta VALUES ('format', ?)", (SCHEMA,))
            connection.execute("INSERT INTO meta VALUES ('program', ?)", (__version__,))
            connection.execute(
                "INSERT INTO meta VALUES ('created', coalesce(?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')))", (created,)
            )
            connection.execute("INSERT INTO begin VALUES (?, ?, ?, ?, ?, ?)", begin)
            connection.executemany("INSERT INTO before VALUES (?, ?, ?, ?, ?)", before)
            if voucher is not None:
                connection.execute("INSERT INTO meta VALUES ('state', ?)", (voucher,))
            if removal is not None:
                connection.execute("INSERT INTO removal VALUES (?, ?, ?, ?)", removal)
        half.rename(file)
    except BaseException:
        with suppress(OSError):
            discard(half)
        raise
    settle(file.parent)  # SQLite does not sync the name of a new file


def discard(file: Path) -> None:
    """Delete a segment with all that belongs to it. Raises OSError."""
    for name in (file.name, f"{file.name}-wal", f"{file.name}-shm", f"{file.name}-journal"):
        file.with_name(name).unlink(missing_ok=True)


def settle(directory: Path) -> None:
    """Put the names in a directory on the disk, and its own name and those above it. Raises OSError.

    A process that was killed may have made some of them and synced none.
    """
    directory = directory.absolute()
    for one in (directory, *directory.parents):
        try:
            handle = os.open(one, os.O_RDONLY)
        except PermissionError:  # who may not read it has not made it
            continue
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        if one.is_mount():
            return


def connected(file: Path) -> sqlite3.Connection:
    """Open a database that is ours, or make it. Raises sqlite3.Error."""
    connection = sqlite3.connect(file, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        connection.execute(f"PRAGMA page_size = {PAGE}")
        connection.execute("PRAGMA synchronous = FULL")
    except BaseException:
        connection.close()
        raise
    return connection


def open_for_writing(file: Path) -> sqlite3.Connection:
    """Open a segment. Raises sqlite3.Error, RecordError."""
    connection = connected(file)
    try:
        require_readable(connection, file)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT}")
        connection.execute(f"PRAGMA journal_size_limit = {JOURNAL_LIMIT}")
    except BaseException:
        connection.close()
        raise
    return connection


def form(connection: sqlite3.Connection) -> int:
    """Return a segment's format."""
    return int(connection.execute("SELECT value FROM meta WHERE key = 'format'").fetchone()[0])


def begin(connection: sqlite3.Connection) -> Begin:
    """Return how a segment begins; one of an older format with nothing. Raises ValueError, sqlite3.Error."""
    if form(connection) < WITH_BEGIN:
        return Begin()
    rows = connection.execute("SELECT seq, first, size, edge, digest, state FROM begin").fetchall()
    if len(rows) != 1 or tuple(map(type, rows[0][:4])) != (int, int, int, bytes):
        raise ValueError("the segment does not say how it begins")
    return Begin(*rows[0])


def last(connection: sqlite3.Connection) -> int:
    """Return the seq of the last entry up to the end of a segment, 0 when there is none at all."""
    found = connection.execute("SELECT max(seq) FROM entries").fetchone()[0]
    if found is not None:
        return int(found)
    new = form(connection) >= WITH_BEGIN
    return int(connection.execute("SELECT seq FROM begin").fetchone()[0]) if new else 0


def close_after_writing(connection: sqlite3.Connection) -> None:
    """Close a segment so that it is one file, which can be read where nothing may be written."""
    with suppress(sqlite3.Error):  # someone reads it just now, or the disk is full: then the WAL stays beside it
        connection.execute("PRAGMA busy_timeout = 0")  # the next segment waits
        connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()


def open_for_reading(file: Path) -> sqlite3.Connection:
    """Open a segment without ever changing it, also beside a process that writes it."""
    if not file.exists():
        raise RecordError(f"{file} is not there: if retention deleted it meanwhile, read the record again")
    address = f"{file.absolute().as_uri()}?mode=ro"
    connection = sqlite3.connect(address, uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        require_readable(connection, file)
    except BaseException:
        connection.close()
        raise
    return connection


def require_readable(connection: sqlite3.Connection, file: Path) -> None:
    """Raise RecordError when the segment is not ours or made by a newer version."""
    if not connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'meta'").fetchone()[0]:
        raise RecordError(f"{file} is not a segment of a record")
    row = connection.execute("SELECT value FROM meta WHERE key = 'format'").fetchone()
    if row is None or not isinstance(row[0], int) or row[0] > SCHEMA:
        made = f"format {'unknown' if row is None else row[0]}, this one reads {SCHEMA}"
        raise RecordError(f"{file} was made by a newer skywarden ({made}): update skywarden")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of what is done inside, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):  # SQLite has mostly done it already; the first error is the one to report
            connection.execute("ROLLBACK")
        raise


@contextmanager
def in_words(path: Path) -> Iterator[None]:
    """Turn what the disk or SQLite says about `path` into a RecordError that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "")
        known = next((words for code, words in _WORDS.items() if name.startswith(code)), None)
        raise RecordError(f"{path}: {known or f'{error}: see the system log'}") from error
    except OSError as error:
        raise RecordError(f"{path}: {_OS_WORDS.get(error.errno or 0, error.strerror)}") from error
    except UnicodeDecodeError as error:  # a name in SQLite's own tables
        raise RecordError(f"{path}: {_DAMAGED}") from error
    except MemoryError as error:  # a length that was changed asks for gigabytes
        raise RecordError(f"{path}: holds more than fits in memory: most likely it {_DAMAGED}") from error


_FULL = "the disk is full: free some space"
_DENIED = "no permission: check owner and mode of the directory and its files"
_DAMAGED = "is damaged: keep a copy, and check the disk"
_WORDS = {
    "SQLITE_FULL": _FULL,
    "SQLITE_CANTOPEN": "cannot be opened: check owner and mode; after kill -9 copy it to where you may write",
    "SQLITE_READONLY_ROLLBACK": "the power was cut while it was closed: start skywarden once, which completes it",
    "SQLITE_READONLY": _DENIED,
    "SQLITE_PERM": _DENIED,
    "SQLITE_NOTADB": _DAMAGED,
    "SQLITE_CORRUPT": _DAMAGED,
    "SQLITE_BUSY": "another program has locked it: close that program",
    "SQLITE_LOCKED": "another program has locked it: close that program",
    "SQLITE_ERROR": _DAMAGED,  # a table is not there
    "SQLITE_IOERR": "the disk does not read or write: check the disk and the system log",
}
_OS_WORDS = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: "the disk quota is used up: raise it or free some space",
    errno.EACCES: _DENIED,
    errno.EPERM: _DENIED,
    errno.EROFS: "the disk is mounted read-only: mount it for writing, or name another directory",
    errno.ENOTDIR: "is not a directory: a record is one; name another",
    errno.EEXIST: "is not a directory: a record is one; name another",
    errno.ENOENT: "there is no such directory",
}
