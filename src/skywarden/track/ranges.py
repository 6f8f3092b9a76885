"""Ranges of what only a bearing is known of: steps of equal ratio, in each as much as its part of space holds.

Where targets are spread evenly over the ground and, up to a ceiling, over heights, there are r cos(elevation) / ceiling
of them per m of range, and rad of azimuth and elevation, for one per m^2 of ground and m of range.
Source: range-parametrised filter, Peach 1995, "Bearings-only tracking using a set of range-parameterised extended
Kalman filters", IEE Proceedings Control Theory and Applications 142(1).
"""

from math import cos, exp, isnan, log, sin, sqrt

from skywarden.geo.earth import SEMI_MAJOR
from skywarden.kernel import inner
from skywarden.track.looks import Plot, Sense
from skywarden.track.motion import height
from skywarden.track.work import Parameters

RANGES = 8  # as many steps
FARTHEST = 50.0  # whose exponential is still a number
NEAREST, SPAN = 100.0, 40.0  # m, and at most so many times nearer than the furthest; nearer still are too few to count
WIDER = 1.11, 1.0  # than a step's moments, without and with elevation: then regions of all steps hold what they should
LOGISTIC = 1.702  # of a normal distribution, which it meets within 0.01


@inner
def step(sense: Sense, k: int) -> tuple[float, float]:
    """Return from where to where, m, step k of a sensor's ranges reaches."""
    near = max(NEAREST, sense.begins / SPAN)
    rate = log(max(sense.begins / near, 1.0)) / RANGES
    return near * exp(k * rate), near * exp((k + 1) * rate)


@inner
def power(order: int, low: float, high: float) -> float:
    """Return the integral of r^order from low to high. Compiled powers are not to the bit those of Python."""
    above = below = 1.0
    for _ in range(order + 1):
        above, below = above * high, below * low
    return float((above - below) / (order + 1))


@inner
def beneath(limit: float, mean: float, sigma: float) -> float:
    """Return how likely a height of this mean and sigma is under a limit."""
    off = LOGISTIC * (limit - mean) / sigma
    return float(1.0 / (1.0 + exp(-min(max(off, -FARTHEST), FARTHEST))))


@inner
def within(plot: Plot, sense: Sense, k: int, parameters: Parameters) -> tuple[float, float, float]:
    """Return mean and sigma, m, of a target's range if it is in step k, and its expected number for one per m^2.

    The number is per unit of z, as false alarms are. A bearing without elevation is of any height.
    """
    low, high = step(sense, k)
    order = 1 if isnan(plot.z[2]) else 2
    whole = power(order, low, high)
    mean = power(order + 1, low, high) / whole
    sigma = WIDER[order - 1] * sqrt(max(power(order + 2, low, high) / whole - mean * mean, 0.0))
    if order == 1:
        return mean, sigma, whole
    steep, level = sin(plot.z[2]), cos(plot.z[2])
    up = height(sense.position) + mean * steep + mean * mean * level * level / (2.0 * SEMI_MAJOR)
    doubt = sqrt(mean * mean * level * level * plot.covariance[2, 2] + sigma * sigma * steep * steep) + 1.0
    inside = beneath(parameters.ceiling, up, doubt) - beneath(0.0, up, doubt)
    return mean, sigma, whole * max(level, 0.0) * inside / parameters.ceiling


@inner
def assume(plot: Plot, mean: float, sigma: float) -> None:
    """Write a range to a plot that has none."""
    plot.z[0] = mean
    for k in range(1, 4):
        plot.covariance[0, k] = plot.covariance[k, 0] = 0.0
    plot.covariance[0, 0] = sigma * sigma
