"""The filter as its users see it: looks in, targets out."""

from dataclasses import fields
from time import process_time

import numpy as np
import pytest
from filter_memory import CODES, LIMITS, NOW, SECOND, SITE, compiled_forms
from filter_reference import polar

from skywarden import geo
from skywarden.kernel import plain_while
from skywarden.model.detection import Kind, detections
from skywarden.track.pmb import Filter, FilterSettings, Sensor, evenly

SIGMA = np.array([30.0, 0.004, 0.006, 1.0])
NOISE = np.diag(SIGMA**2)
RADAR = Sensor(Kind.POLAR, detection=0.9, clutter=1e-10, reach_m=60e3, revisit_s=2.0)
POSITIONS = Sensor(Kind.POSITION, detection=0.9, clutter=1e-10)
PLANES = Sensor(Kind.PLANE, detection=0.9, clutter=1e-10)
CAMERA = Sensor(Kind.DIRECTION, detection=0.9, clutter=0.01, whole=False)
FAR = 50e3


def tracker(capacity=256, **settings):
    return Filter(FilterSettings(**settings), evenly(SITE, 60e3, 5.0, 1.0), capacity)


def ecef(position, velocity):
    """Return a state (6,) of a place and velocity east, north, up of SITE."""
    turn = SITE.rotation
    return np.concatenate([SITE.position + np.asarray(position) @ turn, np.asarray(velocity) @ turn])


def plots(states, rng, errors=1.0):
    """Return (n, 4) what the radar measures of states."""
    z = np.array([polar(s, SITE)[0] for s in states]).reshape(-1, 4)
    return z + rng.normal(size=z.shape) * SIGMA * errors


def batch(z, seconds, sensor=RADAR, R=NOISE):
    """Return detections of one look. R (w, w), or (n, w, w)."""
    z, time = np.asarray(z, float), NOW + round(seconds * SECOND)
    R = np.broadcast_to(R, (len(z), *np.shape(R)[-2:])).copy()
    place = SITE if sensor.kind in (Kind.POLAR, Kind.DIRECTION) else None
    return detections(sensor.kind, "sensor", time, np.full(len(z), time), z, R, place=place)


def look(used, z, seconds, sensor=RADAR, R=NOISE):
    return used.look(batch(z, seconds, sensor, R), sensor, NOW + round(seconds * SECOND))


def bits(used):
    """Return all that the filter says, to the bit."""
    found = used.targets(0.0)
    return [getattr(found, f.name).tobytes() for f in fields(found)]


def false(rng, count):
    """Return detections of nothing, evenly in range and bearing."""
    low, high = [100.0, -np.pi, 0.0, -50.0], [FAR, np.pi, 0.3, 50.0]
    return rng.uniform(low, high, (count, 4))




def straight(starts, velocities, looks):
    return [
        [ecef(np.add(p, 2.0 * k * np.array(v)), v) for p, v in zip(starts, velocities, strict=True)]
        for k in range(looks)
    ]


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


@pytest.mark.parametrize("clutter", [1e-14, 1e-18, 0.0])
def test_a_sensor_without_false_alarms_where_nothing_appears_keeps_its_targets(clutter):
    rng, used = np.random.default_rng(0), Filter(FilterSettings(), evenly(SITE, 60e3, 5.0, 0.0), 64)
    sensor = Sensor(Kind.POLAR, detection=0.9, clutter=clutter, reach_m=60e3)
    flight = straight([(8e3, 5e3, 800.0), (8.1e3, 5.1e3, 800.0)], [(-40.0, 20.0, 0.0)] * 2, 25)
    for k, states in enumerate(flight):
        look(used, plots(states, rng)[rng.random(2) < 0.9], 2.0 * k, sensor)
    assert len(used.targets().label) == 2
    assert np.isfinite(used.memory.unseen).all()


def scene(sensor, seconds=6):
    """Return looks (z, R) of a few targets, among them two close ones, and false alarms."""
    rng = np.random.default_rng(4)
    starts = [(6e3, 4e3, 500.0), (6.1e3, 4.05e3, 500.0), (-9e3, 7e3, 900.0), (-9.05e3, 7.05e3, 900.0)]
    flight = straight(starts, [(30.0, 0.0, 0.0), (28.0, 1.0, 0.0), (0.0, 30.0, 0.0), (0.0, 30.0, 1.0)], seconds)
    looks = []
    for states in flight:
        if sensor is RADAR:
            looks.append((np.vstack([plots(states, rng), false(rng, 3)]), NOISE))
            continue
        x = np.array([s[:3] for s in states]) + rng.normal(size=(4, 3)) * 30.0
        if sensor is PLANES:
            latitude, longitude, _ = geo.geodetic(x)
            x = np.stack([latitude, longitude], -1)
        looks.append((x, np.eye(x.shape[1]) * 900.0))
    return looks


@pytest.mark.parametrize("sensor", [RADAR, POSITIONS, PLANES], ids=["polar", "position", "plane"])
def test_the_order_of_detections_in_a_look_changes_nothing(sensor):
    rng, one, other = np.random.default_rng(5), tracker(), tracker()
    for k, (z, R) in enumerate(scene(sensor)):
        turned = rng.permutation(len(z))
        look(one, z, 2.0 * k, sensor, R)
        look(other, z[turned], 2.0 * k, sensor, R)
        assert bits(one) == bits(other)
    assert len(one.targets().label) == 4


@pytest.mark.xfail(strict=True, reason="directions are not sorted, so sums may differ in their last bits")
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


@pytest.mark.xfail(strict=True, reason="plots of equal range stay in the order in which they came")
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


BAD = {
    "nan range": (0, np.nan, None, "not finite"),
    "nan azimuth": (1, np.nan, None, "not finite"),
    "infinite elevation": (2, np.inf, None, "not finite"),
    "infinite range rate": (3, -np.inf, None, "not finite"),
    "negative range": (0, -5.0, None, "implausible"),
    "no range": (0, 0.0, None, "implausible"),
    "huge range": (0, 1e9, None, "implausible"),
    "over the zenith": (2, 2.0, None, "implausible"),
    "nan covariance": (0, 9e3, np.full((4, 4), np.nan), "not finite"),
    "infinite covariance": (0, 9e3, np.full((4, 4), np.inf), "not finite"),
    "no covariance": (0, 9e3, np.zeros((4, 4)), "not finite"),
    "singular covariance": (0, 9e3, np.outer(SIGMA, SIGMA), "not finite"),
    "negative covariance": (0, 9e3, -NOISE, "not finite"),
    "absurdly small covariance": (0, 9e3, NOISE * 1e-30, "not finite"),
    "absurdly large covariance": (0, 9e3, NOISE * 1e30, "not finite"),
}


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("name", BAD)
def test_a_bad_detection_is_refused_and_changes_nothing_else(name):
    column, value, covariance, code = BAD[name]
    one, other = tracker(), tracker()
    for k, (z, R) in enumerate(scene(RADAR)):
        look(one, z, 2.0 * k, RADAR, R)
        spoiled = np.insert(z, 2, z[2], axis=0)
        spoiled[2, column] = value
        noise = np.tile(NOISE, (len(spoiled), 1, 1))
        noise[2] = NOISE if covariance is None else covariance
        codes = look(other, spoiled, 2.0 * k, RADAR, noise)
        assert codes.tolist() == [CODES[code] if j == 2 else 0 for j in range(len(spoiled))]
        assert bits(one) == bits(other)


@pytest.mark.parametrize(
    "sensor, z",
    [
        (POSITIONS, [0.0, 0.0, 0.0]),
        (POSITIONS, [1e9, 0.0, 0.0]),
        pytest.param(PLANES, [9.0, 0.5], marks=pytest.mark.xfail(strict=True, reason="latitude is not looked at")),
    ],
)
def test_a_place_that_is_no_place_is_refused(sensor, z):
    used = tracker()
    codes = look(used, [z], 0.0, sensor, np.eye(len(z)) * 900.0)
    assert codes.tolist() == [CODES["implausible"]]
    assert used.targets(0.0).label.tolist() == []


@pytest.mark.parametrize("crowded", [False, True])
def test_twenty_thousand_detections_in_a_look_end_in_time(crowded):
    rng, used = np.random.default_rng(6), tracker(capacity=4096)
    look(used, false(rng, 10), 0.0)
    begin = process_time()
    for k in (1, 2):
        z = false(rng, 20_000)
        if crowded:  # all of them within a square kilometre
            z[:, :2] = [9e3, 0.5] + rng.uniform(-0.5, 0.5, (20_000, 2)) * [1e3, 0.1]
        look(used, z, 2.0 * k)
    assert process_time() - begin < 10.0
    assert len(used.targets(0.0).label) <= 4096
    assert np.isfinite(used.targets(0.0).mean).all()


def test_detections_that_there_is_no_room_for_are_named():
    rng, used = np.random.default_rng(7), tracker(capacity=16)
    codes = look(used, false(rng, 40), 0.0)
    assert sorted(codes.tolist()) == [0] * 16 + [CODES["quota"]] * 24


def test_a_full_memory_keeps_what_it_has():
    rng, used = np.random.default_rng(8), tracker(capacity=12)
    starts = [(6e3, y, 500.0) for y in np.linspace(-4e4, 4e4, 8)]
    for k, states in enumerate(straight(starts, [(30.0, 0.0, 0.0)] * 8, 12)):
        look(used, plots(states, rng), 2.0 * k)
    labels = used.targets().label.tolist()
    assert len(labels) == 8
    for k in range(12, 20):
        flight = straight(starts, [(30.0, 0.0, 0.0)] * 8, k + 1)[k]
        look(used, np.vstack([plots(flight, rng), false(rng, 60)])[:12], 2.0 * k)
        assert used.targets().label.tolist() == labels
        assert len(used.targets(0.0).label) <= 12


def test_a_crowd_that_is_too_large_for_joint_hypotheses_is_followed_all_the_same():
    rng, used = np.random.default_rng(13), tracker()
    starts = [(6e3, 4e3, 500.0) + rng.normal(size=3) * [80.0, 80.0, 20.0] for _ in range(2 * LIMITS["MEMBERS"])]
    flight = straight(starts, [(30.0, 5.0, 0.0)] * len(starts), 15)
    for k, states in enumerate(flight):
        look(used, plots(states, rng)[rng.random(len(starts)) < 0.9], 2.0 * k)
        assert used.memory.groups["size"].max() <= LIMITS["MEMBERS"]
    found = used.targets()
    assert 0.7 * len(starts) < len(found.label) < 1.3 * len(starts)
    off = np.linalg.norm(found.mean[:, None, :3] - np.array(flight[-1])[None, :, :3], axis=2)
    assert off.min(1).max() < 300.0


def test_how_arrays_lie_in_memory_changes_nothing_and_compiles_nothing():
    one, other = tracker(), tracker()
    for k, (z, R) in enumerate(scene(RADAR)):
        look(one, z, 2.0 * k, RADAR, R)
        laid = np.asfortranarray(np.repeat(z, 2, axis=0)[::2])
        wide = np.asfortranarray(np.tile(R, (len(z), 1, 1)))
        at = np.repeat(batch(z, 2.0 * k).time, 2)[::2]
        same = detections(Kind.POLAR, "sensor", NOW, at, laid, wide, place=SITE, time_sigma=np.zeros(len(z)))
        other.look(same, RADAR, NOW + round(2.0 * k * SECOND))
    assert bits(one) == bits(other)
    assert compiled_forms() == 1


def test_looks_without_detections_are_looks():
    used = tracker()
    assert look(used, np.empty((0, 4)), 0.0).tolist() == []
    assert used.targets(0.0).label.tolist() == []
    look(used, plots([ecef((6e3, 4e3, 500.0), (0.0, 0.0, 0.0))], np.random.default_rng(0)), 2.0)
    first = used.targets(0.0).existence[0]
    look(used, np.empty((0, 4)), 4.0)
    assert used.targets(0.0).existence[0] < 0.3 * first


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


def test_a_look_of_another_kind_is_a_fault_of_the_caller():
    with pytest.raises(ValueError, match="a look of POLAR by a sensor of POSITION"):
        tracker().look(batch(np.empty((0, 4)), 0.0), POSITIONS, NOW)


def test_covariances_stay_symmetric_and_positive():
    used = tracker()
    for k, (z, R) in enumerate(scene(RADAR, seconds=20)):
        look(used, z, 2.0 * k, RADAR, R)
        P = used.targets(0.0).covariance
        assert (np.linalg.eigvalsh(P)[:, 0] > 0.0).all()
        np.testing.assert_allclose(P, P.swapaxes(1, 2), rtol=1e-12)


@pytest.mark.xfail(strict=True, reason="a look in the past is taken as if it were of the time of the targets")
def test_a_look_of_the_past_is_refused():
    rng, used = np.random.default_rng(10), tracker()
    flight = straight([(8e3, 5e3, 800.0)], [(-40.0, 20.0, 0.0)], 11)
    for k in range(11):
        look(used, plots(flight[k], rng), 2.0 * k)
    with pytest.raises(ValueError, match="time"):
        look(used, plots(flight[8], rng), 16.0)


@pytest.mark.xfail(strict=True, reason="nothing checks it, and compiled code would write beyond its arrays")
@pytest.mark.parametrize("hypotheses", [0, 25, 100])
def test_as_many_joint_hypotheses_as_there_is_no_room_for_are_refused(hypotheses):
    with pytest.raises(ValueError, match="hypotheses"):
        tracker(hypotheses=hypotheses)
