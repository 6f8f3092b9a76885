"""Chains: what follows from items, each in its place in time, whenever it came.

The settled chain is so far behind that what comes late is there: equal items give an equal chain, to the bit, in
whatever order and ticks they came. Items go in by quanta of time, and once a second of its own time a chain forgets
whom nobody sees any more; so nothing in it depends on ticks.
"""

from dataclasses import replace
from hashlib import sha256
from typing import NamedTuple

import numpy as np

from skywarden.model.track import Chain, Tracks
from skywarden.track.beliefs import records, tracked, without
from skywarden.track.gather import QUANTUM
from skywarden.track.items import Items
from skywarden.track.lifecycle import age
from skywarden.track.listen import half_second, waits
from skywarden.track.overheard import overheard
from skywarden.track.pool import TARGET, Rows
from skywarden.track.posts import NODE, steady
from skywarden.track.settings import TrackerSettings
from skywarden.track.take import called, taken
from skywarden.track.waiting import Waiting

SECOND = 10 * QUANTUM  # ns
HALF = SECOND // 2
DIGITS = 16  # of a hash
STEPS = 30  # of half a second, of which a tick takes in so many at most; more than a tick can add


class Advanced(NamedTuple):
    """chain: as far as it got. items: how many went in. faults: sensor -> items of it that broke the filter."""

    chain: Chain
    items: int
    faults: dict[str, int]


def tracks_of(chain: Chain, settings: TrackerSettings) -> Tracks:
    """Return the targets of a chain as tracks; see `table`."""
    return tracked(chain.beliefs, settings)


def begun(time: int) -> Chain:
    """Return a chain that knows nothing, before `time`, ns."""
    return Chain(until=time, digest=_digest(Chain()))


def advanced(  # noqa: PLR0913 - how far, how much, how
    chain: Chain,
    waiting: Waiting,
    until: int,
    most: int,
    settings: TrackerSettings,
    roughly: int = 0,
    heard: list[Rows] | None = None,
) -> Advanced:
    """Take in what waits before `until`, ns, a quantum after the other, until `most` items or STEPS seconds are in.

    roughly: many quanta at once, much sooner; then what there is no room for depends on where it was cut. And where
    nodes are asked, about so many half seconds a call. 0: none of this. heard: where what registration is to hear of
    each quantum is put, if it is asked for.
    """
    items, steps, faults, before = 0, 0, dict[str, int](), chain
    far = (until - chain.until) // HALF
    enough = STEPS + far // 2  # who calls seldom must not fall behind for good
    if roughly and len(chain.beliefs.nodes):  # each half second asks nodes: a tick should not feel it
        enough = roughly + far // 20
    while chain.until < until and items < most and steps < enough:
        end = min(until, (chain.until // HALF + 1) * HALF)
        times = waiting.times(chain.until, end)
        if len(times) > most - items:
            latest = np.partition(times, most - items)[most - items]
            end = min(end, (int(latest) // QUANTUM + 1) * QUANTUM)
        some = waiting.between(chain.until, end)
        items, steps, piece = items + len(some), steps + 1, SECOND if roughly else QUANTUM
        whole, times = steady(records(chain.beliefs.nodes, NODE), some.calls), some.times
        if whole:
            chain = _called(chain, some)
        else:  # who is new or moves, and what a new source is numbered, follows from quanta, not from cuts
            times = np.concatenate((times, some.calls["time"]))
        for each in np.unique(times // piece).tolist():
            part = some.between(each * piece, (each + 1) * piece)
            chain = _followed(chain if whole else _called(chain, part), part, settings, faults, heard)
        chain = replace(chain, until=end)
        if end % HALF == 0:
            chain = _half_second(chain, settings, faults)
        if not len(chain.beliefs.targets) and not waits(records(chain.beliefs.nodes, NODE)):
            following = waiting.first(end) // QUANTUM * QUANTUM  # nothing happens before
            chain = replace(chain, until=max(end, min(following, until)))
    if chain is not before and not roughly:  # nobody asks what a rebuilt chain came to
        chain = replace(chain, digest=_digest(chain))
    return Advanced(chain, items, faults)


def took(chain: Chain, some: Items, settings: TrackerSettings, faults: dict[str, int]) -> Chain:
    """Return the chain after it took items in. If the filter breaks on them, they are left out: it must go on."""
    return _followed(_called(chain, some), some, settings, faults)


def _called(chain: Chain, some: Items) -> Chain:
    found = called(chain.beliefs, chain.sensors, some)
    return replace(chain, beliefs=found.beliefs, sensors=found.sensors)


def _followed(
    chain: Chain, some: Items, settings: TrackerSettings, faults: dict[str, int], heard: list[Rows] | None = None
) -> Chain:
    if not len(some):
        return chain
    try:
        found = taken(chain.beliefs, chain.sensors, some, settings)
    except Exception:  # noqa: BLE001 - a fault of ours, the same whenever it is tried again
        for name in some.senders():
            faults[name] = faults.get(name, 0) + 1
        return chain
    if heard is not None:
        heard.append(overheard(some, found))
    return replace(chain, beliefs=found.beliefs(), sensors=found.sensors)


def _half_second(chain: Chain, settings: TrackerSettings, faults: dict[str, int]) -> Chain:
    """Return the chain after a whole second: single microphones are looked at, and targets are forgotten; or half a

    second after that: it is asked who is new.
    """
    whole = chain.until % SECOND == 0
    try:
        chain = replace(chain, beliefs=half_second(chain.beliefs, len(chain.sensors), chain.until, settings).beliefs)
    except Exception:  # noqa: BLE001 - a fault of ours, as in `took`
        nodes = records(chain.beliefs.nodes, NODE)
        for k in np.unique(nodes["sensor"]).tolist():
            faults[chain.sensors[k]] = faults.get(chain.sensors[k], 0) + 1
    return _aged(chain, settings) if whole and len(chain.beliefs.targets) else chain


def _aged(chain: Chain, settings: TrackerSettings) -> Chain:
    """Forget targets as the head does, but by when they were seen, not by when we heard of it."""
    confirmed = records(chain.beliefs.targets, TARGET)["confirmed"]
    life = age(tracks_of(chain, settings), confirmed, chain.until, 1, settings)
    return chain if life.keep.all() else replace(chain, beliefs=without(chain.beliefs, ~life.keep))


def _digest(chain: Chain) -> str:
    found, beliefs = sha256(), chain.beliefs
    columns = beliefs.targets, beliefs.leaves, beliefs.groups, beliefs.sensors, beliefs.clutter, beliefs.fits
    for column in (*columns, beliefs.feeds, beliefs.nodes, beliefs.air):
        found.update(np.ascontiguousarray(column).view(np.uint8).data)
    found.update("\n".join(chain.sensors).encode())
    return found.hexdigest()[:DIGITS]
