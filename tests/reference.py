"""Slow plain twins of the tracker's kernels: the same formulas in NumPy, nothing clever."""

import numpy as np

from skywarden import geo


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


def level_sigma(mean, covariance):
    """Return the larger semi-axis of the level 1-sigma ellipse."""
    latitude, longitude, _ = geo.geodetic(mean[:3])
    turn = geo.east_north_up(latitude, longitude)[:2]
    return np.sqrt(np.linalg.eigvalsh(turn @ covariance[:3, :3] @ turn.T)[-1])
