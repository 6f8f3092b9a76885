"""The tracker's kernels against their slow twins, and the filter's promises for any numbers."""

import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st
from track_world import START, Radar, batch, where

from skywarden import geo
from skywarden.kernel import kernel
from skywarden.model.detection import Kind
from skywarden.model.track import Status
from skywarden.track import filter as kalman
from skywarden.track import measure, motion
from skywarden.track.associate import CELLS, assign
from skywarden.track.birth import births
from skywarden.track.filter import anchor
from skywarden.track.gate import edges, keys
from skywarden.track.groups import hits, run
from skywarden.track.plots import gather
from skywarden.track.step import TrackerSettings, _parameters
from skywarden.track.table import SPOT, TRACK, USED, Job, work

NOISE = (motion.LEVEL_NOISE, motion.VERTICAL_NOISE)
PLACE = Radar("r", 0.0, 0.0).place
# compiled with a way in from Python
up_at, height_at, polar_at, measured = (
    kernel(f.plain) for f in (motion.up, motion.height, measure.polar, kalman.measure)
)
MASKS = ((0, 1, 2, 3), (0, 1, 2), (0, 1, 3), (0, 1))


def one(job, plots, i, j):
    """Compare track i and detection j: chi-square and log-likelihood."""
    plot = plots[j]
    return measured(job.tracks[i], plot, job.spots[plot["place"]], job.parameters[0], job.work[0])


def some_tracks(n, seed=1):
    rng = np.random.default_rng(seed)
    rows = np.zeros(n, TRACK)
    rows["state"][:, :3] = where(*rng.uniform(-50_000, 50_000, (2, n)), rng.uniform(100, 9000, n))
    rows["state"][:, 3:] = rng.normal(scale=100, size=(n, 3))
    root = rng.normal(size=(n, 6, 6)) * np.array([50, 50, 50, 8, 8, 8])[:, None]
    rows["covariance"] = root @ root.swapaxes(1, 2) + np.diag([100.0] * 3 + [1.0] * 3)
    rows["time"] = START - rng.integers(0, 6_000_000_000, n)
    rows["label"] = np.arange(1, n + 1)
    rows["address"], rows["seen_by"], rows["score"], rows["status"] = -1, -1, 3.0, 1
    rows["revisit"] = 4.0
    return rows


def plots_near(rows, mask, rng):
    """Return POLAR detections at the tracks' predicted places, with errors, and their sigma."""
    sigma = np.array([50.0, 0.002, 0.004, 3.0])
    z = []
    for row in rows:
        state = row["state"].copy()
        state[:3] += state[3:] * (START - row["time"]) * 1e-9
        z.append(reference.polar(state, PLACE) + sigma * rng.normal(size=4))
    z = np.array(z)
    hidden = [k for k in range(4) if k not in mask]
    z[:, hidden] = np.nan
    covariance = np.diag(sigma**2) + np.array([[0, 0.02, 0, 0], [0.02, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
    covariance[hidden] = covariance[:, hidden] = np.nan
    return batch(Kind.POLAR, "r", np.zeros(len(z)), z, covariance, place=PLACE, time_sigma=0.05)


def prepared(rows, batches, room=0):
    gathered = gather(batches, ())
    tracks = np.concatenate([rows, np.zeros(room, TRACK)])
    tracks["seen_by"][len(rows) :] = -1
    job = Job(tracks, gathered.spots, _parameters(TrackerSettings()), work())
    return job, gathered.plots, gathered.start


def test_prediction_equals_its_slow_twin():
    rows = some_tracks(50)
    dt = np.linspace(-2, 60, 50)
    means, covariances = motion.predict_all(rows["state"].copy(), rows["covariance"].copy(), dt, NOISE)
    for i, row in enumerate(rows):
        up = reference.vertical(row["state"][:3])
        mean, covariance = reference.predict(row["state"], row["covariance"], dt[i], NOISE, up)
        np.testing.assert_allclose(means[i], mean, rtol=1e-9, atol=1e-4)
        np.testing.assert_allclose(covariances[i], covariance, rtol=1e-4, atol=1e-4 * np.diag(covariance).max())
        assert (covariances[i] == covariances[i].T).all()
        vertical = np.empty(3)
        up_at(row["state"], vertical)
        assert np.abs(vertical - up).max() < 1e-5
        mean, covariance = reference.predict(row["state"], row["covariance"], dt[i], NOISE, vertical)
        np.testing.assert_allclose(means[i], mean, rtol=1e-9)
        np.testing.assert_allclose(covariances[i], covariance, rtol=1e-9, atol=1e-9 * np.diag(covariance).max())


def test_a_level_flight_keeps_its_height():
    flight = where(0.0, 0.0, 9000.0)
    turn = geo.east_north_up(*geo.geodetic(flight)[:2])
    state = np.concatenate([flight, 230.0 * turn[0]])[None]
    later, _ = motion.predict_all(state, np.eye(6)[None], np.array([300.0]), NOISE)
    assert abs(geo.geodetic(later[0, :3])[2] - 9000.0) < 20  # a straight line would be 370 m too high


def test_height_of_the_kernel_agrees_with_the_geodetic_one():
    position = where(np.linspace(-90_000, 90_000, 9), 40_000.0, np.linspace(0, 12_000, 9))
    found = [height_at(p) for p in position]
    np.testing.assert_allclose(found, geo.geodetic(position)[2], atol=20)


def test_polar_model_and_jacobian_equal_their_slow_twins():
    spots, space = np.zeros(1, SPOT), work()
    spots["position"][0], spots["rotation"][0] = PLACE.position, PLACE.rotation
    for row in some_tracks(50):
        polar_at(row["state"].copy(), spots[0], space[0])
        np.testing.assert_allclose(space["expected"][0], reference.polar(row["state"], PLACE), rtol=1e-9, atol=1e-12)
        found, numeric = space["jacobian"][0], reference.jacobian(row["state"], PLACE)
        scale = np.abs(numeric).max(1, keepdims=True)
        np.testing.assert_allclose(found / scale, numeric / scale, atol=1e-6)


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("late", [False, True])
def test_correction_equals_its_slow_twin(mask, late):
    rows = some_tracks(30)
    if late:
        rows["time"] = START + 1_500_000_000
    job, plots, _ = prepared(rows.copy(), [plots_near(rows, mask, np.random.default_rng(2))])
    before = job.tracks.copy()
    kept = list(mask)
    wanted = []
    for i, row in enumerate(before):
        dt = (START - row["time"]) * 1e-9
        up = np.empty(3)
        up_at(row["state"].copy(), up)
        mean, covariance = reference.predict(row["state"], row["covariance"], dt, NOISE, up)
        chi2, log_likelihood = one(job, plots, i, i)
        H = job.work["H"][0, : len(kept)].copy()
        R = plots[i]["covariance"][np.ix_(kept, kept)] + np.outer(H[:, :3] @ mean[3:], H[:, :3] @ mean[3:]) * 0.05**2
        innovation = plots[i]["z"][kept] - reference.polar(mean, PLACE)[kept]
        *corrected, expected_chi2, expected = reference.correct(mean, covariance, innovation, H, R)
        if late:
            F = np.eye(6)
            F[:3, 3:] = dt * np.eye(3)
            _, Q = reference.predict(row["state"], np.zeros((6, 6)), dt, NOISE, up)
            *corrected, _, _ = reference.correct(row["state"], row["covariance"], innovation, H @ F, R + H @ Q @ H.T)
        np.testing.assert_allclose([chi2, log_likelihood], [expected_chi2, expected], rtol=1e-9, atol=1e-9)
        wanted.append(corrected)
    hits(job, plots, np.arange(30))
    for row, (mean, covariance) in zip(job.tracks, wanted, strict=True):
        np.testing.assert_allclose(row["state"], mean, rtol=1e-9, atol=1e-6)
        np.testing.assert_allclose(row["covariance"], covariance, rtol=1e-7, atol=1e-9 * np.diag(covariance).max())


@pytest.mark.parametrize("mask", MASKS)
def test_gated_edges_are_those_of_a_search_of_all_pairs(mask):
    rows = some_tracks(60)
    job, plots, start = prepared(rows, [plots_near(rows, mask, np.random.default_rng(3))], room=60)
    empty = Job(np.zeros(60, TRACK), job.spots, job.parameters, job.work)
    run(empty, plots, start, 0, 1, (len(plots), len(plots)))  # fills code and clutter
    key, side, axis = keys(plots)
    order = np.argsort(key)
    found = edges(job, 60, plots, (key[order], order, side, axis))
    pairs = {(int(i), int(j)): g for i, j, g in zip(*found, strict=True)}
    seen = 0.9 / (1 + np.exp(-3.0))
    wanted = {}
    for i in range(60):
        for j in range(60):
            chi2, log_likelihood = one(job, plots, i, j)
            gain = log_likelihood - reference.clutter(plots[j]["z"], 1e-9) + np.log(seen / (1 - seen))
            if chi2 <= job.parameters["gate"][0, len(mask)] and gain > 0:
                wanted[i, j] = gain
    assert sorted(pairs) == sorted(wanted)
    assert len(pairs) >= 60
    np.testing.assert_allclose([pairs[p] for p in sorted(pairs)], [wanted[p] for p in sorted(wanted)], rtol=1e-9)


@pytest.mark.parametrize(("status", "age", "compared"), [
    (Status.TENTATIVE, 4.1, True),
    (Status.TENTATIVE, 4.3, False),
    (Status.TENTATIVE, -1.9, True),
    (Status.CONFIRMED, 4.3, True),
    (Status.COASTING, 20.0, True),
])  # fmt: skip
def test_a_tentative_track_is_compared_only_while_it_would_live(status, age, compared):
    rows = some_tracks(1)
    rows["status"], rows["revisit"] = status, 1.0
    rows["time"] = START - round(age * 1e9)
    rows["state"][0, 3:] = 0.0
    plot = batch(Kind.POSITION, "a", 0.0, rows["state"][0, :3], np.eye(3) * 100.0, time_sigma=0.0)
    job, plots, _ = prepared(rows, [plot], room=1)
    key, side, axis = keys(plots)
    plots["clutter"] = -60.0  # far rarer than any track
    found, _, _ = edges(job, 1, plots, (key, np.argsort(key), side, axis))
    assert len(found) == compared


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 12), st.integers(1, 40))
def test_assignment_equals_its_slow_twin(seed, tracks, m, count):
    rng = np.random.default_rng(seed)
    pairs = np.unique(np.stack([rng.integers(0, tracks, count) * 3, rng.integers(0, m, count)], -1), axis=0)
    rows, columns = np.ascontiguousarray(pairs[:, 0]), np.ascontiguousarray(pairs[:, 1])
    gains = rng.uniform(0.1, 10, len(rows))
    match = assign(rows, columns, gains, m)
    wanted, total = reference.assign(rows.tolist(), columns.tolist(), gains.tolist(), m)
    gain = {(r, c): g for r, c, g in zip(rows, columns, gains, strict=True)}
    assert sum(gain[match[c], c] for c in range(m) if match[c] >= 0) == pytest.approx(total, abs=1e-9)
    assert (match == wanted).all()


def test_a_crowd_too_large_for_a_matrix_is_still_assigned_one_to_one():
    n = int(CELLS**0.5) + 10
    rows = np.repeat(np.arange(n), 3)
    columns = np.minimum(rows + np.tile([0, 1, 2], n), n - 1)
    gains = np.where(rows == columns, 5.0, 1.0)
    match = assign(rows, columns, gains, n)
    assert (match == np.arange(n)).all()


def test_level_uncertainty_equals_its_slow_twin():
    rows = some_tracks(20)
    found = motion.level_sigma(rows["state"].copy(), rows["covariance"].copy())
    np.testing.assert_allclose(found, [reference.level_sigma(r["state"], r["covariance"]) for r in rows], rtol=1e-4)


def honest(P):
    assert np.isfinite(P).all()
    assert (P.swapaxes(-1, -2) == P).all()
    scale = np.sqrt(np.diagonal(P, axis1=-2, axis2=-1))
    assert (scale > 0).all()
    assert (np.linalg.eigvalsh(P / scale[..., None] / scale[..., None, :]) > 0).all()


@settings(max_examples=150, deadline=None)
@given(
    mask=st.sampled_from(MASKS),
    log_sigma=st.tuples(*[st.floats(-3, 4)] * 4),
    places=st.lists(st.tuples(*[st.floats(-60_000, 60_000)] * 2, st.floats(0, 12_000)), min_size=2, max_size=8),
    steps=st.lists(st.floats(-1.9, 30.0), min_size=8, max_size=8),
)
def test_covariance_stays_symmetric_and_positive(mask, log_sigma, places, steps):
    sigma = 10.0 ** np.array(log_sigma) * np.array([1.0, 1e-4, 1e-4, 0.1])
    hidden = [k for k in range(4) if k not in mask]
    tracks, t = None, 0.0
    for place, step in zip(places, steps, strict=False):
        t += step
        z = reference.polar(np.concatenate([where(*place), [10.0, 20.0, 5.0]]), PLACE)
        z[hidden] = np.nan
        plot = batch(Kind.POLAR, "r", t, z, np.diag(sigma**2), place=PLACE)
        job, plots, _ = prepared(np.zeros(0, TRACK) if tracks is None else tracks, [plot], room=1)
        if tracks is None:
            job.work["room"] = 1
            assert births(job, plots, np.array([-1]), 0, 1) == 1
        else:
            hits(job, plots, np.array([0]))
            anchor(job, 1)
        tracks = job.tracks[:1]
        honest(tracks["covariance"])
        assert np.isfinite(tracks["state"]).all()


def test_a_position_alone_gives_that_position_and_its_error():
    R = np.array([[100.0, 20.0, 0.0], [20.0, 50.0, 5.0], [0.0, 5.0, 400.0]])
    job, plots, start = prepared(np.zeros(0, TRACK), [batch(Kind.POSITION, "a", 0.0, where(0, 0, 500), R)], room=1)
    assert run(job, plots, start, 0, 7, (9, 9)) == 1
    assert plots["code"][0] == USED
    track = job.tracks[0]
    np.testing.assert_array_equal(track["state"], [*where(0, 0, 500), 0, 0, 0])
    np.testing.assert_allclose(track["covariance"][:3, :3], R)
    turn = geo.east_north_up(*geo.geodetic(track["state"][:3])[:2])
    np.testing.assert_allclose(turn @ track["covariance"][3:, 3:] @ turn.T, np.diag([150.0**2] * 2 + [400.0]), atol=0.5)


def test_range_rate_is_used_at_birth():
    state = np.concatenate([where(30_000, 0, 1000), 80.0 * PLACE.rotation[0]])
    z = reference.polar(state, PLACE)
    plot = batch(Kind.POLAR, "r", 0.0, z, np.diag([50.0, 0.002, 0.004, 2.0]) ** 2, place=PLACE)
    job, plots, start = prepared(np.zeros(0, TRACK), [plot], room=1)
    run(job, plots, start, 0, 1, (9, 9))
    found = PLACE.rotation @ job.tracks[0]["state"][3:]
    assert abs(found[0] - 80) < 2
    assert abs(found[1]) < 5
    east = PLACE.rotation[0]
    assert np.sqrt(east @ job.tracks[0]["covariance"][3:, 3:] @ east) < 10


@pytest.mark.parametrize("height", [100.0, 4000.0, 10_500.0])
@pytest.mark.parametrize("east", [15_000.0, 40_000.0, 110_000.0])
def test_a_radar_without_elevation_starts_with_a_doubtful_height(height, east):
    truth = where(east, 5000.0, height)
    z = reference.polar(np.concatenate([truth, np.zeros(3)]), PLACE)
    z[2:] = np.nan
    plot = batch(Kind.POLAR, "r", 0.0, z, np.diag([50.0, 0.002, 1.0, 1.0]) ** 2, place=PLACE)
    job, plots, start = prepared(np.zeros(0, TRACK), [plot], room=1)
    run(job, plots, start, 0, 1, (9, 9))
    error, P = truth - job.tracks[0]["state"][:3], job.tracks[0]["covariance"][:3, :3]
    up = reference.vertical(truth)
    assert 2000 < np.sqrt(up @ P @ up) < 5000
    assert error @ np.linalg.solve(P, error) < 16


def test_a_height_that_nobody_measures_stays_within_the_prior():
    rows = some_tracks(2)
    for row, sigma in zip(rows, (60_000.0, 50.0), strict=True):
        row["covariance"] = np.diag([sigma**2] * 3 + [100.0] * 3)
    job, _, _ = prepared(rows, [batch(Kind.POSITION, "a", 0.0, where(0, 0, 0), np.eye(3))])
    before = job.tracks.copy()
    anchor(job, 2)
    up = reference.vertical(job.tracks[0]["state"][:3])
    assert np.sqrt(up @ job.tracks[0]["covariance"][:3, :3] @ up) == pytest.approx(4000.0, rel=1e-3)
    honest(job.tracks["covariance"])
    assert job.tracks[1] == before[1]
