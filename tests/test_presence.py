"""What microphones without bearing say of known targets: formulas against enumeration, sound that cannot have come."""

import numpy as np
import pytest
from ears import HEARING, chances, delay, ecef, flying, saying, slow, standing
from hypothesis import given, settings
from hypothesis import strategies as st
from plain import both

from skywarden.model.place import F64, I64
from skywarden.track.audible import Hearing, came
from skywarden.track.cells import Field, field
from skywarden.track.presence import ABSENT, HEARD, SILENT, Known, compare, hear, shares

FALSE = 3.3e-3
NODES = np.array([[0.0, 0.0, 2.0], [4000.0, 300.0, 2.0], [-300.0, 3900.0, 2.0], [4100.0, 4200.0, 2.0]])
TARGETS = np.array(
    [
        [1500.0, 2500.0, 400.0, 40.0, 30.0, 0.0],
        [3000.0, -1000.0, 800.0, -20.0, 130.0, 2.0],
        [2500.0, 3500.0, 300.0, 180.0, -120.0, 0.0],
    ]
)


def crowd(rng: np.random.Generator, count: int) -> Known:
    """Return targets that nobody knows well."""
    state = np.hstack([rng.uniform(-6e3, 9e3, (count, 2)), rng.uniform(100, 2000, (count, 1)), np.zeros((count, 3))])
    state[:, 3:5] = rng.normal(0, 60, (count, 2))
    known = flying(state, 0.5)
    A = rng.normal(size=(count, 6, 8)) * np.array([400.0, 300.0, 200.0, 8.0, 8.0, 2.0])[:, None]
    return known._replace(covariance=A @ A.swapaxes(1, 2) / 8, existence=rng.uniform(0.05, 0.99, count))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_delay_is_the_one_that_root_finding_gives(seed: int) -> None:
    rng = np.random.default_rng(seed)
    d, v, wind = rng.normal(0, 5000, 3), rng.normal(0, 130, 3), rng.normal(0, 8, 3)
    hearing = Hearing(wind=tuple(wind))
    assert came(d, v - wind, hearing.sound) == pytest.approx(delay(d, v, hearing), rel=1e-9, abs=1e-9)


def test_who_flies_faster_than_sound_is_not_listened_for() -> None:
    assert came(np.array([5000.0, 0.0, 0.0]), np.array([-330.0, 0.0, 0.0]), 340.0) == -1.0


def subsets(pd: F64, r: F64, now: I64) -> F64:
    """Return the probability that each of m targets exists, by going through all subsets. pd: (m, n), now: (n,)."""
    each, total = np.zeros(len(r)), 0.0
    for subset in range(1 << len(r)):
        there = np.array([subset >> i & 1 for i in range(len(r))], bool)
        silent = (1 - FALSE) * np.prod(np.where(there[:, None], 1 - pd, 1.0), axis=0)
        chance = np.prod(np.where(there, r, 1 - r)) * np.prod(np.where(now == SILENT, silent, 1 - silent))
        total, each = total + chance, each + chance * there
    return each / total


@pytest.mark.parametrize("node", range(4))
@pytest.mark.parametrize("now", [SILENT, HEARD])
def test_one_node_is_what_all_subsets_of_three_targets_give(node: int, now: int) -> None:
    known, nodes, looks = flying(TARGETS, 0.6), standing(NODES[node : node + 1]), saying([now])
    pd = chances(known, nodes, looks, HEARING)[:, :, 0, 1]
    found = hear(known, nodes, looks, HEARING).existence
    assert found == pytest.approx(subsets(pd, known.existence, looks.now), rel=1e-6)


def scattered(rng: np.random.Generator) -> tuple[Known, Field, F64]:
    """Return three targets among four nodes, and the chances that these hear them, (3, 4)."""
    nodes = standing(np.column_stack([rng.uniform(0, 6e3, (4, 2)), np.full(4, 2.0)]))
    place = np.column_stack([rng.uniform(0, 6e3, (3, 2)), rng.uniform(200, 900, 3)])
    known = flying(np.hstack([place, rng.normal(0, 60, (3, 2)), np.zeros((3, 1))]))
    known = known._replace(existence=rng.uniform(0.1, 0.95, 3))
    return known, nodes, chances(known, nodes, saying(np.zeros(4, int)), HEARING)[:, :, 0, 1]


def test_four_nodes_are_nearly_what_all_subsets_of_three_targets_give() -> None:
    """Messages between targets and nodes go round in circles here; with one silence each they do not matter."""
    rng, off, quiet = np.random.default_rng(0), [], []
    for _ in range(40):
        known, nodes, pd = scattered(rng)
        for pattern in range(16):
            now = np.array([pattern >> k & 1 for k in range(4)])
            found = hear(known, nodes, saying(now), HEARING).existence
            error = np.abs(found - subsets(pd, known.existence, now)).max()
            (off if pattern else quiet).append(error)
    assert max(quiet) < 1e-6
    assert np.mean(off) < 0.06
    assert np.quantile(off, 0.95) < 0.2


@pytest.mark.parametrize("before", [ABSENT, SILENT, HEARD])
@pytest.mark.parametrize("now", [SILENT, HEARD])
def test_two_looks_are_what_enumerating_two_state_processes_gives(before: int, now: int) -> None:
    known, nodes = flying(TARGETS, 0.6), standing(NODES[:1])
    looks = saying([now], [before], gap=4.0)
    table = chances(known, nodes, looks, HEARING)
    quick, twin = hear(known, nodes, looks, HEARING), slow(known, nodes, looks, HEARING)
    assert quick.existence == pytest.approx(twin.existence, rel=1e-9)
    if before != ABSENT:
        assert not np.allclose(table[:, 0, 0, 0], table[:, 0, 0, 1])


@pytest.mark.parametrize("seed", range(3))
def test_place_velocity_and_existence_are_those_of_the_slow_twin(seed: int) -> None:
    rng = np.random.default_rng(seed)
    known, nodes = crowd(rng, 3), standing(NODES[:3])
    looks = saying(rng.integers(-1, 2, 3), rng.integers(-1, 2, 3), gap=rng.uniform(0.5, 5.0))
    quick, twin = hear(known, nodes, looks, HEARING), slow(known, nodes, looks, HEARING)
    assert quick.existence == pytest.approx(twin.existence, rel=1e-9)
    assert quick.mean - known.mean == pytest.approx(twin.mean - known.mean, rel=1e-9, abs=1e-6)
    assert quick.covariance == pytest.approx(twin.covariance, rel=1e-9, abs=1e-6)
    assert np.all(np.linalg.eigvalsh(quick.covariance) > 0.0)


def approach(speed: float, spread: float, from_m: float = 15e3, known_m: float = 1e9) -> tuple[F64, F64, F64]:
    """Return s, distance now and existence, each second, of a target that flies straight in on one silent node.

    known_m: how far off it was when it became known.
    """
    hearing, nodes = Hearing(spread=spread), standing(NODES[:1])
    times, existence = np.arange(0.0, (from_m + 5e3) / speed, 1.0), [0.9]
    away = from_m - speed * times
    before = ABSENT
    for d, time in zip(away, times, strict=True):
        since = max((known_m - d) / speed, 0.0) if known_m < 1e9 else 1e6
        known = flying([0.0, d, 300.0, 0.0, -speed, 0.0], existence[-1], 1.0, since)
        if known_m >= d:
            existence.append(hear(known, nodes, saying([SILENT], [before]), hearing).existence[0])
            before = SILENT
        else:
            existence.append(existence[-1])
        assert time >= 0.0
    return times, away, np.array(existence[1:])


@pytest.mark.parametrize("speed", [50.0, 140.0, 230.0])
def test_a_silent_node_takes_nothing_before_the_first_sound_can_have_come(speed: float) -> None:
    spread = 0.02  # the node hears 4 km, give or take 6 % at three sigmas
    times, away, existence = approach(speed, spread)
    edge = 4000.0 * np.exp(3.0 * spread)
    comes = (15e3 - edge) / speed + edge / 340.0  # s; when the sound from there comes
    assert existence[times < comes - 0.5] == pytest.approx(0.9, abs=1e-12)
    inside = (away < 3900.0) & (times < comes - 0.5)
    assert inside.sum() >= 5  # taken as now it would have been heard long before, and been lost
    assert existence[times > comes + 12.0].max() < 0.6
    assert existence[-1] < 0.3


def test_what_is_known_only_since_now_is_not_lost_while_its_sound_is_under_way() -> None:
    times, away, existence = approach(50.0, 0.2, from_m=3000.0, known_m=3000.0)
    comes = 3000.0 / 340.0
    assert existence[times < comes - 0.5] == pytest.approx(0.9, abs=1e-12)
    assert away[times < comes - 2.0].max() <= 3000.0
    assert existence[-1] < 0.3


@pytest.mark.parametrize("said_first, least", [(SILENT, 1.6), (HEARD, 1.0)])
def test_ten_looks_a_second_apart_are_worth_about_two(said_first: int, least: float) -> None:
    """Of hearing less: that it goes on says little where it hardly ever begins."""
    known, nodes = flying([0.0, 4000.0, 300.0, 0.0, 0.0, 0.0], 0.5, 1.0), standing(NODES[:1])
    odds, before, told = [0.0], ABSENT, known
    for _ in range(10):
        told = hear(known, nodes, saying([said_first], [before], false=0.2, turn=5.0), HEARING)
        odds.append(float(np.log(told.existence[0] / (1 - told.existence[0]))))
        before = said_first
    worth = sum(odds) / odds[1]
    assert least < worth <= 2.4


def test_a_change_of_state_counts_in_full() -> None:
    known, nodes = flying([0.0, 3000.0, 300.0, 0.0, -50.0, 0.0], 0.5, 1.0), standing(NODES[:1])
    first = hear(known, nodes, saying([HEARD]), HEARING).existence[0]
    again = hear(known, nodes, saying([HEARD], [HEARD]), HEARING).existence[0]
    begins = hear(known, nodes, saying([HEARD], [SILENT]), HEARING).existence[0]
    assert 0.4 < again < first
    assert begins > 0.99


def test_an_absent_node_says_nothing() -> None:
    known, nodes = flying(TARGETS), standing(NODES)
    looks = saying(np.full(4, ABSENT), np.full(4, SILENT))
    told = hear(known, nodes, looks, HEARING)
    assert all(np.array_equal(a, b) for a, b in zip(known, told, strict=True))


def test_what_another_target_explains_says_little() -> None:
    nodes, looks = standing(NODES[:1]), saying([HEARD])
    alone = flying([0.0, 3000.0, 300.0, 0.0, -50.0, 0.0], 0.5)
    both = flying([[0.0, 3000.0, 300.0, 0.0, -50.0, 0.0], [500.0, 0.0, 300.0, 0.0, 50.0, 0.0]], 0.5)
    both = both._replace(existence=np.array([0.5, 0.999]))
    assert hear(alone, nodes, looks, HEARING).existence[0] > 0.98
    assert hear(both, nodes, looks, HEARING).existence[0] < 0.55


def test_a_node_that_hears_always_says_nothing_in_effect() -> None:
    known, nodes = flying([0.0, 2000.0, 300.0, 0.0, -50.0, 0.0], 0.5), standing(NODES[:1])
    told = hear(known, nodes, saying([HEARD], [HEARD], false=0.999, turn=60.0), HEARING)
    assert told.existence[0] == pytest.approx(0.5, abs=0.01)


def test_unknown_targets_explain_too() -> None:
    known, nodes = flying([0.0, 2000.0, 300.0, 0.0, -50.0, 0.0], 0.5), standing(NODES[:1])
    looks = saying([HEARD])
    many = looks._replace(unseen=np.array([3.0]))
    assert hear(known, nodes, many, HEARING).existence[0] < hear(known, nodes, looks, HEARING).existence[0] - 0.3


def test_targets_whose_numbers_are_none_stay_and_harm_nobody() -> None:
    rng = np.random.default_rng(5)
    known, nodes, looks = crowd(rng, 8), standing(NODES), saying([HEARD, SILENT, HEARD, ABSENT])
    clean = hear(Known(*(column[:2] for column in known)), nodes, looks, HEARING)
    known.mean[2], known.mean[3, 4], known.covariance[4] = np.nan, np.inf, -np.eye(6)
    known.covariance[5], known.existence[6], known.covariance[7] = np.nan, np.nan, 1e30 * np.eye(6)
    told = hear(known, nodes, looks, HEARING)
    for after, before, alone in zip(told, known, clean, strict=True):
        assert np.array_equal(after[2:], before[2:], equal_nan=True)
        assert np.array_equal(after[:2], alone)


def test_looks_whose_numbers_are_none_are_absent() -> None:
    known, nodes = flying(TARGETS), standing(NODES)
    looks = saying([HEARD, SILENT, HEARD, SILENT], np.full(4, SILENT))
    for name in ("gap", "false", "turn", "unseen"):
        spoiled = looks._replace(**{name: np.full(4, np.nan)})
        assert all(np.array_equal(a, b) for a, b in zip(known, hear(known, nodes, spoiled, HEARING), strict=True))


def test_nodes_in_any_order_say_the_same_to_the_bit() -> None:
    rng = np.random.default_rng(6)
    places = np.hstack([rng.uniform(-2e4, 2e4, (300, 2)), np.full((300, 1), 2.0)])
    known, reach, heard = crowd(rng, 10), rng.uniform(3e3, 5e3, 300), rng.integers(-1, 2, 300)
    told = []
    for order in (np.arange(300), rng.permutation(300)):
        nodes = field(np.arange(300)[order], ecef(places[order]), reach[order])
        told.append(hear(known, nodes, saying(heard[nodes.node]), HEARING))
    assert all(np.array_equal(a, b) for a, b in zip(*told, strict=True))


def test_plain_and_compiled_say_the_same_to_the_bit() -> None:
    rng = np.random.default_rng(7)
    known, nodes = crowd(rng, 6), standing(NODES)
    looks = saying([HEARD, SILENT, HEARD, SILENT], [SILENT, SILENT, HEARD, ABSENT])
    plain, compiled = both(lambda: [column.tobytes() for column in hear(known, nodes, looks, HEARING)])
    assert plain == compiled


def test_a_far_target_is_compared_with_nobody_and_none_is_left_out_near() -> None:
    rng = np.random.default_rng(8)
    places = np.hstack([rng.uniform(-3e4, 3e4, (400, 2)), np.full((400, 1), 2.0)])
    nodes, known = standing(places), flying([[0.0, 0.0, 300.0, 0.0, 50.0, 0.0], [9e4, 0.0, 300.0, 0.0, 50.0, 0.0]])
    looks = saying(np.zeros(400, int))
    _, pairs = compare(known, nodes, looks, HEARING)
    heard = np.flatnonzero(chances(known, nodes, looks, HEARING)[0, :, 0, 1] > 0.0)
    assert set(heard) <= set(pairs.node[: pairs.start[1]].tolist())
    assert pairs.start[2] == pairs.start[1]


def test_shares_are_the_probability_that_each_node_is_silent() -> None:
    known, nodes = flying(TARGETS, 0.6), standing(NODES)
    looks = saying(np.full(4, SILENT), np.full(4, SILENT), gap=3.0)
    shape, pairs = compare(known, nodes, looks, HEARING)
    silent = np.exp(shares(known, shape, pairs, looks, HEARING))
    table = np.average(chances(known, nodes, looks, HEARING), axis=2, weights=[0.25, *[0.125] * 6])
    for column, part in ((0, 1), (1, 0)):
        exact = (1 - 3.3e-3) * np.prod(1 - 0.6 * table[:, :, part], axis=0)
        assert silent[:, column] == pytest.approx(exact, rel=1e-9)
    assert np.all(silent[:, 2] <= np.minimum(silent[:, 0], silent[:, 1]))


def test_fields_that_cannot_be_are_refused() -> None:
    for place, reach in ((np.full((1, 3), np.nan), [4e3]), (np.zeros((1, 3)), [0.0]), (np.full((1, 3), 1e9), [4e3])):
        with pytest.raises(ValueError, match="nowhere"):
            field(np.zeros(1, int), place, np.array(reach))
    with pytest.raises(ValueError, match="twice"):
        field(np.zeros(2, int), ecef(NODES[:2]), np.full(2, 4e3))
