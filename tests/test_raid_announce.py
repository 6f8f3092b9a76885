"""What is told and how often people are disturbed: everything is listed at once, announcements are counted."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skywarden.model.event import Announced, RaidEnded
from skywarden.model.raid import Group, Heading, Kind, Level, SiteState, Span, Told
from skywarden.raid.announce import Standing, announced
from skywarden.raid.settings import RaidSettings

SECOND = 1_000_000_000
NOW = 1_900_000_000 * SECOND
SETTINGS = RaidSettings()
SPAN = Span(0.5, NOW, NOW, NOW)
TEN_MINUTES = 600


def standing(*groups, critical=()):
    """Groups as (site, kind, direction)."""
    headings = [Heading(*group) for group in groups]
    levels = {one.site: Level.CRITICAL if one.site in critical else Level.WARN for one in headings}
    found = {one: Group(one, (1,), SPAN) for one in headings}
    return Standing(found, {site: SiteState(site, level, NOW, SPAN) for site, level in levels.items()})


def grown(group, tracks):
    heading = Heading(*group)
    return standing(group)._replace(groups={heading: Group(heading, tuple(range(tracks)), SPAN)})


class Desk:
    """One position, second by second."""

    def __init__(self, settings=SETTINGS):
        self.told, self.settings, self.number, self.said = Told("desk"), settings, 1, []

    def at(self, second, stands):
        time = NOW + round(second * SECOND)
        self.told, said = announced(self.told, stands, time, self.settings, self.number)
        self.number += self.told.number == self.number
        self.said += [(second, event) for event in said]
        return said

    @property
    def loud(self):
        return [second for second, event in self.said if isinstance(event, Announced) and event.aloud]


W, E = ("plant", Kind.DRONES, 6), ("plant", Kind.DRONES, 2)


def test_a_raid_is_announced_and_ends():
    desk = Desk()
    (begun,) = desk.at(0, standing(W))
    assert begun.aloud
    assert (begun.raid, begun.position) == (1, "desk")
    assert [one.heading for one in begun.news] == [Heading(*W)]
    assert desk.at(1, standing(W)) == []
    (ended,) = desk.at(2, standing())
    assert ended == RaidEnded(NOW + 2 * SECOND, "desk", 1)
    assert desk.at(3, standing()) == []
    (again,) = desk.at(30, standing(W))
    assert (again.raid, again.aloud) == (2, True)


def test_another_direction_is_listed_and_not_announced():
    desk = Desk()
    desk.at(0, standing(W))
    (listed,) = desk.at(20, standing(W, E))
    assert not listed.aloud
    assert [one.heading for one in listed.news] == [Heading(*E)]


@pytest.mark.parametrize(
    "worse",
    [
        standing(W, critical=("plant",)),
        standing(W, ("plant", Kind.CRUISE, 6)),
        standing(W, ("other", Kind.DRONES, 6)),
    ],
    ids=["critical", "another kind", "another site"],
)
def test_what_is_worse_is_announced(worse):
    desk = Desk()
    desk.at(0, standing(W))
    (said,) = desk.at(20, worse)
    assert said.aloud
    assert desk.at(21, worse) == []


def test_what_comes_right_after_is_listed_at_once_and_announced_after_the_pause():
    desk, worse = Desk(), standing(W, critical=("plant",))
    desk.at(0, standing(W))
    (listed,) = desk.at(1, worse)
    assert not listed.aloud
    said = [event for second in range(2, 30) for event in desk.at(second, worse)]
    assert [event.aloud for event in said] == [True]
    assert desk.loud == [0, 15]


def test_what_is_gone_is_not_announced_any_more():
    desk = Desk()
    desk.at(0, standing(W))
    desk.at(1, standing(W, ("other", Kind.DRONES, 6)))
    for second in range(2, 40):
        desk.at(second, standing(W))
    assert desk.loud == [0]


def test_a_site_that_was_quiet_is_told_of_again():
    desk, two = Desk(), standing(W, ("other", Kind.DRONES, 0))
    desk.at(0, two)
    desk.at(20, standing(W))
    (said,) = desk.at(40, two)
    assert said.aloud
    assert [one.heading.site for one in said.news] == ["other"]


def test_routine_ones_are_counted_and_what_is_critical_or_of_another_kind_does_not_wait_for_them():
    sites = [f"site {k}" for k in range(10)]
    desk = Desk()
    for k in range(10):
        desk.at(20 * k, standing(*((site, Kind.DRONES, 0) for site in sites[: k + 1])))
    assert len(desk.loud) == SETTINGS.announcements
    everywhere = tuple((site, Kind.DRONES, 0) for site in sites)
    (said,) = desk.at(200, standing(*everywhere, critical=("site 9",)))
    assert said.aloud
    assert {one.heading.site for one in said.news} == set(sites[6:])  # those that waited too
    (said,) = desk.at(220, standing(*everywhere, ("site 3", Kind.CRUISE, 4), critical=("site 9",)))
    assert said.aloud


def test_what_waits_is_announced_under_the_name_that_it_has_then():
    desk, critical = Desk(), ("plant", "other")
    desk.at(0, standing(W))
    desk.at(3, standing(W, ("other", Kind.UNKNOWN, 0), critical=critical))
    named = standing(W, ("other", Kind.DRONES, 1), critical=critical)
    said = [event for second in range(6, 40) for event in desk.at(second, named) if event.aloud]
    assert [{one.heading.site for one in event.news} for event in said] == [{"plant", "other"}]


def test_a_group_that_was_gone_is_news_again_and_so_is_one_that_grows():
    desk, other = Desk(), ("plant", Kind.DRONES, 0)
    desk.at(0, standing(W, other))
    for second in range(1, 130):
        assert desk.at(second, standing(other)) == []
    (said,) = desk.at(130, standing(W, other))
    assert [one.heading for one in said.news] == [Heading(*W)]
    assert desk.at(131, grown(W, 3)) == []
    (said,) = desk.at(132, grown(W, 4))
    assert [(one.tracks, said.aloud) for one in said.news] == [(4, False)]


def test_many_more_are_announced():
    desk = Desk()
    desk.at(0, standing(W))
    said = [event for second in range(20, 30) for event in desk.at(second, grown(W, 40))]
    assert [(event.aloud, event.news[0].tracks) for event in said] == [(True, 40)]


def test_growth_is_by_share_and_number_and_counts_from_what_was_last_told():
    desk = Desk()
    desk.at(0, grown(W, 10))
    assert desk.at(20, grown(W, 14)) == []  # four more, not twice as many
    (listed,) = desk.at(21, grown(W, 20))
    assert not listed.aloud
    (said,) = desk.at(40, grown(W, 40))  # twice what was listed, four times what was announced
    assert said.aloud


def test_a_new_direction_is_no_growth_however_many_come_from_there():
    desk = Desk()
    desk.at(0, standing(W))
    both = standing(W, E)
    many = both._replace(groups={**both.groups, Heading(*E): Group(Heading(*E), tuple(range(9)), SPAN)})
    (listed,) = desk.at(20, many)
    assert not listed.aloud
    assert desk.at(21, many) == []


def test_what_is_not_known_is_no_other_kind():
    desk = Desk()
    desk.at(0, standing(W))
    (listed,) = desk.at(20, standing(W, ("plant", Kind.UNKNOWN, 0)))
    assert not listed.aloud


def test_a_kind_that_was_gone_is_announced_again():
    desk, missiles = Desk(), standing(W, ("plant", Kind.CRUISE, 6))
    desk.at(0, missiles)
    for second in range(1, 200):
        desk.at(second, standing(W))
    (said,) = desk.at(200, missiles)
    assert said.aloud


def test_a_site_that_gets_worse_with_a_new_group_is_listed_by_that_alone():
    desk = Desk()
    desk.at(0, standing(W))
    (listed,) = desk.at(1, standing(W, E, critical=("plant",)))
    assert [one.heading for one in listed.news] == [Heading(*E)]


def test_a_time_that_goes_back_takes_no_announcement_away():
    desk = Desk()
    desk.at(1000, standing())
    desk.at(0, standing())
    assert desk.told.left == SETTINGS.announcements


def test_a_quiet_day_saves_up_no_flood():
    desk = Desk()
    desk.at(0, standing(W))
    desk.at(1, standing())
    for k in range(40):
        begin = 86_400 + 15 * k
        desk.at(begin, standing((f"site {k}", Kind.DRONES, 0), critical=(f"site {k}",)))
    assert sum(one > 1 for one in desk.loud) == SETTINGS.announce_most


kinds = st.sampled_from(list(Kind))
headings = st.tuples(st.sampled_from(["a", "b", "c", "d"]), kinds, st.integers(0, 7))
skies = st.tuples(st.sets(headings, max_size=8), st.sets(st.sampled_from(["a", "b", "c", "d"])))


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 120), skies), max_size=60))
def test_nobody_is_flooded_and_nothing_is_left_out(course):
    desk, second = Desk(), 0
    for wait, (groups, critical) in course:
        second += wait
        stands = standing(*sorted(groups), critical=critical)
        told = desk.told
        said = desk.at(second, stands)
        listed = {one.heading for event in said if isinstance(event, Announced) for one in event.news}
        assert set(stands.groups) - {one.heading for one in told.listed} <= listed  # at once
        for site, state in stands.sites.items():
            if state.level > dict(told.levels).get(site, Level.QUIET):
                assert any(one.site == site for one in listed)
    for begin in desk.loud:
        assert sum(begin <= one < begin + TEN_MINUTES for one in desk.loud) <= SETTINGS.announce_most + 2
    for one, other in zip(desk.loud, desk.loud[1:], strict=False):
        assert other - one >= SETTINGS.pause_s


def test_what_is_critical_waits_for_ten_minutes_at_most():
    """However many sites have become critical: with the ninth announcement the first is ten minutes old."""
    desk = Desk()
    for k in range(40):
        sites = tuple((f"site {n}", Kind.DRONES, 0) for n in range(k + 1))
        desk.at(20 * k, standing(*sites, critical=[f"site {n}" for n in range(k + 1)]))
    last = standing(*sites, critical=[f"site {n}" for n in range(40)])
    for second in range(781, 781 + TEN_MINUTES):
        desk.at(second, last)
    assert dict(desk.told.loud) == {f"site {n}": Level.CRITICAL for n in range(40)}


def shelved(stands, *groups):
    return stands._replace(shelved=frozenset(Heading(*one) for one in groups))


def test_a_shelved_group_grows_and_returns_without_a_sound():
    desk = Desk()
    desk.at(0, standing(W))
    (said,) = desk.at(20, shelved(grown(W, 30), W))
    assert not said.aloud
    desk.at(40, standing())
    (said,) = desk.at(60, shelved(standing(W), W))
    assert not said.aloud
    (said,) = desk.at(80, standing(W))  # taken back: what is owed is announced
    assert said.aloud


@pytest.mark.parametrize(
    "worse",
    [
        standing(W, critical=("plant",)),
        standing(W, ("plant", Kind.CRUISE, 6)),
        standing(W, ("other", Kind.DRONES, 6)),
    ],
    ids=["critical", "another kind", "another site"],
)
def test_a_shelf_keeps_nothing_else_back(worse):
    desk = Desk()
    desk.at(0, standing(W))
    (said,) = desk.at(20, shelved(worse, W))
    assert said.aloud


def test_another_group_of_a_site_with_a_shelf_is_announced():
    desk = Desk()
    desk.at(0, shelved(standing(W), W))
    desk.at(1, standing())
    (said,) = desk.at(20, shelved(standing(W, E), W))
    assert said.aloud
