"""Which plots start targets: those that may be nobody's, the likeliest first where there is no room for all."""

from skywarden.kernel import inner
from skywarden.track.looks import Plot
from skywarden.track.newborn import newborn, start
from skywarden.track.notes import begun_by_bearing
from skywarden.track.pool import Memory, Rows
from skywarden.track.prepare import QUOTA, Given
from skywarden.track.shadow import shadowed
from skywarden.track.wedge import only_bearing, start_wedge
from skywarden.track.work import Parameters

WEDGED = 0.01  # share of a bearing, beside known targets, from which it begins one; that costs a group of leaves
TURN, TURNS = 1 << 20, 40_503  # ns, and a number of which the multiples are spread well


@inner
def room(memory: Memory) -> int:
    """Return how many targets this look's sensor may start: it holds those that no other sensor has seen.

    Of those that its bearings began fewer, since each takes a group.
    """
    parameters, sense = memory.parameters[0], memory.sense[0]
    every, new, wedges = parameters.most, parameters.most_new, parameters.most_wedges
    for target in memory.targets[: memory.counts[0]]:
        if target.seen_by[0] == sense.sensor and target.seen_by[1] < 0:
            every -= 1
            new -= 1 - target.confirmed
            wedges -= begun_by_bearing(target)
    return int(min(every, new, wedges) if only_bearing(sense) else min(every, new))


@inner
def known(memory: Memory, label: int) -> bool:
    """Return whether there is a target of this label: then its founding plot has come once more."""
    found = False
    for target in memory.targets[: memory.counts[0]]:
        found |= target.label == label
    return found


@inner
def likely(plot: Plot, begun: float, parameters: Parameters) -> float:
    """Return with which existence a plot starts a target, 0 if it starts none. begun: the least share of it."""
    others = plot.total - plot.clutter - plot.born
    existence = plot.born / plot.total
    if plot.late == 1 or plot.born < begun * (plot.born + others) or not existence > parameters.least:
        return 0.0
    return existence


@inner
def pressing(plots: Rows, begun: float, parameters: Parameters, left: int) -> float:
    """Return the existence over which there is room for all that may start: a power of ten if not for every one."""
    over, count = 0.0, len(plots)
    while count > left and over < 1.0:
        count = 0
        for plot in plots:
            count += likely(plot, begun, parameters) > over
        if count > left:
            over = max(10.0 * over, parameters.least)
    return over


@inner
def begin(memory: Memory, plot: Plot, given: Given, existence: float) -> int:
    """Start a target for a plot; return 1, or 0 where its founding plot has come once more."""
    counts = memory.counts
    label = given.name[plot.origin]
    if label == 0:
        label = counts[3] + 1
    elif known(memory, label):
        return 0
    if not only_bearing(memory.sense[0]):
        newborn(plot, memory)
        start(memory, plot, label, existence)
    elif not start_wedge(memory, plot, label, existence):
        given.code[plot.origin] = QUOTA
        return 0
    if given.name[plot.origin] == 0:
        counts[3] = label
    if plot.label == 0:
        plot.label = label
    counts[0] += 1
    return 1


@inner
def hush(memory: Memory, plots: Rows, begun: float) -> None:
    """Let no sound of one of many arrays begin a target in the shadow of one that is known: its `born` is 0 then."""
    if not only_bearing(memory.sense[0]) or memory.sense[0].begins <= 0.0:
        return
    for plot in plots:
        if plot.person > 0 and likely(plot, begun, memory.parameters[0]) > 0.0 and shadowed(memory, plot):
            plot.born = 0.0


@inner
def bear(memory: Memory, plots: Rows, given: Given) -> None:
    """Start targets for all plots that may be nobody's; where there is no room for all, for the likeliest first."""
    parameters, counts = memory.parameters[0], memory.counts
    begun = max(parameters.begun, WEDGED) if only_bearing(memory.sense[0]) else parameters.begun
    hush(memory, plots, begun)
    left = min(room(memory), len(memory.targets) - counts[0], len(memory.leaves) - counts[1])
    over, m = pressing(plots, begun, parameters, left), len(plots)
    turn = memory.sense[0].time // TURN % TURNS * TURNS % m if over > 0.0 else 0  # so that no place is refused for good
    for plot in plots:
        existence = likely(plot, begun, parameters)
        if existence > over:
            left -= begin(memory, plot, given, existence)
    for j in range(m):
        plot = plots[(j + turn) % m]
        existence = likely(plot, begun, parameters)
        if not 0.0 < existence <= over:
            continue
        if left > 0:
            left -= begin(memory, plot, given, existence)
        elif plot.label == 0:
            given.code[plot.origin] = QUOTA
