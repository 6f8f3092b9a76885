"""Whose the tracks of other systems are, report by report: each limit of track.feeds from both its sides."""

from dataclasses import replace

import numpy as np
import pytest
from msgspec import structs
from told_world import EAST, SETTINGS, SIGMA, Ear, ours, place, spread
from track_world import START

from skywarden.model.detection import Kind
from skywarden.model.place import TrackPolicy
from skywarden.model.track import Chain, Picture
from skywarden.track.feeds import OURS, THEIRS, UNDECIDED, foreign, verdicts
from skywarden.track.items import FEED
from skywarden.track.motion import predict_all
from skywarden.track.prepare import OWN, QUOTA, REPEATED, TOO_LATE, USED

DISPLAY, TRACKLETS, INTERSECTION = TrackPolicy
NEAR, FAR = 1.0, 9.0  # m from ours: looks like ours, and fits it but does not look like it
SECOND = 1_000_000_000


def after(pattern, share_ours=0.7, share_theirs=0.4):
    """Plain twin: the verdict after each report, True where it was near ours; a report back counts 15/16 as much."""
    verdict, found, reports, near = UNDECIDED, [], 0.0, 0.0
    for each in pattern:
        reports, near = reports * 15 / 16 + 1, near * 15 / 16 + each
        if verdict != THEIRS and reports >= 4.0:  # ours may turn out to be theirs, not the other way
            share = near / reports
            verdict = OURS if share > share_ours else THEIRS if share < share_theirs else verdict
        found.append(verdict)
    return found


def heard(pattern, policy=INTERSECTION, ear=None, begin=0):
    """Return the verdicts as one subject's reports, once a second, are near ours or not."""
    ear = ear or Ear(ours(place(0.0)), policy)
    found = []
    for k, near in enumerate(pattern, begin):
        ear.now(k, place(0.0))
        ear.hear(k, place(NEAR if near else FAR))
        found.append(int(ear.table["verdict"][0]))
    return found


def test_a_report_is_believed_no_better_than_formats_and_clocks_allow():
    sure = spread(1.0, 0.1)
    sure[0, 1] = 0.1  # not symmetric
    said = Ear(ours(place(9e4))).hear(0, place(0.0), covariance=sure)
    wanted = 0.5 * (sure + sure.T) + np.diag([25.0] * 3 + [0.25] * 3)
    assert np.allclose(said.reports["covariance"][0], wanted, rtol=1e-12)


@pytest.mark.parametrize(("gap", "reports"), [(59.9, 1.9375), (60.1, 1.0)])
def test_a_number_that_comes_again_after_a_minute_is_another_targets(gap, reports):
    ear = Ear(ours(place(0.0)))
    ear.hear(0, place(0.0))
    ear.now(gap, place(0.0))
    ear.hear(gap, place(0.0))
    assert ear.table["reports"].tolist() == [reports]


def test_who_is_not_told_of_for_a_minute_is_forgotten():
    ear = Ear(ours(place(0.0)))
    ear.hear(0, place([0.0, 500.0]))
    ear.hear(59.9, place(0.0))
    assert ear.table["subject"].tolist() == [0, 1]
    ear.hear(60.1, place(0.0))
    assert ear.table["subject"].tolist() == [0]


@pytest.mark.parametrize(("age", "shown"), [(29.9, 1), (30.1, 0)])
def test_what_was_told_is_shown_for_half_a_minute(age, shown):
    ear = Ear(ours(place(9e4)), DISPLAY)
    ear.hear(0, place(0.0))
    picture = Picture(START + round(age * SECOND), beliefs=ear.beliefs, sensors=ear.sensors)
    assert len(foreign(picture).sensor) == shown


def test_what_is_shown_is_by_system_and_subject_and_not_what_is_ours():
    ear = Ear(ours(place(0.0)), DISPLAY)
    for subject, name in ((7, "second"), (3, "second"), (5, "first"), (1, "first")):
        ear.hear(0, place(8e3), [subject], name=name)
    table = ear.table.copy()
    table["verdict"][table["subject"] == 3] = OURS
    ear.beliefs = replace(ear.beliefs, feeds=table)
    told = foreign(Picture(START, beliefs=ear.beliefs, sensors=("second", "first")))
    assert list(zip(told.sensor, told.states.number, strict=True)) == [("second", 7), ("first", 1), ("first", 5)]


@pytest.mark.parametrize(("existence", "label"), [(0.05, 0), (0.2, 101)])
def test_a_target_of_ours_that_hardly_exists_is_nobodys_track(existence, label):
    ear = Ear(ours(place(0.0), existence=existence))
    ear.hear(0, place(0.0))
    assert ear.table["label"].tolist() == [label]


@pytest.mark.parametrize(("off", "near"), [(5.01, 1.0), (5.05, 0.0)])
def test_near_is_half_a_sigma_of_ours_and_the_metre_that_rounding_makes(off, near):
    """0.25 (10^2 + 1) = 5.02^2."""
    ear = Ear(ours(place(0.0)))
    ear.hear(0, place(off))
    assert ear.table["near"].tolist() == [near]


def test_what_is_near_a_tentative_target_is_not_ours():
    """Nobody was ever told of it."""
    ear = Ear(ours(place(0.0), confirmed=0))
    ear.hear(0, place(0.0))
    assert ear.table["near"].tolist() == [0.0]
    assert ear.table["label"].tolist() == [101]


@pytest.mark.parametrize(("off", "verdict"), [(1990.0, UNDECIDED), (2010.0, THEIRS)])
def test_who_begins_two_kilometres_from_all_of_ours_is_theirs_at_once(off, verdict):
    ear = Ear(ours(place(0.0)))
    said = ear.hear(0, place(off))
    assert ear.table["verdict"].tolist() == [verdict]
    assert said.states.tolist() == ([0] if verdict == THEIRS else [])
    assert said.alone.tolist() == ([True] if verdict == THEIRS else [])


def test_who_begins_where_ours_may_be_is_not():
    """A young track's place fits 3 km away."""
    ear = Ear(ours(place(0.0), covariance=spread(1500.0, 100.0)))
    ear.hear(0, place(3000.0))
    assert ear.table["verdict"].tolist() == [UNDECIDED]
    assert ear.table["label"].tolist() == [101]


def test_who_began_near_ours_is_not_theirs_by_going_far_away():
    ear = Ear(ours(place(0.0)))
    ear.hear(0, place(500.0))
    ear.hear(1, place(2500.0))
    assert ear.table["verdict"].tolist() == [UNDECIDED]


def test_nothing_is_decided_before_the_fifth_report():
    assert heard([True] * 5) == [UNDECIDED] * 4 + [OURS]
    assert heard([False] * 5) == [UNDECIDED] * 4 + [THEIRS]


@pytest.mark.parametrize("seed", range(40))
def test_verdicts_are_those_of_the_plain_twin(seed):
    rng = np.random.default_rng(seed)
    pattern = (rng.random(20) < rng.uniform(0.2, 0.9)).tolist()
    assert heard(pattern) == after(pattern)


def test_these_patterns_tell_the_twins_limits_apart():
    """Else the test above would not."""
    patterns = [
        (rng.random(20) < rng.uniform(0.2, 0.9)).tolist() for rng in (np.random.default_rng(seed) for seed in range(40))
    ]
    for other in ((0.6, 0.4), (0.8, 0.4), (0.7, 0.3), (0.7, 0.5)):
        assert any(after(each) != after(each, *other) for each in patterns)


def test_a_verdict_of_what_is_used_stands_and_of_what_is_only_shown_it_may_change():
    turning = [False] * 6 + [True] * 40
    assert heard(turning)[-1] == THEIRS
    shown = heard(turning, DISPLAY)
    assert (shown[5], shown[-1]) == (THEIRS, OURS)
    back = [True] * 6 + [False] * 40
    assert heard(back)[-1] == heard(back, DISPLAY)[-1] == THEIRS  # ours only as long as it stays that near


def test_what_began_far_from_all_of_ours_stays_theirs_whatever_becomes_of_its_policy():
    """Ours is made of it then, and looks like it; when it is used again, it must not be refused as ours."""
    ear = Ear(ours(place(9e4)))
    ear.hear(0, place(0.0))
    ear.policy = DISPLAY
    assert heard([True] * 20, ear=ear, begin=1)[-1] == THEIRS
    ear.policy = INTERSECTION
    ear.now(21, place(0.0))
    assert ear.hear(21, place(0.0)).states.tolist() == [0]


def test_what_is_decided_is_used_once_the_head_knows_of_it():
    ear = Ear(ours(place(0.0)))
    for k in range(70):
        ear.now(k, place(0.0))
        said = ear.hear(k, place(FAR))
        assert said.states.tolist() == ([0] if k >= 4 + 60 else [])
        assert (said.targets.tolist(), said.alone.tolist()) == (([101], [False]) if k >= 64 else ([], []))
    assert ear.table["since"].tolist() == [START + 64 * SECOND]


def test_the_head_takes_over_what_is_decided_and_decides_nothing():
    ear = Ear(ours(place(0.0)), judged={("other", 1): (THEIRS, START + 7 * SECOND), ("elsewhere", 0): (OURS, 0)})
    used = []
    for k in range(10):
        ear.now(k, place([0.0, 300.0]))
        used.append(ear.hear(k, place([NEAR, 300.0 + NEAR])).states.tolist())
    assert ear.table["verdict"].tolist() == [UNDECIDED, THEIRS]
    assert used == [[]] * 7 + [[1]] * 3


def test_verdicts_say_since_when_and_only_what_is_decided():
    table = np.zeros(3, FEED)
    table["sensor"], table["subject"] = [0, 1, 1], [5, 6, 7]
    table["verdict"], table["since"] = [UNDECIDED, THEIRS, OURS], [1, 2, 3]
    chain = Chain(replace(Ear(ours(place(0.0))).beliefs, feeds=table), ("a", "b"))
    assert verdicts(chain) == {("b", 6): (THEIRS, 2), ("b", 7): (OURS, 3)}


def test_ours_stays_ours_when_that_has_ended():
    """A system that still tells of it has it from us."""
    ear = Ear(ours(place(0.0)))
    heard([True] * 6, ear=ear)
    before = ear.table[0].copy()
    for k in range(6, 30):
        ear.now(k, place(9e4), first=200)
        said = ear.hear(k, place(NEAR))
        assert said.code.tolist() == [OWN]
    assert ear.table["verdict"].tolist() == [OURS]
    assert ear.table["label"].tolist() == [101]
    assert (ear.table["reports"], ear.table["near"]) == (before["reports"], before["near"])


def test_who_was_like_one_of_ours_is_of_none_when_that_has_ended():
    ear = Ear(ours(place(0.0)))
    heard([False] * 2, ear=ear)
    assert ear.table["label"].tolist() == [101]
    ear.now(2, place(9e4), first=200)
    ear.hear(2, place(FAR))
    assert ear.table["label"].tolist() == [0]


def test_a_subject_stays_with_its_target_as_long_as_it_fits():
    ear = Ear(ours(place([0.0, 400.0])))
    ear.hear(0, place(2.0))
    ear.now(1, place([0.0, 40.0]))
    ear.hear(1, place(30.0))  # nearer to the second, and fits the first
    assert ear.table["label"].tolist() == [101]
    ear.now(2, place([0.0, 200.0]))
    ear.hear(2, place(199.0))
    assert ear.table["label"].tolist() == [102]


def test_one_system_has_one_track_of_each_target_and_two_have_one_each():
    ear = Ear(ours(place([0.0, 100.0])))
    ear.hear(0, place([1.0, 3.0]))
    assert ear.table["label"].tolist() == [101, 0]
    ear.hear(1, place([90.0, 1.0]), [2, 3])  # new ones; the first target has its subject
    assert ear.table["label"][2:].tolist() == [102, 101]
    ear = Ear(ours(place([0.0, 100.0])))
    ear.hear(0, place([1.0]))
    ear.hear(1, place([1.0, 2.0]), [0, 1])
    assert ear.table["label"].tolist() == [101, 0]
    ear.hear(1, place([1.0]), name="second")
    assert ear.table["label"].tolist() == [101, 0, 101]


def test_of_several_reports_that_come_together_the_latest_counts():
    ear = Ear(ours(place(9e4)))
    times = START + np.array([1, 3, 2]) * SECOND
    said = ear.hear(3, place([10.0, 30.0, 20.0]), [0, 0, 0], time=times)
    assert said.code.tolist() == [USED] * 3
    assert said.states.tolist() == [1]
    assert ear.table["time"].tolist() == [times[1]]
    assert (ear.table["mean"][0] == place(30.0)[0]).all()


def test_of_two_at_one_time_the_same_one_counts_in_whatever_order_they_come():
    both = []
    for order in ([0, 1], [1, 0]):
        ear = Ear(ours(place(9e4)))
        ear.hear(3, place(np.array([10.0, 30.0])[order]), [0, 0])
        both.append(ear.table["mean"][0])
    assert (both[0] == both[1]).all()


def test_older_and_repeated_reports_are_refused():
    ear = Ear(ours(place(9e4)))
    ear.hear(5, place(0.0))
    assert ear.hear(5, place(0.0)).code.tolist() == [REPEATED]
    assert ear.hear(4.9, place(0.0)).code.tolist() == [TOO_LATE]
    assert ear.table["time"].tolist() == [START + 5 * SECOND]


def test_each_system_has_room_for_so_many_subjects_and_those_it_has_stay():
    ear = Ear(ours(place(9e5)), settings=structs.replace(SETTINGS, max_tracks_per_sensor=3))
    assert ear.hear(0, place([1e3, 2e3]), [1, 2]).code.tolist() == [USED] * 2
    assert ear.hear(1, place([1e3, 2e3, 3e3, 4e3]), [1, 2, 3, 4]).code.tolist() == [USED] * 3 + [QUOTA]
    assert ear.hear(1, place([5e3]), [9], name="second").code.tolist() == [USED]
    assert ear.table["subject"].tolist() == [1, 2, 3, 9]


def test_a_tracklet_has_the_reports_names_and_is_missed_by_nobody():
    ear = Ear(ours(place(9e4)), TRACKLETS)
    said = ear.hear(0, place(0.0), [4], address=[77])
    (row,) = said.tracklets
    assert (row["address"], row["subject"], row["time"]) == (77, 4, START)
    assert row["name"] == said.reports["name"][0]
    assert np.allclose(row["z"][:3], place(0.0)[0, :3], rtol=0, atol=1e-6)  # the first is a place as it is
    assert np.allclose(row["covariance"][:3, :3], spread(np.hypot(SIGMA, 5.0))[:3, :3])
    assert (said.senses["kind"].tolist(), said.senses["missable"].tolist()) == ([Kind.POSITION], [0])
    assert said.pieces.tolist() == [0]
    assert len(said.states) == 0


def test_only_what_is_new_in_a_second_report_is_measured():
    """The same state carried on says nothing; a better one says by how much."""
    ear = Ear(ours(place(9e4)), TRACKLETS)
    ear.hear(0, place(0.0), covariance=spread(100.0, 10.0))
    said = ear.hear(2, place(5.0), covariance=spread(100.0, 10.0) + 0.25 * np.eye(6))
    wide = said.tracklets["covariance"][0, :3, :3]
    assert np.sqrt(EAST @ wide @ EAST) > 200.0
    said = ear.hear(4, place(5.0), covariance=spread(30.0, 5.0))
    narrow = said.tracklets["covariance"][0, :3, :3]
    assert 30.0 < np.sqrt(EAST @ narrow @ EAST) < 40.0


def test_what_was_said_before_is_carried_on_with_the_noise_of_turns():
    """A sender that reckons with just that has nothing new to say."""
    ear = Ear(ours(place(9e4)), TRACKLETS)
    first = spread(100.0, 10.0) + np.diag([25.0] * 3 + [0.25] * 3)
    ear.hear(0, place(0.0), covariance=spread(100.0, 10.0))
    noise = [SETTINGS.busy_noise_m2_s3]
    _, P = predict_all(place(0.0), first[None], np.array([4.0]), np.array(noise), SETTINGS.vertical_noise_m2_s3)
    said = ear.hear(4, place(0.0), covariance=P[0] - np.diag([25.0] * 3 + [0.25] * 3))
    assert np.linalg.eigvalsh(said.tracklets["covariance"][0, :3, :3]).min() > 20 * 100.0**2


@pytest.mark.parametrize(("sigma", "pieces"), [(19_000.0, 1), (21_000.0, 0)])
def test_a_tracklet_that_says_nothing_is_left_out(sigma, pieces):
    said = Ear(ours(place(9e4)), TRACKLETS).hear(0, place(0.0), covariance=spread(sigma, 10.0))
    assert len(said.tracklets) == pieces


def test_a_policy_that_changes_counts_from_the_next_report():
    ear = Ear(ours(place(9e4)), DISPLAY)
    said = ear.hear(0, place(0.0))
    assert (len(said.states), len(said.tracklets)) == (0, 0)
    ear.policy = INTERSECTION
    assert ear.hear(1, place(0.0)).states.tolist() == [0]
    ear.policy = TRACKLETS
    said = ear.hear(2, place(0.0))
    assert (len(said.states), len(said.tracklets)) == (0, 1)
    ear.policy = DISPLAY
    said = ear.hear(3, place(0.0))
    assert (len(said.states), len(said.tracklets)) == (0, 0)
