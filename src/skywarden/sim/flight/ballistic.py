"""Ballistic arcs from burn-out to impact: nothing but gravity.

In the inertial frame that coincides with the Earth-fixed one at impact, gravity is that of a point mass; the
acceleration seen in the turning frame is g - 2 w x v - w x (w x r). Source: Vallado, Fundamentals of Astrodynamics and
Applications, 4th ed., sections 1.3 and 3.4. Left out: the Earth's flattening (0.1 % of g) and all drag.
"""

from math import asin, cos, pi, sin

import numpy as np

from skywarden.model.place import F64

GM = 3.986004418e14  # m^3/s^2; WGS 84
SPIN = 7.292115e-5  # rad/s; WGS 84
GRAVITY = 9.8  # m/s^2, for the first guess
BURN_OUT = 0.1  # height where the arc begins, as a share of the range
HIGHEST = 90_000.0  # m, of the arc
ROUNDS = 12
CLOSE = 1e-3  # m from the aim


def flight_time(ground: float, speed: float, lofted: bool) -> int:
    """Return whole seconds from burn-out to impact over `ground` m, from the flat Earth's formulas.

    speed: m/s, at burn-out, about. The low arc, or the high one if that stays below HIGHEST.
    """
    angle = 0.5 * asin(min(1.0, GRAVITY * ground / speed**2))
    high = pi / 2 - angle
    if lofted and (speed * sin(high)) ** 2 / (2 * GRAVITY) + BURN_OUT * ground < HIGHEST:
        angle = high
    return max(2, round(ground / (speed * cos(angle))))


def arc(begin: F64, end: F64, seconds: int) -> tuple[F64, F64]:
    """Return position and velocity, (seconds + 1, 3) ECEF m and m/s, of the arc from `begin` to `end`, (3,) each."""
    start = turned(begin, SPIN * seconds)
    launch = (end - start) / seconds - 0.5 * seconds * gravity(0.5 * (start + end))
    for _ in range(ROUNDS):
        place, velocity = _fallen(start, launch, seconds)
        miss = end - place[-1]
        if np.linalg.norm(miss) < CLOSE:
            break
        launch = launch + miss / seconds
    angle = np.asarray(-SPIN * (seconds - np.arange(seconds + 1)), float)
    fixed = turned(place, angle)
    return fixed, turned(velocity, angle) - np.cross([0.0, 0.0, SPIN], fixed)


def gravity(position: F64) -> F64:
    """Return (..., 3) m/s^2 at (..., 3) m from the Earth's centre."""
    return np.asarray(-GM * position / np.linalg.norm(position, axis=-1, keepdims=True) ** 3)


def turned(vector: F64, angle: F64 | float) -> F64:
    """Return (..., 3) vectors seen from axes that have turned by `angle`, rad, around the Earth's axis."""
    c, s = np.cos(angle), np.sin(angle)
    x, y, z = np.moveaxis(vector, -1, 0)
    return np.stack(np.broadcast_arrays(c * x + s * y, c * y - s * x, z), -1)


def _fallen(position: F64, velocity: F64, seconds: int) -> tuple[F64, F64]:
    """Return (seconds + 1, 3) of a free fall in the inertial frame: Runge and Kutta's method, steps of 1 s."""
    places, velocities = np.empty((2, seconds + 1, 3))
    places[0], velocities[0] = position, velocity
    for k in range(1, seconds + 1):
        a1 = gravity(position)
        a2 = gravity(position + 0.5 * velocity)
        a3 = gravity(position + 0.5 * velocity + 0.25 * a1)
        a4 = gravity(position + velocity + 0.5 * a2)
        position = position + velocity + (a1 + a2 + a3) / 6
        velocity = velocity + (a1 + 2 * a2 + 2 * a3 + a4) / 6
        places[k], velocities[k] = position, velocity
    return places, velocities
