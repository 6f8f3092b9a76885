"""SIAP where two radars see well, and NEES: against the definitions once more, slow and plain."""

from dataclasses import replace

import numpy as np
import pytest
from score_scenes import SECOND, points, scene

from skywarden.geo.earth import east_north_up, ecef
from skywarden.score.assign import compare
from skywarden.score.associations import associate, held
from skywarden.score.case import Case
from skywarden.score.gospa import gospa
from skywarden.score.nees import LEAST, REGION, Nees, nees
from skywarden.score.tables import COVERAGE, Coverage, Points, Sensor, Target
from skywarden.score.twice import Twice, seen_twice, twice

KINDS = ("radars", "microphones", "radars", "radar")


def raid(truth: Points, rows: list[tuple[int, int, int, float]], kinds: tuple[str, ...] = KINDS) -> Case:
    """Return a case with a coverage table of (second, target, sensor, Pd); its clock begins at 10 s."""
    table = np.array(rows, COVERAGE)
    sensors = tuple(Sensor(f"s{k}", kind, "s", 0.0, 0.0, 0.0, 1.0) for k, kind in enumerate(kinds))
    targets = tuple(Target(name, "jet", True) for name in truth.names[::-1])  # in another order than the truth's
    coverage = Coverage(*(np.ascontiguousarray(table[name]) for name in Coverage._fields))
    return Case("r", 10 * SECOND, truth, truth, truth.position, truth.position, targets, (), sensors, coverage)


def test_two_radars_must_see_a_target_well_in_the_same_second() -> None:
    truth = points([(10 + k, 0, 0.0, 0.0) for k in range(6)] + [(12, 1, 0.0, 0.0)])
    well = [(0, 1, 0, 0.5), (0, 1, 2, 0.9)]
    one = [(1, 1, 0, 0.9)]
    badly = [(2, 1, 0, 0.9), (2, 1, 2, 0.49)]
    no_radar = [(3, 1, 0, 0.9), (3, 1, 1, 0.9)]
    three = [(4, 1, 0, 0.9), (4, 1, 2, 0.9), (4, 1, 3, 0.9)]
    other = [(5, 0, 0, 0.9), (5, 0, 2, 0.9)]  # targets.json has them the other way round
    given = raid(truth, [*three, *well, *one, *badly, *no_radar, *other])
    seen = seen_twice(given)
    assert seen is not None
    assert [(t // SECOND - 10, i) for t, i in zip(truth.time[seen].tolist(), truth.id[seen].tolist(), strict=True)] == [
        (0, 0),
        (4, 0),
    ]
    assert seen_twice(replace(given, coverage=None)) is None


def plain(truth: Points, tracks: Points, on: set[tuple[int, int, int]], seen: dict[tuple[int, int], bool]) -> Twice:
    """on: (time, target, track) held; seen: (time, target)."""
    living = [(int(t), int(i)) for t, i in zip(truth.time, truth.id, strict=True)]
    place = dict(zip(living, truth.position, strict=True))
    followed = {(t, i) for t, i, _ in on if seen[t, i]}
    busy = {(t, k) for t, i, k in on if seen[t, i]}
    spurious = 0
    for t, k, position in zip(tracks.time.tolist(), tracks.id.tolist(), tracks.position, strict=True):
        there = [key for key in living if key[0] == t]
        if there and not any(key[0] == t and key[2] == k for key in on):
            nearest = min(there, key=lambda key: float(np.linalg.norm(place[key] - position)))
            spurious += seen[nearest]
    return Twice(len(living), sum(seen.values()), len(followed), len(busy), spurious)


@pytest.mark.parametrize("seed", range(20))
def test_counts_are_those_of_the_plain_twin(seed: int) -> None:
    truth, tracks = scene(seed, 5, 25, 300.0)
    comparison = compare(truth, tracks, 30.0)
    rows = held(comparison, associate(comparison))
    seen = np.random.default_rng(seed).random(len(comparison.truth)) < 0.6
    both = zip(comparison.truth.time.tolist(), comparison.truth.id.tolist(), seen.tolist(), strict=True)
    where = {(t, i): one for t, i, one in both}
    on = {
        (int(comparison.truth.time[a]), int(comparison.truth.id[a]), int(tracks.id[b]))
        for a, b in zip(rows.truth, rows.track, strict=True)
    }
    assert twice(comparison, rows, seen) == plain(comparison.truth, tracks, on, where)


def test_ratios() -> None:
    found = Twice(all_targets=100, targets=50, tracked=40, on=42, spurious=8).ratios()
    assert found == {"completeness": 0.8, "ambiguity": 1.05, "spuriousness": 0.16, "part": 0.5}
    assert np.isnan([*Twice(0, 0, 0, 0, 0).ratios().values()]).all()


def around(errors: np.ndarray, spread: np.ndarray, sensor: np.ndarray) -> tuple[Points, Points]:
    """Return truths and tracks 10 km apart, one a second, with errors (n, 3) east, north, up."""
    n, seconds = len(errors), np.arange(len(errors))
    latitude, longitude = np.radians(np.full(n, 48.0)), np.radians(20.0 + 0.2 * (seconds % 50))
    here = ecef(latitude, longitude, np.full(n, 500.0))
    there = here + np.einsum("nij,ni->nj", east_north_up(latitude, longitude), errors)
    zero, alive = np.zeros(n, np.int64), np.ones(n, bool)
    names = ("a",)
    truth = Points(seconds * SECOND, zero, there, here * 0, names, zero, ("",), alive, zero)
    tracks = Points(
        seconds * SECOND, zero, here, here * 0, names, zero, ("",), alive, zero, ("",), sensor, ("", "r", "s"), spread
    )
    return truth, tracks


def test_nees_is_the_squared_error_over_what_the_track_states() -> None:
    random, n = np.random.default_rng(3), 900
    root = random.normal(size=(n, 3, 3)) * [30.0, 30.0, 80.0]
    P = root @ root.swapaxes(1, 2) + np.eye(3)
    sensor = np.arange(n) % 3
    errors = np.einsum("nij,nj->ni", np.linalg.cholesky(P), random.normal(size=(n, 3)))
    errors[sensor == 2] *= 2.0
    spread = P.reshape(n, 9)[:, [0, 1, 2, 4, 5, 8]]
    spread[7, 3] = np.nan
    truth, tracks = around(errors, spread, sensor)
    comparison = compare(truth, tracks, 5000.0)
    found = nees(comparison, gospa(comparison))
    wanted = [errors[k] @ np.linalg.solve(P[k], errors[k]) for k in range(n) if k != 7]
    assert np.allclose(np.sort(found.value), np.sort(wanted), rtol=1e-6)
    by = found.by_sensor(5)
    assert list(by) == ["s", "r"]  # the one whose errors are twice as large as it says comes first
    assert 3.5 < by["s"].mean() < 4.5
    assert 0.9 < by["r"].mean() < 1.1
    assert 0.92 < by["r"].inside() < 0.98
    assert by["s"].inside() == np.mean(np.array(by["s"].value) <= REGION) < 0.6
    assert list(found.by_sensor(1)) == ["s"]


def test_nothing_is_said_of_few_rows_or_of_tracks_that_state_nothing() -> None:
    few = np.full(LEAST - 1, 1)
    assert Nees(np.ones(len(few)), few, ("", "r")).by_sensor(5) == {}
    truth, tracks = scene(1, 3, 10, 300.0)
    comparison = compare(truth, tracks, 30.0)
    found = nees(comparison, gospa(comparison))
    assert np.isnan([found.mean(), found.inside()]).all()
