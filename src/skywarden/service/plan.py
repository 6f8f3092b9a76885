"""How each source is opened: what its addresses are, and whether they can be used at all."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from skywarden.errors import ConfigError
from skywarden.model.place import Source
from skywarden.service.address import parse, require_loopback
from skywarden.service.tcp import TcpClient, TcpServer
from skywarden.service.tls import Tls, of_source
from skywarden.service.udp import UdpChannel
from skywarden.service.wire import Framing

# settings of a source that its sockets need not know
MEANING = ("latitude", "longitude", "editions", "max_age_s", "max_lead_s", "max_rate", "silent_after_s")

Kind = type[TcpServer | TcpClient | UdpChannel]


class Plan(NamedTuple):
    """How a source will be opened. kinds: of each address; none: a recording."""

    source: Source
    kinds: list[Kind]
    tls: Tls | None = None


def planned(sources: Sequence[Source], decoders: Mapping[str, type[Framing]], expose: bool) -> list[Plan]:
    """Return how to open each source. expose: addresses that others can reach are meant. Raises ConfigError."""
    places = [(source, f"sources[{i}]") for i, source in enumerate(sources)]
    return [Plan(one, _kinds(one, decoders, expose, where), of_source(one, where)) for one, where in places]


def same_wire(one: Source, other: Source) -> bool:
    """Say whether two settings of a source differ at most in what is made of its messages."""
    fields = [name for name in Source.__struct_fields__ if name not in MEANING]
    return all(getattr(one, name) == getattr(other, name) for name in fields)


def addresses_of(source: Source) -> list[str]:
    """Return the addresses at which a source is opened, or its file."""
    listens = [str(parse(listen, "listen").joined(source.interface)) for listen in source.listens]
    return listens or [source.connect or source.file or ""]


def _kinds(source: Source, decoders: Mapping[str, type[Framing]], expose: bool, where: str) -> list[Kind]:
    """Return how to open each address; none: a recording. Raises ConfigError when one cannot be."""
    if source.format not in decoders:
        raise ConfigError(f'unknown format "{source.format}"; there are {", ".join(decoders)}', f"{where}.format")
    ways = [way for way in (source.listens or None, source.connect, source.file) if way is not None]
    if len(ways) != 1:
        raise ConfigError(f'source "{source.name}" needs exactly one of listen, connect and file', where)
    if source.file is not None:
        return []
    if source.connect is not None:
        address = parse(source.connect, f"{where}.connect")
        if address.scheme not in ("tcp", "tls") or address.port == 0:
            raise ConfigError('connect needs an address like "tcp://host:30005"', f"{where}.connect")
        return [TcpClient]
    kinds: list[Kind] = []
    for listen in source.listens:
        address = parse(listen, f"{where}.listen").joined(source.interface)
        require_loopback(address, expose, f"{where}.listen")
        if decoders[source.format].answers and address.scheme == "udp":
            raise ConfigError(f'{source.format} answers its nodes, so it needs "tcp://..."', f"{where}.listen")
        kinds.append(UdpChannel if address.scheme == "udp" else TcpServer)
    return kinds
