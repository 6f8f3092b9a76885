"""What is doubted and what is remembered: jumps, second senders, addresses from parities, bounds."""

import numpy as np
from adsb_flight import (
    ADDRESS,
    NEAR,
    SECOND,
    START,
    flight,
    lines,
    make,
    one_by_one,
    only,
    position,
    rows,
    together,
    truth,
)

from skywarden import geo
from skywarden.model.detection import Reason
from skywarden.sensors.modes import aircraft, crc, encode


def line(time: int, frame: bytes) -> bytes:
    return encode.json_line(time, frame)


def replies(format_: int, content: bytes, address: int = ADDRESS) -> bytes:
    return crc.sealed(bytes([format_ << 3]) + content, address)


def test_a_pair_beyond_the_reach_of_any_receiver_is_implausible() -> None:
    high = [truth(k / 2, latitude=58.5)._replace(altitude_ft=45_000) for k in range(4)]
    far = [line(at.time, position(at, k % 2 == 1)) for k, at in enumerate(high)]
    results = one_by_one(make(near=NEAR), far)
    assert dict(results[-1].refused) == {Reason.IMPLAUSIBLE: 1}
    assert not any(r.batches for r in results)


def test_a_jump_is_implausible_and_the_true_track_goes_on() -> None:
    frames = list(flight(10))
    spoof = truth(10, latitude=49.9)
    later = [(truth(k / 2).time, position(truth(k / 2), k % 2 == 1)) for k in range(21, 25)]
    decoder = make()
    together(decoder, lines(frames))
    wrong = together(decoder, lines([(spoof.time, position(spoof, False))]))
    assert dict(wrong.refused) == {Reason.IMPLAUSIBLE: 1}
    assert len(only(together(decoder, lines(later)))) == 4


def test_a_wrong_first_position_does_not_lock_the_aircraft_out() -> None:
    decoder = make()
    wrong = truth(0, latitude=49.9)
    together(decoder, lines([(wrong.time, position(wrong, False))]))
    after = [(truth(k / 2).time, position(truth(k / 2), k % 2 == 1)) for k in range(1, 11)]
    results = one_by_one(decoder, lines(after))
    assert [len(r.batches) for r in results] == [0, 0, *[1] * 8]


def test_a_second_sender_under_the_same_address_does_not_take_over() -> None:
    decoder = make()
    together(decoder, lines(flight(10)))
    both = []
    for half in range(20, 60):
        true, false = truth(half / 2), truth(half / 2, latitude=49.6)
        both += [(true.time, position(true, half % 2 == 1)), (false.time + SECOND // 5, position(false, half % 2 == 1))]
    decoded = together(decoder, lines(both))
    assert dict(decoded.refused) == {Reason.IMPLAUSIBLE: 40}
    assert np.degrees(geo.geodetic(only(decoded).z)[0]).max() < 49.3


def test_a_reply_is_believed_only_for_an_address_that_was_sent_openly() -> None:
    squawk = encode.altitude.encode_squawk("4321")
    reply = replies(5, bytes([0, squawk >> 8, squawk & 255]))
    at, later = truth(0), truth(70)
    decoder = make()
    (before,) = rows(decoder, [line(at.time, reply)])
    assert before["address_known"] is False
    together(decoder, [line(at.time + SECOND, position(at, False)), line(at.time + 2 * SECOND, reply)])
    batch = only(together(decoder, [line(at.time + 3 * SECOND, position(at, False))]))
    assert {c.name: c.value for c in batch.claims} == {"squawk": "4321"}
    (after,) = rows(decoder, [line(later.time, reply)])
    assert after["address_known"] is False
    assert after["icao24"] == f"{ADDRESS:06x}"


def test_replies_from_nobody_are_not_remembered() -> None:
    decoder = make()
    together(decoder, [line(START, replies(4, bytes([0, 0x0A, 0x3A]), address)) for address in range(500)])
    assert decoder.state.aircraft == {}


def test_an_aircraft_unheard_for_ten_minutes_is_forgotten() -> None:
    decoder = make()
    together(decoder, lines(flight(2)))
    together(decoder, lines(flight(1, address=0x222222, latitude=49.0)))
    late = truth(0)._replace(time=START + 700 * SECOND)
    together(decoder, [line(late.time, position(late, False, 0x333333))])
    assert list(decoder.state.aircraft) == [0x333333]


def test_the_memory_is_bounded_whatever_is_sent() -> None:
    decoder = make()
    frames = [encode.identification(address, "A") for address in range(aircraft.MAX_AIRCRAFT + 500)]
    together(decoder, lines((START + k * 1000, frame) for k, frame in enumerate(frames)))
    assert len(decoder.state.aircraft) <= aircraft.MAX_AIRCRAFT + 1
    assert len(frames) - 1 in decoder.state.aircraft
    assert 0 not in decoder.state.aircraft
    assert len(decoder.state.recent) <= aircraft.MAX_RECENT
