"""Which node hears which flier in one second: a loop over fliers and the nodes around them."""

from math import isnan, sqrt
from typing import NamedTuple

import numpy as np

from skywarden.kernel import inner, kernel
from skywarden.model.place import F64, I64
from skywarden.sim.sense.ears import Grid
from skywarden.sim.sound.delay import Medium, Paths, emission
from skywarden.sim.sound.level import FULL_M
from skywarden.sim.sound.table import FAINTEST, Table, interpolated

SLACK = 1.15  # of how far a flier comes while its sound travels: it may have been faster before
RATHER_M = 100.0  # more; positions are looked up by whole seconds


class Callers(NamedTuple):
    """Fliers. paths: of all; voice: (all,) row of the table; louder: (all,) dB; rows: (k,) those that may be heard."""

    paths: Paths
    voice: I64
    louder: F64
    rows: I64


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
    up: np.ndarray[tuple[int], np.dtype[np.bool_]]


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
    size = 1 << 16
    while True:
        who, what = np.empty((2, size), np.int64), np.empty((3, size))
        out = Heard(who[0], who[1], what[0], what[1], what[2])
        count = hear(look, out)
        if count <= size:
            break
        size = count
    order = np.lexsort((out.node[:count], out.flier[:count]))
    return Heard._make(column[:count][order] for column in out)


@kernel
def hear(look: Look, out: Heard) -> int:
    """Write all pairs with a d' of FAINTEST or more, as many as there is room for; return how many there are."""
    count = 0
    paths, wind = look.callers.paths, look.medium.wind
    blow = sqrt(wind[0] ** 2 + wind[1] ** 2 + wind[2] ** 2)
    for row in look.callers.rows:
        longest = look.table.reach[look.callers.voice[row]] / (look.medium.speed - blow)
        last = paths.first[row] + paths.length[row] - 1
        if longest > 0 and paths.first[row] <= look.time <= last + longest:
            count = around(look, out, row, longest, count)
    return count


@inner
def around(look: Look, out: Heard, row: int, longest: float, count: int) -> int:
    """Do one flier's part of `hear`; longest: s that its sound may travel. Return the count so far."""
    ear = np.empty(4)
    paths, listeners, grid = look.callers.paths, look.listeners, look.listeners.grid
    k = paths.base[row] + min(max(int(look.time) - paths.first[row], 0), paths.length[row] - 1)
    east = north = speed2 = 0.0
    for a in range(3):
        offset = paths.position[k, a] - listeners.origin[a]
        east += listeners.axes[0, a] * offset
        north += listeners.axes[1, a] * offset
        speed2 += paths.velocity[k, a] ** 2
    radius = look.table.reach[look.callers.voice[row]] + (sqrt(speed2) * SLACK + 10.0) * longest + RATHER_M
    x, y = east - grid.corner[0], north - grid.corner[1]
    left, right = max(int((x - radius) // grid.size), 0), min(int((x + radius) // grid.size), grid.columns - 1)
    low, top = max(int((y - radius) // grid.size), 0), min(int((y + radius) // grid.size), grid.rows - 1)
    for j in range(low, top + 1):
        for i in range(left, right + 1):
            cell = j * grid.columns + i
            for at in range(grid.first[cell], grid.first[cell + 1]):
                if listeners.up[grid.nodes[at]] and pair(look, out, ear, (row, grid.nodes[at], k), count):
                    count += 1
    return count


@inner
def pair(look: Look, out: Heard, ear: F64, who: tuple[int, int, int], count: int) -> bool:
    """Write one pair if it is loud enough. who: flier, node, row of the paths now; ear: (4,) to be used."""
    row, node, k = who
    paths, medium = look.callers.paths, look.medium
    apart2 = speed2 = 0.0
    for a in range(3):
        ear[a] = look.listeners.position[node, a]
        apart2 += (paths.position[k, a] - ear[a]) ** 2
        speed2 += (abs(paths.velocity[k, a]) + abs(medium.wind[a])) ** 2
    ear[3] = look.time
    # it came closer by no more than this while its sound was on the way: most pairs need no more than a look
    near = (sqrt(apart2) - RATHER_M) / (1.0 + SLACK * sqrt(speed2) / medium.speed)
    if strength(look, row, node, near) < FAINTEST:
        return False
    emitted = emission(paths, row, ear, medium, look.time - sqrt(apart2) / medium.speed)
    if isnan(emitted):
        return False
    distance = medium.speed * (look.time - emitted)
    deflection = strength(look, row, node, distance)
    if deflection < FAINTEST:
        return False
    if count < len(out.flier):
        out.flier[count], out.node[count], out.emitted[count] = row, node, emitted
        out.distance[count], out.deflection[count] = distance, deflection
    return True


@inner
def strength(look: Look, row: int, node: int, distance: float) -> float:
    """Return d' of a flier's sound at a node after `distance` m through the air."""
    listeners, callers = look.listeners, look.callers
    louder_db = callers.louder[row] - listeners.excess[node] * min(distance / FULL_M, 1.0)
    of = look.table.strength[listeners.ambient[node], callers.voice[row]]
    return interpolated(of, distance, listeners.wind[node], louder_db)
