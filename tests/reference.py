"""Slow plain twins of the tracker's kernels: the same formulas in NumPy and SciPy, nothing clever."""

import numpy as np
from scipy.optimize import linear_sum_assignment

from skywarden import geo

CEILING, SPEEDS = 10_000.0, 600.0


def vertical(position):
    latitude, longitude, _ = geo.geodetic(position)
    return geo.east_north_up(latitude, longitude)[2]


def predict(mean, covariance, dt, noise, up):
    """Return state and covariance dt s later; noise: level, vertical, m^2/s^3; up: (3,) local vertical."""
    eye, zero = np.eye(3), np.zeros((3, 3))
    F = np.block([[eye, dt * eye], [zero, eye]])
    W = noise[0] * (eye - np.outer(up, up)) + noise[1] * np.outer(up, up)
    s = abs(dt)
    Q = np.block([[W * s**3 / 3, W * s * dt / 2], [W * s * dt / 2, W * s]])
    v = mean[3:]
    level = v - up * (v @ up)
    fall = -up * (level @ level) / np.linalg.norm(mean[:3])
    return F @ mean + np.concatenate([fall * dt**2 / 2, fall * dt]), F @ covariance @ F.T + Q


def polar(mean, place):
    """Return range, azimuth, elevation, range rate."""
    e = place.rotation @ (mean[:3] - place.position)
    r = np.linalg.norm(e)
    rate = e @ (place.rotation @ mean[3:]) / r
    return np.array([r, np.arctan2(e[0], e[1]), np.arctan2(e[2], np.hypot(e[0], e[1])), rate])


def jacobian(mean, place, steps=(0.5, 0.5, 0.5, 0.01, 0.01, 0.01)):
    """Return (4, 6) by central differences."""
    columns = []
    for k, h in enumerate(steps):
        d = np.zeros(6)
        d[k] = h
        columns.append((polar(mean + d, place) - polar(mean - d, place)) / (2 * h))
    return np.stack(columns, -1)


def correct(mean, covariance, innovation, H, R):
    """Return the corrected state and covariance, chi-square and log-likelihood of the innovation."""
    S = H @ covariance @ H.T + R
    K = np.linalg.solve(S, H @ covariance).T
    A = np.eye(6) - K @ H
    chi2 = innovation @ np.linalg.solve(S, innovation)
    log_likelihood = -0.5 * (chi2 + np.linalg.slogdet(S)[1] + len(S) * np.log(2 * np.pi))
    P = A @ covariance @ A.T + K @ R @ K.T
    return mean + K @ innovation, P + 1e-8 * np.diag(np.diag(P)), chi2, log_likelihood


def clutter(z, per_m2):
    """Return the log density of false alarms at a polar z, (4,)."""
    density = per_m2 * z[0]
    if not np.isnan(z[2]):
        density *= z[0] * np.cos(z[2]) / CEILING
    return np.log(density / (1.0 if np.isnan(z[3]) else SPEEDS))


def assign(rows, columns, gains, m):
    """Return (m,) the row of each detection, -1 none, and the total gain; one dense matrix, private dummies."""
    tracks = sorted(set(rows))
    cost = np.full((len(tracks), m + len(tracks)), 1e9)
    for t in range(len(tracks)):
        cost[t, m + t] = 0.0
    for r, c, g in zip(rows, columns, gains, strict=True):
        cost[tracks.index(r), c] = -g
    match = np.full(m, -1)
    total = 0.0
    for t, c in zip(*linear_sum_assignment(cost), strict=True):
        if c < m:
            match[c] = tracks[t]
            total -= cost[t, c]
    return match, total


def level_sigma(mean, covariance):
    """Return the larger semi-axis of the level 1-sigma ellipse."""
    latitude, longitude, _ = geo.geodetic(mean[:3])
    turn = geo.east_north_up(latitude, longitude)[:2]
    return np.sqrt(np.linalg.eigvalsh(turn @ covariance[:3, :3] @ turn.T)[-1])
