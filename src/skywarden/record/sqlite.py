"""A record on disk: a directory of SQLite segments, with a lock file that one writing process holds."""

import fcntl
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from io import FileIO
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from skywarden.errors import RecordError
from skywarden.model.event import Entry
from skywarden.record import segment
from skywarden.record.checkpoint import Key
from skywarden.record.log import SNAPSHOTS_KEPT, kind, require_held, require_next, seal, tally
from skywarden.record.tree import Edge, leaf

CHUNK = 4 << 20  # bytes of payload read at a time
CHECKPOINT_S = 10  # s between two signed roots
SECOND = 1_000_000_000


class SqliteRecord:
    """A record to read: implements `Record`. Never changes it; a process may be writing it meanwhile.

    Raises RecordError when `path` is not a record.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = path = Path(path)
        with segment.in_words(path):
            if not path.exists():
                raise RecordError(f"{path}: there is no such record: check the path")
            if not path.is_dir() or not segment.files(path):
                raise RecordError(f"{path} is not a record: a record is a directory with segment-000001.sqlite in it")
        for file in segment.files(path):
            with segment.in_words(file), closing(segment.open_for_reading(file)):
                pass

    def entries(self, after: int = 0) -> Iterator[Entry]:
        """See Record. Between two chunks no transaction is open, so that a slow reader holds nothing up."""
        for file in segment.files(self.path):
            with segment.in_words(file):
                connection = segment.open_for_reading(file)
            with closing(connection):
                while chunk := self._chunk(connection, file, after):
                    yield from chunk
                    after = chunk[-1].seq

    def _chunk(self, connection: sqlite3.Connection, file: Path, after: int) -> list[Entry]:
        rows: list[Entry] = []
        size = 0
        query = "SELECT seq, time, cause, payload FROM entries WHERE seq > ? ORDER BY seq"
        with segment.in_words(file), closing(connection.execute(query, (after,))) as found:
            try:
                while size < CHUNK and (row := found.fetchone()):
                    seq, time, cause, payload = row
                    if type(payload) is not bytes or type(time) is not int or type(cause) is not int:
                        raise RecordError(f"{file}: entry {seq} is damaged: see `skywarden record verify`")
                    rows.append(Entry(seq, time, cause, payload))
                    size += len(payload)
            except (sqlite3.DatabaseError, MemoryError, RecordError):
                if not rows:  # else what is before the damage is given first
                    raise
        if rows:  # older segments may have been removed, so a record may begin anywhere
            require_next(rows, after or rows[0].seq - 1)
        return rows

    def last(self) -> int:
        """See Record."""
        with segment.in_words(self.path):
            return max((last(c) for c in self.connections()), default=0)

    def snapshot(self) -> tuple[int, bytes] | None:
        """See Record."""
        with segment.in_words(self.path):
            for connection in self.connections(newest_first=True):
                for (seq,) in connection.execute("SELECT seq FROM snapshots ORDER BY seq DESC").fetchall():
                    if (payload := _whole(connection, seq)) is not None:
                        return seq, payload
        return None

    def recorded(self) -> dict[str, int]:
        """See Record."""
        messages: dict[str, int] = {}
        query = "SELECT source, messages FROM tally WHERE kind = 'Arrived' ORDER BY source"
        with segment.in_words(self.path):
            for connection in self.connections():
                for source, count in connection.execute(query).fetchall():
                    if (type(source), type(count)) != (str, int):
                        raise RecordError(f"{self.path} is damaged in its counters: keep a copy, and check the disk")
                    messages[source] = messages.get(source, 0) + count
        return messages

    def connections(self, newest_first: bool = False) -> Iterator[sqlite3.Connection]:
        """Yield each segment, open for reading; raises what SQLite raises."""
        for file in sorted(segment.files(self.path), reverse=newest_first):
            with closing(segment.open_for_reading(file)) as connection:
                yield connection

    def close(self) -> None:
        """See Record. Nothing is held between two calls."""


class SqliteLog:
    """A record to write: implements `Log`. Made when it is not there. Usable from several threads.

    Raises RecordError when another process writes it or it cannot be written.
    """

    def __init__(self, path: Path | str, key: Key | None = None) -> None:
        """Open it. key: signs the tree of the entries every CHECKPOINT_S and at the end; None: nobody does."""
        self.path = path = Path(path)
        self._key = key
        self._turn = Lock()
        with segment.in_words(path):
            self._claim = _claim(path)
            try:
                found = segment.files(path)
                self._file = found[-1] if found else path / "segment-000001.sqlite"
                self._connection = segment.open_for_writing(self._file)
                self._identity = segment.identity(self._file)
                self._record = SqliteRecord(path)
                self._last = self._record.last()
                self._tree = _tree(self._connection, path)
            except BaseException:
                self._claim.close()
                raise

    def append(self, entries: Sequence[Entry]) -> None:
        """See Log."""
        if not entries:
            return
        with self._turn, segment.in_words(self.path):
            require_next(entries, self._last)
            if segment.identity(self._file) != self._identity:
                raise RecordError(f"{self._file} was removed or replaced by somebody: put it back, or start again")
            rows = [(e.seq, e.time, e.cause, kind(e.payload), e.payload) for e in entries]
            tree, hashes = self._tree.grown(rows)
            counts = [(*key, c.entries, c.messages, c.bytes) for key, c in tally(entries).items()]
            try:
                with segment.transaction(self._connection):
                    self._connection.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?)", rows)
                    self._connection.executemany(_ADD_COUNT, counts)
                    self._connection.executemany("INSERT INTO leaves VALUES (?, ?)", hashes)
                    self._connection.execute("UPDATE tree SET size = ?, edge = ?", (tree.edge.size, tree.edge.encode()))
                    if abs(entries[-1].time - tree.signed) >= CHECKPOINT_S * SECOND:
                        tree = self._sign(tree, entries[-1].time)
            except sqlite3.Error:
                with suppress(sqlite3.Error):
                    self._last = max(self._last, last(self._connection))
                    self._tree = _tree(self._connection, self.path)
                raise
            self._last, self._tree = entries[-1].seq, tree

    def _sign(self, tree: "_Tree", time: int) -> "_Tree":
        """Put a checkpoint after the last entry, within a transaction."""
        if self._key is not None and tree.edge.size:
            point = self._key.sign(tree.edge.size, tree.first, time, tree.edge.root())
            self._connection.execute("INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?, ?, ?, ?)", point)
        return tree._replace(signed=time)

    def save_snapshot(self, seq: int, payload: bytes) -> None:
        """See Log."""
        with self._turn, segment.in_words(self.path):
            require_held(seq, self._last)
            with segment.transaction(self._connection):
                row = (seq, seal(seq, payload), payload)
                self._connection.execute("INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?)", row)
                self._connection.execute(_DROP_SNAPSHOTS)

    def entries(self, after: int = 0) -> Iterator[Entry]:
        """See Record."""
        return self._record.entries(after)

    def last(self) -> int:
        """See Record."""
        return self._last

    def snapshot(self) -> tuple[int, bytes] | None:
        """See Record."""
        return self._record.snapshot()

    def recorded(self) -> dict[str, int]:
        """See Record."""
        return self._record.recorded()

    def close(self) -> None:
        """See Record."""
        with self._turn, segment.in_words(self.path):
            try:
                with segment.transaction(self._connection):
                    newest = self._connection.execute("SELECT time FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
                    self._tree = self._sign(self._tree, newest[0] if newest else 0)
            finally:
                segment.close_after_writing(self._connection)
                self._claim.close()


class _Tree(NamedTuple):
    """A segment's tree. first: seq of its first leaf; signed: ns, time of the entry before the last checkpoint."""

    first: int
    edge: Edge
    signed: int

    def grown(self, rows: Iterable[tuple[int, int, int, str, bytes]]) -> "tuple[_Tree, list[tuple[int, bytes]]]":
        """Return the tree with more entries, and their hashes by seq. This one stays: a transaction may fail."""
        edge = Edge.decode(self.edge.size, self.edge.encode())
        hashes = [(row[0], leaf(*row)) for row in rows]
        for _, hashed in hashes:
            edge.add(hashed)
        return self._replace(edge=edge), hashes


def _tree(connection: sqlite3.Connection, path: Path) -> _Tree:
    try:
        first, size, edge = connection.execute("SELECT first, size, edge FROM tree").fetchone()
        signed = connection.execute("SELECT time FROM checkpoints ORDER BY size DESC LIMIT 1").fetchone()
        return _Tree(first, Edge.decode(size, edge), signed[0] if signed else 0)
    except (ValueError, TypeError):  # no row, or values of other types
        raise RecordError(f"{path} is damaged in its tree: keep a copy, see `skywarden record verify`") from None


_ADD_COUNT = """
INSERT INTO tally VALUES (?, ?, ?, ?, ?) ON CONFLICT (kind, source) DO UPDATE SET
entries = entries + excluded.entries, messages = messages + excluded.messages, bytes = bytes + excluded.bytes
"""
_DROP_SNAPSHOTS = f"""
DELETE FROM snapshots WHERE seq NOT IN (SELECT seq FROM snapshots ORDER BY seq DESC LIMIT {SNAPSHOTS_KEPT})
"""


def last(connection: sqlite3.Connection) -> int:
    """Return the last seq of one segment, 0 when it is empty."""
    found = connection.execute("SELECT max(seq) FROM entries").fetchone()[0]
    return int(found or 0)


def _whole(connection: sqlite3.Connection, seq: int) -> bytes | None:
    with suppress(sqlite3.DatabaseError, MemoryError, TypeError):  # a damaged page; the one before may be whole
        row = connection.execute("SELECT digest, payload FROM snapshots WHERE seq = ?", (seq,)).fetchone()
        if row is not None and seal(seq, row[1]) == row[0]:
            return bytes(row[1])
    return None


def _claim(path: Path) -> FileIO:
    """Take the record for this process; the kernel lets go of it when the process ends, however it ends."""
    path.mkdir(parents=True, exist_ok=True)
    strangers = [p.name for p in path.iterdir() if p.name != "lock"]
    if strangers and not segment.files(path):
        raise RecordError(f"{path} is neither empty nor a record: name a new directory")
    claim = FileIO(path / "lock", "a+")
    try:
        fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        claim.seek(0)
        holder = claim.read().decode().strip()
        claim.close()
        raise RecordError(f"{path} is being written by process {holder}: stop it, or name another directory") from None
    with suppress(OSError):  # the number only helps people; a full disk must not stop the claim
        claim.truncate(0)
        claim.write(b"%d\n" % os.getpid())
    return claim
