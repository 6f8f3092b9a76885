"""Small scenes for the tests of the judge, and its definitions once more, slow and plain."""

from itertools import permutations, product

import numpy as np

from skywarden.model.place import F64
from skywarden.score.tables import Points

SECOND = 1_000_000_000


def points(rows: list[tuple[float, ...]], dimensions: int = 2, names: int = 0) -> Points:
    """Return points from rows (second, number, place..., speed...); speed 0 if left out."""
    full = [tuple(row) + (0.0,) * (2 + 2 * dimensions - len(row)) for row in sorted(rows, key=lambda row: row[:2])]
    table = np.array(full, float).reshape(-1, 2 + 2 * dimensions)
    zero, number = np.zeros(len(table), np.int64), table[:, 1].astype(np.int64)
    called = tuple(str(i) for i in range(max(names, int(number.max(initial=-1)) + 1)))
    time, alive = (table[:, 0] * SECOND).astype(np.int64), np.ones(len(table), bool)
    position, velocity = table[:, 2 : 2 + dimensions], table[:, 2 + dimensions :]
    return Points(time, number, position, velocity, called, zero, ("",), alive, zero)


def scene(seed: int, targets: int, steps: int, area: float) -> tuple[Points, Points]:
    """Return truth and tracks with births, deaths, changed numbers, doubles, ghosts, crossings and noise."""
    random = np.random.default_rng(seed)
    true: list[tuple[float, ...]] = []
    found: list[tuple[float, ...]] = []
    number = 0
    for target in range(targets):
        first, last = (0, steps) if random.random() < 0.6 else sorted(random.choice(steps + 1, 2, replace=False))
        place, speed = random.uniform(0, area, 2), random.normal(0, area / 30, 2)
        true += [(k, target, *(place + k * speed), *speed) for k in range(first, last)]
        for _ in range(1 + int(random.random() < 0.3)):
            k = first + int(random.integers(0, 3))
            while k < last:
                end = min(last + 1, k + int(random.integers(2, steps)), steps)
                noise = random.normal(0, area / 40, (steps, 2))
                found += [(t, number, *(place + t * speed + noise[t]), *(speed + noise[t])) for t in range(k, end)]
                number, k = number + 1, end + int(random.integers(0, 2))
    for _ in range(int(random.integers(0, targets))):
        found += [(k, number, *random.uniform(0, area, 2)) for k in range(int(random.integers(1, steps + 1)))]
        number += 1
    return points(true, names=targets), points(found, names=number)


def by_time(data: Points) -> dict[int, dict[int, F64]]:
    """Return for each time the place of each number."""
    found: dict[int, dict[int, F64]] = {}
    for time, number, place in zip(data.time.tolist(), data.id.tolist(), data.position, strict=True):
        found.setdefault(time, {})[number] = place
    return found


def assignments(n: int, m: int) -> list[list[tuple[int, int]]]:
    """Return all ways to pair some of n with some of m."""
    found = []
    for chosen in product([False, True], repeat=n):
        rows = [i for i in range(n) if chosen[i]]
        found += [list(zip(rows, order, strict=True)) for order in permutations(range(m), len(rows))]
    return found


def gospa_by_hand(x: list[F64], y: list[F64], c: float, p: float) -> tuple[float, float, float]:
    """Return localisation, missed and false of the best of all assignments."""
    best = (float("inf"), 0.0, 0.0, 0.0)
    for pairs in assignments(len(x), len(y)):
        near = [float(np.hypot(*(x[i] - y[j]))) for i, j in pairs]
        if all(d < c for d in near):
            parts = sum(d**p for d in near), c**p / 2 * (len(x) - len(near)), c**p / 2 * (len(y) - len(near))
            best = min(best, (sum(parts), *parts))
    return best[1:]


def ospa_by_hand(x: list[F64], y: list[F64], c: float, p: float) -> float:
    """Return OSPA from all permutations, as the paper writes it; p may be infinite."""
    few, many = (x, y) if len(x) <= len(y) else (y, x)
    if not many:
        return 0.0
    best = float("inf")
    for order in permutations(range(len(many)), len(few)):
        near = [min(c, float(np.hypot(*(few[i] - many[j])))) for i, j in enumerate(order)]
        near += [c] * (len(many) - len(few))
        best = min(best, max(near) if p == np.inf else (sum(d**p for d in near) / len(many)) ** (1 / p))
    return best
