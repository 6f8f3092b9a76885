"""JSON lines made to break a reader: deep nesting, giant lines, times that are none. Nothing raises, all is counted."""

from collections.abc import Callable
from typing import TypeVar

import pytest
from adsb_flight import SECOND, make

from skywarden.model.detection import Frame, Reason
from skywarden.sensors.modes import ModeS

T = TypeVar("T")
GOOD = b'"frame": "8D4840D6202CC371C32CE0576098"'
NOW = 1_790_000_000


def line(extra: bytes, timestamp: bytes = b"1790000000") -> bytes:
    return b'{"x": ' + extra + b', "timestamp": ' + timestamp + b", " + GOOD + b"}\n"


def deep(level: int, work: Callable[[], T]) -> T:
    """Return what `work` gives when the stack is deeper by `level` calls."""
    return deep(level - 1, work) if level else work()


@pytest.mark.parametrize("depth", [70, 500, 1500, 20_000])
@pytest.mark.parametrize("pair", [(b"[", b"]"), (b'{"a":', b"}")])
def test_deep_nesting_is_refused_whatever_the_depth_of_the_stack(depth: int, pair: tuple[bytes, bytes]) -> None:
    message = line(pair[0] * depth + b"1" + pair[1] * depth)
    bad = Reason.OVERSIZE if len(message) > 4096 else Reason.MALFORMED
    frame = Frame.of("a", NOW * SECOND, line(b"1"), message, line(b"2"))
    for level in (0, 400, 700):
        assert deep(level, lambda: dict(make().decode(frame).refused))[bad] == 1
        assert deep(level, lambda: ModeS.stamp(message, 0)) is None
    assert [row.get("error") for row in make().rows(frame)][1] == bad


def test_what_receivers_really_add_is_read() -> None:
    message = line(b'{"metadata": [' + b",".join([b'{"rssi": -12.5, "serial": 1}'] * 20) + b"]}")
    assert ModeS.stamp(message, 0) == NOW * SECOND
    assert make().decode(Frame.of("a", NOW * SECOND, message)).messages == 1


TIMES = [b"1" + b"0" * 400, b"9" * 30, b"1e999", b"-1", b"0", b"1e9999999", b"NaN", b"Infinity", b"null", b"631151999"]


@pytest.mark.parametrize("timestamp", [*TIMES, b"7258118400", b"9223372036854775808", b"-9223372036854775809"])
def test_a_time_outside_two_centuries_is_none(timestamp: bytes) -> None:
    message = line(b"1", timestamp)
    assert ModeS.stamp(message, 0) is None
    assert dict(make().decode(Frame.of("a", NOW * SECOND, message)).refused) == {Reason.MALFORMED: 1}


@pytest.mark.parametrize("seconds", [631_152_000, 7_258_118_399])
def test_the_first_and_the_last_time_fit(seconds: int) -> None:
    assert ModeS.stamp(line(b"1", str(seconds).encode()), 0) == seconds * SECOND
