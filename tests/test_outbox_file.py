"""The outbox's file: damaged, locked, of another version or not to be opened; no warning waits for that."""

import sqlite3
from contextlib import closing

import pytest
from outbox_world import Running, hook, raised
from receivers import Web, until

from skywarden.config import Settings
from skywarden.errors import RecordError
from skywarden.service.outbox_store import Store, beside


def test_a_file_that_cannot_be_made_at_a_reload_is_said_and_the_recipient_is_told(tmp_path):
    with Web() as web, Running(tmp_path) as running:
        running.path.mkdir()
        more = Settings(sites=running.settings.sites, recipients=(hook("w", web.port),))
        running.outbox.renew(more)
        one = raised()
        running.tell(one)
        until(lambda: web.ids == [one.identifier])
        assert "cannot be used" in running.outbox.fault


def garbled(path, how):
    """Damage an outbox that is not open."""
    if how == "no database":
        path.write_bytes(b"garbage" * 1000)
        return
    if how == "half":
        path.write_bytes(path.read_bytes()[:6000])
        return
    said = {"row": "UPDATE rows SET row = x'ffff'", "tables": "DROP TABLE marks; CREATE TABLE marks (a)"}
    with closing(sqlite3.connect(path)) as db:
        db.executescript(said[how])


@pytest.mark.parametrize("how", ["no database", "half", "row", "tables"])
def test_a_damaged_file_is_set_aside_and_delays_no_warning(tmp_path, how):
    one = raised()
    with Web() as web, Running(tmp_path, hook("w", web.port)) as running:
        running.tell(one)
        until(lambda: web.ids == [one.identifier])
        log = running.log
    garbled(running.path, how)
    before = running.path.read_bytes()
    with Web() as web, Running(tmp_path, hook("w", web.port), log=log, standing=[one]) as running:
        until(lambda: web.ids == [one.identifier])  # what stands is told again, under the same identifier
        running.tell(two := raised(number=2))
        until(lambda: web.ids == [one.identifier, two.identifier])
        (doubt,) = running.outbox.doubts
        (aside,) = tmp_path.glob("record.outbox.damaged-*[0-9]")
        assert aside.name in doubt
        assert running.outbox.fault is None
    assert aside.read_bytes()[:4000] == before[:4000]
    assert len(running.states()) == 2


def test_a_file_that_cannot_be_used_at_the_start_delays_no_warning_and_is_said(tmp_path):
    beside(tmp_path / "record").mkdir()
    with Web() as web, Running(tmp_path, hook("w", web.port)) as running:
        running.tell(one := raised())
        until(lambda: web.ids == [one.identifier])
        assert "cannot be used" in running.outbox.fault


def test_a_file_that_is_locked_is_not_taken_for_damaged(tmp_path, monkeypatch):
    monkeypatch.setattr("skywarden.service.outbox_store.BUSY", 0.1)
    Store(beside(tmp_path / "record")).close()
    with closing(sqlite3.connect(beside(tmp_path / "record"), isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = DELETE")
        db.execute("BEGIN EXCLUSIVE")
        with Web() as web, Running(tmp_path, hook("w", web.port)) as running:
            running.tell(one := raised())
            until(lambda: web.ids == [one.identifier])
            assert "locked" in running.outbox.fault
            assert running.outbox.doubts == []


def test_a_file_of_another_version_is_left_alone(tmp_path):
    Store(beside(tmp_path / "record")).close()
    with closing(sqlite3.connect(beside(tmp_path / "record"))) as db:
        db.execute("UPDATE marks SET value = 99 WHERE name = 'format'")
        db.commit()
    with pytest.raises(RecordError, match="made by another skywarden"):
        Running(tmp_path, hook("w", 1))
