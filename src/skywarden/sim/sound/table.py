"""d' against distance and wind, calculated once, so that thousands of nodes cost one interpolation each."""

from collections.abc import Sequence
from math import exp, floor, log, sqrt
from typing import NamedTuple

import numpy as np

from skywarden.kernel import inner, kernel
from skywarden.model.place import F64, I64
from skywarden.sim.kinds import Voice
from skywarden.sim.sound.air import Air
from skywarden.sim.sound.level import MOST, Place, excess_share, received_level, weak_deflection
from skywarden.sim.sound.noise import noise_level

NEAREST_M, FARTHEST_M, RINGS = 10.0, 60_000.0, 220
WINDIEST, WINDS = 20.0, 21  # m/s; steps of 1 m/s from 0
SILENCE = -700.0  # ln d'
NEPER = float(np.log(10) / 10)  # of power, per dB
FAINTEST = 1.0  # d'; what is weaker is not looked for: it would raise a Pd of 1e-4 to 3e-3

STEP = float(np.log(FARTHEST_M / NEAREST_M) / (RINGS - 1))


class Table(NamedTuple):
    """For a ambients and v voices; a voice of None is not heard.

    strength: (a * v * WINDS, RINGS) ln of weak d' without excess attenuation. level: (v, RINGS) dB re 20 uPa, without
    it too. noise: (a, WINDS) dB. best: (v, RINGS) ln d' where it is heard best. Distances: `distances()`.
    """

    strength: F64
    level: F64
    noise: F64
    best: F64


def distances() -> F64:
    """Return (RINGS,) m, the distances of a table, in equal steps of their logarithm."""
    rings: F64 = NEAREST_M * np.exp(STEP * np.arange(RINGS))
    return rings


def table(voices: Sequence[Voice | None], air: Air, ambients_dba: Sequence[float], least_excess_db: float) -> Table:
    """Return the table of voices. least_excess_db: no node has less; it bounds the reach."""
    rings, winds = distances(), np.linspace(0, WINDIEST, WINDS)
    strength = np.full((len(ambients_dba), len(voices), WINDS, RINGS), -np.inf)
    level = np.full((len(voices), RINGS), -np.inf)
    for v, voice in enumerate(voices):
        if voice is None:
            continue
        level[v] = received_level(voice, rings, Place(air))
        for a, ambient in enumerate(ambients_dba):
            for w, wind in enumerate(winds):
                strength[a, v, w] = np.log(weak_deflection(voice, rings, Place(air, ambient, float(wind))))
    noise = np.array([noise_level(ambient, winds) for ambient in ambients_dba]).reshape(-1, WINDS)
    strength = np.maximum(strength, SILENCE)
    best = strength.max((0, 2), initial=SILENCE) - NEPER * least_excess_db * excess_share(rings)
    return Table(strength.reshape(-1, RINGS), level, noise, best)


def reaches(of: Table, voice: I64, louder_db: F64) -> F64:
    """Return (k,) m beyond which nothing is heard of voices (k,), louder than usual by (k,) dB; 0: not at all."""
    rings = np.append(distances(), FARTHEST_M)
    count = (of.best[voice] + NEPER * louder_db[:, None] > np.log(FAINTEST)).sum(1)
    return np.where(count > 0, rings[count], 0.0)


@inner
def interpolated(strength: F64, row: int, distance: float, wind: float, louder_db: float) -> float:
    """Return d' at `distance` m, `wind` m/s. strength: of the table; row: ambient and voice; louder_db: than it."""
    x = min(max(log(distance / NEAREST_M) / STEP, 0.0) if distance > NEAREST_M else 0.0, RINGS - 1.001)
    y = min(max(wind * (WINDS - 1) / WINDIEST, 0.0), WINDS - 1.001)
    i, j = floor(x), floor(y)
    x, y, j = x - i, y - j, row * WINDS + j
    calm = strength[j, i] * (1 - x) + strength[j, i + 1] * x
    windy = strength[j + 1, i] * (1 - x) + strength[j + 1, i + 1] * x
    weak = exp(calm * (1 - y) + windy * y + NEPER * louder_db)
    return weak / sqrt(1.0 + (weak / MOST) ** 2)


@kernel
def deflections(table: Table, which: I64, where: F64) -> F64:
    """Return (k,) d'. which: (k, 2) ambient and voice; where: (k, 3) distance m, wind m/s, dB louder than the voice."""
    found = np.empty(len(which))
    for i in range(len(which)):
        row = which[i, 0] * len(table.level) + which[i, 1]
        found[i] = interpolated(table.strength, row, where[i, 0], where[i, 1], where[i, 2])
    return found


def levels(of: Table, voice: I64, distance: F64) -> F64:
    """Return (k,) dB re 20 uPa of voices (k,) at distances (k,) m, without excess attenuation."""
    x = np.clip(np.log(np.maximum(distance, NEAREST_M) / NEAREST_M) / STEP, 0, RINGS - 1.001)
    i = x.astype(np.int64)
    level: F64 = of.level[voice, i] * (1 - x + i) + of.level[voice, i + 1] * (x - i)
    return level


def noises(of: Table, ambient: I64, wind: F64) -> F64:
    """Return (k,) dB re 20 uPa of the noise at nodes (k,)."""
    y = np.clip(wind * (WINDS - 1) / WINDIEST, 0, WINDS - 1.001)
    j = y.astype(np.int64)
    level: F64 = of.noise[ambient, j] * (1 - y + j) + of.noise[ambient, j + 1] * (y - j)
    return level


def hearing_distance(of: Table, voice: int, wind: float, excess_db: float, deflection: float) -> float:
    """Return m within which a voice has at least `deflection`, where the first ambient is."""
    strength = of.strength[voice * WINDS + min(round(wind * (WINDS - 1) / WINDIEST), WINDS - 1)]
    rings = distances()
    heard = strength - NEPER * excess_db * excess_share(rings) >= np.log(deflection)
    return float(rings[max(int(np.count_nonzero(heard)) - 1, 0)])
