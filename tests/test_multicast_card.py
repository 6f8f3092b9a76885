"""Multicast groups whose network card goes away and comes back."""

import selectors
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from inbox_samples import Lines, source
from test_multicast import GROUP, GROUP6, free_port, send

from skywarden.service.receive import Receiver
from skywarden.service.udp import UdpChannel
from skywarden.service.wire import RETRY, Feed, Load

UNSHARE = ("unshare", "--user", "--map-root-user", "--net")
MAKES_CARDS = (*UNSHARE, "ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1")
ALONE = (
    bool(shutil.which("unshare") and shutil.which("ip"))
    and not subprocess.run(MAKES_CARDS, capture_output=True, check=False).returncode
)
own_network = pytest.mark.skipif(not ALONE, reason="needs unshare, ip and leave to make a network of one's own")


def test_a_group_that_the_kernel_forgot_is_joined_again() -> None:
    address = f"udp://{GROUP}:{free_port()}"
    feed = Feed(source(listen=address), Lines, [address], Load())
    with selectors.DefaultSelector() as selector:
        channel = UdpChannel(feed, feed.ways[0], selector, Receiver())

        def hears() -> bool:
            send(GROUP, int(address.rpartition(":")[2]), "lo", b"x")
            for key, _ in selector.select(0.2):
                channel.ready(key.fileobj)  # type: ignore[arg-type]
            channel.admit(0.0)
            return bool(feed.messages())

        channel.tend(0.0)
        assert hears()
        (sock,) = [key.fileobj for key in selector.get_map().values()]
        assert isinstance(sock, socket.socket)
        channel.tend(RETRY)
        assert sock.fileno() >= 0, "it was still joined"
        member = socket.inet_aton(GROUP) + socket.inet_aton("127.0.0.1")
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_DROP_MEMBERSHIP, member)
        assert not hears()
        channel.tend(2 * RETRY)
        assert hears()
        assert feed.ways[0].state == "listening"
        channel.close()


@own_network
@pytest.mark.parametrize(
    ("group", "interface", "missing"),
    [
        (GROUP, "v0", "interface"),
        (GROUP, "10.2.0.1", "interface"),
        (GROUP6, "v0", "interface"),
        (GROUP6, "fd00:2::1", "address"),
    ],
)
def test_a_card_that_comes_back_is_heard_again(group: str, interface: str, missing: str) -> None:
    script = Path(__file__).with_name("card.py")
    done = subprocess.run(
        [*UNSHARE, sys.executable, str(script), group, interface], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"cannot listen: this computer does not have that {missing} (udp://")
