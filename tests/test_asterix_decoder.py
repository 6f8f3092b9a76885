"""From ASTERIX frames to detections: what is used, what is refused, and what is remembered."""

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skywarden.errors import ConfigError
from skywarden.model.detection import Claim, Decoded, Detections, Frame, Kind, Reason
from skywarden.model.place import HeightReference, NorthReference, Sensor, Source
from skywarden.model.track import Mode
from skywarden.sensors.asterix import Asterix, encode_block
from skywarden.sensors.asterix.memory import MOST, WINDOW

NOON = 1_789_992_000 * 10**9  # ns; 21 September 2026, 12:00 UTC
SECOND = 10**9
KEPT = {Reason.DUPLICATE, Reason.SITE_UNKNOWN, Reason.NO_REFERENCE}  # understood, though not used
HERE = {"HGT_m": 100, "LAT_deg": 46.2, "LON_deg": 31.5}
WHO = {"SAC": 250, "SIC": 11}


def decoder(mode: Mode = Mode.LIVE, *sensors: Sensor, **editions: str) -> Asterix:
    return Asterix(Source(name="r", format="asterix", editions=editions), sensors, mode)


def radar(**settings: Any) -> Sensor:
    where = {"latitude": 46.2, "longitude": 31.5} | settings
    return Sensor(name="hill", source="r", sac=250, sic=11, **where)


def plot(**items: Any) -> bytes:
    record = {"010": WHO, "140": {"TOD_s": 43200}, "020": {"TYP": 1}, "040": {"RHO_NM": 10, "THETA_deg": 90}}
    return encode_block(48, [record | {name.removeprefix("i"): value for name, value in items.items()}])


def north(**items: Any) -> bytes:
    record = {"010": WHO, "000": {"TYP": 1}, "030": {"TOD_s": 43200}}
    return encode_block(34, [record | {name.removeprefix("i"): value for name, value in items.items()}])


def track(**items: Any) -> bytes:
    record = {"010": WHO, "070": {"TOD_s": 43200}, "040": {"TRN": 7}, "105": {"LAT_deg": 46.2, "LON_deg": 31.5}}
    return encode_block(62, [record | {name.removeprefix("i"): value for name, value in items.items()}])


def read(asterix: Asterix, *messages: bytes, at: int = NOON) -> Decoded:
    return asterix.decode(Frame.of("r", at, *messages))


def only(decoded: Decoded) -> Detections:
    assert len(decoded.batches) == 1, decoded
    return decoded.batches[0]


# What is in a plot


def test_a_plot_is_range_and_azimuth_and_the_rest_is_missing() -> None:
    batch = only(read(decoder(Mode.LIVE, radar(range_sigma_m=80, azimuth_sigma_deg=0.2)), plot()))
    assert batch.kind is Kind.POLAR
    assert batch.sensor == "hill"
    np.testing.assert_allclose(batch.z[0], [18520, np.pi / 2, np.nan, np.nan])
    np.testing.assert_allclose(batch.covariance[0, 0, 0], 80**2)
    np.testing.assert_allclose(batch.covariance[0, 1, 1], np.radians(0.2) ** 2)
    assert batch.time[0] == NOON
    assert batch.address[0] == -1
    assert batch.claims == ()


def test_doppler_is_range_rate_unless_it_is_doubtful() -> None:
    good, doubtful = ({"CAL": {"D": d, "CAL_m_s": -48}} for d in (0, 1))
    batch = only(read(decoder(Mode.LIVE, radar()), plot(i120=good), plot(i120=doubtful)))
    np.testing.assert_array_equal(batch.z[:, 3], [-48, np.nan])


def test_what_a_target_says_of_itself_is_a_claim() -> None:
    said = {"i220": {"ADR": "3C660C"}, "i240": {"ID": "DLH65A"}, "i070": {"MODE3A": "7700"}}
    batch = only(read(decoder(Mode.LIVE, radar()), plot(), plot(**said)))
    assert batch.address.tolist() == [-1, 0x3C660C]
    assert batch.claims == (Claim(1, "callsign", "DLH65A"), Claim(1, "squawk", "7700"))


@pytest.mark.parametrize(
    "said",
    [
        {"i070": {"V": 1, "MODE3A": "7700"}},
        {"i070": {"G": 1, "MODE3A": "7700"}},
        {"i240": {"ID": "A?C"}},
        {"i240": {"ID": ""}},
    ],
)
def test_a_doubtful_squawk_and_an_impossible_callsign_are_no_claims(said: dict[str, Any]) -> None:
    assert only(read(decoder(Mode.LIVE, radar()), plot(**said))).claims == ()


def test_flags_far_down_in_the_descriptor_are_seen() -> None:
    live = decoder(Mode.LIVE, radar())
    assert read(live, plot(i020={"TYP": 1, "TST": 1})).refused == {Reason.SIMULATED: 1}
    assert read(live, plot(i020={"TYP": 1, "TST": 0, "ADSB_EP": 1})).messages == 1


# Marks


@pytest.mark.parametrize(
    "marked", [plot(i020={"TYP": 1, "SIM": 1}), plot(i020={"TYP": 1, "TST": 1}), track(i080={"SIM": 1})]
)
def test_what_is_marked_simulated_enters_every_picture_but_a_live_one(marked: bytes) -> None:
    live = read(decoder(Mode.LIVE, radar()), marked)
    assert (live.messages, live.batches, live.refused) == (0, (), {Reason.SIMULATED: 1})
    exercise = read(decoder(Mode.EXERCISE, radar()), marked)
    assert (exercise.messages, len(only(exercise)), exercise.refused) == (1, 1, {})


def test_a_real_plot_beside_a_simulated_one_is_used() -> None:
    both = plot(i020={"TYP": 1, "SIM": 1}) + plot()
    found = read(decoder(Mode.LIVE, radar()), both)
    assert len(only(found)) == 1
    assert found.refused == {Reason.SIMULATED: 1}


@pytest.mark.parametrize(
    "items",
    [
        {"i040": None},
        {"i020": {"TYP": 0}},
        {"i020": {"TYP": 1, "RAB": 1}},
        {"i020": {"TYP": 1, "ERR": 1}},
        {"i040": {"RHO_NM": 0}},
    ],
)
def test_a_report_that_measures_no_target_is_understood_and_gives_nothing(items: dict[str, Any]) -> None:
    found = read(decoder(Mode.LIVE, radar()), plot(**items))
    assert (found.messages, found.batches, found.refused) == (1, (), {})


# Places


def test_a_radar_stands_where_it_says_when_nothing_is_configured() -> None:
    asterix = decoder()
    assert read(asterix, plot()).refused == {Reason.SITE_UNKNOWN: 1}
    assert read(asterix, north(i120=HERE)).messages == 1
    batch = only(read(asterix, plot(i161={"TRN": 1})))
    assert batch.sensor == "r/250-11"
    assert batch.place is not None
    from skywarden.geo import place

    np.testing.assert_allclose(batch.place.position, place(np.radians(46.2), np.radians(31.5), 100).position, atol=2)


def test_plots_before_the_first_place_are_not_used_however_messages_are_cut_into_frames() -> None:
    messages = (plot(i161={"TRN": 1}), north(i120=HERE), plot(i161={"TRN": 2}))
    together = read(decoder(), *messages)
    apart = decoder()
    one_by_one = [read(apart, m) for m in messages]
    assert len(only(together)) == 1 == sum(len(b) for d in one_by_one for b in d.batches)
    assert together.refused == {Reason.SITE_UNKNOWN: 1} == one_by_one[0].refused


def test_a_radar_that_says_it_has_moved_is_at_fault_and_stays_where_it_was() -> None:
    asterix = decoder()
    read(asterix, north(i120=HERE))
    near, far = HERE | {"LAT_deg": 46.203}, HERE | {"LAT_deg": 46.21}  # 330 m and 1.1 km
    assert read(asterix, north(i120=near)).refused == {}
    assert read(asterix, north(i120=far)).refused == {Reason.IMPLAUSIBLE: 1}
    assert asterix.state.places["250-11"][0] == pytest.approx(46.2, abs=1e-4)


def test_the_configured_place_holds_against_a_reported_one() -> None:
    asterix = decoder(Mode.LIVE, radar(height_m=100))
    assert read(asterix, north(i120=HERE | {"LON_deg": 31.6})).refused == {Reason.IMPLAUSIBLE: 1}
    assert read(asterix, north(i120=HERE)).refused == {}
    assert asterix.state.places == {}


def test_height_above_the_sea_and_magnetic_north_are_resolved() -> None:
    resolved = radar(height_reference=HeightReference.GEOID, north_reference=NorthReference.MAGNETIC)
    plain = only(read(decoder(Mode.LIVE, radar()), plot())).place
    turned = only(read(decoder(Mode.LIVE, resolved), plot())).place
    assert plain is not None
    assert turned is not None
    rise = np.linalg.norm(turned.position) - np.linalg.norm(plain.position)
    assert 10 < rise < 40  # the geoid on the north coast of the Black Sea
    own_north = plain.rotation @ turned.rotation[1]
    assert 4 < np.degrees(np.arctan2(own_north[0], own_north[1])) < 10  # declination, east


@pytest.mark.parametrize(
    "settings", [{"height_reference": HeightReference.GROUND}, {"north_reference": NorthReference.PLATFORM}]
)
def test_a_reference_that_cannot_be_resolved_is_refused_at_the_start(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        decoder(Mode.LIVE, radar(**settings))


def test_the_antenna_says_how_often_it_looks() -> None:
    asterix = decoder(Mode.LIVE, radar(revisit_s=10))
    assert only(read(asterix, plot())).revisit == 10
    read(asterix, north(i041={"PERIOD_s": 4}))
    assert only(read(asterix, plot(i161={"TRN": 1}))).revisit == 4
    read(asterix, north(i041={"PERIOD_s": 400}))
    assert only(read(asterix, plot(i161={"TRN": 2}))).revisit == 4


# Time


@pytest.mark.parametrize(
    ("tod", "received", "expected"),
    [
        (86399.5, 0.5, -0.5),  # from yesterday
        (0.25, -0.5, 0.25),  # the sender's clock is ahead, over midnight
        (43200, 43201, 43200),
    ],
)
def test_a_time_of_day_belongs_to_the_day_that_is_closest(tod: float, received: float, expected: float) -> None:
    midnight = NOON - 43200 * SECOND
    message = plot(i140={"TOD_s": tod})
    at = midnight + int(received * SECOND)
    batch = only(read(decoder(Mode.LIVE, radar()), message, at=at))
    assert batch.time[0] == midnight + int(expected * SECOND)
    assert Asterix.stamp(message, at) == batch.time[0]


def test_every_category_has_a_stamp_and_noise_has_none() -> None:
    assert Asterix.stamp(north(), NOON) == NOON
    assert Asterix.stamp(track(), NOON) == NOON
    assert Asterix.stamp(encode_block(65, [{"010": WHO, "000": {"TYP": 1}, "030": {"TOD_s": 43200}}]), NOON) == NOON
    assert Asterix.stamp(b"", NOON) is None
    assert Asterix.stamp(b"\x30\x00\x05\xff\x01", NOON) is None
    assert Asterix.stamp(b"\xf7\x00\x05\xff\x00", NOON) is None


# Refused


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"", Reason.MALFORMED),
        (b"\x30\x00", Reason.TRUNCATED),
        (b"\x30\x00\x02", Reason.MALFORMED),
        (b"\x00\x00\x04\x00", Reason.MALFORMED),
        (plot()[:-1], Reason.TRUNCATED),
        (plot() + b"\x00", Reason.TRUNCATED),
        (plot(i140={"TOD_s": 86400}), Reason.IMPLAUSIBLE),
        (plot(i140=None), Reason.WRONG_EDITION),
        (plot(i010=None), Reason.WRONG_EDITION),
        (plot(i090={"FL": 1501}), Reason.IMPLAUSIBLE),
        (north(i120=HERE | {"LAT_deg": 90.5}), Reason.IMPLAUSIBLE),
        (track(i105={"LAT_deg": 46, "LON_deg": 200}), Reason.IMPLAUSIBLE),
        (track(i185={"VX_m_s": 4500, "VY_m_s": 0}), Reason.IMPLAUSIBLE),
        (b"\x30\x00\x05\x80\x01", Reason.WRONG_EDITION),
        (b"\xf7\x00\x05\x80\x01", Reason.UNSUPPORTED),
    ],
)
def test_a_message_that_is_refused_does_not_touch_the_others(message: bytes, reason: Reason) -> None:
    asterix = decoder(Mode.LIVE, radar())
    found = read(asterix, plot(), message, plot(i161={"TRN": 2}))
    assert found.refused == {reason: 1}
    assert found.messages == 2
    assert len(only(found)) == 2
    rows = list(asterix.rows(Frame.of("r", NOON, message)))
    assert [row["error"] for row in rows] == [reason]


def test_a_datagram_is_refused_as_a_whole() -> None:
    assert read(decoder(Mode.LIVE, radar()), plot() + plot(i140={"TOD_s": 86400})).batches == ()


def test_a_block_of_a_category_that_is_not_read_beside_one_that_is() -> None:
    found = read(decoder(Mode.LIVE, radar()), b"\xf7\x00\x05\x80\x01" + plot())
    assert (found.messages, found.refused, len(only(found))) == (1, {}, 1)


def test_the_edition_of_a_source_decides_what_fits() -> None:
    longer = plot(i020={"TYP": 1, "ADSB_EP": 1})
    assert read(decoder(Mode.LIVE, radar(), **{"048": "1.30"}), longer).refused == {Reason.WRONG_EDITION: 1}
    assert read(decoder(Mode.LIVE, radar()), longer).refused == {}
    with pytest.raises(ConfigError, match=r"1\.32"):
        decoder(Mode.LIVE, **{"048": "2.0"})


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([34, 48, 62, 65, 247]), st.binary(max_size=60)), max_size=4))
def test_any_bytes_in_well_formed_blocks_are_counted_and_never_raise(bodies: list[tuple[int, bytes]]) -> None:
    messages = [bytes([c]) + (len(body) + 3).to_bytes(2, "big") + body for c, body in bodies]
    asterix = decoder(Mode.SIM, radar())
    frame = Frame.of("r", NOON, *messages)
    found = asterix.decode(frame)
    assert found.messages + sum(found.refused.values()) == len(messages)
    assert all((np.isfinite(b.z) | np.isnan(b.z)).all() and np.isfinite(b.covariance).all() for b in found.batches)
    refused = sum("error" in row for row in asterix.rows(frame))
    assert refused == sum(n for r, n in found.refused.items() if r not in KEPT)


def test_an_antenna_turns_as_fast_as_it_last_said() -> None:
    asterix = decoder(Mode.LIVE, radar(revisit_s=9))
    assert only(read(asterix, plot())).revisit == 9
    assert only(read(asterix, north(i041={"PERIOD_s": 4}), plot(i161={"TRN": 1}))).revisit == 4
    assert only(read(asterix, plot(i161={"TRN": 2}))).revisit == 4
    assert only(read(asterix, north(i041={"PERIOD_s": 6}), plot(i161={"TRN": 3}))).revisit == 6
    assert only(read(asterix, north(i041={"PERIOD_s": 0.1}), plot(i161={"TRN": 4}))).revisit == 6


# Copies


def test_the_same_bytes_from_a_second_network_count_once() -> None:
    asterix = decoder(Mode.LIVE, radar())
    assert read(asterix, plot(), plot()).refused == {Reason.DUPLICATE: 1}
    assert read(asterix, plot(), at=NOON + WINDOW // 2).refused == {Reason.DUPLICATE: 1}
    assert read(asterix, plot(), at=NOON + WINDOW + 1).refused == {}


def test_what_is_refused_is_not_remembered_as_seen() -> None:
    asterix = decoder(Mode.LIVE, radar())
    broken = plot(i140={"TOD_s": 86400})
    assert read(asterix, broken, broken).refused == {Reason.IMPLAUSIBLE: 2}
    assert asterix.state.seen == {}


def test_the_memory_of_copies_is_bounded() -> None:
    asterix = decoder(Mode.LIVE, radar())
    head, tail = plot()[:6], plot()[9:]  # between them the time of day
    flood = [head + (5_529_600 + n).to_bytes(3, "big") + tail for n in range(MOST + 100)]
    assert read(asterix, *flood).refused == {}
    assert MOST // 4 < len(asterix.state.seen) <= MOST
    read(asterix, plot(i161={"TRN": 1}), at=NOON + 3 * WINDOW)
    assert len(asterix.state.seen) == 1


def test_a_decoder_that_gets_its_memory_back_goes_on_alike() -> None:
    first = decoder()
    read(first, north(i120=HERE, i041={"PERIOD_s": 4}), plot())
    second = decoder()
    second.state = msgspec.msgpack.decode(msgspec.msgpack.encode(first.state), type=type(first.state))
    for message in (plot(), plot(i161={"TRN": 9})):
        a, b = read(first, message), read(second, message)
        assert a.refused == b.refused
        one, other = ([(x.z.tobytes(), x.number.tolist(), x.revisit) for x in d.batches] for d in (a, b))
        assert one == other


def test_the_number_of_a_plot_is_that_of_its_message() -> None:
    asterix = decoder(Mode.LIVE, radar())
    read(asterix, north(), north(), b"noise")
    assert only(read(asterix, b"", plot() + plot(i161={"TRN": 1}), plot())).number.tolist() == [4, 4, 5]


# Streams


def test_a_stream_is_cut_into_data_blocks() -> None:
    blocks = [plot(), north(), track()]
    whole = b"".join(blocks)
    assert Asterix.split(whole + plot()[:7]) == [len(b) for b in blocks]
    assert Asterix.split(b"\x30\x00") == []


@pytest.mark.parametrize("noise", [b"\x30\x00\x02abc", b"\x00\x00\x04abc"])
def test_noise_in_a_stream_is_given_out_and_refused(noise: bytes) -> None:
    assert Asterix.split(plot() + noise) == [len(plot()), len(noise)]
    assert read(decoder(), noise).refused == {Reason.MALFORMED: 1}
