"""A target as a microphone array hears it: from where it was when the sound left, carried on by the wind.

With s the array, p and v the target when the sound left tau before it came, w the wind and u = v - w, it seems to come
from r = p + w tau - s, |r| = c tau, with the tone f = f0 (c - n.w) / (c + n.u), n = r / |r|. All derivatives follow
from that: d tau = (n.dp + tau n.dw - tau dc) / (c + n.u). Wind, c and f0 are states of the target, see `ear`: their
uncertainty is in its covariance. DESIGN section 4.7; for the tone Pierce 1989, "Acoustics", section 9.3.

A leaf that is behind the arrival is only brought to when the sound left, so that one that is heard and not seen is
looked at as it was then, without a way back through turns that nobody knows.
"""

from math import cos, isnan, log, sin, sqrt

from skywarden.kernel import inner
from skywarden.model.place import F64
from skywarden.track.ear import EAST, NORTH, SPEED, TONE, TURN, WIDE, prior
from skywarden.track.looks import Plot, Sense, View
from skywarden.track.models import predict
from skywarden.track.motion import disturb, move, up
from skywarden.track.pool import Leaf
from skywarden.track.retarded import retarded
from skywarden.track.turning import BUSY, veer
from skywarden.track.view import FULL, expect_polar, project
from skywarden.track.work import Parameters, Work

PARTS = 3  # range, azimuth and elevation, whichever of them are measured; then the tone
FLATTEST = 0.01  # cosine of the elevation that is reckoned with right above an array
STEPS = 4  # of Newton's method for when a sound left a target that turns
KNOWN = 0.9  # of the variance of a tone before any is heard
SHARED = (
    4.0  # times the noise of calm flight since a sound left: looks that follow each other have most of it in common
)
CLOSEST = 30.0  # m; nearer than that a tone does not bend more


@inner
def blow(ear: F64, sense: Sense, work: Work) -> None:
    """Write the wind of an ear block (EARS,) to work.wind, ECEF m/s; upwards it is what the sensor says."""
    turn, steep = sense.rotation, 0.0
    for a in range(3):
        steep += turn[2, a] * sense.wind[a]
    for a in range(3):
        work.wind[a] = ear[EAST] * turn[0, a] + ear[NORTH] * turn[1, a] + steep * turn[2, a]


@inner
def delay(state: F64, sense: Sense, sound: float, work: Work) -> float:
    """Return s before a look that a sound left which it hears, -1 for none. state: (6,) at the look's time.

    sound: its speed, m/s. Needs `blow`.
    """
    dd = du = uu = 0.0
    for a in range(3):
        d, u = state[a] - sense.position[a], state[a + 3] - work.wind[a]
        dd += d * d
        du += d * u
        uu += u * u
    return retarded(dd, du, uu, sound)


@inner
def leave(leaf: Leaf, sense: Sense, parameters: Parameters, work: Work) -> bool:
    """Bring a leaf to when the sound left that a look hears; return False where there is none. One later stays."""
    up(leaf.mean[0], work.vertical)
    move(leaf.mean[0], (sense.time - leaf.time) * 1e-9, work.vertical, work.b)
    blow(leaf.ear[0], sense, work)
    tau = delay(work.b, sense, leaf.ear[0, SPEED], work)
    if tau < 0.0:
        return False
    predict(leaf, sense.time - round(tau * 1e9), parameters, work)
    return True


@inner
def emitted(leaf: Leaf, sense: Sense, m: int, lag: float, work: Work) -> float:
    """Return how many s ago the sound left that model m expects. lag: s from the leaf's time to the look. Needs `blow`.

    work.b: where it seems to come from, and the velocity then; work.F, work.g: its derivatives by the leaf's state.
    """
    x, c, turn = leaf.mean[m], leaf.ear[m, SPEED], leaf.ear[m, TURN]
    move(x, lag, work.vertical, work.b)
    tau = max(delay(work.b, sense, c, work), 0.0)
    for _ in range(STEPS if turn != 0.0 else 0):
        veer(x, turn, lag - tau, work.vertical, work)
        away = along = 0.0
        for a in range(3):
            e = work.b[a] + tau * work.wind[a] - sense.position[a]
            away += e * e
            along += e * (work.b[a + 3] - work.wind[a])
        away = sqrt(max(away, 1.0))
        tau = max(tau + (away - c * tau) / (along / away + c), 0.0)
    veer(x, turn, lag - tau, work.vertical, work)
    for a in range(3):
        work.b[a] += tau * work.wind[a]
    return tau


@inner
def hear(leaf: Leaf, sense: Sense, view: View, m: int, parameters: Parameters, work: Work) -> None:  # noqa: PLR0913
    """Fill model m's view for a sound: range, azimuth and elevation of where it seems to come from, and ln of its tone.

    Needs `leave`, and an ear block. view.old: grows to how long before the leaf's time the sound left, s.
    """
    z, lag, parts = view.z[m], (sense.time - leaf.time) * 1e-9, sense.parts
    up(leaf.mean[m], work.vertical)
    blow(leaf.ear[m], sense, work)
    tau = emitted(leaf, sense, m, lag, work)
    expect_polar(work.b, sense, z, work.slopes[m], FULL)
    tone(leaf, sense, m, view, work)
    for k in range(parts):
        incline(leaf, m, k, tau, work)
    view.old = max(view.old, tau - lag)
    view.toned = leaf.tail[m, TONE, work.six + TONE] < KNOWN * WIDE * WIDE
    rest(view, m, tau - lag, parts, parameters, work)
    for k in range(parts):
        lead(m, k, tau, m == BUSY, sense, work)
    cover(leaf, view, m, parts, work)
    if parts > PARTS:
        waver(leaf, view, m, tau - lag, work)
    bow(view, m)


@inner
def tone(leaf: Leaf, sense: Sense, m: int, view: View, work: Work) -> None:
    """Write the tone's row to the view: ln Hz, its derivatives by r (3,) and the velocity (3,) to work.slopes.

    Those by the ear block, and zeros for the other rows, go to work.ear_H; line of sight and velocity through the air
    to work.a: n (3,), u (3,).
    """
    H, K, a_, ear = work.slopes[m], work.ear_H, work.a, leaf.ear[m]
    nu = nw = 0.0
    for a in range(3):
        a_[a], a_[a + 3] = H[0, a], work.b[a + 3] - work.wind[a]
        nu += a_[a] * a_[a + 3]
        nw += a_[a] * work.wind[a]
    before, after = ear[SPEED] - nw, max(ear[SPEED] + nu, 1.0)  # who flies faster away from the array is not heard
    before = max(before, 1.0)
    view.z[m, PARTS] = ear[TONE] + log(before) - log(after)
    for k in range(FULL):
        for j in range(work.ears):
            K[k, j] = 0.0
        for a in range(3):
            H[k, a + 3] = 0.0
    K[PARTS, TONE], K[PARTS, SPEED] = 1.0, 1.0 / before - 1.0 / after
    for a in range(3):
        bent = (work.wind[a] - nw * a_[a]) / before + (a_[a + 3] - nu * a_[a]) / after
        H[PARTS, a], H[PARTS, a + 3] = -bent / view.z[m, 0], -a_[a] / after
        K[PARTS, EAST] += (1.0 / after - 1.0 / before) * a_[a] * sense.rotation[0, a]
        K[PARTS, NORTH] += (1.0 / after - 1.0 / before) * a_[a] * sense.rotation[1, a]


@inner
def incline(leaf: Leaf, m: int, k: int, tau: float, work: Work) -> None:
    """Turn row k's derivatives by r into those by the place then, since tau changes with it; by c too. Needs `tone`."""
    H, K, a_, u, speed = work.slopes[m], work.ear_H, work.a, work.vertical, leaf.ear[m, SPEED]
    turn, nu, later = leaf.ear[m, TURN], 0.0, 0.0
    for a in range(3):
        b, c = (a + 1) % 3, (a + 2) % 3
        right = work.b[b + 3] * u[c] - work.b[c + 3] * u[b]
        nu += a_[a] * a_[a + 3]
        later -= H[k, a] * a_[a + 3] + H[k, a + 3] * turn * right
    later /= max(speed + nu, 1.0)
    for a in range(3):
        H[k, a] += later * a_[a]
    K[k, SPEED] -= later * tau


@inner
def rest(view: View, m: int, back: float, parts: int, parameters: Parameters, work: Work) -> None:  # noqa: PLR0913
    """Write dz/dt, and the noise of motion in `back` s between to the spread. Needs `incline`."""
    H, span = work.slopes[m], max(back, 0.0)
    level = parameters.turning if m == BUSY else SHARED * parameters.noise[m, 0]
    upright = parameters.noise[m, 1] * (1.0 if m == BUSY else SHARED)
    for a in range(work.six):
        for b in range(work.six):
            work.C[a, b] = 0.0
    disturb(work.C, -span, work.vertical, (level, upright))
    view.growth = (level + upright) * span * span * span / 3.0
    for k in range(parts):
        view.rate[m, k] = H[k, 0] * work.b[3] + H[k, 1] * work.b[4] + H[k, 2] * work.b[5]
        for c in range(k + 1):
            view.S[m, k, c] = 0.0
    project(H, work.C, view.HP[m], view.S[m], parts)


@inner
def lead(m: int, k: int, tau: float, turns: bool, sense: Sense, work: Work) -> None:  # noqa: PLR0913 - one row
    """Turn row k's derivatives by place and velocity then into those by the leaf's state, by wind and by turn rate."""
    H, K, F, g = work.slopes[m], work.ear_H, work.F, work.g
    v0, v1, v2 = H[k, 3], H[k, 4], H[k, 5]
    for a in range(3):
        K[k, EAST] += tau * H[k, a] * sense.rotation[0, a]
        K[k, NORTH] += tau * H[k, a] * sense.rotation[1, a]
        if turns:
            K[k, TURN] += H[k, a] * g[a] + H[k, a + 3] * g[a + 3]
    for b in range(3, 6):
        value = v0 * F[3, b] + v1 * F[4, b] + v2 * F[5, b]
        H[k, b] = value + H[k, 0] * F[0, b] + H[k, 1] * F[1, b] + H[k, 2] * F[2, b]


@inner
def cover(leaf: Leaf, view: View, m: int, parts: int, work: Work) -> None:
    """Write covariances of what is measured with state and block to the view, and add to its spread."""
    H, K, P, T = work.slopes[m], work.ear_H, leaf.covariance[m], leaf.tail[m]
    HP, HE, S, six = view.HP[m], view.HE[m], view.S[m], work.six
    project(H, P, HP, S, parts)
    for k in range(parts):
        for a in range(six):
            for j in range(work.ears):
                HP[k, a] += K[k, j] * T[j, a]
        for j in range(work.ears):
            HE[k, j] = within(H, T, k, j, 0, six) + within(K, T, k, j, six, work.ears)
        for c in range(k + 1):  # H P H^T is there: what is left are its terms with the block
            for j in range(work.ears):
                S[k, c] += HE[k, j] * K[c, j] + K[k, j] * within(H, T, c, j, 0, six)


@inner
def within(H: F64, T: F64, k: int, j: int, first: int, count: int) -> float:  # noqa: PLR0913 - two rows
    """Return the product of row k of H with `count` columns of row j of T, from `first` on."""
    value = 0.0
    for b in range(count):
        value += H[k, b] * T[j, first + b]
    return float(value)


@inner
def waver(leaf: Leaf, view: View, m: int, back: float, work: Work) -> None:
    """Add to the tone of model m's view what its straight form leaves out: of where from, and of the speed.

    Off by a line of sight that turns, -dr.dv / r (c + n.u) across it, by n.u dr^2 / 2 r^2 (c + n.u), and along it by
    (n.dv)^2 / 2 (c + n.u)^2. Source: as `bow`. Needs `tone`.
    """
    P, n, A, B = leaf.covariance[m], work.a, work.A, work.B
    nu = straight = 0.0
    for a in range(3):
        nu += n[a] * n[a + 3]
        for b in range(3):
            speeds = P[a + 3, b + 3]
            A[a, b] = P[a, b] - back * (P[a, b + 3] + P[a + 3, b]) + back * back * speeds
            B[a, b] = P[a, b + 3] - back * speeds
            straight += n[a] * speeds * n[b]
    after, away = max(leaf.ear[m, SPEED] + nu, 1.0), max(view.z[m, 0], CLOSEST)
    sideways, near, along = away * after, 0.5 * nu / (away * away * after), 0.5 * straight / (after * after)
    places, both, swaps = across(A, A, n), across(A, P[3:, 3:], n), across(B, B, n)
    view.z[m, PARTS] += near * trace(A, n) - trace(B, n) / sideways + along
    more = (both + swaps) / (sideways * sideways) + 2.0 * near * near * places + 2.0 * along * along
    view.S[m, PARTS, PARTS] += max(more, 0.0)


@inner
def trace(A: F64, n: F64) -> float:
    """Return the trace of A, (3, 3) or more, across a unit vector n."""
    value = A[0, 0] + A[1, 1] + A[2, 2]
    for a in range(3):
        for b in range(3):
            value -= n[a] * A[a, b] * n[b]
    return float(value)


@inner
def across(A: F64, B: F64, n: F64) -> float:
    """Return the trace of N A N B, N = 1 - n n^T; A and B (3, 3) or more, both symmetric or the same."""
    value, one, other = 0.0, 0.0, 0.0
    for a in range(3):
        left = right = 0.0
        for b in range(3):
            value += A[a, b] * B[b, a]
            left += A[b, a] * n[b]
            right += B[a, b] * n[b]
        value -= 2.0 * left * right
        one += left * n[a]
        other += right * n[a]
    return float(value + one * other)


@inner
def found(leaf: Leaf, plot: Plot, sense: Sense, view: View, parameters: Parameters, work: Work) -> None:  # noqa: PLR0913
    """Begin the block of a leaf that a sound has begun: the wind has carried it, and its tone is one of its speed."""
    T, delay_s, variance = leaf.tail[0], (sense.time - leaf.time) * 1e-9, sense.wind_sigma * sense.wind_sigma
    prior(leaf, sense, parameters)
    leaf.heard = sense.time
    for a in range(3):
        T[EAST, a] = -delay_s * variance * sense.rotation[0, a]
        T[NORTH, a] = -delay_s * variance * sense.rotation[1, a]
    if isnan(plot.z[PARTS]):
        return
    hear(leaf, sense, view, 0, parameters, work)
    x, e, P, HP, HE, six = leaf.mean[0], leaf.ear[0], leaf.covariance[0], view.HP[0, PARTS], view.HE[0, PARTS], work.six
    S = view.S[0, PARTS, PARTS] + plot.covariance[PARTS, PARTS]
    step = (plot.z[PARTS] - view.z[0, PARTS]) / S
    for a in range(six):
        x[a] += HP[a] * step
        for b in range(a + 1):
            P[a, b] -= HP[a] * HP[b] / S
            P[b, a] = P[a, b]
    for j in range(work.ears):
        e[j] += HE[j] * step
        for b in range(work.whole):
            T[j, b] -= HE[j] * (HP[b] if b < six else HE[b - six]) / S


@inner
def bow(view: View, m: int) -> None:
    """Add to model m's view what the straight form of azimuth and elevation leaves out where an array is near.

    With s to the side, rho away along the level, r and t along and across the line of sight: azimuth has -s rho / g^2
    beside s / g, elevation -r t / r^2 and -tan(elevation) s^2 / 2 r^2. Source: the second-order filter, Bar-Shalom,
    Li, Kirubarajan 2001, section 10.3.2; all that is needed of the covariance is in the spread of the three rows.
    """
    z, S = view.z[m], view.S[m]
    away, steep, level = max(z[0], 1.0), sin(z[2]), max(cos(z[2]), FLATTEST)
    ground, upright = away * level, 0.5 * steep * level * S[1, 1]
    along = level * level * S[0, 0] + steep * away * (steep * away * S[2, 2] - 2.0 * level * S[2, 0])
    turn, tilt = (level * S[1, 0] - steep * away * S[2, 1]) / ground, S[2, 0] / away
    z[1] -= turn
    z[2] -= tilt + upright
    both = 2.0 * steep * level * S[1, 0] * S[2, 1] / away
    S[1, 1] += max(along, 0.0) / (ground * ground) * S[1, 1] + turn * turn
    S[2, 2] += max(S[0, 0] / (away * away) * S[2, 2] + tilt * tilt + 2.0 * upright * upright + both, 0.0)
