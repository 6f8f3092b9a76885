"""What a microphone array hears of a target that turns, and its tone: against brute force, and by its result."""

import numpy as np
import pytest
from filter_ears import TONE, TURN, place, slopes_of, someone, sounds, vertical, whole_of
from filter_memory import NOW, SECOND, SITE, empty, fill, find, given, sight, slopes
from filter_sky import bits, ecef
from scipy.stats import chi2

from skywarden import geo
from skywarden.kernel import plain_while
from skywarden.model.detection import Kind, detections
from skywarden.track import Air, Filter, FilterSettings, Sensor, ear, evenly, settle, sound
from skywarden.track.measure import TONES
from skywarden.track.mixture import moments
from skywarden.track.pairs import MISTAKEN
from skywarden.track.prepare import IMPLAUSIBLE, NOT_FINITE, USED

ARRAY = Sensor(Kind.SOUND, 0.8, 0.1, whole=False, reach_m=12e3, air=Air(np.array([1.0, 2.0, 3.0])))
STEEP = SITE.rotation[2] @ ARRAY.air.wind
STEPS = np.array([1.0] * 3 + [0.05] * 3 + [1e-3, 0.05, 0.05, 0.05, 1e-4])
SIGMA = np.radians([4.0, 6.0])
TONE_SIGMA = 0.003  # of the tone


def heard(seed, lead):
    """Return a memory with one leaf, its view, its eleven numbers and its age at the arrival."""
    memory, rng = empty(ARRAY), np.random.default_rng(seed)
    before = someone(rng, rng.uniform(800.0, 5e3))
    row = place(memory, before, NOW + round(lead * SECOND))
    view = sight(memory, row, 4)
    return memory, view, whole_of(memory, row), (NOW - int(memory.leaves["time"][row])) * 1e-9


@pytest.mark.parametrize("lead", [-25.0, -4.0, 0.0, 3.0])  # s that the leaf is ahead of the arrival
@pytest.mark.parametrize("seed", range(4))
def test_all_derivatives_of_what_is_heard_are_those_of_brute_force(seed, lead):
    memory, view, whole, age = heard(seed, lead)
    for m in range(2):
        x, P = whole.mean[m], whole.covariance[m]
        by = slopes_of(lambda at: sounds(at, age, STEEP).z, x, STEPS)
        if m == 0:
            by[:, TURN] = 0.0  # the calm one does not turn
        sigma = np.sqrt(np.diag(P))
        spread = np.sqrt(np.diag(by @ P @ by.T))[:, None]
        assert slopes(memory)[m] * sigma[:6] / spread == pytest.approx(by[:, :6] * sigma[:6] / spread, abs=5e-3)
        assert view.HP[m] / sigma[:6] / spread == pytest.approx((by @ P)[:, :6] / sigma[:6] / spread, abs=5e-3)
        assert view.HE[m] / sigma[6:] / spread == pytest.approx((by @ P)[:, 6:] / sigma[6:] / spread, abs=5e-3)
    last = np.array(memory.work[0].ear_H)
    assert last * sigma[6:] / spread == pytest.approx(by[:, 6:] * sigma[6:] / spread, abs=5e-3)


@pytest.mark.parametrize("lead", [-25.0, -4.0, 0.0, 3.0])
@pytest.mark.parametrize("seed", range(4))
def test_spread_and_bend_are_those_of_matrices(seed, lead):
    """The slow twin of a view, to rounding, from its own derivatives: noise of motion between, and second order."""
    memory, view, whole, age = heard(seed, lead)
    x, P = whole.mean[1], whole.covariance[1]
    H = np.hstack([slopes(memory)[1], np.array(memory.work[0].ear_H)])
    wind = np.array([x[7], x[8], STEEP]) @ SITE.rotation
    n, u = np.array(memory.work[0].a[:3]), np.array(memory.work[0].a[3:])
    one, up, r = sounds(x, age, STEEP), vertical(x), view.z[1, 0]
    back = one.delay - age
    assert u == pytest.approx(np.array(memory.work[0].b[3:]) - wind, abs=1e-9)
    F = np.array(memory.work[0].F)
    then = H[:, :6] @ np.linalg.inv(F)  # by the state when it left
    q = 10.0 * np.eye(3) - 8.0 * np.outer(up, up)
    s = max(back, 0.0)
    Q = np.kron([[s**3 / 3.0, -(s**2) / 2.0], [-(s**2) / 2.0, s]], q)
    S = H @ P @ H.T + then @ Q @ then.T
    after, across = x[9] + n @ u, np.eye(3) - np.outer(n, n)
    there = P[:3, :3] - back * (P[:3, 3:6] + P[3:6, :3]) + back * back * P[3:6, 3:6]
    cross, speeds = P[:3, 3:6] - back * P[3:6, 3:6], P[3:6, 3:6]
    A, B, X = across @ there @ across, across @ speeds @ across, across @ cross @ across
    bent = 0.5 * n @ u / (r * r * after)
    along = 0.5 * n @ speeds @ n / after**2
    shift = bent * np.trace(A) - np.trace(X) / (r * after) + along
    more = (np.trace(A @ B) + np.trace(X @ X)) / (r * after) ** 2 + 2.0 * bent**2 * np.trace(A @ A) + 2.0 * along**2
    assert view.z[1, 3] == pytest.approx(one.z[3] + shift, abs=2e-6)  # the Earth's curve
    assert view.S[1, 3, 3] == pytest.approx(S[3, 3] + more, rel=1e-5)
    sigma = np.sqrt(np.diag(S))
    for k in range(3):  # the angles bend besides: `test_filter_sound`
        assert view.S[1, 3, k] / sigma[3] / sigma[k] == pytest.approx(S[3, k] / sigma[3] / sigma[k], abs=1e-5)
    assert view.HE[1] == pytest.approx((H @ P)[:, 6:], rel=1e-8, abs=1e-9)


def test_a_tone_that_fits_corrects_tone_speed_and_air_as_a_kalman_filter_does():
    memory, view, whole, _ = heard(1, 0.0)
    z = np.array([[*view.z[0, 1:3], np.exp(view.z[0, 3] + 0.01)]])
    R = np.diag([*SIGMA**2, (TONE_SIGMA * z[0, 2]) ** 2])[None]
    assert fill(memory, given(z, R), born=1e-12) == 1
    plot = memory.plots[0]
    assert plot.z[3] == pytest.approx(np.log(z[0, 2]))
    assert plot.covariance[3, 3] == pytest.approx(TONE_SIGMA**2)
    (pair,) = find(memory, 1)
    leaf, view = memory.leaves[0], memory.views[0]
    H = np.zeros((3, 11))
    H[:, :6] = view.HP[1, 1:4]
    H[:, 6:] = view.HE[1, 1:4]
    S = np.tril(view.S[1, 1:4, 1:4])
    S = S + np.tril(S, -1).T + plot.covariance[1:4, 1:4]
    K = np.linalg.solve(S, H).T
    y = np.array([plot.z[k] - view.z[1, k] for k in (1, 2, 3)])
    settle.correct(leaf, view, plot, pair, 1, memory.work[0])
    found = whole_of(memory, 0)
    sigma = np.sqrt(np.diag(whole.covariance[1]))
    assert (found.mean[1] - whole.mean[1] - K @ y) / sigma == pytest.approx(np.zeros(11), abs=1e-8)
    P = whole.covariance[1] - K @ S @ K.T
    assert found.covariance[1] / np.outer(sigma, sigma) == pytest.approx(P / np.outer(sigma, sigma), abs=1e-8)
    assert found.covariance[1][TONE, TONE] < whole.covariance[1][TONE, TONE]


def told(tone):
    """Return the pair of a leaf with a sound whose tone is so much off, in ln Hz, and what it makes of the leaf."""
    memory, view, _, _ = heard(1, 0.0)
    z = np.array([[*view.z[0, 1:3], np.exp(view.z[0, 3] + tone)]])
    R = np.diag([*SIGMA**2, (TONE_SIGMA * z[0, 2]) ** 2])[None]
    assert fill(memory, given(z, R), born=1e-12) == 1
    (pair,) = find(memory, 1)
    settle.correct(memory.leaves[0], memory.views[0], memory.plots[0], pair, 0, memory.work[0])
    return pair, whole_of(memory, 0)


@pytest.mark.parametrize("octaves", [-2, -1, 1])
def test_a_tone_that_is_octaves_off_tells_the_same(octaves):
    (pair, found), (wanted, right) = told(0.004 + octaves * np.log(2.0)), told(0.004)
    assert pair.likelihood == pytest.approx(wanted.likelihood, rel=1e-6)
    assert found.mean[0] == pytest.approx(right.mean[0], rel=1e-9)
    assert found.covariance[0] == pytest.approx(right.covariance[0], rel=1e-6, abs=1e-9)


def test_a_tone_that_must_be_wrong_tells_nothing_and_its_bearing_is_used():
    (pair, found), (bare, plain), (right, _) = told(0.3), told(np.nan), told(0.0)
    assert pair.likelihood[0] == pytest.approx(MISTAKEN * TONES * bare.likelihood[0], rel=1e-9)
    assert pair.likelihood[0] < 0.1 * right.likelihood[0]
    assert found.mean[0].tolist() == plain.mean[0].tolist()
    assert found.covariance[0].tolist() == plain.covariance[0].tolist()


def of_somebody_fast(tone, variance):
    """Return what a sound makes of a leaf whose velocity is known to 50 m/s and whose tone with this variance."""
    memory, view, _, _ = heard(1, 0.0)
    memory.leaves["covariance"][0, :, 3:, 3:] += 2500.0 * np.eye(3)
    memory.leaves["tail"][0, :, ear.TONE, TONE] = variance
    z = np.array([[*view.z[0, 1:3], np.exp(view.z[0, 3] + tone)]])
    assert fill(memory, given(z, np.diag([*SIGMA**2, (TONE_SIGMA * z[0, 2]) ** 2])[None]), born=1e-12) == 1
    (pair,) = find(memory, 1)
    settle.correct(memory.leaves[0], memory.views[0], memory.plots[0], pair, 0, memory.work[0])
    return whole_of(memory, 0).mean[0]


def test_a_tone_that_may_be_of_the_next_octave_tells_nothing_but_the_first_one_does():
    """Half an octave is what one who comes is higher than one who goes, at 120 m/s."""
    bare = of_somebody_fast(np.nan, 1e-4)
    assert of_somebody_fast(0.3, 1e-4).tolist() == bare.tolist()
    assert np.linalg.norm(of_somebody_fast(0.1, 1e-4)[3:6] - bare[3:6]) > 5.0
    assert abs(of_somebody_fast(0.3, ear.WIDE**2)[TONE] - bare[TONE]) > 0.05


def test_sounds_without_tones_may_come_as_bearings_do():
    z, R = np.array([[0.3, 0.2], [0.4, np.nan]]), np.tile(np.diag(SIGMA**2), (2, 1, 1))
    batch = detections(Kind.SOUND, "ears", NOW, np.array([NOW, NOW]), z, R)
    assert batch.z[:, :2].tobytes() == z.tobytes()
    assert np.isnan(batch.z[:, 2]).all()
    assert batch.raw.shape == (2, 3)
    assert (batch.covariance == np.pad(R, ((0, 0), (0, 1), (0, 1)))).all()
    with pytest.raises(ValueError, match="SOUND z has shape"):
        detections(Kind.SOUND, "ears", NOW, np.array([NOW, NOW]), z[:, :1], R)
    with pytest.raises(ValueError, match="SOUND z has shape"):
        detections(Kind.SOUND, "ears", NOW, np.array([NOW, NOW]), z, np.tile(np.eye(3), (2, 1, 1)))


@pytest.mark.parametrize("tone, code", [(np.nan, USED), (120.0, USED), (0.5, IMPLAUSIBLE), (1e5, IMPLAUSIBLE)])
@pytest.mark.parametrize("elevation", [0.2, np.nan])
def test_a_tone_may_be_missing_and_is_one_that_can_be_heard(tone, code, elevation):
    memory = empty(ARRAY)
    sounds_of = given(np.array([[0.3, elevation, tone]]), np.diag([*SIGMA**2, 0.2])[None])
    assert fill(memory, sounds_of) == (1 if code == USED else 0)
    assert sounds_of.code.tolist() == [code]
    if code == USED:
        wanted = [1] + [2] * (not np.isnan(elevation)) + [3] * (not np.isnan(tone))
        assert memory.plots[0].rows[: memory.plots[0].d].tolist() == wanted
        assert memory.sense[0].parts == (3 if np.isnan(tone) else 4)


@pytest.mark.parametrize("tone", [0.0, -5.0, np.inf])
def test_what_is_no_tone_is_refused(tone):
    memory = empty(ARRAY)
    sounds_of = given(np.array([[0.3, 0.2, tone]]), np.diag([*SIGMA**2, 0.2])[None])
    assert fill(memory, sounds_of) == 0
    assert sounds_of.code.tolist()[0] in (NOT_FINITE, IMPLAUSIBLE)


def test_false_and_new_tones_are_spread_over_what_can_be_heard():
    plain, toned = (
        empty(Sensor(Kind.SOUND, 0.8, 0.1, whole=False, reach_m=6e3, begins_m=6e3), density=1e-7) for _ in range(2)
    )
    for memory, tone in ((plain, np.nan), (toned, 100.0)):
        assert fill(memory, given(np.array([[0.3, 0.2, tone]]), np.diag([*SIGMA**2, 0.1])[None])) == 1
    for name in ("clutter", "born"):
        assert toned.plots[name][0] == pytest.approx(TONES * plain.plots[name][0])
        assert toned.plots[name][0] > 0.0


def test_a_first_sound_ties_tone_to_speed_and_place_to_wind():
    memory = empty(ARRAY)
    whole = someone(np.random.default_rng(1))
    row = place(memory, whole, NOW - 6 * SECOND, heard=0, weight=(1.0, 0.0))
    assert fill(memory, given(np.array([[0.3, 0.2, 130.0]]), np.diag([*SIGMA**2, 0.15])[None])) == 1
    leaf, view, plot = memory.leaves[row], memory.views[row], memory.plots[0]
    before = leaf.covariance[0].copy()
    sound.found(leaf, plot, memory.sense[0], view, memory.parameters[0], memory.work[0])
    found = whole_of(memory, row)
    assert leaf.heard == NOW
    assert found.covariance[0][7, :3] == pytest.approx(-6.0 * 25.0 * SITE.rotation[0], abs=40.0)
    assert found.mean[0, TONE] == pytest.approx(np.log(130.0), abs=0.3)
    assert np.sqrt(found.covariance[0][TONE, TONE]) < 0.1  # what is left is Doppler
    HP = np.append(view.HP[0, 3], view.HE[0, 3])
    S = view.S[0, 3, 3] + plot.covariance[3, 3]
    P = before - np.outer(HP[:6], HP[:6]) / S
    assert found.covariance[0][:6, :6] == pytest.approx(P, rel=1e-9, abs=1e-6)


ARRAYS = [
    geo.place(*geo.geodetic(SITE.position + np.array([3e3 * i, 3e3 * j, 0.0]) @ SITE.rotation)[:2], 10.0)
    for i in range(-2, 3)
    for j in range(-2, 3)
]
GRID = Sensor(Kind.SOUND, 0.9, 1e-3, whole=False, missable=True, reach_m=6e3, revisit_s=1.0, begins_m=6e3)
QUIET = FilterSettings(
    calm_noise_m2_s3=0.01,
    busy_noise_m2_s3=0.01,
    vertical_noise_m2_s3=0.01,
    turning_noise_m2_s3=0.01,
    turn_rad_s=0.0,
    birth_level_speed_m_s=60.0,
    height_m=400.0,
    height_sigma_m=300.0,
    ceiling_m=3000.0,
)


def flight(rng, seconds, wind, c):
    """Return the state at the start of a straight flight and its sounds: s, array, azimuth, elevation, tone."""
    heading = rng.uniform(-np.pi, np.pi)
    v = 60.0 * np.array([np.sin(heading), np.cos(heading), 0.0])
    x, f0, found = ecef(-0.5 * seconds * v + [*rng.uniform(-1e3, 1e3, 2), 400.0], v), rng.uniform(80.0, 200.0), []
    for array in ARRAYS:
        for t in np.arange(rng.uniform(), seconds, 1.0):
            d, u = x[:3] + t * x[3:] - array.position, x[3:] - wind
            tau = (d @ u + 0.0) / -(c * c - u @ u) + np.sqrt((d @ u) ** 2 + (c * c - u @ u) * (d @ d)) / (c * c - u @ u)
            e = d - tau * u
            away = np.linalg.norm(e)
            if away > 4.5e3 or rng.random() > 0.8:
                continue
            n, local = e / away, array.rotation @ e
            tone = f0 / (1.0 + n @ x[3:] / (c - n @ wind)) * (1.0 + TONE_SIGMA * rng.normal())
            angles = np.array([np.arctan2(local[0], local[1]), np.arcsin(local[2] / away)]) + SIGMA * rng.normal(size=2)
            found.append((t, array, np.append(angles, tone)))
    return x, sorted(found, key=lambda each: each[0])


def followed(heard_, tones=True):
    """Return a filter that has heard a flight and knows of nothing else."""
    used = Filter(QUIET, evenly(SITE, 30e3, 5.0, 1.0), 64)
    for t, array, z in heard_:
        time = NOW + round(t * SECOND)
        R = np.diag([*SIGMA**2, (TONE_SIGMA * z[2]) ** 2])[None]
        z = np.where([True, True, tones], z, np.nan)[None]
        used.look(detections(Kind.SOUND, "arrays", time, np.array([time]), z, R, place=array), GRID, time)
    return used


def off(used, x, seconds):
    """Return how far the likeliest target is from the truth, m, and chi-square of all six."""
    found = used.targets(0.0)
    mean, P = moments(used.mixture(int(found.label[np.argmax(found.existence)]), NOW + round(seconds * SECOND)))
    d = mean - np.append(x[:3] + seconds * x[3:], x[3:])
    return float(np.linalg.norm(d[:2])), float(d @ np.linalg.solve(P, d))


def test_tones_tell_where_it_is_and_how_well_in_air_that_nobody_knows():
    nees, better = [], []
    for seed in range(30):
        rng = np.random.default_rng(200 + seed)
        wind = SITE.rotation[:2].T @ rng.normal(size=2) * 5.0
        x, sounds_ = flight(rng, 25.0, wind, 340.0 + 5.0 * rng.normal())
        toned, plain = (off(followed(sounds_, tones), x, 25.0) for tones in (True, False))
        nees.append(toned[1])
        better.append(toned[0] / plain[0])
    assert np.median(better) < 0.5
    assert 0.5 < np.mean(nees) / 6 < chi2.ppf(0.9975, 180) / 180  # under 1: it reckons with air and tones that drift


def test_tones_are_the_same_plain_and_compiled():
    _, sounds_ = flight(np.random.default_rng(4), 12.0, np.array([3.0, 4.0, 1.0]), 338.0)
    found = []
    for plain in (False, True):
        plain_while(lambda plain=plain: plain)
        used = followed(sounds_)
        mixture = used.mixture(int(used.targets(0.0).label[0]), NOW + 20 * SECOND)
        count = used.memory.counts[1]
        found.append((bits(used), mixture.mean.tobytes(), used.memory.leaves[:count].tobytes()))
        plain_while(lambda: False)
    assert found[0] == found[1]


@pytest.mark.parametrize("seed", range(4))
def test_covariances_of_all_eleven_stay_positive_among_false_sounds(seed):
    rng = np.random.default_rng(seed)
    wind = SITE.rotation[:2].T @ rng.normal(size=2) * 5.0
    _, some = flight(rng, 40.0, wind, 340.0)
    false = [
        (t, ARRAYS[k], np.array([rng.uniform(-3.1, 3.1), rng.uniform(0.0, 0.4), np.exp(rng.uniform(3.5, 7.0))]))
        for t, k in zip(rng.uniform(0.0, 40.0, 80), rng.integers(0, len(ARRAYS), 80), strict=True)
    ]
    used = Filter(FilterSettings(ceiling_m=3000.0), evenly(SITE, 30e3, 5.0, 1.0), 1024)
    for t, array, z in sorted([*some, *false], key=lambda each: each[0]):
        time = NOW + round(t * SECOND)
        R = np.diag([*SIGMA**2, (TONE_SIGMA * z[2]) ** 2])[None]
        used.look(detections(Kind.SOUND, "arrays", time, np.array([time]), z[None], R, place=array), GRID, time)
    leaves = used.memory.leaves[: used.memory.counts[1]]
    assert (leaves["heard"] > 0).sum() > 5
    for row in np.flatnonzero(leaves["heard"] > 0):
        whole = whole_of(used.memory, int(row))
        for m in range(2 if leaves["weight"][row, 1] > 0.0 else 1):
            P = whole.covariance[m]
            sigma = np.sqrt(np.diag(P))
            assert np.isfinite(whole.mean[m]).all()
            assert np.linalg.eigvalsh(P / np.outer(sigma, sigma))[0] > -1e-9
