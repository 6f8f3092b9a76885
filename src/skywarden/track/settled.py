"""The chains of a tick: what waits is settled after some seconds, and the head is made anew after something late.

The head takes what is late in by way of a target's past, which is not quite the same as in its place. So when something
late has come, a copy of the settled chain follows what waits, some items a tick, and becomes the head: not more often
than once in the time that is waited, so that it costs at most what the head itself does.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from skywarden.model.place import I64
from skywarden.model.track import Chain, Chains
from skywarden.track.chain import HALF, advanced, begun, took
from skywarden.track.compare import went_on as went_together
from skywarden.track.gather import QUANTUM
from skywarden.track.items import Items
from skywarden.track.pool import Rows
from skywarden.track.registry import Went, restarted, went_on
from skywarden.track.settings import TrackerSettings
from skywarden.track.waiting import NEVER, Waiting, stored

PATIENCE = 600_000_000_000  # ns; so long after something that came very late more of the kind is waited for
LATE = 1_000_000_000  # ns; what is older than that comes late, and not just from another sensor
PACE = 1_000  # items that the settled chain takes in a tick, at least; and twice what came, so it catches up
REBUILT_PACE = 150  # for the head that is made anew, and three times what came: no tick should feel it
MOST_CALLS = 1_000_000  # of single microphones that wait, 64 MB; beyond that they are settled sooner
REGISTRATION, COMPARISON = "registration", "comparison"  # what their faults are counted against: they are no sensor's
APART = 250_000_000  # ns more; so the settled chain asks single microphones in other ticks than the head
AGAIN = 30_000_000_000  # ns, of its time; so long after something was too late for it the settled chain knows all again


class Progress(NamedTuple):
    """chains: further on. head: the rebuilt one, if it is ready. faults: sensor -> items that broke the filter."""

    chains: Chains
    head: Chain | None
    faults: dict[str, int]


def progressed(chains: Chains, time: int, settings: TrackerSettings, slow: bool) -> Progress:
    """Go on with the chains of a picture of `time`, ns: settle what has waited long enough, and rebuild the head.

    It needs nothing of the next tick, so that it can be done beforehand. slow: see `received`.
    """
    if not chains.settled.until:
        return Progress(chains, None, {})
    wait = _wait(chains, time, settings, slow)
    edge = (time - wait) // QUANTUM * QUANTUM
    waiting = Waiting(chains.waiting)
    crowded = max(
        _crowded(waiting.times(chains.settled.until), settings.max_waiting),
        _crowded(waiting.called(chains.settled.until), MOST_CALLS),
    )
    until = max(chains.settled.until, edge, crowded)
    heard, before = list[Rows](), chains.settled.until
    settled = advanced(
        chains.settled,
        waiting,
        until,
        PACE + 2 * chains.came,
        settings,
        heard=heard,
    )
    moved = settled.chain.until - before
    passed = settled.chain.until // HALF - before // HALF
    rest = settled.items > 0 and not chains.busy  # its turn comes in the next tick, which has nothing to settle
    rest |= passed > 0 and moved <= HALF // 4 and len(settled.chain.beliefs.nodes) > 0  # nodes were asked in this one
    needed = min(settled.chain.until, chains.rebuilt.until if chains.rebuilt else NEVER)
    chains = replace(chains, settled=settled.chain, waiting=waiting.left(needed), busy=settled.items > 0)
    chains = _compared(chains, heard, settled.faults)
    if settings.register_sensors:
        chains = _registered(chains, heard, time, settings, settled.faults)
    if chains.rebuilt is None and chains.late and time - chains.begun >= wait and _whole(chains, edge):
        chains = replace(chains, rebuilt=settled.chain, begun=time, late=False)
    if chains.rebuilt is None or rest:
        return Progress(chains, None, settled.faults)
    until = max(chains.rebuilt.until, time // QUANTUM * QUANTUM)
    pace, steps = REBUILT_PACE + 3 * chains.came, max(1, 2 * passed)
    rebuilt = advanced(chains.rebuilt, waiting, until, pace, settings, roughly=steps).chain
    if rebuilt.until < until:
        slower = rebuilt.until < settled.chain.until - LATE  # than what it began from: let another begin
        after = replace(chains, rebuilt=None, late=True) if slower else replace(chains, rebuilt=rebuilt)
        return Progress(after, None, settled.faults)
    head = took(rebuilt, waiting.between(until), settings, {})
    return Progress(replace(chains, rebuilt=None), head, settled.faults)


def _compared(chains: Chains, heard: list[Rows], faults: dict[str, int]) -> Chains:
    """Let sensors be compared with each other; what breaks that is forgotten, and counted among the faults."""
    known = chains.compared
    try:
        return replace(chains, compared=went_together(known, heard, chains.settled.sensors, chains.settled.until))
    except Exception:  # noqa: BLE001 - a fault of ours, or another version's state: who is in quarantine stays so
        faults[COMPARISON] = 1
        return replace(chains, compared=replace(known, heard=(), until=0))


def _registered(
    chains: Chains, heard: list[Rows], time: int, settings: TrackerSettings, faults: dict[str, int]
) -> Chains:
    """Let registration go on; a step of it that breaks is counted among the faults."""
    times = chains.settled.until, time
    try:
        went = went_on(chains.registered, heard, chains.settled.sensors, times, settings)
    except Exception:  # noqa: BLE001 - a fault of ours, or what another version put down: the chains must go on
        went = Went(restarted(chains.registered), 1)
    if went.faults:
        faults[REGISTRATION] = went.faults
    return replace(chains, registered=went.registered)


def received(chains: Chains, new: Items | None, time: int, settings: TrackerSettings, slow: bool) -> Chains:
    """Let the items of a tick at `time`, ns, wait.

    slow: people are among the sources, whose messages may be a minute late.
    """
    if not chains.settled.until:
        edge = (time - _wait(chains, time, settings, slow)) // QUANTUM * QUANTUM
        chains = replace(chains, settled=begun(edge), begun=time)
    if new is None:
        return replace(chains, came=0)
    timely, rebuilt, when = new.between(chains.settled.until, NEVER), chains.rebuilt, new.used()
    if rebuilt is not None:
        rebuilt = took(rebuilt, new.between(chains.settled.until, rebuilt.until), settings, {})
    measured = timely.rows["time"]  # what a feed of tracks says late is not worth a new head
    return replace(
        chains,
        waiting=(*chains.waiting, stored(timely)) if len(timely) or len(timely.calls) else chains.waiting,
        patient=time + PATIENCE if (when < time - _ns(settings.settle_s)).any() else chains.patient,
        rebuilt=rebuilt,
        late=chains.late or bool((measured < time - LATE).any()),
        missed=int(when[when < chains.settled.until].max(initial=chains.missed)),
        came=len(new),
    )


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)


def _wait(chains: Chains, time: int, settings: TrackerSettings, slow: bool) -> int:
    """Return how far behind the settled chain is to be, ns."""
    return APART + _ns(settings.settle_slow_s if slow or time < chains.patient else settings.settle_s)


def _whole(chains: Chains, edge: int) -> bool:
    """Return whether the settled chain can know all that the head knows: nothing was too late for it for a while."""
    return chains.settled.until == edge and edge - chains.missed >= AGAIN


def _crowded(times: I64, most: int) -> int:
    """Return the time, ns, before which items must be settled since more than `most` wait, 0 if so many do not."""
    return int(np.partition(times, -most)[-most] // QUANTUM * QUANTUM) if len(times) > most else 0
