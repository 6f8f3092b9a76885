"""Segments: when one is closed and the next begun, what may be deleted, and records of older formats."""

import gzip
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skywarden.errors import RecordError
from skywarden.model.detection import Frame
from skywarden.model.event import SCHEMA, Arrived, Entry, encode
from skywarden.record import SqliteLog, SqliteRecord, info, segment
from skywarden.record.checkpoint import Key
from skywarden.record.retention import BY_AGE, DAY, Keep, Part, surplus
from skywarden.record.verify import verify
from skywarden.replay import recover

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
KEY = Key(bytes(range(32)))
SMALL = Keep(segment=1)  # a segment is closed at each snapshot after the last entry
SAMPLES = Path(__file__).parent / "samples"
PUBLIC_3 = "206647fc998e29d73abd30cf90b4cde9022755a88a3199806c2a93978c9aa397"


def entries(first: int, last: int, spacing: int = SECOND, size: int = 100) -> list[Entry]:
    payload = encode(Arrived(Frame.of("a", 0, bytes(size))))
    return [Entry(seq, seq * spacing, seq, payload) for seq in range(first, last + 1)]


def filled(log: SqliteLog, last: int, spacing: int = SECOND, size: int = 100) -> None:
    """Append up to an entry, with a snapshot after each tenth."""
    for first in range(log.last() + 1, last + 1, 10):
        log.append(entries(first, first + 9, spacing, size))
        log.save_snapshot(first + 9, b"state after %d" % (first + 9))


def names(path: Path) -> list[str]:
    return [file.name for file in segment.files(path)]


def test_a_segment_is_closed_at_its_size_and_the_next_goes_on(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "record", KEY, Keep(segment=1 << 20))
    filled(log, 300, size=10_000)
    assert len(names(tmp_path / "record")) == 4
    assert list(log.entries()) == entries(1, 300, size=10_000)
    assert list(log.entries(after=255)) == entries(256, 300, size=10_000)
    assert log.recorded() == {"a": 300}
    log.close()
    record = SqliteRecord(tmp_path / "record")
    assert (record.last(), record.recorded(), record.snapshot()) == (300, {"a": 300}, (300, b"state after 300"))
    assert (info(record.path)["segments"], info(record.path)["sources"]["a"]["messages"]) == (4, 300)
    there = ["lock", *names(record.path), "states.sqlite"]
    assert sorted(file.name for file in record.path.iterdir()) == there  # no WAL stays


def test_a_segment_is_closed_after_a_day(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "record")
    filled(log, 100, spacing=HOUR)
    assert len(names(tmp_path / "record")) == 4
    log.close()


def test_only_a_state_after_the_last_entry_begins_a_segment(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "record", KEY, SMALL)
    log.append(entries(1, 10))
    log.save_snapshot(9, b"state")
    assert len(names(tmp_path / "record")) == 1
    log.close()


def test_a_record_goes_on_in_its_last_segment(tmp_path: Path) -> None:
    for last in (30, 60):
        log = SqliteLog(tmp_path / "record", KEY, SMALL)
        filled(log, last)
        log.close()
    log = SqliteLog(tmp_path / "record", KEY, SMALL)  # the last segment is empty
    assert (log.last(), log.snapshot(), log.recorded()) == (60, (60, b"state after 60"), {"a": 60})
    log.append(entries(61, 62))
    log.close()
    found = verify(tmp_path / "record", {KEY.public})
    assert (found.fault, found.entries, found.uncovered) == (None, 62, 0)


def test_a_damaged_snapshot_leaves_the_state_with_which_the_segment_begins(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "record", KEY, SMALL)
    filled(log, 20)
    log.append(entries(21, 25))
    log.close()
    assert SqliteRecord(tmp_path / "record").snapshot() == (20, b"state after 20")
    with closing(sqlite3.connect(segment.files(tmp_path / "record")[-1], isolation_level=None)) as db:
        db.execute("UPDATE begin SET state = x'00'")
    assert SqliteRecord(tmp_path / "record").snapshot() == (10, b"state after 10")  # that of the segment before
    assert SqliteRecord(tmp_path / "record").beginning() is None


def test_what_is_too_large_goes_segment_by_segment_and_the_rest_verifies(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "record", KEY, Keep(bytes=8 << 20))
    filled(log, 3000, size=10_000)
    path = tmp_path / "record"
    assert 5 << 20 < sum(file.stat().st_size for file in segment.files(path)) < 9 << 20
    assert log.removed_bytes > 10 << 20
    log.close()
    record, found = SqliteRecord(path), verify(path, {KEY.public})
    rest = list(record.entries())
    assert rest == entries(rest[0].seq, 3000, size=10_000)
    assert (found.fault, found.removed, found.uncovered) == (None, rest[0].seq - 1, 0)
    command = [sys.executable, "-m", "skywarden.cli", "record", "verify", str(path), "--key", KEY.public.hex()]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert f"entries up to {found.removed} were deleted by retention" in said
    assert record.beginning() == (rest[0].seq - 1, b"state after %d" % (rest[0].seq - 1))
    assert record.recorded() == {"a": 3000}  # as acknowledged, whatever was deleted
    assert info(path)["sources"]["a"]["messages"] == len(rest)


def test_what_was_removed_is_still_stated_when_nothing_more_goes(tmp_path: Path) -> None:
    path = tmp_path / "record"
    log = SqliteLog(path, KEY, Keep(bytes=8 << 20))
    filled(log, 1000, size=10_000)
    log.close()
    log = SqliteLog(path, KEY, SMALL)
    filled(log, 1020)
    log.close()
    found = verify(path, {KEY.public})
    assert found.fault is None
    assert found.removed > 0


def test_nothing_goes_that_leaves_a_beginning_without_its_state(tmp_path: Path) -> None:
    path = tmp_path / "record"
    log = SqliteLog(path, KEY, SMALL)
    filled(log, 30)
    log.close()
    with closing(sqlite3.connect(segment.files(path)[1], isolation_level=None)) as db:
        db.execute("UPDATE begin SET state = NULL")
    log = SqliteLog(path, KEY, Keep(days=25 / 86_400, segment=1))  # one segment is too old, and only one
    filled(log, 33)
    assert segment.number(segment.files(path)[0]) == 1
    filled(log, 43)
    assert segment.number(segment.files(path)[0]) == 3
    log.close()


def test_what_is_too_old_goes_and_a_clock_that_is_wrong_takes_little(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "record", KEY, Keep(days=10, segment=1))
    filled(log, 200, spacing=HOUR)
    before = names(tmp_path / "record")
    assert len(before) == 21  # none is older than ten days
    filled(log, 400, spacing=HOUR)
    assert next(log.entries()).seq in range(141, 171)
    kept = len(names(tmp_path / "record"))
    year = 365 * DAY
    log.append([Entry(401, 400 * HOUR + year, 401, encode(Arrived(Frame.of("a", 0, b"x"))))])
    log.save_snapshot(401, b"state")
    assert len(names(tmp_path / "record")) == kept + 1 - BY_AGE
    log.close()
    assert verify(tmp_path / "record", {KEY.public}).fault is None


def test_without_limits_nothing_goes(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "record", KEY, SMALL)
    filled(log, 300, spacing=1000 * HOUR)
    assert len(names(tmp_path / "record")) == 31
    log.close()


def test_a_cut_between_statement_and_deletion_is_made_up_for_at_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "record"
    log = SqliteLog(path, KEY, Keep(bytes=8 << 20))
    filled(log, 700, size=10_000)
    oldest = segment.files(path)[0]
    copy = shutil.copy(oldest, tmp_path / "copy")
    while oldest.exists():
        filled(log, log.last() + 10, size=10_000)
    log.close()
    shutil.copy(copy, oldest)
    assert verify(path, {KEY.public}).fault is None
    SqliteLog(path, KEY).close()
    assert not oldest.exists()


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(1, 100)), max_size=20), st.integers(1, 2000))
def test_never_more_goes_than_must(sizes: list[tuple[int, int]], limit: int) -> None:
    parts = [Part(day * DAY, size) for day, size in sorted(sizes)]
    count = surplus(Keep(bytes=limit), parts, 10, 100 * DAY)
    left = sum(part.bytes for part in parts[count:]) + 10
    assert left <= limit or count == len(parts)
    assert count == 0 or left + parts[count - 1].bytes > limit
    assert surplus(Keep(days=50), parts, 10, 100 * DAY) == min(BY_AGE, sum(part.time < 50 * DAY for part in parts))


KILLED = """
import os, signal, sys
sys.path.insert(0, {tests!r})
from test_record_segments import *
log = SqliteLog({path!r}, KEY, SMALL)
filled(log, 30)
step = {step!r}
real = getattr(segment, step)
def killed(*arguments):
    if step == "close_after_writing":
        os.kill(os.getpid(), signal.SIGKILL)
    real(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(segment, step, killed)
filled(log, 40)
"""


@pytest.mark.parametrize("step", ["make", "open_for_writing", "close_after_writing"])
def test_a_process_killed_while_it_begins_a_segment_loses_nothing(tmp_path: Path, step: str) -> None:
    path = tmp_path / "record"
    code = KILLED.format(tests=str(Path(__file__).parent), path=str(path), step=step)
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    assert list(SqliteRecord(path).entries()) == entries(1, 40)
    log = SqliteLog(path, KEY, SMALL)
    assert log.last() == 40
    filled(log, 60)
    log.close()
    assert sorted(file.name for file in path.iterdir()) == ["lock", *names(path)]
    found = verify(path, {KEY.public})
    assert (found.fault, found.entries, found.uncovered) == (None, 60, 0)


def test_a_segment_half_made_is_no_segment(tmp_path: Path) -> None:
    path = tmp_path / "record"
    log = SqliteLog(path, KEY, SMALL)
    filled(log, 10)
    log.close()
    (path / "segment-000003.new").write_bytes(b"half")
    assert SqliteRecord(path).last() == 10
    SqliteLog(path, KEY).close()
    assert not (path / "segment-000003.new").exists()


def test_a_disk_that_has_no_room_for_the_next_segment_goes_on_with_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "record"
    log = SqliteLog(path, KEY, SMALL)
    with monkeypatch.context() as patch:
        patch.setattr(log, "_take", lambda _: (_ for _ in ()).throw(OSError(28, "full")))
        log.append(entries(1, 10))
        with pytest.raises(RecordError, match="free some space"):
            log.save_snapshot(10, b"state after 10")
    assert len(names(path)) == 1
    assert log.snapshot() == (10, b"state after 10")
    filled(log, 30)
    log.close()
    assert len(names(path)) == 3
    assert verify(path, {KEY.public}).fault is None


def dump(file: Path) -> list[str]:
    """Return all that is in a segment, but that another one was begun after it."""
    with closing(segment.open_for_reading(file)) as db:
        return [line for line in db.iterdump() if "'closed'" not in line]


@pytest.mark.parametrize("form", [1, 2, 3])
def test_a_record_of_an_older_format_is_read_and_gone_on_from(tmp_path: Path, form: int) -> None:
    """The samples are demos of two seconds, written by the versions that had these formats."""
    path = tmp_path / "record"
    path.mkdir()
    old = path / "segment-000001.sqlite"
    old.write_bytes(gzip.decompress((SAMPLES / f"record-format-{form}.sqlite.gz").read_bytes()))
    content = dump(old)
    before = list(SqliteRecord(path).entries())
    assert info(path)["format"] == form
    public = {bytes.fromhex(PUBLIC_3)} if form == 3 else set()
    found = verify(path, public)
    assert (found.fault, found.entries, found.checkpoints > 0) == (None, len(before), form == 3)
    log = SqliteLog(path, KEY)
    count, last = log.recorded()["orrin"], log.last()
    assert recover(log).last == last
    payload = encode(Arrived(Frame.of("orrin", 0, b"x")))
    log.append([Entry(last + k, before[-1].time + k, last + k, payload) for k in (1, 2)])
    log.close()
    assert dump(old) == content  # never changed
    record = SqliteRecord(path)
    assert [entry.seq for entry in record.entries()] == list(range(1, last + 3))
    assert (record.recorded()["orrin"], info(path)["format"]) == (count + 2, SCHEMA)
    found = verify(path, public | {KEY.public})
    assert (found.fault, found.entries, found.uncovered) == (None, last + 2, 0)
    assert found.covered == (1 if form == 3 else last + 1)
    with closing(sqlite3.connect(old, isolation_level=None)) as db:
        db.execute("UPDATE entries SET time = time + 1 WHERE seq = 5")
    assert (verify(path, public | {KEY.public}).fault is not None) == (form == 3)  # before, there was no tree


def test_a_tree_that_is_damaged_where_it_is_gone_on_from_is_found_again(tmp_path: Path) -> None:
    path = tmp_path / "record"
    log = SqliteLog(path, KEY)
    filled(log, 100)
    log.close()
    with closing(sqlite3.connect(segment.files(path)[0], isolation_level=None)) as db:
        db.execute("UPDATE checkpoints SET edge = zeroblob(length(edge)) WHERE size > 50")
    log = SqliteLog(path, KEY)
    filled(log, 120)
    log.close()
    found = verify(path, {KEY.public})
    assert (found.fault, found.uncovered) == (None, 0)


def test_an_entry_changed_after_the_last_signature_is_still_named_when_the_record_has_gone_on(tmp_path: Path) -> None:
    path = tmp_path / "record"
    log = SqliteLog(path, KEY)
    filled(log, 100)
    log.append(entries(101, 105))
    pid = os.fork()
    if pid == 0:
        os._exit(0)  # leaves the record as a kill would
    os.waitpid(pid, 0)
    log._connection.close()
    log._claim.close()
    with closing(sqlite3.connect(segment.files(path)[0], isolation_level=None)) as db:
        assert db.execute("SELECT max(size) FROM checkpoints").fetchone()[0] < 103
        db.execute("UPDATE entries SET cause = 1 WHERE seq = 103")
    log = SqliteLog(path, KEY)
    filled(log, 125)
    log.close()
    fault = verify(path, {KEY.public}).fault
    assert fault is not None
    assert fault.seq == 103
