"""Checks of the settings of TLS: what belongs together, and that nothing is open to others without it by chance."""

from collections.abc import Iterator, Mapping
from typing import Any

from skywarden.config.address import Address, address
from skywarden.config.locate import Key
from skywarden.config.shape import Problem, toml

SETTINGS = ("tls_certificate", "tls_key", "tls_ca", "tls_name")
NEEDS = "docs/running.md shows how to make one"
ALONE = f'stands without tls_certificate; write tls_certificate = "server.pem" ({NEEDS})'


def source(key: Key, table: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what is wrong with the TLS of one source."""
    listen = table.get("listen")
    listens = [found for one in (listen if isinstance(listen, list) else [listen]) if (found := _address(one))]
    connect = _address(table.get("connect"))
    if any(one.scheme == "tls" for one in listens) and "tls_certificate" not in table:
        text = f'has a tls:// address and no certificate; write tls_certificate = "server.pem" ({NEEDS})'
        yield Problem((*key, "listen"), text)
    schemes = {one.scheme for one in [*listens, *([connect] if connect else [])]}
    for name in SETTINGS:
        if name in table and schemes and "tls" not in schemes:
            yield Problem((*key, name), "is only for an address that begins with tls://; write that, or leave it out")
    if "tls_name" in table and connect is None:
        yield Problem((*key, "tls_name"), "is only for connect; leave it out")
    yield from _key(key, table)
    if table.get("plain") is not True:
        for one in listens:
            if one.scheme == "tcp" and one.exposed:
                instead = f'write "{one._replace(scheme="tls")}" with tls_certificate'
                yield Problem((*key, "listen"), f"= {toml(str(one))} {_open(instead)}")


def api(key: Key, table: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what is wrong with the TLS of the interface."""
    yield from _key(key, table)
    if "tls_ca" in table and "tls_certificate" not in table:
        yield Problem((*key, "tls_ca"), ALONE)
    found = _address(table.get("listen"))
    if found and found.exposed and "tls_certificate" not in table and table.get("plain") is not True:
        yield Problem((*key, "listen"), f"= {toml(table['listen'])} {_open('write tls_certificate below [api]')}")


def _key(key: Key, table: Mapping[str, Any]) -> Iterator[Problem]:
    if "tls_key" in table and "tls_certificate" not in table:
        yield Problem((*key, "tls_key"), ALONE)


def _open(instead: str) -> str:
    return f"lets other computers in without TLS; {instead}, or plain = true if you trust all who are in that network"


def _address(text: Any) -> Address | None:
    if not isinstance(text, str):
        return None
    try:
        return address(text)
    except ValueError:
        return None
