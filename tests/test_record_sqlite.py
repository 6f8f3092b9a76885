"""The record on disk: who may open it, what is said when it cannot be, what survives."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from skywarden.errors import RecordError
from skywarden.model.detection import Frame
from skywarden.model.event import Arrived, Entry, encode
from skywarden.record import SqliteLog, SqliteRecord
from skywarden.record.states import NAME

SEGMENT = "segment-000001.sqlite"
APPEND_FOREVER = """
import sys, itertools
from skywarden.model.event import Entry, Tick, encode
from skywarden.record import SqliteLog
log = SqliteLog(sys.argv[1])
for seq in itertools.count(log.last() + 1):
    log.append([Entry(seq, seq, seq, encode(Tick(seq)))])
    print(seq, flush=True)
"""


def entries(first: int, last: int, size: int = 1000) -> list[Entry]:
    return [Entry(s, s, s, encode(Arrived(Frame.of("a", s, bytes([s % 256]) * size)))) for s in range(first, last + 1)]


def filled(path: Path, last: int = 10, size: int = 1000) -> Path:
    log = SqliteLog(path)
    log.append(entries(1, last, size))
    log.close()
    return path


def change(path: Path, statement: str, file: str = SEGMENT) -> None:
    connection = sqlite3.connect(path / file)
    connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.fixture
def writing(tmp_path: Path):
    """A process that writes a record as fast as it can."""
    command = [sys.executable, "-c", APPEND_FOREVER, str(tmp_path / "record")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    process.stdout.readline()
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_record_goes_on_where_it_ended(tmp_path):
    filled(tmp_path / "record", 10)
    log = SqliteLog(tmp_path / "record")
    assert log.last() == 10
    log.append(entries(11, 12))
    log.close()
    assert list(SqliteRecord(tmp_path / "record").entries()) == entries(1, 12)


def test_directories_above_are_made(tmp_path):
    assert filled(tmp_path / "a" / "b" / "record", 3).is_dir()


def test_a_commit_waits_for_the_disk(tmp_path):
    log = SqliteLog(tmp_path / "record")
    pragmas = ("synchronous", "journal_mode", "page_size")
    assert [log._connection.execute(f"PRAGMA {p}").fetchone()[0] for p in pragmas] == [2, "wal", 8192]
    log.close()


def test_a_second_writer_is_refused_and_told_who_has_it(tmp_path, writing):
    with pytest.raises(RecordError, match=f"is being written by process {writing.pid}"):
        SqliteLog(tmp_path / "record")


def test_a_second_writer_in_the_same_process_is_refused(tmp_path):
    log = SqliteLog(tmp_path / "record")
    with pytest.raises(RecordError, match=f"process {os.getpid()}"):
        SqliteLog(tmp_path / "record")
    log.close()
    SqliteLog(tmp_path / "record").close()


def test_a_killed_writer_leaves_the_record_free_and_whole(tmp_path, writing):
    seen = [int(writing.stdout.readline()) for _ in range(50)]
    writing.send_signal(signal.SIGKILL)
    seen += [int(line) for line in writing.stdout.read().split()]
    writing.wait()
    assert SqliteRecord(tmp_path / "record").last() >= seen[-1]
    log = SqliteLog(tmp_path / "record")
    assert log.last() >= seen[-1]
    assert [e.seq for e in log.entries()] == list(range(1, log.last() + 1))
    log.close()


def test_a_record_is_read_while_another_process_writes_it(tmp_path, writing):
    seen = int(writing.stdout.readline())
    first = [e.seq for e in SqliteRecord(tmp_path / "record").entries()]
    assert first[-1] >= seen
    assert first == list(range(1, first[-1] + 1))
    while int(writing.stdout.readline()) <= first[-1]:
        pass
    assert SqliteRecord(tmp_path / "record").last() > first[-1]


def test_a_reader_that_stands_still_does_not_hold_the_writer_up(tmp_path):
    """An open read transaction would keep the WAL from being used again, and it would fill the disk."""
    log = SqliteLog(tmp_path / "record")
    log.append(entries(1, 100, size=100_000))
    reading = log.entries()
    next(reading)
    for first in range(101, 1101, 100):
        log.append(entries(first, first + 99, size=100_000))
    assert (tmp_path / "record" / f"{SEGMENT}-wal").stat().st_size < 40_000_000
    assert sum(1 for _ in reading) == 1099
    log.close()


def test_reading_changes_no_file(tmp_path):
    path = filled(tmp_path / "record")
    before = {p.name: p.read_bytes() for p in path.iterdir()}
    record = SqliteRecord(path)
    assert (len(list(record.entries())), record.last(), record.recorded()) == (10, 10, {"a": 10})
    assert record.snapshot() is None
    assert {p.name: p.read_bytes() for p in path.iterdir()} == before


def test_reading_what_a_killed_process_left_changes_no_entry_and_no_file(tmp_path, writing):
    writing.kill()
    writing.wait()
    path = tmp_path / "record"
    names = (SEGMENT, f"{SEGMENT}-wal", "lock")
    before = {name: (path / name).read_bytes() for name in names}
    assert sum(1 for _ in SqliteRecord(path).entries()) > 0
    assert {name: (path / name).read_bytes() for name in names} == before


def test_reading_a_long_record_takes_little_memory(tmp_path):
    path = filled(tmp_path / "record", last=500, size=100_000)
    tracemalloc.start()
    assert sum(1 for _ in SqliteRecord(path).entries()) == 500
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


def test_a_record_that_was_closed_is_one_file(tmp_path):
    assert sorted(p.name for p in filled(tmp_path / "record").iterdir()) == ["lock", SEGMENT]


def test_a_record_is_closed_also_while_it_is_read(tmp_path):
    log = SqliteLog(tmp_path / "record")
    log.append(entries(1, 100, size=100_000))
    reading = SqliteRecord(tmp_path / "record").entries()
    next(reading)
    log.close()
    assert sum(1 for _ in reading) == 99
    SqliteLog(tmp_path / "record").close()


def test_a_copy_of_a_record_in_use_is_readable(tmp_path):
    log = SqliteLog(tmp_path / "record")
    log.append(entries(1, 10))
    shutil.copytree(tmp_path / "record", tmp_path / "copy")
    assert list(SqliteRecord(tmp_path / "copy").entries()) == entries(1, 10)
    log.close()


def test_a_missing_entry_is_not_passed_over(tmp_path):
    path = filled(tmp_path / "record", 10)
    change(path, "DELETE FROM entries WHERE seq = 5")
    with pytest.raises(RecordError, match="the next one is 5"):
        list(SqliteRecord(path).entries())


@pytest.mark.parametrize("damaged", [1, 2, 3])
def test_damaged_snapshots_are_passed_over(tmp_path, damaged):
    path = filled(tmp_path / "record", 10)
    log = SqliteLog(path)
    for seq in (4, 6, 8):
        log.save_snapshot(seq, b"state after %d" % seq)
    log.close()
    change(path, f"UPDATE snapshots SET payload = x'00' WHERE seq >= {10 - 2 * damaged}", NAME)
    left = 8 - 2 * damaged
    assert SqliteRecord(path).snapshot() == ((left, b"state after %d" % left) if damaged < 3 else None)


def test_a_snapshot_under_another_number_is_damaged(tmp_path):
    path = filled(tmp_path / "record", 10)
    log = SqliteLog(path)
    log.save_snapshot(4, b"state")
    log.close()
    change(path, "UPDATE snapshots SET seq = 5", NAME)
    assert SqliteRecord(path).snapshot() is None


def test_a_state_of_another_record_with_the_same_numbers_is_none_of_this(tmp_path):
    """As when a record was brought back from an older copy, and has gone on in another way."""
    one, other = filled(tmp_path / "one", 10), tmp_path / "other"
    log = SqliteLog(other)
    log.append(entries(1, 9))
    (entry,) = entries(10, 10)
    log.append([Entry(10, 77, 10, entry.payload)])
    log.save_snapshot(9, b"both")
    log.save_snapshot(10, b"other")
    log.close()
    assert SqliteRecord(other).snapshot() == (10, b"other")
    shutil.copy(other / NAME, one / NAME)
    assert SqliteRecord(one).snapshot() == (9, b"both")


@pytest.mark.parametrize("left", [b"", b"no database at all" * 1000])
def test_states_that_cannot_be_read_are_made_anew(tmp_path, left):
    path = filled(tmp_path / "record", 10)
    (path / NAME).write_bytes(left)
    log = SqliteLog(path)
    assert log.snapshot() is None
    log.save_snapshot(4, b"state")
    assert log.snapshot() == (4, b"state")
    (path / NAME).unlink()
    log.save_snapshot(6, b"state")
    assert log.snapshot() == (6, b"state")
    log.close()
    assert SqliteRecord(path).snapshot() == (6, b"state")


@pytest.mark.parametrize("back", [False, True])
def test_what_is_written_to_a_file_that_somebody_removed_is_not_taken_for_recorded(tmp_path, back):
    log = SqliteLog(tmp_path / "record")
    log.append(entries(1, 3))
    file = tmp_path / "record" / "segment-000001.sqlite"
    file.rename(tmp_path / "elsewhere")
    if back:
        shutil.copy(tmp_path / "elsewhere", file)  # another file of the same name is not the one that is open
    with pytest.raises(RecordError, match="removed or replaced"):
        log.append(entries(4, 6))
    file.unlink(missing_ok=True)
    (tmp_path / "elsewhere").rename(file)
    log.append(entries(4, 6))
    assert log.last() == 6
    log.close()
