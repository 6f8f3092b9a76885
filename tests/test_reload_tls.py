"""Reading the configuration again with TLS: connections stay, new files count at once, wrong ones change nothing."""

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from certificates import Authority, Made
from inbox_samples import until

from skywarden.errors import ConfigError
from skywarden.service.app import App

SETTINGS = """
[[sources]]
name = "{name}"
format = "modes"
listen = "tls://127.0.0.1:0"
tls_certificate = "{made.certificate}"
tls_key = "{made.key}"
max_age_s = {age}
[record]
path = "{record}"
[api]
listen = "127.0.0.1:0"
"""


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def made(authority: Authority) -> Made:
    return authority.make("server")


def text(tmp_path: Path, made: Made, name: str = "first", age: float = 60.0) -> str:
    return SETTINGS.format(name=name, made=made, age=age, record=tmp_path / "record")


@pytest.fixture
def app(tmp_path: Path, made: Made) -> Iterator[App]:
    app = App(text(tmp_path, made))
    app.start()
    until(lambda: not app.wires[0].address.endswith(":0"))
    yield app
    app.stop()


def joined(app: App, context: ssl.SSLContext) -> ssl.SSLSocket:
    at = ("127.0.0.1", int(app.wires[0].address.rpartition(":")[2]))
    return context.wrap_socket(socket.create_connection(at, 5), server_hostname="127.0.0.1")


def test_a_connection_stays_and_renewed_files_count_for_the_next_one(
    app: App, tmp_path: Path, made: Made, authority: Authority
) -> None:
    with joined(app, authority.client()) as client:
        (tmp_path / "new").mkdir()
        other = Authority(tmp_path / "new", "other")
        fresh = other.make("server")
        Path(fresh.certificate).replace(made.certificate)
        Path(fresh.key).replace(made.key)
        app.reload(text(tmp_path, made, age=50.0))
        client.sendall(b"rubbish\n")
        until(lambda: app.wires[0].received == 1)
        with joined(app, other.client()):
            until(lambda: app.wires[0].peers == 2)
        assert [end.source for end in app.host.tls] == ["first"]
        with pytest.raises(OSError, match=r"\w"):
            joined(app, authority.client())  # does not believe the new one
        until(lambda: app.host.tls[0].failed == 1)


def test_a_key_that_does_not_fit_changes_nothing(app: App, tmp_path: Path, made: Made, authority: Authority) -> None:
    with joined(app, authority.client()) as client:
        wrong = made._replace(key=authority.make("stranger").key)
        with pytest.raises(ConfigError, match="does not belong to the certificate"):
            app.reload(text(tmp_path, wrong, "second"))
        client.sendall(b"rubbish\n")
        until(lambda: app.wires[0].received == 1)
        assert [end.source for end in app.host.tls] == ["first"]


def test_another_source_with_tls_takes_the_place_of_the_first(
    app: App, tmp_path: Path, made: Made, authority: Authority
) -> None:
    with joined(app, authority.client()) as client:
        client.sendall(b"rubbish\n")
        until(lambda: app.wires[0].received == 1)
        app.reload(text(tmp_path, made, "second"))
        assert client.recv(10) == b""  # with a goodbye
    until(lambda: app.wires[0].name == "second" and not app.wires[0].address.endswith(":0"))
    assert [end.source for end in app.host.tls] == ["second"]
    with joined(app, authority.client()) as client:
        client.sendall(b"rubbish\n")
        until(lambda: app.wires[0].received == 1)
