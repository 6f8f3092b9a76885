"""Many microphone nodes: their places, copies of messages, memory, and the line behind the decoder."""

from math import radians

import msgspec
import numpy as np
import pytest
from listening import AT, SECOND, SOURCE, alive, framed, heard, nodes, of, one, refused

from skywarden import geo
from skywarden.model.detection import Frame, Kind, Reason, detections
from skywarden.model.event import Arrived, Started, Tick
from skywarden.model.place import HeightReference, Sensor
from skywarden.model.track import Mode
from skywarden.pipeline import Line, step
from skywarden.sensors import Reader, take
from skywarden.sensors.microphone import memory
from skywarden.sensors.microphone.encode import Flags, encode, heartbeat
from skywarden.sensors.microphone.memory import Memory

PLACE = radians(36.30), radians(-33.10)


def test_a_simulated_or_test_message_never_enters_a_live_picture() -> None:
    both = [one(flags=np.array([int(flag)])) for flag in (Flags.SIMULATED, Flags.TEST)]
    beat = heartbeat(alive(1)._replace(flags=np.array([int(Flags.SIMULATED)])))[0].tobytes()
    assert refused(*both, beat) == {Reason.SIMULATED: 3}
    assert Reason.SIMULATED not in refused(*both, beat, live=False)
    decoder = nodes()
    decoder.decode(Frame.of("ears", AT, *both))
    assert len(decoder.state.nodes()) == 0  # and enrols nothing


def test_the_same_message_twice_is_counted_once() -> None:
    decoder, rows = nodes(), encode(heard(3))
    assert decoder.decode(framed(rows, rows[1:])).refused == {Reason.DUPLICATE: 2}
    later = decoder.decode(framed(rows, received=AT + 3 * SECOND))
    assert (later.messages, dict(later.refused), later.batches) == (0, {Reason.DUPLICATE: 3}, ())


def test_numbers_that_begin_again_after_a_new_start_are_not_copies() -> None:
    decoder = nodes()
    for second in range(40):
        said = heard(2, second)._replace(number=np.full(2, second % 5))
        assert decoder.decode(framed(encode(said))).messages == 2


def test_a_node_that_says_it_is_elsewhere_stays_enrolled_where_it_was() -> None:
    decoder = nodes()
    decoder.decode(framed(encode(heard(2))))
    spoofed = heard(2, 1)._replace(latitude=np.array([36.30 + 0.0008, 36.309 + 0.02]))  # 89 m, 2.2 km
    decoded = decoder.decode(framed(encode(spoofed)))
    assert (decoded.messages, dict(decoded.refused)) == (2, {Reason.MOVED: 1})
    origin = of(Kind.PRESENCE, decoded).origin
    assert origin is not None
    assert origin == pytest.approx(geo.ecef(np.radians([36.30, 36.309]), radians(-33.10), np.array([10.0, 11.0])))


def test_a_configured_place_goes_before_what_the_node_says() -> None:
    block = Sensor(name="n2", source="ears", node=2, latitude=36.5, longitude=-33.10, height_m=5.0)
    block = msgspec.structs.replace(block, height_reference=HeightReference.GEOID)
    decoded = nodes(sensors=(block,)).decode(framed(encode(heard(3))))
    assert dict(decoded.refused) == {Reason.MOVED: 1}
    origin = of(Kind.PRESENCE, decoded).origin
    assert origin is not None
    at = radians(36.5), radians(-33.10)
    assert origin[1] == pytest.approx(geo.ecef(*at, 5.0 + float(geo.geoid_height(*at))), abs=0.01)
    assert origin[0] == pytest.approx(geo.ecef(*PLACE, 10.0), abs=0.01)


def test_a_node_unsure_of_its_place_waits_until_it_is_known() -> None:
    decoder, unsure = nodes(), np.array([int(Flags.PLACE)])
    first = decoder.decode(framed(encode(heard(1)._replace(flags=unsure))))
    assert (first.messages, dict(first.refused)) == (0, {Reason.SITE_UNKNOWN: 1})
    decoder.decode(framed(encode(heard(1, 1))))
    drifting = heard(1, 2)._replace(flags=unsure, latitude=np.array([36.4]))
    third = decoder.decode(framed(encode(drifting)))
    assert (third.messages, dict(third.refused)) == (1, {})
    origin = of(Kind.PRESENCE, third).origin
    assert origin is not None
    assert origin[0] == pytest.approx(geo.ecef(*PLACE, 10.0), abs=0.01)


def test_a_clock_that_is_not_synchronised_and_a_clipped_level_widen_the_errors() -> None:
    flags = np.array([0, int(Flags.CLOCK), int(Flags.CLIPPED)])
    presence = of(Kind.PRESENCE, nodes().decode(framed(encode(heard(3)._replace(flags=flags)))))
    assert presence.time_sigma[1] > 10 * presence.time_sigma[0] == 10 * presence.time_sigma[2]
    assert presence.covariance[2, 0, 0] > presence.covariance[0, 0, 0]


def test_there_is_a_limit_to_the_nodes_that_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MOST", 5)
    block = Sensor(name="n99", source="ears", node=99, latitude=36.3, longitude=-33.10)
    decoder = nodes(sensors=(block,))
    assert decoder.decode(framed(encode(heard(8)))).refused == {Reason.QUOTA: 3}
    assert decoder.decode(framed(encode(heard(1, 1, first=99)))).messages == 1  # a configured one has its place
    day = AT + 86_500 * SECOND
    assert decoder.decode(framed(encode(heard(4, 86_500, first=20)), received=day)).messages == 4
    assert decoder.state.nodes()["node"].tolist() == [20, 21, 22, 23, 99]


def test_memory_is_some_hundred_bytes_a_node_and_survives_a_restart() -> None:
    decoder, m = nodes(), 15_000
    said = heard(m)._replace(latitude=np.linspace(36.0, 37.0, m), level_db=np.full(m, 50.0), height_m=np.full(m, 9.0))
    assert decoder.decode(framed(encode(said))).messages == m
    saved = msgspec.msgpack.encode(decoder.state)
    assert len(saved) < 130 * m
    again = nodes()
    again.state = msgspec.msgpack.decode(saved, type=Memory)
    assert again.decode(framed(encode(said))).refused == {Reason.DUPLICATE: m}


def test_rows_left_over_keep_their_node_and_origin() -> None:
    decoded = nodes().decode(framed(encode(heard(4)._replace(time=np.array([AT, 0, AT, AT])))))
    reader = Reader((SOURCE,), (), Mode.LIVE)
    found = reader.read(framed(encode(heard(4)._replace(time=np.array([AT, 0, AT, AT])))))
    assert found.refused == {Reason.PAST: 1}
    whole, kept = of(Kind.PRESENCE, decoded), of(Kind.PRESENCE, found)
    assert kept.node is not None
    assert kept.node.tolist() == [1, 3, 4]
    assert whole.origin is not None
    assert np.array_equal(kept.origin, whole.origin[[0, 2, 3]])
    assert kept.evidence is not None
    assert len(kept.evidence) == 3
    again = take(whole, np.array([False, True, False, False]))
    assert again.node is not None
    assert again.node.tolist() == [2]


def test_shapes_that_do_not_fit_are_a_fault_of_the_decoder() -> None:
    z, time = np.array([[50.0, 100.0]]), np.array([AT])
    for columns in ({"origin": np.zeros((1, 2))}, {"node": np.zeros(2, np.int64)}, {"evidence": np.zeros((1, 3))}):
        with pytest.raises(ValueError, match=next(iter(columns))):
            detections(Kind.PRESENCE, "ears", AT, time, z, np.eye(2)[None], **columns)


def test_nobody_can_write_into_the_columns_of_a_batch() -> None:
    presence = of(Kind.PRESENCE, nodes().decode(framed(encode(heard(2)))))
    for column in (presence.origin, presence.node, presence.evidence):
        assert column is not None
        assert not column.flags.writeable


def test_the_line_takes_thousands_of_nodes_without_harm() -> None:
    line = Line()
    text = '[run]\nmode = "sim"\n[[sources]]\nname = "ears"\nformat = "microphone"\nlisten = "udp://127.0.0.1:9001"\n'
    line.feed(1, Started(AT, Mode.SIM, text, "test"))
    m, seq = 5000, 2
    for second in range(1, 4):
        said = heard(m, second)._replace(
            latitude=np.linspace(36.0, 37.0, m), level_db=np.full(m, 50.0), height_m=np.full(m, 9.0)
        )
        line.feed(seq, Arrived(framed(encode(said), received=AT + second * SECOND + 1)))
        outputs = line.feed(seq + 1, Tick(AT + (second + 1) * SECOND))
        seq += 2
        assert len(outputs) < 10
    assert line.picture is not None
    assert len(line.picture.tracks) <= 40  # arrays among them begin so many at most, and none is shown
    assert not line.picture.tracks.shown().any()
    assert line.picture.sensors == ("ears",)  # nodes are rows, not sensors: the source is
    (row,) = line.picture.health
    assert row.decoded == 3 * m
    assert row.nodes == ()
    restored = Line.restore(line.save())
    assert restored.save() == line.save()


def test_step_uses_all_that_nodes_send_and_shows_nothing_by_one_look() -> None:
    line = Line()
    line.feed(1, Started(AT, Mode.SIM, "", "test"))
    assert line.picture is not None
    batches = nodes().decode(framed(encode(heard(4)), heartbeat(alive(4)))).batches
    after, events = step(line.picture, batches, AT + SECOND, line.settings)
    assert len(after.tracks) == 2  # two of the four have directions
    assert not after.tracks.shown().any()
    assert not [event for event in events if hasattr(event, "reason")]
