"""When what is heard now was emitted: in closed form for straight flight, by Newton's method along a path.

Sound drifts with a uniform wind w: what left at t_e is at time t on a sphere of radius c (t - t_e) around
p(t_e) + w (t - t_e). Times are s since the scenario's start: since 1970 float64 would be off by 100 ns.
"""

from math import floor, nan, sqrt
from typing import NamedTuple

import numpy as np

from skywarden.kernel import inner, kernel
from skywarden.model.place import F64, I64
from skywarden.sim.sky import Sky

ENOUGH = 1e-10  # s
ROUNDS = 60


class Paths(NamedTuple):
    """The arrays of a Sky, as kernels take them; `length` is its `count`."""

    first: I64
    length: I64
    base: I64
    position: F64
    velocity: F64


class Medium(NamedTuple):
    """speed: of sound, m/s; wind: (3,) m/s in the frame of the positions."""

    speed: float
    wind: F64


def paths_of(sky: Sky) -> Paths:
    """Return the arrays of a Sky."""
    return Paths(sky.first, sky.count, sky.base, sky.position, sky.velocity)


def travel_time(offset: F64, velocity: F64, medium: Medium) -> F64:
    """Return (...,) s that the sound heard now has travelled from a source in straight flight, slower than sound.

    offset: (..., 3) m from the ear to where the source is now; velocity: (..., 3) m/s of the source.
    Source: DESIGN section 4.7: with u = v - w, (c^2 - u.u) tau^2 + 2 (d.u) tau - d.d = 0, its positive root.
    """
    u = velocity - medium.wind
    along = (offset * u).sum(-1)
    square = (offset * offset).sum(-1)
    root = np.sqrt(along**2 + (medium.speed**2 - (u * u).sum(-1)) * square)
    tau: F64 = np.divide(square, along + root, out=np.zeros_like(root), where=square > 0)
    return tau


def direction(offset: F64, velocity: F64, medium: Medium) -> F64:
    """Return (..., 3) unit vectors from the ear to where the sound seems to come from; arguments as `travel_time`."""
    tau = travel_time(offset, velocity, medium)
    apparent = offset - (velocity - medium.wind) * tau[..., None]
    unit: F64 = apparent / np.linalg.norm(apparent, axis=-1, keepdims=True)
    return unit


def doppler(towards: F64, velocity: F64, medium: Medium) -> F64:
    """Return (...,) heard over emitted frequency at a still ear.

    towards: (..., 3) unit vectors as of `direction`; velocity: (..., 3) m/s of the source when it emitted.
    Source: DESIGN section 4.7: (c - n.w) / (c + n.u).
    """
    drift = towards @ medium.wind
    ratio: F64 = (medium.speed - drift) / (medium.speed - drift + (towards * velocity).sum(-1))
    return ratio


@inner
def late(paths: Paths, row: int, when: float, ear: F64, medium: Medium) -> tuple[float, float]:
    """Return how far (m) the sound of `when` has yet to go to the ear at time `ear[3]`, and that per s of `when`."""
    offset = when - paths.first[row]
    step = min(max(floor(offset), 0), paths.length[row] - 2)
    x, k = offset - step, paths.base[row] + step
    age = ear[3] - when
    square = along = 0.0
    for a in range(3):
        p0, v0, v1 = paths.position[k, a], paths.velocity[k, a], paths.velocity[k + 1, a]
        d = paths.position[k + 1, a] - p0
        b, e = 3 * d - 2 * v0 - v1, v0 + v1 - 2 * d
        from_ear = p0 + x * (v0 + x * (b + x * e)) + medium.wind[a] * age - ear[a]
        square += from_ear * from_ear
        along += from_ear * (v0 + x * (2 * b + 3 * x * e) - medium.wind[a])
    distance = sqrt(square)
    return distance - medium.speed * age, medium.speed + (along / distance if distance > 0 else 0.0)


@inner
def emission(paths: Paths, row: int, ear: F64, medium: Medium, guess: float) -> float:
    """Return when flier `row` emitted what is heard at ear = x, y, z m and time s; NaN if nothing of it arrives then.

    Newton's method from `guess`, kept between bounds that close in.
    """
    low, high = float(paths.first[row]), min(ear[3], float(paths.first[row] + paths.length[row] - 1))
    if low > high:
        return nan
    before, after = False, high == ear[3]  # whether the sound of `low` is known to have passed, that of `high` to come
    when = min(max(guess, low), high)
    for _ in range(ROUNDS):
        ahead, slope = late(paths, row, when, ear, medium)
        if ahead > 0:
            high, after = when, True
        else:
            low, before = when, True
        better = when - ahead / slope
        if abs(better - when) < ENOUGH and low <= better <= high:
            return float(better)
        if better <= low and not before:
            if late(paths, row, low, ear, medium)[0] > 0:
                return nan
            before = True
        if better >= high and not after:
            if late(paths, row, high, ear, medium)[0] < 0:
                return nan
            after = True
        when = better if low < better < high else 0.5 * (low + high)
    return float(when)


@kernel
def emission_times(paths: Paths, rows: I64, ears: F64, medium: Medium) -> F64:
    """Return (m,) s when fliers `rows` (m,) emitted what is heard at `ears` (m, 4): ECEF m and time s; NaN: nothing."""
    found = np.empty(len(rows))
    for i in range(len(rows)):
        found[i] = emission(paths, rows[i], ears[i], medium, ears[i, 3])
    return found
