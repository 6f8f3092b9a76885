"""How long messages took from receipt to the published picture: percentiles over the latest."""

from collections.abc import Sequence

import numpy as np

from skywarden.model.detection import Frame

FRAMES = 6000  # over which the percentiles are taken: 30 s of 20 sources at ten passes a second
UNKNOWN = float("nan")


class Delays:
    """The delays of the last FRAMES frames, each counted with its messages."""

    def __init__(self) -> None:
        self._ms, self._messages = np.zeros(FRAMES), np.zeros(FRAMES, np.int64)
        self._next = 0

    def add(self, frames: Sequence[Frame], now: int) -> None:
        """Note that frames were published at `now`, ns."""
        for frame in frames:
            if messages := len(frame):
                row = self._next % FRAMES
                self._ms[row], self._messages[row] = (now - frame.received) * 1e-6, messages
                self._next += 1

    def percentiles(self) -> tuple[float, float]:
        """Return the p50 and p99 in ms, NaN before the first message."""
        if self._next == 0:
            return UNKNOWN, UNKNOWN
        held = slice(min(self._next, FRAMES))
        order = np.argsort(self._ms[held])
        share = np.cumsum(self._messages[held][order])
        p50, p99 = self._ms[held][order][np.searchsorted(share, share[-1] * np.array([0.5, 0.99]))].tolist()
        return p50, p99
