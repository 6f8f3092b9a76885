"""The best path over time against all paths there are, compiled and plain."""

from itertools import pairwise, product

import numpy as np
import pytest

from skywarden.kernel import Loop
from skywarden.score.paths import follow


def saved(gain: np.ndarray, path: tuple[int, ...], change: float) -> float:
    """Return what a path saves, changes paid."""
    paid = sum(change * ((a > 0) + (b > 0)) for a, b in pairwise(path) if a != b)
    return float(sum(gain[k, s] for k, s in enumerate(path))) - paid


@pytest.mark.parametrize("seed", range(20))
def test_no_path_saves_more(seed: int) -> None:
    random = np.random.default_rng(seed)
    gain = random.uniform(0, 10, (6, 4)) * (random.random((6, 4)) < 0.7)
    gain[random.random(gain.shape) < 0.15 * (seed % 2)] = -np.inf
    gain[:, 0] = 0
    change = float(random.choice([0.0, 1.0, 5.0, 30.0]))
    assert isinstance(follow, Loop)
    found = []
    for way in (follow.plain, follow.compiled):
        path = np.empty(6, np.int64)
        way(gain, change, np.empty((2, 4)), np.empty((6, 4), np.int32), path)
        found.append(path.tolist())
    best = max(saved(gain, path, change) for path in product(range(4), repeat=6))
    assert saved(gain, tuple(found[0]), change) == pytest.approx(best)
    assert found[0] == found[1]
