"""The chains of a tick: what waits is settled after some seconds, and the head is made anew after something late.

The head takes what is late in by way of a target's past, which is not quite the same as in its place. So when something
late has come, a copy of the settled chain follows what waits, some items a tick, and becomes the head: not more often
than once in the time that is waited, so that it costs at most what the head itself does.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from skywarden.model.track import Chain, Chains, Part
from skywarden.track.beliefs import records
from skywarden.track.chain import advanced, begun, stored, took, window
from skywarden.track.gather import QUANTUM
from skywarden.track.items import ITEM, Items
from skywarden.track.settings import TrackerSettings

PATIENCE = 600_000_000_000  # ns; so long after something that came very late more of the kind is waited for
LATE = 1_000_000_000  # ns; what is older than that comes late, and not just from another sensor
PACE = 2_000  # items that a chain takes in a tick, at least, when there are so many; and twice what came: it catches up
AGAIN = 30_000_000_000  # ns, of its time; so long after something was too late for it the settled chain knows all again
EVER = 1 << 62  # ns


class Progress(NamedTuple):
    """chains: after the tick. head: the rebuilt one, if it is ready. faults: sensor -> items that broke the filter."""

    chains: Chains
    head: Chain | None
    faults: dict[str, int]


def settle(before: Chains, new: Items | None, time: int, settings: TrackerSettings, slow: bool) -> Progress:
    """Let items wait, settle those that have waited long enough at `time`, ns, and go on with the rebuilt head.

    slow: people or foreign trackers are among the sources, whose messages may be a minute late.
    """
    prompt, minute = (round(wait * 1e9) for wait in (settings.settle_s, settings.settle_slow_s))
    wait = minute if slow or time < before.patient else prompt
    edge = (time - wait) // QUANTUM * QUANTUM
    chains = before if before.settled.until else replace(before, settled=begun(edge), begun=time)
    if new is not None:
        chains = _received(chains, new, time, prompt)
    most = PACE + 2 * (0 if new is None else len(new))
    until = max(chains.settled.until, edge, _crowded(chains.waiting, chains.settled.until, settings.max_waiting))
    settled = advanced(chains.settled, chains.waiting, until, most, settings)
    left = tuple(part for part in chains.waiting if part.last >= settled.chain.until)
    chains = replace(chains, settled=settled.chain, waiting=left)
    if chains.rebuilt is None and chains.late and time - chains.begun >= wait and _whole(chains, edge):
        chains = replace(chains, rebuilt=settled.chain, begun=time, late=False)
        new = None  # it is in what waits
    chains, head = _rebuilt(chains, new, time, most, settings)
    return Progress(chains, head, settled.faults)


def _whole(chains: Chains, edge: int) -> bool:
    """Return whether the settled chain can know all that the head knows: nothing was too late for it for a while."""
    return chains.settled.until == edge and edge - chains.missed >= AGAIN


def _received(chains: Chains, new: Items, time: int, prompt: int) -> Chains:
    """Let those items wait that are not too late, and note whether any were late."""
    when = new.rows["time"]
    timely = when >= chains.settled.until
    missed = when[~timely].max(initial=chains.missed)
    return replace(
        chains,
        waiting=(*chains.waiting, stored(new.take(timely))) if timely.any() else chains.waiting,
        patient=time + PATIENCE if (when < time - prompt).any() else chains.patient,
        missed=int(missed),
        late=chains.late or bool((timely & (when < time - LATE)).any()),
    )


def _rebuilt(
    chains: Chains, new: Items | None, time: int, most: int, settings: TrackerSettings
) -> tuple[Chains, Chain | None]:
    """Go on with the rebuilt head; return the chains, and it once it has all that came. new: what came in this tick."""
    chain = chains.rebuilt
    if chain is None:
        return chains, None
    if new is not None:
        passed = (new.rows["time"] < chain.until) & (new.rows["time"] >= chains.settled.until)
        chain = took(chain, new.take(passed), settings, {})
    until = max(chain.until, time // QUANTUM * QUANTUM)
    chain = advanced(chain, chains.waiting, until, most, settings).chain
    if chain.until < until:
        return replace(chains, rebuilt=chain), None
    return replace(chains, rebuilt=None), took(chain, window(chains.waiting, until, EVER), settings, {})


def _crowded(waiting: Sequence[Part], until: int, most: int) -> int:
    """Return the time, ns, before which items must be settled since more than `most` wait, 0 if so many do not."""
    if sum(len(part.rows) for part in waiting) <= most:
        return 0
    times = np.sort(np.concatenate([records(part.rows, ITEM)["time"] for part in waiting]))
    times = times[np.searchsorted(times, until) :]
    return int(times[-most] // QUANTUM * QUANTUM) if len(times) > most else 0
