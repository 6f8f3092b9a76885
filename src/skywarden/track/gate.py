"""Which detections of a group may belong to which track: sorted one-dimensional search, then exact chi-square.

The sort key is range for POLAR, sine of azimuth for DIRECTION, and for POSITION the ECEF axis along which the group
is widest. Nothing is ever as large as tracks times detections: each track looks at no more than EXAMINED neighbours
in the key, compares exactly with COMPARED and keeps its KEPT best.
"""

from math import cos, exp, inf, log, nan, sin, sqrt

import numpy as np

from skywarden.kernel import inner, kernel
from skywarden.model.detection import NO_ADDRESS
from skywarden.model.place import F64, I64
from skywarden.model.track import Status
from skywarden.track.filter import measure
from skywarden.track.measure import DIRECTION, POLAR, POSITION
from skywarden.track.table import TOO_LATE, USED, Job, Parameters, Plot, Rows, Spot, Track, Work

EXAMINED, COMPARED, KEPT = 512, 64, 16
ADDRESS_BONUS = 30.0  # nats; the same address outweighs any nearness inside the gate
TENTATIVE = int(Status.TENTATIVE)


@inner
def sides(plots: Rows, side: F64) -> None:
    """Write what the quick check needs, (m, 3): x, y, z, or sine and cosine of azimuth and the sort key.

    NaN, near nothing, for refused detections.
    """
    for k in range(len(plots)):
        plot = plots[k]
        if plot.code != USED:
            for a in range(3):
                side[k, a] = nan
        elif plot.kind == POSITION:
            for a in range(3):
                side[k, a] = plot.z[a]
        else:
            azimuth = plot.z[1] if plot.kind == POLAR else plot.z[0]
            side[k, 0], side[k, 1] = sin(azimuth), cos(azimuth)
            side[k, 2] = plot.z[0] if plot.kind == POLAR else side[k, 0]


@inner
def widest(plots: Rows, side: F64) -> int:
    """Return the column of `side` to sort by: where POSITION detections differ most, the key's own for others."""
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
def keys(plots: Rows) -> tuple[F64, F64, int]:
    """Return the sort keys (m,), infinite for refused detections, side (m, 3), and the key's column in it."""
    key, side = np.empty(len(plots)), np.zeros((len(plots), 3))
    sides(plots, side)
    axis = widest(plots, side)
    for k in range(len(plots)):
        key[k] = side[k, axis] if plots[k].code == USED else inf
    return key, side, axis


@inner
def extent(plots: Rows) -> tuple[float, float, int, float, bool]:
    """Return the group's greatest sigma of the key, and of what the quick check compares; the middle of its times,

    ns, and half their span with the greatest doubt about them, s; whether any detection has an address.
    """
    key, turn, clock, addressed = 0.0, 0.0, 0.0, False
    first, last = plots[0].time, plots[0].time
    for k in range(len(plots)):
        plot = plots[k]
        first, last = min(first, plot.time), max(last, plot.time)
        addressed |= plot.address >= 0
        if plot.code != USED:
            continue
        R = plot.covariance
        if plot.kind == POSITION:
            key = max(key, R[0, 0] + R[1, 1] + R[2, 2])
            turn = key
        else:
            key = max(key, R[0, 0])
            turn = max(turn, R[1, 1] if plot.kind == POLAR else R[0, 0])
        clock = max(clock, plot.time_sigma)
    return sqrt(key), sqrt(turn), first + (last - first) // 2, 0.5e-9 * (last - first) + clock, addressed


@inner
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


@inner
def reach(track: Track, dt: float, blur: float, factor: float, parameters: Parameters) -> float:
    """Return how far, m, a track may be from where `look` sees it: `factor` sigmas, and times that differ by `blur`."""
    P, v = track.covariance, track.state
    drift = sqrt(P[3, 3] + P[4, 4] + P[5, 5])
    noise = 2.0 * parameters.level_noise + parameters.vertical_noise
    span = abs(dt) + blur
    sigma = sqrt(P[0, 0] + P[1, 1] + P[2, 2]) + abs(dt) * drift + sqrt(noise * (span * span * span) / 3.0)
    return factor * (sigma + blur * drift) + blur * sqrt(v[3] * v[3] + v[4] * v[4] + v[5] * v[5])


@inner
def brief(track: Track, blur: float, parameters: Parameters) -> float:
    """Return how much later, s, than a tentative track detections may be whose times differ by `blur`.

    It is forgotten when nothing comes for so long (lifecycle.py), and feeds may differ by `late`. One of longer
    ago is not forgotten, but its gate has grown to fit everything, and any sender can date what it makes up.
    """
    return max(parameters.tentative_looks * track.revisit, parameters.tentative_min) + parameters.late + blur


@inner
def near(kind: int, seen: F64, side: F64, allowed: float) -> bool:
    """Return whether a detection's side (3,) is within `allowed` m of what `look` wrote to `seen`."""
    if kind == POSITION:
        x, y, z = seen[0] - side[0], seen[1] - side[1], seen[2] - side[2]
        return bool(x * x + y * y + z * z <= allowed * allowed)
    return bool(abs(seen[0] * side[1] - seen[1] * side[0]) <= allowed)


@inner
def neighbours(centre: float, half: float, key: F64, found: I64) -> int:
    """Write the indices of the sorted `key` within half of centre to found, nearest first; return how many."""
    left, right = -1, len(key)
    while right - left > 1:
        middle = (left + right) // 2
        if key[middle] < centre:
            left = middle
        else:
            right = middle
    count = 0
    while count < len(found):
        below = centre - key[left] if left >= 0 else inf
        above = key[right] - centre if right < len(key) else inf
        if not min(below, above) <= half:
            break
        found[count] = left if below <= above else right
        count += 1
        if below <= above:
            left -= 1
        else:
            right += 1
    return count


@inner
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


@inner
def worst(gains: F64) -> int:
    """Return the index of the least gain."""
    least = 0
    for e in range(1, len(gains)):
        if gains[e] < gains[least]:
            least = e
    return least


@kernel
def edges(job: Job, n: int, plots: Rows, line: tuple[F64, I64, F64, int]) -> tuple[I64, I64, F64]:
    """Return the graph of one group: rows of the first n tracks, detections and gains > 0, (e,) each, by track.

    line: sorted keys, their order, side (m, 3), the key's column in it.
    """
    key, order, side, axis = line
    parameters, work, spot, kind = job.parameters[0], job.work[0], job.spots[plots[0].place], plots[0].kind
    sigma, turn, middle, blur, addressed = extent(plots)
    alone = plots[0].address if len(plots) == 1 else NO_ADDRESS  # two different addresses never match
    seen, found = np.zeros(4), np.empty(min(len(plots), EXAMINED), np.int64)
    size = n * min(len(plots), KEPT)
    rows, columns, gains, count = np.empty(size, np.int64), np.empty(size, np.int64), np.empty(size), 0
    for i in range(n):
        track = job.tracks[i]
        if kind == DIRECTION and track.status == TENTATIVE:
            continue
        if alone >= 0 and track.address >= 0 and track.address != alone:
            continue
        factor = sqrt(parameters.gate[4])
        dt = (middle - track.time) * 1e-9
        if addressed and track.address >= 0:
            factor *= sqrt(parameters.address_gate)
        elif track.status == TENTATIVE and dt > brief(track, blur, parameters):
            continue
        look(track.state, dt, kind, spot, seen)
        allowed = reach(track, dt, blur, factor, parameters)
        half = (allowed / seen[3] if kind == DIRECTION else allowed) + factor * sigma
        first, compared = count, 0
        for f in range(neighbours(seen[axis], half, key, found)):
            k = order[found[f]]
            if compared == COMPARED or not near(kind, seen, side[k], allowed + factor * turn * seen[3]):
                continue
            compared += 1
            value = gain(track, plots[k], spot, parameters, work)
            at = count if count - first < KEPT else first + worst(gains[first:count])
            if not value > 0.0 or (at < count and gains[at] >= value):
                continue
            rows[at], columns[at], gains[at] = i, k, value
            count = max(count, at + 1)
    return rows[:count], columns[:count], gains[:count]
