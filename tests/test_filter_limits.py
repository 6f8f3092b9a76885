"""What the filter does with bad input, with too much of it, and without any."""

from time import process_time

import numpy as np
import pytest
from filter_memory import CODES, LIMITS, NOW, SECOND, SITE, compiled_forms
from filter_sky import (
    NOISE,
    PLANES,
    POSITIONS,
    RADAR,
    SIGMA,
    batch,
    bits,
    ecef,
    false,
    look,
    plots,
    scene,
    straight,
    tracker,
)
from scipy.stats import chi2

from skywarden.model.detection import Kind, detections
from skywarden.track.pmb import Filter, FilterSettings, Sensor, chi2_limits, evenly
from skywarden.track.settings import TrackerSettings


@pytest.mark.parametrize("clutter", [1e-14, 1e-18, 0.0])
def test_a_sensor_without_false_alarms_where_nothing_appears_keeps_its_targets(clutter):
    rng, used = np.random.default_rng(0), Filter(FilterSettings(), evenly(SITE, 60e3, 5.0, 0.0), 64)
    sensor = Sensor(Kind.POLAR, detection=0.9, clutter=clutter, reach_m=60e3)
    flight = straight([(8e3, 5e3, 800.0), (8.1e3, 5.1e3, 800.0)], [(-40.0, 20.0, 0.0)] * 2, 25)
    for k, states in enumerate(flight):
        look(used, plots(states, rng)[rng.random(2) < 0.9], 2.0 * k, sensor)
    assert len(used.targets().label) == 2
    assert np.isfinite(used.memory.unseen).all()


def test_a_look_of_more_detections_than_there_may_be_targets_misses_none_that_is_known():
    rng, used = np.random.default_rng(1), Filter(FilterSettings(), evenly(SITE, 60e3, 5.0, 0.0), 64)
    sensor = Sensor(Kind.POLAR, detection=0.9, clutter=1e-9, reach_m=60e3)
    flight = straight([(8e3, 5e3, 800.0)], [(-40.0, 20.0, 0.0)], 10)
    for k, states in enumerate(flight):
        crowd = false(rng, 300) if k > 5 else np.zeros((0, 4))
        look(used, np.concatenate((crowd, plots(states, rng))), 2.0 * k, sensor)
    assert used.targets().existence.max() > 0.99


def test_settings_without_end_are_refused_in_words():
    with pytest.raises(ValueError, match="end_after_s must be a finite number"):
        FilterSettings(end_after_s=np.inf)
    with pytest.raises(ValueError, match="settle_s must be a finite number"):
        TrackerSettings(settle_s=np.inf)
    with pytest.raises(ValueError, match="capacity must be 1 or more"):
        Filter(FilterSettings(), evenly(SITE, 60e3, 5.0, 0.0), 0)


BAD = {
    "nan range": (0, np.nan, None, "not finite"),
    "nan azimuth": (1, np.nan, None, "not finite"),
    "infinite elevation": (2, np.inf, None, "not finite"),
    "infinite range rate": (3, -np.inf, None, "not finite"),
    "negative range": (0, -5.0, None, "implausible"),
    "no range": (0, 0.0, None, "implausible"),
    "huge range": (0, 1e9, None, "implausible"),
    "over the zenith": (2, 2.0, None, "implausible"),
    "azimuth of many turns": (1, 1e4, None, "implausible"),
    "azimuth that is no angle": (1, -1e300, None, "implausible"),
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
        (PLANES, [9.0, 0.5]),
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


def test_a_look_of_another_kind_is_a_fault_of_the_caller():
    with pytest.raises(ValueError, match="a look of POLAR by a sensor of POSITION"):
        tracker().look(batch(np.empty((0, 4)), 0.0), POSITIONS, NOW)


def test_a_look_of_the_past_is_refused():
    rng, used = np.random.default_rng(10), tracker()
    flight = straight([(8e3, 5e3, 800.0)], [(-40.0, 20.0, 0.0)], 11)
    for k in range(11):
        look(used, plots(flight[k], rng), 2.0 * k)
    with pytest.raises(ValueError, match="time"):
        look(used, plots(flight[8], rng), 16.0)


@pytest.mark.parametrize("hypotheses", [0, 25, 100])
def test_as_many_joint_hypotheses_as_there_is_no_room_for_are_refused(hypotheses):
    with pytest.raises(ValueError, match="hypotheses"):
        tracker(hypotheses=hypotheses)


@pytest.mark.parametrize("probability", [0.5, 0.9, 0.99, 0.9999, 0.999999])
def test_the_gates_are_chi_squares_quantiles(probability):
    assert chi2_limits(1.0) == [np.inf] * 4
    assert chi2_limits(probability) == pytest.approx(chi2.ppf(probability, [1, 2, 3, 4]), rel=1e-9)
