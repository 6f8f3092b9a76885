"""Targets begun by presence only, from messages of a field of nodes: who is found, who is not, and only once."""

from typing import NamedTuple

import numpy as np
import pytest
from ears import AXES, ORIGIN, ecef, flying, saying, standing

from skywarden.model.place import F64
from skywarden.track.audible import Hearing
from skywarden.track.cells import Field, field
from skywarden.track.newcomers import ASKED, Newcomer, Rules, Scene, Search, already, expected, search, seek
from skywarden.track.nodes import SECOND, Messages, empty, rates, take
from skywarden.track.presence import HEARD, SILENT, compare, shares

NOW = 1_800_000_000 * SECOND
HEARING = Hearing(memory=60.0)
SPACING = 4000.0


class Onset(NamedTuple):
    """A node begins to hear at a time and does so for some seconds."""

    node: int
    at: float
    lasts: float = 150.0


def grid(size: int = 8) -> F64:
    """Return (n, 3) m, nodes 4 km from each other, the first row in the west, none exactly on the lattice."""
    x, y = np.meshgrid(np.arange(size), np.arange(size))
    off = np.random.default_rng(3).normal(0, 300.0, (size * size, 2))
    return np.column_stack([SPACING * np.stack([x.ravel(), y.ravel()], -1) + off, np.full(size * size, 2.0)])


GRID = grid()


@pytest.fixture(scope="module")
def sought() -> Search:
    return search(HEARING, Rules())


def flight(start: tuple[float, float], velocity: tuple[float, float], reach: float = 4000.0) -> list[Onset]:
    """Return when each node hears a target that is at `start` at 0 s, 300 m high: all that come near enough."""
    v, speed = np.array(velocity), float(np.hypot(*velocity))
    found = []
    for k, place in enumerate(GRID):
        d = place[:2] - np.array(start)
        along, side = float(d @ v) / speed, float(d[0] * v[1] - d[1] * v[0]) / speed
        half2 = reach**2 - side**2 - 300.0**2
        if half2 > 0 and along > 0:
            half = np.sqrt(half2)
            found.append(Onset(k, (along - half) / speed + reach / 340.0, 2 * half / speed))
    return found


class Told(NamedTuple):
    """Who was found and when, s."""

    at: float
    who: Newcomer


def listen(
    onsets: list[Onset], seconds: int, sought: Search, nodes: Field | None = None, down: tuple[int, ...] = ()
) -> list[Told]:
    """Let a field hear from -300 s on, each second; return all newcomers. Everyone lives but those that are down."""
    nodes = standing(GRID) if nodes is None else nodes
    row = np.argsort(nodes.node)
    book, told = empty(len(nodes.node)), []
    scene = Scene(nodes, book, np.full(len(nodes.node), np.inf), np.full(len(nodes.node), np.inf))
    alive = np.setdiff1d(np.arange(len(nodes.node)), row[list(down)])
    for second in range(-300, seconds):
        on = [one.node for one in onsets if one.at <= second < one.at + one.lasts and one.node not in down]
        rows, heard = row[np.array(on, int)], np.ones(len(on), int)
        if second % 60 == 0:
            rows, heard = np.append(rows, alive), np.append(heard, np.zeros(len(alive), int))
        time = NOW + second * SECOND
        book, fresh, _ = take(scene.book, Messages(rows, np.full(len(rows), time), heard), time)
        scene = scene._replace(book=book)
        scene.rate[fresh] = scene.claps[fresh] = rates(book)[fresh]
        found, scene, _ = seek(scene, fresh, time, sought)
        told += [Told(second, one) for one in found]
    return told


def level(who: Newcomer) -> F64:
    """Return (4,) east, north m and m/s."""
    return np.concatenate([((who.mean[:3] - ORIGIN) @ AXES.T)[:2], (who.mean[3:] @ AXES.T)[:2]])


@pytest.mark.parametrize("speed", [50.0, 140.0, 230.0])
def test_a_flight_is_found_when_few_nodes_have_heard_it_and_only_once(speed: float, sought: Search) -> None:
    onsets = flight((-14e3, 13e3), (speed, 0.1))
    told = listen(onsets, int(30e3 / speed), sought)
    third = sorted(one.at for one in onsets)[2]
    assert third <= told[0].at <= sorted(one.at for one in onsets)[4] + 1.5
    who, truth = told[0].who, np.array([-14e3 + speed * told[0].at, 13e3, speed, 0.0])
    spread = np.sqrt(np.diag(np.kron(np.eye(2), AXES) @ who.covariance @ np.kron(np.eye(2), AXES).T))[[0, 1, 3, 4]]
    assert np.all(np.abs(level(who) - truth) < 3.0 * spread + [300.0, 300.0, 5.0, 5.0])
    assert who.existence > 0.6
    assert len(who.node) >= 3
    assert np.all(np.linalg.eigvalsh(who.covariance) > 0.0)
    used = np.concatenate([one.who.node for one in told])  # nobody follows it here, so it is begun again, by others
    assert len(np.unique(used)) == len(used)


def test_two_nodes_begin_nothing(sought: Search) -> None:
    assert listen(sorted(flight((-14e3, 13e3), (50.0, 0.1)), key=lambda one: one.at)[:2], 400, sought) == []


def test_a_moped_is_no_flight(sought: Search) -> None:
    rides = [Onset(24 + k, 400.0 * k, 200.0) for k in range(5)]
    assert listen(rides, 2000, sought) == []


def test_thunder_is_no_flight_however_often(sought: Search) -> None:
    rng, claps = np.random.default_rng(4), []
    for clap in range(3):
        place = np.array([9e3, 12e3]) + rng.normal(0, 3e3, 2)
        away = np.hypot(*(GRID[:, :2] - place).T)
        near = np.argsort(away)[:20]
        claps += [Onset(int(k), 20.0 + 60.0 * clap + away[k] / 340.0, 8.0) for k in near]
    assert listen(claps, 260, sought) == []


def test_three_onsets_deep_inside_are_not_believed_where_all_around_are_silent(sought: Search) -> None:
    inside = [Onset(27, 0.0), Onset(28, 70.0), Onset(35, 40.0)]
    assert listen(inside, 120, sought) == []


def test_they_are_where_all_around_are_down(sought: Search) -> None:
    inside = [Onset(27, 0.0), Onset(28, 70.0), Onset(35, 40.0)]
    down = tuple(k for k in range(64) if k not in (27, 28, 35, 36, 29))
    assert len(listen(inside, 120, sought, down=down)) == 1


def test_a_node_that_reports_always_neither_begins_nor_hinders(sought: Search) -> None:
    onsets = flight((-14e3, 13e3), (50.0, 0.1))
    always = onsets[0].node
    told = listen([*[one for one in onsets if one.node != always], Onset(always, -290.0, 1e6)], 500, sought)
    row = np.flatnonzero(standing(GRID).node == always)[0]
    assert len(told) >= 1
    assert all(row not in one.who.node for one in told)


def test_nodes_given_in_any_order_find_the_same_to_the_bit(sought: Search) -> None:
    onsets, order = flight((-14e3, 13e3), (50.0, 0.1)), np.random.default_rng(1).permutation(64)
    other = field(np.arange(64)[order], ecef(GRID[order]), np.full(64, 4000.0))
    one, two = listen(onsets, 300, sought), listen(onsets[::-1], 300, sought, nodes=other)
    assert [told.at for told in one] == [told.at for told in two]
    assert np.array_equal(one[0].who.mean, two[0].who.mean)
    assert np.array_equal(one[0].who.covariance, two[0].who.covariance)


def test_clocks_that_jump_find_nothing_that_is_not_there(sought: Search) -> None:
    """Nodes whose clocks are 100 s late report what began long ago: a line needs three that fit."""
    onsets = flight((-14e3, 13e3), (50.0, 0.1))
    told = listen(onsets, 300, sought)
    jumped = [one._replace(at=one.at - 90.0) if k % 2 else one for k, one in enumerate(onsets)]
    assert len(told) == 1
    assert len(listen(jumped, 300, sought)) <= 2


def test_what_a_known_target_makes_a_node_hear_is_expected() -> None:
    nodes = standing(np.array([[0.0, 0.0, 2.0], [20e3, 0.0, 2.0]]))
    known = flying([3500.0, 0.0, 300.0, -50.0, 0.0, 0.0], 0.95, 100.0)
    looks, usual = saying([SILENT, SILENT], [SILENT, SILENT]), np.full(2, 0.2 / 3600.0)
    shape, pairs = compare(known, nodes, looks, HEARING)
    rate = expected(looks.before, looks.gap, shares(known, shape, pairs, looks, HEARING), usual)
    near, far = np.argsort(nodes.node)
    assert rate[near] > 100.0 * usual[near]
    assert rate[far] == pytest.approx(usual[far], rel=0.05)
    nothing = saying([HEARD, SILENT])
    shape, pairs = compare(known, nodes, nothing, HEARING)
    silent = shares(known, shape, pairs, nothing, HEARING)
    assert expected(nothing.before, nothing.gap, silent, usual) == pytest.approx(usual)


def test_when_all_nodes_begin_at_once_some_are_asked_and_the_others_wait() -> None:
    nodes, rate, few = standing(GRID[:36]), np.full(36, 0.2 / 3600.0), search(HEARING, Rules(), fine=256)
    alive = Messages(np.arange(36), np.full(36, NOW - 20 * SECOND), np.zeros(36, int))
    book, _, _ = take(empty(36), alive, NOW - 20 * SECOND)
    book, fresh, _ = take(book, Messages(np.arange(36), np.full(36, NOW), np.ones(36, int)), NOW)
    scene, rounds = Scene(nodes, book, rate, rate.copy()), 0
    while len(fresh):
        found, scene, left = seek(scene, fresh, NOW, few)
        assert len(left) <= max(len(fresh) - 1, 0)
        fresh, rounds = left, rounds + 1
        assert len(found) <= ASKED
    assert rounds >= 1


def test_who_may_be_a_known_target_is_told() -> None:
    sigma = np.diag([800.0, 800.0, 500.0, 10.0, 10.0, 3.0]) ** 2
    state = np.array([[0.0, 0.0, 300.0, 50.0, 0.0, 0.0]] * 4)
    state[1, 1], state[2, 3], state[3, 0] = 6000.0, -50.0, np.nan  # beside it, the other way, no number at all
    known = flying(state)._replace(covariance=np.tile(sigma, (4, 1, 1)))
    mean = known.mean[0] + np.concatenate([[1500.0, 0.0, 200.0], [5.0, 0.0, 0.0]]) @ np.kron(np.eye(2), AXES)
    one = Newcomer(NOW, mean, sigma, 0.9, np.zeros(0, int), np.zeros(0))
    assert already(one, known.mean, known.covariance).tolist() == [True, False, False, False]


def test_what_is_explained_begins_nobody(sought: Search) -> None:
    """The same flight, where a known target makes the nodes begin about then."""
    onsets = flight((-14e3, 13e3), (50.0, 0.1))
    nodes = standing(GRID)
    book, _, _ = take(empty(64), Messages(np.arange(64), np.full(64, NOW - 20 * SECOND), np.zeros(64, int)), NOW)
    first = sorted(onsets, key=lambda one: one.at)[:4]
    row = np.argsort(nodes.node)
    last = first[-1].at
    begun, free = book.begun.copy(), np.full(64, NOW - 1000 * SECOND)
    for one in first:
        begun[row[one.node]] = NOW + round((one.at - last) * SECOND)
    heard = np.flatnonzero(begun > NOW - 1000 * SECOND)
    book = book._replace(begun=begun, last=np.where(begun > NOW - 1000 * SECOND, NOW, book.last), free=free)
    fresh = row[np.array([first[-1].node])]
    for rate, count in ((0.2 / 3600.0, 1), (0.02, 0)):
        rates_ = np.full(64, np.inf)
        rates_[heard] = rate
        found, after, _ = seek(Scene(nodes, book, rates_, rates_.copy()), fresh, NOW, sought)
        assert len(found) == count
        assert np.isinf(after.rate[heard]).sum() == (0 if count == 0 else len(found[0].node))


def test_two_nodes_begin_nobody_however_easily_it_is_believed() -> None:
    sure = search(HEARING, Rules(odds=1e-9))
    onsets = flight((-6000.0, 6000.0), (50.0, 0.0))[:3]
    assert len(listen(onsets, 240, sure)) > 0
    assert listen(onsets[:2], 240, sure) == []
