"""Addresses: "tcp://127.0.0.1:30003" taken apart and checked."""

import ipaddress
import socket
from typing import NamedTuple

from skywarden.errors import ConfigError

LOOPBACK = "127.0.0.1"


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
        return is_literal(self.host) and ipaddress.ip_address(self.host).is_multicast


def parse(text: str, where: str) -> Address:
    """Take an address apart. Raises ConfigError that says what to write."""
    scheme, _, rest = text.partition("://")
    host, _, port = rest.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
    if scheme not in ("tcp", "udp") or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ConfigError(f'"{text}" is not an address; write for example "tcp://127.0.0.1:30003"', where)
    if ":" in host and not is_literal(host):
        raise ConfigError(f'"{host}" is not an address; IPv6 is written "tcp://[::1]:30003"', where)
    return Address(scheme, LOOPBACK if host == "localhost" else host, int(port))


def is_literal(host: str) -> bool:
    """Say whether a host is an address and not a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Say whether only this computer can reach a listener at that address."""
    return host == "localhost" or (is_literal(host) and ipaddress.ip_address(host).is_loopback)


def require_loopback(host: str, expose: bool, where: str) -> None:
    """Raise ConfigError when a listener would be open to the network and nobody said so."""
    if not is_literal(host) and host != "localhost":
        raise ConfigError(f'cannot listen at the name "{host}"; write the address of an interface', where)
    if not expose and not is_loopback(host):
        raise ConfigError(
            f"{host} can be reached from the network; use {LOOPBACK}, or start with --expose if that is meant", where
        )
