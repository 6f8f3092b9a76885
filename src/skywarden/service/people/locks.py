"""Who guesses passwords must wait longer and longer; who knows theirs is not kept out by that for long.

Two counts of failures, by name and by address. After `FREE` of them each further try must wait 1, 2, 4 ... s, at most
`NAME_WAIT` for a name and `ADDRESS_WAIT` for an address; a count is forgotten `FORGET` after its last failure. What
keeps an attacker from locking people out: the wait of a name is short, and does not hold at this computer itself, nor
at an address where that person has logged in since the start. So tries from elsewhere keep nobody from their own desk.
"""

import ipaddress
import time
from collections.abc import Callable
from dataclasses import dataclass

FREE = 5  # failures
NAME_WAIT = 30.0  # s
ADDRESS_WAIT = 300.0  # s
FORGET = 900.0  # s
KEPT = 4096  # counts of each kind
DOUBLINGS = 16  # more of them make no difference


@dataclass(slots=True)
class _Count:
    failures: int
    until: float  # monotonic, s
    last: float


class _Counts:
    """Failures by key, as many as fit: those with few failures make room, so made-up names push no guessed one out."""

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._counts: dict[str, _Count] = {}

    def left(self, key: str, now: float) -> float:
        """Return how long a key must wait, s."""
        count = self._counts.get(key)
        return 0.0 if count is None else max(count.until - now, 0.0)

    def add(self, key: str, now: float) -> int:
        """Count a failure and return how many there are."""
        count = self._counts.get(key)
        if count is None or now - count.last > FORGET:
            self._counts.pop(key, None)
            if len(self._counts) >= KEPT:
                del self._counts[min(self._counts, key=lambda one: self._worth(one, now))]
            count = self._counts[key] = _Count(0, 0.0, now)
        count.failures += 1
        over = count.failures - FREE
        count.until = now + min(2.0 ** min(over, DOUBLINGS), self._longest) if over >= 0 else now
        count.last = now
        return count.failures

    def take_back(self, key: str, now: float) -> None:
        """A counted try was none: it succeeded, or nobody looked at it."""
        count = self._counts.get(key)
        if count is not None:
            count.failures, count.until = count.failures - 1, now
            if count.failures <= 0:
                del self._counts[key]

    def forget(self, key: str) -> None:
        self._counts.pop(key, None)

    def _worth(self, key: str, now: float) -> tuple[int, float]:
        count = self._counts[key]
        return (0 if now - count.last > FORGET else count.failures, count.last)


class Locks:
    """Counts failures. One thread calls it. A try counts as failed from its beginning, so many at once gain nothing."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._names = _Counts(NAME_WAIT)
        self._addresses = _Counts(ADDRESS_WAIT)
        self._at_home: dict[tuple[str, str], None] = {}  # where people have logged in; oldest first

    def begin(self, name: str, address: str) -> tuple[float, int]:
        """Return how long to wait before a try, s; 0: it may be made, and is counted. Then also the failures so far.

        name: a key of people. address: of `origin`.
        """
        if (wait := self.left(name, address)) > 0:
            return wait, 0
        now = self._clock()
        return 0.0, max(self._names.add(name, now), self._addresses.add(address, now))

    def left(self, name: str, address: str) -> float:
        """Return how long the next try must wait, s."""
        now = self._clock()
        wait = self._addresses.left(address, now)
        if not is_loopback(address) and not self.at_home(name, address):
            wait = max(wait, self._names.left(name, now))
        return wait

    def at_home(self, name: str, address: str) -> bool:
        """Say whether a person has logged in at an address since the start."""
        return (name, address) in self._at_home

    def succeeded(self, name: str, address: str) -> None:
        """The password was right. The address's other failures stay: they were others' names, or the same person's."""
        self._names.forget(name)
        self._addresses.take_back(address, self._clock())
        self._at_home.pop((name, address), None)
        self._at_home[name, address] = None
        if len(self._at_home) > KEPT:
            del self._at_home[next(iter(self._at_home))]

    def withdraw(self, name: str, address: str) -> None:
        """Nobody looked at the password."""
        for counts, key in ((self._names, name), (self._addresses, address)):
            counts.take_back(key, self._clock())


def origin(host: str) -> str:
    """Return the address that counts for a host: of IPv6 the network of 64 bits, since one computer has all of it."""
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(found) if found.is_loopback else f"{ipaddress.IPv6Address(found.packed[:8] + bytes(8))}/64"
    return str(found)


def is_loopback(host: str) -> bool:
    """Say whether a host is this computer, by its address."""
    try:
        return ipaddress.ip_address(origin(host)).is_loopback
    except ValueError:
        return False
