"""Slow plain twins of the filter's stages: the same formulas in NumPy and SciPy, nothing clever."""

from itertools import product

import numpy as np
from scipy.stats import multivariate_normal

from skywarden import geo
from skywarden.model.detection import Kind

RADIUS = 6378137.0
FLATTENING = 1 / 298.257223563


def moments(weights, means, covariances):
    """Return mean and covariance of a mixture; weights (k,), means (k, n), covariances (k, n, n)."""
    weights = np.asarray(weights) / np.sum(weights)
    mean = weights @ means
    apart = means - mean
    return mean, np.einsum("k,kab->ab", weights, covariances) + np.einsum("k,ka,kb->ab", weights, apart, apart)


def level(position):
    """Return (2, 3): local east and north at an ECEF position."""
    latitude, longitude, _ = geo.geodetic(position)
    return geo.east_north_up(latitude, longitude)[:2]


def ground(latitude, longitude):
    """Return the ECEF position (3,) of a place on the ellipsoid."""
    e2 = FLATTENING * (2 - FLATTENING)
    radius = RADIUS / np.sqrt(1 - e2 * np.sin(latitude) ** 2)
    x, y = np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude)
    return radius * np.array([x, y, (1 - e2) * np.sin(latitude)])


def polar(mean, place):
    """Return range, azimuth, elevation, range rate of a state and their Jacobian (4, 6)."""
    e, v = place.rotation @ (mean[:3] - place.position), place.rotation @ mean[3:]
    r, flat = np.linalg.norm(e), np.hypot(e[0], e[1])
    along = e / r
    across = np.array([e[1], -e[0], 0.0]) / flat**2
    rise = np.array([-e[0] * e[2], -e[1] * e[2], flat**2]) / (flat * r**2)
    rate = along @ v
    turn = (v - rate * along) / r
    zero = np.zeros(3)
    H = np.array([[*along, *zero], [*across, *zero], [*rise, *zero], [*turn, *along]])
    z = np.array([r, np.arctan2(e[0], e[1]), np.arctan2(e[2], flat), rate])
    return z, H @ np.kron(np.eye(2), place.rotation)


def bent(mean, P, place):
    """Return how much more of each component (4,) a radar sees on average, since a target may be off to its side."""
    e = place.rotation @ (mean[:3] - place.position)
    side = np.array([e[1], -e[0], 0.0]) / np.hypot(e[0], e[1]) @ place.rotation
    r = np.linalg.norm(e)
    return np.array([side @ P[:3, :3] @ side / (2 * r), 0.0, 0.0, side @ P[:3, 3:] @ side / r])


def bowed(z, S):
    """Return how far range, azimuth and elevation are off on average, (3,), and how much wider they are, (3, 3).

    z (3,): what is seen of the mean; S (3, 3): its spread, seen straight. By second derivatives, along s to the side, r
    along the line of sight and t across it.
    """
    away, steep, level_ = z[0], np.sin(z[2]), np.cos(z[2])
    ground, order = away * level_, [1, 0, 2]
    metres = np.array([ground, 1.0, away])
    C = S[np.ix_(order, order)] * np.outer(metres, metres)
    azimuth, elevation = np.zeros((3, 3)), np.zeros((3, 3))
    azimuth[0, 1] = azimuth[1, 0] = -level_ / ground**2
    azimuth[0, 2] = azimuth[2, 0] = steep / ground**2
    elevation[1, 2] = elevation[2, 1] = -1.0 / away**2
    elevation[0, 0] = -steep / level_ / away**2
    both = azimuth, elevation
    shift = np.array([0.0, *(0.5 * np.trace(second @ C) for second in both)])
    return shift, np.diag([0.0, *(0.5 * np.trace(second @ C @ second @ C) for second in both)])


def innovation(kind, z, mean, place, P=None):
    """Return what a detection z (w,) is off a state, and the Jacobian, without components that are missing.

    P: covariance of the state, None: it is known.
    """
    if kind == Kind.PLANE:
        turn = level(mean[:3])
        return turn @ (ground(*z) - mean[:3]), np.hstack([turn, np.zeros((2, 3))])
    if kind == Kind.POSITION:
        return z - mean[:3], np.eye(3, 6)
    expected, H = polar(mean, place)
    if kind == Kind.DIRECTION:
        if P is not None:
            expected[:3] += bowed(expected[:3], H[:3] @ P @ H[:3].T)[0]
        expected, H = expected[1:3], H[1:3]
    elif P is not None:
        expected = expected + bent(mean, P, place)
    y = z - expected
    azimuth = 1 if kind == Kind.POLAR else 0
    y[azimuth] = (y[azimuth] + np.pi) % (2 * np.pi) - np.pi
    there = ~np.isnan(z)
    return y[there], H[there]


def doubt(kind, R, mean, P, place):
    """Return R (w, w) and what a straight view of a wide state leaves out."""
    if kind == Kind.DIRECTION:
        z, H = polar(mean, place)
        return R + bowed(z[:3], H[:3] @ P @ H[:3].T)[1][1:, 1:]
    more = bent(mean, P, place)
    return R + 2 * np.outer(more, more) if kind == Kind.POLAR else R


def density(y, S):
    """Return the normal density of y; scaled first, so that units do not make S look singular."""
    scale = np.sqrt(np.diag(S))
    return multivariate_normal.pdf(y / scale, cov=S / np.outer(scale, scale)) / np.prod(scale)


def compare(kind, z, R, state, place):
    """Return chi-square (k,) and likelihood (k,) of a detection under each model of a leaf."""
    chi2, likelihood = [], []
    there = np.ix_(~np.isnan(z), ~np.isnan(z))
    for mean, P in zip(state.mean, state.covariance, strict=True):
        y, H = innovation(kind, z, mean, place, P)
        S = H @ P @ H.T + doubt(kind, R, mean, P, place)[there]
        chi2.append(y @ np.linalg.solve(S, y))
        likelihood.append(density(y, S))
    return np.array(chi2), np.array(likelihood)


def kalman(kind, z, R, mean, P, place):
    """Return mean and covariance after one detection, in Joseph's form."""
    y, H = innovation(kind, z, mean, place, P)
    R = doubt(kind, R, mean, P, place)[np.ix_(~np.isnan(z), ~np.isnan(z))]
    K = np.linalg.solve(H @ P @ H.T + R, H @ P).T
    A = np.eye(6) - K @ H
    return mean + K @ y, A @ P @ A.T + K @ R @ K.T


def associations(n, m):
    """Return all ways to share m plots out among n leaves: of each plot its leaf, -1 nobody's."""
    return [way for way in product(range(-1, n), repeat=m) if all(way.count(i) <= 1 for i in range(n))]


def weigh(odds, other):
    """Return all associations and their weights, which add to 1. odds (n, m); other (m,): of nobody's plots."""
    ways = associations(*odds.shape)
    weight = [np.prod([other[j] if i < 0 else odds[i, j] for j, i in enumerate(way)]) for way in ways]
    return ways, np.array(weight) / np.sum(weight)


def marginals(odds, other, existence, missed):
    """Return association (n, m) and existence (n,) after a look, by counting everything out."""
    n, m = odds.shape
    association, none = np.zeros((n, m)), np.zeros(n)
    for way, weight in zip(*weigh(odds, other), strict=True):
        for j, i in enumerate(way):
            if i >= 0:
                association[i, j] += weight
        for i in range(n):
            none[i] += weight if i not in way else 0.0
    return association, 1 - none + none * existence * (1 - missed) / (1 - existence * missed)
