"""Which leaves a look can concern at all, and which targets its sensor should have seen by now.

A message of a radar holds some plots of a turn, so nearly all leaves are far from all of them: a test without
prediction finds these. And it says nothing of targets without a plot in it. That a sensor has passed a target without
one comes from time: it has looked around since, and before this look it saw the target.

A sensor that has lost a target may not see it any more for long: behind a hill, below its horizon, in a turn that it is
blind to. So each of a target's sensors has it in view or not, a Markov process of two states, and a miss first makes
"not in view" likelier. Whoever was seen often lives on; whoever was seen once and not again does not.
"""

from math import asin, atan2, exp, floor, pi, sqrt
from typing import NamedTuple

import numpy as np

from skywarden.kernel import inner
from skywarden.model.place import F64, I64
from skywarden.track.cover import visible
from skywarden.track.looks import Sense
from skywarden.track.models import models
from skywarden.track.motion import height
from skywarden.track.pool import Leaf, Memory, Rows, Target
from skywarden.track.spots import GOOD, earshot, mark, unheard
from skywarden.track.view import PLANE, POLAR, POSITION, SOUND
from skywarden.track.work import Parameters

OVERDUE, RIPE = 1.3, 0.5  # revisits since a sensor saw or missed a target: it has passed it now; it may have
PAUSE = 2.5  # revisits without a look; then a sensor begins anew, and nothing was missed meanwhile
IN_VIEW, TURN_S = 0.5, 60.0  # share of time in which a sensor can see a target that it has seen; time of change, s
LIKELY, PATIENCE = 0.1, 2.0  # from this existence on a target that is not confirmed is waited for so much longer
UNSAID = 8  # looks without a message that are counted, at most
SWEEP = 0.1  # revisits between two searches for what a sensor has missed
UNKNOWN = -1.0
SLOWEST = 0.05  # of the speed of sound, that a target comes nearer more slowly than its sound
SPAN = GOOD * 1e-9  # s
NO, YES, IF_KNOWN = 0, 1, 2
SILENT_S = 10.0  # and when another sensor looks, so many s longer, since its own may be late


class Due(NamedTuple):
    """slot (targets,): which of a target's sensors looks, if it may have passed the target since it last did; -1 none.

    seen (targets,): 1 if it has just seen the target. expected (targets,): probability that it would have seen the
    target since it last did, 0 if it may not have passed it yet. sight (targets,): that it has the target in view.
    """

    slot: I64
    seen: I64
    expected: F64
    sight: F64


@inner
def wake(memory: Memory, sense: Sense) -> None:
    """Note that a sensor looks; after a pause it starts anew."""
    latest = memory.sensors[sense.sensor]
    if (sense.time - latest[0]) * 1e-9 > PAUSE * sense.revisit:
        latest[1] = sense.time
    latest[0] = max(latest[0], sense.time)


@inner
def sweeps(memory: Memory, sense: Sense) -> bool:
    """Return whether it is time again to see whom the sensor of a look has missed; that costs a look at all targets."""
    latest = memory.sensors[sense.sensor]
    if sense.whole == 1 or abs(sense.time - latest[2]) * 1e-9 < SWEEP * sense.revisit:
        return False
    latest[2] = sense.time
    return True


@inner
def overdue(memory: Memory, n: int, sense: Sense, swept: bool) -> Due:
    """Return who should have been seen by now, and note that they were missed: who has a plot takes that back.

    All targets, when `swept`, else only those that the look reaches.
    """
    count = memory.counts[0]
    due = Due(np.full(count, -1), np.zeros(count, np.int64), np.zeros(count), np.full(count, UNKNOWN))
    if sense.whole == 1 or sense.missable == 0:
        due.sight[:] = 1.0
        return due
    active, leaves, targets, sight = memory.active, memory.leaves, memory.targets, due.sight
    for i in range(n):
        t = leaves[i].target
        if (swept or active[i] == 1) and sight[t] == UNKNOWN:
            sight[t] = IN_VIEW
            k = slot(targets[t], sense.sensor)
            if k >= 0:  # seldom; handing all of memory to a function costs more than the rest
                recall(memory, due, i, k)
    return due


@inner
def slot(target: Target, sensor: int) -> int:
    """Return which of a target's sensors this is, -1 none."""
    for k in range(len(target.seen_by)):
        if target.seen_by[k] == sensor:
            return k
    return -1


@inner
def now(memory: Memory, i: int, sense: Sense) -> F64:
    """Return (3,) ECEF m where leaf i is at a look, straight on: it may not be predicted yet."""
    leaf = memory.leaves[i]
    place: F64 = memory.work[0].vertical
    x, dt = leaf.mean[0], (sense.time - leaf.time) * 1e-9
    for a in range(3):
        place[a] = x[a] + dt * x[a + 3]
    return place


@inner
def recall(memory: Memory, due: Due, i: int, k: int) -> None:
    """Fill the row of the target of leaf i. k: which of the target's sensors looks."""
    sense, t = memory.sense[0], memory.leaves[i].target
    target = memory.targets[t]
    due.sight[t] = in_view(target, k, sense)
    gap = (sense.time - max(target.looked_at[k], memory.sensors[sense.sensor, 1])) * 1e-9
    if gap > RIPE * sense.revisit:
        due.slot[t] = k
    else:
        due.seen[t] = 1
    if gap > OVERDUE * sense.revisit:
        if sense.begins > 0.0:
            unsaid(memory, i, k, gap)
            due.sight[t] = target.in_view[k]
        detection = sense.detection if visible(now(memory, i, sense), sense) else 0.0
        due.expected[t] = due.sight[t] * detection
        target.in_view[k] = due.sight[t] * (1.0 - detection) / (1.0 - due.expected[t])
        target.looked_at[k] = sense.time


@inner
def unsaid(memory: Memory, i: int, k: int, gap: float) -> None:
    """Let the target of leaf i exist less likely for the looks of its sensor k before this one: it was in none of them.

    Who begins targets by bearings sends nothing while it sees nothing. Were these looks not counted, any bearing that
    comes would speak for whom it may be of: what is false would stay.
    """
    sense, target = memory.sense[0], memory.targets[memory.leaves[i].target]
    sight, left = in_view(target, k, sense), 1.0
    detection = sense.detection if visible(now(memory, i, sense), sense) else 0.0
    for _ in range(min(int(gap / sense.revisit - RIPE), UNSAID)):
        left *= 1.0 - sight * detection
        sight *= (1.0 - detection) / (1.0 - sight * detection)
    target.in_view[k] = sight
    for j in range(memory.counts[1]):
        leaf = memory.leaves[j]
        if leaf.target == memory.leaves[i].target:
            leaf.existence *= left / (1.0 - leaf.existence * (1.0 - left))


@inner
def sweep(memory: Memory, n: int, due: Due) -> None:
    """Let leaves that a look does not reach exist less likely if its sensor should have seen them."""
    for i in range(n):
        leaf = memory.leaves[i]
        missed = due.expected[leaf.target]
        if memory.active[i] == 0 and missed > 0.0:
            leaf.existence *= (1.0 - missed) / (1.0 - leaf.existence * missed)


@inner
def in_view(target: Target, k: int, sense: Sense) -> float:
    """Return how likely a target is in view of its sensor k now."""
    gap = max((sense.time - target.looked_at[k]) * 1e-9, 0.0)
    return float(IN_VIEW + (target.in_view[k] - IN_VIEW) * exp(-gap / TURN_S))


@inner
def passed(memory: Memory, due: Due, t: int, crowded: int) -> int:
    """Return whether a sensor that has a plot that fits target t should have one of it, and note that it looked.

    It should if it has seen the target before and may have passed it since. One that never has: if it has a plot just
    where the target is known to be (crowded is 1), so that it does see this place. A range of a wedge should only if
    that is a known target's (IF_KNOWN): else both may be one, whose bearing another wedge has until then.
    """
    sense = memory.sense[0]
    if sense.missable == 0 or sense.whole == 1:
        return NO
    if due.slot[t] >= 0:
        memory.targets[t].looked_at[due.slot[t]] = sense.time
        return YES
    if due.seen[t] == 1 or crowded == 0:
        return NO
    return IF_KNOWN if memory.targets[t].wedge == 1 else YES


@inner
def forget(memory: Memory, n: int, sense: Sense) -> None:
    """End leaves of targets that are not confirmed and were not seen again in time."""
    parameters = memory.parameters[0]
    for i in range(n):
        leaf = memory.leaves[i]
        target = memory.targets[leaf.target]
        if sense.whole == 1 or target.confirmed == 1 or (leaf.group >= 0 and target.wedge == 0):
            continue
        limit = max(parameters.brief * target.revisit, parameters.brief_least)
        if leaf.existence > LIKELY:
            limit *= PATIENCE
        if target.seen_by[0] != sense.sensor:
            limit += SILENT_S
        if (sense.time - target.seen) * 1e-9 > limit:
            leaf.existence = 0.0


@inner
def lower(plots: Rows, value: float) -> int:
    """Return the first row whose key is at least `value`."""
    low, high = 0, len(plots)
    while low < high:
        middle = (low + high) // 2
        if plots[middle].key < value:
            low = middle + 1
        else:
            high = middle
    return low


@inner
def turned(difference: float, kind: int) -> float:
    """Return how far two second keys are apart; azimuths go round."""
    apart = abs(difference)
    return 2.0 * pi - apart if kind == POLAR and apart > pi else apart


@inner
def doubt(leaf: Leaf, dt: float, parameters: Parameters) -> float:
    """Return 1 sigma, m, of where a leaf is dt s before or after its time, at most, around its first model's place."""
    most, span, many = 0.0, abs(dt), models(leaf)
    for m in range(many):
        P, noise = leaf.covariance[m], parameters.noise[many - 1]
        off = 0.0
        for a in range(3 * m):
            off += abs(leaf.mean[m, a] - leaf.mean[0, a])
        sigma = sqrt(max(P[0, 0] + P[1, 1] + P[2, 2], 0.0)) + span * sqrt(max(P[3, 3] + P[4, 4] + P[5, 5], 0.0))
        most = max(most, off + sigma + sqrt((2.0 * noise[0] + noise[1]) * (span * span * span) / 3.0))
    return most


@inner
def reaches(leaf: Leaf, plots: Rows, sense: Sense, limit: float, parameters: Parameters) -> bool:
    """Return whether a look reaches a leaf: some plot may fit it, not predicted. limit: chi-square, the widest."""
    dt, x, gate = (sense.time - leaf.time) * 1e-9, leaf.mean[0], sqrt(limit)
    speed = sqrt(x[3] * x[3] + x[4] * x[4] + x[5] * x[5])
    reach = gate * doubt(leaf, dt, parameters) + (sense.lag + gate * sense.doubt) * speed
    a, b = sense.axis, sense.second
    if sense.kind == POSITION or sense.kind == PLANE:
        if sense.kind == PLANE:
            reach += abs(height(x)) + abs(dt) * speed  # its plots lie on the ellipsoid
        place, other = x[a] + dt * x[a + 3], x[b] + dt * x[b + 3]
        wide, side = reach + gate * sqrt(sense.blur), reach + gate * sqrt(sense.side_blur)
        return between(plots, sense, (place - wide, place + wide), other, side)
    position, turn = sense.position, sense.rotation
    p0, p1, p2 = x[0] + dt * x[3] - position[0], x[1] + dt * x[4] - position[1], x[2] + dt * x[5] - position[2]
    east = turn[0, 0] * p0 + turn[0, 1] * p1 + turn[0, 2] * p2
    north = turn[1, 0] * p0 + turn[1, 1] * p1 + turn[1, 2] * p2
    slant, ground = sqrt(p0 * p0 + p1 * p1 + p2 * p2), sqrt(east * east + north * north)
    if sense.kind == SOUND:  # it is heard where it was up to `late` s ago
        w, c = sense.wind, sense.sound
        u = sqrt((x[3] - w[0]) ** 2 + (x[4] - w[1]) ** 2 + (x[5] - w[2]) ** 2)
        if slant - reach > sense.reach * (1.0 + u / c):  # from within reach it may have flown on
            return False
        late = (slant + reach) / max(c - u, SLOWEST * c)
        air = late * (sense.wind_sigma + u * sense.sound_sigma / c)
        reach += gate * (doubt(leaf, abs(dt) + late, parameters) + air) + u * late
    wide = reach + gate * sqrt(sense.blur)
    if sense.kind == POLAR and not any_within(plots, slant - wide, slant + wide):
        return False  # nearly always, and without an angle
    azimuth, half = atan2(east, north), pi if reach >= ground else asin(reach / ground)
    if sense.kind == POLAR:
        return between(plots, sense, (slant - wide, slant + wide), azimuth, half + gate * sqrt(sense.side_blur))
    return towards(plots, azimuth, half + gate * sqrt(sense.blur))


@inner
def towards(plots: Rows, azimuth: float, most: float) -> bool:
    """Return whether some plot's key, an azimuth, is at most so far from another."""
    found = False
    for plot in plots:
        off = plot.key - azimuth
        found |= abs(off - 2.0 * pi * floor(off / (2.0 * pi) + 0.5)) <= most
    return found


@inner
def any_within(plots: Rows, low: float, high: float) -> bool:
    """Return whether some plot's key is from `low` to `high`."""
    j = lower(plots, low)
    return j < len(plots) and bool(plots[j].key <= high)


@inner
def between(plots: Rows, sense: Sense, limits: tuple[float, float], centre: float, most: float) -> bool:
    """Return whether some plot's key is within `limits` and its second key at most so far from `centre`."""
    j = lower(plots, limits[0])
    while j < len(plots) and plots[j].key <= limits[1]:
        if turned(plots[j].side - centre, sense.kind) <= most:
            return True
        j += 1
    return False


@inner
def near(memory: Memory, n: int, plots: Rows, sense: Sense) -> None:
    """Write 1 to memory.active (n,) for leaves that some plot may fit and those of their groups, 0 for the others.

    Who is active may change, so that its spot is not known any more.
    """
    parameters, active, spots, any_group = memory.parameters[0], memory.active, memory.spots, False
    lively = np.zeros(memory.counts[2], np.int64)
    gate, far, flown = sqrt(parameters.gate[4]), 0.0, 0.0
    heard = sense.kind == SOUND and sense.addressed == 0
    if heard:
        far, flown = earshot(sense, gate)
    for i in range(n):
        if heard and unheard(spots[i], sense, far, flown):
            active[i] = 0
            continue
        leaf, limit = memory.leaves[i], parameters.gate[4]
        if sense.addressed == 1 and memory.targets[leaf.target].address >= 0:
            limit *= parameters.address_gate
        active[i] = 1 if sense.whole == 1 or reaches(leaf, plots, sense, limit, parameters) else 0
        if active[i] == 1:
            spots[i].known = 0.0
            if leaf.group >= 0:
                lively[leaf.group], any_group = 1, True
        elif heard:
            dt = (sense.time - leaf.time) * 1e-9
            mark(
                spots[i], leaf, sense.time, gate * max(doubt(leaf, dt, parameters), doubt(leaf, dt + SPAN, parameters))
            )
    for i in range(n if any_group else 0):
        if memory.leaves[i].group >= 0 and lively[memory.leaves[i].group] == 1:
            active[i], spots[i].known = 1, 0.0
