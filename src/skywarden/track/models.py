"""Interacting multiple models: a leaf moves calmly or manoeuvres, and may change from one to the other at any time.

Source: Blom, Bar-Shalom 1988; Bar-Shalom, Li, Kirubarajan 2001, section 11.6.6, here in closed form for two models.
Times in a model are exponential, so that any step of time is right: with the rates a and b of leaving each, the first
is another one after dt with a (1 - exp(-(a + b) dt)) / (a + b), changes back counted.
"""

from math import exp, sqrt

from skywarden.kernel import inner
from skywarden.model.place import F64
from skywarden.track import ear
from skywarden.track.motion import height, up
from skywarden.track.pool import Leaf
from skywarden.track.turning import BUSY, swing
from skywarden.track.work import Parameters, Work

FEWEST = 1e-6  # weight of a model; none is ever given up
PROMOTED = 0.9, 0.1  # weights of a leaf's models when it gets its second
LOWEST = -500.0  # m above the ellipsoid: no ground on Earth is as low
INFINITE = 1e300  # variance of a measurement that makes nothing better known


@inner
def models(leaf: Leaf) -> int:
    """Return how many models of motion a leaf has: one while it is young."""
    return 2 if leaf.weight[1] > 0.0 else 1


@inner
def promote(leaf: Leaf) -> None:
    """Give a young leaf its second model of motion."""
    for a in range(6):
        leaf.mean[1, a] = leaf.mean[0, a]
        for b in range(6):
            leaf.covariance[1, a, b] = leaf.covariance[0, a, b]
    if leaf.heard > 0:
        ear.share(leaf)
    leaf.weight[0], leaf.weight[1] = PROMOTED


@inner
def pace(dt: float, parameters: Parameters, work: Work) -> None:
    """Note in `work` what a step of dt s means: probabilities to be in the other model then, and to live on."""
    if dt != work.dt:
        work.dt, work.live = dt, exp(-dt * parameters.end)
        both = parameters.leave[0] + parameters.leave[1]
        flow = (1.0 - exp(-dt * both)) / both
        work.off, work.back = parameters.leave[0] * flow, parameters.leave[1] * flow


@inner
def mix(leaf: Leaf, work: Work) -> None:
    """Let possible changes of model pass (`pace`): each model becomes the mixture of those that may have led to it.

    With d the difference of both means, a mixture with weights 1 - p, p has mean x0 + p d and covariance
    (1 - p) P0 + p P1 + p (1 - p) d d^T.
    """
    six, d, off, back = work.six, work.a, work.off, work.back
    calm, busy = leaf.weight[0], leaf.weight[1]
    leaf.weight[0], leaf.weight[1] = calm * (1.0 - off) + busy * back, calm * off + busy * (1.0 - back)
    p, q = busy * back / leaf.weight[0], calm * off / leaf.weight[1]
    both, also = p * (1.0 - p), q * (1.0 - q)
    x, P = leaf.mean, leaf.covariance
    for a in range(six):
        d[a] = x[1, a] - x[0, a]
    if leaf.heard > 0:
        ear.blend_models(leaf, p, q, work)
    for a in range(six):
        for b in range(a + 1):
            outer, step = d[a] * d[b], P[1, a, b] - P[0, a, b]
            first = P[0, a, b] + p * step + both * outer
            second = P[1, a, b] - q * step + also * outer
            P[0, a, b] = P[0, b, a] = first
            P[1, a, b] = P[1, b, a] = second
    for a in range(six):
        x[0, a] += p * d[a]
        x[1, a] -= q * d[a]


@inner
def advance(x: F64, P: F64, dt: float, vertical: F64, noise: F64) -> None:
    """Move mean (6,) and covariance (6, 6) dt > 0 s on, in place; see `motion`. noise: level, vertical, m^2/s^3."""
    radius2 = x[0] * x[0] + x[1] * x[1] + x[2] * x[2]
    speed2 = x[3] * x[3] + x[4] * x[4] + x[5] * x[5]
    climb = x[3] * vertical[0] + x[4] * vertical[1] + x[5] * vertical[2]
    fall = (speed2 - climb * climb) / sqrt(radius2 + 1.0)
    first, second = dt * dt * dt / 3.0, 0.5 * dt * dt
    for a in range(3):
        x[a] += dt * x[a + 3] - second * fall * vertical[a]
        x[a + 3] -= dt * fall * vertical[a]
        for b in range(a + 1):
            q = (noise[1] - noise[0]) * (vertical[a] * vertical[b])
            if a == b:
                q += noise[0]
            P[a, b] += dt * (P[a, b + 3] + P[a + 3, b]) + dt * dt * P[a + 3, b + 3] + q * first
            P[b, a] = P[a, b]
    for a in range(3):
        for b in range(3):
            q = (noise[1] - noise[0]) * (vertical[a] * vertical[b])
            if a == b:
                q += noise[0]
            P[a, b + 3] += dt * P[a + 3, b + 3] + q * second
            P[b + 3, a] = P[a, b + 3]
    for a in range(3):
        for b in range(a + 1):
            q = (noise[1] - noise[0]) * (vertical[a] * vertical[b])
            if a == b:
                q += noise[0]
            P[a + 3, b + 3] += q * dt
            P[b + 3, a + 3] = P[a + 3, b + 3]


@inner
def predict(leaf: Leaf, time: int, parameters: Parameters, work: Work) -> None:
    """Bring a leaf to `time`, ns; one that is there already, or later, stays as it is."""
    dt = (time - leaf.time) * 1e-9
    if dt <= 0.0:
        return
    if time - leaf.heard > ear.KEPT_NS:
        leaf.heard = 0
    pace(dt, parameters, work)
    leaf.time = time
    leaf.existence *= work.live
    many = models(leaf)
    if many > 1:
        mix(leaf, work)
    up(leaf.mean[0], work.up)  # the models' places differ by too little to matter here
    for m in range(many):
        if leaf.heard > 0 and m == BUSY:
            swing(leaf, dt, parameters, work)
        else:
            advance(leaf.mean[m], leaf.covariance[m], dt, work.up, parameters.noise[m])
    if leaf.heard > 0:
        age(leaf, many, dt, parameters, work)


@inner
def age(leaf: Leaf, many: int, dt: float, parameters: Parameters, work: Work) -> None:
    """Bring the ear block of a leaf dt > 0 s on."""
    ear.glide(leaf, ear.CALM, dt, work)
    ear.unturned(leaf, parameters, work)
    for m in range(many):
        ear.drift(leaf, m, dt, work)


@inner
def anchor(leaf: Leaf, parameters: Parameters, work: Work) -> None:
    """Hold a height that no sensor measures near what is known of heights: no sigma ever exceeds the prior's.

    A weak pseudo-measurement, just strong enough; nothing happens to a height that is known better than that.
    """
    prior, u, Pu = parameters.height_sigma * parameters.height_sigma, work.up, work.a
    up(leaf.mean[0], u)
    for m in range(models(leaf)):
        x, P, variance = leaf.mean[m], leaf.covariance[m], 0.0
        for a in range(6):
            Pu[a] = P[a, 0] * u[0] + P[a, 1] * u[1] + P[a, 2] * u[2]
        for a in range(3):
            variance += u[a] * Pu[a]
        if not variance > prior:
            continue
        S = variance + variance * prior / (variance - prior)
        step = (parameters.height - height(x)) / S
        if leaf.heard > 0:
            ear.hold(leaf, m, S, step, work)
        for a in range(6):
            x[a] += Pu[a] * step
            for b in range(a + 1):
                P[a, b] -= Pu[a] * Pu[b] / S
                P[b, a] = P[a, b]


@inner
def surface(leaf: Leaf, work: Work) -> None:
    """Bring a leaf that has sunk under LOWEST back up to it: nothing flies under the ground.

    Where no sensor measures heights, a range that is poorly linear may push one down without end. x + P u / (u P u)
    times what is missing is the likeliest state at that height (Simon 2010, Kalman filtering with state constraints,
    estimate projection). The covariance grows by that step: a sensor that has measured it to be as low may be right.
    """
    u, Pu = work.up, work.a
    up(leaf.mean[0], u)
    for m in range(models(leaf)):
        x, P, variance = leaf.mean[m], leaf.covariance[m], 0.0
        missing = LOWEST - height(x)
        for a in range(6):
            Pu[a] = P[a, 0] * u[0] + P[a, 1] * u[1] + P[a, 2] * u[2]
        for a in range(3):
            variance += u[a] * Pu[a]
        if not (missing > 0.0 and variance > 0.0):
            continue
        gain = missing / variance
        if leaf.heard > 0:
            ear.hold(leaf, m, INFINITE, gain, work)
        for a in range(6):
            x[a] += Pu[a] * gain
            for b in range(6):
                P[a, b] += Pu[a] * Pu[b] * (gain * gain)
