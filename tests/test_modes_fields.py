"""Mode S fields: parity, altitude codes, compact positions, squitters; published frames and rs1090 as witnesses."""

import numpy as np
import pytest
import rs1090
from hypothesis import given, settings
from hypothesis import strategies as st

from skywarden.model.detection import Reason
from skywarden.sensors.modes import altitude, commb, cpr, crc, encode, squitter
from skywarden.sensors.modes.fields import Message
from skywarden.sensors.modes.message import read, row

degrees_north = st.floats(-89.9, 89.9)
degrees_east = st.floats(-180, 179.999)


def said(text: str) -> Message:
    message = read(bytes.fromhex(text))
    assert isinstance(message, Message)
    return message


def test_published_identification_says_callsign_and_category() -> None:
    message = said("8D4840D6202CC371C32CE0576098")  # Sun, The 1090 MHz Riddle, 2nd edition, chapter 4
    assert (message.address, message.callsign, message.category) == (0x4840D6, "KLM1023", "A0")


def test_published_velocities_over_ground_and_through_air() -> None:
    ground = said("8D485020994409940838175B284F")  # the same, chapter 7
    assert ground.groundspeed_kt == pytest.approx(159.20, abs=0.01)
    assert ground.track_deg == pytest.approx(182.88, abs=0.01)
    assert (ground.vertical_rate_ft_min, ground.vertical_rate_source, ground.geo_minus_baro_ft) == (-832, "gnss", 550)
    air = said("8DA05F219B06B6AF189400CBC33F")
    assert (air.airspeed_kt, air.airspeed_type, air.vertical_rate_ft_min) == (375, "TAS", -2304)
    assert air.heading_deg == pytest.approx(243.98, abs=0.01)


def test_published_pair_gives_the_published_place() -> None:
    even, odd = said("8D40621D58C382D690C8AC2863A7"), said("8D40621D58C386435CC412692AD6")
    assert even.altitude_ft == odd.altitude_ft == 38_000
    assert even.position
    assert odd.position
    found = cpr.whole(even.position, odd.position)
    assert found == pytest.approx((52.2572021484375, 3.91937255859375), abs=1e-9)


@given(st.sampled_from([4, 11]).flatmap(lambda n: st.binary(min_size=n, max_size=n)), st.integers(0, 87))
def test_parity_is_the_remainder_of_long_division(data: bytes, flip: int) -> None:
    value, length = int.from_bytes(data) << 24, 8 * len(data) + 24
    for bit in range(length - 1, 23, -1):
        if value >> bit & 1:
            value ^= (1 << 24 | crc.GENERATOR) << (bit - 24)
    assert crc.parity(data) == value
    frame = bytearray(crc.sealed(data))
    assert crc.remainder(bytes(frame)) == 0
    frame[flip % len(frame)] ^= 1 << flip % 8
    assert crc.remainder(bytes(frame)) != 0


def test_every_altitude_code_means_what_the_witness_says() -> None:
    differ = []
    for code in range(8192):
        reply = crc.sealed(bytes([4 << 3, 0, code >> 8, code & 255]), 0x393322)
        ours, theirs = altitude.altitude_13(code), rs1090.decode(reply.hex()).get("altitude")
        if not code & altitude.METRIC and ours != theirs:
            differ.append(ours)
    assert sorted(differ) == list(range(-1200, 0, 100))  # the witness has no negative Gillham altitudes


def test_gillham_neighbours_differ_in_one_bit() -> None:
    code_of = {altitude.gillham(c): c for c in range(4096) if not c & 0x10 and altitude.gillham(c) is not None}
    assert sorted(code_of) == list(range(-1200, 126_800, 100))
    for height in range(-1200, 126_700, 100):
        assert (code_of[height] ^ code_of[height + 100]).bit_count() == 1


def test_a_metric_altitude_is_flagged_and_not_used() -> None:
    message = read(crc.sealed(bytes([4 << 3, 0, 0x02, 0x40 | 0x0A]), 1))
    assert isinstance(message, Message)
    assert (message.altitude_ft, message.altitude_metric) == (None, True)


@given(st.integers(-1000 // 25, 50_175 // 25))
def test_altitudes_survive_encoding(steps: int) -> None:
    assert altitude.altitude_12(altitude.encode_12(25.0 * steps)) == 25 * steps


def test_an_altitude_out_of_range_is_encoded_as_none() -> None:
    assert altitude.altitude_12(altitude.encode_12(60_000)) is None


@given(st.integers(0, 0o7777))
def test_squawks_survive_encoding_and_agree_with_the_witness(number: int) -> None:
    digits = f"{number:04o}"
    code = altitude.encode_squawk(digits)
    assert altitude.squawk(code) == digits
    reply = crc.sealed(bytes([5 << 3, 0, code >> 8, code & 255]), 0x393322)
    assert rs1090.decode(reply.hex())["squawk"] == digits


@pytest.mark.parametrize(
    "latitude, count", [(0, 59), (10.47, 59), (10.48, 58), (52.2, 36), (86.9, 2), (87, 2), (87.1, 1)]
)
def test_longitude_zones_at_known_latitudes(latitude: float, count: int) -> None:
    assert cpr.zones(latitude) == cpr.zones(-latitude) == count


@given(degrees_north, degrees_east, st.booleans(), st.booleans())
def test_a_near_place_resolves_a_single_position(latitude: float, longitude: float, odd: bool, surface: bool) -> None:
    y, x = cpr.encode(latitude, longitude, odd, surface)
    half = cpr.Half(0, y, x, odd, surface)
    reach = 0.7 if surface else 2.9
    found = cpr.local(half, float(np.clip(latitude + reach, -90, 90)), longitude)
    assert found is not None
    resolution = 1.5 / cpr.SCALE if surface else 6 / cpr.SCALE
    assert abs(found[0] - latitude) < resolution
    width = (90 if surface else 360) / max(cpr.zones(found[0]) - odd, 1) / cpr.SCALE
    assert abs(cpr.wrap(found[1] - longitude)) < width


@given(degrees_north, degrees_east, st.booleans(), st.booleans(), st.floats(-40, 40), st.floats(-40, 40))
def test_a_pair_gives_the_place(
    latitude: float, longitude: float, odd: bool, surface: bool, off_north: float, off_east: float
) -> None:
    halves = [cpr.Half(0, *cpr.encode(latitude, longitude, o, surface), o, surface) for o in (odd, not odd)]
    near = (latitude + off_north, cpr.wrap(longitude + off_east)) if surface else None
    found = cpr.whole(halves[0], halves[1], near)
    if found is None:  # the two lie on different sides of a change of zones
        assert min(abs(abs(latitude) - edge) for edge in cpr._TRANSITIONS) < 1e-3
        return
    assert abs(found[0] - latitude) < 6 / cpr.SCALE
    assert abs(cpr.wrap(found[1] - longitude)) < 360 / max(cpr.zones(found[0]) - odd, 1) / cpr.SCALE


def test_a_surface_pair_alone_leaves_the_place_open() -> None:
    halves = [cpr.Half(0, *cpr.encode(49.0, 2.5, odd, True), odd, True) for odd in (False, True)]
    assert cpr.whole(halves[0], halves[1]) is None


@settings(max_examples=300)
@given(degrees_north, degrees_east, st.integers(0, 45_000))
def test_positions_that_we_encode_are_read_by_the_witness(latitude: float, longitude: float, height: int) -> None:
    pair = [encode.airborne_position(0x393322, latitude, longitude, height, odd) for odd in (False, True)]
    found = rs1090.decode([frame.hex() for frame in pair], [1.0, 1.4])[1]
    if "latitude" in found:
        assert found["latitude"] == pytest.approx(latitude, abs=1e-4)
        assert abs(cpr.wrap(found["longitude"] - longitude)) * np.cos(np.radians(latitude)) < 1e-3
    assert abs(found["altitude"] - height) <= 12.5


@settings(max_examples=300)
@given(st.binary(min_size=7, max_size=7))
def test_any_squitter_agrees_with_the_witness_where_both_speak(me: bytes) -> None:
    frame = crc.sealed(b"\x8d\x39\x33\x22" + me)
    ours = read(frame)
    try:
        theirs = rs1090.decode(frame.hex())
    except ValueError:
        return
    if theirs is None or not isinstance(ours, Message):
        return
    found = row(ours)
    if theirs.get("bds") == "06" and ours.groundspeed_kt is not None:
        theirs.pop("groundspeed", None)  # its steps are wrong between 2 and 15 kt
    if me[0] == 19 << 3 | 2 and theirs.get("groundspeed") is not None:
        theirs["groundspeed"] *= 4  # it takes supersonic steps for 1 kt; Doc 9871, table A-2-9a: 4 kt
    names = {"altitude": "altitude_ft", "groundspeed": "groundspeed_kt", "track": "track_deg", "squawk": "squawk"}
    for name, our_name in names.items():
        if theirs.get(name) is not None and our_name in found:
            assert (
                found[our_name] == pytest.approx(theirs[name]) if name != "squawk" else found[our_name] == theirs[name]
            )


@pytest.mark.parametrize(
    "code, knots",
    [(0, None), (1, 0), (2, 0.125), (8, 0.875), (9, 1), (12, 1.75), (13, 2), (14, 2.5), (38, 14.5), (39, 15), (93, 69),
     (94, 70), (108, 98), (109, 100), (123, 170), (124, 175), (125, None), (127, None)],
)  # fmt: skip
def test_surface_speed_follows_the_movement_table(code: int, knots: float | None) -> None:
    assert squitter.movement(code) == knots


@given(st.floats(0, 1400), st.floats(0, 359.9), st.floats(-30_000, 30_000), st.floats(-3100, 3100))
def test_velocities_survive_encoding(speed: float, track: float, rate: float, difference: float) -> None:
    message = read(encode.velocity(1, speed, track, rate, difference))
    assert isinstance(message, Message)
    assert message.groundspeed_kt == pytest.approx(speed, abs=3)
    if speed > 100:
        assert abs((message.track_deg or 0) - track + 180) % 360 - 180 == pytest.approx(0, abs=1.7)
    assert message.vertical_rate_ft_min == pytest.approx(rate, abs=32)
    assert message.geo_minus_baro_ft == pytest.approx(difference, abs=12.5)


def test_what_a_velocity_does_not_say_is_left_out() -> None:
    message = read(crc.sealed(b"\x8d\x39\x33\x22" + (19 << 51 | 1 << 48).to_bytes(7)))
    assert isinstance(message, Message)
    assert not {"groundspeed_kt", "track_deg", "vertical_rate_ft_min", "geo_minus_baro_ft"} & set(row(message))


@pytest.mark.parametrize("control, rate_is_barometric, said", [(2, True, 225), (2, False, None), (6, False, 225)])
def test_radar_traffic_says_the_gnss_difference_only_with_a_barometric_height(
    control: int, rate_is_barometric: bool, said: float | None
) -> None:
    me = int.from_bytes(encode.velocity(1, 250, 60, 0, 225)[4:11]) & ~(1 << 20) | rate_is_barometric << 20
    message = read(crc.sealed(bytes([18 << 3 | control, 1, 2, 3]) + me.to_bytes(7)))
    assert isinstance(message, Message)
    assert message.geo_minus_baro_ft == said


@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=1, max_size=8), st.sampled_from(["A3", "B6", "D0"]))
def test_callsigns_survive_encoding(callsign: str, category: str) -> None:
    message = read(encode.identification(7, callsign, category))
    assert isinstance(message, Message)
    assert (message.callsign, message.category) == (callsign, category)


@pytest.mark.parametrize(
    "frame, reason",
    [
        (b"", Reason.TRUNCATED),
        (bytes(6), Reason.TRUNCATED),
        (bytes.fromhex("8D4840D6202CC371C32CE0576099"), Reason.CHECKSUM),
        (bytes.fromhex("8D4840D6202CC3"), Reason.TRUNCATED),
        (bytes([19 << 3]) + bytes(13), Reason.UNSUPPORTED),
        (crc.sealed(bytes([18 << 3 | 4]) + bytes(10)), Reason.UNSUPPORTED),  # TIS-B management
        (crc.sealed(bytes([11 << 3, 1, 2, 3]), 80), Reason.CHECKSUM),
    ],
)
def test_a_frame_that_cannot_be_used_says_why(frame: bytes, reason: Reason) -> None:
    assert read(frame) == reason


def test_an_all_call_reply_may_carry_an_interrogator() -> None:
    message = read(crc.sealed(bytes([11 << 3 | 5, 1, 2, 3]), 17))
    assert isinstance(message, Message)
    assert (message.address, message.interrogator, message.checked, message.on_ground) == (0x010203, 17, False, False)


def test_only_the_first_half_of_a_doubled_short_reply_is_read() -> None:
    reply = crc.sealed(bytes([4 << 3, 0, 0x0A, 0x3A]), 0xABCDEF)
    assert read(reply + bytes(range(7))) == read(reply)


@pytest.mark.parametrize("control, foreign", [(0, None), (1, True), (2, None), (5, True), (6, None)])
def test_the_control_field_tells_whose_address_it_is(control: int, foreign: bool | None) -> None:
    me = encode.airborne_position(1, 49, 2, 5000, False)[4:11]
    message = read(crc.sealed(bytes([18 << 3 | control, 1, 2, 3]) + me))
    assert isinstance(message, Message)
    assert (message.foreign, message.control) == (foreign, control)
    marked = read(crc.sealed(bytes([18 << 3 | control, 1, 2, 3]) + bytes([me[0] | 1]) + me[1:]))
    assert isinstance(marked, Message)
    assert marked.foreign == (True if control else None)


def test_comm_b_registers_are_told_from_their_content_and_marked() -> None:
    def reply(content: str) -> dict[str, object]:
        message = read(crc.sealed(bytes([20 << 3, 0, 0x0A, 0x3A]) + bytes.fromhex(content), 1))
        assert isinstance(message, Message)
        return row(message)

    # Sun, The 1090 MHz Riddle, chapters 16 and 18
    assert reply("202CC371C31DE0")["callsign"] == "KLM1017"
    selected = reply("85E42F313000 00".replace(" ", ""))
    assert (selected["bds"], selected["selected_altitude_ft"], selected["pressure_setting_hpa"]) == (
        "40",
        3008.0,
        1020.0,
    )
    turn = reply("81951536E024D4")
    assert (turn["bds"], turn["groundspeed_kt"], turn["true_airspeed_kt"], turn["inferred"]) == (
        "50",
        438.0,
        424.0,
        True,
    )
    assert turn["roll_deg"] == pytest.approx(2.1, abs=0.1)
    assert turn["track_deg"] == pytest.approx(114.258, abs=0.001)
    speed = reply("A74A072BFDEFC1")
    assert (speed["bds"], speed["airspeed_kt"], speed["mach"]) == ("60", 259.0, 0.7)
    assert speed["heading_deg"] == pytest.approx(110.391, abs=0.001)
    assert "bds" not in reply("00000000000000")


def test_a_register_that_could_be_two_is_left_unnamed() -> None:
    content = int.from_bytes(bytes.fromhex("ddf95b10e25446"))  # from the recorded flight, in climb
    assert sum(fits(content) for fits, _ in commb._REGISTERS) == 2
    message = Message(20, 1, False, register=content)
    commb.infer(message, content)
    assert "inferred" not in row(message)
