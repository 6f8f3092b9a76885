"""Entries of chosen kinds, and states to run from: over all segments, also while they are written."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skywarden.errors import RecordError
from skywarden.model.detection import Frame
from skywarden.model.event import Arrived, Entry, Stepped, Tick, encode
from skywarden.record import SqliteLog, SqliteRecord, segment
from skywarden.record.log import kind
from skywarden.record.reading import ROWS
from skywarden.record.retention import Keep

SMALL = Keep(segment=1)  # a segment is closed at each snapshot after the last entry
LAST = 3 * ROWS


def entry(seq: int) -> Entry:
    event = (Tick(seq), Stepped(seq, "0"), Arrived(Frame.of("a", seq, b"x")))[seq % 3]
    return Entry(seq, seq, seq, encode(event))


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> SqliteRecord:
    """Three segments, the last of them without a state after it."""
    path = tmp_path_factory.mktemp("kinds") / "record"
    log = SqliteLog(path, keep=SMALL)
    for first in (1, ROWS + 1, 2 * ROWS + 1):
        log.append([entry(seq) for seq in range(first, first + ROWS)])
        if first <= ROWS + 1:
            log.save_snapshot(first + ROWS - 1, b"state %d" % (first + ROWS - 1))
    log.close()
    assert len(segment.files(path)) == 3
    return SqliteRecord(path)


@given(st.sets(st.sampled_from(["Tick", "Stepped", "Arrived", "Lost"])), st.integers(0, LAST + 5))
def test_entries_of_kinds_are_those_of_all_entries(record: SqliteRecord, kinds: set[str], after: int) -> None:
    wanted = [one for one in record.entries(after) if kind(one.payload) in kinds]
    assert list(record.of_kinds(sorted(kinds), after)) == wanted


def test_entries_that_come_meanwhile_are_given_too(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "record", keep=SMALL)
    log.append([entry(seq) for seq in range(1, 10)])
    found = SqliteRecord(tmp_path / "record").of_kinds(["Tick"])
    assert next(found).seq == 3
    log.save_snapshot(9, b"state")  # the next segment is begun
    log.append([entry(seq) for seq in range(10, 16)])
    assert [one.seq for one in found] == [6, 9, 12, 15]
    log.close()


def test_states_are_given_newest_first_and_none_that_is_later(record: SqliteRecord) -> None:
    both = [(2 * ROWS, b"state %d" % (2 * ROWS)), (ROWS, b"state %d" % ROWS)]
    assert list(record.states_before(LAST)) == both
    assert list(record.states_before(2 * ROWS)) == both
    assert list(record.states_before(2 * ROWS - 1)) == both[1:]
    assert list(record.states_before(ROWS - 1)) == []


def test_a_state_of_another_record_is_passed_over(tmp_path: Path) -> None:
    """Entries with the same numbers are not the same entries."""
    for name, data in (("one", b"1"), ("other", b"2")):
        log = SqliteLog(tmp_path / name)
        log.append([Entry(1, 1, 1, encode(Arrived(Frame.of("a", 1, data))))])
        log.save_snapshot(1, b"state of " + data)
        log.close()
    assert list(SqliteRecord(tmp_path / "one").states_before(1)) == [(1, b"state of 1")]
    (tmp_path / "one" / "states.sqlite").write_bytes((tmp_path / "other" / "states.sqlite").read_bytes())
    assert list(SqliteRecord(tmp_path / "one").states_before(1)) == []


def test_a_damaged_entry_is_told(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "record")
    log.append([entry(seq) for seq in range(1, 7)])
    log.close()
    (file,) = segment.files(tmp_path / "record")
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE entries SET payload = 'text' WHERE seq = 3")
    with pytest.raises(RecordError, match="record verify"):
        list(SqliteRecord(tmp_path / "record").of_kinds(["Tick"]))
