"""What somebody who can reach the port, or a broken node, must not be able to do."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from sapient_nodes import (
    OTHER,
    RADAR,
    START,
    changed,
    heard,
    introduced,
    node,
    node_with_radar,
    plot,
    read,
    real,
    rng,
)

from skywarden.errors import ConfigError
from skywarden.model.detection import Frame, Reason
from skywarden.model.event import Answered, Arrived, Started, Stepped, Tick
from skywarden.model.place import Source
from skywarden.model.track import Mode
from skywarden.pipeline import Line
from skywarden.sensors.sapient import memory
from skywarden.sensors.sapient.answers import LISTED
from skywarden.sensors.sapient.message import HEADER, pack, parse, split
from skywarden.sensors.sapient.proto import Registration
from skywarden.sensors.sapient.rules import LISTED_MOST, faults
from skywarden.service.clock import HostClock
from skywarden.service.sources import Inbox
from skywarden.sim.nodes import registration, status

SECOND = 1_000_000_000


def names(decoder: Any) -> list[str]:
    return sorted(n.name for n in decoder.state.nodes())


def ended(decoder: Any, peer: int) -> None:
    decoder.decode(Frame.of("nodes", START, peer=peer))


def another(k: int) -> bytes:
    """Return the registration of another node."""
    return changed(real(registration(RADAR, START)), "", node_id=f"00000000-0000-4000-8000-{k:012d}")


def test_an_impostor_never_gets_the_name_of_the_first() -> None:
    decoder = node_with_radar()
    introduced(decoder, RADAR, peer=8)  # somebody else with the same id
    ended(decoder, 7)
    assert heard(decoder, plot(1), 8).batches[0].sensor == "nodes FEN1 (2)"
    introduced(decoder, RADAR, peer=9)  # the first one is back
    assert heard(decoder, plot(2), 9).batches[0].sensor == "nodes FEN1"
    assert heard(decoder, plot(3), 8).batches[0].sensor == "nodes FEN1 (2)"


def test_a_node_that_registers_again_in_the_middle_of_a_tick_loses_nothing() -> None:
    decoder = node_with_radar()
    found = heard(decoder, plot(1) + real(registration(RADAR, START)) + plot(2))
    assert sum(map(len, found.batches)) == 2
    assert found.refused == {}
    assert read(found.replies[0]).registration_ack.acceptance


def test_a_tick_ends_whatever_one_connection_sends() -> None:
    decoder = node_with_radar()
    flood = Frame.of("nodes", START, *[bytes(4)] * 50_000, peer=8)
    found = decoder.decode(flood)
    assert found.refused == {Reason.MALFORMED: memory.AT_ONCE, Reason.QUOTA: 50_000 - memory.AT_ONCE}
    for peer in range(9, 20):
        decoder.decode(Frame.of("nodes", START, *[bytes(4)] * 5000, peer=peer))
    assert decoder.state.used == memory.IN_ALL
    later = START + memory.PERIOD
    assert len(heard(decoder, plot(1), 7, later).batches) == 1


def test_very_many_faults_are_not_looked_for() -> None:
    message = parse(real(registration(RADAR, START))[HEADER:])
    assert message is not None
    for _ in range(30_000):
        message.registration.mode_definition.add()
    assert LISTED_MOST <= len(faults(message)) <= LISTED_MOST
    answer = read(heard(node(), pack(message)).replies[0]).registration_ack
    assert len(answer.ack_response_reason) == LISTED


def nested(depth: int) -> bytes:
    """Return a report whose classes lie within classes, each with faults."""
    message = parse(plot()[HEADER:])
    assert message is not None
    inside: Any = message.detection_report.classification[0]
    for _ in range(depth):
        inside = inside.sub_class.add(confidence=2.0)
    return pack(message)


def test_an_answer_is_short_however_deep_the_faults_are() -> None:
    (answer,) = heard(node_with_radar(), nested(90)).replies
    words = read(answer).error.error_message
    assert len(words) == LISTED + 1
    assert words[19].startswith("...")
    assert words[19].endswith("subClass[0].subClass[0].confidence: must be 0 to 1")
    assert len(answer.data) < 8_000


def test_one_connection_cannot_take_the_places_of_all() -> None:
    decoder = node()
    for k in range(memory.SESSIONS):
        heard(decoder, another(k), peer=7)
    assert len(decoder.state.sessions) == memory.ON_ONE
    assert read(heard(decoder, real(registration(RADAR, START)), peer=8).replies[0]).registration_ack.acceptance


def test_names_do_not_grow_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "NAMES", 4)
    decoder = node()
    for k in range(20):
        heard(decoder, another(k), peer=k)
        ended(decoder, k)
    assert len(decoder.state.names) == 4
    heard(decoder, changed(another(0), "registration", short_name="new"), peer=99)
    assert "nodes FEN1" in names(decoder)
    assert not any("new" in name for name in names(decoder))


def test_long_texts_of_a_node_are_cut() -> None:
    decoder = node()
    long = changed(real(registration(RADAR, START)), "registration", short_name="x" * 100_000)
    heard(decoder, long + changed(status(RADAR, START, rng()), "status_report", mode="m" * 100_000))
    (row,) = decoder.state.nodes()
    assert len(row.name) < 100
    assert len(row.mode) == memory.TEXT


def test_answers_of_all_kinds_are_limited() -> None:
    decoder = node_with_radar()
    alert = parse(plot()[HEADER:])
    assert alert is not None
    alert.alert.alert_id = "01GGYFBAXGDG7AGAHRZ6XSNY12"
    assert len(heard(decoder, pack(alert) * 500).replies) == 16


def test_an_id_is_the_same_in_upper_and_lower_case() -> None:
    found = heard(node_with_radar(), changed(plot(), "", node_id=RADAR.node_id.upper()))
    assert len(found.batches) == 1


@pytest.mark.parametrize("seconds", [2**62, 10**10, -1])
def test_a_time_that_does_not_fit_is_a_fault_of_that_message_alone(seconds: int) -> None:
    message = parse(plot(1)[HEADER:])
    assert message is not None
    message.timestamp.seconds = seconds
    found = heard(node_with_radar(), pack(message) + plot(2))
    assert found.refused == {Reason.MALFORMED: 1}
    assert len(found.batches) == 1
    rows = list(node().rows(Frame.of("nodes", START, pack(message))))
    assert rows[0]["error"] == "malformed"


def test_a_fusion_nodes_bearing_is_no_plot() -> None:
    decoder = node_with_radar()
    decoder.state.find(7, RADAR.node_id).types = [Registration.NODE_TYPE_FUSION_NODE]
    near = changed(plot(), "detection_report")
    message = parse(near[HEADER:])
    assert message is not None
    at = message.detection_report.range_bearing
    at.azimuth, at.range, at.coordinate_system, at.datum = 10.0, 500.0, 1, 1
    found = heard(decoder, pack(message))
    assert (found.batches, found.refused) == ((), {Reason.UNSUPPORTED: 1})


def at_latitude(degrees: float, seed: int) -> bytes:
    return changed(status(RADAR, START, rng(seed)), "status_report.node_location", y=degrees)


def test_a_fixed_node_cannot_be_walked_away_in_small_steps() -> None:
    decoder = node_with_radar()
    for k in range(1, 20):
        heard(decoder, at_latitude(RADAR.latitude + k * 8e-4 * (-1) ** k, k))  # 89 m, never twice the same place
    place = decoder.state.find(7, RADAR.node_id).place
    assert abs(np.degrees(place.latitude) - RADAR.latitude) < 1e-3


def test_a_first_place_that_was_wrong_is_left_after_three_that_agree() -> None:
    decoder = node()
    heard(decoder, real(registration(RADAR, START)) + at_latitude(0.0, 1))
    assert heard(decoder, at_latitude(RADAR.latitude, 2)).refused == {Reason.IMPLAUSIBLE: 1}
    heard(decoder, at_latitude(RADAR.latitude, 3) + at_latitude(RADAR.latitude, 4))
    place = decoder.state.find(7, RADAR.node_id).place
    assert np.degrees(place.latitude) == pytest.approx(RADAR.latitude)


def test_nodes_cannot_be_listened_to_over_udp() -> None:
    with pytest.raises(ConfigError, match="tcp"):
        Inbox([Source(name="n", format="sapient", listen="udp://127.0.0.1:0")], HostClock())


SETTINGS = '[run]\nmode = "sim"\n[[sources]]\nname = "nodes"\nformat = "sapient"\nlisten = "tcp://127.0.0.1:1"\n'


def said(second: int) -> list[Arrived]:
    """Two connections of one node, a duplicate, an end, a return."""
    time = START + second * SECOND

    def arrived(peer: int, data: bytes) -> Arrived:
        cuts = np.cumsum([0, *split(data)]).tolist()
        return Arrived(Frame.of("nodes", time, *[data[a:b] for a, b in pairwise(cuts)], peer=peer))

    join = registration(RADAR, time) + status(RADAR, time, rng(second))
    each = {
        0: [arrived(1, join)],
        1: [arrived(1, plot(1, time)), arrived(2, join + plot(2, time))],
        2: [arrived(1, plot(1, time)), Arrived(Frame.of("nodes", time, peer=1))],
        3: [arrived(3, join + plot(3, time)), arrived(2, changed(plot(4, time), "", node_id=OTHER))],
    }
    return each.get(second, [arrived(3, plot(second + 10, time))])


def test_a_line_that_was_saved_between_two_messages_goes_on_with_equal_bytes() -> None:
    steady, seq = Line(), 1
    steady.feed(seq, Started(START, Mode.SIM, SETTINGS, ""))
    restored = Line.restore(steady.save())
    heard_of = []
    for second in range(7):
        for event in [*said(second), Tick(START + second * SECOND + 1)]:
            seq += 1
            one, other = steady.feed(seq, event), restored.feed(seq, event)
            assert one == other
            heard_of += [c.event for c in one if isinstance(c.event, Answered | Stepped)]
            restored = Line.restore(restored.save())
            assert restored.save() == steady.save()
    assert sum(isinstance(e, Answered) for e in heard_of) == 4
    assert steady.picture is not None
    assert [n.name for n in steady.picture.health[0].nodes] == ["nodes FEN1 (2)", "nodes FEN1"]
