"""What a foreign state adds to ours, against the same in plain algebra and over many runs."""

import numpy as np
import pytest
from foreign_world import measured, moved

from skywarden.track.foreign import Estimate, intersection, tracklet


def spread(rng, n, w, scale=100.0):
    """Return n covariances of random shape."""
    A = rng.normal(size=(n, w, w)) * scale ** rng.uniform(0, 1, (n, w, 1))
    return A @ A.swapaxes(1, 2) + np.eye(w)


def test_intersection_is_the_tightest_of_all_weights():
    """Twin: a fine search over w, with inverses."""
    rng = np.random.default_rng(1)
    one = Estimate(rng.normal(size=(40, 6)) * 50, spread(rng, 40, 6))
    other = Estimate(rng.normal(size=(40, 6)) * 50, spread(rng, 40, 6))
    found = intersection(one, other)
    for k in range(40):
        Y1, Y2 = np.linalg.inv(one.covariance[k]), np.linalg.inv(other.covariance[k])
        least = min(-np.linalg.slogdet(w * Y1 + (1 - w) * Y2)[1] for w in np.linspace(0, 1, 2001))
        at = np.linalg.slogdet(found.covariance[k])[1]
        assert least - 1e-3 < at < least + 1e-9
        weights = np.linalg.lstsq(
            np.stack([Y1.ravel(), Y2.ravel()], 1), np.linalg.inv(found.covariance[k]).ravel(), rcond=None
        )[0]
        assert weights.sum() == pytest.approx(1.0, abs=1e-6)
        mean = found.covariance[k] @ (weights[0] * Y1 @ one.mean[k] + weights[1] * Y2 @ other.mean[k])
        assert np.allclose(found.mean[k], mean, rtol=1e-6, atol=1e-4)


def test_the_same_state_again_changes_nothing():
    rng = np.random.default_rng(2)
    one, other = (Estimate(rng.normal(size=(40, 6)) * 50, spread(rng, 40, 6)) for _ in range(2))
    once = intersection(one, other)
    again = intersection(once, other)
    assert np.allclose(again.mean, once.mean, rtol=0, atol=1e-4)
    assert np.allclose(again.covariance, once.covariance, rtol=1e-5, atol=1e-5)


def test_neither_does_a_worse_one():
    rng = np.random.default_rng(3)
    one = Estimate(rng.normal(size=(10, 6)), spread(rng, 10, 6))
    worse = Estimate(one.mean + 3.0, one.covariance * 4.0)
    found = intersection(one, worse)
    assert (found.mean == one.mean).all()
    assert np.allclose(found.covariance, one.covariance, rtol=1e-12)


def test_a_tracklet_is_the_plot_that_came_between():
    """Where the noise is known, it gives back the other system's plot and its covariance."""
    rng = np.random.default_rng(4)
    before = moved(Estimate(rng.normal(size=(30, 6)) * 20, spread(rng, 30, 6, 30.0)), 4.0, 5.0)
    z, R = rng.normal(size=(30, 3)) * 40, spread(rng, 30, 3, 20.0)
    now = measured(before, z, R)
    found = tracklet(before, now, 3)
    assert np.allclose(found.covariance, R, rtol=2e-3)
    assert np.allclose(found.mean, z, atol=0.2)


@pytest.mark.parametrize(("sender", "most"), [(0.5, 1.15), (5.0, 1.1), (40.0, 1.1), (200.0, 1.1)])
def test_tracklets_are_honest_and_worth_having_whatever_noise_the_sender_reckons_with(sender, most):
    """A sensor of ours, and tracklets of a system whose process noise we do not know (ours: 40): 300 runs."""
    rng = np.random.default_rng(5)
    n, T, q, R, step = 300, 2.0, 5.0, np.eye(3) * 50.0**2, 60
    truth = np.concatenate((np.zeros((n, 3)), rng.normal(size=(n, 3)) * 100), 1)
    start = np.broadcast_to(np.diag([1e8] * 3 + [4e4] * 3), (n, 6, 6))
    theirs = ours = alone = Estimate(np.zeros((n, 6)), start)
    root = np.linalg.cholesky(np.kron(np.array([[T**3 / 3, T**2 / 2], [T**2 / 2, T]]) * q, np.eye(3)))
    said, off, nees = None, [], []
    for k in range(step):
        truth = moved(Estimate(truth, start), T, 0.0).mean + rng.normal(size=(n, 6)) @ root.T
        mine, other = (truth[:, :3] + rng.normal(size=(n, 3)) * 50.0 for _ in range(2))
        theirs = measured(moved(theirs, T, sender), other, R)
        ours, alone = (measured(moved(each, T, q), mine, R) for each in (ours, alone))
        if k >= 3:
            new = Estimate(theirs.mean[:, :3], theirs.covariance[:, :3, :3])
            ours = measured(ours, *(new if said is None else tracklet(moved(said, T, 40.0), theirs, 3)))
            said = theirs
        if k >= 20:
            error = ours.mean - truth
            nees.append((error * np.linalg.solve(ours.covariance, error[:, :, None])[:, :, 0]).sum(1).mean() / 6)
            off.append([((each.mean - truth)[:, :3] ** 2).sum(1).mean() for each in (ours, alone)])
    with_them, without = np.sqrt(np.mean(off, axis=0))
    assert with_them < (0.85 if sender <= 40.0 else 1.0) * without
    assert 0.9 < np.mean(nees) < most
