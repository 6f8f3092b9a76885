"""Files of recorded flights -> positions per aircraft.

aircraft, CSV with a head: t, icao24, callsign, latitude, longitude (deg), altitude (ft, barometric), geoaltitude (ft),
groundspeed (kt); columns may be missing but for t, latitude, longitude.
UAV, CSV with a head: timestamp, latitude, longitude, and altitude or "altitude (m)", m above the sea.
Times in both: Unix s, or ISO 8601 with the zone.
IGC: FAI Sporting Code, section 3, annex A: B records at B HHMMSS DDMMmmmN DDDMMmmmE V PPPPP GGGGG, date in HFDTE.
"""

import csv
import gzip
import io
import re
import zlib
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np

from skywarden.errors import ConfigError
from skywarden.geo import geoid_height
from skywarden.model.place import F64

FOOT = 0.3048  # m
GZIP = b"\x1f\x8b"  # what such a file begins with
ENOUGH = 0.8  # share of rows with a satellite height, for it to be taken instead of the barometric one
LAYOUTS = (
    "t, latitude, longitude (and icao24, callsign, altitude or geoaltitude in feet)",
    "timestamp, latitude, longitude, altitude (metres; may be called altitude (m))",
)
METRES = ("altitude (m)", "altitude")  # the height of the second layout
_FIX = re.compile(r"B(\d\d)(\d\d)(\d\d)(\d\d)(\d{5})([NS])(\d{3})(\d{5})([EW])([AV])([-\d]\d{4})([-\d]\d{4})", re.ASCII)
_DATE = re.compile(r"HFDTE(?:DATE:)?\s*(\d\d)(\d\d)(\d\d)", re.ASCII)


class Fixes(NamedTuple):
    """Positions of one aircraft in the order of the file. time: (n,) Unix s; latitude, longitude: (n,) rad.

    height: (n,) m above the ellipsoid, NaN unknown. address: -1 unknown.
    """

    callsign: str
    address: int
    time: F64
    latitude: F64
    longitude: F64
    height: F64


class Table(NamedTuple):
    """A CSV file. head: names of the columns; rows: their texts, as many in each."""

    head: list[str]
    rows: list[list[str]]

    def texts(self, name: str) -> list[str]:
        """Return a column, empty texts if there is none of that name."""
        if name not in self.head:
            return [""] * len(self.rows)
        column = self.head.index(name)
        return [row[column] for row in self.rows]

    def numbers(self, name: str) -> F64:
        """Return a column as (n,) numbers, NaN for what is none."""
        return np.array([_number(text) if text else np.nan for text in self.texts(name)], float)

    def times(self, name: str) -> F64:
        """Return a column of times as (n,) Unix s, NaN for what is none. Raises ValueError for one without a zone."""
        return np.array([_seconds(text.strip()) for text in self.texts(name)], float)


def fixes(name: str, data: bytes) -> list[Fixes]:
    """Return all aircraft of a file, in the order in which they first appear. Raises ConfigError if it is not one."""
    text = _text(name, data)
    if name.lower().removesuffix(".gz").endswith(".igc"):
        return [_igc(name, text)]
    try:
        rows = list(csv.reader(io.StringIO(text)))
    except csv.Error as e:
        raise ConfigError(f"{name} is not a CSV file: {e}") from None
    head = [column.strip() for column in rows[0]] if rows else []
    table = Table(head, [row for row in rows[1:] if len(row) == len(head)])
    try:
        if {"t", "latitude", "longitude"} <= set(head):
            return _aircraft(table)
        if {"timestamp", "latitude", "longitude"} <= set(head) and set(METRES) & set(head):
            return [_uav(table)]
    except ValueError as e:
        raise ConfigError(f"{name}: {e}") from None
    layouts = "; or ".join(LAYOUTS)
    raise ConfigError(f"{name} has none of the columns that can be read; its first line must name {layouts}")


def _text(name: str, data: bytes) -> str:
    if name.lower().endswith(".gz"):
        try:
            data = gzip.decompress(data)
        except (EOFError, OSError, zlib.error) as e:
            if data[:2] == GZIP:
                raise ConfigError(f"{name} is cut short or damaged: {e}; fetch or pack it again") from None
            raise ConfigError(f"{name} is not a gzip file; pack it, or take the .gz off its name") from None
    return data.decode("utf-8-sig", "replace")


def _aircraft(table: Table) -> list[Fixes]:
    addresses = [text.strip().lower() for text in table.texts("icao24")]
    rows: dict[str, list[int]] = {}
    for row, address in enumerate(addresses):
        rows.setdefault(address, []).append(row)
    callsigns = [text.strip() for text in table.texts("callsign")]
    time, latitude, longitude = table.times("t"), table.numbers("latitude"), table.numbers("longitude")
    satellite, pressure = (FOOT * table.numbers(name) for name in ("geoaltitude", "altitude"))
    latitude, longitude = np.radians(latitude), np.radians(longitude)
    # a barometric height is counted from the sea; today's pressure is not known
    pressure = pressure + geoid_height(np.nan_to_num(latitude), np.nan_to_num(longitude))
    found = []
    for address, mine in rows.items():
        height = satellite[mine] if np.mean(np.isfinite(satellite[mine])) >= ENOUGH else pressure[mine]
        callsign = next((callsigns[row] for row in mine if callsigns[row]), "")
        number = int(address, 16) if re.fullmatch("[0-9a-f]{6}", address) else -1
        found.append(_known(Fixes(callsign, number, time[mine], latitude[mine], longitude[mine], height)))
    return found


def _uav(table: Table) -> Fixes:
    latitude, longitude = np.radians(table.numbers("latitude")), np.radians(table.numbers("longitude"))
    above_sea = table.numbers(next(name for name in METRES if name in table.head))
    height = above_sea + geoid_height(np.nan_to_num(latitude), np.nan_to_num(longitude))
    return _known(Fixes("", -1, table.times("timestamp"), latitude, longitude, height))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _seconds(text: str) -> float:
    """Return a time, a number or ISO 8601, as Unix s."""
    number = _number(text)
    if number == number:
        return number
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return float("nan")
    if moment.tzinfo is None:
        raise ValueError(f'the time "{text}" has no zone; write it like 2021-10-07T12:00:00Z, or as Unix seconds')
    return moment.timestamp()


def _known(some: Fixes) -> Fixes:
    """Leave out rows without time or place."""
    good = np.isfinite(some.time) & (np.abs(some.latitude) <= np.pi / 2) & (np.abs(some.longitude) <= np.pi)
    return some._replace(
        time=some.time[good], latitude=some.latitude[good], longitude=some.longitude[good], height=some.height[good]
    )


def _igc(name: str, text: str) -> Fixes:
    """Read B records; fixes that are marked V have no satellite height and are left out."""
    dated = _DATE.search(text)
    day, month, year = (int(part) for part in dated.groups()) if dated else (1, 1, 0)
    try:
        begin = datetime(2000 + year, month, day, tzinfo=UTC)
    except ValueError:
        raise ConfigError(f"{name} has no date that there is") from None
    rows: list[tuple[float, float, float, float]] = []
    after = timedelta()
    for line in text.splitlines():
        if (match := _FIX.match(line)) is None or match[10] != "A":
            continue
        h, m, s, lat_deg, lat_min, south, lon_deg, lon_min, west, _, _, high = match.groups()
        time = (begin + after + timedelta(hours=int(h), minutes=int(m), seconds=int(s))).timestamp()
        if rows and time < rows[-1][0] - 43_200:  # past midnight
            after += timedelta(days=1)
            time += 86_400
        latitude = (int(lat_deg) + int(lat_min) / 60_000) * (-1 if south == "S" else 1)
        longitude = (int(lon_deg) + int(lon_min) / 60_000) * (-1 if west == "W" else 1)
        rows.append((time, np.radians(latitude), np.radians(longitude), float(high)))
    if not rows:
        raise ConfigError(f"{name} has no B records with a fix")
    return _known(Fixes("", -1, *np.array(rows).T))
