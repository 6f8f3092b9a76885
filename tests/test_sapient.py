"""A fusion node's side of the conversation, message by message; the wire is in test_sapient_wire.py."""

import numpy as np
import pytest
from sapient_nodes import (
    CAMERA,
    OTHER,
    RADAR,
    START,
    changed,
    heard,
    introduced,
    node,
    node_with_radar,
    plot,
    ray,
    read,
    real,
    rng,
)

from skywarden import geo
from skywarden.model.detection import Frame, Reason
from skywarden.model.place import Sensor
from skywarden.model.track import Mode
from skywarden.sensors.sapient import memory
from skywarden.sensors.sapient.answers import own_id
from skywarden.sensors.sapient.message import HEADER, LONGEST, pack, parse
from skywarden.sensors.sapient.proto import (
    SapientMessage,
    TaskAck,
)
from skywarden.sensors.sapient.rules import faults
from skywarden.sim.nodes import registration, status, ulid


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


def test_an_invalid_registration_is_refused_with_its_faults() -> None:
    broken = changed(registration(RADAR, START), "registration", icd_version="BSI Flex 335 v1.0")
    found = heard(node(), broken)
    answer = read(found.replies[0]).registration_ack
    assert not answer.acceptance
    assert list(answer.ack_response_reason) == ['registration.icdVersion: must be "BSI Flex 335 v2.0"']
    assert found.refused == {Reason.MALFORMED: 1}


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


def test_a_node_that_says_it_is_not_real_is_shown_so_where_it_is_of_no_use() -> None:
    for mode, state in ((Mode.LIVE, "simulated"), (Mode.SIM, "ok")):
        decoder = node(mode)
        found = heard(decoder, registration(RADAR, START) + status(RADAR, START, rng()))
        assert found.nodes is not None
        assert [n.state for n in found.nodes] == [state]


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
    assert [n.name for n in decoder.state.nodes()] == ["nodes FEN1", "nodes FEN1 #2"]


def test_a_restart_forgets_connections_and_keeps_nodes() -> None:
    decoder = node_with_radar()
    decoder.hang_up()
    assert [(n.state, n.connected) for n in decoder.state.nodes()] == [("gone", False)]
    assert heard(decoder, plot()).refused == {Reason.NOT_REGISTERED: 1}
