"""Reports of people put together: what becomes an event, what stays a report that nothing supports."""

from dataclasses import replace

import numpy as np
import pytest
from flights import TIME
from hypothesis import given, settings
from hypothesis import strategies as st
from report_world import (
    NOTHING,
    SECOND,
    along,
    batches,
    circle,
    pointing,
    radar,
    run,
    spoken,
)

from skywarden.model.event import ReportEventBegun, ReportEventEnded, ReportEventUpdated
from skywarden.model.track import Picture
from skywarden.model.triage import Event, Fact, Mark, Triage
from skywarden.saved import Saved, decoded, digest, encoded
from skywarden.service.report_rows import reports
from skywarden.triage import stage, triaged
from skywarden.triage.queue import MOST_WAITING, TURN, _place_in
from skywarden.triage.trust import MOST_PEOPLE, REST, credibility, learned


def test_people_along_a_way_report_one_event_that_flies():
    picture, events = run(along())
    assert [type(event) for event in events if not isinstance(event, ReportEventUpdated)] == [ReportEventBegun]
    (event,) = reports(Picture(picture.time, triage=picture)).events
    assert event.reporters >= 10
    assert event.support == "nothing else has seen it"
    assert event.velocity is not None
    assert np.allclose(event.velocity, (50.0, 0.0), atol=15.0)
    assert event.probability <= 0.9
    assert next(iter(event.words)) == "one-way UAV piston"
    told = [one.event.at for one in events if isinstance(one, ReportEventUpdated)]
    assert told == sorted(told)


def test_a_thing_as_fast_as_a_cruise_missile_is_one_event():
    picture, _ = run(along(speed=220.0, every=12.0, people=14))
    assert len(spoken(picture)) == 1


def test_two_things_at_once_are_two_events():
    picture, _ = run([*along(seed=1), *along(seed=2, begin=(-9_000.0, 25_000.0))])
    assert len(spoken(picture)) == 2


def test_late_reports_join_the_event_where_it_was_then():
    lines = along()
    late = [(at + 150.0, line) if k % 3 == 1 else (at, line) for k, (at, line) in enumerate(lines)]
    picture, _ = run(late)
    (event,) = spoken(picture)
    assert event[Event.REPORTS] >= 10


def test_what_many_copy_is_no_event_and_stays_visible():
    rng = np.random.default_rng(3)
    copies = [(float(at), circle(f"c{k}", at, rng.normal(size=2) * 300.0)) for k, at in enumerate(range(0, 600, 20))]
    picture, events = run(copies)
    assert events == []
    found = reports(Picture(picture.time, triage=picture))
    assert found.events == []
    assert sum(row.reports for row in found.unsupported) == len(copies)


def test_one_person_alone_is_no_event_however_often_he_reports():
    lines = [
        (at, pointing("one", at, (50.0 * at, 0.0), (50.0 * at, 900.0), number=int(at))) for at in range(0, 400, 10)
    ]
    picture, events = run(lines)
    assert events == []
    assert picture.events[:, Event.REPORTS].sum() == len(lines)
    assert (picture.events[:, Event.REPORTERS] == 1).all()


def test_a_single_report_that_a_radar_supports_is_an_event_and_without_it_is_shown_for_twenty_minutes():
    line = (300.0, pointing("p", 290.0, (5_500.0, -900.0), (5_500.0, 0.0)))
    picture, events = run([line], seen=radar())
    assert [type(event) for event in events] == [ReportEventBegun]
    assert events[0].event.tracks == (1,)
    picture, events = run([line], until=300 + 1190)
    (row,) = reports(Picture(picture.time, triage=picture)).unsupported
    assert row.support == "nobody else has reported it, nothing else has seen it"
    picture, events = run([line], until=300 + 1230)
    assert len(picture.events) == 0


def test_an_event_ends_when_nobody_reports_it_any_more():
    _, events = run(along(), until=350 + 1300)
    assert isinstance(events[-1], ReportEventEnded)
    assert events[-1].reason == "nobody has reported it for long"


@settings(deadline=None, max_examples=15)
@given(st.randoms(use_true_random=False), st.integers(1, 40))
def test_the_order_of_arrival_within_a_tick_does_not_matter(random, seed):
    lines = [line for _, line in along(seed=seed)] + [circle(f"c{k}", 10 * k, (k * 900.0, 3_000.0)) for k in range(6)]
    first = batches(lines, 400.0)
    other = list(first)
    random.shuffle(other)
    time, found = TIME + 400 * SECOND, []
    for each in (first, other):
        picture, events = triaged(Triage(), each, NOTHING, time)
        picture, more = triaged(picture, [], NOTHING, time + 61 * SECOND)
        found.append((picture.digest, [*events, *more]))
    assert found[0] == found[1]
    assert found[0][0]


def test_credibility_follows_facts_and_words_alone_make_none():
    agrees = [
        (at, pointing("good", at, (-9_000.0 + 50 * at, -900.0), (-9_000.0 + 50 * at, 0.0), number=int(at)))
        for at in (20.0, 700.0)
    ]
    denies = [(at, pointing("bad", at, (-9_000.0 + 50 * at, -900.0), (-9_000.0 + 50 * at, -9_000.0), number=int(at)))
              for at in (20.0, 700.0)]  # fmt: skip
    picture, _ = run([*agrees, *denies], until=900, seen=radar())
    marks = {fact: who for _, _, _, who, _, fact, _ in picture.marks.tolist()}
    good, bad = marks[Fact.AGREED], marks[Fact.CONTRADICTED]
    trust = credibility(picture.people, picture.trust, np.array([good, bad]), picture.time)
    assert trust[0] > 0.6 > 0.5 > trust[1]
    picture, _ = run(along(people=20, every=15.0), until=500)
    assert len(picture.people) == 0  # twenty who agree with each other, and no fact


def test_one_who_reports_the_same_thing_twenty_times_is_right_once():
    who, added = np.full(20, 7), np.tile([1.0, 0.0], (20, 1))
    people, trust, _ = learned(np.zeros((0, 2), np.int64), np.zeros((0, 2)), (who, added), TIME)
    people, trust, _ = learned(people, trust, (who, added), TIME + SECOND)
    assert trust.tolist() == [[1.0, 0.0]]
    people, trust, _ = learned(people, trust, (who, added), TIME + round(REST) * SECOND)
    assert 1.99 < trust[0, 0] < 2.0


def test_who_has_been_right_often_is_not_forgotten_for_a_crowd():
    people, trust = np.array([[5, TIME]]), np.array([[30.0, 0.0]])
    for k in range(3):
        who = np.arange(10 + 4000 * k, 10 + 4000 * (k + 1))
        people, trust, gone = learned(people, trust, (who, np.tile([1.0, 0.0], (4000, 1))), TIME + k * SECOND)
    assert len(people) == MOST_PEOPLE
    assert gone > 0
    assert 5 in people[:, 0]
    assert (np.diff(people[:, 0]) > 0).all()


def test_a_flood_is_bounded_counted_and_leaves_room_for_others(monkeypatch):
    monkeypatch.setattr(stage, "MOST_EVENTS", 60)
    rng, picture = np.random.default_rng(1), Triage()
    other = batches([pointing("honest", 0.0, (40_000.0, 0.0), (40_000.0, 900.0))], 1.0)
    flood = batches([circle(f"x{k}", 0.0, rng.normal(size=2) * 3_000.0, k) for k in range(3_000)], 1.0)
    picture, _ = triaged(picture, [*flood, *other], NOTHING, TIME + SECOND)
    assert len(picture.waiting) + len(picture.told) <= MOST_WAITING
    assert any(mark[Mark.WHO] == _who(other) for mark in picture.marks)  # looked at in the first second
    total = picture.left["reports, too many at once"] + len(picture.waiting) + TURN
    assert total == 3_001
    for second in range(2, 40):
        picture, _ = triaged(picture, [], NOTHING, TIME + second * SECOND)
    assert len(picture.waiting) == 0
    assert len(picture.events) <= 60


def _who(some):
    return triaged(Triage(), some, NOTHING, TIME + SECOND)[0].marks[0, Mark.WHO]


@pytest.mark.parametrize("latitude", [89.9999, -89.9999, 0.0])
def test_at_the_poles_and_the_date_line_all_is_finite(latitude):
    from skywarden.sensors.reports import Spot, observer

    said = {"sensor": "line", "time": TIME, "seen": True}
    lines = [
        observer(**said, number=k, who=f"w{k}", place=Spot(latitude, side), azimuth_deg=90.0)
        for k, side in enumerate((179.9999, -179.9999, 179.99, -179.99) * 3)
    ]
    picture, _ = triaged(Triage(), batches(lines, 1.0), NOTHING, TIME + SECOND)
    assert np.isfinite(picture.figures).all()
    assert len(picture.marks) == len(lines)


def test_what_is_saved_goes_on_as_before():
    lines = along()
    half, _ = run(lines[:6], until=170)
    again = decoded(encoded(Saved(Picture(half.time, triage=half), {}, "", []))).picture.triage
    ends = [run(lines[6:], before=one) for one in (half, again)]
    assert ends[0][1] == ends[1][1]
    assert digest(Picture(1, triage=ends[0][0])) == digest(Picture(1, triage=ends[1][0]))
    assert digest(Picture(1, triage=ends[0][0])) != digest(Picture(1, triage=half))


def test_places_in_groups():
    assert _place_in(np.array([3, 1, 3, 3, 1])).tolist() == [0, 0, 1, 2, 1]
    assert _place_in(np.zeros(0, np.int64)).tolist() == []


def test_what_flies_high_supports_nobody():
    def seen(second):
        tracks, measured = radar()(second)
        up = tracks.mean[:, :3] * (1.0 + 10_000.0 / 6.37e6)
        return replace(tracks, mean=np.hstack((up, tracks.mean[:, 3:]))), measured

    line = (300.0, pointing("p", 290.0, (5_500.0, -900.0), (5_500.0, 0.0)))
    assert run([line], seen=seen)[1] == []


def test_tracks_that_only_people_or_claims_make_support_nobody():
    def seen(second):
        return radar()(second)[0], np.zeros(1, np.int64)

    line = (300.0, pointing("p", 290.0, (5_500.0, -900.0), (5_500.0, 0.0)))
    picture, events = run([line], until=450, seen=seen)
    assert events == []
    assert len(picture.people) == 0
