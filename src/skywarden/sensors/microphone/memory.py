"""What is remembered of each node: where it is enrolled, and its latest messages.

A node's place is what it said first, or what is configured; later claims do not move it. One row of 112 bytes for each
node, in one block of bytes, so that saving 15,000 nodes is a copy and not 15,000 objects.
"""

from collections.abc import Sequence
from math import radians
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from skywarden.geo import ecef, height_above_ellipsoid
from skywarden.model.place import F64, I64, Sensor

RECENT = 16  # messages of a node that are remembered, to tell a copy; it sends one a second at most
MOST = 100_000  # nodes
FORGET_AFTER = 86_400_000_000_000  # ns; when there are MOST, nodes unheard for a day make room
SAME_PLACE = 100.0  # m; what satellite navigation may be wrong by, with room to spare
DEGREE = 111_195.0  # m
NODE = np.dtype(
    [
        ("node", "<u4"),
        ("latitude", "<i4"),  # 1e-7 deg
        ("longitude", "<i4"),  # 1e-7 deg
        ("enrolled", "<u4"),  # 1: its place is known
        ("origin", "<f8", (3,)),  # ECEF m
        ("heard", "<i8"),  # ns, received
        ("recent", "<u4", (RECENT,)),  # marks of its latest messages; 0 none
    ]
)
Nodes = NDArray[np.void]


class Memory(msgspec.Struct):
    """table: rows of NODE, sorted by node."""

    table: bytearray = msgspec.field(default_factory=bytearray)

    def nodes(self) -> Nodes:
        """Return (k,) NODE, writable."""
        return np.frombuffer(self.table, NODE)


class Fixed(NamedTuple):
    """Configured places: node (k,), sorted; latitude, longitude: (k,) 1e-7 deg; origin: (k, 3) ECEF m."""

    node: I64
    latitude: I64
    longitude: I64
    origin: F64


class Claimed(NamedTuple):
    """What n messages say of themselves: (n,) int64 each; 1e-7 deg, 0.01 m, ns. sure: (n,) of its place."""

    node: I64
    number: I64
    time: I64
    latitude: I64
    longitude: I64
    height: I64
    sure: NDArray[np.bool_]

    def take(self, keep: NDArray[np.bool_]) -> "Claimed":
        """Return the messages where `keep` is true."""
        return Claimed._make(column[keep] for column in self)


def configured(sensors: Sequence[Sensor]) -> Fixed:
    """Return the places of the [[sensors]] blocks that have a node and a place."""
    places = dict[int, tuple[float, float, float]]()
    for sensor in sensors:
        if sensor.node is not None and sensor.latitude is not None and sensor.longitude is not None:
            latitude, longitude = radians(sensor.latitude), radians(sensor.longitude)
            height = height_above_ellipsoid(sensor.height_m, sensor.height_reference, latitude, longitude)
            places[sensor.node] = (latitude, longitude, float(height))
    nodes = sorted(places)
    rows = np.array([places[node] for node in nodes]).reshape(-1, 3)
    steps = np.rint(np.degrees(rows[:, :2]) * 1e7).astype(np.int64)
    return Fixed(np.array(nodes, np.int64), steps[:, 0], steps[:, 1], ecef(rows[:, 0], rows[:, 1], rows[:, 2]))


def find(memory: Memory, node: I64, fixed: Fixed, now: int) -> I64:
    """Return (n,) the row of each node, made if need be; -1 when there are too many nodes already."""
    table = memory.nodes()
    fresh = np.unique(node[_rows(table, node) < 0])
    if len(fresh):
        _admit(memory, fresh, fixed, now)
        table = memory.nodes()
    rows = _rows(table, node)
    table["heard"][rows[rows >= 0]] = now
    return rows


def _rows(table: Nodes, node: I64) -> I64:
    if not len(table):
        return np.full(len(node), -1)
    at = np.minimum(np.searchsorted(table["node"], node), len(table) - 1)
    return np.where(table["node"][at] == node, at, -1)


def _admit(memory: Memory, fresh: I64, fixed: Fixed, now: int) -> None:
    """Make rows for new nodes, the configured ones in any case, others while there is room."""
    table = memory.nodes()
    configured = np.isin(fresh, fixed.node)
    if len(table) + len(fresh) > MOST:
        table = table[(now - table["heard"] <= FORGET_AFTER) | np.isin(table["node"], fixed.node)]
    room = max(MOST - len(table) - int(configured.sum()), 0)
    fresh = fresh[configured | (np.cumsum(~configured) <= room)]
    added = np.zeros(len(fresh), NODE)
    added["node"] = fresh
    after = np.concatenate([table, added])
    memory.table = bytearray(after[np.argsort(after["node"], kind="stable")].tobytes())


def copies(memory: Memory, rows: I64, number: I64, time: I64) -> NDArray[np.bool_]:
    """Return which messages were there before, in this frame or an earlier one; remember the others.

    A message is told by its number and its time: numbers begin again when a node is switched on.
    """
    recent = memory.nodes()["recent"]
    mark = (number.astype(np.uint64) << np.uint64(32)) ^ time.astype(np.uint64)
    mark = np.maximum((mark * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32), np.uint64(1))
    slot = number % RECENT
    again = np.ones(len(rows), np.bool_)
    again[np.unique((rows.astype(np.uint64) << np.uint64(32)) | mark, return_index=True)[1]] = False
    again |= recent[rows, slot] == mark
    recent[rows[~again], slot[~again]] = mark[~again]
    return again


def enrol(memory: Memory, rows: I64, claimed: Claimed, fixed: Fixed) -> tuple[I64, F64]:
    """Return how each message's place stands to the enrolled one, (n,): 0 the same, 1 elsewhere, -1 there is none;

    and (n, 3) the enrolled place, ECEF m. A node that is enrolled for the first time gets the place it says.
    """
    table = memory.nodes()
    first = np.flatnonzero(claimed.sure & (table["enrolled"][rows] == 0))
    new, index = np.unique(rows[first], return_index=True)
    if len(new):
        index = first[index]
        table["enrolled"][new] = 1
        table["latitude"][new], table["longitude"][new] = claimed.latitude[index], claimed.longitude[index]
        latitude, longitude, height = (column[index].astype(float) for column in claimed[3:6])
        table["origin"][new] = ecef(np.radians(latitude * 1e-7), np.radians(longitude * 1e-7), height * 0.01)
    known, origin = table["enrolled"][rows] == 1, table["origin"][rows]
    north, east = table["latitude"][rows].astype(np.int64), table["longitude"][rows].astype(np.int64)
    if len(fixed.node):
        at = np.minimum(np.searchsorted(fixed.node, claimed.node), len(fixed.node) - 1)
        mine = fixed.node[at] == claimed.node
        known |= mine
        north[mine], east[mine] = fixed.latitude[at[mine]], fixed.longitude[at[mine]]
        origin[mine] = fixed.origin[at[mine]]
    apart = _apart(claimed.latitude, claimed.longitude, north, east)
    return np.where(known, claimed.sure & (apart > SAME_PLACE), -1), origin


def _apart(latitude: I64, longitude: I64, other_latitude: I64, other_longitude: I64) -> F64:
    """Return m between near places, given in 1e-7 deg."""
    east = (longitude - other_longitude) * 1e-7
    east -= 360.0 * np.rint(east / 360.0)
    east *= np.cos(np.radians(latitude * 1e-7))
    return np.asarray(DEGREE * np.hypot((latitude - other_latitude) * 1e-7, east))
