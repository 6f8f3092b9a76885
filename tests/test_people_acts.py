"""Acts in a whole installation: in the record with who did it, through a restart, a full disk and the engine's end."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import pytest
import raid
from people_world import ACKNOWLEDGE, CHEAP, Browser

from skywarden.config import parse
from skywarden.errors import RecordError, StoppedError
from skywarden.model.act import Acknowledge, Person, Role
from skywarden.model.deed import Acted, Taken
from skywarden.model.event import Entry, Event, Started, decode
from skywarden.record import MemoryLog
from skywarden.record import writer as writer_module
from skywarden.record.reading import SqliteRecord
from skywarden.replay import compare
from skywarden.service import host
from skywarden.service.app import App
from skywarden.service.engine import Engine
from skywarden.service.notices import notices
from skywarden.service.people import change, password
from skywarden.service.words import LANGUAGES

SETTINGS = """
[[sites]]
name = "Station"
latitude = 38.3
longitude = -31.0
[[sources]]
name = "receiver"
format = "modes"
listen = "tcp://127.0.0.1:0"
[record]
path = "{record}"
[api]
listen = "127.0.0.1:0"
"""
OLENA = Person("Olena", Role.OPERATOR, "0123")
ACT = Acknowledge("", 1, 5)


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(password, "COST", CHEAP)


@pytest.fixture
def users(tmp_path: Path) -> Path:
    path = tmp_path / "users.toml"
    change.add(path, "Olena", Role.OPERATOR, "correct horse battery")
    change.add(path, "Ivan", Role.OBSERVER, "correct horse battery")
    return path


def running(folder: Path) -> App:
    app = App(SETTINGS.format(record=folder / "record"))
    app.start()
    deadline = time.monotonic() + 20
    while app.publisher.latest is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return app


def events(folder: Path) -> list[Event]:
    return [decode(entry.payload) for entry in SqliteRecord(folder / "record").entries()]


@pytest.mark.usefixtures("users")
def test_an_act_is_in_the_record_with_who_did_it_and_nothing_else_is(tmp_path: Path) -> None:
    app = running(tmp_path)
    with Browser(app.address.rstrip("/")) as browser, Browser(app.address.rstrip("/")) as other:
        assert browser.act().status_code == 401
        assert other.login("Ivan").status_code == 200
        assert other.act().status_code == 403
        assert browser.login().status_code == 200
        assert browser.send_json("/api/acts", ACKNOWLEDGE, without="x-csrf-token").status_code == 403
        assert browser.send_json("/api/acts", ACKNOWLEDGE, Origin="http://evil.example").status_code == 403
        answer = browser.act()
        assert answer.status_code in (200, 409)
        assert answer.json()["recorded"]
        app.stop()
        there = events(tmp_path)
        acted = [event for event in there if isinstance(event, Acted)]
        assert [(one.person.name, one.person.role, one.act) for one in acted] == [("Olena", Role.OPERATOR, ACT)]
        taken = [event for event in there if isinstance(event, Taken)]
        assert [one.refused for one in taken] == [answer.json()["refused"]]
        app = running(tmp_path)  # the port is another one; the cookie's name has it
        browser.base_url = browser.here = app.address.rstrip("/")  # type: ignore[assignment]
        browser.cookies.set(f"skywarden-{app.server.port}", next(iter(browser.cookies.jar)).value)  # type: ignore[union-attr, arg-type]
        assert browser.act().status_code == 401, "sessions end with the process"
        browser.cookies.clear()
        assert browser.login().status_code == 200, "accounts stay"
        app.stop()
    secrets = (browser.csrf, "correct horse")
    assert not any(
        word.encode() in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file() for word in secrets
    )


@pytest.mark.parametrize("how", ["damaged", "open to others"])
def test_a_file_of_people_that_cannot_be_used_is_in_the_health_before_anybody_logs_in(
    tmp_path: Path, users: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "PERIOD", 0.05)
    text = users.read_bytes()
    app = running(tmp_path)
    try:
        assert _told(app, lambda health: health["people"] == {"fault": None})["state"] != "stalled"
        if how == "damaged":
            users.write_bytes(text[: len(text) // 2])
        else:
            users.chmod(0o640)
        bad = _told(app, lambda health: health["people"]["fault"] is not None)
        assert bad["state"] == "degraded"
        assert ("is damaged" if how == "damaged" else "chmod 600") in bad["people"]["fault"]
        latest = app.publisher.latest
        assert latest is not None
        assert any(line.startswith("nobody can log in: ") for line in notices(latest, LANGUAGES["en"]))
        users.write_bytes(text)
        users.chmod(0o600)
        _told(app, lambda health: health["people"] == {"fault": None})
    finally:
        app.stop()


def _told(app: App, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    deadline = time.monotonic() + 20
    while not wanted(health := json.loads(app.publisher.health_json())):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return health


def test_a_record_with_acts_is_replayed_without_people(tmp_path: Path, users: Path) -> None:
    app = running(tmp_path)
    with Browser(app.address.rstrip("/")) as browser:
        browser.login()
        for _ in range(3):
            browser.act()
    app.stop()
    users.unlink()
    found = compare(SqliteRecord(tmp_path / "record").entries())
    assert found.outputs > 3
    assert found.difference is None


class Disk:
    """A log that refuses, or takes its time, when told to."""

    full = False
    slow = 0.0

    def __init__(self) -> None:
        self.log = MemoryLog()

    def __getattr__(self, name: str) -> object:
        return getattr(self.log, name)

    def append(self, entries: list[Entry]) -> None:
        time.sleep(self.slow)
        if self.full:
            raise RecordError("the disk is full: free some space")
        self.log.append(entries)


class Seconds:
    """A clock of one second for each look."""

    time = raid.START

    def now(self) -> int:
        self.time += 1_000_000_000
        return self.time

    def stepped(self) -> int:
        return 0


class NoFrames:
    def finished(self) -> bool:
        return False

    def take(self, wait: float) -> list[object]:
        return []


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    monkeypatch.setattr(writer_module, "RETRY_S", 0.02)
    return Disk()


@pytest.fixture
def engine(disk: Disk) -> Iterator[Engine]:
    begun: Started = raid.inputs(1)[0][0]
    made = Engine(parse(begun.settings), begun.settings, disk, Seconds(), lambda outcome: None)  # type: ignore[arg-type]
    yield made
    disk.full, disk.slow = False, 0.0
    made._record._writer.close()


def test_an_act_holds_when_the_disk_does_not_answer_and_says_so(engine: Engine, disk: Disk) -> None:
    for full, slow, recorded in ((False, 0.0, True), (True, 0.0, False), (False, 0.0, True), (False, 0.6, False)):
        disk.full, disk.slow = full, slow
        time.sleep(0.2)  # what the one before has left is written
        done = engine.act(OLENA, ACT)
        engine.turn([])
        effect = done.result(0)
        assert effect.recorded == recorded
    disk.slow = 0.0


def test_what_nobody_waits_for_any_more_is_not_done(engine: Engine, disk: Disk) -> None:
    gone, stays = engine.act(OLENA, ACT), engine.act(OLENA, ACT)
    assert gone.cancel()
    engine.turn([])
    assert stays.done()
    assert not stays.cancel()
    with pytest.raises(CancelledError):
        gone.result(0)
    assert sum(isinstance(decode(entry.payload), Acted) for entry in disk.log.entries()) == 1


def test_nobody_waits_for_an_engine_that_has_ended(engine: Engine) -> None:
    stop = threading.Event()
    stop.set()
    last = engine.act(OLENA, ACT)
    engine.run(NoFrames(), stop)  # type: ignore[arg-type]
    assert last.done(), "it came before the end, so it was taken"
    with pytest.raises(StoppedError):
        engine.act(OLENA, ACT).result(1)


def test_nobody_waits_for_an_engine_that_fails(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("skywarden.pipeline.Line.feed", fails)
    done = engine.act(OLENA, ACT)
    with pytest.raises(MemoryError):
        engine.run(NoFrames(), threading.Event())  # type: ignore[arg-type]
    with pytest.raises(StoppedError):
        done.result(0)
    with pytest.raises(StoppedError):
        engine.act(OLENA, ACT).result(1)


def test_many_threads_that_act_while_it_ends_are_all_answered(engine: Engine) -> None:
    stop, answered = threading.Event(), []

    def acts() -> None:
        for _ in range(50):
            done = engine.act(OLENA, ACT)
            answered.append(done.exception(10))

    threads = [threading.Thread(target=acts) for _ in range(4)]
    loop = threading.Thread(target=engine.run, args=(NoFrames(), stop))
    loop.start()
    for one in threads:
        one.start()
    time.sleep(0.5)
    stop.set()
    for one in (*threads, loop):
        one.join(20)
    assert len(answered) == 200
    assert {type(one) for one in answered} == {type(None), StoppedError}
