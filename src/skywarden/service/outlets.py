"""Sockets that play sensors: what is simulated goes out by them to a running system."""

import socket
from collections.abc import Mapping
from contextlib import suppress

from skywarden.config.address import address

CONNECT_S = 10.0  # s that the other end has to answer
GOODBYE_S = 1.0  # s that the other end has to close too


class Outlets:
    """One socket for each sender to a running engine. Answers are not read: a node's few ones fit a buffer."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        """Open all. addresses: sender -> "udp://host:port" or "tcp://host:port". Raises OSError."""
        self._sockets: dict[str, socket.socket] = {}
        self._addresses = dict(addresses)
        for name, text in addresses.items():
            to = address(text)
            if to.scheme == "udp":
                family = socket.AF_INET6 if ":" in to.host else socket.AF_INET
                self._sockets[name] = socket.socket(family, socket.SOCK_DGRAM)
                self._sockets[name].connect((to.host, to.port))
            else:
                self._sockets[name] = socket.create_connection((to.host, to.port), CONNECT_S)

    def send(self, sender: str, data: bytes) -> None:
        """Send one datagram, or a piece of a stream. Raises OSError when the other end is gone."""
        try:
            self._sockets[sender].sendall(data)
        except OSError as e:
            raise OSError(e.errno, f"who listened to {sender} is gone ({e.strerror})", self._addresses[sender]) from e

    def close(self) -> None:
        """Close all. Answers are read first: a socket that is closed with some left takes back what it sent."""
        for sock in self._sockets.values():
            with suppress(OSError):
                if sock.type == socket.SOCK_STREAM:
                    sock.shutdown(socket.SHUT_WR)
                    sock.settimeout(GOODBYE_S)
                    while sock.recv(65_536):
                        pass
            sock.close()
