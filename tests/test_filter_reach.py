"""Which leaves a look can concern at all, and who should have been seen by now: against searching all, and twins."""

import numpy as np
import pytest
from filter_books import forget, near, overdue, seen, turn_to, wake
from filter_memory import NOW, SECOND, SITE, anywhere, empty, fill, find, given, put, tie
from filter_reference import polar
from scipy.linalg import expm
from track_world import Flight, Radar, Sky

from skywarden import geo
from skywarden.model.detection import Kind
from skywarden.track.pmb import FilterSettings, Sensor
from skywarden.track.settings import TrackerSettings

KINDS = {kind.name.lower(): kind for kind in (Kind.POLAR, Kind.POSITION, Kind.PLANE, Kind.DIRECTION)}
SIGMA = {
    Kind.POLAR: np.array([50.0, 0.004, 0.006, 2.0]),
    Kind.POSITION: np.full(3, 40.0),
    Kind.PLANE: np.full(2, 200.0),
    Kind.DIRECTION: np.full(2, 0.003),
}
PD, REVISIT = 0.8, 4.0
SEEDS = 30
TURNING = Sensor(Kind.POLAR, detection=PD, clutter=1e-9, whole=False, missable=True, revisit_s=REVISIT)


def measured(rng, kind, mean, errors):
    """Return a detection of a state, some sigma off."""
    error = rng.normal(size=len(SIGMA[kind])) * SIGMA[kind] * errors
    if kind in (Kind.POLAR, Kind.DIRECTION):
        z = polar(mean, SITE)[0]
        return (z if kind == Kind.POLAR else z[1:3]) + error
    if kind == Kind.POSITION:
        return mean[:3] + error
    latitude, longitude, _ = geo.geodetic(mean[:3])
    return np.array([latitude, longitude]) + error / 6.4e6


def scene(rng, kind):
    """Return a memory with leaves of other times than the look, and how many plots there are about a few of them."""
    settings = FilterSettings(late_s=60.0, faint_odds=0.0, address_gate_factor=float(rng.choice([1.0, 4.0])))
    memory = empty(Sensor(kind, detection=0.9, clutter=1e-9, whole=False), settings)
    leaves, z = [], []
    for k in range(20):
        one = anywhere(rng, sigma=float(10.0 ** rng.uniform(0.5, 3.0)), apart=float(rng.uniform(0.0, 3.0)))
        one.mean[:, 3:] += rng.normal(size=3) * rng.choice([1.0, 100.0])
        leaves.append(one._replace(weight=(1.0, 0.0)) if rng.random() < 0.5 else one)
        dt = float(rng.choice([0.0, rng.uniform(-15.0, 30.0)]))
        row = put(memory, leaves[-1], NOW - round(dt * SECOND))
        memory.targets["address"][row] = rng.choice([-1, 7])
        if k < rng.integers(1, 4):  # plots beside the first ones, off as the doubt is large
            now = one.mean[0] + np.concatenate([dt * one.mean[0, 3:], np.zeros(3)])
            for _ in range(2):
                off = rng.multivariate_normal(np.zeros(6), one.covariance[0]) * rng.choice([1.0, 4.0])
                z.append(measured(rng, kind, now + off, float(rng.choice([1.0, 4.0]))))
    lag = rng.uniform(-2.0, 2.0, len(z)) * rng.choice([0.0, 1.0])
    doubt = rng.uniform(0.0, 2.0, len(z)) * rng.choice([0.0, 1.0])
    detections = given(z, np.tile(np.diag(SIGMA[kind] ** 2), (len(z), 1, 1)), lag, doubt)
    detections.address[:] = rng.choice([-1, 7], len(z))
    m = fill(memory, detections, born=1e-30)
    memory.plots["clutter"] = 1e-30
    return memory, m


@pytest.mark.parametrize("name", KINDS)
def test_what_is_ruled_out_without_prediction_fits_no_plot(name):
    ruled, paired = 0, 0
    for seed in range(SEEDS):
        memory, m = scene(np.random.default_rng(seed), KINDS[name])
        active = near(memory, m)
        fitting = set(find(memory, m)["leaf"].tolist())
        assert active[sorted(fitting)].all(), seed
        ruled, paired = ruled + int((active == 0).sum()), paired + len(fitting)
    assert ruled > 0.1 * SEEDS * 20  # and it does rule many out
    assert paired > SEEDS


@pytest.mark.parametrize("latitude, longitude", [(0.0, 0.0), (0.0, 90.0), (89.9, 0.0), (29.5, -45.75)])
def test_a_place_on_a_map_concerns_whatever_flies_above_it(latitude, longitude):
    z = np.radians([latitude, longitude])
    memory = empty(Sensor(Kind.PLANE, detection=0.9, clutter=1e-9, whole=False))
    for height in (50.0, 9e3, 13e3, 20e3):
        mean = np.concatenate([geo.ecef(*z, height), np.zeros(3)])
        leaf = anywhere(np.random.default_rng(1), sigma=10.0)
        put(memory, leaf._replace(mean=np.stack([mean, mean]), weight=(1.0, 0.0)))
    m = fill(memory, given([z], [np.eye(2) * 200.0**2]), born=1e-30)
    memory.plots["clutter"] = 1e-30
    assert near(memory, m).tolist() == [1, 1, 1, 1]
    assert find(memory, m)["leaf"].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("turns", [1.0, -3.0, 10.0])
def test_an_azimuth_some_turns_on_is_the_same_one(turns):
    leaf = anywhere(np.random.default_rng(1), sigma=20.0, apart=0.0)
    memory = empty(TURNING)
    put(memory, leaf._replace(weight=(1.0, 0.0)))
    z = np.tile(polar(leaf.mean[0], SITE)[0], (2, 1))
    z[0, 1] += turns * 2.0 * np.pi
    m = fill(memory, given(z, np.tile(np.diag(SIGMA[Kind.POLAR] ** 2), (2, 1, 1))), born=1e-30)
    memory.plots["clutter"] = 1e-30
    assert near(memory, m).tolist() == [1]
    assert len(find(memory, m)) == 2


@pytest.mark.parametrize("wedge, before, missed", [(0, 0, PD), (0, 1, 0.0), (1, 0, 0.0)])
def test_who_has_a_plot_just_there_sees_the_place_but_a_range_of_a_wedge_may_be_anybody(wedge, before, missed):
    leaf = anywhere(np.random.default_rng(1), sigma=20.0, apart=0.0)
    memory = empty(TURNING)
    put(memory, leaf._replace(weight=(1.0, 0.0)))
    memory.targets["wedge"][0] = wedge
    z, covariance = polar(leaf.mean[0], SITE)[0][None], np.diag(SIGMA[Kind.POLAR] ** 2)[None]
    m = fill(memory, given(z, covariance), born=1e-30)
    memory.plots["clutter"] = 1e-30
    (pair,) = find(memory, m, seen=before)
    assert memory.views[0].missed == missed
    assert memory.views[0].crowded == (0 if before else 2 if wedge else 1)  # no, only if it is a known target's, yes
    like = pair["likelihood"][0] * PD * leaf.existence
    assert pair["odds"] == pytest.approx(like if wedge else like / (1.0 - leaf.existence * PD), rel=1e-12)


def test_a_leaf_that_is_ruled_out_stays_as_it_is():
    memory, m = scene(np.random.default_rng(2), Kind.POLAR)
    before = memory.leaves[: memory.counts[1]].copy()
    active = near(memory, m)
    find(memory, m, active)
    assert 0 < active.sum() < len(active)
    for i in np.flatnonzero(active == 0):
        assert memory.leaves[i].tobytes() == before[i].tobytes()


def test_a_group_is_looked_at_as_a_whole_or_not_at_all():
    rng = np.random.default_rng(3)
    leaf = anywhere(rng, sigma=20.0, apart=0.0)
    leaf.mean[:, 3:] = 0.0
    memory = empty(TURNING, capacity=64)
    rows = []
    for away in (0.0, 60e3, 61e3, 62e3, 63e3):
        off = np.concatenate([away * SITE.rotation[0], np.zeros(3)])
        rows.append(put(memory, leaf._replace(mean=leaf.mean + off)))
    tie(memory, 0, [[rows[0], rows[1]], [rows[0], -1]], (0.6, 0.4))
    tie(memory, 1, [[rows[3], rows[4]]], (1.0,))
    assert fill(memory, given([polar(leaf.mean[0], SITE)[0]], [np.diag(SIGMA[Kind.POLAR] ** 2)])) == 1
    assert near(memory, 1).tolist() == [1, 1, 0, 0, 0]


def test_a_look_that_covers_all_concerns_all():
    memory, m = scene(np.random.default_rng(2), Kind.POLAR)
    memory.sense["whole"] = 1
    assert near(memory, m).all()


def markov(view, seconds):
    """Return how likely a target is in view `seconds` later: two states, alike, mean time of change a minute."""
    rate = 0.5 / 60.0  # there and back; together they take up a minute
    return (np.array([view, 1.0 - view]) @ expm(np.array([[-rate, rate], [rate, -rate]]) * seconds))[0]


@pytest.mark.parametrize("seed", range(20))
def test_who_should_have_been_seen_is_as_the_markov_chain_says(seed):
    rng = np.random.default_rng(seed)
    memory, books, since = empty(TURNING), [], float(rng.uniform(-40.0, -15.0))
    for t in range(12):
        put(memory, anywhere(rng))
        sensors = rng.permutation(5)[: rng.integers(1, 5)].tolist()
        books.append({s: (float(rng.uniform(-40.0, 1.0)), float(rng.uniform(0.0, 1.0))) for s in sensors})
        seen(memory, t, books[t])
    memory = memory._replace(sensors=np.zeros((5, 3), np.int64))
    turn_to(memory, 0.0, sensor=2)
    memory.sensors[2, :2] = NOW, NOW + round(since * SECOND)
    found = overdue(memory)
    for t, by in enumerate(books):
        slot, just, expected, sight = -1, 0, 0.0, 0.5
        for k, (sensor, (until, view)) in enumerate(by.items()):
            gap, left, there = 0.0 - max(until, since), view, markov(view, max(0.0 - until, 0.0))
            if sensor == 2:
                slot, just = (k, 0) if gap > 0.5 * REVISIT else (-1, 1)
                sight = there
            if sensor == 2 and gap > 1.3 * REVISIT:
                expected = there * PD
                left = there * (1 - PD) / (there * (1 - PD) + 1 - there)  # Bayes: in view and missed, or not in view
                until = 0.0
            assert found.looked_at[t, k] == pytest.approx(until, abs=1e-8)
            assert found.in_view[t, k] == pytest.approx(left, rel=1e-9)
        assert (found.slot[t], found.seen[t]) == (slot, just)
        assert found.sight[t] == pytest.approx(sight, rel=1e-9)
        assert found.expected[t] == pytest.approx(expected, rel=1e-9)
    assert {e > 0 for e in found.expected} == {True, False}


@pytest.mark.parametrize("whole, missable", [(1, 1), (0, 0), (1, 0)])
def test_a_sensor_that_covers_all_or_need_not_see_again_misses_nothing_by_time(whole, missable):
    memory = empty(TURNING)
    put(memory, anywhere(np.random.default_rng(1)))
    seen(memory, 0, {0: (-60.0, 1.0)})
    memory.sense["whole"], memory.sense["missable"] = whole, missable
    found = overdue(memory)
    assert (found.slot.tolist(), found.expected.tolist()) == ([-1], [0.0])
    assert found.looked_at[0, 0] == pytest.approx(-60.0)


@pytest.mark.parametrize("gap, looks", [(1.31, 0), (1.49, 0), (1.51, 1), (2.0, 1), (2.4, 1), (3.0, 2), (30.0, 8)])
def test_looks_without_a_message_of_who_begins_targets_are_misses(gap, looks):
    """Of others nothing is known of these; the look at hand is asked for as ever."""
    rng = np.random.default_rng(1)
    states = [anywhere(rng) for _ in range(2)]
    for begins in (0.0, 20e3):
        memory = empty(Sensor(Kind.DIRECTION, PD, 0.1, whole=False, missable=True, revisit_s=REVISIT, begins_m=begins))
        for t, one in enumerate(states):
            put(memory, one)
            seen(memory, t, {2 - t: (-gap * REVISIT, 0.9)})
        memory = memory._replace(sensors=np.zeros((3, 3), np.int64))
        turn_to(memory, 0.0, sensor=2)
        memory.sensors[2, :2] = NOW, 0
        found = overdue(memory)
        r, view = states[0].existence, markov(0.9, gap * REVISIT)
        for _ in range(looks if begins else 0):
            r *= (1.0 - view * PD) / (1.0 - r * view * PD)
            view = view * (1.0 - PD) / (1.0 - view * PD)
        assert memory.leaves["existence"][0] == pytest.approx(r, rel=1e-9)
        assert memory.leaves["existence"][1] == states[1].existence  # another sensor's
        assert found.sight[0] == pytest.approx(view, rel=1e-9)
        assert found.expected[0] == pytest.approx(view * PD, rel=1e-9)


def test_after_a_pause_of_a_sensor_nothing_was_missed_meanwhile():
    memory = empty(TURNING)
    put(memory, anywhere(np.random.default_rng(1)))
    assert wake(memory, 0.0) == (0.0, 0.0)
    seen(memory, 0, {0: (0.0, 1.0)})
    assert wake(memory, 9.0) == (9.0, 0.0)  # less than 2.5 revisits
    assert wake(memory, 4.0) == (9.0, 0.0)  # a late one
    assert wake(memory, 9.0 + 60.0) == (69.0, 69.0)
    assert overdue(memory).slot.tolist() == [-1]
    wake(memory, 69.0 + 0.6 * REVISIT)
    found = overdue(memory)
    assert (found.slot.tolist(), found.expected.tolist()) == ([0], [0.0])
    wake(memory, 69.0 + 1.4 * REVISIT)
    assert overdue(memory).expected[0] == pytest.approx(PD * markov(1.0, 69.0 + 1.4 * REVISIT), rel=1e-9)
    wake(memory, 69.0 + 1.5 * REVISIT)
    assert overdue(memory).slot.tolist() == [-1]  # once for each time it passes


@pytest.mark.parametrize(
    "existence, confirmed, own, unseen, kept",
    [
        (0.05, 0, True, 8.7, True),  # 2.2 revisits
        (0.05, 0, True, 8.9, False),
        (0.05, 1, True, 1e4, True),
        (0.3, 0, True, 17.5, True),  # waited for twice as long
        (0.3, 0, True, 17.7, False),
        (0.05, 0, False, 18.7, True),  # its own sensor may be late by 10 s
        (0.05, 0, False, 18.9, False),
    ],
)
def test_who_is_not_confirmed_is_waited_for_so_long(existence, confirmed, own, unseen, kept):
    memory = empty(TURNING, FilterSettings(brief_looks=2.2))
    put(memory, anywhere(np.random.default_rng(1))._replace(existence=existence))
    put(memory, anywhere(np.random.default_rng(2))._replace(existence=existence))
    memory.targets["revisit"], memory.targets["confirmed"] = REVISIT, confirmed
    seen(memory, 0, {0 if own else 1: (-unseen, 1.0)})
    memory.targets["seen"] = NOW - round(unseen * SECOND)
    seen(memory, 1, {0 if own else 1: (-unseen, 1.0)})
    memory.leaves["group"][1] = 0  # in a group: its hypotheses decide
    assert forget(memory).tolist() == [existence if kept else 0.0, existence]


def test_a_quick_sensor_is_given_two_seconds_at_least():
    memory = empty(TURNING, FilterSettings(brief_looks=2.2, brief_least_s=2.0))
    for unseen in (1.9, 2.1):
        row = put(memory, anywhere(np.random.default_rng(1))._replace(existence=0.05))
        seen(memory, row, {0: (-unseen, 1.0)})
        memory.targets["seen"][row], memory.targets["revisit"][row] = NOW - round(unseen * SECOND), 0.1
    assert forget(memory).tolist() == [0.05, 0.0]


class Masked(Radar):
    """Sees nothing of the first flight from 60 s on, and of the second but one look."""

    def look(self, flights, t, rng):
        sees = (t < 60.0, t == 40.0, True)
        return super().look([f for f, seen in zip(flights, sees, strict=True) if seen], t, rng)


def test_who_was_seen_often_lives_on_behind_a_hill_and_who_was_seen_once_does_not():
    flights = [Flight(0, 0, 1000, 50, 0.0), Flight(8000, 0, 1000, 50, 0.0), Flight(-8000, 0, 1000, 50, 0.0)]
    radar = Masked("radar", 0.0, -20_000.0, detection=1.0)
    lasting = TrackerSettings(drop_after_s=1000.0, drop_looks=1000.0, new_targets_per_km2=1e-3)
    sky = Sky(flights, [radar], settings=lasting).run(42.0)
    tracks, often = sky.picture.tracks, sky.shown().label.tolist()
    assert len(often) == 2
    once = tracks.label[(tracks.hits == 1) & (tracks.existence > 0.1)]
    assert len(once) >= 1
    sky.run(160.0)
    assert sky.shown().label.tolist() == often
    assert 0.5 < sky.shown().existence.min() < 0.999 < sky.shown().existence.max()
    tracks = sky.picture.tracks
    assert tracks.existence[np.isin(tracks.label, once)].max(initial=0.0) < 0.01
