"""Alerts put together in the running line: once a second, for each position, the same after a restart."""

import raid
from flights import PLANT, TIME, flying
from hypothesis import given, settings
from hypothesis import strategies as st

from skywarden.model.assessment import CLASSES, Alert, Category, Class, Identity
from skywarden.model.event import (
    ActionAdvised,
    ActionEnded,
    AlertCleared,
    AlertRaised,
    Announced,
    LevelChanged,
    RaidEnded,
)
from skywarden.model.place import Action, District, Position, Site
from skywarden.model.raid import Level, Raids
from skywarden.pipeline import Line
from skywarden.raid import RaidSettings, Warned, over, raids
from skywarden.service.raid_rows import districts, positions, sites
from skywarden.service.site_rows import SiteWord

SECOND = 1_000_000_000
SHELTER = Action(name="shelter", lead_s=240.0)
OTHER = Site(name="other", latitude=36.40, longitude=-33.10, consequence=10.0, actions=(SHELTER,))
SITES = (PLANT, OTHER)
ONE = Warned(SITES, (), RaidSettings())
TRACKS = flying((20_000, 0, 300, -50, 0, 0), (-20_000, 0, 300, 50, 0, 0), (0, -20_000, 300, 0, 50, 0))


def odds(name):
    return tuple(float(one == name) for one in CLASSES)


def identity(track, name=Class.UAV_PISTON, category=Category.UNKNOWN):
    return Identity(track, category, odds=odds(name))


def alert(site, track, probability=0.4, left=400.0, time=TIME):
    early, arrival, late = (time + round(left * part * SECOND) for part in (0.9, 1.0, 1.1))
    return Alert(site, track, time, arrival, early, late, probability, time)


def rows_of(found, known):
    words = {site.name: SiteWord(site.name, "not watched", (), None) for site in known}
    return sites(found, known, TIME, words)


def at(second, before, alerts, identities=(), watched=ONE):
    return raids(before, alerts, (TRACKS, identities), TIME + round(second * SECOND), watched)


def test_alerts_of_one_kind_from_one_direction_are_one_group():
    alerts = [alert("plant", 1), alert("plant", 2), alert("other", 2), alert("plant", 3)]
    found, events = at(0, Raids(), alerts, [identity(1), identity(2), identity(3, Class.CRUISE)])
    words = [(one.heading.site, str(one.heading.kind), one.heading.word, one.tracks) for one in found.groups]
    assert sorted(words) == [
        ("other", "drones", "SW", (2,)),
        ("plant", "cruise missiles", "S", (3,)),
        ("plant", "drones", "E", (1,)),
        ("plant", "drones", "W", (2,)),
    ]
    assert [type(event) for event in events] == [LevelChanged, LevelChanged, ActionAdvised, Announced]
    assert events[0].level is Level.CRITICAL  # three of 0.4 each
    assert 0.78 < events[0].span.probability < 0.79


def test_it_is_worked_out_once_a_second_and_the_end_is_told():
    found, _ = at(0, Raids(), [alert("other", 1)])
    assert at(0.9, found, []) == (found, [])
    after, events = at(1, found, [])
    assert [type(event) for event in events] == [LevelChanged, ActionEnded, RaidEnded]
    assert events[0].level is Level.QUIET
    assert after.groups == after.sites == after.members == ()


def test_an_action_is_advised_again_when_it_must_begin_much_earlier():
    found, events = at(0, Raids(), [alert("other", 1, left=600.0)])
    (first,) = [event for event in events if isinstance(event, ActionAdvised)]
    found, events = at(1, found, [alert("other", 1, left=580.0)])
    assert not any(isinstance(event, ActionAdvised) for event in events)
    found, events = at(2, found, [alert("other", 1, left=550.0)])
    (again,) = [event for event in events if isinstance(event, ActionAdvised)]
    assert first.by - 60 * SECOND < again.by <= first.by - 30 * SECOND
    assert not any(isinstance(event, ActionAdvised) for event in at(3, found, [alert("other", 1, left=600.0)])[1])


def test_each_position_is_told_of_its_own_sites_only():
    desks = (Position(name="a", sites=("plant",)), Position(name="b", sites=("other",)))
    watched = Warned(SITES, desks, RaidSettings())
    found, events = at(0, Raids(), [alert("other", 1)], (), watched)
    said = [event for event in events if isinstance(event, Announced)]
    assert [(event.position, event.raid) for event in said] == [("b", 1)]
    found, events = at(1, found, [alert("other", 1), alert("plant", 2)], (), watched)
    said = [event for event in events if isinstance(event, Announced)]
    assert [(event.position, event.raid, event.aloud) for event in said] == [("a", 2, True)]
    assert [(row.position, row.raid, row.sites) for row in positions(found)] == [
        ("a", 2, ["plant"]),
        ("b", 1, ["other"]),
    ]


def test_an_alert_of_a_site_that_is_no_longer_configured_is_in_no_group():
    found, events = at(0, Raids(), [alert("gone", 1)])
    assert (found.groups, found.sites, events) == ((), (), [])


def test_a_position_that_a_reload_takes_away_is_told_that_its_raid_is_over():
    found, _ = at(0, Raids(), [alert("plant", 1)])
    east = Warned(SITES, (Position(name="east", sites=("plant", "other")),), RaidSettings())
    _after, events = at(1, found, [alert("plant", 1)], (), east)
    assert [(event.position, event.raid) for event in events if isinstance(event, RaidEnded)] == [("", 1)]
    assert [(event.position, event.raid) for event in events if isinstance(event, Announced)] == [("east", 2)]


def test_where_a_picture_ends_all_that_was_told_ends():
    found, _ = at(0, Raids(), [alert("other", 1)])
    ends = over(found, TIME)
    assert [type(event) for event in ends] == [LevelChanged, ActionEnded, RaidEnded]
    assert ends[0].level is Level.QUIET


def test_a_site_within_another_is_warned_as_well():
    inner = Site(name="inner", latitude=PLANT.latitude, longitude=PLANT.longitude, radius_m=500.0)
    found, _ = at(0, Raids(), [alert("plant", 1), alert("inner", 1)], (), Warned((PLANT, inner), (), RaidSettings()))
    assert {state.site for state in found.sites} == {"plant", "inner"}


def test_sites_are_ordered_by_level_then_by_what_is_likely_to_be_lost_soon():
    third = Site(name="third", latitude=36.5, longitude=-33.1)
    known = (third, PLANT, OTHER)
    watched = Warned(known, (), RaidSettings())
    alerts = [alert("third", 1, 0.45), alert("other", 1, 0.3)]
    found, _ = at(0, Raids(), alerts, (), watched)
    assert [row.site for row in rows_of(found, known)] == ["other", "third", "plant"]
    found, _ = at(0, Raids(), [*alerts, alert("plant", 2, 0.9)], (), watched)
    rows = rows_of(found, known)
    assert [(row.site, row.level) for row in rows] == [("plant", "critical"), ("other", "warn"), ("third", "warn")]
    assert [start.action for start in rows[1].starts] == ["shelter"]


def test_a_district_is_as_bad_as_its_worst_site():
    both = District(name="both", sites=("plant", "other"))
    none = District(name="none", sites=("third",))
    found, _ = at(0, Raids(), [alert("plant", 1, 0.9), alert("other", 1, 0.3, left=200.0)])
    worst, quiet = districts(rows_of(found, SITES), (both, none))
    assert (worst.level, worst.sites) == ("critical", ["plant", "other"])
    assert worst.first == min(state.span.first for state in found.sites)
    assert (quiet.level, quiet.sites) == ("quiet", [])


some = st.lists(
    st.tuples(st.sampled_from(["plant", "other"]), st.integers(1, 3), st.floats(0.05, 1.0)),
    max_size=6,
    unique_by=lambda a: a[:2],
)


@settings(deadline=None)
@given(some, some)
def test_one_alert_more_never_makes_a_site_quieter(first, second):
    known = {row[:2]: row[2] for row in first}
    added = {row[:2]: row[2] for row in second}
    few, _ = at(0, Raids(), [alert(*key, p) for key, p in known.items()])
    both = {key: max(known.get(key, 0.0), added.get(key, 0.0)) for key in known | added}
    many, _ = at(0, Raids(), [alert(*key, p) for key, p in both.items()])
    levels = {state.site: state.level for state in many.sites}
    assert all(levels[state.site] >= state.level for state in few.sites)


@settings(deadline=None)
@given(some, st.sampled_from(list(Class)), st.sampled_from(list(Category)))
def test_no_identity_makes_a_site_quieter(rows, name, category):
    """What a target is said to be moves its group, and neither its alert nor the level of the site."""
    alerts = [alert(*row) for row in rows]
    plain, _ = at(0, Raids(), alerts)
    said, _ = at(0, Raids(), alerts, [identity(track, name, category) for track in (1, 2, 3)])
    assert said.sites == plain.sites
    assert sum(len(group.tracks) for group in said.groups) == len(alerts)


def test_in_the_running_line_a_site_with_alerts_has_a_level_and_a_raid_and_a_restart_changes_nothing():
    line, outputs, seq = Line(), [], 0
    saved = None
    for number, turn in enumerate(raid.inputs(14)):
        for event in turn:
            seq += 1
            outputs += [caused.event for caused in line.feed(seq, event)]
        if number == 9:
            saved, after, at_seq = line.save(), len(outputs), seq
    alerts = [event for event in outputs if isinstance(event, AlertRaised | AlertCleared)]
    assert alerts, "the scene raises no alert"
    told = [event for event in outputs if isinstance(event, Announced)]
    assert told
    assert any(isinstance(event, LevelChanged) for event in outputs)
    standing = {(one.site, one.track) for one in line.picture.alerts}
    assert {(one.site, one.track) for one in line.picture.raids.members} == standing
    again, more, seq = Line.restore(saved), [], at_seq
    for turn in raid.inputs(14)[10:]:
        for event in turn:
            seq += 1
            more += [caused.event for caused in again.feed(seq, event)]
    assert more == outputs[after:]
    assert again.picture.raids == line.picture.raids
