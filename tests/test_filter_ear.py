"""The ear block of a leaf: how it moves, mixes and is corrected, against NumPy with eleven numbers in one matrix."""

import numpy as np
import pytest
from filter_ears import SIGMAS, TURN, flown, place, slopes_of, someone, vertical, whole_of
from filter_memory import (
    NOW,
    POSITIONS,
    RADAR,
    SECOND,
    SITE,
    empty,
    fill,
    find,
    given,
    narrowed,
    put,
    sight,
    slopes,
    state,
    tie,
)
from filter_memory import anywhere as unheard
from filter_reference import moments, polar
from filter_sky import bits, ecef, look, tracker

from skywarden.kernel import plain_while
from skywarden.model.detection import Kind, detections
from skywarden.track import Air, belief, ear, models, pairs, settle, turning
from skywarden.track.mixture import mixture
from skywarden.track.pmb import FilterSettings, Sensor

ARRAY = Sensor(Kind.SOUND, 0.8, 0.1, whole=False, reach_m=12e3)
CALM, BUSY = 60.0, 15.0
SEEDS = range(4)


def near(found, wanted, scale):
    """Check to 1e-9 of a scale."""
    np.testing.assert_allclose(found / scale, wanted / scale, rtol=0.0, atol=1e-9)


def test_before_it_is_heard_a_target_is_in_the_air_that_the_sensor_knows():
    air = Air(np.array([6.0, -4.0, 3.0]), 338.0, wind_sigma=3.0, speed_sigma=2.0)
    memory = empty(Sensor(Kind.SOUND, 0.8, 0.1, whole=False, reach_m=12e3, air=air))
    row = put(memory, unheard(np.random.default_rng(1)))
    memory.leaves[row].ear[:], memory.leaves[row].tail[:] = 7.0, 7.0
    ear.prior(memory.leaves[row], memory.sense[0], memory.parameters[0])
    found = whole_of(memory, row)
    for m in range(2):
        east, north, _ = SITE.rotation @ air.wind
        assert found.mean[m, 6:] == pytest.approx([np.log(150.0), east, north, 338.0, 0.0])
        assert found.covariance[m, 6:] == pytest.approx(
            np.hstack([np.zeros((5, 6)), np.diag([ear.WIDE**2, 9.0, 9.0, 4.0, 0.05**2])])
        )


@pytest.mark.parametrize("turn", [0.0, 1e-7, 9.9e-4, 0.05, -0.3])
@pytest.mark.parametrize("dt", [-9.0, 0.4, 10.0])
def test_a_turn_leads_round_a_circle_and_its_derivatives_are_those_of_differences(turn, dt):
    memory, rng = empty(ARRAY), np.random.default_rng(3)
    x = someone(rng).mean[0, :6]
    up, work = vertical(x), memory.work[0]
    turning.veer(x, turn, dt, up, work)
    assert work.b - flown(x, turn, dt, up) == pytest.approx(np.zeros(6), abs=1e-7)
    F, g = work.F.copy(), work.g.copy()
    by = slopes_of(lambda at: flown(at, turn, dt, up), x, np.repeat([10.0, 0.1], 3))
    assert pytest.approx(by, abs=6e-4) == F  # but for what the Earth's curve has to do with speed
    other = turn if abs(turn * dt) > 1e-5 else turn + 1e-5
    more = (flown(x, other + 1e-5, dt, up) - flown(x, other - 1e-5, dt, up)) / 2e-5
    assert g == pytest.approx(more, abs=1e-3 * np.abs(more).max())


def test_a_turn_is_to_the_right():
    memory, x = empty(ARRAY), np.concatenate([SITE.position, 50.0 * SITE.rotation[1]])  # northwards
    turning.veer(x, 0.1, 10.0, SITE.rotation[2], memory.work[0])
    east, north, up = SITE.rotation @ memory.work[0].b[3:]
    assert (east, north) == (pytest.approx(50.0 * np.sin(1.0), rel=1e-3), pytest.approx(50.0 * np.cos(1.0), rel=1e-3))
    assert abs(up) < 0.1


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("seconds", [0.3, 4.0, 12.0])
def test_both_models_move_as_eleven_numbers_do(seed, seconds):
    settings = FilterSettings(calm_stay_s=1e12, busy_stay_s=1e12)  # so that nothing mixes
    memory, before = empty(ARRAY, settings), someone(np.random.default_rng(seed))
    row = place(memory, before, weight=(0.5, 0.5))
    models.predict(memory.leaves[row], NOW + round(seconds * SECOND), memory.parameters[0], memory.work[0])
    up, found = np.array(memory.work[0].up), whole_of(memory, row)
    fade = np.exp(-seconds / 20.0)
    drift = np.diag([0.0] * 6 + [1e-7, 0.008, 0.008, 0.001, 0.0]) * seconds
    calm, busy = np.eye(11), np.eye(11)
    calm[:3, 3:6] = seconds * np.eye(3)
    part = (1.0 - fade) * 20.0 / seconds
    turning.veer(before.mean[1, :6], before.mean[1, TURN] * part, seconds, up, memory.work[0])
    busy[:6, :6], busy[:6, TURN], busy[TURN, TURN] = memory.work[0].F, memory.work[0].g * part, fade
    for m, (F, turn, level) in enumerate([(calm, 0.0, 0.5), (busy, before.mean[1, TURN] * part, 10.0)]):
        mean = before.mean[m].copy()
        mean[:6] = flown(mean[:6], turn, seconds, up)
        mean[TURN] *= fade if m else 0.0
        q = level * np.eye(3) + (2.0 - level) * np.outer(up, up)
        Q = np.zeros((11, 11))
        Q[:6, :6] = np.kron([[seconds**3 / 3.0, seconds**2 / 2.0], [seconds**2 / 2.0, seconds]], q)
        P = F @ before.covariance[m] @ F.T + Q + drift
        P[TURN, TURN] += 0.05**2 * (1.0 - fade**2) if m else 0.0
        near(found.mean[m], mean, np.sqrt(np.diag(P)))
        near(found.covariance[m], P, np.sqrt(np.outer(np.diag(P), np.diag(P))))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("seconds", [0.3, 10.0])
def test_models_mix_all_eleven_and_the_calm_one_forgets_turns(seed, seconds):
    memory, before = (
        empty(ARRAY, FilterSettings(calm_stay_s=CALM, busy_stay_s=BUSY)),
        someone(np.random.default_rng(seed)),
    )
    row = place(memory, before)
    leaf, parameters, work = memory.leaves[row], memory.parameters[0], memory.work[0]
    models.pace(seconds, parameters, work)
    models.mix(leaf, work)
    flow = (1.0 - np.exp(-seconds * (1 / CALM + 1 / BUSY))) / (1 / CALM + 1 / BUSY)
    off, back = flow / CALM, flow / BUSY
    moved = np.array([[1 - off, off], [back, 1 - back]]) * np.array([0.7, 0.3])[:, None]
    wanted = [moments(moved[:, m], before.mean, before.covariance) for m in range(2)]
    found = whole_of(memory, row)
    for m, (mean, P) in enumerate(wanted):
        near(found.mean[m], mean, np.sqrt(np.diag(P)))
        near(found.covariance[m], P, np.sqrt(np.outer(np.diag(P), np.diag(P))))
    ear.unturned(leaf, parameters, work)
    found = whole_of(memory, row)
    wanted_P = wanted[0][1].copy()
    wanted_P[TURN], wanted_P[:, TURN] = 0.0, 0.0
    wanted_P[TURN, TURN] = 0.05**2
    near(found.covariance[0], wanted_P, np.sqrt(np.outer(np.diag(wanted_P), np.diag(wanted_P))))
    assert found.mean[0, TURN] == 0.0
    near(found.covariance[1], wanted[1][1], np.sqrt(np.outer(np.diag(wanted[1][1]), np.diag(wanted[1][1]))))


def plots(sensor, whole, count, rng):
    """Return z and R of plots of a radar or of positions about a leaf."""
    if sensor is POSITIONS:
        return whole.mean[0, :3] + 40.0 * rng.normal(size=(count, 3)), np.tile(np.eye(3) * 1600.0, (count, 1, 1))
    sigma = np.array([40.0, 0.004, 0.006, 2.0])
    z = polar(whole.mean[0, :6], SITE)[0] + rng.normal(size=(count, 4)) * sigma
    return z, np.tile(np.diag(sigma**2), (count, 1, 1))


def updated(view, H, before, plot, pair, m):
    """Return mean (11,) and covariance (11, 11) after one plot. H (4, 6): of the view."""
    rows = plot.rows[: plot.d]
    wide = np.hstack([H[rows], np.zeros((plot.d, 5))])
    S = np.tril(view.S[m][np.ix_(rows, rows)])
    S = S + np.tril(S, -1).T + plot.covariance[np.ix_(rows, rows)]
    K = np.linalg.solve(S, wide @ before.covariance[m]).T
    step = np.linalg.cholesky(S) @ pair.white[m][: plot.d]  # the innovation
    return before.mean[m] + K @ step, before.covariance[m] - K @ S @ K.T


def looked(sensor, seed, count, ago=0.0):
    """Return a memory with a leaf that was heard and `count` plots about it, its state at the look, and the pairs."""
    memory, rng = empty(sensor), np.random.default_rng(seed)
    start = someone(rng)
    row = place(memory, start, NOW + round(ago * SECOND))
    z, R = plots(sensor, start, count, rng)
    m = fill(memory, given(z, R), born=1e-12)
    found = find(memory, m)
    assert len(found) == count
    return memory, whole_of(memory, row), found


@pytest.mark.parametrize("ago", [0.0, 0.05])  # s that the leaf is ahead of the look
@pytest.mark.parametrize("sensor", [RADAR, POSITIONS])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_plot_of_others_corrects_what_was_heard(seed, sensor, ago):
    memory, before, (pair,) = looked(sensor, seed, 1, ago)
    leaf, view, work, H = memory.leaves[0], memory.views[0], memory.work[0], slopes(memory)
    assert (view.ahead > 0.0) == (ago > 0.0)
    if sensor is POSITIONS and not ago:
        H[:, :, 3:] = 0.0
    if ago == 0.0:
        H[:, :3, 3:] = 0.0  # only range rate depends on velocity
    for m in range(2):
        mean, P = updated(view, H[m], before, memory.plots[pair.plot], pair, m)
        settle.correct(leaf, view, memory.plots[pair.plot], pair, m, work)
        after = whole_of(memory, 0)
        near(after.mean[m], mean, np.sqrt(np.diag(P)))
        np.testing.assert_allclose(
            after.covariance[m] / np.sqrt(np.outer(np.diag(P), np.diag(P))),
            P / np.sqrt(np.outer(np.diag(P), np.diag(P))),
            atol=1e-8,
        )
    assert leaf.heard == NOW


@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize("seed", SEEDS)
def test_several_plots_correct_it_by_their_moments(seed, count):
    memory, before, found = looked(RADAR, seed, count)
    leaf, view, work, H = memory.leaves[0], memory.views[0], memory.work[0], slopes(memory)
    H[:, :3, 3:] = 0.0
    belief.believe(memory, 1, memory.plots[:count], count)
    belief.share(leaf, view, memory.pairs)
    for m in range(2):
        likely = [leaf.weight @ pair.likelihood for pair in found]
        parts = [view.miss * leaf.weight[m]]
        parts += [p.share * leaf.weight[m] * p.likelihood[m] / like for p, like in zip(found, likely, strict=True)]
        after = [(before.mean[m], before.covariance[m])]
        after += [updated(view, H[m], before, memory.plots[p.plot], p, m) for p in found]
        mean, P = moments(parts, *map(np.array, zip(*after, strict=True)))
        settle.blend(leaf, view, m, sum(parts), settle.Seen(memory.pairs, memory.plots), work)
        now = whole_of(memory, 0)
        sigma = np.sqrt(np.diag(P))
        np.testing.assert_allclose((now.mean[m] - mean) / sigma, 0.0, atol=1e-4)  # shares under 1e-6 are left out
        np.testing.assert_allclose(now.covariance[m] / np.outer(sigma, sigma), P / np.outer(sigma, sigma), atol=1e-4)
        assert (now.covariance[m] == now.covariance[m].T).all()


def test_a_height_that_is_assumed_corrects_it_too():
    memory, rng = empty(ARRAY, FilterSettings(height_m=1000.0, height_sigma_m=100.0)), np.random.default_rng(5)
    before = someone(rng)
    up = vertical(before.mean[0])
    wide = np.concatenate([300.0 * up, rng.normal(size=8) * SIGMAS[3:] * 0.5])
    before.covariance[:] += np.outer(wide, wide)
    row = place(memory, before)
    models.anchor(memory.leaves[row], memory.parameters[0], memory.work[0])
    found, H = whole_of(memory, row), np.append(np.array(memory.work[0].up), np.zeros(8))
    for m in range(2):
        variance = H @ before.covariance[m] @ H
        S = variance + variance * 1e4 / (variance - 1e4)
        K = before.covariance[m] @ H / S
        P = before.covariance[m] - np.outer(K, K) * S
        sigma = np.sqrt(np.diag(P))
        np.testing.assert_allclose(found.covariance[m] / np.outer(sigma, sigma), P / np.outer(sigma, sigma), atol=1e-8)
        step = (found.mean[m, :6] - before.mean[m, :6]) @ K[:6] / (K[:6] @ K[:6])
        np.testing.assert_allclose((found.mean[m] - before.mean[m] - K * step) / sigma, 0.0, atol=1e-5)


def test_a_second_model_has_what_the_first_has_heard():
    memory, before = empty(ARRAY), someone(np.random.default_rng(2))
    row = place(memory, before, weight=(1.0, 0.0))
    models.promote(memory.leaves[row])
    found = whole_of(memory, row)
    assert (found.mean[1] == found.mean[0]).all()
    assert (found.covariance[1] == found.covariance[0]).all()


@pytest.mark.parametrize("seconds, kept", [(119.0, True), (121.0, False)])
def test_who_was_not_heard_for_long_has_no_block(seconds, kept):
    memory = empty(ARRAY)
    row = place(memory, someone(np.random.default_rng(2)))
    models.predict(memory.leaves[row], NOW + round(seconds * SECOND), memory.parameters[0], memory.work[0])
    assert memory.leaves[row].heard == (NOW if kept else 0)


def test_a_wedge_that_becomes_a_point_keeps_what_all_its_ranges_have_heard():
    memory, rng = empty(ARRAY), np.random.default_rng(4)
    parts = [someone(np.random.default_rng(9)) for _ in range(3)]
    for k, each in enumerate(parts):
        each.mean[:] += rng.normal(size=(2, 11)) * SIGMAS * 0.2
        place(memory, each, heard=NOW + k)
    memory.leaves["target"][:3], memory.counts[0] = 0, 1
    tie(memory, 0, [[0], [1], [2]], (0.5, 0.3, 0.2))
    memory.targets["wedge"][0] = 1
    narrowed(memory)
    row = memory.targets[0].leaf
    found = whole_of(memory, row)
    assert memory.leaves[row].heard == NOW + 2
    for m in range(2):
        mean, P = moments([0.5, 0.3, 0.2], *(np.array([part[k][m] for part in parts]) for k in range(2)))
        near(found.mean[m], mean, np.sqrt(np.diag(P)))
        near(found.covariance[m], P, np.sqrt(np.outer(np.diag(P), np.diag(P))))


def test_a_wedge_of_which_one_range_was_not_heard_has_no_block():
    memory = empty(ARRAY)
    for k in range(2):
        place(memory, someone(np.random.default_rng(9)), heard=NOW * k)
    memory.leaves["target"][:2], memory.counts[0] = 0, 1
    tie(memory, 0, [[0], [1]], (0.6, 0.4))
    memory.targets["wedge"][0] = 1
    narrowed(memory)
    assert memory.leaves[memory.targets[0].leaf].heard == 0


def test_a_sound_of_others_teaches_nothing():
    """A look at a leaf that no sound fits leaves it without a block, as it was."""
    memory = empty(ARRAY)
    row = put(memory, unheard(np.random.default_rng(1)))
    sight(memory, row, 4)
    assert memory.leaves[row].heard == 0
    leaf = memory.leaves[row]
    twin = empty(RADAR)
    put(twin, state(memory, row), int(leaf.time))
    for each in (memory, twin):
        models.predict(each.leaves[0], NOW + 9 * SECOND, each.parameters[0], each.work[0])
    for name in ("mean", "covariance", "weight"):
        assert getattr(leaf, name).tobytes() == getattr(twin.leaves[0], name).tobytes()


def test_old_sounds_are_of_the_model_that_flew_then():
    memory = empty(ARRAY)
    row = place(memory, someone(np.random.default_rng(1)))
    view, pair = memory.views[row], memory.pairs[0]
    for old in (0.0, 3.0, 1e4):
        view.old, pair.likelihood[0], pair.likelihood[1] = old, 8.0, 2.0
        whole = pairs.recall(memory.leaves[row], view, pair, memory.parameters[0], memory.work[0])
        flow = (1.0 - np.exp(-old * (1 / CALM + 1 / BUSY))) / (1 / CALM + 1 / BUSY)
        wanted = [8.0 - 6.0 * flow / CALM, 2.0 + 6.0 * flow / BUSY]
        assert pair.likelihood == pytest.approx(wanted)
        assert whole == pytest.approx(0.7 * wanted[0] + 0.3 * wanted[1])


def test_who_turns_is_shown_on_its_circle():
    memory = empty(ARRAY)
    row = place(memory, someone(np.random.default_rng(7)), weight=(0.2, 0.8))
    before, then = memory.leaves[[row]], NOW + 10 * SECOND
    plain_while(lambda: True)
    found = mixture(before, np.ones(1), then, memory.parameters, memory.work)
    own = mixture(before, np.ones(1), None, memory.parameters, memory.work)
    plain_while(lambda: False)
    leaf = memory.leaves[row]
    assert own.mean.tobytes() == leaf.mean.tobytes()  # not brought anywhere
    models.predict(leaf, then, memory.parameters[0], memory.work[0])
    assert found.weight == pytest.approx(leaf.weight)
    assert found.mean.tobytes() == leaf.mean.tobytes()
    assert found.covariance.tobytes() == leaf.covariance.tobytes()
    assert found.time.tolist() == [then] * 2


def followed(**settings):
    """Return all that is said of two targets that a radar of positions sees, and arrays hear somebody else."""
    rng, used = np.random.default_rng(8), tracker(64, **settings)
    places, v = rng.uniform(-5e3, 5e3, (2, 2)), rng.normal(size=(2, 2)) * 60.0
    for k in range(20):
        at = np.column_stack([places + k * v, np.full(2, 800.0)])
        seen = np.stack([ecef(each, (0.0, 0.0, 0.0))[:3] for each in at]) + 20.0 * rng.normal(size=(2, 3))
        look(used, seen, float(k), POSITIONS, np.diag([400.0] * 3))
        z, R = np.array([[rng.uniform(-3.0, 3.0), -1.2, 120.0]]), np.diag([1e-8, 1e-8, 0.1])[None]
        time = NOW + k * SECOND + SECOND // 2
        used.look(detections(Kind.SOUND, "array", time, np.array([time]), z, R, place=SITE), ARRAY, time)
    assert (used.memory.leaves["heard"] == 0).all()
    return bits(used)


def test_who_is_never_heard_is_followed_to_the_bit_as_if_nobody_turned():
    assert followed() == followed(turn_rad_s=0.08, turn_fades_s=9.0, turning_noise_m2_s3=1.0)
