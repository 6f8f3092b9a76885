"""A record that is made in one go and as fast as the disk takes it: simulated frames, with equal bytes for equal input.

A record of a running system must lose nothing at a power cut; one that is made by a program can be made again. So
nothing is synced before the end, and only then does the file get its name. No clock and no process number is in it.
"""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from skywarden.errors import RecordError
from skywarden.model.event import Entry
from skywarden.record import segment
from skywarden.record.checkpoint import Key
from skywarden.record.lock import claim
from skywarden.record.log import Count, kind, require_next, tally
from skywarden.record.signed import SignedTree
from skywarden.record.tree import Edge

GROUP = 16 << 20  # bytes of payload in one transaction
PART = ".part"  # what the file is called until it is whole


class BulkLog:
    """A record to write from its first entry to its last. `close` makes it one; without it there is none.

    Raises RecordError when the directory holds anything already, or cannot be written.
    """

    def __init__(self, path: Path, key: Key, created: str) -> None:
        """Begin. key: signs the tree every 10 s of entries and at the end. created: UTC, 2030-03-14T20:00:00.000Z."""
        self.path, self._key = path, key
        self._file = segment.named(path, 1)
        self._part = self._file.with_suffix(PART)
        self._tree = SignedTree(1, Edge())
        self._counts: dict[tuple[str, str], Count] = {}
        self._held: list[Entry] = []
        self._last = self._waiting = self._time = 0
        self._over = False
        with segment.in_words(path):
            self._claim = claim(path)
            try:
                if segment.files(path):
                    raise RecordError(f"{path} holds a record already: name a new directory")
                segment.discard(self._part)  # its making was cut short
                segment.make(self._part, segment.Begin(), created=created)
                self._connection = _fast(self._part)
            except BaseException:
                self._let_go()
                raise

    def append(self, entries: Sequence[Entry]) -> None:
        """Add entries; their seq must follow the last one without a gap.

        They are held until a checkpoint is due: many at once take a quarter of the time that they take one by one.
        """
        if not entries:
            return
        require_next(entries, self._last)
        self._held += entries
        self._last, self._time = entries[-1].seq, entries[-1].time
        self._waiting += sum(len(e.payload) for e in entries)
        if self._tree.due(self._time, len(self._held)) or self._waiting >= GROUP:
            self._write()

    def _write(self) -> None:
        """Write the entries that are held, and what is due after them."""
        entries, self._held = self._held, []
        rows = [(e.seq, e.time, e.cause, kind(e.payload), e.payload) for e in entries]
        self._tree, marked = self._tree.grown(rows)
        with segment.in_words(self.path):
            self._connection.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)", marked)
            if self._tree.due(self._time):
                self._tree = self._tree.sign(self._connection, self._key, self._time)
            if self._waiting >= GROUP:
                self._connection.execute("COMMIT")
                self._connection.execute("BEGIN")
                self._waiting = 0
        for name, count in tally(entries).items():
            total = self._counts.setdefault(name, Count())
            total.entries += count.entries
            total.messages += count.messages
            total.bytes += count.bytes

    def close(self) -> None:
        """Sign, put it all on the disk and give it its name."""
        if self._over:
            return
        self._over = True
        try:
            self._write()
        except BaseException:
            self.abandon()
            raise
        counts = [(*name, c.entries, c.messages, c.bytes) for name, c in sorted(self._counts.items())]
        with segment.in_words(self.path):
            try:
                self._connection.executemany("INSERT INTO tally VALUES (?, ?, ?, ?, ?)", counts)
                if self._tree.edge.size:
                    self._tree = self._tree.sign(self._connection, self._key, self._time)
                self._connection.execute("COMMIT")
                self._connection.close()
                with self._part.open("rb") as file:
                    os.fsync(file.fileno())
                self._part.rename(self._file)
                self._let_go()
                segment.settle(self.path)
            except BaseException:
                self.abandon()
                raise

    def abandon(self) -> None:
        """Delete what was written."""
        self._over = True
        with suppress(sqlite3.Error):
            self._connection.close()
        with suppress(OSError):
            segment.discard(self._part)
        self._let_go()

    def _let_go(self) -> None:
        """The lock's file names a process, and who reads a record needs none."""
        (self.path / "lock").unlink(missing_ok=True)
        self._claim.close()


def _fast(file: Path) -> sqlite3.Connection:
    """Open a segment for writing that nobody else knows of and that a power cut may spoil."""
    connection = sqlite3.connect(file, isolation_level=None)
    try:
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("BEGIN")
    except BaseException:
        connection.close()
        raise
    return connection
