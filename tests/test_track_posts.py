"""Calls of single microphones written down: in any order, any cut, from anywhere, too many."""

import itertools

import numpy as np
import pytest
from ears_world import PLACES, SECOND, told
from hypothesis import given, settings
from hypothesis import strategies as st
from track_world import START

from skywarden.model.detection import Kind
from skywarden.track import posts
from skywarden.track.cells import SIDE, field
from skywarden.track.nodes import NEVER, rates
from skywarden.track.posts import NODE, book_of, calls, field_of, learned, noted
from skywarden.track.prepare import IMPLAUSIBLE, QUOTA, USED

NOBODY = np.zeros(0, NODE)
SENSOR = np.array([3, 4])


def said(rng, count=200):
    """Return calls of nodes within 5 minutes, some hearing, some only alive; of two sources."""
    batches = []
    for k in range(count):
        kind = Kind.PRESENCE if rng.random() < 0.7 else Kind.SILENCE
        nodes = rng.choice(30, 3, replace=False)
        batches.append((k % 2, told(kind, nodes, float(rng.integers(0, 300)), "ab"[k % 2])))
    return calls(batches)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.lists(st.floats(0.0, 300.0), max_size=6))
def test_neither_order_nor_cuts_change_what_is_known(seed, cuts):
    rng = np.random.default_rng(seed)
    every = said(rng)
    whole = noted(NOBODY, every, SENSOR)
    assert (whole.code == USED).all()
    assert len(whole.nodes) == len(np.unique(every["node"]))
    nodes, edges = NOBODY, [0, *sorted(START + round(cut * SECOND) for cut in cuts), START + 301 * SECOND]
    for low, high in itertools.pairwise(edges):
        part = every[(every["time"] >= low) & (every["time"] < high)]
        nodes = noted(nodes, rng.permutation(part), SENSOR).nodes
    assert nodes.tobytes() == whole.nodes.tobytes()


def test_nodes_are_in_the_order_of_a_field_and_know_their_source():
    found = noted(NOBODY, calls([(1, told(Kind.PRESENCE, np.arange(100), 5.0))]), SENSOR).nodes
    wanted = field(found["node"], found["place"], np.full(100, 4000.0))
    assert found["node"].tolist() == wanted.node.tolist()
    assert found["cube"].tolist() == wanted.cube.tolist() == sorted(found["cube"].tolist())
    mine = field_of(found, 4000.0)
    assert all(np.array_equal(a, b) for a, b in zip(mine, wanted, strict=True))
    assert set(found["sensor"].tolist()) == {4}
    assert np.abs(np.diff(PLACES[:2], axis=0)).max() < SIDE
    assert (found["fresh"] == 1).all()
    assert (found["begun"] == START + 5 * SECOND).all()


def test_a_sign_of_life_is_no_beginning():
    found = noted(NOBODY, calls([(0, told(Kind.SILENCE, np.arange(3), 5.0))]), SENSOR).nodes
    assert (found["fresh"] == 0).all()
    assert (found["begun"] == NEVER).all()
    assert (found["alive"] == START + 5 * SECOND).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0, 1e9])
def test_who_stands_nowhere_is_told_and_the_others_are_heard(bad):
    some = calls([(0, told(Kind.PRESENCE, np.arange(4), 5.0))])
    some["place"][2] = bad
    found = noted(NOBODY, some, SENSOR)
    assert found.code.tolist() == [USED, USED, IMPLAUSIBLE, USED]
    assert len(found.nodes) == 3


def test_a_batch_without_places_is_of_the_place_of_its_sensor_or_nowhere():
    batch = told(Kind.PRESENCE, np.arange(2), 5.0)
    object.__setattr__(batch, "origin", None)
    assert np.isnan(calls([(0, batch)])["place"]).all()


def test_there_is_room_for_so_many_and_known_ones_keep_theirs(monkeypatch):
    monkeypatch.setattr(posts, "MOST", 10)
    found = noted(NOBODY, calls([(0, told(Kind.PRESENCE, np.arange(8), 5.0))]), SENSOR)
    more = noted(found.nodes, calls([(0, told(Kind.PRESENCE, np.arange(4, 16), 6.0))]), SENSOR)
    assert len(more.nodes) == 10
    assert (more.code == QUOTA).sum() == 6
    assert np.isin(found.nodes["node"], more.nodes["node"]).all()


def test_who_moves_begins_anew():
    one = told(Kind.PRESENCE, np.arange(3), 5.0)
    found = noted(NOBODY, calls([(0, one)]), SENSOR).nodes
    some = calls([(0, told(Kind.SILENCE, np.arange(3), 8.0))])
    some["place"][1] += 500.0
    after = noted(found, some, SENSOR).nodes
    assert len(after) == 3
    assert (after["begun"] == NEVER).sum() == 1


def test_equal_numbers_of_two_sources_are_two_nodes():
    both = calls([(0, told(Kind.PRESENCE, np.arange(3), 5.0, "a")), (1, told(Kind.PRESENCE, np.arange(3), 5.0, "b"))])
    assert len(noted(NOBODY, both, SENSOR).nodes) == 6


def test_false_alarms_are_those_that_the_settled_chain_knows():
    found = noted(NOBODY, calls([(0, told(Kind.PRESENCE, np.arange(5), 5.0))]), SENSOR).nodes
    settled = found[1:].copy()
    settled["runs"], settled["quiet"] = 7.0, 3600.0
    found["runs"] = 99.0
    after = learned(found, settled)
    assert after["runs"].tolist() == [0.0, 7.0, 7.0, 7.0, 7.0]
    assert rates(book_of(after))[0] < rates(book_of(after))[1]


def test_made_up_nodes_of_one_source_leave_room_for_those_of_others(monkeypatch):
    monkeypatch.setattr(posts, "MOST", 40)
    monkeypatch.setattr(posts, "MOST_EACH", 30)
    flood = calls([(0, told(Kind.SILENCE, np.arange(0, 95), 1.0, "a"))])
    first = noted(NOBODY, flood, SENSOR)
    assert (first.code == USED).sum() == 30
    assert (first.code == QUOTA).sum() == 65
    honest = noted(first.nodes, calls([(0, told(Kind.SILENCE, np.arange(5), 2.0, "b"))]), SENSOR[1:])
    assert (honest.code == USED).all()
    assert (honest.nodes["sensor"] == 4).sum() == 5
    again = noted(honest.nodes, flood, SENSOR)
    assert len(again.nodes) == 35
