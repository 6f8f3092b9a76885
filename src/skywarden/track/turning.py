"""A level turn at an even rate: where it leads, and what follows from the rate.

Turn rate: rad/s, positive to the right, as azimuths go; level velocity turns, vertical velocity stays.
Source: Bar-Shalom, Li, Kirubarajan 2001, section 11.7.1, in three dimensions.
"""

from math import cos, exp, sin, sqrt

from skywarden.kernel import inner
from skywarden.model.place import F64
from skywarden.track.ear import TURN
from skywarden.track.motion import disturb
from skywarden.track.pool import Leaf
from skywarden.track.work import Parameters, Work

SMALL = 1e-2  # rad, under which a turn is a series; what is left out is 1e-10 of what is there
BUSY = 1  # model of motion that turns


@inner
def arc(turn: float, dt: float) -> tuple[float, float, float, float]:
    """Return sin(turn dt) / turn and (1 - cos(turn dt)) / turn, and their derivatives by the turn rate."""
    a = turn * dt
    if abs(a) < SMALL:
        a2 = a * a
        ahead, aside = dt * (1.0 - a2 / 6.0), dt * a * (0.5 - a2 / 24.0)
        return ahead, aside, dt * dt * a * (a2 / 30.0 - 1.0 / 3.0), dt * dt * (0.5 - a2 / 8.0)
    ahead, aside = sin(a) / turn, (1.0 - cos(a)) / turn
    return ahead, aside, (dt * cos(a) - ahead) / turn, (dt * sin(a) - aside) / turn


@inner
def veer(x: F64, turn: float, dt: float, vertical: F64, work: Work) -> None:
    """Write a state x (6,) after a turn of dt s, which may be negative, to work.b.

    Its derivatives by x go to work.F (6, 6), by the turn rate to work.g (6,). It falls with the Earth, as `move` does.
    """
    F, g, u = work.F, work.g, vertical
    ahead, aside, more, beside = arc(turn, dt)
    sine, cosine = sin(turn * dt), cos(turn * dt)
    climb = x[3] * u[0] + x[4] * u[1] + x[5] * u[2]
    speed2 = x[3] * x[3] + x[4] * x[4] + x[5] * x[5]
    fall = (speed2 - climb * climb) / sqrt(x[0] * x[0] + x[1] * x[1] + x[2] * x[2] + 1.0)
    for a in range(3):
        b, c = (a + 1) % 3, (a + 2) % 3
        level, right = x[a + 3] - climb * u[a], x[b + 3] * u[c] - x[c + 3] * u[b]
        work.b[a] = x[a] + ahead * level + aside * right + dt * (climb - 0.5 * dt * fall) * u[a]
        work.b[a + 3] = cosine * level + sine * right + (climb - dt * fall) * u[a]
        g[a], g[a + 3] = more * level + beside * right, dt * (cosine * right - sine * level)
        for e in range(3):
            F[a, e], F[a + 3, e] = 1.0 if a == e else 0.0, 0.0
            both = u[a] * u[e]
            F[a, e + 3], F[a + 3, e + 3] = (dt - ahead) * both, (1.0 - cosine) * both
        F[a, a + 3] += ahead
        F[a, b + 3] += aside * u[c]
        F[a, c + 3] -= aside * u[b]
        F[a + 3, a + 3] += cosine
        F[a + 3, b + 3] += sine * u[c]
        F[a + 3, c + 3] -= sine * u[b]


@inner
def turn_over(P: F64, T: F64, work: Work) -> None:
    """Carry a covariance P (6, 6) and the cross terms of a block's T (EARS, WHOLE) through work.F and work.g."""
    F, g, B, U, six, turned = work.F, work.g, work.B, work.U, work.six, work.six + TURN
    for a in range(six):
        for b in range(six):
            B[a, b] = g[a] * T[TURN, b]
            for i in range(six):
                B[a, b] += F[a, i] * P[i, b]
        for j in range(work.ears):
            U[a, j] = g[a] * T[j, turned]
            for i in range(six):
                U[a, j] += F[a, i] * T[j, i]
    for a in range(six):
        for b in range(a + 1):
            value = U[a, TURN] * g[b]
            for i in range(six):
                value += B[a, i] * F[b, i]
            P[a, b] = P[b, a] = value
        for j in range(work.ears):
            T[j, a] = U[a, j]


@inner
def swing(leaf: Leaf, dt: float, parameters: Parameters, work: Work) -> None:
    """Move the model that turns, and its ear block, dt > 0 s on; work.up: the local vertical.

    The turn rate fades, so that it turns as much as one of an even, smaller rate would.
    """
    x, P, T, g = leaf.mean[BUSY], leaf.covariance[BUSY], leaf.tail[BUSY], work.g
    fade, six, turned = exp(-dt / parameters.turn_fades), work.six, work.six + TURN
    part = (1.0 - fade) * parameters.turn_fades / dt
    veer(x, leaf.ear[BUSY, TURN] * part, dt, work.up, work)
    for a in range(six):
        g[a] *= part
        x[a] = work.b[a]
    turn_over(P, T, work)
    disturb(P, dt, work.up, (parameters.turning, parameters.noise[BUSY, 1]))
    leaf.ear[BUSY, TURN] *= fade
    for b in range(work.whole):
        T[TURN, b] *= fade
    for j in range(work.ears):
        T[j, turned] *= fade
    T[TURN, turned] += parameters.turn * parameters.turn * (1.0 - fade * fade)
