"""A decision on its way through a running, live installation: to the record and to a partner, and to nobody else."""

import json
import socket
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest
from handover_flight import first_cue, flown
from people_world import CHEAP, PASSWORD, Browser

from skywarden import handover
from skywarden.model.act import AllowFeed, Person, Role
from skywarden.model.decision import HandOver
from skywarden.model.deed import Cued, CueEnded, Decided
from skywarden.model.event import decode
from skywarden.record.reading import SqliteRecord
from skywarden.replay import verify
from skywarden.service.app import App
from skywarden.service.people import change, password
from skywarden.service.recorder import Recorder

BOSS = Person("Olena", Role.SUPERVISOR, "s1")


def ask(app: App, shown, **changes) -> str:
    wanted = {"partner": "brigade", "shown": shown, "digest": handover.digest(shown), "proved": app.clock.now()}
    return app.act(BOSS, HandOver(**(wanted | changes))).result(10).refused


def events(path: Path, *kinds) -> list:
    record = SqliteRecord(path / "record")
    try:
        assert verify(record.entries()) is None
        found = [decode(entry.payload) for entry in record.entries()]
    finally:
        record.close()
    return [event for event in found if isinstance(event, kinds)]


@pytest.fixture
def partner():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        yield server


def port(server: socket.socket) -> int:
    return int(server.getsockname()[1])


def test_a_decision_reaches_its_partner_and_stands_in_the_record(tmp_path, partner):
    with flown(tmp_path, "live", port(partner)) as flight:
        app = flight.app
        shown = flight.until(lambda: first_cue(app))
        assert ask(app, shown, digest="0" * 32) == "that is not what was shown"
        shown = first_cue(app)
        assert ask(app, shown) == ""
        partner.settimeout(20)
        connection, _ = partner.accept()
        with connection, connection.makefile("rb") as file:
            assert b"cue, not an order" in file.readline()
            flight.until(lambda: app.publisher.latest.picture.time > shown.time + 1_500_000_000)
            assert b".cue.1" in file.readline()  # again, a second later
        health = json.loads(app.publisher.health_json())
        assert [one["partner"] for one in health["partners"]] == ["brigade"]
    assert len(events(tmp_path, Decided)) == 2
    cues = events(tmp_path, Cued)
    assert {(cue.number, cue.by, cue.partner) for cue in cues} == {(1, "Olena", "brigade")}


@pytest.mark.parametrize("mode", ["sim", "exercise"])
def test_in_any_other_picture_no_byte_leaves(tmp_path, partner, mode):
    with flown(tmp_path, mode, port(partner)) as flight:
        app = flight.app
        shown = flight.until(lambda: first_cue(app))
        assert "nothing can be handed over" in ask(app, shown)
        flight.until(lambda: app.publisher.latest.picture.time > shown.time + 1_500_000_000)
        with pytest.raises(TimeoutError):
            partner.accept()
        allowed = AllowFeed("brigade", "exercise", app.publisher.latest.picture.time + 60_000_000_000)
        assert app.act(BOSS, allowed).result(10).refused == ""
        partner.settimeout(20)
        flight.until(lambda: app.publisher.latest.picture.time > shown.time + 4_000_000_000)
        connection, _ = partner.accept()
        with connection, connection.makefile("rb") as file:
            assert {"sim": b"SIMULATION", "exercise": b"EXERCISE"}[mode] in file.readline()
    assert events(tmp_path, Cued, CueEnded) == []


def test_a_record_that_does_not_confirm_ends_and_refuses_hand_overs(tmp_path, partner, monkeypatch):
    with flown(tmp_path, "live", port(partner)) as flight:
        app = flight.app
        flight.until(lambda: first_cue(app))
        assert ask(app, first_cue(app)) == ""
        flight.until(lambda: app.publisher.latest.picture.handovers.standing)
        monkeypatch.setattr(Recorder, "fault", property(lambda _: "the disk is full"))
        flight.until(lambda: not app.publisher.latest.picture.handovers.standing)
        assert "nothing is handed over while the record does not confirm" in ask(app, first_cue(app))
        monkeypatch.undo()
    (over,) = events(tmp_path, CueEnded)
    assert over.reason == "the record does not confirm: the disk is full"


def test_a_partner_that_moves_in_a_reload_is_told_at_its_new_place_only(tmp_path, partner, monkeypatch):
    """Also who decides when the engine has the new configuration already, and the sources are still being opened."""
    with socket.create_server(("127.0.0.1", 0)) as moved, flown(tmp_path, "live", port(partner)) as flight:
        moved.settimeout(20)
        app = flight.app
        flight.until(lambda: first_cue(app))
        wait, opens = threading.Event(), app._inbox.open
        monkeypatch.setattr(app._inbox, "open", lambda change: (wait.wait(20), opens(change)))
        text = app.reloading._text.replace(f":{port(partner)}", f":{port(moved)}")
        reloading = threading.Thread(target=app.reload, args=(text,))
        reloading.start()
        flight.until(lambda: app._engine.settings.partners[0].address.endswith(f":{port(moved)}"))
        assert ask(app, first_cue(app)) == ""
        connection, _ = moved.accept()
        with connection, connection.makefile("rb") as file:
            assert b"cue, not an order" in file.readline()
        wait.set()
        reloading.join()
        with pytest.raises(TimeoutError):
            partner.accept()


def asked(browser: Browser, path: str, **body) -> tuple[int, dict]:
    answer = browser.send_json(path, body)
    return answer.status_code, answer.json() if answer.content else {}


@pytest.fixture
def people(tmp_path, monkeypatch):
    """Two people with accounts beside the record."""
    monkeypatch.setattr(password, "COST", CHEAP)
    for name, role in (("Olena", Role.SUPERVISOR), ("Taras", Role.OPERATOR)):
        change.add(tmp_path / "users.toml", name, role, PASSWORD)


@pytest.mark.usefixtures("people")
def test_a_person_hands_over_by_http_with_the_password_given_once_more(tmp_path, partner):
    with flown(tmp_path, "live", port(partner)) as flight, ExitStack() as stack:
        app = flight.app
        olena, taras = (stack.enter_context(Browser(app.address.rstrip("/"))) for _ in range(2))
        track = flight.until(lambda: first_cue(app)).track
        assert asked(olena, "/api/cue", track=track)[0] == 401
        assert olena.login("Olena").status_code == taras.login("Taras").status_code == 200
        status, shown = asked(olena, "/api/cue", track=track)
        assert (status, shown["against"], shown["cue"]["track"]) == (200, "", track)
        decision = {"partner": "brigade", "digest": shown["digest"]}
        assert asked(olena, "/api/handover", **decision)[0] == 401  # no proof
        taras_saw = asked(taras, "/api/cue", track=track)[1]
        assert asked(taras, "/api/prove", password=PASSWORD)[0] == 200
        assert asked(taras, "/api/handover", partner="brigade", digest=taras_saw["digest"])[0] == 403
        assert asked(olena, "/api/prove", password=PASSWORD)[0] == 200
        assert asked(olena, "/api/handover", partner="brigade", digest="0" * 32)[0] == 409  # never shown
        assert asked(olena, "/api/handover", partner="nobody", digest=shown["digest"]) == (
            409, {"refused": "there is no such partner", "recorded": True})  # fmt: skip
        assert asked(olena, "/api/handover", **decision)[0] == 401  # that has used the proof up
        flight.send()
        shown = asked(olena, "/api/cue", track=track)[1]
        assert asked(olena, "/api/prove", password=PASSWORD)[0] == 200
        answer = asked(olena, "/api/handover", partner="brigade", digest=shown["digest"])
        assert answer == (200, {"refused": "", "recorded": True})
        partner.settimeout(20)
        connection, _ = partner.accept()
        with connection, connection.makefile("rb") as file:
            assert b"Decided by Olena" in file.readline()
    assert [event.person.name for event in events(tmp_path, Decided)] == ["Olena", "Olena"]


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("mode", ["sim", "exercise"])
def test_elsewhere_there_is_no_such_door(tmp_path, partner, mode):
    with flown(tmp_path, mode, port(partner)) as flight, Browser(flight.app.address.rstrip("/")) as olena:
        assert olena.login("Olena").status_code == 200
        for path in ("/api/cue", "/api/handover"):
            assert olena.send_json(path, {"track": 1}).status_code == 404
