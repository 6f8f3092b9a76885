"""Addresses of a configuration checked for use: "tcp://127.0.0.1:30003"."""

import ipaddress

from skywarden.config.address import LOOPBACK, Address, address
from skywarden.errors import ConfigError

EXAMPLE = 'write for example "tcp://127.0.0.1:30003"'


def parse(text: str, where: str) -> Address:
    """Take an address apart. Raises ConfigError that says what to write."""
    try:
        found = address(text)
    except ValueError as e:
        raise ConfigError(f'"{text}" {e}; {EXAMPLE}', where) from None
    if found.scheme not in ("tcp", "tls", "udp"):
        raise ConfigError(f'"{text}" does not say tcp, tls or udp; {EXAMPLE}', where)
    return found._replace(host=LOOPBACK) if found.host == "localhost" else found


def is_literal(host: str) -> bool:
    """Say whether a host is an address and not a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def require_loopback(listener: Address, expose: bool, where: str) -> None:
    """Raise ConfigError when a listener would be open to the network and nobody said so."""
    if not is_literal(listener.host) and listener.host != "localhost":
        raise ConfigError(f'cannot listen at the name "{listener.host}"; write the address of an interface', where)
    if not expose and listener.exposed:
        reached = listener.interface or listener.host
        raise ConfigError(
            f"{reached} can be reached from the network; use {LOOPBACK}, or start with --expose if that is meant", where
        )
