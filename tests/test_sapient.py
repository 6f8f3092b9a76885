"""A fusion node's side of the conversation, message by message; the wire is in test_sapient_wire.py."""

from typing import Any

import numpy as np
import pytest
from sapient_nodes import CAMERA, RADAR, START, fliers, heard, introduced, node, read, real, rng, said

from skywarden import geo
from skywarden.model.detection import ErrorMeaning, Frame, Kind, Reason
from skywarden.model.place import Sensor
from skywarden.model.track import Mode
from skywarden.sensors.sapient import memory
from skywarden.sensors.sapient.answers import own_id
from skywarden.sensors.sapient.message import HEADER, LONGEST, pack, parse
from skywarden.sensors.sapient.proto import (
    Registration,
    SapientMessage,
    TaskAck,
    location_pb2,
    range_bearing_pb2,
)
from skywarden.sensors.sapient.rules import faults
from skywarden.sim.nodes import bearing, located, registration, status, ulid
from skywarden.sim.raid import Flier

OTHER = "5d0c7f1e-9a4b-4c1d-8e2f-7a6b5c4d3e2f"
PLACE = np.array([29.53, -45.72, 600.0])  # deg, deg, m


def identity(seed: int) -> tuple[str, str]:
    return ulid(START, rng(seed)), ulid(START, rng(seed + 1000))


def plot(seed: int = 1, time: int = START, **location: Any) -> bytes:
    return changed(located(RADAR, time, identity(seed), PLACE, Flier.UAV), "detection_report.location", **location)


def ray(seed: int = 1, **values: Any) -> bytes:
    return changed(bearing(CAMERA, START, identity(seed), 30.0, 5.0), "detection_report.range_bearing", **values)


def changed(data: bytes, way: str, **values: Any) -> bytes:
    message = parse(data[HEADER:])
    assert message is not None
    target: Any = message
    for step in way.split(".") if way else ():
        target = getattr(target, step)
    for name, value in values.items():
        if value is None:
            target.ClearField(name)
        else:
            setattr(target, name, value)
    return pack(message)


def test_a_node_registers_and_is_acknowledged() -> None:
    decoder = node()
    found = heard(decoder, real(registration(RADAR, START)))
    (reply,) = found.replies
    answer = read(reply)
    assert reply.peer == 7
    assert answer.registration_ack.acceptance
    assert answer.destination_id == RADAR.node_id
    assert answer.node_id == own_id("nodes")
    assert faults(answer) == []
    assert found.messages == 1
    assert found.nodes is not None
    assert [(n.id, n.kind, n.connected) for n in found.nodes] == [(RADAR.node_id, "radar", True)]


def test_answers_are_the_same_in_a_replay() -> None:
    data = said(RADAR)
    assert heard(node(), data).replies == heard(node(), data).replies


def test_an_invalid_registration_is_refused_with_its_faults() -> None:
    broken = changed(registration(RADAR, START), "registration", icd_version="BSI Flex 335 v1.0")
    found = heard(node(), broken)
    answer = read(found.replies[0]).registration_ack
    assert not answer.acceptance
    assert list(answer.ack_response_reason) == ['registration.icdVersion: must be "BSI Flex 335 v2.0"']
    assert found.refused == {Reason.MALFORMED: 1}


def test_places_become_positions_with_their_errors() -> None:
    decoder = node()
    introduced(decoder, RADAR)
    (batch,) = heard(decoder, plot()).batches
    assert batch.kind is Kind.POSITION
    assert batch.sensor == "nodes FEN1"
    assert batch.error_meaning is ErrorMeaning.SIGMA
    assert batch.time.tolist() == [START]
    latitude, longitude, height = geo.geodetic(batch.z[0])
    assert np.degrees([latitude, longitude]) == pytest.approx(PLACE[:2], abs=1e-9)
    assert height == pytest.approx(600.0, abs=1e-3)
    turn = geo.east_north_up(latitude, longitude)
    assert np.sqrt(np.diag(turn @ batch.covariance[0] @ turn.T)) == pytest.approx([25.0, 25.0, 40.0])
    assert {claim.name: claim.value for claim in batch.claims} == {"class": "Air Vehicle/UAV Fixed Wing 0.7"}


def test_all_forms_of_one_place_are_one_place() -> None:
    decoder = node()
    introduced(decoder, RADAR)
    radians = np.radians(PLACE)
    geoid = float(geo.geoid_height(radians[0], radians[1]))
    forms: list[dict[str, Any]] = [
        {},
        {
            "x": radians[1],
            "y": radians[0],
            "x_error": None,
            "coordinate_system": location_pb2.LOCATION_COORDINATE_SYSTEM_LAT_LNG_RAD_M,
        },
        {"z": 600.0 - geoid, "datum": location_pb2.LOCATION_DATUM_WGS84_G},
        {
            "x": 430231.83,  # by PROJ 9, to the centimetre
            "y": 3266923.47,
            "utm_zone": "23R",
            "coordinate_system": location_pb2.LOCATION_COORDINATE_SYSTEM_UTM_M,
        },
    ]
    data = b"".join(plot(k, **form) for k, form in enumerate(forms))
    points = np.vstack([batch.z for batch in heard(decoder, data).batches])
    assert len(points) == 4
    assert np.linalg.norm(points - points[0], axis=1).max() < 0.02


@pytest.mark.parametrize("error, metres", [(0.001, 111.3), (25.0, 25.0)])
def test_the_error_of_a_latitude_may_be_in_degrees_or_metres(error: float, metres: float) -> None:
    decoder = node()
    introduced(decoder, RADAR)
    (batch,) = heard(decoder, plot(x_error=None, y_error=error)).batches
    turn = geo.east_north_up(*np.radians(PLACE[:2]))
    east, north, _ = np.sqrt(np.diag(turn @ batch.covariance[0] @ turn.T))
    assert north == pytest.approx(metres, rel=1e-3)
    assert east == pytest.approx(100.0)  # nothing was said: assumed


def test_a_place_without_height_is_somewhere_between_drones_and_airliners() -> None:
    decoder = node()
    introduced(decoder, RADAR)
    (batch,) = heard(decoder, plot(z=None, z_error=None)).batches
    turn = geo.east_north_up(*np.radians(PLACE[:2]))
    assert geo.geodetic(batch.z[0])[2] == pytest.approx(4000.0)
    assert np.sqrt((turn @ batch.covariance[0] @ turn.T)[2, 2]) == pytest.approx(4000.0)


@pytest.mark.parametrize(
    "location", [{"y": 91.0}, {"x": 181.0}, {"coordinate_system": 5}, {"coordinate_system": 5, "utm_zone": "61N"}]
)
def test_a_place_that_cannot_be_is_implausible(location: dict[str, Any]) -> None:
    decoder = node()
    introduced(decoder, RADAR)
    found = heard(decoder, plot(**location))
    assert found.batches == ()
    assert found.refused == {Reason.IMPLAUSIBLE: 1}


def test_a_bearing_disguised_as_half_of_the_reach_is_a_bearing() -> None:
    decoder = node()
    introduced(decoder, CAMERA)
    (batch,) = heard(decoder, ray()).batches
    assert batch.kind is Kind.DIRECTION
    assert np.degrees(batch.z[0]) == pytest.approx([30.0, 5.0])
    assert np.degrees(np.sqrt(np.diag(batch.covariance[0]))) == pytest.approx([0.2, 0.2])
    assert batch.place is not None
    where = np.degrees([CAMERA.latitude, CAMERA.longitude]) * np.pi / 180
    assert batch.place.position == pytest.approx(geo.ecef(*np.radians(where), CAMERA.height_m), abs=1e-3)


def test_a_range_of_its_own_stays_and_a_missing_one_is_none() -> None:
    decoder = node()
    introduced(decoder, CAMERA)
    kilometres = range_bearing_pb2.RANGE_BEARING_COORDINATE_SYSTEM_DEGREES_KM
    near = ray(1, range=4.0, range_error=0.05, coordinate_system=kilometres)
    blind = ray(2, range=None, range_error=None, elevation=None)
    polar, direction = heard(decoder, near + blind).batches
    assert polar.kind is Kind.POLAR
    assert polar.z[0, 0] == 4000.0
    assert polar.covariance[0, 0, 0] == pytest.approx(50.0**2)
    assert np.isnan(polar.z[0, 3])
    assert direction.kind is Kind.DIRECTION
    assert np.isnan(direction.z[0, 1])


def test_sound_comes_from_where_something_was() -> None:
    decoder = node()
    heard(decoder, changed(real(registration(CAMERA, START)), "") + status(CAMERA, START, rng()))
    decoder.state.find(7, CAMERA.node_id).types = [Registration.NODE_TYPE_ACOUSTIC]  # type: ignore[union-attr]
    (batch,) = heard(decoder, ray()).batches
    assert batch.kind is Kind.SOUND


@pytest.mark.parametrize(
    "datum, north",
    [
        (range_bearing_pb2.RANGE_BEARING_DATUM_TRUE, 0.0),
        (range_bearing_pb2.RANGE_BEARING_DATUM_MAGNETIC, None),
        (range_bearing_pb2.RANGE_BEARING_DATUM_GRID, None),
    ],
)
def test_north_is_what_the_node_declares(datum: int, north: float | None) -> None:
    decoder = node()
    introduced(decoder, CAMERA)
    (batch,) = heard(decoder, ray(datum=datum)).batches
    latitude, longitude = np.radians([CAMERA.latitude, CAMERA.longitude])
    if datum == range_bearing_pb2.RANGE_BEARING_DATUM_MAGNETIC:
        north = float(geo.declination(latitude, longitude, CAMERA.height_m, 2026.7))
    elif north is None:
        north = float(np.arctan(np.sin(latitude) * np.tan(longitude - np.radians(-45.0))))
    assert batch.place is not None
    wanted = geo.place(latitude, longitude, CAMERA.height_m, north).rotation
    assert np.abs(batch.place.rotation - wanted).max() < 1e-4
    assert north == 0.0 or abs(north) > 1e-3


def test_a_bearing_from_the_heading_of_a_platform_has_no_reference() -> None:
    decoder = node()
    introduced(decoder, CAMERA)
    found = heard(decoder, ray(datum=range_bearing_pb2.RANGE_BEARING_DATUM_PLATFORM))
    assert (found.batches, found.refused) == ((), {Reason.NO_REFERENCE: 1})


def test_objects_of_one_look_exclude_each_other_and_the_next_look_is_another() -> None:
    decoder = node()
    introduced(decoder, RADAR)
    (batch,) = heard(decoder, plot(1) + plot(2) + plot(3, START + 10**9) + plot(4, START + 10**9)).batches
    assert batch.scan.tolist() == [0, 0, 1, 1]
    again = changed(plot(1), "detection_report", report_id=ulid(START, rng(99)))
    (batch,) = heard(node_with_radar(), plot(1) + again).batches
    assert batch.scan.tolist() == [0, 1]


def node_with_radar() -> Any:
    decoder = node()
    introduced(decoder, RADAR)
    return decoder


def test_another_fusion_nodes_objects_are_tracks_and_never_plots() -> None:
    decoder = node_with_radar()
    decoder.state.find(7, RADAR.node_id).types = [Registration.NODE_TYPE_FUSION_NODE]
    (batch,) = heard(decoder, plot()).batches
    assert batch.kind is Kind.TRACK


def test_an_enrolled_node_has_its_own_name_and_place() -> None:
    enrolled = Sensor(name="mast 4", source="nodes", node_id=CAMERA.node_id.upper(), latitude=29.4, longitude=-45.6)
    decoder = node(Mode.LIVE, enrolled)
    introduced(decoder, CAMERA)
    (batch,) = heard(decoder, ray()).batches
    assert batch.sensor == "mast 4"
    assert batch.place is not None
    assert batch.place.position == pytest.approx(geo.ecef(*np.radians([29.4, -45.6]), 0.0), abs=1e-3)


def test_a_fixed_node_does_not_move() -> None:
    decoder = node_with_radar()
    before = decoder.state.find(7, RADAR.node_id).place
    moved = changed(status(RADAR, START, rng(5)), "status_report.node_location", y=RADAR.latitude + 0.01)
    assert heard(decoder, moved).refused == {Reason.IMPLAUSIBLE: 1}
    assert decoder.state.find(7, RADAR.node_id).place == before


def test_who_sends_before_registering_is_told_so() -> None:
    found = heard(node(), plot())
    assert found.batches == ()
    assert found.refused == {Reason.NOT_REGISTERED: 1}
    answer = read(found.replies[0])
    assert list(answer.error.error_message) == ["nodeId: not registered on this connection"]
    assert answer.error.packet
    assert faults(answer) == []


def test_who_claims_to_be_another_is_refused() -> None:
    decoder = node_with_radar()
    found = heard(decoder, changed(plot(), "", node_id=OTHER))
    assert (found.batches, found.refused) == ((), {Reason.NOT_REGISTERED: 1})


def test_a_second_connection_with_a_known_node_id_silences_nobody() -> None:
    decoder = node_with_radar()
    introduced(decoder, RADAR, peer=8)
    names = [heard(decoder, plot(k), peer).batches[0].sensor for k, peer in enumerate((7, 8, 7))]
    assert names == ["nodes FEN1", "nodes FEN1 (2)", "nodes FEN1"]
    nodes = decoder.state.nodes()
    assert [(n.id, n.connected) for n in nodes] == [(RADAR.node_id, True)] * 2


def test_a_second_connection_does_not_move_the_first() -> None:
    decoder = node_with_radar()
    before = decoder.state.find(7, RADAR.node_id).place
    elsewhere = changed(status(RADAR, START, rng(5)), "status_report.node_location", y=RADAR.latitude + 1.0)
    heard(decoder, real(registration(RADAR, START)) + elsewhere, peer=8)
    assert decoder.state.find(7, RADAR.node_id).place == before
    assert decoder.state.find(8, RADAR.node_id).place != before


def test_a_node_that_registers_twice_goes_on() -> None:
    decoder = node_with_radar()
    found = heard(decoder, real(registration(RADAR, START)) + plot())
    assert read(found.replies[0]).registration_ack.acceptance
    assert len(found.batches) == 1
    assert len(decoder.state.nodes()) == 1


def test_the_end_of_a_connection_ends_its_registration() -> None:
    decoder = node_with_radar()
    found = decoder.decode(Frame.of("nodes", START, peer=7))
    assert [(n.state, n.connected) for n in found.nodes or ()] == [("gone", False)]
    assert heard(decoder, plot()).refused == {Reason.NOT_REGISTERED: 1}
    for peer in range(8, 108):  # reconnects
        introduced(decoder, RADAR, peer)
        decoder.decode(Frame.of("nodes", START, peer=peer))
    assert len(decoder.state.nodes()) == 1


def test_goodbye_is_shown_as_such() -> None:
    decoder = node_with_radar()
    found = heard(decoder, status(RADAR, START, rng(3), goodbye=True))
    assert [n.state for n in found.nodes or ()] == ["goodbye"]
    found = decoder.decode(Frame.of("nodes", START, peer=7))
    assert [(n.state, n.connected) for n in found.nodes or ()] == [("goodbye", False)]


def test_a_report_that_comes_twice_counts_once() -> None:
    found = heard(node_with_radar(), plot() + plot())
    assert len(found.batches[0]) == 1
    assert found.refused == {Reason.DUPLICATE: 1}


def test_tasks_and_alerts_are_answered_with_not_supported() -> None:
    decoder = node_with_radar()
    task, alert = SapientMessage(), SapientMessage()
    for message in (task, alert):
        message.CopyFrom(parse(plot()[HEADER:]))
    task.task.task_id, task.task.control = ulid(START, rng(4)), 1
    alert.alert.alert_id = ulid(START, rng(6))
    found = heard(decoder, pack(task) + pack(alert))
    first, second = (read(reply) for reply in found.replies)
    assert first.task_ack.task_id == task.task.task_id
    assert first.task_ack.task_status == TaskAck.TASK_STATUS_REJECTED
    assert list(first.task_ack.reason) == list(second.alert_ack.reason) == ["not supported"]
    assert second.alert_ack.alert_id == alert.alert.alert_id
    assert faults(first) == faults(second) == []
    assert found.messages == 2


def test_a_message_for_another_node_is_not_ours() -> None:
    found = heard(node_with_radar(), changed(plot(), "", destination_id=OTHER))
    assert (found.batches, found.refused) == ((), {Reason.MISDIRECTED: 1})
    ours = heard(node_with_radar(), changed(plot(), "", destination_id=own_id("nodes").upper()))
    assert len(ours.batches) == 1


def test_nothing_simulated_enters_a_live_picture() -> None:
    for mode, reason in ((Mode.LIVE, {Reason.SIMULATED: 1}), (Mode.SIM, {})):
        decoder = node(mode)
        heard(decoder, registration(RADAR, START) + status(RADAR, START, rng()))
        assert heard(decoder, plot()).refused == reason
    marked = changed(plot(), "detection_report", state="Exercise")
    assert heard(node_with_radar(), marked).refused == {Reason.SIMULATED: 1}


@pytest.mark.parametrize("length", [LONGEST + 1, 2**32 - 1])
def test_after_a_length_that_cannot_be_the_connection_is_closed(length: int) -> None:
    found = node().decode(Frame.of("nodes", START, length.to_bytes(4, "little") + b"rest", peer=7))
    assert found.refused == {Reason.OVERSIZE: 1}
    assert [reply.close for reply in found.replies] == [True]


def test_an_empty_message_is_malformed_and_the_next_one_is_read() -> None:
    found = heard(node_with_radar(), bytes(4) + plot())
    assert found.refused == {Reason.MALFORMED: 1}
    assert len(found.batches) == 1


def test_half_a_message_is_truncated() -> None:
    found = node().decode(Frame.of("nodes", START, plot()[:-5], peer=7))
    assert found.refused == {Reason.TRUNCATED: 1}


def test_many_faults_in_one_frame_are_counted_and_some_are_answered() -> None:
    found = heard(node(), b"".join(plot(k) for k in range(50)))
    assert found.refused == {Reason.NOT_REGISTERED: 50}
    assert len(found.replies) == 16


def test_there_may_be_so_many_nodes_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "SESSIONS", 3)
    decoder = node()
    for k in range(3):
        introduced(decoder, RADAR, peer=10 + k)
    found = heard(decoder, real(registration(RADAR, START)), peer=99)
    assert found.refused == {Reason.QUOTA: 1}
    assert not read(found.replies[0]).registration_ack.acceptance
    decoder.decode(Frame.of("nodes", START, peer=11))
    assert read(heard(decoder, real(registration(RADAR, START)), peer=99).replies[0]).registration_ack.acceptance


def test_two_nodes_of_one_name_are_two_sensors() -> None:
    decoder = node_with_radar()
    other = changed(real(registration(RADAR, START)), "", node_id=OTHER)
    heard(decoder, other)
    assert [n.name for n in decoder.state.nodes()] == ["nodes FEN1", f"nodes FEN1 {OTHER[:8]}"]


def test_a_restart_forgets_connections_and_keeps_nodes() -> None:
    decoder = node_with_radar()
    decoder.hang_up()
    assert [(n.state, n.connected) for n in decoder.state.nodes()] == [("gone", False)]
    assert heard(decoder, plot()).refused == {Reason.NOT_REGISTERED: 1}


def test_what_simulated_nodes_report_is_where_the_fliers_are() -> None:
    decoder, flown = node(), fliers(10.0)
    batches = [b for post in (RADAR, CAMERA) for b in heard(decoder, said(post), 7).batches]
    assert {batch.kind for batch in batches} == {Kind.POSITION, Kind.DIRECTION}
    for batch in batches:
        for time, z, covariance in zip(batch.time, batch.z, batch.covariance, strict=True):
            truth = flown.ecef(np.arange(3), np.full(3, (time - START) / 1e9))
            if batch.kind is Kind.DIRECTION:
                assert batch.place is not None
                east, north, up = ((truth - batch.place.position) @ batch.place.rotation.T).T
                truth = np.column_stack([np.arctan2(east, north) % (2 * np.pi), np.arctan2(up, np.hypot(east, north))])
            off = truth - z
            chi2 = np.einsum("ni,ij,nj->n", off, np.linalg.inv(covariance), off).min()
            assert chi2 < 30
