"""Plots of many radars as ASTERIX datagrams: CAT 048 edition 1.32 and CAT 034 edition 1.29, written with arrays.

A turning radar sends a datagram at the end of each of 16 sectors: the sector crossing (at north the north marker with
its turn and place) and the sector's plots. A staring one sends the plots of each look, and where it stands about once
a second. Where there are many, more datagrams follow with the rest.

Times in the messages are the radar's own clock's; it sends when it does. Every target report has the SIM bit of
I048/020 set, and in I048/130 the power that was received, in whole dBm. Sources: EUROCONTROL SPEC-0149-4 and
SPEC-0149-2b, UAP tables.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.model.place import F64, I64
from skywarden.sim.sense.radar_false import Plots
from skywarden.sim.sense.radar_fleet import FIRST_SAC, NOISE_DBM, Fleet
from skywarden.sim.sky import U8, Sent, Window, nothing_sent

SECTORS = 16  # a turn
MOST = 70  # records in one datagram, so that it fits into one Ethernet frame
SECOND = 1_000_000_000  # ns
DAY = 86_400 * SECOND
NAUTICAL_MILE, FOOT = 1852.0, 0.3048  # m
SIMULATED = 0x30  # I048/020: TYP 1, single primary detection, with SIM
HIGHEST = 8191 * 25 * FOOT  # m, what I048/110 can say
FASTEST = 511  # m/s, what I048/120 can say
DOUBTFUL = 0x8000
AMPLITUDE = 0x08  # I048/130: of its subfields PAM
WEAKEST, STRONGEST = -128, 127  # dBm, what PAM can say

START = [("sac", "u1"), ("sic", "u1"), ("time", "u1", (3,)), ("type", "u1")]
HEAD = [*START, ("rho", ">u2"), ("theta", ">u2"), ("subfields", "u1"), ("power", "i1")]
HEIGHT, RATE = [("height", ">u2")], [("which", "u1"), ("rate", ">u2")]
LAYOUTS = {  # (measures height, measures rate): FSPEC and the fields behind it
    (False, False): (b"\xf2", HEAD),
    (True, False): (b"\xf3\x01\x08", HEAD + HEIGHT),
    (False, True): (b"\xf3\x01\x04", HEAD + RATE),
    (True, True): (b"\xf3\x01\x0c", HEAD + HEIGHT + RATE),
}
SERVICE = [("category", "u1"), ("length", ">u2")]
SENDER = [("sac", "u1"), ("sic", "u1"), ("type", "u1"), ("time", "u1", (3,))]
PLACE = [("above", ">i2"), ("latitude", "u1", (3,)), ("longitude", "u1", (3,))]
SERVICES = {  # kind: FSPEC and the fields behind it
    "crossing": (b"\xf0", [*SENDER, ("sector", "u1")]),
    "north": (b"\xe9\x10", [*SENDER, ("turn", ">u2"), *PLACE]),
    "still": (b"\xe1\x10", [*SENDER, *PLACE]),
}


class Due(NamedTuple):
    """m things to be sent. radar: (m,); slot: (m,) which sector since the first north, or which look."""

    radar: I64
    slot: I64


def datagrams(fleet: Fleet, plots: Plots, window: Window) -> Sent:
    """Return the messages of a window: of the plots, and of sectors that end within it."""
    plots = _sayable(fleet, plots)
    slots = np.floor((plots.time - fleet.phase[plots.radar]) / _slot_s(fleet)[plots.radar] + 1e-9)
    order = np.lexsort((plots.time, slots, plots.radar))
    plots, due = plots.take(order), Due(plots.radar[order], slots[order].astype(np.int64))
    service = _services_due(fleet, window)
    if not len(service.radar) + len(due.radar):
        return nothing_sent()
    message, of_plot, of_service, rank = _messages(due, service)
    count = np.bincount(of_plot, minlength=len(message.radar))
    size = np.array([len(f) + np.dtype(fields).itemsize for f, fields in LAYOUTS.values()])[_layout(fleet)]
    kind, tables = _service_records(fleet, service)
    lengths = np.where(count > 0, 3 + count * size[message.radar], 0)
    before = np.zeros(len(lengths), np.int64)
    before[of_service] = np.array([t.dtype.itemsize for t in tables])[kind]
    lengths += before
    begin = np.cumsum(lengths) - lengths
    data = np.zeros(int(lengths.sum()), np.uint8)
    for k, table in enumerate(tables):
        _put(data, begin[of_service[kind == k]], table)
    block, full = (begin + before)[count > 0], (lengths - before)[count > 0]
    for offset, value in enumerate((np.full(len(block), 48), full >> 8, full & 0xFF)):
        data[block + offset] = value
    places = (begin + before + 3)[of_plot] + rank * size[plots.radar]
    for k, (fspec, fields) in enumerate(LAYOUTS.values()):
        rows = np.flatnonzero(_layout(fleet)[plots.radar] == k)
        if len(rows):
            _put(data, places[rows], _records(fleet, plots.take(rows), fspec, fields))
    return Sent(_sent_at(fleet, message), lengths.astype(np.uint32), data, message.radar)


def in_order(sent: Sent) -> Sent:
    """Return the messages sorted by time, those of one time as they are."""
    order = np.argsort(sent.time, kind="stable")
    lengths = sent.lengths.astype(np.int64)
    begin = np.cumsum(lengths) - lengths
    moved = lengths[order]
    source = np.arange(int(lengths.sum())) + np.repeat(begin[order] - (np.cumsum(moved) - moved), moved)
    return Sent(sent.time[order], sent.lengths[order], sent.data[source], sent.sender[order])


def _sayable(fleet: Fleet, plots: Plots) -> Plots:
    """Leave out what the items cannot say: distances from 0 to 474 km, heights under 62 km."""
    rho = np.round(plots.distance / NAUTICAL_MILE * 256)
    low = ~fleet.measures_height[plots.radar] | (plots.height - fleet.geoid[plots.radar] < HIGHEST)
    keep = (rho >= 1) & (rho <= 0xFFFF) & low
    return plots.take(keep)


def _slot_s(fleet: Fleet) -> F64:
    return np.where(fleet.stares, fleet.period, fleet.period / SECTORS)


def _layout(fleet: Fleet) -> I64:
    """Return (n,) index in LAYOUTS."""
    keys = list(LAYOUTS)
    pairs = zip(fleet.measures_height.tolist(), fleet.measures_rate.tolist(), strict=True)
    return np.array([keys.index(pair) for pair in pairs], np.int64)


def _sent_at(fleet: Fleet, due: Due) -> I64:
    """Return ns, UTC: at the end of the sector, or at once, and its latency later."""
    end = due.slot + np.where(fleet.stares, 0, 1)[due.radar]
    seconds = fleet.phase[due.radar] + end * _slot_s(fleet)[due.radar] + fleet.latency[due.radar]
    return fleet.start + np.round(seconds * SECOND).astype(np.int64)


def _services_due(fleet: Fleet, window: Window) -> Due:
    """Return the sectors that end, and the looks that are, in the window, while their radar is up."""
    slot = _slot_s(fleet)
    late = np.where(fleet.stares, 0, 1)
    first = np.ceil((window.start - fleet.phase) / slot).astype(np.int64) - late
    count = np.ceil((window.end - fleet.phase) / slot).astype(np.int64) - late - first
    radar = np.repeat(np.arange(len(fleet)), count)
    number = np.arange(len(radar)) - np.repeat(np.cumsum(count) - count, count) + first[radar]
    time = fleet.phase[radar] + (number + late[radar]) * slot[radar]
    new_second = np.floor(time) > np.floor(time - slot[radar])
    keep = fleet.up(radar, time) & (~fleet.stares[radar] | new_second)
    return Due(radar[keep], number[keep])


def _messages(plots: Due, service: Due) -> tuple[Due, I64, I64, I64]:
    """Return messages by radar and slot; message of each plot and service record; each plot's rank in its message."""
    fresh = np.ones(len(plots.radar), bool)
    fresh[1:] = (plots.radar[1:] != plots.radar[:-1]) | (plots.slot[1:] != plots.slot[:-1])
    starts = np.flatnonzero(fresh)
    rank = np.arange(len(fresh)) - starts[np.cumsum(fresh) - 1] if len(fresh) else np.zeros(0, np.int64)
    radar = np.concatenate([plots.radar, service.radar])
    slot = np.concatenate([plots.slot, service.slot])
    piece = np.concatenate([rank // MOST, np.zeros(len(service.radar), np.int64)])
    order = np.lexsort((piece, slot, radar))
    keys = np.stack([radar, slot, piece], 1)[order]
    new = np.ones(len(order), bool)
    new[1:] = (keys[1:] != keys[:-1]).any(1)
    which = np.empty(len(order), np.int64)
    which[order] = np.cumsum(new) - 1
    message = Due(keys[new, 0], keys[new, 1])
    return message, which[: len(plots.radar)], which[len(plots.radar) :], rank % MOST


def _put(data: U8, places: I64, table: NDArray[Any]) -> None:
    """Write the records of a table at these places."""
    size = table.dtype.itemsize
    data[places[:, None] + np.arange(size)] = np.frombuffer(table.tobytes(), np.uint8).reshape(len(table), size)


def _stamp(fleet: Fleet, radar: I64, time: F64) -> U8:
    """Return (m, 3) bytes: 1/128 s since midnight UTC by the radar's own clock."""
    own = fleet.start + np.round((time + fleet.trouble.clock_error(radar, time)) * SECOND).astype(np.int64)
    ticks = (own % DAY * 128 + SECOND // 2) // SECOND % (86_400 * 128)
    return _three_bytes(ticks)


def _three_bytes(values: I64) -> U8:
    return np.asarray(values[:, None] >> np.array([16, 8, 0]) & 0xFF, np.uint8)


def _records(fleet: Fleet, plots: Plots, fspec: bytes, fields: list[Any]) -> NDArray[Any]:
    """Return CAT 048 records of plots of one layout."""
    radar = plots.radar
    table = np.zeros(len(radar), [("fspec", "u1", (len(fspec),)), *fields])
    table["fspec"] = np.frombuffer(fspec, "u1")
    table["sac"], table["sic"] = FIRST_SAC + radar // 256, radar % 256
    table["time"] = _stamp(fleet, radar, plots.time)
    table["type"] = SIMULATED
    table["rho"] = np.round(plots.distance / NAUTICAL_MILE * 256)
    table["theta"] = np.round(plots.azimuth / (2 * np.pi) * 0x10000).astype(np.int64) & 0xFFFF
    table["subfields"] = AMPLITUDE
    table["power"] = np.clip(np.round(NOISE_DBM + 10 * np.log10(plots.power)), WEAKEST, STRONGEST)
    if HEIGHT[0] in fields:
        above_sea = plots.height - fleet.geoid[radar]
        table["height"] = np.clip(np.round(above_sea / (25 * FOOT)), -80, 8191).astype(np.int64) & 0x3FFF
    if RATE[0] in fields:
        rate = np.round(plots.rate).astype(np.int64)
        table["which"] = 0x80  # CAL
        table["rate"] = np.where(np.abs(rate) > FASTEST, DOUBTFUL, rate & 0x3FF)
    return table


def _service_records(fleet: Fleet, due: Due) -> tuple[I64, list[NDArray[Any]]]:
    """Return which table each CAT 034 record is in, and the three tables, whole data blocks."""
    radar = due.radar
    time = fleet.phase[radar] + (due.slot + np.where(fleet.stares, 0, 1)[radar]) * _slot_s(fleet)[radar]
    sector = (due.slot + 1) % SECTORS
    kind = np.where(fleet.stares[radar], 2, np.where(sector == 0, 1, 0))
    tables = []
    for k, (fspec, fields) in enumerate(SERVICES.values()):
        rows = np.flatnonzero(kind == k)
        table = np.zeros(len(rows), [*SERVICE, ("fspec", "u1", (len(fspec),)), *fields])
        table["category"], table["length"] = 34, table.dtype.itemsize
        table["fspec"] = np.frombuffer(fspec, "u1")
        table["sac"], table["sic"] = FIRST_SAC + radar[rows] // 256, radar[rows] % 256
        table["type"] = 2 if k == 0 else 1
        table["time"] = _stamp(fleet, radar[rows], time[rows])
        if k == 0:
            table["sector"] = sector[rows] * (256 // SECTORS)
        else:
            _reported_place(fleet, radar[rows], time[rows], table)
        if k == 1:
            table["turn"] = np.round(fleet.period[radar[rows]] * 128)
        tables.append(table)
    return kind, tables


def _reported_place(fleet: Fleet, radar: I64, time: F64, table: NDArray[Any]) -> None:
    """Write I034/120: height m, latitude and longitude in 180 / 2^23 deg, off by what its GNSS is."""
    off, unit = fleet.trouble.place_error(radar, time), np.pi / 2**23
    latitude = fleet.latitude[radar] + off[:, 1] / 6.371e6
    longitude = fleet.longitude[radar] + off[:, 0] / (6.371e6 * np.cos(latitude))
    table["above"] = np.round(fleet.height[radar] + off[:, 2])
    table["latitude"] = _three_bytes(np.round(latitude / unit).astype(np.int64))
    table["longitude"] = _three_bytes(np.round(longitude / unit).astype(np.int64))
