"""The detection reports of one frame: numbers as arrays, a row for each message; texts as they are asked for.

A row comes from the scanner, or from a message that protobuf has read (`put`); it says the same either way.
"""

from math import nan
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.kernel import waiting
from skywarden.model.detection import Frame
from skywarden.model.place import F64, I64
from skywarden.sensors.sapient import table
from skywarden.sensors.sapient.classes import NOTHING
from skywarden.sensors.sapient.meaning import Meanings, Words, written
from skywarden.sensors.sapient.proto import SapientMessage, range_bearing_pb2
from skywarden.sensors.sapient.scan import U8, Scanned, nothing, scan

SECOND = 1_000_000_000
ULID, UUID = 26, 36  # letters
PLATFORM = range_bearing_pb2.RANGE_BEARING_DATUM_PLATFORM
PLACE = ("x", "y", "z", "x_error", "y_error", "z_error")
BEARING = ("range", "azimuth", "elevation", "range_error", "azimuth_error", "elevation_error")
FORM = slice(table.VALUES, table.VALUES + 4)  # columns of words
SECONDS, NANOS = table.WORDS["timestamp.seconds"], table.WORDS["timestamp.nanos"]


class Head(NamedTuple):
    """What decides whether a report counts. report: its ULID; state: as it was sent.

    northless: its bearing counts from the heading of a platform, which nobody tells us.
    """

    report: str
    state: str
    located: bool
    northless: bool


class Stretch(NamedTuple):
    """Messages in turn, of one sender and to one address, that the scanner is sure of.

    node, to: UUIDs as they were sent, "" for none. located, plain: all have a place; none has a state or is northless.
    """

    numbers: range
    node: str
    to: str
    located: bool
    plain: bool


class Reports:
    """Rows of a frame's first `count` messages. Only those that were put, or are in a stretch, mean something.

    time: (n,) int64 UTC ns, as sent; values: (n, 6) as the report says them, see PLACE and BEARING, NaN where it does
    not; form: (n, 4) coordinate system and datum of a place, then of a bearing, 0 where it is none. heads: what
    decides; objects: ULIDs. zones: by message, of those that name one. stretches: by their first message. meanings:
    those that are known from earlier frames.
    """

    def __init__(self, frame: Frame, count: int, meanings: Meanings) -> None:
        bounds = frame.bounds()[: count + 1]
        self._data, self._bounds = frame.data, bounds.tolist()
        octets = np.frombuffer(frame.data, np.uint8)
        found = nothing(count) if waiting() else scan(octets, bounds)
        self.time: I64 = found.words[:, SECONDS] * SECOND + found.words[:, NANOS]
        self.values: F64 = np.ascontiguousarray(found.words[:, : table.VALUES]).view(np.float64)
        self.form: I64 = found.words[:, FORM]
        self.ids, self.objects = [""] * count, [""] * count
        self.states: dict[int, str] = {}
        self.zones: dict[int, str] = {}
        self.stretches: dict[int, Stretch] = {}
        self._spans = found.spans * found.sure[:, None, None]
        self._bodies: dict[int, Any] = {}  # messages that were put, and their numbers
        self._times: dict[int, int] = {}
        self._forms: dict[int, tuple[int, int, int, int]] = {}
        self._values: dict[int, list[float]] = {}
        self._meanings = meanings
        if found.sure.any():
            self._take(octets, found)

    def _take(self, octets: U8, found: Scanned) -> None:
        """Write down the texts of the rows that the scanner is sure of."""
        rows = np.flatnonzero(found.sure)
        begins = found.spans[rows, :, 0]
        nodes = _letters(octets, begins[:, table.NODE], UUID)
        to, self.states, self.zones = (self._texts(slot, rows) for slot in (table.DESTINATION, table.STATE, table.ZONE))
        reports, objects = (_letters(octets, begins[:, slot], ULID) for slot in (table.REPORT, table.OBJECT))
        if len(rows) == len(self.ids):
            self.ids, self.objects = reports.tolist(), objects.tolist()
        else:
            for k, report, thing in zip(rows.tolist(), reports.tolist(), objects.tolist(), strict=True):
                self.ids[k], self.objects[k] = report, thing
        new = (np.diff(rows) > 1) | (nodes[1:] != nodes[:-1])
        if to:
            addresses = np.array([to.get(k, "") for k in rows.tolist()])
            new |= addresses[1:] != addresses[:-1]
        first = np.flatnonzero(np.concatenate(([True], new)))
        located = np.logical_and.reduceat(self.form[rows, 0] > 0, first).tolist()
        odd = self.form[rows, 3] == PLATFORM
        if self.states:
            odd |= np.isin(rows, list(self.states))
        odds = np.logical_or.reduceat(odd, first).tolist()
        lengths = np.diff([*first.tolist(), len(rows)]).tolist()
        for k, n, node, placed, strange in zip(
            rows[first].tolist(), lengths, nodes[first].tolist(), located, odds, strict=True
        ):
            self.stretches[k] = Stretch(range(k, k + n), node, to.get(k, ""), placed, not strange)

    def _texts(self, slot: int, rows: I64) -> dict[int, str]:
        """Return message -> text, of those that are not empty."""
        spans = self._spans[rows, slot]
        some = np.flatnonzero(spans[:, 1] > spans[:, 0])
        pairs = zip(rows[some].tolist(), spans[some].tolist(), strict=True)
        return {k: self._data[a:b].decode() for k, (a, b) in pairs}

    def head(self, number: int) -> Head:
        """Return what decides whether a report of a stretch counts."""
        located, northless = bool(self.form[number, 0]), bool(self.form[number, 3] == PLATFORM)
        return Head(self.ids[number], self.states.get(number, ""), located, northless)

    def packet(self, number: int) -> bytes:
        """Return the bytes of a message, its length included."""
        return self._data[self._bounds[number] : self._bounds[number + 1]]

    def put(self, number: int, message: SapientMessage) -> Head:
        """Take in a valid message with a detection report; its numbers are in the arrays after `settle`."""
        body = self._bodies[number] = message.detection_report
        located = body.HasField("location")
        at, names = (body.location, PLACE) if located else (body.range_bearing, BEARING)
        system, datum, has = at.coordinate_system, at.datum, at.HasField
        self._times[number] = message.timestamp.seconds * SECOND + message.timestamp.nanos
        self._forms[number] = (system, datum, 0, 0) if located else (0, 0, system, datum)
        self._values[number] = [getattr(at, name) if has(name) else nan for name in names]
        self.objects[number] = body.object_id
        if located and at.utm_zone:
            self.zones[number] = at.utm_zone
        return Head(body.report_id, body.state, located, not located and datum == PLATFORM)

    def settle(self) -> None:
        """Write the numbers of all messages that were put into the arrays, at once."""
        if self._bodies:
            rows = list(self._bodies)
            self.time[rows] = list(self._times.values())
            self.form[rows] = list(self._forms.values())
            self.values[rows] = list(self._values.values())

    def said(self, rows: I64, words: Words) -> tuple[list[list[tuple[str, str]]], F64 | None]:
        """Return what a node says of its objects, for each of some messages, and its evidence, (n, len(CLASSES)) nats.

        words: what it can say. Evidence is None where none of them has any.
        """
        data, bodies = self._data, self._bodies
        spans = self._spans[rows, table.CLASS : table.COLOUR + 1].reshape(len(rows), -1)
        if spans[:, 2:].any():
            fields = [data[a:b] + data[c:d] + data[e:f] + data[g:h] for a, b, c, d, e, f, g, h in spans.tolist()]
        else:
            fields = [data[a:b] for a, b in spans[:, :2].tolist()]
        if bodies:
            pairs = zip(rows.tolist(), fields, strict=True)
            fields = [written(bodies[k]) if k in bodies else scanned for k, scanned in pairs]
        known = self._meanings.read(fields, words)
        evidence = None
        if any(one.nats is not NOTHING for one in known.values()):
            order = {one: k for k, one in enumerate(known)}
            evidence = np.array([one.nats for one in known.values()])[[order[one] for one in fields]]
        return [known[one].words for one in fields], evidence


def _letters(octets: U8, begins: I64, count: int) -> NDArray[np.str_]:
    """Return (n,) texts of `count` ASCII letters each. begins: (n,) where they begin."""
    found = octets[begins[:, None] + np.arange(count)].astype(np.uint32)
    letters: NDArray[np.str_] = found.view(f"U{count}")[:, 0]
    return letters
