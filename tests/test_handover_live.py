"""A decision on its way through a running, live installation: to the record and to a partner, and to nobody else."""

import json
import socket
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from people_world import CHEAP, PASSWORD, Browser

from skywarden import geo, handover
from skywarden.model.act import AllowFeed, Person, Role
from skywarden.model.assessment import Category
from skywarden.model.decision import HandOver
from skywarden.model.deed import Cued, CueEnded, Decided
from skywarden.model.event import decode
from skywarden.record.reading import SqliteRecord
from skywarden.replay import verify
from skywarden.sensors.reports.encode import direction_finder
from skywarden.sensors.reports.message import Spot
from skywarden.service.app import App
from skywarden.service.people import change, password
from skywarden.service.recorder import Recorder

BOSS = Person("Olena", Role.SUPERVISOR, "s1")
CONFIG = """
[run]
mode = "{mode}"
[[sites]]
name = "Plant A"
latitude = 36.30
longitude = -33.10
[[sources]]
name = "cars"
format = "sbs"
listen = "tcp://127.0.0.1:0"
[[sources]]
name = "finders"
format = "reports"
listen = "tcp://127.0.0.1:0"
[[partners]]
name = "brigade"
address = "tcp://127.0.0.1:{port}"
[record]
path = "{path}"
[api]
listen = "127.0.0.1:0"
"""


class Flight:
    """One aircraft that says where it is, ten times a second, over the real wire."""

    def __init__(self, app: App) -> None:
        self.app = app
        ports = {wire.name: int(wire.address.rsplit(":", 1)[1]) for wire in app.wires}
        self.socket, self.finder = (socket.create_connection(("127.0.0.1", ports[n])) for n in ("cars", "finders"))
        self.count = 0
        self.begun = time.time()

    def __enter__(self) -> "Flight":
        return self

    def __exit__(self, *_) -> None:
        self.socket.close()
        self.finder.close()
        self.app.stop()

    def send(self) -> None:
        now = time.time()
        moment = time.gmtime(now)
        stamp = f"{time.strftime('%Y/%m/%d,%H:%M:%S', moment)}.{int(now * 1000) % 1000:03d}"
        place = geo.ecef(np.radians(36.5), np.radians(-33.1), 1000.0)
        axes = geo.east_north_up(np.radians(36.5), np.radians(-33.1))
        place = place - 60.0 * (now - self.begun) * axes[1]
        latitude, longitude, _ = geo.geodetic(place)
        where = f"{np.degrees(latitude):.5f},{np.degrees(longitude):.5f}"
        self.socket.sendall(f"MSG,3,1,1,ABC123,1,{stamp},{stamp},,3281,,,{where},,,0,0,0,0\r\n".encode())
        self._measured(place, now)

    def _measured(self, place: np.ndarray, now: float) -> None:
        """A direction finder measures it too: what only says itself where it is cannot be handed over."""
        post = np.radians(36.4), np.radians(-33.3)
        east, north, up = geo.east_north_up(*post) @ (place - geo.ecef(*post, 0.0))
        self.count += 1
        line = direction_finder(
            sensor="mast",
            number=self.count,
            time=round(now * 1e9),
            place=Spot(latitude=36.4, longitude=-33.3, height_m=0.0),
            azimuth_deg=float(np.degrees(np.arctan2(east, north)) % 360),
            elevation_deg=float(np.degrees(np.arctan2(up, np.hypot(east, north)))),
            sigma_deg=0.5,
        )
        self.finder.sendall(line)

    def until(self, wanted, within: float = 90.0):
        """Fly on until `wanted` returns something; return it."""
        end = time.monotonic() + within
        while time.monotonic() < end:
            self.send()
            if found := wanted():
                return found
            time.sleep(0.1)
        raise AssertionError("it did not come")


def flown(path: Path, mode: str, port: int) -> Flight:
    """A running installation, and what flies there."""
    app = App(CONFIG.format(mode=mode, port=port, path=path / "record"))
    app.start()
    return Flight(app)


def first_cue(app: App):
    latest = app.publisher.latest
    known = latest.picture.identities if latest else ()
    judged = [one for one in known if one.odds and one.category is not Category.PENDING]
    numbers = [one.track for one in judged if not one.claimed_only]
    return handover.cue(latest.picture, numbers[0]) if numbers else None


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
