"""What registration is for: two radars that are off make two tracks of one aircraft; once registered, one."""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))

import registration_split as bench
from registration_world import SECOND, START, looks, sky


def test_tracks_split_without_registration_and_do_not_with_it() -> None:
    rng = np.random.default_rng(21)
    both, flown = bench.radars(0.1), sky(rng, 6, 150.0, 422.0)
    seen = looks(rng, flown, both, 420.0)
    truth, times = flown.position[::2], START + np.arange(len(flown.position[::2])) * SECOND
    applied = bench.learnt(both, seen)
    assert {one.sensor for one in applied} == {"west", "east"}
    raw, _ = bench.counted(bench.scans(both, seen, []), truth, times)
    registered, off = bench.counted(bench.scans(both, seen, applied), truth, times)
    assert raw > 1.5
    assert 0.9 < registered < 1.1
    assert off < 400.0
