"""A format for tests of the line: twelve doubles a message, and a decoder with a memory. Importing it enters it."""

from collections.abc import Iterator
from typing import Any, cast

import msgspec
import numpy as np

from skywarden.geo import ecef
from skywarden.model.detection import Decoded, Frame, Kind, Reason, detections
from skywarden.model.event import Arrived, Input, Started, Tick
from skywarden.model.place import Sensor, Source
from skywarden.model.track import Mode
from skywarden.sensors import DECODERS

SECOND = 1_000_000_000
START = 1_790_000_000 * SECOND
SETTINGS = """
[[sources]]
name = "plain"
format = "plain"
listen = "udp://127.0.0.1:9999"

[[sites]]
name = "Plant"
latitude = 46.0
longitude = 31.0
"""


class Memory(msgspec.Struct):
    messages: int = 0


class PlainDecoder:
    """Messages are (time ns, x, y, z) as four doubles; every seventh in the life of the decoder is refused."""

    def __init__(self, source: Source, sensors: tuple[Sensor, ...], mode: Mode) -> None:
        self.state = Memory()

    def decode(self, frame: Frame) -> Decoded:
        rows = []
        refused = 0
        for message in frame.messages():
            self.state.messages += 1
            if self.state.messages % 7 == 0 or len(message) != 32:
                refused += 1
            else:
                rows.append(np.frombuffer(message, "<f8"))
        counts = {Reason.MALFORMED: refused} if refused else {}
        if not rows:
            return Decoded(frame.source, 0, (), counts)
        found = np.array(rows)
        covariance = np.broadcast_to(np.eye(3) * 900.0, (len(rows), 3, 3))
        time = found[:, 0].astype(np.int64)
        batch = detections(Kind.POSITION, frame.source, frame.received, time, found[:, 1:], covariance, revisit=1.0)
        return Decoded(frame.source, len(rows), (batch,), counts)

    def rows(self, frame: Frame) -> Iterator[dict[str, Any]]:
        yield from ()

    @staticmethod
    def split(buffer: bytes) -> list[int]:
        return [32] * (len(buffer) // 32)

    @staticmethod
    def stamp(message: bytes, near: int) -> int | None:
        return None


cast(dict[str, Any], DECODERS)["plain"] = PlainDecoder


def inputs(turns: int, ticks: int = 1, targets: int = 5) -> list[list[Input]]:
    """Return what an engine takes in, turn by turn: targets fly towards the site at 50 m/s, two looks a second."""
    random = np.random.default_rng(7)
    made: list[list[Input]] = [[Started(START, Mode.LIVE, SETTINGS, "1")]]
    time = START
    for _ in range(turns):
        turn: list[Input] = []
        for _ in range(ticks):
            time += SECOND // 2
            age = (time - START) / SECOND
            messages = []
            for target in range(targets):
                north = np.radians(45.0 + target * 0.05 + age * 50 / 111_000)
                place = np.asarray(ecef(north, np.radians(31.0), 500.0)) + random.normal(0, 30, 3)
                messages.append(np.array([time - SECOND // 10, *place], "<f8").tobytes())
            turn += [Arrived(Frame.of("plain", time - SECOND // 20, *messages)), Tick(time)]
        made.append(turn)
    return made
