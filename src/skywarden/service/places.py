"""Who makes room when all places are taken: one rule for the clients of sources and for viewers."""

from collections import Counter
from collections.abc import Collection
from typing import Protocol, TypeVar


class Place(Protocol):
    """An open connection. host: address at the other end; heard: s, steady, its last whole message; 0.0: none yet."""

    @property
    def host(self) -> str: ...

    @property
    def heard(self) -> float: ...


Taken = TypeVar("Taken", bound=Place)


def gives_way(places: Collection[Taken], host: str) -> Taken:
    """Return who of the taken places, in order of arrival, makes room for a newcomer from `host`.

    Never one whose host holds fewer places than the newcomer's, so that no host can hold all. Of the others the oldest
    that never sent anything whole; if there is none, the one quiet longest.
    """
    held = Counter(place.host for place in places)
    rivals = [place for place in places if held[place.host] >= held[host]]
    return min(rivals, key=lambda place: place.heard)
