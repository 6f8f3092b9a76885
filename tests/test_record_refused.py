"""Records that cannot be opened or read: what is said, and that nothing is touched."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from skywarden.errors import RecordError
from skywarden.model.detection import Frame
from skywarden.model.event import SCHEMA, Arrived, Entry, encode
from skywarden.record import SqliteLog, SqliteRecord

SEGMENT = "segment-000001.sqlite"


def entries(first: int, last: int, size: int = 1000) -> list[Entry]:
    return [Entry(s, s, s, encode(Arrived(Frame.of("a", s, bytes([s % 256]) * size)))) for s in range(first, last + 1)]


def filled(path: Path, last: int = 10, size: int = 1000) -> Path:
    log = SqliteLog(path)
    log.append(entries(1, last, size))
    log.close()
    return path


def change(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path / SEGMENT)
    connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.mark.parametrize("opened", [SqliteLog, SqliteRecord])
def test_a_newer_format_says_to_update(tmp_path, opened):
    path = filled(tmp_path / "record")
    change(path, "UPDATE meta SET value = 99 WHERE key = 'format'")
    words = rf"made by a newer skywarden \(format 99, this one reads {SCHEMA}\): update skywarden"
    with pytest.raises(RecordError, match=words):
        opened(path)


@pytest.mark.parametrize("opened", [SqliteLog, SqliteRecord])
def test_garbage_in_place_of_a_segment_is_damage(tmp_path, opened):
    path = filled(tmp_path / "record")
    (path / SEGMENT).write_bytes(b"garbage" * 1000)
    with pytest.raises(RecordError, match="is damaged"):
        opened(path)


@pytest.mark.parametrize("opened", [SqliteLog, SqliteRecord])
def test_another_database_is_not_taken_for_a_segment(tmp_path, opened):
    connection = sqlite3.connect(tmp_path / SEGMENT)
    connection.execute("CREATE TABLE x (y)")
    connection.close()
    with pytest.raises(RecordError, match="not a segment of a record"):
        opened(tmp_path)


def test_damage_inside_a_segment_is_reported_and_what_is_before_it_is_read(tmp_path):
    path = filled(tmp_path / "record", last=2000)
    with (path / SEGMENT).open("r+b") as file:
        file.seek(1_500_000)
        file.write(b"\xff" * 100_000)
    read = []
    with pytest.raises(RecordError, match="is damaged"):
        read.extend(SqliteRecord(path).entries())
    assert 0 < len(read) < 2000
    assert read == entries(1, len(read))


def test_what_is_no_record_is_refused_with_words(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    for path, words in (("nothing", "no such record"), ("file", "is not a record"), ("empty", "is not a record")):
        with pytest.raises(RecordError, match=words):
            SqliteRecord(tmp_path / path)


def test_a_new_record_is_made_only_where_nothing_else_is(tmp_path):
    (tmp_path / "homework.txt").write_text("x")
    with pytest.raises(RecordError, match="name a new directory"):
        SqliteLog(tmp_path)
    with pytest.raises(RecordError, match="is not a directory"):
        SqliteLog(tmp_path / "homework.txt")
    assert [p.name for p in tmp_path.iterdir()] == ["homework.txt"]


def test_a_segment_whose_making_was_cut_short_is_made_again(tmp_path):
    (tmp_path / SEGMENT).touch()
    log = SqliteLog(tmp_path)
    log.append(entries(1, 1))
    log.close()
    assert list(SqliteRecord(tmp_path).entries()) == entries(1, 1)


OPEN_AS_OTHER = """
import os, sys
from skywarden.errors import RecordError
from skywarden.record import SqliteLog, SqliteRecord
if os.getuid() == 0:
    os.setuid(65534)
try:
    opened = (SqliteLog if sys.argv[1] == "write" else SqliteRecord)(sys.argv[2])
    print(len(list(opened.entries())))
except RecordError as error:
    print(error)
"""


def opened_by_another(how: str, path: Path) -> str:
    """Open a record as a user who owns nothing."""
    return subprocess.check_output([sys.executable, "-c", OPEN_AS_OTHER, how, str(path)], text=True)


@pytest.fixture
def readable(tmp_path: Path):
    """A record that may be read by all and written by nobody."""
    path = filled(tmp_path / "record")
    for part in path.iterdir():
        part.chmod(0o444)
    path.chmod(0o555)
    for above in (tmp_path, *(p for p in tmp_path.parents if p.owner() == path.owner() and "pytest" in str(p))):
        above.chmod(0o755)
    yield path
    path.chmod(0o755)


def test_a_record_that_may_only_be_read_is_read(readable):
    assert opened_by_another("read", readable) == "10\n"


def test_without_permission_to_write_the_words_say_so(readable):
    assert "no permission: check owner and mode" in opened_by_another("write", readable)


def test_without_permission_to_read_the_words_say_so(readable):
    (readable / SEGMENT).chmod(0o000)
    assert "check" in opened_by_another("read", readable)
    readable.chmod(0o000)
    assert "no permission" in opened_by_another("read", readable)
