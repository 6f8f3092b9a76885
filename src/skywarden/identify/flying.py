"""How tracks fly, as statements on what they are: speed, height and climb of their states, with their errors."""

import numpy as np

from skywarden.geo import east_north_up, geodetic
from skywarden.identify.motion import likelihoods, shipped
from skywarden.identify.rows import Looks
from skywarden.model.assessment import Family
from skywarden.model.place import F64, I64
from skywarden.model.track import TrackKind, Tracks

ITSELF = 0  # source of these rows


def flown(tracks: Tracks, rows: I64, time: int, ground: float) -> Looks:
    """Return what the motion of some tracks says of them; of what is only a region, nothing. Keys are labels.

    rows: which. time: ns. ground: m above the ellipsoid, where nothing better is known.
    """
    rows = rows[tracks.kind[rows] == TrackKind.POINT]
    n = len(rows)
    (speed, height, climb), (speed_off, height_off, climb_off) = _states(tracks.take(rows), time, ground)
    nats = likelihoods(speed, height, climb, speed_off, height_off, climb_off, shipped())
    no, zero = np.zeros(n, bool), np.zeros(n, np.int64)
    of = zero + ITSELF, zero, zero + int(Family.MOTION), no, no
    return Looks(tracks.label[rows], *of, zero + time, nats, np.full(n, np.nan), np.zeros(n))


def _states(tracks: Tracks, time: int, ground: float) -> tuple[F64, F64]:
    """Return (3, n) speed over the ground m/s, height above it m, climb m/s, and their standard deviations."""
    place = tracks.mean[:, :3] + tracks.mean[:, 3:] * ((time - tracks.time) * 1e-9)[:, None]
    latitude, longitude, height = geodetic(place)
    axes = east_north_up(latitude, longitude)
    velocity = np.einsum("nij,nj->ni", axes, tracks.mean[:, 3:])
    up, level = axes[:, 2], velocity[:, :2]
    speed = np.hypot(*level.T)
    along = np.einsum("ni,nij->nj", level / np.maximum(speed, 1e-9)[:, None], axes[:, :2])
    sigma = [
        _sigma(tracks.covariance[:, 3:, 3:], along),
        _sigma(tracks.covariance[:, :3, :3], up),
        _sigma(tracks.covariance[:, 3:, 3:], up),
    ]
    return np.stack([speed, height - ground, velocity[:, 2]]), np.stack(sigma)


def _sigma(covariance: F64, along: F64) -> F64:
    """Return (n,) standard deviations in directions (n, 3)."""
    return np.asarray(np.sqrt(np.maximum(np.einsum("ni,nij,nj->n", along, covariance, along), 0.0)))
