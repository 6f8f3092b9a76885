"""The decoder of one ASTERIX source: frames in, detections out.

A message is a datagram, or one data block of a stream; it may hold several data blocks. What happens to it:

1. `reading`: its blocks and records must fit the editions that the source is configured with, and say what can be.
2. Bytes seen a moment ago (a second network) count as DUPLICATE.
3. Category 034 tells the radar's place (I034/120: WGS 84, its height taken as above the ellipsoid) and how long its
   antenna takes to turn. The configured place holds; without one the first reported place does. A report more than
   500 m off is a fault and refused.
4. Category 048 becomes POLAR detections, category 062 TRACKs. Simulated and test reports are set aside in a live
   picture, plots of a radar without a place always.

A message is counted once, under the first reason against it. Reasons of 1 to 3 refuse the whole message; those of 4
only set aside the records they are about.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np

from skywarden import geo
from skywarden.errors import DecodeError
from skywarden.model.detection import Decoded, Detections, Frame, Reason
from skywarden.model.place import NorthReference, Sensor, Source
from skywarden.model.track import Mode
from skywarden.sensors.asterix import plots, tracks
from skywarden.sensors.asterix.clock import utc
from skywarden.sensors.asterix.codec import HEADER, decode_record, time_of_day
from skywarden.sensors.asterix.columns import Columns
from skywarden.sensors.asterix.editions import CURRENT, chosen
from skywarden.sensors.asterix.memory import JUMP, PERIODS, Memory, apart, copies
from skywarden.sensors.asterix.reading import Compiled, Verdicts, read

SomePlace = tuple[float, float, float]  # deg, deg, m above the ellipsoid


class Asterix:
    """One source of categories 034, 048, 062 and 065. See the module."""

    own_times = True
    answers = False

    def __init__(self, source: Source, sensors: tuple[Sensor, ...], mode: Mode) -> None:
        """Raises ConfigError for an edition, a height or a north that cannot be used."""
        self._source = source
        self._mode = mode
        self._categories = {number: Compiled.of(table) for number, table in chosen(source.editions).items()}
        self._sensors = {(s.sac, s.sic): s for s in sensors}
        self._enrolled = {f"{s.sac}-{s.sic}": place for s in sensors if (place := _enrolled(s))}
        for sensor in sensors:
            _north(sensor, 0.0, 0.0, 0.0, 0)  # raises now, at start, what it cannot use
        self._radars: dict[str, tuple[tuple[SomePlace, float], plots.Radar]] = {}
        self.state = Memory()

    def decode(self, frame: Frame) -> Decoded:
        """Return what the frame's messages say."""
        columns, verdicts = read(frame, self._categories)
        verdicts.refuse(np.array(copies(self.state, frame, verdicts.good()), np.int64), Reason.DUPLICATE)
        since = self._services(_good(columns, 34, verdicts), verdicts)
        batches = [
            *self._plots(_good(columns, 48, verdicts), frame, since, verdicts),
            *self._tracks(_good(columns, 62, verdicts), frame, verdicts),
        ]
        self.state.messages += len(frame)
        return Decoded(frame.source, int(verdicts.good().sum()), tuple(batches), verdicts.counts())

    def _services(self, columns: Columns | None, verdicts: Verdicts) -> dict[str, int]:
        """Take in what radars report of themselves. Returns radar -> first message after which its place is known."""
        since: dict[str, int] = {}
        if columns is None:
            return since
        for radar, period in _told(columns, "041/PERIOD"):
            if PERIODS[0] <= period[0] <= PERIODS[1]:
                self.state.periods[radar] = period[0]
        told = _told(columns, "120/LAT", "120/LON", "120/HGT")
        owners = columns.owner[columns.there("120/LAT")].tolist()
        for (radar, reported), message in zip(told, owners, strict=True):
            here = (reported[0], reported[1], reported[2])
            known = self._enrolled.get(radar) or self.state.places.get(radar)
            if known is None:
                self.state.places[radar] = here
                since[radar] = message
            elif apart(known, here) > JUMP:
                verdicts.refuse(np.array([message]), Reason.IMPLAUSIBLE)
        return since

    def _plots(
        self, columns: Columns | None, frame: Frame, since: dict[str, int], verdicts: Verdicts
    ) -> Iterator[Detections]:
        if columns is None:
            return
        columns = self._real(columns, plots.simulated(columns), verdicts)
        found, heard = plots.plots(columns.take(plots.measured(columns))), []
        for key in np.unique(found.radar).tolist():
            name, sensor = self._sensor(key)
            mine = np.flatnonzero(found.radar == key)
            place = self._enrolled.get(name) or self.state.places.get(name)
            known = found.owner[mine] >= since.get(name, 0) if place else np.zeros(len(mine), bool)
            verdicts.refuse(found.owner[mine[~known]], Reason.SITE_UNKNOWN)
            if place and known.any():
                radar = self._radar(name, sensor, place, frame.received)
                heard.append(plots.Heard(radar, self.state.periods.get(name, sensor.revisit_s), mine[known]))
        yield from plots.polar(found, heard, frame.received, self.state.messages)

    def _tracks(self, columns: Columns | None, frame: Frame, verdicts: Verdicts) -> Iterator[Detections]:
        if columns is None:
            return
        columns = self._real(columns, tracks.simulated(columns), verdicts)
        verdicts.refuse(columns.owner[tracks.unplaced(columns)], Reason.NO_REFERENCE)
        columns = columns.take(tracks.placed(columns))
        sender = columns.raw("010/SAC") * 256 + columns.raw("010/SIC")
        for key in np.unique(sender).tolist():
            yield tracks.states(columns.take(sender == key), self._sensor(key)[1], frame.received)

    def _real(self, columns: Columns, simulated: Any, verdicts: Verdicts) -> Columns:
        """Set aside what its sender marks as simulated, in a live picture."""
        if self._mode is not Mode.LIVE:
            return columns
        verdicts.refuse(columns.owner[simulated], Reason.SIMULATED)
        return columns.take(~simulated)

    def _sensor(self, key: int) -> tuple[str, Sensor]:
        """Return "sac-sic" and the sensor's settings, for SAC * 256 + SIC."""
        sac, sic = divmod(key, 256)
        name = f"{self._source.name}/{sac}-{sic}"
        sensor = self._sensors.get((sac, sic)) or Sensor(name=name, source=self._source.name, sac=sac, sic=sic)
        return f"{sac}-{sic}", sensor

    def _radar(self, name: str, sensor: Sensor, place: SomePlace, received: int) -> plots.Radar:
        """Return what follows from a place and a north; the latest is kept, it is the same almost always."""
        north = _north(sensor, float(np.radians(place[0])), float(np.radians(place[1])), place[2], received)
        last = self._radars.get(name)
        if last is None or last[0] != (place, north):
            last = self._radars[name] = ((place, north), plots.Radar.at(sensor, place, north))
        return last[1]

    def rows(self, frame: Frame) -> Iterator[dict[str, Any]]:
        """Yield each record as a JSON-ready row; a refused message as one row that says why."""
        _, verdicts = read(frame, self._categories)
        for index, message in enumerate(frame.messages()):
            reason = verdicts.reason(index)
            if reason is None:
                yield from self._records(message, frame)
            else:
                detail = "" if reason is Reason.UNSUPPORTED else self._detail(message)
                yield {"error": str(reason), "detail": detail, "source": frame.source}

    def _records(self, message: bytes, frame: Frame) -> Iterator[dict[str, Any]]:
        at = 0
        while at < len(message):
            end = at + int.from_bytes(message[at + 1 : at + HEADER], "big")
            if not at + HEADER < end <= len(message):
                raise DecodeError(Reason.MALFORMED, "a data block has no length that fits")
            compiled = self._categories.get(message[at])
            place = at + HEADER
            while compiled and place < end:
                table = compiled.program.table
                record, place = decode_record(table, message, place, end)
                head = {"category": table.number, **_identity(record, table.time, frame)}
                yield head | {f"I{table.number:03}/{name}": value for name, value in record.items()}
            at = end

    def _detail(self, message: bytes) -> str:
        try:
            for _ in self._records(message, Frame.of("", 0, message)):
                pass
        except DecodeError as e:
            return e.detail
        return "a record lacks what it must have, or a value is outside what is possible"

    @staticmethod
    def split(buffer: bytes) -> list[int]:
        """Return the lengths of the whole data blocks at the start; where no block can start, all that is left."""
        found, at = [], 0
        while at + HEADER <= len(buffer):
            size = int.from_bytes(buffer[at + 1 : at + HEADER], "big")
            if size < HEADER or buffer[at] == 0:
                found.append(len(buffer) - at)
                break
            if at + size > len(buffer):
                break
            found.append(size)
            at += size
        return found

    @staticmethod
    def stamp(message: bytes, near: int) -> int | None:
        """Return the time of the message's first record, UTC ns, on the day closest to `near`."""
        table = CURRENT.get(message[0]) if message else None
        seconds = time_of_day(table, message) if table else None
        return None if seconds is None else int(utc(np.array([round(seconds * 128)]), near)[0])


def _good(columns: dict[int, Columns], category: int, verdicts: Verdicts) -> Columns | None:
    found = columns.get(category)
    if found is None:
        return None
    rows = verdicts.good()[found.owner]
    return found.take(rows) if rows.any() else None


def _told(columns: Columns, *paths: str) -> list[tuple[str, tuple[float, ...]]]:
    """Return radar ("sac-sic") and values, for each record that has them."""
    having = columns.take(columns.there(paths[0]))
    sac, sic = having.raw("010/SAC").tolist(), having.raw("010/SIC").tolist()
    values = zip(*(having.value(path).tolist() for path in paths), strict=True)
    return [(f"{a}-{b}", tuple(v)) for a, b, v in zip(sac, sic, values, strict=True)]


def _enrolled(sensor: Sensor) -> SomePlace | None:
    """Return the configured place; None when there is none."""
    if sensor.latitude is None or sensor.longitude is None:
        return None
    latitude, longitude = float(np.radians(sensor.latitude)), float(np.radians(sensor.longitude))
    height = geo.height_above_ellipsoid(sensor.height_m, sensor.height_reference, latitude, longitude)
    return sensor.latitude, sensor.longitude, float(height)


def _north(sensor: Sensor, latitude: float, longitude: float, height: float, received: int) -> float:
    """Return the azimuth of the radar's north, rad; magnetic north moves, so it depends on the month."""
    if sensor.north_reference is NorthReference.TRUE:
        return 0.0
    date = datetime.fromtimestamp(received // 1_000_000_000, UTC)
    year = date.year + (date.month - 0.5) / 12
    return geo.north_offset(sensor.north_reference, latitude, longitude, height, year)


def _identity(record: dict[str, Any], time: str, frame: Frame) -> dict[str, Any]:
    """Return who sent a record and its time; when it was received, for a record without a time."""
    seconds = record.get(time, {}).get("TOD_s")
    ticks = None if seconds is None else np.array([round(seconds * 128)])
    return {
        "sac": record.get("010", {}).get("SAC"),
        "sic": record.get("010", {}).get("SIC"),
        "time": frame.received if ticks is None else int(utc(ticks, frame.received)[0]),
        "source": frame.source,
    }
