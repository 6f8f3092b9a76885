"""How many messages a sender may bring: a rate and a burst for each, and fair shares when all together bring too many.

Pure: time is an argument, s, of a clock that nobody can set. A sender is a TCP connection, or the host of a datagram.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

from skywarden.model.place import Source

Sender = TypeVar("Sender", bound=Hashable)

RATES = {
    "sapient": 2_000.0,
    "asterix": 5_000.0,
    "sbs": 5_000.0,
    "reports": 500.0,
    "microphone": 50_000.0,
}  # messages/s; docs/running.md says why
RATE = 10_000.0  # messages/s, of other formats
BURST = 1.0  # s at its rate that a sender may bring at once, after a pause
TOGETHER, TOGETHER_BURST = 10.0, 2.5  # times the rate and the burst of one sender, for all of a source
SENDERS = 1024  # that are told apart; later ones share one quota
IDLE = 60.0  # s; a sender that was not heard for so long is forgotten when there are too many
SWEEP = 1.0  # s between two looks for such ones


def rate_of(source: Source) -> float:
    """Return the messages/s that one sender of a source may bring."""
    return source.max_rate or RATES.get(source.format, RATE)


class Bucket:
    """A token bucket: full at first, `rate` tokens a second, never more than `burst`."""

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self.rate, self.burst = rate, burst
        self.level, self.heard = burst, now

    def take(self, wanted: int, now: float) -> int:
        """Take up to `wanted` tokens out; return how many."""
        self.level = min(self.burst, self.level + max(0.0, now - self.heard) * self.rate)
        self.heard = now
        taken = min(wanted, int(self.level))
        self.level -= taken
        return taken

    def give_back(self, count: int) -> None:
        """Put tokens back that were not used after all."""
        self.level += count


class Quota:
    """The quotas of one source. Each sender has its own first; so who floods takes nothing from others' rates."""

    def __init__(self, rate: float) -> None:
        """Begin with full buckets. rate: messages/s of one sender, infinite for no quota."""
        self._rate, self._burst = rate, max(1.0, rate * BURST)
        self._all = Bucket(TOGETHER * rate, TOGETHER_BURST * self._burst, 0.0)
        self._own: dict[Hashable, Bucket] = {}
        self._others = Bucket(rate, self._burst, 0.0)
        self._sweep = 0.0  # s, when those not heard for long may be forgotten again
        self._turn = 0

    def share(self, wanted: Mapping[Sender, int], now: float) -> dict[Sender, int]:
        """Return how many of its messages each sender may bring now. Call it once for all that came together."""
        if math.isinf(self._rate):
            return dict(wanted)
        buckets = {sender: self._bucket(sender, now) for sender in wanted}
        allowed = {sender: buckets[sender].take(count, now) for sender, count in wanted.items()}
        asked = sum(allowed.values())
        there = self._all.take(asked, now)
        if there == asked:
            return allowed
        self._turn += 1
        shares = fair(list(allowed.values()), there, self._turn)
        for (sender, count), share in zip(allowed.items(), shares, strict=True):
            buckets[sender].give_back(count - share)
        return dict(zip(allowed, shares, strict=True))

    def forget(self, sender: Hashable) -> None:
        """Let a sender go that will not come back."""
        self._own.pop(sender, None)

    def _bucket(self, sender: Hashable, now: float) -> Bucket:
        found = self._own.get(sender)
        if found is not None:
            return found
        if len(self._own) >= SENDERS and now >= self._sweep:
            self._sweep = now + SWEEP
            self._own = {one: bucket for one, bucket in self._own.items() if now - bucket.heard < IDLE}
        if len(self._own) >= SENDERS:  # whoever was known before such a crowd keeps his own
            return self._others
        made = self._own[sender] = Bucket(self._rate, self._burst, now)
        return made


def fair(wanted: Sequence[int], there: int, turn: int = 0) -> list[int]:
    """Share `there` out: nobody gets more than he wants, nor over one more than another who wants more than he got.

    turn: who of those that want alike is first; what cannot be divided goes to the modest and the first.
    """
    shares = [0] * len(wanted)
    order = sorted(range(len(wanted)), key=lambda i: (wanted[i], (i - turn) % len(wanted)))
    for position, i in enumerate(order):
        shares[i] = min(wanted[i], -(-there // (len(order) - position)))
        there -= shares[i]
    return shares
