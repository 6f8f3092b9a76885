"""A record on disk: a directory of SQLite segments, with a lock file that one writing process holds."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from threading import Lock

from skywarden.errors import RecordError
from skywarden.model.event import Entry
from skywarden.record import segment
from skywarden.record.checkpoint import Key
from skywarden.record.lock import claim
from skywarden.record.log import kind, require_held, require_next, seal, tally
from skywarden.record.reading import SqliteRecord, begin_of
from skywarden.record.retention import ALL, BY_AGE, SPAN_S, Keep, Part, Removal, removed, surplus
from skywarden.record.signed import SECOND, doubts, found
from skywarden.record.states import NAME, State, States
from skywarden.record.voucher import voucher


class SqliteLog:
    """A record to write: implements `Log`. Made when it is not there. Usable from several threads.

    Raises RecordError when another process writes it or it cannot be written.
    """

    def __init__(self, path: Path | str, key: Key | None = None, keep: Keep = ALL) -> None:
        """Open it.

        key: signs the tree of the entries every CHECKPOINT_S and at the end; None: nobody does. keep: what may go.
        """
        self.path = path = Path(path)
        self._key, self.keep = key, keep
        self._turn = Lock()
        self._states = States(path)
        self.removed_bytes = 0  # by retention, since it was opened
        self.doubts: list[str] = []  # what is wrong with what was there, in words; it is gone on from all the same
        with segment.in_words(path):
            self._claim = claim(path)
            try:
                self._open()
                self._record = SqliteRecord(path, newest=True)
            except (ValueError, TypeError):  # no row, or values of other types
                self._claim.close()
                words = "is damaged in its tree: keep a copy, see `skywarden record verify`"
                raise RecordError(f"{path} {words}") from None
            except BaseException:
                self._claim.close()
                raise

    def _open(self) -> None:
        for half in self.path.glob("segment-*.new"):  # its making was cut short
            segment.discard(half)
        for file in segment.files(self.path)[-1:]:
            if segment.unmade(file):
                segment.discard(file)
        files = segment.files(self.path)
        if not files:
            segment.make(segment.named(self.path, 1), segment.Begin())
            files = segment.files(self.path)
        for file in files[:-1]:
            self._look_at(file)
        segment.settle(self.path)
        self._states.complete()
        self._take(files[-1])
        try:
            self.doubts += doubts(self._connection, files[-1])
            self._last, self._tree = segment.last(self._connection), found(self._connection)
            if segment.form(self._connection) < segment.WITH_BEGIN:  # it stays as it is, and is gone on from
                self._next_segment(self._newest_state())
            self._finish_removal()
        except BaseException:
            self._connection.close()
            raise

    def _look_at(self, file: Path) -> None:
        """Complete an older segment that was not closed. One that is damaged stays as it is: it is not needed now."""
        try:
            with segment.in_words(file):
                if any(file.with_name(f"{file.name}-{kind}").exists() for kind in ("wal", "journal")):
                    segment.close_after_writing(segment.open_for_writing(file))
                else:
                    segment.open_for_reading(file).close()
        except RecordError as error:
            self.doubts.append(str(error))

    def _take(self, file: Path) -> None:
        self._connection = segment.open_for_writing(file)
        self._file, self._identity = file, segment.identity(file)

    def append(self, entries: Sequence[Entry]) -> None:
        """See Log."""
        if not entries:
            return
        with self._turn, segment.in_words(self.path):
            require_next(entries, self._last)
            if segment.identity(self._file) != self._identity:
                raise RecordError(f"{self._file} was removed or replaced by somebody: put it back, or start again")
            rows = [(e.seq, e.time, e.cause, kind(e.payload), e.payload) for e in entries]
            tree, marked = self._tree.grown(rows)
            counts = [(*key, c.entries, c.messages, c.bytes) for key, c in tally(entries).items()]
            try:
                with segment.transaction(self._connection):
                    self._connection.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)", marked)
                    self._connection.executemany(_ADD_COUNT, counts)
                    if tree.due(entries[-1].time):
                        tree = tree.sign(self._connection, self._key, entries[-1].time)
            except sqlite3.Error:
                with suppress(sqlite3.Error, ValueError):
                    if (held := segment.last(self._connection)) != self._last:  # it was written all the same
                        self._last, self._tree = held, found(self._connection)
                raise
            self._last, self._tree = entries[-1].seq, tree

    def save_snapshot(self, seq: int, payload: bytes) -> None:
        """See Log. After the last entry of a segment that is large or long enough, the next one is begun with it.

        If that cannot be, the state is kept all the same.
        """
        with segment.in_words(self.path):
            require_held(seq, self._last)
            begun = False
            try:
                begun = self.begins(seq, payload)
            finally:
                if not begun and (mark := self._record.mark(seq)) is not None:
                    self._states.save(State(seq, mark, payload))

    def begins(self, seq: int, payload: bytes) -> bool:
        """See Log."""
        with self._turn, segment.in_words(self.path):
            if seq != self._last or not self._complete():
                return False
            self._next_segment((seq, seal(seq, payload), payload))
            self._retain()
            return True

    def _bytes(self) -> int:
        """Return the size of the segment that is written, without what its WAL holds twice."""
        return int(self._connection.execute("PRAGMA page_count").fetchone()[0]) * segment.PAGE

    def _complete(self) -> bool:
        if self._bytes() >= self.keep.piece:
            return True
        first = "SELECT time FROM entries WHERE time > 0 ORDER BY seq LIMIT 1"  # a recording starts before it
        begun = self._connection.execute(first).fetchone()
        return begun is not None and self._time() - begun[0] >= SPAN_S * SECOND

    def _newest_state(self) -> tuple[int, bytes, bytes] | None:
        """Return the snapshot after the last entry, when there is one: in segments of an older format."""
        row = self._connection.execute("SELECT seq, digest, payload FROM snapshots ORDER BY seq DESC").fetchone()
        return row if row is not None and row[0] == self._last else None

    def _next_segment(self, snapshot: tuple[int, bytes, bytes] | None) -> None:
        """Close the segment with a last checkpoint and go on in a new one. snapshot: seq, digest, state after it."""
        old = self._connection
        new = segment.form(old) >= segment.WITH_BEGIN
        if new:
            with segment.transaction(old):
                self._tree = self._tree.sign(old, self._key, self._time())
        first, edge = self._tree.first, self._tree.edge
        state = snapshot[1:] if snapshot is not None else (None, None)
        begin = segment.Begin(self._last, first, edge.size, edge.encode(), *state)
        before = old.execute(_ALL_COUNTS if new else "SELECT * FROM tally").fetchall()
        removal = old.execute("SELECT * FROM removal").fetchone() if new else None
        file = segment.named(self.path, segment.number(self._file) + 1)
        segment.make(file, begin, before, removal, voucher(begin, self._key))
        try:
            self._take(file)
        except BaseException:
            segment.discard(file)  # or a start would take it for the one that was written last
            raise
        with suppress(sqlite3.Error):  # it only helps to notice that the next one is gone
            old.execute("INSERT OR REPLACE INTO meta VALUES ('closed', ?)", (self._last,))
        segment.close_after_writing(old)

    def _retain(self) -> None:
        """Delete the oldest segments that need not be kept any more."""
        files = segment.files(self.path)[:-1]
        if not files or self.keep.days is self.keep.bytes is None:
            return
        now = self._time()
        parts = [Part(now if k >= BY_AGE else _last_time(file), _size(file)) for k, file in enumerate(files)]
        states = self.path / NAME
        held = self._bytes() + (states.stat().st_size if states.exists() else 0)
        count = surplus(self.keep, parts, held, now)
        while count:  # what is left must begin with a known state, or it could not be replayed
            begin = _begin([*files, self._file][count])
            if begin is not None and begin.state is not None:
                with segment.transaction(self._connection):
                    self._connection.execute("DELETE FROM removal")
                    statement = removed(begin.seq, now, self._key)
                    self._connection.execute("INSERT INTO removal VALUES (?, ?, ?, ?)", statement)
                break
            count -= 1
        self._finish_removal()

    def _finish_removal(self) -> None:
        """Delete what is stated to be removed; a power cut may have come between."""
        row = self._connection.execute("SELECT * FROM removal").fetchone()
        files = segment.files(self.path)
        begins = [_begin(file) for file in files] if row else []
        stated = [k for k, begin in enumerate(begins) if begin is not None and begin.seq <= Removal(*row).seq]
        for file in files[: max(stated, default=0)]:  # one that cannot be read goes with those after it
            self.removed_bytes += _size(file)
            segment.discard(file)

    def _time(self) -> int:
        """Return the time of the last entry, ns; 0 when there is none in this segment."""
        found = self._connection.execute("SELECT time FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
        return found[0] if found and type(found[0]) is int else self._tree.signed[0]

    def entries(self, after: int = 0) -> Iterator[Entry]:
        """See Record."""
        return self._record.entries(after)

    def last(self) -> int:
        """See Record."""
        return self._last

    def snapshot(self) -> tuple[int, bytes] | None:
        """See Record."""
        return self._record.snapshot()

    def beginning(self) -> tuple[int, bytes] | None:
        """See Record."""
        return self._record.beginning()

    def recorded(self) -> dict[str, int]:
        """See Record."""
        return self._record.recorded()

    def close(self) -> None:
        """See Record."""
        with self._turn, segment.in_words(self.path):
            try:
                with segment.transaction(self._connection):
                    self._tree = self._tree.sign(self._connection, self._key, self._time())
            finally:
                segment.close_after_writing(self._connection)
                self._states.close()
                self._claim.close()


_ADD_COUNT = """
INSERT INTO tally VALUES (?, ?, ?, ?, ?) ON CONFLICT (kind, source) DO UPDATE SET
entries = entries + excluded.entries, messages = messages + excluded.messages, bytes = bytes + excluded.bytes
"""
_ALL_COUNTS = """
SELECT kind, source, sum(entries), sum(messages), sum(bytes)
FROM (SELECT * FROM before UNION ALL SELECT * FROM tally) GROUP BY kind, source
"""


def _begin(file: Path) -> segment.Begin | None:
    """Return how a segment begins, None when it cannot be read."""
    with suppress(sqlite3.Error, RecordError), closing(segment.open_for_reading(file)) as connection:
        return begin_of(connection, file)
    return None


def _last_time(file: Path) -> int:
    """Return the time of a segment's last entry, ns; of one that cannot be read, when it was last written."""
    with suppress(sqlite3.Error, RecordError), closing(segment.open_for_reading(file)) as connection:
        found = connection.execute("SELECT time FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
        return found[0] if found and type(found[0]) is int else 0
    return file.stat().st_mtime_ns


def _size(file: Path) -> int:
    """Return the bytes of a segment with its WAL."""
    wal = file.with_name(f"{file.name}-wal")
    return file.stat().st_size + (wal.stat().st_size if wal.exists() else 0)
