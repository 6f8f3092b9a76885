"""A target as a microphone array hears it: from where it was when the sound left, carried on by the wind.

With s the array, p and v the target at the arrival, w the wind and u = v - w, the sound left tau before it came:
|p - s - u tau| = c tau, and it comes from e = p - s - u tau. All derivatives follow from that one equation:
d tau = e.(dp + (T - tau) dv) / (c^2 tau + e.u) where the state is given T before the arrival. DESIGN section 4.7.

A leaf that is behind the arrival is only brought to when the sound left, so that one that is heard and not seen is
looked at as it was then, without a way back through turns that nobody knows.
"""

from math import cos, sin

from skywarden.kernel import inner
from skywarden.model.place import F64
from skywarden.track.looks import Sense, View
from skywarden.track.models import predict
from skywarden.track.motion import move, up
from skywarden.track.pool import Leaf
from skywarden.track.retarded import retarded
from skywarden.track.view import FULL, carry, expect_polar
from skywarden.track.work import Parameters, Work

PARTS = 3  # range, azimuth and elevation, whichever of them are measured
FLATTEST = 0.01  # cosine of the elevation that is reckoned with right above an array


@inner
def delay(state: F64, sense: Sense) -> float:
    """Return s before a look that a sound left which it hears, -1 for none. state: (6,) at the look's time."""
    dd = du = uu = 0.0
    for a in range(3):
        d, u = state[a] - sense.position[a], state[a + 3] - sense.wind[a]
        dd += d * d
        du += d * u
        uu += u * u
    return retarded(dd, du, uu, sense.sound)


@inner
def leave(leaf: Leaf, sense: Sense, parameters: Parameters, work: Work) -> bool:
    """Bring a leaf to when the sound left that a look hears; return False where there is none. One later stays."""
    up(leaf.mean[0], work.vertical)
    move(leaf.mean[0], (sense.time - leaf.time) * 1e-9, work.vertical, work.b)
    tau = delay(work.b, sense)
    if tau < 0.0:
        return False
    predict(leaf, sense.time - round(tau * 1e9), parameters, work)
    return True


@inner
def hear(leaf: Leaf, sense: Sense, view: View, m: int, parameters: Parameters, work: Work) -> None:  # noqa: PLR0913
    """Fill model m's view for a sound: range, azimuth and elevation of where it seems to come from.

    What is not known of the wind and of the speed of sound is part of the spread. Needs `leave`.
    """
    H, z, lag = work.slopes[m], view.z[m], (sense.time - leaf.time) * 1e-9
    up(leaf.mean[m], work.vertical)
    move(leaf.mean[m], lag, work.vertical, work.b)
    tau = max(delay(work.b, sense), 0.0)
    back = tau - lag
    move(leaf.mean[m], -back, work.vertical, work.b)
    for a in range(3):
        work.b[a] += tau * sense.wind[a]
    expect_polar(work.b, sense, z, H, FULL)
    bottom = sense.sound * sense.sound * tau
    for a in range(3):
        bottom += (work.b[a] - sense.position[a]) * (work.b[a + 3] - sense.wind[a])
    for k in range(PARTS):
        along = 0.0
        for a in range(3):
            along += H[k, a] * (work.b[a + 3] - sense.wind[a])
        for a in range(3):
            H[k, a] -= along / max(bottom, 1e-9) * (work.b[a] - sense.position[a])
        work.y[k] = along / max(bottom, 1e-9) * sense.sound * tau * tau  # by the speed of sound
    carry(leaf, view, m, back, PARTS, parameters, work)
    for k in range(PARTS):
        for c in range(k + 1):
            winds = H[k, 0] * H[c, 0] + H[k, 1] * H[c, 1] + H[k, 2] * H[c, 2]
            view.S[m, k, c] += tau * tau * sense.wind_sigma * sense.wind_sigma * winds
            view.S[m, k, c] += sense.sound_sigma * sense.sound_sigma * work.y[k] * work.y[c]
    bow(view, m)


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
