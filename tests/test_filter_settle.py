"""What a look leaves of one leaf: against Bayes' rule with explicit Kalman updates and moment matching."""

import numpy as np
import pytest
from filter_memory import POSITIONS, RADAR, SITE, State, anywhere, believe, empty, fill, find, given, put, settled
from filter_reference import compare, kalman, moments, polar

from skywarden.model.detection import Kind

SIGMA = np.array([40.0, 0.004, 0.006, 2.0])
HAIR = 1e-9  # of a variance, put back after a look
SURE = 0.999999
SENSORS = [RADAR, POSITIONS]
NAMES = ["polar", "position"]


def about(rng, sensor, state, count):
    """Return z and R of detections about a leaf, some without elevation or range rate."""
    if sensor.kind == Kind.POSITION:
        return state.mean[0, :3] + rng.normal(size=(count, 3)) * 40.0, np.tile(np.eye(3) * 1600.0, (count, 1, 1))
    z = polar(state.mean[0], SITE)[0] + rng.normal(size=(count, 4)) * SIGMA
    z[rng.random((count, 4)) < [0.0, 0.0, 0.3, 0.3]] = np.nan
    return z, np.tile(np.diag(SIGMA**2), (count, 1, 1))


def bayes(sensor, state, z, R, other):
    """Return the leaf after a look, from scratch. other (k,): density of false alarms and new targets at each plot."""
    weight, r, seen = np.array(state.weight), state.existence, sensor.detection
    many = 1 if state.weight[1] == 0.0 else 2
    like = np.array([compare(sensor.kind, z[k], R[k], state, SITE)[1] for k in range(len(z))]).reshape(-1, 2)
    parts = np.vstack([(1 - seen) * weight, seen * like / other[:, None] * weight])  # (1 + k, models)
    exists = r * parts.sum() / (r * parts.sum() + 1 - r)
    means, covariances = state.mean.copy(), state.covariance.copy()
    for m in range(many):
        after = [(state.mean[m], state.covariance[m])]
        after += [kalman(sensor.kind, z[k], R[k], state.mean[m], state.covariance[m], SITE) for k in range(len(z))]
        means[m], covariances[m] = moments(parts[:, m], *map(np.array, zip(*after, strict=True)))
        covariances[m] += HAIR * np.diag(np.diag(covariances[m]))
    return State(means, covariances, tuple(parts.sum(0) / parts.sum()), exists)


def after(sensor, state, z, R, other):
    """Return the leaf after a look by the filter, and z, R in the plots' order."""
    memory = empty(sensor)
    row = put(memory, state)
    m = fill(memory, given(z, R), born=0.0)
    order = memory.plots["origin"][:m]
    memory.plots["clutter"][:m] = other[order]
    pairs = find(memory, m)
    assert len(pairs) == len(z)
    believe(memory, m, len(pairs))
    return settled(memory, row)


def same(found, wanted):
    """Check two leaves to 1e-9 of their own spread."""
    assert found.existence == pytest.approx(min(wanted.existence, SURE), rel=1e-9)
    assert found.weight == pytest.approx(wanted.weight, rel=1e-9)
    for m in range(2 if wanted.weight[1] > 0.0 else 1):
        sigma = np.sqrt(np.diag(wanted.covariance[m]))
        np.testing.assert_allclose((found.mean[m] - wanted.mean[m]) / sigma, 0.0, atol=1e-8)
        np.testing.assert_allclose(
            found.covariance[m] / np.outer(sigma, sigma), wanted.covariance[m] / np.outer(sigma, sigma), atol=1e-9
        )
        assert (found.covariance[m] == found.covariance[m].T).all()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("count", [0, 1, 2, 4])
@pytest.mark.parametrize("sensor", SENSORS, ids=NAMES)
def test_a_leaf_after_a_look_is_what_bayes_and_moment_matching_say(sensor, count, seed):
    rng = np.random.default_rng(seed)
    state = anywhere(rng)
    z, R = about(rng, sensor, state, count)
    likely = np.array([compare(sensor.kind, z[k], R[k], state, SITE)[1].max() for k in range(count)])
    other = likely * rng.uniform(0.1, 1.0, count)  # so that no plot has all the share
    same(after(sensor, state, z, R, other), bayes(sensor, state, z, R, other))


@pytest.mark.parametrize("sensor", SENSORS, ids=NAMES)
def test_a_plot_that_is_surely_the_leafs_is_one_kalman_update(sensor):
    rng = np.random.default_rng(3)
    state = anywhere(rng)._replace(existence=0.99999)
    z, R = about(rng, sensor, state, 1)
    likely = compare(sensor.kind, z[0], R[0], state, SITE)[1].min()
    found = after(sensor, state, z, R, np.array([1e-8 * likely]))
    for m in range(2):
        mean, covariance = kalman(sensor.kind, z[0], R[0], state.mean[m], state.covariance[m], SITE)
        sigma = np.sqrt(np.diag(covariance))
        np.testing.assert_allclose((found.mean[m] - mean) / sigma, 0.0, atol=1e-8)
        np.testing.assert_allclose((found.covariance[m] - covariance) / np.outer(sigma, sigma), 0.0, atol=3e-9)
    assert found.existence == SURE


def test_no_plot_makes_existence_less_and_changes_nothing_else():
    state = anywhere(np.random.default_rng(2))._replace(existence=0.8)
    found = after(RADAR, state, np.empty((0, 4)), np.empty((0, 4, 4)), np.empty(0))
    assert found.existence == pytest.approx(0.8 * 0.1 / (0.8 * 0.1 + 0.2), rel=1e-12)
    for name in ("mean", "covariance", "weight"):
        assert np.array_equal(getattr(found, name), getattr(state, name))


def test_a_young_leaf_gets_its_second_model_when_it_probably_exists():
    rng = np.random.default_rng(4)
    young = anywhere(rng)._replace(weight=(1.0, 0.0), existence=0.3)
    z, R = about(rng, RADAR, young, 1)
    likely = compare(RADAR.kind, z[0], R[0], young, SITE)[1][0]
    doubtful = after(RADAR, young, z, R, np.array([likely * 2.0]))
    grown = after(RADAR, young, z, R, np.array([likely * 0.1]))
    assert doubtful.existence < 0.5 < grown.existence
    assert doubtful.weight == (1.0, 0.0)
    assert grown.weight[1] > 0.0
    assert sum(grown.weight) == pytest.approx(1.0)
    assert np.array_equal(grown.mean[0], grown.mean[1])
    assert np.array_equal(grown.covariance[0], grown.covariance[1])
    wanted = bayes(RADAR, young, z, R, np.array([likely * 0.1]))
    sigma = np.sqrt(np.diag(wanted.covariance[0]))
    np.testing.assert_allclose((grown.mean[0] - wanted.mean[0]) / sigma, 0.0, atol=1e-8)


def test_no_model_is_ever_given_up():
    rng = np.random.default_rng(5)
    state = anywhere(rng, apart=0.0)._replace(weight=(0.999999, 0.000001), existence=0.99)
    z, R = about(rng, POSITIONS, state, 1)
    found = after(POSITIONS, state, z, R, np.array([1e-12]))
    assert min(found.weight) >= 1e-6 * 0.999
