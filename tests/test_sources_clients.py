"""More TCP clients than there are places: real ones get in and stay, and whoever makes room is counted."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from inbox_samples import collect, connect, messages, port, running, source, until

from skywarden.service.sources import Inbox
from skywarden.service.tcp import CLIENTS

STRANGER = "127.0.0.2"  # another address of this computer on Linux: for a listener, another host
TCP = "tcp://127.0.0.1:0"


@contextmanager
def idle(inbox: Inbox, count: int, host: str = "127.0.0.1") -> Iterator[list[socket.socket]]:
    """Connect that many clients that say nothing."""
    with ExitStack() as stack:
        address = ("127.0.0.1", port(inbox))
        yield [stack.enter_context(socket.create_connection(address, 5, (host, 0))) for _ in range(count)]


def test_idle_clients_do_not_keep_a_real_one_out() -> None:
    with running(source(listen=TCP)) as inbox, idle(inbox, CLIENTS) as others:
        until(lambda: inbox.wires()[0].peers == CLIENTS)
        assert inbox.wires()[0].displaced == 0
        with connect(inbox) as client:
            client.sendall(b"real\n")
            assert messages(collect(inbox, 1)) == [b"real\n"]
            wire = inbox.wires()[0]
            assert (wire.peers, wire.displaced, wire.state) == (CLIENTS, 1, "connected")
            assert others[0].recv(1) == b""  # the oldest


def test_who_sends_whole_messages_keeps_its_place_whoever_else_comes() -> None:
    with running(source(listen=TCP)) as inbox, connect(inbox) as client:
        client.sendall(b"real\n")
        assert messages(collect(inbox, 1)) == [b"real\n"]
        with idle(inbox, 3 * CLIENTS):
            until(lambda: inbox.wires()[0].displaced == 2 * CLIENTS + 1)
            client.sendall(b"still here\n")
            assert messages(collect(inbox, 1)) == [b"still here\n"]


def test_a_host_that_fills_all_places_with_whole_messages_takes_none_from_another_that_has_one() -> None:
    with running(source(listen=TCP)) as inbox, idle(inbox, CLIENTS, STRANGER) as others:
        for other in others:
            other.sendall(b"rubbish\n")
        collect(inbox, CLIENTS)
        with connect(inbox) as client:  # has not sent anything yet
            until(lambda: inbox.wires()[0].displaced == 1)
            with idle(inbox, 2 * CLIENTS, STRANGER):
                until(lambda: inbox.wires()[0].displaced == 2 * CLIENTS + 1)
                client.sendall(b"real\n")
                assert messages(collect(inbox, 1)) == [b"real\n"]


def test_of_clients_that_all_sent_something_the_one_quiet_longest_goes_and_its_half_message_is_counted() -> None:
    with running(source(listen=TCP)) as inbox, connect(inbox) as client:
        client.sendall(b"whole\nhalf")
        assert messages(collect(inbox, 1)) == [b"whole\n"]
        with idle(inbox, CLIENTS - 1) as others:
            for other in others:
                other.sendall(b"later\n")
            collect(inbox, CLIENTS - 1)
            with connect(inbox) as last:
                last.sendall(b"last\n")
                assert messages(collect(inbox, 2)) == [b"half", b"last\n"]
                wire = inbox.wires()[0]
                assert (wire.received, wire.displaced) == (CLIENTS + 2, 1)


def test_nobody_makes_room_while_the_engine_does_not_fetch() -> None:
    with running(source(listen=TCP), total=1_000) as inbox, connect(inbox) as client:
        client.sendall(b"x" * 2_000 + b"\n")
        until(lambda: inbox.wires()[0].received == 1)
        with idle(inbox, CLIENTS - 1) as others, connect(inbox) as late:
            late.sendall(b"late\n")
            for other in others:
                other.sendall(b"waits\n")
            until(lambda: inbox.wires()[0].peers == CLIENTS)
            assert inbox.wires()[0].displaced == 0
            found = messages(collect(inbox, CLIENTS + 1))
            assert found.count(b"waits\n") == CLIENTS - 1
            assert b"late\n" in found
