"""Lists that stay short: the newest of many, with how many there were."""

from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")
MOST = 500  # that are kept


class Some(Generic[T]):
    """The newest MOST of what was added. count: of all."""

    def __init__(self) -> None:
        self._kept: deque[T] = deque(maxlen=MOST)
        self.count = 0

    def add(self, one: T) -> T:
        """Add one, and return it."""
        self._kept.append(one)
        self.count += 1
        return one

    def __iter__(self) -> Iterator[T]:
        return iter(self._kept)
