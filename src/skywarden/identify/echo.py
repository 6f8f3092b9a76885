"""What the mean radar cross section of a target says of its class.

A class's cross section in dB over 1 m^2 is taken as normal, the echoes of one target as Swerling 1: power is
exponentially distributed, so decibels have a mean 2.5 dB under that of the mean power and a standard deviation of
5.6 dB. n independent echoes tell their mean to 5.6 / sqrt(n); what is left is how different targets of a class are.
Sources: orders of magnitude of cross sections, Skolnik, Introduction to Radar Systems, 3rd ed., table 2.1; Swerling 1
in decibels: Gumbel distribution, mean -0.577 * 10 / ln 10 and deviation pi / sqrt(6) * 10 / ln 10.
"""

from collections.abc import Mapping

import numpy as np

from skywarden.model.assessment import CLASSES, Class
from skywarden.model.place import F64

UNDER, SPREAD = 2.507, 5.570  # dB
SECTIONS: Mapping[Class, tuple[float, float]] = {  # mean and standard deviation, dB over 1 m^2
    Class.UAV_PISTON: (-10.0, 5.0),
    Class.UAV_JET: (-10.0, 5.0),
    Class.MULTIROTOR: (-17.0, 5.0),
    Class.FIXED_WING: (-14.0, 6.0),
    Class.DECOY: (-10.0, 5.0),  # as what it stands for: a reflector makes of it what it likes
    Class.CRUISE: (-10.0, 6.0),
    Class.BALLISTIC: (-5.0, 6.0),
    Class.AEROPLANE: (8.0, 8.0),  # gliders to airliners
    Class.HELICOPTER: (5.0, 5.0),
    Class.BIRD: (-21.0, 6.0),  # single ones and flocks
    Class.NOISE: (-3.0, 12.0),
}
_MEAN, _OWN = np.array([SECTIONS[word] for word in CLASSES if word is not Class.UNKNOWN]).T


def sections(mean: F64, looks: F64) -> F64:
    """Return (n, K) nats for the classes. mean: (n,) of decibels; looks: (n,) independent echoes that went into it."""
    variance = _OWN**2 + SPREAD**2 / looks[:, None]
    return np.asarray(-0.5 * ((mean + UNDER)[:, None] - _MEAN) ** 2 / variance - 0.5 * np.log(variance))
