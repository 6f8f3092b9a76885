"""The HTTP interface over real connections, and docs/api.md against what it really says."""

import asyncio
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from service_samples import NOW, published, publishing
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from skywarden.errors import ConfigError
from skywarden.service import advice_rows, held_rows, raid_rows, sensor_rows
from skywarden.service.api import policy
from skywarden.service.guard import Guard
from skywarden.service.publish import Publisher
from skywarden.service.server import Server, serve
from skywarden.service.tls import Row

DOCUMENT = Path(__file__).parents[1] / "docs" / "api.md"


@pytest.fixture
def publisher() -> Publisher:
    return publishing()


@pytest.fixture
def server(publisher: Publisher) -> Iterator[Server]:
    server = serve(publisher, "127.0.0.1", 0)
    yield server
    server.stop()


def get(server: Server, path: str, **headers: str) -> httpx.Response:
    return httpx.get(f"http://127.0.0.1:{server.port}{path}", headers=headers, trust_env=False)


def stream(server: Server, **options: Any) -> ClientConnection:
    return connect(f"ws://127.0.0.1:{server.port}/api/stream", proxy=None, open_timeout=5, **options)


def test_each_address_answers(server: Server, publisher: Publisher) -> None:
    shown = publisher.latest
    assert shown is not None
    for path, body in (
        ("/api/picture", shown.picture_json()),
        ("/api/health", shown.health_json()),
        ("/api/geojson", shown.geojson()),
        ("/api/reports", shown.reports_json()),
        ("/api/why/2", shown.why_json(2)),
    ):
        answer = get(server, path)
        assert (answer.status_code, answer.content) == (200, body)
        assert "json" in answer.headers["content-type"]
        assert answer.headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in answer.headers


def test_why_tells_of_tracks_that_there_are(server: Server) -> None:
    known = get(server, "/api/why/2").json()
    assert (known["track"], known["category"], known["claims"]["callsign"]) == (2, "neutral", "RYR1AB")
    assert [(one["source"], one["for"]) for one in known["why"]["reasons"]] == [("radar 1", "aeroplane")]
    for wrong in ("/api/why/77", "/api/why/0", "/api/why/x", "/api/why/", "/api/why/99999999999999999999999"):
        assert get(server, wrong).status_code == 404


def test_an_answer_waits_for_no_acknowledgement_of_its_beginning(server: Server) -> None:
    """Of two writes on one connection the second must not wait for the other end's ACK, which takes 40 ms."""
    took = []
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", trust_env=False) as client:
        for _ in range(20):
            begun = time.monotonic()
            client.get("/api/health").raise_for_status()
            took.append(time.monotonic() - begun)
    assert min(took[5:]) < 0.03


def test_before_the_first_picture_health_answers_and_the_picture_does_not() -> None:
    server = serve(Publisher(), "127.0.0.1", 0)
    assert get(server, "/api/picture").status_code == 503
    assert get(server, "/api/geojson").status_code == 503
    assert get(server, "/api/health").json()["state"] == "stalled"
    server.stop()


def test_nothing_can_be_written(server: Server) -> None:
    for path in ("/", "/api/picture", "/api/health", "/api/geojson", "/api/stream"):
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            answer = httpx.request(method, f"http://127.0.0.1:{server.port}{path}", trust_env=False)
            assert answer.status_code in (404, 405)


def test_the_page_brings_everything_along_and_its_policy_fits(server: Server) -> None:
    answer = get(server, "/")
    assert answer.headers["content-type"].startswith("text/html")
    rules = answer.headers["content-security-policy"]
    assert rules == policy(answer.text)
    assert "unsafe" not in rules
    assert re.search(r"script-src 'sha256-[^']+'; style-src 'sha256-[^']+';", rules)
    names = re.findall(r'\bid="([^"]+)"', answer.text)
    assert len(names) == len(set(names)), "two parts of the page would be filled as one"
    assert not re.search(r"""(src|href)\s*=|https?:|\son\w+=|\sstyle=|innerHTML""", answer.text)


def test_the_stream_sends_each_tick_with_its_events_and_counters(server: Server, publisher: Publisher) -> None:
    with stream(server) as viewer:
        first = json.loads(viewer.recv(5))
        assert (first["type"], first["tick"], first["recorded"]) == ("tick", 7, {"radar": 95})
        assert first["events"] == [{"type": "TrackConfirmed", "time": NOW, "number": 3, "label": 9}]
        publisher.publish(published(tick=8, recorded={"radar": 96}), [])
        assert json.loads(viewer.recv(5))["recorded"] == {"radar": 96}
        with pytest.raises(TimeoutError):
            viewer.recv(0.2)


def test_who_comes_between_two_messages_gets_the_second_too(
    server: Server, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skywarden.service.publish.APART", 2.0)  # s; the second viewer needs a while to come
    with stream(server) as first:
        before = json.loads(first.recv(5))["tick"]
        publisher.publish(published(tick=8), [])  # sooner than the next message may be; nothing is published after it
        with stream(server) as second:
            assert [json.loads(second.recv(5))["tick"] for _ in range(2)] == [before, 8]
        assert json.loads(first.recv(5))["tick"] == 8


def test_a_slow_viewer_gets_the_latest_tick_and_delays_nobody(server: Server, publisher: Publisher) -> None:
    with stream(server, max_queue=1) as slow, stream(server) as quick:
        ticks = range(100, 160)
        for tick in ticks:
            publisher.publish(published(1000, tick=tick), [])
            while json.loads(quick.recv(5))["tick"] < tick:
                pass
        seen = [json.loads(slow.recv(5))["tick"]]
        while seen[-1] != ticks[-1]:
            seen.append(json.loads(slow.recv(5))["tick"])
        assert seen == sorted(seen)
        assert len(seen) < len(ticks)


def test_a_viewer_that_goes_is_forgotten(server: Server, publisher: Publisher) -> None:
    for _ in range(70):
        with stream(server) as viewer:
            viewer.recv(5)
            viewer.send("nobody listens")
    deadline = time.monotonic() + 5
    while publisher._watchers and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not publisher._watchers


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:8642"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "10.0.0.5"},
        {"Host": "[::1"},
        {"Host": "user@evil.example"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://localhost:1"},
        {"Origin": "null"},
    ],
)
def test_pages_from_elsewhere_are_refused(server: Server, headers: dict[str, str]) -> None:
    assert get(server, "/api/picture", **headers).status_code == 403
    if "Origin" in headers:
        with pytest.raises(InvalidStatus, match="403"):
            stream(server, origin=headers["Origin"])


def test_pages_from_here_are_answered(server: Server) -> None:
    for name in ("localhost", "127.0.0.1", "[::1]"):
        host = f"{name}:{server.port}"
        assert get(server, "/api/picture", Host=host, Origin=f"http://{host}").status_code == 200
    with stream(server, origin=f"http://127.0.0.1:{server.port}") as viewer:
        assert viewer.recv(5)


def test_an_exposed_interface_answers_under_addresses_but_not_under_strange_names() -> None:
    guard = Guard(lambda *_: asyncio.sleep(0), "0.0.0.0")
    assert guard.allows("192.0.2.7:8642", "")
    assert guard.allows("[2001:db8::1]:8642", "http://[2001:db8::1]:8642")
    assert guard.allows(f"{socket.gethostname()}:8642", "")
    assert not guard.allows("evil.example", "")
    assert not guard.allows("", "")
    assert not Guard(lambda *_: asyncio.sleep(0), "192.0.2.7").allows("192.0.2.8", "")


def test_half_a_request_loses_its_place_and_whole_ones_do_not(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skywarden.service.viewers.REQUEST_WITHIN", 0.3)
    server = serve(publisher, "127.0.0.1", 0)
    half = [socket.create_connection(("127.0.0.1", server.port), 5) for _ in range(250)]
    for sock in half:
        sock.sendall(b"GET /api/health HTTP/1.1\r\nHost: 127")
    with stream(server) as viewer:
        assert viewer.recv(5)
        for sock in half:
            assert sock.recv(10) == b""
            sock.close()
        publisher.publish(published(tick=8), [])
        assert viewer.recv(5)
    assert get(server, "/api/health").status_code == 200
    server.stop()


def test_an_open_address_and_a_port_in_use_are_refused_with_words(publisher: Publisher, server: Server) -> None:
    with pytest.raises(ConfigError, match="--expose"):
        serve(publisher, "0.0.0.0", 0)
    with pytest.raises(ConfigError, match="address in use"):
        serve(publisher, "127.0.0.1", server.port)


def test_stop_ends_streams_and_frees_the_port(publisher: Publisher) -> None:
    server = serve(publisher, "localhost", 0)
    with stream(server) as viewer:
        viewer.recv(5)
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 4
        with pytest.raises(ConnectionClosed):
            viewer.recv(5)
    socket.create_server(("127.0.0.1", server.port)).close()
    publisher.publish(published(tick=9), [])
    assert "api" not in [t.name for t in threading.enumerate()]


def documented(section: str) -> set[str]:
    text = DOCUMENT.read_text("utf-8").split(f"## {section}\n")[1].split("\n## ")[0]
    return set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))


def test_every_field_is_documented_and_every_documented_field_exists() -> None:
    shown = published(wires=published().wires, tls=(Row(None, "a.pem", NOW, 0.0, 0, None, None),))
    picture, health = json.loads(shown.picture_json()), json.loads(shown.health_json())
    tick = json.loads(shown.tick_json([]))
    assert documented("Picture") == set(picture)
    assert documented("Track") == set().union(*picture["tracks"])
    assert documented("Why") == set(json.loads(shown.why_json(2) or b"{}"))
    assert documented("Alert") == set(picture["alerts"][0])
    assert documented("Site") == set(raid_rows.SiteRow.__struct_fields__) >= set(picture["sites"][0])
    assert set(picture["sites"][0]) == set(tick["sites"][0]) >= {"site", "level", "word", "blind", "looked"}
    for name in ("Group", "Start", "District", "Raid"):
        assert documented(name) == set(getattr(raid_rows, f"{name}Row").__struct_fields__)
    for name in ("Advice", "Option"):
        assert documented(name) == set(getattr(advice_rows, f"{name}Row").__struct_fields__)
    assert set(picture["held"]) == {"waiting", "shelves", "said", "feeds", "handed"}
    for name in ("Waiting", "Shelf", "Said", "Feed", "Handed"):
        assert documented(name) == set(getattr(held_rows, f"{name}Row").__struct_fields__)
    watched = json.loads(shown.watched_json())
    assert documented("Watched") == set(watched)
    assert set(watched["sites"][0]) == {"site", "word", "blind", "looked", "seen", "by_speed"}
    assert documented("Source") == set(picture["sources"][0]) == set(health["sources"][0])
    assert documented("Health") == set(health)
    assert (
        documented("Sensor")
        == {"sensor", "kind", "plots", "ratio", "state"}
        == set(sensor_rows.SensorRow.__struct_fields__)
    )
    assert documented("Registration") == set(sensor_rows.RegistrationRow.__struct_fields__)
    assert documented("Air") == set(sensor_rows.AirRow.__struct_fields__)
    assert documented("End with TLS") == set(health["tls"][0])
    assert documented("Stream") == set(tick)
    assert set(tick["tracks"][1]) == set(picture["tracks"][1]) - {"covariance"}
