"""Rows of evidence: what is said again is worth less, and no source takes another's place."""

from itertools import permutations

import numpy as np
from evidence_world import LATER, SECOND, START, look, nats
from hypothesis import given
from hypothesis import strategies as st

from skywarden.identify.noted import together
from skywarden.identify.rows import FADES_S, MANY, RHO, ROOTS, ROW, added, fresh, renamed, stored, viewed
from skywarden.model.assessment import Family

DRONE = nats(UAV_PISTON=1.0)
EMPTY = viewed(np.zeros(0, "V8"))


def told(*looks):
    rows = EMPTY
    for one in looks:
        rows = added(rows, one, LATER)
    return rows


def test_ten_looks_of_a_microphone_in_ten_seconds_are_worth_less_than_three() -> None:
    rows = told(*(look(7, DRONE, family=Family.ACOUSTIC, at=k) for k in range(10)))
    assert len(rows) == 1
    assert rows["looks"][0] == 10
    worth = rows["nats"][0].max()
    assert 2.5 < worth < 2.7
    rho = RHO[Family.ACOUSTIC]
    assert np.isclose(worth, 1 + 9 * (1 - rho) / (1 + rho), rtol=1e-12)
    assert (rows["first"][0], rows["last"][0]) == (START, START + 9 * SECOND)


def test_looks_far_apart_are_worth_one_each_and_the_same_look_twice_is_worth_one() -> None:
    assert np.isclose(told(look(7, DRONE), look(7, DRONE, at=100))["nats"][0].max(), 2.0)
    assert told(look(7, DRONE), look(7, DRONE))["nats"][0].max() == 1.0
    assert told(look(7, DRONE, at=5), look(7, DRONE, at=3))["nats"][0].max() == 1.0  # one that comes late
    assert fresh(np.array([np.inf, 0.0]), np.array([0.9, 0.9])).tolist() == [1.0, 0.0]


def test_looks_of_one_tick_count_as_if_they_had_come_one_after_the_other() -> None:
    looks = [look(7, DRONE * k, at=0.3 * k, node=k % 2, family=Family.ACOUSTIC) for k in range(1, 7)]
    looks += [look(8, DRONE, at=0.1), look(8, DRONE, at=0.4, family=Family.RADAR, echo=-10.0)]
    one, many = told(*looks), added(EMPTY, together(looks), LATER)
    assert one.dtype == many.dtype == ROW
    assert np.allclose(one["nats"], many["nats"], rtol=1e-12)
    for name in ("key", "source", "node", "family", "looks", "first", "last", "echo", "echoes"):
        assert one[name].tolist() == many[name].tolist()
    for order in list(permutations(range(len(looks))))[::500]:
        again = added(EMPTY, together([looks[k] for k in order]), LATER)
        assert np.allclose(again["nats"], many["nats"], rtol=1e-12)


def test_a_track_has_rows_for_the_first_sources_of_a_kind_and_one_for_all_later_ones() -> None:
    rows = told(*(look(7, DRONE, source=k, at=k) for k in range(1, 11)))
    assert sorted(rows["source"].tolist()) == [MANY, *range(1, ROOTS + 1)]
    late = rows[rows["source"] == MANY]
    assert late["looks"] == 10 - ROOTS
    assert late["nats"].max() < 2.0  # they count as one source that says it again and again
    again = told(*(look(7, DRONE, source=k % 10 + 1, at=k) for k in range(40)))
    assert len(again) == ROOTS + 1  # those that have come back have their old rows


def test_who_is_not_in_the_configuration_takes_no_place_of_who_is() -> None:
    crowd = [look(7, DRONE, source=100 + k, anybody=True) for k in range(50)]
    rows = told(*crowd, look(7, DRONE, source=1))
    assert 1 in rows["source"][~rows["anybody"]]


def test_motion_is_a_mean_of_the_last_while_and_not_a_sum() -> None:
    looks = [look(7, nats(AEROPLANE=1.0), family=Family.MOTION, source=0, at=k) for k in range(300)]
    rows = told(*looks)
    assert np.isclose(rows["nats"][0].max(), 1.0)
    turned = added(rows, look(7, nats(UAV_PISTON=1.0), family=Family.MOTION, source=0, at=299 + FADES_S), LATER)
    share = np.exp(-1.0)
    assert np.allclose(turned["nats"][0], nats(AEROPLANE=share, UAV_PISTON=1 - share), rtol=1e-9)


def test_echoes_are_added_up_in_decibels() -> None:
    rows = told(*(look(7, nats(), family=Family.RADAR, at=4 * k, echo=-10.0 - k) for k in range(3)))
    assert 2.9 < rows["echoes"][0] < 3.0
    assert np.isclose(rows["echo"][0] / rows["echoes"][0], -11.0, atol=0.02)
    assert told(look(7, DRONE))["echoes"][0] == 0.0


def test_rows_follow_a_track_from_its_label_to_its_number_and_end_with_it() -> None:
    rows = told(look(-101, DRONE), look(-102, DRONE), look(5, DRONE))
    label, number = np.array([101, 102, 205]), np.array([9, 0, 5])
    after = renamed(rows, label, number)
    assert after["key"].tolist() == [-102, 5, 9]
    assert renamed(after, label[2:], number[2:])["key"].tolist() == [5]
    assert len(renamed(after, label[:0], number[:0])) == 0


def test_what_was_said_under_a_label_is_added_to_what_was_said_under_the_number() -> None:
    rows = told(look(-101, DRONE), look(9, DRONE, at=100))
    after = renamed(rows, np.array([101]), np.array([9]))
    assert after["key"].tolist() == [9]
    assert after["nats"][0].max() == 2.0
    assert after["looks"][0] == 2


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 6), st.integers(0, 7), st.floats(0, 50)), max_size=60))
def test_rows_stay_few_sorted_and_finite_whatever_is_said(told_of: list[tuple[int, int, int, float]]) -> None:
    rows = EMPTY
    for key, source, family, at in told_of:
        rows = added(rows, look(key, DRONE, source=source, family=Family(family), at=at), LATER)
    assert (np.diff(rows["key"]) >= 0).all()
    assert np.isfinite(rows["nats"]).all()
    assert rows["looks"].sum() == len(told_of)
    assert len(rows) <= 5 * len(Family) * (ROOTS + 1)
    assert viewed(stored(rows)).tobytes() == rows.tobytes()


def test_who_sends_much_that_says_little_does_not_crowd_out_who_says_something() -> None:
    little = nats(BALLISTIC=0.01, BIRD=0.005)
    crowd = [look(7, little, source=100 + k, anybody=True, family=Family.PEOPLE, at=k) for k in range(40)]
    honest = [look(7, nats(UAV_PISTON=1.4), source=k, anybody=True, family=Family.PEOPLE, at=50 + k) for k in range(6)]
    rows = told(*crowd, *honest)
    assert len(rows) == ROOTS + 1
    own = rows[rows["source"] != MANY]
    assert {*own["source"].tolist()} <= {*range(6)}
    assert own["harm"].sum() > 0.99 * told(*honest)["harm"][:ROOTS].sum()
    assert rows["looks"].sum() == 46


def test_a_statement_from_the_future_silences_nobody() -> None:
    rows = added(EMPTY, look(7, DRONE, at=1000), START)
    assert rows["last"][0] == START
    assert added(rows, look(7, DRONE, at=100), START + 100 * SECOND)["nats"][0].max() > 1.9
