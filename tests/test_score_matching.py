"""Tracks are put at the truth's times as a person would have seen them then, and other days are told apart."""

from dataclasses import replace

import numpy as np
import pytest
from score_scenes import SECOND, points

from skywarden.errors import MismatchError, SkywardenError
from skywarden.score.matching import HOUR, at_times, matched
from skywarden.score.tables import Points


def shifted(data: Points, nanoseconds: int) -> Points:
    return replace(data, time=data.time + nanoseconds)


def whole(*seconds: float) -> np.ndarray:
    return (np.array(seconds) * SECOND).astype(np.int64)


def test_rows_of_the_truths_own_times_are_kept_as_they_are() -> None:
    tracks = points([(t, i, 7.0 * t, i, 3, 4) for t in range(5) for i in range(3)])
    found = at_times(tracks, whole(1, 3))
    assert found.time.tolist() == whole(1, 1, 1, 3, 3, 3).tolist()
    assert found.id.tolist() == [0, 1, 2, 0, 1, 2]
    assert found.position.tolist() == [[7, 0], [7, 1], [7, 2], [21, 0], [21, 1], [21, 2]]


def test_between_rows_a_track_goes_on_with_the_speed_it_had() -> None:
    tracks = points([(0.5, 0, 100, 0, 10, -2), (4.5, 0, 999, 999, 0, 0)])
    found = at_times(tracks, whole(0, 1, 2, 3, 4, 5))
    assert found.time.tolist() == whole(1, 2, 3, 4).tolist()  # nowhere before its first row and after its last
    assert found.position == pytest.approx(np.array([[105, -1], [115, -3], [125, -5], [135, -7]]))


def test_what_a_track_states_of_its_error_counts_at_its_own_time_only() -> None:
    tracks = replace(
        points([(0, 0, 0.0, 0.0, 1, 0), (2, 0, 2.0, 0.0, 1, 0)]),
        sensor=np.array([0, 1]),
        sensors=("a", "b"),
        spread=np.arange(12.0).reshape(2, 6),
    )
    found = at_times(tracks, whole(0, 1, 2))
    assert found.sensor is not None
    assert found.spread is not None
    assert found.sensor.tolist() == [0, 0, 1]
    assert np.isnan(found.spread[1]).all()
    assert found.spread[[0, 2]].tolist() == np.arange(12.0).reshape(2, 6).tolist()


def test_without_a_speed_it_is_on_the_line_between_its_rows() -> None:
    nan = float("nan")
    tracks = points([(0, 0, 0, 0, nan, nan), (4, 0, 8, 4, nan, nan)])
    assert at_times(tracks, whole(1, 4)).position == pytest.approx(np.array([[2, 1], [8, 4]]))


def test_in_a_long_gap_it_is_nowhere() -> None:
    tracks = points([(0, 0, 0, 0, 1, 0), (11, 0, 11, 0, 1, 0), (12, 0, 12, 0, 1, 0)])
    assert at_times(tracks, whole(0, 5, 11)).time.tolist() == whole(0, 11).tolist()
    assert at_times(tracks, whole(0, 5, 11), 11 * SECOND).time.tolist() == whole(0, 5, 11).tolist()


def test_many_tracks_at_odd_times_are_where_a_loop_finds_them() -> None:
    random = np.random.default_rng(5)
    rows = [
        (float(t), i, *random.normal(size=4)) for i in range(20) for t in np.unique(random.integers(0, 300, 60)) / 10
    ]
    tracks = points(sorted(rows))
    times = np.unique(random.integers(0, 300, 40)) * (SECOND // 10)
    expected = []
    for time in times.tolist():
        for i in range(20):
            own = np.flatnonzero(tracks.id == i)
            before, after = own[tracks.time[own] <= time], own[tracks.time[own] >= time]
            if len(before) and len(after) and tracks.time[after[0]] - tracks.time[before[-1]] <= 10 * SECOND:
                passed = (time - tracks.time[before[-1]]) / 1e9
                expected.append((time, i, *(tracks.position[before[-1]] + passed * tracks.velocity[before[-1]])))
    found = at_times(tracks, times)
    assert [(t, i) for t, i, *_ in expected] == list(zip(found.time.tolist(), found.id.tolist(), strict=True))
    assert found.position == pytest.approx(np.array([place for _, _, *place in expected]))


def test_tracks_of_another_time_are_refused_with_what_may_be_wrong() -> None:
    truth = points([(t, 0, 0, 0) for t in range(1_767_225_600, 1_767_225_700)])
    for change, hint in ((3 * HOUR, r"\+3 h .* time zone"), (77 * HOUR + 5, "another run")):
        with pytest.raises(MismatchError, match=hint) as caught:
            matched(truth, shifted(truth, change))
        assert caught.value.truth == (int(truth.time[0]), int(truth.time[-1]))
        assert isinstance(caught.value, SkywardenError)
    with pytest.raises(MismatchError, match="too small"):
        matched(truth, shifted(truth, -int(truth.time[0])))


def test_tracks_half_a_step_off_match_and_those_further_do_not() -> None:
    truth = points([(10.0 * t, 0, 0, 0) for t in range(4)])
    assert len(matched(truth, points([(15, 0, 0, 0), (21, 0, 0, 0)]))) == 1
    with pytest.raises(MismatchError):
        matched(truth, points([(36, 0, 0, 0), (40, 0, 0, 0)]))


def test_no_track_at_all_is_no_mismatch() -> None:
    assert len(matched(points([(0, 0, 0, 0)]), points([]))) == 0
