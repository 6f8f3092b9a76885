"""From lines to positions, claims and rows."""

from collections.abc import Iterator, Sequence
from math import radians
from typing import Any, NamedTuple

import msgspec
import numpy as np

from skywarden import framing, geo
from skywarden.model.assessment import Family
from skywarden.model.detection import Claim, Decoded, Detections, ErrorMeaning, Frame, Kind, Reason, TimeKind, named
from skywarden.model.detection import detections as batch_of
from skywarden.model.place import Place, Sensor, Source
from skywarden.model.track import Mode
from skywarden.sensors.remoteid import dji, memory, message
from skywarden.sensors.remoteid.fix import Fix, of_dji, of_group, of_location
from skywarden.sensors.remoteid.heard import ASTM_STANDARD, DJI_STANDARD, Heard
from skywarden.sensors.remoteid.line import Line, captured, heard, parse
from skywarden.sensors.remoteid.memory import SAME_FRAME, SAME_PLACE, Sender, State
from skywarden.sensors.remoteid.signs import Doubt, Told

REVISIT = 1.0  # s; a Location is sent every second or more often (F3411-22a, 5.4.4)
ROOTS = ("remoteid",)  # one aircraft's own fix, by however many radios and receivers

Group = tuple[str, TimeKind, ErrorMeaning]


class Report(NamedTuple):
    """A position that goes into the picture. number: which line of the frame; who: the same for one aircraft."""

    number: int
    sensor: str
    who: str
    fix: Fix
    claims: tuple[tuple[str, str], ...]


class Found(NamedTuple):
    """What one line holds. reason: why it is not used; again: it came before, or its position did.

    doubt: what the frames of its radio address contradict, in words.
    """

    time: int
    line: Line | None = None
    heard: Heard | None = None
    content: message.Said | dji.Flight | None = None
    sender: Sender | None = None
    fix: Fix | None = None
    reason: Reason | None = None
    again: bool = False
    doubt: str = ""


class RemoteId:
    """Remote ID of one source. One decoder serves `decode` or `rows`: both advance the same memory."""

    own_times = True
    answers = False
    capturable = "a Wi-Fi or Bluetooth frame with Remote ID"

    def __init__(self, source: Source, sensors: tuple[Sensor, ...], mode: Mode) -> None:
        self.state = State()
        self._source, self._live = source.name, mode is Mode.LIVE
        self._only = sensors[0].name if len(sensors) == 1 else source.name
        self._places = {s.name: _standing(s.latitude, s.longitude, s.height_m) for s in sensors}
        self._place = _standing(source.latitude, source.longitude, 0.0)

    def decode(self, frame: Frame) -> Decoded:
        """Return the positions in a frame of lines; never raises for anything that is in them."""
        refused: dict[str, int] = {}
        groups: dict[Group, list[Report]] = {}
        understood = 0
        for number, data in enumerate(frame.messages()):
            found = self._read(data)
            reason = Reason.DUPLICATE if found.again and found.reason is None else found.reason
            if reason is not None:
                refused[reason] = refused.get(reason, 0) + 1
                continue
            understood += 1
            if found.fix is not None:
                report = self._report(number, found)
                groups.setdefault((report.sensor, found.fix.time_kind, found.fix.meaning), []).append(report)
        batches = tuple(self._batch(frame, group, reports) for group, reports in groups.items())
        return Decoded(frame.source, understood, batches, refused)

    def rows(self, frame: Frame) -> Iterator[dict[str, Any]]:
        """Yield each line's fields; beside an error stands what else the frame says."""
        for data in frame.messages():
            found = self._read(data)
            row: dict[str, Any] = {} if found.reason is None else {"error": found.reason.value}
            if found.line is not None and found.heard is not None:
                row |= {"time": found.time, "source": self._source, **radio(found.line, found.heard)}
            if isinstance(found.content, message.Said):
                row |= message.row(found.content)
            elif found.content is not None:
                flight = msgspec.to_builtins(found.content)
                row["dji"] = {name: value for name, value in flight.items() if value is not None}
            if found.again:
                row["duplicate"] = True
            if found.doubt:
                row["doubt"] = found.doubt
            yield row

    def _read(self, data: bytes) -> Found:
        line = parse(data)
        if isinstance(line, Reason):
            return Found(0, reason=line)
        time = line.time or 0
        found = heard(line)
        if isinstance(found, Reason):
            return Found(time, line, reason=found)
        again = memory.repeated(self.state.frames, found.frame, time, SAME_FRAME)
        if found.standard == DJI_STANDARD:
            return self._read_dji(line, found, time, again)
        said = message.read(found.body)
        if isinstance(said, Reason):
            return Found(time, line, found, reason=said)
        location = said.location
        if location is not None and not location.possible:
            return Found(time, line, found, said, reason=Reason.IMPLAUSIBLE)
        sender = memory.remember(self.state, found, said, time)
        names = {name.id_type: name.id for name in said.basic_id if name.id}
        placed = location is not None and location.latitude is not None
        doubt = self._doubt(line, found, Told(names, " ".join(sender.named).strip(), placed, location), again)
        if self._live and memory.marked(sender, found, said, time):
            return Found(time, line, found, said, sender, reason=Reason.SIMULATED)
        fix = None if location is None else of_location(location, time)
        if location is not None and fix is not None:
            who, place = _who(found, sender).encode(), msgspec.msgpack.encode(location)
            within = SAME_PLACE if location.seconds_after_hour is not None else SAME_FRAME // 20
            again |= memory.repeated(self.state.places, who + place, time, within) and not doubt.new
            if sender.count > 1:
                fix = of_group(fix, sender.radius)
        return Found(time, line, found, said, sender, fix, None, again, doubt.words)

    def _read_dji(self, line: Line, found: Heard, time: int, again: bool) -> Found:
        flight = dji.read(found.body)
        if isinstance(flight, Reason):
            return Found(time, line, found, reason=flight)
        told = Told({DJI_STANDARD: flight.serial}, flight.serial, flight.latitude is not None)
        doubt = self._doubt(line, found, told, again)
        key = f"dji {found.sender} {flight.serial} {flight.counter}".encode()
        again |= memory.repeated(self.state.places, key, time, SAME_FRAME) and not doubt.new
        return Found(time, line, found, flight, None, of_dji(flight, time), None, again, doubt.words)

    def _doubt(self, line: Line, found: Heard, told: Told, again: bool) -> Doubt:
        """Return what the frames of an address contradict; a copy of one that came before says nothing."""
        receiver = line.receiver if line.receiver in self._places else ""
        return Doubt() if again else memory.doubt(self.state, found, told, line.time or 0, receiver)

    def _report(self, number: int, found: Found) -> Report:
        assert found.line is not None
        assert found.heard is not None
        assert found.fix is not None
        sensor = found.line.receiver if found.line.receiver in self._places else self._only
        who = _who(found.heard, found.sender)
        if isinstance(found.content, dji.Flight):
            who = found.content.serial or who
        return Report(number, sensor, who, found.fix, tuple(_claims(found)))

    def _batch(self, frame: Frame, group: Group, reports: Sequence[Report]) -> Detections:
        sensor, time_kind, meaning = group
        fixes = [report.fix for report in reports]
        latitude = np.array([f.latitude for f in fixes])
        longitude = np.array([f.longitude for f in fixes])
        axes = geo.east_north_up(latitude, longitude)
        variances = np.array([(f.level, f.level, f.up) for f in fixes]) ** 2
        return batch_of(
            Kind.POSITION,
            sensor,
            frame.received,
            np.array([f.time for f in fixes], np.int64),
            geo.ecef(latitude, longitude, np.array([f.height for f in fixes])),
            np.einsum("nki,nk,nkj->nij", axes, variances, axes),
            place=self._places.get(sensor) or self._place,
            time_sigma=np.array([f.time_sigma for f in fixes]),
            time_kind=time_kind,
            error_meaning=meaning,
            subject=named([report.who for report in reports]),
            number=np.array([report.number for report in reports], np.int64),
            revisit=REVISIT,
            claims=tuple(Claim(i, name, value) for i, r in enumerate(reports) for name, value in r.claims if value),
            roots=ROOTS,
            family=Family.CLAIM,
        )

    @staticmethod
    def split(buffer: bytes) -> list[int]:
        """Return the lengths of whole lines; a line longer than 64 KiB is given out in pieces of that length."""
        return framing.lines(buffer)

    @staticmethod
    def stamp(message: bytes, near: int) -> int | None:
        """Return the line's time, UTC ns."""
        found = parse(message)
        return None if isinstance(found, Reason) else found.time

    @staticmethod
    def captured(link: int, packet: bytes, time: int) -> bytes | None:
        """Return a packet of a capture as a line, None if it holds no Remote ID."""
        return captured(link, packet, time)


def radio(line: Line, found: Heard) -> dict[str, Any]:
    """Return how a frame came, as fields of a row."""
    signal = line.rssi_dbm if line.rssi_dbm is not None else found.signal
    fields: dict[str, Any] = {"standard": found.standard, "carrier": found.carrier, "sender": found.sender}
    if found.standard == ASTM_STANDARD:
        fields["counter"] = found.counter
    fields["crc_checked"] = found.checked
    if signal is not None:
        fields["rssi_dbm"] = signal
    if line.receiver:
        fields["receiver"] = line.receiver
    return fields


def _who(found: Heard, sender: Sender | None) -> str:
    named = " ".join(sender.named) if sender is not None else ""
    return named.strip() or f"{found.carrier[:4]} {found.sender}"


def _claims(found: Found) -> Iterator[tuple[str, str]]:
    assert found.heard is not None
    yield "doubt", found.doubt
    yield "remote_id_standard", found.heard.standard
    yield "radio_address", found.heard.sender
    if isinstance(found.content, dji.Flight):
        yield "remote_id", found.content.serial
    elif found.content is not None and found.sender is not None:
        sender, location = found.sender, found.content.location
        kind, name = sender.named
        yield "remote_id", name
        yield "remote_id_type", kind
        yield "aircraft", sender.aircraft if sender.aircraft != "undeclared" else ""
        yield "operator_id", sender.operator_id
        yield "operator_place", sender.operator_place
        yield "description", sender.description
        yield "aircraft_count", str(sender.count) if sender.count > 1 else ""
        yield "status", location.status if location is not None else ""


def _standing(latitude: float | None, longitude: float | None, height: float) -> Place | None:
    if latitude is None or longitude is None:
        return None
    return geo.place(radians(latitude), radians(longitude), height)
