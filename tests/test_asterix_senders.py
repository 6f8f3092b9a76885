"""How many radars and systems without a block an ASTERIX source may have: each is a sensor for good."""

from collections import Counter

import msgspec
import pytest
from test_asterix_decoder import HERE, NOON, decoder, north, plot, radar, read, track

from skywarden.model.detection import Frame, Reason
from skywarden.model.place import Sensor
from skywarden.model.track import Mode
from skywarden.sensors.asterix import Asterix
from skywarden.sensors.asterix.memory import SENDERS

MANY = range(SENDERS + 44)
PLACED = Sensor(name="near", source="r", sac=9, sic=9, latitude=46.2, longitude=31.5)
UNPLACED = Sensor(name="far", source="r", sac=9, sic=8)


def who(number: int) -> dict[str, int]:
    """Return an identity; sac and sic fall, so that the order in which they come is not that of their numbers."""
    return dict(zip(("SAC", "SIC"), divmod(60_000 - number, 256), strict=True))


def sensors(asterix: Asterix, *messages: bytes) -> list[str]:
    return [batch.sensor for batch in read(asterix, *messages).batches]


def told(asterix: Asterix, messages: list[bytes], each: int) -> tuple[Counter[str], list[str]]:
    """Return how many messages are refused, and the sensors of batches in order, of frames of so many messages."""
    refused, found = Counter[str](), list[str]()
    for begin in range(0, len(messages), each):
        decoded = asterix.decode(Frame.of("r", NOON, *messages[begin : begin + each]))
        refused.update(decoded.refused)
        found += sorted(batch.sensor for batch in decoded.batches)
    return refused, found


@pytest.mark.parametrize("each", [1, 7, len(MANY)])
def test_so_many_radars_without_a_block_say_where_they_stand_and_later_ones_have_no_room(each: int) -> None:
    asterix = decoder(Mode.LIVE, PLACED, UNPLACED)
    places = [north(i010=who(k), i120=HERE) for k in MANY]
    assert told(asterix, places, each) == ({Reason.QUOTA: 44}, [])
    assert list(asterix.state.places) == [f"{w['SAC']}-{w['SIC']}" for w in map(who, MANY[:SENDERS])]
    refused, found = told(asterix, [plot(i010=who(k)) for k in MANY], each)
    assert refused == {Reason.SITE_UNKNOWN: 44}
    assert len(set(found)) == SENDERS
    again = [north(i010=who(k), i120=HERE, i041={"PERIOD_s": 4}) for k in (0, SENDERS)]
    assert [read(asterix, message).refused for message in again] == [{}, {Reason.QUOTA: 1}]


def test_those_with_a_block_always_have_room() -> None:
    asterix = decoder(Mode.LIVE, PLACED, UNPLACED)
    read(asterix, *(north(i010=who(k), i120=HERE, i041={"PERIOD_s": 4}) for k in MANY))
    read(asterix, *(track(i010=who(k)) for k in MANY))
    late, near = {"SAC": 9, "SIC": 8}, {"SAC": 9, "SIC": 9}
    assert read(asterix, north(i010=late, i120=HERE, i041={"PERIOD_s": 6})).refused == {}
    (batch,) = read(asterix, plot(i010=late)).batches
    assert (batch.sensor, batch.revisit) == ("far", 6)
    assert sensors(asterix, plot(i010=near), track(i010=near)) == ["near", "near"]
    assert len(asterix.state.places) == SENDERS + 1


def test_blocks_do_not_count_and_one_that_is_written_later_makes_room() -> None:
    first = decoder(Mode.LIVE, UNPLACED)
    read(first, north(i010={"SAC": 9, "SIC": 8}, i120=HERE), *(north(i010=who(k), i120=HERE) for k in MANY))
    assert len(first.state.places) == SENDERS + 1
    block = Sensor(name="first", source="r", sac=who(0)["SAC"], sic=who(0)["SIC"])
    second = decoder(Mode.LIVE, UNPLACED, block)
    second.state = first.state
    more = [north(i010=who(k), i120=HERE, i020={"SECTOR_deg": 90}) for k in MANY[SENDERS : SENDERS + 2]]
    assert read(second, *more).refused == {Reason.QUOTA: 1}


@pytest.mark.parametrize("each", [1, 7, len(MANY)])
def test_so_many_systems_without_a_block_send_tracks(each: int) -> None:
    asterix = decoder(Mode.LIVE, PLACED)
    refused, found = told(asterix, [track(i010=who(k)) for k in MANY], each)
    assert refused == {Reason.QUOTA: 44}
    wanted = [f"r/{w['SAC']}-{w['SIC']}" for w in map(who, MANY[:SENDERS])]
    assert sorted(found) == sorted(wanted)
    assert len(asterix.state.systems) == SENDERS
    known, unknown = (read(asterix, track(i010=who(k), i040={"TRN": 8})) for k in (SENDERS - 1, SENDERS))
    assert ([batch.sensor for batch in known.batches], known.refused) == ([wanted[-1]], {})
    assert (unknown.batches, unknown.refused) == ((), {Reason.QUOTA: 1})


def test_systems_and_radars_take_nothing_from_each_other() -> None:
    asterix = decoder()
    read(asterix, *(north(i010=who(k), i120=HERE) for k in MANY))
    assert read(asterix, *(track(i010=who(k)) for k in MANY[:SENDERS])).refused == {}


def test_what_else_is_in_a_datagram_of_one_too_many_is_used() -> None:
    asterix = decoder(Mode.LIVE, radar())
    read(asterix, *(north(i010=who(k), i120=HERE) for k in MANY))
    found = read(asterix, north(i010=who(400), i120=HERE) + plot())
    assert ([batch.sensor for batch in found.batches], found.refused) == (["hill"], {Reason.QUOTA: 1})


def test_how_fast_antennas_turn_is_remembered_of_so_many() -> None:
    asterix = decoder()
    assert read(asterix, *(north(i010=who(k), i041={"PERIOD_s": 4}) for k in MANY)).refused == {Reason.QUOTA: 44}
    assert len(asterix.state.periods) == SENDERS
    assert read(asterix, north(i010=who(0), i041={"PERIOD_s": 5})).refused == {}


def test_who_was_taken_in_is_known_after_a_restart_and_a_state_of_before_goes_on() -> None:
    first, second, third = decoder(), decoder(), decoder()
    read(first, *(track(i010=who(k)) for k in MANY), *(north(i010=who(k), i120=HERE) for k in MANY))
    saved = msgspec.msgpack.encode(first.state)
    second.state = msgspec.msgpack.decode(saved, type=type(first.state))
    assert second.state == first.state
    assert read(second, track(i010=who(3), i040={"TRN": 9}), track(i010=who(299), i040={"TRN": 9})).refused == {
        Reason.QUOTA: 1
    }
    before = msgspec.msgpack.decode(saved)
    del before["systems"]
    third.state = msgspec.msgpack.decode(msgspec.msgpack.encode(before), type=type(first.state))
    assert (third.state.systems, len(third.state.places)) == ([], SENDERS)
