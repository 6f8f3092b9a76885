"""Cubic smoothing splines: the curve that best fits values with an error and a freedom to bend.

It has the least sum of squared misses plus `penalty` times the integral of the squared second derivative; with errors
of sigma and white acceleration of density q that is the best estimate for penalty = sigma^2 / q. Banded, so n points
take time n. Source: Reinsch 1967, Smoothing by Spline Functions; Green, Silverman 1994, section 2.3.3; Wahba 1990,
Spline Models for Observational Data, section 1.3.
"""

import numpy as np
from scipy.linalg import solveh_banded

from skywarden.model.place import F64


def smooth(time: F64, values: F64, at: F64, penalty: float) -> tuple[F64, F64]:
    """Return values and slopes, (m, d) each, at times `at` (m,) within `time`.

    time: (n,) rising, n at least 2; values: (n, d), each column by itself; penalty: time^3.
    """
    fit, bend = _reinsch(time, values, penalty)
    k = np.clip(np.searchsorted(time, at, "right") - 1, 0, len(time) - 2)
    h = (time[k + 1] - time[k])[:, None]
    b = (at - time[k])[:, None] / h
    a = 1 - b
    place = a * fit[k] + b * fit[k + 1] + h * h / 6 * ((a**3 - a) * bend[k] + (b**3 - b) * bend[k + 1])
    slope = (fit[k + 1] - fit[k]) / h + h / 6 * ((1 - 3 * a * a) * bend[k] + (3 * b * b - 1) * bend[k + 1])
    return place, slope


def _reinsch(time: F64, values: F64, penalty: float) -> tuple[F64, F64]:
    """Return the curve and its second derivative at the points, (n, d) each; Green and Silverman's f and gamma."""
    bend = np.zeros_like(values)
    if len(time) < 3:
        return values, bend
    h = np.diff(time)
    inverse = 1 / h
    middle = -inverse[:-1] - inverse[1:]
    band = np.zeros((3, len(h) - 1))  # of R + penalty Q'Q, upper form
    band[2] = (h[:-1] + h[1:]) / 3 + penalty * (inverse[:-1] ** 2 + middle**2 + inverse[1:] ** 2)
    band[1, 1:] = h[1:-1] / 6 + penalty * inverse[1:-1] * (middle[:-1] + middle[1:])
    band[0, 2:] = penalty * inverse[1:-2] * inverse[2:-1]
    slopes = np.diff(values, axis=0) * inverse[:, None]
    bend[1:-1] = solveh_banded(band, np.diff(slopes, axis=0))
    jerk = np.diff(bend, axis=0) * inverse[:, None]
    return values - penalty * np.diff(jerk, axis=0, prepend=0.0, append=0.0), bend
