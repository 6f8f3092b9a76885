"""Sources that connect out over TLS: whom they believe, what they show, and that they come back."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from certificates import Authority, Made
from inbox_samples import collect, messages, running, source, until

from skywarden.model.place import Source
from skywarden.service import tls


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


class Receiver(threading.Thread):
    """A receiver's TLS server: greets each client with one line, then reads until that goes."""

    def __init__(self, made: Made, ca: str | None = None, plain: bool = False) -> None:
        super().__init__(daemon=True)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*made)
        if ca is not None:
            self._context.verify_mode = ssl.CERT_REQUIRED
            self._context.load_verify_locations(ca)
        self._plain, self.greeted = plain, 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.open: list[socket.socket] = []

    def run(self) -> None:
        with suppress(OSError):  # the listener is closed: over
            while True:
                sock, _ = self._listener.accept()
                sock.settimeout(5)
                with suppress(OSError):
                    sock = sock if self._plain else self._context.wrap_socket(sock, server_side=True)
                    self.greeted += 1
                    sock.sendall(b"plain text\n" if self._plain else b"%d\n" % self.greeted)
                self.open.append(sock)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.join(6)
        for sock in self.open:
            sock.close()


@contextmanager
def receiver(*options: Any, **more: Any) -> Iterator[Receiver]:
    one = Receiver(*options, **more)
    one.start()
    try:
        yield one
    finally:
        one.close()


def client(one: Receiver, **more: Any) -> Source:
    return source(**({"connect": f"tls://127.0.0.1:{one.port}"} | more))


def test_messages_come_from_a_server_that_an_authority_vouches_for_and_again_after_it_went(
    authority: Authority,
) -> None:
    with receiver(authority.make("one")) as one, running(client(one, tls_ca=authority.pem)) as inbox:
        assert messages(collect(inbox, 1)) == [b"1\n"]
        assert inbox.wires()[0].state == "connected"
        one.open[0].close()
        assert messages(collect(inbox, 1)) == [b"2\n"]
        assert inbox.tls[0].failed == 0


def test_a_name_in_the_certificate_may_differ_from_the_address_when_it_is_said(authority: Authority) -> None:
    with receiver(authority.make("named", names=("tower.example",))) as one:
        with running(client(one, tls_ca=authority.pem, tls_name="tower.example")) as inbox:
            assert messages(collect(inbox, 1)) == [b"1\n"]
        with running(client(one, tls_ca=authority.pem, tls_name="other.example")) as inbox:
            until(lambda: "TLS: certificate not accepted: Hostname mismatch" in inbox.wires()[0].state)
            assert inbox.take(0.0) == []


def test_a_server_that_nobody_vouches_for_is_not_believed(authority: Authority, tmp_path: Path) -> None:
    with receiver(Authority(tmp_path, "other").make("one")) as one:
        for more in ({"tls_ca": authority.pem}, {}):  # none given: those that the computer trusts
            with running(client(one, **more)) as inbox:
                until(lambda inbox=inbox: "TLS: certificate not accepted" in inbox.wires()[0].state)
                assert inbox.tls[0].failed >= 1
                assert inbox.take(0.0) == []


def test_a_server_that_wants_a_certificate_gets_ours(authority: Authority) -> None:
    ours = authority.make("ours")
    with receiver(authority.make("strict"), authority.pem) as one:
        with running(client(one, tls_ca=authority.pem)) as inbox:
            until(lambda: inbox.wires()[0].state == f"waiting: TLS: {tls.WANTED}")
        shown = {"tls_ca": authority.pem, "tls_certificate": ours.certificate, "tls_key": ours.key}
        with running(client(one, **shown)) as inbox:
            assert messages(collect(inbox, 1)) == [b"%d\n" % one.greeted]


def test_a_server_without_tls_is_waited_for_and_what_it_says_is_no_message(authority: Authority) -> None:
    with receiver(authority.make("plain"), plain=True) as one, running(client(one, tls_ca=authority.pem)) as inbox:
        until(lambda: inbox.wires()[0].state == f"waiting: TLS: {tls.NOT_TLS}")
        assert inbox.take(0.0) == []


def test_a_server_that_never_answers_the_handshake_is_given_up(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skywarden.service.terminate.HANDSHAKE_WITHIN", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        way = f"tls://127.0.0.1:{mute.getsockname()[1]}"
        with running(source(connect=way, tls_ca=authority.pem)) as inbox:
            until(lambda: inbox.wires()[0].state == "connecting")
            until(lambda: inbox.wires()[0].state == f"waiting: TLS: {tls.LATE}")
