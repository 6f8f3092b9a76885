"""The interface over https and wss, as a browser asks for it, and with what is no browser."""

import json
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from certificates import Authority
from inbox_samples import until
from service_samples import published, publishing
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from skywarden.service import tls
from skywarden.service.publish import Publisher
from skywarden.service.server import Server, serve
from skywarden.service.tls import Files, Tls
from skywarden.service.viewers import CONNECTIONS, Viewers


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def publisher() -> Publisher:
    return publishing()


@pytest.fixture
def own(authority: Authority) -> Tls:
    return Tls(Files(*authority.make("server", names=("sky.example",))), "api")


@pytest.fixture
def server(publisher: Publisher, own: Tls) -> Iterator[Server]:
    server = serve(publisher, "127.0.0.1", 0, tls=own)
    yield server
    server.stop()


def get(server: Server, context: ssl.SSLContext, path: str = "/api/health", **headers: str) -> httpx.Response:
    url = f"https://127.0.0.1:{server.port}{path}"
    return httpx.get(url, verify=context, headers=headers, trust_env=False)


def stream(server: Server, context: ssl.SSLContext) -> ClientConnection:
    url = f"wss://127.0.0.1:{server.port}/api/stream"
    origin = f"https://127.0.0.1:{server.port}"
    return connect(url, ssl=context, proxy=None, open_timeout=5, origin=origin)  # type: ignore[arg-type]


def raw(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), 5)


def ended(sock: socket.socket) -> bool:
    """Say whether the other end has gone; True also when it took back what it had said."""
    try:
        return sock.recv(10) == b""
    except ConnectionResetError:
        return True


def test_the_page_its_data_and_the_stream_come_over_tls(
    server: Server, publisher: Publisher, authority: Authority, own: Tls
) -> None:
    context = authority.client()
    assert "<title>skywarden</title>" in get(server, context, "/").text
    assert "connect-src 'self'" in get(server, context, "/").headers["content-security-policy"]
    origin = f"https://127.0.0.1:{server.port}"
    assert get(server, context, Origin=origin).json()["state"] == "degraded"
    assert get(server, context, Origin="https://evil.example").status_code == 403
    with httpx.Client(verify=context, trust_env=False) as kept:  # one connection for several requests
        for path in ("/api/picture", "/api/geojson", "/api/health"):
            assert kept.get(f"{origin}{path}").status_code == 200
    with stream(server, context) as viewer:
        assert json.loads(viewer.recv(5))["tick"] == 7
        publisher.publish(published(tick=8), [])
        assert json.loads(viewer.recv(5))["tick"] == 8
    assert own.failed == 0


def test_a_request_that_comes_with_the_handshakes_last_packet_is_answered(server: Server, authority: Authority) -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    one = authority.client().wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    with raw(server) as sock:
        while True:
            try:
                one.do_handshake()
                break
            except ssl.SSLWantReadError:
                sock.sendall(outgoing.read())
                incoming.write(sock.recv(65_536))
        one.write(f"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode())
        sock.sendall(outgoing.read())  # the client's Finished and the request
        answer = b""
        while b"stepped_s" not in answer:
            incoming.write(sock.recv(65_536))
            while True:
                try:
                    answer += one.read(65_536)
                except ssl.SSLWantReadError:
                    break
        assert answer.startswith(b"HTTP/1.1 200")


def test_it_answers_under_the_names_in_its_certificate_and_no_others(server: Server, authority: Authority) -> None:
    assert get(server, authority.client(), Host="sky.example:8642").status_code == 200
    assert get(server, authority.client(), Host="evil.example:8642").status_code == 403


def test_with_an_authority_only_its_viewers_see_anything(
    publisher: Publisher, authority: Authority, tmp_path: Path
) -> None:
    made = authority.make("strict")
    own = Tls(Files(made.certificate, made.key, authority.pem), "api")
    server = serve(publisher, "127.0.0.1", 0, tls=own)
    for context in (authority.client(), authority.client(Authority(tmp_path, "other").make("stranger"))):
        with pytest.raises(httpx.TransportError):
            get(server, context)
        with pytest.raises((OSError, WebSocketException)):
            stream(server, context)
    until(lambda: own.failed == 4)
    assert own.fault.startswith("certificate not accepted")
    assert get(server, authority.client(authority.make("viewer"))).status_code == 200
    server.stop()


def test_plain_requests_and_rubbish_are_counted_and_answered_by_nothing_of_ours(
    server: Server, authority: Authority, own: Tls
) -> None:
    for count, said in enumerate((b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", b"\x00" * 2000, bytes(range(256))), 1):
        with raw(server) as sock:
            sock.sendall(said)
            answer = b""
            while piece := sock.recv(1000):
                answer += piece
        assert len(answer) <= 7  # an alert of TLS
        until(lambda count=count: own.failed == count)
        assert own.fault == tls.NOT_TLS
    assert get(server, authority.client()).status_code == 200


def test_handshakes_that_hang_take_no_place_for_long(
    publisher: Publisher, authority: Authority, own: Tls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skywarden.service.door.REQUEST_WITHIN", 6.0)  # s; a busy machine takes two for 300 of them
    server = serve(publisher, "127.0.0.1", 0, tls=own)
    with ExitStack() as stack:
        hanging = [stack.enter_context(raw(server)) for _ in range(300)]  # more than there are places
        for sock in hanging[:100]:
            sock.sendall(b"\x16\x03\x01\x02")
        with stream(server, authority.client()) as viewer:
            assert viewer.recv(5)
            assert own.failed < 100  # those that made room, and nobody was waited for
            until(lambda: own.failed >= 250, 15.0)
            assert all(ended(sock) for sock in hanging)
            publisher.publish(published(tick=8), [])
            assert viewer.recv(5)
    server.stop()


def test_who_has_not_finished_his_handshake_is_the_first_to_make_room(
    publisher: Publisher, authority: Authority, own: Tls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skywarden.service.door.REQUEST_WITHIN", 60.0)
    server = serve(publisher, "127.0.0.1", 0, tls=own)
    with ExitStack() as stack, stream(server, authority.client()) as viewer:
        hanging = [stack.enter_context(raw(server)) for _ in range(CONNECTIONS + 20)]
        assert all(ended(sock) for sock in hanging[:20])  # the oldest
        assert get(server, authority.client()).status_code == 200
        assert viewer.recv(5)
    server.stop()


def test_whoever_has_been_let_in_or_refused_keeps_no_second_place(server: Server, authority: Authority) -> None:
    for _ in range(3):
        assert get(server, authority.client()).status_code == 200
        with raw(server) as sock:
            sock.sendall(bytes(300))
            ended(sock)
    viewers = server._server.server_state
    assert isinstance(viewers, Viewers)
    until(lambda: viewers._open == [])


def test_half_a_request_over_tls_ends_too(
    publisher: Publisher, authority: Authority, own: Tls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skywarden.service.viewers.REQUEST_WITHIN", 0.3)
    server = serve(publisher, "127.0.0.1", 0, tls=own)
    with raw(server) as sock, authority.client().wrap_socket(sock, server_hostname="127.0.0.1") as half:
        half.sendall(b"GET /api/health HTTP/1.1\r\nHost: 127")
        with pytest.raises((ssl.SSLEOFError, ConnectionResetError)):
            raise ssl.SSLEOFError if half.recv(10) == b"" else AssertionError
    server.stop()


def test_stop_ends_streams_over_tls_and_waits_for_no_handshake(
    publisher: Publisher, authority: Authority, own: Tls
) -> None:
    server = serve(publisher, "127.0.0.1", 0, tls=own)
    with stream(server, authority.client()) as viewer, raw(server):
        viewer.recv(5)
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 4
    socket.create_server(("127.0.0.1", server.port)).close()
