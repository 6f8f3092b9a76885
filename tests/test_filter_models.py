"""Motion of a leaf with two models: mixing, moving on, young leaves; against NumPy."""

import numpy as np
import pytest
import reference
from filter_memory import SITE, advanced, anywhere, later, mixed, together
from filter_reference import moments

from skywarden import geo
from skywarden.track.pmb import FilterSettings

CALM, BUSY, END = 60.0, 15.0, 2000.0
SETTINGS = FilterSettings(calm_stay_s=CALM, busy_stay_s=BUSY, end_after_s=END)
NOISE = ((0.5, 2.0), (40.0, 2.0))  # m^2/s^3, of the settings
SECONDS = [0.1, 2.0, 10.0, 60.0]
SEEDS = range(5)


def near(found, wanted, scale):
    """Check to 1e-9 of a scale."""
    np.testing.assert_allclose(found, wanted, rtol=0.0, atol=1e-9 * np.max(scale))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("seconds", SECONDS)
def test_each_model_becomes_the_mixture_of_those_that_may_have_led_to_it(seconds, seed):
    before = anywhere(np.random.default_rng(seed), apart=2.0)
    after = mixed(before, seconds, SETTINGS)
    assert sum(after.weight) == pytest.approx(1.0, abs=1e-12)
    both = 1 / CALM + 1 / BUSY  # changes back are counted
    off, back = (1 - np.exp(-seconds * both)) / both / np.array([CALM, BUSY])
    moved = np.array([[1 - off, off], [back, 1 - back]]) * np.array(before.weight)[:, None]
    assert after.weight == pytest.approx(moved.sum(0), abs=1e-12)
    for m in range(2):
        mean, covariance = moments(moved[:, m], before.mean, before.covariance)
        near(after.mean[m], mean, 1e3)
        near(after.covariance[m], covariance, covariance)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("seconds", SECONDS)
def test_mixing_changes_nothing_of_the_whole(seconds, seed):
    before = anywhere(np.random.default_rng(seed), apart=2.0)
    mean, covariance = together(before)
    after_mean, after_covariance = together(mixed(before, seconds, SETTINGS))
    near(after_mean, mean, 1e3)
    np.testing.assert_allclose(after_covariance, covariance, rtol=0.0, atol=1e-7 * covariance.max())


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("seconds", SECONDS)
def test_one_model_moves_as_numpy_says(seconds, seed):
    before = anywhere(np.random.default_rng(seed))
    up = reference.vertical(before.mean[0, :3])
    for noise in NOISE:
        mean, covariance = advanced(before.mean[0], before.covariance[0], seconds, up, noise)
        wanted, spread = reference.predict(before.mean[0], before.covariance[0], seconds, noise, up)
        near(mean, wanted, 1e3)
        near(covariance, spread, spread)
        assert (covariance == covariance.T).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_two_half_steps_are_one(seed):
    before = anywhere(np.random.default_rng(seed))
    up = SITE.rotation[2]
    once, spread = advanced(before.mean[0], before.covariance[0], 8.0, up, NOISE[1])
    half = advanced(before.mean[0], before.covariance[0], 4.0, up, NOISE[1])
    twice, spread_twice = advanced(*half, 4.0, up, NOISE[1])
    np.testing.assert_allclose(twice, once, rtol=0.0, atol=1e-4)  # m; the fall is taken as even within a step
    near(spread_twice, spread, spread)


@pytest.mark.parametrize("seconds", SECONDS)
def test_level_flight_stays_level(seconds):
    before = anywhere(np.random.default_rng(1))
    mean = before.mean[0].copy()
    mean[3:] = 100.0 * SITE.rotation[0]
    up = reference.vertical(mean[:3])
    mean[3:] -= up * (up @ mean[3:])
    straight = mean[:3] + seconds * mean[3:]
    moved, _ = advanced(mean, before.covariance[0], seconds, up, NOISE[0])
    level, risen, found = geo.geodetic(np.stack([mean[:3], straight, moved[:3]]))[2]
    assert risen > level
    assert abs(found - level) < max(0.02 * (risen - level), 1e-4)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("seconds", SECONDS)
def test_a_leaf_mixes_and_then_moves_in_both_models(seconds, seed):
    before = anywhere(np.random.default_rng(seed))
    after, changed = later(before, seconds, SETTINGS), mixed(before, seconds, SETTINGS)
    up = reference.vertical(changed.mean[0, :3])
    for m in range(2):
        mean, covariance = reference.predict(changed.mean[m], changed.covariance[m], seconds, NOISE[m], up)
        near(after.mean[m], mean, 1e5)  # the local vertical is good to 1e-5 rad
        np.testing.assert_allclose(after.covariance[m], covariance, rtol=0.0, atol=1e-5 * covariance.max())
        assert (after.covariance[m] == after.covariance[m].T).all()
        assert np.linalg.eigvalsh(after.covariance[m])[0] > 0.0
    assert sum(after.weight) == pytest.approx(1.0, abs=1e-12)
    assert after.existence == pytest.approx(before.existence * np.exp(-seconds / END), rel=1e-12)


def test_a_young_leaf_moves_in_one_model_only():
    before = anywhere(np.random.default_rng(3))._replace(weight=(1.0, 0.0))
    after = later(before, 4.0, SETTINGS)
    assert after.weight == (1.0, 0.0)
    wanted = advanced(before.mean[0], before.covariance[0], 4.0, reference.vertical(before.mean[0, :3]), NOISE[0])
    np.testing.assert_allclose(after.mean[0], wanted[0], rtol=0.0, atol=1e-4)
    np.testing.assert_allclose(after.covariance[0], wanted[1], rtol=0.0, atol=1e-5 * wanted[1].max())
    assert (after.mean[1] == before.mean[1]).all()


@pytest.mark.parametrize("seconds", [0.0, -5.0])
def test_a_leaf_that_is_there_already_stays_as_it_is(seconds):
    before = anywhere(np.random.default_rng(4))
    after = later(before, seconds)
    for one, other in zip(before, after, strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("seconds", [10.0, 60.0])
def test_how_a_time_is_cut_into_steps_does_not_matter_to_the_weights(seconds):
    before = anywhere(np.random.default_rng(5))
    once, twice = mixed(before, seconds, SETTINGS), before
    for _ in range(10):
        twice = mixed(twice, seconds / 10, SETTINGS)
    assert twice.weight == pytest.approx(once.weight, abs=0.01)


def test_after_a_long_time_each_model_is_as_likely_as_it_lasts():
    before = anywhere(np.random.default_rng(5))
    share = CALM / (CALM + BUSY)
    for weight in ((0.99, 0.01), (0.01, 0.99)):
        after = mixed(before._replace(weight=weight), 600.0, SETTINGS)
        assert after.weight == pytest.approx((share, 1 - share), abs=0.01)
