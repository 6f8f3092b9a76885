"""A record that is damaged, cut off or lost its key is gone on from all the same, and whoever looks is told."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from time import sleep

import pytest
from typer.testing import CliRunner

from skywarden.cli.app import app as commands
from skywarden.errors import RecordError
from skywarden.model.detection import Frame
from skywarden.model.event import Arrived, Entry, encode
from skywarden.record import SqliteLog, SqliteRecord, segment
from skywarden.record.checkpoint import Key, beside, known
from skywarden.record.retention import Keep
from skywarden.record.verify import verify
from skywarden.service.app import App
from skywarden.service.notices import notices
from skywarden.service.words import LANGUAGES

SECOND = 1_000_000_000
KEY = Key(bytes(range(32)))
SMALL = Keep(segment=1)
RETAINED = Keep(bytes=8 << 20)
SETTINGS = '[api]\nlisten = "127.0.0.1:0"\n[record]\npath = "{}"\n'


def filled(log: SqliteLog, last: int, size: int = 100) -> None:
    """Append up to an entry, with a snapshot after each tenth."""
    payload = encode(Arrived(Frame.of("a", 0, bytes(size))))
    for first in range(log.last() + 1, last + 1, 10):
        log.append([Entry(seq, seq * SECOND, seq, payload) for seq in range(first, first + 10)])
        log.save_snapshot(first + 9, b"state after %d" % (first + 9))


@pytest.fixture
def record(tmp_path: Path) -> Path:
    log = SqliteLog(tmp_path / "record", KEY, SMALL)
    filled(log, 50)
    log.append([Entry(seq, seq * SECOND, seq, encode(Arrived(Frame.of("a", 0, b"x")))) for seq in range(51, 56)])
    log.close()
    return tmp_path / "record"


def cut(file: Path) -> None:
    os.truncate(file, 5000)


def beheaded(file: Path) -> None:
    with file.open("r+b") as data:
        data.write(bytes(100))


def emptied(file: Path) -> None:
    os.truncate(file, 0)


def another_thing(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize("spoil", [cut, beheaded, emptied, another_thing])
def test_an_older_segment_that_is_damaged_keeps_no_picture_away(spoil: Callable[[Path], None], record: Path) -> None:
    files = segment.files(record)
    spoil(files[1])
    log = SqliteLog(record, KEY, SMALL)
    assert len(log.doubts) == 1
    assert files[1].name in log.doubts[0]
    assert log.snapshot() == (50, b"state after 50")
    assert [entry.seq for entry in log.entries(after=50)] == [51, 52, 53, 54, 55]
    filled(log, 75)
    assert [entry.seq for entry in log.entries(after=60)] == list(range(61, 76))
    log.close()
    with pytest.raises(RecordError, match=files[1].name):
        SqliteRecord(record)


def test_retention_goes_on_beside_damage(record: Path) -> None:
    damaged = segment.files(record)[1]
    cut(damaged)
    os.utime(damaged, (20, 20))  # when it was last written; nobody can read when that was
    log = SqliteLog(record, KEY, Keep(days=1 / 86_400, segment=1))  # what is a second old may go
    filled(log, 105)
    log.close()
    assert segment.number(segment.files(record)[0]) > 2


def test_a_newest_segment_that_is_damaged_is_refused_and_says_what_to_do(record: Path) -> None:
    cut(segment.files(record)[-1])
    with pytest.raises(RecordError, match="damaged: keep a copy"):
        SqliteLog(record, KEY, SMALL)


def test_an_end_that_was_cut_off_is_noticed_at_the_start(record: Path) -> None:
    with closing(sqlite3.connect(segment.files(record)[-1], isolation_level=None)) as db:
        db.execute("DELETE FROM entries WHERE seq > 53")
    log = SqliteLog(record, KEY)
    assert len(log.doubts) == 1
    assert "entries 54 to 55 are missing at the end" in log.doubts[0]
    log.close()


def test_a_newest_segment_that_is_gone_is_noticed_at_the_start(record: Path) -> None:
    segment.files(record)[-1].unlink()
    log = SqliteLog(record, KEY)
    assert len(log.doubts) == 1
    assert "another segment was begun after it and is missing" in log.doubts[0]
    log.close()


def test_a_whole_record_gives_no_doubt(record: Path) -> None:
    log = SqliteLog(record, KEY)
    assert log.doubts == []
    log.close()


def test_without_its_newest_segment_a_shortened_record_is_looked_at_and_its_end_is_missed(tmp_path: Path) -> None:
    path = tmp_path / "record"
    log = SqliteLog(path, KEY, RETAINED)
    filled(log, 2000, size=10_000)
    log.close()
    assert verify(path, {KEY.public}).removed > 0
    segment.files(path)[-1].unlink()
    found = verify(path, {KEY.public})
    assert found.fault is not None
    assert found.fault.seq == found.seqs[1] > found.seqs[0] + 100  # all that is there was looked at
    assert "missing: a segment was begun after it" in found.fault.what
    assert found.removed == 0  # nobody states it any more


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[[str], App]]:
    apps: list[App] = []

    def start(more: str = "") -> App:
        apps.append(App(SETTINGS.format(tmp_path / "record") + more))
        apps[-1].start()
        while apps[-1].publisher.latest is None:
            sleep(0.01)
        return apps[-1]

    yield start
    for app in apps:
        app.stop()


def test_a_key_that_had_to_be_made_anew_is_said(run: Callable[[str], App], tmp_path: Path) -> None:
    run().stop()
    before = known(beside(tmp_path / "record"))
    beside(tmp_path / "record").unlink()
    app = run()
    assert app.publisher.latest is not None
    health = app.publisher.latest.health()
    assert health["state"] == "degraded"
    assert "a new key was made" in health["record"]["doubts"][0]
    app.stop()
    found = verify(tmp_path / "record", known(beside(tmp_path / "record")))
    assert found.fault is None
    assert len(found.signers) == 2
    assert {found.signers[0]} == before
    said = CliRunner().invoke(commands, ["record", "verify", str(tmp_path / "record")]).output
    assert "signed by 2 keys, one after the other" in said


def test_that_only_suspects_raise_alerts_is_said(run: Callable[[str], App]) -> None:
    published = run('[alert]\nalert_on = "suspect"\n').publisher.latest
    assert published is not None
    assert (published.health()["alerting"], published.state) == ("suspect and hostile tracks only", "ok")
    assert any("only suspect and hostile" in said for said in notices(published, LANGUAGES["en"]))


def test_alerts_can_come_unless_somebody_says_otherwise(run: Callable[[str], App]) -> None:
    published = run().publisher.latest
    assert published is not None
    assert (published.health()["alerting"], published.state) == ("ok", "ok")
