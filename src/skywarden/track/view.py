"""A leaf as one sensor expects it: z, Jacobian and spread of the measurement for each model of motion.

One branch per kind, as in `measure.ROWS`. Sensor frame: its own east, north, up. Azimuth is clockwise from its north,
elevation up from its level, both rad; range rate is positive going away.
"""

from math import atan2, floor, pi, sqrt

from skywarden.kernel import inner
from skywarden.model.detection import Kind
from skywarden.model.place import F64
from skywarden.track.looks import Plot, Sense, View
from skywarden.track.measure import OCTAVE
from skywarden.track.motion import disturb, height, move, up
from skywarden.track.pool import Leaf
from skywarden.track.work import Parameters, Work

POSITION, PLANE, POLAR, DIRECTION = int(Kind.POSITION), int(Kind.PLANE), int(Kind.POLAR), int(Kind.DIRECTION)
SOUND = int(Kind.SOUND)
FULL = 4  # components of POLAR; with 2 there is neither elevation nor range rate
TONE = 3  # the component of SOUND that is its tone, ln Hz
AZIMUTH = 1  # the component of POLAR that goes round; DIRECTION and SOUND use components 1 and 2 of POLAR


@inner
def expect_polar(x: F64, sense: Sense, z: F64, H: F64, parts: int) -> None:
    """Write range, azimuth[, elevation, range rate] of a state (6,) to z and their Jacobian to H.

    On the sensor itself distances count as 1 m. Source: Blackman, Popoli 1999, section 3.3, with range rate from
    d|r|/dt = e.v/|r|.
    """
    position, rotation = sense.position, sense.rotation
    e0 = e1 = e2 = v0 = v1 = v2 = 0.0
    for b in range(3):
        d, v = x[b] - position[b], x[b + 3]
        e0 += rotation[0, b] * d
        e1 += rotation[1, b] * d
        e2 += rotation[2, b] * d
        v0 += rotation[0, b] * v
        v1 += rotation[1, b] * v
        v2 += rotation[2, b] * v
    ground2 = max(e0 * e0 + e1 * e1, 1.0)
    ground, range2 = sqrt(ground2), ground2 + e2 * e2
    slant = sqrt(range2)
    z[0], z[1] = slant, atan2(e0, e1)
    per_slant, per_ground2 = 1.0 / slant, 1.0 / ground2
    for b in range(3):
        H[0, b] = (e0 * rotation[0, b] + e1 * rotation[1, b] + e2 * rotation[2, b]) * per_slant
        H[1, b] = (e1 * rotation[0, b] - e0 * rotation[1, b]) * per_ground2
    if parts == 2:
        return
    rate = (e0 * v0 + e1 * v1 + e2 * v2) * per_slant
    z[2], z[3] = atan2(e2, ground), rate
    level, steep = e2 / (ground * range2), ground / range2
    for b in range(3):
        east, north, vertical = rotation[0, b], rotation[1, b], rotation[2, b]
        H[2, b] = steep * vertical - level * (e0 * east + e1 * north)
        H[3, b] = (v0 * east + v1 * north + v2 * vertical - rate * H[0, b]) * per_slant
        H[3, b + 3] = H[0, b]


@inner
def level(x: F64, H: F64, work: Work) -> None:
    """Write the local east and north at a position (3,) to the first two rows of H, (., 3 or more)."""
    up(x, work.up)
    u = work.up
    flat = sqrt(u[0] * u[0] + u[1] * u[1]) + 1e-300
    H[0, 0], H[0, 1], H[0, 2] = -u[1] / flat, u[0] / flat, 0.0
    H[1, 0], H[1, 1], H[1, 2] = -u[2] * u[0] / flat, -u[2] * u[1] / flat, flat


@inner
def expect(x: F64, sense: Sense, view: View, m: int, work: Work) -> None:
    """Write z of model m's mean x (6,) to the view and H to work.slopes[m].

    For POSITION z is the position itself, (3,); for PLANE the one below it on the ellipsoid.
    """
    z, H = view.z[m], work.slopes[m]
    if sense.kind == POLAR or sense.kind == DIRECTION:
        expect_polar(x, sense, z, H, sense.parts)
        return
    if sense.kind == PLANE:
        level(x, H, work)
        above = height(x)
        for a in range(3):
            z[a] = x[a] - above * work.up[a]
        return
    for a in range(3):
        z[a] = x[a]
        for b in range(3):
            H[a, b] = 1.0 if a == b else 0.0


@inner
def spread(x: F64, P: F64, H: F64, view: View, m: int, parts: int) -> None:  # noqa: PLR0913 - one model
    """Write H P, H P H^T (lower half) and dz/dt of model m to the view; only range rate depends on velocity."""
    HP, S, rate = view.HP[m], view.S[m], view.rate[m]
    for k in range(parts):
        h0, h1, h2 = H[k, 0], H[k, 1], H[k, 2]
        for a in range(6):
            HP[k, a] = h0 * P[0, a] + h1 * P[1, a] + h2 * P[2, a]
        rate[k] = h0 * x[3] + h1 * x[4] + h2 * x[5]
    if parts == FULL:
        h0, h1, h2 = H[3, 3], H[3, 4], H[3, 5]
        for a in range(6):
            HP[3, a] += h0 * P[3, a] + h1 * P[4, a] + h2 * P[5, a]
    for k in range(parts):
        for c in range(k + 1):
            S[k, c] = HP[k, 0] * H[c, 0] + HP[k, 1] * H[c, 1] + HP[k, 2] * H[c, 2]
    if parts == FULL:
        S[3, 3] += HP[3, 3] * H[3, 3] + HP[3, 4] * H[3, 4] + HP[3, 5] * H[3, 5]


@inner
def bend(H: F64, view: View, m: int, parts: int) -> None:
    """Add to model m's view by a radar what its straight form leaves out where a target may be far to a side.

    Off by s to the side a target is s^2 / 2r further away, and flies away by s v / r faster where v is its speed to
    that side. What is unknown of a newborn's speed is unknown of its place too, so that close by both are far more than
    the noise. Only the level side counts: it is along there that nothing is known of speeds.
    Source: the second-order filter, Bar-Shalom, Li, Kirubarajan 2001, section 10.3.2, for one direction: with the mean
    b of both, the spread is 2 b b^T.
    """
    size2 = H[1, 0] * H[1, 0] + H[1, 1] * H[1, 1] + H[1, 2] * H[1, 2]
    if not size2 > 0.0:  # right above the sensor there is no side
        return
    HP, scale = view.HP[m], size2 * view.z[m, 0]
    further = 0.5 * view.S[m, 1, 1] / scale
    faster = (HP[1, 3] * H[1, 0] + HP[1, 4] * H[1, 1] + HP[1, 5] * H[1, 2]) / scale
    view.z[m, 0] += further
    view.S[m, 0, 0] += 2.0 * further * further
    if parts == FULL:
        view.z[m, 3] += faster
        view.S[m, 3, 0] += 2.0 * further * faster
        view.S[m, 3, 3] += 2.0 * faster * faster


@inner
def look_back(leaf: Leaf, sense: Sense, view: View, m: int, parameters: Parameters, work: Work) -> None:  # noqa: PLR0913
    """Fill model m's view for a look before the leaf's time, view.ahead s ago, without moving the leaf back."""
    up(leaf.mean[m], work.vertical)
    move(leaf.mean[m], -view.ahead, work.vertical, work.b)
    expect(work.b, sense, view, m, work)
    carry(leaf, view, m, view.ahead, sense.parts, parameters, work)


@inner
def carry(leaf: Leaf, view: View, m: int, back: float, parts: int, parameters: Parameters, work: Work) -> None:  # noqa: PLR0913
    """Write H P, H P H^T and dz/dt of model m for a state `back` s before the leaf's time, work.b.

    What is measured then depends on the state now by H F(-s), and on the motion noise between by H Q H^T.
    Source: Bar-Shalom 2002, "Update with out-of-sequence measurements in tracking: exact solution", IEEE Transactions
    on Aerospace and Electronic Systems 38(3), without the noise's correlation with what came between.
    """
    H, noise, span = work.slopes[m], parameters.noise[m], max(back, 0.0)
    for a in range(work.six):
        for b in range(work.six):
            work.C[a, b] = 0.0
    disturb(work.C, -span, work.vertical, (noise[0], noise[1]))
    view.growth = (noise[0] + noise[1]) * span * span * span / 3.0
    for k in range(parts):
        if k < FULL - 1:
            H[k, 3] = H[k, 4] = H[k, 5] = 0.0
        view.rate[m, k] = H[k, 0] * work.b[3] + H[k, 1] * work.b[4] + H[k, 2] * work.b[5]
    for k in range(parts):
        for c in range(k + 1):
            view.S[m, k, c] = 0.0
    project(H, work.C, view.HP[m], view.S[m], parts)
    for k in range(parts):
        for b in range(3):
            H[k, b + 3] -= back * H[k, b]
    project(H, leaf.covariance[m], view.HP[m], view.S[m], parts)


@inner
def project(H: F64, P: F64, HP: F64, S: F64, parts: int) -> None:
    """Write H P to HP and add H P H^T to S, lower half, for all six columns of H."""
    for k in range(parts):
        for a in range(6):
            value = 0.0
            for b in range(6):
                value += H[k, b] * P[b, a]
            HP[k, a] = value
        for c in range(k + 1):
            for a in range(6):
                S[k, c] += HP[k, a] * H[c, a]


@inner
def innovate(view: View, m: int, plot: Plot, kind: int, work: Work) -> None:
    """Write what a plot's components are off what model m expects to work.y (d,), in the order of plot.rows."""
    z, H, y = view.z[m], work.slopes[m], work.y
    for k in range(plot.d):
        row = plot.rows[k]
        if kind == PLANE:
            y[k] = H[row, 0] * (plot.z[0] - z[0]) + H[row, 1] * (plot.z[1] - z[1]) + H[row, 2] * (plot.z[2] - z[2])
        else:
            y[k] = plot.z[row] - z[row]
            if row == AZIMUTH and (y[k] > pi or y[k] < -pi) and kind != POSITION:
                y[k] -= 2.0 * pi * floor(y[k] / (2.0 * pi) + 0.5)
            if row == TONE and kind == SOUND:
                y[k] -= OCTAVE * floor(y[k] / OCTAVE + 0.5)
        if plot.lag != 0.0:
            y[k] -= view.rate[m, row] * plot.lag
