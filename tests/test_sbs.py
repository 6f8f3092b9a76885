"""SBS lines: fields, times, positions, doubts and memory; and writing them."""

import json
from math import degrees, radians
from pathlib import Path

import numpy as np
import pytest
from adsb_flight import ADDRESS, SECOND, START, make, one_by_one, only, reborn, rows, same, together, truth
from hypothesis import given, settings
from hypothesis import strategies as st

from skywarden import geo
from skywarden.model.detection import ErrorMeaning, Frame, Reason
from skywarden.sensors.sbs import Message, Sbs, encode
from skywarden.sensors.sbs.line import parse
from skywarden.sensors.sbs.memory import MAX_AIRCRAFT, MAX_RECENT

SAMPLES = Path(__file__).parent / "samples" / "sbs"
AIRBORNE = (
    b"MSG,3,1,1,4CA2D6,1,2026/11/25,12:34:56.789,2026/11/25,12:34:56.912,,37000,,,51.45735,-1.02826,,,0,0,0,0\r\n"
)
AT = 1_795_610_096_789_000_000  # 2026-11-25 12:34:56.789 UTC


def placed(seconds: float, latitude: float = 49.2, address: int = ADDRESS) -> bytes:
    at = truth(seconds, latitude=latitude)
    return encode(
        Message(3, address, at.time, altitude_ft=at.altitude_ft, latitude=at.latitude, longitude=at.longitude)
    )


def test_the_sample_gives_what_was_flown() -> None:
    expected = json.loads((SAMPLES / "flight.expected.json").read_text())
    lines = (SAMPLES / "flight.csv").read_bytes().splitlines(keepends=True)
    decoded = together(make("sbs"), lines)
    batch = only(decoded)
    latitude, longitude, height = geo.geodetic(batch.z)
    assert decoded.messages == expected["messages"]
    assert batch.time.tolist() == [p["time"] for p in expected["positions"]]
    assert np.degrees(latitude) == pytest.approx([p["latitude"] for p in expected["positions"]], abs=1e-6)
    assert np.degrees(longitude) == pytest.approx([p["longitude"] for p in expected["positions"]], abs=1e-6)
    above = height - geo.geoid_height(latitude, longitude)
    assert above == pytest.approx([p["altitude_ft"] * 0.3048 for p in expected["positions"]], abs=0.5)
    assert {c.value for c in batch.claims if c.name == "callsign"} == {expected["callsign"]}


def test_a_line_gives_place_time_height_and_assumed_errors() -> None:
    batch = only(together(make("sbs"), [AIRBORNE]))
    latitude, longitude, height = (float(v[0]) for v in geo.geodetic(batch.z))
    assert (degrees(latitude), degrees(longitude)) == pytest.approx((51.45735, -1.02826), abs=1e-7)
    assert height == pytest.approx(37_000 * 0.3048 + float(geo.geoid_height(latitude, longitude)), abs=0.01)
    assert batch.time.tolist() == [AT]
    assert batch.address.tolist() == [0x4CA2D6]
    assert batch.error_meaning is ErrorMeaning.ASSUMED
    assert batch.roots == ("adsb",)
    axes = geo.east_north_up(radians(51.45735), radians(-1.02826))
    assert axes @ batch.covariance[0] @ axes.T == pytest.approx(np.diag([2500, 2500, 22_500]), abs=1e-6)


def test_a_row_says_what_the_line_says_and_no_more() -> None:
    assert rows(make("sbs"), [AIRBORNE]) == [
        {
            "time": AT,
            "source": "receiver",
            "icao24": "4ca2d6",
            "type": 3,
            "altitude_ft": 37_000,
            "latitude": 51.45735,
            "longitude": -1.02826,
            "alert": False,
            "emergency": False,
            "ident": False,
            "on_ground": False,
        }
    ]


def test_the_time_logged_stands_in_when_the_time_made_is_missing() -> None:
    line = AIRBORNE.replace(b"2026/11/25,12:34:56.789,", b",,")
    assert Sbs.stamp(line, 0) == AT + 123_000_000
    assert Sbs.stamp(AIRBORNE, 0) == AT
    assert Sbs.stamp(b"MSG,3", 0) is None
    assert Sbs.stamp(b"\xff\xfe", 0) is None


def test_claims_of_other_lines_go_with_later_positions() -> None:
    start = truth(0).time
    lines = [
        placed(0),
        encode(Message(1, ADDRESS, start, callsign="SWR123")),
        encode(Message(6, ADDRESS, start, squawk="7700", emergency=True)),
        placed(1),
        encode(Message(6, ADDRESS, start + SECOND, squawk="1000", emergency=False)),
        placed(2),
    ]
    batch = only(together(make("sbs"), lines))
    said = [{c.name: c.value for c in batch.claims if c.index == index} for index in range(3)]
    assert said[0] == {}
    assert said[1] == {"callsign": "SWR123", "squawk": "7700", "emergency": "general"}
    assert said[2] == {"callsign": "SWR123", "squawk": "1000"}
    assert batch.subject.tolist() == [ADDRESS] * 3
    assert batch.number.tolist() == [0, 3, 5]


def test_altitude_may_come_in_another_line_and_is_not_zero_when_unknown() -> None:
    at = truth(0)
    bare = Message(3, ADDRESS, at.time, latitude=at.latitude, longitude=at.longitude)
    unknown = only(together(make("sbs"), [encode(bare)]))
    assert np.trace(unknown.covariance[0]) > 2900**2
    for age, sigma in ((60, 150), (61, 3000)):
        level = encode(Message(5, ADDRESS, at.time - age * SECOND, altitude_ft=20_000))
        known = only(together(make("sbs"), [level, encode(bare)]))
        assert np.trace(known.covariance[0]) == pytest.approx(2 * 50**2 + sigma**2)
        assert geo.geodetic(known.z)[2][0] == pytest.approx(20_000 * 0.3048 if age == 60 else 5000, abs=80)


@pytest.mark.parametrize(
    "line, reason",
    [
        (b"\n", Reason.MALFORMED),
        (b"MSG,3\n", Reason.TRUNCATED),
        (b"STA,,5,179,400AE7,10103,2008/11/28,14:58:51.153,2008/11/28,14:58:51.153,RM\r\n", Reason.UNSUPPORTED),
        (AIRBORNE.replace(b"MSG,3", b"MSG,9"), Reason.MALFORMED),
        (AIRBORNE.replace(b"4CA2D6", b"4CA2D6F"), Reason.MALFORMED),
        (AIRBORNE.replace(b"4CA2D6", b"-1"), Reason.MALFORMED),
        (AIRBORNE.replace(b"2026/11/25", b""), Reason.MALFORMED),
        (AIRBORNE.replace(b"2026/11/25", b"9999/11/25"), Reason.MALFORMED),
        (AIRBORNE.replace(b"37000", b"high"), Reason.MALFORMED),
        (AIRBORNE.replace(b"51.45735", b"151.4"), Reason.IMPLAUSIBLE),
        (AIRBORNE.replace(b"51.45735", b"nan"), Reason.IMPLAUSIBLE),
        (AIRBORNE.replace(b"37000", b"inf"), Reason.IMPLAUSIBLE),
        (AIRBORNE.replace(b"MSG", b"MSG\xff"), Reason.MALFORMED),
        (b"x" * 65_536, Reason.OVERSIZE),
    ],
)
def test_a_line_that_cannot_be_used_says_why(line: bytes, reason: Reason) -> None:
    assert dict(together(make("sbs"), [line]).refused) == {reason: 1}
    assert rows(make("sbs"), [line])[0]["error"] == reason.value


def test_the_same_line_again_is_a_duplicate() -> None:
    assert dict(together(make("sbs"), [AIRBORNE, AIRBORNE]).refused) == {Reason.DUPLICATE: 1}


def test_a_jump_is_refused_until_it_is_insisted_on() -> None:
    decoder = make("sbs")
    assert [len(r.batches) for r in one_by_one(decoder, [placed(0), placed(1, 50.0), placed(2)])] == [1, 0, 1]
    insisting = one_by_one(decoder, [placed(k, 50.0) for k in range(3, 8)])
    assert [len(r.batches) for r in insisting] == [0, 0, 1, 1, 1]
    assert dict(insisting[0].refused) == {Reason.IMPLAUSIBLE: 1}


def test_the_memory_is_bounded() -> None:
    decoder = make("sbs")
    together(decoder, [encode(Message(8, a, START + a * 1_000_000)) for a in range(MAX_AIRCRAFT + 300)])
    assert len(decoder.state.aircraft) <= MAX_AIRCRAFT + 1
    assert len(decoder.state.recent) <= MAX_RECENT
    together(decoder, [encode(Message(8, 5, START + 3600 * SECOND))])
    assert list(decoder.state.aircraft) == [5]


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(1, 8), max_size=12))
def test_pieces_and_restarts_change_nothing(pieces: list[int]) -> None:
    lines = [placed(k, latitude, address) for k in range(20) for latitude, address in ((49.2, 1), (49.6, 2))]
    whole = one_by_one(make("sbs"), lines)
    decoder, start = make("sbs"), 0
    places = []
    for length in [*pieces, len(lines)]:
        decoder = reborn(decoder, "sbs")
        decoded = decoder.decode(Frame.of("receiver", START, *lines[start : start + length]))
        places += [b.z for b in decoded.batches]
        start += length
    assert np.concatenate(places) == pytest.approx(np.concatenate([r.batches[0].z for r in whole]), abs=1e-6)
    assert same(decoder.decode(Frame.of("receiver", START, lines[0])), together(reborn(decoder, "sbs"), lines[:1]))


numbers = st.one_of(st.none(), st.integers(-1000, 40_000).map(float))
flags = st.one_of(st.none(), st.booleans())


@given(
    st.builds(
        Message,
        type=st.integers(1, 8),
        address=st.integers(0, (1 << 24) - 1),
        time=st.integers(0, 4_000_000_000_000).map(lambda ms: ms * 1_000_000),
        callsign=st.one_of(st.none(), st.text("ABC123", min_size=1, max_size=8)),
        altitude_ft=numbers,
        groundspeed_kt=numbers,
        latitude=st.one_of(st.none(), st.integers(-90_000_000, 90_000_000).map(lambda n: n / 1e6)),
        longitude=st.one_of(st.none(), st.integers(-180_000_000, 180_000_000).map(lambda n: n / 1e6)),
        vertical_rate_ft_min=numbers,
        squawk=st.one_of(st.none(), st.text("01234567", min_size=4, max_size=4)),
        alert=flags,
        emergency=flags,
        ident=flags,
        on_ground=flags,
    )
)
def test_what_is_written_is_read(message: Message) -> None:
    assert parse(encode(message)) == message


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.one_of(st.binary(max_size=150), st.text("MSG,13-.:/0a\n", max_size=150).map(str.encode)), max_size=5)
)
def test_any_bytes_are_counted_and_never_raise(lines: list[bytes]) -> None:
    decoded = together(make("sbs"), lines)
    assert decoded.messages + sum(decoded.refused.values()) == len(lines)
    found = rows(make("sbs"), lines)
    assert len(found) == len(lines)
    json.dumps(found)


@settings(max_examples=500, deadline=None)
@given(st.integers(0, 21), st.text("0123456789-+.eEinfa_:/ ", max_size=12))
def test_any_field_may_be_wrong(place: int, text: str) -> None:
    fields = AIRBORNE.decode().strip().split(",")
    fields[place] = text
    decoded = together(make("sbs"), [",".join(fields).encode()])
    assert decoded.messages + sum(decoded.refused.values()) == 1
    for batch in decoded.batches:
        assert np.isfinite(batch.z).all()


def test_lines_are_split_at_their_ends() -> None:
    assert Sbs.split(AIRBORNE + AIRBORNE[:20]) == [len(AIRBORNE)]
    assert Sbs.split(b"x" * 70_000 + b"\n") == [65_536, 4_465]
