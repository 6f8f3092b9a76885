"""Targets where a radar has false alarms: begun however many it has, and not taken for them when they are many."""

import numpy as np
import pytest
from filter_memory import NOW, SECOND, SITE, opened
from filter_reference import polar
from filter_sky import ecef

from skywarden.model.detection import Kind, detections
from skywarden.track import clutter
from skywarden.track.pmb import Filter, Sensor, Unseen
from skywarden.track.settings import TrackerSettings, filter_settings, unseen_per_m2

SIGMA = np.array([5.0, 0.01, 0.015, 1.0])
NEAR, FAR = 1_000.0, 3_000.0  # m: where things happen


def radar(per_km2):
    """Return a radar as the engine tells the filter of one. per_km2: false alarms of a look."""
    return Sensor(Kind.POLAR, 0.9, per_km2 * 1e-6, whole=False, missable=True, revisit_s=1.0)


def tracker():
    """Return a filter with the engine's settings."""
    settings = TrackerSettings()
    unseen = Unseen(SITE, 25e3, np.full((8, 8), unseen_per_m2(settings)), np.zeros((8, 8)))
    return Filter(filter_settings(settings), unseen, 1024)


def look(used, sensor, z, seconds, name="radar", R=None):
    """Let a radar have some detections (n, 4)."""
    time, n = NOW + seconds * SECOND, len(z)
    R = np.broadcast_to(np.diag(SIGMA**2), (n, 4, 4)) if R is None else R
    used.look(detections(sensor.kind, name, time, np.full(n, time), z, R, place=SITE, revisit=1.0), sensor, time)


def sure(used):
    return int(used.memory.targets["confirmed"][: used.memory.counts[0]].sum())


@pytest.mark.parametrize("per_km2", [0.001, 0.01, 0.1, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_however_many_false_alarms_there_are_what_comes_again_is_a_target(per_km2, seed):
    rng, used, found = np.random.default_rng(seed), tracker(), []
    for k in range(12):
        state = ecef((1_500.0 - 15.0 * k, 900.0 + 5.0 * k, 120.0), (-15.0, 5.0, 0.0))
        z = polar(state, SITE)[0] + rng.normal(size=4) * SIGMA
        z[3] = np.nan
        look(used, radar(per_km2), z[None], k)
        found.append(sure(used))
    assert found[4:] == [1] * 8
    assert found[1] == 0


def rings(used, row=0):
    """Return how many false alarms a look are known between NEAR and FAR of the radar that came as the row-th."""
    slant = np.linspace(NEAR, FAR, 2_000)
    memory = opened(used.memory)
    memory.sense[0].sensor = row
    per_m2 = np.array([clutter.known(memory, each, memory.sense[0]) for each in slant])
    return float((per_m2 * 2.0 * np.pi * slant).mean() * (FAR - NEAR))


def anywhere(rng, count, far=FAR):
    """Return (count, 4) detections of nothing, evenly over the ground between NEAR and `far`."""
    z = np.empty((count, 4))
    z[:, 0] = np.sqrt(rng.uniform(NEAR**2, far**2, count))
    z[:, 1], z[:, 2], z[:, 3] = rng.uniform([-np.pi, 0.0, -50.0], [np.pi, 0.3, 50.0], (count, 3)).T
    return z


@pytest.mark.parametrize("count", [5, 20])
def test_false_alarms_are_known_after_two_minutes(count):
    rng, used = np.random.default_rng(count), tracker()
    for k in range(120):
        look(used, radar(1e-3), anywhere(rng, count), k)
    assert rings(used) == pytest.approx(count, rel=0.25)
    assert sure(used) == 0


def test_a_swarm_that_appears_in_a_ring_is_no_false_alarms():
    rng, used = np.random.default_rng(5), tracker()
    around = rng.uniform(-np.pi, np.pi, 40)
    places = np.stack([1_500.0 * np.sin(around), 1_500.0 * np.cos(around), rng.uniform(50.0, 250.0, 40)], 1)
    heading = rng.uniform(-np.pi, np.pi, 40)
    speeds = 12.0 * np.stack([np.sin(heading), np.cos(heading), np.zeros(40)], 1)
    for k in range(30):
        states = [ecef(p + v * k, v) for p, v in zip(places, speeds, strict=True)]
        z = np.array([polar(state, SITE)[0] for state in states])
        z = (z + rng.normal(size=z.shape) * SIGMA)[rng.random(40) < 0.9]
        look(used, radar(1e-3), np.concatenate([z, anywhere(rng, 3)]), k)
    assert sure(used) >= 40
    assert rings(used) < 8.0


def test_more_false_alarms_than_there_is_room_for_keep_no_likely_target_out():
    rng, used, found = np.random.default_rng(6), tracker(), []
    for k in range(80):
        z = anywhere(rng, 800, 10e3)
        if k >= 70:
            state = ecef((30e3 - 40.0 * k, 9e3, 500.0), (-40.0, 0.0, 0.0))
            z = np.concatenate([z, [polar(state, SITE)[0] + rng.normal(size=4) * SIGMA]])
        look(used, radar(1e-3), z, k)
        found.append(sure(used))
    assert used.memory.counts[0] > TrackerSettings().max_tentative_per_sensor // 2
    assert found[69:] == [found[69]] * 3 + [found[69] + 1] * 8


@pytest.mark.parametrize("away", [3e3, 9e3])
@pytest.mark.parametrize("seed", range(2))
def test_where_false_alarms_take_all_room_no_place_is_refused_for_good(away, seed):
    rng, used, found = np.random.default_rng(seed), tracker(), []
    for k in range(110):
        z = anywhere(rng, 600, 10e3)
        if k >= 70:
            state = ecef((away - 20.0 * (k - 70), 500.0, 200.0), (-20.0, 0.0, 0.0))
            z = np.concatenate([z, [polar(state, SITE)[0] + rng.normal(size=4) * SIGMA]])
        look(used, radar(1e-3), z, k)
        found.append(sure(used))
    assert found[-1] == found[69] + 1


def test_what_one_radar_has_of_false_alarms_another_has_not():
    rng, used = np.random.default_rng(1), tracker()
    for k in range(90):
        look(used, radar(1e-3), anywhere(rng, 30), k, "noisy")
        look(used, radar(1e-3), np.zeros((0, 4)), k, "quiet")
    assert rings(used, 0) == pytest.approx(30.0, rel=0.25)
    assert rings(used, 1) < 1.0


def test_one_vague_detection_among_many_targets_takes_no_target_its_own():
    rng, used = np.random.default_rng(2), tracker()
    east, north = (a.ravel() for a in np.meshgrid(np.linspace(-20e3, 20e3, 20), np.linspace(5e3, 40e3, 20)))
    for k in range(16):
        states = [ecef((x - 30.0 * k, y, 800.0), (-30.0, 0.0, 0.0)) for x, y in zip(east, north, strict=True)]
        z = np.array([polar(state, SITE)[0] for state in states]) + rng.normal(size=(400, 4)) * SIGMA
        R = np.broadcast_to(np.diag(SIGMA**2), (400, 4, 4)).copy()
        if k >= 6:
            R[k] = np.diag([20_000.0, 1.0, 0.5, 100.0]) ** 2
        look(used, radar(1e-5), z, k, R=R)
    assert sure(used) >= 400
    assert len(used.targets(0.9).label) >= 398
