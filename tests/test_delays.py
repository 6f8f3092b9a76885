"""How long messages took: percentiles by messages, over the latest frames only."""

import math

import numpy as np

from skywarden.model.detection import Frame
from skywarden.service.delays import FRAMES, SPAN, Delays

MS = 1_000_000


def frame(delay_ms: float, messages: int = 1, now: int = 10**18) -> Frame:
    return Frame.of("r", now - round(delay_ms * MS), *[b"x"] * messages)


def test_nothing_is_known_before_the_first_message() -> None:
    delays = Delays()
    assert all(map(math.isnan, delays.percentiles()))
    delays.add([frame(5.0, messages=0)], 10**18)
    assert all(map(math.isnan, delays.percentiles()))


def test_each_frame_counts_with_its_messages() -> None:
    delays = Delays()
    delays.add([frame(10.0, 98), frame(70.0, 2)], 10**18)
    assert delays.percentiles() == (10.0, 70.0)
    delays.add([frame(30.0, 400)], 10**18)
    assert delays.percentiles() == (30.0, 30.0)


def test_the_percentiles_are_those_of_all_messages_sorted() -> None:
    random = np.random.default_rng(1)
    took, counts = random.integers(1, 500, 300), random.integers(1, 9, 300)
    delays = Delays()
    delays.add([frame(float(ms), int(n)) for ms, n in zip(took, counts, strict=True)], 10**18)
    each = np.sort(np.repeat(took, counts))
    expected = [float(each[math.ceil(q * len(each)) - 1]) for q in (0.5, 0.99)]
    assert list(delays.percentiles()) == expected


def test_only_the_latest_frames_count() -> None:
    delays = Delays()
    delays.add([frame(900.0)] * 100, 10**18)
    delays.add([frame(20.0)] * (FRAMES - 50), 10**18)
    assert delays.percentiles() == (20.0, 20.0)  # 50 of 6,000 are under 1 %
    delays.add([frame(900.0)] * 100, 10**18)
    assert delays.percentiles() == (20.0, 900.0)


def test_what_was_longer_ago_than_half_a_minute_does_not_count() -> None:
    delays, later = Delays(), 10**18 + SPAN
    delays.add([frame(900.0)] * 10, 10**18)
    delays.add([frame(20.0, now=later - 1)], later - 1)
    assert delays.percentiles() == (900.0, 900.0)
    delays.add([frame(20.0, now=later)], later)
    assert delays.percentiles() == (20.0, 20.0)
