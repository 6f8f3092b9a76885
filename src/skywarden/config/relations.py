"""Checks between settings: names, references, one way in per source, things that only make sense together."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from skywarden.alert import AlertSettings
from skywarden.config import partners, places, ports, recipients, secure
from skywarden.config.address import FORMS, address
from skywarden.config.shape import Problem, tables, toml
from skywarden.config.suggest import meant
from skywarden.errors import ConfigError
from skywarden.identify import IdentifySettings
from skywarden.sensors import DECODERS
from skywarden.sensors.asterix.editions import chosen
from skywarden.track.settings import TrackerSettings

WAYS = ("listen", "connect", "file")
ORDERED = (  # section, its defaults, the setting that must be lower, the one that must be higher, may they be equal
    ("alert", AlertSettings(), "clear_probability", "raise_probability", False),
    ("tracker", TrackerSettings(), "drop_existence", "confirm_existence", False),
    ("tracker", TrackerSettings(), "settle_s", "settle_slow_s", True),
    ("identify", IdentifySettings(), "suspect_probability", "suspect_alone_probability", True),
)
ONLY = {  # settings of sensors that mean something to some formats only
    "sac": ("asterix",),
    "sic": ("asterix",),
    "echo_dbm": ("asterix",),
    "node_id": ("sapient",),
    "node": ("microphone",),
    "begins_m": ("sapient", "reports", "microphone"),
}


NAMED = ("sites", "sources", "sensors", "flights", "districts", "positions", "partners", "units", "recipients")


def problems(data: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield every mistake between settings. Values of a wrong type are passed over: `shape` has named them."""
    run = data.get("run") if isinstance(data.get("run"), Mapping) else {}
    if run and run.get("clock") == "data" and run.get("mode", "live") != "replay":
        mode = toml(run.get("mode", "live"))
        yield Problem(("run", "clock"), f'= "data" cannot make a {mode} picture; write mode = "replay" below [run]')
    yield from _ordered(data)
    for section in (
        "sites",
        "sources",
        "sensors",
        "flights",
        "districts",
        "positions",
        "partners",
        "units",
        "recipients",
    ):
        yield from _names(section, tables(data, section))
    yield from places.problems(data)
    yield from partners.problems(data)
    yield from recipients.problems(data)
    sources = tables(data, "sources")
    for index, source in enumerate(sources):
        yield from _source(("sources", index), source)
        yield from _recorded(("sources", index), source, run)
        yield from secure.source(("sources", index), source)
    yield from _confused(sources, tables(data, "sensors"))
    yield from _sensors(tables(data, "sensors"), _named(sources))
    yield from _foreign(tables(data, "sensors"), sources)
    yield from _nodes(tables(data, "sensors"))
    yield from _flights(tables(data, "flights"))
    yield from ports.problems(data)
    api = data.get("api")
    if isinstance(api, Mapping) and isinstance(api.get("listen"), str):
        yield from _address(("api", "listen"), api["listen"], ("",), 'write "127.0.0.1:8642"')
    if isinstance(api, Mapping):
        yield from secure.api(("api",), api)


def _recorded(key: tuple[str | int, ...], source: Mapping[str, Any], run: Any) -> Iterator[Problem]:
    """A recording never makes a live picture, and the messages' own times need messages that have times."""
    if "file" in source and run.get("mode", "live") == "live":
        hint = 'write mode = "replay" and clock = "data" below [run]'
        yield Problem((*key, "file"), f"is a recording, which cannot make a live picture; {hint}")
    if source.get("format") == "beast" and run.get("clock") == "data":
        yield Problem((*key, "format"), '= "beast" has no times of its own; write clock = "host" below [run]')


def _ordered(data: Mapping[str, Any]) -> Iterator[Problem]:
    """Name settings that contradict each other: what ends an alert or a track must lie below what begins it.

    Else noise switches it on and off; and who is waited for is not waited for less long than the others.
    """
    for section, defaults, low, high, equal in ORDERED:
        table = data.get(section)
        if not isinstance(table, Mapping):
            continue
        values = {**msgspec.structs.asdict(defaults), **table}
        one, other = values[low], values[high]
        if not isinstance(one, int | float) or not isinstance(other, int | float):
            continue
        if one > other or (one == other and not equal):
            key = (section, low if low in table else high)
            word = "no higher than the second" if equal else "lower than the second"
            yield Problem(key, f"makes {low} = {toml(one)} and {high} = {toml(other)}; the first must be {word}")


def _flights(flights: Iterable[Mapping[str, Any]]) -> Iterator[Problem]:
    """A flight's times have a zone, it begins before it ends, and its way-points are on Earth."""
    for index, flight in enumerate(flights):
        times = [(name, flight[name]) for name in ("begins", "ends") if isinstance(flight.get(name), datetime)]
        loose = [name for name, time in times if time.tzinfo is None]
        for name in loose:
            yield Problem(("flights", index, name), f"has no time zone; write {name} = {toml(flight[name])}Z for UTC")
        if len(times) == 2 and not loose and times[0][1] >= times[1][1]:
            yield Problem(("flights", index, "ends"), "must be later than begins")
        route = flight.get("route")
        for k, point in enumerate(route if isinstance(route, list) else ()):
            pair = [x for x in point if isinstance(x, int | float)] if isinstance(point, list) else []
            if len(pair) == 2 and not (abs(pair[0]) <= 90 and abs(pair[1]) <= 180):
                yield Problem(("flights", index, "route", k), "must be latitude, longitude in degrees, in this order")


def _names(section: str, tables: Iterable[Mapping[str, Any]]) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for index, table in enumerate(tables):
        name = table.get("name")
        if not isinstance(name, str):
            continue
        if name in first:
            key = (section, index, "name")
            yield Problem(key, f"= {toml(name)} is taken by {section}[{first[name]}]; give each its own name")
        first.setdefault(name, index)


def _named(tables: list[Mapping[str, Any]]) -> list[str]:
    return [table["name"] for table in tables if isinstance(table.get("name"), str)]


def _confused(sources: list[Mapping[str, Any]], sensors: list[Mapping[str, Any]]) -> Iterator[Problem]:
    """The tracker has one sensor of each name: what two sources may call one of theirs would be both of them."""
    whose: list[tuple[str, int, Any, Any]]
    whose = [("sources", k, source.get("name"), source.get("name")) for k, source in enumerate(sources)]
    whose += [("sensors", k, sensor.get("name"), sensor.get("source")) for k, sensor in enumerate(sensors)]
    others = _named(sources)
    for section, index, name, own in whose:
        for other in others if isinstance(name, str) and own in others else ():
            if other != own and (name == other or name.startswith(f"{other}/")):
                text = f"= {toml(name)} is what source {toml(other)} may call a sensor of its own; choose another name"
                yield Problem((section, index, "name"), text)


def _source(key: tuple[str | int, ...], source: Mapping[str, Any]) -> Iterator[Problem]:
    kind = source.get("format")
    if isinstance(kind, str) and kind not in DECODERS:
        guess = meant(kind, DECODERS)
        hint = f"; did you mean {toml(guess)}?" if guess else ""
        yield Problem((*key, "format"), f"= {toml(kind)} is unknown; formats are {', '.join(DECODERS)}{hint}")
    ways = [way for way in WAYS if way in source]
    if len(ways) != 1:
        found = f"has {' and '.join(ways)}" if ways else "has none of listen, connect and file"
        yield Problem(key, f'{found}; write exactly one, for example listen = "udp://127.0.0.1:8600"')
    if isinstance(source.get("connect"), str):
        yield from _address((*key, "connect"), source["connect"], ("tcp", "tls"), FORMS["connect"])
    yield from _listens((*key, "listen"), source)
    yield from _pair(key, source, "latitude", "longitude")
    yield from _editions((*key, "editions"), source)
    yield from _interface(key, source)


def _listens(key: tuple[str | int, ...], source: Mapping[str, Any]) -> Iterator[Problem]:
    listen = source.get("listen")
    if isinstance(listen, str):
        yield from _address(key, listen, ("tcp", "tls", "udp"), FORMS["listen"])
    if not isinstance(listen, list) or not all(isinstance(one, str) for one in listen):
        return
    if not listen:
        yield Problem(key, f"is an empty list; {FORMS['listen']}")
    for index, one in enumerate(listen):
        yield from _address((*key, index), one, ("tcp", "tls", "udp"), FORMS["listen"])
        if one in listen[:index]:
            text = f"= {toml(one)} stands twice; leave one out, or name an interface for each (docs/configuration.md)"
            yield Problem((*key, index), text)


def _editions(key: tuple[str | int, ...], source: Mapping[str, Any]) -> Iterator[Problem]:
    editions = source.get("editions")
    if not isinstance(editions, Mapping) or not all(isinstance(edition, str) for edition in editions.values()):
        return
    if editions and source.get("format") != "asterix":
        yield Problem(key, 'are only for format = "asterix"; leave them out')
        return
    try:
        chosen(editions)
    except ConfigError as e:
        yield Problem(key, f"cannot be used: {e}")


def _interface(key: tuple[str | int, ...], source: Mapping[str, Any]) -> Iterator[Problem]:
    listen = source.get("listen")
    listens: list[Any] = listen if isinstance(listen, list) else [listen]
    if not isinstance(source.get("interface"), str) or not all(isinstance(one, str) for one in listens):
        return
    try:
        found = [address(one) for one in listens]
    except ValueError:
        return
    if not any(one.multicast for one in found):
        yield Problem((*key, "interface"), "is only for a multicast group (224.0.0.0 to 239.255.255.255); leave it out")
    elif all(one.interface for one in found if one.multicast):
        yield Problem((*key, "interface"), "is used by no group: each has its own after the @; leave it out")


def _address(key: tuple[str | int, ...], text: str, schemes: tuple[str, ...], form: str) -> Iterator[Problem]:
    try:
        found = address(text)
    except ValueError as e:
        yield Problem(key, f"= {toml(text)} {e}; {form}")
        return
    if found.scheme not in schemes:
        named = [f"{scheme}://" for scheme in schemes if scheme]
        allowed = " or ".join(filter(None, (", ".join(named[:-1]), *named[-1:]))) or "the address"
        yield Problem(key, f"= {toml(text)} must start with {allowed}; {form}")


def _sensors(sensors: list[Mapping[str, Any]], sources: list[str]) -> Iterator[Problem]:
    seen: dict[tuple[Any, ...], int] = {}
    for index, sensor in enumerate(sensors):
        key = ("sensors", index)
        source = sensor.get("source")
        if isinstance(source, str) and source not in sources:
            guess = meant(source, sources)
            known = f"sources are {', '.join(map(toml, sources))}" if sources else "there is no [[sources]] block"
            hint = f"; did you mean {toml(guess)}?" if guess else f"; {known}"
            yield Problem((*key, "source"), f"= {toml(source)} is not the name of a source{hint}")
        yield from _references(key, sensor)
        yield from _pair(key, sensor, "sac", "sic")
        yield from _pair(key, sensor, "latitude", "longitude")
        yield from _pair(key, sensor, "azimuth_from_deg", "azimuth_to_deg")
        yield from _horizon(key, sensor)
        identity = (sensor.get("sac"), sensor.get("sic"))
        if identity[0] is None:
            continue
        if identity in seen:
            text = f"is the same sac and sic as sensors[{seen[identity]}] on that source; one block for each sensor"
            if sensors[seen[identity]].get("source") != source:
                text = (
                    f"is the same sac and sic as sensors[{seen[identity]}] on another source, and would be two radars; "
                    "list both addresses in one source: listen = [...]"
                )
            yield Problem((*key, "sac"), text)
        seen.setdefault(identity, index)


def _foreign(sensors: list[Mapping[str, Any]], sources: list[Mapping[str, Any]]) -> Iterator[Problem]:
    """Name settings of sensors that nothing of their source's format ever asks for: they would do nothing, unsaid."""
    known = [s for s in sources if isinstance(s.get("name"), str) and isinstance(s.get("format"), str)]
    formats = {source["name"]: source["format"] for source in known}
    for index, sensor in enumerate(sensors):
        kind = formats.get(sensor["source"]) if isinstance(sensor.get("source"), str) else None
        for name, kinds in ONLY.items():
            said = name in sensor and not (name == "begins_m" and sensor[name] == 0)
            if said and kind in DECODERS and kind not in kinds:
                *most, last = kinds
                only = f"{', '.join(most)} and {last}" if most else last
                text = f"is only for {only}, and source {toml(sensor['source'])} is {kind}; leave it out"
                yield Problem(("sensors", index, name), text)


def _nodes(sensors: list[Mapping[str, Any]]) -> Iterator[Problem]:
    """A microphone node has one block on its source, and that is there to say where it stands."""
    seen: dict[tuple[Any, Any], int] = {}
    for index, sensor in enumerate(sensors):
        if "node" not in sensor:
            continue
        key = ("sensors", index, "node")
        if "latitude" not in sensor:
            yield Problem(key, "stands without a place; write latitude and longitude, or leave the block out")
        first = seen.setdefault((sensor.get("source"), sensor["node"]), index)
        if first != index:
            yield Problem(key, f"is the same node as sensors[{first}]; one block for each")


def _references(key: tuple[str | int, ...], sensor: Mapping[str, Any]) -> Iterator[Problem]:
    """What `geo` would refuse at start."""
    if sensor.get("height_reference") == "ground":
        text = '= "ground" needs a terrain model; add the ground\'s height to height_m and write "geoid"'
        yield Problem((*key, "height_reference"), text)
    if sensor.get("north_reference") == "platform":
        text = '= "platform" needs a heading; write "true" and azimuth_bias_deg = minus the platform\'s true heading'
        yield Problem((*key, "north_reference"), text)


def _horizon(key: tuple[str | int, ...], sensor: Mapping[str, Any]) -> Iterator[Problem]:
    """Each elevation has its distance, or none has; what is least is less than what is most."""
    elevations, distances = sensor.get("horizon_deg", []), sensor.get("horizon_m", [])
    if isinstance(elevations, list) and isinstance(distances, list) and len(distances) not in (0, len(elevations)):
        text = f"has {len(distances)} values and horizon_deg {len(elevations)}; write as many, or leave it out"
        yield Problem((*key, "horizon_m"), text)
    for least, most in (("min_range_m", "max_range_m"), ("min_elevation_deg", "max_elevation_deg")):
        low, high = sensor.get(least), sensor.get(most)
        if isinstance(low, int | float) and isinstance(high, int | float) and not low < high:
            yield Problem((*key, least), f"= {low:g} must be less than {most} = {high:g}, or it sees nothing")


def _pair(key: tuple[str | int, ...], table: Mapping[str, Any], one: str, other: str) -> Iterator[Problem]:
    for here, missing in ((one, other), (other, one)):
        if here in table and missing not in table:
            yield Problem((*key, here), f"stands without {missing}; write both or none")
