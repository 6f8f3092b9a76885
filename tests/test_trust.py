"""The word on sensors: from pairs, counters, registration and people; and what it does to what is watched."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_watch_line import LONG, SPOTS, START, TICK, enrolled, run, sent, started
from watch_world import SECOND

from skywarden.acts import taken
from skywarden.config import resolved
from skywarden.model.act import Person, Quarantine, Role, Trust, Unquarantine, Untrust
from skywarden.model.deed import Acted, SensorTrust
from skywarden.model.detection import Reason
from skywarden.model.event import AlertCleared, AlertRaised, Started, Tick
from skywarden.model.registered import Standing as Registered
from skywarden.model.track import Health, Mode, Picture
from skywarden.model.trust import Compared, Ruling, Word
from skywarden.pipeline import Line
from skywarden.saved import digest
from skywarden.trust import trusted
from skywarden.trust.alone import Alone
from skywarden.trust.stage import ELSEWHERE, FAULT, FLOOD, SOURCE, TIMES, _alone
from skywarden.watch import WHY
from skywarden.watch.alive import begun
from skywarden.watch.posts import posts

GIVEN = enrolled()
OLENA = Person("Olena", Role.SUPERVISOR, "s")
HOUR = 3600 * SECOND


def picture(**more):
    return Picture(START, watch=begun(posts(GIVEN)), **more)


def later(before, seconds, **more):
    """Return the picture so many seconds later, and what was told. more: what it has from now on."""
    told = []
    for _ in range(seconds):
        now = replace(before, time=before.time + SECOND, **more)
        trust, events = trusted(now, before.time, True)
        before, told = replace(now, trust=trust), [*told, *events]
    return before, told


def word(of, name):
    return next(one for one in of.trust.standing if one.name == name)


def off(*names):
    """Return comparisons by which some are in quarantine."""
    n = np.full(len(names), START, np.int64)
    return Compared(names, worse=n, well=0 * n, out=n)


def chains(of, **more):
    return replace(of.chains, **more)


def test_who_is_off_is_in_quarantine_with_its_reason_and_is_told_once():
    first = picture()
    now, told = later(first, 3, chains=chains(first, compared=off("mast")))
    assert [(one.sensor, one.word, one.reasons, one.by) for one in told] == [
        ("mast", Word.QUARANTINED, (ELSEWHERE,), "")
    ]
    assert now.trust.quarantined == {"mast"}
    assert word(now, "mast").since == START + SECOND
    assert word(now, "hill").word is Word.UNKNOWN
    after, told = later(now, 2, chains=chains(now, compared=Compared()))
    assert [(one.sensor, one.word) for one in told] == [("mast", Word.UNKNOWN)]
    assert not after.trust.quarantined


def test_a_fault_of_registration_is_a_quarantine():
    first = picture()
    known = replace(first.chains.registered, standing=(Registered("hill", (0.0,) * 4, False, "clock"),))
    now, told = later(first, 1, chains=chains(first, registered=known))
    assert [(one.sensor, one.reasons) for one in told] == [("hill", (FAULT,))]
    assert now.trust.quarantined == {"hill"}


def counters(second, good, bad, reason):
    return (Health("mast", decoded=good * second, refused={reason: bad * second}),)


@pytest.mark.parametrize(("reason", "why"), [(Reason.QUOTA, FLOOD), (Reason.TOO_FAST, FLOOD), (Reason.FUTURE, TIMES)])
def test_a_flood_and_impossible_times_put_a_source_and_its_sensors_in_quarantine_after_a_minute(reason, why):
    now, told = picture(), []
    for second in range(90):
        now, more = later(now, 1, health=counters(second, 10, 30, reason))
        told += [(second, one.sensor, one.word, one.reasons) for one in more]
    assert {name: at for at, name, _, _ in told}.keys() == {"mast"}
    ((at, _, first, reasons),) = told
    assert 55 <= at <= 75
    assert first is Word.QUARANTINED
    assert reasons == (why,)
    assert word(now, "hill").word is Word.UNKNOWN
    for second in range(90, 600):
        still = counters(89, 10, 30, reason)[0]
        now, more = later(now, 1, health=(replace(still, decoded=still.decoded + 20 * (second - 89)),))
        told += [(second, one.sensor, one.word) for one in more]
    ((at, _, last),) = told[1:]
    assert last is Word.UNKNOWN
    assert 90 + 300 <= at <= 90 + 300 + 120


def test_a_few_that_are_too_much_are_no_flood():
    now = picture()
    for second in range(120):
        now, told = later(now, 1, health=counters(second, 30, 10, Reason.QUOTA))
        assert not told


def test_a_sensor_is_in_quarantine_with_its_source_and_a_person_may_say_otherwise():
    first = picture(trust=picture().trust._replace(rulings=(Ruling("mast", False, START + HOUR, "x", "Ivan", START),)))
    renamed = replace(first.watch.posts, sources=("feed", "feed"))
    first = replace(first, watch=replace(first.watch, posts=renamed), health=(Health("feed"),))
    ruled = first.trust._replace(rulings=(Ruling("feed", False, START + HOUR, "its line is tapped", "Ivan", START),))
    now, _ = later(replace(first, trust=ruled), 1)
    assert now.trust.quarantined == {"feed", "mast", "hill"}
    assert word(now, "hill").reasons == (SOURCE,)
    believed = (*ruled.rulings, Ruling("hill", True, START + HOUR, "it has a line of its own", "Olena", START))
    now, told = later(replace(now, trust=now.trust._replace(rulings=believed)), 1)
    assert now.trust.quarantined == {"feed", "mast"}
    assert [(one.sensor, one.word, one.by) for one in told] == [("hill", Word.TRUSTED, "Olena")]


def act(of, said, who=OLENA):
    return taken(of, Acted(of.time, who, said), GIVEN)


def test_people_put_in_quarantine_and_believe_for_a_time_and_take_it_back():
    first = replace(picture(), chains=chains(picture(), compared=off("mast")))
    now, _ = later(first, 1)
    now, refused = act(now, Trust("mast", now.time + 60 * SECOND, " checked "))
    assert refused == ""
    now, told = later(now, 1)
    assert [(one.sensor, one.word, one.reasons, one.by) for one in told] == [
        ("mast", Word.TRUSTED, ("checked", ELSEWHERE), "Olena")
    ]
    assert not now.trust.quarantined
    over, told = later(now, 60)
    assert [(one.word, one.by) for one in told] == [(Word.QUARANTINED, "")]  # its time is over
    assert not over.trust.rulings
    back, refused = act(now, Untrust("mast", "it was not"))
    assert refused == ""
    assert later(back, 1)[0].trust.quarantined == {"mast"}
    also, _ = act(later(back, 1)[0], Quarantine("mast", now.time + HOUR, "I see it too"))
    also, told = later(also, 1)
    assert [(one.word, one.reasons, one.by) for one in told] == [
        (Word.QUARANTINED, ("I see it too", ELSEWHERE), "Olena")
    ]
    now, refused = act(later(picture(), 1)[0], Quarantine("hill", START + HOUR, "bent"))
    assert refused == ""
    now, _ = later(now, 1)
    assert now.trust.quarantined == {"hill"}
    now, refused = act(now, Unquarantine("hill", "mended"))
    assert refused == ""
    assert not later(now, 1)[0].trust.quarantined


@pytest.mark.parametrize(
    ("said", "who", "why"),
    [
        (Quarantine("dune", START + HOUR, "x"), Role.OPERATOR, "no such sensor"),
        (Quarantine("mast", START, "x"), Role.OPERATOR, "within 24 h"),
        (Quarantine("mast", START + 25 * HOUR, "x"), Role.OPERATOR, "within 24 h"),
        (Quarantine("mast", START + HOUR, " "), Role.OPERATOR, "write a reason"),
        (Quarantine("mast", START + HOUR, "x"), Role.OBSERVER, "role operator"),
        (Trust("mast", START + 5 * HOUR, "x"), Role.SUPERVISOR, "within 4 h"),
        (Trust("mast", START + HOUR, "x"), Role.OPERATOR, "role supervisor"),
        (Unquarantine("mast", "x"), Role.SUPERVISOR, "nobody has said that"),
        (Unquarantine("mast", "x"), Role.OPERATOR, "role supervisor"),
        (Untrust("mast", "x"), Role.OPERATOR, "nobody has said that"),
        (Untrust("mast", ""), Role.OPERATOR, "write a reason"),
    ],
)
def test_what_nobody_can_say(said, who, why):
    before = picture()
    after, refused = act(before, said, Person("Ivan", who, "s"))
    assert after == before
    assert why in refused


@settings(deadline=None, max_examples=60)
@given(st.sets(st.sampled_from(["mast", "hill"])), st.sets(st.sampled_from(["mast", "hill"])), st.booleans())
def test_what_the_system_and_an_operator_say_only_adds_to_quarantine(bad, said, good):
    """Only the word of a supervisor lets anybody out."""
    first = picture()
    rulings = tuple(Ruling(name, good, START + HOUR, "x", "x", START) for name in sorted(said))
    alone, _ = later(first, 1, chains=chains(first, compared=off(*sorted(bad))))
    assert alone.trust.quarantined == bad
    both, _ = later(replace(first, trust=first.trust._replace(rulings=rulings)), 1, chains=alone.chains)
    assert both.trust.quarantined == (bad - said if good else bad | said)


def test_a_share_that_nobody_else_sees_is_doubtful_at_most():
    asked, share = 0.0, 0.0
    for _ in range(100):
        asked, share = _alone(word(later(picture(), 1)[0], "mast")._replace(asked=asked, alone=share), Alone(1, 1))
    assert (share, asked > 20.0) == (1.0, True)
    lonely = later(picture(), 1)[0]
    rows = tuple(one._replace(asked=asked, alone=share) if one.name == "mast" else one for one in lonely.trust.standing)
    now, told = later(replace(lonely, trust=lonely.trust._replace(standing=rows)), 5)
    assert [one.word for one in told] == [Word.DOUBTFUL]
    assert not now.trust.quarantined


# the whole line


def flown(given, messages, said=(), at=20.0, seconds=LONG):
    """Return all pictures, and events with their times."""
    events = []

    class Kept(Line):
        def feed(self, seq, event):
            found = super().feed(seq, event)
            events.extend(one.event for one in found)
            return found

    line = Kept()
    line.feed(1, Started(START, Mode.SIM, "", "", resolved(given)))
    pictures = run(given, [m for m in messages if m.time <= START + round(at * SECOND)], at, line)[1]
    for one in said:
        line.feed(2, Acted(line.picture.time, OLENA, one))
    rest = [m for m in messages if m.time > START + round(at * SECOND)]
    pictures += run(given, rest, seconds, line, at)[1]
    return pictures, events


def alerts(events):
    return {(one.alert.site, one.alert.track): one.alert.raised for one in events if isinstance(one, AlertRaised)}


@pytest.fixture(scope="module")
def plain():
    given = enrolled()
    return given, sent(given, flight=True), *flown(given, sent(given, flight=True))


@pytest.mark.parametrize("names", [("mast",), ("hill",), ("mast", "hill")])
@pytest.mark.parametrize("at", [2.0, 20.0])
def test_quarantine_takes_no_alert_away_and_only_lowers_what_is_watched_within_five_seconds(names, at, plain):
    given, messages, before, events = plain
    said = [Quarantine(name, START + HOUR, "x") for name in names]
    after, told = flown(given, messages, said, at)
    assert alerts(events)
    for key, raised in alerts(events).items():
        assert alerts(told)[key] <= raised
    assert not [one for one in told if isinstance(one, AlertCleared)]
    for one, other in zip(before, after, strict=True):
        assert {(a.site, a.track) for a in one.alerts} <= {(a.site, a.track) for a in other.alerts}
        levels = {site.site: site.level for site in other.raids.sites}
        assert all(site.level <= levels[site.site] for site in one.raids.sites)
        assert set(one.tracks.number.tolist()) <= set(other.tracks.number.tolist())
        assert (other.watch.cells("plant")[0] <= one.watch.cells("plant")[0]).all()
    due = round((at + 5.0) * SECOND / TICK)
    rest = set(SPOTS) - set(names)
    assert all((one.watch.cells("plant")[0].max() > 0.0) <= bool(rest) for one in after[due:])
    assert {WHY[why] for why, name in zip(after[-1].watch.why, after[-1].watch.posts.names, strict=True)
            if name in names} == {"in quarantine"}  # fmt: skip


def test_a_picture_with_a_quarantine_is_put_down_and_taken_up_again(plain):
    given, messages, *_ = plain
    said = [Quarantine("mast", START + HOUR, "x")]
    whole, events = flown(given, messages, said, 20.0)
    assert [(one.sensor, one.by) for one in events if isinstance(one, SensorTrust)] == [("mast", "Olena")]
    line = started(given)
    run(given, [m for m in messages if m.time <= START + 20 * SECOND], 20.0, line)
    line.feed(2, Acted(line.picture.time, OLENA, said[0]))
    again = Line.restore(line.save())
    assert again.picture.trust == line.picture.trust
    _, later, _ = run(given, [m for m in messages if m.time > START + 20 * SECOND], LONG, again, 20.0)
    assert digest(later[-1]) == digest(whole[-1])


def test_another_mode_ends_it_and_says_so(plain):
    given, messages, *_ = plain
    line = started(given)
    run(given, messages, 20.0, line)
    line.feed(2, Acted(line.picture.time, OLENA, Quarantine("mast", START + HOUR, "x")))
    line.feed(2, Tick(line.picture.time + 2 * SECOND))
    found = line.feed(3, Started(line.picture.time + SECOND, Mode.EXERCISE, "", "", resolved(given)))
    ends = [one.event for one in found if isinstance(one.event, SensorTrust)]
    assert [(one.sensor, one.word) for one in ends] == [("mast", Word.UNKNOWN)]
    assert not line.picture.trust.rulings
