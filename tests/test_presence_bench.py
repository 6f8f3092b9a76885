"""The bench of the presence field on a small sample: that it runs, and that what it judges holds there too."""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))

import presence_field
import presence_speed
import presence_world

from skywarden.track.newcomers import Rules


def test_targets_that_fly_in_are_found_soon_after_the_third_node_hears_them() -> None:
    score = presence_field.singles(4, 50.0, 90, Rules())
    assert len(score.found) == 4
    assert np.all(score.third <= score.began)
    assert np.mean(score.found < score.third + 10.0) >= 0.75
    assert score.spare == 0


def test_half_an_hour_without_raid_begins_nothing_but_what_flies() -> None:
    seen = presence_field.night(0.5, 91, Rules())
    assert seen.false == []
    assert np.all(np.isfinite(seen.flights) | ~np.isfinite(seen.third))


def test_the_field_is_as_noisy_as_is_said() -> None:
    rng = np.random.default_rng(5)
    nodes, hours = presence_world.nodes(rng), 20.0
    count = sum(len(part(nodes, 3600.0 * hours, rng).node) for part in (presence_world.false, presence_world.mopeds))
    assert abs(count / hours / len(nodes.place) - presence_world.ONSETS) < 0.02


def test_what_presence_costs_is_measured() -> None:
    found = presence_speed.bench(300, 20)
    assert found["pairs"] > 100
    assert found["targets"] > 0.0
