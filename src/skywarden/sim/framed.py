"""What all sensors of a source have sent in a window -> one frame for each tick."""

from collections.abc import Iterator

import numpy as np

from skywarden.model.detection import Frame
from skywarden.model.place import I64
from skywarden.sim.sky import Sent


def framed(source: str, sent: Sent, ticks: I64) -> Iterator[tuple[int, Frame]]:
    """Yield (k, frame) for each tick ticks[k] with messages since the one before; its bytes joined.

    ticks: (n,) ns, rising. A message belongs to the first tick at or after its time; one after the last is left out.
    A frame was received when its last message came in.
    """
    at = np.searchsorted(sent.time, ticks, side="right")
    edges = np.concatenate(([0], at))
    begin = np.concatenate(([0], np.cumsum(sent.lengths, dtype=np.int64)))
    for k in np.flatnonzero(np.diff(edges)).tolist():
        first, last = int(edges[k]), int(edges[k + 1])
        data = sent.data[begin[first] : begin[last]].tobytes()
        lengths = sent.lengths[first:last].astype("<u4").tobytes()
        yield k, Frame(source, int(sent.time[last - 1]), data, lengths)
