"""Reports as lines: `camera(sensor="mast 3", number=1, time=..., ...)` with the fields of the classes in `message`."""

from collections.abc import Callable
from typing import ParamSpec

import msgspec

from skywarden.sensors.reports.message import Camera, DirectionFinder, Observer, Report

P = ParamSpec("P")


def encode(report: Report) -> bytes:
    """Return a report as one line. Fields that say nothing are left out."""
    return msgspec.json.encode(report) + b"\n"


def _line(kind: Callable[P, Report]) -> Callable[P, bytes]:
    def write(*args: P.args, **kwargs: P.kwargs) -> bytes:
        return encode(kind(*args, **kwargs))

    return write


direction_finder = _line(DirectionFinder)
camera = _line(Camera)
observer = _line(Observer)
