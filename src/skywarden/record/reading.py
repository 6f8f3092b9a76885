"""A record on disk to read: all its segments as one, also while a process writes it."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path

from skywarden.errors import RecordError
from skywarden.model.event import Entry
from skywarden.record import segment, states
from skywarden.record.log import require_next, seal
from skywarden.record.states import State

CHUNK = 4 << 20  # bytes of payload read at a time
ROWS = 500  # entries of chosen kinds read at a time


class SqliteRecord:
    """A record to read: implements `Record`. Never changes it; a process may be writing it meanwhile.

    Raises RecordError when `path` is not a record.
    """

    def __init__(self, path: Path | str, *, newest: bool = False) -> None:
        """Look whether it can be read. newest: only its newest segment; an older one must not keep a picture away."""
        self.path = path = Path(path)
        with segment.in_words(path):
            if not path.exists():
                raise RecordError(f"{path}: there is no such record: check the path")
            if not path.is_dir() or not segment.files(path):
                raise RecordError(f"{path} is not a record: a record is a directory with segment-000001.sqlite in it")
        for file in segment.files(path)[-1 if newest else 0 :]:
            with segment.in_words(file), closing(segment.open_for_reading(file)):
                pass

    def entries(self, after: int = 0) -> Iterator[Entry]:
        """See Record. Between two chunks no transaction is open, so that a slow reader holds nothing up."""
        file = self._holding(after)
        while file is not None:
            with segment.in_words(file):
                connection = segment.open_for_reading(file)
            with closing(connection):
                following = None
                while (chunk := self._chunk(connection, file, after)) or following is None:
                    yield from chunk
                    after = chunk[-1].seq if chunk else after
                    if not chunk and (following := self._following(file)) is None:
                        return  # else once more: this one may have grown before the next was begun
            file = following

    def _following(self, file: Path) -> Path | None:
        with segment.in_words(self.path):
            return next((other for other in segment.files(self.path) if other.name > file.name), None)

    def _holding(self, after: int) -> Path:
        """Return the segment in which the entry behind `after` is, or will be."""
        with segment.in_words(self.path):
            files = segment.files(self.path)
            while len(files) > 1:
                with closing(segment.open_for_reading(files[-1])) as connection:
                    if segment.form(connection) >= segment.WITH_BEGIN and begin_of(connection, files[-1]).seq <= after:
                        break
                files.pop()
            return files[-1]

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

    def of_kinds(self, kinds: Sequence[str], after: int = 0) -> Iterator[Entry]:
        """Yield the entries of some kinds of events with seq > after, in order, without reading the others' payloads.

        Between two of these no transaction is open for long, as in `entries`. Raises RecordError.
        """
        query = "SELECT seq, time, cause, payload FROM entries WHERE seq > ? AND kind IN ({}) ORDER BY seq LIMIT ?"
        query = query.format(", ".join("?" * len(kinds)))
        file: Path | None = self._holding(after)
        while file is not None:
            with segment.in_words(file), closing(segment.open_for_reading(file)) as connection:
                following = None
                while (rows := connection.execute(query, (after, *kinds, ROWS)).fetchall()) or following is None:
                    if any(tuple(map(type, row)) != (int, int, int, bytes) for row in rows):
                        raise RecordError(f"{file} is damaged: see `skywarden record verify`")
                    yield from map(Entry._make, rows)
                    after = rows[-1][0] if rows else after
                    if not rows and (following := self._following(file)) is None:
                        return  # else once more, as in `entries`
            file = following

    def states_before(self, seq: int) -> Iterator[tuple[int, bytes]]:
        """Yield seq and payload of the whole states of this record after entries up to `seq`, newest first."""
        kept = [one for one in states.whole(self.path) if one.seq <= seq and self.mark(one.seq) == one.mark]
        begun = []
        with segment.in_words(self.path):
            for connection in self.connections(newest_first=True):
                found = _state(connection)
                begun += [found[0]] if found is not None and found[0] <= seq else []
        for at in sorted({*begun, *(one.seq for one in kept)}, reverse=True):
            payload = next((one.payload for one in kept if one.seq == at), None)
            payload = payload or self._begun(at)
            if payload is not None:
                yield at, payload

    def _begun(self, seq: int) -> bytes | None:
        """Return the state after entry `seq` with which a segment begins."""
        with segment.in_words(self.path):
            found = (_state(connection) for connection in self.connections())
            return next((one[1] for one in found if one is not None and one[0] == seq), None)

    def last(self) -> int:
        """See Record."""
        with segment.in_words(self.path):
            return next((seq for c in self.connections(newest_first=True) if (seq := segment.last(c))), 0)

    def snapshot(self) -> tuple[int, bytes] | None:
        """See Record."""
        kept = self.state()
        inside = self._inside()
        if kept is None or (inside is not None and inside[0] > kept.seq):
            return inside
        return kept.seq, kept.payload

    def state(self) -> State | None:
        """Return the newest state in a file of its own that is whole and of this record."""
        with segment.in_words(self.path):
            return next((one for one in states.whole(self.path) if self.mark(one.seq) == one.mark), None)

    def mark(self, seq: int) -> bytes | None:
        """Return the mark of an entry, None when it is not there or cannot be read."""
        query = "SELECT mark FROM entries WHERE seq = ?"
        with suppress(sqlite3.DatabaseError, RecordError):
            with_entry = self._holding(seq - 1)
            with closing(segment.open_for_reading(with_entry)) as connection:
                new = segment.form(connection) >= segment.WITH_BEGIN
                row = connection.execute(query, (seq,)).fetchone() if new else None
                return row[0] if row is not None and type(row[0]) is bytes else None
        return None

    def _inside(self) -> tuple[int, bytes] | None:
        """Return the newest state in the segments: one that begins one, or any of an older version."""
        with segment.in_words(self.path):
            for connection in self.connections(newest_first=True):
                for (seq,) in connection.execute("SELECT seq FROM snapshots ORDER BY seq DESC").fetchall():
                    if (payload := _whole(connection, seq)) is not None:
                        return seq, payload
                if (state := _state(connection)) is not None:
                    return state
        return None

    def beginning(self) -> tuple[int, bytes] | None:
        """See Record."""
        with segment.in_words(self.path):
            return next(_state(connection) for connection in self.connections())

    def recorded(self) -> dict[str, int]:
        """See Record."""
        messages: dict[str, int] = {}
        with segment.in_words(self.path):
            for connection in self.connections(newest_first=True):
                new = segment.form(connection) >= segment.WITH_BEGIN
                for table in ("tally", "before") if new else ("tally",):
                    query = f"SELECT source, messages FROM {table} WHERE kind = 'Arrived'"
                    for source, count in connection.execute(query).fetchall():
                        if (type(source), type(count)) != (str, int):
                            words = "is damaged in its counters: keep a copy, and check the disk"
                            raise RecordError(f"{self.path} {words}")
                        messages[source] = messages.get(source, 0) + count
                if new:
                    break
        return dict(sorted(messages.items()))

    def connections(self, newest_first: bool = False) -> Iterator[sqlite3.Connection]:
        """Yield each segment, open for reading; raises what SQLite raises."""
        for file in sorted(segment.files(self.path), reverse=newest_first):
            with closing(segment.open_for_reading(file)) as connection:
                yield connection

    def close(self) -> None:
        """See Record. Nothing is held between two calls."""


def begin_of(connection: sqlite3.Connection, file: Path) -> segment.Begin:
    """Return how a segment begins. Raises RecordError when it is damaged there."""
    try:
        return segment.begin(connection)
    except ValueError as error:
        raise RecordError(f"{file}: {error}: it is damaged, see `skywarden record verify`") from None


def _state(connection: sqlite3.Connection) -> tuple[int, bytes] | None:
    """Return the state with which a segment begins, when it is whole."""
    with suppress(sqlite3.DatabaseError, ValueError, MemoryError, TypeError):
        seq, *_, digest, state = segment.begin(connection)
        if state is not None and seal(seq, state) == digest:
            return seq, bytes(state)
    return None


def _whole(connection: sqlite3.Connection, seq: int) -> bytes | None:
    with suppress(sqlite3.DatabaseError, MemoryError, TypeError):  # a damaged page; the one before may be whole
        row = connection.execute("SELECT digest, payload FROM snapshots WHERE seq = ?", (seq,)).fetchone()
        if row is not None and seal(seq, row[1]) == row[0]:
            return bytes(row[1])
    return None
