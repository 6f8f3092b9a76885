"""How a plot that may be nobody's starts a target: its place, and a wide velocity around standing still."""

from math import isnan

from skywarden.kernel import inner
from skywarden.track.birth import add_velocity, place_level, place_polar, place_position
from skywarden.track.ear import empty
from skywarden.track.looks import Plot, Sense
from skywarden.track.motion import up
from skywarden.track.notes import SECOND, front
from skywarden.track.pool import Leaf, Memory, Target
from skywarden.track.settle import ROUNDING
from skywarden.track.view import PLANE, POLAR, POSITION, expect_polar, level
from skywarden.track.work import Parameters, Work

RATE = 3  # the component of POLAR that says something of velocity


@inner
def place_plane(plot: Plot, parameters: Parameters, work: Work) -> None:
    """Write the position of a PLANE plot, at the height that is likeliest before it is seen, to work.state and P."""
    up(plot.z, work.vertical)
    u, R, T = work.vertical, plot.covariance, work.H
    level(plot.z, T, work)
    for a in range(3):
        work.state[a] = plot.z[a] + parameters.height * u[a]
        for b in range(3):
            value = parameters.height_sigma * parameters.height_sigma * (u[a] * u[b])
            for c in range(2):
                for d in range(2):
                    value += T[c, a] * R[c, d] * T[d, b]
            work.P[a, b] = value


@inner
def fold_rate(plot: Plot, sense: Sense, work: Work) -> None:
    """Correct a new state by its plot's range rate, which says one component of its velocity."""
    P, H, HP = work.P, work.H, work.a
    expect_polar(work.state, sense, work.y, H, 4)
    S = plot.covariance[RATE, RATE]
    for a in range(6):
        HP[a] = 0.0
        for b in range(6):
            HP[a] += H[RATE, b] * P[b, a]
    for a in range(6):
        S += HP[a] * H[RATE, a]
    step = (plot.z[RATE] - work.y[RATE]) / S
    for a in range(6):
        before = P[a, a]
        work.state[a] += HP[a] * step
        for b in range(a + 1):
            value = P[a, b] - HP[a] * HP[b] / S
            P[a, b] = P[b, a] = value
        P[a, a] += ROUNDING * before


@inner
def newborn(plot: Plot, memory: Memory) -> None:
    """Write mean and covariance of what a plot starts to work.state and work.P."""
    sense, parameters, work = memory.sense[0], memory.parameters[0], memory.work[0]
    if sense.kind == POSITION:
        place_position(plot, work)
    elif sense.kind == PLANE:
        place_plane(plot, parameters, work)
    elif sense.kind != POLAR and isnan(plot.z[2]):
        place_level(plot, sense, parameters, work)
    else:
        place_polar(plot, sense, parameters, work)
    add_velocity(parameters, work)
    if sense.kind == POLAR and not isnan(plot.z[RATE]):
        fold_rate(plot, sense, work)


@inner
def start(memory: Memory, plot: Plot, label: int, existence: float) -> None:
    """Write a target and its leaf in the next free rows: what `newborn` has written."""
    sense, counts = memory.sense[0], memory.counts
    leaf = memory.leaves[counts[1]]
    sow(leaf, existence, sense.time + round(plot.lag * SECOND), memory.work[0])
    leaf.target = counts[0]
    target = memory.targets[counts[0]]
    enrol(target, plot, label, sense)
    target.leaf = counts[1]
    counts[1] += 1


@inner
def sow(leaf: Leaf, existence: float, time: int, work: Work) -> None:
    """Make a leaf of what `newborn` has written, at `time`, ns."""
    for a in range(6):
        leaf.mean[0, a] = leaf.mean[1, a] = work.state[a]
        for b in range(6):
            leaf.covariance[0, a, b] = leaf.covariance[1, a, b] = work.P[a, b]
    leaf.weight[0], leaf.weight[1] = 1.0, 0.0
    leaf.existence, leaf.time, leaf.group, leaf.kept = existence, time, -1, 0
    empty(leaf)


@inner
def enrol(target: Target, plot: Plot, label: int, sense: Sense) -> None:
    """Begin the books of a target that a plot starts."""
    time = sense.time + round(plot.lag * SECOND)
    target.label, target.born, target.seen, target.told, target.hits, target.wedge = label, time, time, time, 1, 0
    target.placed = 0 if plot.person > 0 else time
    target.turns, target.turned = 1, time
    target.address, target.confirmed, target.revisit, target.loud = plot.address, 0, sense.revisit, 0.0
    target.witness = target.array = plot.person
    for a in range(3):
        target.origin[a] = 0.0
    for k in range(len(target.seen_by)):
        target.seen_by[k], target.seen_at[k], target.looked_at[k], target.in_view[k] = -1, 0, 0, 0.0
    front(target, sense.sensor, time)
