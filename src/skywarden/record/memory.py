"""A log in memory, for tests and simulation. Nothing is durable."""

from collections.abc import Iterator, Sequence

from skywarden.model.event import Entry
from skywarden.record.log import SNAPSHOTS_KEPT, require_held, require_next, seal, tally


class MemoryLog:
    """Implements `Log`."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._snapshots: dict[int, tuple[bytes, bytes]] = {}  # seq -> digest, payload

    def append(self, entries: Sequence[Entry]) -> None:
        """See Log."""
        require_next(entries, self.last())
        self._entries.extend(entries)

    def save_snapshot(self, seq: int, payload: bytes) -> None:
        """See Log."""
        require_held(seq, self.last())
        self._snapshots[seq] = seal(seq, payload), payload
        for old in sorted(self._snapshots)[:-SNAPSHOTS_KEPT]:
            del self._snapshots[old]

    def begins(self, seq: int, payload: bytes) -> bool:
        """See Log. There are no segments."""
        return False

    def entries(self, after: int = 0) -> Iterator[Entry]:
        """See Record."""
        while after < self.last():
            yield self._entries[after]
            after += 1

    def last(self) -> int:
        """See Record."""
        return len(self._entries)

    def snapshot(self) -> tuple[int, bytes] | None:
        """See Record."""
        for seq in sorted(self._snapshots, reverse=True):
            digest, payload = self._snapshots[seq]
            if seal(seq, payload) == digest:
                return seq, payload
        return None

    def beginning(self) -> tuple[int, bytes] | None:
        """See Record."""
        return None

    def recorded(self) -> dict[str, int]:
        """See Record."""
        counts = tally(self._entries).items()
        return {source: count.messages for (kind, source), count in counts if kind == "Arrived"}

    def close(self) -> None:
        """See Record."""
