"""The straight line: what one input leads to, what survives a restart, what one bad sensor cannot do."""

import dataclasses
from functools import cache

import numpy as np
import pytest
import raid

from skywarden.model.detection import Decoded, Frame, Kind, Reason, detections
from skywarden.model.event import (
    Arrived,
    ClockStepped,
    Failed,
    Refused,
    SiteWatched,
    Started,
    Stepped,
    Tick,
    TrackConfirmed,
    TrackDropped,
    TrackStates,
)
from skywarden.model.track import Mode, Status
from skywarden.pipeline import Line
from skywarden.saved import digest
from skywarden.sensors import Reader
from skywarden.sensors.modes.lines import ModeS

SECOND = raid.SECOND


@cache
def turns(count):
    return raid.inputs(count)


def settings():
    return turns(14)[0][0].settings


def flown(count=14):
    """Return a line after some turns, everything it gave, and the last seq."""
    line, outputs, seq = Line(), [], 0
    for turn in turns(count):
        for event in turn:
            seq += 1
            outputs += line.feed(seq, event)
    return line, outputs, seq


def test_targets_seen_again_and_again_are_confirmed_and_numbered_once():
    line, outputs, _ = flown()
    numbers = [c.event.number for c in outputs if isinstance(c.event, TrackConfirmed)]
    assert len(numbers) >= 4
    assert numbers == list(range(1, len(numbers) + 1))
    shown = line.picture.tracks.number[line.picture.tracks.status == Status.CONFIRMED]
    assert set(shown.tolist()) <= set(numbers)


def test_only_a_tick_gives_outputs_and_each_names_its_cause():
    line, _, seq = flown(2)
    time = line.picture.time
    assert line.feed(seq + 1, Arrived(Frame.of("adsb", time, b"noise"))) == []
    after = line.feed(seq + 2, Tick(time + SECOND))
    assert [(c.cause, c.event) for c in after if isinstance(c.event, Refused)] == [
        (seq + 1, Refused("adsb", "malformed", 1))
    ]
    assert {c.cause for c in after if not isinstance(c.event, Refused)} == {seq + 2}
    assert isinstance(after[-1].event, Stepped)


def test_a_restored_line_goes_on_as_if_nothing_had_happened():
    whole, cut, seq = Line(), Line(), 0
    for number, turn in enumerate(turns(14)):
        for event in turn:
            seq += 1
            assert whole.feed(seq, event) == cut.feed(seq, event)
            if number in (5, 9):  # between two messages of a tick as well as after it
                cut = Line.restore(cut.save())
    assert len(whole.picture.tracks) > 3
    assert digest(whole.picture) == digest(cut.picture)


def test_the_digest_sees_the_smallest_change_of_the_picture():
    picture = flown()[0].picture
    mean = picture.tracks.mean.copy()
    mean[0, 0] = np.nextafter(mean[0, 0], np.inf)
    other = dataclasses.replace(picture, tracks=dataclasses.replace(picture.tracks, mean=mean))
    assert digest(other) != digest(picture)


def test_tick_time_never_goes_back():
    line, _, seq = flown(3)
    before = line.picture.time
    line.feed(seq + 1, Tick(before - 10 * SECOND))
    assert line.picture.time == before


def test_a_step_of_the_hosts_clock_changes_nothing_in_the_picture():
    line, _, seq = flown(3)
    before = digest(line.picture)
    assert line.feed(seq + 1, ClockStepped(line.picture.time, 10 * SECOND)) == []
    assert digest(line.picture) == before


@pytest.mark.parametrize("mode", [Mode.LIVE, Mode.REPLAY, Mode.EXERCISE])
def test_nothing_simulated_lives_on_when_the_mode_changes(mode):
    line, _, seq = flown()
    numbers = line.picture.next_number
    line.feed(seq + 1, Started(line.picture.time, mode, settings(), "1"))
    assert len(line.picture.tracks) == 0
    assert line.picture.mode is mode
    assert line.picture.alerts == ()
    assert line.picture.next_number == numbers > 1  # numbers are not used again


def test_what_came_under_one_mode_is_never_seen_by_the_next():
    line = Line()
    for seq, event in enumerate(e for turn in turns(14) for e in turn):
        line.feed(seq, event)
    arrived = [e for e in turns(15)[-1] if isinstance(e, Arrived)]
    for seq, event in enumerate(arrived, 1000):
        line.feed(seq, event)
    outputs = line.feed(2000, Started(line.picture.time, Mode.LIVE, settings(), "1"))
    assert isinstance(outputs[-1].event, Stepped)
    assert {c.event.number for c in outputs if isinstance(c.event, TrackDropped)}  # what was shown is ended in words
    after = line.feed(2001, Tick(line.picture.time + SECOND))
    said = [c.event for c in after if not isinstance(c.event, Stepped | TrackStates)]
    assert [(type(event), event.watched) for event in said] == [(SiteWatched, False)]  # as after each start
    assert len(line.picture.tracks) == 0


def test_a_clock_that_was_ahead_and_is_right_again_begins_a_new_picture():
    line, _, seq = flown()
    right = line.picture.time - 3600 * SECOND
    outputs = line.feed(seq + 1, Started(right, Mode.SIM, settings(), "1"))
    assert {c.event.reason for c in outputs if isinstance(c.event, TrackDropped)} == {"the clock was set back"}
    line.feed(seq + 2, Tick(right + SECOND))
    assert line.picture.time == right + SECOND


def test_a_source_whose_format_is_changed_begins_without_memory():
    line, _, seq = flown()
    changed = settings().replace('format = "modes"', 'format = "sbs"')
    assert changed != settings()
    line.feed(seq + 1, Started(line.picture.time, Mode.SIM, changed, "1"))
    line.feed(seq + 2, Started(line.picture.time, Mode.SIM, settings(), "1"))
    line.feed(seq + 3, Tick(line.picture.time + SECOND))
    assert Line.restore(line.save()).picture.time == line.picture.time


def test_formats_that_remember_alike_do_not_inherit_either():
    line, _, seq = flown()
    heard = line.reader.save()["adsb"]
    beast = settings().replace('format = "modes"', 'format = "beast"')
    line.feed(seq + 1, Started(line.picture.time, Mode.SIM, beast, "1"))
    assert len(line.reader.save()["adsb"]) < len(heard) / 2


def test_memory_that_cannot_be_read_is_begun_anew():
    line, _, _ = flown()
    fresh = Reader(line.settings.sources, line.settings.sensors, Mode.SIM)
    empty = fresh.save()
    fresh.restore({"adsb": b"\xc1"})
    assert fresh.save() == empty


def test_what_the_tracker_refuses_stands_in_the_health_of_its_source(monkeypatch):
    decode = ModeS.decode

    def absurd(self, frame):
        found = decode(self, frame)
        time = np.array([frame.received])
        wrong = detections(Kind.DELAY, "a/1-2", frame.received, time, np.ones((1, 1)), np.ones((1, 1, 1)))
        return Decoded(found.source, found.messages, (*found.batches, wrong), found.refused)

    monkeypatch.setattr(ModeS, "decode", absurd)
    line, outputs, _ = flown()
    (row,) = [row for row in line.picture.health if row.name == "adsb"]
    told = sum(c.event.count for c in outputs if isinstance(c.event, Refused) and c.event.reason == "unsupported")
    assert row.refused["unsupported"] == told > 3


def test_a_fault_that_no_batch_causes_is_told_and_the_picture_stands_still(monkeypatch):
    line, _, seq = flown()
    tracks = line.picture.tracks
    monkeypatch.setattr("skywarden.pipeline.evaluate", lambda *_: 1 // 0)
    outputs = line.feed(seq + 1, Tick(line.picture.time + SECOND))
    assert [c.event for c in outputs if isinstance(c.event, Failed)] == [Failed(line.picture.time, "ZeroDivisionError")]
    assert line.picture.tracks is tracks


def test_simulated_plots_never_enter_a_live_picture():
    live = Line()
    live.feed(1, Started(raid.START, Mode.LIVE, settings(), "1"))
    outputs = []
    for seq, event in enumerate((e for turn in turns(14)[1:] for e in turn), 2):
        if not (isinstance(event, Arrived) and event.frame.source == "adsb"):  # 1090 MHz has no mark for it
            outputs += live.feed(seq, event)
    assert len(live.picture.tracks) == 0
    assert sum(c.event.count for c in outputs if isinstance(c.event, Refused) and c.event.reason == "simulated") > 20


def test_a_restart_in_the_same_mode_keeps_the_tracks():
    line, _, seq = flown()
    numbers = line.picture.tracks.number.tolist()
    line.feed(seq + 1, Started(line.picture.time, Mode.SIM, settings(), "1"))
    assert line.picture.tracks.number.tolist() == numbers
    assert max(numbers) > 0


def test_a_decoder_that_breaks_is_counted_and_the_others_go_on(monkeypatch):
    def breaking(self, frame):
        raise ZeroDivisionError

    monkeypatch.setattr(ModeS, "decode", breaking)
    line, outputs, _ = flown()
    faults = [c.event for c in outputs if isinstance(c.event, Refused) and c.event.reason == Reason.DECODER_FAULT]
    assert {f.source for f in faults} == {"adsb"}
    assert len(line.picture.tracks) > 0


def test_a_batch_that_breaks_the_step_is_set_aside_and_the_others_are_tracked(monkeypatch):
    decode = ModeS.decode

    def poisoned(self, frame):
        found = decode(self, frame)
        time = np.array([frame.received])
        wrong = detections(Kind.POSITION, "wrong", frame.received, time, np.ones((1, 3)), np.eye(3)[None])
        wrong = dataclasses.replace(wrong, z=None, registration=7)  # a fault of ours that no check foresees
        return Decoded(found.source, found.messages, (*found.batches, wrong), found.refused)

    monkeypatch.setattr(ModeS, "decode", poisoned)
    monkeypatch.setattr("skywarden.sensors._sound", lambda batch, *_: batch)
    line, outputs, _ = flown()
    faults = [c.event for c in outputs if isinstance(c.event, Refused) and c.event.reason == "decoder fault"]
    assert {f.source for f in faults} == {"adsb"}  # told as the source that people know
    assert line.picture.next_number > 4


def test_messages_say_the_same_however_they_were_cut_into_frames():
    whole, cut = Line(), Line()
    for turn in turns(14):
        for seq, event in enumerate(turn):
            whole.feed(seq, event)
            frames = [event]
            if isinstance(event, Arrived):
                frame = event.frame
                frames = [Arrived(Frame.of(frame.source, frame.received, m)) for m in frame.messages()]
            for part in frames:
                cut.feed(seq, part)
    assert len(whole.picture.tracks) > 3
    assert digest(whole.picture) == digest(cut.picture)
