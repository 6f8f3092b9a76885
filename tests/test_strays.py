"""A sensor whose GNSS is spoofed is told of by the running system: nothing of it is joined to what the others see."""

import numpy as np
import pytest
from registry_sky import EAST, SECOND, SIGMA, START, WEST, begun, run, settings, sky, world

from skywarden.model.event import Failed, SensorFault
from skywarden.model.registered import Group, Seen, Stray
from skywarden.pipeline import Line
from skywarden.saved import digest
from skywarden.track import strays

RIGHT = (0.0, 0.0, 0.0, 0.0)
HONEST = [WEST._replace(bias=RIGHT), EAST._replace(bias=RIGHT)]
SOUTH = world.Radar(0.0, -18e3, SIGMA, RIGHT, turning=False)
ON = settings()
SECONDS = 300.0


def told(radars, fixes=True, seconds=SECONDS, seed=3):
    """Return the last picture, and which faults were told of whom, with s from the start."""
    made = sky(radars, seconds, fixes=fixes, seed=seed)
    picture, events = run(begun(ON), made.batches, seconds, ON)
    assert not [one for one in events if isinstance(one, Failed)]
    faults = [one for one in events if isinstance(one, SensorFault)]
    return picture, [(one.sensor, one.fault, (one.time - START) / SECOND) for one in faults]


@pytest.mark.parametrize("fixes", [True, False])
@pytest.mark.parametrize("late", [-45.0, -20.0])
def test_a_clock_that_is_spoofed_is_found_in_two_minutes(fixes, late):
    spoofed = SOUTH._replace(knock=100.0, added=(0.0, 0.0, 0.0, late))
    picture, faults = told([*HONEST, spoofed], fixes)
    assert [one[:2] for one in faults] == [("south", "clock")]
    assert faults[0][2] < 100.0 + 120.0
    assert {row.sensor: row.fault for row in picture.chains.registered.standing}["south"] == "clock"


@pytest.mark.parametrize("fixes", [True, False])
def test_a_place_that_is_spoofed_is_found_in_three_minutes(fixes):
    picture, faults = told([*HONEST, SOUTH._replace(shift=(2900.0, -2100.0))], fixes, 240.0)
    assert ("south", "place") in [one[:2] for one in faults]
    assert {one[0] for one in faults} == {"south"}
    assert {row.sensor: row.fault for row in picture.chains.registered.standing}["south"] == "place"
    assert not [one for one in picture.registrations if one.sensor == "south"]  # what is spoofed is not corrected


@pytest.mark.parametrize("seed", [3, 4])
def test_nobody_is_accused_where_all_are_honest(seed):
    _, faults = told([*HONEST, SOUTH], seed % 2 == 0, 240.0, seed)
    assert faults == []


def test_of_two_without_anybody_else_none_is_accused():
    spoofed = HONEST[1]._replace(knock=60.0, added=(0.0, 0.0, 0.0, -30.0))
    picture, faults = told([HONEST[0], spoofed], fixes=False)
    assert faults == []
    assert {one.sensor for one in picture.chains.registered.groups[0].strays} == {"west", "east"}


def test_a_saved_state_goes_on_as_if_nothing_had_been():
    made = sky([*HONEST, SOUTH._replace(shift=(2900.0, -2100.0))], 120.0, fixes=False)
    half, _ = run(begun(ON), made.batches, 75.0, ON)
    assert len(half.chains.registered.groups[0].seen.who)
    again = Line.restore(Line(settings=ON, picture=half).save()).picture
    one, two = run(half, made.batches, 120.0, ON), run(again, made.batches, 120.0, ON)
    assert [event for event in one[1] if isinstance(event, SensorFault)]
    assert one[1] == two[1]
    assert digest(one[0]) == digest(two[0])


def plots(rng, offset, k=0, count=40):
    """Return what a sensor and two honest ones saw of 6 targets in three minutes; the first is `offset` off."""
    heading, begin = rng.uniform(-np.pi, np.pi, 6), rng.uniform(-20e3, 20e3, (6, 2))
    speed = 60.0 * np.column_stack([np.sin(heading), np.cos(heading)])
    who, at = [], []
    for sensor in range(3):
        t = np.sort(rng.uniform(-180.0, 0.0, 6 * count))
        target = rng.integers(0, 6, 6 * count)
        label = target + (100 if sensor == k else 0)
        who.append(np.column_stack([(t * 1e9).astype(np.int64), np.full(len(t), sensor), label]))
        at.append(begin[target] + speed[target] * t[:, None] + (offset if sensor == k else 0.0))
    return Seen(np.concatenate(who), np.concatenate(at))


@pytest.mark.parametrize("seed", range(5))
def test_who_is_off_by_a_bias_is_left_to_registration(seed):
    rng, honest = np.random.default_rng(seed), np.array([1, 2])
    assert strays.fault(plots(rng, np.array([300.0, -500.0])), 0, honest, 0) == ""
    assert strays.fault(plots(rng, np.array([2000.0, -2500.0])), 0, honest, 0) == "place"
    assert strays.fault(plots(rng, np.array([2000.0, -2500.0])), 0, np.array([-1]), 0) == ""


def test_where_a_target_was_is_known_between_two_plots_alone():
    when, places = np.array([0.0, 4.0, 30.0]), np.array([[0.0, 0.0], [40.0, 80.0], [0.0, 0.0]])
    found = strays._between(np.array([-1.0, 0.0, 1.0, 4.0, 10.0, 31.0]), when, places)
    np.testing.assert_allclose(found[1:4], [[0.0, 0.0], [10.0, 20.0], [40.0, 80.0]])
    assert np.isnan(found[[0, 4, 5]]).all()


def test_a_fault_stays_until_there_is_enough_in_common_for_long():
    name, now = "a", 1_000_000_000_000
    group = Group((name,), (), 0, strays=(Stray(name, now, "clock"),))

    def later(group, share, seconds):
        found = strays._found(group, np.array([share]), now + seconds * SECOND)
        return Group((name,), (), 0, strays=tuple(found.values()))

    unseen = later(group, np.nan, 100)
    assert later(unseen, 0.9, 200).strays[0].fault == "clock"
    assert later(unseen, 0.9, 300).strays == ()
    assert later(Group((name,), (), 0, strays=(Stray(name, now, ""),)), 0.9, 10).strays == ()
