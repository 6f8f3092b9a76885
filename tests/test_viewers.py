"""Whoever takes all places of the HTTP interface does not keep a watch officer out. Over real connections."""

import logging
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest
from service_samples import published
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from skywarden.service.api import STREAMS
from skywarden.service.publish import Publisher
from skywarden.service.server import Server, serve
from skywarden.service.viewers import CONNECTIONS

HERE, STRANGER = "127.0.0.1", "127.0.0.2"  # two addresses of this computer: two hosts for the interface
REQUEST = b"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
HALF = REQUEST[:30]


@pytest.fixture
def publisher() -> Publisher:
    publisher = Publisher()
    publisher.publish(published(), [])
    return publisher


@pytest.fixture
def server(publisher: Publisher) -> Iterator[Server]:
    server = serve(publisher, HERE, 0)
    yield server
    server.stop()


def dial(server: Server, host: str = HERE) -> socket.socket:
    return socket.create_connection((HERE, server.port), 5, (host, 0))


@contextmanager
def crowd(server: Server, count: int, host: str, data: bytes = b"") -> Iterator[list[socket.socket]]:
    """Open that many connections, each saying `data`."""
    with ExitStack() as stack:
        found = []
        for _ in range(count):
            found.append(stack.enter_context(dial(server, host)))
            if data:
                found[-1].sendall(data)
        yield found


def ask(sock: socket.socket) -> bytes:
    """Ask on an open connection, take the answer, return its first line."""
    sock.sendall(REQUEST)
    head, _, body = sock.recv(1 << 16).partition(b"\r\n\r\n")
    length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += sock.recv(1 << 16)
    return head.split(b"\r\n")[0]


@pytest.mark.parametrize("host", [HERE, STRANGER])
@pytest.mark.parametrize("data", [b"", HALF, REQUEST])
def test_who_fills_all_places_keeps_nobody_out(server: Server, host: str, data: bytes) -> None:
    with crowd(server, CONNECTIONS + 50, host, data), dial(server) as officer:
        assert ask(officer) == b"HTTP/1.1 200 OK"
        assert ask(officer) == b"HTTP/1.1 200 OK"


def test_a_connection_of_another_host_keeps_its_place_before_it_has_asked(server: Server) -> None:
    with (
        crowd(server, CONNECTIONS, STRANGER, REQUEST),
        dial(server) as officer,
        crowd(server, CONNECTIONS, STRANGER, REQUEST),
    ):
        assert ask(officer) == b"HTTP/1.1 200 OK"


def test_who_has_asked_keeps_its_place_whoever_else_opens_connections(server: Server) -> None:
    with dial(server) as officer:
        assert ask(officer) == b"HTTP/1.1 200 OK"
        with crowd(server, CONNECTIONS + 50, HERE, HALF):
            assert ask(officer) == b"HTTP/1.1 200 OK"


def test_open_streams_go_on_when_all_places_are_taken(server: Server, publisher: Publisher) -> None:
    with connect(f"ws://{HERE}:{server.port}/api/stream", proxy=None) as viewer:
        assert viewer.recv(5)
        with crowd(server, 2 * CONNECTIONS, HERE, HALF):
            publisher.publish(published(tick=8), [])
            assert viewer.recv(5)


def test_who_takes_all_streams_makes_room_for_another_host_but_not_for_itself(server: Server) -> None:
    with ExitStack() as stack:

        def stream(host: str) -> ClientConnection:
            where = f"ws://{HERE}:{server.port}/api/stream"
            return stack.enter_context(connect(where, proxy=None, source_address=(host, 0)))

        viewers = [stream(STRANGER) for _ in range(STREAMS)]
        for viewer in viewers:
            viewer.recv(5)
        with pytest.raises(InvalidStatus):
            stream(STRANGER)
        assert stream(HERE).recv(5)
        with pytest.raises(ConnectionClosed, match="too many viewers"):
            viewers[0].recv(5)
        assert viewers[1].close_code is None


def test_many_local_clients_are_all_answered(server: Server) -> None:
    with crowd(server, CONNECTIONS, HERE, REQUEST) as clients:
        assert all(client.recv(100).startswith(b"HTTP/1.1 200") for client in clients)


def test_that_somebody_made_room_is_logged_once_in_a_while(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), crowd(server, CONNECTIONS + 20, STRANGER), dial(server) as officer:
        assert ask(officer) == b"HTTP/1.1 200 OK"
    said = [one.getMessage() for one in caplog.records if one.name == "skywarden.service.viewers"]
    assert said == [f"viewer_displaced places={CONNECTIONS} host={STRANGER} newcomer={STRANGER}"]


def test_who_asks_and_takes_no_answer_loses_its_place(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skywarden.service.viewers.REQUEST_WITHIN", 0.3)
    publisher.publish(published(1000), [])
    server = serve(publisher, HERE, 0)
    with socket.socket() as greedy:
        greedy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        greedy.settimeout(5)
        greedy.connect((HERE, server.port))
        greedy.sendall(REQUEST.replace(b"health", b"picture") * 30)
        time.sleep(1.5)
        received = 0
        with suppress(ConnectionResetError):
            while chunk := greedy.recv(1 << 20):
                received += len(chunk)
        latest = publisher.latest
        assert latest is not None
        assert received < 30 * len(latest.picture_json())
    server.stop()


def test_an_answer_that_is_taken_slowly_is_given_whole(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skywarden.service.viewers.REQUEST_WITHIN", 0.3)
    publisher.publish(published(8000), [])
    latest = publisher.latest
    assert latest is not None
    size = len(latest.picture_json())
    server = serve(publisher, HERE, 0)
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.settimeout(5)
        slow.connect((HERE, server.port))
        slow.sendall(REQUEST.replace(b"health", b"picture").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        received, began = 0, time.monotonic()
        while chunk := slow.recv(size // 40):
            received += len(chunk)
            time.sleep(0.04 * len(chunk) / (size / 40))
        assert received > size
        assert time.monotonic() - began > 1.2
    server.stop()
