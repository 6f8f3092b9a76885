"""Whole messages of one connection that were read and wait until its quota lets them in."""


class Held:
    """A queue of messages, without copying what stays.

    fresh: some were put since the last `settle`. waited: some of those that were put last could not go in at once.
    """

    def __init__(self) -> None:
        self.fresh = self.waited = False
        self._data, self._start = b"", 0
        self._lengths: list[int] = []  # the next one last

    def __len__(self) -> int:
        return len(self._lengths)

    def put(self, data: bytes, lengths: list[int]) -> None:
        """Add messages at the end."""
        self._data, self._start = self._data[self._start :] + data, 0
        self._lengths = [*reversed(lengths), *self._lengths]
        self.fresh = True

    def take(self, count: int) -> tuple[bytes, list[int]]:
        """Return the first `count` messages, joined, and their lengths."""
        lengths = self._lengths[len(self) - count :][::-1]
        del self._lengths[len(self) - count :]
        start, self._start = self._start, self._start + sum(lengths)
        data = self._data[start : self._start]
        if not self._lengths:
            self._data, self._start = b"", 0
        return data, lengths

    def settle(self) -> None:
        """Note whether what was put last went in at once: called after what could be taken was."""
        if self.fresh:
            self.fresh, self.waited = False, bool(self._lengths)
