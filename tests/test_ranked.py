"""The k best assignments: against counting all of them out, and against SciPy for the best of large ones."""

from itertools import product
from math import inf, isfinite
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from skywarden.kernel import plain_while
from skywarden.model.place import F64, I64
from skywarden.track.ranked import ranking

CLOSE = 1e-9  # nats, for costs up to some 1,000


class Ranked(NamedTuple):
    found: I64
    total: F64


def best(cost: F64, free: F64, k: int, limit: float = inf) -> Ranked:
    """Return what the kernel finds, and check what must hold of every answer."""
    found, total = np.full((k, len(free)), -9), np.full(k, np.nan)
    count = ranking(cost, free, limit, found, total)
    assert 0 <= count <= k
    assert (found[count:] == -9).all()
    assert np.isnan(total[count:]).all()
    found, total = found[:count], total[:count]
    assert (np.diff(total) >= 0.0).all()
    assert len({tuple(one) for one in found.tolist()}) == count
    for one, said in zip(found, total, strict=True):
        assert worth(cost, free, one) == pytest.approx(said, rel=1e-12, abs=CLOSE)
    return Ranked(found, total)


def worth(cost: F64, free: F64, targets: I64 | tuple[int, ...]) -> float:
    """Return what a way costs, inf when two detections have one target."""
    had = [j for j in targets if j >= 0]
    if len(had) > len(set(had)):
        return inf
    return sum((free[a] if j < 0 else cost[a, j] for a, j in enumerate(targets)), 0.0)


def counted(cost: F64, free: F64) -> list[float]:
    """Return the costs of all ways, rising: the slow twin."""
    n, t = cost.shape
    return sorted(w for way in product(range(-1, t), repeat=n) if isfinite(w := worth(cost, free, way)))


def problem(rng: np.random.Generator, n: int, t: int, gone: float) -> tuple[F64, F64]:
    """Return costs of which a share `gone` is inf."""
    cost = rng.normal(size=(n, t)) * 10.0 ** rng.uniform(-1.0, 2.0)
    cost[rng.random((n, t)) < gone] = inf
    return cost, rng.normal(size=n) * 3.0


@pytest.mark.parametrize("gone", [0.0, 0.3, 0.7])
@pytest.mark.parametrize("whole", [False, True], ids=["real", "ties"])
def test_it_finds_what_counting_finds(gone: float, whole: bool) -> None:
    rng = np.random.default_rng([int(10 * gone), whole])
    for _ in range(150):
        n, t = (int(x) for x in rng.integers(0, 5, 2))
        cost, free = problem(rng, n, t, gone)
        if whole:
            cost, free = np.round(cost), np.round(free)
        ways, k = counted(cost, free), int(rng.integers(1, 60))
        np.testing.assert_allclose(best(cost, free, k).total, ways[:k], rtol=1e-12, atol=CLOSE)


def test_when_more_are_asked_for_than_there_are_it_finds_all_of_them() -> None:
    cost, free = problem(np.random.default_rng(1), 4, 4, 0.0)
    # Sum over m of (4 choose m)^2 m!, the ways to match m of 4 with m of 4.
    assert len(best(cost, free, 500).total) == 209


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_only_ways_within_the_limit_are_found(data: st.DataObject) -> None:
    n, t = data.draw(st.integers(0, 4)), data.draw(st.integers(0, 4))
    cost, free = problem(np.random.default_rng(data.draw(st.integers(0, 10**6))), n, t, 0.2)
    limit, k = data.draw(st.floats(0.01, 50.0)), data.draw(st.integers(1, 100))
    ways = counted(cost, free)
    near = [w for w in ways if w < ways[0] + limit][:k]
    assert best(cost, free, k, limit).total == pytest.approx(near, abs=CLOSE)


def test_a_limit_is_not_reached_but_passed() -> None:
    cost, free = np.array([[1.0, 2.0, 3.0]]), np.array([4.0])
    assert best(cost, free, 9, 2.0).found.tolist() == [[0], [1]]
    assert best(cost, free, 9, 2.5).found.tolist() == [[0], [1], [2]]
    for nothing in (0.0, -1.0, np.nan):
        assert best(cost, free, 9, nothing).found.tolist() == [[0]]


@pytest.mark.parametrize("n, t", [(40, 16), (16, 40), (60, 60), (12, 1), (1, 12)])
def test_the_best_of_a_large_problem_is_that_of_scipy(n: int, t: int) -> None:
    for seed in range(5):
        cost, free = problem(np.random.default_rng(seed), n, t, 0.5)
        square = np.full((n, t + n), 1e6)  # SciPy has no "none"; costs are far below this
        square[:, :t] = np.where(np.isinf(cost), 1e6, cost)
        np.fill_diagonal(square[:, t:], free)
        assert best(cost, free, 20).total[0] == pytest.approx(square[linear_sum_assignment(square)].sum(), abs=1e-7)


def test_the_following_of_a_large_problem_are_those_of_scipy_with_one_pair_forbidden() -> None:
    """The second best lacks a pair of the best, so it is the best of all problems with one such pair forbidden."""
    n, t = 14, 9
    for seed in range(20):
        cost, free = problem(np.random.default_rng(seed), n, t, 0.3)
        square = np.full((n, t + n), 1e6)
        square[:, :t] = np.where(np.isinf(cost), 1e6, cost)
        np.fill_diagonal(square[:, t:], free)
        seconds = []
        for a, j in zip(*linear_sum_assignment(square), strict=True):
            without = square.copy()
            without[a, j] = 1e6
            seconds.append(without[linear_sum_assignment(without)].sum())
        assert best(cost, free, 2).total[1] == pytest.approx(min(seconds), abs=1e-7)


def test_many_answers_of_a_middling_problem_begin_with_the_few() -> None:
    cost, free = problem(np.random.default_rng(7), 12, 8, 0.4)
    many, few = best(cost, free, 400), best(cost, free, 40)
    assert len(many.total) == 400
    assert few.total == pytest.approx(many.total[:40], abs=CLOSE)
    assert few.found.tolist() == many.found[:40].tolist()


def test_nothing_to_share_out_is_one_way() -> None:
    assert best(np.empty((0, 3)), np.empty(0), 5).total.tolist() == [0.0]
    alone = best(np.empty((2, 0)), np.array([1.0, 2.0]), 5)
    assert (alone.found.tolist(), alone.total.tolist()) == ([[-1, -1]], [3.0])
    assert len(best(np.empty((2, 0)), np.array([1.0, 2.0]), 0).total) == 0


def test_a_target_that_nothing_fits_gets_nothing() -> None:
    cost, free = np.array([[inf, -2.0, inf], [inf, -1.0, inf]]), np.zeros(2)
    ways = best(cost, free, 10)
    assert ways.found.tolist() == [[1, -1], [-1, 1], [-1, -1]]
    assert ways.total.tolist() == [-2.0, -1.0, 0.0]


def test_values_that_are_no_costs_end_the_search_all_the_same() -> None:
    rng = np.random.default_rng(3)
    for odd in (np.nan, -inf, inf, 1e308, -1e308):
        for _ in range(20):
            cost, free = problem(rng, 4, 3, 0.2)
            cost.flat[rng.integers(12)] = odd
            free[rng.integers(4)] = rng.choice([0.0, odd])
            found, total = np.full((30, 4), -9), np.full(30, np.nan)
            count = ranking(cost, free, inf, found, total)
            assert 1 <= count <= 30
            assert ((found[:count] >= -1) & (found[:count] < 3)).all()


def test_plain_and_compiled_are_equal_to_the_bit() -> None:
    rng = np.random.default_rng(5)
    for trial in range(30):
        cost, free = problem(rng, *(int(x) for x in rng.integers(1, 7, 2)), 0.3)
        if trial % 2:
            cost, free = np.round(cost), np.round(free)
        compiled = best(cost, free, 12, 30.0)
        plain_while(lambda: True)
        try:
            plain = best(cost, free, 12, 30.0)
        finally:
            plain_while(lambda: False)
        assert plain.found.tobytes() == compiled.found.tobytes()
        assert plain.total.tobytes() == compiled.total.tobytes()
