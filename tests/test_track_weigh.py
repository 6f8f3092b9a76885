"""What single microphones change of hypotheses: odds, places, books."""

import numpy as np
import pytest
from ears_world import AXES, ORIGIN
from track_world import START

from skywarden.model.track import Beliefs
from skywarden.track.beliefs import opened
from skywarden.track.hearers import Known
from skywarden.track.pool import GROUP
from skywarden.track.settings import TrackerSettings
from skywarden.track.weigh import LOUDEST, audible, begin, exist, forward, judged, meet, place, shifted, solid

SECOND = 1_000_000_000
MEAN = np.concatenate([ORIGIN + 500.0 * AXES[2], 50.0 * AXES[0]])
SPREAD = np.diag([900.0**2] * 3 + [12.0**2] * 3) + 0.0
SPREAD[:3, 3:] = SPREAD[3:, :3] = 4000.0 * np.eye(3)


def held(*existences):
    """Return a memory with a target of each existence."""
    memory = opened(Beliefs(), (20, 1), 2, TrackerSettings())
    for k, r in enumerate(existences):
        begin(memory, 100 + k, (MEAN, SPREAD), r, (START - 30 * SECOND, START))
    return memory


def odds(r):
    return r / (1.0 - r)


def test_odds_are_multiplied_and_others_stay():
    memory = held(0.5, 0.2, 0.7)
    exist(memory, np.array([0, 2]), np.array([4.0, 0.1]))
    found = memory.leaves["existence"][:3]
    assert odds(found) == pytest.approx([odds(0.5) * 4.0, odds(0.2), odds(0.7) * 0.1])


@pytest.mark.parametrize(
    ("r", "heard", "likely"), [(0.8, 0.5, 0.05), (0.3, 0.9, 20.0), (0.99, 0.1, 0.3), (0.6, 0.7, 1.0)]
)
def test_who_cannot_be_heard_is_to_nodes_as_nobody_is(r, heard, likely):
    """Three cases by hand: heard, not to be heard, none. likely: of what nodes say, if it can be heard, to nobody."""
    loud = np.log(heard / (1.0 - heard))
    cases = np.array([r * heard * likely, r * (1.0 - heard), 1.0 - r])
    cases /= cases.sum()
    q = r * heard
    after = q * likely / (q * likely + 1.0 - q)  # as `presence` has it
    found = judged(np.array([r]), np.array([loud]), np.array([after]))
    assert found.existence == pytest.approx([cases[0] + cases[1]])
    assert odds(r) * found.ratio == pytest.approx([odds(cases[0] + cases[1])])
    assert 1.0 / (1.0 + np.exp(-found.loud)) == pytest.approx([cases[0] / (cases[0] + cases[1])])


def test_silence_for_ever_takes_no_more_of_a_target_than_that_it_can_be_heard():
    r, loud = np.array([0.9]), np.zeros(1)
    for _ in range(50):
        q = audible(r, loud)
        found = judged(r, loud, 0.2 * q / (1.0 - 0.8 * q))
        r, loud = found.existence, found.loud
    assert odds(r) == pytest.approx(odds(0.9) / 2.0, rel=0.05)
    assert loud == -LOUDEST


def test_joint_hypotheses_are_weighed_by_who_is_in_them():
    """Two targets, three hypotheses: both, the first, none. The ratio of the second is 0.25; against Bayes by hand."""
    memory = held(0.9, 0.6)
    group = np.zeros(1, GROUP)
    group["size"], group["count"], group["member"][0, :2] = 2, 3, [0, 1]
    group["weight"][0, :3], group["choice"][0, :3, :2] = [0.5, 0.3, 0.2], [[0, 1], [0, -1], [-1, -1]]
    memory.groups[0], memory.counts[2] = group[0], 1
    memory.leaves["group"][:2] = 0
    exist(memory, np.array([1]), np.array([0.25]))
    likely = 0.4 + 0.6 * 0.25
    weight = np.array([0.5 * likely, 0.3, 0.2])
    assert memory.groups["weight"][0, :3] == pytest.approx(weight / weight.sum())
    assert memory.leaves["existence"][:2] == pytest.approx([0.9, 0.6 * 0.25 / likely])
    before, after = 0.5 * 0.6, weight[0] / weight.sum() * 0.6 * 0.25 / likely
    assert odds(after) == pytest.approx(odds(before) * 0.25)


def test_a_leaf_of_that_time_becomes_what_the_target_became():
    """With the velocity that hangs together with the place: the same as a Kalman correction by a place would give."""
    R = 700.0**2 * np.eye(3)
    K = SPREAD[:, :3] @ np.linalg.inv(SPREAD[:3, :3] + R)
    step = np.array([300.0, -200.0, 50.0])
    mean, spread = MEAN + K @ step, SPREAD - K @ SPREAD[:3]
    before, after = (Known(x[None], P[None], np.ones(1), np.ones(1)) for x, P in ((MEAN, SPREAD), (mean, spread)))
    memory = held(0.9)
    place(memory, np.array([0]), before, after, START)
    assert memory.leaves["mean"][0, 0] == pytest.approx(mean, abs=1e-6)
    assert memory.leaves["covariance"][0, 0] == pytest.approx(spread, rel=1e-6, abs=1e-6)


def test_a_leaf_of_another_time_is_moved_as_of_that_time():
    F = np.eye(6)
    F[:3, 3:] = 4.0 * np.eye(3)
    then, wide = F @ MEAN, F @ SPREAD @ F.T
    after = Known((then + np.r_[100.0, 0, 0, 0, 0, 0])[None], wide[None], np.ones(1), np.ones(1))
    before = Known(then[None], wide[None], np.ones(1), np.ones(1))
    x, P = shifted(MEAN[None], SPREAD[None], np.array([4.0]), before, after)
    assert (F @ x[0])[:3] == pytest.approx(then[:3] + np.array([100.0, 0.0, 0.0]), abs=1e-6)
    assert P[0] == pytest.approx(SPREAD, rel=1e-6)


def test_a_leaf_with_one_model_alone_is_moved_and_one_without_spread_keeps_no_other_from_it():
    """A wedge that has become one place has nothing in its second model: no spread to divide by."""
    memory = held(0.9, 0.9)
    memory.leaves["mean"][:2, 1], memory.leaves["covariance"][:2, 1] = 0.0, 0.0
    mean, spread = np.tile(MEAN, (2, 1)), np.tile(SPREAD, (2, 1, 1))
    before = Known(mean, spread.copy(), np.ones(2), np.ones(2))
    before.covariance[1, :3] = before.covariance[1, :, :3] = 0.0
    place(memory, np.array([0, 1]), before, before._replace(mean=mean + 10.0), START)
    assert memory.leaves["mean"][0, 0, :3] == pytest.approx(MEAN[:3] + 10.0)
    assert (memory.leaves["mean"][1, 0] == MEAN).all()
    assert not memory.leaves["covariance"][:2, 1].any()


def test_places_are_solid_as_far_as_they_can_be_divided_by():
    rng = np.random.default_rng(4)
    L = np.tril(rng.normal(size=(30, 3, 3)))
    L[::3, 2] = L[::3, 1]  # of two of the axes nothing is known apart
    P = L @ L.swapaxes(1, 2)
    P[1, 0, 1] = P[1, 1, 0] = np.nan
    P[4] *= -1.0
    sound = np.array([np.isfinite(one).all() and np.linalg.eigvalsh(one).min() > 1e-9 for one in P])
    assert sound.sum() > 10
    assert (solid(P * 1e6) | ~sound).all()
    assert not solid(P)[[1, 4]].any()
    whole = np.tile(np.eye(6), (1, 1, 1))
    assert solid(whole).all()
    assert forward(SPREAD[None], np.array([4.0]))[0] == pytest.approx(
        np.hstack([np.eye(3), 4.0 * np.eye(3)]) @ SPREAD @ np.vstack([np.eye(3), 4.0 * np.eye(3)])
    )


def test_numbers_that_are_none_change_nothing():
    memory = held(0.9)
    before = Known(MEAN[None], SPREAD[None], np.ones(1), np.ones(1))
    place(memory, np.array([0]), before, before._replace(mean=np.full((1, 6), np.nan)), START)
    assert memory.leaves["mean"][0, 0].tolist() == MEAN.tolist()


def test_who_is_heard_has_been_seen_by_that_source():
    memory = held(0.9, 0.9)
    meet(memory, np.array([1]), (np.array([5]), np.array([9])), START + 3 * SECOND)
    assert memory.targets["seen"][:2].tolist() == [START, START + 3 * SECOND]
    assert memory.targets["seen_by"][1, 0] == 5
    assert memory.targets["seen_at"][1, 0] == START + 3 * SECOND
    assert memory.targets["hits"][:2].tolist() == [0, 0]


def test_who_one_node_has_told_of_is_still_one_nodes_if_it_hears_it_itself():
    memory = held(0.9, 0.9, 0.9)
    memory.targets["witness"][:3] = 9, 9, 0
    meet(memory, np.array([0, 1, 2]), (np.array([5, 5, 5]), np.array([9, 8, 8])), START)
    assert memory.targets["witness"][:3].tolist() == [9, 0, 0]


def test_that_nodes_hear_somebody_says_nothing_of_whether_arrays_of_their_source_can():
    memory = held(0.9, 0.9)
    row = memory.targets[1]
    row["seen_by"][:2], row["seen_at"][:2], row["looked_at"][:2] = (4, 5), START, START + SECOND
    row["in_view"][:2] = 0.7, 0.3
    meet(memory, np.array([1, 0]), (np.array([5, 5]), np.array([8, 9])), START + 3 * SECOND)
    assert row["seen_by"][:2].tolist() == [5, 4]
    assert row["in_view"][:2].tolist() == [0.3, 0.7]
    assert row["looked_at"][:2].tolist() == [START + SECOND, START + SECOND]
    assert row["seen_at"][:2].tolist() == [START + 3 * SECOND, START]
    new = memory.targets[0]
    assert (new["seen_by"][0], new["in_view"][0], new["looked_at"][0]) == (5, 0.0, START + 3 * SECOND)
