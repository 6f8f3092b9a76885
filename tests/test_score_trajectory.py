"""The metric between trajectories against its definition written down in full, and against hand-made scenes."""

from itertools import product

import numpy as np
import pytest
from scipy.optimize import linprog
from score_scenes import assignments, by_time, points, scene

from skywarden.score.assign import compare
from skywarden.score.gospa import gospa
from skywarden.score.tables import Points
from skywarden.score.trajectory import trajectory


def costs(truth: Points, tracks: Points, c: float, p: float) -> np.ndarray:
    """Return (T, n + 1, m + 1): pairing of each target or none with each track or none at each time."""
    x, y = by_time(truth), by_time(tracks)
    times = sorted({*x, *y})
    n, m = len(truth.names), len(tracks.names)
    cost = np.zeros((len(times), n + 1, m + 1))
    for k, time in enumerate(times):
        for i, j in product(range(n + 1), range(m + 1)):
            a, b = x.get(time, {}).get(i), y.get(time, {}).get(j)
            if a is not None and b is not None:
                cost[k, i, j] = min(float(np.hypot(*(a - b))), c) ** p
            else:
                cost[k, i, j] = c**p / 2 * ((a is not None) + (b is not None))
    return cost


def by_programme(cost: np.ndarray, switch: float, p: float) -> float:
    """Return the metric^p: all weights, dummies and changes of all times in one dense linear programme."""
    length, n, m = cost.shape[0], cost.shape[1] - 1, cost.shape[2] - 1
    weights = cost.size
    index = np.arange(weights).reshape(cost.shape)
    changes = weights + np.arange((length - 1) * n * m).reshape(length - 1, n, m)
    total = weights + changes.size
    equal, limits = [], []
    for k in range(length):
        for ends in [index[k, i] for i in range(n)] + [index[k, :, j] for j in range(m)]:
            equal.append(np.isin(np.arange(total), ends).astype(float))
    for k, i, j in product(range(length - 1), range(n), range(m)):
        for sign in (1.0, -1.0):
            row = np.zeros(total)
            row[index[k, i, j]], row[index[k + 1, i, j]], row[changes[k, i, j]] = sign, -sign, -1.0
            limits.append(row)
    value = np.concatenate([cost.ravel(), np.full(changes.size, switch**p / 2)])
    limited = (np.array(limits), np.zeros(len(limits))) if limits else (None, None)
    return float(linprog(value, *limited, np.array(equal), np.ones(len(equal))).fun)


def by_trial(cost: np.ndarray, switch: float, p: float) -> float:
    """Return the least over whole assignments: all of one time, after the best way to each of the time before."""
    n, m = cost.shape[1] - 1, cost.shape[2] - 1
    options = assignments(n, m)
    tables = np.zeros((len(options), n, m))
    for option, table in zip(options, tables, strict=True):
        for i, j in option:
            table[i, j] = 1
    change = switch**p / 2 * np.abs(tables[:, None] - tables[None]).sum((-1, -2))
    best = np.zeros(len(options))
    for k in range(len(cost)):
        alone = cost[k, :n, m] @ (1 - tables.sum(2)).T + cost[k, n, :m] @ (1 - tables.sum(1)).T
        best = (best if k == 0 else (best[:, None] + change).min(0)) + (tables * cost[k, :n, :m]).sum((1, 2)) + alone
    return float(best.min())


@pytest.mark.parametrize("switch", [2.0, 10.0, 40.0])
@pytest.mark.parametrize("seed", range(10))
def test_the_metric_is_that_of_the_full_programme(seed: int, switch: float) -> None:
    truth, tracks = scene(seed + 100, targets=3, steps=6, area=60.0)
    cutoff, power = 25.0, (1.0, 2.0)[seed % 2]
    found = trajectory(compare(truth, tracks, cutoff), switch, power)
    cost = costs(truth, tracks, cutoff, power)
    assert found.exact
    assert found.total == pytest.approx(by_programme(cost, switch, power), rel=1e-7)
    assert found.total == pytest.approx(found.lower)
    if len(tracks.names) <= 5:
        assert found.total <= by_trial(cost, switch, power) * (1 + 1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_beyond_the_size_it_is_between_its_bounds_and_says_so(seed: int) -> None:
    truth, tracks = scene(seed + 200, targets=5, steps=12, area=50.0)
    comparison = compare(truth, tracks, 25.0)
    exact, rough = trajectory(comparison, 10.0), trajectory(comparison, 10.0, largest=12)
    assert exact.exact
    assert exact.lower == pytest.approx(exact.total)
    assert not rough.exact
    assert rough.lower <= exact.total * (1 + 1e-9)
    assert exact.total * (1 - 1e-9) <= rough.total <= 1.2 * exact.total
    assert rough.lower >= 0.8 * exact.total


def test_free_switches_make_it_gospa() -> None:
    truth, tracks = scene(7, targets=4, steps=10, area=80.0)
    comparison = compare(truth, tracks, 20.0)
    found, single = trajectory(comparison, 0.0), gospa(comparison)
    assert found.total == pytest.approx(float((single.distance**2).sum()))
    assert found.localisation == pytest.approx(single.localisation, abs=1e-6)


def test_two_tracks_that_exchange_targets_are_two_switches() -> None:
    times = range(10)
    truth = points([(t, i, 10.0 * t, 50.0 * i) for t in times for i in range(2)])
    tracks = points([(t, (i + (t > 4)) % 2, 10.0 * t, 50.0 * i + 3) for t in times for i in range(2)])
    found = trajectory(compare(truth, tracks, 60.0), switch=20.0)
    assert found.localisation.sum() == pytest.approx(20 * 9)
    assert found.missed.sum() == found.false.sum() == 0
    assert found.switch.tolist() == [0, 0, 0, 0, 0, 800, 0, 0, 0, 0]  # four pairs taken or left, 20^2 / 2 each
    assert found.distance == pytest.approx(np.sqrt(980))
    assert found.root_mean == pytest.approx(np.sqrt(98))


def test_a_track_that_is_renumbered_is_one_switch_and_a_late_one_none() -> None:
    truth = points([(t, 0, 0, 0) for t in range(8)])
    tracks = points([(t, int(t > 4), 0, 0) for t in range(2, 8)])
    found = trajectory(compare(truth, tracks, 10.0), switch=4.0)
    assert found.missed.tolist() == [50, 50, 0, 0, 0, 0, 0, 0]
    assert found.switch.tolist() == [0, 0, 0, 0, 0, 16, 0, 0]


def test_a_switch_that_costs_more_than_it_saves_is_not_made() -> None:
    truth = points([(t, 0, 0, 0) for t in range(8)])
    tracks = points([(t, int(t > 6), 0, 0) for t in range(8)])
    found = trajectory(compare(truth, tracks, 10.0), switch=20.0)
    assert found.switch.sum() == 0
    assert found.missed.tolist() == found.false.tolist() == [0, 0, 0, 0, 0, 0, 0, 50]
