"""Flights of our own: known by their start, and only as long as nothing puts in doubt that they are the same."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from evidence_world import SECOND, START, flying

from skywarden.geo import geodetic
from skywarden.identify.own import COASTED, NEW, Plans, Seen, own, says_own
from skywarden.model.place import Flight
from skywarden.model.track import Status, TrackKind, Tracks

BEGIN = datetime.fromtimestamp(START / SECOND, UTC)


def flight(name: str = "survey", **other) -> Flight:
    """Return a flight that starts below the first track of `flying`."""
    latitude, longitude, _ = (np.degrees(v[0]) for v in geodetic(flying(1).mean[:1, :3]))
    values = {"begins": BEGIN - timedelta(minutes=5), "ends": BEGIN + timedelta(hours=1)}
    values |= {"fastest_m_s": 60.0, "highest_m": 5000.0}
    return Flight(name=name, **{**values, "latitude": latitude, "longitude": longitude, **other})


def young(n: int = 1) -> Tracks:
    """Return n tracks that were first shown now."""
    return replace(flying(n), since=np.full(n, START), born=np.full(n, START - 5 * SECOND))


def later(tracks: Tracks, seconds: float, **other) -> tuple[Tracks, int]:
    """Return the same tracks `seconds` later, flown on, and that time."""
    time, mean = START + round(seconds * SECOND), tracks.mean.copy()
    mean[:, :3] += mean[:, 3:] * seconds
    n = len(tracks)
    return replace(tracks, **{"mean": mean, "time": np.full(n, time), "heard": np.full(n, time), **other}), time


def seen(tracks: Tracks, *names: str, measured: bool = True) -> Seen:
    n = len(tracks)
    return Seen(np.arange(n), names or ("",) * n, np.where(measured, tracks.heard, 0))


def known(flights: list[Flight], tracks: Tracks, looked: Seen, begun: list[str], time: int) -> list[str]:
    return own(Plans(flights, begun, 0.0), tracks, looked, time)


def test_a_track_that_is_measured_first_where_a_flight_starts_is_that_flight() -> None:
    tracks = young(2)
    assert known([flight()], tracks, seen(tracks), [], START) == ["survey", ""]
    assert known([], tracks, seen(tracks), [], START) == ["", ""]


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"begins": BEGIN + timedelta(seconds=1)}, "too soon"),
        ({"ends": BEGIN - timedelta(seconds=1)}, "over"),
        ({"latitude": 0.02}, "elsewhere"),
    ],
)
def test_not_at_another_time_or_place(changed, why) -> None:
    assert known([flight(**changed)], young(), seen(young()), [], START) == [""], why


def test_not_by_what_it_says_itself_nor_in_the_middle_of_its_way() -> None:
    assert known([flight()], young(), seen(young(), measured=False), [], START) == [""]
    old = replace(flying(1), since=np.array([START - NEW - SECOND]))
    assert known([flight()], old, seen(old), [], START) == [""]
    vague = replace(young(), kind=np.array([TrackKind.WEDGE], np.int8))
    assert known([flight()], vague, seen(vague), [], START) == [""]


def test_not_if_two_begin_there_or_another_is_it_already() -> None:
    two = young(2)
    two.mean[1, 1] = two.mean[0, 1] + 1200.0  # not so near that the two may be exchanged
    wide = flight(launch_radius_m=1500.0)
    one = replace(two, since=np.array([START, START - NEW - SECOND]))
    assert known([wide], one, seen(one), [], START) == ["survey", ""]
    assert known([wide], two, seen(two), [], START) == ["", ""]
    assert known([flight()], young(), seen(young()), ["survey"], START) == [""]


def test_it_stays_that_flight_along_its_route_and_ends_where_it_leaves_it() -> None:
    to_north = flight(route=((0.09, 0.0),), corridor_m=500.0)  # 10 km
    for seconds, name in ((100, "survey"), (199, "survey"), (260, "")):
        tracks, time = later(young(), seconds)
        assert known([to_north], tracks, seen(tracks, "survey"), ["survey"], time) == [name]
    tracks, time = later(young(), 100)
    tracks.mean[0, 1] += 600.0
    assert known([to_north], tracks, seen(tracks, "survey"), ["survey"], time) == [""]
    assert known([flight(corridor_m=2000.0)], *_at(1900.0)) == ["survey"]
    assert known([flight(corridor_m=2000.0)], *_at(2100.0)) == [""]


def _at(metres: float):
    tracks, time = later(young(), metres / 50.0)
    return tracks, seen(tracks, "survey"), ["survey"], time


def test_it_ends_with_its_time_and_with_the_configuration() -> None:
    tracks, time = later(young(), 20)
    short = flight(ends=BEGIN + timedelta(seconds=19))
    assert known([short], tracks, seen(tracks, "survey"), ["survey"], time) == [""]
    assert known([flight("another", latitude=0.5)], tracks, seen(tracks, "survey"), ["survey"], time) == [""]
    assert known([], tracks, seen(tracks, "survey"), ["survey"], time) == [""]


def test_it_ends_where_it_coasts_and_where_another_comes_near() -> None:
    tracks, time = later(young(), 20)
    quiet = replace(tracks, heard=np.array([time - COASTED - 1]))
    assert known([flight()], quiet, seen(quiet, "survey"), ["survey"], time) == [""]
    gone = replace(tracks, status=np.array([Status.DROPPED], np.int8))
    assert known([flight()], gone, seen(gone, "survey"), ["survey"], time) == [""]
    two, time = later(young(2), 20)
    for apart, name in ((5000.0, "survey"), (1200.0, "survey"), (400.0, "")):
        two.mean[1] = two.mean[0]
        two.mean[1, 1] += apart
        assert known([flight()], two, seen(two, "survey", ""), ["survey"], time)[0] == name


def test_what_ended_does_not_begin_again_in_the_air() -> None:
    tracks, time = later(young(), 35)
    assert known([flight(launch_radius_m=5000.0)], tracks, seen(tracks), [], time) == [""]


def test_who_says_that_it_is_ours_must_be_where_ours_may_be() -> None:
    tracks = flying(2)
    claims = [{"icao24": "4ca7b5"}, {"icao24": "4ca7b5"}]
    assert says_own([flight(identity=" 4CA7B5 ")], claims, tracks, START).tolist() == [True, False]
    assert says_own([flight()], [{"x": ""}, {}], tracks, START).tolist() == [False, False]
    assert says_own([flight(identity="4CA7B6")], claims, tracks, START).tolist() == [False, False]


def test_not_what_flies_over_its_start_nor_what_is_on_the_other_side_of_the_earth() -> None:
    tracks = young()
    assert known([flight(fastest_m_s=49.0)], tracks, seen(tracks), [], START) == [""]
    height = float(geodetic(tracks.mean[:1, :3])[2][0])
    assert known([flight(highest_m=height - 1.0)], tracks, seen(tracks), [], START) == [""]
    assert known([flight(highest_m=height + 1.0)], tracks, seen(tracks), [], START) == ["survey"]
    there = replace(tracks, mean=-tracks.mean)
    assert known([flight(fastest_m_s=400.0, highest_m=10_000.0)], there, seen(there), [], START) == [""]


def test_the_place_is_that_where_it_was_first_shown() -> None:
    tracks, time = later(young(), 20)  # a kilometre further on
    assert known([flight()], tracks, seen(tracks), [], time) == ["survey"]
    late = replace(tracks, since=np.array([time]))
    assert known([flight()], late, seen(late), [], time) == [""]


def test_who_is_found_again_is_not_new_and_a_flight_begins_once() -> None:
    old = replace(young(), born=np.array([START - 200 * SECOND]))
    assert known([flight()], old, seen(old), [], START) == [""]
    assert known([flight()], young(), seen(young()), ["survey"], START) == [""]


def test_it_ends_where_only_itself_says_that_it_is_there() -> None:
    tracks, time = later(young(), 40)
    assert known([flight()], tracks, seen(tracks, "survey", measured=False), ["survey"], time) == [""]


def test_a_track_that_is_not_shown_yet_may_be_it_too() -> None:
    two, time = later(young(2), 20)
    two.mean[1] = two.mean[0]
    two.mean[1, 1] += 100.0
    hidden = replace(two, status=np.array([Status.CONFIRMED, Status.TENTATIVE], np.int8))
    assert known([flight()], hidden, seen(hidden, "survey", ""), ["survey"], time)[0] == ""
