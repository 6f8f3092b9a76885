"""UDP: one datagram is one message. Unicast and multicast."""

import errno
import os
import selectors
import socket
import struct
import time
from collections import Counter
from itertools import groupby
from pathlib import Path

from skywarden.config.address import LOOPBACK, LOOPBACK_NAMES, Address
from skywarden.service.address import is_literal, parse
from skywarden.service.receive import BATCH, Datagrams, Receiver
from skywarden.service.wire import LISTENING, POLL_BYTES, POLL_DATAGRAMS, RETRY, Feed, Way, why

DRAINS = 1024  # batches of datagrams that are read of a source that goes; BUFFER holds no more
BUFFER = 8 << 20  # bytes the kernel may keep for us
SO_RCVBUFFORCE = 33  # Linux: a larger buffer than net.core.rmem_max, for the privileged
SO_MEMINFO = 55  # Linux: the socket's memory; its ninth word counts dropped datagrams
DROPS = 8
IP_MULTICAST_ALL = 49  # Linux: 0 = only what came in where this socket joined, not where other programs did
INTERFACES = Path("/proc/net/if_inet6")  # Linux: IPv6 address and number of each interface, hexadecimal


class UdpChannel:
    """Receives the datagrams sent to one address."""

    def __init__(self, feed: Feed, way: Way, selector: selectors.BaseSelector, receiver: Receiver) -> None:
        self.feed, self.way = feed, way
        self._address, self._selector, self._receiver = parse(way.address, "listen"), selector, receiver
        self._socket: socket.socket | None = None
        self._due = 0.0  # s, steady: to listen, or to look whether the group is still joined
        self._drops = 0  # of the present socket
        self._found: list[Datagrams] = []  # of the present poll

    def tend(self, now: float) -> None:
        """Listen, or see whether the group is still joined, if that is due; count drops. now: s, steady."""
        if self._socket is not None:
            self._count_drops(self._socket)
        if now < self._due:
            return
        self._due = now + RETRY
        if self._socket is not None and self._address.multicast:
            self._stay(self._socket)
        if self._socket is None:
            self._open()

    def ready(self, sock: socket.socket) -> None:
        """Read what waits, within one poll's share."""
        count = size = 0
        try:
            while count < POLL_DATAGRAMS and size < POLL_BYTES:
                found = self._receiver.datagrams(sock)
                count += found.read
                size += len(found.data)
                if found.read:
                    self.way.heard = time.monotonic()
                if self.feed.full:
                    self.feed.overrun += found.read
                elif found.lengths:
                    self._found.append(found)
                if found.read < BATCH:
                    break
        except OSError as e:
            self.close()
            self.way.state = f"cannot listen: {why(e)}"

    def admit(self, now: float) -> bool:
        """Let in what each sender's quota allows of the poll's datagrams, refuse the rest. now: s, steady.

        They are refused and not left to the kernel, which would drop whoever's come next.
        """
        found, self._found = self._found, []
        wanted = Counter(host for datagrams in found for host in datagrams.hosts)
        left = self.feed.quota.share(wanted, now) if wanted else {}
        if left == wanted:
            for datagrams in found:
                self.feed.add(datagrams.data, datagrams.lengths)
            return False
        over = {host: count - left[host] for host, count in wanted.items()}
        for datagrams in found:
            self._admit(datagrams, left)
        worst = max(over, key=lambda host: over[host])
        self.feed.slow(socket.inet_ntop(self._address.family, worst), refused=sum(over.values()))
        return False

    def _admit(self, datagrams: Datagrams, left: dict[bytes, int]) -> None:
        """Take the first ones of each sender, as many as are left to it. Those in a row are taken together."""
        index = start = 0
        for host, run in groupby(datagrams.hosts):
            lengths = datagrams.lengths[index : index + sum(1 for _ in run)]
            taken = lengths[: left[host]]
            if taken:
                self.feed.add(datagrams.data[start : start + sum(taken)], taken)
                left[host] -= len(taken)
            index += len(lengths)
            start += sum(lengths)

    def say(self, connection: int, data: bytes, close: bool) -> bool:
        """Say that no connection is ours: whoever sends datagrams is not answered."""
        return False

    def leave(self) -> None:
        """Take in what has arrived, then close for good."""
        before = -1
        while self._socket is not None and before < len(self._found) < DRAINS:
            before = len(self._found)
            self.ready(self._socket)
        self.admit(time.monotonic())
        self.close()

    def close(self) -> None:
        if self._socket is not None:
            self._selector.unregister(self._socket)
            self._socket.close()
            self._socket = None

    def _open(self) -> None:
        try:
            self._socket = _listen(self._address)
        except OSError as e:
            self.way.state = f"cannot listen: {why(e)}"
            return
        self._drops = 0
        self.way.state = LISTENING
        self.way.address = str(self._address._replace(port=self._socket.getsockname()[1]))
        self._selector.register(self._socket, selectors.EVENT_READ, self)

    def _stay(self, sock: socket.socket) -> None:
        """Close the socket if its group has to be joined anew: the kernel forgets it when a card is taken out.

        While there is no such interface the socket stays open: if only its address is gone, it still hears.
        """
        try:
            _member(sock, self._address)
        except OSError as e:
            if e.errno != errno.EADDRINUSE:
                self.way.state = f"cannot listen: {why(e)}"
                return
            if self.way.state == LISTENING:  # it is still a member
                return
        self.ready(sock)  # what waits there was heard, and must not be lost
        self.close()

    def _count_drops(self, sock: socket.socket) -> None:
        try:
            words = sock.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, 4 * (DROPS + 1))
        except OSError:  # not Linux: drops stay unknown
            return
        if len(words) == 4 * (DROPS + 1):
            drops = struct.unpack_from("=I", words, 4 * DROPS)[0]
            self.feed.overrun += drops - self._drops
            self._drops = drops


def _listen(address: Address) -> socket.socket:
    sock = socket.socket(address.family, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        for option in (socket.SO_RCVBUF, SO_RCVBUFFORCE):
            try:
                sock.setsockopt(socket.SOL_SOCKET, option, BUFFER)
            except OSError:  # not Linux, or not privileged: the ordinary size has to do
                continue
        if address.multicast:
            _join(sock, address)
        else:
            sock.bind((address.host, address.port))
    except OSError:
        sock.close()
        raise
    return sock


def _join(sock: socket.socket, address: Address) -> None:
    """Bind to the group itself, so that other traffic to the same port stays out, and join it on one interface."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if address.family == socket.AF_INET6:
        index = _index(address.interface or LOOPBACK_NAMES[0])
        if hasattr(socket, "SO_BINDTODEVICE"):  # Linux has no IP_MULTICAST_ALL by interface for IPv6
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, socket.if_indextoname(index).encode())
        sock.bind((address.host, address.port, 0, index))
    else:
        if hasattr(socket, "IP_MULTICAST_ALL") or os.uname().sysname == "Linux":
            sock.setsockopt(socket.IPPROTO_IP, IP_MULTICAST_ALL, 0)
        sock.bind((address.host, address.port))
    _member(sock, address)


def _member(sock: socket.socket, address: Address) -> None:
    """Join the group on its interface. Raises OSError: EADDRINUSE when the socket is a member there already."""
    if address.family == socket.AF_INET6:
        group = socket.inet_pton(socket.AF_INET6, address.host)
        index = _index(address.interface or LOOPBACK_NAMES[0])
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group + struct.pack("@I", index))
        return
    interface = address.interface or LOOPBACK
    where = socket.inet_aton(interface) if is_literal(interface) else bytes(4) + struct.pack("@i", _index(interface))
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(address.host) + where)


def _index(interface: str) -> int:
    """Return the number of the interface that has this name or this IPv6 address. Raises OSError."""
    if not is_literal(interface):
        try:
            return socket.if_nametoindex(interface)
        except OSError:  # it has no number before Python 3.14
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV)) from None
    wanted = socket.inet_pton(socket.AF_INET6, interface).hex()
    for row in INTERFACES.read_text().splitlines() if INTERFACES.exists() else ():
        found, index, *_ = row.split()
        if found == wanted:
            return int(index, 16)
    raise OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
