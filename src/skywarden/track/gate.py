"""Which detections of a group may belong to which track: sorted one-dimensional search, then exact chi-square.

The sort key is range for POLAR, sine of azimuth for DIRECTION, and for POSITION the ECEF axis along which the group
is widest. Nothing is ever as large as tracks times detections: each track looks at no more than EXAMINED neighbours
in the key, compares exactly with COMPARED and keeps its KEPT best.
"""

from math import cos, exp, inf, log, sin, sqrt

import numpy as np

from skywarden.kernel import kernel
from skywarden.model.place import F64, I64
from skywarden.model.track import Status
from skywarden.track.filter import measure
from skywarden.track.measure import DIRECTION, POLAR, POSITION
from skywarden.track.table import TOO_LATE, USED, Parameters, Plot, Rows, Spot, Track, Work

EXAMINED, COMPARED, KEPT = 512, 64, 16
ADDRESS_BONUS = 30.0  # nats; the same address outweighs any nearness inside the gate
TENTATIVE = int(Status.TENTATIVE)


@kernel
def sides(plots: Rows, side: F64) -> None:
    """Write what the quick check needs, (m, 3): x, y, z, or sine and cosine of azimuth and the sort key."""
    for k in range(len(plots)):
        plot = plots[k]
        if plot.kind == POSITION:
            for a in range(3):
                side[k, a] = plot.z[a]
        else:
            azimuth = plot.z[1] if plot.kind == POLAR else plot.z[0]
            side[k, 0], side[k, 1] = sin(azimuth), cos(azimuth)
            side[k, 2] = plot.z[0] if plot.kind == POLAR else side[k, 0]


@kernel
def widest(plots: Rows, side: F64) -> int:
    """Return the column of `side` along which POSITION detections differ most; the key's own column for others."""
    if plots[0].kind != POSITION:
        return 2
    best, axis = -1.0, 0
    for a in range(3):
        low, high = inf, -inf
        for k in range(len(plots)):
            if plots[k].code == USED:
                low, high = min(low, side[k, a]), max(high, side[k, a])
        if high - low > best:
            best, axis = high - low, a
    return axis


@kernel
def sigmas(plots: Rows) -> tuple[float, float, float]:
    """Return the group's greatest sigma of the key, of what the quick check compares, and of time, s."""
    key, turn, clock = 0.0, 0.0, 0.0
    for plot in plots:
        if plot.code != USED:
            continue
        R = plot.covariance
        if plot.kind == POSITION:
            key = max(key, R[0, 0] + R[1, 1] + R[2, 2])
        else:
            key = max(key, R[0, 0])
            turn = max(turn, R[1, 1] if plot.kind == POLAR else R[0, 0])
        clock = max(clock, plot.time_sigma)
    return sqrt(key), sqrt(key if plots[0].kind == POSITION else turn), clock


@kernel
def look(state: F64, dt: float, kind: int, spot: Spot, seen: F64) -> None:
    """Write where a group sees a state (6,) dt s later to seen (5,), in the columns of `side`, then level distance, m.

    For POLAR and DIRECTION the first two are east and north, m, instead of sine and cosine.
    """
    for a in range(3):
        seen[a] = state[a] + dt * state[a + 3]
    seen[3] = 1.0
    if kind == POSITION:
        return
    turn = spot.rotation
    x, y, z = seen[0] - spot.position[0], seen[1] - spot.position[1], seen[2] - spot.position[2]
    seen[0] = turn[0, 0] * x + turn[0, 1] * y + turn[0, 2] * z
    seen[1] = turn[1, 0] * x + turn[1, 1] * y + turn[1, 2] * z
    seen[3] = sqrt(seen[0] * seen[0] + seen[1] * seen[1]) + 1.0
    seen[2] = sqrt(x * x + y * y + z * z) if kind == POLAR else seen[0] / seen[3]


@kernel
def reach(track: Track, dt: float, blur: float, factor: float, parameters: Parameters) -> float:
    """Return how far, m, a track may be from where `look` sees it: `factor` sigmas, and times that differ by `blur`."""
    P, v = track.covariance, track.state
    drift = sqrt(P[3, 3] + P[4, 4] + P[5, 5])
    noise = 2.0 * parameters.level_noise + parameters.vertical_noise
    sigma = sqrt(P[0, 0] + P[1, 1] + P[2, 2]) + abs(dt) * drift + sqrt(noise * (abs(dt) + blur) ** 3 / 3.0)
    return factor * (sigma + blur * drift) + blur * sqrt(v[3] * v[3] + v[4] * v[4] + v[5] * v[5])


@kernel
def near(kind: int, seen: F64, side: F64, allowed: float) -> bool:
    """Return whether a detection's side (3,) is within `allowed` m of what `look` wrote to `seen`."""
    if kind == POSITION:
        x, y, z = seen[0] - side[0], seen[1] - side[1], seen[2] - side[2]
        return x * x + y * y + z * z <= allowed * allowed
    return abs(seen[0] * side[1] - seen[1] * side[0]) <= allowed


@kernel
def neighbours(centre: float, half: float, key: F64, found: I64) -> int:
    """Write the indices of the sorted `key` within half of centre to found, nearest first; return how many."""
    right = int(np.searchsorted(key, centre))
    left, count = right - 1, 0
    while count < len(found):
        below = centre - key[left] if left >= 0 else inf
        above = key[right] - centre if right < len(key) else inf
        if not min(below, above) <= half:
            break
        if below <= above:
            found[count] = left
            left -= 1
        else:
            found[count] = right
            right += 1
        count += 1
    return count


@kernel
def gain(track: Track, plot: Plot, spot: Spot, parameters: Parameters, work: Work) -> float:
    """Return the log-likelihood ratio of "this is that track" against "it is new and the track was missed".

    -inf where it cannot be. A detection that fits but is older than can be undone is marked TOO_LATE, so that it
    starts no second track.
    """
    same = plot.address >= 0 and plot.address == track.address
    if plot.address >= 0 and track.address >= 0 and not same:
        return -inf
    chi2, log_likelihood = measure(track, plot, spot, parameters, work)
    limit = parameters.gate[work.d]
    if same:
        limit *= parameters.address_gate
    if not chi2 <= limit:
        return -inf
    if (track.time - plot.time) * 1e-9 > parameters.late:
        plot.code = TOO_LATE
        return -inf
    seen = parameters.detection / (1.0 + exp(-track.score))
    ratio = log_likelihood - plot.clutter + log(seen / (1.0 - seen))
    return ratio + ADDRESS_BONUS if same else ratio


@kernel
def keep(begin: int, count: int, gains: F64, value: float) -> int:
    """Return where to write a track's next edge: at the end, over its worst, or -1: it has better ones."""
    if count - begin < KEPT:
        return count
    worst = begin
    for e in range(begin + 1, count):
        if gains[e] < gains[worst]:
            worst = e
    return worst if gains[worst] < value else -1


@kernel
def edges(tracks: Rows, plots: Rows, spot: Spot, parameters: Parameters, work: Work) -> tuple[I64, I64, F64]:
    """Return the graph of one group: track rows, detections and gains > 0, (e,) each, ordered by track."""
    m, kind = len(plots), plots[0].kind
    side, seen, found = np.zeros((m, 3)), np.zeros(4), np.empty(min(m, EXAMINED), np.int64)
    sides(plots, side)
    axis = widest(plots, side)
    key = np.empty(m)
    first, last, addressed = plots[0].time, plots[0].time, False
    for k in range(m):
        key[k] = side[k, axis] if plots[k].code == USED else inf
        first, last = min(first, plots[k].time), max(last, plots[k].time)
        addressed |= plots[k].address >= 0
    order = np.argsort(key)
    key = key[order]
    sigma, turn, clock = sigmas(plots)
    middle, blur = first + (last - first) // 2, 0.5e-9 * (last - first) + clock
    rows, columns, gains = np.empty(2 * m + KEPT, np.int64), np.empty(2 * m + KEPT, np.int64), np.empty(2 * m + KEPT)
    count = 0
    for i in range(len(tracks)):
        track = tracks[i]
        if kind == DIRECTION and track.status == TENTATIVE:
            continue
        factor = sqrt(parameters.gate[4])
        if addressed and track.address >= 0:
            factor *= sqrt(parameters.address_gate)
        dt = (middle - track.time) * 1e-9
        look(track.state, dt, kind, spot, seen)
        allowed = reach(track, dt, blur, factor, parameters)
        half = (allowed / seen[3] if kind == DIRECTION else allowed) + factor * sigma
        begin, compared = count, 0
        for f in range(neighbours(seen[axis], half, key, found)):
            k = order[found[f]]
            if not near(kind, seen, side[k], allowed + factor * turn * seen[3]):
                continue
            compared += 1
            if compared > COMPARED:
                break
            value = gain(track, plots[k], spot, parameters, work)
            at = keep(begin, count, gains, value) if value > 0.0 else -1
            if at < 0:
                continue
            if at == len(rows):
                rows, columns = np.concatenate((rows, rows)), np.concatenate((columns, columns))
                gains = np.concatenate((gains, gains))
            rows[at], columns[at], gains[at] = i, k, value
            count = max(count, at + 1)
    return rows[:count], columns[:count], gains[:count]
