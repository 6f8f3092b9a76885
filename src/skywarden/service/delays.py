"""How long messages took from receipt to the published picture: percentiles over the last half minute."""

from collections.abc import Sequence

import numpy as np

from skywarden.model.detection import Frame

SPAN = 30_000_000_000  # ns, over which the percentiles are taken
FRAMES = 6000  # of these at most: 30 s of 20 sources at ten passes a second
UNKNOWN = float("nan")


class Delays:
    """The delays of the latest frames, each counted with its messages."""

    def __init__(self) -> None:
        self._ms = np.zeros(FRAMES)
        self._at, self._messages = np.zeros(FRAMES, np.int64), np.zeros(FRAMES, np.int64)
        self._next = 0

    def add(self, frames: Sequence[Frame], now: int) -> None:
        """Note that frames were published at `now`, ns."""
        for frame in frames:
            if messages := len(frame):
                row = self._next % FRAMES
                self._ms[row], self._at[row], self._messages[row] = (now - frame.received) * 1e-6, now, messages
                self._next += 1

    def percentiles(self) -> tuple[float, float]:
        """Return the p50 and p99 in ms, NaN before the first message; of the last SPAN before the latest message."""
        if self._next == 0:
            return UNKNOWN, UNKNOWN
        latest = self._at[(self._next - 1) % FRAMES]
        held = np.flatnonzero((self._messages > 0) & (self._at > latest - SPAN))
        order = held[np.argsort(self._ms[held])]
        share = np.cumsum(self._messages[order])
        p50, p99 = self._ms[order[np.searchsorted(share, share[-1] * np.array([0.5, 0.99]))]].tolist()
        return p50, p99
