"""A port can be listened at once: two sources, or a source and the interface, at the same one."""

from collections.abc import Iterator, Mapping
from typing import Any

from skywarden.config.address import LOOPBACK, Address, address
from skywarden.config.locate import Key, dotted
from skywarden.config.settings import ApiSettings
from skywarden.config.shape import Problem

ANY = ("0.0.0.0", "::")  # [::] takes the port of IPv6 alone, as Python opens it


def problems(data: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield each listener whose port another one before it has. Groups are passed over: several may hear one."""
    taken: list[tuple[Key, Address]] = []
    for key, found in _listeners(data):
        before = next((key for key, other in taken if _same(found, other)), None)
        if before is not None and (before[:-1] != key[:-1] or found not in dict(taken).values()):  # else: stands twice
            yield Problem(key, f"is at the port {found.port} of {dotted(before)}; choose another one")
        taken.append((key, found))


def _listeners(data: Mapping[str, Any]) -> Iterator[tuple[Key, Address]]:
    """Yield the interface first: it has its port even when the configuration does not say so."""
    api = data.get("api")
    written = api.get("listen") if isinstance(api, Mapping) else None
    if found := _address(written or ApiSettings().listen, "tcp"):
        yield ("api", "listen"), found
    sources = data.get("sources")
    for index, source in enumerate(sources if isinstance(sources, list) else []):
        listen = source.get("listen") if isinstance(source, Mapping) else None
        for place, one in enumerate(listen if isinstance(listen, list) else [listen]):
            key: Key = ("sources", index, "listen")
            if found := _address(one):
                yield (*key, place) if isinstance(listen, list) else key, found


def _same(one: Address, other: Address) -> bool:
    if one.port != other.port or (one.scheme == "udp") != (other.scheme == "udp") or one.family != other.family:
        return False
    return one.host == other.host or one.host in ANY or other.host in ANY


def _address(text: Any, scheme: str = "") -> Address | None:
    if not isinstance(text, str):
        return None
    try:
        found = address(text, scheme)
    except ValueError:
        return None
    if found.port == 0 or found.multicast or found.scheme not in ("tcp", "tls", "udp"):
        return None
    return found._replace(host=LOOPBACK) if found.host == "localhost" else found
