"""Simulated direction finders, cameras, people, receivers of ADS-B and Remote ID: what they see and do not see."""

from typing import Any

import msgspec
import numpy as np
import pytest
from skies import ORIGIN, scene, sky, start_of, straight

from skywarden.geo import terrain
from skywarden.geo.terrain import Ground
from skywarden.identify.doubts import doubted, words
from skywarden.model.detection import Frame
from skywarden.model.known import Known
from skywarden.model.place import Source
from skywarden.model.track import Mode
from skywarden.sensors.remoteid import RemoteId
from skywarden.sim.kinds import Kind
from skywarden.sim.sense import SENSES
from skywarden.sim.sky import Sense, Sky, Window

SECOND = 1_000_000_000
SOURCE = Source(name="rid", format="remoteid")


def made(kind: str, text: str, seconds: float = 120.0, ground: Ground | None = None) -> Sense:
    wanted = scene(text, seconds)
    return SENSES[kind](getattr(wanted, kind), wanted, ground or terrain.flat(0.0), 7)


def said(sense: Sense, fliers: Sky, *window: float) -> list[dict[str, Any]]:
    """What is sent, line by line, with `arrives` (s since the start)."""
    sent = sense.sent(fliers, Window(*window))
    lines = sent.data.tobytes().splitlines()
    since = (sent.time - start_of(scene(""))) / SECOND
    return [msgspec.json.decode(line) | {"arrives": t} for line, t in zip(lines, since.tolist(), strict=True)]


def hover(east: float, north: float, up: float, **target: Any) -> Sky:
    return sky([straight((east, north, up), (0.0, 0.0, 0.0), 4000, **target)])


def bearing(line: dict[str, Any], true: float) -> float:
    return (line["azimuth_deg"] - true + 180) % 360 - 180


def test_a_finder_gives_bearings_of_what_transmits_and_of_nothing_else() -> None:
    finder = made("direction_finders", '[[direction_finders]]\nname = "f"\nbearing_sigma_deg = 3\nperiod_s = 1\n')
    silent, loud = hover(3000, 0, 300), hover(3000, 0, 300, radio=True)
    assert said(finder, silent, 0, 120) == []
    lines = said(finder, loud, 0, 120)
    assert 95 <= len(lines) <= 120
    errors = np.array([bearing(line, 90.0) for line in lines])
    assert np.median(np.abs(errors)) == pytest.approx(0.6745 * 3.0, rel=0.35)
    assert all(line["type"] == "direction_finder" and line["mark"] == "simulated" for line in lines)


def test_a_finder_hears_nothing_behind_a_hill_or_beyond_its_reach() -> None:
    finder = made("direction_finders", '[[direction_finders]]\nname = "f"\nreach_km = 10\n', ground=ridge())
    assert said(finder, hover(4000, 0, 20, radio=True), 0, 60) == []
    assert len(said(finder, hover(-4000, 0, 20, radio=True), 0, 60)) > 20
    assert said(finder, hover(-11000, 0, 400, radio=True), 0, 60) == []


def test_only_finders_of_which_it_is_said_begin_targets_as_far_as_they_hear() -> None:
    text = '[[direction_finders]]\nname = "{}"\nat_km = [{}, 0]\nreach_km = 12\nbegins = {}\n'
    finders = made("direction_finders", text.format("some", 0, "true") + text.format("others", 1, "false"))
    assert [(one.name, one.source, one.begins_m) for one in finders.sensors] == [("some", "finders", 12_000.0)]


def ridge() -> Ground:
    """Flat ground with a wall 300 m high from south to north, 2 km east of the origin."""
    step = np.radians(0.001)
    heights = np.zeros((400, 400))
    heights[:, 220:224] = 300.0
    corner = (np.radians(ORIGIN[0]) - 200 * step, np.radians(ORIGIN[1]) - 200 * step)
    return terrain.grid(corner, (step, step), heights, 0.0)


def test_a_camera_sees_within_its_field_and_not_behind_it() -> None:
    text = '[[cameras]]\nname = "c"\nfacing_deg = 90\nfield_deg = 40\nfalse_per_h = 0\n'
    camera = made("cameras", text)
    assert len(said(camera, hover(1000, 0, 200), 0, 60)) > 40
    assert said(camera, hover(-1000, 0, 200), 0, 60) == []
    assert said(camera, hover(0, 1000, 200), 0, 60) == []
    ahead = said(camera, hover(1000, 0, 200), 0, 60)
    assert np.std([bearing(line, 90.0) for line in ahead]) == pytest.approx(0.1, rel=0.4)
    up = np.degrees(np.arctan2(190, 1000))
    assert np.mean([line["elevation_deg"] for line in ahead]) == pytest.approx(up, abs=0.1)


def test_a_camera_for_daylight_is_blind_by_night_and_none_sees_through_clouds() -> None:
    day = '[[cameras]]\nname = "c"\nfield_deg = 360\nthermal = false\nfalse_per_h = 0\n'
    heat = day.replace("false\n", "true\n", 1)
    near = hover(900, 0, 500)
    assert said(made("cameras", day), near, 0, 30) == []
    assert len(said(made("cameras", day + "[weather]\nnight = false\n"), near, 0, 30)) > 15
    assert len(said(made("cameras", heat), near, 0, 30)) > 15
    assert said(made("cameras", heat + "[weather]\ncloud_base_m = 400\n"), near, 0, 30) == []


def test_a_camera_that_turns_meets_everything_once_a_round() -> None:
    text = '[[cameras]]\nname = "c"\nturning = true\nfield_deg = 60\nfalse_per_h = 0\n'
    camera = made("cameras", text)
    assert camera.revisit[0] == 6.0
    lines = said(camera, hover(0, 800, 200), 0, 120)
    assert 15 <= len(lines) <= 20


def test_cameras_report_nothing_at_all_as_often_as_they_say() -> None:
    text = '[[cameras]]\nname = "c"\ncount = 20\nextent_km = [5, 5]\nfield_deg = 60\nfalse_per_h = 60\n'
    lines = said(made("cameras", text, 600.0), sky([straight((90e3, 0, 100), (0, 0, 0), 600)]), 0, 600)
    assert len(lines) == pytest.approx(200, abs=4 * 200**0.5)


PEOPLE = '[[observers]]\nname = "p"\ncount = 300\nlayout = "random"\nextent_km = [3, 3]\neager = 1.0\n'


def test_people_report_the_same_flier_many_times_late_and_roughly_right() -> None:
    people = made("observers", PEOPLE + "blunder = 0\nfalse_per_h = 0\ndelay_s = [20, 60]\n", 600.0)
    lines = said(people, hover(0, 0, 400), 0, 60)
    assert lines == [] or min(line["arrives"] for line in lines) > 0
    coming = sky([straight((-9000.0, 0.0, 400.0), (50.0, 0.0, 0.0), 590)])
    lines = [line for k in range(0, 600, 60) for line in said(people, coming, k, k + 60)]
    assert 250 <= len(lines) <= 300
    delays = [(line["time_sent"] - line["time"]) / SECOND for line in lines]
    assert np.median(delays) == pytest.approx(20, rel=0.3)
    assert np.quantile(delays, 0.9) == pytest.approx(60, rel=0.4)
    assert {"at" in line for line in lines} == {True, False}
    assert all(line["type"] == "observer" and not line["seen"] for line in lines)


def test_some_people_report_the_wrong_direction_and_some_what_was_nothing() -> None:
    empty = sky([straight((90e3, 0.0, 400.0), (0.0, 0.0, 0.0), 1800)])
    people = made("observers", PEOPLE + "false_per_h = 2\n", 1800.0)
    lines = [line for k in range(0, 1800, 60) for line in said(people, empty, k, k + 60)]
    assert len(lines) == pytest.approx(300, abs=4 * 300**0.5)
    near = sky([straight((-5000.0, 0.0, 300.0), (50.0, 0.0, 0.0), 300)])

    def spread(blunder: float) -> float:
        crowd = made("observers", PEOPLE + f"blunder = {blunder}\nfalse_per_h = 0\nbearing_sigma_deg = 5\n", 600.0)
        found = [x for k in range(0, 300, 60) for x in said(crowd, near, k, k + 60) if "azimuth_deg" in x]
        west = [abs(bearing(x, 270.0)) for x in found if x["time"] < start_of(scene("")) + 60 * SECOND]
        return float(np.mean(np.array(west) > 60)) if west else 0.0

    assert spread(0.9) > spread(0.0) + 0.2


def test_two_receivers_pass_on_the_same_squitters() -> None:
    adsb = made("receivers", '[[receivers]]\nname = "r"\ncount = 2\nlayout = "line"\nextent_km = [20, 0]\n')
    liner = hover(0, 5000, 3000, kind=Kind.AIRLINER, raid=False, address=0xF00101, callsign="AVR101")
    sent = adsb.sent(liner, Window(0, 30))
    frames = [msgspec.json.decode(line)["frame"] for line in sent.data.tobytes().splitlines()]
    by = [{f for f, s in zip(frames, sent.sender.tolist(), strict=True) if s == k} for k in (0, 1)]
    assert len(by[0] & by[1]) > 0.7 * len(by[0])
    assert len(frames) == pytest.approx(2 * 30 * 4.2 * 0.93, rel=0.1)


GHOSTS = """
[[traffic]]
kind = "airliner"
count = 1

[[receivers]]
name = "r"
count = 2
layout = "line"
extent_km = [{apart}, 0]
height_m = 5

[[spoofers]]
name = "liar"
what = "adsb"
at_km = [-{half}, 1]
targets = 3
duration_s = 100
copies_of = "{copied}"
"""


def test_false_aircraft_are_heard_only_where_their_transmitter_is_heard() -> None:
    adsb = made("receivers", GHOSTS.format(apart=120, half=60, copied=""))
    nobody = hover(90e3, 0, 100)
    sent = adsb.sent(nobody, Window(0, 30))
    assert set(sent.sender.tolist()) == {0}
    assert not len(adsb.cover(nobody, Window(0, 30)).pd)


def test_a_transmitter_of_false_aircraft_stands_on_the_ground() -> None:
    high = terrain.flat(800.0)
    adsb = made("receivers", GHOSTS.format(apart=2, half=1, copied=""), ground=high)
    assert len(adsb.sent(hover(90e3, 0, 900), Window(0, 30)).time) > 100


def test_a_stolen_identity_is_sent_from_two_places() -> None:
    adsb = made("receivers", GHOSTS.format(apart=2, half=1, copied="airliner-1"))
    liner = hover(0, 5000, 3000, name="airliner-1", kind=Kind.AIRLINER, raid=False, address=0xF00101, callsign="AVR101")
    sent = adsb.sent(liner, Window(0, 30))
    frames = {msgspec.json.decode(line)["frame"] for line in sent.data.tobytes().splitlines()}
    assert {frame[2:8] for frame in frames} == {"f00101"}
    assert len(frames) > 2.5 * 30 * 2  # positions differ, twice a second each; velocities and names do not


def test_remote_id_is_heard_near_by_and_only_of_who_sends_it() -> None:
    rid = made("remote_id", '[[remote_id]]\nname = "r"\nreach_km = 2\n')
    near = hover(300, 0, 60, kind=Kind.MULTIROTOR, serial="SER1")
    assert len(said(rid, near, 0, 60)) == pytest.approx(54, abs=8)
    assert said(rid, hover(300, 0, 60, kind=Kind.MULTIROTOR), 0, 60) == []
    assert said(rid, hover(2500, 0, 60, kind=Kind.MULTIROTOR, serial="SER1"), 0, 60) == []


def heard(text: str, fliers: Sky, window_s: float) -> tuple[Known, set[str]]:
    """Return what is known after a minute of Remote ID, and every doubt about frames that there was."""
    rid, decoder, known, found = made("remote_id", text), RemoteId(SOURCE, (), Mode.SIM), Known(), set[str]()
    start = start_of(scene(""))
    for begin in np.arange(0.0, 60.0, window_s):
        sent = rid.sent(fliers, Window(begin, begin + window_s))
        frame = Frame.of("rid", start, *sent.data.tobytes().splitlines(keepends=True))
        batches = decoder.decode(frame).batches
        found |= {claim.value for batch in batches for claim in batch.claims if claim.name == "doubt"}
        matches = [np.zeros(len(batch), np.int64) for batch in batches]
        known = doubted(known, batches, matches, start + round((begin + window_s) * SECOND))
    return known, found


@pytest.mark.parametrize("window_s", [1.0, 4.0])
def test_remote_id_of_who_flies_is_never_doubted_and_a_copy_is(window_s: float) -> None:
    text = '[[remote_id]]\nname = "r"\nreach_km = 9\n[[remote_id]]\nname = "s"\nat_km = [2, 0]\nreach_km = 9\n'
    kind = {"kind": Kind.MULTIROTOR, "raid": False}
    flights = [
        straight((300.0 * k, -900.0, 80.0), (12.0, 9.0, 0.5), 70, name=f"multirotor-{k}", serial=f"SER{k}", **kind)
        for k in range(1, 21)
    ]
    known, found = heard(text, sky(flights), window_s)
    assert len(known.rows) == 20
    assert (known.rows["doubts"].any(), found) == (False, set())
    copied = '[[spoofers]]\nname = "t"\nwhat = "remote-id"\nat_km = [0, 6]\ntargets = 1\ncopies_of = "multirotor-3"\n'
    copied += '[[traffic]]\nkind = "multirotor"\ncount = 20\n'
    known, found = heard(text + copied, sky(flights), window_s)
    (two,) = (words(int(doubts)) for doubts in known.rows["doubts"] if doubts)
    assert "one identity in two places" in two


def test_a_sensor_that_moves_reports_from_where_it_is() -> None:
    text = '[[direction_finders]]\nname = "f"\nmoving = true\npath_km = [[-5, 0], [5, 0]]\n'
    lines = said(made("direction_finders", text), hover(0, 3000, 300, radio=True), 0, 120)
    first, last = lines[0]["place"]["longitude"], lines[-1]["place"]["longitude"]
    assert (last - first) * 96.9 == pytest.approx(9.8, abs=0.6)
    assert bearing(lines[0], 59.0) == pytest.approx(0, abs=10)
    assert bearing(lines[-1], 301.0) == pytest.approx(0, abs=10)
