"""Sources: sockets on loopback, and what goes wrong on them."""

import selectors
import socket
import threading
import time

import pytest
from inbox_samples import LOOP, Lines, collect, connect, make, messages, port, running, send, source, until

from skywarden.errors import ConfigError
from skywarden.model.place import Source
from skywarden.service.clock import DataClock, HostClock
from skywarden.service.receive import Receiver
from skywarden.service.tcp import TcpServer
from skywarden.service.wire import EARLY, PARTIAL, WAITING, Feed, Load


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
        until(lambda: inbox.wires()[1].state != "connecting", 12)
        assert inbox.wires()[1].state in ("waiting: host name not found", "waiting: no answer")


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
    client.sendall(b"whole\nhalf")
    until(lambda: inbox.wires()[0].peers == 1)
    number = port(inbox)
    time.sleep(0.05)
    inbox.stop()
    client.close()
    socket.create_server(("127.0.0.1", number)).close()
    assert messages(inbox.take(0.0)) == [b"whole\n"]  # we ended the stream: half a message is not one
    assert inbox.wires()[0].received == 1


def test_an_inbox_that_never_started_can_be_stopped_and_a_stopped_one_again() -> None:
    make(source(listen=LOOP)).stop()
    with running(source(listen=LOOP)) as inbox:
        inbox.stop()
    assert inbox.take(0.0) == []


def test_take_waits_for_the_first_frame_and_no_longer_than_asked() -> None:
    with running(source(listen=LOOP)) as inbox:
        began = time.monotonic()
        assert inbox.take(0.1) == []
        assert 0.09 < time.monotonic() - began < 1.0
        threading.Timer(0.1, send, (inbox, b"late")).start()
        assert messages(inbox.take(5.0)) == [b"late"]
        assert not inbox.finished()


class Poisoned(Lines):
    """Somebody's format with a fault."""

    @staticmethod
    def split(buffer: bytes) -> list[int]:
        if b"poison" in buffer:
            raise KeyError("already registered")
        return Lines.split(buffer)

    @staticmethod
    def stamp(message: bytes, near: int) -> int | None:
        raise ZeroDivisionError


def test_a_fault_of_one_channel_closes_it_for_a_while_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skywarden.service.sources.REST", 0.5)
    sources = source("a", listen="tcp://127.0.0.1:0"), source("b", listen=LOOP)
    with running(*sources, decoders={"lines": Poisoned}) as inbox, connect(inbox) as client:
        client.sendall(b"poison\n")
        until(lambda: inbox.wires()[0].state.startswith("cannot read: "))
        assert "already registered" in inbox.wires()[0].state
        send(inbox, b"still here", index=1)
        assert messages(collect(inbox, 1)) == [b"still here"]
        until(lambda: inbox.wires()[0].state == "listening")


def test_a_message_at_which_the_format_s_clock_fails_has_no_time() -> None:
    with running(source(listen=LOOP), clock=DataClock(), decoders={"lines": Poisoned}) as inbox:
        send(inbox, *[b"x"] * EARLY)
        assert len(messages(collect(inbox, EARLY))) == EARLY


def test_pausing_and_fetching_at_once_ends_no_reader() -> None:
    """The engine may fetch between any two looks of the receiver."""

    class Fetched(Feed):
        looks = 0

        @property
        def full(self) -> bool:
            self.looks += 1
            return self.looks % 2 == 1

    selector = selectors.DefaultSelector()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        other = socket.create_connection(listener.getsockname())
        one, _ = listener.accept()
    feed = Fetched(source(listen="tcp://127.0.0.1:0"), Lines, ["tcp://127.0.0.1:0"], Load())
    server = TcpServer(feed, feed.ways[0], selector, Receiver())
    server._connections.add(one, server, "127.0.0.1")
    for _ in range(4):
        server._connections.balance()
    assert feed.looks == 4
    server.close()
    other.close()
    selector.close()
