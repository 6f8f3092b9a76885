"""Is a record what was written? Its entries against their marks, the tree over all of them and the signed roots."""

import sqlite3
from collections.abc import Callable, Collection
from contextlib import closing
from functools import partial
from pathlib import Path

from skywarden.record import segment
from skywarden.record.heads import EVERYTHING, Head, head
from skywarden.record.pieces import BEFORE_ALL, Pool, Progress, Span, ahead, read
from skywarden.record.reading import SqliteRecord
from skywarden.record.walk import Fault, Report, Walk


def verify(
    path: Path, public: Collection[bytes] = (), progress: Progress | None = None, pool: Pool | None = None
) -> Report:
    """Read a whole record. public: the keys that may have signed; empty: whichever did. Raises RecordError.

    progress: is told the number of entries now and then. pool: has pieces examined side by side, see `workers`.
    A process may write meanwhile: what it adds is not looked at.
    """
    record, walk, fault = SqliteRecord(path), Walk(public), None
    files = segment.files(record.path)
    while files and fault is None:
        file = files.pop(0)
        with segment.in_words(file), closing(segment.open_for_reading(file)) as connection:
            try:
                found = head(connection)
                fault = walk.begin(found, _removed(record.path, public))
                others = partial(ahead, file, pool) if pool else None
                fault = fault or _segment(connection, walk, found, progress, others)
                if not files and fault is None:  # it may have grown before another was begun meanwhile
                    files = [later for later in segment.files(record.path) if later.name > file.name]
                    fault = _segment(connection, walk, head(connection), progress, after=walk.seq) if files else None
            except (sqlite3.DatabaseError, ValueError, TypeError, MemoryError) as error:
                fault = Fault(walk.seq, f"what follows this entry cannot be read: {error or 'too long'}")
    return walk.report(fault or walk.close())


def _removed(directory: Path, public: Collection[bytes]) -> int:
    """Return the last entry that was deleted by retention, as the newest segment states it; 0: none, or not by us.

    Where the end of a record is missing so may the newest statement: then any, and the end is what is wrong.
    """
    with closing(segment.open_for_reading(segment.files(directory)[-1])) as connection:
        found = head(connection)
        statement = found.removal
    if found.closed and statement is not None:
        return EVERYTHING
    if statement is None or (public and (statement.key not in public or not statement.signed_by_its_key())):
        return 0
    return statement.seq


def _segment(  # noqa: PLR0913 - as `ahead`
    connection: sqlite3.Connection,
    walk: Walk,
    head: Head,
    progress: Progress | None,
    ahead: Callable[..., None] | None = None,
    after: int = BEFORE_ALL,
) -> Fault | None:
    due = [point for point in reversed(head.points) if after < 0 or point.size > walk.edge.size]
    if due and due[-1].size == walk.edge.size and (fault := walk.check(due.pop())):  # nothing came after it
        return fault
    span = Span(head.entries, after, head.last)
    if ahead is not None and head.marked and (not due or due[-1].size > walk.edge.size):
        before = walk.seq
        ahead(connection, walk, span, due, progress)
        span = span._replace(after=walk.seq if walk.seq > before else after)
    return read(connection, walk, span, due, progress) or walk.end(head, due)
