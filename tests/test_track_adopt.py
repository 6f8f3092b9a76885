"""States of other systems put into targets of ours: `adopted` alone, on targets made by hand."""

import numpy as np
import pytest
from told_world import HERE, SETTINGS, memory_of, place, spread
from track_world import START

from skywarden.model.detection import NO_ADDRESS
from skywarden.track.adopt import SURE, Known, adopted
from skywarden.track.foreign import Estimate, intersection
from skywarden.track.items import REPORT
from skywarden.track.monitor import TRACK
from skywarden.track.motion import predict_all
from skywarden.track.prepare import QUOTA, TOO_LATE, USED

SECOND = 1_000_000_000
SENSOR = 1


def reports_of(mean, t=0.0, covariance=None, address=NO_ADDRESS):
    """Return `REPORT`s of states (n, 6) at t s."""
    made = np.zeros(len(mean), REPORT)
    made["mean"], made["covariance"] = mean, spread() if covariance is None else covariance
    made["time"] = START + np.round(np.broadcast_to(t, len(mean)) * SECOND).astype(np.int64)
    made["address"], made["name"] = address, 9001 + np.arange(len(mean))
    return made


def take(memory, reports, targets=(101,), alone=True, revisit=2.0):
    """Return (code, label) as lists."""
    n = len(reports)
    known = Known(np.resize(np.array(targets, np.int64), n), np.resize(np.array(alone, bool), n), revisit)
    return tuple(column.tolist() for column in adopted(memory, reports, known, SENSOR))


def leaf(memory, row=0):
    return memory.leaves[row]


def test_a_report_corrects_its_target_by_intersection():
    memory = memory_of(place([0.0, 500.0]))
    told = reports_of(place(6.0), covariance=spread(6.0, 3.0))
    assert take(memory, told, [101]) == ([USED], [101])
    wanted = intersection(
        Estimate(place(0.0), spread()[None]), Estimate(np.array(told["mean"]), np.array(told["covariance"]))
    )
    assert np.allclose(leaf(memory)["mean"][0], wanted.mean[0], rtol=0, atol=1e-6)
    assert np.allclose(leaf(memory)["covariance"][0], wanted.covariance[0], rtol=1e-9)
    assert (leaf(memory, 1)["mean"][0] == place(500.0)[0]).all()


def test_what_was_heard_of_a_target_is_given_up_where_another_system_corrects_it():
    memory = memory_of(place([0.0, 500.0]))
    memory.leaves["heard"][:2] = START
    take(memory, reports_of(place(6.0), covariance=spread(6.0, 3.0)), [101])
    assert memory.leaves["heard"][:2].tolist() == [0, START]


def test_a_target_is_brought_to_the_time_of_its_report():
    memory = memory_of(place(0.0, 50.0))
    take(memory, reports_of(place(100.0, 50.0), 2.0))
    assert leaf(memory)["time"] == START + 2 * SECOND
    assert np.linalg.norm(leaf(memory)["mean"][0] - place(100.0, 50.0)[0]) < 0.1


def test_an_older_report_is_carried_on_to_its_target_with_the_noise_of_turns():
    memory = memory_of(place(0.0), 3.0)
    told = reports_of(place(6.0), 0.0, spread(6.0, 3.0))
    assert take(memory, told) == ([USED], [101])
    noise = memory.parameters["noise"][0]
    assert (noise[1, 0], noise[0, 1]) == (SETTINGS.busy_noise_m2_s3, SETTINGS.vertical_noise_m2_s3)
    mean, P = np.array(told["mean"]), np.array(told["covariance"])
    later = Estimate(*predict_all(mean, P, np.array([3.0]), noise[1, :1], noise[0, 1]))
    wanted = intersection(Estimate(place(0.0), spread()[None]), later)
    assert np.allclose(leaf(memory)["mean"][0], wanted.mean[0], rtol=0, atol=1e-6)
    assert np.allclose(leaf(memory)["covariance"][0], wanted.covariance[0], rtol=1e-9)


@pytest.mark.parametrize(("late", "code", "label"), [(9.9, USED, 101), (10.1, TOO_LATE, 0)])
def test_a_report_far_older_than_its_target_is_refused(late, code, label):
    memory = memory_of(place(0.0), late, existence=0.5)
    memory.leaves["covariance"][0] = spread(3000.0, 300.0)
    assert take(memory, reports_of(place(1.0))) == ([code], [label])
    assert (leaf(memory)["existence"] == 0.5) == (code == TOO_LATE)
    assert (leaf(memory)["mean"][0] == place(0.0)[0]).all() == (code == TOO_LATE)


@pytest.mark.parametrize(("off", "fits"), [(66.0, True), (69.0, False)])
def test_a_report_that_fits_no_hypothesis_changes_none(off, fits):
    """sqrt(22.5 (10^2 + 10^2)) = 67.08 m."""
    memory = memory_of(place(0.0), existence=0.5)
    memory.targets["seen"][0] -= SECOND
    code, label = take(memory, reports_of(place(off)))
    assert (code, label) == ([USED], [101 if fits else 0])
    assert (leaf(memory)["mean"][0] != place(0.0)[0]).any() == fits
    assert leaf(memory)["existence"] == (SURE if fits else 0.5)
    assert memory.targets["hits"][0] == (4 if fits else 3)


def test_all_hypotheses_about_a_target_and_both_its_motions_are_corrected():
    memory = memory_of(place(0.0))
    memory.counts[1] = 2
    memory.leaves[1] = memory.leaves[0]
    memory.leaves["mean"][1, 0] = place(20.0)[0]
    memory.leaves["weight"][:2] = 0.6, 0.4
    memory.leaves["mean"][:2, 1], memory.leaves["covariance"][:2, 1] = memory.leaves["mean"][:2, 0], spread()
    take(memory, reports_of(place(10.0), covariance=spread(5.0, 1.0)))
    for row in range(2):
        for model in range(2):
            assert abs(np.linalg.norm(memory.leaves["mean"][row, model, :3] - HERE) - 10.0) < 3.0


@pytest.mark.parametrize(("before", "after"), [(0.5, 0.995), (0.9999, 0.9999)])
def test_what_another_system_is_sure_of_exists_at_least_that_surely(before, after):
    memory = memory_of(place(0.0), existence=before)
    take(memory, reports_of(place(0.0)))
    assert leaf(memory)["existence"] == after


def test_who_began_near_ours_corrects_and_keeps_nothing_alive_and_starts_nothing():
    memory = memory_of(place(0.0), existence=0.5)
    assert take(memory, reports_of(place(6.0), 1.0), alone=False) == ([USED], [101])
    assert 0.499 < leaf(memory)["existence"] < 0.5
    assert (leaf(memory)["mean"][0] != place(0.0)[0]).any()
    target = memory.targets[0]
    assert (target["hits"], target["seen"], target["seen_by"].max()) == (3, START, -1)
    assert take(memory, reports_of(place(9e3)), [0], alone=False) == ([USED], [0])
    assert memory.counts[:2].tolist() == [1, 1]


def test_the_books_of_a_target_that_is_told_of():
    memory = memory_of(place(0.0), confirmed=0)
    memory.targets["hits"][0] = 1
    for k, t in enumerate((1.0, 1.0, 2.0)):  # the second at the same time is no new look
        take(memory, reports_of(place(0.0), t), revisit=0.5)
        target = memory.targets[0]
        assert (target["hits"], target["confirmed"]) == ([2, 2, 3][k], [0, 0, 1][k])
        assert target["seen"] == target["seen_at"][0] == START + round(t * SECOND)
    assert target["seen_by"].tolist()[:2] == [SENSOR, -1]
    assert target["revisit"] == 0.5
    assert memory.sensors[SENSOR, 0] == START + 2 * SECOND
    take(memory, reports_of(place(0.0), 3.2), revisit=4.0)  # within 2.5 revisits: the quick one still sees it
    assert memory.targets["revisit"][0] == 0.5
    take(memory, reports_of(place(0.0), 5.0), revisit=4.0)
    assert memory.targets["revisit"][0] == 4.0


def test_a_target_takes_an_address_and_keeps_its_own():
    memory = memory_of(place([0.0, 500.0]), address=[NO_ADDRESS, 7])
    take(memory, reports_of(place([0.0, 500.0]), address=[5, 6]), [101, 102])
    assert memory.targets["address"][:2].tolist() == [5, 7]


def test_a_new_target_is_the_state_that_was_told():
    memory = memory_of(place(0.0))
    told = reports_of(place(5e3, 40.0), 1.0, spread(33.0, 4.0), address=12)
    assert take(memory, told, [0], revisit=3.5) == ([USED], [9001])
    target, its = memory.targets[1], leaf(memory, 1)
    assert memory.counts[:2].tolist() == [2, 2]
    assert (target["label"], target["leaf"], target["address"], target["confirmed"]) == (9001, 1, 12, 0)
    assert (target["hits"], target["revisit"], target["born"]) == (1, 3.5, START + SECOND)
    assert target["seen_by"].tolist()[:2] == [SENSOR, -1]
    assert its["weight"].tolist() == [0.9, 0.1]  # it may be turning
    assert (its["target"], its["group"], its["existence"], its["time"]) == (1, -1, SURE, START + SECOND)
    for model in range(2):
        assert (its["mean"][model] == told["mean"][0]).all()
        assert (its["covariance"][model] == told["covariance"][0]).all()


def test_a_target_that_has_ended_since_is_not_corrected_and_none_begins_for_it():
    memory = memory_of(place(0.0))
    assert take(memory, reports_of(place(0.0)), [555]) == ([USED], [0])
    assert memory.counts[0] == 1
    assert (leaf(memory)["mean"][0] == place(0.0)[0]).all()


@pytest.mark.parametrize(("limit", "left"), [("most_new", 2), ("most", 3), ("room", 4)])
def test_there_is_room_for_so_many_new_targets_of_one_sensor(limit, left):
    """Those that it alone has seen, confirmed or not; and in memory."""
    memory = memory_of(place(1e3 * np.arange(3)), confirmed=[1, 0, 0], room=4)
    memory.targets["seen_by"][:3, 0] = SENSOR, SENSOR, SENSOR + 1
    if limit != "room":
        memory.parameters[limit] = {"most_new": 3, "most": 5}[limit]
    told = reports_of(place(1e4 + 1e3 * np.arange(6)))
    code, label = take(memory, told, [0])
    assert code == [USED] * left + [QUOTA] * (6 - left)
    assert [label[k] for k in range(left)] == told["name"][:left].tolist()
    assert memory.counts[0] == 3 + left


def test_fits_are_kept_of_confirmed_targets_that_are_shown():
    memory = memory_of(place([0.0, 500.0]), confirmed=[1, 0])
    take(memory, reports_of(place([14.0, 514.0])), [101, 102])
    plots, components, chi2 = memory.fits[SENSOR, TRACK]
    assert (plots, components) == (1.0, 6.0)
    assert chi2 == pytest.approx(14.0**2 / 200.0, rel=1e-2)
    take(memory, reports_of(place(0.0), 0.1), [101])
    assert memory.fits[SENSOR, TRACK, 0] == pytest.approx(1.0 - 1.0 / 300.0 + 1.0)
    memory.targets["leaf"][0] = -1  # it is in doubt; nothing is shown for sure
    take(memory, reports_of(place(0.0), 0.2), [101])
    assert memory.fits[SENSOR, TRACK, 0] == pytest.approx(2.0 - 1.0 / 300.0)
