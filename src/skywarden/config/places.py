"""Sites, and who looks after them: which are warned as one, whether actions can be in time, what units point."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from skywarden.alert import AlertSettings
from skywarden.config.shape import Problem, tables, toml
from skywarden.config.suggest import meant

Tables = Sequence[Mapping[str, Any]]


def problems(data: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield every mistake between sites, districts and positions."""
    sites = tables(data, "sites")
    names = [site["name"] for site in sites if isinstance(site.get("name"), str)]
    for section in ("districts", "positions"):
        yield from _members(section, tables(data, section), names)
    yield from _shared(tables(data, "districts"))
    yield from _shapes(tables(data, "districts"), names)
    yield from _unwatched(tables(data, "positions"), names)
    yield from _escalated(tables(data, "positions"))
    yield from _pointed(tables(data, "units"), [*tables(data, "sensors"), *tables(data, "sources")])
    alert = data.get("alert")
    horizon = alert.get("horizon_s") if isinstance(alert, Mapping) else None
    longest = horizon if isinstance(horizon, int | float) else AlertSettings().horizon_s
    for index, site in enumerate(sites):
        yield from _actions(("sites", index, "actions"), tables(site, "actions"), longest)


def _members(section: str, blocks: Tables, names: Sequence[str]) -> Iterator[Problem]:
    """Each names sites that there are, each once, and at least one."""
    for index, table in enumerate(blocks):
        listed = _sites(table)
        if not listed and not isinstance(table.get("sites", []), str):
            yield Problem((section, index), f"has no sites; write sites = {toml(list(names[:1]) or ['Plant A'])}")
        for place, name in enumerate(listed):
            key = (section, index, "sites", place)
            if name in listed[:place]:
                yield Problem(key, f"= {toml(name)} is in this list already; take it out")
            elif name not in names:
                guess = meant(name, names)
                hint = f"; did you mean {toml(guess)}?" if guess else f"; sites are {', '.join(names) or 'none'}"
                yield Problem(key, f"= {toml(name)} is no site{hint}")


def _shared(districts: Tables) -> Iterator[Problem]:
    """Two districts that share a site would both be warned for it, and nobody could say which one is meant."""
    owner: dict[str, int] = {}
    for index, district in enumerate(districts):
        for place, name in enumerate(_sites(district)):
            first = owner.setdefault(name, index)
            if first != index:
                yield Problem(
                    ("districts", index, "sites", place),
                    f"= {toml(name)} is in districts[{first}] too; take it out of one of them",
                )


def _shapes(districts: Tables, names: Sequence[str]) -> Iterator[Problem]:
    """A district is told as an area: with corners that enclose one, and a name that no other area has."""
    inside = {name for district in districts for name in _sites(district)}
    for index, district in enumerate(districts):
        key = ("districts", index)
        name, polygon, code = district.get("name"), district.get("polygon"), district.get("code")
        if name in names and name not in inside:
            text = f"= {toml(name)} is also a site that is in no district; put it into this one, or rename one of them"
            yield Problem((*key, "name"), text)
        if isinstance(code, str) and not all(code.partition("=")):
            yield Problem((*key, "code"), f'= {toml(code)} must be "name=value", such as "KATOTTG=UA80000000000"')
        if polygon and isinstance(polygon, list) and (why := _odd(polygon)):
            yield Problem((*key, "polygon"), why)


def _odd(polygon: Sequence[Any]) -> str | None:
    """Return what is wrong with corners; None for values of a wrong type too, which `shape` has named."""
    corners = [tuple(c) for c in polygon if isinstance(c, list) and len(c) == 2]
    if len(corners) != len(polygon) or not all(isinstance(v, int | float) for c in corners for v in c):
        return None
    if not all(abs(latitude) <= 90 and abs(longitude) <= 180 for latitude, longitude in corners):
        return "must be latitude, longitude in degrees, in this order"
    ring = corners[:-1] if corners[0] == corners[-1] else corners
    if len(ring) < 3 or len(set(ring)) != len(ring):
        return "must have three corners or more, each once; the last is joined to the first"
    sides = list(zip(ring, [*ring[1:], ring[0]], strict=True))
    apart = ((one, other) for k, one in enumerate(sides) for other in sides[k + 2 :] if other[1] != one[0])
    return (
        "crosses itself; write the corners in their order around it" if any(_cross(*a, *b) for a, b in apart) else None
    )


def _cross(a: Any, b: Any, c: Any, d: Any) -> bool:
    def side(p: Any, q: Any, r: Any) -> bool:
        return bool((q[0] - p[0]) * (r[1] - p[1]) > (q[1] - p[1]) * (r[0] - p[0]))

    return side(a, b, c) != side(a, b, d) and side(c, d, a) != side(c, d, b)


def _unwatched(positions: Tables, names: Sequence[str]) -> Iterator[Problem]:
    """Of a site that no position watches nobody would be told."""
    watched = {name for position in positions for name in _sites(position)}
    missing = [name for name in names if name not in watched]
    if positions and missing:
        text = f"leaves {', '.join(map(toml, missing))} to nobody; write it into the sites of one of them"
        yield Problem(("positions",), text)


def _escalated(positions: Tables) -> Iterator[Problem]:
    """Who is told when nobody acknowledges must be somebody else, and be there."""
    names = [position["name"] for position in positions if isinstance(position.get("name"), str)]
    for index, position in enumerate(positions):
        to = position.get("escalate_to")
        if isinstance(to, str) and (to not in names or to == position.get("name")):
            others = [name for name in names if name != position.get("name")]
            guess = meant(to, others)
            hint = f"did you mean {toml(guess)}?" if guess else f"others are {', '.join(others) or 'none'}"
            yield Problem(("positions", index, "escalate_to"), f"= {toml(to)} is no other position; {hint}")


def _pointed(units: Tables, there: Tables) -> Iterator[Problem]:
    """The sensor that a unit points is one that can be told from the others; people's reports come by their source."""
    names = [one["name"] for one in there if isinstance(one.get("name"), str)]
    for index, unit in enumerate(units):
        name = unit.get("sensor")
        if isinstance(name, str) and name not in names:
            guess = meant(name, names)
            hint = f"did you mean {toml(guess)}?" if guess else f"there are {', '.join(names) or 'none'}"
            yield Problem(("units", index, "sensor"), f"= {toml(name)} is no sensor and no source; {hint}")


def _actions(key: tuple[str | int, ...], actions: Tables, longest: float) -> Iterator[Problem]:
    """An action that takes longer than anybody looks ahead would always come too late."""
    seen: list[str] = []
    for index, action in enumerate(actions):
        name, lead = action.get("name"), action.get("lead_s")
        if isinstance(name, str):
            if name in seen:
                yield Problem((*key, index, "name"), f"= {toml(name)} is taken; give each action its own name")
            seen.append(name)
        if isinstance(lead, int | float) and lead > longest:
            text = f"= {toml(lead)} is longer than any warning: arrivals are looked for {longest:g} s ahead; "
            hint = f"write a shorter action, or horizon_s = {lead:g} below [alert]"
            yield Problem((*key, index, "lead_s"), text + hint)


def _sites(table: Mapping[str, Any]) -> list[str]:
    found = table.get("sites")
    return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []
