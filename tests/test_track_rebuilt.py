"""The head made anew after something late: as if it had come in time, with the numbers that people know."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from test_track_chain import FLIGHTS, SETTINGS, seen
from track_world import START, Adsb, Flight, Radar, Sky

from skywarden.model.event import Refused, Started, Tick, TrackConfirmed, TrackDropped
from skywarden.model.track import Mode, Part, Picture, Status
from skywarden.pipeline import Line
from skywarden.saved import digest
from skywarden.track import chain, settled
from skywarden.track.chain import tracks_of
from skywarden.track.handover import WITHDRAWN, handed_over
from skywarden.track.items import items
from skywarden.track.settings import TrackerSettings
from skywarden.track.settled import progressed, received
from skywarden.track.step import track
from skywarden.track.waiting import Waiting

TICK = 250_000_000  # ns
LATE_BY = 6 * 4  # ticks


def flown(batches, late=frozenset(), until=25.0, settings=SETTINGS):
    """Return pictures by tick and events of batches that come in the tick of their time, some of them later."""
    picture, pictures, events = Picture(START), [], []
    for k in range(round(until * 4)):
        now = START + (k + 1) * TICK
        arrived = [
            one
            for i, one in enumerate(batches)
            if (int(one.time[0]) - START) // TICK == k - (LATE_BY if i in late else 0)
        ]
        tracked = track(picture, arrived, now, settings)
        picture = replace(tracked.onto(picture), time=now)
        events += tracked.events
        pictures.append(picture)
    return pictures, events


def test_after_late_data_the_head_is_what_it_would_be_had_it_come_in_time():
    batches = seen()
    late = {i for i, one in enumerate(batches) if one.sensor == "r" and 6.0 < (one.time[0] - START) * 1e-9 < 11.0}
    assert len(late) == 2
    prompt, _ = flown(batches)
    delayed, events = flown(batches, late)
    rebuilt = [k for k in range(1, len(delayed)) if delayed[k].chains.begun > delayed[k - 1].chains.begun]
    assert rebuilt  # and in the same tick done or in the next, if something is settled in the same: there are few
    assert all(delayed[k + 1].chains.rebuilt is None for k in range(len(delayed) - 1) if delayed[k].chains.rebuilt)
    one, two = prompt[-1].tracks, delayed[-1].tracks
    before = delayed[rebuilt[0] - 1].tracks  # what came in by way of targets' pasts is not quite the same
    assert abs(before.mean[:5] - prompt[rebuilt[0] - 1].tracks.mean[:5]).max() > 1.0
    assert two.label.tolist() == one.label.tolist()
    assert two.time.tolist() == one.time.tolist()
    assert two.mean == pytest.approx(one.mean, abs=1e-6)
    assert two.covariance == pytest.approx(one.covariance, rel=1e-6, abs=1e-6)
    assert two.existence == pytest.approx(one.existence, abs=1e-9)
    assert [e.number for e in events if isinstance(e, TrackConfirmed)] == list(range(1, len(FLIGHTS) + 1))
    assert not [e for e in events if isinstance(e, TrackDropped)]


def test_it_is_made_anew_no_more_often_than_once_in_what_is_waited():
    batches = seen()
    late = {i for i, one in enumerate(batches) if one.sensor == "r"}  # all of them, always
    pictures, _ = flown(batches, late)
    begun = sorted({picture.chains.begun for picture in pictures})
    assert len(begun) == 3  # the start counts as one
    assert np.diff(begun).min() >= 10 * chain.SECOND


def test_it_takes_some_ticks_where_much_waits_and_what_comes_meanwhile_is_in_it(monkeypatch):
    monkeypatch.setattr(settled, "PACE", 12)
    monkeypatch.setattr(settled, "REBUILT_PACE", 12)
    batches = seen()
    times = {("r", 2.0), ("s", 5.3)}  # the second comes while the head is made anew, past that place already
    late = {i for i, one in enumerate(batches) if (one.sensor, round((one.time[0] - START) * 1e-9, 3)) in times}
    assert len(late) == 2
    prompt, _ = flown(batches)
    delayed, _ = flown(batches, late)
    under_way = [k for k, picture in enumerate(delayed) if picture.chains.rebuilt is not None]
    assert len(under_way) >= 4
    done = next(k for k in range(under_way[0], len(delayed)) if delayed[k].chains.rebuilt is None)
    one, two = prompt[done].tracks, delayed[done].tracks
    mine = [two.label.tolist().index(label) for label in one.label[one.status == Status.CONFIRMED].tolist()]
    off = np.linalg.norm(two.mean[mine, :3] - one.mean[one.status == Status.CONFIRMED, :3], axis=1)
    assert off.max() < 60.0  # what comes late to it comes in by way of a target's past
    never, _ = flown([one for i, one in enumerate(batches) if i != max(late)], late - {max(late)})
    three = never[done].tracks
    there = [three.label.tolist().index(label) for label in two.label[mine].tolist()]
    assert np.linalg.norm(two.mean[mine, :3] - three.mean[there, :3], axis=1).min() > 0.01


def test_what_it_still_needs_waits_though_it_has_settled_and_who_is_too_slow_is_given_up(monkeypatch):
    monkeypatch.setattr(settled, "REBUILT_PACE", -40)  # no more than a look a tick, and that is less than comes
    batches = seen()
    late = {i for i, one in enumerate(batches) if one.sensor == "r" and i % 5 == 0}
    pictures, _ = flown(batches, late)
    behind, given_up = 0, 0
    for k, (before, after) in enumerate(pairwise(pictures), 1):
        given_up += before.chains.rebuilt is not None and after.chains.rebuilt is None and after.chains.late
        if after.chains.rebuilt is not None:
            since = after.chains.rebuilt.until
            behind += since < after.chains.settled.until
            assert after.chains.settled.until - since < 2 * settled.LATE
            came = [
                one.time
                for i, one in enumerate(batches)
                if (int(one.time[0]) - START) // TICK + LATE_BY * (i in late) <= k
            ]
            wanted = np.concatenate(came)
            waits = Waiting(after.chains.waiting).times(since)
            assert sorted(waits.tolist()) == sorted(wanted[wanted >= since].tolist())
    assert behind > 3
    assert given_up > 0


def test_it_rests_in_a_tick_that_settles_something_unless_the_tick_before_did_too(monkeypatch):
    monkeypatch.setattr(settled, "REBUILT_PACE", 1)
    batches = seen()
    pictures, _ = flown(batches, {i for i, one in enumerate(batches) if one.sensor == "r" and i % 5 == 0})
    rested, went_on = [], []
    for before, after in pairwise(pictures):
        one, two = before.chains, after.chains
        settles = two.settled.beliefs is not one.settled.beliefs
        assert two.busy == settles
        if one.rebuilt is not None and two.rebuilt is not None:
            (rested if settles and not one.busy else went_on).append(two.rebuilt.until > one.rebuilt.until)
    assert len(rested) >= 3
    assert not any(rested)
    assert any(went_on)


def test_a_restart_in_between_changes_nothing(monkeypatch):
    monkeypatch.setattr(settled, "PACE", 12)
    monkeypatch.setattr(settled, "REBUILT_PACE", 12)
    batches = seen()
    late = {i for i, one in enumerate(batches) if one.sensor == "r" and i % 5 == 0}
    pictures, _ = flown(batches, late)
    picture = next(picture for picture in pictures if picture.chains.rebuilt is not None)
    line = Line()
    line.feed(1, Started(START, Mode.SIM, "", ""))
    line.picture = replace(picture, mode=Mode.SIM)
    again = Line.restore(line.save())
    assert digest(again.picture) == digest(line.picture)
    for k in range(1, 60):
        for each in (line, again):
            each.feed(k + 1, Tick(picture.time + k * TICK))
        assert digest(again.picture) == digest(line.picture)
        assert again.picture.chains.settled.digest == line.picture.chains.settled.digest
    assert line.picture.chains.rebuilt is None
    assert line.picture.chains.settled.until > picture.chains.settled.until + 10 * chain.SECOND


def test_the_digest_is_of_all_that_the_picture_shows_and_of_what_is_settled():
    pictures, _ = flown(seen())
    last = pictures[-1]
    assert digest(replace(last, chains=replace(last.chains, waiting=()))) == digest(last)
    other = replace(last.chains, settled=replace(last.chains.settled, digest="another"))
    assert digest(replace(last, chains=other)) != digest(last)
    assert digest(replace(last, time=last.time + 1)) != digest(last)


def test_tracks_that_nothing_explains_any_more_are_withdrawn():
    pictures, _ = flown(seen(), until=15.0)
    last = pictures[-1]
    shown = last.tracks.number[last.tracks.shown()].tolist()
    assert len(shown) == len(FLIGHTS)
    empty = replace(last.chains, settled=chain.begun(last.chains.settled.until), waiting=(), late=True)
    tracked = track(replace(last, chains=empty), [], last.time + TICK, SETTINGS)
    assert [(e.number, e.reason) for e in tracked.events] == [(number, WITHDRAWN) for number in shown]
    assert len(tracked.tracks) == len(tracked.beliefs.targets) == 0


# who is who


@pytest.fixture(scope="module")
def crowd():
    flights = [Flight(3000.0 * k, 500.0 * k, 1000, 60, 0.3 * k, 7 + k if k % 2 else -1) for k in range(8)]
    return Sky(flights, [Radar("r", 9000.0, -6000.0, revisit=1.0, detection=1.0), Adsb()]).run(12.0)


def as_chain(tracks, **changes):
    """Return tracks as a chain has them: no numbers, confirmed or tentative, heard at other ticks than the head."""
    nobody = np.zeros(len(tracks), np.int64)
    status = np.where(tracks.number > 0, Status.CONFIRMED, Status.TENTATIVE).astype(np.int8)
    known = {"number": nobody, "status": status, "heard": tracks.heard - 1_000_000_000, "since": nobody}
    return replace(tracks, **(known | changes))


def test_the_same_label_keeps_its_number_whatever_the_order(crowd):
    before = crowd.shown()
    order = np.random.default_rng(1).permutation(len(before))
    handed = handed_over(before, as_chain(before.take(order)), crowd.picture.time, SETTINGS)
    assert handed.withdrawn == []
    assert (before.since > 0).all()
    for name in ("number", "status", "heard", "since"):
        assert getattr(handed.tracks, name).tolist() == getattr(before, name)[order].tolist()


def test_another_label_at_the_same_place_takes_the_number_over(crowd):
    before = crowd.shown()
    order = np.random.default_rng(2).permutation(len(before))
    moved = before.mean + np.random.default_rng(3).normal(size=before.mean.shape) * [3, 3, 3, 0.2, 0.2, 0.2]
    after = as_chain(replace(before, label=before.label + 1, mean=moved).take(order))
    handed = handed_over(before, after, crowd.picture.time, SETTINGS)
    assert handed.withdrawn == []
    assert handed.tracks.number.tolist() == before.number[order].tolist()


def test_a_number_goes_neither_to_another_address_nor_far_nor_to_who_is_unlikely(crowd):
    before = crowd.shown()
    k = int(np.flatnonzero(before.address >= 0)[0])
    for name, value in (
        ("address", before.address[k] + 1),
        ("mean", before.mean[k] + 3000.0),
        ("existence", 0.4),
    ):
        column = getattr(as_chain(before), name).copy()
        column[k] = value
        label = before.label.copy()
        label[k] += 1
        handed = handed_over(before, as_chain(before, label=label, **{name: column}), crowd.picture.time, SETTINGS)
        assert handed.withdrawn == [before.number[k]]
        assert handed.tracks.number[k] == 0
        rest = np.arange(len(before)) != k
        assert handed.tracks.number[rest].tolist() == before.number[rest].tolist()


def test_two_never_take_one_number_over(crowd):
    before = crowd.shown().take([0])
    twins = crowd.shown().take([0, 0])
    beside = twins.mean + np.array([[0.0], [1.0]]) * [3, 0, 0, 0, 0, 0]
    after = as_chain(twins, label=twins.label + np.array([1, 2]), mean=beside)
    handed = handed_over(before, after, crowd.picture.time, SETTINGS)
    assert handed.tracks.number.tolist() == [before.number[0], 0]
    assert handed.withdrawn == []


def test_nobody_before_or_after(crowd):
    before = crowd.shown()
    nobody = before.take(np.zeros(0, np.int64))
    assert handed_over(before, nobody, crowd.picture.time, SETTINGS).withdrawn == before.number.tolist()
    assert handed_over(nobody, as_chain(before), crowd.picture.time, SETTINGS).tracks.number.tolist() == [0] * len(
        before
    )


# bounds


def test_where_too_much_waits_it_is_settled_sooner():
    few = TrackerSettings(settle_s=10.0, max_waiting=40)
    batches = seen()
    pictures, events = flown(batches, settings=few)
    for picture in pictures:
        waiting = sum(len(part.rows) for part in picture.chains.waiting if isinstance(part, Part))
        settled_until = picture.chains.settled.until
        left = sum(
            int((items([one], few).rows["time"] >= settled_until).sum())
            for one in batches
            if one.time[0] < picture.time
        )
        assert left <= 40 + 30  # and those of the quantum that is cut
        assert waiting <= 3 * 40
    assert pictures[-1].chains.settled.until > START + 20 * chain.SECOND
    assert not [e for e in events if isinstance(e, Refused)]


def test_items_that_break_the_filter_are_left_out_and_said_and_the_others_settled(monkeypatch):
    plain, broken = chain.taken, []

    def taken(beliefs, sensors, new, settings):
        if "s" in [new.names[k] for k in new.senses["sensor"][new.rows["sense"]]]:
            broken.append(len(new))
            raise ZeroDivisionError
        return plain(beliefs, sensors, new, settings)

    monkeypatch.setattr(chain, "taken", taken)
    batches = seen()
    chains, faults = Picture(START).chains, 0
    for k in range(120):
        now = START + (k + 1) * TICK
        some = [one for one in batches if now - TICK <= one.time[0] < now]
        progress = progressed(chains, now - TICK, SETTINGS, False)
        chains = received(progress.chains, items(some, SETTINGS) if some else None, now, SETTINGS, False)
        faults += sum(progress.faults.values())
        assert set(progress.faults) <= {"s", "r", "adsb"}
    assert faults == sum(broken) > 0
    assert chains.settled.until == START + round(19.5e9)
    assert len(tracks_of(chains.settled, SETTINGS)) >= len(FLIGHTS)
