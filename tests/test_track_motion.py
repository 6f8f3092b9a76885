"""How tracks are shown at another time, and how uncertain they are then: against slow twins."""

import numpy as np
import reference
from track_world import where

from skywarden import geo
from skywarden.kernel import kernel
from skywarden.track import motion

LEVEL, VERTICAL = 7.0, motion.VERTICAL_NOISE
up_at, height_at = (kernel(f.plain) for f in (motion.up, motion.height))  # compiled with a way in from Python


def some(n, seed=1):
    """Return states (n, 6) and covariances (n, 6, 6) of aircraft."""
    rng = np.random.default_rng(seed)
    position = where(*rng.uniform(-50_000, 50_000, (2, n)), rng.uniform(100, 9000, n))
    root = rng.normal(size=(n, 6, 6)) * np.array([50, 50, 50, 8, 8, 8])[:, None]
    covariance = root @ root.swapaxes(1, 2) + np.diag([100.0] * 3 + [1.0] * 3)
    return np.hstack([position, rng.normal(scale=100, size=(n, 3))]), covariance


def test_prediction_equals_its_slow_twin():
    means, covariances = some(50)
    dt, level = np.linspace(-2, 60, 50), np.linspace(0.5, 40.0, 50)
    found, spread = motion.predict_all(means, covariances, dt, level, VERTICAL)
    np.testing.assert_array_equal(motion.move_all(means, dt), found)
    for i, (x, P) in enumerate(zip(means, covariances, strict=True)):
        noise, up = (level[i], VERTICAL), reference.vertical(x[:3])
        mean, covariance = reference.predict(x, P, dt[i], noise, up)
        np.testing.assert_allclose(found[i], mean, rtol=1e-9, atol=1e-4)
        np.testing.assert_allclose(spread[i], covariance, rtol=1e-4, atol=1e-4 * np.diag(covariance).max())
        assert (spread[i] == spread[i].T).all()
        vertical = np.empty(3)
        up_at(x, vertical)
        assert np.abs(vertical - up).max() < 1e-5
        mean, covariance = reference.predict(x, P, dt[i], noise, vertical)
        np.testing.assert_allclose(found[i], mean, rtol=1e-9)
        np.testing.assert_allclose(spread[i], covariance, rtol=1e-9, atol=1e-9 * np.diag(covariance).max())


def test_a_level_flight_keeps_its_height():
    flight = where(0.0, 0.0, 9000.0)
    turn = geo.east_north_up(*geo.geodetic(flight)[:2])
    state = np.concatenate([flight, 230.0 * turn[0]])[None]
    later, _ = motion.predict_all(state, np.eye(6)[None], np.array([300.0]), np.ones(1), VERTICAL)
    assert abs(geo.geodetic(later[0, :3])[2] - 9000.0) < 20  # a straight line would be 370 m too high


def test_height_of_the_kernel_agrees_with_the_geodetic_one():
    position = where(np.linspace(-90_000, 90_000, 9), 40_000.0, np.linspace(0, 12_000, 9))
    found = [height_at(p) for p in position]
    np.testing.assert_allclose(found, geo.geodetic(position)[2], atol=20)


def test_level_uncertainty_equals_its_slow_twin():
    means, covariances = some(20)
    wanted = [reference.level_sigma(x, P) for x, P in zip(means, covariances, strict=True)]
    np.testing.assert_allclose(motion.level_sigma(means, covariances), wanted, rtol=1e-4)
