"""Which node hears which flier in one second.

One loop finds the nodes around each flier; a bound that costs little leaves out most of them; only for the rest is
solved when what is heard was emitted.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.kernel import kernel
from skywarden.model.place import F64, I64
from skywarden.sim.sense.ears import Grid
from skywarden.sim.sky import Sky
from skywarden.sim.sound.delay import Medium, emission_times, paths_of
from skywarden.sim.sound.level import excess_share
from skywarden.sim.sound.table import FAINTEST, Table, deflections, reaches

SLACK = 1.15  # of how far a flier comes while its sound travels: it may have been faster before
RATHER_M = 100.0  # more: positions are looked up by whole seconds


class Callers(NamedTuple):
    """Fliers of a sky, n. voice: (n,) row of the table; louder: (n,) dB."""

    sky: Sky
    voice: I64
    louder: F64


class Listeners(NamedTuple):
    """n nodes at one time. position: (n, 3) ECEF m; level: (n, 2) m east, north; origin: (3,) ECEF m of the level.

    axes: (2, 3) its east and north. ambient: (n,) row of the table; wind, excess: (n,) m/s, dB; up: (n,) it works.
    """

    position: F64
    level: F64
    origin: F64
    axes: F64
    grid: Grid
    ambient: I64
    wind: F64
    excess: F64
    up: NDArray[np.bool_]


class Look(NamedTuple):
    """One second of all nodes. time: s since the scenario's start; medium: the air."""

    callers: Callers
    listeners: Listeners
    table: Table
    time: float
    medium: Medium


class Heard(NamedTuple):
    """Pairs of flier and node, (m,) each. emitted: s; distance: m of the way of the sound; deflection: d'."""

    flier: I64
    node: I64
    emitted: F64
    distance: F64
    deflection: F64


def heard(look: Look) -> Heard:
    """Return who hears whom, in the order of fliers, then nodes."""
    flier, node, closest = near(look)
    hopeful = _deflection(look, flier, node, closest) >= FAINTEST
    flier, node = flier[hopeful], node[hopeful]
    ears = np.column_stack([look.listeners.position[node], np.full(len(node), look.time)])
    emitted = emission_times(paths_of(look.callers.sky), flier, ears, look.medium)
    distance = look.medium.speed * (look.time - emitted)
    arrived = np.flatnonzero(~np.isnan(emitted))
    loud = np.zeros(len(node))
    loud[arrived] = _deflection(look, flier[arrived], node[arrived], distance[arrived])
    pick = np.flatnonzero(loud >= FAINTEST)
    pick = pick[np.lexsort((node[pick], flier[pick]))]
    return Heard(flier[pick], node[pick], emitted[pick], distance[pick], loud[pick])


def near(look: Look) -> tuple[I64, I64, F64]:
    """Return fliers and working nodes, (m,) each, that may be within hearing, and m that the sound went at least."""
    (sky, voice, louder), listeners, medium = look.callers, look.listeners, look.medium
    reach = reaches(look.table, voice, louder)
    blow = float(np.linalg.norm(medium.wind))
    rows = sky.flying(look.time - float(reach.max(initial=0.0)) / (medium.speed - blow), look.time + 0.5)
    rows = rows[reach[rows] > 0]
    now = sky.base[rows] + np.clip(int(look.time) - sky.first[rows], 0, sky.count[rows] - 1)
    level = (sky.position[now] - listeners.origin) @ listeners.axes.T
    # while the sound was on its way the flier came closer by no more than this for each m of the way
    closer = 1 + (SLACK * np.linalg.norm(sky.velocity[now], axis=1) + blow) / medium.speed
    circles = np.column_stack([level, reach[rows] * closer + RATHER_M])
    index, node = _gathered(circles, listeners)
    apart = np.linalg.norm(sky.position[now[index]] - listeners.position[node], axis=1)
    return rows[index], node, (apart - RATHER_M) / closer[index]


def _gathered(circles: F64, listeners: Listeners) -> tuple[I64, I64]:
    size = 1 << 16
    while True:
        found = np.empty((size, 2), np.int64)
        count = gather(circles, listeners.level, listeners.grid, found)
        if count <= size:
            break
        size = count
    found = found[:count]
    found = found[listeners.up[found[:, 1]]]
    return found[:, 0], found[:, 1]


def _deflection(look: Look, flier: I64, node: I64, distance: F64) -> F64:
    listeners, callers = look.listeners, look.callers
    louder_db = callers.louder[flier] - listeners.excess[node] * excess_share(distance)
    which = np.stack([listeners.ambient[node], callers.voice[flier]], 1)
    return deflections(look.table, which, np.stack([distance, listeners.wind[node], louder_db], 1))


@kernel
def gather(circles: F64, level: F64, grid: Grid, found: I64) -> int:
    """Write circle and node for each node in circles (k, 3), m east, north, radius; return how many there are.

    level: (n, 2) m east and north of nodes. No more is written than there is room for in `found`.
    """
    count = 0
    for circle in range(len(circles)):
        east, north, radius = circles[circle]
        x, y = east - grid.corner[0], north - grid.corner[1]
        left, right = max(int((x - radius) // grid.size), 0), min(int((x + radius) // grid.size), grid.columns - 1)
        low, top = max(int((y - radius) // grid.size), 0), min(int((y + radius) // grid.size), grid.rows - 1)
        if left > right:
            continue  # beside all nodes
        for row in range(low, top + 1):
            for at in range(grid.first[row * grid.columns + left], grid.first[row * grid.columns + right + 1]):
                node = grid.nodes[at]
                if (level[node, 0] - east) ** 2 + (level[node, 1] - north) ** 2 > radius * radius:
                    continue
                if count < len(found):
                    found[count, 0], found[count, 1] = circle, node
                count += 1
    return count
