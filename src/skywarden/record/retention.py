"""Which segments of a record may go: the oldest, whole, by age and by size. Nothing inside a segment is ever changed.

What is deleted is signed first, so that a record that somebody else shortened at its beginning can be told from ours.
"""

from collections.abc import Sequence
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from skywarden.record.checkpoint import Key

SEGMENT = 256 << 20  # bytes, at which a segment is closed
SPAN_S = 86_400  # s of a segment, at which it is closed too: what is too old can only go with all that is beside it
PARTS = 8  # segments that a limit of size is divided into at least
BY_AGE = 2  # segments that go by their age at a time: an hour of a wrong clock must not cost a year of record
DAY = 86_400_000_000_000  # ns


class Keep(NamedTuple):
    """What is kept. days: at least; None: all. bytes: at most, all segments together; None: as much as there is.

    segment: bytes of one.
    """

    days: float | None = None
    bytes: int | None = None
    segment: int = SEGMENT

    @property
    def piece(self) -> int:
        """Return the bytes at which a segment is closed."""
        return self.segment if self.bytes is None else min(self.segment, self.bytes // PARTS)


ALL = Keep()


class Part(NamedTuple):
    """A closed segment. time: ns, of its last entry; bytes: on the disk."""

    time: int
    bytes: int


def surplus(keep: Keep, parts: Sequence[Part], present: int, now: int) -> int:
    """Return how many of the closed segments may go, counted from the oldest.

    present: bytes of the one that is written, which stays. now: ns, time of its last entry.
    """
    count = 0
    if keep.days is not None:
        oldest = now - round(keep.days * DAY)
        while count < min(BY_AGE, len(parts)) and parts[count].time < oldest:
            count += 1
    if keep.bytes is not None:
        held = present + sum(part.bytes for part in parts[count:])
        while count < len(parts) and held > keep.bytes:
            held -= parts[count].bytes
            count += 1
    return count


class Removal(NamedTuple):
    """A signed statement: entries up to `seq` were deleted by retention. time: ns, of the entry then last."""

    seq: int
    time: int
    key: bytes
    signature: bytes

    def signed_by_its_key(self) -> bool:
        """Say whether the signature fits."""
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(self.signature, _text(self.seq, self.time))
        except (InvalidSignature, ValueError):
            return False
        return True


def removed(seq: int, time: int, key: Key | None) -> Removal:
    """Return the statement; without a key it is signed by nobody."""
    if key is None:
        return Removal(seq, time, b"", b"")
    return Removal(seq, time, key.public, key.sign_text(_text(seq, time)))


def _text(seq: int, time: int) -> bytes:
    return f"skywarden removal\n{seq}\n{time}\n".encode()
