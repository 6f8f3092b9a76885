"""A process that takes a record up goes on as the one before would have."""

import re
from itertools import accumulate

import msgspec
import pytest
import raid
from raid import Engine

from skywarden.config import parse, resolved
from skywarden.model.event import Arrived, Entry, Started, Tick
from skywarden.record import MemoryLog
from skywarden.replay import compare, is_input, recover

RECORD = raid.record(turns=4)


def outputs(entries):
    return [e.payload for e in entries if not is_input(e)]


def reloaded(turns):
    """Return turns in which other settings come between two messages of a tick, and a source goes."""
    taken = raid.inputs(turns)
    (first,) = taken[0]
    time = taken[3][-1].time
    sooner = re.sub(r"radius_m = [\d.]+", "radius_m = 900.0", first.settings, count=1)
    assert parse(sooner) != parse(first.settings)
    taken[3].insert(1, Started(time, first.mode, sooner, "1", resolved(parse(sooner)), reload=True))
    fewer = msgspec.structs.replace(parse(sooner), sources=parse(sooner).sources[:1])
    taken[4].insert(-1, Started(time + raid.SECOND, first.mode, "", "1", resolved(fewer), reload=True))
    for turn in taken[5:]:
        turn[:] = [e for e in turn if not isinstance(e, Arrived) or e.frame.source == fewer.sources[0].name]
    return taken


@pytest.mark.parametrize(
    ("taken", "snapshots"),
    [(raid.inputs(6), 2), (raid.inputs(6), 0), (raid.inputs(2, 3), 1), (reloaded(6), 1), (reloaded(6), 0)],
)
def test_a_process_killed_after_any_entry_goes_on_as_if_it_had_not_been(taken, snapshots):
    """Cut the record at every entry, recover, append what is missing, go on: the same record, entry by entry."""
    whole = MemoryLog()
    engine = Engine(whole)
    states = []
    for number, turn in enumerate(taken):
        engine.turn(turn)
        if snapshots and number % snapshots == 0:
            states.append((engine.seq, engine.line.save()))
    expected = list(whole.entries())
    flat = [event for turn in taken for event in turn]
    ends = set(accumulate(len(turn) for turn in taken))
    for end in range(1, len(expected)):
        log = MemoryLog()
        log.append(expected[:end])
        for seq, state in states:
            if seq <= end:
                log.save_snapshot(seq, state)
        again = Engine(log)
        done = sum(is_input(e) for e in log.entries())
        while done < len(flat):  # the rest of the turn that was cut, then whole turns
            rest = next(e for e in sorted(ends) if e > done)
            again.turn(flat[done:rest])
            done = rest
        assert outputs(log.entries()) == outputs(expected)


def test_a_record_with_reloads_is_replayed_byte_for_byte_and_says_what_they_changed():
    log = MemoryLog()
    engine = Engine(log)
    for turn in reloaded(6):
        engine.turn(turn)
    assert compare(log.entries()).difference is None
    assert engine.line.settings.sites[0].radius_m == 900.0
    assert len(engine.line.settings.sources) == 1


def test_an_empty_log_recovers_to_a_new_line():
    line, last, missing = recover(MemoryLog())
    assert (line.picture, last, missing) == (None, 0, [])


def test_a_snapshot_of_another_version_is_passed_over():
    log = MemoryLog()
    log.append(RECORD)
    log.save_snapshot(len(RECORD) - 1, b"\x01 no line of ours")
    line, last, missing = recover(log)
    assert (last, missing) == (len(RECORD), [])
    assert line.save() == recover(_log(RECORD)).line.save()


def _log(entries: list[Entry]) -> MemoryLog:
    log = MemoryLog()
    log.append(entries)
    return log


def test_a_snapshot_spares_feeding_what_came_before_it():
    log = _log(RECORD)
    engine = Engine(log)
    engine.snapshot()
    engine.turn([Tick(RECORD[-1].time + 10**8)])
    log._entries[5] = Entry(6, 0, 6, b"\xff\x00")  # would raise if it were read
    assert recover(log).line.save() == engine.line.save()
