"""Registration and what may go wrong with it: biases that are known, norths that change, sensors that have gone."""

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest
from registry_sky import DEGREE, EAST, SECOND, START, WEST, begun, last, run, settings, sky

from skywarden.model.detection import WIDTH, Frame, Kind, Reason, detections
from skywarden.model.event import Failed, Refused, SensorFault, SensorRegistered, Started, Stepped
from skywarden.model.place import Registration, Sensor, Source
from skywarden.model.registered import Standing, Stray
from skywarden.model.track import Mode
from skywarden.pipeline import Line
from skywarden.saved import digest
from skywarden.sensors import Reader
from skywarden.track import overheard, registry, settled, versions
from skywarden.track.beliefs import records
from skywarden.track.registration import correct
from skywarden.track.registry import anew

ON = settings()
KINDS = [kind for kind in Kind if kind not in (Kind.PRESENCE, Kind.SILENCE)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_bias_of_its_sensor_breaks_no_kind(kind):
    z = np.full((2, WIDTH[kind]), 0.5)
    batch = detections(kind, "a", START, np.array([START, START]), z, np.tile(np.eye(WIDTH[kind]), (2, 1, 1)))
    found = correct(batch, [Registration("a", 2, 0, 10.0, 0.1, 0.2, 0.25)])
    off = {Kind.POLAR: [10.0, 0.1, 0.2, 0.0], Kind.DIRECTION: [0.1, 0.2], Kind.SOUND: [0.1, 0.2, 0.0]}
    np.testing.assert_allclose(found.z, z - off.get(kind, np.zeros(WIDTH[kind])))
    assert (found.time == START - SECOND // 4).all()


@pytest.mark.parametrize("turn", [-137.0, 90.0])
def test_a_platform_that_counts_from_its_own_bow_is_no_fault_and_is_registered_from_there(turn):
    """Its heading is configured as a bias of many degrees; what it is off by besides is found."""
    turned = WEST._replace(bias=(150.0, (turn + 0.5) * DEGREE, 0.0, 0.2))
    made = sky([turned, EAST], 200.0)
    sensor = Sensor(name="west", source="s", azimuth_bias_deg=turn, range_bias_m=0.0)
    picture, events = run(anew(begun(ON), [sensor], ON.tracker), made.batches, 200.0, ON)
    assert not [one for one in events if isinstance(one, SensorFault | Failed | Refused)]
    assert last(picture)["west"].azimuth == pytest.approx((turn + 0.5) * DEGREE, abs=0.1 * DEGREE)


def test_what_is_configured_is_not_found_again_each_window():
    """It is no multiple of what is written of a bias."""
    made = sky([WEST, EAST], 200.0)
    sensors = [
        Sensor(name="west", source="s", azimuth_bias_deg=0.5, time_bias_s=0.2),
        Sensor(name="east", source="s", azimuth_bias_deg=-0.5, time_bias_s=-0.2),
    ]
    picture, events = run(anew(begun(ON), sensors, ON.tracker), made.batches, 200.0, ON)
    told = [one for one in events if isinstance(one, SensorRegistered)]
    assert 1 <= len([one for one in told if one.sensor == "west"]) <= 3
    known = [(one.range_m, one.azimuth, one.elevation, one.time_s) for one in picture.registrations]
    assert len(known) == len(set(known))


def test_a_version_that_is_written_as_the_last_one_is_none(monkeypatch):
    """The azimuth stays as it is configured, which is no multiple of what is written; the clock is 3 sigma off."""
    first = np.array([[0.0, 0.5 * DEGREE, 0.0, 0.0, 0.0, 0.0]])
    covariance = np.diag([25.0, 1e-6, 1e-6, 0.01])

    def changed(applied, *_):
        version = 1 + max([one.version for one in applied], default=1)
        return (Registration("a", version, 0, 150.0, 0.5 * DEGREE, 0.0, 0.3, tuple(covariance.ravel())),)

    monkeypatch.setattr(versions, "changed", changed)
    monkeypatch.setattr(versions, "_spread", lambda *_: np.pad(covariance, (0, 2)))
    monkeypatch.setattr(versions, "witnessed", lambda _: [True])
    monkeypatch.setattr(versions, "matters", lambda *_: np.zeros(4))
    known = [Registration("a", 1, 0, 0.0, 0.5 * DEGREE)]
    for window in range(5):
        known += versions.found(known, SimpleNamespace(first=first), ("a",), versions.BiasSettings(), window)
    assert [(one.version, one.range_m, one.azimuth) for one in known[1:]] == [(2, 150.0, 0.00873)]


def test_another_north_of_a_sensor_is_not_its_bias():
    """From some time on it counts from a north 3 degrees off, and says so."""
    turn = 3.0 * DEGREE
    spin = np.array([[np.cos(turn), -np.sin(turn), 0.0], [np.sin(turn), np.cos(turn), 0.0], [0.0, 0.0, 1.0]])
    made, batches = sky([WEST._replace(bias=(0.0,) * 4), EAST._replace(bias=(0.0,) * 4)], 220.0), []
    for one in made.batches:
        if one.sensor == "west" and one.received > START + 60 * SECOND:
            z = one.z - [0.0, turn, 0.0, 0.0]
            one = replace(one, z=z, raw=z, place=replace(one.place, rotation=spin @ one.place.rotation))
        batches.append(one)
    picture, events = run(begun(ON), batches, 220.0, ON)
    assert all(abs(one.azimuth) < 0.2 * DEGREE for one in picture.registrations)
    assert not [one for one in events if isinstance(one, SensorFault | Failed)]


def strayed(made, seconds):
    """Return the picture when "west" has a fault, and what was told."""
    picture, _ = run(begun(ON), made.batches, seconds, ON)
    registered = picture.chains.registered
    (group,) = registered.groups
    group = replace(group, strays=(Stray("west", group.time, "clock"),))
    return replace(picture, chains=replace(picture.chains, registered=replace(registered, groups=(group,))))


def test_who_has_gone_has_no_fault_after_a_while(monkeypatch):
    monkeypatch.setattr(registry, "QUIET", 40 * SECOND)
    made = sky([WEST, EAST], 170.0)
    picture = strayed(made, 60.0)
    left = [one for one in made.batches if one.sensor != "west" or one.received < START + 80 * SECOND]
    picture, events = run(picture, left, 170.0, ON)
    told = [(one.sensor, one.fault) for one in events if isinstance(one, SensorFault)]
    assert told == [("west", "clock"), ("west", "")]
    assert {one.sensor: one.fault for one in picture.chains.registered.standing} == {"west": "", "east": ""}
    assert picture.chains.registered.groups[0].strays == ()


def test_what_is_believed_of_who_has_gone_is_no_fault_either(monkeypatch):
    """A believed place does not fade: nobody could tell whether it has been mended."""
    monkeypatch.setattr(registry, "QUIET", 40 * SECOND)

    def astray(register, names, *_):
        return tuple(Standing(name, (1.0, 1.0, 1.0, 1.0), False, "place") for name in names)

    monkeypatch.setattr(registry.versions, "standing", astray)
    made = sky([WEST, EAST], 130.0)
    left = [one for one in made.batches if one.sensor != "west" or one.received < START + 40 * SECOND]
    picture, _ = run(begun(ON), left, 130.0, ON)
    assert {one.sensor: one.fault for one in picture.chains.registered.standing} == {"west": "", "east": "place"}


def test_a_clock_that_is_known_to_be_far_off_is_no_fault():
    made = sky([WEST._replace(bias=(150.0, 0.0, 0.0, 2.2)), EAST], 200.0)
    sensor = Sensor(name="west", source="s", time_bias_s=2.0)
    picture, events = run(anew(begun(ON), [sensor], ON.tracker), made.batches, 200.0, ON)
    assert not [one for one in events if isinstance(one, SensorFault | Failed | Refused)]
    assert last(picture)["west"].time_s == pytest.approx(2.0, abs=0.5)


def test_a_reload_with_other_sensors_ends_faults_in_words():
    made = sky([WEST, EAST], 80.0)
    picture, _ = run(strayed(made, 60.0), made.batches, 80.0, ON)
    assert [one.fault for one in picture.chains.registered.standing if one.sensor == "west"] == ["clock"]
    line = Line(ON, picture)
    text = '[[sources]]\nname = "s"\nformat = "sbs"\nconnect = "tcp://127.0.0.1:1"\n'
    more = '[[sensors]]\nname = "west"\nsource = "s"\nrange_bias_m = 10\n'
    outputs = [one.event for one in line.feed(1, Started(picture.time, Mode.LIVE, text + more, "", reload=True))]
    assert outputs[:-1] == [SensorFault(picture.time, "west", "")]
    assert outputs[-1] == Stepped(picture.time, digest(line.picture))
    assert line.picture.registrations[0].range_m == 10.0
    assert line.feed(2, Started(picture.time, Mode.LIVE, text + more, "", reload=True)) == []


def test_what_another_version_put_down_stops_no_chain():
    made = sky([WEST, EAST], 90.0)
    picture, _ = run(begun(ON), made.batches, 60.0, ON)
    registered = replace(picture.chains.registered, heard=(np.zeros(3, "V24"),))
    broken = replace(picture, chains=replace(picture.chains, registered=registered))
    after, events = run(broken, made.batches, 90.0, ON)
    assert [one.source for one in events if isinstance(one, Refused)] == [settled.REGISTRATION]
    assert after.chains.settled.until > picture.chains.settled.until + 20 * SECOND
    assert len(after.chains.registered.groups) == 1


def test_a_clock_that_is_known_to_be_fast_tells_no_future():
    line = {"type": "direction_finder", "sensor": "finder", "number": 1, "azimuth_deg": 90.0, "sigma_deg": 2.0}
    line["time"] = datetime.fromtimestamp(START // SECOND + 8, UTC).isoformat()
    frame = Frame.of("s", START, msgspec.json.encode(line) + b"\n")
    source = Source(name="s", format="reports", listen="udp://127.0.0.1:9001")
    said = {}
    for fast in (0.0, 8.0):
        place = {"latitude": 36.3, "longitude": -33.1, "time_bias_s": fast}
        reader = Reader([source], [Sensor(name="finder", source="s", **place)], Mode.LIVE)
        said[fast] = reader.read(frame)
    assert said[0.0].refused == {Reason.FUTURE: 1}
    assert (said[8.0].refused, len(said[8.0].batches)) == ({}, 1)


def test_a_flood_of_fixes_leaves_room_for_plots(monkeypatch):
    monkeypatch.setattr(overheard, "MOST", 2)
    heard = []

    def went_on(registered, rows, *more):
        heard.extend(records(one, overheard.HEARD) for one in rows)
        return registry.went_on(registered, rows, *more)

    monkeypatch.setattr(settled, "went_on", went_on)
    run(begun(ON), sky([WEST, EAST], 40.0).batches, 40.0, ON)
    rows = np.concatenate(heard)
    for kind in (Kind.POSITION, Kind.POLAR):
        mine = rows["kind"] == kind
        assert mine.sum() > 20
        _, count = np.unique(rows["time"][mine] // settled.QUANTUM, return_counts=True)
        assert count.max() == 2
