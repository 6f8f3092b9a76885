"""`config check` and `decode` as people use them: certificates, ports, interfaces, names, pipes."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from certificates import Authority
from test_cli import SAMPLE, Cli

from skywarden.config import ConfigProblems, parse

SOURCE = '[[sources]]\nname = "{name}"\nformat = "sbs"\nlisten = {listen}\n{more}'


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path) -> Cli:
    monkeypatch.chdir(tmp_path)
    return Cli(monkeypatch, capsysbinary)


def source(name: str, *listens: str, more: str = "") -> str:
    listed = ", ".join(f'"{one}"' for one in listens)
    return SOURCE.format(name=name, listen=listed if len(listens) == 1 else f"[{listed}]", more=more)


def test_config_check_reads_certificates_and_says_when_they_end(cli: Cli, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    made, ended = authority.make("server", 30.5), authority.make("ended", -2)
    page = f'[api]\nlisten = "0.0.0.0:1"\ntls_certificate = "{made.certificate}"\ntls_key = "{made.key}"\n'
    more = f'tls_certificate = "{made.certificate}"\ntls_key = "{made.key}"\ntls_ca = "{authority.pem}"\n'
    Path("a.toml").write_text(source("nodes", "tls://0.0.0.0:2", more=more) + page)
    said = cli.good("config", "check", "a.toml")
    assert "interface on https://0.0.0.0:1" in said
    assert f"TLS of source nodes: {made.certificate} ends on" in said
    assert f"TLS of interface: {made.certificate} ends on" in said
    assert "in 30 days" in said
    assert "reachable by other computers: tls://0.0.0.0:2 (source nodes); skywarden run needs --expose" in said
    Path("a.toml").write_text(source("nodes", "tls://0.0.0.0:2", more=more.replace("server", "ended")) + page)
    assert f"sources[0]: {ended.certificate} ended on" in cli.bad(2, "config", "check", "a.toml")
    Path("a.toml").write_text(source("nodes", "tls://0.0.0.0:2", more=more.replace(made.key, ended.key)) + page)
    said = cli.bad(2, "config", "check", "a.toml")
    assert "sources[0].tls_key: the key in" in said
    Path("a.toml").write_text('[[sources]]\nname = "a"\nformat = "sbs"\nconnect = "tls://192.0.2.1:1"\n')
    assert "TLS of source a: believes the authorities" in cli.good("config", "check", "a.toml")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (source("a", "udp://127.0.0.1:8600") + source("b", "udp://127.0.0.1:8600"), "port 8600 of sources[0].listen"),
        (source("a", "tcp://127.0.0.1:8600") + source("b", "tcp://localhost:8600"), "port 8600 of sources[0].listen"),
        (
            source("a", "udp://127.0.0.1:1", "udp://0.0.0.0:8600") + source("b", "udp://192.0.2.1:8600"),
            "line 8: sources[1].listen is at the port 8600 of sources[0].listen[1]; choose another one",
        ),
        (source("a", "tcp://127.0.0.1:8642"), "port 8642 of api.listen"),
        (source("a", "tcp://127.0.0.1:7") + '[api]\nlisten = "0.0.0.0:7"\nplain = true\n', "port 7 of api.listen"),
        (
            source("a", "tls://127.0.0.1:7", "tcp://127.0.0.1:7", more='tls_certificate = "a"\n'),
            "sources[0].listen[1] is at the port 7 of sources[0].listen[0]",
        ),
    ],
)
def test_a_port_that_two_would_listen_at_is_named(text: str, says: str) -> None:
    with pytest.raises(ConfigProblems) as caught:
        parse(text)
    assert says in str(caught.value)
    assert len(caught.value.problems) == 1


def test_ports_that_do_not_meet_are_right() -> None:
    group = "udp://239.1.1.1:8600"
    texts = (
        source("a", "udp://127.0.0.1:8642"),  # the interface's is of TCP
        source("a", "udp://127.0.0.1:0") + source("b", "udp://127.0.0.1:0"),
        source("a", "udp://127.0.0.1:1") + source("b", "udp://127.0.0.2:1") + source("c", "udp://[::1]:1"),
        source("a", f"{group}@eth0") + source("b", f"{group}@eth1"),
    )
    for text in texts:
        assert parse(text).sources


def test_config_check_names_an_interface_that_is_not_there(cli: Cli) -> None:
    Path("a.toml").write_text(source("coast", "udp://239.1.1.1:8600@nosuch0", "udp://239.1.1.1:8600@lo"))
    said = cli.good("config", "check", "a.toml")  # it may be written on another computer, and a card may come back
    assert "source coast: this computer has no interface nosuch0 now" in said
    assert "interface lo" not in said


def test_names_cannot_steer_the_terminal(cli: Cli) -> None:
    site = '[[sites]]\nname = "Plant \\u001b[2J\\u0007 Підстанція"\nlatitude = 1\nlongitude = 1\n'
    Path("a.toml").write_text(site)
    said = cli.good("config", "check", "a.toml")
    assert "site Plant \\x1b[2J\\x07 Підстанція:" in said
    assert "\x1b" not in said
    Path("a.toml").write_text(site * 2)
    assert "\\x1b[2J" in cli.bad(2, "config", "check", "a.toml")


def test_a_pipe_is_read_as_a_file_is(cli: Cli, tmp_path: Path) -> None:
    expected = cli("decode", "modes", SAMPLE).out.replace(b'"source":"flight.jsonl"', b'"source":"pipe"')
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=lambda: (tmp_path / "pipe").write_bytes(SAMPLE.read_bytes()))
    writer.start()
    done = cli("decode", "modes", tmp_path / "pipe")
    writer.join()
    assert (done.code, done.out) == (0, expected)
    shell = f"{sys.executable} -m skywarden.cli decode modes <(cat {SAMPLE})"
    assert subprocess.run(["bash", "-c", shell], capture_output=True, check=True).stdout.count(b"\n") == 39


def test_a_file_that_is_not_there_is_no_mistake_of_the_command_line(cli: Cli, tmp_path: Path) -> None:
    assert "no-such-file does not exist" in cli.bad(1, "decode", "modes", "no-such-file")
    assert "is a directory" in cli.bad(1, "decode", "modes", tmp_path)
