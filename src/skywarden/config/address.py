"""Addresses: parsing, and which of them other computers can reach."""

import ipaddress
from typing import NamedTuple

from skywarden.config.settings import Settings

FORMS = {
    "listen": 'write "udp://ADDRESS:PORT" or "tcp://ADDRESS:PORT", for example "udp://127.0.0.1:8600"',
    "connect": 'write "tcp://ADDRESS:PORT", for example "tcp://192.0.2.10:30005"',
}


class Address(NamedTuple):
    """scheme: "tcp", "udp" or "" (an address without one); IPv6 hosts stand without brackets."""

    scheme: str
    host: str
    port: int


def address(text: str, scheme: str = "") -> Address:
    """Parse "scheme://host:port", or "host:port" which gets `scheme`. Raises ValueError that says what is wrong."""
    before, mark, rest = text.partition("://")
    scheme, rest = (before, rest) if mark else (scheme, text)
    host, mark, port = rest.rpartition(":")
    if not mark or not host:
        raise ValueError("has no port")
    if not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError(f'has "{port}" for a port, which must be 1 to 65535')
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host or "/" in host or " " in host:
        raise ValueError(f'has "{host}" for an address')
    return Address(scheme, host, int(port))


def is_multicast(host: str) -> bool:
    """Return whether a host is a multicast group."""
    try:
        return ipaddress.ip_address(host).is_multicast
    except ValueError:
        return False


def is_loopback(host: str) -> bool:
    """Return whether only this computer can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def exposed(settings: Settings) -> list[str]:
    """Return the addresses in a configuration that other computers can reach; `run` needs --expose for them."""
    found = []
    for source in settings.sources:
        for listen in source.listens:
            host = address(listen).host
            if is_multicast(host):  # a group is heard where it is joined: on loopback, unless an interface is named
                host = source.interface or "127.0.0.1"
            if not is_loopback(host):
                found.append(f"{listen} (source {source.name})")
    if not is_loopback(address(settings.api.listen).host):
        found.append(f"{settings.api.listen} (api)")
    return found
