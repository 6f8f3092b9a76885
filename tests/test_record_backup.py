"""A copy of a record in use, and what a record that retention has shortened can still do."""

import json
import subprocess
import sys
import time
from pathlib import Path
from threading import Event, Thread

import pytest
import raid
from raid import Engine

from skywarden.errors import RecordError
from skywarden.model.event import Entry, Tick, encode
from skywarden.record import SqliteLog, SqliteRecord, Writer, segment
from skywarden.record.backup import backup
from skywarden.record.checkpoint import Key, beside, key_at, known
from skywarden.record.retention import Keep
from skywarden.record.verify import verify
from skywarden.replay import beginning, compare, recover

SECOND = 1_000_000_000
SMALL = Keep(segment=1)
KEY = Key(bytes(range(32)))


def entries(first: int, last: int) -> list[Entry]:
    return [Entry(seq, seq * SECOND, seq, encode(Tick(seq * SECOND))) for seq in range(first, last + 1)]


def filled(log: SqliteLog, last: int) -> None:
    for first in range(log.last() + 1, last + 1, 10):
        log.append(entries(first, first + 9))
        log.save_snapshot(first + 9, b"state")


def test_a_copy_is_the_record_and_is_brought_up_to_date_with_what_is_new(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "record", key := key_at(beside(tmp_path / "record")), SMALL)
    filled(log, 30)
    log.append(entries(31, 33))
    done = backup(tmp_path / "record", tmp_path / "copy")
    assert (done.segments, done.there, done.last) == (4, 0, 33)
    assert known(beside(tmp_path / "copy")) == {key.public}
    assert not beside(tmp_path / "copy").exists()  # the private key
    log.append(entries(34, 40))
    log.save_snapshot(40, b"state")
    filled(log, 50)
    done = backup(tmp_path / "record", tmp_path / "copy")
    assert (done.segments, done.there, done.last) == (3, 3, 50)
    assert list(SqliteRecord(tmp_path / "copy").entries()) == entries(1, 50)
    assert verify(tmp_path / "copy", {key.public}).fault is None
    log.close()
    assert backup(tmp_path / "record", tmp_path / "copy").there == 5  # the last one is copied always


def test_the_copy_keeps_what_retention_deletes(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "record", KEY, Keep(bytes=1 << 20, segment=1))
    copied = 0
    while segment.number(segment.files(tmp_path / "record")[0]) < 3:
        copied = log.last()
        if copied:
            backup(tmp_path / "record", tmp_path / "copy")
        filled(log, log.last() + 10)
    done = backup(tmp_path / "record", tmp_path / "copy")
    log.close()
    assert next(SqliteRecord(tmp_path / "record").entries()).seq > 1
    assert list(SqliteRecord(tmp_path / "copy").entries()) == entries(1, done.last)
    assert verify(tmp_path / "copy", {KEY.public}).fault is None


def test_a_copy_that_cannot_be_gone_on_with_is_refused_with_words(tmp_path: Path) -> None:
    for name in ("one", "other"):
        log = SqliteLog(tmp_path / name, KEY, SMALL)
        filled(log, 30)
        log.close()
    with pytest.raises(RecordError, match="inside the record"):
        backup(tmp_path / "one", tmp_path / "one" / "copy")
    backup(tmp_path / "one", tmp_path / "copy")
    time.sleep(0.002)  # a record knows when it was made to the millisecond
    with pytest.raises(RecordError, match="another record"):
        backup(tmp_path / "other", tmp_path / "copy")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(RecordError, match="neither empty nor a record"):
        backup(tmp_path / "one", tmp_path / "full")
    for file in segment.files(tmp_path / "one")[:3]:
        segment.discard(file)
    for file in segment.files(tmp_path / "copy")[1:]:
        segment.discard(file)
    with pytest.raises(RecordError, match="the record begins after 30 now"):
        backup(tmp_path / "one", tmp_path / "copy")


def test_a_copy_made_while_the_record_grows_is_whole(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "record", KEY, SMALL)
    filled(log, 10)
    stop = Event()

    def write() -> None:
        while not stop.is_set():
            filled(log, log.last() + 10)

    writer = Thread(target=write)
    writer.start()
    try:
        for _ in range(8):
            before = log.last()
            done = backup(tmp_path / "record", tmp_path / "copy")
            assert done.last >= before
            found = verify(tmp_path / "copy", {KEY.public})
            assert (found.fault, found.entries) == (None, done.last)
    finally:
        stop.set()
        writer.join()
    log.close()


def test_the_command_says_what_it_copied(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "record", KEY)
    filled(log, 20)
    log.close()
    paths = [str(tmp_path / "record"), str(tmp_path / "to")]
    command = [sys.executable, "-m", "skywarden.cli", "record", "backup", *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "1 segments copied" in done.stdout
    assert "up to entry 20" in done.stdout
    refused = subprocess.run([*command[:-1], str(tmp_path / "record")], capture_output=True, text=True)
    assert refused.returncode == 1
    assert "inside the record" in refused.stderr


def test_a_record_that_begins_later_is_replayed_from_its_state_and_recovered_as_ever(tmp_path: Path) -> None:
    path = tmp_path / "record"
    log = SqliteLog(path, KEY, SMALL)
    engine = Engine(log)
    for number, turn in enumerate(raid.inputs(turns=12)):
        engine.turn(turn)
        if number % 3 == 2:
            engine.snapshot()
    expected = engine.line.save()
    log.close()
    assert len(segment.files(path)) == 5
    for file in segment.files(path)[:2]:
        segment.discard(file)
    record = SqliteRecord(path)
    assert next(record.entries()).seq > 1
    found = compare(record.entries(), beginning(record))
    assert found.difference is None
    assert (found.ticks, found.missing) == (7, 0)
    log = SqliteLog(path, KEY)
    assert recover(log).line.save() == expected
    log.close()
    command = [sys.executable, "-m", "skywarden.cli", "replay", str(path)]
    assert "equal: 7 ticks" in subprocess.run([*command, "--verify"], capture_output=True, text=True).stdout
    lines = subprocess.run([*command, "--out", "-"], capture_output=True, text=True, check=True).stdout.splitlines()
    assert json.loads(lines[0])["type"] == "Arrived"
    with segment.open_for_writing(segment.files(path)[0]) as db:
        db.execute("UPDATE begin SET state = NULL")
    db.close()
    failed = subprocess.run([*command, "--verify"], capture_output=True, text=True)
    assert (failed.returncode, "the record's beginning is missing" in failed.stderr) == (1, True)


def test_the_writer_ends_a_segment_where_a_state_is_though_more_waits(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "record", KEY, SMALL)
    log._turn.acquire()  # the disk is slow
    writer = Writer(log)
    writer.submit(entries(1, 5))
    time.sleep(0.1)  # this is being written
    writer.submit(entries(6, 8))
    writer.snapshot(8, b"state")
    writer.submit(entries(9, 12))
    log._turn.release()
    assert writer.close()
    log.close()
    assert len(segment.files(tmp_path / "record")) == 2
    assert SqliteRecord(tmp_path / "record").snapshot() == (8, b"state")
    with segment.open_for_reading(segment.files(tmp_path / "record")[1]) as second:
        assert segment.begin(second).seq == 8
    second.close()
    assert list(SqliteRecord(tmp_path / "record").entries()) == entries(1, 12)
