"""What to type instead: units, other names, spelling."""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

UNITS: Mapping[str, Mapping[str, float]] = {
    "length": {"m": 1, "km": 1000, "ft": 0.3048, "nm": 1852, "nmi": 1852, "mi": 1609.344, "cm": 0.01},
    "time": {
        "s": 1, "sec": 1, "seconds": 1, "ms": 1e-3, "us": 1e-6, "min": 60, "minutes": 60, "h": 3600, "hours": 3600,
    },
    "angle": {"deg": 1, "degrees": 1, "rad": 57.29577951308232, "mrad": 0.05729577951308232, "mil": 0.05625},
    "speed": {"m_s": 1, "mps": 1, "km_h": 1 / 3.6, "kmh": 1 / 3.6, "kt": 1852 / 3600, "kn": 1852 / 3600},
}  # fmt: skip
WRITTEN = {
    "m/s": "m_s",
    "km/h": "km_h",
    "°": "deg",
    "″": "deg",
    "metres": "m",
    "meters": "m",
    "second": "s",
    "minute": "min",
}
OTHER_NAMES = {
    "lat": "latitude", "lon": "longitude", "lng": "longitude", "long": "longitude", "alt": "height_m",
    "altitude": "height_m", "elevation": "height_m", "port": "listen", "address": "listen", "url": "connect",
    "host": "connect", "server": "connect", "path": "file", "filename": "file", "type": "format", "kind": "format",
    "protocol": "format", "id": "name", "title": "name", "warning_s": "lead_time_s", "dir": "path", "directory": "path",
}  # fmt: skip
OTHER_WORDS = {  # values; what people write -> what we call it
    "msl": "geoid", "amsl": "geoid", "sea level": "geoid", "mean sea level": "geoid", "sea_level": "geoid",
    "orthometric": "geoid", "wgs84": "ellipsoid", "wgs 84": "ellipsoid", "hae": "ellipsoid", "pressure": "barometric",
}  # fmt: skip
_QUANTITY = re.compile(r"\s*([-+]?\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?)\s*([^\d\s]\S*)?\s*")


def unit_of(name: str) -> tuple[str, str]:
    """Split a setting's name into stem and unit: "radius_m" -> ("radius", "m"); no unit: ""."""
    for length in (2, 1):
        parts = name.rsplit("_", length)
        unit = "_".join(parts[1:])
        if len(parts) == length + 1 and any(unit in group for group in UNITS.values()):
            return parts[0], unit
    return name, ""


def converted(value: Any, target: str, given: str = "") -> str | None:
    """Return TOML text of `value` in the unit that ends the name `target`, None if it cannot be told.

    value: a number in the unit `given`, or text such as "5 min".
    """
    if isinstance(value, str):
        match = _QUANTITY.fullmatch(value)
        if match is None:
            return None
        given = match[2] or given
        value = float(match[1].replace(",", "."))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    _, unit = unit_of(target)
    given = WRITTEN.get(given, given) or unit
    if not unit:
        return number(value) if given in ("", "deg", "degrees") else None
    for group in UNITS.values():
        if unit in group and given in group:
            return number(value * group[given] / group[unit])
    return None


def number(value: float) -> str:
    """Return a number as people write it."""
    return f"{value:.9g}" if abs(value) < 1e9 else repr(value)


def meant(name: str, known: Iterable[str]) -> str | None:
    """Return the setting that somebody probably meant by `name`."""
    names = list(known)
    stem, _ = unit_of(name.lower().replace("-", "_"))
    for candidate in names:
        if unit_of(candidate)[0] == stem:
            return candidate
    for wanted in (OTHER_NAMES.get(name.lower()), OTHER_NAMES.get(stem), OTHER_WORDS.get(name.lower().strip())):
        if wanted in names:
            return wanted
    for candidate in names:
        if candidate.casefold() == name.casefold():
            return candidate
    close = get_close_matches(name.lower(), names, 1, 0.6)
    return close[0] if close else None
