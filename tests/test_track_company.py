"""Groups that split and merge are told as such: who began beside whom, and who was lost beside whom."""

from dataclasses import replace

import numpy as np
import pytest
from track_world import START, Flight, Radar, Sky

from skywarden.model.event import TrackCoasting, TrackConfirmed, decode, encode
from skywarden.model.track import SEEN_BY, Status, Tracks
from skywarden.outputs import EVENT_ENCODERS
from skywarden.track.company import CLOSE, accompanied

SECOND = 1_000_000_000
NOW = START + 100 * SECOND


def line_up(*rows):
    """Return shown tracks 1, 2, ... of rows (offset (3,) m, velocity (3,) m/s, born s ago, seen s ago)."""
    n = len(rows)
    offset, velocity, born, seen = (np.array(column, float) for column in zip(*rows, strict=True))
    empty = Tracks.empty()
    columns = {
        name: np.zeros((n, *getattr(empty, name).shape[1:]), getattr(empty, name).dtype) for name in Tracks.__slots__
    }
    seen_at = np.zeros((n, SEEN_BY), np.int64)
    seen_at[:, 1] = NOW - np.round(seen * 1e9)
    return Tracks(
        **columns
        | {
            "number": np.arange(1, n + 1),
            "status": np.full(n, Status.CONFIRMED, np.int8),
            "time": np.full(n, NOW),
            "mean": np.hstack([np.array([3.5e6, 2.0e6, 4.9e6]) + offset, velocity]),
            "covariance": np.tile(np.diag([100.0] * 3 + [1.0] * 3), (n, 1, 1)),
            "born": (NOW - np.round(born * 1e9)).astype(np.int64),
            "seen_at": seen_at,
            "revisit": np.full(n, 2.0),
        }
    )


OLD = ((0, 0, 0), (50, 0, 0), 60, 0)
EVENTS = {"split": TrackConfirmed(NOW, 2, 7), "merge": TrackCoasting(NOW, 2)}


def told(what, second, first=OLD, new=2):
    (event,) = accompanied([EVENTS[what]], line_up(first, second), NOW, new)
    return event.beside


def test_who_began_beside_another_has_parted_from_it():
    assert told("split", ((0, 200, 0), (50, 8, 0), 10, 0)) == 1  # 8 m/s to the side: 120 m at its birth
    assert told("split", ((0, 2_000, 0), (50, 9, 0), 10, 0)) == 0
    assert told("split", ((0, 200, 0), (-50, 0, 0), 2, 0)) == 0  # it comes the other way
    assert told("split", ((0, 200, 0), (50, 8, 0), 70, 0)) == 0  # it was there first
    assert told("split", ((0, 200, 0), (50, 8, 0), 10, 0), new=3) == 0  # found again
    for late in (
        0.0,
        0.02,
        2.1,
        3.9,
    ):  # of one turn, or of the next since the first plot was missed: they came together
        assert told("split", ((0, 200, 0), (50, 8, 0), 10 - late, 0), first=(*OLD[:2], 10, 0)) == 0
    assert told("split", ((0, 200, 0), (50, 8, 0), 10, 0), first=(*OLD[:2], 14.1, 0)) == 1


def test_who_was_last_seen_beside_another_has_closed_up_with_it():
    assert told("merge", ((0, 100, 0), (50, 0, 0), 50, 8)) == 1
    assert told("merge", ((0, 2_000, 0), (50, 0, 0), 50, 8)) == 0
    for seen in (9.0, 8.0, 7.98, 7.1):  # the other is not seen either
        assert told("merge", ((0, 100, 0), (50, 0, 0), 50, 8), first=(*OLD[:3], seen)) == 0
    assert told("merge", ((0, 100, 0), (50, 0, 0), 50, 8), first=(*OLD[:3], 6.9)) == 1
    coasting = replace(line_up(OLD, ((0, 100, 0), (50, 0, 0), 50, 8)), status=np.full(2, Status.COASTING, np.int8))
    assert accompanied([EVENTS["merge"]], coasting, NOW, 2)[0].beside == 0
    assert told("merge", ((0, 400, 0), (50, 14, 0), 50, 12)) == 1  # 232 m apart then
    assert told("merge", ((0, 400, 0), (50, -14, 0), 50, 12)) == 0


def test_what_is_hardly_known_is_beside_nobody():
    tracks = line_up(OLD, ((0, 100, 0), (50, 0, 0), 10, 0))
    vague = replace(tracks, covariance=tracks.covariance * 1e4)
    assert accompanied([EVENTS["split"]], tracks, NOW, 2)[0].beside == 1
    assert accompanied([EVENTS["split"]], vague, NOW, 2)[0].beside == 0


def test_of_several_the_nearest_is_named_and_who_is_not_shown_is_not():
    far, near = ((0, 250, 0), (50, 0, 0), 60, 0), ((0, 60, 0), (50, 0, 0), 60, 0)
    tracks = line_up(far, ((0, 0, 0), (50, 0, 0), 5, 0), near)
    assert accompanied([EVENTS["split"]], tracks, NOW, 2)[0].beside == 3
    hidden = replace(tracks, status=np.array([Status.CONFIRMED, Status.CONFIRMED, Status.TENTATIVE], np.int8))
    assert accompanied([EVENTS["split"]], hidden, NOW, 2)[0].beside == 1
    assert accompanied([], tracks, NOW, 2) == []


@pytest.mark.parametrize(
    "event, name", [(TrackConfirmed(NOW, 2, 7, 5), "confirmed"), (TrackCoasting(NOW, 2, 5), "coasting")]
)
def test_it_is_in_the_record_and_in_the_output_and_nowhere_when_it_is_nobody(event, name):
    assert decode(encode(event)) == event
    line = EVENT_ENCODERS["jsonl"](event)
    assert b'"beside":5' in line.replace(b" ", b"")
    assert name.encode() in line
    alone = type(event)(*(getattr(event, field) for field in event.__struct_fields__[:-1]))
    assert b"beside" not in encode(alone)
    assert b"beside" not in EVENT_ENCODERS["jsonl"](alone)


def test_a_pair_that_parts_in_front_of_a_radar_is_told_as_a_split():
    whole = Flight(-6_000.0, -8_000.0, 900.0, 60.0, 0.0)
    turned = Flight(-6_000.0, -8_000.0, 900.0, 60.0, 0.0, turn=0.02, turning=(30.0, 40.0))

    class OnePlot(Radar):
        """Sees what is closer together than 150 m as one."""

        def look(self, flights, t, rng):
            apart = np.linalg.norm(flights[0].at(t) - flights[1].at(t))
            return super().look(flights[: 1 if apart < 150.0 else 2], t, rng)

    sky = Sky([whole, turned], [OnePlot("r", -20_000.0, 0.0, revisit=2.0, sigma=(20.0, 0.001, 0.002, np.nan))], 4).run(
        80.0
    )
    confirmed = [event for event in sky.events if isinstance(event, TrackConfirmed)]
    assert [(event.number, event.beside) for event in confirmed] == [(1, 0), (2, 1)]
    assert confirmed[1].time > START + 30 * SECOND
    assert CLOSE > 150.0
