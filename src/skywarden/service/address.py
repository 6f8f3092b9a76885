"""Addresses: "tcp://127.0.0.1:30003" taken apart and checked."""

import ipaddress
import socket
from typing import NamedTuple

from skywarden.config.address import address, is_loopback, is_multicast
from skywarden.errors import ConfigError

LOOPBACK = "127.0.0.1"
EXAMPLE = 'write for example "tcp://127.0.0.1:30003"'


class Address(NamedTuple):
    """scheme: "tcp" or "udp"; host: a literal address or a name, without brackets."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host_port}"

    @property
    def host_port(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def family(self) -> socket.AddressFamily:
        return socket.AF_INET6 if ":" in self.host else socket.AF_INET

    @property
    def multicast(self) -> bool:
        return is_multicast(self.host)


def parse(text: str, where: str) -> Address:
    """Take an address apart. Raises ConfigError that says what to write."""
    try:
        scheme, host, port = address(text)
    except ValueError as e:
        raise ConfigError(f'"{text}" {e}; {EXAMPLE}', where) from None
    if scheme not in ("tcp", "udp"):
        raise ConfigError(f'"{text}" does not say tcp or udp; {EXAMPLE}', where)
    return Address(scheme, LOOPBACK if host == "localhost" else host, port)


def is_literal(host: str) -> bool:
    """Say whether a host is an address and not a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def require_loopback(host: str, expose: bool, where: str) -> None:
    """Raise ConfigError when a listener would be open to the network and nobody said so."""
    if not is_literal(host) and host != "localhost":
        raise ConfigError(f'cannot listen at the name "{host}"; write the address of an interface', where)
    if not expose and not is_loopback(host):
        raise ConfigError(
            f"{host} can be reached from the network; use {LOOPBACK}, or start with --expose if that is meant", where
        )
