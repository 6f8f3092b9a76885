"""What is remembered: where devices are enrolled, and the latest reports, to tell a copy."""

from collections.abc import Sequence
from hashlib import blake2b
from math import cos, hypot, radians

import msgspec

from skywarden import geo
from skywarden.model.place import Place, Sensor
from skywarden.sensors.reports.message import Observer, Report, Spot, nanoseconds

MAX_RECENT = 8192  # reports remembered; then the older half is forgotten
MAX_SENSORS = 1000  # names of devices and channels that are not configured
SAME_PLACE = 100.0  # m
DEGREE = 111_195.0  # m


class Memory(msgspec.Struct):
    """recent: mark of a report -> ns; oldest first. places: name of a sensor -> its first place, None: it said none."""

    recent: dict[int, int] = {}
    places: dict[str, Spot | None] = {}


def repeated(memory: Memory, report: Report) -> bool:
    """Return whether this report of this sender was there lately; remember it.

    It is told by its number and its time: numbers begin again when a device is switched on.
    """
    time, who = nanoseconds(report.time), report.who if isinstance(report, Observer) else ""
    text = f"{report.sensor}\n{who}\n{report.number}\n{time}".encode()
    mark = int.from_bytes(blake2b(text, digest_size=8).digest(), "big")
    if mark in memory.recent:
        return True
    memory.recent[mark] = time
    if len(memory.recent) > MAX_RECENT:
        for old in list(memory.recent)[: MAX_RECENT // 2]:
            del memory.recent[old]
    return False


def known(memory: Memory, name: str) -> bool:
    """Return whether a sensor's name is remembered, or can be from now on."""
    if name not in memory.places and len(memory.places) >= MAX_SENSORS:
        return False
    memory.places.setdefault(name, None)
    return True


def enrolled(memory: Memory, report: Report) -> tuple[Spot | None, bool]:
    """Return where a device stands, and whether it says that it is elsewhere. Its first place is kept."""
    place = memory.places.get(report.sensor)
    if place is None:
        memory.places[report.sensor] = place = report.place
    return place, elsewhere(place, report.place)


def elsewhere(place: Spot | None, said: Spot | None) -> bool:
    """Return whether two places are too far apart to be one."""
    if place is None or said is None:
        return False
    east = ((said.longitude - place.longitude + 180.0) % 360.0 - 180.0) * cos(radians(place.latitude))
    return DEGREE * hypot(said.latitude - place.latitude, east) > SAME_PLACE


def configured(sensors: Sequence[Sensor]) -> dict[str, tuple[Sensor, Spot | None]]:
    """Return name -> its block and where it says that the sensor stands."""
    found = dict[str, tuple[Sensor, Spot | None]]()
    for sensor in sensors:
        spot = None
        if sensor.latitude is not None and sensor.longitude is not None:
            latitude, longitude = radians(sensor.latitude), radians(sensor.longitude)
            height = geo.height_above_ellipsoid(sensor.height_m, sensor.height_reference, latitude, longitude)
            spot = Spot(sensor.latitude, sensor.longitude, float(height))
        found[sensor.name] = sensor, spot
    return found


def standing(spot: Spot, sensor: Sensor | None, time: int) -> Place:
    """Return a sensor's place. time: ns, for magnetic north; without a block azimuths count from true north."""
    latitude, longitude, offset = radians(spot.latitude), radians(spot.longitude), 0.0
    if sensor is not None:
        year = 1970.0 + time / 31_556_952e9
        offset = geo.north_offset(sensor.north_reference, latitude, longitude, spot.height_m, year)
    return geo.place(latitude, longitude, spot.height_m, offset)
