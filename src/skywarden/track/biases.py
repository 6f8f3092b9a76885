"""What is believed of all biases at once: one Gaussian over those of every sensor and every cooperative target.

A sensor has six columns: range m, azimuth and elevation rad, clock s (reported minus true each), and where it stands
east and north of its enrolled place, m. A cooperative target has four: what its fixes add to its place, ECEF m, and
their latency, s. The sensors' columns come first.
"""

from typing import NamedTuple

import msgspec
import numpy as np

from skywarden.model.place import F64

OWN, CLAIMED = 6, 4  # columns of a sensor, of a cooperative target
RANGE, AZIMUTH, ELEVATION, CLOCK, EAST, NORTH = range(OWN)
LATENCY = 3  # column of a cooperative target
HOUR = 3600.0  # s


class BiasSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is believed before anything is measured, and what is done with what is.

    The sigmas and walks are those of a sensor's six columns: m, rad, rad, s, m, m.
    """

    prior: tuple[float, ...] = (300.0, 0.0175, 0.0175, 0.5, 3.0, 3.0)  # 1 deg; a place is surveyed to some metres
    walk_per_hour: tuple[float, ...] = (10.0, 9e-4, 9e-4, 0.02, 0.1, 0.1)  # 1 sigma; 0.05 deg
    jump: tuple[float, ...] = (300.0, 0.0175, 0.0175, 0.5, 3000.0, 3000.0)  # 1 sigma of a jump before it is measured
    least_jump: tuple[float, ...] = (40.0, 3.5e-3, 3.5e-3, 0.06, 100.0, 100.0)  # 0.2 deg; smaller ones are drift
    least_change: tuple[float, ...] = (10.0, 5e-4, 5e-4, 0.01)  # of what is applied already; 0.03 deg
    latency_most_s: float = 0.6  # of an ordinary transponder; DO-260B, uncompensated
    farthest_clock_s: float = 5.0  # a clock that is further off is not followed
    targets: int = 48  # followed at once; more tell little more
    level_noise_m2_s3: float = 60.0  # of targets of 200 m/s that only radars see: turns of 3 deg/s
    claimed_noise_m2_s3: float = 20.0  # of those with fixes: less, since a clock drawn from noisy velocities is late
    vertical_noise_m2_s3: float = 2.0
    jump_evidence: float = 14.0  # nats, from which a jump is believed
    place_doubt: float = 4.0  # nats more for a place: it moves less often than a mast turns

    def __post_init__(self) -> None:
        """Raise ValueError for a width that is none, or not positive."""
        for name in ("prior", "walk_per_hour", "jump", "least_jump", "least_change"):
            values, length = getattr(self, name), len(self.least_change) if name == "least_change" else OWN
            if len(values) != length or not all(np.isfinite(values)) or not all(value > 0 for value in values):
                raise ValueError(f"{name} must be {length} finite numbers over 0")
        if self.targets < 1:
            raise ValueError("targets must be 1 or more")


class Belief(NamedTuple):
    """mean (n,) and covariance (n, n) of all columns."""

    mean: F64
    covariance: F64


class Told(NamedTuple):
    """What measurements say of the columns, relative to a mean: information (n, n), A^T A, and score (n,), A^T y.

    A and y: their rows, whitened, so that y = A (b - mean) + unit noise.
    """

    information: F64
    score: F64


def target_columns(sensors: int, slot: int) -> slice:
    """Return the columns of a cooperative target, `sensors` of which stand before all targets."""
    first = OWN * sensors + CLAIMED * slot
    return slice(first, first + CLAIMED)


def prior(sensors: int, settings: BiasSettings) -> Belief:
    """Return what is believed of `sensors` sensors and all targets there is room for; theirs is renewed by a fix."""
    sigma = np.concatenate([np.tile(settings.prior, sensors), np.ones(CLAIMED * settings.targets)])
    return Belief(np.zeros(len(sigma)), np.diag(sigma**2))


def walked(belief: Belief, seconds: float, sensors: int, settings: BiasSettings) -> Belief:
    """Return the belief after some seconds in which the sensors' biases may have drifted, as random walks."""
    covariance, rate = belief.covariance.copy(), np.square(settings.walk_per_hour) / HOUR
    index = np.arange(OWN * sensors)
    covariance[index, index] += np.tile(rate, sensors) * max(seconds, 0.0)
    return Belief(belief.mean, covariance)


def renewed(belief: Belief, columns: slice, mean: F64, covariance: F64) -> Belief:
    """Return the belief with some columns as if nothing had been measured of them: independent of all others."""
    middle, whole = belief.mean.copy(), belief.covariance.copy()
    middle[columns] = mean
    whole[columns, :] = 0.0
    whole[:, columns] = 0.0
    whole[columns, columns] = covariance
    return Belief(middle, whole)


def learned(belief: Belief, told: Told) -> Belief:
    """Return the belief after measurements: least squares with the belief as prior.

    With P = L L^T it is L (I + L^T G L)^-1 L^T: symmetric and positive whatever G, a sum of squares, is.
    Raises LinAlgError for a covariance that is not positive.
    """
    L = np.linalg.cholesky(belief.covariance)
    within = np.linalg.cholesky(np.eye(len(L)) + L.T @ told.information @ L)
    root = np.linalg.solve(within, L.T)
    covariance = root.T @ root
    return Belief(belief.mean + covariance @ told.score, covariance)
