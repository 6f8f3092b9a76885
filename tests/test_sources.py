"""Sources: every transport on loopback with real sockets, and what goes wrong on them."""

import gzip
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from skywarden.errors import ConfigError
from skywarden.model.detection import Frame
from skywarden.model.place import Source
from skywarden.service.clock import DataClock, HostClock
from skywarden.service.receive import Receiver
from skywarden.service.sources import Inbox
from skywarden.service.wire import PARTIAL, WAITING

SECOND = 1_000_000_000
T0 = 1_700_000_000 * SECOND
LOOP = "udp://127.0.0.1:0"


class Lines:
    """A toy format: lines; a line may begin with its time in ns."""

    @staticmethod
    def split(buffer: bytes) -> list[int]:
        return [len(line) for line in buffer.splitlines(True) if line.endswith(b"\n")]

    @staticmethod
    def stamp(message: bytes, near: int) -> int | None:
        word = message.split(b" ")[0].strip()
        return int(word) if word.isdigit() else None


def source(name: str = "a", **way: Any) -> Source:
    return Source(name=name, format="lines", **way)


def make(*sources: Source, clock: HostClock | DataClock | None = None, expose: bool = False) -> Inbox:
    return Inbox(sources, clock or HostClock(), expose=expose, decoders={"lines": Lines})


@contextmanager
def running(*sources: Source, clock: HostClock | DataClock | None = None) -> Iterator[Inbox]:
    inbox = make(*sources, clock=clock)
    inbox.start()
    try:
        yield inbox
    finally:
        inbox.stop()


def until(condition: Callable[[], Any], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


def collect(inbox: Inbox, count: int, seconds: float = 5.0) -> list[Frame]:
    """Take until that many messages have come."""
    frames: list[Frame] = []
    deadline = time.monotonic() + seconds
    while sum(len(f) for f in frames) < count:
        assert time.monotonic() < deadline, f"{sum(len(f) for f in frames)} of {count} messages came"
        frames += inbox.take(0.2)
    return frames


def messages(frames: list[Frame]) -> list[bytes]:
    return [m for f in frames for m in f.messages()]


def port(inbox: Inbox, index: int = 0) -> int:
    return int(inbox.wires()[index].address.rpartition(":")[2])


def send(inbox: Inbox, *datagrams: bytes, index: int = 0) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for datagram in datagrams:
            sock.sendto(datagram, ("127.0.0.1", port(inbox, index)))


def connect(inbox: Inbox, index: int = 0) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port(inbox, index)))


def test_each_datagram_is_a_message_and_empty_ones_are_ignored() -> None:
    clock = HostClock()
    with running(source(listen=LOOP), clock=clock) as inbox:
        before = clock.now()
        send(inbox, b"one", b"", b"two\n", b"x" * 65_507)
        frames = collect(inbox, 3)
        assert messages(frames) == [b"one", b"two\n", b"x" * 65_507]
        assert all(before <= f.received <= clock.now() and f.source == "a" for f in frames)
        wire = inbox.wires()[0]
        assert (wire.state, wire.received, wire.bytes) == ("listening", 3, 65_514)
        assert wire.last_received == frames[-1].received


def test_messages_of_one_poll_share_a_frame() -> None:
    with running(source(listen=LOOP)) as inbox:
        send(inbox, *[b"%d" % i for i in range(500)])
        frames = collect(inbox, 500)
        assert messages(frames) == [b"%d" % i for i in range(500)]
        assert len(frames) < 50


def test_streams_of_several_clients_are_cut_each_for_itself() -> None:
    with running(source(listen="tcp://127.0.0.1:0")) as inbox, connect(inbox) as one, connect(inbox) as two:
        one.sendall(b"first ha")
        two.sendall(b"second ha")
        until(lambda: inbox.wires()[0].peers == 2)
        one.sendall(b"lf\nfirst next\n")
        two.sendall(b"lf\n")
        assert sorted(messages(collect(inbox, 3))) == [b"first half\n", b"first next\n", b"second half\n"]
        assert inbox.wires()[0].state == "connected"
        one.close()
        two.sendall(b"unfinished")
        two.close()
        assert messages(collect(inbox, 1)) == [b"unfinished"]
        until(lambda: inbox.wires()[0].state == "listening")
        assert inbox.wires()[0].peers == 0


def test_a_stream_without_messages_is_handed_on_in_bounded_pieces() -> None:
    with running(source(listen="tcp://127.0.0.1:0")) as inbox, connect(inbox) as client:
        client.sendall(b"z" * (3 * PARTIAL))
        client.close()
        until(lambda: inbox.wires()[0].bytes == 3 * PARTIAL)
        pieces = messages(inbox.take(1.0))
        assert b"".join(pieces) == b"z" * (3 * PARTIAL)
        assert all(len(piece) <= 2 * PARTIAL for piece in pieces)


def test_a_client_connects_again_when_the_server_comes_back() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        inbox = make(source(connect=f"tcp://127.0.0.1:{address[1]}"))
        inbox.start()
        peer, _ = server.accept()
        peer.sendall(b"before\n")
        assert messages(collect(inbox, 1)) == [b"before\n"]
        assert inbox.wires()[0].state == "connected"
        peer.close()
    until(lambda: inbox.wires()[0].state == "waiting: connection refused")
    with socket.create_server(address) as server:
        server.settimeout(5)
        peer, _ = server.accept()
        peer.sendall(b"after\n")
        assert messages(collect(inbox, 1)) == [b"after\n"]
        peer.close()
        inbox.stop()


def test_a_name_is_looked_up_and_an_unknown_one_is_said() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        running(
            source("a", connect=f"tcp://localhost:{server.getsockname()[1]}"),
            source("b", connect="tcp://no-such-host.invalid:30005"),
        ) as inbox,
    ):
        until(lambda: inbox.wires()[0].state == "connected")
        until(lambda: inbox.wires()[1].state in ("waiting: host name not found", "waiting: no answer"), 12)


def test_a_port_in_use_is_said_and_tried_again_while_others_run() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        inbox = make(source("a", listen=f"tcp://127.0.0.1:{number}"), source("b", listen=LOOP))
        inbox.start()
        assert inbox.wires()[0].state == "cannot listen: address in use"
        send(inbox, b"still here", index=1)
        assert messages(collect(inbox, 1)) == [b"still here"]
    until(lambda: inbox.wires()[0].state == "listening")
    with connect(inbox) as client:
        client.sendall(b"now\n")
        assert messages(collect(inbox, 1)) == [b"now\n"]
    inbox.stop()


def test_two_listeners_of_one_udp_port_are_not_both_accepted() -> None:
    with running(source(listen=LOOP)) as first, running(source(listen=f"udp://127.0.0.1:{port(first)}")) as second:
        assert second.wires()[0].state == "cannot listen: address in use"


@pytest.mark.parametrize(
    "way",
    [
        {"listen": "udp://0.0.0.0:8600"},
        {"listen": "tcp://0.0.0.0:8600"},
        {"listen": "tcp://[::]:8600"},
        {"listen": "udp://239.1.1.1:8600", "interface": "192.0.2.1"},
    ],
)
def test_an_address_open_to_the_network_needs_expose(way: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="--expose"):
        make(source(**way))
    make(source(**way), expose=True)


@pytest.mark.parametrize(
    "way",
    [
        {},
        {"listen": LOOP, "file": "x"},
        {"listen": "127.0.0.1:8600"},
        {"listen": "udp://127.0.0.1"},
        {"listen": "udp://127.0.0.1:99999"},
        {"listen": "http://127.0.0.1:80"},
        {"listen": "tcp://myhost:80"},
        {"connect": "udp://127.0.0.1:8600"},
        {"connect": "tcp://127.0.0.1:0"},
    ],
)
def test_an_impossible_address_is_refused_at_the_start(way: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        make(source(**way))


def test_an_unknown_format_is_refused_and_the_known_ones_are_named() -> None:
    with pytest.raises(ConfigError, match="lines"):
        make(Source(name="a", format="morse", listen=LOOP))


def test_a_multicast_group_is_joined_and_another_group_on_its_port_stays_out() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        number = probe.getsockname()[1]
    with (
        running(source(listen=f"udp://239.255.11.1:{number}")) as inbox,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        assert inbox.wires()[0].state == "listening"
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        sender.sendto(b"other group", ("239.255.11.2", number))
        sender.sendto(b"not the group", ("127.0.0.1", number))
        sender.sendto(b"group", ("239.255.11.1", number))
        assert messages(collect(inbox, 1)) == [b"group"]


def test_a_tcp_sender_waits_when_the_engine_does_not_fetch_and_nothing_is_lost() -> None:
    line = b"y" * 65_535 + b"\n"
    total = WAITING // len(line) + 400
    with running(source(listen="tcp://127.0.0.1:0")) as inbox, connect(inbox) as client:
        sender = threading.Thread(target=lambda: [client.sendall(line) for _ in range(total)])
        sender.start()
        until(lambda: inbox.wires()[0].bytes >= WAITING, 10)
        time.sleep(0.1)
        assert inbox.wires()[0].bytes < WAITING + 4 * (1 << 20)
        assert sender.is_alive()
        assert len(messages(collect(inbox, total, 10))) == total
        sender.join()
        assert inbox.wires()[0].overrun == 0


def test_every_datagram_that_is_lost_is_counted() -> None:
    size, total = 60_000, WAITING // 60_000 + 300
    with running(source(listen=LOOP)) as inbox:
        send(inbox, *[b"u" * size] * total)
        until(lambda: inbox.wires()[0].received + inbox.wires()[0].overrun == total)
        assert inbox.wires()[0].overrun > 0
        assert sum(len(f) for f in inbox.take(1.0)) == inbox.wires()[0].received
        send(inbox, b"goes on")
        assert messages(collect(inbox, 1)) == [b"goes on"]


def test_a_flood_on_one_source_does_not_delay_another() -> None:
    stop = threading.Event()

    def flood(number: int) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            while not stop.wait(0.01):
                for _ in range(200):
                    sock.sendto(b"\xff" * 100, ("127.0.0.1", number))

    with running(source("flood", listen=LOOP), source("good", listen=LOOP)) as inbox:
        flooder = threading.Thread(target=flood, args=(port(inbox),))
        flooder.start()
        delays = []
        for _ in range(30):
            sent = time.monotonic()
            send(inbox, b"good", index=1)
            while not any(f.source == "good" for f in inbox.take(0.2)):
                assert time.monotonic() - sent < 2
            delays.append(time.monotonic() - sent)
        stop.set()
        flooder.join()
        assert inbox.wires()[0].received > 1000
        assert sorted(delays)[15] < 0.05


def test_a_computing_engine_does_not_starve_the_receiver() -> None:
    stop = threading.Event()

    def compute() -> None:
        while not stop.is_set():
            sum(range(1000))

    with running(source(listen=LOOP)) as inbox:
        threading.Thread(target=compute).start()
        began = time.monotonic()
        send(inbox, *[b"m" * 50] * 400)
        collect(inbox, 400)
        stop.set()
        assert time.monotonic() - began < 2.0


@pytest.mark.parametrize("fast", [True, False])
def test_direct_and_plain_calls_receive_the_same(fast: bool) -> None:
    receiver = Receiver(fast)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as inward:
        inward.bind(("127.0.0.1", 0))
        inward.setblocking(False)
        assert receiver.datagrams(inward).read == 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            for datagram in (b"a", b"", b"bc"):
                out.sendto(datagram, inward.getsockname())
        found = receiver.datagrams(inward)
        assert (found.data, found.lengths, found.read) == (b"abc", [1, 2], 3)
    left, right = socket.socketpair()
    with left, right:
        right.setblocking(False)
        assert receiver.stream(right, 10) == b""
        left.sendall(b"hello")
        assert receiver.stream(right, 4) == b"hell"
        left.close()
        assert receiver.stream(right, 4) == b"o"
        assert receiver.stream(right, 4) is None
    with pytest.raises(OSError, match="descriptor"):
        receiver.stream(right, 4)


def test_stop_frees_the_ports_at_once_and_keeps_what_came() -> None:
    inbox = make(source("a", listen="tcp://127.0.0.1:0"), source("b", listen=LOOP))
    inbox.start()
    client = connect(inbox)
    client.sendall(b"half")
    until(lambda: inbox.wires()[0].peers == 1)
    number = port(inbox)
    time.sleep(0.05)
    inbox.stop()
    client.close()
    socket.create_server(("127.0.0.1", number)).close()
    assert messages(inbox.take(0.0)) == [b"half"]


def test_an_inbox_that_never_started_can_be_stopped_and_a_stopped_one_again() -> None:
    make(source(listen=LOOP)).stop()
    with running(source(listen=LOOP)) as inbox:
        inbox.stop()


def test_take_waits_for_the_first_frame_and_no_longer_than_asked() -> None:
    with running(source(listen=LOOP)) as inbox:
        began = time.monotonic()
        assert inbox.take(0.1) == []
        assert 0.09 < time.monotonic() - began < 1.0
        threading.Timer(0.1, send, (inbox, b"late")).start()
        assert messages(inbox.take(5.0)) == [b"late"]
        assert not inbox.finished()


def read_all(*sources: Source, clock: HostClock | DataClock | None = None) -> tuple[list[Frame], Inbox]:
    with running(*sources, clock=clock) as inbox:
        frames: list[Frame] = []
        deadline = time.monotonic() + 5
        while not inbox.finished():
            assert time.monotonic() < deadline
            frames += inbox.take(0.05)
        return frames, inbox


def test_recordings_are_read_to_the_end_raw_or_compressed(tmp_path: Path) -> None:
    lines = [b"line %d %s\n" % (i, b"x" * 50) for i in range(20_000)]
    (tmp_path / "raw").write_bytes(b"".join(lines) + b"no newline")
    (tmp_path / "zipped").write_bytes(gzip.compress(b"".join(lines)))
    frames, inbox = read_all(source("a", file=str(tmp_path / "raw")), source("b", file=str(tmp_path / "zipped")))
    assert messages([f for f in frames if f.source == "a"]) == [*lines, b"no newline"]
    assert messages([f for f in frames if f.source == "b"]) == lines
    assert [w.state for w in inbox.wires()] == ["finished", "finished"]
    assert [w.received for w in inbox.wires()] == [20_001, 20_000]


def test_recordings_wait_for_the_engine(tmp_path: Path) -> None:
    (tmp_path / "raw").write_bytes((b"x" * 999 + b"\n") * 20_000)
    with running(source(file=str(tmp_path / "raw"))) as inbox:
        until(lambda: inbox.wires()[0].received > 0)
        time.sleep(0.3)
        assert inbox.wires()[0].bytes < 2_500_000  # of 20 million
        assert inbox.wires()[0].state == "reading"
        assert len(messages(collect(inbox, 20_000, 10))) == 20_000


def test_recordings_that_cannot_be_read_say_why_and_the_rest_is_used(tmp_path: Path) -> None:
    whole = gzip.compress(b"".join(b"%d\n" % i for i in range(100_000)))
    (tmp_path / "cut.gz").write_bytes(whole[: len(whole) // 2])
    frames, inbox = read_all(
        source("a", file=str(tmp_path / "cut.gz")),
        source("b", file=str(tmp_path / "missing")),
        source("c", file=str(tmp_path)),
    )
    states = [w.state for w in inbox.wires()]
    assert states == [
        "cannot read: damaged gzip file",
        "cannot read: no such file or directory",
        "cannot read: is a directory",
    ]
    assert messages(frames)[:2] == [b"0\n", b"1\n"]


def test_on_the_data_clock_recordings_are_merged_by_their_own_times(tmp_path: Path) -> None:
    for name, start in (("a", 0), ("b", 1)):
        rows = [b"%d %s\n" % (T0 + i * SECOND, name.encode()) for i in range(start, 100, 2)]
        (tmp_path / name).write_bytes(b"noise\n" + b"".join(rows))
    clock = DataClock()
    frames, _ = read_all(source("a", file=str(tmp_path / "a")), source("b", file=str(tmp_path / "b")), clock=clock)
    timed = [f for f in frames if f.data != b"noise\n"]
    assert [f.received for f in timed] == [T0 + i * SECOND for i in range(100)]
    assert [f.source for f in timed] == ["a", "b"] * 50
    assert [f.received for f in frames if f.data == b"noise\n"] == [T0, T0]
    assert clock.now() == T0 + 99 * SECOND


def test_packet_captures_are_read_datagram_by_datagram(tmp_path: Path) -> None:
    def packet(payload: bytes, second: int) -> bytes:
        udp = struct.pack(">HHHH", 1, 2, 8 + len(payload), 0) + payload
        ip = struct.pack(">BBHIBBH8x", 0x45, 0, 20 + len(udp), 0, 64, 17, 0) + udp
        return struct.pack("<IIII", second, 0, len(ip), len(ip)) + ip

    header = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    start = T0 // SECOND
    path = tmp_path / "net.pcap.gz"
    path.write_bytes(gzip.compress(header + packet(b"one", start) + packet(b"two", start + 5)))
    frames, inbox = read_all(source(file=str(path)), clock=DataClock())
    assert messages(frames) == [b"one", b"two"]
    assert [f.received for f in frames] == [T0, T0 + 5 * SECOND]
    assert inbox.wires()[0].state == "finished"


def test_on_the_data_clock_every_message_is_a_frame_at_its_own_time() -> None:
    clock = DataClock()
    with running(source(listen="tcp://127.0.0.1:0"), clock=clock) as inbox, connect(inbox) as client:
        client.sendall(b"early\n%d x\n%d y\nno time\n" % (T0, T0 + SECOND))
        frames = collect(inbox, 4)
        assert [len(f) for f in frames] == [1, 1, 1, 1]
        assert [f.received for f in frames] == [T0, T0, T0 + SECOND, T0 + SECOND]
        assert clock.now() == T0 + SECOND


def test_a_recording_without_any_times_is_read_on_the_host_s_time(tmp_path: Path) -> None:
    (tmp_path / "raw").write_bytes(b"no\ntimes\n")
    frames, _ = read_all(source(file=str(tmp_path / "raw")), clock=DataClock())
    assert messages(frames) == [b"no\n", b"times\n"]
    assert all(abs(f.received - time.time_ns()) < 60 * SECOND for f in frames)
