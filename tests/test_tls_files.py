"""The files of TLS: what is wrong with them is said with the setting and what to do, and when they end is shown."""

import os
import re
import shutil
import ssl
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from certificates import Authority, Made
from service_samples import published, wires
from test_view import drawn

from skywarden.config import ConfigProblems, parse
from skywarden.errors import ConfigError
from skywarden.model.track import Mode
from skywarden.service import sync
from skywarden.service.host import Host
from skywarden.service.tls import NOT_TLS, Files, Row, Tls, all_of, of_api

DAY = 86_400 * 1_000_000_000
LISTEN = '[[sources]]\nname = "nodes"\nformat = "sapient"\nlisten = "{listen}"\n{more}'


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def made(authority: Authority) -> Made:
    return authority.make("server")


def complaint(files: Files) -> str:
    with pytest.raises(ConfigError) as caught:
        Tls(files, "api")
    assert caught.value.where in ("api.tls_certificate", "api.tls_key", "api.tls_ca")
    assert str(caught.value).startswith(f"{caught.value.where}: ")
    return str(caught.value)


def test_tls_is_1_2_or_newer_and_asks_for_a_certificate_when_there_is_an_authority(
    made: Made, authority: Authority
) -> None:
    own = Tls(Files(*made), "api")
    assert own.context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert own.context.verify_mode == ssl.CERT_NONE
    assert Tls(Files(*made, authority.pem), "api").context.verify_mode == ssl.CERT_REQUIRED
    client = Tls(Files(ca=authority.pem), "sources[0]", server=False)
    assert client.context.check_hostname
    assert client.context.verify_mode == ssl.CERT_REQUIRED
    assert client.context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_files_that_are_missing_or_something_else_are_named(made: Made, tmp_path: Path) -> None:
    text = tmp_path / "text.pem"
    text.write_text("no certificate\n")
    text.chmod(0o600)
    assert "none.pem does not exist; make it as in docs/running.md" in complaint(Files("none.pem"))
    assert "none.key does not exist" in complaint(Files(made.certificate, "none.key"))
    assert "tls_ca: none.pem does not exist" in complaint(Files(*made, "none.pem"))
    assert "holds no certificate in PEM form" in complaint(Files(str(text)))
    assert "tls_certificate" in complaint(Files(made.certificate))  # without its key
    assert "holds no private key in PEM form; name its file with tls_key" in complaint(Files(made.certificate))
    assert "cannot be read: is a directory" in complaint(Files(str(tmp_path)))
    whole = tmp_path / "both.pem"
    whole.touch(0o600)
    whole.write_text(Path(made.certificate).read_text() + Path(made.key).read_text())
    assert Tls(Files(str(whole)), "api").validity is not None


def test_a_key_that_does_not_fit_has_a_password_or_is_open_to_all_is_refused(
    made: Made, authority: Authority, tmp_path: Path
) -> None:
    other = authority.make("other")
    assert f"the key in {other.key} does not belong to" in complaint(Files(made.certificate, other.key))
    os.chmod(other.key, 0o644)
    assert f"chmod 600 {other.key}" in complaint(Files(other.certificate, other.key))
    os.chmod(other.key, 0o640)  # a group may have been made for that
    assert Tls(Files(*other), "api")
    locked = tmp_path / "locked.key"
    locked.write_text("-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
    assert "has a password" in complaint(Files(made.certificate, str(locked)))
    broken = tmp_path / "broken.key"
    broken.touch(0o600)
    broken.write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    assert "cannot be used" in complaint(Files(made.certificate, str(broken)))


def test_what_ends_first_counts_and_an_old_authority_beside_its_heir_does_not(
    authority: Authority, tmp_path: Path
) -> None:
    now = time.time_ns()
    made, short = authority.make("year", 365), Authority(tmp_path, "short", days=5)
    assert Tls(Files(*made), "api").row(now).left_d == pytest.approx(365, abs=0.1)
    row = Tls(Files(*made, short.pem), "api").row(now)
    assert (row.file, row.left_d, row.ending, row.expired) == (short.pem, pytest.approx(5, abs=0.1), True, False)
    both = tmp_path / "both.pem"
    both.write_text(Path(short.pem).read_text() + Path(authority.pem).read_text())
    assert Tls(Files(*made, str(both)), "api").row(now).file == made.certificate
    ended = Tls(Files(*authority.make("ended", -1)), "api").row(now)
    assert (ended.ending, ended.expired) == (True, True)


def test_a_certificate_that_has_ended_is_listened_with_and_said(authority: Authority) -> None:
    """A restart after a power cut must not be worse than going on."""
    ended = authority.make("ended", -3)
    text = f'[api]\nlisten = "127.0.0.1:0"\ntls_certificate = "{ended.certificate}"\ntls_key = "{ended.key}"\n'
    own = of_api(parse(text))
    assert own is not None
    host = Host(lambda: (own,), None, lambda: None)
    shown = published(wires=wires()[:1], tls=host.tls)
    assert (shown.state, published(wires=wires()[:1]).state) == ("degraded", "ok")
    assert f"the certificate {ended.certificate} ([api]) ended on" in " ".join(drawn(shown, width=400).split())


def row(**changes: Any) -> Row:
    return Row(**({"source": "radar", "file": "a.pem", "expires": 1_700_000_000 * 10**9, "left_d": 100.0, "failed": 0,
                   "fault": None, "problem": None} | changes))  # fmt: skip


def test_the_view_tells_two_weeks_before_a_certificate_ends_in_both_languages() -> None:
    soon = published(wires=wires()[:1], tls=(row(left_d=13.9),))
    assert "the certificate a.pem (source radar) ends in 14 days, on 2023-11-14: make a new one" in drawn(soon)
    assert "сертифікат a.pem (джерело radar) чинний ще 14 дн., до 2023-11-14" in drawn(soon, "uk")
    assert soon.state == "ok"  # two weeks of "degraded" would be overlooked
    assert "certificate" not in drawn(published(tls=(row(left_d=14.1),)))
    unused = published(tls=(row(problem="api.tls_key: a.key does not exist"),))
    assert "are not used: api.tls_key: a.key does not exist" in drawn(unused)
    assert "не вживаються: api.tls_key" in drawn(unused, "uk")


def test_failed_handshakes_stand_beside_the_source_and_degrade_nothing() -> None:
    shown = published(wires=wires()[:1], tls=(row(failed=3, fault=NOT_TLS), row(source=None, failed=9, fault="x")))
    assert shown.state == "ok"  # anybody in the network could do that
    assert "listening (3 TLS handshakes failed, the last: what came is not TLS)" in drawn(shown, width=220)
    assert "слухає (невдалих рукостискань TLS: 3, останнє: надійшло не TLS)" in drawn(shown, "uk", width=220)


def test_a_clock_that_is_not_synchronised_or_inexact_is_told_of_live_pictures_alone() -> None:
    def shown(state: str, mode: Mode = Mode.LIVE) -> Any:
        one = published(wires=wires()[:1], sync=sync.Sync(state, 0.25, 0.5))
        return published(wires=wires()[:1], sync=one.sync, picture=one.picture.__class__(one.picture.time, mode))

    assert "the computer's clock is not synchronised: start chrony" in drawn(shown(sync.NOT))
    assert "годинник комп'ютера не синхронізовано" in drawn(shown(sync.NOT), "uk")
    assert "the computer's clock may be wrong by 250 ms" in drawn(shown(sync.INEXACT))
    for quiet in (shown(sync.NOT, Mode.SIM), shown(sync.OK), shown(sync.UNKNOWN)):
        assert "clock" not in drawn(quiet)
    found = shown(sync.NOT).health()
    assert found["clock"] | {"stepped_s": 0.0, "stepped_at": None} == found["clock"]
    assert (found["clock"]["state"], found["clock"]["synchronised"]) == ("not synchronised", False)
    assert (found["clock"]["estimated_error_s"], found["clock"]["maximum_error_s"]) == (0.25, 0.5)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (LISTEN.format(listen="tls://0.0.0.0:1", more=""), "listen has a tls:// address and no certificate"),
        (LISTEN.format(listen="tcp://0.0.0.0:1", more=""), 'write "tls://0.0.0.0:1" with tls_certificate, or plain'),
        (LISTEN.format(listen="tcp://127.0.0.1:1", more='tls_ca = "a"\n'), "tls_ca is only for an address that begins"),
        (
            LISTEN.format(listen="tls://127.0.0.1:1", more='tls_certificate = "a"\ntls_name = "b"\n'),
            "tls_name is only for connect",
        ),
        (LISTEN.format(listen="tls://127.0.0.1:1", more='tls_key = "a"\n'), "tls_key stands without tls_certificate"),
        ('[api]\ntls_ca = "a"\n', "api.tls_ca stands without tls_certificate"),
        ('[api]\ntls_key = "a"\n', "api.tls_key stands without tls_certificate"),
        ('[api]\nlisten = "192.0.2.1:1"\n', 'api.listen = "192.0.2.1:1" lets other computers in without TLS'),
        (
            '[[sources]]\nname = "a"\nformat = "sbs"\nconnect = "udp://192.0.2.1:1"\n',
            "must start with tcp:// or tls://",
        ),
    ],
)
def test_settings_that_do_not_go_together_are_named(text: str, says: str) -> None:
    with pytest.raises(ConfigProblems) as caught:
        parse(text)
    assert says in str(caught.value)


def test_plain_and_secure_addresses_may_stand_side_by_side() -> None:
    both = LISTEN.replace('"{listen}"', '["tcp://127.0.0.1:1", "tls://0.0.0.0:2"]')
    settings = parse(both.format(more='tls_certificate = "none.pem"\n'))
    assert [str(found) for found in all_of(settings)] == [
        'sources[0].tls_certificate: none.pem does not exist; make it as in docs/running.md, "TLS"'
    ]
    assert parse(LISTEN.format(listen="tcp://0.0.0.0:1", more="plain = true\n"))
    assert parse('[api]\nlisten = "192.0.2.1:1"\nplain = true\n')
    assert parse('[[sources]]\nname = "a"\nformat = "asterix"\nlisten = "udp://0.0.0.0:1"\n')  # there is no TLS of it


def test_renewed_files_are_looked_at_now_and_then(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skywarden.service.host.PERIOD", 0.02)
    monkeypatch.setattr("skywarden.service.host.FILES_PERIOD", 0.05)
    made = authority.make("renewed", 5)
    end = Tls(Files(*made), "api")
    host = Host(lambda: (end,), None, lambda: None)
    assert host.tls[0].ending
    host.start()
    authority.make("renewed", 300)
    deadline = time.monotonic() + 5
    while host.tls[0].ending and time.monotonic() < deadline:
        time.sleep(0.01)
    host.stop()
    assert not host.tls[0].ending
    assert host.tls[0].problem is None


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_what_the_documentation_types_gives_files_that_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    page = (Path(__file__).parent.parent / "docs" / "running.md").read_text().partition("## TLS")[2]
    typed = re.findall(r"^    ((?:openssl|printf) .*)$", page, re.MULTILINE)
    assert len(typed) == 4
    for line in typed:
        subprocess.run(["bash", "-c", line], check=True, capture_output=True)
    written = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)[0]
    ends = list(all_of(parse(written.replace("/etc/skywarden/", ""))))
    assert [end.source for end in ends if isinstance(end, Tls)] == ["nodes", "receiver", None]
    own = ends[-1]
    assert isinstance(own, Tls)
    assert own.names == ("sky.example",)
    client = ssl.create_default_context(cafile="authority.pem")
    client.verify_flags |= ssl.VERIFY_X509_STRICT  # as Python does from 3.13 on
    client.load_cert_chain("server.pem", "server.key")
    theirs, ours = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = (
        client.wrap_bio(ours, theirs, server_hostname="192.0.2.1"),
        own.context.wrap_bio(theirs, ours, server_side=True),
    )
    for _ in range(3):
        for side in sides:
            with suppress(ssl.SSLWantReadError):
                side.do_handshake()
    assert sides[1].getpeercert()
    assert sides[0].version() == "TLSv1.3"
