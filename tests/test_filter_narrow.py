"""A wedge between looks: what it asks of plots, when its ranges are one place, and how it is shown."""

import numpy as np
import pytest
from filter_bearings import FINDER, SETTINGS, R
from filter_memory import NOW, SECOND, SITE, State, empty, fill, find, given, later, narrowed, put, tie
from filter_reference import moments as together
from filter_sky import ecef

from skywarden.track import Filter, evenly, wedges
from skywarden.track.look import prune
from skywarden.track.mixture import moments


def wedge(apart, size, weight=(0.5, 0.3, 0.2), existence=0.9, higher=400.0):
    """Return a memory with a wedge of three leaves `apart` m from each other on the level, of `size` m sigma each."""
    memory = empty(FINDER, SETTINGS)
    rng = np.random.default_rng(2)
    for k in range(len(weight)):
        mean = ecef((2e3 + k * apart, 4e3, 800.0 + higher * k), (30.0, 5.0 * k, 0.0))
        root = rng.normal(size=(6, 6)) * np.repeat([size / 2.0, 3.0], 3)[:, None]
        P = root @ root.T
        leaf = State(np.stack([mean, mean + 1.0]), np.stack([P, 2.0 * P]), (0.7, 0.3), existence)
        put(memory, leaf, NOW - k * SECOND)
    memory.leaves["target"][:3] = 0
    memory.counts[0] = 1
    tie(memory, 0, [[0], [1], [2]], weight)
    memory.targets["wedge"][0] = 1
    return memory


@pytest.mark.parametrize("apart, one", [(100.0, True), (3000.0, False)])
def test_ranges_that_have_become_one_place_are_one_leaf(apart, one):
    memory, twins = wedge(apart, 500.0), []
    for k in range(3):
        leaf = memory.leaves[k]
        alone = later(State(leaf.mean.copy(), leaf.covariance.copy(), (0.7, 0.3), 0.9), float(k), SETTINGS)
        twins.append(alone)
    narrowed(memory)
    assert memory.targets[0].wedge == (0 if one else 1)
    assert memory.groups[0].size == (0 if one else 1)
    if not one:
        assert memory.leaves["time"][:3].tolist() == [NOW] * 3
        return
    parts = np.array([w * twin.existence for w, twin in zip((0.5, 0.3, 0.2), twins, strict=True)])
    found = memory.leaves[memory.targets[0].leaf]
    assert (found.existence, found.group, found.time) == (pytest.approx(parts.sum(), rel=1e-9), -1, NOW)
    for m in range(2):
        share = parts * [twin.weight[m] for twin in twins]
        assert found.weight[m] == pytest.approx(share.sum() / parts.sum(), rel=1e-9)
        mean, P = together(share, [t.mean[m] for t in twins], [t.covariance[m] for t in twins])
        assert found.mean[m] == pytest.approx(mean, rel=1e-12)
        assert np.abs(found.covariance[m] - P).max() < 1e-9 * np.abs(P).max()
    assert (memory.leaves["existence"][:3] > 0.0).sum() == 1


def test_heights_that_nobody_measures_do_not_keep_a_wedge_open():
    memory = wedge(100.0, 500.0, higher=3000.0)
    narrowed(memory)
    assert memory.targets[0].wedge == 0


def test_a_wedge_that_is_confirmed_may_turn():
    memory = wedge(3000.0, 500.0)
    memory.leaves["weight"][:3] = 1.0, 0.0
    narrowed(memory)
    assert (memory.leaves["weight"][:3, 1] == 0.0).all()
    memory.targets["confirmed"][0] = 1
    narrowed(memory)
    assert (memory.leaves["weight"][:3, 1] > 0.0).all()


def test_what_joint_hypotheses_have_of_a_plot_is_not_free_beside_a_wedge():
    memory = wedge(3000.0, 500.0)
    bearing = given(np.array([(0.4, np.nan)]), R[None])
    assert fill(memory, bearing) == 1
    find(memory, 1)
    plot = memory.plots[0]
    plot.total, plot.free = 0.5, 0.25
    end, done = memory.counts[1], np.zeros(3, np.int64)
    wedges.decide(memory, 3, 1, end, done)
    assert done.tolist() == [1, 1, 1]
    assert 0.0 <= plot.free < 0.25
    assert plot.total == 0.5


def test_a_plot_that_no_wedge_wants_stays_as_free_as_it_was():
    memory = wedge(3000.0, 100.0)
    assert fill(memory, given(np.array([(-2.5, np.nan)]), R[None] * 1e-4)) == 1
    assert len(find(memory, 1)) == 0
    memory.plots[0].total, memory.plots[0].free = 0.5, 0.25
    wedges.decide(memory, 3, 1, memory.counts[1], np.zeros(3, np.int64))
    assert memory.plots[0].free == 0.25


def test_a_wedge_weighs_its_ranges_by_what_a_miss_says_of_each():
    memory = wedge(3000.0, 5000.0)
    assert fill(memory, given(np.array([(0.4, np.nan)]), R[None])) == 1
    pairs = find(memory, 1)
    memory.views["missed"][:3] = 0.9, 0.5, 0.0
    missed = memory.leaves["existence"][:3] * np.array([0.9, 0.5, 0.0])
    odds, weight = np.zeros(1), np.array([0.5, 0.3, 0.2]) * (1.0 - missed)
    wedges.weigh(memory, 0, odds)
    each = np.array([pairs["odds"][pairs["leaf"] == k].sum() for k in range(3)])
    assert (each > 0.0).any()
    assert odds[0] == pytest.approx(weight @ each / weight.sum(), rel=1e-12)


def test_a_target_that_the_heaviest_hypothesis_denies_is_known_by_the_others():
    memory = wedge(3000.0, 500.0, (0.6, 0.3, 0.1))
    tracker = Filter(SETTINGS, evenly(SITE, 30e3, 5.0, 1.0), 64)
    for name in ("targets", "leaves", "groups"):
        rows = getattr(memory, name)
        getattr(tracker.memory, name)[: len(rows)] = np.array(rows)
    tracker.memory.counts[:3] = 1, 3, 1
    tracker.memory.targets["label"][0] = 9
    tracker.memory.groups["choice"][0, 0, 0], tracker.memory.targets["leaf"][0] = -1, -1
    tracker.memory.leaves["target"][3] = 5  # another's
    tracker.memory.leaves["existence"][1:3] = 0.9, 0.3
    found = tracker.mixture(9)
    share = np.array([0.3 * 0.9 * 0.7, 0.3 * 0.9 * 0.3, 0.1 * 0.3 * 0.7, 0.1 * 0.3 * 0.3])
    assert found.weight == pytest.approx(share / share.sum())
    assert found.mean.tobytes() == tracker.memory.leaves["mean"][1:3].tobytes()


def test_a_group_that_is_no_wedge_stays_as_it_is():
    memory = wedge(100.0, 500.0)
    memory.targets["wedge"][0] = 0
    before = memory.leaves["mean"][:3].tobytes()
    narrowed(memory)
    assert memory.groups[0].size == 1
    assert memory.leaves["mean"][:3].tobytes() == before


def test_a_wedge_is_shown_as_all_its_ranges_are():
    memory = wedge(3000.0, 500.0)
    memory.leaves["existence"][:3] = 0.9, 0.5, 0.1
    tracker = Filter(SETTINGS, evenly(SITE, 30e3, 5.0, 1.0), 64)
    for name in ("targets", "leaves", "groups"):
        rows = getattr(memory, name)
        getattr(tracker.memory, name)[: len(rows)] = np.array(rows)
    tracker.memory.counts[:3] = 1, 3, 1
    existence = 0.5 * 0.9 + 0.3 * 0.5 + 0.2 * 0.1
    assert len(tracker.targets(existence + 1e-9).label) == 0
    tracker.memory.targets["leaf"][0] = 2  # the last in time, and the least likely
    found = tracker.targets(existence - 1e-9)
    assert found.existence == pytest.approx([existence])
    assert found.time.tolist() == [NOW]
    mean, covariance = moments(tracker.mixture(int(found.label[0]), NOW))
    assert found.mean[0].tobytes() == mean.tobytes()
    assert found.covariance[0].tobytes() == covariance.tobytes()


def test_a_wedge_whose_leaves_have_gone_leaves_its_group():
    memory = wedge(3000.0, 500.0)
    memory.leaves["existence"][:3] = 0.0
    prune(memory, 3)
    assert memory.counts[:2].tolist() == [0, 0]
    assert memory.groups[0].size == 0


@pytest.mark.parametrize("how, claimed", [(2, 3.0), (2, 0.0), (1, 3.0), (0, 3.0)])
def test_a_range_is_missed_as_far_as_its_plot_is_a_known_targets(how, claimed):
    """Odds of `find` are of a detection; where a miss counts they are over that."""
    memory = wedge(3000.0, 500.0)
    z = np.array([[np.arctan2(2e3, 4e3), np.nan]])
    m = fill(memory, given(z, R[None]), born=0.5)
    memory.plots["clutter"][:m] = 0.5
    found = find(memory, m)
    before = found["odds"].copy()
    memory.views["crowded"][:3], memory.views["missed"][:3] = how, 0.0
    wedges.miss(memory, 0, np.full(m, 1.0 + claimed))
    missed = FINDER.detection * claimed / (1.0 + claimed) if how == 2 else 0.0
    fitting = found["leaf"]
    assert len(fitting) > 0
    assert memory.views["missed"][fitting] == pytest.approx(missed)
    r = memory.leaves["existence"][fitting]
    assert found["odds"] == pytest.approx(before / (1.0 - r * missed), rel=1e-12)
