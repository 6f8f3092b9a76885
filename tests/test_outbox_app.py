"""Warnings in a whole installation: from messages on a wire to a web server, the record and the commands."""

import json
import socket
import sqlite3
import subprocess
import sys
import time

import allowed
import pytest
from receivers import Web, until
from service_samples import published
from test_app import LATITUDE, STATION, ask, flight, wait
from typer.testing import CliRunner

from skywarden.cli.app import app as commands
from skywarden.model.deed import Delivered
from skywarden.model.event import AreaWarned, decode
from skywarden.record.reading import SqliteRecord
from skywarden.replay import compare
from skywarden.service.app import App
from skywarden.service.notices import notices
from skywarden.service.outbox_rows import RecipientRow
from skywarden.service.words import LANGUAGES

SECOND = 1_000_000_000


def configuration(tmp_path, port, run="", recipient=""):
    head = (
        f'[run]\n{run}\n[[sources]]\nname = "receiver"\nformat = "modes"\nlisten = "tcp://127.0.0.1:0"\n'
        f"latitude = {LATITUDE}\nlongitude = -31.0\n" + STATION.format(record=tmp_path / "record")
    )
    return head + (
        f'[alert]\nalert_on = "all"\n'
        f'[[recipients]]\nname = "hook"\nkind = "webhook"\nurl = "http://127.0.0.1:{port}/"\n{recipient}\n'
    )


def fly(app, enough, seconds=90):
    """Let an aircraft come straight at the station, until it is enough."""
    (address,) = wait(lambda: [one.address for one in app.wires if not one.address.endswith(":0")])
    begun = time.time_ns()
    with socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2])), timeout=5) as out:
        for half, line in enumerate(flight(seconds, begun)):
            if enough():
                return
            time.sleep(max(0.0, begun * 1e-9 + half / 2 - time.time()))
            out.sendall(line)
    raise AssertionError("it did not come")


@pytest.fixture
def live(tmp_path):
    started = []

    def start(*arguments, **changes):
        app = App(configuration(tmp_path, *arguments, **changes))
        started.append(app)
        app.start()
        return app

    yield start
    for app in started:
        app.stop()


def test_from_a_wire_to_a_recipient_and_back_into_the_record(tmp_path, live):
    with Web() as web:
        app = live(web.port)
        fly(app, lambda: web.got)
        until(lambda: app.publisher.latest.outbox[0].sent == 1)
        event = allowed.cloudevent(web.got[0][1])
        assert (event["data"]["status"], event["subject"], event["type"][-6:]) == ("Test", "Station", "raised")
        health = ask(app, "api/health")
        (row,) = health["outbox"]["recipients"]
        assert (row["recipient"], row["state"], row["sent"]) == ("hook", "ok", 1)
        app.stop()
    entries = list(SqliteRecord(tmp_path / "record").entries())
    found = [decode(entry.payload) for entry in entries]
    warned = [event.warning for event in found if isinstance(event, AreaWarned)]
    told = [event for event in found if isinstance(event, Delivered)]
    assert [one.identifier for one in warned] == [web.ids[0]]
    assert [(one.recipient, one.message, one.state, one.reason) for one in told] == [
        ("hook", web.ids[0], "sent", "HTTP 204")
    ]
    again = compare(entries)
    assert again.difference is None
    assert again.missing == 0
    file = tmp_path / "site.toml"
    file.write_text(configuration(tmp_path, web.port))
    before = len(web.got)
    listed = CliRunner().invoke(commands, ["outbox", "list", "--config", str(file), "--json"])
    assert json.loads(listed.output)["state"] == "sent"
    script = (
        "import sys; from skywarden.cli.app import app; app(sys.argv[1:], standalone_mode=False); "
        "assert 'skywarden.service.outbox' not in sys.modules and 'skywarden.service.deliver' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script, "replay", str(tmp_path / "record"), "--verify"], check=True)
    assert len(web.got) == before


@pytest.mark.parametrize("mode", ["exercise", "sim"])
def test_an_exercise_tells_nobody_who_did_not_ask(tmp_path, live, mode):
    with Web() as web:
        app = live(web.port, run=f'mode = "{mode}"', recipient="in_exercise = false")
        fly(app, lambda: app.publisher.latest and app.publisher.latest.picture.warnings.standing)
        app.stop()
        assert web.got == []
    rows = sqlite3.connect(tmp_path / "record.outbox").execute("SELECT count(*) FROM rows").fetchone()
    assert rows == (0,)
    found = [decode(e.payload) for e in SqliteRecord(tmp_path / "record").entries()]
    assert any(isinstance(event, AreaWarned) for event in found)  # there was something to tell


def test_a_recipient_that_cannot_be_reached_is_seen(live):
    with Web() as web:
        port = web.port
    app = live(port)
    fly(app, lambda: app.publisher.latest and app.publisher.latest.untold)
    health = ask(app, "api/health")
    assert health["state"] == "degraded"
    assert "cannot be reached" in health["outbox"]["recipients"][0]["reason"]


@pytest.mark.parametrize(
    ("language", "words"), [("en", "NOT TOLD: hook (1 waiting): no"), ("uk", "НЕ СПОВІЩЕНО: hook")]
)
def test_the_terminal_says_who_is_not_told(language, words):
    row = RecipientRow("hook", "webhook", True, "failing", 0, 1, 0, 0, 0, 0, "no", 1, 1, None)
    shown = published(outbox=(row,), outbox_fault="disk full")
    lines = list(notices(shown, LANGUAGES[language]))
    assert any(line.startswith(words) for line in lines)
    assert any("disk full" in line for line in lines)
    assert shown.state == "degraded"


def run(*arguments):
    return CliRunner().invoke(commands, ["outbox", *arguments])


def test_the_commands(tmp_path):
    file = tmp_path / "site.toml"
    with Web() as web:
        file.write_text(configuration(tmp_path, web.port))
        said = run("test", "hook", "--config", str(file))
        assert (said.exit_code, said.output) == (0, "hook: HTTP 204\n")
        event = allowed.cloudevent(web.got[0][1])
        assert (event["data"]["status"], event["subject"]) == ("Test", "Test")
    failed = run("test", "hook", "--config", str(file))
    assert failed.exit_code == 1
    unknown = run("test", "hok", "--config", str(file))
    assert "hok is no recipient; there are hook" in str(unknown.exception)
    assert "makes it when there are" in str(run("list", "--config", str(file)).exception)
    app = App(file.read_text())
    app.stop()
    asked = run("retry", "--config", str(file))
    assert asked.output == "asked for 1 recipients\n"
    assert run("list", "--config", str(file)).output == ""
