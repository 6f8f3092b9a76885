"""No source of microphones takes the room, the time or the places of others: made-up nodes harm their own alone."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from ears import HEARING, ecef, flying, saying
from ears_world import AXES, ORIGIN, PLACES, SECOND, told
from plain import both
from test_track_listen import Watch
from track_world import START

from skywarden.model.detection import Kind
from skywarden.model.event import Refused
from skywarden.model.track import Beliefs
from skywarden.track import cells, listen, newcomers
from skywarden.track.beliefs import plain, records
from skywarden.track.cells import cubes, field, near
from skywarden.track.hearers import MOST, compare
from skywarden.track.newcomers import Answer, Newcomer, Rules, Scene, Search, in_turn, neighbours, seek
from skywarden.track.nodes import empty
from skywarden.track.pool import TARGET
from skywarden.track.posts import NODE
from skywarden.track.settings import TrackerSettings

NOW = START + 100 * SECOND
WAITING = 2  # bit of a node that waits to be asked
DEAR = 200_000  # what an answer costs that is compared with all flights


def heard_by(sensor):
    """Return what is known of nodes that have begun to hear, as bytes. sensor: (n,) of each."""
    nodes = np.zeros(len(sensor), NODE)
    nodes["sensor"], nodes["node"], nodes["place"] = sensor, 1 + np.arange(len(sensor)), PLACES[: len(sensor)]
    nodes["begun"], nodes["alive"], nodes["fresh"] = NOW - 10 * SECOND, NOW, WAITING
    nodes["cube"] = cubes(nodes["place"])
    return plain(nodes)


def new(nodes, far=0, existence=0.995):
    """Return a newcomer that these nodes, rows, tell of, 50 km from the next."""
    mean = np.concatenate([ORIGIN + np.array([50e3 * far, 0.0, 300.0]) @ AXES, np.array([50.0, 0.0, 0.0]) @ AXES])
    spread = np.diag([300.0**2] * 3 + [25.0] * 3)
    return Newcomer(NOW, mean, spread, existence, np.asarray(nodes), np.ones(len(nodes)))


def sought(monkeypatch, beliefs, found, **limits):
    """Return what becomes of newcomers in a chain of four sensors."""
    monkeypatch.setattr(listen, "seek", lambda scene, *_: (found, scene, np.zeros(0, np.int64)))
    return listen.sought(beliefs, 4, NOW, TrackerSettings(**limits))


@pytest.mark.parametrize(
    "existence, limits, begun",
    [
        (0.995, {"max_tracks_per_sensor": 5, "max_tentative_per_sensor": 2}, 5),  # confirmed as they begin
        (0.9, {"max_tracks_per_sensor": 5, "max_tentative_per_sensor": 2}, 2),
        (0.9, {"max_tracks_per_sensor": 1}, 1),
        (0.9, {}, 9),
    ],
)
def test_a_source_of_microphones_begins_so_many_targets_and_no_more(monkeypatch, existence, limits, begun):
    """Nine that nodes of one source have heard, and one of another: this has its own room."""
    beliefs = replace(Beliefs(), nodes=heard_by([1] * 27 + [2] * 3))
    found = [new(np.arange(3 * k, 3 * k + 3), k, existence) for k in range(10)]
    after = sought(monkeypatch, beliefs, found, **limits)
    targets = records(after.beliefs.targets, TARGET)
    assert targets["seen_by"][:, 0].tolist() == [1] * begun + [2]
    assert after.heard.tolist() == targets["label"].tolist()
    assert after.refused == (((1, 9 - begun),) if begun < 9 else ())


def test_what_others_have_seen_too_takes_no_room(monkeypatch):
    limits = {"max_tentative_per_sensor": 1}
    beliefs = replace(Beliefs(), nodes=heard_by([1] * 6))
    one = sought(monkeypatch, beliefs, [new([0, 1, 2], 0, 0.9)], **limits)
    targets = records(one.beliefs.targets, TARGET).copy()
    beliefs = replace(one.beliefs, nodes=beliefs.nodes)
    assert sought(monkeypatch, beliefs, [new([3, 4, 5], 1, 0.9)], **limits).refused == ((1, 1),)
    targets["seen_by"][0, 1] = 3
    beliefs = replace(beliefs, targets=plain(targets))
    assert sought(monkeypatch, beliefs, [new([3, 4, 5], 1, 0.9)], **limits).refused == ()


@pytest.mark.parametrize(
    "nodes, sensor",
    [
        ([3, 4, 20, 21, 22], 2),  # fakes of the full source beside three others: these would do alone
        ([3, 4, 5, 6, 20, 21], None),  # beside two, which would not
        ([3, 4, 20, 25, 26], 2),  # of these the nearest
        ([25, 20, 21, 22], 3),
    ],
)
def test_who_has_no_room_takes_neither_that_of_others_nor_their_targets(monkeypatch, nodes, sensor):
    limits = {"max_tentative_per_sensor": 1}
    beliefs = replace(Beliefs(), nodes=heard_by([1] * 20 + [2] * 5 + [3] * 5))
    found = [new([0, 1, 2], 0, 0.9), new(nodes, 1, 0.9)]
    after = sought(monkeypatch, beliefs, found, **limits)
    whose = records(after.beliefs.targets, TARGET)["seen_by"][:, 0].tolist()
    assert whose == ([1] if sensor is None else [1, sensor])
    assert after.refused == (((1, 1),) if sensor is None else ())


class Queue:
    """Beginnings that wait, and an `answer` that finds nobody and costs what it is told. source: (n,) of each node."""

    def __init__(self, monkeypatch, source, work=listen.WORK):
        n = len(source)
        nodes = SimpleNamespace(node=1000 + np.arange(n)[::-1], source=np.asarray(source))
        self.scene = Scene(nodes, empty(n), np.full(n, 5e-5), np.full(n, 5e-5))
        self.cost, self.asked, self.search = np.full(n, DEAR), [], Search(None, Rules(work=work), None, None)
        monkeypatch.setattr(newcomers, "answer", self.answer)

    def answer(self, scene, row, now, sought):
        self.asked.append(row)
        return Answer(np.array([row]), (), int(self.cost[row]))

    def call(self, fresh, second):
        """Return who is left, and who was asked by this call."""
        before = len(self.asked)
        left = seek(self.scene, np.asarray(fresh), START + second * SECOND, self.search)[2]
        return left, self.asked[before:]


@pytest.mark.parametrize("source", [0, 1])
def test_one_noisy_place_does_not_keep_all_others_from_being_asked(monkeypatch, source):
    """108 nodes begin anew every 18 s, 6 a second, of which 3 are asked; one more, of that source or another, once."""
    queue = Queue(monkeypatch, [0] * 108 + [source])
    left, begun = np.zeros(0, np.int64), queue.scene.book.begun
    for second in range(59):
        fresh = (second % 18) * 6 + np.arange(6)
        fresh = np.append(fresh, 108) if second == 30 else fresh
        begun[fresh] = START + second * SECOND
        left, _ = queue.call(np.union1d(left, fresh), second)
        if second == 30:
            assert (108 in queue.asked) == (source == 1)  # a source that waits for nobody else is asked at once
    assert 108 in queue.asked
    assert len(queue.asked) == 59 * 3


def test_the_oldest_are_asked_first_in_any_order_in_which_they_are_given(monkeypatch):
    queue, rng = Queue(monkeypatch, np.arange(200) % 3), np.random.default_rng(1)
    queue.scene.book.begun[:] = START - rng.integers(0, 20, 200) * SECOND
    wanted = in_turn(queue.scene, np.arange(200), START).tolist()
    for _ in range(5):
        assert in_turn(queue.scene, rng.permutation(200), START).tolist() == wanted
    assert [queue.scene.field.source[row] for row in wanted[:6]] == [0, 1, 2, 0, 1, 2]
    for source in range(3):
        mine = [row for row in wanted if row % 3 == source]
        key = [(queue.scene.book.begun[row], queue.scene.field.node[row]) for row in mine]
        assert key == sorted(key)


def test_each_source_has_the_same_part_of_the_work(monkeypatch):
    """One whose beginnings cost little has more of them asked; many who wait have no more than one who does."""
    queue = Queue(monkeypatch, [0] * 40 + [1] * 40, work=1_000_000)
    queue.cost[40:] = DEAR // 8
    queue.scene.book.begun[:40] = START - SECOND  # they have waited for longer
    left, asked = queue.call(np.arange(80), 0)
    assert sum(row < 40 for row in asked) == 3  # the others, 16 of the 32 a call, cost two of these
    assert sum(row >= 40 for row in asked) == 16
    assert len(left) == 80 - len(asked)


def test_when_there_are_more_sources_than_time_another_one_begins_each_second(monkeypatch):
    queue, rows = Queue(monkeypatch, np.arange(600) // 100, work=1), np.arange(600)
    first = [queue.call(rows, second)[1][0] // 100 for second in range(12)]
    assert sorted(first[:6]) == list(range(6))
    assert first[6:] == first[:6]


def test_beginnings_that_nobody_had_time_to_ask_are_counted_and_late_ones_are_not(monkeypatch):
    """Of 100 nodes of a source one a second is asked; another source reports what was over a minute ago."""
    monkeypatch.setattr(listen, "WORK", 1)
    monkeypatch.setattr(newcomers, "answer", lambda scene, row, *_: Answer(np.array([row]), (), 1))
    refused, listened = {}, listen.listened

    def counted(*given):
        found = listened(*given)
        if given[4] is not None:  # in the head
            for number, count in found.refused:
                refused[number] = refused.get(number, 0) + count
        return found

    monkeypatch.setattr(listen, "listened", counted)
    watch, every = Watch(), np.arange(len(PLACES))
    watch.step(0.5, [told(Kind.SILENCE, every, 0.0), told(Kind.SILENCE, every[:5], 0.0, "late")])
    for t in range(30, 100):
        late = [told(Kind.PRESENCE, every[:5], 34.0, "late")] if t == 97 else []
        watch.step(t + 0.5, [told(Kind.PRESENCE, every, float(t)), *late])
    nodes = records(watch.picture.beliefs.nodes, NODE)
    assert set(nodes["sensor"][nodes["begun"] == START + 34 * SECOND].tolist()) == {watch.picture.sensors.index("late")}
    assert not nodes["fresh"].any()
    assert refused == {watch.picture.sensors.index("ears"): len(PLACES) - 61}


def slowly(nodes, centre, radius, most):
    """Return what `near` finds around one place, by sorting all."""
    away = [sum((place[a] - centre[a]) ** 2 for a in range(3)) for place in nodes.place.tolist()]
    rows = sorted((row for row in range(len(away)) if away[row] <= radius * radius), key=lambda row: (away[row], row))
    turn, before = {}, {}
    for row in rows:
        source = int(nodes.source[row])
        turn[row] = before.get(source, 0)
        before[source] = turn[row] + 1
    rows.sort(key=lambda row: (turn[row], away[row], nodes.source[row]))
    return sorted(rows[:most])


def found_near(nodes, centre, radius, most):
    start, found = np.empty(len(centre) + 1, np.int64), np.empty(len(centre) * most, np.int64)
    count = near(nodes, centre, radius, most, start, found)
    return [found[a:b].tolist() for a, b in zip(start, [*start[1:-1], count], strict=False)]


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("sources", [1, 2, 5, 80])
def test_of_too_many_around_each_source_has_its_nearest(sources, whole):
    """whole: on a lattice, where many are equally far."""
    rng = np.random.default_rng(sources)
    local = np.column_stack([rng.uniform(-9e3, 9e3, (500, 2)), np.full(500, 2.0)])
    local[:, 0] *= rng.uniform(0.2, 1.0, 500)
    place = np.round(local / 3e3) * 3e3 + [4e6, 3e6, 3e6] if whole else ecef(local)
    source = np.minimum(rng.geometric(0.4, 500), sources) - 1 if sources < 80 else np.arange(500) % 80
    nodes = field(np.arange(500), place, np.full(500, 4e3), 7 + source)
    centre, radius = place[:6], np.array([2e3, 5e3, 9e3, 14e3, 40e3, -1.0])
    for most in (20, 48, 600):
        wanted = [slowly(nodes, c, r, most) if r > 0 else [] for c, r in zip(centre, radius.tolist(), strict=True)]
        assert found_near(nodes, centre, radius, most) == wanted
    assert max(map(len, wanted)) == 500


def test_plain_and_compiled_choose_the_same():
    rng = np.random.default_rng(3)
    place = ecef(np.column_stack([rng.uniform(-5e3, 5e3, (300, 2)), np.full(300, 2.0)]))
    nodes = field(np.arange(300), place, np.full(300, 4e3), rng.integers(0, 3, 300))
    one, other = both(lambda: found_near(nodes, place[:20], np.full(20, 4e3), 30))
    assert one == other
    assert {len(rows) for rows in one} == {30}


def crowd(fakes):
    """Return three honest nodes and fakes, (n, 3) east, north, up, of another source; named before them."""
    honest = np.array([[0.0, 0.0, 2.0], [2000.0, 0.0, 2.0], [0.0, 2000.0, 2.0]])
    n = len(fakes)
    return field(np.arange(n + 3), ecef(np.vstack([fakes, honest])), np.full(n + 3, 3700.0), np.arange(n + 3) >= n)


def test_made_up_nodes_of_one_source_do_not_hide_who_hears_a_target_among_those_of_another():
    """In cubes all around, so that some come before those of the others."""
    nodes = crowd(500.0 + np.random.default_rng(0).uniform(-900.0, 900.0, (3 * MOST, 3)))
    known = flying([500.0, 500.0, 300.0, 50.0, 0.0, 0.0])
    _, pairs = compare(known, nodes, saying(np.zeros(len(nodes.node), int)), HEARING)
    assert len(pairs.node) == MOST
    assert nodes.source[pairs.node].sum() == 3


def test_of_one_source_the_nearest_are_compared():
    rng = np.random.default_rng(0)
    far = np.column_stack([rng.uniform(-9e3, 9e3, (4 * MOST, 2)), np.full(4 * MOST, 2.0)])
    nodes = crowd(far)
    nodes = nodes._replace(source=np.zeros(len(nodes.node), np.int64))
    _, pairs = compare(flying([0.0, 0.0, 300.0, 1.0, 0.0, 0.0]), nodes, saying(np.zeros(len(nodes.node), int)), HEARING)
    away = np.linalg.norm(nodes.place - ecef([[0.0, 0.0, 300.0]]), axis=1)
    assert len(pairs.node) == MOST
    assert np.delete(away, pairs.node).min() > away[pairs.node].max() - 20.0  # the middle is a little behind it


@pytest.mark.parametrize("spread", [80.0, 0.0])
def test_made_up_nodes_beside_one_do_not_hide_the_others_of_its_source(spread):
    """Also where they say that they stand at its very place."""
    nodes = crowd(np.random.default_rng(1).uniform(-spread, spread, (60, 3)) * [1.0, 1.0, 0.0] + [0.0, 0.0, 2.0])
    row = int(np.flatnonzero(nodes.node == 60)[0])
    rows = neighbours(nodes, row)
    assert rows[0] == row
    assert len(np.unique(rows)) == len(rows) == newcomers.MOST
    assert nodes.source[rows].sum() == 3
    away = np.linalg.norm(nodes.place[rows] - nodes.place[row], axis=1)
    assert (np.diff(away) >= 0.0).all()


def test_nodes_given_in_any_order_are_the_same_field():
    rng = np.random.default_rng(2)
    place, source = ecef(rng.uniform(-2e4, 2e4, (60, 3))), rng.integers(0, 4, 60) * 3
    one = field(np.arange(60), place, np.full(60, 4e3), source)
    order = rng.permutation(60)
    other = field(order, place[order], np.full(60, 4e3), source[order])
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    assert (one.source * 3 == source[one.node]).all()
    assert cells.numbered(np.zeros(0, np.int64)).tolist() == []


def test_what_there_was_no_room_or_no_time_for_is_told(monkeypatch):
    def refusing(*given):
        return listen.half_second(*given)._replace(refused=((0, 3),))

    monkeypatch.setattr("skywarden.track.step.half_second", refusing)
    watch = Watch()
    watch.step(0.9, [told(Kind.SILENCE, np.array([1]), 0.5)])
    assert watch.told.events == (Refused("ears", "quota", 3),)
