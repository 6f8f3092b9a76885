"""What waits to be settled: found by time as if each part were looked through."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from skywarden.model.detection import Detections, Kind, detections
from skywarden.model.track import Part
from skywarden.track.beliefs import records
from skywarden.track.items import ITEM, REPORT, Items, items
from skywarden.track.looks import SENSE
from skywarden.track.posts import CALL
from skywarden.track.settings import TrackerSettings
from skywarden.track.waiting import NEVER, Waiting, stored

SETTINGS = TrackerSettings()
TIMES = st.lists(st.integers(0, 60), max_size=6)
TICKS = st.lists(st.tuples(TIMES, TIMES).filter(lambda tick: any(tick)), max_size=6)


def batch(kind: Kind, times: list[int], sensor: str) -> Detections:
    n, w = len(times), 6 if kind is Kind.TRACK else 3
    z = np.arange(n * w, dtype=float).reshape(n, w) + 6.4e6
    return detections(
        kind, sensor, 99, np.array(times, np.int64), z, np.tile(np.eye(w), (n, 1, 1)), subject=np.arange(n)
    )


def part(tick: int, measured: list[int], told: list[int]) -> Part:
    some = [batch(Kind.POSITION, measured, f"radar {tick % 2}"), batch(Kind.TRACK, told, "feed")]
    return stored(items([one for one in some if len(one)], SETTINGS))


def listed(found: Items) -> list[tuple[int, int, str]]:
    """Return time, name and sensor of each item, in the order in which they are."""
    names = [*found.rows["name"].tolist(), *found.reports["name"].tolist()]
    return list(zip(found.times.tolist(), names, found.senders(), strict=True))


def plainly(parts: list[Part], begin: int, end: int) -> list[tuple[int, int, str]]:
    """Return the same, from looking at every item of every part."""
    whole = [
        listed(
            Items(
                records(one.rows, ITEM),
                records(one.reports, REPORT),
                records(one.senses, SENSE),
                one.names,
                records(one.calls, CALL),
            )
        )
        for one in parts
    ]
    rows = [each for one, all_of in zip(parts, whole, strict=True) for each in all_of[: len(one.times)]]
    reports = [each for one, all_of in zip(parts, whole, strict=True) for each in all_of[len(one.times) :]]
    return [each for each in (*rows, *reports) if begin <= each[0] < end]


@settings(max_examples=200, deadline=None)
@given(TICKS, st.integers(-1, 61), st.integers(-1, 61))
def test_a_window_holds_what_is_of_its_time_in_the_order_of_the_parts(
    ticks: list[tuple[list[int], list[int]]], begin: int, end: int
) -> None:
    parts = [part(k, *tick) for k, tick in enumerate(ticks)]
    waiting = Waiting(parts)
    assert len(waiting) == sum(len(measured) + len(told) for measured, told in ticks)
    assert listed(waiting.between(begin, end)) == plainly(parts, begin, end)
    assert listed(waiting.between(begin)) == plainly(parts, begin, NEVER)
    every = [time for measured, told in ticks for time in (*measured, *told)]
    assert sorted(waiting.times(begin, end).tolist()) == sorted(time for time in every if begin <= time < end)
    assert list(waiting.left(begin)) == [
        one for one, tick in zip(parts, ticks, strict=True) if max((*tick[0], *tick[1])) >= begin
    ]


def test_where_nothing_waits_nothing_is_found() -> None:
    waiting = Waiting([])
    assert len(waiting) == len(waiting.between(0)) == len(waiting.times(0)) == 0
    assert waiting.left(0) == ()
