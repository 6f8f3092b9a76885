"""Quotas of senders: who is too fast waits or is refused and counted, and nobody else notices."""

import selectors
import socket
import threading
import time

import pytest
import raid
from hypothesis import given
from hypothesis import strategies as st
from inbox_samples import LOOP, Lines, collect, connect, messages, port, running, send, source, until

from skywarden.model.detection import Frame
from skywarden.model.event import Arrived, Refused, Tick, decode
from skywarden.record import MemoryLog
from skywarden.replay import compare
from skywarden.service.clock import DataClock
from skywarden.service.held import Held
from skywarden.service.quota import BURST, IDLE, RATE, SENDERS, TOGETHER, Bucket, Quota, fair, rate_of
from skywarden.service.receive import Receiver
from skywarden.service.rows import GOOD
from skywarden.service.sources import Inbox
from skywarden.service.tcp import CLIENTS
from skywarden.service.udp import UdpChannel
from skywarden.service.wire import FAST, Feed, Load

TCP = "tcp://127.0.0.1:0"
STRANGER = "127.0.0.2"  # another host, for a listener on Linux
COUNTS = st.lists(st.integers(0, 1000), max_size=20)


@given(COUNTS, st.integers(0, 5000), st.integers(0, 50))
def test_a_fair_share_is_all_that_there_is_and_nobody_gets_less_than_who_wants_more(
    wanted: list[int], there: int, turn: int
) -> None:
    shares = fair(wanted, there, turn)
    assert sum(shares) == min(there, sum(wanted))
    assert all(0 <= share <= want for share, want in zip(shares, wanted, strict=True))
    least = min((share for share, want in zip(shares, wanted, strict=True) if share < want), default=1000)
    assert all(share <= least + 1 for share in shares)


def test_what_cannot_be_divided_goes_round() -> None:
    assert {fair([5, 5, 5], 1, turn).index(1) for turn in range(3)} == {0, 1, 2}


@given(st.lists(st.tuples(st.floats(0.0, 2.0), st.integers(0, 500)), max_size=50))
def test_a_bucket_gives_its_rate_and_one_burst_and_no_more(steps: list[tuple[float, int]]) -> None:
    bucket, now, taken = Bucket(100.0, 50.0, 0.0), 0.0, 0
    for pause, wanted in steps:
        now += pause
        taken += bucket.take(wanted, now)
        assert taken <= 50.0 + 100.0 * now + 1e-6


def test_who_keeps_to_the_rate_is_never_held_up() -> None:
    quota = Quota(100.0)
    for tick in range(1000):
        wanted = {"good": 10, "flood": 10_000}
        assert quota.share(wanted, tick * 0.1)["good"] == 10


def test_who_floods_gets_the_rate_and_a_crowd_that_floods_shares_ten_times_as_much() -> None:
    quota = Quota(100.0)
    flood = sum(quota.share({"flood": 10_000}, tick * 0.01)["flood"] for tick in range(1001))
    assert flood == pytest.approx(1000 + 100 * BURST, abs=2)
    crowd = {f"flood {k}": 1000 for k in range(40)} | {"good": 1}
    quota = Quota(100.0)
    given_out = [quota.share(crowd, tick * 0.1) for tick in range(101)]
    assert sum(sum(shares.values()) for shares in given_out) <= 100 * TOGETHER * (10 + BURST)
    assert all(shares["good"] == 1 for shares in given_out)
    each = [sum(shares[name] for shares in given_out) for name in crowd if name != "good"]
    assert max(each) - min(each) <= 0.1 * max(each)


def test_what_the_others_left_no_room_for_is_not_taken_from_a_sender_s_own_quota() -> None:
    quota = Quota(100.0)
    (first, *_) = quota.share(dict.fromkeys(range(40), 100), 0.0).values()
    assert first < 10
    assert quota.share({0: 90}, 0.25) == {0: 90}


def test_a_crowd_of_made_up_senders_takes_nothing_from_one_that_was_known() -> None:
    quota = Quota(100.0)
    quota.share({"radar": 1}, 0.0)
    for number in range(5 * SENDERS):
        quota.share({number: 1}, 1.0 + number * 1e-3)
    assert len(quota._own) == SENDERS
    now = 1.0 + 5 * SENDERS * 1e-3
    assert quota.share({"radar": 100}, now) == {"radar": 100}
    assert quota.share({"newcomer": 100}, now)["newcomer"] < 100  # shares one quota with all that are too many
    assert quota.share({"newcomer": 100}, 11.0 + 2 * IDLE) == {"newcomer": 100}


def test_the_usual_rate_is_that_of_the_format_and_max_rate_goes_before() -> None:
    assert rate_of(source(listen=TCP)) == RATE
    assert rate_of(source(listen=TCP, max_rate=7.0)) == 7.0


def test_messages_that_wait_are_kept_in_order() -> None:
    held = Held()
    held.put(b"abbccc", [1, 2, 3])
    assert held.take(2) == (b"abb", [1, 2])
    held.put(b"dddd", [4])
    assert (len(held), held.take(0), held.take(2)) == (2, (b"", []), (b"cccdddd", [3, 4]))
    assert len(held) == 0


class Sender(threading.Thread):
    """Sends lines as fast as they are taken."""

    def __init__(self, sock: socket.socket, count: int) -> None:
        super().__init__(daemon=True)
        self.sock, self.lines = sock, [b"%d flood\n" % i for i in range(count)]
        self.start()

    def run(self) -> None:
        self.sock.sendall(b"".join(self.lines))
        self.sock.close()


def test_a_connection_that_floods_waits_and_loses_nothing_while_another_is_not_delayed() -> None:
    with running(source(listen=TCP, max_rate=2000.0)) as inbox, connect(inbox) as good:
        flood, began = Sender(connect(inbox), 6000), time.monotonic()
        delays, frames = [], list[Frame]()
        for number in range(40):
            line, sent = b"good %d\n" % number, time.monotonic()
            good.sendall(line)
            while not any(line in frame.data for frame in frames[-20:]):
                assert time.monotonic() - sent < 2.0
                frames += inbox.take(0.2)
            delays.append(time.monotonic() - sent)
        assert sorted(delays)[20] < 0.05
        assert "connected" in inbox.wires()[0].state
        assert FAST in inbox.wires()[0].state
        assert inbox.wires()[0].state not in GOOD
        frames += collect(inbox, 6040 - len(messages(frames)), 10.0)
        assert time.monotonic() - began > (6000 - 2000 * BURST) / 2000.0 * 0.9
        assert [m for m in messages(frames) if m.endswith(b"flood\n")] == flood.lines
        assert inbox.wires()[0].delayed > 3500  # all but the first burst, and what came just in time
        assert (inbox.wires()[0].received, inbox.wires()[0].overrun) == (6040, 0)
        flood.join()


def test_who_waits_for_long_is_named_all_the_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skywarden.service.wire.SILENT_AFTER", 0.3)
    with running(source(listen=TCP, max_rate=1.0)) as inbox, connect(inbox) as client:
        client.sendall(b"one\ntwo\nthree\n")
        until(lambda: FAST in inbox.wires()[0].state)
        time.sleep(0.5)
        assert FAST in inbox.wires()[0].state
        collect(inbox, 3)
        until(lambda: inbox.wires()[0].state == "connected")
        assert inbox.wires()[0].delayed == 2


def test_what_waits_is_taken_in_when_its_sender_has_to_make_room() -> None:
    with running(source(listen=TCP, max_rate=1.0)) as inbox, connect(inbox) as first:
        first.sendall(b"one\ntwo\nthree\nhalf")
        assert messages(collect(inbox, 1)) == [b"one\n"]
        others = [connect(inbox) for _ in range(CLIENTS - 1)]
        for other in others:
            other.sendall(b"other\n")
        until(lambda: inbox.wires()[0].delayed > CLIENTS - 5)  # all have been read
        others.append(connect(inbox))
        try:
            until(lambda: inbox.wires()[0].displaced == 1)
            found: list[bytes] = []
            until(lambda: found.extend(messages(inbox.take(0.0))) or b"three\n" in found)
            assert [m for m in found if m != b"other\n"] == [b"two\n", b"three\n", b"half"]
        finally:
            for other in others:
                other.close()


def test_what_waits_is_taken_in_when_we_stop() -> None:
    with running(source(listen=TCP, max_rate=1.0)) as inbox, connect(inbox) as client:
        client.sendall(b"one\ntwo\nthree\nunfinished")
        assert messages(collect(inbox, 1)) == [b"one\n"]
        inbox.stop()
        assert messages(inbox.take(0.0)) == [b"two\n", b"three\n"]


def throw(inbox: Inbox, host: str, *datagrams: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((host, 0))
        for datagram in datagrams:
            sock.sendto(datagram, ("127.0.0.1", port(inbox)))


def test_a_host_that_floods_by_udp_is_refused_and_counted_and_another_on_the_same_port_loses_nothing() -> None:
    with running(source(listen=LOOP, max_rate=500.0)) as inbox:
        frames = list[Frame]()
        for round_ in range(20):
            throw(inbox, STRANGER, *[b"flood %d" % i for i in range(200)])
            throw(inbox, "127.0.0.1", b"good %d" % round_, b"good too %d" % round_)
            frames += inbox.take(0.1)
        until(lambda: frames.extend(inbox.take(0.0)) or sum(len(f) + f.over for f in frames) == 4040)
        good = [m for m in messages(frames) if m.startswith(b"good")]
        assert len(good) == 40
        assert sum(f.over for f in frames) > 2000
        assert all(len(f) == 0 for f in frames if f.over)
        assert inbox.wires()[0].state == f"listening: {FAST} {STRANGER}"
        assert inbox.wires()[0].received == sum(map(len, frames))


def test_a_udp_source_that_goes_is_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skywarden.service.udp.POLL_DATAGRAMS", 1)  # a batch in one poll
    feed = Feed(source(listen=LOOP), Lines, [LOOP], Load())
    with selectors.DefaultSelector() as selector, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        channel = UdpChannel(feed, feed.ways[0], selector, Receiver())
        channel.tend(0.0)
        for number in range(400):
            out.sendto(b"%d" % number, ("127.0.0.1", int(feed.ways[0].address.rpartition(":")[2])))
        channel.leave()
        assert feed.messages() == [b"%d" % number for number in range(400)]


def test_hosts_are_told_apart_on_ipv6_too_and_without_the_direct_calls() -> None:
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        for fast in (True, False):
            receiver = Receiver(fast)
            with socket.socket(family, socket.SOCK_DGRAM) as inward, socket.socket(family, socket.SOCK_DGRAM) as out:
                inward.bind((host, 0))
                inward.setblocking(False)
                for datagram in (b"a", b"", b"b"):
                    out.sendto(datagram, inward.getsockname())
                found = receiver.datagrams(inward)
                assert found.hosts == [socket.inet_pton(family, host)] * 2


def test_recordings_on_the_data_clock_have_no_quota() -> None:
    with running(source(listen=TCP, max_rate=10.0), clock=DataClock()) as inbox:
        Sender(connect(inbox), 3000)
        assert len(messages(collect(inbox, 3000))) == 3000


def test_an_ordinary_sender_is_not_called_fast() -> None:
    with running(source(listen=LOOP)) as inbox:
        send(inbox, *[b"x"] * 500)
        collect(inbox, 500)
        assert (inbox.wires()[0].state, inbox.wires()[0].delayed) == ("listening", 0)


def test_what_was_refused_is_in_the_record_and_in_the_health_and_a_replay_is_equal() -> None:
    turns = raid.inputs(4)
    time_ns = turns[2][-1].time - raid.SECOND // 10
    turns[2].insert(0, Arrived(Frame("adsb", time_ns, b"", b"", over=321)))
    turns[2].insert(2, Arrived(Frame("adsb", time_ns, b"", b"", over=1)))
    log = MemoryLog()
    engine = raid.Engine(log)
    for turn in turns:
        engine.turn(turn)
    told = [e for e in (decode(entry.payload) for entry in log.entries()) if isinstance(e, Refused)]
    assert [e.count for e in told if e == Refused("adsb", "too fast", e.count)] == [321, 1]
    (row,) = [row for row in engine.line.picture.health if row.name == "adsb"]
    assert row.refused["too fast"] == 322
    assert compare(log.entries()).difference is None
    assert isinstance(turns[2][-1], Tick)
