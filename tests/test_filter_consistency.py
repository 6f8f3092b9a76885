"""Whether the filter is as good as it says, on fewer runs than bench/filter_consistency.py has."""

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chi2

BENCH = Path(__file__).resolve().parents[1] / "bench"
sys.path.insert(0, str(BENCH))

import filter_consistency as bench  # noqa: E402 - the benches are scripts, not a package

RUNS = 60


@pytest.mark.parametrize("name", bench.CASES)
def test_covariances_are_honest_where_the_model_is_right(name: str) -> None:
    found = bench.judge(bench.CASES[name], bench.MATCHED, bench.drift, RUNS, looks=20, seed=5)
    assert found.kept() > 0.98
    assert found.outside() < 0.2 * len(found.nees)  # errors of looks hang together, so several may be outside at once
    assert 0.88 < np.nanmean(found.nees) / found.d < 1.12
    low, high = (chi2.ppf(p, RUNS * found.d) / (RUNS * found.d) for p in (0.0025, 0.9975))
    assert low < found.each()[-1] < high


def test_covariances_are_not_far_off_where_targets_turn() -> None:
    found = bench.judge(
        bench.CASES["radar, elevation and range rate"], bench.TURNING, bench.turning, 60, looks=50, seed=6
    )
    assert 0.5 < np.nanmean(found.nees) / found.d < 1.5
    assert 0.90 < found.covered() < 0.99
