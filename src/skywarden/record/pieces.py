"""Pieces of a segment that are verified side by side, by several processes.

A checkpoint has the edge of the tree at its entry, so a piece can begin there. Nothing is believed for that: a piece
counts only when the walk over all before it has come to just this edge. Where one does not fit, the walk goes on alone.
"""

import multiprocessing
import os
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from skywarden.errors import RecordError
from skywarden.record import segment
from skywarden.record.checkpoint import Checkpoint
from skywarden.record.tree import Edge
from skywarden.record.walk import Fault, Walk

CHUNK = 2_048  # entries read at a time: between two no transaction is open, or a writer's file would grow and grow
PIECE = 100_000  # entries, at least
WORTH = 500_000  # entries from which on several processes are quicker: to start them takes as long as 100,000 entries
WORKERS = 8  # at most: each reads the same disk
BEFORE_ALL = -1 << 62  # an entry's number, before any that somebody may have added


class Span(NamedTuple):
    """Entries of a segment: the query for them, after one and up to another."""

    query: str
    after: int
    upto: int


class Piece(NamedTuple):
    """Some entries of a segment. seq: the last one before; tree: first leaf; size, edge: of the tree before them.

    points: the checkpoints among them, the next one last; public: as for `verify`.
    """

    file: Path
    span: Span
    seq: int
    tree: int
    size: int
    edge: bytes
    points: list[Checkpoint]
    public: Collection[bytes]


Progress = Callable[[int], None]
Pool = Callable[[Callable[[Piece], Walk | None], Iterable[Piece]], Iterable[Walk | None]]  # as the built-in `map`


def read(
    connection: sqlite3.Connection, walk: Walk, span: Span, due: list[Checkpoint], progress: Progress | None = None
) -> Fault | None:
    """Take entries into a walk, and the checkpoints that are due among them: the next one is the last of `due`."""
    after = span.after
    while rows := connection.execute(span.query, (after, span.upto, CHUNK)).fetchall():
        if fault := walk.take_all(rows, due):
            return fault
        after = rows[-1][0]
        if progress is not None:
            progress(walk.entries)
    return None


def ahead(  # noqa: PLR0913 - as `read`, and what a process of its own must be told
    file: Path,
    pool: Pool,
    connection: sqlite3.Connection,
    walk: Walk,
    span: Span,
    due: list[Checkpoint],
    progress: Progress | None = None,
) -> None:
    """Take as many pieces of a segment into a walk as fit one to the other; `read` goes on after them."""
    cut = list(_pieces(connection, file, walk, span, due))
    with suppress(BrokenExecutor):  # a process was killed
        for piece, found in zip(cut, pool(examine, cut), strict=True):
            if found is None or (piece.seq, piece.size, piece.edge) != (walk.seq, walk.edge.size, walk.edge.encode()):
                return
            walk.join(found)
            del due[len(due) - len(piece.points) :]
            if progress is not None:
                progress(walk.entries)


def _pieces(
    connection: sqlite3.Connection, file: Path, walk: Walk, span: Span, due: list[Checkpoint]
) -> Iterator[Piece]:
    """Cut a segment at checkpoints, whatever these say: see `ahead`."""
    assert walk.tree is not None
    piece = Piece(file, span, walk.seq, walk.tree, walk.edge.size, walk.edge.encode(), [], walk.public)
    for point in reversed(due):
        piece.points.insert(0, point)
        if point.size - piece.size >= PIECE and point.seq < span.upto:
            (edge,) = connection.execute("SELECT edge FROM checkpoints WHERE size = ?", (point.size,)).fetchone()
            yield piece._replace(span=piece.span._replace(upto=point.seq))
            rest = piece.span._replace(after=point.seq)
            piece = piece._replace(span=rest, seq=point.seq, size=point.size, edge=edge, points=[])
    yield piece


def examine(piece: Piece) -> Walk | None:
    """Return the walk over a piece, None when anything in it is not as it should be. Runs in a process of its own."""
    due = list(piece.points)
    try:
        walk = Walk.inside(piece.public, piece.seq, piece.tree, Edge.decode(piece.size, piece.edge))
        with closing(segment.open_for_reading(piece.file)) as connection:
            fault = read(connection, walk, piece.span, due)
    except (sqlite3.Error, RecordError, OSError, ValueError, TypeError, MemoryError):
        return None  # who goes on alone will find it, and say it
    return None if fault or due or walk.seq != piece.span.upto else walk


@contextmanager
def workers(entries: int) -> Iterator[Pool | None]:
    """Have some processes while the block runs; None when that is not worth it for so many entries."""
    count = min(os.cpu_count() or 1, WORKERS)
    if entries < WORTH or count < 2:
        yield None
        return
    executor = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"))
    try:
        yield executor.map
    finally:
        executor.shutdown(cancel_futures=True)
