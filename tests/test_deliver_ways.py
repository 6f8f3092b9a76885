"""Each way of delivery against a real other end: a program, a directory, CoT sockets, an MQTT broker."""

import os
import shutil
import socket
import ssl
import stat
import struct
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import allowed
import pytest
from areas_told import message, warning
from certificates import Authority
from receivers import Stream, Web, until
from reload_site import free

from skywarden.model.recipient import Recipient
from skywarden.outputs.checks import ENCODERS
from skywarden.service.deliver import deliver
from skywarden.service.parcel import Parcel, Undelivered

ONE = message(actual=False)


def parcel(kind, one=ONE):
    encode, content_type = ENCODERS[kind]
    return Parcel(one.warning.identifier, one.warning.area, content_type, encode(one))


def program(folder, text):
    path = folder / "program"
    path.write_text(f"#!{sys.executable}\nimport os, sys, time\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def command(path, *arguments, timeout=10.0):
    return Recipient(name="c", kind="command", command=(str(path), *arguments), timeout_s=timeout)


def test_a_command_gets_the_text_its_arguments_and_nothing_else(tmp_path):
    secret = tmp_path / "picture"
    secret.write_text("tracks")
    said = tmp_path / "said"
    os.environ["SKYWARDEN_SECRET"] = "x"
    held = os.open(secret, os.O_RDONLY)
    os.set_inheritable(held, True)
    try:
        path = program(
            tmp_path,
            f"fds = sorted(os.listdir('/proc/self/fd'))\n"
            f"found = [sys.argv[1:], sorted(os.environ), os.getcwd(), len(fds), os.getsid(0) == os.getpid()]\n"
            f"open({str(said)!r}, 'w').write(repr(found) + chr(10) + sys.stdin.read())\n"
            f"print('mailed')",
        )
        assert deliver(command(path, "$(id)", "a b"), parcel("command")) == "mailed"
    finally:
        os.close(held)
        del os.environ["SKYWARDEN_SECRET"]
    found, _, text = said.read_text().partition("\n")
    # 0, 1, 2 and the listing's own; LC_CTYPE is Python's own addition under LANG=C.UTF-8 where it makes one
    assert eval(found) == [["$(id)", "a b"], ["LANG", "PATH"], "/", 4, True]
    assert text.encode() == parcel("command").body
    assert allowed.text(text.encode())["status"] == "Test"
    assert stat.S_IMODE(said.stat().st_mode) == 0o600


def test_a_command_that_fails_or_is_not_there_says_why(tmp_path):
    with pytest.raises(Undelivered, match=r"ended with 3\. no route") as failed:
        deliver(command(program(tmp_path, "print('no route'); sys.exit(3)")), parcel("command"))
    assert failed.value.perhaps
    with pytest.raises(Undelivered, match="No such file") as missing:
        deliver(command(tmp_path / "missing"), parcel("command"))
    assert not missing.value.perhaps


def test_a_command_that_hangs_is_ended_with_all_that_it_started(tmp_path):
    pid = tmp_path / "pid"
    forks = f"if child: open({str(pid)!r}, 'w').write(str(child))"
    path = program(tmp_path, f"child = os.fork()\n{forks}\nprint('begun', flush=True)\ntime.sleep(60)")
    begun = time.monotonic()
    with pytest.raises(Undelivered, match="took longer than 1 s and was ended"):
        deliver(command(path, timeout=1.0), parcel("command"))
    assert time.monotonic() - begun < 5.0
    child = int(pid.read_text())

    def gone():
        try:
            return Path(f"/proc/{child}/stat").read_text().split()[2] == "Z"
        except FileNotFoundError:
            return True

    until(gone)


def test_a_command_that_reads_nothing_or_says_too_much_is_taken_as_it_ends(tmp_path):
    big = Parcel("1-1-0", "x", "text/plain", b"x" * 1_000_000)
    assert deliver(command(program(tmp_path, "os.close(0)")), big) == "ended well"
    flood = program(tmp_path, "sys.stdin.read(); os.write(1, b'y' * 50); [print('z' * 100_000) for _ in range(50)]")
    said = deliver(command(flood), big)
    assert said.startswith("yyy")
    assert len(said) <= 200


def test_a_file_of_cap_is_there_whole(tmp_path):
    spool = tmp_path / "spool out"
    to = Recipient(name="f", kind="cap", url=(spool.as_uri()))
    with pytest.raises(Undelivered, match="No such file"):
        deliver(to, parcel("cap"))
    spool.mkdir()
    assert deliver(to, parcel("cap")) == f"wrote {ONE.warning.identifier}.xml"
    (file,) = spool.iterdir()
    assert allowed.cap(file.read_bytes())["msgType"] == "Alert"


def test_cap_by_http_has_its_type():
    with Web() as web:
        deliver(Recipient(name="c", kind="cap", url=f"http://127.0.0.1:{web.port}"), parcel("cap"))
        assert web.got[0][2]["Content-Type"] == "application/cap+xml; charset=utf-8"
        assert allowed.cap(web.got[0][1])["status"] == "Test"


def test_a_key_that_is_not_there_sends_nothing_unsigned(tmp_path):
    with Web() as web:
        to = Recipient(name="c", kind="webhook", url=f"http://127.0.0.1:{web.port}", key=str(tmp_path / "key"))
        with pytest.raises(Undelivered, match="No such file"):
            deliver(to, parcel("webhook"))
        (tmp_path / "key").write_text("\n")
        with pytest.raises(Undelivered, match="is empty"):
            deliver(to, parcel("webhook"))
        assert web.got == []


def test_cot_by_tcp_and_udp():
    with Stream() as stream:
        to = Recipient(name="t", kind="cot", url=f"tcp://127.0.0.1:{stream.port}")
        assert deliver(to, parcel("cot")) == f"taken by tcp://127.0.0.1:{stream.port}"
        until(lambda: stream.got)
        assert allowed.cot(stream.got[0])["type"] == "b-a-o-pan"
        port = stream.port
    with pytest.raises(Undelivered, match="cannot be reached"):
        deliver(Recipient(name="t", kind="cot", url=f"tcp://127.0.0.1:{port}"), parcel("cot"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as heard:
        heard.bind(("127.0.0.1", 0))
        heard.settimeout(5)
        to = Recipient(name="u", kind="cot", url=f"udp://127.0.0.1:{heard.getsockname()[1]}")
        assert "nobody confirms" in deliver(to, parcel("cot"))
        assert allowed.cot(heard.recv(65536))["status"] == "Test"


@contextmanager
def dribbling(first=b"", pair=None):
    """A server that sends a byte each 0.1 s to whoever connects, whatever he says, and never ends."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        stop, got = threading.Event(), []

        def run():
            connection, _ = server.accept()
            if pair is not None:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(pair)
                connection = context.wrap_socket(connection, server_side=True)
            with connection, suppress(OSError):
                connection.sendall(first)
                got.append(connection.recv(65_536))
                while not stop.wait(0.1):
                    connection.sendall(b"H")

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield server.getsockname()[1], got
        stop.set()
        thread.join(5)


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\nX: "])
@pytest.mark.parametrize("tls", [False, True])
def test_an_answer_that_comes_byte_by_byte_is_waited_for_no_longer_than_any_other(tmp_path, first, tls):
    pair, more = None, {}
    if tls:
        authority = Authority(tmp_path)
        made = authority.make("127.0.0.1")
        pair, more = tmp_path / "pair.pem", {"tls_ca": authority.pem}
        pair.write_bytes(Path(made.certificate).read_bytes() + Path(made.key).read_bytes())
    with dribbling(first, pair) as (port, _):
        url = f"http{'s' if tls else ''}://127.0.0.1:{port}/"
        to = Recipient(name="slow", kind="webhook", url=url, timeout_s=1.0, **more)
        begun = time.monotonic()
        if first:  # that it was taken has been said by then
            assert deliver(to, parcel("webhook")) == "HTTP 200"
        else:
            with pytest.raises(Undelivered, match="no answer within 1 s") as caught:
                deliver(to, parcel("webhook"))
            assert caught.value.perhaps
        assert time.monotonic() - begun < 5


def test_cot_is_told_to_who_goes_on_sending_what_others_say():
    """As a TAK server does: its stream has no end, and the next warning must not wait for it."""
    with dribbling(b"<event/>") as (port, got):
        begun = time.monotonic()
        body = parcel("cot")
        assert "taken" in deliver(Recipient(name="tak", kind="cot", url=f"tcp://127.0.0.1:{port}"), body)
        assert time.monotonic() - begun < 5
    assert got == [body.body]


def test_cot_to_a_group_leaves_at_loopback_unless_an_interface_is_named():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as heard:
        heard.bind(("239.2.3.1", 0))
        joined = struct.pack("4s4s", socket.inet_aton("239.2.3.1"), socket.inet_aton("127.0.0.1"))
        heard.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, joined)
        heard.settimeout(5)
        port = heard.getsockname()[1]
        for end in ("", "@127.0.0.1", "@lo"):
            deliver(Recipient(name="u", kind="cot", url=f"udp://239.2.3.1:{port}{end}"), parcel("cot"))
            assert allowed.cot(heard.recv(65536))["opex"] == "s"


MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
broker_needed = pytest.mark.skipif(
    MOSQUITTO is None and os.getuid() != 0,
    reason="no mosquitto here, and who runs this may not install it (apt-get install mosquitto)",
)


@contextmanager
def broker(folder, *lines):
    assert MOSQUITTO, "there is no mosquitto; .ci/venv check installs it where it may"
    port, file = free(), folder / "mosquitto.conf"
    file.write_text("\n".join([f"listener {port} 127.0.0.1", "persistence false", *lines]) + "\n")
    process = subprocess.Popen([MOSQUITTO, "-c", str(file)], stderr=subprocess.DEVNULL)
    try:
        until(lambda: _open(port))
        yield port
    finally:
        process.terminate()
        process.wait()


def _open(port):
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def retained(port, topic):
    """Return what somebody who subscribes now is given at once, each with its quality of service."""
    from paho.mqtt.client import Client
    from paho.mqtt.enums import CallbackAPIVersion

    got, done = [], []
    client = Client(CallbackAPIVersion.VERSION2)
    client.on_connect = lambda c, *_: c.subscribe(topic, 1)
    client.on_subscribe = lambda *_: done.append(time.monotonic())
    client.on_message = lambda _, __, m: got.append((m.topic, m.payload, m.qos, m.retain))
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        until(lambda: done and (got or time.monotonic() - done[0] > 1.0))
    finally:
        client.disconnect()
        client.loop_stop()
    return got


@broker_needed
def test_mqtt_keeps_the_state_of_each_area_for_who_comes_later(tmp_path):
    with broker(tmp_path, "allow_anonymous true") as port:
        to = Recipient(name="m", kind="mqtt", url=f"mqtt://127.0.0.1:{port}")
        said = deliver(to, parcel("mqtt"))
        assert said == "confirmed on skywarden/warnings/Plant%20A"
        odd = message(warning(area="#/+ Ковель"), actual=False)
        deliver(to, parcel("mqtt", odd))
        (found,) = retained(port, "skywarden/warnings/Plant%20A")
        assert found[2:] == (1, True)
        assert allowed.cloudevent(found[1])["status"] == "Test"
        (other,) = retained(port, "skywarden/warnings/%23%2F%2B%20%D0%9A%D0%BE%D0%B2%D0%B5%D0%BB%D1%8C")
        assert allowed.cloudevent(other[1])["subject"] == "#/+ Ковель"


@broker_needed
def test_mqtt_with_a_wrong_password_or_no_broker_says_so(tmp_path):
    passwords = tmp_path / "passwords"
    subprocess.run(
        [shutil.which("mosquitto_passwd", path="/usr/bin:/usr/local/bin"), "-c", "-b", str(passwords), "sky", "right"],
        check=True,
        stderr=subprocess.DEVNULL,
    )
    passwords.chmod(0o644)
    tmp_path.chmod(0o755)
    key = tmp_path / "key"
    key.write_text("right\n")
    with broker(tmp_path, "allow_anonymous false", f"password_file {passwords}", "user root") as port:
        to = Recipient(name="m", kind="mqtt", url=f"mqtt://127.0.0.1:{port}", user="sky", key=str(key))
        assert deliver(to, parcel("mqtt")).startswith("confirmed")
        key.write_text("wrong")
        with pytest.raises(Undelivered, match="the broker refused: Not authorized"):
            deliver(to, parcel("mqtt"))
    with pytest.raises(Undelivered, match="cannot be reached"):
        deliver(to, parcel("mqtt"))


@broker_needed
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # paho leaves a refused socket to Python
def test_mqtt_by_tls_is_checked(tmp_path):
    ours, other = Authority(tmp_path, "ours"), Authority(tmp_path, "other")
    made = ours.make("127.0.0.1")
    lines = f"cafile {ours.pem}", f"certfile {made.certificate}", f"keyfile {made.key}", "user root"
    with broker(tmp_path, "allow_anonymous true", *lines) as port:
        to = Recipient(name="m", kind="mqtt", url=f"mqtts://127.0.0.1:{port}", tls_ca=ours.pem)
        assert deliver(to, parcel("mqtt")).startswith("confirmed")
        with pytest.raises(Undelivered, match="certificate verify failed"):
            deliver(Recipient(name="m", kind="mqtt", url=to.url, tls_ca=other.pem), parcel("mqtt"))


def test_a_broker_that_says_nothing_is_not_waited_for_long():
    with socket.create_server(("127.0.0.1", 0)) as mute:
        to = Recipient(name="m", kind="mqtt", url=f"mqtt://127.0.0.1:{mute.getsockname()[1]}", timeout_s=0.5)
        begun = time.monotonic()
        with pytest.raises(Undelivered, match=r"no answer within 0\.5 s"):
            deliver(to, parcel("mqtt"))
        assert time.monotonic() - begun < 5.0
