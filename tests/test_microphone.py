"""Microphone nodes: what a node says is what the tracker gets; layout, places, copies, doubts."""

import json
import zlib
from math import nan, radians
from pathlib import Path

import msgspec
import numpy as np
import pytest
from listening import AT, SECOND, SOURCE, alive, framed, heard, nodes

from skywarden import geo
from skywarden.model.assessment import CLASSES, Class
from skywarden.model.detection import Decoded, Detections, ErrorMeaning, Frame, Kind, Reason, TimeKind, detections
from skywarden.model.event import Arrived, Started, Tick
from skywarden.model.place import HeightReference, Sensor
from skywarden.model.track import Mode
from skywarden.pipeline import Line, step
from skywarden.sensors import Reader, take
from skywarden.sensors.microphone import memory
from skywarden.sensors.microphone.encode import HEARTBEAT_SIZE, SIZE, Flags, encode, heartbeat
from skywarden.sensors.microphone.layout import LONGEST
from skywarden.sensors.microphone.memory import Memory

SAMPLE = Path(__file__).parent / "samples" / "microphone" / "coast.bin"
PLACE = radians(36.30), radians(-33.10)


def of(kind: Kind, decoded: Decoded) -> Detections:
    (batch,) = (b for b in decoded.batches if b.kind is kind)
    return batch


def sealed(message: bytes) -> bytes:
    """Return a message with its checksum made right again."""
    return message[:-4] + zlib.crc32(message[:-4]).to_bytes(4, "big")


def changed(message: bytes, place: int, octets: bytes) -> bytes:
    return sealed(message[:place] + octets + message[place + len(octets) :])


def one(**columns: object) -> bytes:
    return encode(heard(1)._replace(**columns))[0].tobytes()


def refused(*messages: bytes, live: bool = True) -> dict[str, int]:
    return dict(nodes(live=live).decode(Frame.of("ears", AT + SECOND, *messages)).refused)


def test_a_report_lies_in_its_bytes_as_the_table_says() -> None:
    message = one(number=np.array([258]), time=np.array([AT]), flags=np.array([1 | 4]), longitude=np.array([-33.1]))
    assert len(message) == SIZE <= LONGEST
    assert message[:8] == b"SM\x01\x01" + SIZE.to_bytes(2, "big") + b"\x00\x05"
    assert message[8:24] == (1).to_bytes(4, "big") + (258).to_bytes(4, "big") + AT.to_bytes(8, "big")
    assert message[24:32] == (363_000_000).to_bytes(4, "big") + (-331_000_000).to_bytes(4, "big", signed=True)
    assert message[32:36] == (1000).to_bytes(4, "big")
    assert message[36:40] == (4825).to_bytes(2, "big") + (3150).to_bytes(2, "big")
    assert message[40:46] == (104_125).to_bytes(4, "big") + (40).to_bytes(2, "big")
    assert message[46:56] == b"".join(n.to_bytes(2, "big") for n in (27_150, 1225, 400, 600, 3000))
    assert message[56:66] == b"\x00\x19" + b"\x00\x00\x00\x07" + b"\xc0\xff\xee\x42"
    assert message[66] == len(CLASSES) == 12
    assert message[67:70] == b"\x00" + (325).to_bytes(2, "big")
    assert message[97:100] == b"\x0a" + (-150).to_bytes(2, "big", signed=True)
    assert int.from_bytes(message[-4:], "big") == zlib.crc32(message[:-4])


def test_a_heartbeat_lies_in_its_bytes_as_the_table_says() -> None:
    message = heartbeat(alive(1)._replace(health=np.array([2]), software=5, model=6))[0].tobytes()
    assert len(message) == HEARTBEAT_SIZE
    assert message[:6] == b"SM\x01\x02" + HEARTBEAT_SIZE.to_bytes(2, "big")
    assert message[36:44] == (3150).to_bytes(2, "big") + (35).to_bytes(2, "big") + b"\x02\x00" + b"\x00\x3c"
    assert message[44:56] == b"".join(n.to_bytes(4, "big") for n in (86_400, 5, 6))
    assert int.from_bytes(message[-4:], "big") == zlib.crc32(message[:-4])


def test_level_tone_classes_and_direction_come_through() -> None:
    decoded = nodes().decode(framed(encode(heard(4))))
    presence, sound = of(Kind.PRESENCE, decoded), of(Kind.SOUND, decoded)
    assert (decoded.messages, dict(decoded.refused)) == (4, {})
    assert presence.sensor == sound.sensor == "ears"
    assert presence.z[:, 0] == pytest.approx([48.25, 49.25, 50.25, 51.25])
    assert presence.z[[0, 2, 3], 1] == pytest.approx(104.125)
    assert np.isnan(presence.z[1, 1])
    assert presence.covariance[0, 1, 1] == pytest.approx(0.16)
    assert presence.evidence is not None
    assert presence.evidence[:, CLASSES.index(Class.UAV_PISTON)] == pytest.approx(3.25)
    assert presence.evidence[:, CLASSES.index(Class.BIRD)] == pytest.approx(0.0)
    assert sound.node is not None
    assert sound.node.tolist() == [1, 3]
    assert np.degrees(sound.z[:, 0]) == pytest.approx([271.5, 271.5])
    assert np.degrees(sound.z[0, 1]) == pytest.approx(12.25)
    assert np.isnan(sound.z[1, 1])
    assert sound.covariance[0] == pytest.approx(np.radians(1) ** 2 * np.array([[16.0, 7.2], [7.2, 36.0]]))
    assert sound.time.tolist() == [AT, AT + 2000]
    assert sound.time_kind is TimeKind.ARRIVAL
    assert sound.error_meaning is ErrorMeaning.SIGMA
    assert sound.evidence is None  # the look is the same: its evidence counts once


def test_each_row_stands_where_its_node_stands() -> None:
    presence = of(Kind.PRESENCE, nodes().decode(framed(encode(heard(4)))))
    assert presence.place is None
    assert presence.origin is not None
    latitude, longitude, height = geo.geodetic(presence.origin)
    assert np.degrees(latitude) == pytest.approx([36.300, 36.309, 36.318, 36.327], abs=1e-7)
    assert np.degrees(longitude) == pytest.approx([-33.10] * 4, abs=1e-7)
    assert height == pytest.approx([10.0, 11.0, 12.0, 13.0], abs=0.01)


def test_a_heartbeat_is_silence_with_its_noise_floor_and_wind() -> None:
    decoded = nodes().decode(framed(heartbeat(alive(3))))
    silence = of(Kind.SILENCE, decoded)
    assert silence.z[:, 0] == pytest.approx(31.5)
    assert silence.z[0, 1] == pytest.approx(3.5)
    assert np.isnan(silence.z[1:, 1]).all()
    assert silence.node is not None
    assert silence.node.tolist() == [1, 2, 3]


def test_what_is_out_of_range_is_clipped_and_not_wrapped() -> None:
    said = heard(1)._replace(
        level_db=np.array([1e9]),
        f0_hz=np.array([1e9]),
        azimuth=np.array([-radians(0.001)]),
        llr=np.full((1, len(CLASSES)), -1e6),
        looks=np.array([1e9]),
    )
    (row,) = nodes().rows(framed(encode(said._replace(level_db=np.array([50.0])))))
    assert row["azimuth_deg"] == 0.0
    assert row["f0_hz"] == 100_000.0
    assert row["llr"]["bird"] == -320.0
    assert row["looks"] == 655.35
    assert refused(encode(said)[0].tobytes()) == {Reason.IMPLAUSIBLE: 1}


def test_a_class_not_said_is_no_evidence() -> None:
    llr = np.full((1, len(CLASSES)), nan)
    llr[0, 3] = 2.0
    frame = framed(encode(heard(1)._replace(llr=llr)))
    presence = of(Kind.PRESENCE, nodes().decode(frame))
    assert presence.evidence is not None
    assert presence.evidence[0].tolist() == [0, 0, 0, 2.0, 0, 0, 0, 0, 0, 0, 0, 0]
    (row,) = nodes().rows(frame)
    assert row["llr"] == {"small fixed-wing": 2.0}


def test_a_shorter_list_of_classes_and_unknown_codes_are_read() -> None:
    whole = one()
    body = bytearray(whole[:67] + b"\x09" + (150).to_bytes(2, "big") + b"\xc8" + (99).to_bytes(2, "big") + bytes(4))
    body[4:6], body[66] = len(body).to_bytes(2, "big"), 2
    presence = of(Kind.PRESENCE, nodes().decode(Frame.of("ears", AT, sealed(bytes(body)))))
    assert presence.evidence is not None
    assert presence.evidence[0, 9] == 1.5
    assert np.count_nonzero(presence.evidence) == 1


def test_a_datagram_may_hold_several_messages() -> None:
    four = encode(heard(4)).tobytes() + heartbeat(alive(2)).tobytes()
    decoded = nodes().decode(Frame.of("ears", AT, four, one(node=np.array([9]))))
    assert decoded.messages == 7
    presence = of(Kind.PRESENCE, decoded)
    assert presence.node is not None
    assert presence.node.tolist() == [1, 2, 3, 4, 9]
    assert len(of(Kind.SILENCE, decoded)) == 2


def test_what_follows_half_a_message_in_a_datagram_is_refused_with_it() -> None:
    good = one()
    assert refused(good + good[:50]) == {Reason.TRUNCATED: 1}
    assert refused(good + b"noise and noise") == {Reason.MALFORMED: 1}
    assert refused(b"") == {Reason.MALFORMED: 1}
    assert refused(b"SM\x01\x01\x40\x00" + bytes(300)) == {Reason.OVERSIZE: 1}


def test_noise_between_messages_of_a_stream_costs_no_message() -> None:
    good = one()
    lengths = nodes().split(b"\x00\x01S" + good + b"SMall" + good + good[:70])
    assert lengths == [3, SIZE, 5, SIZE]
    assert nodes().split(good[:5]) == []


def test_every_fault_has_its_reason() -> None:
    good, node = one(), b"\x00\x00\x00\x63"
    flipped = bytearray(good)
    flipped[30] ^= 1
    assert refused(bytes(flipped)) == {Reason.CHECKSUM: 1}
    assert refused(changed(good, 2, b"\x02")) == {Reason.UNSUPPORTED: 1}
    assert refused(changed(good, 3, b"\x09")) == {Reason.UNSUPPORTED: 1}
    assert refused(changed(good, 66, b"\x05")) == {Reason.MALFORMED: 1}
    assert refused(changed(good, 3, b"\x02")) == {Reason.MALFORMED: 1}  # a report is no heartbeat
    for place, octets in (
        (16, b"\xff" * 8),  # time
        (24, b"\x7f" * 4),  # latitude
        (28, b"\x80" + bytes(3)),  # longitude
        (32, b"\x7f" * 4),  # height
        (36, b"\x7f\xff"),  # level
        (40, b"\xff" * 4),  # fundamental
        (46, b"\x8c\xa0"),  # azimuth 360.00
        (48, b"\x7f\xff"),  # elevation
        (50, bytes(2)),  # azimuth without an error
        (54, b"\x80\x00"),  # correlation
    ):
        assert refused(changed(good, place, octets)) == {Reason.IMPLAUSIBLE: 1}, place
    assert refused(changed(good, 8, node)) == {}


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
    assert len(line.picture.tracks) == 0
    assert line.picture.sensors == ()  # nodes are rows, not sensors
    (row,) = line.picture.health
    assert row.decoded == 3 * m
    assert row.nodes == ()
    restored = Line.restore(line.save())
    assert restored.save() == line.save()


def test_the_sample_says_what_the_coast_heard() -> None:
    rows = json.loads(SAMPLE.with_suffix(".expected.json").read_text())
    reports = [row for row in rows if row["type"] == "report"]
    assert len(reports) == 60
    assert {row["node"] for row in reports} == {1, 2, 3, 4, 5, 6}
    assert [row["level_db"] for row in reports[:6]] == [48.25, 49.25, 50.25, 51.25, 52.25, 53.25]
    assert all(("azimuth_deg" in row) == (row["node"] % 2 == 1) for row in reports)
    assert all(row["llr"]["one-way UAV piston"] == 3.25 for row in reports)


def test_many_reports_are_written_and_read_in_arrays() -> None:
    m = 20_000
    said = heard(m)._replace(
        latitude=np.linspace(36.0, 37.0, m), level_db=np.linspace(20, 90, m), height_m=np.full(m, 9.0)
    )
    decoded = nodes().decode(framed(encode(said)))
    assert decoded.messages == m
    assert of(Kind.PRESENCE, decoded).z[:, 0] == pytest.approx(np.linspace(20, 90, m), abs=0.005)
    assert len(decoded.batches) == 2


def test_step_is_not_disturbed_by_kinds_it_does_not_use() -> None:
    line = Line()
    line.feed(1, Started(AT, Mode.SIM, "", "test"))
    assert line.picture is not None
    batches = nodes().decode(framed(encode(heard(4)), heartbeat(alive(4)))).batches
    after, events = step(line.picture, batches, AT + SECOND, line.settings)
    assert len(after.tracks) == 0
    assert {(e.source, e.reason) for e in events if hasattr(e, "reason")} == {("ears", Reason.UNSUPPORTED)}
