"""Which leaves a look can concern at all, and which targets its sensor should have seen by now.

A message of a radar holds some plots of a turn, so nearly all leaves are far from all of them: a test without
prediction finds these. And it says nothing of targets without a plot in it. That a sensor has passed a target without
one comes from time: it has looked around since, and before this look it saw the target.

A sensor that has lost a target may not see it any more for long: behind a hill, below its horizon, in a turn that it is
blind to. So each of a target's sensors has it in view or not, a Markov process of two states, and a miss first makes
"not in view" likelier. Whoever was seen often lives on; whoever was seen once and not again does not.
"""

from math import asin, cos, exp, inf, pi, sin, sqrt
from typing import NamedTuple

import numpy as np

from skywarden.kernel import inner
from skywarden.model.place import F64, I64
from skywarden.track.models import models
from skywarden.track.motion import height
from skywarden.track.pool import Leaf, Memory, Parameters, Rows, Sense, Target
from skywarden.track.view import AZIMUTH, DIRECTION, PLANE, POLAR, POSITION

OVERDUE, RIPE = 1.3, 0.5  # revisits since a sensor saw or missed a target: it has passed it now; it may have
PAUSE = 2.5  # revisits without a look; then a sensor begins anew, and nothing was missed meanwhile
IN_VIEW, TURN_S = 0.5, 60.0  # share of time in which a sensor can see a target that it has seen; time of change, s
LIKELY, PATIENCE = 0.1, 2.0  # from this existence on a target that is not confirmed is waited for so much longer
SILENT_S = 10.0  # and when another sensor looks, so many s longer, since its own may be late


class Due(NamedTuple):
    """slot (targets,): which of a target's sensors looks, -1 none; expected (targets,): probability that it would have

    seen the target since it last did; 0 if it may not have passed it yet, -1 if it has just seen it. sight (targets,):
    probability that it has the target in view.
    """

    slot: I64
    expected: F64
    sight: F64


@inner
def wake(memory: Memory, sense: Sense) -> float:
    """Note that a sensor looks; return for how long, s, it did not. After a pause it starts anew."""
    latest = memory.sensors[sense.sensor]
    gap = (sense.time - latest[0]) * 1e-9
    if gap > PAUSE * sense.revisit:
        latest[1] = sense.time
    latest[0] = max(latest[0], sense.time)
    return float(gap)


@inner
def overdue(memory: Memory, sense: Sense) -> Due:
    """Return who should have been seen by now, and note that they were missed: who has a plot takes that back."""
    count = memory.counts[0]
    due = Due(np.full(count, -1), np.full(count, -1.0), np.ones(count))
    if sense.whole == 1 or sense.missable == 0:
        return due
    since = memory.sensors[sense.sensor, 1]
    for t in range(count):
        target, due.sight[t] = memory.targets[t], IN_VIEW
        for k in range(len(target.seen_by)):
            if target.seen_by[k] != sense.sensor:
                continue
            due.sight[t] = in_view(target, k, sense)
            gap = (sense.time - max(target.looked_at[k], since)) * 1e-9
            if gap > RIPE * sense.revisit:
                due.slot[t], due.expected[t] = k, 0.0
            if gap > OVERDUE * sense.revisit:
                due.expected[t] = due.sight[t] * sense.detection
                target.in_view[k] = due.sight[t] * (1.0 - sense.detection) / (1.0 - due.expected[t])
                target.looked_at[k] = sense.time
    return due


@inner
def in_view(target: Target, k: int, sense: Sense) -> float:
    """Return how likely a target is in view of its sensor k now."""
    gap = max((sense.time - target.looked_at[k]) * 1e-9, 0.0)
    return float(IN_VIEW + (target.in_view[k] - IN_VIEW) * exp(-gap / TURN_S))


@inner
def passed(memory: Memory, due: Due, t: int, time: int) -> None:
    """Note that a sensor sees the place of target t now, since it has a plot there that may be another's."""
    memory.targets[t].looked_at[due.slot[t]] = time


@inner
def forget(memory: Memory, n: int, sense: Sense) -> None:
    """End leaves of targets that are not confirmed and were not seen again in time."""
    parameters = memory.parameters[0]
    for i in range(n):
        leaf = memory.leaves[i]
        target = memory.targets[leaf.target]
        if sense.whole == 1 or target.confirmed == 1 or leaf.group >= 0:
            continue
        limit = max(parameters.brief * target.revisit, parameters.brief_least)
        if leaf.existence > LIKELY:
            limit *= PATIENCE
        if target.seen_by[0] != sense.sensor:
            limit += SILENT_S
        if (sense.time - target.seen) * 1e-9 > limit:
            leaf.existence = 0.0


@inner
def extent(plots: Rows, sense: Sense, area: F64) -> None:
    """Write around what the plots of a look lie to area (6,): lowest and highest ECEF x, y, z of POSITION and PLANE;

    else least and greatest range, m, and the middle and half the width of their azimuths, rad.
    """
    for a in range(3):
        area[2 * a], area[2 * a + 1] = inf, -inf
    if sense.kind == POSITION or sense.kind == PLANE:
        for plot in plots:
            for a in range(3):
                area[2 * a], area[2 * a + 1] = min(area[2 * a], plot.z[a]), max(area[2 * a + 1], plot.z[a])
        return
    middle, left, right = plots[0].z[AZIMUTH], 0.0, 0.0
    for plot in plots:
        area[0], area[1] = min(area[0], plot.z[0]), max(area[1], plot.z[0])
        off = around(plot.z[AZIMUTH] - middle)
        left, right = min(left, off), max(right, off)
    area[2], area[3] = middle + 0.5 * (left + right), 0.5 * (right - left)
    if sense.kind == DIRECTION:
        area[0], area[1] = 0.0, inf


@inner
def around(angle: float) -> float:
    """Return an angle within half a turn of 0."""
    while angle > pi:
        angle -= 2.0 * pi
    while angle < -pi:
        angle += 2.0 * pi
    return angle


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
def far(leaf: Leaf, area: F64, sense: Sense, limit: float, parameters: Parameters) -> bool:
    """Return whether no plot of a look can fit a leaf, without predicting it. limit: chi-square, the widest."""
    dt, x, gate = (sense.time - leaf.time) * 1e-9, leaf.mean[0], sqrt(limit)
    speed = sqrt(x[3] * x[3] + x[4] * x[4] + x[5] * x[5])
    reach = gate * doubt(leaf, dt, parameters) + (sense.lag + gate * sense.doubt) * speed
    p0, p1, p2 = x[0] + dt * x[3], x[1] + dt * x[4], x[2] + dt * x[5]
    if sense.kind == POSITION or sense.kind == PLANE:
        reach += gate * sqrt(sense.blur + sense.side_blur)
        if sense.kind == PLANE:
            reach += abs(height(x)) + abs(dt) * speed  # its plots lie on the ellipsoid
        return bool(
            p0 + reach < area[0]
            or p0 - reach > area[1]
            or p1 + reach < area[2]
            or p1 - reach > area[3]
            or p2 + reach < area[4]
            or p2 - reach > area[5]
        )
    p0, p1, p2, turn = p0 - sense.position[0], p1 - sense.position[1], p2 - sense.position[2], sense.rotation
    east = turn[0, 0] * p0 + turn[0, 1] * p1 + turn[0, 2] * p2
    north = turn[1, 0] * p0 + turn[1, 1] * p1 + turn[1, 2] * p2
    slant, ground = sqrt(p0 * p0 + p1 * p1 + p2 * p2), sqrt(east * east + north * north)
    if sense.kind == POLAR:
        wide = reach + gate * sqrt(sense.blur)
        if slant - wide > area[1] or slant + wide < area[0]:
            return True
    if reach >= ground:
        return False
    half = asin(reach / ground) + gate * sqrt(sense.side_blur) + area[3]
    if half >= pi:
        return False
    # east = ground sin(azimuth): compare with the middle's direction instead of taking an arc tangent
    along = east * sin(area[2]) + north * cos(area[2])
    return bool(along < ground * cos(half))


@inner
def near(memory: Memory, n: int, plots: Rows, sense: Sense) -> I64:
    """Return (n,) 1 for leaves that some plot may fit, and for all of a group of which one may; 0 for the others."""
    active = np.ones(n, np.int64)
    if sense.whole == 1:
        return active
    parameters, area = memory.parameters[0], np.empty(6)
    extent(plots, sense, area)
    lively = np.zeros(memory.counts[3], np.int64)
    for i in range(n):
        leaf, limit = memory.leaves[i], parameters.gate[4]
        if sense.addressed == 1 and memory.targets[leaf.target].address >= 0:
            limit *= parameters.address_gate
        if far(leaf, area, sense, limit, parameters):
            active[i] = 0
        elif leaf.group >= 0:
            lively[leaf.group] = 1
    for i in range(n):
        if memory.leaves[i].group >= 0:
            active[i] = lively[memory.leaves[i].group]
    return active
