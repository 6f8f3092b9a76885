"""Arrivals in turn: each track once a second, evenly, at once when it turns; and what stands of the others is right."""

from dataclasses import replace
from functools import cache

import msgspec
import numpy as np
import pytest
import raid
from flights import PLANT, SECOND, TIME, flying
from hypothesis import given, settings
from hypothesis import strategies as st

from skywarden.alert import AlertOn, AlertSettings, decide
from skywarden.config import resolved
from skywarden.model.assessment import Category, Identity
from skywarden.model.event import AlertRaised, Started, Stepped, Tick
from skywarden.model.past import Past
from skywarden.model.place import Site
from skywarden.model.threats import PAIRS
from skywarden.model.track import Status
from skywarden.pipeline import Line
from skywarden.threat import Seen, evaluate, flown

SETTINGS = AlertSettings()
BESIDE = Site(name="beside", latitude=36.45, longitude=-33.10, radius_m=3000.0)
SITES = (PLANT, BESIDE)
TENTH = SECOND // 10


def swarm(count, seed=1):
    """Return tracks all about the site, on courses that mostly lead there."""
    rng = np.random.default_rng(seed)
    angle, way = rng.uniform(0, 2 * np.pi, (2, count)) * [[1.0], [0.1]] + [[0.0], [np.pi]]
    away = rng.uniform(8e3, 40e3, count)
    states = [away * np.cos(angle), away * np.sin(angle), 0 * away + 300.0]
    states += [60.0 * np.cos(angle + way), 60.0 * np.sin(angle + way), 0 * away]
    return flying(*np.stack(states, 1), sigma=(60.0, 3.0))


def ticks(tracks, count=20, step=TENTH, sites=SITES, before=None):
    """Yield the time and what is found, tick by tick."""
    for k in range(count):
        time = TIME + k * step
        before = evaluate(Seen(tracks), time, sites, SETTINGS, before)
        yield time, before


def judged(threats, time):
    return {*threats.judged.number[threats.judged.time == time].tolist()}


def pairs(threats, numbers):
    """Return the pairs of some tracks, as bytes."""
    some = threats.take(np.flatnonzero(np.isin(threats.track, numbers)))
    return [getattr(some, name).tobytes() for name in PAIRS]


def test_each_track_is_judged_once_a_second_and_evenly_over_its_ticks():
    found = [judged(threats, time) for time, threats in ticks(swarm(200), 31)]
    assert len(found[0]) == 200
    for second in (found[1:11], found[11:21], found[21:31]):
        assert sorted(number for tick in second for number in tick) == list(range(1, 201))
    assert all(17 <= len(tick) <= 23 for tick in found[1:])


def test_whose_turn_it_is_does_not_depend_on_how_long_ticks_are():
    def until_half(step):
        found = [judged(threats, time) for time, threats in ticks(swarm(100), SECOND // 2 // step + 1, step)]
        return set().union(*found[1:])

    assert until_half(TENTH) == until_half(TENTH // 2) == until_half(SECOND // 4)
    assert 40 <= len(until_half(TENTH)) <= 60


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 1500), min_size=1, max_size=25))
def test_no_judgement_is_a_second_old_however_ticks_come(steps):
    time, tracks, threats = TIME, swarm(12), None
    for step in steps:
        time += step * SECOND // 1000
        threats = evaluate(Seen(tracks), time, SITES, SETTINGS, threats)
        assert threats.judged.number.tolist() == tracks.number.tolist()
        assert (time - threats.judged.time < SECOND).all()
        assert (threats.time == threats.judged.time[np.searchsorted(threats.judged.number, threats.track)]).all()
        if step >= 1000:
            assert (threats.judged.time == time).all()


def test_pairs_stay_in_the_order_of_sites_then_numbers_and_are_those_of_the_latest_judgement():
    tracks = swarm(60)
    for _, threats in ticks(tracks.take(np.random.default_rng(2).permutation(60)), 15):
        order = [*zip(threats.site.tolist(), threats.track.tolist(), strict=True)]
        assert order == sorted(set(order))
        for when in {*threats.judged.time.tolist()}:
            some = threats.judged.number[threats.judged.time == when]
            assert pairs(threats, some) == pairs(evaluate(Seen(tracks), when, SITES, SETTINGS), some)
    assert len({*threats.time.tolist()}) == 10
    assert len(threats) > 50


def test_what_is_found_of_a_track_does_not_depend_on_which_others_there_are():
    tracks, some = swarm(80), np.arange(3, 80, 11)
    for (_, every), (_, alone) in zip(ticks(tracks, 15), ticks(tracks.take(some), 15), strict=True):
        assert pairs(every, tracks.number[some]) == pairs(alone, tracks.number[some])
        assert len(alone)


def turned(tracks, degrees, faster=1.0):
    """Return the tracks on other courses, level at the plant."""
    at = np.radians([PLANT.latitude, PLANT.longitude])
    up = np.array([np.cos(at[0]) * np.cos(at[1]), np.cos(at[0]) * np.sin(at[1]), np.sin(at[0])])
    velocity, angle = tracks.mean[:, 3:], np.radians(degrees)
    around = np.cos(angle) * velocity + np.sin(angle) * np.cross(up, velocity)
    around += (1 - np.cos(angle)) * (velocity @ up)[:, None] * up
    return replace(tracks, mean=np.hstack([tracks.mean[:, :3], faster * around]))


@pytest.mark.parametrize(("degrees", "faster", "climbs", "at_once"), [
    (10.0, 1.0, 0.0, True), (-10.0, 1.0, 0.0, True), (0.0, 1.2, 0.0, True), (0.0, 0.8, 0.0, True),
    (2.0, 1.0, 0.0, False), (0.0, 1.04, 0.0, False), (0.0, 1.0, 9.0, False),
])  # fmt: skip
def test_who_flies_another_course_than_it_was_judged_by_is_judged_at_once(degrees, faster, climbs, at_once):
    """Of 60 m/s, known to 3 m/s each way."""
    tracks = swarm(40)
    *_, (time, before) = ticks(tracks, 5)
    after = turned(tracks, degrees, faster)
    up = after.mean[:, :3] / np.linalg.norm(after.mean[:, :3], axis=1)[:, None]
    after.mean[:, 3:] += climbs * up
    found = evaluate(Seen(after), time + 1, SITES, SETTINGS, before)
    assert len(judged(found, time + 1)) == (40 if at_once else 0)
    if at_once:
        again = evaluate(Seen(after), time + 2, SITES, SETTINGS, found)
        assert not judged(again, time + 2)


@pytest.mark.parametrize("tracks", [swarm(30), flying(*[[20_000, 0, 100, -50, 0, 0]] * 30)], ids=["each", "alike"])
def test_who_is_new_or_shown_again_is_judged_at_once_and_who_is_not_shown_has_none(tracks):
    *_, (time, threats) = ticks(tracks, 5)
    gone = 1 + int(threats.track[0])
    status = np.where(tracks.number == gone, Status.DROPPED, Status.CONFIRMED).astype(np.int8)
    without = evaluate(Seen(replace(tracks, status=status)), time + 1, SITES, SETTINGS, threats)
    assert gone not in without.judged.number
    assert len(without) == (threats.track != gone).sum()
    assert not judged(without, time + 1)
    again = evaluate(Seen(tracks), time + 2, SITES, SETTINGS, without)
    assert judged(again, time + 2) == {gone}
    assert len(again) == len(threats)


def test_who_becomes_a_suspect_is_judged_at_once_and_who_is_none_any_more_has_none():
    tracks, suspects = swarm(3), AlertSettings(alert_on=AlertOn.SUSPECT)
    found = None
    for k, numbers in enumerate([(1,), (1, 2), (2,)]):
        said = tuple(Identity(n, Category.SUSPECT if n in numbers else Category.UNKNOWN) for n in (1, 2, 3))
        found = evaluate(Seen(tracks, said), TIME + k, SITES, suspects, found)
        assert tuple(found.judged.number.tolist()) == numbers
        assert {*found.track.tolist()} == {*numbers}


def test_of_other_sites_nothing_stands():
    tracks = swarm(20)
    *_, (time, before) = ticks(tracks, 5)
    for sites in ((BESIDE, PLANT), (PLANT,), ()):
        found = evaluate(Seen(tracks), time + 1, sites, SETTINGS, before)
        assert pairs(found, tracks.number) == pairs(evaluate(Seen(tracks), time + 1, sites, SETTINGS), tracks.number)


def test_people_read_times_from_the_time_they_ask_for_and_never_negative_ones():
    tracks = swarm(40)
    *_, (time, threats) = ticks(tracks, 8)
    assert len({*threats.time.tolist()}) > 1
    rows = threats.at(time + SECOND // 2)
    assert [(row.site, row.track) for row in rows] == [
        (threats.sites[site], track) for site, track in zip(threats.site, threats.track, strict=True)
    ]
    for row, when, times in zip(rows, threats.time, threats.times, strict=True):
        assert row.times == pytest.approx(times - (time + SECOND // 2 - when) / SECOND)
    assert {*(t for row in threats.at(time + 20_000 * SECOND) for t in row.times)} == {0.0}
    likely = threats.at(time, 0.3)
    assert likely == [row for row in threats.at(time) if row.probability >= 0.3]
    assert 0 < len(likely) < len(rows)


def turning(second, side=1.0):
    """Fly west 12 km beside the site at 120 m/s, then from 20 s on turn towards it at 1.5 deg/s."""
    start, rate, speed = 20.0, np.radians(1.5), 120.0
    angle = np.clip((second - start) * rate, 0, np.pi / 2)
    radius, straight = speed / rate, max(second - start - np.pi / 2 / rate, 0) * speed
    east = radius + speed * max(start - second, 0) - radius * np.sin(angle) - straight * np.cos(angle)
    north = 12_000 - radius * (1 - np.cos(angle)) - straight * np.sin(angle)
    return [east, side * north, 2000, -speed * np.cos(angle), -side * speed * np.sin(angle), 0]


@pytest.mark.parametrize("number", [1, 2, 3, 7, 12])
def test_who_turns_towards_a_site_is_announced_a_second_later_at_most_than_if_judged_in_each_tick(number):
    rng, raised = np.random.default_rng(number), {}
    standing, threats, past = {True: (), False: ()}, None, Past()
    for k in range(1000):
        second, time = k / 10, TIME + k * TENTH
        if k % 40 == number:
            error = np.concatenate([rng.normal(0, 60.0, 3), rng.normal(0, 3.0, 3)])
            tracks = flying(np.array(turning(second)) + error, sigma=(60.0, 3.0), time=time)
            tracks = replace(tracks, number=np.array([number]))
        elif k < number:
            continue
        past = flown(past, tracks, time, 0.1)
        threats = evaluate(Seen(tracks, past=past), time, SITES, SETTINGS, threats)
        each = evaluate(Seen(tracks, past=past), time, SITES, SETTINGS)
        for in_turn, found in ((True, threats), (False, each)):
            standing[in_turn], events = decide(standing[in_turn], found, time, SITES, SETTINGS, {number})
            if any(isinstance(event, AlertRaised) and event.alert.site == "plant" for event in events):
                raised.setdefault(in_turn, second)
    assert 20 < raised[False] < 80
    assert raised[True] - raised[False] <= 1.0


@cache
def inputs():
    return raid.inputs(14)


def started():
    """Return a line with threats after some seconds, and the last seq."""
    line, seq = Line(), 0
    for turn in inputs():
        for event in turn:
            seq += 1
            line.feed(seq, event)
    assert len(line.picture.threats) > 1
    return line, seq


def test_a_line_restored_between_two_turns_goes_on_to_the_same_hashes():
    line, seq = started()
    assert len({*line.picture.threats.judged.time.tolist()}) == 1
    hashes, counts = [], []
    other = Line.restore(line.save())
    for k in range(1, 26):
        event = Tick(line.picture.time + TENTH)
        outputs = line.feed(seq + k, event)
        assert other.feed(seq + k, event) == outputs
        hashes.append(next(one.event.digest for one in outputs if isinstance(one.event, Stepped)))
        counts.append(len(judged(line.picture.threats, event.time)))
        other = Line.restore(other.save())
    assert len({*hashes}) == 25
    assert 0 in counts[:10]
    assert len({*line.picture.threats.judged.time.tolist()}) > 1
    assert pairs(other.picture.threats, other.picture.tracks.number) == pairs(
        line.picture.threats, line.picture.tracks.number
    )


@pytest.mark.parametrize("changed", ["", "sites", "alert"])
def test_after_a_change_of_sites_or_of_alert_settings_all_are_judged_anew(changed):
    line, seq = started()
    line.feed(seq + 1, Tick(line.picture.time + TENTH))
    before = line.picture.threats
    changes = {
        "sites": {"sites": tuple(msgspec.structs.replace(site, radius_m=900.0) for site in line.settings.sites)},
        "alert": {"alert": msgspec.structs.replace(line.settings.alert, floor_probability=0.3)},
    }
    again = msgspec.structs.replace(line.settings, **changes.get(changed, {}))
    time = line.picture.time
    line.feed(seq + 2, Started(time, line.picture.mode, "", "1", resolved(again), reload=True))
    stands = line.picture.threats
    assert (len(stands), len(stands.judged.number)) == ((0, 0) if changed else (len(before), len(before.judged.number)))
    time += 1
    line.feed(seq + 3, Tick(time))
    numbers = {*line.picture.threats.judged.number.tolist()}
    assert numbers == {*before.judged.number.tolist()}
    assert (judged(line.picture.threats, time) == numbers) == bool(changed)
    shown = line.picture
    anew = evaluate(Seen(shown.tracks, shown.identities, shown.past), time, again.sites, again.alert)
    assert (pairs(shown.threats, shown.tracks.number) == pairs(anew, shown.tracks.number)) == bool(changed)


def test_threats_are_read_only():
    *_, (_, threats) = ticks(swarm(20), 3)
    for column in [getattr(threats, name) for name in PAIRS]:
        assert not column.flags.writeable
    assert not any(c.flags.writeable for c in (threats.judged.number, threats.judged.time, threats.judged.velocity))
