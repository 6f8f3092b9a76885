"""How far behind the settled chain is, and what waits for it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from skywarden.model.track import Chain, Part, Picture
from skywarden.track.beliefs import records
from skywarden.track.chain import advanced, begun, stored
from skywarden.track.gather import QUANTUM
from skywarden.track.items import ITEM, Items
from skywarden.track.settings import TrackerSettings

PATIENCE = 600_000_000_000  # ns; so long after something that came very late more of the kind is waited for
PACE = 2_000  # items settled in a tick, at least, when there are so many; twice what came in it, so that it catches up


class Settled(NamedTuple):
    """chain, waiting, patient: as in Picture. faults: sensor -> items of it that broke the filter."""

    chain: Chain
    waiting: tuple[Part, ...]
    patient: int
    faults: dict[str, int]


def settle(picture: Picture, new: Items | None, time: int, settings: TrackerSettings, slow: bool) -> Settled:
    """Let items wait, and settle those that have waited long enough at `time`, ns.

    slow: people or foreign trackers are among the sources, whose messages may be a minute late.
    """
    prompt, late = (round(wait * 1e9) for wait in (settings.settle_s, settings.settle_slow_s))
    patient, waiting = picture.patient, picture.waiting
    wait = late if slow or time < patient else prompt
    chain = picture.settled if picture.settled.until else begun((time - wait) // QUANTUM * QUANTUM)
    if new is not None:
        when = new.rows["time"]
        if (when < time - prompt).any():
            patient = time + PATIENCE
        timely = when >= chain.until
        waiting = (*waiting, stored(new.take(timely))) if timely.any() else waiting
    until = max(chain.until, (time - wait) // QUANTUM * QUANTUM, _crowded(waiting, chain.until, settings.max_waiting))
    done = advanced(chain, waiting, until, PACE + 2 * (0 if new is None else len(new)), settings)
    left = tuple(part for part in waiting if part.last >= done.chain.until)
    return Settled(done.chain, left, patient, done.faults)


def _crowded(waiting: Sequence[Part], until: int, most: int) -> int:
    """Return the time, ns, before which items must be settled since more than `most` wait, 0 if so many do not."""
    if sum(len(part.rows) for part in waiting) <= most:
        return 0
    times = np.sort(np.concatenate([records(part.rows, ITEM)["time"] for part in waiting]))
    times = times[np.searchsorted(times, until) :]
    return int(times[-most] // QUANTUM * QUANTUM) if len(times) > most else 0
