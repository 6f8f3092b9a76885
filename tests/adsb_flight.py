"""A flight with known truth, as ADS-B squitters; and short ways to decode them. For the tests of ADS-B formats."""

from collections.abc import Iterable, Iterator
from math import cos, radians, sin
from typing import Any, NamedTuple

import msgspec
import numpy as np

from skywarden.model.detection import Decoded, Detections, Frame
from skywarden.model.place import Sensor, Source
from skywarden.model.track import Mode
from skywarden.sensors import DECODERS, Decoder
from skywarden.sensors.modes import encode

SECOND = 1_000_000_000
START = 1_790_000_000 * SECOND
ADDRESS = 0x4B1805
CALLSIGN = "SWR123"
NEAR = (49.01, 2.55)
KNOT = 1852 / 3600  # m/s
DEGREE = 60 * 1852  # m


class Truth(NamedTuple):
    """Where the flight is. time: ns; deg, ft."""

    time: int
    latitude: float
    longitude: float
    altitude_ft: float


def truth(seconds: float, latitude: float = 49.2, longitude: float = 2.4, track_deg: float = 60.0) -> Truth:
    """Return the place after so many seconds of straight flight at 250 kt, climbing 1,280 ft/min."""
    way = 250 * KNOT * seconds / DEGREE
    north, east = way * cos(radians(track_deg)), way * sin(radians(track_deg)) / cos(radians(latitude))
    height = 25 * round((9000 + 1280 / 60 * seconds) / 25)
    return Truth(START + round(seconds * SECOND), latitude + north, longitude + east, height)


def position(at: Truth, odd: bool, address: int = ADDRESS) -> bytes:
    return encode.airborne_position(address, at.latitude, at.longitude, at.altitude_ft, odd)


def flight(seconds: int, address: int = ADDRESS, **start: float) -> Iterator[tuple[int, bytes]]:
    """Yield (time, frame): positions twice a second, velocity every second, the callsign every five."""
    for half in range(2 * seconds):
        at = truth(half / 2, **start)
        yield at.time, position(at, half % 2 == 1, address)
        if half % 2 == 0:
            track = start.get("track_deg", 60.0)
            yield at.time + SECOND // 10, encode.velocity(address, 250, track, 1280, 225)
        if half % 10 == 1:
            yield at.time + SECOND // 5, encode.identification(address, CALLSIGN, "A3")


def lines(frames: Iterable[tuple[int, bytes]]) -> list[bytes]:
    return [encode.json_line(time, frame) for time, frame in frames]


def make(format_: str = "modes", *, near: tuple[float, float] | None = NEAR, mode: Mode = Mode.LIVE) -> Decoder:
    latitude, longitude = near or (None, None)
    source = Source(name="receiver", format=format_, latitude=latitude, longitude=longitude)
    return DECODERS[format_](source, (), mode)


def one_by_one(decoder: Decoder, messages: Iterable[bytes], received: int = START) -> list[Decoded]:
    return [decoder.decode(Frame.of("receiver", received, message)) for message in messages]


def together(decoder: Decoder, messages: Iterable[bytes], received: int = START) -> Decoded:
    return decoder.decode(Frame.of("receiver", received, *messages))


def rows(decoder: Decoder, messages: Iterable[bytes], received: int = START) -> list[dict[str, Any]]:
    return list(decoder.rows(Frame.of("receiver", received, *messages)))


def only(decoded: Decoded) -> Detections:
    (batch,) = decoded.batches
    return batch


def reborn(decoder: Decoder, format_: str = "modes") -> Decoder:
    """Return a new decoder with the memory of another, as a snapshot keeps it."""
    other = make(format_)
    other.state = msgspec.msgpack.decode(msgspec.msgpack.encode(decoder.state), type=type(other.state))
    return other


def same(one: Decoded, two: Decoded) -> bool:
    """Whether two results are equal to the bit."""
    if (one.messages, dict(one.refused), len(one.batches)) != (two.messages, dict(two.refused), len(two.batches)):
        return False
    for a, b in zip(one.batches, two.batches, strict=True):
        names = ("time", "z", "covariance", "subject", "number", "address")
        if not all(np.array_equal(getattr(a, n), getattr(b, n)) for n in names) or a.claims != b.claims:
            return False
    return True


def sensor(name: str) -> Sensor:
    return Sensor(name=name, source="receiver")
