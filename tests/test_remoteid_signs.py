"""What frames of Remote ID contradict: who shows a sign, who never does, and how the detections say so."""

from collections.abc import Iterable, Iterator

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from remoteid_flight import SECOND, SENDER, START, claim, claims, foreign, make

from skywarden.model.detection import Decoded, Frame
from skywarden.model.place import Sensor
from skywarden.model.track import Mode
from skywarden.sensors.remoteid import encode, wifi
from skywarden.sensors.remoteid.decoder import RemoteId
from skywarden.sensors.remoteid.memory import MAX_SENDERS, State
from skywarden.sensors.remoteid.signs import Sign

OTHER = bytes.fromhex("02534b590066")
LATE = (0.0, 0.2, 0.4, 0.6)  # s
MARKS = [Sensor(name=name, source="mast", latitude=36.0, longitude=-33.0) for name in ("one", "two")]


def stamped(frame: bytes, clock: int = 0, sequence: int | None = None) -> bytes:
    """Return a frame of Wi-Fi with another beacon clock, us, and sequence number."""
    inside = bytearray(frame[16:-4])
    if sequence is not None:
        inside[22:24] = (sequence % 4096 << 4).to_bytes(2, "little")
    inside[24:32] = clock.to_bytes(8, "little")
    return frame[:16] + wifi.sealed(bytes(inside))


def sent(second: float, counter: int, clock: int = 0, sequence: int | None = None, **changed: object) -> bytes:
    """Return a beacon as a line. Without a word: as an aircraft flies, place and time on."""
    at = claim(second, **changed)
    frame = encode.wifi_beacon(at.sender, counter, encode.pack(*encode.messages(at)[:-1]))
    return heard(second, stamped(frame, clock, sequence))


def heard(second: float, frame: bytes, receiver: str = "", link: int = encode.WIFI) -> bytes:
    return encode.line(START + round(second * SECOND), link, frame, receiver)


def decoded(lines: Iterable[bytes], decoder: RemoteId | None = None) -> Iterator[Decoded]:
    decoder = decoder or make()
    for line in lines:
        yield decoder.decode(Frame.of("mast", START, line))


def doubts(lines: Iterable[bytes], decoder: RemoteId | None = None) -> list[str]:
    """Return the doubt about each position that is used."""
    batches = [batch for found in decoded(lines, decoder) for batch in found.batches]
    return [claims(batch, k).get("doubt", "") for batch in batches for k in range(len(batch))]


def test_who_counts_and_flies_shows_no_sign() -> None:
    assert set(doubts(sent(k, 250 + k, 10**6 * k + 77) for k in range(20))) == {""}


def test_a_message_counter_that_stands_still_while_the_message_changes_is_one() -> None:
    assert doubts(sent(k, 93, sequence=k) for k in range(5)) == ["", "", "", Sign.COUNTER, Sign.COUNTER]
    assert set(doubts(sent(k, 93 + k // 3, sequence=k) for k in range(20))) == {""}  # it goes on now and then
    same = [sent(10.0 + k / 10, 93, sequence=k, time=START) for k in range(30)]
    assert doubts(heard(10 + k / 10, stamped(encode.beacon(claim(0), 93), 0, k)) for k in range(9)) == [""]
    assert Sign.COUNTER in doubts(same)[-1]


def test_a_sequence_number_that_stands_still_is_one() -> None:
    assert doubts(sent(k, k, sequence=7) for k in range(4)) == ["", "", Sign.SEQUENCE, Sign.SEQUENCE]
    by_nan = [heard(k, encode.nan(claim(k), 4096 * k)) for k in range(4)]
    assert Sign.SEQUENCE in doubts(by_nan)[-1]


def test_a_beacon_clock_that_stands_still_is_one() -> None:
    assert doubts(sent(k, k, 10**6) for k in range(3)) == ["", Sign.CLOCK_STANDS, Sign.CLOCK_STANDS]
    assert set(doubts(sent(k, k, 0) for k in range(9))) == {""}  # nobody filled it in
    same = encode.wifi_beacon(SENDER, 7, encode.pack(encode.location(claim(0))[:21] + b"\xff\xff\1\0"))
    again = [heard(second, stamped(same, 10**6)) for second in (0, 3)]
    assert doubts(again) == ["", ""]  # perhaps the very same beacon, by another network


def test_a_beacon_clock_that_jumps_is_one_but_a_radio_may_begin_again() -> None:
    wild = [10**15 * (k * 7919 % 13 + 1) for k in range(9)]
    assert doubts(sent(k, k, wild[k]) for k in range(5)) == ["", "", "", Sign.CLOCK_JUMPS, Sign.CLOCK_JUMPS]
    once = [10**6 * (k + 900 if k < 5 else k) for k in range(9)]
    assert set(doubts(sent(k, k, once[k]) for k in range(9))) == {""}
    two = [(10**7 + 10**6 * k) * (k % 2) for k in range(9)]  # one radio fills it in, the other does not
    assert Sign.CLOCK_JUMPS in doubts(sent(k, k, two[k]) for k in range(9))[-1]


def test_a_time_that_stands_still_while_the_place_moves_is_one() -> None:
    assert doubts(sent(k, k, time=START + SECOND) for k in range(6)) == ["", "", "", *[Sign.TIME] * 3]
    slow = [sent(k, k, time=START + SECOND, latitude=36.3, longitude=-33.1 + 1e-6 * k) for k in range(9)]
    assert set(doubts(slow)) == {""}
    unknown = [sent(k, k, time=START // (3600 * SECOND) * 3600 * SECOND) for k in range(9)]
    assert set(doubts(unknown)) == {""}  # 0 s after the hour: also what those say who do not know it


def test_several_identities_from_one_address_are_one_but_a_new_name_is_not() -> None:
    swarm = doubts(sent(k / 5, k, serial=f"FAKE{k}") for k in range(6))
    assert swarm == ["", "", *[Sign.NAMES] * 4]
    assert set(doubts(sent(k, k, serial="OLD" if k < 5 else "NEW") for k in range(9))) == {""}
    damaged = [heard(k, sent_plain(k, f"1596X{k == 5}"), link=105) for k in range(20)]
    assert set(doubts(damaged)) == {""}


def sent_plain(k: int, serial: str) -> bytes:
    """Return a beacon whose check sequence was not captured."""
    at = claim(k, serial=serial)
    return encode.wifi_beacon(SENDER, k, encode.pack(*encode.messages(at)[:-1]))[16:-4]


def test_by_bluetooth_the_same_holds_for_counter_and_names() -> None:
    stuck = [heard(k, encode.bluetooth4(SENDER, 5, encode.location(claim(k))), link=encode.BLUETOOTH) for k in range(5)]
    assert doubts(stuck)[-1] == Sign.COUNTER
    swarm = [heard(k, encode.bluetooth5(claim(k, serial=f"F{k}"), k), link=encode.BLUETOOTH) for k in range(4)]
    assert doubts(swarm)[-1] == Sign.NAMES


def swarm(count: int, rounds: int, sequence: int = 4000) -> Iterator[tuple[float, bytes]]:
    """Yield (s, line): one transmitter that plays many aircraft, each with an address of its own."""
    for k in range(count * rounds):
        who, at = k % count, k / count
        place = {"latitude": 36 + who / 1000, "longitude": -33 - at / 5000}
        sender = b"\x06\0\0\0" + who.to_bytes(2)
        yield at, sent(at, k // count, sequence=sequence + k, serial=f"FAKE{who}", sender=sender, **place)


def genuine(count: int, seconds: int) -> Iterator[tuple[float, bytes]]:
    """Yield (s, line): aircraft of which each has a transmitter of its own."""
    rng = np.random.default_rng(7)
    for who in range(count):
        phase, first, sender = rng.random(), int(rng.integers(4096)), b"\x02\0\0\0\0" + bytes([who])
        for k in range(seconds):
            place = {"latitude": 36 + who / 100, "longitude": -32 - k / 5000}
            at = k + phase
            yield at, sent(at, first + k, 10**6 * (first + k), serial=f"TRUE{who}", sender=sender, **place)


def test_one_transmitter_under_many_addresses_is_found_and_genuine_ones_beside_it_are_not() -> None:
    decoder, found, ever = make(), dict[str, str](), set[str]()
    for _, line in sorted((*swarm(100, 8), *genuine(20, 8))):
        for batch in next(decoded([line], decoder)).batches:
            said = claims(batch)
            found[said["remote_id"]] = said.get("doubt", "")
            ever |= {said["remote_id"]} if "doubt" in said else set()
    fakes = {name for name in found if name.startswith("FAKE")}
    assert len(found) == 120
    assert {found[name] for name in fakes} == {Sign.ADDRESSES}
    assert ever == fakes


def test_one_aircraft_may_have_several_addresses() -> None:
    both = [sent(k / 2, k, sequence=k, sender=(SENDER, OTHER)[k % 2]) for k in range(30)]
    assert set(doubts(both)) == {""}


def test_a_sign_holds_a_minute_and_goes_out_though_the_position_was_there_before() -> None:
    decoder = make()
    (first,) = doubts([sent(0, 0, 10**6)], decoder)
    parked = [heard(1 + k, stamped(encode.beacon(claim(0), 0), 10**6, k + 1)) for k in range(3)]
    assert [first, *doubts(parked, decoder)] == ["", Sign.CLOCK_STANDS]  # once: what follows is nothing new
    later = [sent(k, k, 10**6 * (k + 1)) for k in (30, 62, 64)]
    assert doubts(later, decoder) == [Sign.CLOCK_STANDS, Sign.CLOCK_STANDS, ""]


def test_dji_beacons_show_the_signs_of_their_radio() -> None:
    frames = [foreign()[:22] + bytes([0, 0]) + (10**6).to_bytes(8, "little") + foreign()[32:] for _ in range(9)]
    found = doubts(heard(2.1 * k, frame, link=105) for k, frame in enumerate(frames))
    assert found[0] == ""
    assert found[-1] == f"{Sign.CLOCK_STANDS}; {Sign.SEQUENCE}"


@pytest.mark.parametrize("named", [True, False])
def test_two_receivers_with_clocks_apart_are_no_sign(named: bool) -> None:
    lines = []
    for k in range(60):
        frame = stamped(encode.beacon(claim(k / 2), k), 500_000 * k + 1, 3 * k)
        names = ("one", "two") if named else ("", "")
        lines += [(k / 2, heard(k / 2, frame, names[0])), (k / 2 + 0.8, heard(k / 2 + 3.5, frame, names[1]))]
    decoder = make(Mode.SIM, *MARKS)
    assert set(doubts((line for _, line in sorted(lines)), decoder)) == {""}


def test_copies_of_a_frame_by_several_networks_are_no_sign() -> None:
    lines = [
        heard(k + late, stamped(encode.beacon(claim(k), k), 10**6 * (k + 1), k)) for k in range(9) for late in LATE
    ]
    assert doubts(lines) == [""] * 9


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_whatever_is_lost_or_comes_late_of_a_genuine_aircraft_is_no_sign(seed: int) -> None:
    rng = np.random.default_rng(seed)
    loss, copies, clock = rng.random() * 0.9, int(rng.integers(1, 4)), int(rng.integers(2**40)) * int(rng.integers(2))
    lines = []
    for k in range(80):
        second, counter = k / 2, k // copies
        if rng.random() >= loss:
            frame = encode.beacon(claim(counter * copies / 2), counter)
            stamp = clock and clock + 500_000 * k
            for late in rng.choice([0.0, 0.2, 1.5], int(rng.integers(1, 3)), replace=False):
                lines.append(
                    (second + late, heard(second, stamped(frame, stamp, 40 * k), ("one", "two")[int(late > 0)]))
                )
    decoder = make(Mode.SIM, *MARKS)
    assert set(doubts((line for _, line in sorted(lines)), decoder)) <= {""}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 2**64 - 1), st.integers(0, 4095), st.binary(max_size=40)))
)
def test_hostile_frames_break_nothing(some: list[tuple[int, int, int, bytes]]) -> None:
    decoder = make(Mode.LIVE)
    for second, clock, sequence, body in some:
        for frame in (encode.wifi_beacon(SENDER, 0, body), encode.nan(claim(second), sequence)):
            *_, found = decoded([heard(second, stamped(frame, clock, sequence))], decoder)
            assert found.messages + sum(found.refused.values()) == 1


def test_what_is_noticed_is_saved_and_goes_on_the_same() -> None:
    decoder, other = make(), make()
    lines = [sent(k, 93, 10**6 * (k % 2), sequence=k) for k in range(12)]
    doubts(lines[:6], decoder)
    other.state = msgspec.msgpack.decode(msgspec.msgpack.encode(decoder.state), type=State)
    assert doubts(lines[6:], decoder) == doubts(lines[6:], other) != [""] * 6


def test_a_flood_of_addresses_is_forgotten() -> None:
    decoder = make()
    body = encode.pack(*encode.messages(claim())[:-1])
    for first in range(0, MAX_SENDERS + 10, 1000):
        frames = [encode.wifi_beacon(k.to_bytes(6), k, body) for k in range(first, first + 1000)]
        decoder.decode(Frame.of("mast", START, *(heard(0, frame, f"receiver {k}") for k, frame in enumerate(frames))))
    assert len(decoder.state.radios) <= MAX_SENDERS
    assert list(decoder.state.latest) == [""]  # receivers that nobody enrolled are one
    assert len(decoder.state.latest[""]) <= 16
