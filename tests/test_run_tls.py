"""`skywarden run` as a process with TLS everywhere: a node with a certificate is heard, all others harm nobody."""

import json
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from certificates import Authority, Made
from inbox_samples import until
from test_app import flight
from websockets.sync.client import connect

from skywarden.service.sync import read

SECOND = 1_000_000_000
SETTINGS = """
[[sources]]
name = "secure"
format = "modes"
listen = "tls://127.0.0.1:0"
tls_certificate = "server.pem"
tls_key = "server.key"
tls_ca = "test authority.pem"
latitude = 38.0
longitude = -31.0
[[sources]]
name = "plain"
format = "modes"
listen = "udp://127.0.0.1:0"
latitude = 38.0
longitude = -31.0
[api]
listen = "127.0.0.1:{port}"
tls_certificate = "server.pem"
tls_key = "server.key"
"""


class Running:
    """A process of ours, and what it says of itself."""

    def __init__(self, folder: Path, context: ssl.SSLContext) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        (folder / "site.toml").write_text(SETTINGS.format(port=self.port))
        self.context = context
        command = [sys.executable, "-m", "skywarden.cli", "run", "--config", "site.toml", "--no-view"]
        self.process = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)

    def answers(self) -> bool:
        assert self.process.poll() is None, self.process.communicate()[1]
        try:
            return all(not source["address"].endswith(":0") for source in self.health()["sources"]) and bool(
                self.health()["sources"]
            )
        except httpx.TransportError:
            return False

    def health(self) -> dict[str, Any]:
        answer = httpx.get(f"https://127.0.0.1:{self.port}/api/health", verify=self.context, trust_env=False)
        found: dict[str, Any] = answer.json()
        return found

    def source(self, index: int) -> dict[str, Any]:
        found: dict[str, Any] = self.health()["sources"][index]
        return found

    def at(self, index: int) -> tuple[str, int]:
        return "127.0.0.1", int(self.source(index)["address"].rpartition(":")[2])


@contextmanager
def process(folder: Path, context: ssl.SSLContext) -> Iterator[Running]:
    running = Running(folder, context)
    try:
        until(running.answers, 60)
        yield running
    finally:
        running.process.terminate()
        said = running.process.communicate(timeout=30)[1]
    assert running.process.returncode == 0, said
    assert "Traceback" not in said, said


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def node(authority: Authority) -> Made:
    authority.make("server")
    return authority.make("node")


def test_a_process_with_tls_hears_its_nodes_shows_them_and_is_harmed_by_nobody(
    tmp_path: Path, authority: Authority, node: Made
) -> None:
    with process(tmp_path, authority.client()) as running, ExitStack() as stack:
        began = running.health()
        assert [end["source"] for end in began["tls"]] == ["secure", None]
        assert all(end["failed"] == 0 and 364 < end["left_d"] < 366 for end in began["tls"])
        until(lambda: running.health()["clock"]["synchronised"] == read(0.1).synchronised)
        secure, plain, page = running.at(0), running.at(1), ("127.0.0.1", running.port)
        for to in (secure, page):  # they wait, and nobody waits for them
            for said in (b"", b"\x16\x03\x01", b"GET / HTTP/1.1\r\n\r\n", bytes(300)):
                sock = stack.enter_context(socket.create_connection(to, 5))
                sock.sendall(said)
        lines = flight(8, time.time_ns() - 8 * SECOND)
        sender = stack.enter_context(socket.create_connection(secure, 5))
        with authority.client(node).wrap_socket(sender, server_hostname="localhost") as client:
            client.sendall(b"".join(lines))
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
                for line in flight(2, time.time_ns() - 2 * SECOND, 0x222222):
                    udp.sendto(line, plain)
            until(lambda: running.source(0)["decoded"] == 16 and running.source(1)["decoded"] == 4, 20)
            until(lambda: running.source(0)["recorded"] == 16)
        ends = {end["source"]: end for end in running.health()["tls"]}
        assert ends["secure"]["failed"] >= 2
        assert ends[None]["failed"] >= 2
        assert ends["secure"]["fault"] == ends[None]["fault"] == "what came is not TLS"
        url = f"wss://127.0.0.1:{running.port}/api/stream"
        with connect(url, ssl=authority.client(), proxy=None, open_timeout=5) as viewer:
            tick = json.loads(viewer.recv(5))
            assert ["secure"] in [track["sources"] for track in tick["tracks"]]
    command = [sys.executable, "-m", "skywarden.cli", "replay", "record", "--verify"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0


def test_a_process_whose_key_does_not_fit_ends_with_words(tmp_path: Path, authority: Authority, node: Made) -> None:
    Path(node.key).replace(tmp_path / "server.key")
    (tmp_path / "site.toml").write_text(SETTINGS.format(port=0))
    command = [sys.executable, "-m", "skywarden.cli", "run", "--config", "site.toml", "--no-view"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "sources[0].tls_key: the key in server.key does not belong to the certificate in server.pem" in done.stderr
    assert not (tmp_path / "record").exists()
