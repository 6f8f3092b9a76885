"""A leaf as a sensor expects it: Jacobian, spread, innovation; for each kind and many states."""

import numpy as np
import pytest
import reference
from filter_memory import (
    CAMERA,
    PLANES,
    POSITIONS,
    RADAR,
    SITE,
    anywhere,
    empty,
    fill,
    given,
    innovation,
    put,
    sight,
    slopes,
)
from filter_reference import bent, bowed, level, polar
from filter_reference import innovation as off

from skywarden import geo
from skywarden.model.detection import Kind
from skywarden.track.pmb import Sensor

SEEDS = range(20)
SIGMA = np.array([20.0, 0.004, 0.006, 1.0])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("sensor", [RADAR, CAMERA], ids=["polar", "direction"])
def test_what_a_radar_expects_and_how_it_changes(sensor, seed):
    memory = empty(sensor)
    state = anywhere(np.random.default_rng(seed))
    view = sight(memory, put(memory, state), parts=4)
    seen = slopes(memory)
    for m in range(2):
        mean = state.mean[m]
        expected, H = polar(mean, SITE)
        if sensor is RADAR:
            expected += bent(mean, state.covariance[m], SITE)
        else:
            expected[:3] += bowed(expected[:3], H[:3] @ state.covariance[m] @ H[:3].T)[0]
        assert view.z[m] == pytest.approx(expected, rel=1e-12, abs=1e-9)
        measured = reference.jacobian(mean, SITE, steps=(1.0,) * 3 + (0.1,) * 3)
        for H_found in (seen[m], H):  # the filter's and the twin's
            np.testing.assert_allclose(H_found, measured, rtol=2e-5, atol=2e-9)
        np.testing.assert_allclose(seen[m], H, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("seed", SEEDS)
def test_two_components_are_those_of_four(seed):
    state = anywhere(np.random.default_rng(seed))
    views, seen = [], []
    for parts in (2, 4):
        memory = empty(RADAR)
        views.append(sight(memory, put(memory, state), parts))
        seen.append(slopes(memory))
    two, four = views
    for name in ("z", "rate"):
        assert np.array_equal(two[name][:, :2], four[name][:, :2])
    assert np.array_equal(seen[0][:, :2], seen[1][:, :2])
    assert np.array_equal(np.tril(two.S[:, :2, :2]), np.tril(four.S[:, :2, :2]))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_plane_is_the_level_at_the_target(seed):
    memory = empty(PLANES)
    state = anywhere(np.random.default_rng(seed))
    view = sight(memory, put(memory, state), parts=2)
    H = slopes(memory)
    for m in range(2):
        latitude, longitude, _ = geo.geodetic(state.mean[m, :3])
        foot = level(state.mean[m, :3]) @ (view.z[m, :3] - geo.ecef(latitude, longitude, 0.0))
        assert foot == pytest.approx(0.0, abs=0.2)  # right below the target
        np.testing.assert_allclose(H[m, :2, :3], level(state.mean[m, :3]), rtol=0.0, atol=1e-5)
        assert np.array_equal(H[m, :2, 3:], np.zeros((2, 3)))
    latitude, longitude, _ = geo.geodetic(state.mean[0, :3])
    east = geo.ecef(latitude, longitude + 1e-6, 0.0) - geo.ecef(latitude, longitude - 1e-6, 0.0)
    assert H[0, 0, :3] @ east == pytest.approx(np.linalg.norm(east), rel=1e-6)
    assert H[0, 1, :3] @ east == pytest.approx(0.0, abs=1e-4 * np.linalg.norm(east))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("sensor, parts", [(RADAR, 4), (RADAR, 2), (POSITIONS, 3), (PLANES, 2), (CAMERA, 4)])
def test_spread_is_the_covariance_seen_through_the_jacobian(sensor, parts, seed):
    memory = empty(sensor)
    state = anywhere(np.random.default_rng(seed))
    view = sight(memory, put(memory, state), parts)
    for m in range(2):
        H, P = slopes(memory)[m, :parts], state.covariance[m]
        S = H @ P @ H.T
        if sensor is RADAR:
            more = bent(state.mean[m], P, SITE)[:parts]
            S += 2 * np.outer(more, more)
        if sensor is CAMERA:
            S[:3, :3] += bowed(polar(state.mean[m], SITE)[0][:3], S[:3, :3])[1]
        size = np.sqrt(np.diag(S))
        found, wanted = view.S[m, :parts, :parts] / np.outer(size, size), S / np.outer(size, size)
        np.testing.assert_allclose(np.tril(found), np.tril(wanted), atol=1e-9)
        wide = np.sqrt(np.diag(P))
        np.testing.assert_allclose(view.HP[m, :parts] / size[:, None] / wide, H @ P / size[:, None] / wide, atol=1e-9)
        np.testing.assert_allclose(view.rate[m, :parts], H[:, :3] @ state.mean[m, 3:], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_a_radar_sees_of_a_newborn_is_what_it_is_on_average_and_as_wide(seed):
    """After a second plot close by: what it has flown since the first is its velocity times the time between."""
    rng = np.random.default_rng(seed)
    bearing, dt, turn = rng.uniform(-np.pi, np.pi), 4.0, SITE.rotation
    local = np.array([3e3 * np.sin(bearing), 3e3 * np.cos(bearing), 600.0])
    root = np.hstack([np.eye(3) * dt, np.eye(3)]) * np.array([[100.0], [100.0], [5.0]])  # level, level, up
    state = anywhere(rng)
    state.mean[:] = np.concatenate([SITE.position + local @ turn, np.zeros(3)])
    both = np.kron(np.eye(2), turn)
    state.covariance[:] = both.T @ (root.T @ root + 1e-3 * np.eye(6)) @ both
    memory = empty(RADAR)
    view = sight(memory, put(memory, state), 4)
    half = rng.normal(size=(10_000, 3))
    drawn = state.mean[0] + np.vstack([half, -half]) @ root @ both
    off_site = drawn[:, :3] - SITE.position
    slant = np.linalg.norm(off_site, axis=1)
    away = np.column_stack([slant, np.einsum("na,na->n", off_site, drawn[:, 3:]) / slant])  # all at once, `polar`'s
    assert away[0] == pytest.approx(polar(drawn[0], SITE)[0][[0, 3]], rel=1e-12)
    assert view.z[0, [0, 3]] == pytest.approx(away.mean(0), abs=2.0)
    found, wanted = view.S[0][np.ix_([0, 3], [0, 3])], np.cov(away.T)
    found[0, 1] = found[1, 0]
    noise = np.diag(SIGMA[[0, 3]] ** 2)
    rest = [S[1, 1] - S[1, 0] ** 2 / S[0, 0] for S in (found + noise, wanted + noise)]
    assert rest[0] == pytest.approx(rest[1], rel=0.25)  # of range rate, once range is known
    assert rest[1] > 2 * noise[1, 1]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("missing", [(), (2,), (3,), (2, 3)])
def test_innovation_of_a_radar_leaves_out_what_is_missing_and_goes_round_at_south(missing, seed):
    rng = np.random.default_rng(seed)
    state = anywhere(rng)
    south = np.array([rng.normal() * 5.0, -9e3, 2e3])  # azimuth near +-pi
    state.mean[:, :3] = SITE.position + south @ SITE.rotation
    z = polar(state.mean[0], SITE)[0] + rng.normal(size=4) * SIGMA
    z[list(missing)] = np.nan
    memory = empty(RADAR)
    row = put(memory, state)
    for turn in (-2 * np.pi, 0.0, 2 * np.pi):
        turned = z + np.array([0.0, turn, 0.0, 0.0])
        assert fill(memory, given([turned], [np.diag(SIGMA**2)])) == 1
        sight(memory, row)
        for m in range(2):
            found, wanted = (
                innovation(memory, row, m, 0),
                off(RADAR.kind, z, state.mean[m], SITE, state.covariance[m])[0],
            )
            assert found == pytest.approx(wanted, rel=1e-9, abs=1e-9)
            assert abs(found[1]) < 0.05


@pytest.mark.parametrize("seed", SEEDS)
def test_a_later_plot_is_compared_with_a_later_place(seed):
    rng = np.random.default_rng(seed)
    state, lag = anywhere(rng), 0.5
    state.covariance[:] *= 1e-9  # else more is expected, since it may be off to the side
    moved = state.mean[0].copy()
    moved[:3] += lag * moved[3:]
    z = polar(moved, SITE)[0]
    memory = empty(RADAR)
    row = put(memory, state)
    found = []
    for late in (0.0, lag):
        fill(memory, given([z], [np.diag(SIGMA**2)], lag=late))
        sight(memory, row)
        found.append(innovation(memory, row, 0, 0))
    here, _ = polar(state.mean[0], SITE)
    speed = np.linalg.norm(moved[3:])
    curve = (speed * lag) ** 2 / here[0]  # m; what a straight line leaves out
    allowed = curve * np.array([1.0, 4.0 / here[0], 4.0 / here[0], 4.0 / here[0] * speed])
    assert (np.abs(found[1]) <= allowed + 1e-9).all()
    assert np.linalg.norm(found[0] / SIGMA) > 2 * np.linalg.norm(found[1] / SIGMA)


@pytest.mark.parametrize("seed", SEEDS)
def test_positions_and_places_are_compared_in_metres(seed):
    rng = np.random.default_rng(seed)
    state = anywhere(rng)
    latitude, longitude, _ = geo.geodetic(state.mean[0, :3])
    place = np.array([latitude, longitude]) + rng.normal(size=2) * 1e-5
    for sensor, z in ((POSITIONS, state.mean[0, :3] + rng.normal(size=3) * 30.0), (PLANES, place)):
        memory = empty(sensor)
        row = put(memory, state)
        assert fill(memory, given([z], [np.eye(len(z)) * 900.0])) == 1
        sight(memory, row)
        wanted = off(sensor.kind, z, state.mean[0], SITE)[0]
        assert innovation(memory, row, 0, 0) == pytest.approx(wanted, abs=0.1 if sensor is PLANES else 1e-9)
        assert np.abs(wanted).max() > 1.0


def test_what_is_out_of_reach_is_not_detected_and_no_plot_tells_nothing_of_it():
    rng = np.random.default_rng(1)
    memory = empty(RADAR)
    state = anywhere(rng)
    far = state._replace(mean=state.mean + np.array([*(120e3 * SITE.rotation[0]), 0.0, 0.0, 0.0]))
    assert sight(memory, put(memory, state), 4).missed == RADAR.detection
    out = sight(memory, put(memory, far), 4)
    assert out.detection == out.missed == 0.0


@pytest.mark.parametrize("kind", [Kind.DIRECTION, Kind.POLAR, Kind.POSITION])
def test_who_is_out_of_reach_is_not_expected(kind):
    state = anywhere(np.random.default_rng(1))
    away = np.linalg.norm(state.mean[0, :3] - SITE.position)
    for reach, there in ((0.9 * away, kind == Kind.POSITION), (1.1 * away, True)):
        memory = empty(Sensor(kind, 0.7, 0.1, reach_m=reach, whole=False))
        assert sight(memory, put(memory, state), 4 if kind != Kind.POSITION else 3).detection == (0.7 if there else 0.0)
