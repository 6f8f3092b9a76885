"""Ways to change a record on disk behind the program's back, as damage or as somebody who knows SQLite would."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from skywarden.record import segment
from skywarden.record.checkpoint import Key
from skywarden.record.log import seal
from skywarden.record.tree import MARK, Edge, leaf

Spoil = Callable[[sqlite3.Connection, np.random.Generator], int]  # returns the entry that must be named, 0 any


def signed(db: sqlite3.Connection) -> int:
    """Return the last entry under a signature."""
    return int(db.execute("SELECT max(first + size - 1) FROM checkpoints").fetchone()[0])


def begun(db: sqlite3.Connection) -> int:
    """Return the entry before the first one."""
    return int(db.execute("SELECT seq FROM begin").fetchone()[0])


def some(db: sqlite3.Connection, rng: np.random.Generator, before: int = 0) -> int:
    """Return the seq of an entry under a signature, `before` ones before the last at least."""
    return int(rng.integers(begun(db) + 2, signed(db) - before))


def drawn(db: sqlite3.Connection, rng: np.random.Generator, columns: str) -> tuple[Any, ...]:
    """Return some columns of one checkpoint."""
    rows = db.execute(f"SELECT {columns} FROM checkpoints ORDER BY size").fetchall()
    return tuple(rows[int(rng.integers(len(rows)))])


def flipped(db: sqlite3.Connection, rng: np.random.Generator) -> int:
    """One bit of a payload."""
    seq = some(db, rng)
    data = bytearray(db.execute("SELECT payload FROM entries WHERE seq = ?", (seq,)).fetchone()[0])
    data[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))
    db.execute("UPDATE entries SET payload = ? WHERE seq = ?", (bytes(data), seq))
    return seq


def number_changed(db: sqlite3.Connection, rng: np.random.Generator) -> int:
    """One bit of a time or a cause, or the word of a kind."""
    seq = some(db, rng)
    column = ("time", "cause")[int(rng.integers(2))]
    db.execute(f"UPDATE entries SET {column} = {column} + ? WHERE seq = ?", (1 << int(rng.integers(40)), seq))
    return seq


def deleted(db: sqlite3.Connection, rng: np.random.Generator) -> int:
    """One entry."""
    seq = some(db, rng)
    db.execute("DELETE FROM entries WHERE seq = ?", (seq,))
    return seq


def closed_up(db: sqlite3.Connection, rng: np.random.Generator) -> int:
    """One entry deleted, and all later ones moved down, with their marks."""
    seq = some(db, rng)
    db.execute("DELETE FROM entries WHERE seq = ?", (seq,))
    db.execute("UPDATE entries SET seq = -(seq - 1) WHERE seq > ?", (seq,))
    db.execute("UPDATE entries SET seq = -seq WHERE seq < 0")
    return 0


def inserted(db: sqlite3.Connection, rng: np.random.Generator) -> int:
    """A copy of an entry pushed in, all later ones moved up, with their marks."""
    seq = some(db, rng)
    db.execute("UPDATE entries SET seq = -(seq + 1) WHERE seq > ?", (seq,))
    db.execute("UPDATE entries SET seq = -seq WHERE seq < 0")
    db.execute(_COPY, (seq + 1, seq))
    return 0


def swapped(db: sqlite3.Connection, rng: np.random.Generator) -> int:
    """Two entries in each other's place."""
    one = some(db, rng, before=1)
    other = int(rng.integers(one + 1, signed(db) + 1))
    for old, new in ((one, -1), (other, one), (-1, other)):
        db.execute("UPDATE entries SET seq = ? WHERE seq = ?", (new, old))
    return 0


def cut_off(db: sqlite3.Connection, rng: np.random.Generator) -> int:
    """The end, from before the last checkpoint on."""
    seq = some(db, rng)
    db.execute("DELETE FROM entries WHERE seq > ?", (seq,))
    return seq


def checkpoint_replaced(db: sqlite3.Connection, rng: np.random.Generator) -> int:
    """A checkpoint of another key, or of another root."""
    size, first, time, root = drawn(db, rng, "size, first, time, root")
    key = Key(rng.bytes(32))
    point = key.sign(size, first, time, rng.bytes(32) if rng.random() < 0.5 else root)
    row = (point.root, point.key, point.signature, size)
    db.execute("UPDATE checkpoints SET root = ?, key = ?, signature = ? WHERE size = ?", row)
    return int(point.seq)


def checkpoint_changed(db: sqlite3.Connection, rng: np.random.Generator) -> int:
    """One bit of a root or signature."""
    column = ("root", "signature")[int(rng.integers(2))]
    size, data = drawn(db, rng, f"size, {column}")
    spoiled = bytearray(data)
    spoiled[int(rng.integers(len(spoiled)))] ^= 1 << int(rng.integers(8))
    db.execute(f"UPDATE checkpoints SET {column} = ? WHERE size = ?", (bytes(spoiled), size))
    return 0


def begin_changed(db: sqlite3.Connection, rng: np.random.Generator) -> int:
    """How a segment begins: the tree's size, or one bit of its edge."""
    edge = bytearray(db.execute("SELECT edge FROM begin").fetchone()[0])
    if not edge or rng.random() < 0.3:
        db.execute("UPDATE begin SET size = size + ?", (int(rng.integers(1, 9)),))
        return 0
    edge[int(rng.integers(len(edge)))] ^= 1 << int(rng.integers(8))
    db.execute("UPDATE begin SET edge = ?", (bytes(edge),))
    return 0


def state_changed(db: sqlite3.Connection, rng: np.random.Generator) -> int:
    """The state with which a segment begins: one bit of it, or it and its digest, or one more, or none."""
    (seq, state) = db.execute("SELECT seq, state FROM begin").fetchone()
    made = bytes(rng.bytes(40)) if state is None or rng.random() < 0.3 else bytearray(state)
    digest = None
    if isinstance(made, bytearray):
        made[int(rng.integers(len(made)))] ^= 1 << int(rng.integers(8))
        digest = seal(seq, bytes(made)) if rng.random() < 0.5 else None
    digest = seal(seq, bytes(made)) if state is None else digest
    if state is not None and rng.random() < 0.2:
        db.execute("UPDATE begin SET state = NULL, digest = NULL")
    else:
        db.execute("UPDATE begin SET state = ?, digest = coalesce(?, digest)", (bytes(made), digest))
    if rng.random() < 0.3:
        other = Key(rng.bytes(32))
        signature = other.public + other.sign_text(b"skywarden state")
        db.execute("UPDATE meta SET value = ? WHERE key = 'state'", (signature,))
    return int(seq)


def rewritten(db: sqlite3.Connection, rng: np.random.Generator) -> int:
    """An entry changed, and marks and edges made to fit by somebody without the key."""
    flipped(db, rng)
    _fit(db)
    return 0


def unsigned(db: sqlite3.Connection, rng: np.random.Generator) -> int:
    """The same, and all checkpoints from there on taken away."""
    seq = min(flipped(db, rng), signed(db) - 50)
    _fit(db)
    db.execute("DELETE FROM checkpoints WHERE first + size - 1 >= ?", (seq,))
    return 0


def without_tree(db: sqlite3.Connection, rng: np.random.Generator) -> int:
    """An entry changed, and the tree gone: how it begins, or all of it, with the number of an older format or not."""
    flipped(db, rng)
    if rng.random() < 0.5:
        db.execute("DELETE FROM begin")
    else:
        for table in ("begin", "checkpoints", "removal"):
            db.execute(f"DROP TABLE {table}")
        if rng.random() < 0.7:
            db.execute("UPDATE meta SET value = ? WHERE key = 'format'", (int(rng.integers(1, 4)),))
    return 0


def before_the_first(db: sqlite3.Connection, rng: np.random.Generator) -> int:
    """Entries pushed in before the first one."""
    first = begun(db) + 1
    for seq in range(first - int(rng.integers(1, 4)), first):
        db.execute(_COPY, (seq, first))
    return 0


def behind_the_end(db: sqlite3.Connection, rng: np.random.Generator) -> int:
    """Copies of an entry added behind the last one, with its mark."""
    last = db.execute("SELECT max(seq) FROM entries").fetchone()[0]
    for seq in range(last + 1, last + 1 + int(rng.integers(1, 4))):
        db.execute(_COPY, (seq, last))
    return 0


def other_type(db: sqlite3.Connection, rng: np.random.Generator) -> int:
    """A value that SQLite holds as another type: one bit in a file can do that."""
    table, column, value = (
        ("entries", "kind", b"Tick"),
        ("entries", "time", "soon"),
        ("entries", "payload", "text"),
        ("entries", "mark", "text"),
        ("checkpoints", "root", "text"),
        ("begin", "edge", "text"),
        ("meta", "value", "text"),
    )[int(rng.integers(7))]
    row = f"WHERE seq = {some(db, rng)}" if table == "entries" else ""
    db.execute(f"UPDATE {table} SET {column} = ? {row}", (value,))
    return 0


def _fit(db: sqlite3.Connection) -> None:
    """Make marks and edges fit the entries."""
    size, data = db.execute("SELECT size, edge FROM begin").fetchone()
    edge = Edge.decode(size, data)
    rows = db.execute("SELECT seq, time, cause, kind, payload FROM entries ORDER BY seq").fetchall()
    for row in rows:
        edge.add(leaf(*row))
        db.execute("UPDATE checkpoints SET edge = ? WHERE size = ?", (edge.encode(), edge.size))
    db.executemany("UPDATE entries SET mark = ? WHERE seq = ?", [(leaf(*row)[:MARK], row[0]) for row in rows])


_COPY = "INSERT INTO entries SELECT ?, time, cause, kind, payload, mark FROM entries WHERE seq = ?"


def lost(record: Path, rng: np.random.Generator) -> None:
    """One segment of several."""
    files = segment.files(record)
    segment.discard(files[int(rng.integers(len(files)))])


def lost_with_a_statement(record: Path, rng: np.random.Generator) -> None:
    """The oldest segments, with a statement that they were removed by somebody without the key."""
    *old, newest = segment.files(record)
    for file in old[: int(rng.integers(1, len(old) + 1))]:
        segment.discard(file)
    with closing(sqlite3.connect(newest, isolation_level=None)) as db:
        db.execute("DELETE FROM removal")
        key = db.execute("SELECT key FROM checkpoints").fetchone()[0]
        db.execute("INSERT INTO removal VALUES (?, 0, ?, ?)", (1 << 40, key, rng.bytes(64)))


def exchanged(record: Path, rng: np.random.Generator) -> None:
    """The names of two segments."""
    one, other = (segment.files(record)[int(k)] for k in rng.permutation(len(segment.files(record)))[:2])
    one.rename(record / "aside")
    other.rename(one)
    (record / "aside").rename(other)


def doubled(record: Path, rng: np.random.Generator) -> None:
    """A copy of a segment put behind the last."""
    files = segment.files(record)
    shutil.copy(files[int(rng.integers(len(files)))], segment.named(record, len(files) + 1))


FILE_WAYS = (lost, lost_with_a_statement, exchanged, doubled)
WAYS: tuple[Spoil, ...] = (
    flipped,
    number_changed,
    deleted,
    closed_up,
    inserted,
    swapped,
    cut_off,
    checkpoint_replaced,
    checkpoint_changed,
    begin_changed,
    state_changed,
    rewritten,
    unsigned,
    without_tree,
    before_the_first,
    behind_the_end,
    other_type,
)


def spoil(record: Path, way: Spoil, rng: np.random.Generator) -> int:
    """Change one segment of a record; return the entry that must be named, 0: any."""
    files = segment.files(record)
    with closing(sqlite3.connect(files[int(rng.integers(len(files)))], isolation_level=None)) as db:
        return way(db, rng)
