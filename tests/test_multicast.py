"""Multicast groups, each joined on its own network interface, over real sockets that never leave this computer."""

import fcntl
import socket
import struct
from pathlib import Path

import pytest
from inbox_samples import collect, make, messages, running, source

from skywarden.errors import ConfigError
from skywarden.service.sources import Inbox

GROUP, GROUP6 = "239.255.11.1", "ff05::1:8642"
SIOCGIFADDR, UP_AND_MULTICAST = 0x8915, 0x1001
IPV6 = Path("/proc/net/if_inet6")


def second_interface() -> tuple[str, str] | None:
    """Return name and IPv4 address of an interface that is not loopback, None if this computer has none."""
    for _, name in socket.if_nameindex():
        flags = Path(f"/sys/class/net/{name}/flags")
        if not flags.exists() or int(flags.read_text(), 16) & (UP_AND_MULTICAST | 8) != UP_AND_MULTICAST:
            continue
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            try:
                answer = fcntl.ioctl(sock, SIOCGIFADDR, struct.pack("256s", name.encode()))
            except OSError:
                continue
        return name, socket.inet_ntoa(answer[20:24])
    return None


def second_address() -> str | None:
    """Return a global IPv6 address of that interface."""
    for row in IPV6.read_text().splitlines() if IPV6.exists() and SECOND else ():
        digits, _, _, scope, _, name = row.split()
        if SECOND and name == SECOND[0] and scope == "00":
            return socket.inet_ntop(socket.AF_INET6, bytes.fromhex(digits))
    return None


SECOND = second_interface()
SECOND6 = second_address()
two = pytest.mark.skipif(SECOND is None, reason="needs a second interface that is up, with multicast and IPv4")
two6 = pytest.mark.skipif(SECOND6 is None, reason="needs a second interface that is up, with multicast and IPv6")


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def send(group: str, number: int, interface: str, data: bytes) -> None:
    """Send to a group through the interface with that name; on this computer only. Linux routes no IPv6 group on lo."""
    index = socket.if_nametoindex(interface)
    if ":" in group:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 0)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
            sock.sendto(data, (group, number))
        return
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 0)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, bytes(8) + struct.pack("@i", index))
        sock.sendto(data, (group, number))


def each_hears_its_own(group: str, ways: tuple[str, str]) -> None:
    """Listen at one group and port on loopback and on the second interface, as one source and as two."""
    assert SECOND is not None
    host, number = f"[{group}]" if ":" in group else group, free_port()
    listens = [f"udp://{host}:{number}@{way}" for way in ways]
    sent = {b"over the card": SECOND[0]} if ":" in group else {b"over the card": SECOND[0], b"over loopback": "lo"}
    with running(source("both", listen=tuple(listens)), expose=True) as inbox:
        assert inbox.wires()[0].state == "listening"
        assert inbox.wires()[0].address == ", ".join(listens)
        for data, interface in sent.items():
            send(group, number, interface, data)
        assert sorted(messages(collect(inbox, len(sent)))) == sorted(sent)
        nothing_else(inbox)
    with running(source("lo", listen=listens[0]), source(SECOND[0], listen=listens[1]), expose=True) as inbox:
        for data, interface in sent.items():
            send(group, number, interface, data)
        frames = collect(inbox, len(sent))
        assert {m: f.source for f in frames for m in f.messages()} == sent
        nothing_else(inbox)


def nothing_else(inbox: Inbox) -> None:
    """See that nothing more comes."""
    assert messages(inbox.take(0.3)) == []


@two
def test_one_group_on_two_interfaces_by_address() -> None:
    assert SECOND is not None
    each_hears_its_own(GROUP, ("127.0.0.1", SECOND[1]))


@two
def test_one_group_on_two_interfaces_by_name() -> None:
    assert SECOND is not None
    each_hears_its_own(GROUP, ("lo", SECOND[0]))


@two6
@pytest.mark.parametrize("group", [GROUP6, "ff02::1:8642"])
def test_one_ipv6_group_on_two_interfaces_by_name(group: str) -> None:
    assert SECOND is not None
    each_hears_its_own(group, ("lo", SECOND[0]))


@two6
def test_one_ipv6_group_on_two_interfaces_by_address() -> None:
    assert SECOND6 is not None
    each_hears_its_own(GROUP6, ("::1", SECOND6))


@two6
def test_an_ipv6_group_on_loopback_stays_there_when_another_program_joins_it_on_a_card() -> None:
    assert SECOND is not None
    number = free_port()
    with (
        running(source(listen=f"udp://[{GROUP6}]:{number}")) as inbox,
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as other,
    ):
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind((GROUP6, number))
        member = socket.inet_pton(socket.AF_INET6, GROUP6) + struct.pack("@I", socket.if_nametoindex(SECOND[0]))
        other.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, member)
        send(GROUP6, number, SECOND[0], b"from the network")
        assert other.recv(100) == b"from the network"
        nothing_else(inbox)


@two
def test_the_interface_of_the_source_joins_the_groups_that_name_none() -> None:
    assert SECOND is not None
    one, other = free_port(), free_port()
    listens = (f"udp://{GROUP}:{one}", f"udp://{GROUP}:{other}@127.0.0.1", "udp://127.0.0.1:0")
    with running(source(listen=listens, interface=SECOND[1]), expose=True) as inbox:
        shown = inbox.wires()[0].address.split(", ")
        assert shown[:2] == [f"udp://{GROUP}:{one}@{SECOND[1]}", listens[1]]
        send(GROUP, one, SECOND[0], b"card")
        send(GROUP, other, "lo", b"loopback")
        assert sorted(messages(collect(inbox, 2))) == [b"card", b"loopback"]


@pytest.mark.parametrize("host", [GROUP, f"[{GROUP6}]"])
@pytest.mark.parametrize(
    ("interface", "says"),
    [("nosuch0", "interface"), ("192.0.2.250", "that interface"), ("2001:db8::250", "that address")],
)
def test_an_interface_that_is_not_there_is_said_and_the_other_address_goes_on(
    host: str, interface: str, says: str
) -> None:
    if (":" in interface) != (":" in host) and interface != "nosuch0":
        return
    missing = f"udp://{host}:{free_port()}@{interface}"
    with running(source(listen=(missing, "udp://127.0.0.1:0")), expose=True) as inbox:
        assert inbox.wires()[0].state.startswith("cannot listen: ")
        assert says in inbox.wires()[0].state
        assert inbox.wires()[0].state.endswith(f"({missing})")


@pytest.mark.parametrize(
    ("way", "open_to_others"),
    [
        ("udp://239.1.1.1:1", False),
        ("udp://239.1.1.1:1@127.0.0.1", False),
        ("udp://239.1.1.1:1@lo", False),
        ("udp://[ff05::1]:1@::1", False),
        ("udp://239.1.1.1:1@eth0", True),
        ("udp://239.1.1.1:1@192.0.2.1", True),
        ("udp://[ff05::1]:1@eth0", True),
        ("udp://[ff05::1]:1@[2001:db8::1]", True),
    ],
)
def test_each_address_needs_expose_by_its_own_interface(way: str, open_to_others: bool) -> None:
    several = source(listen=("udp://127.0.0.1:2", way), interface="127.0.0.1")
    if open_to_others:
        with pytest.raises(ConfigError, match="--expose"):
            make(several)
    else:
        make(several)
    make(several, expose=True)
