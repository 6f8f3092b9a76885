"""GOSPA and OSPA against their definitions, tried out over all assignments."""

import numpy as np
import pytest
from score_scenes import by_time, gospa_by_hand, ospa_by_hand, points, scene

from skywarden.score.assign import compare
from skywarden.score.gospa import gospa, means
from skywarden.score.ospa import Least, ospa
from skywarden.score.tables import Points


@pytest.mark.parametrize("power", [1.0, 2.0, 3.5])
@pytest.mark.parametrize("seed", range(8))
def test_gospa_is_the_least_over_all_assignments(seed: int, power: float) -> None:
    truth, tracks = scene(seed, targets=3, steps=4, area=100.0)
    cutoff = (15.0, 60.0)[seed % 2]
    found = gospa(compare(truth, tracks, cutoff), power)
    x, y = by_time(truth), by_time(tracks)
    assert sorted({*x, *y}) == found.time.tolist()
    for k, time in enumerate(found.time.tolist()):
        parts = gospa_by_hand(list(x.get(time, {}).values()), list(y.get(time, {}).values()), cutoff, power)
        assert (found.localisation[k], found.missed[k], found.false[k]) == pytest.approx(parts, rel=1e-12)
        assert found.distance[k] == pytest.approx(sum(parts) ** (1 / power))


@pytest.mark.parametrize("power", [1.0, 2.0, np.inf])
@pytest.mark.parametrize("seed", range(8))
def test_ospa_is_the_least_over_all_assignments(seed: int, power: float) -> None:
    truth, tracks = scene(seed, targets=3, steps=4, area=100.0)
    cutoff = (15.0, 60.0)[seed % 2]
    comparison = compare(truth, tracks, cutoff)
    x, y = by_time(truth), by_time(tracks)
    hand = [
        ospa_by_hand(list(x.get(t, {}).values()), list(y.get(t, {}).values()), cutoff, power)
        for t in comparison.time.tolist()
    ]
    assert ospa(comparison, power) == pytest.approx(hand, rel=1e-12)
    assert (ospa(comparison, power, Least.DISTANCE) >= ospa(comparison, power) - 1e-12).all()


def test_ospa_of_the_peer_differs_where_one_long_way_beats_two() -> None:
    truth, tracks = points([(0, 0, 0, 0), (0, 1, 4, 0)]), points([(0, 0, 4.5, 0), (0, 1, 8, 3)])
    comparison = compare(truth, tracks, 20.0)  # 0.5 + sqrt 73 is shorter than 4.5 + 5, its squares are not
    assert ospa(comparison, 2.0) == pytest.approx(np.sqrt((4.5**2 + 5**2) / 2))
    assert ospa(comparison, 2.0, Least.DISTANCE) == pytest.approx(np.sqrt((0.5**2 + 73) / 2))
    assert ospa(comparison, np.inf) == pytest.approx(5)
    assert ospa(comparison, np.inf, Least.DISTANCE) == pytest.approx(np.sqrt(73))


def test_parts_of_a_scene_that_can_be_counted() -> None:
    truth = points([(0, 0, 0, 0), (0, 1, 100, 0), (1, 0, 0, 0)])
    tracks = points([(0, 0, 3, 4), (0, 1, 500, 0), (2, 2, 0, 0)])
    found = gospa(compare(truth, tracks, 10.0))
    assert found.localisation.tolist() == [25, 0, 0]
    assert found.missed.tolist() == [50, 50, 0]
    assert found.false.tolist() == [50, 0, 50]
    assert found.assigned.tolist() == [1, 0, 0]
    over = means(found)
    assert over.root_mean == pytest.approx(np.sqrt(225 / 3))
    assert over.missed_targets == over.false_tracks == pytest.approx(2 / 3)


def test_a_target_does_not_count_where_it_ended() -> None:
    truth = points([(0, 0, 0, 0), (1, 0, 0, 0)])
    ended = Points(*[getattr(truth, f) if f != "alive" else truth.time == 0 for f in Points.__dataclass_fields__])
    assert gospa(compare(ended, points([(0, 0, 1, 0), (1, 0, 1, 0)]), 10.0)).false.tolist() == [0, 50]


def test_nothing_at_all_is_no_error() -> None:
    found = gospa(compare(points([]), points([]), 10.0))
    assert len(found.distance) == len(ospa(compare(points([]), points([]), 10.0))) == 0
    assert np.isnan(means(found).root_mean)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_a_crowd_has_the_pairs_that_all_distances_give(dimensions: int) -> None:
    random = np.random.default_rng(3)  # above the size from which trees are used
    a, b = random.uniform(0, 1000, (90, dimensions)), random.uniform(0, 1000, (110, dimensions))
    truth = points([(0, i, *x) for i, x in enumerate(a)], dimensions)
    tracks = points([(0, i, *x) for i, x in enumerate(b)], dimensions)
    comparison = compare(truth, tracks, 120.0)
    distance = np.linalg.norm(a[:, None] - b[None], axis=-1)
    assert np.stack([comparison.target, comparison.track], 1).tolist() == np.argwhere(distance < 120).tolist()
    assert comparison.distance == pytest.approx(distance[distance < 120])
