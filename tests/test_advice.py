"""Advice: who can meet whom in time, who is chosen, what a person makes of it, and that nothing is ordered."""

from dataclasses import replace
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_handover import picture as tracked

from skywarden import geo
from skywarden.acts import taken
from skywarden.advice import Known, advices, over
from skywarden.advice.choose import Problem, chosen
from skywarden.advice.meeting import Way, meeting
from skywarden.config import Settings, parse
from skywarden.errors import ConfigError
from skywarden.model.act import AnswerAdvice, Person, Role
from skywarden.model.advice import Advices, Task, Verdict
from skywarden.model.assessment import CLASSES, Alert, Class, Identity
from skywarden.model.deed import Acted, AdviceEnded, Advised
from skywarden.model.place import Site, Unit
from skywarden.model.raid import Group, Heading, Kind, Raids, Span
from skywarden.model.track import Picture
from skywarden.service import advice_rows

SECOND = 1_000_000_000
NOW = 1_900_000_000 * SECOND
PLACE = np.radians(36.3), np.radians(-33.1)
AXES = geo.east_north_up(*PLACE)
OLENA = Person("Olena", Role.OPERATOR, "s")


def at(east: float, north: float) -> np.ndarray:
    return geo.ecef(*PLACE, 0.0) + east * AXES[0] + north * AXES[1]


def unit(name: str, east: float, north: float, **more) -> Unit:
    latitude, longitude, _ = geo.geodetic(at(east, north))
    given = {"readiness_s": 60.0, "reach_m": 1000.0} | more
    return Unit(name=name, latitude=float(np.degrees(latitude)), longitude=float(np.degrees(longitude)), **given)


def met(one: Unit, way: Way) -> tuple[float, float]:
    found = meeting([one], [way])
    return float(found.spare[0, 0]), float(found.meets[0, 0])


WAY = Way(at(0, 30_000), at(0, 0), 600.0)  # 50 m/s from the north


def test_who_stands_at_the_site_has_all_the_time_less_its_readiness():
    spare, meets = met(unit("a", 0, 0), WAY)
    assert spare == pytest.approx(540, abs=1)
    assert meets == pytest.approx(580, abs=27)  # within a kilometre of it, to a step


def test_who_must_move_has_as_much_less():
    spare, _ = met(unit("a", 5000, 0, speed_m_s=20.0), WAY)
    assert spare == pytest.approx(600 - 60 - 4000 / 20, abs=2)
    assert met(unit("a", 5000, 0), WAY) == (-np.inf, np.inf)  # it cannot move
    assert met(unit("a", 0, 0, readiness_s=601.0), WAY)[0] < 0
    assert met(unit("a", 15_000, 0, speed_m_s=20.0), WAY)[0] < 0


def test_who_is_under_the_way_need_not_go_to_the_site():
    spare, meets = met(unit("a", 2000, 15_000, speed_m_s=20.0), WAY)
    assert spare == pytest.approx(300 - 60 - 50, abs=30)
    assert 200 < meets < 400


def test_heights_do_not_count_and_a_short_reach_is_not_passed_over():
    high = Way(at(0, 60_000) + 2000 * AXES[2], at(0, 0) + 2000 * AXES[2], 1200.0)
    assert met(unit("a", 0, 0), high)[0] == pytest.approx(1140, abs=2)
    for north in range(1000, 9000, 700):
        spare, meets = met(unit("a", 300, north, reach_m=400.0), high)
        assert spare == pytest.approx(1200 * (60_000 - north + 265) / 60_000 - 60, abs=3)
        assert meets == pytest.approx(1200 * (60_000 - north - 265) / 60_000, abs=3)


def plain(problem: Problem) -> float:
    """The worth of the best choice, by trying all."""
    units, groups = problem.spare.shape
    best = 0.0
    for pick in product(range(-1, units), repeat=groups):
        if all(pick.count(u) <= problem.capacity[u] for u in range(units)):
            worth = [problem.worth[g] for g, u in enumerate(pick) if u >= 0 and problem.spare[u, g] >= 0]
            best = max(best, sum(worth))
    return best


@settings(deadline=None)
@given(st.integers(0, 3), st.integers(0, 4), st.integers(0, 2**32 - 1))
def test_the_choice_is_worth_as_much_as_the_best_of_all(units, groups, seed):
    rng = np.random.default_rng(seed)
    problem = Problem(rng.uniform(-100, 300, (units, groups)), rng.uniform(0.1, 1, groups),
                      rng.integers(0, 3, units), np.full(groups, -1))  # fmt: skip
    found = chosen(problem)
    assert len(found) == groups
    assert all(found.count(u) <= problem.capacity[u] for u in range(units))
    assert all(problem.spare[u, g] >= 0 for g, u in enumerate(found) if u >= 0)
    worth = sum(problem.worth[g] for g, u in enumerate(found) if u >= 0)
    assert worth == pytest.approx(plain(problem), rel=1e-4)


def test_who_is_advised_stays_unless_another_choice_is_worth_much_more():
    for before, worth, expected in ((0, 1.1, [0, -1]), (0, 1.3, [-1, 0])):
        problem = Problem(np.array([[10.0, 10.0]]), np.array([1.0, worth]), np.array([1]), np.array([before, -1]))
        assert chosen(problem) == expected


SITE = Site(name="plant", latitude=36.3, longitude=-33.1, consequence=2.0)
NORTH, WEST = Heading("plant", Kind.DRONES, 0), Heading("plant", Kind.JETS, 6)
TEAMS = (unit("near", 0, 0), unit("far", 4000, 0, speed_m_s=20.0))


def known(*headings: Heading, second: float = 0.0) -> Known:
    time = NOW + round(second * SECOND)
    span = Span(0.8, NOW + 300 * SECOND, NOW + 400 * SECOND, NOW + 500 * SECOND)
    groups = tuple(Group(heading, (k,), span) for k, heading in enumerate(headings, 1))
    alerts = [Alert("plant", k, NOW, NOW + 400 * SECOND, NOW + 300 * SECOND, NOW + 500 * SECOND, 0.8, NOW)
              for k in range(1, len(headings) + 1)]  # fmt: skip
    return Known(Raids(groups=groups), alerts, tracked(*(0.0,) * len(headings)).tracks, time)


def test_advice_begins_with_a_group_and_ends_with_it():
    found, events = advices(Advices(), known(NORTH), TEAMS, (SITE,))
    (one,) = found.standing
    assert (one.number, one.heading, one.unit, one.verdict) == (1, NORTH, "near", Verdict.OPEN)
    assert [option.unit for option in one.options] == ["near", "far"]
    assert events == [Advised(NOW, 1, NORTH, "near", one.options[0].wait)]
    assert one.options[0].wait == pytest.approx(NOW + 240 * SECOND, abs=2 * SECOND)
    assert advices(found, known(NORTH, second=4), TEAMS, (SITE,)) == (found, [])  # each five seconds
    again, events = advices(found, known(NORTH, second=5), TEAMS, (SITE,))
    assert (again.standing[0].number, events) == (1, [])
    none, events = advices(again, known(second=6), TEAMS, (SITE,))
    assert (none.standing, events) == ((), [AdviceEnded(NOW + 6 * SECOND, 1)])
    assert none.next_number == 2
    assert over(found, NOW) == [AdviceEnded(NOW, 1)]


def test_nobody_is_advised_where_nobody_is_in_time_or_there_is_nobody():
    late = (unit("late", 0, 0, readiness_s=400.0),)
    assert advices(Advices(), known(NORTH), late, (SITE,)) == (Advices(NOW), [])
    assert advices(Advices(), known(NORTH), (), (SITE,)) == (Advices(), [])
    elsewhere = known(NORTH)._replace(
        raids=Raids(groups=(Group(Heading("x", Kind.DRONES, 0), (1,), Span(1, 0, 0, 0)),))
    )
    assert advices(Advices(), elsewhere, TEAMS, (SITE,))[0].standing == ()


def test_two_groups_get_two_units_and_an_option_says_what_it_would_leave():
    found, _ = advices(Advices(), known(NORTH, WEST), TEAMS, (SITE,))
    assert sorted(one.unit for one in found.standing) == ["far", "near"]
    first = found.standing[0]
    assert [option.busy for option in first.options] == [None, found.standing[1].heading]
    rows = advice_rows.rows(found.standing, known(NORTH, WEST).raids.groups)
    assert rows[0].options[1].reasons_against == ["it would leave jet drones from W at plant"]
    assert rows[0].nothing == 0.8


def test_nobody_is_told_that_nobody_is_free_until_somebody_was():
    found, events = advices(Advices(), known(NORTH, WEST), TEAMS[:1], (SITE,))
    assert sorted(one.unit for one in found.standing) == ["", "near"]
    assert [event.unit for event in events] == ["near"]
    none, events = advices(found, known(NORTH, WEST, second=5), (), (SITE,))
    assert [one.unit for one in none.standing] == ["", ""]
    assert [event.unit for event in events] == [""]


def standing(**more) -> Picture:
    found, _ = advices(Advices(), known(NORTH, WEST), TEAMS, (SITE,))
    return Picture(NOW, advices=found, **more)


def answer(of: Picture, number: int, verdict: Verdict, whom: str = "", reason: str = "") -> tuple[Picture, str]:
    act = AnswerAdvice(number, verdict, whom, reason)
    return taken(of, Acted(NOW, OLENA, act), Settings(units=TEAMS))


def test_a_person_accepts_and_the_unit_stays_while_its_group_does():
    of = standing()
    mine, other = of.advices.standing
    after, refused = answer(of, mine.number, Verdict.ACCEPTED, mine.unit)
    assert refused == ""
    kept, events = advices(after.advices, known(NORTH, WEST, second=5), TEAMS, (SITE,))
    one = kept.standing[0]
    assert (one.unit, one.verdict, one.by) == (mine.unit, Verdict.ACCEPTED, "Olena")
    assert [e for e in events if isinstance(e, Advised) and e.number == mine.number] == []
    assert kept.standing[1].unit == other.unit  # the one that is left


def test_a_person_sends_another_one_and_it_is_taken_from_its_group():
    of = standing()
    mine, other = of.advices.standing
    after, refused = answer(of, mine.number, Verdict.CHANGED, other.unit, "closer to its fuel")
    assert refused == ""
    kept, events = advices(after.advices, known(NORTH, WEST, second=5), TEAMS, (SITE,))
    assert [one.unit for one in kept.standing] == [other.unit, mine.unit]
    assert [(e.number, e.unit) for e in events] == [(other.number, mine.unit)]


def test_a_refused_one_is_not_advised_again():
    of = standing()
    mine, _ = of.advices.standing
    after, refused = answer(of, mine.number, Verdict.REFUSED, "", "road is mined")
    assert refused == ""
    kept, _ = advices(after.advices, known(NORTH, WEST, second=5), TEAMS, (SITE,))
    assert (kept.standing[0].unit, kept.standing[0].reason) == ("", "road is mined")


@pytest.mark.parametrize(
    ("number", "verdict", "whom", "reason", "why"),
    [
        (9, Verdict.ACCEPTED, "near", "", "advised no more"),
        (1, Verdict.OPEN, "", "", "answer with"),
        (1, Verdict.ACCEPTED, "nobody", "", "look again"),
        (1, Verdict.ACCEPTED, "", "", "look again"),
        (1, Verdict.CHANGED, "nobody", "x", "no such unit"),
        (1, Verdict.CHANGED, "far", "", "write a reason"),
        (1, Verdict.REFUSED, "", " ", "write a reason"),
        (1, Verdict.REFUSED, "near", "x", "name no unit"),
    ],
)
def test_what_is_no_answer(number, verdict, whom, reason, why):
    of = standing()
    after, refused = answer(of, number, verdict, whom, reason)
    assert after == of
    assert why in refused


def test_the_order_of_groups_does_not_matter():
    two = [advices(Advices(), known(*pair), TEAMS, (SITE,))[0] for pair in permutations((NORTH, WEST))]
    assert [{one.unit for one in found.standing} for found in two] == [{"near", "far"}] * 2


CREW = unit("crew", 0, 0, readiness_s=15.0, reach_m=8000.0, sensor="camera")
NAMES = ("radar", "camera", "array")


def seen(*by: tuple[int, float], odds: tuple[float, ...] = ()) -> Known:
    """One group whose track was seen by these sensors so many seconds ago."""
    found = known(NORTH)
    by_now = found.tracks.seen_by.copy(), found.tracks.seen_at.copy()
    by_now[0][:] = -1
    for k, (sensor, ago) in enumerate(by):
        by_now[0][0, k], by_now[1][0, k] = sensor, NOW - round(ago * SECOND)
    tracks = replace(found.tracks, seen_by=by_now[0], seen_at=by_now[1])
    return found._replace(tracks=tracks, identities=(Identity(1, odds=odds),), sensors=NAMES)


SURELY = tuple(0.9 if one is Class.UAV_PISTON else 0.1 / (len(CLASSES) - 1) for one in CLASSES)
UNSURELY = tuple(0.85 if one is Class.UAV_PISTON else 0.15 / (len(CLASSES) - 1) for one in CLASSES)
VAGUELY = tuple(0.7 if one is Class.UAV_PISTON else 0.3 / (len(CLASSES) - 1) for one in CLASSES)
UNKNOWN = tuple(0.9 if one is Class.UNKNOWN else 0.1 / (len(CLASSES) - 1) for one in CLASSES)


@pytest.mark.parametrize(
    ("of", "doubt"),
    [
        (seen(odds=SURELY), "nobody sees it now"),
        (seen((0, 1), odds=SURELY), "only radar sees it"),
        (seen((0, 1), (2, 31), odds=SURELY), "only radar sees it"),
        (seen((0, 1), (2, 29)), "it is not known what it is"),
        (seen((0, 1), (2, 29), odds=UNKNOWN), "it is not known what it is"),
        (seen((0, 1), (2, 29), odds=VAGUELY), "that it is of class one-way UAV piston is 70% likely only"),
        (seen((0, 1), (2, 29), odds=UNSURELY), ""),
        (seen((0, 1), (2, 29), odds=SURELY), ""),
    ],
)
def test_a_look_is_advised_for_what_is_not_known_and_says_what(of, doubt):
    found, events = advices(Advices(), of, (CREW, *TEAMS), (SITE,))
    looks = [one for one in found.standing if one.task is Task.LOOK]
    assert [(one.unit, one.doubt) for one in looks] == ([("crew", doubt)] if doubt else [])
    assert [(e.unit, e.task) for e in events] == [("near", Task.MEET)] + ([("crew", Task.LOOK)] if doubt else [])
    assert [o.unit for one in found.standing if one.task is Task.MEET for o in one.options] == ["near", "far"]
    if doubt:
        row = advice_rows.rows(looks, of.raids.groups)[0]
        assert row.task == "look"
        assert doubt in row.options[0].reasons_for
        assert len({one.number for one in found.standing}) == 2


def test_who_sees_it_already_is_not_asked_to_look_and_a_look_ends_when_nothing_is_in_doubt():
    camera = seen((1, 1), odds=SURELY)
    assert [one.task for one in advices(Advices(), camera, (CREW,), (SITE,))[0].standing] == []
    first, _ = advices(Advices(), seen((0, 1), odds=SURELY), (CREW,), (SITE,))
    after = seen((0, 1), (1, 1), odds=SURELY)._replace(time=NOW + 5 * SECOND)
    none, events = advices(first, after, (CREW,), (SITE,))
    assert (none.standing, events) == ((), [AdviceEnded(NOW + 5 * SECOND, 1)])
    unsure = seen((0, 1), (1, 1), odds=UNSURELY)._replace(time=NOW + 5 * SECOND)
    other = unit("other", 0, 0, reach_m=8000.0, sensor="thermal")
    still, _ = advices(first, unsure, (CREW, other), (SITE,))
    assert [one.unit for one in still.standing] == ["other"]  # it goes on until that is surer, with one who can tell


def test_a_look_is_answered_like_any_advice_and_stays_then():
    first, _ = advices(Advices(), seen((0, 1)), (CREW, *TEAMS), (SITE,))
    of, units = Picture(NOW, advices=first), Settings(units=(CREW, *TEAMS))
    (look,) = (one for one in first.standing if one.task is Task.LOOK)
    wrong = AnswerAdvice(look.number, Verdict.CHANGED, "near", "it has eyes too")
    assert taken(of, Acted(NOW, OLENA, wrong), units)[1] == "there is no such unit to look"
    meets = AnswerAdvice(first.standing[0].number, Verdict.CHANGED, "crew", "why not")
    assert taken(of, Acted(NOW, OLENA, meets), units)[1] == "there is no such unit to meet"
    after, refused = taken(of, Acted(NOW, OLENA, AnswerAdvice(look.number, Verdict.ACCEPTED, "crew")), units)
    assert refused == ""
    sure = seen((0, 1), (1, 1), odds=SURELY)._replace(time=NOW + 5 * SECOND)
    kept, events = advices(after.advices, sure, (CREW, *TEAMS), (SITE,))
    assert [(one.unit, one.by, one.doubt) for one in kept.standing if one.task is Task.LOOK] == [("crew", "Olena", "")]
    assert events == []


def test_a_unit_points_a_sensor_that_there_is():
    text = '[[sites]]\nname = "a"\nlatitude = 1\nlongitude = 1\n[[units]]\nname = "u"\nlatitude = 1\nlongitude = 1\n'
    text += 'readiness_s = 10\nreach_m = 1000\nsensor = "radr"\n'
    text += '[[sources]]\nname = "radar"\nformat = "asterix"\nlisten = "udp://127.0.0.1:9000"\n'
    with pytest.raises(
        ConfigError, match=r'units\[0\].sensor = "radr" is no sensor and no source; did you mean "radar"'
    ):
        parse(text)
    assert parse(text.replace("radr", "radar")).units[0].sensor == "radar"
