"""What a record is, whatever holds it: the two protocols, and the rules that every backend shares."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol

import msgspec

from skywarden.errors import RecordError
from skywarden.model.event import Entry

SNAPSHOTS_KEPT = 3  # the newest may be damaged, the one before it as well; older ones only cost disk


class Record(Protocol):
    """A record to read. Every method raises RecordError when the record cannot be read."""

    def entries(self, after: int = 0) -> Iterator[Entry]:
        """Yield the entries with seq > after, in order, a few in memory at a time; those added meanwhile too."""
        ...

    def last(self) -> int:
        """Return the seq of the last entry, 0 when there is none."""
        ...

    def snapshot(self) -> tuple[int, bytes] | None:
        """Return seq and payload of the newest snapshot that is whole; damaged ones are passed over."""
        ...

    def beginning(self) -> tuple[int, bytes] | None:
        """Return the seq before the first entry and the state after it; None when it begins with a first start.

        Also None when that state is damaged.
        """
        ...

    def recorded(self) -> dict[str, int]:
        """Return how many messages of each source were recorded, also in what retention has deleted since."""
        ...

    def close(self) -> None:
        """Let go of files and locks."""
        ...


class Log(Record, Protocol):
    """A record to write. One owner at a time; reading goes on beside it."""

    def append(self, entries: Sequence[Entry]) -> None:
        """Add entries in one transaction: durable when this returns, none of them when it raises RecordError.

        Their seq must follow the last one without a gap.
        """
        ...

    def save_snapshot(self, seq: int, payload: bytes) -> None:
        """Keep the state after entry `seq`, which must be in the log. The last few snapshots are kept.

        It takes its time; another thread may append meanwhile.
        """
        ...

    def begins(self, seq: int, payload: bytes) -> bool:
        """Begin the next segment with this state, if it is after the last entry and time for that; say whether."""
        ...


def require_next(entries: Sequence[Entry], last: int) -> None:
    """Raise RecordError unless the entries carry the seqs after `last`, one by one."""
    for expected, entry in enumerate(entries, last + 1):
        if entry.seq != expected:
            raise RecordError(f"entry {entry.seq} cannot be added: the next one is {expected}")


def require_held(seq: int, last: int) -> None:
    """Raise RecordError when a snapshot is ahead of the log that it belongs to."""
    if seq > last:
        raise RecordError(f"a snapshot after entry {seq} cannot be kept: the last entry is {last}")


def seal(seq: int, payload: bytes) -> bytes:
    """Return the digest that is kept with a snapshot, 16 bytes."""
    return blake2b(payload, digest_size=16, salt=seq.to_bytes(16, "little")).digest()


@dataclass(slots=True)
class Count:
    """How much of one kind and source is in some entries. bytes: of messages for Arrived, of payload for others."""

    entries: int = 0
    messages: int = 0
    bytes: int = 0


def tally(entries: Iterable[Entry]) -> dict[tuple[str, str], Count]:
    """Count entries by (kind, source); source is "" for all kinds but Arrived."""
    counts: dict[tuple[str, str], Count] = {}
    for entry in entries:
        head = _head(entry.payload)
        count = counts.setdefault((head.type, head.frame.source if head.frame else ""), Count())
        count.entries += 1
        count.messages += len(head.frame.lengths) // 4 if head.frame else 0
        count.bytes += len(head.frame.data) if head.frame else len(entry.payload)
    return counts


def kind(payload: bytes) -> str:
    """Return an encoded event's name ("Arrived", "Tick", ...) without decoding it."""
    return _head(payload).type


class _Frame(msgspec.Struct, frozen=True):
    source: str
    data: memoryview  # a view: its bytes are not copied to be counted
    lengths: memoryview


class _Head(msgspec.Struct, frozen=True):
    type: str
    frame: _Frame | None = None


_decode = msgspec.msgpack.Decoder(_Head).decode


def _head(payload: bytes) -> _Head:
    try:
        return _decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _Head("unknown")  # whatever it is, it is recorded
