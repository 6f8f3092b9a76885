"""Where an event was at a given time, by its reports: straight flight, the less certain the longer before or after.

Weighted least squares for place and velocity at that time, of reports with errors in two dimensions, each of them
blurred by what a thing may have turned since, and along its way by the error of the time. Reports that fit badly count
less (Student's t with FREEDOM degrees, by reweighting; Lange, Little, Taylor 1989), so a blunder does little harm.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.geo.earth import SEMI_MAJOR
from skywarden.model.place import F64, I64
from skywarden.model.triage import Mark, Told

SPEED = 80.0  # m/s, 1 sigma of each component of a velocity that is not known
TURNS = 0.12  # m/s^2: after t s something may be TURNS t^2 m, 1 sigma, from its straight way
FREEDOM = 4.0
ROUNDS = 3
LOOSE = 1e10  # m^2, variance of a place before anything is said
SECOND = 1e9  # ns


class State(NamedTuple):
    """mean (4,): m east and north of the origin that was asked for, m/s; covariance (4, 4)."""

    mean: F64
    covariance: F64


def metres(latitude: F64, longitude: F64, origin: tuple[float, float]) -> F64:
    """Return (n, 2) m east and north of an origin, rad; good to some per cent within 300 km."""
    east = (longitude - origin[1] + np.pi) % (2 * np.pi) - np.pi
    middle = np.cos(0.5 * (latitude + origin[0]))
    return np.column_stack((east * middle, latitude - origin[0])) * SEMI_MAJOR


def degrees_of(place: F64, origin: tuple[float, float]) -> tuple[float, float]:
    """Return latitude and longitude, rad, of a place in m from an origin, rad: `metres` turned round."""
    latitude = origin[0] + float(place[1]) / SEMI_MAJOR
    middle = max(np.cos(0.5 * (latitude + origin[0])), 1e-3)
    longitude = origin[1] + float(place[0]) / SEMI_MAJOR / middle
    return latitude, float((longitude + np.pi) % (2 * np.pi) - np.pi)


def covariances(told: F64) -> F64:
    """Return (n, 2, 2) m^2 of the places that are reported."""
    east2, both, north2 = told[:, Told.EAST2], told[:, Told.EAST_NORTH], told[:, Told.NORTH2]
    return np.stack((east2, both, both, north2), 1).reshape(-1, 2, 2)


def state(told: F64, marks: I64, time: int, origin: tuple[float, float]) -> State:
    """Return where the thing was at `time`, ns, that these reports are of, and how it flew."""
    mean, covariance = states(told, marks, np.array([time]), origin)
    return State(mean[0], covariance[0])


def states(
    told: F64, marks: I64, times: I64, origin: tuple[float, float], without: NDArray[np.bool_] | None = None
) -> tuple[F64, F64]:
    """Return (k, 4) and (k, 4, 4), as `state`, at each of (k,) times. without: (k, n) reports that do not count."""
    place = metres(told[:, Told.LATITUDE], told[:, Told.LONGITUDE], origin)
    covariance, blur = covariances(told), (told[:, Told.SECONDS] ** 2)[None, :, None, None]
    seconds = (marks[None, :, Mark.TIME] - times[:, None]) / SECOND
    turned = ((TURNS * seconds**2) ** 2)[:, :, None, None] * np.eye(2)
    counts = np.ones(seconds.shape) if without is None else (~without).astype(float)
    weight, mean = counts, np.zeros((len(times), 4))
    spread = np.broadcast_to(np.diag([LOOSE, LOOSE, SPEED**2, SPEED**2]), (len(times), 4, 4))
    for _ in range(ROUNDS):
        moving = mean[:, 2:, None] * mean[:, None, 2:] + spread[:, 2:, 2:]
        known = inverse(covariance[None] + turned + blur * moving[:, None])
        mean, spread = _solved(place, known * weight[:, :, None, None], seconds)
        off = place[None] - mean[:, None, :2] - seconds[:, :, None] * mean[:, None, 2:]
        square = np.einsum("kni,knij,knj->kn", off, known, off)
        weight = counts * np.minimum((FREEDOM + 2.0) / (FREEDOM + square), 1.0)
    return mean, spread


def _solved(place: F64, known: F64, seconds: F64) -> tuple[F64, F64]:
    """Return (k, 4) and (k, 4, 4). place (n, 2) m; known (k, n, 2, 2) 1/m^2, weighted; seconds (k, n)."""
    k = len(known)
    once, twice = known * seconds[:, :, None, None], known * (seconds**2)[:, :, None, None]
    weights = np.empty((k, 4, 4))
    weights[:, :2, :2] = known.sum(1) + np.eye(2) / LOOSE
    weights[:, :2, 2:] = weights[:, 2:, :2] = once.sum(1)
    weights[:, 2:, 2:] = twice.sum(1) + np.eye(2) / SPEED**2
    pull = np.concatenate((np.einsum("knij,nj->ki", known, place), np.einsum("knij,nj->ki", once, place)), 1)
    spread = np.asarray(np.linalg.inv(weights), np.float64)
    return np.einsum("kij,kj->ki", spread, pull), spread


def inverse(matrix: F64) -> F64:
    """Return the inverses of (..., 2, 2), symmetric: by hand, that is sooner."""
    a, b, d = matrix[..., 0, 0], matrix[..., 0, 1], matrix[..., 1, 1]
    return np.asarray(np.stack((d, -b, -b, a), -1) / (a * d - b * b)[..., None]).reshape(matrix.shape)
