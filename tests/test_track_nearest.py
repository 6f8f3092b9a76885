"""The nearest of other points: the same by SciPy's tree and one by one."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skywarden.track import nearest as module
from skywarden.track.nearest import nearest


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 9), st.floats(10.0, 2e3), st.integers(0, 99))
def test_both_ways_find_what_sorting_all_distances_finds(n: int, m: int, most: int, within: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    points, others = rng.uniform(-1e3, 1e3, (n, 3)), rng.uniform(-1e3, 1e3, (m, 3))
    expected = []
    for i, point in enumerate(points):
        distance = np.linalg.norm(others - point, axis=1)
        expected += [(i, j) for j in np.argsort(distance)[:most].tolist() if distance[j] < within]
    for few in (module.FEW, 0):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "FEW", few)
            i, j = nearest(points, others, most, within)
        assert list(zip(i.tolist(), j.tolist(), strict=True)) == expected


def test_a_first_track_waits_for_no_scipy() -> None:
    code = "import sys, skywarden.track, skywarden.track.step; print('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "False\n"
