"""Time of day, as ASTERIX sends it, to UTC.

A time of day has no date: the day is the one that brings it closest to when the message was received, so that a
message from just before midnight that arrives after it belongs to yesterday.
"""

import numpy as np

from skywarden.model.place import I64

DAY = 86_400_000_000_000  # ns
TICK = 7_812_500  # ns; 1/128 s, the least significant bit of every time of day
TIME_SIGMA = TICK * 1e-9 / 12**0.5  # s; of rounding to ticks


def utc(ticks: I64, near: int | I64) -> I64:
    """Return (n,) UTC ns for (n,) ticks of 1/128 s since midnight, each within half a day of `near`, ns or (n,) ns."""
    time = np.asarray(ticks, np.int64) * TICK + near // DAY * DAY
    return time + DAY * ((near - time > DAY // 2).astype(np.int64) - (time - near > DAY // 2))
