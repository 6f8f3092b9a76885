"""From d' to a probability of detection and to a calibrated likelihood ratio.

The statistic x of a look is N(0, 1) when there is nothing to hear and N(d', 1) when there is.
"""

import numpy as np
from scipy.special import logsumexp, ndtr, ndtri

from skywarden.model.place import F64

PRIOR = np.geomspace(1.0, 16.0, 9)  # d' that a node reckons with, each as likely as the others


def threshold(false_alarm: float) -> float:
    """Return the x that noise exceeds with probability `false_alarm`."""
    return -float(ndtri(false_alarm))


def detection(deflection: F64, false_alarm: F64 | float) -> F64:
    """Return the probability that x exceeds the threshold of `false_alarm`; shapes broadcast."""
    probability: F64 = ndtr(deflection + ndtri(false_alarm))
    return probability


def likelihood(statistic: F64, deflection: F64 | float) -> F64:
    """Return the LLR, nats, of a sound of known d' against noise; shapes broadcast."""
    ratio: F64 = deflection * statistic - np.square(deflection) / 2
    return ratio


def presence(statistic: F64) -> F64:
    """Return the LLR, nats, of a sound against noise for a node that does not know d': PRIOR averaged out.

    Calibrated by construction, as every average of likelihood ratios is. It grows with x, so that a threshold on it
    is one on x.
    """
    each = likelihood(np.asarray(statistic, float)[..., None], PRIOR)
    ratio: F64 = logsumexp(each, axis=-1) - np.log(len(PRIOR))
    return ratio
