"""What is made between two ticks is what would be made in the tick; what was made for another picture is not used."""

from dataclasses import replace

import pytest
import raid

from skywarden import ahead, pipeline
from skywarden.ahead import CHAIN, Ahead, made
from skywarden.config import parse
from skywarden.model.detection import Reason
from skywarden.model.event import Failed, Refused, Stepped
from skywarden.pipeline import Line, step
from skywarden.saved import digest


@pytest.fixture(scope="module")
def fed():
    """Return a line after half a minute of a raid, and the inputs after it."""
    started, *turns = raid.inputs(40)
    line = Line()
    for seq, event in enumerate([*started, *(event for turn in turns[:30] for event in turn)], 1):
        line.feed(seq, event)
    return line, [event for turn in turns[30:] for event in turn]


def test_it_is_the_same_beforehand_and_at_once(fed):
    line, _ = fed
    early = Ahead()
    early.begin(line.picture.chains, line.picture.time, line.settings)
    one, two = early.take(line.picture, line.settings), made(line.picture.chains, line.picture.time, line.settings)
    assert one.chains.settled.digest == two.chains.settled.digest
    assert one.chains.settled.until == two.chains.settled.until > 0
    later, _ = step(line.picture, [], line.picture.time + raid.SECOND, line.settings, one)
    plain, _ = step(line.picture, [], line.picture.time + raid.SECOND, line.settings)
    assert digest(later) == digest(plain)


def test_what_was_made_for_another_picture_or_other_settings_is_not_used(fed):
    line, _ = fed
    early = Ahead()
    early.begin(line.picture.chains, line.picture.time, line.settings)
    later = replace(line.picture, time=line.picture.time + raid.SECOND)
    other = parse(BEGUN.replace("[tracker]", "[tracker]\nsettle_s = 3.0", 1))
    for picture, settings in ((later, line.settings), (line.picture, other)):
        found, wanted = early.take(picture, settings), made(picture.chains, picture.time, settings)
        assert found.chains.settled.until == wanted.chains.settled.until
        assert found.chains.settled.until > early.take(line.picture, line.settings).chains.settled.until
    nothing = replace(line.picture, chains=type(line.picture.chains)())
    early.begin(nothing.chains, nothing.time, line.settings)
    assert early.take(nothing, line.settings).chains is nothing.chains


def gone_on(line, rest, beside, monkeypatch):
    """Return what a copy of a line tells of the inputs `rest`, and of which times chains were made in that."""
    again, times = Line.restore(line.save()), []

    def counted(chains, time, settings):
        times.append(time)
        return made(chains, time, settings)

    monkeypatch.setattr(ahead, "made", counted)
    again.beside = beside
    told = [caused for seq, event in enumerate(rest, 10_000) for caused in again.feed(seq, event)]
    ahead.worker().submit(int).result()  # what was begun beside the last tick
    return told, times, again


def test_beside_the_tick_they_are_the_same_and_made_once(fed, monkeypatch):
    line, rest = fed
    plain, one, _ = gone_on(line, rest, False, monkeypatch)
    beside, two, again = gone_on(line, rest, True, monkeypatch)
    assert plain == beside
    assert len([c for c in plain if isinstance(c.event, Stepped)]) == len(one) > 5
    assert two == [*one, again.picture.time]


def test_a_tick_that_breaks_takes_the_chains_of_what_was_left_of_it(fed, monkeypatch):
    line, rest = fed
    sound, broken = pipeline.track, []

    def breaks(picture, batches, *rest):
        found = sound(picture, batches, *rest)  # chains have been told of it by then
        if len(broken) < 3 and batches:
            broken.append(picture.time)
            raise ZeroDivisionError
        return found

    results = []
    for beside in (False, True):
        broken.clear()
        monkeypatch.setattr(pipeline, "track", breaks)
        results.append(gone_on(line, rest, beside, monkeypatch)[0])
        assert len(broken) == 3
    assert results[0] == results[1]
    assert [c for c in results[0] if isinstance(c.event, Refused) and c.event.reason == Reason.DECODER_FAULT]


BEGUN = raid.inputs(1)[0][0].settings + "\n[tracker]\n"


def test_a_fault_of_ours_in_the_chains_is_told_and_stops_no_tick(fed, monkeypatch):
    line, rest = fed

    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(ahead, "progressed", broken)
    again = Line.restore(line.save())
    before, told = again.picture.chains.settled.until, []
    for seq, event in enumerate(rest, 10_000):
        told += [caused.event for caused in again.feed(seq, event)]
    assert [e for e in told if isinstance(e, Refused) and e.source == CHAIN]
    assert not [e for e in told if isinstance(e, Failed)]
    assert again.picture.chains.settled.until == before
    assert again.picture.time > line.picture.time
    assert len(again.picture.tracks) > 0
