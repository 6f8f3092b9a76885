"""The configuration that belongs to a scenario: its sites, one source for each kind of sensor, its sensors."""

import json
from collections.abc import Mapping, Sequence

import msgspec

from skywarden.model.place import Sensor, Site
from skywarden.sim.sky import Sense

PORT = 18_700  # of the first source; the others follow
API = "127.0.0.1:8642"
RATE = 100_000.0  # messages/s of one sender: one socket speaks for hundreds of sensors here
OLD_S = 600.0  # people report late
Value = str | int | float


def configuration(sites: Sequence[Site], senses: Sequence[Sense]) -> str:
    """Return TOML text for `skywarden run`.

    The mode is sim, always: what these sensors send must never stand in a live picture.
    """
    tables = [_table("[run]", {"mode": "sim"})]
    tables += [_table("[[sites]]", _set(site)) for site in sites]
    for sense, listen in zip(senses, addresses(senses).values(), strict=True):
        source: dict[str, Value] = {"name": sense.source, "format": sense.format, "listen": listen}
        tables.append(_table("[[sources]]", source | {"max_age_s": OLD_S, "max_rate": RATE}))
        tables += [_table("[[sensors]]", _set(sensor)) for sensor in sense.sensors]
    tables.append(_table("[api]", {"listen": API}))
    return "\n".join(tables)


def addresses(senses: Sequence[Sense]) -> dict[str, str]:
    """Return source -> the address that it listens at."""
    return {s.source: f"{s.transport}://127.0.0.1:{PORT + k}" for k, s in enumerate(senses)}


def _set(struct: Site | Sensor) -> dict[str, Value]:
    """Return what is not left at its default."""
    values = {}
    for field in msgspec.structs.fields(type(struct)):
        value = getattr(struct, field.name)
        if field.required or value != field.default:
            values[field.name] = value
    return values


def _table(head: str, values: Mapping[str, Value]) -> str:
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items()]
    return "\n".join([head, *lines, ""])
