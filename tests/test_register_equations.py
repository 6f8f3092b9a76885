"""The equations of registration: derivatives beside differences, and all of it beside slow plain twins."""

import numpy as np
import pytest
from register_sky import EAST, FIX, SECOND, START, WEST, measured, only
from scipy.stats import chi2

from skywarden import geo
from skywarden.track import residuals
from skywarden.track.biases import (
    CLAIMED,
    LATENCY,
    OWN,
    Belief,
    BiasSettings,
    Told,
    learned,
    prior,
    renewed,
    target_columns,
    walked,
)
from skywarden.track.follow import CLIMB, FIRST, SPEED, World, assembled, followed
from skywarden.track.latency import bounded
from skywarden.track.measured import BLIND, sane
from skywarden.track.motion import predict_all
from skywarden.track.paths import empty, opened

SETTINGS = BiasSettings(targets=3)
ONE = BiasSettings(targets=1)


def some(n, seed=3):
    """Return states (n, 6), places, rotations and biases of n radars."""
    rng = np.random.default_rng(seed)
    flown = geo.ecef(
        0.6 + rng.uniform(-0.005, 0.005, n), -0.7 + rng.uniform(-0.005, 0.005, n), rng.uniform(1e3, 9e3, n)
    )
    here = geo.place(0.6, -0.7, 30.0)
    state = np.hstack([flown, rng.normal(scale=120.0, size=(n, 3))])
    bias = rng.normal(size=(n, OWN)) * [200.0, 0.01, 0.01, 0.2, 300.0, 300.0]
    return state, np.repeat(here.position[None], n, 0), np.repeat(here.rotation[None], n, 0), bias


def difference(function, at, size):
    """Return (k, 3, d): the derivative of (k, 3) by (k, d) in the middle of steps of some size (d,)."""
    columns = []
    for column, h in enumerate(size):
        more, less = at.copy(), at.copy()
        more[:, column] += h
        less[:, column] -= h
        columns.append((function(more) - function(less)) / (2.0 * h))
    return np.stack(columns, -1)


def test_derivatives_of_a_plot_are_those_of_differences():
    state, place, turn, bias = some(40)
    found = residuals.plots(state, place, turn, bias)
    later = state + np.hstack([state[:, 3:], np.zeros((40, 3))])
    by_place = difference(lambda s: residuals.plots(s, place, turn, bias).z, state, [1.0] * 3)
    assert found.by_place == pytest.approx(by_place, rel=1e-4, abs=1e-9)
    by_bias = difference(lambda b: residuals.plots(state, place, turn, b).z, bias, [1.0, 1e-4, 1e-4, 1.0, 1.0, 1.0])
    kept = [0, 1, 2, 4, 5]
    assert found.by_bias[:, :, kept] == pytest.approx(by_bias[:, :, kept], rel=1e-4, abs=1e-9)
    moved = (residuals.plots(later, place, turn, bias).z - found.z) @ np.diag([1.0, 0.0, 0.0])
    assert found.by_time[:, 0] == pytest.approx(moved[:, 0], abs=5.0)  # a second is long for one that passes
    small = state + np.hstack([1e-3 * state[:, 3:], np.zeros((40, 3))])
    assert found.by_time == pytest.approx(
        (residuals.plots(small, place, turn, bias).z - found.z) / 1e-3, rel=1e-2, abs=1e-5
    )
    assert (found.by_bias[:, :, 3] == -found.by_time).all()


def test_where_a_plot_is_placed_is_where_it_would_be_seen():
    state, place, turn, bias = some(40)
    z = residuals.plots(state, place, turn, bias).z
    assert residuals.placed(z, place, turn, bias) == pytest.approx(state[:, :3], abs=1e-6)


def test_derivatives_of_a_fix_are_those_of_differences():
    state, *_ = some(10)
    own = np.random.default_rng(4).normal(size=(10, CLAIMED))
    found = residuals.fixes(state, own)
    by_bias = difference(lambda b: residuals.fixes(state, b).z, own, [1.0] * CLAIMED)
    assert found.by_bias[:, :, :3] == pytest.approx(by_bias[:, :, :3], abs=1e-8)
    assert (found.by_bias[:, :, LATENCY] == -state[:, 3:]).all()
    assert (found.by_place == np.eye(3)).all()


def test_learning_in_parts_is_least_squares_over_all_rows_at_once():
    rng = np.random.default_rng(5)
    belief = prior(2, ONE)
    n = len(belief.mean)
    true = rng.normal(size=n) * np.sqrt(np.diag(belief.covariance))
    A, scale = rng.normal(size=(60, n)), np.sqrt(np.diag(belief.covariance))
    A /= scale
    y = A @ true + rng.normal(size=60)
    found = belief
    for part in np.split(np.arange(60), 6):
        G = A[part].T @ A[part]
        found = learned(found, Told(G, A[part].T @ (y[part] - A[part] @ found.mean)))
    rows, wanted = np.vstack([A, np.diag(1.0 / scale)]), np.concatenate([y, np.zeros(n)])
    mean, *_ = np.linalg.lstsq(rows, wanted, rcond=None)
    assert found.mean / scale == pytest.approx(mean / scale, abs=1e-9)
    covariance = np.linalg.inv(rows.T @ rows)
    assert found.covariance / np.outer(scale, scale) == pytest.approx(covariance / np.outer(scale, scale), abs=1e-9)
    assert (found.covariance == found.covariance.T).all()


def joint(belief, seen, world, first):
    """Return mean and covariance of the biases by one filter for state and biases together, one plot at a time.

    It is linear about the path that a filter without biases has, which goes along: so is what it is compared with.
    """
    n, cs = len(belief.mean), OWN * len(world.position)
    alone, P = first, np.diag([FIRST] * 3 + [0.0] * 3)
    turn = geo.east_north_up(*geo.geodetic(first[None, :3])[:2])[0]
    P[3:, 3:] = turn.T @ np.diag([SPEED**2, SPEED**2, CLIMB**2]) @ turn
    mean = np.concatenate([alone, belief.mean])
    before = seen.time[0]
    C = np.block([[P, np.zeros((6, n))], [np.zeros((n, 6)), belief.covariance]])
    for k in range(len(seen.time)):
        sensor, fix = int(seen.sensor[k]), seen.sensor[k] == FIX
        clock = cs + LATENCY if fix else OWN * sensor + 3
        when = seen.time[k] - round((belief.mean[clock] - belief.mean[cs + LATENCY]) * 1e9)
        dt, before = (when - before) * 1e-9, when
        noise = ONE.claimed_noise_m2_s3 * np.clip((alone[3:] ** 2).sum() / 200.0**2, 1 / 16, 4.0)
        F = np.eye(6 + n)
        F[:3, 3:6] = dt * np.eye(3)
        ahead, spread = predict_all(alone[None], P[None], np.array([dt]), np.array([noise]), 2.0)
        _, Q = predict_all(alone[None], np.zeros((1, 6, 6)), np.array([dt]), np.array([noise]), 2.0)
        mean[:6] = ahead[0] + F[:6, :6] @ (mean[:6] - alone)
        C = F @ C @ F.T
        C[:6, :6] += Q[0]
        alone, P = ahead[0], spread[0]
        if fix:
            one = residuals.fixes(alone[None], belief.mean[None, cs:])
        else:
            bias = belief.mean[None, OWN * sensor : OWN * sensor + OWN]
            one = residuals.plots(alone[None], world.position[[sensor]], world.rotation[[sensor]], bias)
        H, by = np.zeros((3, 6)), np.zeros((3, n))
        H[:, :3] = one.by_place[0]
        columns = slice(cs, cs + CLAIMED) if fix else slice(OWN * sensor, OWN * sensor + OWN)
        by[:, columns] = one.by_bias[0]
        by[:, cs + LATENCY] += one.by_time[0]
        y, R = seen.z[k] - one.z[0], seen.covariance[k]
        J = np.hstack([H, by])
        S = J @ C @ J.T + R
        K = np.linalg.solve(S, J @ C).T
        mean = mean + K @ (y - H @ (mean[:6] - alone) - by @ (mean[6:] - belief.mean))
        C = C - K @ S @ K.T
        K = np.linalg.solve(H @ P @ H.T + R, H @ P).T
        alone, P = alone + K @ y, P - K @ H @ P
    return mean[6:], C[6:, 6:]


def test_paths_and_biases_apart_are_one_filter_for_all_of_it_together():
    radars = [WEST, EAST]
    seen = measured(radars, count=1, seconds=60.0, latency="exact")
    seen = only(seen, slice(int(np.argmax(seen.sensor == FIX)), None))
    belief = prior(2, ONE)
    offset = np.diag([100.0, 100.0, 100.0, 0.01])
    belief = renewed(belief, target_columns(2, 0), np.array([0.0, 0.0, 0.0, 0.1]), offset)
    places = [radar.place() for radar in radars]
    trusted = np.ones(3, bool)
    world = World(
        np.array([p.position for p in places]), np.array([p.rotation for p in places]), belief, belief.mean, trusted
    )
    paths, _ = opened(empty(2, 1), seen)
    _, sums = followed(paths, seen, world, ONE)
    assert sums.refused.sum() == 0
    after = learned(belief, assembled(sums))
    made = seen.time - np.where(seen.sensor == FIX, round(0.1e9), 0)
    ordered = only(seen, np.argsort(made, kind="stable"))
    first = np.concatenate([ordered.z[0], np.zeros(3)])
    mean, covariance = joint(belief, ordered, world, first)
    scale = np.sqrt(np.diag(belief.covariance))
    assert after.mean / scale == pytest.approx(mean / scale, abs=1e-7)
    assert after.covariance / np.outer(scale, scale) == pytest.approx(covariance / np.outer(scale, scale), abs=1e-7)


def test_what_may_drift_is_known_less_after_a_while():
    belief = walked(prior(1, ONE), 3600.0, 1, ONE)
    more = np.diag(belief.covariance)[:OWN] - np.square(ONE.prior)
    assert more == pytest.approx(np.square(ONE.walk_per_hour), rel=1e-6)
    assert np.diag(belief.covariance)[OWN:] == pytest.approx(1.0)
    assert (walked(prior(1, ONE), -5.0, 1, ONE).covariance == prior(1, ONE).covariance).all()


def test_latencies_within_bounds_are_those_of_brute_force():
    rng = np.random.default_rng(6)
    most, count, sigma = 0.6, 3, 0.004
    for _ in range(5):
        clock, latency = rng.normal(scale=0.2), rng.uniform(0.0, most, count)
        n = OWN + CLAIMED * SETTINGS.targets
        at = OWN + CLAIMED * np.arange(count) + LATENCY
        belief = prior(1, SETTINGS)
        for slot in range(count):
            one = np.diag([1.0, 1.0, 1.0, most**2 / 12.0])
            belief = renewed(belief, target_columns(1, slot), np.array([0.0, 0.0, 0.0, 0.5 * most]), one)
        A = np.zeros((count, n))
        A[np.arange(count), at], A[:, 3] = -1.0, 1.0
        y = clock - latency + rng.normal(scale=sigma, size=count)
        told = Told(A.T @ A / sigma**2, A.T @ (y - A @ belief.mean) / sigma**2)
        found = bounded(learned(belief, told), 1, np.arange(count), most)
        c = np.linspace(-2.0, 2.0, 40_001)
        inside = [chi2_between(c - one, sigma, most) for one in y]
        weight = np.exp(-0.5 * (c / SETTINGS.prior[3]) ** 2) * np.prod(inside, axis=0)
        weight /= weight.sum()
        mean = weight @ c
        assert found.mean[3] == pytest.approx(mean, abs=2e-3)
        assert np.sqrt(found.covariance[3, 3]) == pytest.approx(np.sqrt(weight @ (c - mean) ** 2), rel=0.03, abs=2e-3)


def chi2_between(middle, sigma, most):
    """Return how likely a Gaussian is between 0 and most."""
    root = lambda x: np.sign(x) * chi2.cdf(x**2, 1)  # noqa: E731 - of one component
    return 0.5 * (root((most - middle) / sigma) - root(-middle / sigma))


def test_a_belief_without_ordinary_fixes_is_not_touched():
    belief = prior(1, SETTINGS)
    assert bounded(belief, 1, np.zeros(0, np.int64), 0.6) is belief
    sure = Belief(belief.mean, belief.covariance * 1e-9)
    assert bounded(sure, 1, np.arange(2), 0.6) is sure


def test_what_cannot_be_is_left_out_and_what_is_missing_weighs_nothing():
    seen = measured([WEST], count=2, seconds=20.0, latency="exact")
    n = len(seen.time)
    z, covariance, sensor, target = seen.z.copy(), seen.covariance.copy(), seen.sensor.copy(), seen.target.copy()
    plots, fixes = np.flatnonzero(sensor == 0), np.flatnonzero(sensor == FIX)
    z[plots[0], 2] = np.nan  # no elevation: used
    z[plots[1], 1], z[plots[2], 0], z[plots[3], 1] = np.nan, -5.0, 1e9
    z[fixes[0], 1] = np.nan
    covariance[fixes[1]] = 0.0
    covariance[fixes[2]] = np.ones((3, 3))
    covariance[fixes[3], 0, 0] = np.nan
    sensor[plots[4]], target[plots[5]] = 7, -1
    spoiled = seen._replace(z=z, covariance=covariance, sensor=sensor, target=target)
    found = sane(spoiled, 1)
    assert len(found.time) == n - 9
    assert np.isfinite(found.z).all()
    assert (np.diff(found.time) >= 0).all()
    assert found.covariance[:, 2, 2].max() == BLIND
    assert found.time.max() < SECOND * 20 + START
