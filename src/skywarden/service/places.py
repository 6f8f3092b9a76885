"""Who makes room when all places are taken: one rule for the clients of sources and for viewers."""

from collections import Counter
from collections.abc import Mapping
from typing import Protocol, TypeVar


class Place(Protocol):
    """An open connection. host: address at the other end; heard: s, steady, its last whole message; 0.0: none yet."""

    host: str
    heard: float


Key = TypeVar("Key")


def gives_way(taken: Mapping[Key, Place], host: str) -> Key:
    """Return who of the taken places, in order of arrival, makes room for a newcomer from `host`.

    Never one whose host holds fewer places than the newcomer's, so that no host can hold all. Of the others the oldest
    that never sent anything whole; if there is none, the one quiet longest.
    """
    held = Counter(place.host for place in taken.values())
    rivals = [key for key, place in taken.items() if held[place.host] >= held[host]]
    return min(rivals, key=lambda key: taken[key].heard)
