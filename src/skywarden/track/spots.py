"""Where leaves are, side by side and roughly: whom a sound cannot concern is told without a look at its leaf.

A leaf takes more memory than a hundred numbers, and each look of a single sound would fetch all of them. A spot is good
for a fifth of a second and until its leaf changes; who is out of reach by its spot is out of reach by `reach.reaches`.
"""

from math import sqrt
from typing import Protocol

import numpy as np

from skywarden.kernel import inner
from skywarden.track.looks import Sense
from skywarden.track.pool import Leaf, Memory

GOOD = 200_000_000  # ns after `since`
HALF = 0.1  # s, of that
SLACK = 2.0  # m; float32 is good for 0.25 m so far from the Earth's centre


class Spot(Protocol):
    """A place, x y z ECEF m, from which a leaf and its doubt are within `wide` m for GOOD ns from `since` on.

    speed: m/s. known: 1 if all this holds.
    """

    x: float
    y: float
    z: float
    wide: float
    speed: float
    known: float
    since: int


@inner
def earshot(sense: Sense, gate: float) -> tuple[float, float]:
    """Return `far`, m, and `flown`, s: no leaf is heard that is farther off than far + wide + speed * flown.

    See `reach.reaches`: from within reach it may have flown on, through the air, while its sound came.
    """
    w, passing = sense.wind, sense.reach / sense.sound
    blown = sqrt(w[0] * w[0] + w[1] * w[1] + w[2] * w[2])
    return sense.reach + passing * blown, passing + sense.lag + gate * sense.doubt


@inner
def unheard(spot: Spot, sense: Sense, far: float, flown: float) -> bool:
    """Return whether a leaf is out of earshot by its spot; False also where that is not known."""
    age, p = sense.time - spot.since, sense.position
    if spot.known == 0.0 or age < 0 or age > GOOD:
        return False
    x, y, z = np.float64(spot.x) - p[0], np.float64(spot.y) - p[1], np.float64(spot.z) - p[2]
    limit = far + np.float64(spot.wide) + np.float64(spot.speed) * flown
    return bool(x * x + y * y + z * z > limit * limit)


@inner
def mark(spot: Spot, leaf: Leaf, time: int, doubt: float) -> None:
    """Write a leaf's spot from `time`, ns, on. doubt: m, at most, until it is not good any more."""
    x, dt = leaf.mean[0], (time - leaf.time) * 1e-9 + HALF
    speed = sqrt(x[3] * x[3] + x[4] * x[4] + x[5] * x[5])
    spot.x, spot.y, spot.z = x[0] + dt * x[3], x[1] + dt * x[4], x[2] + dt * x[5]
    spot.wide, spot.speed = (doubt + HALF * speed) * (1.0 + 1e-6) + SLACK, speed * (1.0 + 1e-6)
    spot.since, spot.known = time, 1.0


@inner
def lose(memory: Memory, first: int, last: int) -> None:
    """Forget the spots of the leaves from one row to before another."""
    for i in range(first, last):
        memory.spots[i].known = 0.0
