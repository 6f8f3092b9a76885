"""The hash tree over a record's entries: whoever knows its root notices any change of any entry.

Source: RFC 9162, section 2.1, with SHA-256. The right edge of the tree is all that is kept to go on.
"""

from collections.abc import Sequence
from hashlib import sha256
from struct import Struct

HASH = 32  # bytes
BLOCK = 64  # leaves, a power of two
MARK = 8  # bytes of an entry's hash that stand beside it: they name the entry that changed, and the root proves it
EMPTY = sha256(b"").digest()
_pack = Struct("<BqqqB").pack  # 0 for a leaf, seq, time, cause, length of the kind


def leaf(seq: int, time: int, cause: int, kind: str, payload: bytes) -> bytes:
    """Return the hash of one entry, 32 bytes. time: ns."""
    name = kind.encode()
    return sha256(_pack(0, seq, time, cause, len(name)) + name + payload).digest()


def parent(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()


class Edge:
    """The roots of the complete subtrees that a tree of `size` leaves consists of, the largest first."""

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        self.size = size
        self._hashes = list(hashes)

    def add(self, hashed: bytes) -> None:
        """Take one more leaf, as `leaf` returned it."""
        self._push(hashed, 0)

    def extend(self, hashes: Sequence[bytes]) -> None:
        """Take more leaves, in order. Whole blocks are reduced level by level, which is quicker."""
        at = 0
        while at < len(hashes):
            if self.size % BLOCK or len(hashes) - at < BLOCK:
                self._push(hashes[at], 0)
                at += 1
                continue
            level = hashes[at : at + BLOCK]
            while len(level) > 1:
                level = [sha256(b"\x01" + pair[0] + pair[1]).digest() for pair in zip(level[::2], level[1::2])]  # noqa: B905, equal
            self._push(level[0], BLOCK.bit_length() - 1)
            at += BLOCK

    def _push(self, hashed: bytes, level: int) -> None:
        """Take the root of a complete subtree of 2 ** level leaves; the size must be a multiple of that."""
        hashes, size = self._hashes, self.size >> level
        while size & 1:
            hashed = sha256(b"\x01" + hashes.pop() + hashed).digest()
            size >>= 1
        hashes.append(hashed)
        self.size += 1 << level

    def root(self) -> bytes:
        """Return the root of the tree as it is now."""
        if not self._hashes:
            return EMPTY
        *rest, root = self._hashes
        for left in reversed(rest):
            root = parent(left, root)
        return root

    def copy(self) -> "Edge":
        """Return another edge of the same tree."""
        return Edge(self.size, self._hashes)

    def encode(self) -> bytes:
        """Return the hashes side by side; `decode` needs the size as well."""
        return b"".join(self._hashes)

    @classmethod
    def decode(cls, size: int, data: bytes) -> "Edge":
        """Return the edge of a tree of `size` leaves. Raises ValueError when so many hashes are not its edge."""
        if size < 0 or len(data) != HASH * size.bit_count():
            raise ValueError(f"a tree of {size} leaves has another edge")
        return cls(size, [data[k : k + HASH] for k in range(0, len(data), HASH)])
