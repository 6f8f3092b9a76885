"""How long the k best assignments take: us a call from Python, the best of several, beside one best of SciPy.

    python bench/ranked_speed.py [rounds]

The first line is the cost of a call. Costs are drawn, with a share of pairs that are possible.
"""

import sys
from collections.abc import Callable
from functools import partial
from math import inf
from time import perf_counter

import numpy as np
from scipy.optimize import linear_sum_assignment

from skywarden.model.place import F64
from skywarden.track.ranked import ranking

SIZES = (  # detections, targets, answers, share of pairs, limit
    (1, 1, 1, 1.0, inf),
    (2, 2, 20, 1.0, inf),
    (4, 4, 1, 1.0, inf),
    (4, 4, 20, 1.0, inf),
    (4, 4, 20, 0.6, inf),
    (8, 6, 20, 0.5, inf),
    (8, 6, 20, 0.5, 5.0),
    (6, 6, 100, 0.5, inf),
    (40, 16, 20, 1.0, inf),
    (40, 16, 20, 0.3, inf),
    (60, 60, 100, 1.0, inf),
)
PROBLEMS, CALLS = 10, 5


def drawn(rng: np.random.Generator, n: int, t: int, share: float) -> tuple[F64, F64]:
    """Return costs as the kernel takes them."""
    cost = rng.normal(size=(n, t)) * 3.0
    cost[rng.random((n, t)) > share] = inf
    return cost, rng.normal(size=n)


def square(cost: F64, free: F64) -> F64:
    """Return costs as SciPy takes them, with a column for each detection that is new or false."""
    n, t = cost.shape
    full = np.full((n, t + n), 1e9)
    full[:, :t] = np.minimum(cost, 1e9)
    np.fill_diagonal(full[:, t:], free)
    return full


def quickest(calls: list[Callable[[], object]], rounds: int) -> float:
    """Return us a call, the mean over problems of the shortest of all rounds."""
    spent = np.full(len(calls), inf)
    for _ in range(rounds):
        for i, call in enumerate(calls):
            begin = perf_counter()
            for _ in range(CALLS):
                call()
            spent[i] = min(spent[i], (perf_counter() - begin) / CALLS)
    return float(spent.mean()) * 1e6


def bench(rounds: int) -> None:
    """Print one line for each size."""
    rng = np.random.default_rng(1)
    print("detections targets   k share limit    k best us   SciPy's one us")
    for n, t, k, share, limit in SIZES:
        problems = [drawn(rng, n, t, share) for _ in range(PROBLEMS)]
        found, total = np.empty((k, n), np.int64), np.empty(k)
        ours = [partial(ranking, *one, limit, found, total) for one in problems]
        theirs = [partial(linear_sum_assignment, square(*one)) for one in problems]
        ours[0]()  # compiled
        mine, other = quickest(ours, rounds), quickest(theirs, rounds)
        print(f"{n:10} {t:7} {k:3} {share:5} {limit:5} {mine:12.1f} {other:16.1f}")


if __name__ == "__main__":
    bench(int(sys.argv[1]) if len(sys.argv) > 1 else 30)
