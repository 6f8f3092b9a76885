"""Who shares which plot: belief propagation against counting all joint associations out."""

import numpy as np
import pytest
from filter_memory import believe, graph
from filter_reference import marginals, weigh

CHAINS = {
    "one leaf": [(0, 0)],
    "one leaf, three plots": [(0, 0), (0, 1), (0, 2)],
    "one plot, three leaves": [(0, 0), (1, 0), (2, 0)],
    "two alone": [(0, 0), (1, 1)],
    "chain": [(0, 0), (0, 1), (1, 1), (1, 2), (2, 2), (2, 3)],
    "long chain": [(0, 0), (1, 0), (1, 1), (2, 1), (2, 2), (3, 2), (3, 3), (4, 3)],
    "star": [(0, 0), (0, 1), (0, 2), (1, 0), (2, 1), (3, 2), (3, 3)],
}


def problem(pairs, seed, spread=2.0):
    """Return odds (n, m), other (m,), existence and missed (n,) of random strength."""
    rng = np.random.default_rng(seed)
    n, m = (1 + max(p[k] for p in pairs) for k in (0, 1))
    other = np.exp(rng.normal(size=m))
    odds = np.zeros((n, m))
    for i, j in pairs:
        odds[i, j] = other[j] * np.exp(spread * rng.normal())
    return odds, other, rng.uniform(0.1, 0.9, n), rng.uniform(0.3, 0.95, n)


def error(odds, other, existence, missed):
    """Return how far marginals and existences are off, at most, and after how many rounds."""
    found = believe(*graph(odds, other, existence, missed))
    association, exists = marginals(odds, other, existence, missed)
    free = 1.0 - association.sum(0)
    worst = max(
        np.abs(found.association - association).max(),
        np.abs(found.existence - exists).max(),
        np.abs(found.free - free).max(),
    )
    return worst, found.rounds


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("name", CHAINS)
def test_trees_are_exact(name, seed):
    worst, _ = error(*problem(CHAINS[name], seed))
    assert worst < 1e-6


@pytest.mark.parametrize("name", ["one leaf", "one leaf, three plots", "two alone"])
def test_a_leaf_whose_plots_nobody_else_wants_takes_no_rounds(name):
    assert error(*problem(CHAINS[name], 0))[1] == 0


def test_a_leaf_without_plots_is_missed():
    found = believe(*graph(np.zeros((1, 1)), np.ones(1), np.array([0.6]), np.array([0.9])))
    assert found.existence[0] == pytest.approx(0.6 * 0.1 / (1 - 0.6 * 0.9), rel=1e-12)
    assert found.free[0] == 1.0
    assert found.rounds == 0


def test_a_look_that_does_not_cover_all_takes_nothing_away():
    found = believe(*graph(np.zeros((1, 1)), np.ones(1), np.array([0.6]), np.zeros(1)))
    assert found.existence[0] == pytest.approx(0.6, rel=1e-12)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_on_loops_the_error_stays_under_a_quarter(n):
    every = [(i, j) for i in range(n) for j in range(n)]
    worst = [error(*problem(every, seed, spread=1.0)) for seed in range(40 if n < 4 else 12)]
    assert max(w for w, _ in worst) < 0.25
    assert np.mean([w for w, _ in worst]) < 0.05
    assert max(rounds for _, rounds in worst) <= 40


def test_the_worst_loop_two_targets_on_two_plots_without_false_alarms_is_as_far_off_as_is_known():
    strong = np.full((2, 2), 1e3)
    strong[0, 0] = 1e3 * 3.0
    worst, rounds = error(strong, np.full(2, 1.0), np.full(2, 0.9), np.full(2, 0.9))
    assert 0.01 < worst < 0.25
    assert rounds <= 40


@pytest.mark.parametrize("seed", range(5))
def test_what_hangs_together_goes_on_as_if_nothing_else_were_there(seed):
    ring = [(i, j) for i in range(3) for j in range(3)]  # goes on for many rounds
    one, other = problem(ring, seed, spread=1.0), problem(CHAINS["chain"], seed + 100)
    odds, rows, columns = (
        np.zeros((6, 7)),
        (np.array([0, 2, 4]), np.array([1, 3, 5])),
        (np.arange(0, 6, 2), [1, 3, 5, 6]),
    )
    parts = (one, other)
    for k in range(2):
        odds[np.ix_(rows[k], columns[k])] = parts[k][0]
    beside = [np.zeros(7), np.zeros(6), np.zeros(6)]
    for k in range(2):
        beside[0][columns[k]], beside[1][rows[k]], beside[2][rows[k]] = parts[k][1:]
    both = believe(*graph(odds, *beside))
    alone = [believe(*graph(*part)) for part in parts]
    for k in range(2):
        assert (both.association[np.ix_(rows[k], columns[k])] == alone[k].association).all()
        assert (both.existence[rows[k]] == alone[k].existence).all()
        assert (both.free[columns[k]] == alone[k].free).all()
    assert alone[0].rounds > alone[1].rounds > 0
    assert both.rounds == alone[0].rounds


@pytest.mark.parametrize("seed", range(5))
def test_shares_of_a_plot_and_of_a_leaf_are_never_more_than_one(seed):
    rng = np.random.default_rng(seed)
    odds = np.where(rng.random((6, 6)) < 0.5, np.exp(rng.normal(scale=6.0, size=(6, 6))), 0.0)
    found = believe(*graph(odds, np.full(6, 0.1), rng.uniform(0.1, 0.99, 6), np.full(6, 0.9)))
    assert (found.association >= 0.0).all()
    assert (found.association.sum(1) <= 1.0 + 1e-9).all()
    assert (found.existence <= 1.0 + 1e-12).all()
    assert ((found.free >= 0.0) & (found.free <= 1.0)).all()


@pytest.mark.parametrize("other", [1e-10, 1e-20, 1e-30, 0.0])
@pytest.mark.parametrize("pairs", [[(0, 0), (0, 1), (1, 1)], [(0, 0), (1, 0), (2, 0)]], ids=["chain", "one plot"])
def test_rare_false_alarms_spoil_nothing(pairs, other):
    odds, _, existence, missed = problem(pairs, 1)
    strong = np.where(odds > 0.0, np.minimum(odds, 3.0), 0.0)
    worst, _ = error(strong, np.full(odds.shape[1], max(other, 1e-290)), existence, missed)
    assert worst < 1e-6
    assert np.isfinite(believe(*graph(strong, np.full(odds.shape[1], other), existence, missed)).association).all()


@pytest.mark.parametrize("n, m, count", [(1, 1, 2), (2, 2, 7), (3, 2, 13), (3, 3, 34), (4, 4, 209)])
def test_the_twin_counts_all_associations(n, m, count):
    ways, weight = weigh(np.ones((n, m)), np.ones(m))
    assert len(ways) == len(set(ways)) == count  # rook placements on an n by m board: OEIS A002720 for n = m
    assert weight.sum() == pytest.approx(1.0)
