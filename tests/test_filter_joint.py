"""Joint hypotheses of targets that are close: against counting out who may have which plot, look by look."""

from typing import NamedTuple

import numpy as np
import pytest
from filter_memory import (
    LIMITS,
    NOW,
    POSITIONS,
    SITE,
    State,
    anywhere,
    associate,
    believe,
    connected,
    empty,
    fill,
    find,
    given,
    graph,
    hypotheses,
    product,
    put,
    ready,
    state,
    take,
    tie,
    untie,
)
from filter_reference import associations, compare, kalman

from skywarden import geo
from skywarden.track import joint
from skywarden.track.pmb import FilterSettings

KEEP = LIMITS["HYPOTHESES"]
ALL = FilterSettings(
    hypotheses=KEEP, alike_chi2=0.0, light_weight=0.0, least_existence=1e-12, faint_odds=0.0, gate_probability=1 - 1e-9
)
R = np.eye(3) * 40.0**2
SEEN, SURE, HOPELESS = POSITIONS.detection, 0.999999, 12.0
HAIR = 1e-9  # of a variance, put back after a look


class Hypothesis(NamedTuple):
    """A twin's joint hypothesis: weight, and for each target what it is then."""

    weight: float
    states: list[State | None]


def crowd(rng, n, apart=60.0):
    """Return n leaves near each other."""
    first = anywhere(rng, sigma=50.0)
    off = rng.normal(size=(n, 6)) * np.repeat([apart, 3.0], 3)
    shape = [anywhere(rng, sigma=50.0) for _ in range(n)]
    shift = [s.mean - s.mean[0] for s in shape]
    return [
        s._replace(mean=first.mean[0] + o + d, existence=float(rng.uniform(0.4, 0.9)))
        for s, o, d in zip(shape, off, shift, strict=True)
    ]


def near(rng, leaves, m):
    """Return m positions about the leaves."""
    return np.array([leaves[k % len(leaves)].mean[0, :3] + rng.normal(size=3) * 60.0 for k in range(m)])


def look(memory, z, other):
    """Take positions z in jointly; `other`: density of false alarms and new targets."""
    m = fill(memory, given(z, np.tile(R, (len(z), 1, 1))), born=0.25 * other)
    memory.plots["clutter"][:m] = 0.75 * other
    associate(memory, m)


def updated(one, z):
    """Return a leaf that has a plot, None: none."""
    if z is None:
        r = one.existence
        return one._replace(existence=r * (1 - SEEN) / (1 - r * SEEN))
    like = compare(POSITIONS.kind, z, R, one, SITE)[1]
    after = [kalman(POSITIONS.kind, z, R, one.mean[m], one.covariance[m], SITE) for m in range(2)]
    weight = np.array(one.weight) * like
    means, covariances = map(np.array, zip(*after, strict=True))
    covariances += HAIR * np.einsum("kaa->ka", covariances)[:, :, None] * np.eye(6)
    return State(means, covariances, tuple(weight / weight.sum()), SURE)


def children(parent, z, other):
    """Return all that may come of one hypothesis, heaviest first, weights not yet made to add to 1."""
    states, found = parent.states, []
    base = parent.weight * np.prod([1 - s.existence * SEEN for s in states if s])
    for way in associations(len(states), len(z)):
        if any(i >= 0 and states[i] is None for i in way):
            continue
        weight, plots = base, [None] * len(states)
        for j, i in enumerate(way):
            if i < 0:
                weight *= other
                continue
            r = states[i].existence
            weight *= r * SEEN * (compare(POSITIONS.kind, z[j], R, states[i], SITE)[1] @ states[i].weight)
            weight /= 1 - r * SEEN
            plots[i] = z[j]
        found.append(Hypothesis(weight, [updated(s, p) if s else None for s, p in zip(states, plots, strict=True)]))
    return sorted(found, key=lambda h: -h.weight)


def step(parents, z, other):
    """Return the hypotheses after a look, as many of each parent as its weight allows, and the share of them in all."""
    kept, total = [], 0.0
    for parent in parents:
        every = children(parent, z, other)
        most = max(1, min(KEEP, int(np.ceil(KEEP * parent.weight))))
        total += sum(h.weight for h in every)
        kept += [h for h in every[:most] if h.weight >= every[0].weight * np.exp(-HOPELESS)]
    kept = sorted(kept, key=lambda h: -h.weight)[:KEEP]
    part = sum(h.weight for h in kept)
    return [h._replace(weight=h.weight / part) for h in kept], part / total


def same(found, wanted):
    """Check all hypotheses: weights to 1e-9, leaves to 1e-8 sigma."""
    assert found.weight == pytest.approx([h.weight for h in wanted], rel=1e-9)
    for leaves, hypothesis in zip(found.leaves, wanted, strict=True):
        for one, other in zip(leaves, hypothesis.states, strict=True):
            assert (one is None) == (other is None)
            if one is None:
                continue
            sigma = np.sqrt(np.diagonal(other.covariance, axis1=1, axis2=2))
            np.testing.assert_allclose((one.mean - other.mean) / sigma, 0.0, atol=1e-7)
            scale = sigma[:, :, None] * sigma[:, None, :]
            np.testing.assert_allclose((one.covariance - other.covariance) / scale, 0.0, atol=1e-8)
            assert one.existence == pytest.approx(other.existence, rel=1e-9)
            assert one.weight == pytest.approx(other.weight, rel=1e-7)


def begun(rng, n, apart=60.0):
    """Return a memory with n leaves near each other, these, and a density of false alarms that matters."""
    memory, leaves = empty(POSITIONS, ALL, capacity=512), crowd(rng, n, apart)
    for leaf in leaves:
        put(memory, leaf)
    like = compare(POSITIONS.kind, leaves[0].mean[0, :3], R, leaves[0], SITE)[1].max()
    return memory, leaves, 0.1 * like


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("n, m", [(2, 1), (2, 2), (2, 3), (2, 4), (3, 2), (4, 2), (3, 3)])
def test_one_look_counts_as_if_all_were_counted_out(n, m, seed):
    rng = np.random.default_rng(seed)
    memory, leaves, other = begun(rng, n)
    z = near(rng, leaves, m)
    wanted, part = step([Hypothesis(1.0, leaves)], z, other)
    look(memory, z, other)
    same(hypotheses(memory), wanted)
    assert part > (0.9999 if len(associations(n, m)) <= KEEP else 0.7)


def test_of_many_the_heaviest_are_kept():
    test_one_look_counts_as_if_all_were_counted_out(4, 4, 1)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("n, m, then", [(2, 2, 1), (2, 2, 2), (3, 2, 2), (2, 3, 2)])
def test_two_looks_count_as_if_all_were_counted_out(n, m, then, seed):
    rng = np.random.default_rng(seed)
    memory, leaves, other = begun(rng, n)
    wanted, worth = [Hypothesis(1.0, leaves)], 1.0
    for plots in (m, then):
        z = near(rng, leaves, plots)
        wanted, part = step(wanted, z, other)
        worth *= part
        look(memory, z, other)
    same(hypotheses(memory), wanted)
    assert worth > 0.6  # of all probability, by no more than 24 hypotheses


def test_hypotheses_of_two_groups_multiply():
    rng = np.random.default_rng(5)
    memory, leaves = empty(POSITIONS, ALL), crowd(rng, 9)
    rows = [put(memory, leaf) for leaf in leaves]
    one, other = (0.6, 0.3, 0.1), (0.8, 0.2)
    tie(memory, 0, [[rows[0], rows[1]], [rows[2], rows[1]], [rows[0], rows[3]]], one)
    tie(memory, 1, [[rows[4], rows[5]], [rows[6], -1]], other)
    found = product(memory)
    assert found.weight == pytest.approx(sorted(np.outer(one, other).ravel(), reverse=True), rel=1e-12)
    assert found.weight.sum() == pytest.approx(1.0)
    assert all(len(states) == len(found.leaves[0]) for states in found.leaves)
    heaviest = [leaf.mean[0, 0] for leaf in found.leaves[0] if leaf]
    assert {leaves[k].mean[0, 0] for k in (0, 1, 4, 5)} <= set(heaviest)


def test_the_heaviest_products_are_kept():
    rng = np.random.default_rng(6)
    memory, weights = empty(POSITIONS, ALL, capacity=256), []
    for g in range(2):
        weight = rng.dirichlet(np.ones(7))
        rows = [[put(memory, leaf) for leaf in crowd(rng, 2)] for _ in weight]
        tie(memory, g, rows, weight)
        weights.append(weight)
    found = product(memory)
    wanted = np.sort(np.outer(*weights).ravel())[::-1][:KEEP]
    assert found.weight == pytest.approx(wanted, rel=1e-12)


def test_what_all_hypotheses_agree_on_leaves_the_group():
    rng = np.random.default_rng(7)
    settings = FilterSettings(hypotheses=KEEP, alike_chi2=0.0)
    memory, (one, other, far) = empty(POSITIONS, settings, capacity=256), crowd(rng, 3, apart=30.0)
    far = far._replace(mean=far.mean + 2e3 * np.eye(6)[0], existence=0.99)
    for leaf in (one, other, far):
        put(memory, leaf)
    z = np.vstack([near(rng, [one, other], 2), far.mean[0, :3]])
    like = compare(POSITIONS.kind, z[2], R, far, SITE)[1].max()
    look(memory, z, 1e-6 * like)
    assert memory.groups[0].size == 2
    shown = memory.targets["leaf"]
    assert memory.leaves["group"][shown[2]] == -1
    assert (memory.leaves["group"][shown[:2]] == 0).all()
    found = hypotheses(memory)
    assert len(found.weight) > 1
    assert found.weight.sum() == pytest.approx(1.0)


def test_hypotheses_that_say_the_same_of_all_together_become_one():
    rng = np.random.default_rng(8)
    leaf = crowd(rng, 1)[0]._replace(existence=0.95)
    z = leaf.mean[0, :3] + np.array([[0.0, 60.0, 0.0], [0.0, -60.0, 0.0]])
    counts = []
    for alike in (0.0, 1.0):
        memory = empty(POSITIONS, FilterSettings(alike_chi2=alike), capacity=256)
        for _ in range(2):
            put(memory, leaf)
        like = compare(POSITIONS.kind, z[0], R, leaf, SITE)[1].max()
        look(memory, z, 1e-4 * like)
        found = hypotheses(memory)
        assert found.weight.sum() == pytest.approx(1.0)
        counts.append(len(found.weight))
        if alike == 0.0:
            assert found.weight[0] == pytest.approx(found.weight[1], rel=1e-9)  # one is the other turned round
            assert found.weight[0] > 0.4
        else:
            assert found.weight[0] > 0.9
    assert counts[1] < counts[0]


def flat(state, axes, aside):
    """Return a leaf known to 300 and 150 m on the level, turned by 0.6 rad, and 4 km in height, and one moved by."""
    turn = np.array([[np.cos(0.6), np.sin(0.6), 0.0], [-np.sin(0.6), np.cos(0.6), 0.0], [0.0, 0.0, 1.0]]) @ axes
    P = np.tile(np.diag([0.0] * 3 + [900.0] * 3), (2, 1, 1))
    P[:, :3, :3] = turn.T @ np.diag(np.square([300.0, 150.0, 4e3])) @ turn
    one = state._replace(covariance=P, existence=0.9)
    return one, one._replace(mean=one.mean + np.append(np.asarray(aside) @ turn, np.zeros(3)))


@pytest.mark.parametrize("latitude, longitude", [(0.0, 0.0), (36.3, -33.1), (29.5, 135.0), (-60.0, 10.0), (89.0, 0.0)])
@pytest.mark.parametrize(
    "aside", [(0.0, 0.0, 3e3), (500.0, 0.0, 0.0), (900.0, 0.0, 0.0), (0.0, 450.0, 1e3), (400.0, 150.0, 0.0)]
)
def test_a_height_that_nobody_measures_hides_no_other_place(latitude, longitude, aside):
    position = geo.ecef(*np.radians([latitude, longitude]), 1e3)
    axes = np.array(geo.east_north_up(*np.radians([latitude, longitude])))
    one = crowd(np.random.default_rng(9), 1)[0]
    one = one._replace(mean=np.tile(np.append(position, np.zeros(3)), (2, 1)), weight=(1.0, 0.0))
    memory = empty(POSITIONS, FilterSettings(alike_chi2=6.0))
    rows = [put(memory, leaf) for leaf in flat(one, axes, aside)]
    leaves = [memory.leaves[row] for row in rows]
    wanted = (aside[0] / 300.0) ** 2 + (aside[1] / 150.0) ** 2
    assert joint.aside(*leaves, leaves[1].covariance[0]) == pytest.approx(wanted, rel=1e-5, abs=1e-5)
    memory.leaves["covariance"][rows[1]] *= 9.0  # who is known better decides
    assert joint.alike(*leaves, memory.parameters[0]) == (wanted < 6.0)
    assert joint.alike(*leaves[::-1], memory.parameters[0]) == (wanted < 6.0)


def test_no_range_of_a_wedge_goes_without_its_answer_since_it_is_light():
    """A hypothesis has as many answers as it is heavy; one of a single target has each."""
    rng = np.random.default_rng(11)
    one = crowd(rng, 1)[0]._replace(existence=0.05)
    away = one._replace(mean=one.mean + 4e3 * np.eye(6)[0])
    memory = empty(POSITIONS, FilterSettings(least_existence=1e-6), capacity=256)
    rows = [put(memory, away), put(memory, one)]
    memory.leaves["target"][rows[1]] = 0
    memory.counts[0] = 1
    tie(memory, 0, [[rows[0]], [rows[1]]], (0.97, 0.03))
    z = one.mean[0, :3] + rng.normal(size=3) * 20.0
    like = compare(POSITIONS.kind, z, R, one, SITE)[1].max()
    m = fill(memory, given(z[None], R[None]), born=1e-30)
    memory.plots["clutter"][:m] = like  # likelier a false alarm than that of a leaf which is so unlikely
    associate(memory, m)
    found = hypotheses(memory)
    hit = [w for w, (it,) in zip(found.weight, found.leaves, strict=True) if it is not None and it.existence == SURE]
    seen = 0.05 * SEEN
    assert hit == pytest.approx([0.03 * seen / (1.0 + 0.03 * seen / (1.0 - seen))], rel=0.2)


def test_a_group_of_one_target_goes_on_with_each_look():
    rng = np.random.default_rng(10)
    one = crowd(rng, 1)[0]._replace(existence=0.9)
    other = one._replace(mean=one.mean + 400.0 * np.eye(6)[0])
    memory = empty(POSITIONS, ALL, capacity=256)
    rows = [put(memory, one), put(memory, other)]
    memory.leaves["target"][rows[1]] = 0
    memory.counts[0] = 1
    tie(memory, 0, [[rows[0]], [rows[1]]], (0.5, 0.5))
    z = other.mean[0, :3] + rng.normal(size=3) * 20.0
    take(memory, given(z[None], R[None]))
    shown = state(memory, memory.targets["leaf"][0])
    assert shown.existence == SURE
    wanted = updated(other, z)
    assert shown.mean == pytest.approx(wanted.mean, abs=0.1)
    assert shown.covariance == pytest.approx(wanted.covariance, rel=1e-3, abs=1.0)


def test_an_ended_group_leaves_each_target_what_is_most_likely():
    rng = np.random.default_rng(9)
    memory, leaves = empty(POSITIONS), crowd(rng, 4)
    rows = [put(memory, leaf) for leaf in leaves]
    tie(memory, 0, [[rows[0], rows[1]], [rows[2], rows[3]]], (0.3, 0.7))
    untie(memory)
    assert memory.groups[0].size == 0
    kept = [row for row in rows if memory.leaves["existence"][row] > 0.0]
    assert kept == [rows[2], rows[3]]
    assert (memory.leaves["group"][kept] == -1).all()
    assert memory.targets["leaf"][memory.leaves["target"][kept]].tolist() == kept
    assert state(memory, rows[2]).existence == leaves[2].existence


@pytest.mark.parametrize(
    "pairs, loops",
    [
        ([(0, 0), (0, 1), (1, 1), (1, 2)], 0),
        ([(0, 0), (0, 1), (1, 0), (1, 1)], 1),
        ([(0, 0), (0, 1), (1, 0), (1, 1), (2, 2), (2, 3), (3, 2), (3, 3)], 2),
        ([(0, 0), (0, 1), (1, 1), (1, 2), (2, 2), (2, 0)], 1),
        ([(0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (2, 2)], 1),
    ],
    ids=["chain", "square", "two squares", "ring", "square with a tail"],
)
def test_only_what_has_a_cycle_is_done_jointly(pairs, loops):
    odds = np.zeros((4, 4))
    for i, j in pairs:
        odds[i, j] = 2.0
    memory, m, count = graph(odds, np.ones(4), np.full(4, 0.9), np.full(4, 0.9))
    believe(memory, m, count)
    assert connected(memory, m).loops[0] == loops


def test_a_full_memory_ends_no_target_that_is_there():
    rng = np.random.default_rng(10)
    leaves = crowd(rng, 2)
    memory = empty(POSITIONS, FilterSettings(), capacity=2)
    for leaf in leaves:
        put(memory, leaf)
    m = fill(memory, given(near(rng, leaves, 2), np.tile(R, (2, 1, 1))))
    assert len(find(memory, m)) > 0
    associate(memory, m)
    assert ready(memory)[0] == 2


def test_labels_stay_with_their_targets():
    rng = np.random.default_rng(12)
    memory, leaves, other = begun(rng, 3)
    look(memory, near(rng, leaves, 3), other)
    assert memory.targets["label"][:3].tolist() == [1, 2, 3]
    assert (memory.leaves["time"][: memory.counts[1]] == NOW).all()
