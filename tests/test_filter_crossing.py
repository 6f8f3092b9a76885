"""Wedges of two direction finders that are one target where their bearings cross: odds by hand, and what is left."""

import numpy as np
import pytest
from filter_bearings import FINDER, SETTINGS
from filter_memory import SITE, State, empty, put, tie
from filter_sky import ecef
from scipy.stats import multivariate_normal

from skywarden.model.detection import Kind
from skywarden.track import Sensor, crossing, view

WEIGHTS = (0.5, 0.3, 0.2), (0.6, 0.4)
CENTRES = ((2e3, 4e3), (5e3, 7e3), (9e3, 11e3)), ((2.3e3, 4.2e3), (-3e3, 9e3))
CAPACITY = 64


def leaves(rng, centres, existence=0.9):
    """Return a leaf at each place on the level, at other heights; their middles over both models are a little off."""
    found = []
    for k, (east, north) in enumerate(centres):
        mean = ecef((east, north, 1000.0 + 300.0 * k), (20.0, 10.0, 0.0))
        root = rng.normal(size=(6, 6)) * np.repeat([200.0, 5.0], 3)[:, None]
        P = root @ root.T
        off = np.append(rng.normal(size=3) * 50.0, np.zeros(3))
        found.append(State(np.stack([mean, mean + off]), np.stack([P, 2.0 * P]), (0.7, 0.3), existence))
    return found


def scene(near=True, hits=(5, 6), sensors=(0, 1), density=1e-9):
    """Return a memory with two wedges, seen by one finder each; the younger one is first in it."""
    rng = np.random.default_rng(1)
    memory = empty(FINDER, SETTINGS, CAPACITY, density)
    first = 0
    for k in (1, 0):
        places = np.array(CENTRES[k]) + (0.0 if near or k == 0 else 30e3)
        rows = [put(memory, leaf) for leaf in leaves(rng, places)]
        target = 1 - k
        memory.leaves["target"][rows] = target
        tie(memory, target, [[row] for row in rows], WEIGHTS[k])
        row = memory.targets[target]
        row.wedge, row.hits, row.born, row.label, row.leaf = 1, hits[k], 100 + k, k + 1, rows[-1]
        row.seen_by[:], row.seen_by[0], row.seen_at[0], row.seen, row.told = -1, sensors[k], 200 + k, 200 + k, 300 + k
        row.confirmed, first = k, first + len(rows)
    memory.counts[:3] = 2, first, 2
    return memory


def places(memory, rows):
    """Return middles (k, 2) and covariances (k, 2, 2) of leaves on the level, as numpy has them."""
    some, turn = memory.leaves[rows], SITE.rotation[:2]
    middle = np.einsum("km,kma->ka", some["weight"], some["mean"])
    return (middle[:, :3] - SITE.position) @ turn.T, turn @ some["covariance"][:, 0, :3, :3] @ turn.T


def by_hand(memory, density=1e-9):
    """Return the odds of one target, by range of the older wedge (its group is the second one)."""
    old, new = memory.groups[1], memory.groups[0]
    rows, others = old["choice"][: old["count"], 0], new["choice"][: new["count"], 0]
    (x, P), (y, Q) = places(memory, rows), places(memory, others)
    share = np.zeros(len(rows))
    for f in range(len(rows)):
        for e in range(len(others)):
            both = 0.9 * old["weight"][f] * 0.9 * new["weight"][e]
            share[f] += both * multivariate_normal(np.zeros(2), P[f] + Q[e]).pdf(x[f] - y[e]) / density
    return share


def crossed(memory, odds=((1.0, 0.0), (2.0, 3.0))):
    share = np.zeros(24)
    crossing.cross(memory, np.array([0, 1]), np.array(odds), share)
    return memory


def test_how_likely_two_places_are_one_is_as_counted_by_hand():
    """On the level there: SITE's own east and north differ by as much as the Earth is round."""
    memory, share = scene(), np.zeros(24)
    total = crossing.one(memory, memory.groups[1], memory.groups[0], share)
    wanted = by_hand(memory)
    assert wanted[0] > 1.0
    assert share[:3] == pytest.approx(wanted, rel=0.02, abs=1e-9)
    assert total == pytest.approx(wanted.sum(), rel=0.02)
    one, other, H = memory.leaves[2], memory.leaves[0], memory.work[0].H
    view.level(one.mean[0], H, memory.work[0])
    d = H[:2, :3] @ (np.array(one.weight) @ one.mean - np.array(other.weight) @ other.mean)[:3]
    S = H[:2, :3] @ (one.covariance[0] + other.covariance[0])[:3, :3] @ H[:2, :3].T
    assert crossing.agree(one, other, H) == pytest.approx(multivariate_normal(np.zeros(2), S).pdf(d), rel=1e-9)


def test_two_wedges_that_cross_are_the_older_one_where_both_may_be():
    memory = scene(density=1e-12)
    wanted = by_hand(memory, 1e-12)
    crossed(memory)
    assert memory.groups[0]["size"] == 0
    assert (memory.leaves["existence"][:2] == 0.0).all()
    target = memory.targets[1]
    assert (target.hits, target.confirmed, target.seen, target.told, target.label) == (11, 1, 201, 301, 1)
    assert sorted(target.seen_by[:2].tolist()) == [0, 1]
    alive = memory.leaves["existence"][2:5] > 0.0
    assert alive.tolist() == (wanted > 1e-4 * wanted.sum()).tolist() == [True, False, False]
    assert target.leaf == 2
    assert target.wedge == 0  # one place is left
    assert memory.leaves[2].group == -1


def test_of_several_ranges_each_keeps_its_part():
    memory = scene(density=1e-12)
    memory.leaves["mean"][1] = memory.leaves["mean"][3]  # the younger one crosses its second range too
    wanted = by_hand(memory, 1e-12)
    left = wanted > 1e-4 * wanted.sum()
    assert left.tolist() == [True, True, False]
    crossed(memory)
    assert (memory.targets[1].wedge, memory.groups[1]["size"], memory.groups[1]["count"]) == (1, 1, left.sum())
    assert memory.targets[1].leaf == 2 + np.argmax(wanted)
    found = memory.groups[1]["weight"][: left.sum()]
    assert found == pytest.approx(wanted[left] / wanted[left].sum(), rel=0.02)


@pytest.mark.parametrize(
    "change",
    [
        {"near": False},
        {"hits": (2, 9)},
        {"hits": (9, 2)},
        {"sensors": (1, 1)},
        {"density": 1e-3},
    ],
    ids=["elsewhere", "seldom seen", "the other too", "one finder", "many unseen"],
)
def test_others_stay_two(change):
    memory = crossed(scene(**{"density": 1e-12, **change}))
    assert memory.groups["size"][:2].tolist() == [1, 1]
    assert (memory.leaves["existence"][:5] == 0.9).all()


def test_those_that_fit_no_bearing_together_are_not_asked():
    memory = crossed(scene(density=1e-12), ((1.0, 0.0), (0.0, 3.0)))
    assert memory.groups["size"][:2].tolist() == [1, 1]


def test_who_more_than_one_has_seen_is_no_wedge_of_one_finder():
    memory = scene(density=1e-12)
    memory.targets["seen_by"][0, 1] = 4
    crossed(memory)
    assert memory.groups["size"][:2].tolist() == [1, 1]


def test_sounds_make_no_two_wedges_one():
    memory = scene(density=1e-12)
    memory.sense[0] = Sensor(Kind.SOUND, 0.9, 1e-3, whole=False, reach_m=6e3, begins_m=6e3).record[0]
    crossed(memory)
    assert memory.groups["size"][:2].tolist() == [1, 1]
