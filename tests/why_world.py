"""Two flights far from each other, a radar and a receiver that see both, and the record of what the line made of it.

Who sent each message is known: transponders by their address, plots of the radar by their place.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import raid
from adsb_flight import SECOND, lines
from radar_world import messages, quiet, radars, sky

from skywarden.config import recalled
from skywarden.geo import geodetic
from skywarden.model.act import Person, Role
from skywarden.model.detection import Detections, Frame
from skywarden.model.event import Arrived, Entry, Input, Started, Tick, decode
from skywarden.model.place import Site
from skywarden.model.track import Mode
from skywarden.record.reading import SqliteRecord
from skywarden.record.retention import ALL, Keep
from skywarden.record.sqlite import SqliteLog
from skywarden.sensors import Reader
from skywarden.sensors.modes import encode
from skywarden.sim.kinds import Kind
from skywarden.sim.site_file import configuration
from skywarden.sim.sky import Sky, Window

SECONDS = 100
ADDRESSES = (0x4B1805, 0x3C0001)  # of the flights
PLACES = np.array([[-22e3, 3e3, 1500.0], [30e3, -25e3, 2500.0]])  # m east, north, up of the radar
VELOCITIES = np.array([[75.0, 0.0, 0.0], [40.0, -60.0, 0.0]])
NEAR, BESIDE = 2000.0, 0.1  # m, rad of a flight within which a plot is its own
SITE = Site(name="Plant: A", latitude=48.02, longitude=30.03, radius_m=3000.0, lead_time_s=300.0)
OLENA = Person("Olena <b>", Role.OPERATOR, "s1")
PETRO = Person("Petro", Role.OBSERVER, "s2")
FOOT = 0.3048  # m


class World(NamedTuple):
    """What came, turn by turn, a second each. start: ns."""

    start: int
    turns: list[list[Input]]


@cache
def world() -> World:
    radar = radars(quiet("hill", highest_deg=60.0, reference_km=60.0, period_s=4))
    flights = sky(PLACES, VELOCITIES, SECONDS + 1, (Kind.UAV_PISTON,))
    sent = radar.sent(flights, Window(0, SECONDS))
    plots = list(zip(sent.time.tolist(), messages(sent), strict=True))
    start = min(time for time, _ in plots) // SECOND * SECOND
    text = configuration((SITE,), (radar,))
    text += '\n[[sources]]\nname = "adsb"\nformat = "modes"\nlisten = "udp://127.0.0.1:9009"\n'
    turns: list[list[Input]] = [[Started(start, Mode.SIM, text, "1")]]
    for second in range(SECONDS):
        begin = start + second * SECOND
        frames = [squitters(flights, start, begin + half * SECOND // 2, half) for half in (0, 1)]
        frames += [Frame.of("radars", time, data) for time, data in plots if begin <= time < begin + SECOND]
        turns.append([*map(Arrived, frames), Tick(begin + SECOND)])
    return World(start, turns)


def squitters(flights: Sky, start: int, begin: int, half: int) -> Frame:
    """Return a frame with a position of each flight."""
    said, time = [], begin
    for row, address in enumerate(ADDRESSES):
        time = begin + row * SECOND // 10
        place, _ = flights.at(np.array([row]), np.array([(time - start) / SECOND]))
        latitude, longitude, height = (float(one[0]) for one in geodetic(place))
        at = np.degrees(latitude), np.degrees(longitude), height / FOOT
        said += lines([(time, encode.airborne_position(address, *at, half == 1))])
    return Frame.of("adsb", time, *said)


More = Callable[[raid.Engine, int], list[Input]]  # inputs after a second


def recorded(
    path: Path, turns: list[list[Input]] | None = None, more: More | None = None, kept: int = 0, keep: Keep = ALL
) -> Path:
    """Write the record of what came. kept: the second after which a state is kept. keep: as of `SqliteLog`."""
    engine = raid.Engine(SqliteLog(path, keep=keep))
    for second, turn in enumerate(world().turns if turns is None else turns):
        engine.turn(turn)
        if more is not None and (inputs := more(engine, second)):
            engine.turn(inputs)
        if second and second == kept:
            engine.snapshot()
    engine.log.close()  # type: ignore[attr-defined]
    return path


def truth(path: Path, flight: int, until: int) -> set[tuple[int, int]]:
    """Return (seq, place) of every message with a measurement of one flight, up to entry `until`."""
    found: set[tuple[int, int]] = set()
    reader: Reader | None = None
    for entry in SqliteRecord(path).entries():
        event = decode(entry.payload)
        if isinstance(event, Started):
            reader = reading(event)
        if isinstance(event, Arrived) and entry.seq <= until:
            assert reader is not None
            for place, data in enumerate(event.frame.messages(), 1):
                if flight in owners(reader, event.frame, data):
                    found.add((entry.seq, place))
    return found


def reading(event: Input) -> Reader:
    assert isinstance(event, Started)
    settings = recalled(event.resolved, event.settings)
    return Reader(settings.sources, settings.sensors, event.mode)


def owner(batch: Detections, row: int) -> int:
    """Return whose measurement it is; -1: nobody's, a false alarm of the radar."""
    if batch.sensor == "adsb":
        return ADDRESSES.index(int(batch.address[row]))
    seconds = (int(batch.time[row]) - world().start) / SECOND
    for flight in range(len(PLACES)):
        east, north, up = PLACES[flight] + VELOCITIES[flight] * seconds
        turned = (batch.z[row, 1] - np.arctan2(east, north) + np.pi) % (2 * np.pi) - np.pi
        if abs(batch.z[row, 0] - np.hypot(np.hypot(east, north), up)) < NEAR and abs(turned) < BESIDE:
            return flight
    return -1


def entries(path: Path) -> list[Entry]:
    return list(SqliteRecord(path).entries())


def rewritten(path: Path, to: Path, change: Callable[[Entry], Entry]) -> Path:
    """Write a record again, each entry changed."""
    log = SqliteLog(to)
    log.append([change(entry) for entry in entries(path)])
    log.close()
    return to


def late(flight: int, from_second: int) -> list[list[Input]]:
    """Return the turns in which nothing of one flight came before a second."""
    reader = reading(world().turns[0][0])
    found = []
    for second, turn in enumerate(world().turns):
        kept: list[Input] = []
        for event in turn:
            if isinstance(event, Arrived) and second <= from_second:
                frame = event.frame
                some = [data for data in frame.messages() if flight not in owners(reader, frame, data)]
                kept += [Arrived(Frame.of(frame.source, frame.received, *some))] if some else []
            else:
                kept.append(event)
        found.append(kept)
    return found


def owners(reader: Reader, frame: Frame, data: bytes) -> set[int]:
    decoded = reader.read(Frame.of(frame.source, frame.received, data))
    return {owner(batch, row) for batch in decoded.batches for row in range(len(batch))}
