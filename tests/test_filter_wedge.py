"""A bearing that may be nobody's: ranges of equal ratio, what is known of each, and how other places decide."""

import numpy as np
import pytest
from filter_bearings import FINDER, REACH, SETTINGS, SIGMA, R
from filter_memory import NOW, SECOND, SITE, empty, fill, given, take
from filter_sky import ecef
from scipy.integrate import quad
from scipy.stats import norm

from skywarden import geo, kernel
from skywarden.model.detection import Kind, detections
from skywarden.track import Air, Filter, Sensor, evenly
from skywarden.track.mixture import moments
from skywarden.track.ranges import RANGES, SPAN, WIDER, assume, step, within


def lone(z, sensor=FINDER, settings=SETTINGS, capacity=64):
    """Return a memory in which one bearing is all that there is."""
    memory = empty(sensor, settings, capacity)
    if sensor.kind == Kind.SOUND:
        take(memory, given(np.array([(*z, np.nan)]), np.pad(R, (0, 1))[None]))
    else:
        take(memory, given(np.array([z]), R[None]))
    return memory


def plot_of(z):
    memory = empty(FINDER, SETTINGS)
    assert fill(memory, given(np.array([z]), R[None])) == 1
    return memory, memory.plots[0]


@pytest.mark.parametrize("elevation", [np.nan, 0.02, 0.3])
def test_each_step_holds_what_its_part_of_space_holds(elevation):
    memory, plot = plot_of((0.4, elevation))
    edges = [step(memory.sense[0], k) for k in range(RANGES)]
    assert edges[0][0] == pytest.approx(REACH / SPAN)
    assert edges[-1][1] == pytest.approx(REACH)
    ratios = np.array([high / low for low, high in edges])
    assert ratios == pytest.approx(ratios[0])
    assert [high for _, high in edges[:-1]] == pytest.approx([low for low, _ in edges[1:]])
    order = 1 if np.isnan(elevation) else 2
    for k, (low, high) in enumerate(edges):
        mean, sigma, number = within(plot, memory.sense[0], k, memory.parameters[0])
        volume = quad(lambda r: r**order, low, high)[0]
        middle = quad(lambda r: r ** (order + 1), low, high)[0] / volume
        spread = quad(lambda r, at=middle: (r - at) ** 2 * r**order, low, high)[0] / volume
        assert (mean, sigma) == pytest.approx((middle, WIDER[order - 1] * np.sqrt(spread)), rel=1e-9)
        if order == 1:
            assert number == pytest.approx(volume, rel=1e-9)
            continue
        up = 50.0 + mean * np.sin(elevation) + (mean * np.cos(elevation)) ** 2 / (2 * 6378137.0)
        doubt = np.hypot(mean * np.cos(elevation) * SIGMA, sigma * np.sin(elevation)) + 1.0
        inside = norm.cdf(3000.0, up, doubt) - norm.cdf(0.0, up, doubt)
        assert number == pytest.approx(volume * np.cos(elevation) * inside / 3000.0, rel=0.02)


def test_far_away_the_earth_falls_away_under_a_level_bearing():
    far = Sensor(Kind.DIRECTION, 0.9, 1e-3, whole=False, reach_m=250e3, begins_m=250e3)
    memory = empty(far, SETTINGS)
    assert fill(memory, given(np.array([(0.4, 0.0)]), np.eye(2)[None] * 1e-6)) == 1
    sense, parameters = memory.sense[0], memory.parameters[0]
    mean, _, number = within(memory.plots[0], sense, RANGES - 1, parameters)
    assert mean**2 / (2 * 6378137.0) > 3100.0  # the ceiling is at 3,000 m
    doubt = np.hypot(mean * 1e-3, 1.0)
    above = norm.sf(mean**2 / (2 * 6378137.0) + 50.0 - 3000.0, scale=doubt)
    low, high = step(sense, RANGES - 1)
    assert number == pytest.approx((high**3 - low**3) / 3.0 / 3000.0 * above, abs=0.02 * (high**3 - low**3) / 9000.0)


def test_an_assumed_range_hangs_together_with_nothing():
    _, plot = plot_of((0.4, 0.1))
    plot.covariance[:] = 7.0
    assume(plot, 3000.0, 20.0)
    assert plot.z[0] == 3000.0
    assert plot.covariance[0].tolist() == plot.covariance[:, 0].tolist() == [400.0, 0.0, 0.0, 0.0]


def test_where_nobody_is_unseen_no_range_is_likely():
    """The map has cells of 2 km; none of the unseen is north of the second row after the middle."""
    memory = empty(FINDER, SETTINGS, cell=2e3)
    memory.unseen[0, 6:] = 0.0
    take(memory, given(np.array([(0.0, np.nan)]), R[None]))
    group = memory.groups[0]
    away = [SITE.rotation[1] @ (memory.leaves[i].mean[0, :3] - SITE.position) for i in group.choice[:RANGES, 0]]
    assert min(away) < 4e3 < max(away)
    assert ((group.weight[:RANGES] > 0.0) == (np.array(away) < 4e3)).all()


@pytest.mark.parametrize("elevation", [np.nan, 0.1])
def test_a_wedge_is_a_group_of_one_target(elevation):
    memory = lone((0.4, elevation))
    assert memory.counts[:3].tolist() == [1, RANGES, 1]
    group, target = memory.groups[0], memory.targets[0]
    assert (group.size, group.count, group.member[0], target.wedge) == (1, RANGES, 0, 1)
    assert group.weight[:RANGES].sum() == pytest.approx(1.0)
    _, plot = plot_of((0.4, elevation))
    sense, parameters = memory.sense[0], memory.parameters[0]
    known = np.array([within(plot, sense, k, parameters) for k in range(RANGES)])
    assert group.weight[:RANGES] == pytest.approx(known[:, 2] / known[:, 2].sum(), rel=1e-9)
    assert target.leaf == int(np.argmax(group.weight[:RANGES]))
    for k in range(RANGES):
        leaf = memory.leaves[group.choice[k, 0]]
        assert (leaf.group, leaf.target, leaf.time) == (0, 0, NOW)
        e = SITE.rotation @ (leaf.mean[0, :3] - SITE.position)
        assert np.arctan2(e[0], e[1]) == pytest.approx(0.4, abs=0.01)
        P = SITE.rotation @ leaf.covariance[0, :3, :3] @ SITE.rotation.T
        if np.isnan(elevation):  # as far over the ground, at the height that is the prior's
            assert np.hypot(e[0], e[1]) == pytest.approx(known[k, 0], rel=1e-6)
            assert e[2] + known[k, 0] ** 2 / (2.0 * 6378137.0) == pytest.approx(1500.0 - 50.0, abs=1.0)
            assert np.sqrt(P[2, 2]) == pytest.approx(900.0, rel=1e-6)
            assert np.abs(P[2, :2]).max() < 1.0
            e[2] = 0.0
        else:
            assert np.linalg.norm(e) == pytest.approx(known[k, 0], rel=1e-6)
        u = e / np.linalg.norm(e)
        assert np.sqrt(u @ P @ u) == pytest.approx(known[k, 1], rel=0.01)
        v = np.cross(u, [0.0, 0.0, 1.0]) / np.linalg.norm(u[:2])
        assert np.sqrt(v @ P @ v) == pytest.approx(np.hypot(np.hypot(e[0], e[1]) * SIGMA, 1.0), rel=0.01)


def test_as_many_are_expected_as_are_there_over_all_ranges():
    memory = lone((0.4, np.nan))
    whole = quad(lambda r: r, REACH / SPAN, REACH)[0]
    density = memory.unseen[0, 0, 0]
    born = 0.9 * density * whole
    clutter = 1e-3 * 0.1
    assert memory.leaves["existence"][0] == pytest.approx(born / (born + clutter), rel=1e-6)


def test_a_sound_begins_where_and_when_it_left():
    wind = np.array([8.0, 0.0, 0.0]) @ SITE.rotation
    air = Air(wind, 330.0, wind_sigma=2.0)
    ears = Sensor(Kind.SOUND, 0.8, 1e-3, whole=False, reach_m=6e3, begins_m=6e3, air=air)
    memory = lone((np.pi / 2, 0.1), ears)
    for k in range(RANGES):
        leaf = memory.leaves[memory.groups[0].choice[k, 0]]
        delay = (NOW - leaf.time) / SECOND
        seems = SITE.rotation @ (leaf.mean[0, :3] + delay * wind - SITE.position)
        assert np.linalg.norm(seems) == pytest.approx(330.0 * delay, rel=1e-6)
        assert np.arctan2(seems[0], seems[1]) == pytest.approx(np.pi / 2, abs=1e-6)
        across = SITE.rotation[1] @ leaf.covariance[0, :3, :3] @ SITE.rotation[1]
        away = 330.0 * delay * np.cos(0.1)
        assert across == pytest.approx((away * SIGMA) ** 2 + (2.0 * delay) ** 2, rel=0.01, abs=1.5)


def test_without_begins_a_bearing_starts_nothing():
    memory = lone((0.4, 0.1), Sensor(Kind.DIRECTION, 0.9, 1e-3, whole=False))
    assert memory.counts[0] == 0


@pytest.mark.parametrize("capacity, groups, code", [(RANGES, 0, 0), (RANGES - 1, 0, 4), (64, 1, 4)])
def test_where_there_is_no_room_nothing_begins_and_it_is_told(capacity, groups, code):
    memory = empty(FINDER, SETTINGS, capacity)
    memory.groups["size"] = groups
    bearing = given(np.array([(0.4, 0.1)]), R[None])
    take(memory, bearing)
    assert bearing.code.tolist() == [code]
    assert memory.counts[[0, 3]].tolist() == ([1, 1] if code == 0 else [0, 0])


@pytest.mark.parametrize("kind", [Kind.POLAR, Kind.POSITION])
def test_only_bearings_begin_wedges(kind):
    with pytest.raises(ValueError, match="begins_m"):
        Sensor(kind, 0.9, 1e-3, begins_m=1e3)


@pytest.mark.parametrize("far", [float("nan"), -1.0, 50.0, 100.0, 12001.0, 1e100])
def test_a_wedge_begins_within_reach(far):
    with pytest.raises(ValueError, match="begins_m"):
        Sensor(Kind.DIRECTION, 0.9, 1e-3, reach_m=REACH, begins_m=far)


def nearer(tracker, metres, time):
    """Return for each target how likely it is nearer than so many m, on the level."""
    found = []
    for label in tracker.targets(0.3).label.tolist():
        of = tracker.mixture(label, time)
        away = np.linalg.norm((of.mean[:, :3] - SITE.position) @ SITE.rotation[:2].T, axis=1)
        found.append(float(of.weight[away < metres].sum()))
    return found


@pytest.mark.parametrize("count, apart", [(2, 5.0), (2, 90.0), (5, 5.0), (13, 25.0), (20, 15.0)])
def test_wedges_beside_each_other_keep_their_ranges(count, apart):
    """What one place sees of several says no more of their ranges than what it sees of one."""
    shares = []
    for azimuths in (np.zeros(1), np.radians(apart * np.arange(count))):
        n = len(azimuths)
        tracker = Filter(SETTINGS, evenly(SITE, 40e3, 5.0, 1.0), 4096)
        everywhere = Sensor(Kind.DIRECTION, 0.9, 1e-3, reach_m=20e3, begins_m=20e3, revisit_s=2.0)
        for k in range(6):
            z, time = np.column_stack([azimuths, np.full(n, np.nan)]), NOW + 2 * k * SECOND
            looked = np.full(n, time), z, np.tile(R, (n, 1, 1))
            tracker.look(detections(Kind.DIRECTION, "one", time, *looked, place=SITE), everywhere, time)
        assert tracker.targets(0.3).wedge.tolist() == [True] * n
        shares.append(nearer(tracker, 10e3, time))
    assert len(shares[1]) == count
    assert shares[0][0] > 0.05
    assert shares[1] == pytest.approx(shares[0] * count, abs=0.04)


def seen(tracker, place, x, seconds, name, sensor=FINDER, rng=None):
    """Let a finder at a place see a target, x (6,) ECEF."""
    e = place.rotation @ (x[:3] - place.position)
    z = np.array([np.arctan2(e[0], e[1]), np.nan])
    z[0] += 0.0 if rng is None else SIGMA * rng.normal()
    time = NOW + round(seconds * SECOND)
    batch = detections(Kind.DIRECTION, name, time, np.array([time]), z[None], R[None], place=place)
    return tracker.look(batch, sensor, time)


def beside(east, north):
    """Return a place so many m from SITE."""
    return geo.place(*geo.geodetic(SITE.position + np.array([east, north, 0.0]) @ SITE.rotation))


def test_a_second_place_makes_a_point_of_a_wedge():
    rng = np.random.default_rng(4)
    tracker = Filter(SETTINGS, evenly(SITE, 30e3, 5.0, 1.0), 512)
    everywhere = Sensor(Kind.DIRECTION, 0.9, 1e-3, reach_m=REACH, begins_m=REACH, revisit_s=2.0)
    places = SITE, beside(5e3, 0.0)
    x = ecef((2e3, 4e3, 800.0), (30.0, 0.0, 0.0))
    seen(tracker, places[0], x, 0.0, "one", everywhere)
    found = tracker.targets()
    assert found.wedge.tolist() == [True]
    assert found.existence[0] > 0.9
    mixture = tracker.mixture(int(found.label[0]))
    assert mixture.weight.sum() == pytest.approx(1.0)
    assert len(mixture.weight) == RANGES
    mean, covariance = moments(mixture)
    assert mean == pytest.approx(found.mean[0])
    assert covariance == pytest.approx(found.covariance[0])
    for t in range(1, 20):
        x[:3] += x[3:]
        seen(tracker, places[t % 2], x, float(t), ("one", "two")[t % 2], everywhere, rng)
    found = tracker.targets()
    assert found.wedge.tolist() == [False]
    d = SITE.rotation @ (found.mean[0, :3] - x[:3])
    assert np.hypot(d[0], d[1]) < 500.0
    assert len(tracker.mixture(int(found.label[0])).weight) <= 2
    assert (tracker.memory.groups["size"] == 0).all()


def followed(finder, seconds, seed):
    """Return what is known of a straight flight, 40 m/s and 5 km off, by bearings of one finder, which is at finder(t).

    Whether it is a wedge; m by which it is off on the level; chi-square of that; 1 sigma of its range, m.
    """
    tracker, rng = Filter(SETTINGS, evenly(SITE, 30e3, 5.0, 1.0), 512), np.random.default_rng(seed)
    everywhere = Sensor(Kind.DIRECTION, 0.9, 1e-3, reach_m=REACH, begins_m=REACH, revisit_s=2.0)
    for t in range(seconds):
        x, place = ecef((40.0 * t - 2e3, 5e3, 800.0), (40.0, 0.0, 0.0)), beside(*finder(t))
        seen(tracker, place, x, float(t), "one", everywhere, rng)
    found = tracker.targets(0.3)
    assert len(found.label) == 1
    d = (place.rotation @ (found.mean[0, :3] - x[:3]))[:2]
    P = (place.rotation @ found.covariance[0, :3, :3] @ place.rotation.T)[:2, :2]
    way = (place.rotation @ (found.mean[0, :3] - place.position))[:2]
    sigma = np.sqrt(way @ P @ way) / np.linalg.norm(way)
    return bool(found.wedge[0]), np.linalg.norm(d), d @ np.linalg.solve(P, d), sigma


@pytest.mark.parametrize("seed", range(3))
def test_a_finder_that_flies_in_circles_makes_a_point_of_a_wedge(seed):
    """It is its own second place: 60 m/s round a circle of 600 m. One that stands does not learn the range."""
    wedge, off, chi2, sigma = followed(lambda t: 600.0 * np.array([np.sin(t / 10), 1.0 - np.cos(t / 10)]), 60, seed)
    assert not wedge
    assert off < 1000.0
    assert chi2 < 9.21  # 99 %
    assert sigma < 1000.0
    stands = followed(lambda _: np.zeros(2), 60, seed)
    assert stands[1] > 2000.0
    assert stands[2] < 9.21  # and it is not sure of it either
    assert stands[3] > 2000.0


def test_a_wedge_that_nobody_sees_again_goes_and_leaves_its_room():
    tracker = Filter(SETTINGS, evenly(SITE, 30e3, 5.0, 1.0), 512)
    sensor = Sensor(Kind.DIRECTION, 0.9, 1e-3, whole=False, missable=True, revisit_s=1.0, begins_m=REACH)
    seen(tracker, SITE, ecef((2e3, 4e3, 800.0), (0.0, 0.0, 0.0)), 0.0, "one", sensor)
    first = int(tracker.targets(0.1).label[0])
    for t in range(1, 12):
        seen(tracker, SITE, ecef((-4e3, 1e3, 800.0), (0.0, 0.0, 0.0)), float(t), "one", sensor)
    assert first not in tracker.targets(0.0).label
    used = tracker.memory.groups[tracker.memory.groups["size"] > 0]
    assert len(used) <= 1
    assert (used["member"][:, 0] == 0).all()
    assert tracker.memory.counts[0] == 1
    assert len(tracker.targets(0.5).label) == 1


def test_two_wedges_share_one_bearing_as_counting_out_says():
    """Each has it, or none: with odds x of one over nobody's, alone x / (1 + x), of two x / (1 + 2 x) each."""
    doubtful, found = Sensor(Kind.DIRECTION, 0.9, 300.0, whole=False, reach_m=REACH, begins_m=REACH), []
    for count in (1, 2):
        memory = lone((0.4, 0.1), doubtful) if count == 1 else empty(doubtful, SETTINGS, 64)
        if count == 2:
            take(memory, given(np.tile((0.4, 0.1), (2, 1)), np.tile(R, (2, 1, 1))))
        before = memory.leaves["existence"][0]
        take(memory, given(np.array([(0.4, 0.1)]), R[None]))
        group = memory.groups[int(np.flatnonzero(memory.groups["size"] == 1)[0])]
        mine = group.choice[: group.count, 0]
        after = group.weight[: group.count] @ memory.leaves["existence"][mine]
        found.append((after - before) / (1.0 - before))  # the probability that it has the bearing
    x = found[0] / (1.0 - found[0])
    assert 0.2 < found[0] < 0.9
    assert found[1] == pytest.approx(x / (1.0 + 2.0 * x), rel=0.1)  # of light ranges only the better answer is kept


def test_a_lone_wedge_that_ends_leaves_its_group():
    tracker = Filter(SETTINGS, evenly(SITE, 30e3, 5.0, 0.0), 512)
    everywhere = Sensor(Kind.DIRECTION, 0.9, 1e-3, reach_m=REACH, begins_m=REACH, revisit_s=2.0)
    seen(tracker, SITE, ecef((2e3, 4e3, 800.0), (0.0, 0.0, 0.0)), 0.0, "one", everywhere)
    assert (tracker.memory.groups["size"] > 0).sum() == 1
    nothing = np.zeros(0, np.int64), np.zeros((0, 2)), np.zeros((0, 2, 2))
    for k in range(1, 15):
        time = NOW + 2 * k * SECOND
        tracker.look(detections(Kind.DIRECTION, "one", time, *nothing, place=SITE), everywhere, time)
    assert tracker.memory.counts[:2].tolist() == [0, 0]
    assert (tracker.memory.groups["size"] == 0).all()


def test_nobody_is_a_target_that_there_is_not():
    with pytest.raises(ValueError, match="no target 7"):
        Filter(SETTINGS, evenly(SITE, 30e3, 5.0, 1.0)).mixture(7)


def test_compiled_and_plain_say_the_same():
    found = []
    for plain in (True, False):
        kernel.plain_while(lambda plain=plain: plain)
        try:
            tracker, rng = Filter(SETTINGS, evenly(SITE, 30e3, 5.0, 1.0), 512), np.random.default_rng(5)
            x = ecef((2e3, 4e3, 800.0), (30.0, 10.0, 0.0))
            for t in range(6):
                seen(tracker, (SITE, beside(5e3, 0.0))[t % 2], x, float(t), ("one", "two")[t % 2], rng=rng)
                x[:3] += x[3:]
            found.append(tracker.targets(0.0))
        finally:
            kernel.plain_while(lambda: False)
    assert found[0].label.tolist() == found[1].label.tolist()
    assert found[0].mean.tobytes() == found[1].mean.tobytes()
    assert found[0].covariance.tobytes() == found[1].covariance.tobytes()
