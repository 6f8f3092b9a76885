"""Targets that nobody has seen yet: their expected number per m^2 on a grid, which weighs births against false alarms.

It grows by what may appear, up to what may be there at all, and shrinks by 1 - Pd wherever a look that covers
everything has found nothing new. Source: the Poisson part of Williams 2015 (as in `settle`), on a grid and for level
places only.
"""

from math import cos, expm1, inf, isnan, sin

from skywarden.kernel import inner
from skywarden.model.place import F64
from skywarden.track.cover import visible
from skywarden.track.looks import Plot, Sense
from skywarden.track.measure import TONES
from skywarden.track.pool import Grid, Memory
from skywarden.track.ranges import NEAREST, RANGES, assume, within
from skywarden.track.view import DIRECTION, PLANE, POSITION, SOUND
from skywarden.track.work import Work

ROUNDS = 8  # of expectation maximisation


@inner
def place(plot: Plot, sense: Sense, out: Work) -> None:
    """Write the ECEF position that a plot supports, without knowing its height if it has none, to out.state."""
    z, x = plot.z, out.state
    if sense.kind == POSITION or sense.kind == PLANE:
        for a in range(3):
            x[a] = z[a]
        return
    elevation = 0.0 if isnan(z[2]) else z[2]
    flat = z[0] * cos(elevation)
    east, north, height = flat * sin(z[1]), flat * cos(z[1]), z[0] * sin(elevation)
    for a in range(3):
        x[a] = sense.position[a] + sense.rotation[0, a] * east
        x[a] += sense.rotation[1, a] * north + sense.rotation[2, a] * height


@inner
def cell(grid: Grid, x: Work, columns: int) -> tuple[int, int]:
    """Return the row and column of the place in x.state; outside of the grid those of its edge."""
    east = north = 0.0
    for a in range(3):
        d = x.state[a] - grid.position[a]
        east += grid.rotation[0, a] * d
        north += grid.rotation[1, a] * d
    half = 0.5 * columns
    column = int(min(max(east / grid.size + half, 0.0), columns - 1.0))
    row = int(min(max(north / grid.size + half, 0.0), columns - 1.0))
    return row, column


@inner
def appear(memory: Memory, time: int) -> None:
    """Let the time until `time`, ns, pass: new targets may have appeared unseen, and others ended.

    So there are never more than births a second times the mean life.
    """
    grid, unseen = memory.grid[0], memory.unseen
    dt = (time - grid.time) * 1e-9
    if dt <= 0.0:
        return
    grid.time = time
    lost = -expm1(-dt * memory.parameters[0].end)
    for row in range(unseen.shape[1]):
        for column in range(unseen.shape[2]):
            most = unseen[1, row, column] / memory.parameters[0].end
            unseen[0, row, column] += lost * (most - unseen[0, row, column])


@inner
def above(memory: Memory, row: int, column: int) -> F64:
    """Return (3,) ECEF m: over the middle of a cell, in the likeliest height."""
    grid, height, half = memory.grid[0], memory.parameters[0].height, 0.5 * memory.unseen.shape[1]
    x, y = (column + 0.5 - half) * grid.size, (row + 0.5 - half) * grid.size
    place: F64 = memory.work[0].vertical
    for a in range(3):
        place[a] = grid.position[a] + x * grid.rotation[0, a] + y * grid.rotation[1, a] + height * grid.rotation[2, a]
    return place


@inner
def covered(memory: Memory, left: float) -> float:
    """Return how many targets per look are expected to be found new in the sensor's reach; scale what is unseen there.

    left: by what the density of each cell in reach is multiplied.
    """
    grid, sense, unseen = memory.grid[0], memory.sense[0], memory.unseen
    east = north = 0.0
    for a in range(3):
        d = sense.position[a] - grid.position[a]
        east += grid.rotation[0, a] * d
        north += grid.rotation[1, a] * d
    half, total = 0.5 * unseen.shape[1], 0.0
    reach2 = inf if sense.kind == POSITION or sense.kind == PLANE else sense.reach * sense.reach
    for row in range(unseen.shape[1]):
        y = (row + 0.5 - half) * grid.size - north
        for column in range(unseen.shape[2]):
            x = (column + 0.5 - half) * grid.size - east
            if x * x + y * y < reach2 and (sense.limited == 0 or visible(above(memory, row, column), sense)):
                total += unseen[0, row, column]
                unseen[0, row, column] *= left
    return float(total * sense.detection * grid.size * grid.size)


@inner
def around(memory: Memory, plot: Plot) -> float:
    """Return how many targets per m^2 are unseen where a plot is."""
    place(plot, memory.sense[0], memory.work[0])
    row, column = cell(memory.grid[0], memory.work[0], memory.unseen.shape[1])
    return float(memory.unseen[0, row, column])


@inner
def bearing(memory: Memory, plot: Plot) -> float:
    """Return how many new targets are expected per unit of z of a bearing, over all ranges."""
    sense, number = memory.sense[0], 0.0
    if sense.begins > NEAREST:
        for k in range(RANGES):
            away, sigma, many = within(plot, sense, k, memory.parameters[0])
            assume(plot, away, sigma)
            number += many * around(memory, plot)
    return float(sense.detection * number * (TONES if sense.kind == SOUND and not isnan(plot.z[3]) else 1.0))


@inner
def expected(memory: Memory, m: int, time: int) -> None:
    """Write how many new targets are expected per unit of z to plot.born, which has what one per m^2 would be."""
    appear(memory, time)
    sense = memory.sense[0]
    if sense.kind in (DIRECTION, SOUND):
        for j in range(m):
            memory.plots[j].born = bearing(memory, memory.plots[j])
        return
    if sense.ground == 0:
        even = covered(memory, 1.0) / sense.volume
        for j in range(m):
            memory.plots[j].born = even
        return
    for j in range(m):
        plot = memory.plots[j]
        plot.born *= sense.detection * around(memory, plot)


@inner
def learned(memory: Memory, m: int) -> float:
    """Return by which factor new targets are more or less than was expected, and apply it to the m plots.

    How many there are is known badly beforehand, so that factor has a Gamma distribution around 1, and the plots that
    nobody claims tell: expectation maximisation, whose fixed point is their share that is new, over its expectation.
    Source: Dempster, Laird, Rubin 1977, for a Poisson mixture of new targets and false alarms of known density.
    """
    plots, shape, factor = memory.plots, memory.parameters[0].shape, 1.0
    usual = covered(memory, 1.0)
    for _ in range(ROUNDS):
        new = 0.0
        for j in range(m):
            rest = plots[j].total - plots[j].born
            new += factor * plots[j].born / (rest + factor * plots[j].born)
        factor = (shape + new) / (shape + usual)
    for j in range(m):
        plots[j].total += (factor - 1.0) * plots[j].born
        plots[j].born *= factor
    return factor


@inner
def searched(memory: Memory, m: int) -> None:
    """Learn from a look that covers all its sensor's reach, and take off what it has found or would have."""
    sense = memory.sense[0]
    if sense.whole == 1 and sense.kind != POSITION:
        covered(memory, learned(memory, m) * (1.0 - sense.detection))
