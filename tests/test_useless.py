"""A source that sends and is of no use must not look well: the sky would only look empty."""

from collections.abc import Sequence

import pytest

from skywarden.model.detection import Frame
from skywarden.model.event import Arrived, Started, Tick
from skywarden.model.track import Mode
from skywarden.pipeline import Line
from skywarden.sensors.modes import encode
from skywarden.service.rows import SourceRow, sources
from skywarden.service.wire import Wire

SECOND = 1_000_000_000
START = 1_790_000_000 * SECOND
SETTINGS = """
[[sources]]
name = "receiver"
format = "modes"
listen = "tcp://127.0.0.1:30001"
latitude = 38.0
longitude = -31.0
[[sources]]
name = "radar"
format = "asterix"
listen = "udp://127.0.0.1:8600"
"""
GOOD, BAD = 0, 1


def fixes(second: int) -> list[bytes]:
    """Two positions of an aircraft."""
    at = START + second * SECOND
    made = []
    for odd in (False, True):
        time = at + odd * SECOND // 2
        made.append(encode.json_line(time, encode.airborne_position(0xABC123, 38.0 + second * 2e-3, -31.0, 9000, odd)))
    return made


def seen(said: Sequence[tuple[str, int]], last: int, before: int = 0) -> dict[str, SourceRow]:
    """Run a line for `last` s; said: (source, GOOD or BAD) of what comes in each second. before: s of GOOD ones."""
    line, seq = Line(), 1
    line.feed(seq, Started(START, Mode.LIVE, SETTINGS, ""))
    for second in range(last):
        for source, what in said if second >= before else [("receiver", GOOD)]:
            messages = fixes(second) if what == GOOD else [b'{"timestamp": 1, "frame": "no"}\n']
            seq += 1
            line.feed(seq, Arrived(Frame.of(source, START + second * SECOND, *messages)))
        seq += 1
        line.feed(seq, Tick(START + (second + 1) * SECOND))
    now = START + last * SECOND
    wires = [Wire(name, "connected", 1, 1, 0, now, 1, "") for name in ("receiver", "radar")]
    assert line.picture is not None
    return {row.name: row for row in sources(line.picture, wires, {}, {}, now)}


def test_a_source_that_is_only_refused_says_so_and_why() -> None:
    rows = seen([("receiver", BAD), ("radar", BAD)], 15)
    assert rows["receiver"].state == "nothing usable: malformed"
    assert rows["radar"].state.startswith("nothing usable: ")
    assert not rows["receiver"].good


@pytest.mark.parametrize("said", [[("receiver", GOOD)], [("receiver", GOOD), ("receiver", BAD)]])
def test_a_source_of_which_something_is_used_is_well_whatever_else_it_sends(said: list[tuple[str, int]]) -> None:
    assert seen(said, 15)["receiver"].state == "connected"


@pytest.mark.parametrize("last, state", [(12, "connected"), (15, "nothing usable: malformed")])
def test_one_that_was_of_use_a_moment_ago_is_given_ten_seconds(last: int, state: str) -> None:
    assert seen([("receiver", BAD)], last, before=3)["receiver"].state == state
