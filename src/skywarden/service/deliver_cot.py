"""Delivery of one Cursor on Target event: over TCP or TLS, one connection for each, or as one UDP datagram.

Nobody confirms in CoT: over TCP "sent" means that the other end took the bytes, over UDP that they left.
"""

import socket
import ssl
import time
from contextlib import suppress

from skywarden.config.address import Address, address
from skywarden.model.recipient import Recipient
from skywarden.service.parcel import Parcel, Undelivered, context

GOODBYE = 0.5  # s that the other end has to close as well
LOOPBACK = "127.0.0.1"


def send(recipient: Recipient, parcel: Parcel) -> str:
    """Deliver it. Raises Undelivered, OSError."""
    to = address(recipient.url or "")
    return _datagram(to, parcel) if to.scheme == "udp" else _stream(to, recipient, parcel)


def _datagram(to: Address, parcel: Parcel) -> str:
    with socket.socket(to.family, socket.SOCK_DGRAM) as sock:
        if to.multicast:
            _leave_by(sock, to)
        try:
            sock.sendto(parcel.body, (to.host, to.port))
        except OSError as error:
            raise Undelivered(f"not sent: {error.strerror}", perhaps=False) from error
    return f"left for {to}; nobody confirms datagrams"


def _leave_by(sock: socket.socket, to: Address) -> None:
    """Let a group's datagrams out at the interface that the address names, loopback if none, and one network far."""
    if to.family == socket.AF_INET6:
        index = socket.if_nametoindex(to.interface or "lo")
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
        return
    here = to.interface or LOOPBACK
    try:
        chosen = socket.inet_aton(here)
    except OSError:  # a name: ip_mreqn with its number
        chosen = bytes(8) + socket.if_nametoindex(here).to_bytes(4, "little")
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, chosen)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)


def _stream(to: Address, recipient: Recipient, parcel: Parcel) -> str:
    try:
        bare = socket.create_connection((to.host, to.port), recipient.timeout_s)
    except OSError as error:
        raise Undelivered(f"cannot be reached: {error.strerror or error}", perhaps=False) from error
    with bare:
        if to.scheme == "tls":
            try:
                sock: socket.socket = context(recipient).wrap_socket(bare, server_hostname=to.host)
            except ssl.SSLError as error:
                raise Undelivered(f"TLS: {error.reason or error}", perhaps=False) from error
        else:
            sock = bare
        with sock:
            try:
                sock.sendall(parcel.body)
                sock.shutdown(socket.SHUT_WR)
            except TimeoutError as error:
                raise Undelivered(f"did not take it within {recipient.timeout_s:g} s", perhaps=True) from error
            sock.settimeout(GOODBYE)
            until = time.monotonic() + GOODBYE  # a TAK server goes on sending what others say
            with suppress(OSError):  # a socket that is closed with something unread takes back what it sent
                while sock.recv(65_536) and time.monotonic() < until:
                    pass
    return f"taken by {to}"
