"""A few radars under the made-up sky of bench/registration.py, for the tests of registration."""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))

import registration_world as world

from skywarden.track.biases import BiasSettings
from skywarden.track.measured import FIX, Measured, together
from skywarden.track.register import begun, step

SETTINGS, SECOND, START = BiasSettings(targets=16), world.SECOND, world.START
DEGREE = np.radians(1.0)
WEST = world.Radar(-15e3, 0.0, bias=(150.0, 0.5 * DEGREE, 0.0, 0.2))
EAST = world.Radar(15e3, 5e3, bias=(-50.0, -0.2 * DEGREE, 0.0, -0.1))
SOUTH = world.Radar(5e3, -15e3, bias=(60.0, -0.3 * DEGREE, 0.0, 0.1))


def measured(radars, seed=0, count=8, speed=150.0, seconds=300.0, latency=None):
    """Return what radars see; with fixes if there is a latency: "exact", or "ordinary", 0 to 600 ms."""
    rng = np.random.default_rng([91, seed])
    flown = world.sky(rng, count, speed, seconds + 2.0)
    seen = world.looks(rng, flown, radars, seconds)
    if latency is None:
        return seen
    late = rng.uniform(0.0, 0.6, count) if latency == "ordinary" else np.zeros(count)
    return together([seen, world.fixes(rng, flown, seconds, late, np.zeros(count), latency == "exact")])


def registered(radars, seen, seconds=300.0, each=None, pace=10.0, settings=SETTINGS):
    """Return what is known after all that was seen; `each` is called with what is known after each step."""
    known = begun([radar.place() for radar in radars], settings, START)
    for k in range(round(seconds / pace)):
        until = START + round((k + 1) * pace * SECOND)
        known = step(known, world.between(seen, known.time, until), until, settings)
        if each:
            each(known)
    return known


def bias(known, row):
    """Return what is believed of range, azimuth, elevation and clock of a sensor."""
    return known.belief.mean[6 * row : 6 * row + 4]


def sigma(known, row):
    """Return 1 sigma of them."""
    return np.sqrt(np.diag(known.belief.covariance)[6 * row : 6 * row + 4])


def only(seen, rows):
    """Return some rows."""
    return Measured(*(column[rows] for column in seen))


__all__ = [
    "DEGREE",
    "EAST",
    "FIX",
    "SETTINGS",
    "SOUTH",
    "START",
    "WEST",
    "bias",
    "measured",
    "only",
    "registered",
    "sigma",
]
