"""SIAP, the associations under it and the segments, against their definitions taken step by step."""

from itertools import pairwise

import numpy as np
import pytest
from score_scenes import SECOND, by_time, points, scene

from skywarden.score.assign import compare
from skywarden.score.associations import NONE, Hold, Rule, associate, holds
from skywarden.score.gospa import gospa
from skywarden.score.segments import NEVER, confusion, segments
from skywarden.score.siap import at_times, counts, held, siap
from skywarden.score.tables import Points

Range = tuple[int, int, int, int]  # track, target, start, end


def followed(near: list[int], confirm: int = 3, misses: int = 2) -> list[tuple[int, int, int]]:
    """Return (target, first, last) by going through one track's times one at a time, with a list of what came last."""
    found, held, since, last, missed = [], NONE, 0, 0, 0
    run: list[int] = []  # indices of the times in a row at which the same other target was nearest
    for k, target in enumerate(near):
        if held != NONE and target == held:
            missed, last = 0, k
            continue
        if held == NONE and target == NONE:
            run = []
            continue
        run = [*run, k] if run and target == near[run[-1]] and target != NONE else [k]
        if held == NONE:
            if len(run) >= confirm:
                held, since, last, run = target, run[0], k, []
            continue
        missed += 1
        if missed >= misses:
            found.append((held, since, last))
            held = NONE
            if len(run) >= confirm:
                held, since, last = near[run[-1]], run[0], k
    return [*found, (held, since, last)] if held != NONE else found


def ranges(truth: Points, tracks: Points, cutoff: float) -> list[Range]:
    """Return all associations."""
    x, found = by_time(truth), []
    for number in range(len(tracks.names)):
        rows = np.flatnonzero(tracks.id == number)
        rows = rows[np.argsort(tracks.time[rows])]
        near = []
        for row in rows:
            places = x.get(int(tracks.time[row]), {})
            distance = {i: float(np.hypot(*(place - tracks.position[row]))) for i, place in places.items()}
            best = min(distance, key=lambda i: distance[i], default=NONE)
            near.append(best if best != NONE and distance[best] < cutoff else NONE)
        times = tracks.time[rows].tolist()
        found += [(number, target, times[a], times[b]) for target, a, b in followed(near)]
    return found


def siap_by_hand(truth: Points, tracks: Points, cutoff: float) -> list[float]:
    """Return the seven figures by counting at one time after another."""
    found = ranges(truth, tracks, cutoff)
    x, y = by_time(truth), by_time(tracks)
    J = JT = N = NA = 0
    error = speed = 0.0
    velocity = {(int(t), int(i)): v for t, i, v in zip(truth.time, truth.id, truth.velocity, strict=True)}
    reported = {(int(t), int(i)): v for t, i, v in zip(tracks.time, tracks.id, tracks.velocity, strict=True)}
    for t in sorted({*x, *y}):
        on = [(track, target) for track, target, a, b in found if a <= t <= b]
        J, N = J + len(x.get(t, {})), N + len(y.get(t, {}))
        JT, NA = JT + len({target for _, target in on}), NA + len({track for track, _ in on})
        error += sum(float(np.hypot(*(x[t][j] - y[t][i]))) for i, j in on)
        speed += sum(float(np.hypot(*(velocity[t, j] - reported[t, i]))) for i, j in on)
    needed, tracked, longest, life = 0, 0.0, 0.0, 0.0
    for target in sorted(set(truth.id.tolist())):
        times = sorted(truth.time[truth.id == target].tolist())
        own = [r for r in found if r[1] == target]
        life += (times[-1] - times[0]) / 1e9
        for a, b in pairwise(times):
            tracked += (b - a) / 1e9 * any(r[2] <= a and b <= r[3] for r in own)
        longest += max((sum(r[3] - r[2] for r in own if r[0] == i) for i, *_ in own), default=0) / 1e9
        needed += max(_numbers(times, own) - 1, 0)
    return [JT / J, NA / JT if JT else 1, (N - NA) / N if N else 0, error / NA if NA else 0, speed / NA if NA else 0,
            needed / tracked if tracked else 0, longest / life if life else 0]  # fmt: skip


def _numbers(times: list[int], own: list[Range]) -> int:
    """Return how often a track must be chosen; the one that is on the target last of all goes first."""
    needed, after = 0, -1
    for t in times:
        on = [r for r in own if r[2] <= t <= r[3]]
        if t <= after or not on:
            continue
        stay = max(on, key=lambda r: (max(q[3] for q in own if q[0] == r[0]), -r[0]))
        needed, after = needed + 1, stay[3]
        if stay[3] == t:
            return needed
    return needed


@pytest.mark.parametrize("seed", range(30))
def test_the_figures_are_those_counted_by_hand(seed: int) -> None:
    truth, tracks = scene(seed + 300, targets=5 + seed % 4, steps=25, area=(60.0, 200.0)[seed % 2])
    comparison = compare(truth, tracks, 25.0)
    assert list(siap(comparison)) == pytest.approx(siap_by_hand(truth, tracks, 25.0), rel=1e-12)
    found = associate(comparison)
    assert sorted(zip(*(x.tolist() for x in found), strict=True)) == sorted(ranges(truth, tracks, 25.0))


@pytest.mark.parametrize("seed", range(50))
def test_runs_of_the_same_nearest_target_give_what_single_steps_give(seed: int) -> None:
    near = np.random.default_rng(seed).choice([NONE, 0, 1], 40, p=[0.25, 0.5, 0.25])
    assert [tuple(hold) for hold in holds(near, Rule())] == followed(near.tolist())


def test_a_hold_begins_at_the_third_time_and_ends_at_the_second_miss() -> None:
    assert list(holds(np.array([5, 5, NONE, 5, 5, 5, NONE, 5, NONE, NONE, 5]), Rule())) == [Hold(5, 3, 7)]


def test_figures_of_a_scene_that_can_be_counted() -> None:
    truth = points([(t, i, 10.0 * t, 1000.0 * i, 10, 0) for t in range(10) for i in range(2)])
    tracks = points(
        [(t, 0, 10.0 * t, 3, 10, 0) for t in range(6)]
        + [(t, 1, 10.0 * t, 4, 10, 2) for t in range(6, 10)]
        + [(t, 2, 500, 500) for t in range(10)]
    )
    comparison = compare(truth, tracks, 50.0)
    found = siap(comparison)
    assert found.completeness == 0.5
    assert found.ambiguity == 1
    assert found.spuriousness == 0.5
    assert found.position_accuracy == pytest.approx(3.4)
    assert found.velocity_accuracy == pytest.approx(0.8)
    assert found.number_changes == pytest.approx(1 / 8)  # 5 s and 3 s are held; the second between them is not
    assert found.longest_segment == pytest.approx(5 / 18)
    associations = associate(comparison)
    series = at_times(counts(comparison, associations, held(comparison, associations)))
    assert series[0].tolist() == [0.5] * 10
    assert series[3].tolist() == pytest.approx([3] * 6 + [4] * 4)


def test_a_track_that_leaves_out_a_time_is_not_counted_in_it() -> None:
    truth = points([(t, 0, 0, 0) for t in range(9)])
    tracks = points([(t, 0, 0, 3) for t in range(9) if t != 4])
    found = siap(compare(truth, tracks, 50.0))
    assert found.completeness == pytest.approx(8 / 9)
    assert found.spuriousness == 0
    assert found.longest_segment == 1


def test_segments_of_a_scene_that_can_be_counted() -> None:
    truth = points([(t, i, 0, 1000.0 * i) for t in range(20) for i in range(3)], names=4)
    tracks = points(
        [(t, 0, 0, 3) for t in range(2, 6)]
        + [(t, 1, 0, 3) for t in range(6, 10)]
        + [(t, 0, 0, 3) for t in range(14, 20)]
        + [(t, 2, 0, 1003) for t in range(20)]
    )
    comparison = compare(truth, tracks, 50.0)
    found = segments(comparison, associate(comparison), gospa(comparison))
    assert found.wait().tolist()[:3] == [2, 0, np.inf]
    assert np.isnan(found.wait()[3])
    assert found.wait(np.array([1, 3, 0, NEVER]) * SECOND).tolist()[:3] == [1, 0, np.inf]
    assert found.life.tolist() == [19, 19, 19, 0]
    assert found.numbers.tolist() == [2, 1, 0, 0]
    assert found.switches.tolist() == [2, 0, 0, 0]
    assert found.longest.tolist() == [5, 19, 0, 0]
    assert found.breaks.tolist() == [1, 0, 0, 0]
    assert found.tracked.tolist() == [12, 19, 0, 0]


def test_a_target_that_is_lost_and_found_is_broken() -> None:
    truth = points([(t, 0, 0, 0) for t in range(20)])
    tracks = points([(t, 0, 0, 3) for t in range(2, 8)] + [(t, 1, 0, 3) for t in range(12, 20)])
    comparison = compare(truth, tracks, 50.0)
    found = segments(comparison, associate(comparison), gospa(comparison))
    assert (found.breaks[0], found.numbers[0], found.switches[0]) == (1, 2, 1)
    assert (found.tracked[0], found.longest[0]) == (12, 7)


def test_what_targets_were_taken_for_is_counted_in_seconds() -> None:
    truth = points([(2 * t, i, 0, 1000.0 * i) for t in range(5) for i in range(2)])
    tracks = points([(2 * t, 0, 0, 3) for t in range(4)])
    kinds = Points(*_with(truth, word=truth.id, words=("bird", "jet")))
    said = Points(*_with(tracks, word=(tracks.time >= 4 * SECOND).astype(np.int64), words=("", "bird")))
    comparison = compare(kinds, said, 50.0)
    found = confusion(comparison, gospa(comparison))
    assert (found.true, found.reported) == (("bird", "jet"), ("", "bird"))
    assert found.seconds.tolist() == [[4, 4, 2], [0, 0, 10]]


def _with(data: Points, **changed: object) -> list[object]:
    return [changed.get(name, getattr(data, name)) for name in Points.__dataclass_fields__]
