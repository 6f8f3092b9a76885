"""What the frames of one radio address contradict, whatever they say of the aircraft.

    beacon clock              the timestamp of a Wi-Fi beacon: microseconds, put in by the radio as it sends
    sequence number           of a Wi-Fi frame, 0 to 4095: one more for each frame of a radio, by whichever address
    message counter           of Remote ID, 0 to 255: one more for each new message of a kind
    time of a Location        of the fix that the place comes from
    name                      what kind of ID it is, and the ID

A sign is no proof: a transmitter that was built without care shows some of them too. It holds a minute after it was
seen last. All is counted for each receiver by itself, so that what comes over two ways in another order is no sign. A
frame whose check sequence was not captured may be damaged: it takes more of them.

Sources: IEEE 802.11-2020, 9.4.1.10 and 11.1.3 (timestamp), 10.3.2.14 (sequence numbers); ASTM F3411-22a, 5.4.5 (message
counter, time of applicability).
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from itertools import pairwise
from math import cos, hypot, radians
from typing import NamedTuple
from zlib import crc32

import msgspec

from skywarden.sensors.remoteid.heard import Heard
from skywarden.sensors.remoteid.message import Location

SECOND = 1_000_000_000  # ns
HOLDS = 60 * SECOND  # a sign after it was seen last
WITHIN = 60 * SECOND  # what is counted lies no further apart
APART = 50_000_000  # ns; two beacons of a radio are 100 ms apart, a copy of one comes at once
JUMP = 60_000_000  # us between beacon clock and receiver; receivers' own clocks differ by less
STANDS = 3 * SECOND  # a fix is a second old at most (F3411-22a, 5.4.4)
MOVED = 30.0  # m beyond what the fix is said to be exact to; a parked receiver's place wanders by some metres
DEGREE = 111_195.0  # m
STEPS, LATEST, RUNS_ON = 8, 16, 1 * SECOND  # numbers, frames that are remembered, and how long they count
OTHERS = 4  # two transmitters may run side by side for long, of 20 five by chance in 1 of 10 million cases
BEACON = 0x80  # first octet of the frame
NO_NUMBER = -1


class Sign(StrEnum):
    """The words that people see."""

    CLOCK_STANDS = "beacon clock stands still"
    CLOCK_JUMPS = "beacon clock jumps"
    SEQUENCE = "sequence number stands still"
    COUNTER = "message counter stands still"
    TIME = "time stands still while the place moves"
    NAMES = "several identities from one radio address"
    ADDRESSES = "several radio addresses from one transmitter"


NEEDED: Mapping[Sign, tuple[int, int]] = {  # how often, of frames that were checked and of others
    Sign.CLOCK_STANDS: (1, 2),
    Sign.CLOCK_JUMPS: (3, 3),
    Sign.SEQUENCE: (2, 2),
    Sign.COUNTER: (3, 3),
    Sign.TIME: (1, 1),
    Sign.NAMES: (2, 8),  # a transmitter may be given another name once
    Sign.ADDRESSES: (2, 2),
}


class Radio(msgspec.Struct, array_like=True):
    """What one receiver has heard of one radio address. heard, clock_at, since: ns; clock: us.

    location: hash of the last one; fix: its time, s after the hour, with place (deg) and time when that was new.
    names: by kind of ID. counts: sign -> how often and when last; held: sign -> when it last was one. told: the signs
    that went out last with a place.
    """

    heard: int
    clock: int = 0
    clock_at: int = 0
    sequence: int = NO_NUMBER
    sent: int = 0
    counter: int = NO_NUMBER
    location: int = 0
    fix: float = 0.0
    place: tuple[float, float] = (0.0, 0.0)
    since: int = 0
    names: dict[str, str] = {}
    counts: dict[str, tuple[int, int]] = {}
    held: dict[str, int] = {}
    told: str = ""


class Latest(NamedTuple):
    """A Wi-Fi frame that a receiver heard lately. name: of the aircraft, "" not known."""

    time: int
    sequence: int
    sender: str
    name: str


class Told(NamedTuple):
    """What a frame says of its aircraft. names: kind of ID -> ID, in this frame; name: who it is by all frames.

    placed: it says where it is.
    """

    names: Mapping[str, str]
    name: str
    placed: bool
    location: Location | None = None


class Doubt(NamedTuple):
    """The signs that hold, in words, "" none. new: they have not gone out with a place yet."""

    words: str = ""
    new: bool = False


def notice(radio: Radio, latest: list[Latest], heard: Heard, told: Told, time: int) -> Doubt:
    """Take in a frame that is no copy; return the signs that hold.

    radio: of this address at this receiver; latest: frames that this receiver heard of all. Both go on. time: ns.
    """
    if heard.frame[0] == BEACON and heard.carrier == "wifi-beacon":
        _beacon_clock(radio, heard, time)
    if heard.carrier.startswith("wifi"):
        _sequence(radio, heard, time)
        _addresses(radio, latest, heard, told.name, time)
    if told.location is not None:
        _counter(radio, heard, told.location, time)
        _fix(radio, heard, told.location, time)
    for kind, name in told.names.items():
        if radio.names.setdefault(kind, name) != name:
            _count(radio, Sign.NAMES, heard, time)
            radio.names[kind] = name
    radio.heard = time
    words = "; ".join(_held(radio, time))
    new = told.placed and words not in ("", radio.told)
    if told.placed:
        radio.told = words
    return Doubt(words, new)


def _held(radio: Radio, time: int) -> Iterator[str]:
    return (sign for sign in Sign if sign in radio.held and abs(time - radio.held[sign]) <= HOLDS)


def _count(radio: Radio, sign: Sign, heard: Heard, time: int, more: int = 0) -> None:
    """Count one more; from `NEEDED` and `more` on it is a sign."""
    count, last = radio.counts.get(sign, (0, time))
    count = count + 1 if abs(time - last) <= WITHIN else 1
    radio.counts[sign] = (min(count, 100), time)
    if count >= NEEDED[sign][0 if heard.checked else 1] + more:
        radio.held[sign] = time


def _number(heard: Heard) -> int:
    return int.from_bytes(heard.frame[22:24], "little") >> 4


def _beacon_clock(radio: Radio, heard: Heard, time: int) -> None:
    """Watch the timestamp. 0: nobody filled it in, which some transmitters never do."""
    clock = int.from_bytes(heard.frame[24:32], "little")
    before, at = radio.clock, radio.clock_at
    if at:
        if clock == before != 0:
            if abs(time - at) >= APART:
                same = _number(heard) == radio.sequence  # perhaps the very same frame, come late
                _count(radio, Sign.CLOCK_STANDS, heard, time, int(same and heard.checked))
        else:
            radio.counts.pop(Sign.CLOCK_STANDS, None)
        filled = (clock == 0) == (before == 0)
        if not filled or (clock and clock != before and abs(clock - before - (time - at) // 1000) > JUMP):
            _count(radio, Sign.CLOCK_JUMPS, heard, time)
    radio.clock, radio.clock_at = clock, time


def _sequence(radio: Radio, heard: Heard, time: int) -> None:
    number = _number(heard)
    if number != radio.sequence:
        radio.counts.pop(Sign.SEQUENCE, None)
        radio.sequence, radio.sent = number, time
    elif abs(time - radio.sent) >= APART:
        _count(radio, Sign.SEQUENCE, heard, time)
        radio.sent = time


def _addresses(radio: Radio, latest: list[Latest], heard: Heard, name: str, time: int) -> None:
    """Watch whether numbers run on from frames of several other addresses with other names: then it is one radio."""
    if not name:
        return
    number = _number(heard)
    before = {
        (number - one.sequence) % 4096: one
        for one in latest
        if one.sender != heard.sender and 0 <= time - one.time <= RUNS_ON
    }
    run = [before[step] for step in range(STEPS, 0, -1) if step in before]
    in_turn = all(one.time <= other.time for one, other in pairwise(run))
    if in_turn and len({one.name for one in run}) >= OTHERS:
        _count(radio, Sign.ADDRESSES, heard, time)
    else:
        radio.counts.pop(Sign.ADDRESSES, None)
    latest.append(Latest(time, number, heard.sender, name))
    del latest[:-LATEST]


def _counter(radio: Radio, heard: Heard, location: Location, time: int) -> None:
    said = crc32(msgspec.msgpack.encode(location))
    if heard.counter != radio.counter:
        radio.counts.pop(Sign.COUNTER, None)
    elif said != radio.location:
        _count(radio, Sign.COUNTER, heard, time)
    radio.counter, radio.location = heard.counter, said


def _fix(radio: Radio, heard: Heard, location: Location, time: int) -> None:
    """Watch the time of the fix. 0: also what some transmitters without the time say."""
    seconds = location.seconds_after_hour
    if not seconds or location.latitude is None or location.longitude is None:
        return
    if seconds != radio.fix:
        radio.fix, radio.place, radio.since = seconds, (location.latitude, location.longitude), time
        return
    north = location.latitude - radio.place[0]
    east = ((location.longitude - radio.place[1] + 180.0) % 360.0 - 180.0) * cos(radians(location.latitude))
    away = DEGREE * hypot(north, east) - (location.horizontal_accuracy_m or 0.0)
    if away > MOVED and abs(time - radio.since) >= STANDS:
        _count(radio, Sign.TIME, heard, time)
