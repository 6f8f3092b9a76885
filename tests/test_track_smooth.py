"""The smoothed past: beside least squares over all states at once, nearer to the truth, and written by a replay."""

import numpy as np
import pytest
from track_world import START, Adsb, Flight, Radar, Sky

from skywarden.model.track import Chain
from skywarden.track.motion import predict_all
from skywarden.track.settings import TrackerSettings
from skywarden.track.smooth import LAG, Past, Smoother, smoothed

SECOND = 1_000_000_000
VERTICAL, LEVEL, SIGMA = 0.3, 2.0, 30.0
SETTINGS = TrackerSettings(settle_s=1.0)


def moved(x, P):
    mean, covariance = predict_all(x[None], P[None], np.ones(1), np.full(1, LEVEL), VERTICAL)
    return mean[0], covariance[0]


def filtered(rng, steps):
    """Return what a Kalman filter knows at each second of something that hardly moves, and what it was told."""
    x = np.array([3.5e6, 2.0e6, 4.9e6, 0.1, -0.1, 0.1])
    P = np.diag([1e4] * 3 + [100.0] * 3)
    prior, told, known = (x, P), [], []
    H = np.eye(3, 6)
    for k in range(steps):
        if k:
            x, P = moved(x, P)
        z = prior[0][:3] + rng.normal(scale=SIGMA, size=3)
        K = P @ H.T @ np.linalg.inv(H @ P @ H.T + SIGMA**2 * np.eye(3))
        x, P = x + K @ (z - H @ x), P - K @ H @ P
        told.append(z)
        known.append(Past(START + k * SECOND, np.array([7]), x[None], P[None], np.full(1, LEVEL)))
    return prior, told, known


def test_it_is_least_squares_over_all_states_at_once():
    prior, told, known = filtered(np.random.default_rng(3), LAG + 1)
    n, F = len(told), np.eye(6)
    F[:3, 3:] = np.eye(3)
    _, Q = moved(prior[0], np.zeros((6, 6)))
    A, b = np.zeros((6 * n, 6 * n)), np.zeros(6 * n)
    A[:6, :6] += np.linalg.inv(prior[1])
    for k, z in enumerate(told):
        A[6 * k : 6 * k + 3, 6 * k : 6 * k + 3] += np.eye(3) / SIGMA**2
        b[6 * k : 6 * k + 3] += (z - prior[0][:3]) / SIGMA**2  # offsets: millions of metres cost digits
        if k:
            step, inside = np.hstack([-F, np.eye(6)]), slice(6 * k - 6, 6 * k + 6)
            drift = F @ prior[0] - prior[0]
            A[inside, inside] += step.T @ np.linalg.inv(Q) @ step
            b[inside] += step.T @ np.linalg.inv(Q) @ drift
    mean, covariance = np.linalg.solve(A, b), np.linalg.inv(A)
    found = smoothed(known, VERTICAL)
    assert found.time == START
    assert found.mean[0] - prior[0] == pytest.approx(mean[:6], abs=1e-5)
    assert found.covariance[0] == pytest.approx(covariance[:6, :6], rel=1e-6, abs=1e-5)
    assert np.trace(found.covariance[0]) < np.trace(known[0].covariance[0])


def test_of_what_came_and_went_meanwhile_the_rest_is_smoothed():
    _, _, known = filtered(np.random.default_rng(5), 3)
    alone = smoothed(known, VERTICAL)
    far = [one._replace(mean=one.mean + np.array([5e4, 0, 0, 0, 0, 0]), label=np.array([9])) for one in known]
    both = [
        Past(a.time, *(np.concatenate(pair) for pair in zip(a[1:], b[1:], strict=True)))
        for a, b in zip(known, far, strict=True)
    ]
    found = smoothed([both[0], known[1], both[2]], VERTICAL)
    assert found.label.tolist() == [7, 9]
    assert found.mean[0] == pytest.approx(alone.mean[0], abs=1e-9)
    turned = Past(both[1].time, *(column[::-1] for column in both[1][1:]))  # later in another order
    assert smoothed([both[0], turned], VERTICAL).mean == pytest.approx(smoothed(both[:2], VERTICAL).mean, abs=1e-9)
    assert smoothed([turned, both[2]], VERTICAL).mean[1] == pytest.approx(
        smoothed(both[1:], VERTICAL).mean[0], abs=1e-9
    )
    assert found.mean[1] == pytest.approx(far[0].mean[0], abs=0)  # it was gone a second later
    assert smoothed([known[0], both[1], both[2]], VERTICAL).label.tolist() == [7]


def test_the_past_is_nearer_to_the_truth_than_what_was_known_then():
    turning = [
        Flight(-9_000.0 + 5_000.0 * k, -9_000.0, 900.0, 70.0, 0.3 * k, turn=0.04, turning=(20.0, 60.0))
        for k in range(4)
    ]
    sky, smoother = Sky(turning, [Radar("r", -15_000.0, 0.0, revisit=1.0)], 2, settings=SETTINGS), Smoother()
    then, errors = {}, {"then": [], "past": []}

    def each(sky):
        chain = sky.picture.chains.settled
        past = smoother.take(chain, SETTINGS)
        known = smoother._known[-1] if smoother._known else None
        if known is not None:
            then[known.time] = known
        if past is None or past.time < START + 10 * SECOND:
            return
        truth = np.array([flight.at((past.time - START) * 1e-9) for flight in turning])
        for name, one in (("then", then[past.time]), ("past", past)):
            nearest = np.linalg.norm(one.mean[:, None, :3] - truth, axis=2).min(axis=0)
            errors[name].append(np.mean(nearest**2))

    sky.run(80.0, each)
    assert len(errors["past"]) > 55
    before, after = (np.sqrt(np.mean(errors[name])) for name in ("then", "past"))
    assert after < 0.75 * before


def test_nothing_is_said_until_enough_is_known_and_again_after_a_clock_was_set_back():
    sky, smoother, said = (
        Sky([Flight(0.0, 0.0, 900.0, 50.0, 0.0, address=1)], [Adsb()], 1, settings=SETTINGS),
        Smoother(),
        [],
    )
    sky.run(30.0, lambda sky: said.append(smoother.take(sky.picture.chains.settled, SETTINGS)))
    times = [one.time for one in said if one is not None]
    assert np.diff(times).tolist() == [SECOND] * (len(times) - 1)
    chain = sky.picture.chains.settled
    assert smoother.take(chain, SETTINGS) is None  # nothing new
    assert smoother.take(Chain(until=START - 100 * SECOND), SETTINGS) is None
    assert len(smoother._known) == 1
