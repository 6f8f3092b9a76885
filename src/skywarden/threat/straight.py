"""Straight ways of a track of which only a wide region is known: when and how likely they lead to a site.

Such a track may fly on at any of the velocities that its covariance allows. Its true velocity wanders around that: a
zero-mean Ornstein-Uhlenbeck process, level, with standard deviation `ratio` x speed and a correlation time. So the
spread of its place grows with t^1.5 at first and with the square root of t later. Everything is first-order and is
worked out in the level plane (east, north) of the site.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri

from skywarden.model.place import F64
from skywarden.threat.course import SLOWEST
from skywarden.threat.near import Pairs

NODES = 8  # points of the passing distance at which the arrival is worked out


class Passages(NamedTuple):
    """k pairs. arrival, sigma: (k,) s to the edge of the radius. probability: (k,) of passing within it."""

    arrival: F64
    sigma: F64
    probability: F64


def passages(pairs: Pairs, covariance: F64, ratio: float, correlation: float) -> Passages:
    """Return what comes of straight ways. covariance: (k, 6, 6) ECEF at the track's update; correlation: s.

    Arrival is that of the ways that pass within the radius: to its edge and, when the middle one passes outside, in
    effect to closest approach.
    """
    squared = (pairs.velocity**2).sum(1)
    speed = np.sqrt(np.maximum(squared, SLOWEST**2))
    heading = pairs.velocity / speed[:, None]
    left = np.stack([-heading[:, 1], heading[:, 0]], axis=1)
    ahead = -(pairs.offset * heading).sum(1)  # m to closest approach
    miss = (pairs.offset * left).sum(1)  # m, signed: left of the way is positive
    closest = np.maximum(ahead, 0) / speed
    edge = np.maximum(ahead - np.sqrt(np.maximum(pairs.radius**2 - miss**2, 0)), 0) / speed

    # How miss and time to closest approach change with the track's position and velocity (ECEF).
    axes = pairs.axes[pairs.site]
    heading_ecef = np.einsum("kab,ka->kb", axes, heading)
    left_ecef = np.einsum("kab,ka->kb", axes, left)
    of_miss = np.hstack([left_ecef, (closest + pairs.since)[:, None] * left_ecef])
    turning = (edge + pairs.since)[:, None] * heading_ecef + (miss / speed)[:, None] * left_ecef
    of_time = -np.hstack([heading_ecef, turning]) / speed[:, None]
    by_miss = np.einsum("ki,kij->kj", of_miss, covariance)
    by_time = np.einsum("ki,kij->kj", of_time, covariance)
    miss_var = (by_miss * of_miss).sum(1) + (ratio * speed) ** 2 * _grown(closest + pairs.since, correlation)
    time_var = (by_time * of_time).sum(1) + ratio**2 * _grown(edge + pairs.since, correlation)
    miss_sigma = np.sqrt(np.maximum(miss_var, 1e-6))
    probability, arrival, arrival_var = _arrivals(
        np.stack([miss, miss_sigma, pairs.radius, speed, (by_miss * of_time).sum(1)])
    )
    arrival = np.maximum(arrival + ahead / speed, 0)
    return Passages(arrival, np.sqrt(np.maximum(time_var + arrival_var, 0)), probability)


def _arrivals(passing: F64) -> tuple[F64, F64, F64]:
    """Return probability, and mean s and variance s^2 that where the radius is crossed adds to the arrival.

    passing (5, k): miss and its sigma m, radius m, speed m/s, covariance of miss and time m s. The miss of the futures
    that come within the radius is a normal distribution cut off at both ends; NODES points of equal probability.
    The mean is measured from closest approach; the variance replaces the share that miss has in the time's.
    """
    miss, sigma, radius, speed, shared = passing
    side = np.where(miss < 0, -1.0, 1.0)
    # On the lower side of the normal distribution, where small probabilities keep their digits.
    low, high = ndtr((-radius - np.abs(miss)) / sigma), ndtr((radius - np.abs(miss)) / sigma)
    probability = high - low
    share = (np.arange(NODES) + 0.5) / NODES
    level = np.clip(low + share[:, None] * probability, 1e-300, 1 - 1e-16)
    deviation = side * sigma * ndtri(level)
    crossing = np.clip(miss + deviation, -radius, radius)
    slope = shared / sigma**2
    time = slope * deviation - np.sqrt(radius**2 - crossing**2) / speed
    return probability, time.mean(0), time.var(0) - slope * shared


def _grown(time: F64, correlation: float) -> F64:
    """Return s^2: variance of the place per variance of the velocity, `time` s after both were known.

    Source: integral of an Ornstein-Uhlenbeck velocity from rest, Gillespie 1996, equation 2.14b.
    """
    x = time / correlation
    return np.asarray(correlation**2 * np.maximum(2 * x - 3 + 4 * np.exp(-x) - np.exp(-2 * x), 0))
