"""Mode S as JSON lines, from bytes to detections: positions, errors, claims, doubts and memory."""

import json
from math import degrees, radians
from pathlib import Path

import numpy as np
import pytest
from adsb_flight import (
    ADDRESS,
    CALLSIGN,
    NEAR,
    SECOND,
    START,
    flight,
    lines,
    make,
    one_by_one,
    only,
    position,
    reborn,
    rows,
    same,
    sensor,
    together,
    truth,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from skywarden import geo
from skywarden.model.detection import NO_ADDRESS, ErrorMeaning, Frame, Kind, Reason
from skywarden.model.place import Source
from skywarden.model.track import Mode
from skywarden.sensors.modes import ModeS, crc, encode

SAMPLES = Path(__file__).parent / "samples" / "modes"
FEET = 0.3048


def line(time: int, frame: bytes) -> bytes:
    return encode.json_line(time, frame)


def test_the_sample_gives_what_was_flown() -> None:
    expected = json.loads((SAMPLES / "flight.expected.json").read_text())
    data = (SAMPLES / "flight.jsonl").read_bytes()
    messages = [data[a : a + n] for a, n in starts(ModeS.split(data))]
    decoded = together(make(), messages)
    batch = only(decoded)
    assert decoded.messages == expected["messages"]
    latitude, longitude, height = geo.geodetic(batch.z)
    for index, at in enumerate(expected["positions"]):
        assert batch.time[index] == at["time"]
        assert degrees(latitude[index]) == pytest.approx(at["latitude"], abs=3e-5)
        assert degrees(longitude[index]) == pytest.approx(at["longitude"], abs=5e-5)
    assert height[-1] == pytest.approx(expected["positions"][-1]["height_m"], abs=5)
    assert {c.value for c in batch.claims if c.name == "callsign"} == {expected["callsign"]}


def starts(lengths: list[int]) -> list[tuple[int, int]]:
    return list(zip(np.cumsum([0, *lengths[:-1]]).tolist(), lengths, strict=True))


def test_a_flight_is_followed_to_a_few_metres() -> None:
    batch = only(together(make(), lines(flight(60))))
    assert batch.kind is Kind.POSITION
    assert len(batch) == 120
    for index in range(120):
        at = truth(index / 2)
        level = geo.ecef(radians(at.latitude), radians(at.longitude), geo.geodetic(batch.z[index])[2])
        assert np.linalg.norm(batch.z[index] - level) < 6
    assert (batch.address == ADDRESS).all()
    assert batch.roots == ("adsb",)
    assert batch.error_meaning is ErrorMeaning.PERCENT_95


def test_height_is_barometric_until_the_aircraft_says_how_far_that_is_off() -> None:
    first, at = truth(0), truth(5)
    said = [line(first.time, position(first, False)), line(at.time, encode.velocity(ADDRESS, 250, 60, 0, 225))]
    batch = only(together(make(), [*said, line(at.time, position(at, True))]))
    height = geo.geodetic(batch.z)[2]
    undulation = float(geo.geoid_height(radians(first.latitude), radians(first.longitude)))
    assert height[0] == pytest.approx(first.altitude_ft * FEET + undulation, abs=0.1)
    assert height[1] == pytest.approx((at.altitude_ft + 225) * FEET, abs=0.1)
    assert vertical_sigma(batch.z, batch.covariance) == pytest.approx([150, 30])


def test_a_gnss_height_needs_no_correction() -> None:
    at = truth(0)
    me = 20 << 51 | int.from_bytes(position(at, False)[4:11]) & ((1 << 51) - 1)
    frame = crc.sealed(position(at, False)[:4] + me.to_bytes(7))
    batch = only(together(make(), [line(at.time, frame)]))
    assert geo.geodetic(batch.z)[2][0] == pytest.approx(at.altitude_ft * FEET, abs=0.1)
    assert vertical_sigma(batch.z, batch.covariance) == pytest.approx([30])


def test_a_correction_older_than_a_minute_is_not_used() -> None:
    first, at = truth(0), truth(61)
    said = [line(first.time, encode.velocity(ADDRESS, 250, 60, 0, 225)), line(at.time, position(at, True))]
    batch = only(together(make(), said))
    assert vertical_sigma(batch.z, batch.covariance) == pytest.approx([150])


def vertical_sigma(z: np.ndarray, covariance: np.ndarray) -> list[float]:
    latitude, longitude, _ = geo.geodetic(z)
    up = geo.east_north_up(latitude, longitude)[:, 2]
    return np.sqrt(np.einsum("ni,nij,nj->n", up, covariance, up)).tolist()


@pytest.mark.parametrize("nacp, sigma", [(None, 92.6 / 2.45), (10, 10), (8, 92.6 / 2.45), (5, 926 / 2.45)])
def test_the_level_error_is_what_the_aircraft_says(nacp: int | None, sigma: float) -> None:
    at = truth(0)
    said = [] if nacp is None else [line(at.time, encode.operational_status(ADDRESS, nacp))]
    batch = only(together(make(), [*said, line(at.time, position(at, False))]))
    axes = geo.east_north_up(radians(at.latitude), radians(at.longitude))
    level = (axes @ batch.covariance[0] @ axes.T)[:2, :2]
    assert level == pytest.approx(np.diag([max(sigma, 10) ** 2] * 2), rel=1e-6, abs=1e-6)


def test_positions_of_one_aircraft_in_one_frame_are_of_one_subject() -> None:
    one, two = list(flight(2)), list(flight(2, address=0x111111, latitude=49.5))
    batch = only(together(make(), lines(sorted([*one, *two]))))
    assert np.array_equal(batch.subject, batch.address)
    assert sorted(batch.subject.tolist()) == sorted([ADDRESS, 0x111111] * 4)


def test_a_detection_knows_which_message_it_was() -> None:
    batch = only(together(make(), [b"{}\n", *lines(flight(1))]))
    assert batch.number.tolist() == [1, 3]


def test_what_an_aircraft_says_of_itself_goes_with_its_positions() -> None:
    at = truth(1)
    frames = [
        encode.identification(ADDRESS, CALLSIGN),
        encode.emergency(ADDRESS, 5, "7500"),
        position(at, False),
        encode.emergency(ADDRESS, 0, "1000"),
        position(truth(2), True),
    ]
    batch = only(together(make(), [line(at.time + k * 1000, frame) for k, frame in enumerate(frames)]))
    said = [{c.name: c.value for c in batch.claims if c.index == index} for index in (0, 1)]
    assert said[0] == {"callsign": CALLSIGN, "squawk": "7500", "emergency": "unlawful interference"}
    assert said[1] == {"callsign": CALLSIGN, "squawk": "1000"}
    assert not any(c.authenticated for c in batch.claims)


def test_without_a_receiver_the_first_position_waits_for_its_pair() -> None:
    results = one_by_one(
        make(near=None), lines((truth(k / 2).time, position(truth(k / 2), k % 2 == 1)) for k in (0, 1, 2))
    )
    assert dict(results[0].refused) == {Reason.NO_REFERENCE: 1}
    assert results[0].messages == 0
    assert [len(only(r)) for r in results[1:]] == [1, 1]


def test_halves_more_than_ten_seconds_apart_are_no_pair() -> None:
    results = one_by_one(
        make(near=None),
        [line(truth(0).time, position(truth(0), False)), line(truth(11).time, position(truth(11), True))],
    )
    assert [dict(r.refused) for r in results] == [{Reason.NO_REFERENCE: 1}] * 2


def test_a_receiver_resolves_a_single_position_only_where_no_other_is_above_its_horizon() -> None:
    def first(north: float, altitude_ft: float) -> int:
        frame = encode.airborne_position(ADDRESS, NEAR[0] + north, NEAR[1], altitude_ft, False)
        return together(make(), [line(START, frame)]).messages

    assert first(2.5, 3000) == 1  # 278 km: the other place with this message is 389 km off, below the horizon
    assert first(2.5, 45_000) == 0
    assert first(1.0, 45_000) == 1


def test_a_surface_position_needs_a_place_to_start_from() -> None:
    frame = encode.surface_position(ADDRESS, 49.0058, 2.5735, 90, False)
    assert dict(together(make(near=None), [line(START, frame)]).refused) == {Reason.NO_REFERENCE: 1}
    batch = only(together(make(), [line(START, frame)]))
    latitude, longitude, _ = geo.geodetic(batch.z)
    assert degrees(latitude[0]) == pytest.approx(49.0058, abs=1e-5)
    assert degrees(longitude[0]) == pytest.approx(2.5735, abs=2e-5)
    assert vertical_sigma(batch.z, batch.covariance) == pytest.approx([150])


def test_a_landing_without_receiver_goes_on_from_the_last_place_in_the_air() -> None:
    air = [line(truth(k / 2).time, position(truth(k / 2), k % 2 == 1)) for k in (0, 1)]
    at = truth(30)
    down = line(at.time, encode.surface_position(ADDRESS, at.latitude, at.longitude, 90, False))
    batch = only(together(make(near=None), [*air, down]))
    assert degrees(geo.geodetic(batch.z)[0][-1]) == pytest.approx(at.latitude, abs=1e-5)


def test_an_address_outside_the_icao_plan_is_not_claimed_as_one() -> None:
    at = truth(0)
    me = position(at, False)[4:11]
    foreign = crc.sealed(bytes([18 << 3 | 5]) + ADDRESS.to_bytes(3) + me)
    batch = only(together(make(), [line(at.time, foreign)]))
    assert batch.address.tolist() == [NO_ADDRESS]
    assert batch.claims == ()


@pytest.mark.parametrize("mode, refused", [(Mode.LIVE, {Reason.SIMULATED: 1}), (Mode.SIM, {})])
def test_a_test_message_stays_out_of_a_live_picture(mode: Mode, refused: dict[str, int]) -> None:
    frame = crc.sealed(bytes([17 << 3 | 5]) + ADDRESS.to_bytes(3) + bytes([23 << 3]) + bytes(6))
    decoded = together(make(mode=mode), [line(START, frame)])
    assert dict(decoded.refused) == refused
    assert decoded.messages == 1 - sum(refused.values())


def test_the_same_line_again_is_a_duplicate_and_the_same_frame_later_is_not() -> None:
    at = truth(0)
    first, later = line(at.time, position(at, False)), line(at.time + SECOND, position(at, False))
    decoded = together(make(), [first, first, later])
    assert dict(decoded.refused) == {Reason.DUPLICATE: 1}
    assert len(only(decoded)) == 2


@pytest.mark.parametrize(
    "text, reason",
    [
        (b"\n", Reason.MALFORMED),
        (b'{"timestamp": 1790000000, "frame": "8d"}\n', Reason.TRUNCATED),
        (b'{"timestamp": 1, "frame": "xx"}\n', Reason.MALFORMED),
        (b'{"timestamp": 1, "frame": "' + b"00" * 15 + b'"}\n', Reason.MALFORMED),
        (b'{"timestamp": 1e30, "frame": "8D4840D6202CC371C32CE0576098"}\n', Reason.MALFORMED),
        (b'{"timestamp": -1, "frame": "8D4840D6202CC371C32CE0576098"}\n', Reason.MALFORMED),
        (b'{"timestamp": 1790000000, "frame": "8D4840D6202CC371C32CE0576099"}\n', Reason.CHECKSUM),
        (b'{"timestamp": 1, "frame": "\xff"}\n', Reason.MALFORMED),
        (b"x" * 65_536, Reason.OVERSIZE),
        (b'{"timestamp": 1, "frame": "8D4840D6202CC371C32CE0576098"}\n', Reason.MALFORMED),
    ],
)
def test_a_line_that_cannot_be_used_says_why(text: bytes, reason: Reason) -> None:
    assert dict(together(make(), [text]).refused) == {reason: 1}
    assert rows(make(), [text])[0]["error"] == reason.value


def test_other_fields_of_a_line_are_not_read() -> None:
    at = truth(0)
    bare = json.loads(line(at.time, position(at, False)))
    full = json.dumps({**bare, "latitude": 1.0, "altitude": "nonsense", "icao24": 7}).encode()
    assert same(together(make(), [full]), together(make(), [json.dumps(bare).encode()]))


def test_a_row_keeps_what_is_known_when_the_position_is_not() -> None:
    at = truth(0)
    (row,) = rows(make(near=None), [line(at.time, position(at, False))])
    assert row["error"] == "no reference"
    assert row["altitude_ft"] == at.altitude_ft
    assert "latitude" not in row
    json.dumps(row)


def test_a_single_configured_sensor_gives_its_name() -> None:
    source = Source(name="receiver", format="modes", latitude=NEAR[0], longitude=NEAR[1])
    decoder = ModeS(source, (sensor("mast"),), Mode.LIVE)
    assert only(together(decoder, lines(flight(1)))).sensor == "mast"
    assert only(together(make(), lines(flight(1)))).sensor == "receiver"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 60), max_size=6), st.integers(0, 2**31))
def test_pieces_and_restarts_change_nothing(pieces: list[int], seed: int) -> None:
    random = np.random.default_rng(seed)
    messages = lines(sorted([*flight(8), *flight(8, address=0x222222, latitude=49.6)]))
    swapped = random.permutation(len(messages))[:6]
    for one, two in zip(swapped[:3], swapped[3:], strict=True):
        messages[one], messages[two] = messages[two], messages[one]
    whole = one_by_one(make(), messages)
    decoder, start, parts = make(), 0, []
    for length in [*pieces, len(messages)]:
        part = messages[start : start + length]
        decoder = reborn(decoder)
        parts.append(decoder.decode(Frame.of("receiver", START, *part)))
        start += length
    assert sum(r.messages for r in whole) == sum(r.messages for r in parts)
    cut = [b for r in parts for b in r.batches]
    single = [b for r in whole for b in r.batches]
    assert np.array_equal(np.concatenate([b.time for b in cut]), np.concatenate([b.time for b in single]))
    assert np.concatenate([b.z for b in cut]) == pytest.approx(np.concatenate([b.z for b in single]), abs=1e-6)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=200), max_size=5), st.integers(0, 2**62))
def test_any_bytes_are_counted_and_never_raise(messages: list[bytes], received: int) -> None:
    frame = Frame.of("receiver", received, *messages)
    decoded = make().decode(frame)
    assert decoded.messages + sum(decoded.refused.values()) == len(messages)
    found = list(make().rows(frame))
    assert len(found) == len(messages)
    json.dumps(found)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 8e9), st.binary(min_size=7, max_size=14), st.booleans()), max_size=8))
def test_any_frames_are_counted_and_give_finite_positions(frames: list[tuple[float, bytes, bool]]) -> None:
    sealed = [(t, crc.sealed(bytes([0x8D, *data[:3], *data[:7]])) if seal else data) for t, data, seal in frames]
    messages = [json.dumps({"timestamp": t, "frame": data.hex()}).encode() for t, data in sealed]
    decoded = together(make(), messages)
    assert decoded.messages + sum(decoded.refused.values()) == len(messages)
    for batch in decoded.batches:
        assert np.isfinite(batch.z).all()
        assert (np.linalg.eigvalsh(batch.covariance) > 0).all()
    json.dumps(rows(make(), messages))


@given(st.lists(st.binary(max_size=40).map(lambda b: b + b"\n"), max_size=6), st.binary(max_size=30), st.data())
def test_a_stream_splits_the_same_wherever_it_is_cut(whole: list[bytes], tail: bytes, data: st.DataObject) -> None:
    stream = b"".join(whole) + tail.replace(b"\n", b"")
    at = data.draw(st.integers(0, len(stream)))
    first = ModeS.split(stream[:at])
    rest = ModeS.split(stream[sum(first) :])
    assert first + rest == ModeS.split(stream)
    assert stream.endswith(stream[sum(first) + sum(rest) :])


def test_an_endless_line_is_given_out_to_be_refused() -> None:
    assert ModeS.split(b"x" * 65_535) == []
    assert ModeS.split(b"x" * 70_000 + b"\n") == [65_536, 4_465]


def test_a_line_knows_its_time() -> None:
    assert ModeS.stamp(b'{"timestamp": 1720248189.525094, "frame": ""}\n', 0) == pytest.approx(
        1720248189525094000, abs=500
    )
    assert ModeS.stamp(b"nonsense", 0) is None
    assert ModeS.stamp(b'{"timestamp": 1e300}', 0) is None
