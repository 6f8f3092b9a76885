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
TEN_MINUTES, HOUR = 600, 3600


def standing(*groups, critical=()):
    """Groups as (site, kind, direction)."""
    headings = [Heading(*group) for group in groups]
    levels = {one.site: Level.CRITICAL if one.site in critical else Level.WARN for one in headings}
    found = {one: Group(one, (1,), SPAN) for one in headings}
    return Standing(found, {site: SiteState(site, level, NOW, SPAN) for site, level in levels.items()})


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


def test_the_last_announcements_are_kept_for_what_is_critical():
    sites = [f"site {k}" for k in range(10)]
    desk = Desk()
    for k in range(10):
        desk.at(20 * k, standing(*((site, Kind.DRONES, 0) for site in sites[: k + 1])))
    assert len(desk.loud) == SETTINGS.announcements - SETTINGS.reserved
    everywhere = tuple((site, Kind.DRONES, 0) for site in sites)
    (said,) = desk.at(200, standing(*everywhere, critical=("site 9",)))
    assert said.aloud
    assert {one.heading.site for one in said.news} >= {"site 9"}


def test_a_quiet_day_saves_up_no_flood():
    desk = Desk()
    desk.at(0, standing(W))
    desk.at(1, standing())
    for k in range(40):
        begin = 86_400 + 15 * k
        desk.at(begin, standing((f"site {k}", Kind.DRONES, 0), critical=(f"site {k}",)))
    assert sum(one > 1 for one in desk.loud) <= SETTINGS.announcements + 1


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
        new = set(stands.groups) - set(told.groups)
        assert new <= listed  # at once
        for site, state in stands.sites.items():
            if state.level > dict(told.levels).get(site, Level.QUIET):
                assert any(one.site == site for one in listed)
        assert set(desk.told.groups) == new | {one for one in told.groups if one.site in stands.sites}
    for begin in desk.loud:
        assert sum(begin <= one < begin + TEN_MINUTES for one in desk.loud) <= 10
        assert sum(begin <= one < begin + HOUR for one in desk.loud) <= 12


def test_what_waits_is_announced_before_long():
    """With everything used up, what is critical waits for one announcement's time at most."""
    desk = Desk()
    for k in range(40):
        sites = tuple((f"site {n}", Kind.DRONES, 0) for n in range(k + 1))
        desk.at(20 * k, standing(*sites, critical=[f"site {n}" for n in range(k + 1)]))
    last = standing(*sites, critical=[f"site {n}" for n in range(40)])
    used = desk.loud[-1]
    for second in range(800, 800 + 1300):
        desk.at(second, last)
    assert not desk.told.waiting
    after = [one for one in desk.loud if one > used]
    assert after
    assert after[0] - 780 <= SETTINGS.announce_every_s
