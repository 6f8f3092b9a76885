"""The decoder of reports: lines -> memory -> Detections."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec

from skywarden import framing
from skywarden.model.detection import Decoded, Detections, Frame, Reason
from skywarden.model.place import Place, Sensor, Source
from skywarden.model.track import Mode
from skywarden.sensors.reports.measure import measure
from skywarden.sensors.reports.memory import Memory, configured, elsewhere, enrolled, known, repeated, standing
from skywarden.sensors.reports.message import LONGEST, Observer, Report, nanoseconds, parse


class Reports:
    """Devices and people of one source. What a [[sensors]] block says of a place goes before what a report says.

    A name counts as it is where the source has a block of it, else behind the source's own: no other source has such.
    """

    own_times = True
    answers = False

    def __init__(self, source: Source, sensors: tuple[Sensor, ...], mode: Mode) -> None:
        self.state = Memory()
        self._source = source.name
        self._live = mode is Mode.LIVE
        self._sensors = configured(sensors)

    def decode(self, frame: Frame) -> Decoded:
        """Return one batch for each report; never raises for anything that is in them."""
        refused, found, understood = dict[str, int](), list[Detections](), 0
        for line in frame.messages():
            report = parse(line)
            place, reason = (None, report) if isinstance(report, Reason) else self._accept(report)
            if not isinstance(report, Reason) and reason in (None, Reason.MOVED):
                understood += 1
                batch = measure(report, self._name(report.sensor), place, frame.received)
                found.append(replace(batch, enrolled=report.sensor in self._sensors))
            if reason is not None:
                refused[reason] = refused.get(reason, 0) + 1
        return Decoded(frame.source, understood, tuple(found), refused)

    def _name(self, sensor: str) -> str:
        """Return what the tracker calls a sensor: who sends may write any name, also that of another source's radar."""
        return sensor if sensor in self._sensors else f"{self._source}/{sensor}"

    def _accept(self, report: Report) -> tuple[Place | None, Reason | None]:
        """Return where the reporter stands, and why the report is set aside, if it is. MOVED is used all the same."""
        if self._live and report.mark:
            return None, Reason.SIMULATED
        if report.sensor not in self._sensors and not known(self.state, report.sensor):
            return None, Reason.QUOTA
        place, reason = self._place(report)
        if reason is not Reason.SITE_UNKNOWN and repeated(self.state, report):
            return None, Reason.DUPLICATE
        return place, reason

    def _place(self, report: Report) -> tuple[Place | None, Reason | None]:
        """Return where the reporter stands. People walk about: theirs is what they say. A circle needs none.

        A device that moves may say so, but one whose place is configured does not.
        """
        sensor, spot = self._sensors.get(report.sensor, (None, None))
        moved = elsewhere(spot, report.place)
        if isinstance(report, Observer):
            spot, moved = report.place or spot, False
            if report.azimuth_deg is None:
                return None, None
        elif spot is None and report.mobile:
            spot = report.place
        elif spot is None:
            spot, moved = enrolled(self.state, report)
        if spot is None:
            return None, Reason.SITE_UNKNOWN
        return standing(spot, sensor, nanoseconds(report.time)), Reason.MOVED if moved else None

    def rows(self, frame: Frame) -> Iterator[dict[str, Any]]:
        """Yield each report's fields, times in ns. People may look at copies and at reports without a place, too."""
        for line in frame.messages():
            report = parse(line)
            if isinstance(report, Reason):
                yield {"error": report.value, "source": self._source}
                continue
            fields = {name: value for name, value in msgspec.to_builtins(report).items() if value is not None}
            if isinstance(report, Observer) and report.time_sent is not None:
                fields["time_sent"] = nanoseconds(report.time_sent)
            yield {**fields, "time": nanoseconds(report.time), "source": self._source}

    @staticmethod
    def split(buffer: bytes) -> list[int]:
        """Return the lengths of whole lines; a longer one is given out in pieces, for `parse` to refuse."""
        return framing.lines(buffer, LONGEST)

    @staticmethod
    def stamp(message: bytes, near: int) -> int | None:
        """Return when the target was there, UTC ns."""
        report = parse(message)
        return None if isinstance(report, Reason) else nanoseconds(report.time)
