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
from skywarden.track.table import TOO_LATE, USED, Job, Plots

EXAMINED, COMPARED, KEPT = 512, 64, 16
ADDRESS_BONUS = 30.0  # nats; the same address outweighs any nearness inside the gate
TENTATIVE = int(Status.TENTATIVE)


@kernel
def keys(plots: Plots, lo: int, hi: int, key: F64, side: F64) -> tuple[int, float, float]:
    """Write sort keys (m,) and what the quick check needs, side (m, 3), of detections lo to hi.

    Return the axis (POSITION) and the greatest sigma of the key and of the azimuth (of a coordinate for POSITION).
    """
    kind = plots.kind[lo]
    low, high = np.full(3, inf), np.full(3, -inf)
    sigma, turn = 0.0, 0.0
    for k in range(hi - lo):
        j = lo + k
        R = plots.covariance[j]
        if plots.code[j] != USED:
            continue
        if kind == POSITION:
            for a in range(3):
                side[k, a] = plots.z[j, a]
                low[a], high[a] = min(low[a], side[k, a]), max(high[a], side[k, a])
            sigma = max(sigma, sqrt(R[0, 0] + R[1, 1] + R[2, 2]))
            continue
        azimuth = plots.z[j, 1] if kind == POLAR else plots.z[j, 0]
        side[k, 0], side[k, 1] = sin(azimuth), cos(azimuth)
        turn = max(turn, sqrt(R[1, 1] if kind == POLAR else R[0, 0]))
        sigma = max(sigma, sqrt(R[0, 0]))
        key[k] = plots.z[j, 0] if kind == POLAR else side[k, 0]
    axis = int(np.argmax(high - low)) if kind == POSITION else 0
    for k in range(hi - lo):
        if plots.code[lo + k] != USED:
            key[k] = inf
        elif kind == POSITION:
            key[k] = side[k, axis]
    return axis, sigma, sigma if kind == POSITION else turn


@kernel
def gain(job: Job, i: int, j: int) -> float:
    """Return the log-likelihood ratio of "detection j is track i" against "j is new and i was missed"; -inf: cannot be.

    A detection that fits but is older than can be undone is marked TOO_LATE, so that it starts no second track.
    """
    known, said = job.table.address[i], job.plots.address[j]
    same = said >= 0 and said == known
    if said >= 0 and known >= 0 and not same:
        return -inf
    d, chi2, log_likelihood = measure(job, i, j)
    limit = job.parameters.gate[d]
    if same:
        limit *= job.parameters.address_gate
    if not chi2 <= limit:
        return -inf
    if (job.table.time[i] - job.plots.time[j]) * 1e-9 > job.parameters.late:
        job.plots.code[j] = TOO_LATE
        return -inf
    seen = job.parameters.detection / (1.0 + exp(-job.table.score[i]))
    ratio = log_likelihood - job.plots.clutter[j] + log(seen / (1.0 - seen))
    return ratio + ADDRESS_BONUS if same else ratio


@kernel
def look(job: Job, i: int, lo: int, middle: int, out: F64) -> float:
    """Write where the group starting at lo would see track i, as key and side, to out (5,); return its reach, m.

    out: key for POLAR and DIRECTION, then x, y, z or east, north, -, then level distance, m (1 for POSITION).
    The reach bounds what the track's own uncertainty can add, with 1 sigma = 1; the caller multiplies by the gate.
    """
    table, plots = job.table, job.plots
    mean, P = table.mean[i], table.covariance[i]
    dt = (middle - table.time[i]) * 1e-9
    for a in range(3):
        out[a + 1] = mean[a] + dt * mean[a + 3]
    reach = sqrt(P[0, 0] + P[1, 1] + P[2, 2]) + abs(dt) * sqrt(P[3, 3] + P[4, 4] + P[5, 5])
    noise = 2.0 * job.parameters.level_noise + job.parameters.vertical_noise
    reach += sqrt(noise * abs(dt) ** 3 / 3.0)
    out[4] = 1.0
    if plots.kind[lo] == POSITION:
        return reach
    position, turn = plots.position[plots.place[lo]], plots.rotation[plots.place[lo]]
    d0, d1, d2 = out[1] - position[0], out[2] - position[1], out[3] - position[2]
    out[1] = turn[0, 0] * d0 + turn[0, 1] * d1 + turn[0, 2] * d2
    out[2] = turn[1, 0] * d0 + turn[1, 1] * d1 + turn[1, 2] * d2
    out[4] = sqrt(out[1] * out[1] + out[2] * out[2]) + 1.0
    out[0] = sqrt(d0 * d0 + d1 * d1 + d2 * d2) if plots.kind[lo] == POLAR else out[1] / out[4]
    return reach


@kernel
def near(kind: int, seen: F64, side: F64, allowed: float) -> bool:
    """Return whether a detection's side (3,) is within `allowed` m of what `look` wrote to seen (5,)."""
    if kind == POSITION:
        d0, d1, d2 = seen[1] - side[0], seen[2] - side[1], seen[3] - side[2]
        return bool(d0 * d0 + d1 * d1 + d2 * d2 <= allowed * allowed)
    return bool(abs(seen[1] * side[1] - seen[2] * side[0]) <= allowed)


@kernel
def neighbours(window: tuple[float, float], key: F64, found: I64) -> int:
    """Write positions in the sorted `key` within window (centre, half width), nearest first, to found; return count."""
    centre, half = window
    right = int(np.searchsorted(key, centre))
    left, count = right - 1, 0
    while count < len(found):
        below = centre - key[left] if left >= 0 else inf
        above = key[right] - centre if right < len(key) else inf
        if min(below, above) > half or min(below, above) == inf:
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
def edges(job: Job, n: int, lo: int, hi: int) -> tuple[I64, I64, F64]:
    """Return the graph of one group: track rows, detections (counted from lo) and gains > 0, ordered by track."""
    plots, m, kind = job.plots, hi - lo, job.plots.kind[lo]
    key, side, seen = np.empty(m), np.zeros((m, 3)), np.zeros(5)
    axis, sigma, turn = keys(plots, lo, hi, key, side)
    order = np.argsort(key)
    key = key[order]
    first, last = plots.time[lo:hi].min(), plots.time[lo:hi].max()
    middle, blur = first + (last - first) // 2, 0.5e-9 * (last - first)
    addressed, doubt = plots.address[lo:hi].max() >= 0, plots.time_sigma[lo:hi].max()
    wide = sqrt(job.parameters.gate[4])
    found = np.empty(min(m, EXAMINED), np.int64)
    rows, columns, gains, count = np.empty(2 * m + 16, np.int64), np.empty(2 * m + 16, np.int64), np.empty(2 * m + 16), 0
    for i in range(n):
        if kind == DIRECTION and job.table.status[i] == TENTATIVE:
            continue
        reach = look(job, i, lo, middle, seen)
        factor = wide
        if addressed and job.table.address[i] >= 0:
            factor *= sqrt(job.parameters.address_gate)
        v, P = job.table.mean[i], job.table.covariance[i]
        speed = sqrt(v[3] * v[3] + v[4] * v[4] + v[5] * v[5])
        reach = factor * (reach + doubt * speed) + blur * (speed + factor * sqrt(P[3, 3] + P[4, 4] + P[5, 5]))
        if kind == POSITION:
            window = (seen[axis + 1], reach + factor * sigma)
        elif kind == POLAR:
            window = (seen[0], reach + factor * sigma)
        else:
            window = (seen[0], reach / seen[4] + factor * sigma)
        begin, compared = count, 0
        for position in found[: neighbours(window, key, found)]:
            k = order[position]
            if not near(kind, seen, side[k], reach + factor * turn * seen[4]):
                continue
            value = gain(job, i, lo + k)
            compared += 1
            if value > 0.0:
                if count == len(rows):
                    rows, columns = np.concatenate((rows, rows)), np.concatenate((columns, columns))
                    gains = np.concatenate((gains, gains))
                spot = count
                if count - begin == KEPT:
                    spot = begin + int(np.argmin(gains[begin:count]))
                    if gains[spot] >= value:
                        continue
                else:
                    count += 1
                rows[spot], columns[spot], gains[spot] = i, k, value
            if compared == COMPARED:
                break
    return rows[:count], columns[:count], gains[:count]
