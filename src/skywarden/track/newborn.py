"""How a plot that may be nobody's starts a target: its place, and a wide velocity around standing still."""

from math import isnan

from skywarden.kernel import inner
from skywarden.track.birth import add_velocity, place_polar, place_position
from skywarden.track.looks import Plot, Sense
from skywarden.track.motion import up
from skywarden.track.notes import SECOND, front
from skywarden.track.pool import Memory, Rows
from skywarden.track.prepare import QUOTA, Given
from skywarden.track.settle import ROUNDING
from skywarden.track.view import PLANE, POSITION, expect_polar, level
from skywarden.track.work import Parameters, Work

TURN, TURNS = 1 << 20, 40_503  # ns, and a number of which the multiples are spread well
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
    else:
        place_polar(plot, sense, parameters, work)
    add_velocity(parameters, work)
    if sense.kind != POSITION and sense.kind != PLANE and not isnan(plot.z[RATE]):
        fold_rate(plot, sense, work)


@inner
def room(memory: Memory) -> int:
    """Return how many targets this look's sensor may start: it holds those that no other sensor has seen."""
    parameters, sense = memory.parameters[0], memory.sense[0]
    every, new = parameters.most, parameters.most_new
    for target in memory.targets[: memory.counts[0]]:
        if target.seen_by[0] == sense.sensor and target.seen_by[1] < 0:
            every -= 1
            new -= 1 - target.confirmed
    return int(min(every, new))


@inner
def known(memory: Memory, label: int) -> bool:
    """Return whether there is a target of this label: then its founding plot has come once more."""
    found = False
    for target in memory.targets[: memory.counts[0]]:
        found |= target.label == label
    return found


@inner
def likely(plot: Plot, parameters: Parameters) -> float:
    """Return with which existence a plot starts a target, 0 if it starts none."""
    others = plot.total - plot.clutter - plot.born
    existence = plot.born / plot.total
    if plot.late == 1 or plot.born < parameters.begun * (plot.born + others) or not existence > parameters.least:
        return 0.0
    return existence


@inner
def pressing(plots: Rows, parameters: Parameters, left: int) -> float:
    """Return the existence over which there is room for all that may start: a power of ten if not for every one."""
    over, count = 0.0, len(plots)
    while count > left and over < 1.0:
        count = 0
        for plot in plots:
            count += likely(plot, parameters) > over
        if count > left:
            over = max(10.0 * over, parameters.least)
    return over


@inner
def begin(memory: Memory, plot: Plot, given: Given, existence: float) -> int:
    """Start a target for a plot; return 1, or 0 where its founding plot has come once more."""
    counts = memory.counts
    label = given.name[plot.origin]
    if label == 0:
        counts[3] += 1
        label = counts[3]
    elif known(memory, label):
        return 0
    newborn(plot, memory)
    start(memory, plot, label, existence)
    if plot.label == 0:
        plot.label = label
    counts[0], counts[1] = counts[0] + 1, counts[1] + 1
    return 1


@inner
def bear(memory: Memory, plots: Rows, given: Given) -> None:
    """Start targets for all plots that may be nobody's; where there is no room for all, for the likeliest first."""
    parameters, counts = memory.parameters[0], memory.counts
    left = min(room(memory), len(memory.targets) - counts[0], len(memory.leaves) - counts[1])
    over, m = pressing(plots, parameters, left), len(plots)
    turn = memory.sense[0].time // TURN % TURNS * TURNS % m if over > 0.0 else 0  # so that no place is refused for good
    for plot in plots:
        existence = likely(plot, parameters)
        if existence > over:
            left -= begin(memory, plot, given, existence)
    for j in range(m):
        plot = plots[(j + turn) % m]
        existence = likely(plot, parameters)
        if not 0.0 < existence <= over:
            continue
        if left > 0:
            left -= begin(memory, plot, given, existence)
        elif plot.label == 0:
            given.code[plot.origin] = QUOTA


@inner
def start(memory: Memory, plot: Plot, label: int, existence: float) -> None:
    """Write a target and its leaf in the next free rows: what `newborn` has written."""
    sense, work, counts = memory.sense[0], memory.work[0], memory.counts
    t, n = counts[0], counts[1]
    target, leaf = memory.targets[t], memory.leaves[n]
    for a in range(6):
        leaf.mean[0, a] = leaf.mean[1, a] = work.state[a]
        for b in range(6):
            leaf.covariance[0, a, b] = leaf.covariance[1, a, b] = work.P[a, b]
    leaf.weight[0], leaf.weight[1] = 1.0, 0.0
    leaf.existence, leaf.time = existence, sense.time + round(plot.lag * SECOND)
    leaf.target, leaf.group, leaf.kept = t, -1, 0
    target.label, target.leaf, target.born, target.seen, target.hits = label, n, leaf.time, leaf.time, 1
    target.address, target.confirmed, target.revisit = plot.address, 0, sense.revisit
    for k in range(len(target.seen_by)):
        target.seen_by[k], target.seen_at[k], target.looked_at[k], target.in_view[k] = -1, 0, 0, 0.0
    front(target, sense.sensor, leaf.time)
