"""Plots as ASTERIX data blocks, a sector at a time: CAT 048 edition 1.32 and CAT 034 edition 1.29.

Every target report has the SIM bit of I048/020 set, so that nothing of it can enter a live picture. Records of one
kind have one layout, so a million of them are written as columns of one array.
Sources: EUROCONTROL SPEC-0149-4 (CAT 048) and SPEC-0149-2b (CAT 034), UAP tables.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from skywarden.model.place import F64, I64
from skywarden.sensors.modes.fields import ALPHABET
from skywarden.sim.radar import Plots, Radar
from skywarden.sim.raid import Route

SECTORS = 32  # a turn
SENT_AFTER = 8_000_000  # ns from the end of a sector to its blocks on the wire
SECOND = 1_000_000_000
DAY = 86_400 * SECOND
NAUTICAL_MILE = 1852.0  # m
FOOT = 0.3048  # m
PRIMARY, ROLL_CALL, BOTH = 0x30, 0xB0, 0xF0  # I048/020 TYP 1, 5, 7, each with SIM

HEAD = [("sac", "u1"), ("sic", "u1"), ("time", "u1", (3,)), ("type", "u1"), ("rho", ">u2"), ("theta", ">u2")]
REPLY = [("squawk", ">u2"), ("level", ">i2"), ("address", "u1", (3,)), ("callsign", "u1", (6,))]
HEIGHT = [("height", ">i2")]
LAYOUTS = {  # (transponder, measures height): FSPEC and the fields behind it
    (False, False): (b"\xf0", HEAD),
    (False, True): (b"\xf1\x01\x08", HEAD + HEIGHT),
    (True, False): (b"\xfd\xc0", HEAD + REPLY),
    (True, True): (b"\xfd\xc1\x08", HEAD + REPLY + HEIGHT),
}


Number = TypeVar("Number", int, I64)


class Timed(NamedTuple):
    """One message on one wire. time: ns, UTC, when it is sent; sender: who, where a source has several that connect."""

    time: int
    source: str
    data: bytes
    sender: str = ""


def radar_messages(radar: Radar, plots: Plots, routes: Sequence[Route], start: int, seconds: float) -> list[Timed]:
    """Return a radar's datagrams in time order: north and sector messages, and a block of plots per sector with any.

    start: ns, UTC, what second 0 of the plots is.
    """
    sector = np.floor((plots.time - radar.phase_s) / radar.period_s * SECTORS).astype(np.int64)
    cut = _cutter(radar, plots, routes, start)
    messages = []
    count = int(seconds / radar.period_s * SECTORS)
    first = -int(np.floor(radar.phase_s / radar.period_s * SECTORS)) - 1
    bounds = np.searchsorted(sector, np.arange(first, first + count + 2))
    for k, (a, b) in enumerate(pairwise(bounds.tolist())):
        end = radar.phase_s + (first + k + 1) * radar.period_s / SECTORS
        sent = start + round(end * SECOND)
        messages.append(Timed(sent, radar.name, service_message(radar, (first + k + 1) % SECTORS, sent)))
        if b > a:
            messages.append(Timed(sent + SENT_AFTER, radar.name, cut(a, b)))
    return messages


def service_message(radar: Radar, sector: int, time: int) -> bytes:
    """Return a CAT 034 block: sector crossing, at sector 0 a north marker with turn and place."""
    head = bytes([radar.sac, radar.sic, 2 if sector else 1]) + _ticks(time).to_bytes(3, "big")
    if sector:
        record = b"\xf0" + head + bytes([sector * 256 // SECTORS])
    else:
        turn = round(radar.period_s * 128).to_bytes(2, "big")
        record = b"\xe9\x10" + head + turn + _place(radar)
    return _block(34, record)


def _place(radar: Radar) -> bytes:
    """I034/120: height m, latitude and longitude in 180 / 2^23 deg."""
    unit = 180 / 2**23
    latitude, longitude = round(radar.latitude / unit), round(radar.longitude / unit)
    parts = ((round(radar.height_m), 2), (latitude, 3), (longitude, 3))
    return b"".join(value.to_bytes(size, "big", signed=True) for value, size in parts)


def _cutter(radar: Radar, plots: Plots, routes: Sequence[Route], start: int) -> Callable[[int, int], bytes]:
    """Return a function that gives the CAT 048 block of plots a..b: primary plots first, then those with a reply."""
    pieces: list[tuple[bytes, int, I64]] = []
    for reply in (False, True):
        rows = np.flatnonzero(plots.replied == reply)
        table = _records(radar, plots, rows, routes, start)
        before = np.concatenate(([0], np.cumsum(plots.replied == reply)))
        pieces.append((table.tobytes(), table.dtype.itemsize, before))

    def cut(a: int, b: int) -> bytes:
        return _block(48, b"".join(data[before[a] * size : before[b] * size] for data, size, before in pieces))

    return cut


def _records(radar: Radar, plots: Plots, rows: I64, routes: Sequence[Route], start: int) -> NDArray[Any]:
    """Return the records of plots `rows`, all with a reply or all without, as one structured array of bytes."""
    reply = bool(len(rows)) and bool(plots.replied[rows[0]])
    fspec, fields = LAYOUTS[reply, radar.measures_height]
    table = np.zeros(len(rows), [("fspec", "u1", (len(fspec),)), *fields])
    table["fspec"] = np.frombuffer(fspec, "u1")
    table["sac"], table["sic"] = radar.sac, radar.sic
    table["time"] = _time_of_day(start + np.round(plots.time[rows] * SECOND).astype(np.int64))
    table["type"] = BOTH if reply else PRIMARY
    table["rho"] = np.clip(np.round(plots.distance[rows] / NAUTICAL_MILE * 256), 0, 0xFFFF)
    table["theta"] = np.round(plots.azimuth[rows] / (2 * np.pi) * 0x10000).astype(np.int64) & 0xFFFF
    if radar.measures_height:
        table["height"] = np.round(plots.height[rows] / (25 * FOOT))
    if reply:
        _replies(table, plots.flier[rows], plots.level[rows], routes)
    return table


def _replies(table: NDArray[Any], fliers: I64, level: F64, routes: Sequence[Route]) -> None:
    squawk = np.array([int(route.squawk, 8) for route in routes])
    address = np.array([max(route.address, 0) for route in routes])
    letters = np.frombuffer(b"".join(callsign_bits(route.callsign) for route in routes), "u1").reshape(-1, 6)
    table["squawk"] = squawk[fliers]
    table["level"] = np.round(level / (25 * FOOT))
    table["address"] = _three_bytes(address[fliers])
    table["callsign"] = letters[fliers]


def callsign_bits(callsign: str) -> bytes:
    """Return eight letters in six bits each. Source: ICAO Annex 10 vol. IV, table 3-9."""
    value = 0
    for letter in callsign.ljust(8)[:8]:
        value = value << 6 | ALPHABET.index(letter)
    return value.to_bytes(6, "big")


def _time_of_day(time: I64) -> NDArray[np.uint8]:
    """Return (n, 3) bytes: 1/128 s since midnight UTC."""
    return _three_bytes(_ticks(time))


def _ticks(time: Number) -> Number:
    return (time % DAY * 128 + SECOND // 2) // SECOND % (86_400 * 128)


def _three_bytes(values: I64) -> NDArray[np.uint8]:
    return np.asarray(values[:, None] >> np.array([16, 8, 0]) & 0xFF, np.uint8)


def _block(category: int, records: bytes) -> bytes:
    return bytes([category]) + (len(records) + 3).to_bytes(2, "big") + records
