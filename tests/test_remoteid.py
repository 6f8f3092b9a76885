"""Remote ID: what a transmitter says is what the picture gets, marked as a claim."""

import gzip
import json
from math import degrees
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inbox_samples import collect
from remoteid_flight import (
    DJI,
    OPERATOR,
    SAMPLES,
    SECOND,
    SENDER,
    SERIAL,
    START,
    capture,
    claim,
    claims,
    foreign,
    frames,
    make,
    only,
    sample,
    unmarked,
)

from skywarden.geo import ecef, geodetic, geoid_height
from skywarden.model.detection import ErrorMeaning, Frame, Kind, Reason, TimeKind
from skywarden.model.place import Sensor, Source
from skywarden.model.track import Mode
from skywarden.pcap import packets
from skywarden.sensors import taking
from skywarden.sensors.remoteid import RemoteId, bluetooth, dji, encode, message, wifi
from skywarden.sensors.remoteid.fix import HOUR, resolved
from skywarden.sensors.remoteid.memory import MAX_SENDERS
from skywarden.service.clock import DataClock
from skywarden.service.sources import Inbox

AFTER = 4 * SECOND // 10  # from the fix to the receiver
CARRIERS = (
    ("wifi-beacon", encode.WIFI, encode.beacon),
    ("wifi-nan", encode.WIFI, encode.nan),
    ("bluetooth-5", encode.BLUETOOTH, encode.bluetooth5),
)


def line(frame: bytes, link: int = encode.WIFI, time: int = START + AFTER) -> bytes:
    return encode.line(time, link, frame)


def flying(*parts: bytes, counter: int = 0, sender: bytes = SENDER) -> bytes:
    return line(encode.wifi_beacon(sender, counter, encode.pack(*parts)))


def refused(*lines: bytes, mode: Mode = Mode.SIM) -> dict[str, int]:
    return dict(make(mode).decode(Frame.of("mast", START, *lines)).refused)


def place(z: np.ndarray) -> tuple[float, float, float]:
    latitude, longitude, height = geodetic(z)
    return degrees(latitude), degrees(longitude), float(height)


@pytest.mark.parametrize("carrier,link,build", CARRIERS)
def test_what_goes_in_comes_out(carrier: str, link: int, build: object) -> None:
    at = claim(12.3)
    frame = build(at, 77, -71)  # type: ignore[operator]
    (row,) = make().rows(Frame.of("mast", START, line(frame, link)))
    assert (row["carrier"], row["counter"], row["sender"]) == (carrier, 77, "02:53:4b:59:00:42")
    assert (row["crc_checked"], row["rssi_dbm"], row["standard"]) == (True, -71.0, "astm-f3411")
    said = row["location"]
    assert (said["latitude"], said["longitude"]) == pytest.approx((at.latitude, at.longitude), abs=5.1e-8)
    assert said["height_ellipsoid_m"] == pytest.approx(at.height_m, abs=0.26)
    assert (said["track_deg"], said["speed_m_s"], said["climb_m_s"]) == (310.0, 18.0, 1.0)
    assert row["basic_id"] == [{"id_type": "serial", "aircraft": "rotorcraft", "id": SERIAL}]
    assert row["operator_id"]["operator_id"] == OPERATOR
    assert row["system"]["operator_latitude"] == 36.29
    assert row["self_id"]["description"] == "SIMULATED flight"


@pytest.mark.parametrize("carrier,link,build", CARRIERS)
def test_the_picture_gets_position_time_errors_and_claims(carrier: str, link: int, build: object) -> None:
    at = claim(10.0)
    batch = only(line(build(at, 1), link, START + 10 * SECOND + AFTER))  # type: ignore[operator]
    assert batch.kind is Kind.POSITION
    truth = ecef(np.radians(at.latitude), np.radians(at.longitude), at.height_m)
    assert np.linalg.norm(batch.z[0] - truth) < 0.3
    assert (batch.time[0], batch.time_kind) == (at.time, TimeKind.MEASURED)
    assert batch.error_meaning is ErrorMeaning.PERCENT_95
    said = claims(batch)
    assert (said["remote_id"], said["remote_id_type"], said["operator_id"]) == (SERIAL, "serial", OPERATOR)
    assert said["operator_place"] == "36.2900000,-33.0900000"
    assert not any(c.authenticated for c in batch.claims)


def test_a_bound_of_95_percent_holds_95_percent() -> None:
    batch = only(line(encode.beacon(claim(accuracy_m=30.0), 0)))
    rng = np.random.default_rng(4)
    off = rng.multivariate_normal(np.zeros(3), batch.covariance[0], 40_000)
    up = ecef(np.radians(36.3), np.radians(-33.1), 1.0) - ecef(np.radians(36.3), np.radians(-33.1), 0.0)
    height = off @ up
    level = np.linalg.norm(off - height[:, None] * up, axis=1)
    assert np.mean(level < 30.0) == pytest.approx(0.95, abs=0.005)
    assert np.mean(abs(height) < 45.0) == pytest.approx(0.95, abs=0.005)


def test_fast_flight_and_every_direction_survive_the_coding() -> None:
    for speed, track in ((63.75, 0), (64.5, 179), (99.75, 180), (250.0, 359)):
        (row,) = make().rows(Frame.of("mast", START, line(encode.beacon(claim(speed_m_s=speed, track_deg=track), 0))))
        assert row["location"]["speed_m_s"] == pytest.approx(speed, abs=0.38)
        assert row["location"]["track_deg"] == track


@given(near=st.integers(START, START + 2 * HOUR), late=st.integers(-1_700, 1_700))
def test_a_time_after_the_hour_is_the_one_nearest_to_the_receipt(near: int, late: int) -> None:
    sent = (near + late * SECOND) // (SECOND // 10) * (SECOND // 10)
    assert resolved(sent % HOUR / SECOND, near) == sent


def test_without_a_time_the_receipt_counts() -> None:
    body = bytearray(encode.location(claim()))
    body[21:23] = b"\xff\xff"
    batch = only(flying(bytes(body)))
    assert (batch.time[0], batch.time_kind) == (START + AFTER, TimeKind.RECEIPT)
    assert batch.time_sigma[0] == 1.0


def test_without_height_above_the_ellipsoid_pressure_counts_with_a_wide_error() -> None:
    body = bytearray(encode.location(claim()))
    body[13:17] = (2 * 1300).to_bytes(2, "little") + b"\0\0"
    batch = only(flying(bytes(body)))
    latitude, longitude, height = place(batch.z[0])
    assert height == pytest.approx(300.0 + float(geoid_height(np.radians(latitude), np.radians(longitude))), abs=0.01)
    assert 150 < np.sqrt(np.linalg.eigvalsh(batch.covariance[0])[-1]) < 160
    body[13:15] = b"\0\0"
    batch = only(flying(bytes(body)))
    assert np.sqrt(np.linalg.eigvalsh(batch.covariance[0])) == pytest.approx([2, 2, 1500], rel=1e-6)
    assert batch.error_meaning is ErrorMeaning.ASSUMED


def test_zero_zero_is_no_place() -> None:
    decoder = make()
    body = bytearray(encode.location(claim()))
    body[5:13] = bytes(8)
    found = decoder.decode(Frame.of("mast", START, flying(bytes(body))))
    assert (found.messages, found.batches, dict(found.refused)) == (1, (), {})


@pytest.mark.parametrize("at,value", [(5, 1_000_000_000), (9, -1_900_000_000), (21, 36_001)])
def test_impossible_values_are_implausible(at: int, value: int) -> None:
    body = bytearray(encode.location(claim()))
    size = 2 if at == 21 else 4
    body[at : at + size] = value.to_bytes(size, "little", signed=True) if size == 4 else value.to_bytes(2, "little")
    assert refused(flying(bytes(body))) == {Reason.IMPLAUSIBLE: 1}


def test_messages_of_one_radio_address_are_joined_until_the_aircraft_is_named() -> None:
    parts = encode.messages(claim())
    one, two = (flying(encode.location(claim(s)), counter=s) for s in range(2))
    named = flying(parts[0], counter=9)
    found = make().decode(Frame.of("mast", START, one, named, two))
    (batch,) = found.batches
    assert "remote_id" not in claims(batch, 0)
    assert claims(batch, 1)["remote_id"] == SERIAL
    assert found.messages == 3


def test_the_same_position_by_two_radios_and_two_receivers_counts_once() -> None:
    at = claim()
    lines = [line(encode.beacon(at, 1)), line(encode.bluetooth5(at, 1), encode.BLUETOOTH, START + AFTER + 7)]
    lines += [encode.line(START + AFTER + 90, encode.WIFI, encode.beacon(at, 1, -88), "second receiver")]
    found = make().decode(Frame.of("mast", START, *lines))
    assert (found.messages, dict(found.refused)) == (1, {Reason.DUPLICATE: 2})


def test_a_spoofer_with_the_same_serial_number_elsewhere_does_not_hide_the_aircraft() -> None:
    true, false = claim(), claim(latitude=36.9, sender=b"\x02\0\0\0\0\x66")
    batch = only(line(encode.beacon(false, 1)), line(encode.beacon(true, 1)))
    assert len(batch) == 2
    assert batch.subject[0] == batch.subject[1]  # so that they are not of one look
    assert {claims(batch, k)["radio_address"] for k in range(2)} == {"02:53:4b:59:00:42", "02:00:00:00:00:66"}


@pytest.mark.parametrize("carrier,link,build", CARRIERS)
def test_simulated_aircraft_do_not_enter_a_live_picture(carrier: str, link: int, build: object) -> None:
    frame = line(build(claim(), 1), link)  # type: ignore[operator]
    assert refused(frame, mode=Mode.LIVE) == {Reason.SIMULATED: 1}
    assert refused(frame, mode=Mode.SIM) == {}


def test_by_bluetooth_4_the_mark_holds_for_what_follows() -> None:
    parts = [*encode.messages(claim())[::-1], encode.location(claim(20.0))]
    times = [START + AFTER + k * SECOND // 2 for k in range(5)] + [START + 20 * SECOND]
    lines = [
        encode.line(time, encode.BLUETOOTH, encode.bluetooth4(SENDER, k, part))
        for k, (part, time) in enumerate(zip(parts, times, strict=True))
    ]
    found = make(Mode.LIVE).decode(Frame.of("mast", START, *lines))
    assert dict(found.refused) == {Reason.SIMULATED: 5}
    assert found.batches[0].time[0] == START + 20 * SECOND


def test_a_mark_that_somebody_else_sends_hides_no_aircraft() -> None:
    mark = flying(encode.self_id("SIMULATED"), counter=1)
    found = make(Mode.LIVE).decode(
        Frame.of("mast", START, mark, line(encode.wifi_beacon(SENDER, 2, unmarked(claim()))))
    )
    assert dict(found.refused) == {Reason.SIMULATED: 1}
    assert len(found.batches[0]) == 1


@pytest.mark.parametrize("carrier,link,build", CARRIERS)
def test_one_wrong_bit_anywhere_is_seen(carrier: str, link: int, build: object) -> None:
    frame = build(claim(), 1)  # type: ignore[operator]
    start = 16 if link == encode.WIFI else 17  # behind radiotap; behind header, access address and coding indicator
    for bit in range(start * 8 + 16, len(frame) * 8, 5):
        wrong = bytearray(frame)
        wrong[bit // 8] ^= 1 << bit % 8
        assert refused(line(bytes(wrong), link)) == {Reason.CHECKSUM: 1}, bit


def test_a_beacon_is_read_with_and_without_its_check_sequence() -> None:
    bare = encode.beacon(claim(), 1)[16:]
    for frame, checked in ((bare, True), (bare[:-4], False)):
        (row,) = make().rows(Frame.of("mast", START, line(frame, wifi.PLAIN)))
        assert row["crc_checked"] is checked
        assert row["location"]["track_deg"] == 310.0
    tapped = b"\0\0\x08\0\0\0\0\0" + bare[:-4]
    assert len(only(line(tapped))) == 1


def test_the_crc_of_bluetooth_is_the_bitwise_one() -> None:
    def slow(data: bytes) -> int:
        register = 0x555555
        for bit in (byte >> k & 1 for byte in data for k in range(8)):
            carry = (register >> 23 ^ bit) & 1
            register = (register << 1) & 0xFFFFFF ^ (0x00065B if carry else 0)
        return int(f"{register:024b}"[::-1], 2)

    rng = np.random.default_rng(1)
    for size in (1, 2, 39, 250):
        data = rng.bytes(size)
        assert int.from_bytes(bluetooth.crc(data), "little") == slow(data)


def test_a_dji_beacon_is_named_as_foreign() -> None:
    (row,) = make().rows(Frame.of("mast", START, line(foreign(), 105)))
    assert row["standard"] == "dji-legacy"
    assert row["dji"]["serial"] == "EXAMPLE000000042"
    batch = only(line(foreign(), 105))
    said = claims(batch)
    assert (said["remote_id_standard"], said["remote_id"]) == ("dji-legacy", "EXAMPLE000000042")
    assert (batch.time_kind, batch.error_meaning) == (TimeKind.RECEIPT, ErrorMeaning.ASSUMED)
    latitude, longitude, _ = place(batch.z[0])
    assert (latitude, longitude) == pytest.approx((36.0, -33.0))


def test_other_dji_layouts_are_named_and_not_read() -> None:
    assert dji.read(DJI[:4] + b"\x03" + DJI[5:]) is Reason.UNSUPPORTED
    assert dji.read(DJI[:3] + b"\x11" + DJI[4:]) is Reason.UNSUPPORTED
    assert dji.read(DJI[:20]) is Reason.TRUNCATED


def test_a_receiver_with_its_own_block_is_a_sensor_with_a_place() -> None:
    sensors = [Sensor(name=n, source="mast", latitude=36.0, longitude=-33.0 + k) for k, n in enumerate("ab")]
    decoder = make(Mode.SIM, *sensors)
    lines = [
        encode.line(START, encode.WIFI, encode.beacon(claim(k), k), receiver)
        for k, receiver in enumerate(("a", "b", "c"))
    ]
    batches = decoder.decode(Frame.of("mast", START, *lines)).batches
    assert [b.sensor for b in batches] == ["a", "b", "mast"]
    assert [b.place is None for b in batches] == [False, False, True]


def test_a_pack_may_end_early_but_not_inside_its_first_message() -> None:
    whole = encode.pack(*encode.messages(claim()))
    cut = line(encode.wifi_beacon(SENDER, 1, whole[:-1]))
    assert len(only(cut)) == 1
    assert refused(line(encode.wifi_beacon(SENDER, 1, whole[:20]))) == {Reason.TRUNCATED: 1}
    assert message.read(bytes([0xF2, 24, 1]) + bytes(25)) is Reason.MALFORMED
    assert message.read(bytes([0xF2, 25, 10]) + bytes(250)) is Reason.MALFORMED


@pytest.mark.parametrize(
    "data,reason",
    [
        (b"{}", Reason.MALFORMED),
        (b'{"time_ns": 1, "link": 127, "frame": ""}', Reason.MALFORMED),
        (b'{"timestamp": 1.79e9, "link": 127, "frame": "zz"}', Reason.MALFORMED),
        (b'{"timestamp": 1.79e9, "link": 1, "frame": "00"}', Reason.UNSUPPORTED),
        (b'{"timestamp": 1.79e9, "link": 105, "frame": "80000000"}', Reason.TRUNCATED),
        (b'{"timestamp": 1.79e9, "link": 256, "frame": "00"}', Reason.MALFORMED),
        (b"[" * 5000, Reason.MALFORMED),
        (b" " * 20_000, Reason.OVERSIZE),
    ],
)
def test_bad_lines_are_refused_with_their_reason(data: bytes, reason: Reason) -> None:
    assert refused(data) == {reason: 1}


def test_a_line_may_carry_seconds_instead_of_nanoseconds() -> None:
    frame = encode.beacon(claim(), 1).hex()
    data = json.dumps({"timestamp": 1_790_000_000.4, "link": 127, "frame": frame, "more": [1]}).encode()
    assert RemoteId.stamp(data, 0) == pytest.approx(START + AFTER, abs=200)
    assert only(data).time[0] == START


def test_a_capture_gives_the_lines_of_its_frames_and_leaves_others_out() -> None:
    other = b"\0\0\x08\0\0\0\0\0\x80\0\0\0" + bytes(60)
    heard = [(time, frame) for time, link, frame in frames(2) if link == encode.WIFI]
    take, wanted = taking(RemoteId)
    found = list(packets(capture(encode.WIFI, *heard, (START, other)), take))
    assert found == [(time, encode.line(time, encode.WIFI, frame)) for time, frame in heard]
    assert "Remote ID" in wanted


def test_a_flood_of_senders_is_forgotten() -> None:
    decoder = make()
    flood = MAX_SENDERS + 10
    body = encode.operator_id("X")
    for first in range(0, flood, 1000):
        lines = [
            encode.line(START + k, encode.BLUETOOTH, encode.bluetooth4(k.to_bytes(6), 0, body))
            for k in range(first, min(first + 1000, flood))
        ]
        decoder.decode(Frame.of("mast", START, *lines))
    assert len(decoder.state.senders) <= MAX_SENDERS
    assert len(decoder.state.frames) <= 8192


def test_a_position_that_stands_for_several_aircraft_is_as_wide_as_they_are() -> None:
    parts = list(encode.messages(claim())[:-1])
    system = bytearray(parts[2])
    system[10:13] = bytes([20, 0, 40])  # 20 aircraft within 400 m
    parts[2] = bytes(system)
    batch = only(flying(*parts))
    assert claims(batch)["aircraft_count"] == "20"
    assert np.sqrt(np.linalg.eigvalsh(batch.covariance[0])[1:]) == pytest.approx([200.0, 200.0], abs=0.1)


@given(st.data())
def test_any_bytes_behind_a_good_checksum_are_read_or_refused(data: st.DataObject) -> None:
    decoder, lines = make(), []
    for k, (_, link, build) in enumerate(CARRIERS * 2):
        frame = build(claim(), k)
        start, end = (16, -4) if link == encode.WIFI else (15, -3)
        wrong = bytearray(frame[start:end])
        for _ in range(data.draw(st.integers(0, 6))):
            wrong[data.draw(st.integers(0, len(wrong) - 1))] = data.draw(st.integers(0, 255))
        air = bytes(wrong[: data.draw(st.integers(0, len(wrong)))] if k > 2 else wrong)
        lines.append(
            line(frame[:start] + (wifi.sealed(air) if link == encode.WIFI else air + bluetooth.crc(air)), link)
        )
    for link in (105, 127, 251, 256, 272):
        lines.append(line(data.draw(st.binary(max_size=60)), link))
    found = decoder.decode(Frame.of("mast", START, *lines))
    assert found.messages + sum(found.refused.values()) == len(lines)
    for batch in found.batches:
        assert np.isfinite(batch.z).all()
        assert (np.linalg.eigvalsh(batch.covariance) > 0).all()
    json.dumps(list(make().rows(Frame.of("mast", START, *lines))))


def test_the_sample_is_what_is_built_here() -> None:
    assert (SAMPLES / "flight.jsonl").read_bytes() == sample()
    decoder = make(Mode.LIVE)
    found = decoder.decode(Frame.of("mast", START, *sample().splitlines(keepends=True)))
    assert dict(found.refused) == {Reason.SIMULATED: 1, Reason.CHECKSUM: 1, Reason.MALFORMED: 1}
    assert sum(len(batch) for batch in found.batches) == 99  # 90 packs, 8 single Locations, 1 foreign


@pytest.mark.parametrize("packed", [False, True])
def test_a_running_system_reads_captures_of_radio_frames_as_they_are(packed: bool, tmp_path: Path) -> None:
    whole = (SAMPLES / "wifi.pcap").read_bytes()
    path = tmp_path / "wifi.pcap"
    path.write_bytes(gzip.compress(whole) if packed else whole)
    source = Source(name="mast", format="remoteid", file=str(path))
    inbox = Inbox((source,), DataClock())
    inbox.start()
    try:
        found = collect(inbox, 20)
    finally:
        inbox.stop()
    assert [f.received for f in found] == [time for time, link, _ in frames(10) if link == encode.WIFI]
    decoder = make(Mode.LIVE)
    assert sum(len(batch) for f in found for batch in decoder.decode(f).batches) == 20
