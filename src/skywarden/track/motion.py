"""How targets move: straight on over the curved Earth, disturbed by white acceleration.

State (6,): ECEF position m, velocity m/s. The disturbance differs between level and vertical, so it is rotated
through the local level at the track. A negative time step goes back, and uncertainty grows with its size all the same.
"""

from math import sqrt

import numpy as np

from skywarden.geo.earth import ECCENTRICITY2, SEMI_MAJOR
from skywarden.kernel import inner, kernel
from skywarden.model.place import F64, I64

VERTICAL_NOISE = 2.0  # m^2/s^3; a climb of 15 m/s taken up within half a minute


@inner
def up(position: F64, out: F64) -> None:
    """Write the local vertical, the ellipsoid's normal at `position`, (3,) ECEF m or a state, to `out`.

    Exact on the ellipsoid; 20 km above it still within 1e-5 rad.
    """
    x, y, z = position[0], position[1], position[2] / (1.0 - ECCENTRICITY2)
    length = sqrt(x * x + y * y + z * z) + 1e-300
    out[0], out[1], out[2] = x / length, y / length, z / length


@inner
def height(position: F64) -> float:
    """Return m above the ellipsoid of an ECEF position, (3,) or a state; to within some 20 m for aircraft."""
    radius = sqrt(position[0] * position[0] + position[1] * position[1] + position[2] * position[2])
    sine = position[2] / radius
    return radius - SEMI_MAJOR / sqrt(1.0 + ECCENTRICITY2 / (1.0 - ECCENTRICITY2) * sine * sine)


@inner
def move(mean: F64, dt: float, vertical: F64, out: F64) -> None:
    """Write `mean`, (6,), dt s later, to `out` (may not be `mean`); `vertical`, (3,): the local up.

    Level flight follows the Earth: it falls off the straight line by the level speed squared over the radius.
    """
    radius2 = mean[0] * mean[0] + mean[1] * mean[1] + mean[2] * mean[2]
    speed2 = mean[3] * mean[3] + mean[4] * mean[4] + mean[5] * mean[5]
    climb = mean[3] * vertical[0] + mean[4] * vertical[1] + mean[5] * vertical[2]
    fall = (speed2 - climb * climb) / sqrt(radius2 + 1.0)
    for a in range(3):
        out[a] = mean[a] + dt * mean[a + 3] - 0.5 * dt * dt * fall * vertical[a]
        out[a + 3] = mean[a + 3] - dt * fall * vertical[a]


@inner
def spread(covariance: F64, dt: float, out: F64) -> None:
    """Write F P F^T for `covariance` P, (6, 6), and a step of dt s to `out` (may not be `covariance`)."""
    for a in range(3):
        for b in range(a, 3):
            cross = covariance[a, b + 3] + covariance[a + 3, b]
            out[a, b] = covariance[a, b] + dt * cross + dt * dt * covariance[a + 3, b + 3]
            out[b, a] = out[a, b]
            out[a + 3, b + 3] = covariance[a + 3, b + 3]
            out[b + 3, a + 3] = out[a + 3, b + 3]
        for b in range(3):
            out[a, b + 3] = covariance[a, b + 3] + dt * covariance[a + 3, b + 3]
            out[b + 3, a] = out[a, b + 3]


@inner
def disturb(covariance: F64, dt: float, vertical: F64, noise: tuple[float, float]) -> None:
    """Add the process noise of |dt| s to `covariance`, (6, 6), in place. noise: level, vertical, m^2/s^3.

    Source: Bar-Shalom, Li, Kirubarajan 2001, equation 6.2.2-12, in three dimensions.
    """
    span = abs(dt)
    first, second = span * span * span / 3.0, 0.5 * span * dt
    for a in range(3):
        for b in range(3):
            q = (noise[1] - noise[0]) * (vertical[a] * vertical[b])  # the same to the bit for b, a
            if a == b:
                q += noise[0]
            covariance[a, b] += q * first
            covariance[a, b + 3] += q * second
            covariance[a + 3, b] += q * second
            covariance[a + 3, b + 3] += q * span


@kernel
def predict_all(mean: F64, covariance: F64, dt: F64, level: F64, vertical: float) -> tuple[F64, F64]:
    """Return n states (n, 6) and covariances (n, 6, 6) dt (n,) s later. level (n,), vertical: noise, m^2/s^3."""
    means, covariances, upward = np.empty_like(mean), np.empty_like(covariance), np.empty(3)
    for i in range(len(mean)):
        up(mean[i], upward)
        move(mean[i], dt[i], upward, means[i])
        spread(covariance[i], dt[i], covariances[i])
        disturb(covariances[i], dt[i], upward, (level[i], vertical))
    return means, covariances


@kernel
def move_all(mean: F64, dt: F64) -> F64:
    """Return n states (n, 6) dt (n,) s later; the means of `predict_all`."""
    means, upward = np.empty_like(mean), np.empty(3)
    for i in range(len(mean)):
        up(mean[i], upward)
        move(mean[i], dt[i], upward, means[i])
    return means


@kernel
def level_sigma(mean: F64, covariance: F64) -> F64:
    """Return (n,) m: the larger semi-axis of each level 1-sigma ellipse."""
    out, u = np.empty(len(mean)), np.empty(3)
    for i in range(len(mean)):
        up(mean[i], u)
        P = covariance[i]
        trace = P[0, 0] + P[1, 1] + P[2, 2]
        square = 0.0
        vertical = 0.0
        for a in range(3):
            along = P[a, 0] * u[0] + P[a, 1] * u[1] + P[a, 2] * u[2]
            vertical += u[a] * along
            square -= 2.0 * along * along
            square += P[a, 0] * P[a, 0] + P[a, 1] * P[a, 1] + P[a, 2] * P[a, 2]
        level, square = trace - vertical, square + vertical * vertical  # trace of M and of M^2, M the level 2 x 2 part
        out[i] = sqrt(max(0.0, 0.5 * (level + sqrt(max(0.0, 2.0 * square - level * level)))))
    return out


def seconds(times: I64, time: int) -> F64:
    """Return (n,) s from each of `times` to `time`, ns."""
    return np.asarray((time - times) * 1e-9, float)
