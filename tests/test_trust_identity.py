"""What those in quarantine say makes nobody less harmful; what they say for harm counts as before."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_identify_own import flight, young
from test_identify_stage import BIRD, DRONE, PLANE, Watch, seen

from skywarden.handover.safe import friendly
from skywarden.identify import Aside
from skywarden.model.assessment import Category, Family
from skywarden.model.detection import Claim, Kind, Reporter

SENSORS = ("camera", "radar")
SAID = {"drone": DRONE, "bird": BIRD, "plane": PLANE, "nothing": np.zeros_like(DRONE)}
RANK = {Category.SUSPECT: 1}


def watch(names=(), others=SENSORS):
    made = Watch()
    aside = Aside(frozenset(names), frozenset(others) - frozenset(names)) if names else Aside()
    made.given = made.given._replace(aside=aside)
    return made


def batch(sensor, says, at):
    kind = Kind.POLAR if sensor == "radar" else Kind.DIRECTION
    if sensor == "citizen":
        return seen(sensor, says, at, reporter=Reporter.CITIZEN)
    return seen(sensor, says, at, kind=kind)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.sampled_from([*SENSORS, "citizen"]), st.sampled_from(sorted(SAID))), max_size=8),
    st.sets(st.sampled_from(SENSORS), min_size=1),
)
def test_quarantine_makes_no_track_less_of_a_suspect_and_no_stake_smaller(told, names):
    one, other = watch(), watch(names)
    for at, (sensor, says) in enumerate(told, 1):
        before = one.go(batch(sensor, SAID[says], at))
        after = other.go(batch(sensor, SAID[says], at))
        assert friendly(after) >= friendly(before)
        assert after.stake >= before.stake
        assert RANK.get(after.category, 0) >= RANK.get(before.category, 0)
        assert after.odds == before.odds  # nothing that is said is left out of what people read


def test_who_is_in_quarantine_does_not_lower_the_stake_and_still_makes_a_suspect():
    one, other = watch(), watch(("radar",))
    for at in (1, 2, 3):
        before, after = (each.go(batch("radar", BIRD, at)) for each in (one, other))
    assert before.stake < 0.8 * after.stake
    one, other = watch(), watch(("radar", "camera"))
    for each in (one, other):
        each.go(batch("radar", DRONE, 1))
        assert each.go(batch("camera", DRONE, 2)).category is Category.SUSPECT


def airliner(watch, at):
    name = (Claim(0, "callsign", "AB123"),)
    return watch.go(
        seen("adsb", np.zeros_like(PLANE), at, kind=Kind.POSITION, family=Family.CLAIM, claims=name),
        batch("radar", PLANE, at),
    )


@pytest.mark.parametrize(
    ("names", "others", "category"),
    [
        ((), SENSORS, Category.NEUTRAL),
        (("camera",), SENSORS, Category.NEUTRAL),
        (("radar",), SENSORS, Category.UNKNOWN),
        (("camera",), (), Category.UNKNOWN),
    ],
)
def test_what_it_says_agrees_only_with_who_is_not_in_quarantine(names, others, category):
    made = watch(names, others)
    for at in (1, 2, 3, 4):
        found = airliner(made, at)
    assert found.category is category


def test_a_flight_of_ours_is_a_friend_only_while_somebody_sees_it_who_is_not_in_quarantine():
    """But it is spared by hand-overs, as before: it may well be ours."""
    found = {}
    for names in ((), ("radar",), ("camera",)):
        made = watch(names)
        made.tracks = young()
        made.given = made.given._replace(flights=(flight(),))
        one = made.go(batch("radar", BIRD, 1), seconds=0.0)
        found[names] = one.category is Category.FRIEND
        assert one.flight == "survey"
        assert friendly(one)
        assert one.perhaps_friend == bool(names)
    assert found == {(): True, ("radar",): False, ("camera",): True}
