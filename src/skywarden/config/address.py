"""Addresses: parsing, and which of them other computers can reach."""

import ipaddress
import re
import socket
from collections.abc import Iterator
from typing import NamedTuple

from skywarden.config.settings import Settings

FORMS = {
    "listen": 'write "udp://ADDRESS:PORT" or "tcp://ADDRESS:PORT", for example "udp://127.0.0.1:8600"',
    "connect": 'write "tcp://ADDRESS:PORT", for example "tcp://192.0.2.10:30005"',
}
LOOPBACK = "127.0.0.1"
LOOPBACK_NAMES = ("lo", "lo0")  # of the interface: on Linux, on macOS
_NAME = re.compile(r"(?![\d.]+$)[^\s/:%]+")  # what is only digits and dots is a mistyped address


class Address(NamedTuple):
    """scheme: "tcp", "udp" or "" (an address without one); IPv6 hosts stand without brackets.

    interface: name or address of the one that joins a multicast group; "": loopback.
    """

    scheme: str
    host: str
    port: int
    interface: str = ""

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host_port}" + (f"@{self.interface}" if self.interface else "")

    @property
    def host_port(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def family(self) -> socket.AddressFamily:
        return socket.AF_INET6 if ":" in self.host else socket.AF_INET

    @property
    def multicast(self) -> bool:
        try:
            return ipaddress.ip_address(self.host).is_multicast
        except ValueError:
            return False

    @property
    def exposed(self) -> bool:
        """Whether other computers can reach it. A group is heard where it is joined and nowhere else."""
        if self.multicast:
            return self.interface not in ("", *LOOPBACK_NAMES) and not is_loopback(self.interface)
        return not is_loopback(self.host)

    def joined(self, interface: str | None) -> "Address":
        """Return it with its source's interface, if it is a group that names none itself."""
        return self._replace(interface=interface) if interface and self.multicast and not self.interface else self


def address(text: str, scheme: str = "") -> Address:
    """Parse "scheme://host:port", or "host:port" which gets `scheme`; a group may end with "@interface".

    Raises ValueError that says what is wrong.
    """
    before, mark, rest = text.partition("://")
    scheme, rest = (before, rest) if mark else (scheme, text)
    rest, at, interface = rest.partition("@")
    host, mark, port = rest.rpartition(":")
    if not mark or not host:
        raise ValueError("has no port")
    if not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError(f'has "{port}" for a port, which must be 1 to 65535')
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host or "/" in host or " " in host:
        raise ValueError(f'has "{host}" for an address')
    found = Address(scheme, host, int(port), interface.removeprefix("[").removesuffix("]"))
    if found.multicast and "%" in host:
        group, _, name = host.partition("%")
        raise ValueError(f'has an interface inside; write it at the end: "udp://[{group}]:{port}@{name}"')
    if at:
        _check_interface(found)
    return found


def is_loopback(host: str) -> bool:
    """Return whether only this computer can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def exposed(settings: Settings) -> list[str]:
    """Return the addresses in a configuration that other computers can reach; `run` needs --expose for them."""
    found = [
        f"{listen} (source {source.name})"
        for source in settings.sources
        for listen in source.listens
        if address(listen).joined(source.interface).exposed
    ]
    if address(settings.api.listen).exposed:
        found.append(f"{settings.api.listen} (api)")
    return found


def absent(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield each network interface by name that this computer does not have now, and the source that names it."""
    here = {name for _, name in socket.if_nameindex()}
    for source in settings.sources:
        for listen in source.listens:
            name = address(listen).joined(source.interface).interface
            if name and name not in here and not _is_address(name):
                yield name, source.name


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True


def _check_interface(found: Address) -> None:
    """Raise ValueError when what stands after the @ is not an interface that could join the group before it."""
    interface = found.interface
    if found.scheme != "udp" or not found.multicast:
        raise ValueError(f'names an interface, which only a udp:// multicast group has; leave out "@{interface}"')
    example = f"{found._replace(interface='eth0')}"
    try:
        version = ipaddress.ip_address(interface.partition("%")[0]).version
    except ValueError:
        if not _NAME.fullmatch(interface):
            raise ValueError(f'has "{interface}" for an interface, e.g. "{example}"') from None
        return
    if "%" in interface or version != ipaddress.ip_address(found.host).version:
        kind = "an IPv6 address" if ":" in found.host else "an IPv4 address"
        raise ValueError(f'needs {kind} of the interface, or its name after the @, e.g. "{example}"')
