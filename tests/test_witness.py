"""Single microphones that do not hear what others know to be near where they say they stand, or that always hear."""

from dataclasses import replace

import numpy as np
import pytest
from ears_world import AXES, LEVEL, SECOND, Path, flight, told
from service_samples import published
from test_track_listen import SETTINGS, Watch
from track_world import START, batch

from skywarden.config import Settings
from skywarden.model.detection import Kind
from skywarden.model.event import SensorFault
from skywarden.model.track import Picture
from skywarden.pipeline import Line, step
from skywarden.service import sensor_rows
from skywarden.service.notices import notices
from skywarden.service.words import LANGUAGES
from skywarden.track import witness
from skywarden.track.beliefs import plain, records
from skywarden.track.hearers import Known, compare
from skywarden.track.listen import hearing_of
from skywarden.track.nodes import look
from skywarden.track.posts import NODE, book_of, calls, field_of, kept, noted

FIELD, STEP_S, PASS_S, SPEED, REACH = np.arange(50), 5, 550, 100.0, 3700.0
SENSOR = np.array([0])


def passed(nodes, pass_, north, stands, missed, always=()):
    """Return nodes after one has flown over all rows' length, `north` m up the field; where he is others know.

    stands: (50, 3) where nodes are; missed: who misses all of it; always: who hears all the time.
    """
    one, hearing = Path((-8000.0, north, 300.0), (SPEED, 0.0, 0.0)), hearing_of(SETTINGS)
    for t in range(0, PASS_S, STEP_S):
        now = pass_ * PASS_S + t
        d, u = one.place + t * one.velocity - stands, one.velocity
        way = np.linalg.norm(d - np.linalg.norm(d, axis=1)[:, None] / 340.0 * u, axis=1)
        hears = (way < REACH) & ~missed
        hears[list(always)] = True
        batches = [told(Kind.SILENCE, FIELD, float(now)), told(Kind.PRESENCE, FIELD[hears], float(now))]
        nodes = noted(nodes, calls([(0, some) for some in batches if len(some)]), SENSOR).nodes
        book, looks = look(book_of(nodes), START + now * SECOND, np.zeros(len(nodes)))
        mean = np.concatenate([one.at(t), u @ AXES])[None]
        known = Known(mean, np.eye(6)[None] * 400.0, np.ones(1), np.full(1, 1e4))
        _, pairs = compare(known, field_of(nodes, REACH), looks, hearing)
        near = witness.near(known.existence, np.zeros(1, np.int64), pairs, len(nodes))
        nodes = witness.scored(kept(nodes, book), book, looks, near)
    return nodes


def faults(nodes):
    """Return the fault of each node, by its place in LEVEL, of those that have one."""
    number = nodes["node"] ^ witness.salt("ears")
    return {int(k): witness.FAULTS[f] for k, f in zip(number, nodes["fault"], strict=True) if f}


def flown(seed, passes, displaced, off):
    """Return faults after each pass. displaced: nodes that stand `off` (3,) from where they say."""
    rng, nodes, found = np.random.default_rng(seed), np.zeros(0, NODE), []
    stands = LEVEL[FIELD].copy()
    stands[displaced] += off
    for k in range(passes):
        missed = rng.random(len(FIELD)) > 0.9
        nodes = passed(nodes, k, rng.uniform(4000.0, 7000.0), stands, missed)
        found.append(faults(nodes))
    return found


@pytest.mark.parametrize("seed", [11, 12])
def test_nodes_kilometres_from_where_they_say_are_told_within_fifteen_passes_and_no_others(seed):
    """Two of fifty stand 3 km south of where they say; who flies over or north of that place is beyond their reach."""
    found = flown(seed, 20, [14, 17], [0.0, -3000.0, 0.0])
    assert set(found[14]) == {14, 17}
    assert set(found[19].values()) == {"does not hear"}
    assert all(set(some) <= {14, 17} for some in found)


def test_honest_nodes_that_miss_a_pass_in_ten_are_never_told():
    found = flown(13, 20, [], np.zeros(3))
    assert not any(found)


def test_a_score_has_bounds_and_one_that_hears_again_is_told_no_more():
    nodes, stands = np.zeros(0, NODE), LEVEL[FIELD].copy()
    for k in range(12):
        nodes = passed(nodes, k, 5000.0, stands, FIELD == 14)
    assert faults(nodes) == {14: "does not hear"}
    assert nodes["fits"].min() == witness.LEAST
    for k in range(12, 34):
        nodes = passed(nodes, k, 5000.0, stands, FIELD < 0)
        if not faults(nodes):
            break
    assert 14 < k < 24
    assert witness.RIGHT <= nodes["fits"].min() < nodes["fits"].max() == witness.MOST


def test_what_is_not_near_or_absent_says_nothing():
    nodes = passed(np.zeros(0, NODE), 0, 400_000.0, LEVEL[FIELD], FIELD < 0)
    assert not nodes["fits"].any()
    book, looks = look(book_of(nodes), START + 9_000 * SECOND, np.zeros(len(nodes)))
    assert not witness.scored(nodes, book, looks, np.ones(len(nodes)))["fits"].any()
    assert not witness.scored(nodes, book, looks, None)["fits"].any()


def noisy(loud):
    """Return the faults of ten nodes of which the first two hear something for no reason so long, s."""
    nodes = noted(np.zeros(0, NODE), calls([(0, told(Kind.SILENCE, FIELD[:10], 0.0))]), SENSOR).nodes
    nodes["loud"][:2], nodes["fault"][1] = loud, witness.NOISE
    book, looks = look(book_of(nodes), START, np.zeros(10))
    return [witness.FAULTS[k] for k in witness.scored(nodes, book, looks, None)["fault"]]


def test_a_node_that_always_hears_is_told_until_it_is_much_better():
    quiet = [""] * 8
    assert noisy(3e5) == ["noise", "noise", *quiet]
    assert noisy(1.5e5) == ["", "noise", *quiet]
    assert noisy(1e3) == ["", "", *quiet]


def test_so_many_change_by_one_look_and_the_others_by_later_ones(monkeypatch):
    monkeypatch.setattr(witness, "CHANGES", 4)
    nodes = noted(np.zeros(0, NODE), calls([(0, told(Kind.SILENCE, FIELD[:10], 0.0))]), SENSOR).nodes
    nodes["fits"] = -17.0
    book, looks = look(book_of(nodes), START, np.zeros(10))
    count = []
    for _ in range(4):
        nodes = witness.scored(nodes, book, looks, None)
        count.append(int((nodes["fault"] == witness.DEAF).sum()))
    assert count == [4, 8, 10, 10]


DEAF = 41  # a node beside the path of `flight`, that lives and reports nothing


class Told(Watch):
    """Steps the whole line; a radar sees the flight if `seen`."""

    def __init__(self, seen, until=330):
        super().__init__()
        one = flight(begin=20.0)
        for t in range(until):
            batches = [told(Kind.SILENCE, np.arange(100), float(t))] if t % 20 == 0 else []
            hears = np.flatnonzero(one.way(float(t)) < REACH)
            batches += [told(Kind.PRESENCE, hears[hears != DEAF], float(t))]
            if seen:
                found, sigma = one.at(t)[None], np.eye(3) * 400.0
                batches.append(batch(Kind.POSITION, "radar", np.array([float(t)]), found, sigma, revisit=2.0))
            self.step(t + 0.5, [some for some in batches if len(some)])

    def step(self, t, batches):
        time = START + round(t * SECOND)
        self.picture, events = step(self.picture, batches, time, Settings(tracker=SETTINGS))
        self.events += [one for one in events if isinstance(one, SensorFault)]

    def nodes(self):
        return records(self.picture.chains.settled.beliefs.nodes, NODE)


def test_the_running_line_tells_by_source_and_number_and_keeps_it(monkeypatch):
    monkeypatch.setattr(witness, "WRONG", -2.0)
    watch = Told(seen=True)
    (event,) = watch.events
    assert (event.sensor, event.fault) == (f"ears/{DEAF}", "does not hear")
    assert watch.nodes()["fits"].max() > 1.0
    again = Line.restore(Line(picture=watch.picture).save()).picture
    assert records(again.chains.settled.beliefs.nodes, NODE).tobytes() == watch.nodes().tobytes()
    assert witness.faulty(again.chains.settled) == {f"ears/{DEAF}": "does not hear"}
    assert sensor_rows.ears(again) == sensor_rows.EarsRow(100, 1, {f"ears/{DEAF}": "does not hear"})


def test_targets_are_believed_the_same_whatever_is_told_of_nodes(monkeypatch):
    monkeypatch.setattr(witness, "WRONG", -2.0)
    one = Told(seen=True, until=250)
    monkeypatch.setattr(witness, "scored", lambda nodes, *_: nodes)
    other = Told(seen=True, until=250)
    assert one.nodes()["fits"].any()
    assert not other.nodes()["fits"].any()
    for chain in ("settled", "head"):
        mine, its = (
            w.picture.chains.settled.beliefs if chain == "settled" else w.picture.beliefs for w in (one, other)
        )
        assert mine.targets.tobytes() == its.targets.tobytes()
        assert mine.leaves.tobytes() == its.leaves.tobytes()


def test_whom_microphones_alone_have_found_speaks_for_no_node_and_against_none():
    watch = Told(seen=False)
    assert len(watch.picture.tracks) == 1
    assert not watch.nodes()["fits"].any()


def chain_with(fault):
    """Return a picture whose settled chain has nodes with these faults (n,)."""
    nodes = noted(np.zeros(0, NODE), calls([(0, told(Kind.SILENCE, FIELD[: len(fault)], 0.0))]), SENSOR).nodes
    nodes["fault"][np.argsort(nodes["node"] ^ witness.salt("ears"))] = fault
    picture = Picture(START)
    settled = picture.chains.settled
    settled = replace(settled, sensors=("ears",), beliefs=replace(settled.beliefs, nodes=plain(nodes)))
    return replace(picture, chains=replace(picture.chains, settled=settled))


def test_faults_that_come_and_go_are_told_and_no_more_than_there_is_room_for(monkeypatch):
    before, now = (chain_with(fault).chains.settled for fault in ([0, 1, 1, 2], [1, 1, 2, 0]))
    gone, new, other = (
        SensorFault(7, f"ears/{k}", fault) for k, fault in ((3, ""), (0, "does not hear"), (2, "noise"))
    )
    found = witness.said(before, now, 7)
    assert sorted(found, key=lambda one: one.sensor) == [new, other, gone]
    assert found[-1] == gone
    assert witness.said(now, now, 7) == []
    monkeypatch.setattr(witness, "CHANGES", 2)
    assert witness.said(before, now, 7) == found[:2]


def test_health_names_the_first_few_and_many_degrade_it():
    few, many = (chain_with([1] * n + [0] * (50 - n)) for n in (10, 11))
    assert (sensor_rows.ears(few).faulty, sensor_rows.ears(few).many) == (10, False)
    assert len(sensor_rows.ears(few).first) == 8
    assert sensor_rows.ears(many).many
    assert published(wires=(), picture=few).state == "ok"
    assert published(wires=(), picture=many).state == "degraded"
    assert published(wires=(), picture=few).health()["microphones"] == sensor_rows.ears(few)
    (line,) = notices(published(wires=(), picture=few), LANGUAGES["en"])
    assert line.startswith("10 of 50 microphones do not hear what is near, or hear all the time: ears/0, ears/1, ")
