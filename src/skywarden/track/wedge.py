"""How a bearing that may be nobody's starts a target: a group of its own, a hypothesis for each step of range.

Sounds and bearings of other places decide between them, as joint hypotheses do between plots.
"""

from skywarden.kernel import inner
from skywarden.track.joint import vacant
from skywarden.track.looks import Plot, Sense
from skywarden.track.newborn import enrol, newborn, sow
from skywarden.track.notes import SECOND
from skywarden.track.pool import Leaf, Memory
from skywarden.track.ranges import RANGES, assume, within
from skywarden.track.sound import found
from skywarden.track.undetected import around
from skywarden.track.view import DIRECTION, SOUND
from skywarden.track.work import Work

LEAST = 1e-300  # that is divided by


@inner
def only_bearing(sense: Sense) -> bool:
    """Return whether what a look starts has no range."""
    return bool(sense.kind == DIRECTION or sense.kind == SOUND)


@inner
def blown(sense: Sense, away: float, work: Work) -> None:
    """Take a new state's place from where its sound seems to come from to where it left; the wind carried it since."""
    delay = away / sense.sound
    variance = delay * delay * sense.wind_sigma * sense.wind_sigma
    for a in range(3):
        work.state[a] -= delay * sense.wind[a]
        work.P[a, a] += variance


@inner
def start_wedge(memory: Memory, plot: Plot, label: int, existence: float) -> bool:
    """Start a target of unknown range; return False where there is no room for it."""
    counts, sense, work, parameters = memory.counts, memory.sense[0], memory.work[0], memory.parameters[0]
    slot = vacant(memory)
    if slot < 0 or counts[1] + RANGES > len(memory.leaves):
        return False
    group, target, total = memory.groups[slot], memory.targets[counts[0]], 0.0
    group.size, group.count, group.member[0] = 1, RANGES, counts[0]
    for k in range(RANGES):
        away, sigma, number = within(plot, sense, k, parameters)
        assume(plot, away, sigma)
        group.weight[k] = number * around(memory, plot)
        total += group.weight[k]
        newborn(plot, memory)
        if sense.kind == SOUND:
            blown(sense, away, work)
        leaf: Leaf = memory.leaves[counts[1] + k]
        delay = away / sense.sound if sense.kind == SOUND else 0.0
        sow(leaf, existence, sense.time + round((plot.lag - delay) * SECOND), work)
        leaf.target, leaf.group = counts[0], slot
        if sense.kind == SOUND:
            found(leaf, plot, sense, memory.views[counts[1] + k], parameters, work)
        group.choice[k, 0] = counts[1] + k
    best = 0
    for k in range(RANGES):
        group.weight[k] /= max(total, LEAST)
        if group.weight[k] > group.weight[best]:
            best = k
    enrol(target, plot, label, sense)
    target.leaf, target.wedge = counts[1] + best, 1
    for a in range(3):
        target.origin[a] = sense.position[a]
    counts[1] += RANGES
    counts[2] = max(counts[2], slot + 1)
    return True
