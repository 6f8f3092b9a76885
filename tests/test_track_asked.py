"""Single microphones, piece by piece: who is asked, who is known already, what keeps a track, what is learned where."""

from dataclasses import replace

import numpy as np
import pytest
from ears_world import PLACES, SECOND, Path, called, flight, told
from test_track_listen import Watch
from track_world import START, batch

from skywarden.model.detection import Kind
from skywarden.model.track import Picture, Status
from skywarden.track import chain, listen, newcomers, settled
from skywarden.track.audible import Hearing
from skywarden.track.beliefs import records
from skywarden.track.hearers import HEARD, Known, Looks, Pairs
from skywarden.track.items import items
from skywarden.track.newcomers import Newcomer
from skywarden.track.posts import NODE, calls, field_of, noted, steady
from skywarden.track.presence import asked, compare, shares
from skywarden.track.settings import TrackerSettings

NOBODY, SENSOR = np.zeros(0, NODE), np.array([0])


class Spy:
    """Takes the place of `seek`: keeps whom it was asked, finds what it is told to."""

    def __init__(self, monkeypatch, found=()):
        self.fresh, self.rates, self.found = [], [], list(found)
        monkeypatch.setattr(listen, "seek", self)

    def __call__(self, scene, fresh, now, sought):
        self.fresh.append(scene.field.node[fresh].tolist())
        self.rates.append(dict(zip(scene.field.node.tolist(), scene.rate.tolist(), strict=True)))
        found, self.found = self.found, []
        return found, scene, np.zeros(0, np.int64)


def names(nodes):
    """Return what nodes are called in the chains."""
    return calls([(0, told(Kind.SILENCE, np.array(nodes), 0.0))])["node"].tolist()


def position(one, t, sigma=20.0):
    return batch(Kind.POSITION, "radar", np.array([float(t)]), one.at(t)[None], np.eye(3) * sigma**2, revisit=2.0)


def test_whom_nobody_asks_in_time_is_not_asked_any_more(monkeypatch):
    """A report of a minute ago that comes only now: others of the same flight have come since."""
    spy, watch = Spy(monkeypatch), Watch()
    watch.step(0.5, [told(Kind.SILENCE, np.array([3, 4]), 0.0)])
    watch.step(100.5, [told(Kind.PRESENCE, np.array([3]), 100.0 - 65.0), told(Kind.PRESENCE, np.array([4]), 95.0)])
    assert spy.fresh == [names([4])]


def test_what_a_known_target_explains_is_used_up_and_the_rest_is_not(monkeypatch):
    """A target that a radar knows comes near node 40 when it begins to hear; 39, far on, begins too."""
    one = Path((-7_000.0, 16_000.0, 300.0), (50.0, 0.0, 0.0))
    spy, watch = Spy(monkeypatch), Watch()
    watch.step(0.5, [told(Kind.SILENCE, np.array([40, 49]), 0.0)])
    for t in range(1, 85):
        watch.step(t + 0.5, [position(one, t), told(Kind.SILENCE, np.array([40, 49]), float(t))])
    watch.step(85.5, [position(one, 85.0), told(Kind.PRESENCE, np.array([40, 49]), 85.0)])
    near, far = names([40, 49])
    assert spy.rates[-1][near] == np.inf
    assert spy.rates[-1][far] < 1e-3


@pytest.mark.parametrize("off, wanted", [(0.0, 1), (30_000.0, 2)])
def test_a_newcomer_who_is_known_is_nobody_new(monkeypatch, off, wanted):
    one, watch = flight(begin=0.0), Watch()
    for t in range(20):
        watch.step(t + 0.5, [position(one, t), told(Kind.SILENCE, np.array([3]), float(t))])
    state = np.concatenate([one.at(21.0), (one.at(21.0) - one.at(20.0))])
    state[2] += off
    spread = np.diag([900.0**2] * 3 + [15.0**2] * 3)
    new = Newcomer(START + 21 * SECOND, state, spread, 0.9, np.array([0]), np.ones(1))
    Spy(monkeypatch, [new])
    watch.step(21.5, [told(Kind.PRESENCE, np.array([3]), 21.0)])
    assert len(watch.picture.beliefs.targets) == wanted


def test_microphones_keep_no_track_whose_place_nobody_knows_any_more():
    """A radar sees it for 50 s; a minute later nodes still hear it, but where it is by now is a guess."""
    one, watch = flight(begin=60.0), Watch()
    for t in range(130):
        watch.step(t + 0.5, [*called([one], float(t)), *([position(one, t)] if t < 50 else [])])
        if t == 60:
            assert watch.picture.tracks.status[0] == Status.CONFIRMED  # heard, though not seen for 10 s
            number = watch.picture.tracks.number[0]
    shown = watch.picture.tracks.number[watch.picture.tracks.shown()]
    assert number not in shown.tolist()


def test_microphones_keep_no_track_of_whom_they_may_not_hear_at_all():
    """The same flight, lost after 30 s: by what was heard until then it may as well be a bird among engines."""
    one, watch = flight(begin=60.0), Watch()
    for t in range(41):
        watch.step(t + 0.5, [*called([one], float(t)), *([position(one, t)] if t < 30 else [])])
    assert watch.picture.tracks.status[0] == Status.DROPPED


def test_a_node_that_would_hear_anyway_hears_nobody_for_sure():
    """One node, two targets that it should hear both: neither can be told to be there by it."""
    looks = Looks(np.array([HEARD]), *(np.zeros(1) for _ in range(5)))
    for targets, wanted in ((2, []), (1, [0])):
        chance = np.full((targets, 7), 0.9)
        pairs = Pairs(np.arange(targets + 1), np.zeros(targets, np.int64), chance, chance, chance)
        silent = np.full((1, 3), targets * np.log(1.0 - 0.9 * 0.9))
        nobody = np.zeros(targets, bool)
        assert listen._hears(pairs, looks, silent, np.full(targets, 0.9), nobody)[0].tolist() == wanted


def test_of_nodes_that_hear_a_target_one_is_named_that_did_not_begin_it():
    looks = Looks(np.array([HEARD, HEARD]), *(np.zeros(2) for _ in range(5)))
    chance = np.full((2, 7), 0.9)
    pairs = Pairs(np.array([0, 2]), np.arange(2), chance, chance, chance)
    silent = np.full((2, 3), np.log(1.0 - 0.9 * 0.9))
    for only, node in (([True, False], 1), ([False, True], 0), ([True, True], 0)):
        row, named = listen._hears(pairs, looks, silent, np.array([0.9]), np.array(only))
        assert (row.tolist(), named.tolist()) == ([0], [node])


def test_the_settled_chain_learns_and_the_head_takes_it_over():
    watch = Watch()
    for t in range(120):
        watch.step(t + 0.5, called([], float(t)))
    head, behind = (
        records(beliefs.nodes, NODE) for beliefs in (watch.picture.beliefs, watch.picture.chains.settled.beliefs)
    )
    assert behind["quiet"].min() > 30.0
    assert np.abs(head["quiet"] - behind["quiet"]).max() <= 2.0


def test_of_two_places_at_once_the_same_is_believed_in_any_order():
    some = calls([(0, told(Kind.SILENCE, np.array([1, 1]), 5.0))])
    some["place"][1] += 500.0
    one, other = (noted(NOBODY, each, SENSOR).nodes for each in (some, some[::-1].copy()))
    assert one.tobytes() == other.tobytes()


def test_calls_of_new_nodes_and_of_nodes_that_move_hang_on_where_they_are_cut():
    known = noted(NOBODY, calls([(0, told(Kind.SILENCE, np.arange(5), 0.0))]), SENSOR).nodes
    same, new = (calls([(0, told(Kind.PRESENCE, np.arange(n), 1.0))]) for n in (5, 6))
    moved = same.copy()
    moved["place"][2] += 100.0
    assert steady(known, same)
    assert steady(known, same[:0])
    assert not steady(known, new)
    assert not steady(known, moved)


def test_sources_that_begin_within_a_second_are_numbered_the_same_however_it_is_cut():
    settings = TrackerSettings()
    batches = [told(Kind.SILENCE, np.arange(3), 0.2, "b"), told(Kind.SILENCE, np.arange(3), 0.7, "a")]
    batches.append(batch(Kind.POSITION, "radar", np.array([0.15]), PLACES[:1], np.eye(3), revisit=1.0))
    waiting = chain.Waiting([settled.stored(items(batches, settings))])
    whole = chain.advanced(chain.begun(START), waiting, START + 2 * SECOND, 100, settings).chain
    part = chain.advanced(chain.begun(START), waiting, START + SECOND // 2, 100, settings).chain
    cut = chain.advanced(part, waiting, START + 2 * SECOND, 100, settings).chain
    assert cut.sensors == whole.sensors == ("radar", "b", "a")
    assert cut.digest == whole.digest


def test_so_many_calls_wait_and_no_more(monkeypatch):
    monkeypatch.setattr(settled, "MOST_CALLS", 300)
    watch = Watch()
    for t in range(40):
        watch.step(t + 0.5, [told(Kind.SILENCE, np.arange(100), float(t))])
    assert sum(len(part.called) for part in watch.picture.chains.waiting) <= 600
    assert watch.picture.time - watch.picture.chains.settled.until < 6 * SECOND


def test_a_rebuilt_head_asks_nodes_a_few_times_a_tick():
    settings = TrackerSettings()
    batches = [told(Kind.SILENCE, np.arange(5), float(t)) for t in range(30)]
    waiting = chain.Waiting([settled.stored(items(batches, settings))])
    some = chain.advanced(chain.begun(START), waiting, START + SECOND, 100, settings).chain
    until = START + 18 * SECOND
    assert chain.advanced(some, waiting, until, 100, settings, roughly=3).chain.until == START + 3 * SECOND
    assert chain.advanced(some, waiting, until, 100, settings).chain.until == until


@pytest.mark.parametrize("tick", [0.1, 0.7, 1.0])
def test_nodes_are_looked_at_once_a_second_and_asked_who_is_new_between(monkeypatch, tick):
    asked, watch = [], Watch()
    monkeypatch.setattr(
        "skywarden.track.step.half_second", lambda *given: asked.append(given[2]) or listen.half_second(*given)
    )
    for k in range(round(4.0 / tick)):
        watch.step(tick * k, [told(Kind.SILENCE, np.array([3]), tick * k)])
    assert asked == [START + half * SECOND // 2 for half in range(1, 1 + int((watch.picture.time - START) * 2e-9))]


def test_what_others_find_is_asked_anew_and_the_rest_is_not_asked_twice(monkeypatch):
    """Two nodes far apart begin: what one explains is nothing to the other, whose answer stands."""
    watch = Watch()
    watch.step(0.5, [told(Kind.SILENCE, np.arange(len(PLACES)), 0.0)])
    answers = []

    def answer(scene, row, now, sought):
        answers.append(int(row))
        around = newcomers.neighbours(scene.field, row)[:5]
        one = Newcomer(now, np.zeros(6), np.eye(6), 0.9 - 1e-3 * len(answers), around[1:], np.ones(4))
        return newcomers.Answer(around, (one,) if answers.count(int(row)) == 1 else ())

    monkeypatch.setattr(newcomers, "answer", answer)
    monkeypatch.setattr(listen, "_begun", lambda *_: pytest.fail("none of them is a target"))
    monkeypatch.setattr(listen, "already", lambda *_: np.ones(1, bool))
    watch.step(30.5, [told(Kind.PRESENCE, np.array([0, 99]), 30.0)])
    assert sorted(answers.count(row) for row in set(answers)) == [2, 2]
    assert len(answers) == 4


def test_silence_is_told_as_it_was_likely_before_the_look():
    nodes = noted(NOBODY, calls([(0, told(Kind.PRESENCE, np.arange(20), 0.0))]), SENSOR).nodes
    field, n = field_of(nodes, 3700.0), len(nodes)
    ones = np.ones(n)
    looks = Looks(np.full(n, HEARD), np.full(n, HEARD), ones, 0.01 * ones, 60.0 * ones, 0.0 * ones)
    ways = [Path((x, 1500.0, 300.0), (50.0, 0.0, 0.0)) for x in (3000.0, 5000.0)]
    mean = np.stack([np.concatenate([one.at(0.0), one.at(1.0) - one.at(0.0)]) for one in ways])
    known = Known(mean, np.stack([np.diag([500.0**2] * 3 + [5.0**2] * 3)] * 2), np.full(2, 0.6), np.full(2, 1e4))
    shape, pairs = compare(known, field, looks, Hearing())
    wanted = shares(known, shape, pairs, looks, Hearing())
    assert asked(known, field, looks, Hearing()).silent == pytest.approx(wanted, rel=1e-12)
    assert wanted[:, 0].min() < np.log(0.7)


def test_when_all_nodes_have_been_forgotten_targets_are_still_followed():
    one, watch = flight(begin=0.0), Watch()
    watch.step(0.5, [told(Kind.SILENCE, np.array([3]), 0.0)])
    for t in range(10):
        here = one.at(t)[None]
        late = 100_000.0 + t
        watch.step(late + 0.5, [batch(Kind.POSITION, "radar", np.array([late]), here, np.eye(3) * 400.0, revisit=2.0)])
    assert len(watch.picture.beliefs.nodes) == 0
    assert watch.picture.tracks.status.tolist() == [Status.CONFIRMED]
    assert not [event for event in watch.events if hasattr(event, "reason")]


@pytest.mark.parametrize("tick, begun, halves", [(0.05, 0.0, [1]), (0.1, 0.4, []), (1.0, 0.0, [4]), (4.0, 0.0, [16])])
def test_a_rebuilt_head_gains_on_time_however_long_ticks_are(monkeypatch, tick, begun, halves):
    """Else a system of slow ticks would never have one. In short ticks it rests when the settled chain asks nodes."""
    settings, asked = TrackerSettings(register_sensors=False), []
    batches = [told(Kind.SILENCE, np.arange(5), float(t)) for t in range(60)]
    until, waiting = START + round((20.0 + begun) * SECOND), (settled.stored(items(batches, settings)),)
    known = chain.advanced(chain.begun(START), chain.Waiting(waiting), until, 1000, settings).chain
    chains = replace(Picture(START).chains, settled=known, rebuilt=known, waiting=waiting, busy=True)

    def advanced(*given, roughly=0, **named):
        asked.append(roughly)
        return chain.advanced(*given, roughly=roughly, **named)

    monkeypatch.setattr(settled, "advanced", advanced)
    now = until + settled.APART + round((settings.settle_s + tick) * SECOND)
    settled.progressed(chains, now, settings, False)
    assert asked == [0, *halves]


def test_a_node_that_begins_anew_while_it_waits_is_explained_anew():
    nodes = noted(NOBODY, calls([(0, told(Kind.PRESENCE, np.arange(3), 40.0))]), SENSOR).nodes
    nodes["fresh"], nodes["rate"], nodes["free"] = [1, 3, 2], np.inf, START
    after = listen._explaining(nodes, START + 43 * SECOND, np.full(3, 2e-4), np.full(3, 1e-4))
    assert after["rate"].tolist() == [2e-4, 2e-4, np.inf]
    assert after["fresh"].tolist() == [2, 2, 2]
