"""A small scenario to start from, with a comment at every setting, and the rows of docs/scenarios.md."""

from collections.abc import Iterator, Mapping
from itertools import groupby

from skywarden.config.write import Row, markdown, rows
from skywarden.sim.scene.about import PLACED, SECTIONS, SENSORS
from skywarden.sim.scene.read import SCENARIO

HEAD = """\
# A scenario: a place, who protects it with which sensors, and what flies. All of it is invented.
# Lines that start with "#" and no space are defaults or examples: take the "#" away to change them.
# Every block with [[double brackets]] may stand several times.
"""
SET: Mapping[str, Mapping[str, str]] = {  # section -> what is set in the template, TOML text
    "scenario": {
        "name": '"Averel by night"',
        "origin": "[29.5, -45.75]",
        "area_km": "[200, 160]",
        "duration_s": "600.0",
    },
    "terrain": {"kind": '"hills"', "relief_m": "150.0"},
    "weather": {},
    "sites": {"name": '"Quillmere power station"', "at_km": "[9, 17]"},
    "radars": {"name": '"orrin"', "at_km": "[1, 24]", "height_m": "30.0", "measures_height": "true"},
    "microphones": {"name": '"ears"', "at_km": "[0, 10]", "count": "100", "extent_km": "[60, 60]"},
    "receivers": {"name": '"adsb"', "at_km": "[5, 5]"},
    "traffic": {"kind": '"airliner"', "count": "4"},
    "waves": {
        "name": '"first"',
        "kind": '"uav-piston"',
        "count": "12",
        "decoys": "0.4",
        "spread_s": "200.0",
        "distance_km": "25.0",
        "group": "2",
    },
}


def template() -> str:
    """Return a commented scenario file with every setting; read as it is, it is small and complete."""
    lines = [HEAD]
    for section, listed in groupby(rows(SCENARIO), lambda row: row.section):
        chosen, mine = SET.get(section), list(listed)
        head = f"[[{section}]]" if mine[0].many else f"[{section}]"
        lines += [f"# {SECTIONS[section]}", head if chosen is not None else f"#{head}"]
        lines += [_line(row, chosen or {}) for row in mine] + [""]
    return "\n".join(lines)


def _line(row: Row, chosen: Mapping[str, str]) -> str:
    words = SCENARIO.about((row.section, row.name))
    unit = f" [{words.unit}]" if words.unit else ""
    off = "" if row.name in chosen else "#"
    return f"{off}{row.name} = {chosen.get(row.name) or row.default or words.example}  # {words.text}{unit}"


def documented() -> Iterator[str]:
    """Yield the rows of the tables in docs/scenarios.md; what all sensors have stands there once, as of radars."""
    for row, text in zip(rows(SCENARIO), markdown(SCENARIO), strict=True):
        if not (row.section in SENSORS[1:] and row.name in PLACED):
            yield text
