"""The configuration that belongs to a scenario: its sites, its sensors with their errors, one source per sensor."""

import json
from collections.abc import Mapping, Sequence

from skywarden.model.place import Action, Site, Unit
from skywarden.sim.radar import Radar
from skywarden.sim.scenario import Scenario

Value = str | int | float
UNIT = ("name", "latitude", "longitude", "readiness_s", "reach_m", "speed_m_s", "sensor")


def configuration(scenario: Scenario, listen: Mapping[str, str], record: str, api: str) -> str:
    """Return TOML text for `skywarden run`.

    listen: name of each radar and of the receiver -> the address its messages come to. The mode is sim, always: what
    these sensors send must never stand in a live picture. record: directory; api: host and port.
    """
    tables = [_table("[run]", {"mode": "sim"})]
    for site in scenario.sites:
        tables.append(_table("[[sites]]", _some(site, ("name", "latitude", "longitude", "radius_m", "lead_time_s"))))
        actions = (_some(action, ("name", "lead_s", "probability")) for action in site.actions)
        tables += [_table("[[sites.actions]]", action) for action in actions]
    posts = {post.name for post in scenario.posts}
    for unit in scenario.units:
        if unit.sensor is None or unit.sensor in posts:  # a part of a scenario has no crew for what it leaves out
            tables.append(_table("[[units]]", _some(unit, UNIT)))
    for radar in scenario.radars:
        tables.append(_table("[[sources]]", {"name": radar.name, "format": "asterix", "listen": listen[radar.name]}))
        tables.append(_table("[[sensors]]", _sensor(radar)))
    if (receiver := scenario.receiver) is not None:
        place: dict[str, Value] = {"latitude": receiver.latitude, "longitude": receiver.longitude}
        source: dict[str, Value] = {"name": receiver.name, "format": "modes", "listen": listen[receiver.name]}
        tables.append(_table("[[sources]]", source | place))
    for name in dict.fromkeys(post.source for post in scenario.posts):
        tables.append(_table("[[sources]]", {"name": name, "format": "sapient", "listen": listen[name]}))
    pointed = {unit.sensor for unit in scenario.units}
    for post in scenario.posts:
        if post.name in pointed:  # the others are known by what they say of themselves
            node: dict[str, Value] = {"name": post.name, "source": post.source, "node_id": post.node_id}
            tables.append(_table("[[sensors]]", node))
    tables += [_table("[record]", {"path": record}), _table("[api]", {"listen": api})]
    return "\n".join(tables)


def _some(struct: Site | Action | Unit, names: Sequence[str]) -> dict[str, Value]:
    return {name: value for name in names if (value := getattr(struct, name)) is not None}


def _sensor(radar: Radar) -> dict[str, Value]:
    return {
        "name": radar.name,
        "source": radar.name,
        "sac": radar.sac,
        "sic": radar.sic,
        "latitude": radar.latitude,
        "longitude": radar.longitude,
        "height_m": radar.height_m,
        "revisit_s": radar.period_s,
        "max_range_m": radar.reach_m,
        "max_elevation_deg": radar.highest_deg,
        "range_sigma_m": radar.range_sigma_m,
        "azimuth_sigma_deg": radar.azimuth_sigma_deg,
    }


def _table(head: str, values: Mapping[str, Value]) -> str:
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items()]
    return "\n".join([head, *lines, ""])
