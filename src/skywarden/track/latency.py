"""What it means for clocks that no fix is early and none later than it may be.

All clocks and all latencies may be later by the same c without any measurement changing. Only what is believed of
latencies beforehand ties c down: as Gaussians, in the belief, and here as what they are, each even between 0 and the
most. With n aircraft whose latencies are apart by w there are then most - w left for c, whatever their mean.
"""

from math import erf, sqrt

import numpy as np

from skywarden.model.place import F64, I64
from skywarden.track.biases import CLAIMED, LATENCY, OWN, Belief

FINE = 801  # values of c that are tried
LEAST = 1e-3  # s, sigma of a latency at a given c; a single one would have none


def bounded(belief: Belief, sensors: int, slots: I64, most: float) -> Belief:
    """Return the belief with the latencies of some targets even between 0 and `most`, s, for mean and covariance.

    slots (k,): cooperative targets with an ordinary transponder, whose latency is believed to be most / 2 with the
    sigma of an even distribution, most / sqrt(12), beforehand: `belief` has that in it, and it is taken out here.
    """
    columns = OWN * sensors + CLAIMED * slots + LATENCY
    mean, P = belief
    variance = float(P[np.ix_(columns, columns)].mean()) if len(slots) else 0.0  # of c, taken as their mean
    if variance <= LEAST**2:
        return belief
    gain = P[:, columns].mean(1) / variance
    spread = P[columns, columns] - gain[columns] ** 2 * variance
    known = spread < 0.5 * most**2 / 12.0  # the others have not been measured against anything yet
    if not known.all():
        return bounded(belief, sensors, slots[known], most)
    c = most * np.linspace(-1.0, 1.0, FINE)
    weight = -0.5 * c**2 / variance
    for k, column in enumerate(columns.tolist()):
        weight += _even(mean[column] + gain[column] * c, max(float(spread[k]), LEAST**2), most)
    share = np.exp(weight - weight.max())
    share /= share.sum()
    step = float(share @ c)
    left = float(share @ (c - step) ** 2)
    return Belief(mean + gain * step, P + np.outer(gain, gain) * (left - variance))


def _even(at: F64, variance: float, most: float) -> F64:
    """Return the log of how much likelier (k,) latencies N(at, variance) are by the even prior than by the Gaussian.

    It is the integral from 0 to most of N(x; at, variance) / N(x; most / 2, most^2 / 12), a Gaussian again.
    """
    wide, half = most**2 / 12.0, 0.5 * most
    left = 1.0 / (1.0 / variance - 1.0 / wide)
    centre = left * (at / variance - half / wide)
    scale = 1.0 / sqrt(2.0 * left)
    inside = np.array([0.5 * (erf((most - x) * scale) - erf(-x * scale)) for x in centre.tolist()])
    exponent = 0.5 * (centre**2 / left - at**2 / variance + half**2 / wide)
    return np.asarray(exponent + np.log(np.maximum(inside, 1e-300)))
