"""A record run again gives the same, byte for byte; what differs is found; a cut record is gone on from."""

import json
import os
import subprocess
import sys

import pytest
import raid

from skywarden import replay as module
from skywarden.errors import RecordError
from skywarden.model.assessment import Alert
from skywarden.model.detection import Frame
from skywarden.model.event import AlertRaised, Arrived, Entry, Refused, Started, Stepped, Tick, decode, encode
from skywarden.record import SqliteLog, SqliteRecord
from skywarden.replay import by_tick, compare, is_input, replay, to_json, verify

RECORD = raid.record()
TURNS_OF_THREE = raid.record(turns=3, ticks=3)  # outputs of three ticks after the inputs of three ticks


def outputs(entries):
    return [(e.cause, e.payload) for e in entries if not is_input(e)]


def changed(entries: list[Entry], index: int, *instead: Entry) -> list[Entry]:
    return [*entries[:index], *instead, *entries[index + 1 :]]


def where(entries: list[Entry], kind: type, skip: int = 3) -> int:
    """Return the index of the fourth event of a kind."""
    return [i for i, e in enumerate(entries) if isinstance(decode(e.payload), kind)][skip]


def test_the_record_that_these_tests_use_has_tracks_and_refusals():
    kinds = {type(decode(e.payload)).__name__ for e in RECORD}
    assert {"Started", "Arrived", "Tick", "Refused", "TrackConfirmed", "TrackStates", "Stepped"} <= kinds


@pytest.mark.parametrize("entries", [RECORD, TURNS_OF_THREE], ids=["one tick a turn", "three"])
def test_a_replay_gives_what_was_recorded_byte_for_byte(entries):
    again = list(replay(entries))
    assert outputs(again) == outputs(entries)
    assert [e for e in again if is_input(e)] == [e for e in entries if is_input(e)]
    assert verify(entries) is None
    assert compare(entries)[1:3] == (len(outputs(entries)), 0)


def test_outputs_follow_their_tick_at_once_whatever_the_record_has_between():
    last = 0
    for entry in replay(TURNS_OF_THREE):
        event = decode(entry.payload)
        if isinstance(event, Stepped):
            assert entry.cause == last
        elif isinstance(event, Tick):
            last = entry.seq


def test_a_replay_needs_no_recorded_outputs():
    assert outputs(replay(e for e in RECORD if is_input(e))) == outputs(RECORD)


def test_groups_end_with_a_tick_and_tell_its_time():
    groups = list(by_tick(RECORD[:-1]))
    ticks = [e for e in RECORD if isinstance(decode(e.payload), Tick)]
    assert [time for time, _ in groups] == [e.time for e in ticks]
    assert [e for _, group in groups for e in group] == list(replay(RECORD[:-1]))


def test_inputs_after_the_last_tick_are_the_last_group():
    *_, (_, group) = by_tick(RECORD[: where(RECORD, Arrived) + 1])
    assert {type(decode(e.payload)) for e in group} <= {Started, Arrived}
    assert group[-1] == RECORD[where(RECORD, Arrived)]


def test_a_changed_output_is_found_and_shown():
    index = where(RECORD, Refused, 0)
    entry = RECORD[index]
    difference = verify(changed(RECORD, index, entry._replace(payload=encode(Refused("adsb", "malformed", 99)))))
    assert (difference.seq, difference.cause) == (entry.seq, entry.cause)
    assert json.loads(difference.recorded)["count"] == 99
    assert json.loads(difference.replayed)["count"] == 1
    assert f"entry {entry.seq}" in str(difference)


@pytest.mark.parametrize("entries", [RECORD, TURNS_OF_THREE], ids=["one tick a turn", "three"])
def test_a_single_output_that_is_missing_doubled_or_under_another_cause_is_found(entries):
    found = [(i, e) for i, e in enumerate(entries) if not is_input(e)]
    for index, entry in found[:-1:9]:
        assert verify(changed(entries, index)) is not None
        assert verify(changed(entries, index, entry, entry)) is not None
        assert verify(changed(entries, index, entry._replace(cause=entry.cause - 1))) is not None


def test_an_output_that_the_replay_does_not_give_is_found():
    extra = Entry(len(RECORD) + 1, RECORD[-1].time, RECORD[-1].cause, encode(Refused("adsb", "malformed", 1)))
    difference = verify([*RECORD, extra])
    assert (difference.seq, difference.replayed) == (extra.seq, None)


def test_any_changed_message_is_found():
    index = where(RECORD, Arrived)
    frame = decode(RECORD[index].payload).frame
    data = bytearray(frame.data)
    data[-1] ^= 1
    other = Frame(frame.source, frame.received, bytes(data), frame.lengths)
    assert verify(changed(RECORD, index, RECORD[index]._replace(payload=encode(Arrived(other))))) is not None


def test_an_output_that_is_no_event_is_shown_as_bytes():
    index = where(RECORD, Stepped)
    difference = verify(changed(RECORD, index, RECORD[index]._replace(payload=b"\xff\x00")))
    assert "no event: ff00" in difference.recorded


def test_an_input_that_cannot_be_read_names_its_entry():
    index = where(RECORD, Arrived)
    with pytest.raises(RecordError, match=f"entry {RECORD[index].seq} cannot be read"):
        verify(changed(RECORD, index, RECORD[index]._replace(payload=b"\xff\x00")))


def test_an_output_in_the_place_of_an_input_is_damage():
    index = where(RECORD, Arrived)
    with pytest.raises(RecordError, match="holds Stepped"):
        verify(changed(RECORD, index, RECORD[index]._replace(payload=encode(Stepped(1, "")))))


def test_a_record_without_its_beginning_says_so():
    with pytest.raises(RecordError, match="beginning is missing"):
        verify(RECORD[1:])


def test_outputs_that_never_come_do_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(module, "HELD", 2000)
    difference = verify(e for e in RECORD if is_input(e))
    assert difference.seq == 0
    assert difference.recorded is None


@pytest.mark.parametrize("entries", [RECORD, TURNS_OF_THREE], ids=["one tick a turn", "three"])
def test_a_record_may_end_anywhere(entries):
    for end in [*range(0, len(entries), 11), *range(len(entries) - 8, len(entries))]:
        assert verify(entries[:end]) is None


def test_json_has_number_time_type_and_fields_in_this_order():
    arrived = to_json(RECORD[where(RECORD, Arrived)])
    assert list(json.loads(arrived)) == ["seq", "time", "type", "source", "messages"]
    stepped = to_json(RECORD[where(RECORD, Stepped)])
    assert list(json.loads(stepped)) == ["cause", "time", "type", "digest"]
    assert b"\n" not in arrived + stepped


def test_json_names_the_fields_of_an_alert():
    event = AlertRaised(Alert("Plant", 3, 1, 2, 1, 3, 0.5, 1))
    assert json.loads(to_json(Entry(9, 5, 8, encode(event)))) == {
        "cause": 8,
        "time": 5,
        "type": "AlertRaised",
        "alert": {"site": "Plant", "track": 3, "raised": 1, "arrival": 2, "early": 1, "late": 3}
        | {"probability": 0.5, "updated": 1, "stake": 1.0},
    }


def test_json_of_messages_is_base64_of_each():
    entry = Entry(1, 7, 1, encode(Arrived(Frame.of("a", 7, b"\x00", b"ab"))))
    assert json.loads(to_json(entry))["messages"] == ["AA==", "YWI="]


def test_lines_of_outputs_are_the_same_live_and_replayed():
    live = [to_json(e) for e in TURNS_OF_THREE if not is_input(e)]
    assert [to_json(e) for e in replay(TURNS_OF_THREE) if not is_input(e)] == live


PRINT = """
import sys
from skywarden.record import SqliteRecord
from skywarden.replay import replay, to_json
for entry in replay(SqliteRecord(sys.argv[1]).entries()):
    print(to_json(entry).decode())
"""


def test_two_processes_with_different_hash_seeds_replay_to_the_same_bytes(tmp_path):
    log = SqliteLog(tmp_path / "record")
    log.append(RECORD)
    log.close()
    texts = []
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", PRINT, str(tmp_path / "record")]
        texts.append(subprocess.run(command, env=environment, check=True, capture_output=True).stdout)
    here = b"".join(to_json(e) + b"\n" for e in replay(SqliteRecord(tmp_path / "record").entries()))
    assert texts == [here, here]
    assert len(here.splitlines()) == len(RECORD)
