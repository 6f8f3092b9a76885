"""Warnings of areas: when they are raised, told again and ended, and how often at most."""

from hypothesis import given, settings
from hypothesis import strategies as st

from skywarden.model.mode import Mode
from skywarden.model.place import District, Site
from skywarden.model.raid import Group, Heading, Kind, Level, Raids, SiteState, Span, Start
from skywarden.model.warning import Likely, Move, Warnings
from skywarden.warn import areas, ended, warn

SECOND = 1_000_000_000
T0 = 1_800_000_000 * SECOND
A, B, C = (Site(name=name, latitude=50.0, longitude=30.0) for name in "ABC")
SITES = (A, B, C)
AREAS = areas(SITES, (District(name="North", sites=("A", "B")),))


def at(second):
    return T0 + round(second * SECOND)


def state(site, level=Level.WARN, first=600.0, last=900.0, p=0.6, starts=()):
    begins = tuple(Start(name, at(by), 0.0, 0.0, T0, 0, at(by)) for name, by in starts)
    return SiteState(site, level, T0, Span(p, at(first - 60), at(first), at(last)), 0, begins)


def raids(*states, kinds=(Kind.DRONES,)):
    groups = tuple(Group(Heading(s.site, kind, 2), (7,), s.span) for s in states for kind in kinds)
    return Raids(groups=groups, sites=states)


class Told:
    def __init__(self):
        self.before, self.all = Warnings(), []

    def __call__(self, second, *states, kinds=(Kind.DRONES,), of=AREAS, mode=Mode.LIVE):
        self.before, events = warn(self.before, raids(*states, kinds=kinds), of, at(second), mode)
        self.all += [event.warning for event in events]
        return [event.warning for event in events]


def test_a_district_is_warned_as_one_and_a_site_in_none_is_its_own_area():
    told = Told()
    north, alone = told(0, state("A", first=700), state("B", Level.CRITICAL, first=500, last=1200, p=0.9), state("C"))
    assert (north.area, north.level, north.likely, north.move) == ("North", Level.CRITICAL, Likely.VERY, Move.RAISED)
    assert [(one.site, one.level) for one in north.sites] == [("A", Level.WARN), ("B", Level.CRITICAL)]
    assert (north.first, north.last, north.kinds) == (at(500), at(1200), (Kind.DRONES,))
    assert (alone.area, alone.number, alone.mode) == ("C", north.number + 1, Mode.LIVE)
    over = told(1)
    assert [(one.area, one.move, one.level, one.part, one.sites) for one in over] == [
        ("North", Move.ENDED, Level.QUIET, 1, ()),
        ("C", Move.ENDED, Level.QUIET, 1, ()),
    ]
    assert told(2) == []
    assert [one.number for one in told(3, state("C"))] == [3]


def test_nothing_is_said_twice_while_nothing_changes_and_it_is_renewed_before_it_expires():
    told = Told()
    for second in range(0, 9000, 10):
        told(second, state("A", first=9600, last=9900))
    assert [(one.move, one.sent) for one in told.all] == [
        (Move.RAISED, at(0)),
        (Move.UPDATED, at(2700)),
        (Move.UPDATED, at(5400)),
        (Move.UPDATED, at(8100)),
    ]
    assert all(one.sent < before.until for before, one in zip(told.all, told.all[1:], strict=False))


def test_what_is_worse_is_told_within_ten_seconds_and_a_higher_level_at_once():
    told = Told()
    told(0, state("A"))
    assert [one.level for one in told(1, state("A", Level.CRITICAL))] == [Level.CRITICAL]
    both = (Kind.DRONES, Kind.CRUISE)
    assert told(5, state("A", Level.CRITICAL), kinds=both) == []
    assert [one.kinds for one in told(11, state("A", Level.CRITICAL), kinds=both)] == [both]
    assert told(30, state("A", Level.CRITICAL, first=500), kinds=both) == []  # sooner, but by less than a fifth
    assert [one.first for one in told(31, state("A", Level.CRITICAL, first=400), kinds=both)] == [at(400)]
    assert len(told(60, state("A", Level.CRITICAL, first=400, starts=(("shelter", 300),)), kinds=both)) == 1


def test_what_is_better_waits_and_is_told():
    told = Told()
    told(0, state("A", Level.CRITICAL), state("B"), kinds=(Kind.DRONES, Kind.CRUISE))
    for second in range(1, 120):
        assert told(second, state("A")) == []
    (one,) = told(120, state("A"))
    assert (one.level, one.kinds, [s.site for s in one.sites]) == (Level.WARN, (Kind.DRONES,), ["A"])


def test_the_end_of_a_picture_ends_what_stands_in_the_mode_in_which_it_was_told():
    told = Told()
    told(0, state("C"), mode=Mode.EXERCISE)
    (event,) = ended(told.before, at(5))
    one = event.warning
    assert (one.move, one.mode, one.part, one.sent) == (Move.ENDED, Mode.EXERCISE, 1, at(5))


def test_an_area_that_is_in_the_configuration_no_more_is_ended_and_its_sites_go_on():
    told = Told()
    told(0, state("A"))
    moved = told(1, state("A"), of=areas(SITES, ()))
    assert [(one.area, one.move) for one in moved] == [("A", Move.RAISED), ("North", Move.ENDED)]


def test_a_site_is_in_one_area_whatever_the_names_are():
    found = areas((A, B), (District(name="A", sites=("B",)),))
    assert found == {"A": ("B", "A")}


def test_a_picture_that_changes_all_the_time_is_told_28_times_an_hour_at_most():
    told = Told()
    for second in range(0, 3600, 5):
        kinds = (Kind.DRONES,) if second // 5 % 2 else (Kind.DRONES, Kind.CRUISE)
        told(second, state("A", first=second + 600, last=second + 900), kinds=kinds)
    assert 20 <= len(told.all) - 1 <= 28


LEVELS = st.sampled_from([Level.WARN, Level.CRITICAL])
KINDS = st.sets(st.sampled_from(list(Kind)), min_size=1).map(lambda kinds: tuple(sorted(kinds)))
CHAOS = st.tuples(LEVELS, KINDS, st.floats(0, 4000), st.floats(0, 4000), st.floats(0, 1), st.booleans())


@given(st.lists(CHAOS, min_size=1, max_size=30), st.integers(1, 40))
@settings(deadline=None, max_examples=60)
def test_whatever_happens_updates_of_a_warning_are_bounded_and_in_order(world, dwell):
    told = Told()
    for second in range(1800):
        level, kinds, first, more, p, both = world[second // dwell % len(world)]
        states = [state("A", level, second + first, second + first + more, p)] + ([state("B")] if both else [])
        told(second, *states, kinds=kinds)
    assert [one.part for one in told.all] == list(range(len(told.all)))
    assert {one.number for one in told.all} == {1}
    assert len({one.identifier for one in told.all}) == len(told.all)
    rises = sum(b.level > a.level for a, b in zip(told.all, told.all[1:], strict=False))
    falls = sum(b.level < a.level for a, b in zip(told.all, told.all[1:], strict=False))
    most = 4 + 1800 / 150
    assert len(told.all) - 1 - rises <= most
    assert rises <= falls + 1
    last = told.all[-1]
    wanted = world[1799 // dwell % len(world)]
    if dwell >= 40 and len(set(world)) == 1:
        assert last.level == wanted[0]


@given(st.lists(CHAOS, min_size=1, max_size=20), st.integers(1, 20))
@settings(deadline=None, max_examples=40)
def test_at_no_time_is_less_told_than_the_level_that_stands(world, dwell):
    told = Told()
    for second in range(300):
        level, kinds, first, more, p, _ = world[second // dwell % len(world)]
        told(second, state("A", level, second + first, second + first + more, p), kinds=kinds)
        assert told.all[-1].level >= level
