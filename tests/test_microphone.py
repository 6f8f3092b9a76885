"""Microphone nodes: what a node says is what the tracker gets; layout and faults."""

import json
import zlib
from math import nan, radians
from pathlib import Path

import numpy as np
import pytest
from listening import AT, alive, framed, heard, nodes, of, one, refused

from skywarden import geo
from skywarden.model.assessment import CLASSES, Class
from skywarden.model.detection import ErrorMeaning, Frame, Kind, Reason, TimeKind
from skywarden.sensors.microphone.encode import HEARTBEAT_SIZE, SIZE, encode, heartbeat
from skywarden.sensors.microphone.layout import LONGEST

SAMPLE = Path(__file__).parent / "samples" / "microphone" / "coast.bin"


def sealed(message: bytes) -> bytes:
    """Return a message with its checksum made right again."""
    return message[:-4] + zlib.crc32(message[:-4]).to_bytes(4, "big")


def changed(message: bytes, place: int, octets: bytes) -> bytes:
    return sealed(message[:place] + octets + message[place + len(octets) :])


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
    assert sound.covariance[0, :2, :2] == pytest.approx(np.radians(1) ** 2 * np.array([[16.0, 7.2], [7.2, 36.0]]))
    assert (sound.covariance[:, 2, :2] == 0.0).all()
    assert sound.z[:, 2] == pytest.approx(104.125)  # the tone of the same look
    assert sound.covariance[0, 2, 2] == pytest.approx(0.16)
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


@pytest.mark.parametrize("count", [20, 32, 33, 400])
def test_a_datagram_is_cut_alike_however_many_messages_it_holds(count: int) -> None:
    rows = heartbeat(alive(count)._replace(latitude=np.full(count, 36.0)))
    good = rows.tobytes()
    for end, reason in ((b"", None), (good[:20], Reason.TRUNCATED), (b"no message, but noise", Reason.MALFORMED)):
        decoded = nodes().decode(Frame.of("ears", AT, good + end, one(node=np.array([7000]))))
        assert decoded.messages == count + 1
        assert dict(decoded.refused) == ({reason: 1} if reason else {})
        node = of(Kind.SILENCE, decoded).node
        assert node is not None
        assert node.tolist() == list(range(1, count + 1))


def test_whole_messages_of_any_length_with_rubbish_inside_are_counted() -> None:
    rng = np.random.default_rng(1)
    for kind in (1, 2, 3):
        rubbish = [b"SM\x01" + bytes([kind]) + n.to_bytes(2, "big") + rng.bytes(n - 6) for n in range(40, 301)]
        assert refused(*rubbish) == {Reason.CHECKSUM: 261}
        kept = nodes().decode(Frame.of("ears", AT, *map(sealed, rubbish)))
        assert kept.messages + sum(kept.refused.values()) == 261
        assert kept.messages <= 22


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
