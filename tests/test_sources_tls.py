"""Sources over TLS with real sockets: who gets in, who does not, and that nobody else notices."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from certificates import Authority, Made
from inbox_samples import Lines, collect, messages, port, running, source, until

from skywarden.model.event import Answered
from skywarden.model.place import Source
from skywarden.service import terminate, tls
from skywarden.service.sources import Inbox

TLS = "tls://127.0.0.1:0"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def server(authority: Authority) -> Made:
    return authority.make("server")


def listening(made: Made, **more: Any) -> Source:
    return source(**({"listen": TLS, "tls_certificate": made.certificate, "tls_key": made.key} | more))


@contextmanager
def joined(inbox: Inbox, context: ssl.SSLContext, index: int = 0) -> Iterator[ssl.SSLSocket]:
    """Connect as a client does."""
    plain = socket.create_connection(("127.0.0.1", port(inbox, index)), 5)
    with plain, context.wrap_socket(plain, server_hostname="127.0.0.1") as wrapped:
        yield wrapped


def speak(inbox: Inbox, context: ssl.SSLContext) -> None:
    """Say something and wait for the end. Raises OSError."""
    with joined(inbox, context) as client:
        client.sendall(b"not me\n")
        while client.recv(1):
            pass
    raise ConnectionResetError("it ended")


def ended(sock: socket.socket) -> bool:
    """Say whether the other end has gone; True also when it took back what it had said."""
    try:
        return sock.recv(100) == b""
    except ConnectionResetError:
        return True


def end(inbox: Inbox) -> tls.Tls:
    return inbox.tls[0]


class Talking(Lines):
    """Lines whose senders are answered."""

    answers = True


def test_messages_come_through_tls_whole_and_in_order(authority: Authority, server: Made) -> None:
    sent = [f"{n} {'x' * (n % 3000)}\n".encode() for n in range(2000)]
    with running(listening(server)) as inbox, joined(inbox, authority.client()) as client:
        assert client.version() == "TLSv1.3"
        client.sendall(b"".join(sent))
        assert messages(collect(inbox, len(sent))) == sent
        wire = inbox.wires()[0]
        assert (wire.state, wire.peers, wire.address.split(":")[0]) == ("connected", 1, "tls")
        assert end(inbox).failed == 0


def test_a_message_with_the_handshakes_last_packet_is_not_lost(authority: Authority, server: Made) -> None:
    with running(listening(server)) as inbox:
        for n in range(20):  # the plain end is connected after the first bytes have come
            with joined(inbox, authority.client()) as client:
                client.sendall(b"%d\n" % n)
                client.unwrap()
        assert sorted(messages(collect(inbox, 20)), key=int) == [b"%d\n" % n for n in range(20)]
        until(lambda: inbox.wires()[0].state == "listening")


def test_answers_go_back_through_tls_and_the_end_comes_after_them(authority: Authority, server: Made) -> None:
    with running(listening(server), decoders={"lines": Talking}) as inbox, joined(inbox, authority.client()) as client:
        client.sendall(b"hello\n")
        (frame,) = collect(inbox, 1)
        answer = b"y" * 200_000
        inbox.answer([Answered("a", frame.peer, answer, True)])
        got = b""
        while piece := client.recv(65_536):
            got += piece
        assert got == answer


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_with_an_authority_only_those_get_in_that_it_knows(
    authority: Authority, server: Made, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    stranger = Authority(tmp_path, "somebody else").make("stranger")
    with running(listening(server, tls_ca=authority.pem)) as inbox:
        for made, fault in ((None, tls.NO_CERTIFICATE), (stranger, "certificate not accepted")):
            before = end(inbox).failed
            context = authority.client(made)
            context.maximum_version = version
            with pytest.raises(OSError, match=r"\w"):
                speak(inbox, context)
            until(lambda before=before: end(inbox).failed == before + 1)
            assert end(inbox).fault.startswith(fault)
        context = authority.client(authority.make("node"))
        context.maximum_version = version
        with joined(inbox, context) as client:
            client.sendall(b"me\n")
            assert messages(collect(inbox, 1)) == [b"me\n"]


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        (b"plain text of a sensor that knows no TLS\n", tls.NOT_TLS),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", tls.NOT_TLS),
        (bytes(range(256)) * 40, tls.NOT_TLS),
        (b"\x16\x03\x01\x02\x00" + b"\x00" * 512, tls.NOT_TLS),
        (b"\x16\x03\x01", tls.LEFT),
        (b"", tls.LEFT),
    ],
)
def test_what_is_no_handshake_is_counted_and_gives_no_message(server: Made, said: bytes, fault: str) -> None:
    with running(listening(server)) as inbox:
        with socket.create_connection(("127.0.0.1", port(inbox)), 5) as client:
            client.sendall(said)
            if fault == tls.LEFT:
                client.shutdown(socket.SHUT_WR)
            while client.recv(100):  # an alert, and the end
                pass
        until(lambda: end(inbox).failed == 1 and inbox.wires()[0].peers == 0)
        assert end(inbox).fault == fault
        assert (inbox.wires()[0].received, inbox.wires()[0].state) == (0, "listening")
        assert inbox.take(0.0) == []


def test_an_old_version_of_tls_is_refused(authority: Authority, server: Made) -> None:
    with running(listening(server)) as inbox:
        context = authority.client()
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises(ssl.SSLError):
            speak(inbox, context)
        until(lambda: end(inbox).failed == 1)
        assert end(inbox).fault == tls.OLD


def test_handshakes_that_hang_end_and_delay_nobody(
    authority: Authority, server: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminate, "HANDSHAKE_WITHIN", 2.0)
    with running(listening(server), source("b", listen="tcp://127.0.0.1:0")) as inbox, ExitStack() as stack:
        slow = [stack.enter_context(socket.create_connection(("127.0.0.1", port(inbox)), 5)) for _ in range(40)]
        for sock in slow[20:]:
            sock.sendall(b"\x16\x03\x01\x02")
        until(lambda: inbox.wires()[0].peers == 40)
        assert inbox.wires()[0].state == "listening"
        with joined(inbox, authority.client()) as client:
            client.sendall(b"quick\n")
            assert messages(collect(inbox, 1)) == [b"quick\n"]
        with socket.create_connection(("127.0.0.1", port(inbox, 1)), 5) as other:
            other.sendall(b"other\n")
            assert messages(collect(inbox, 1)) == [b"other\n"]
        assert end(inbox).failed == 0  # nobody was waited for
        until(lambda: end(inbox).failed == 40)
        assert end(inbox).fault == tls.LATE
        assert all(ended(sock) for sock in slow)


def test_whoever_is_sent_away_in_his_handshake_leaves_nothing_behind(authority: Authority, server: Made) -> None:
    with running(listening(server)) as inbox, ExitStack() as stack:
        slow = [stack.enter_context(socket.create_connection(("127.0.0.1", port(inbox)), 5)) for _ in range(130)]
        until(lambda: inbox.wires()[0].displaced == 130 - 64)
        assert all(ended(sock) for sock in slow[:66])
        assert inbox._terminator is not None
        until(lambda: inbox._terminator is not None and len(inbox._terminator._tasks) == 64)
        with joined(inbox, authority.client()) as client:
            client.sendall(b"real\n")
            assert messages(collect(inbox, 1)) == [b"real\n"]


def test_what_the_engine_does_not_fetch_waits_in_the_sender_and_is_not_lost(authority: Authority, server: Made) -> None:
    lines = [b"%07d" % n + b"z" * 8000 + b"\n" for n in range(3000)]  # 24 MB

    with running(listening(server), total=1 << 20) as inbox, joined(inbox, authority.client()) as client:
        client.settimeout(0.5)
        sent = 0
        with suppress(TimeoutError):
            for line in lines:
                client.sendall(line)
                sent += 1
        assert sent < 2500
        assert inbox.wires()[0].bytes < 8 << 20
        found = messages(collect(inbox, sent))
        assert found[:sent] == lines[:sent]


def test_files_that_are_written_anew_are_used_for_the_next_connection(tmp_path: Path) -> None:
    old, new = Authority(tmp_path, "old"), Authority(tmp_path, "new")
    made = old.make("server")
    with running(listening(made)) as inbox, joined(inbox, old.client()) as first:
        Path(new.make("next").certificate).replace(made.certificate)
        assert not end(inbox).renew()  # its key is still the old one
        assert "does not belong to the certificate" in end(inbox).problem
        with joined(inbox, old.client()):
            pass
        (tmp_path / "next.key").replace(made.key)
        assert end(inbox).renew()
        assert end(inbox).problem == ""
        with joined(inbox, new.client()) as second:
            second.sendall(b"new\n")
            first.sendall(b"old\n")  # an open connection goes on
            assert sorted(messages(collect(inbox, 2))) == [b"new\n", b"old\n"]


def test_stopping_says_goodbye_and_leaves_no_thread(authority: Authority, server: Made) -> None:
    with running(listening(server)) as inbox, joined(inbox, authority.client()) as client:
        client.sendall(b"last\n")
        collect(inbox, 1)
        began = time.monotonic()
        inbox.stop()
        assert client.recv(100) == b""  # close_notify: without it this would raise
        assert time.monotonic() - began < 2.5
    assert "tls" not in [thread.name for thread in threading.enumerate()]


def test_nobody_is_taken_while_those_who_left_keep_the_thread_busy(authority: Authority, server: Made) -> None:
    with running(listening(server)) as inbox:
        end(inbox).begun += terminate.CROWD
        with socket.create_connection(("127.0.0.1", port(inbox)), 5):
            time.sleep(0.3)
            assert inbox.wires()[0].peers == 0
            end(inbox).ended += terminate.CROWD
            until(lambda: inbox.wires()[0].peers == 1)
        until(lambda: end(inbox).begun == end(inbox).ended == terminate.CROWD + 1)


def test_too_many_open_files_end_no_connection_that_is_there(
    authority: Authority, server: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(listening(server)) as inbox, joined(inbox, authority.client()) as client:
        client.sendall(b"before\n")
        assert messages(collect(inbox, 1)) == [b"before\n"]
        with monkeypatch.context() as patched:
            patched.setattr(terminate.Terminator, "wrap", no_more)
            with socket.create_connection(("127.0.0.1", port(inbox)), 5) as other:
                assert ended(other)
        client.sendall(b"after\n")
        assert messages(collect(inbox, 1)) == [b"after\n"]
        assert inbox.wires()[0].state == "connected"


def no_more(*_: Any) -> None:
    raise OSError(24, "too many open files")


def test_neither_a_flood_nor_one_who_says_no_goodbye_delays_the_end(
    authority: Authority, server: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminate, "STOP_WITHIN", -1.0)  # so nothing is waited for
    monkeypatch.setattr(terminate, "SHUTDOWN_WITHIN", 30.0)
    with running(listening(server)) as inbox, ExitStack() as stack, joined(inbox, authority.client()) as client:
        client.sendall(b"one\n")
        collect(inbox, 1)
        for _ in range(20):
            stack.enter_context(socket.create_connection(("127.0.0.1", port(inbox)), 5))
        until(lambda: inbox.wires()[0].peers == 21)
        began = time.monotonic()
        inbox.stop()
        assert time.monotonic() - began < 10
    assert "tls" not in [thread.name for thread in threading.enumerate()]
