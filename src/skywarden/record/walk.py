"""The state of a verification: what was seen of a record so far, and whether what comes next fits."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from skywarden.record.checkpoint import Checkpoint
from skywarden.record.heads import EVERYTHING, Head
from skywarden.record.signed import ENTRY
from skywarden.record.tree import MARK, Edge, leaf
from skywarden.record.voucher import doubt

OPEN_S = 30  # s of entries after the last checkpoint, at most: one follows after 10 s at the latest
SECOND = 1_000_000_000
USUAL = tuple({kind} for kind in ENTRY)  # types in each column


class Fault(NamedTuple):
    """The first thing that is not as it was written. seq: at which entry, or after which one."""

    seq: int
    what: str


class Report(NamedTuple):
    """What came of a verification. seqs: first and last entry; covered: first entry in the tree, 0 none.

    removed: last entry that retention has deleted, 0 none. checkpoints: how many fit; last: the last of these;
    uncovered: entries after it, which no signature covers. signers: public keys of these checkpoints, in order.
    """

    entries: int
    seqs: tuple[int, int]
    covered: int
    removed: int
    checkpoints: int
    last: Checkpoint | None
    uncovered: int
    fault: Fault | None
    signers: tuple[bytes, ...] = ()


class Walk:
    """The state of a verification between two entries."""

    def __init__(self, public: Collection[bytes]) -> None:
        self.entries = self.first = self.seq = self.time = self.good = self.covered = self.removed = 0
        self.last: Checkpoint | None = None
        self.tree: int | None = None  # seq of the first leaf of the record's tree
        self.edge = Edge()
        self.signers: list[bytes] = []
        self.public = public
        self._marked = self._closed = False

    def begin(self, head: Head, removed: int) -> Fault | None:
        """Look at how a segment begins. removed: last entry that a statement says was deleted."""
        begin = head.begin
        self._marked, self._closed = head.marked, head.closed
        if begin is None:
            return None if self.tree is None else Fault(self.seq, "the tree of what follows this entry was taken away")
        if head.marked and begin.seq > self.seq:
            if self.entries or begin.seq > removed:
                return Fault(self.seq + 1, f"entries {self.seq + 1} to {begin.seq} are missing")
            self.seq = begin.seq
            self.removed = begin.seq if removed < EVERYTHING else 0  # nobody knows when the end is missing too
            self.edge = Edge.decode(begin.size, begin.edge)
        goes_on = (begin.size, begin.edge) == (self.edge.size, self.edge.encode())
        if head.marked and (begin.seq != self.seq or not goes_on):
            return Fault(self.seq, "what follows this entry does not go on from it: of another record, or changed")
        if self.tree not in (None, begin.first):
            return Fault(self.seq, "what follows this entry is in another tree")
        self.tree = begin.first
        doubted = doubt(begin, head.voucher, self.public) if head.marked else None
        return None if doubted is None else Fault(begin.seq, doubted)

    def take(self, row: tuple[Any, ...]) -> Fault | None:
        """Look at the next entry: seq, time, cause, kind, payload, mark or None."""
        seq = row[0]
        if seq < 1:
            return Fault(seq, "no entry has such a number: it was added")
        if seq <= self.seq:
            return Fault(seq, "there is another entry of this number: one of them was added")
        if seq != self.seq + 1 and (self.entries or self._marked):
            return Fault(self.seq + 1, f"entries {self.seq + 1} to {seq - 1} are missing")
        if tuple(map(type, row[:5])) != ENTRY:
            return Fault(seq, "this entry is not what was written")
        self.first, self.seq, self.time = self.first or seq, seq, row[1]
        self.entries += 1
        if self.tree is None or seq < self.tree:
            return None
        hashed = leaf(*row[:5])
        if self._marked and row[5] != hashed[:MARK]:
            return Fault(seq, "this entry is not what was written")
        self.covered = self.covered or seq
        self.edge.add(hashed)
        return None

    def take_all(self, rows: Sequence[tuple[Any, ...]], due: list[Checkpoint]) -> Fault | None:
        """Look at entries in turn, and at the checkpoints that are due after them. due: the next one is the last."""
        while rows:
            room = due[-1].size - self.edge.size if due else 0
            part = rows[:room] if room > 0 else rows
            if not self._usual(part) and (fault := self._one_by_one(part, due)):
                return fault
            if due and due[-1].size == self.edge.size and (fault := self.check(due.pop())):
                return fault
            rows = rows[len(part) :]
        return None

    def _usual(self, rows: Sequence[tuple[Any, ...]]) -> bool:
        """Take entries that are as they should be, all together; else none of them. Source: a profile of 10 million."""
        seqs, times, causes, kinds, payloads, marks = zip(*rows, strict=True)
        if not self._marked or not self.covered or (seqs[0], seqs[-1]) != (self.seq + 1, self.seq + len(rows)):
            return False
        if tuple(set(map(type, column)) for column in (seqs, times, causes, kinds, payloads)) != USUAL:
            return False
        hashes = list(map(leaf, seqs, times, causes, kinds, payloads))
        if [hashed[:MARK] for hashed in hashes] != list(marks):
            return False
        self.edge.extend(hashes)
        self.seq, self.time = seqs[-1], times[-1]
        self.entries += len(rows)
        return True

    def _one_by_one(self, rows: Sequence[tuple[Any, ...]], due: list[Checkpoint]) -> Fault | None:
        for row in rows:
            if fault := self.take(row):
                return fault
            if row is not rows[-1] and due and due[-1].size == self.edge.size and (fault := self.check(due.pop())):
                return fault
        return None

    def check(self, point: Checkpoint) -> Fault | None:
        """Compare the tree with a checkpoint of its size."""
        if self.public and point.key not in self.public:
            return Fault(point.seq, f"the checkpoint after this entry is signed by another key: {point.key.hex()}")
        if point.first != self.tree or not point.signed_by_its_key():
            return Fault(point.seq, "the checkpoint after this entry has a wrong signature")
        if point.root != self.edge.root():
            since = self.last.seq + 1 if self.last else self.covered or point.first
            return Fault(since, f"entries {since} to {point.seq} are not those that were signed")
        self.good, self.last = self.good + 1, point
        self.signers += [point.key] if point.key not in self.signers else []
        return None

    def end(self, head: Head, points: Sequence[Checkpoint]) -> Fault | None:
        """Look at what must be there besides at the end of a segment. points: that had no entry of their size."""
        if self.tree is None:
            return None
        last = max([head.size, *(point.size for point in points)])
        if self.edge.size < last:
            return Fault(self.seq, f"entries {self.seq + 1} to {self.tree + last - 1} are missing at the end")
        if points or head.edge not in (None, self.edge.encode()):
            return Fault(self.seq, "the tree of the record is not that of its entries")
        return None

    def close(self) -> Fault | None:
        """Look at the record's end."""
        if self._closed:
            return Fault(self.seq, "what follows this entry is missing: a segment was begun after it")
        if self.public and self.tree is None:
            return Fault(0, "there is a key for this record and no tree in it: the tree was taken away")
        signed = self.last.time if self.last else None
        if self.public and self.covered and (signed is None or abs(self.time - signed) > OPEN_S * SECOND):
            since = self.last.seq + 1 if self.last else self.covered
            return Fault(since, "from here on nothing is signed, and it should be: it was changed, or cut off")
        return None

    @classmethod
    def inside(cls, public: Collection[bytes], seq: int, tree: int, edge: Edge) -> "Walk":
        """Begin in the middle of a segment of today's format, as if all up to an entry had been seen."""
        walk = cls(public)
        walk.seq, walk.tree, walk.edge, walk._marked = seq, tree, edge, True
        return walk

    def join(self, later: "Walk") -> None:
        """Go on where a walk has ended that began inside, just here."""
        self.entries, self.good = self.entries + later.entries, self.good + later.good
        self.first, self.covered = self.first or later.first, self.covered or later.covered
        self.signers += [key for key in later.signers if key not in self.signers]
        self.seq, self.time, self.edge, self.last = later.seq, later.time, later.edge, later.last or self.last

    def report(self, fault: Fault | None) -> Report:
        """Return what came of it."""
        uncovered = self.seq - (self.last.seq if self.last else self.covered - 1) if self.covered else 0
        seqs = (self.first, self.seq if self.entries else 0)
        numbers = (self.entries, seqs, self.covered, self.removed, self.good)
        return Report(*numbers, self.last, uncovered, fault, tuple(self.signers))
