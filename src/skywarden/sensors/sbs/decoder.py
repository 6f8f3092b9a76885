"""The decoder of SBS lines: lines -> memory -> Detections."""

from collections.abc import Iterator, Sequence
from math import radians
from typing import Any, NamedTuple

import msgspec
import numpy as np

from skywarden import framing, geo
from skywarden.model.assessment import Family
from skywarden.model.detection import (
    Claim,
    Decoded,
    Detections,
    ErrorMeaning,
    Frame,
    Kind,
    Reason,
    TimeKind,
    detections,
)
from skywarden.model.place import Sensor, Source
from skywarden.model.track import Mode
from skywarden.sensors.sbs.line import Message, made, parse
from skywarden.sensors.sbs.memory import Aircraft, Fix, State, believed, locate, remember, repeated

LEVEL_SIGMA = 50.0  # m, each way; assumed
TIME_SIGMA = 0.2  # s
_SQUAWKS = {"7500": "unlawful interference", "7600": "no communications", "7700": "general"}


class Report(NamedTuple):
    """A position that is believed. number: which line of the frame; said: claims of the aircraft until then."""

    number: int
    address: int
    fix: Fix
    said: tuple[tuple[str, str], ...]


class Sbs:
    """SBS lines of one source. One decoder serves `decode` or `rows`: both advance the same memory."""

    own_times = True
    answers = False

    def __init__(self, source: Source, sensors: tuple[Sensor, ...], mode: Mode) -> None:
        self.state = State()
        self._source = source.name
        self._sensor = sensors[0].name if len(sensors) == 1 else source.name
        self._place = None
        if source.latitude is not None and source.longitude is not None:
            self._place = geo.place(radians(source.latitude), radians(source.longitude), 0.0)

    def decode(self, frame: Frame) -> Decoded:
        """Return the positions in a frame of lines; never raises for anything that is in them."""
        refused: dict[str, int] = {}
        found: list[Report] = []
        understood = 0
        for number, line in enumerate(frame.messages()):
            message, fix, reason = self._hear(line)
            if reason is not None:
                refused[reason] = refused.get(reason, 0) + 1
                continue
            understood += 1
            if message is not None and fix is not None:
                found.append(Report(number, message.address, fix, _said(self.state.aircraft[message.address])))
        batches = (self._batch(frame, found),) if found else ()
        return Decoded(frame.source, understood, batches, refused)

    def rows(self, frame: Frame) -> Iterator[dict[str, Any]]:
        """Yield each line's fields; beside an error stands what else the line says."""
        for line in frame.messages():
            message, _, reason = self._hear(line)
            row: dict[str, Any] = {} if reason is None else {"error": reason.value}
            if message is not None:
                said = {name: value for name, value in msgspec.to_builtins(message).items() if value is not None}
                del said["address"]
                row |= {"time": said.pop("time"), "source": self._source, "icao24": f"{message.address:06x}", **said}
            yield row

    def _hear(self, line: bytes) -> tuple[Message | None, Fix | None, Reason | None]:
        message = parse(line)
        if isinstance(message, Reason):
            return None, None, message
        if repeated(self.state, line, message.time):
            return message, None, Reason.DUPLICATE
        found = remember(self.state, message)
        if message.latitude is None or message.longitude is None:
            return message, None, None
        fix = locate(found, message, message.latitude, message.longitude)
        return (message, fix, None) if believed(found, fix) else (message, None, Reason.IMPLAUSIBLE)

    def _batch(self, frame: Frame, found: Sequence[Report]) -> Detections:
        fixes = [report.fix for report in found]
        latitude = np.radians([f.latitude for f in fixes])
        longitude = np.radians([f.longitude for f in fixes])
        height = np.array([f.height for f in fixes]) + geo.geoid_height(latitude, longitude)
        axes = geo.east_north_up(latitude, longitude)
        variances = np.array([(LEVEL_SIGMA, LEVEL_SIGMA, f.sigma) for f in fixes]) ** 2
        return detections(
            Kind.POSITION,
            self._sensor,
            frame.received,
            np.array([fix.time for fix in fixes], np.int64),
            geo.ecef(latitude, longitude, height),
            np.einsum("nki,nk,nkj->nij", axes, variances, axes),
            place=self._place,
            time_sigma=TIME_SIGMA,
            time_kind=TimeKind.MEASURED,
            error_meaning=ErrorMeaning.ASSUMED,
            subject=np.array([report.address for report in found], np.int64),
            number=np.array([report.number for report in found], np.int64),
            address=np.array([report.address for report in found], np.int64),
            revisit=1.0,
            claims=tuple(Claim(i, name, value) for i, r in enumerate(found) for name, value in r.said if value),
            roots=("adsb",),
            family=Family.CLAIM,
        )

    @staticmethod
    def split(buffer: bytes) -> list[int]:
        """Return the lengths of whole lines; a line longer than 64 KiB is given out in pieces of that length."""
        return framing.lines(buffer)

    @staticmethod
    def stamp(message: bytes, near: int) -> int | None:
        """Return when the message was made, UTC ns."""
        try:
            fields = message.decode("ascii").strip().split(",")
        except UnicodeDecodeError:
            return None
        return made(fields)


def _said(aircraft: Aircraft) -> tuple[tuple[str, str], ...]:
    emergency = _SQUAWKS.get(aircraft.squawk, "general" if aircraft.emergency else "")
    return ("callsign", aircraft.callsign), ("squawk", aircraft.squawk), ("emergency", emergency)
