"""The best path of one target through the tracks near it (or of a track through targets) over time, compiled."""

import numpy as np
from numpy.typing import NDArray

from skywarden.kernel import kernel
from skywarden.model.place import F64, I64


@kernel
def follow(gain: F64, change: float, value: F64, came: NDArray[np.int32], path: I64) -> None:
    """Write the best state at each time to path (K,), by Viterbi.

    gain: (K, M), what each state saves at each time; state 0 is to hold nothing and saves 0; -inf where a state is
    forbidden. change: to take or to leave one costs this, to change from one to another twice as much. value (2, M) and
    came (K, M): room to work in. Of equal states the first is taken, and none is left without need.
    Source: Viterbi 1967; the best of the time before is enough, as all changes cost the same.
    """
    length, states = gain.shape
    now, following = value[0], value[1]
    for s in range(states):
        now[s] = gain[0, s]
    for k in range(1, length):
        best = 0
        for s in range(1, states):
            if now[s] > now[best]:
                best = s
        none = now[0] - change  # to take one from nothing
        drop = now[best] - (2.0 * change if best > 0 else change)  # to take one from the best
        offer, source = (drop, best) if drop >= none else (none, 0)
        for s in range(1, states):
            stay = now[s] >= offer
            came[k, s] = s if stay else source
            following[s] = (now[s] if stay else offer) + gain[k, s]
        leave = best > 0 and now[best] - change > now[0]
        came[k, 0] = best if leave else 0
        following[0] = now[best] - change if leave else now[0]
        now, following = following, now
    state = 0
    for s in range(1, states):
        if now[s] > now[state]:
            state = s
    for k in range(length - 1, -1, -1):
        path[k] = state
        if k > 0:
            state = came[k, state]
