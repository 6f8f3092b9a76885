"""What a radar can tell from noise: detection probabilities, fluctuating echoes, blind speeds, merged echoes.

Powers are over that of the noise in one resolution cell, so a signal power is a signal to noise ratio. One look is
one decision on one sample: noise alone passes the threshold T with the false alarm probability exp(-T).

Sources: Skolnik, Introduction to Radar Systems, 3rd ed., sections 2.2 (radar equation), 2.7 and 2.8 (Swerling);
Meyer, Mayer, Radar Target Detection, 1973, chapter 2 (Swerling 3, one pulse).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.kernel import kernel
from skywarden.model.place import F64, I64
from skywarden.sim.kinds import KINDS
from skywarden.sim.sky import Sky

Flags = NDArray[np.bool_]
FAINT = 0.2  # a mean signal to noise ratio under which detection is no more than about 10 false alarm probabilities


class Echoes(NamedTuple):
    """How targets reflect. section: (n,) mean, m^2; steady: (n,) bool, Swerling 3 and not 1."""

    section: F64
    steady: Flags


class Signals(NamedTuple):
    """m echoes of one look each. echo, noise: (m,) complex amplitudes, the noise's mean power being 1."""

    echo: NDArray[np.complex128]
    noise: NDArray[np.complex128]


def echoes(sky: Sky) -> Echoes:
    """Return how the targets of a sky reflect."""
    traits = [KINDS[target.kind] for target in sky.targets]
    return Echoes(np.array([t.section_m2 for t in traits]), np.array([t.swerling == 3 for t in traits], bool))


def detection(ratio: F64, threshold: F64, steady: Flags) -> F64:
    """Return the probability of detection of one look at mean signal to noise ratio `ratio`. All (m,).

    Swerling 1: exp(-T / (1 + S)). Swerling 3: with c = 1 + S / 2, exp(-T / c) (1 + (1 - 1 / c) T / c).
    """
    mean = 1 + np.where(steady, ratio / 2, ratio)
    more = np.where(steady, (1 - 1 / mean) * threshold / mean, 0.0)
    return np.asarray(np.exp(-threshold / mean) * (1 + more))


def fluctuate(ratio: F64, steady: Flags, rng: np.random.Generator) -> Signals:
    """Draw the echoes of one look: powers of a Swerling 1 or 3 target, any phase, and the noise beside them."""
    count = len(ratio)
    power = rng.exponential(size=(2, count))
    amplitude = np.sqrt(ratio * np.where(steady, 0.5 * (power[0] + power[1]), power[0]))
    phase = rng.random(count) * (2 * np.pi)
    noise = rng.normal(scale=0.5**0.5, size=(2, count))
    return Signals(amplitude * np.exp(1j * phase), noise[0] + 1j * noise[1])


def blind(rate: F64, speed: F64, notch: F64) -> Flags:
    """Return (m,) bool: the moving-target filter takes it out. rate: m/s; speed: blind speed, 0 without a filter."""
    period = np.where(speed > 0, speed, 1.0)
    return (speed > 0) & (np.abs(rate - period * np.round(rate / period)) < notch)


def merged(radar: I64, turn: F64, distance: F64, size: tuple[F64, F64], power: F64) -> I64:
    """Return (m,) which echo each belongs to: itself, or a stronger one that it cannot be told from.

    turn: (m,) place in the radar's turns, one being a full circle. size: (m,) beam in turns and range cell in m: an
    echo takes up all weaker ones that are less than these away. So the members of a chain do not all become one.
    """
    order = np.lexsort((turn, radar))
    sorted_power = power[order]
    strongest = np.argsort(-sorted_power, kind="stable")
    leader = _leaders(strongest, radar[order], np.stack([turn, distance, size[0], size[1]], 1)[order])
    result = np.empty(len(order), np.int64)
    result[order] = order[leader]
    return result


@kernel
def _leaders(strongest: I64, radar: I64, where: F64) -> I64:
    """Return each row's leader. Rows are sorted by radar and turn; where: (m, 4) turn, distance, beam, cell."""
    count = len(radar)
    leader = np.full(count, -1, np.int64)
    for i in strongest:
        if leader[i] >= 0:
            continue
        leader[i] = i
        for direction in (-1, 1):
            j = i + direction
            while 0 <= j < count and radar[j] == radar[i] and abs(where[j, 0] - where[i, 0]) < where[i, 2]:
                if leader[j] < 0 and abs(where[j, 1] - where[i, 1]) < where[i, 3]:
                    leader[j] = i
                j += direction
    return leader
