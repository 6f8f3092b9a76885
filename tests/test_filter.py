"""The filter as its users see it: looks in, targets out."""

import numpy as np
import pytest
from filter_memory import NOW, SECOND, SITE
from filter_reference import polar
from filter_sky import CAMERA, NOISE, PLANES, POSITIONS, RADAR, bits, ecef, false, look, plots, scene, straight, tracker

from skywarden.kernel import plain_while


def test_a_target_is_found_followed_and_forgotten():
    rng, used = np.random.default_rng(1), tracker()
    flight = straight([(8e3, 5e3, 800.0)], [(-40.0, 20.0, 0.0)], 30)
    labels, shown = [], []
    for k, states in enumerate(flight):
        look(used, np.vstack([plots(states, rng), false(rng, rng.poisson(1.0))]), 2.0 * k)
        found = used.targets()
        labels.append(found.label.tolist())
        if len(found.label) == 1:
            shown.append(np.linalg.norm(found.mean[0, :3] - states[0][:3]))
    assert [1] in labels[:5]
    assert labels[10:] == [[1]] * 20
    assert max(shown[10:]) < 60.0
    found = used.targets()
    assert found.mean[0, 3:] == pytest.approx(flight[-1][0][3:], abs=5.0)
    assert found.time.tolist() == [NOW + 58 * SECOND]
    for k in range(30, 60):
        look(used, np.empty((0, 4)), 2.0 * k)
        if k == 35:
            assert used.targets().label.tolist() == []
    assert used.targets(0.0).label.tolist() == []


@pytest.mark.parametrize("seed", range(2))
def test_false_alarms_alone_are_hardly_ever_shown(seed):
    rng, used, shown = np.random.default_rng(seed), tracker(), 0
    for k in range(100):
        look(used, false(rng, rng.poisson(2.0)), 2.0 * k)
        shown += len(used.targets().label)
    assert shown <= 5


def crossing(seed):
    """Return the labels of two targets before and after they pass each other 400 m apart, at a right angle."""
    rng, used = np.random.default_rng(seed), tracker()
    flight = straight([(6e3, 4e3, 500.0), (7e3, 3.4e3, 500.0)], [(30.0, 0.0, 0.0), (0.0, 30.0, 0.0)], 40)
    seen = []
    for k, states in enumerate(flight):
        z = plots(states, rng)[rng.random(2) < 0.9]
        look(used, np.vstack([z, false(rng, rng.poisson(1.0))]), 2.0 * k)
        found = used.targets()
        near = [np.linalg.norm(found.mean[:, :3] - s[:3], axis=1) for s in states]
        seen.append([int(found.label[np.argmin(d)]) if len(d) and d.min() < 200.0 else 0 for d in near])
    return seen[10], seen[-1]


def test_two_that_cross_keep_their_labels():
    kept = [before == after and 0 not in before for before, after in map(crossing, range(30))]
    assert np.mean(kept) >= 0.9


@pytest.mark.parametrize("sensor", [RADAR, POSITIONS, PLANES], ids=["polar", "position", "plane"])
def test_the_order_of_detections_in_a_look_changes_nothing(sensor):
    rng, one, other = np.random.default_rng(5), tracker(), tracker()
    for k, (z, R) in enumerate(scene(sensor)):
        turned = rng.permutation(len(z))
        look(one, z, 2.0 * k, sensor, R)
        look(other, z[turned], 2.0 * k, sensor, R)
        assert bits(one) == bits(other)
    assert len(one.targets().label) == 4


def test_the_order_of_directions_in_a_look_changes_nothing():
    rng, one, other = np.random.default_rng(1), tracker(), tracker()
    starts = [(8e3, 5e3, 800.0), (8.1e3, 5.1e3, 800.0), (7.9e3, 5.2e3, 700.0)]
    for k, states in enumerate(straight(starts, [(-40.0, 20.0, 0.0)] * 3, 8)):
        z, seen = plots(states, rng), plots(states, rng)[:, 1:3]
        for used, turned in ((one, [0, 1, 2]), (other, [2, 0, 1])):
            look(used, z, 2.0 * k)
            look(used, seen[turned], 2.0 * k + 1.0, CAMERA, NOISE[1:3, 1:3])
        for name in ("mean", "covariance", "existence"):
            near = getattr(one.targets(), name), getattr(other.targets(), name)
            np.testing.assert_allclose(*near, rtol=1e-6)
    assert bits(one) == bits(other)


def test_nor_does_it_where_ranges_are_equal():
    one, other = tracker(), tracker()
    for k, (z, R) in enumerate(scene(RADAR)):
        z[:, 0] = np.round(z[:, 0] / 200.0) * 200.0  # as a radar with coarse steps of range says it
        look(one, z, 2.0 * k, RADAR, R)
        look(other, z[::-1], 2.0 * k, RADAR, R)
    assert bits(one) == bits(other)


def test_the_same_looks_give_the_same_bits():
    one, other = tracker(), tracker()
    for used in (one, other):
        for k, (z, R) in enumerate(scene(RADAR)):
            look(used, z, 2.0 * k, RADAR, R)
    assert bits(one) == bits(other)


@pytest.mark.parametrize("sensor", [RADAR, POSITIONS, PLANES], ids=["polar", "position", "plane"])
def test_plain_and_compiled_say_the_same_to_the_bit(sensor):
    found = []
    for plain in (True, False):
        used = tracker(capacity=64)
        plain_while(lambda plain=plain: plain)
        try:
            for k, (z, R) in enumerate(scene(sensor, seconds=4)):
                look(used, z, 2.0 * k, sensor, R)
        finally:
            plain_while(lambda: False)
        found.append(bits(used))
        assert len(used.targets(0.0).label) >= 4
    assert found[0] == found[1]


def test_a_bearing_starts_nothing_and_corrects_what_is_there():
    rng, used, R = np.random.default_rng(9), tracker(), np.eye(2) * 0.001**2
    target = ecef((6e3, 4e3, 500.0), (0.0, 0.0, 0.0))
    look(used, [polar(target, SITE)[0][1:3]], 0.0, CAMERA, R)
    assert used.targets(0.0).label.tolist() == []
    for k in range(1, 6):
        look(used, plots([target], rng), 2.0 * k)
    wide = used.targets(0.0)
    look(used, [polar(target, SITE)[0][1:3]], 11.0, CAMERA, R)
    fine = used.targets(0.0)
    assert len(fine.label) == len(wide.label) == 1
    across = polar(target, SITE)[1][1, :3]
    across /= np.linalg.norm(across)
    assert across @ fine.covariance[0, :3, :3] @ across < 0.5 * (across @ wide.covariance[0, :3, :3] @ across)


def test_covariances_stay_symmetric_and_positive():
    used = tracker()
    for k, (z, R) in enumerate(scene(RADAR, seconds=20)):
        look(used, z, 2.0 * k, RADAR, R)
        P = used.targets(0.0).covariance
        assert (np.linalg.eigvalsh(P)[:, 0] > 0.0).all()
        np.testing.assert_allclose(P, P.swapaxes(1, 2), rtol=1e-12)
