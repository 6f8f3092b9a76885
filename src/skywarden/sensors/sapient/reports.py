"""The detection reports of one frame: numbers as arrays, a row for each message; texts as they are asked for.

A row comes from the scanner, or from a message that protobuf has read (`put`); it says the same either way.
"""

from typing import Any, NamedTuple

import numpy as np

from skywarden.kernel import waiting
from skywarden.model.detection import Frame
from skywarden.model.place import F64, I64
from skywarden.sensors.sapient import table
from skywarden.sensors.sapient.claims import said
from skywarden.sensors.sapient.proto import DetectionReport, SapientMessage, range_bearing_pb2
from skywarden.sensors.sapient.scan import U8, Scanned, nothing, scan

SECOND = 1_000_000_000
ULID, UUID = 26, 36  # letters
PLATFORM = range_bearing_pb2.RANGE_BEARING_DATUM_PLATFORM
PLACE = ("x", "y", "z", "x_error", "y_error", "z_error")
BEARING = ("range", "azimuth", "elevation", "range_error", "azimuth_error", "elevation_error")
FORM = slice(table.VALUES, table.VALUES + 4)  # columns of words
SECONDS, NANOS = table.WORDS["timestamp.seconds"], table.WORDS["timestamp.nanos"]


class Head(NamedTuple):
    """What decides whether a report counts. node, to: UUIDs as they were sent, "" for none; report: its ULID.

    northless: its bearing counts from the heading of a platform, which nobody tells us.
    """

    node: str
    to: str
    report: str
    state: str
    located: bool
    northless: bool


class Reports:
    """Rows of a frame's first `count` messages. Only those that were put, or have a head, mean something.

    time: (n,) int64 UTC ns, as sent; values: (n, 6) as the report says them, see PLACE and BEARING, NaN where it does
    not; form: (n, 4) coordinate system and datum of a place, then of a bearing, 0 where it is none. objects: ULIDs.
    heads: by message, of those that the scanner is sure of. zones: by message, of those that name one.
    """

    def __init__(self, frame: Frame, count: int) -> None:
        self._data, self._bounds = frame.data, frame.bounds()[: count + 1]
        octets = np.frombuffer(frame.data, np.uint8)
        found = nothing(count) if waiting() else scan(octets, self._bounds)
        self.time: I64 = found.words[:, SECONDS] * SECOND + found.words[:, NANOS]
        self.values: F64 = np.ascontiguousarray(found.words[:, : table.VALUES]).view(np.float64)
        self.form: I64 = found.words[:, FORM]
        self.objects = [""] * count
        self.heads: dict[int, Head] = {}
        self.zones: dict[int, str] = {}
        self._spans = found.spans
        self._bodies: dict[int, Any] = {}
        self._known: dict[bytes, list[tuple[str, str]]] = {}  # fields of a report -> what they say
        if found.sure.any():
            self._take(octets, found)

    def _take(self, octets: U8, found: Scanned) -> None:
        """Write down the texts of the rows that the scanner is sure of."""
        rows = np.flatnonzero(found.sure)
        begins = found.spans[rows, :, 0]
        to, state = self._texts(table.DESTINATION, rows), self._texts(table.STATE, rows)
        form = self.form[rows]
        columns = (
            _letters(octets, begins[:, table.NODE], UUID),
            [to.get(k, "") for k in rows.tolist()] if to else [""] * len(rows),
            _letters(octets, begins[:, table.REPORT], ULID),
            [state.get(k, "") for k in rows.tolist()] if state else [""] * len(rows),
            (form[:, 0] > 0).tolist(),
            (form[:, 3] == PLATFORM).tolist(),
        )
        self.heads = dict(zip(rows.tolist(), map(Head._make, zip(*columns, strict=True)), strict=True))
        self.zones = self._texts(table.ZONE, rows)
        for k, text in zip(rows.tolist(), _letters(octets, begins[:, table.OBJECT], ULID), strict=True):
            self.objects[k] = text

    def _texts(self, slot: int, rows: I64) -> dict[int, str]:
        """Return message -> text, of those that are not empty."""
        spans = self._spans[rows, slot]
        some = np.flatnonzero(spans[:, 1] > spans[:, 0])
        pairs = zip(rows[some].tolist(), spans[some].tolist(), strict=True)
        return {k: self._data[a:b].decode() for k, (a, b) in pairs}

    def packet(self, number: int) -> bytes:
        """Return the bytes of a message, its length included."""
        return self._data[self._bounds[number] : self._bounds[number + 1]]

    def put(self, number: int, message: SapientMessage) -> Head:
        """Take in a valid message with a detection report."""
        body = self._bodies[number] = message.detection_report
        located = body.HasField("location")
        at, names = (body.location, PLACE) if located else (body.range_bearing, BEARING)
        system = at.coordinate_system, at.datum
        self.time[number] = message.timestamp.seconds * SECOND + message.timestamp.nanos
        self.form[number] = (*system, 0, 0) if located else (0, 0, *system)
        self.values[number] = [getattr(at, name) if at.HasField(name) else np.nan for name in names]
        self.objects[number] = body.object_id
        if located and at.utm_zone:
            self.zones[number] = at.utm_zone
        northless = not located and at.datum == PLATFORM
        return Head(message.node_id, message.destination_id, body.report_id, body.state, located, northless)

    def said(self, rows: I64) -> list[list[tuple[str, str]]]:
        """Return what the nodes say of their objects, for each of some messages."""
        spans = self._spans[rows, table.CLASS : table.COLOUR + 1].reshape(len(rows), -1)
        return [self._said(k, places) for k, places in zip(rows.tolist(), spans.tolist(), strict=True)]

    def _said(self, number: int, places: list[int]) -> list[tuple[str, str]]:
        """Return what one says. Reports of one frame mostly say the same, and then it is read once."""
        if (body := self._bodies.get(number)) is not None:
            return said(body)
        data = self._data
        a, b, c, d, e, f, g, h = places
        fields = data[a:b] + data[c:d] + data[e:f] + data[g:h]
        if fields not in self._known:
            self._known[fields] = said(DetectionReport.FromString(fields))
        return self._known[fields]


def _letters(octets: U8, begins: I64, count: int) -> list[str]:
    """Return texts of `count` ASCII letters each. begins: (n,) where they begin."""
    found = octets[begins[:, None] + np.arange(count)].astype(np.uint32)
    letters: list[str] = found.view(f"U{count}")[:, 0].tolist()
    return letters
