"""Ways to change a record on disk behind the program's back, as damage or as somebody who knows SQLite would."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np

from skywarden.record.checkpoint import Key
from skywarden.record.tree import Edge, leaf

Spoil = Callable[[sqlite3.Connection, np.random.Generator], int]  # returns the entry that must be named, 0 any


def signed(db: sqlite3.Connection) -> int:
    """Return the last entry under a signature."""
    return int(db.execute("SELECT max(first + size - 1) FROM checkpoints").fetchone()[0])


def some(db: sqlite3.Connection, rng: np.random.Generator, before: int = 0) -> int:
    """Return the seq of an entry under a signature, `before` ones before the last at least."""
    return int(rng.integers(2, signed(db) - before))


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
    """One entry, sometimes with its hash."""
    seq = some(db, rng)
    db.execute("DELETE FROM entries WHERE seq = ?", (seq,))
    if rng.random() < 0.5:
        db.execute("DELETE FROM leaves WHERE seq = ?", (seq,))
    return seq


def closed_up(db: sqlite3.Connection, rng: np.random.Generator) -> int:
    """One entry deleted, and all later ones moved down, with their hashes."""
    seq = some(db, rng)
    for table in ("entries", "leaves"):
        db.execute(f"DELETE FROM {table} WHERE seq = ?", (seq,))
        db.execute(f"UPDATE {table} SET seq = -(seq - 1) WHERE seq > ?", (seq,))
        db.execute(f"UPDATE {table} SET seq = -seq WHERE seq < 0")
    return 0


def inserted(db: sqlite3.Connection, rng: np.random.Generator) -> int:
    """A copy of an entry pushed in, all later ones moved up, with their hashes."""
    seq = some(db, rng)
    for table in ("entries", "leaves"):
        db.execute(f"UPDATE {table} SET seq = -(seq + 1) WHERE seq > ?", (seq,))
        db.execute(f"UPDATE {table} SET seq = -seq WHERE seq < 0")
    db.execute("INSERT INTO entries SELECT seq + 1, time, cause, kind, payload FROM entries WHERE seq = ?", (seq,))
    db.execute("INSERT INTO leaves SELECT seq + 1, hash FROM leaves WHERE seq = ?", (seq,))
    return 0


def swapped(db: sqlite3.Connection, rng: np.random.Generator) -> int:
    """Two entries in each other's place."""
    one = some(db, rng, before=1)
    other = int(rng.integers(one + 1, signed(db) + 1))
    for table in ("entries", "leaves"):
        for old, new in ((one, -1), (other, one), (-1, other)):
            db.execute(f"UPDATE {table} SET seq = ? WHERE seq = ?", (new, old))
    return 0


def cut_off(db: sqlite3.Connection, rng: np.random.Generator) -> int:
    """The end, from before the last checkpoint on."""
    seq = some(db, rng)
    for table in ("entries", "leaves"):
        db.execute(f"DELETE FROM {table} WHERE seq > ?", (seq,))
    return seq


def checkpoint_replaced(db: sqlite3.Connection, rng: np.random.Generator) -> int:
    """A checkpoint of another key, or of another root."""
    size, first, time, root = db.execute("SELECT size, first, time, root FROM checkpoints ORDER BY random()").fetchone()
    key = Key(rng.bytes(32))
    point = key.sign(size, first, time, rng.bytes(32) if rng.random() < 0.5 else root)
    db.execute("INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?, ?, ?, ?)", point)
    return int(point.seq)


def checkpoint_changed(db: sqlite3.Connection, rng: np.random.Generator) -> int:
    """One bit of a root or signature."""
    column = ("root", "signature")[int(rng.integers(2))]
    size, data = db.execute(f"SELECT size, {column} FROM checkpoints ORDER BY random()").fetchone()
    spoiled = bytearray(data)
    spoiled[int(rng.integers(len(spoiled)))] ^= 1 << int(rng.integers(8))
    db.execute(f"UPDATE checkpoints SET {column} = ? WHERE size = ?", (bytes(spoiled), size))
    return 0


def rewritten(db: sqlite3.Connection, rng: np.random.Generator) -> int:
    """An entry changed, and hashes and tree made to fit by somebody without the key."""
    flipped(db, rng)
    edge = Edge()
    rows = db.execute("SELECT seq, time, cause, kind, payload FROM entries ORDER BY seq").fetchall()
    for row in rows:
        edge.add(leaf(*row))
    db.executemany("UPDATE leaves SET hash = ? WHERE seq = ?", [(leaf(*row), row[0]) for row in rows])
    db.execute("UPDATE tree SET edge = ?", (edge.encode(),))
    return 0


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
    rewritten,
)


def spoil(file: Path, way: Spoil, rng: np.random.Generator) -> int:
    """Change a segment; return the entry that must be named, 0: any."""
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        return way(db, rng)
