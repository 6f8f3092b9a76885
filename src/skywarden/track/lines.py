"""Targets found by presence only: straight flights that explain when single microphones began to hear something.

Whenever a node begins to hear, the question is whether that was a target that nobody knows yet. If so it flew in at
the node's reach, from any side, with any offset, speed and height: a table of such flights, spread evenly over what is
expected, is compared with what all nodes around began to hear, and when, and with those that heard nothing though they
should have. The mean of the likelihood ratios, times how much likelier a new target is than a false alarm beforehand,
are the odds; the weighed flights are its place, velocity and their spread. So track before detect needs no grid of the
whole area, and no more work than there are beginnings.

A node begins to hear at a time with density pd phi(z) / sigma (-D'/D), z = ln(reach / D) / sigma, where D(t) is how
far the sound went that comes at t, and has not begun before with probability 1 - pd Phi(z). Source: the likelihood
ratio of track before detect (Davey, Rutten, Cheung 2008), for a lognormal reach; DESIGN.md section 4.6.
"""

from math import exp, inf, log, sqrt
from typing import NamedTuple, Protocol

import numpy as np

from skywarden.kernel import inner, kernel
from skywarden.model.place import F64, I64
from skywarden.track.audible import FAINT, Hearing, chance, dawning
from skywarden.track.flights import FLIGHT, Flight, Flights
from skywarden.track.pool import Rows
from skywarden.track.retarded import retarded

WINDOW = 240.0  # s that beginnings are looked back at
AROUND = 14e3  # m around the node that began to hear, within which nodes are asked
REPORTED = 3.0  # s after which a report has come, if there is one
SUDDEN = 0.2  # of what nodes hear of flights ends at any time, before they are far
FADES = 0.2  # 1 sigma of the logarithm of the distance at which it ends, over that at which it began
FEW = 1e-6  # of the best flight's likelihood ratio, or of 1: less is left out
FEW_FLIGHTS = 1024  # of a table, that are tried first
CLIMB_SIGMA = 3.0  # m/s
COARSE_M, COARSE_SPEED = 100.0, 2.0  # m, m/s between flights of the table: one alone is not exact
MOST = 600.0  # logarithm of a likelihood ratio; more is no number any more
LEAST = 1e-300  # of a ratio


class Onsets(NamedTuple):
    """What k nodes heard around the first, which is asked. Times in s from now, all <= 0.

    place: (k, 3) m, east, north, up of the first; reach: (k,) m.

    begun: (k,) when what it hears or heard last began; -inf none. free: (k,) since when it had been listening and
    silent. quiet: (k,) until when it is known to have been silent, if it has not begun. rate: (k,) 1/s, at which it
    begins to hear for any other reason: false alarms, known targets; inf for what is used up.

    still: (k,) 1 where what began goes on; lasts: (k,) s that other reasons last, on average.
    """

    place: F64
    reach: F64
    begun: F64
    free: F64
    quiet: F64
    rate: F64
    still: I64
    lasts: F64


class Onset(Protocol):
    """One of them, as kernels take it. far: m, beyond which it hears nothing."""

    place: F64
    reach: float
    far: float
    begun: float
    free: float
    quiet: float
    rate: float
    lasts: float
    still: int


SCALARS = "reach", "far", "begun", "free", "quiet", "rate", "lasts"
ONSET = np.dtype([("place", "f8", 3), *((name, "f8") for name in SCALARS), ("still", "i8")])


class Found(NamedTuple):
    """What one beginning says of a new target. odds: that there is one, to that there is none or that it is known.

    mean: (6,) m, m/s, east, north, up of the node asked, now; covariance (6, 6). share: (k,) probability that what
    each node began to hear is this target, if there is one. tried: flights.
    """

    odds: float
    mean: F64
    covariance: F64
    share: F64
    tried: int


def ask(onsets: Onsets, table: Flights, hearing: Hearing, flow: float, needed: float = 0.0) -> Found:
    """Return whether what the first node began to hear is a new target, and where that is.

    flow: new targets per s and m that they pass abreast. needed: odds; if the first FEW_FLIGHTS of the table give less,
    the others are not tried.
    """
    share, count = np.zeros(len(onsets.begun)), len(table.speed)
    reach, rate = float(onsets.reach[0]), float(onsets.rate[0])
    if not np.isfinite(reach + rate + onsets.begun[0]) or rate <= 0.0:
        return Found(0.0, np.zeros(6), np.eye(6), share, 0)
    beforehand = 2.0 * reach * hearing.detection * flow / rate
    nodes, lines, weight, state = onset_rows(onsets, hearing), flight_rows(table), np.empty(count), np.empty((count, 6))
    tried = min(FEW_FLIGHTS, count)
    best = weigh(nodes, lines, hearing, weight[:tried], state[:tried], 0, 0.0)
    total = np.exp(weight[:tried] - best).mean() * np.exp(min(best, MOST))
    if tried < count and beforehand * total >= needed:
        best = weigh(nodes, lines, hearing, weight, state, tried, best)
        tried = count
    weight, state = weight[:tried], state[:tried]
    total = weighed(nodes, lines, hearing, weight, best, share)
    if not total > 0.0:
        return Found(0.0, np.zeros(6), np.eye(6), share, tried)
    middle = weight @ state
    off = state - middle
    covariance = (off * weight[:, None]).T @ off
    covariance += np.diag([COARSE_M**2] * 3 + [COARSE_SPEED**2] * 2 + [CLIMB_SIGMA**2])
    return Found(float(beforehand * total), middle, covariance, share, tried)


def onset_rows(onsets: Onsets, hearing: Hearing) -> Rows:
    """Return nodes as kernels take them, (k,) of ONSET."""
    rows = np.empty(len(onsets.begun), ONSET)
    for name, column in zip(Onsets._fields, onsets, strict=True):
        rows[name] = column
    rows["far"] = onsets.reach * np.exp(FAINT * hearing.spread)
    return rows


def flight_rows(table: Flights) -> Rows:
    """Return flights as kernels take them, (s,) of FLIGHT."""
    return np.column_stack(table).view(FLIGHT)[:, 0]


@kernel
def weigh(  # noqa: PLR0913 - in and out
    nodes: Rows, table: Rows, hearing: Hearing, weight: F64, state: F64, first: int, best: float
) -> float:
    """Write the logarithm of the likelihood ratio of each flight from `first` on to weight (s,), -inf where it is far

    below `best`; state (s, 6): where it is now. best: so far, 0 before all: what is far less likely than that nobody
    flies says so little that it can be left out too. Returns the best.
    """
    ratio, line = np.empty(1), np.empty(6)
    for s in range(first, len(weight)):
        begin(nodes[0], table[s], hearing, line)
        for a in range(6):
            state[s, a] = line[a] - line[a + 3] * nodes[0].begun if a < 3 else line[a]
        weight[s] = agree(nodes, line, hearing, best, ratio)
        best = max(best, weight[s])
    return best


@kernel
def weighed(  # noqa: PLR0913 - in and out
    nodes: Rows, table: Rows, hearing: Hearing, weight: F64, best: float, share: F64
) -> float:
    """Make weights (s,) of logarithms, so that their sum is 1, and write `share` as in `Found`.

    Returns the mean of the likelihood ratios.
    """
    ratio, line, total = np.empty(1), np.empty(6), 0.0
    for s in range(len(weight)):
        weight[s] = exp(weight[s] - best)
        total += weight[s]
    if not total > 0.0:
        return 0.0
    for s in range(len(weight)):
        weight[s] /= total
        if weight[s] < FEW:
            continue
        begin(nodes[0], table[s], hearing, line)
        share[0] += weight[s]
        for j in range(1, len(share)):
            if heard(nodes[j]):
                share[j] += weight[s] * passing(nodes[j], nodes[0].begun, line, hearing, ratio)
    return total / len(weight) * exp(min(best, MOST))


@inner
def begin(node: Onset, flight: Flight, hearing: Hearing, line: F64) -> None:
    """Write a flight to line (6,): where it is when the node asked begins to hear, and its velocity."""
    reach = flight.reach * node.reach
    side, height = flight.side * reach, min(flight.height, 0.9 * reach)
    ahead = sqrt(max(reach * reach - side * side - height * height, 0.0))
    late = flight.speed * reach / hearing.sound
    line[0] = node.place[0] + (late - ahead) * flight.sine + side * flight.cosine
    line[1] = node.place[1] + (late - ahead) * flight.cosine - side * flight.sine
    line[2] = node.place[2] + height
    line[3], line[4], line[5] = flight.speed * flight.sine, flight.speed * flight.cosine, 0.0


@inner
def heard(node: Onset) -> bool:
    """Return whether a node began to hear in the window."""
    return bool(node.begun >= -WINDOW)


@inner
def agree(nodes: Rows, line: F64, hearing: Hearing, best: float, ratio: F64) -> float:
    """Return the logarithm of a flight's likelihood ratio by all nodes but the one asked; -inf if far below `best`."""
    total, product, at = 0.0, 1.0, nodes[0].begun
    for j in range(1, len(nodes)):
        if heard(nodes[j]):
            passing(nodes[j], at, line, hearing, ratio)
            total += log(max(ratio[0], LEAST)) if ratio[0] != 1.0 else 0.0
    least = exp(min(best + log(FEW) - total, 0.0))
    for j in range(1, len(nodes)):
        if product < least:  # silence only takes away
            return -inf
        if not heard(nodes[j]):
            passing(nodes[j], at, line, hearing, ratio)
            product *= ratio[0]
    return total + log(max(product, LEAST))


@inner
def passing(node: Onset, at: float, line: F64, hearing: Hearing, ratio: F64) -> float:
    """Write a node's likelihood ratio of a flight to ratio (1,); return the probability that it began by that flight.

    at: s, when the first node began; line (6,): the flight then.
    """
    ratio[0] = 1.0
    until = node.begun if heard(node) else node.quiet
    if until <= node.free:
        return 0.0
    if across(node, line) > node.far:
        return 0.0
    missed, density = silent(node, line, until - at, hearing)
    if missed == 1.0:  # then it had not come before either
        return 0.0
    free = 1.0
    if node.free > -WINDOW:
        free, _ = silent(node, line, node.free - at, hearing)
    if not heard(node):
        ratio[0] = missed / max(free, missed)
        return 0.0
    by = density / node.rate
    if by > 0.0:
        by *= lasting(node, at, line, hearing.sound)
    ratio[0] = (by + missed) / max(free, missed)
    return float(by / (by + missed))


@inner
def lasting(node: Onset, at: float, line: F64, sound: float) -> float:
    """Return the likelihood ratio of whether a node still hears, if it began by a flight: until that is as far again.

    Sound is not equally loud on both sides, nor without pauses: SUDDEN of flights end at any time, as false alarms do.
    """
    gone = min(node.quiet, -REPORTED) - node.begun
    if not gone > 0.0:
        return 1.0
    false, after = exp(-gone / node.lasts), node.begun - at
    e, n, u = line[0] + after * line[3], line[1] + after * line[4], line[2] - node.place[2]
    e, n = e - node.place[0], n - node.place[1]
    first, _ = nears(e, n, u, line, sound)
    last, rate = nears(e + gone * line[3], n + gone * line[4], u, line, sound)
    on = 1.0 if rate > 0.0 else chance(sound * last, sound * first, 1.0, FADES)
    on = SUDDEN * false + (1.0 - SUDDEN) * on
    if node.still == 1:
        return on / false
    return (1.0 - on) / max(1.0 - false, 1e-9)


@inner
def across(node: Onset, line: F64) -> float:
    """Return m by which a flight passes a node, its height included."""
    e, n, u = line[0] - node.place[0], line[1] - node.place[1], line[2] - node.place[2]
    side = (e * line[4] - n * line[3]) / sqrt(line[3] * line[3] + line[4] * line[4])
    return sqrt(side * side + u * u)


@inner
def silent(node: Onset, line: F64, after: float, hearing: Hearing) -> tuple[float, float]:
    """Return the probability that a node has not begun to hear a flight `after` s on, and the density, 1/s, that it

    does then. line (6,), m and m/s: the flight `after` s before.
    """
    e, n = line[0] + after * line[3] - node.place[0], line[1] + after * line[4] - node.place[1]
    tau, rate = nears(e, n, line[2] - node.place[2], line, hearing.sound)
    if rate > 0.0:
        distance = hearing.sound * tau
        if distance > node.far:
            return 1.0, 0.0
        missed = 1.0 - chance(distance, node.reach, hearing.detection, hearing.spread)
        return missed, rate * dawning(distance, node.reach, hearing.detection, hearing.spread)
    return 1.0 - chance(across(node, line), node.reach, hearing.detection, hearing.spread), 0.0


@inner
def nears(e: float, n: float, u: float, line: F64, sound: float) -> tuple[float, float]:
    """Return s for which the sound went that comes now of a flight e, n, u m off, and by how many m/s its way shrinks.

    As `audible.came`, in still air: from |d - v tau| = c tau, tau' = e.v / (c^2 tau + e.v) with e = d - v tau.
    """
    dd, vv, c2 = e * e + n * n + u * u, line[3] * line[3] + line[4] * line[4], sound * sound
    dv = e * line[3] + n * line[4]
    tau = retarded(dd, dv, vv, sound)
    ev = dv - vv * tau
    return tau, -sound * ev / max(c2 * tau + ev, 1e-9)
