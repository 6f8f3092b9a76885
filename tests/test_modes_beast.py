"""Beast messages: framing, escapes, times of receipt."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from adsb_flight import (
    ADDRESS,
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
    together,
    truth,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from skywarden import geo
from skywarden.model.detection import Frame, Reason, TimeKind
from skywarden.sensors.modes import Beast, encode
from skywarden.sensors.modes.beast import MAX_NOISE, parse

SAMPLES = Path(__file__).parent / "samples" / "beast"

frames = st.sampled_from([2, 7, 14]).flatmap(lambda n: st.binary(min_size=n, max_size=n))
messages = st.builds(encode.beast_message, frames, st.integers(0, 2**48 - 1), st.integers(0, 255))
awkward = st.lists(st.sampled_from([0x1A, 0x31, 0x32, 0x33, 0x34, 0x00]), max_size=60).map(bytes)


def cut(stream: bytes) -> list[bytes]:
    """Return the messages of a stream, without the rest that waits."""
    ends = np.cumsum([0, *Beast.split(stream)]).tolist()
    return [stream[a:b] for a, b in pairwise(ends)]


def counted(at: int) -> int:
    return (at - START) * 12 // 1000


def test_the_sample_gives_what_was_flown() -> None:
    expected = json.loads((SAMPLES / "flight.expected.json").read_text())
    decoded = together(make("beast"), cut((SAMPLES / "flight.bin").read_bytes()))
    batch = only(decoded)
    latitude, longitude, _ = np.degrees(geo.geodetic(batch.z))
    assert decoded.messages == expected["messages"]
    assert latitude == pytest.approx([p["latitude"] for p in expected["positions"]], abs=3e-5)
    assert longitude == pytest.approx([p["longitude"] for p in expected["positions"]], abs=5e-5)


def test_beast_and_lines_of_one_flight_give_the_same_places() -> None:
    said = list(flight(20))
    beast = only(together(make("beast"), [encode.beast_message(frame, counted(at)) for at, frame in said]))
    text = only(together(make(), lines(said)))
    assert np.array_equal(beast.z, text.z)
    assert np.array_equal(beast.covariance, text.covariance)
    assert beast.claims == text.claims


def test_the_time_is_that_of_receipt_and_says_so() -> None:
    at = truth(0)
    batch = only(together(make("beast"), [encode.beast_message(position(at, False), 12_000_000)], START + 5))
    assert batch.time.tolist() == [START + 5]
    assert batch.time_kind is TimeKind.RECEIPT
    assert batch.time_sigma.tolist() == [0.2]
    assert Beast.stamp(encode.beast_message(position(at, False), 12_000_000), START) is None


@pytest.mark.parametrize("counting", [True, False])
def test_a_counter_that_stands_still_does_not_hinder(counting: bool) -> None:
    decoder = make("beast", near=None)
    for at, frame in flight(30):
        decoded = decoder.decode(Frame.of("receiver", at, encode.beast_message(frame, counted(at) if counting else 0)))
        assert set(decoded.refused) <= {Reason.NO_REFERENCE}
    assert len(decoder.state.aircraft) == 1


def test_a_recording_read_at_once_is_spaced_by_the_counter() -> None:
    said = [(at, frame) for at, frame in flight(60) if not 10 <= (at - START) / SECOND < 35]
    decoded = together(make("beast"), [encode.beast_message(frame, counted(at)) for at, frame in said])
    assert dict(decoded.refused) == {}
    still = together(make("beast"), [encode.beast_message(frame) for _, frame in said])
    assert dict(still.refused) == {Reason.IMPLAUSIBLE: 2}


def test_mode_a_c_replies_are_understood_and_name_nobody() -> None:
    decoded = together(make("beast"), [encode.beast_message(b"\x12\x34")])
    assert (decoded.messages, decoded.batches) == (1, ())


def test_the_same_counter_and_frame_again_is_a_duplicate() -> None:
    message = encode.beast_message(position(truth(0), False), 77)
    assert dict(together(make("beast"), [message, message]).refused) == {Reason.DUPLICATE: 1}
    unclocked = encode.beast_message(position(truth(0), False), 0)
    assert dict(together(make("beast"), [unclocked, unclocked]).refused) == {}


@given(st.lists(messages, max_size=8))
def test_whole_messages_are_found_whatever_is_in_them(sent: list[bytes]) -> None:
    assert cut(b"".join(sent)) == sent
    assert not any(isinstance(parse(message), Reason) for message in sent)


@given(frames, st.integers(0, 2**48 - 1))
def test_what_is_sent_is_read(frame: bytes, counter: int) -> None:
    found = parse(encode.beast_message(frame, counter))
    assert not isinstance(found, Reason)
    assert (found.frame, found.counter) == (frame, counter)


@settings(max_examples=300)
@given(st.lists(st.one_of(messages, awkward, st.binary(max_size=30)), max_size=8).map(b"".join), st.data())
def test_a_stream_splits_the_same_wherever_it_is_cut(stream: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(stream)))
    first = Beast.split(stream[:at])
    assert first + Beast.split(stream[sum(first) :]) == Beast.split(stream)
    assert sum(Beast.split(stream)) <= len(stream)


def test_noise_between_messages_is_given_out_and_refused() -> None:
    good = encode.beast_message(position(truth(0), False), 5)
    stream = b"noise" + good + good[:9] + good + b"\x1a4status" + good
    found = cut(stream)
    assert b"".join(found) == stream
    assert found == [b"noise", good, good[:9], good, b"\x1a4status", good]
    decoded = together(make("beast"), found)
    assert dict(decoded.refused) == {
        Reason.MALFORMED: 1,
        Reason.TRUNCATED: 1,
        Reason.UNSUPPORTED: 1,
        Reason.DUPLICATE: 2,
    }
    assert "error" in rows(make("beast"), found)[0]


def test_endless_noise_does_not_wait_for_ever() -> None:
    assert Beast.split(bytes(MAX_NOISE - 1)) == []
    assert Beast.split(bytes(2 * MAX_NOISE + 5)) == [MAX_NOISE, MAX_NOISE]
    assert dict(together(make("beast"), [bytes(MAX_NOISE)]).refused) == {Reason.OVERSIZE: 1}


def test_a_restart_changes_nothing() -> None:
    said = [encode.beast_message(frame, counted(at)) for at, frame in flight(30)]
    steady = one_by_one(make("beast"), said)
    decoder = make("beast")
    for message, result in zip(said, steady, strict=True):
        decoder = reborn(decoder, "beast")
        assert same(decoder.decode(Frame.of("receiver", START, message)), result)
    assert ADDRESS in decoder.state.aircraft
    assert sum(len(r.batches) for r in steady) == 60


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=60), awkward, messages), max_size=6), st.integers(0, 2**62))
def test_any_bytes_are_counted_and_never_raise(sent: list[bytes], received: int) -> None:
    frame = Frame.of("receiver", received, *sent)
    decoded = make("beast").decode(frame)
    assert decoded.messages + sum(decoded.refused.values()) == len(sent)
    found = list(make("beast").rows(frame))
    assert len(found) == len(sent)
    json.dumps(found)


def test_receipts_seconds_late_do_not_break_the_track() -> None:
    decoder = make("beast")
    for at, frame in flight(20):
        late = at + (SECOND if at % (3 * SECOND) == 0 else 0)
        decoded = decoder.decode(Frame.of("receiver", late, encode.beast_message(frame, counted(at))))
        assert dict(decoded.refused) == {}
