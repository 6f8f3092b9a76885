"""Build Remote ID frames as a receiver captures them, and the lines that carry them: for the simulator and the tests.

Every function is pure. What is made of a `Claim` says "SIMULATED" in its Self ID, so that no live picture takes it.
`line(time_ns, WIFI, beacon(claim, counter), receiver)` is what the `remoteid` format reads.

Source: as in message, wifi and bluetooth; radiotap.org.
"""

from struct import Struct
from typing import NamedTuple

from skywarden.sensors.remoteid import bluetooth, message, wifi
from skywarden.sensors.remoteid.line import made as line
from skywarden.sensors.remoteid.memory import SIMULATED

WIFI, BLUETOOTH = wifi.RADIOTAP, bluetooth.WITH_HEADER  # link types of what is made here
VERSION = 2  # F3411-22a
__all__ = [
    "BLUETOOTH",
    "WIFI",
    "Claim",
    "basic_id",
    "beacon",
    "bluetooth4",
    "bluetooth5",
    "extended_packet",
    "line",
    "location",
    "messages",
    "nan",
    "operator_id",
    "pack",
    "self_id",
    "system",
    "wifi_beacon",
    "wifi_nan",
]
_TENTH, _HOUR = 100_000_000, 36_000  # ns; tenths of a second
_RADIOTAP = Struct("<BBHIBxHHbx")  # flags, channel, signal
_CHANNEL_6 = (2437, 0x00A0)  # MHz; 2 GHz, CCK
_PHY = Struct("<BbbBIH")
_PHY_FLAGS = (
    0x0001 | 0x0002 | 0x0010 | 0x0400 | 0x0800 | bluetooth.CODED << 14
)  # de-whitened, signal, address, CRC, PHY


class Claim(NamedTuple):
    """What one aircraft says of itself. deg, m above the ellipsoid, m/s; time: UTC ns, when it was there.

    accuracy_m: level, 95 %; None: it does not say. sender: six bytes, its radio address.
    """

    serial: str
    time: int
    latitude: float
    longitude: float
    height_m: float
    track_deg: float = 0.0
    speed_m_s: float = 0.0
    climb_m_s: float = 0.0
    aircraft: str = "rotorcraft"
    status: str = "airborne"
    accuracy_m: float | None = 3.0
    operator: tuple[float, float, float] | None = None  # latitude, longitude, height
    operator_id: str = ""
    description: str = "flight"
    sender: bytes = b"\x02\x00\x00\x00\x00\x01"


def messages(claim: Claim) -> tuple[bytes, ...]:
    """Return Basic ID, Location, System, Operator ID and Self ID, which says "SIMULATED" before the description."""
    return (
        basic_id(claim.serial, claim.aircraft),
        location(claim),
        system(claim),
        operator_id(claim.operator_id),
        self_id(f"{SIMULATED} {claim.description}"),
    )


def beacon(claim: Claim, counter: int, signal: int = -60) -> bytes:
    """Return a Wi-Fi beacon with radiotap header and check sequence (link type WIFI). signal: dBm."""
    return wifi_beacon(claim.sender, counter, pack(*messages(claim)), signal)


def nan(claim: Claim, counter: int, signal: int = -60) -> bytes:
    """Return a NAN service discovery frame with radiotap header and check sequence (link type WIFI)."""
    return wifi_nan(claim.sender, counter, pack(*messages(claim)), signal)


def bluetooth5(claim: Claim, counter: int, signal: int = -60) -> bytes:
    """Return a packet of extended advertising on the long-range PHY (link type BLUETOOTH)."""
    return extended_packet(claim.sender, counter, pack(*messages(claim)), signal)


def bluetooth4(sender: bytes, counter: int, one: bytes, signal: int = -60) -> bytes:
    """Return a packet of legacy advertising, which has room for one message (link type BLUETOOTH)."""
    unit = sender[::-1] + _service_data(counter, one)
    return _sealed(bytes([0x42, len(unit)]) + unit, b"", signal)


def wifi_beacon(sender: bytes, counter: int, body: bytes, signal: int = -60) -> bytes:
    """Return a beacon that carries a message or pack made with the functions below, marked or not.

    counter: of messages, and of frames: its last 12 bits are the sequence number. The timestamp is left 0.
    """
    header = b"\x80\0\0\0" + b"\xff" * 6 + sender + sender + _sequence(counter)
    fixed = bytes(8) + b"\x64\x00\x01\x04"
    said = wifi.ASTM + bytes([counter % 256]) + body
    return _tapped(header + fixed + b"\0\0" + bytes([221, len(said)]) + said, signal)


def wifi_nan(sender: bytes, counter: int, body: bytes, signal: int = -60) -> bytes:
    """Return the same as a NAN service discovery frame."""
    service = wifi.SERVICE + bytes([1, 0, 0x10, len(body) + 1, counter % 256]) + body
    attribute = b"\x03" + len(service).to_bytes(2, "little") + service
    cluster = bytes.fromhex("506f9a010000")
    header = b"\xd0\0\0\0" + bytes.fromhex("516f9a010000") + sender + cluster + _sequence(counter)
    return _tapped(header + wifi.ALLIANCE_NAN + attribute, signal)


def extended_packet(sender: bytes, counter: int, body: bytes, signal: int = -60) -> bytes:
    """Return the same as a packet of extended advertising."""
    header = b"\x09\x09" + sender[::-1] + b"\x01\x10"  # length, flags, address, ADI
    unit = header + _service_data(counter, body)
    return _sealed(bytes([0x40 | bluetooth.EXTENDED, len(unit)]) + unit, b"\0", signal)


def pack(*parts: bytes) -> bytes:
    """Return a pack of up to nine messages."""
    return bytes([0xF0 | VERSION, message.SIZE, len(parts)]) + b"".join(parts)


def basic_id(serial: str, aircraft: str = "rotorcraft") -> bytes:
    """Return the message that says a serial number, up to 20 characters."""
    return _message(0, bytes([1 << 4 | message.AIRCRAFT.index(aircraft)]) + _text(serial, 20))


def location(claim: Claim) -> bytes:
    """Return the message that says place, motion and time; no pressure altitude, no height above take-off."""
    track = round(claim.track_deg) % 360
    fast = claim.speed_m_s > 63.75
    speed = (claim.speed_m_s - 63.75) / 0.75 if fast else claim.speed_m_s * 4
    flags = message.STATUSES.index(claim.status) << 4 | (track >= 180) << 1 | fast
    level = _code(message.HORIZONTAL, claim.accuracy_m)
    up = 0 if claim.accuracy_m is None else _code(message.VERTICAL, 1.5 * claim.accuracy_m)
    return message.LOCATION.pack(
        1 << 4 | VERSION,
        flags,
        track % 180,
        min(round(speed), 254),
        max(-124, min(124, round(claim.climb_m_s * 2))),
        round(claim.latitude * 1e7),
        round(claim.longitude * 1e7),
        0,
        _altitude(claim.height_m),
        0,
        up << 4 | level,
        0,
        claim.time // _TENTH % _HOUR,
        1,
    )


def self_id(text: str) -> bytes:
    """Return the message that says in words what the flight is, up to 23 characters."""
    return _message(3, b"\0" + _text(text, 23))


def system(claim: Claim) -> bytes:
    """Return the message that says where the operator is."""
    latitude, longitude, height = claim.operator or (0.0, 0.0, -1000.0)
    since = max(claim.time // 1_000_000_000 - message.EPOCH, 0)
    place = round(latitude * 1e7), round(longitude * 1e7)
    return message.SYSTEM.pack(4 << 4 | VERSION, 1, *place, 1, 0, 0, 0, 0, _altitude(height), since)


def operator_id(text: str) -> bytes:
    """Return the message that says who the operator is, up to 20 characters."""
    return _message(5, b"\0" + _text(text, 20))


def _message(kind: int, body: bytes) -> bytes:
    return (bytes([kind << 4 | VERSION]) + body).ljust(message.SIZE, b"\0")


def _text(text: str, size: int) -> bytes:
    return text.encode("ascii")[:size].ljust(size, b"\0")


def _altitude(metres: float) -> int:
    return max(0, min(0xFFFF, round((metres + 1000) * 2)))


def _code(bounds: tuple[float | None, ...], value: float | None) -> int:
    """Return the code of the smallest bound that holds."""
    return 0 if value is None else max((k for k, b in enumerate(bounds) if b is not None and b >= value), default=0)


def _tapped(frame: bytes, signal: int) -> bytes:
    header = _RADIOTAP.pack(0, 0, _RADIOTAP.size, 0b101010, 0x10, *_CHANNEL_6, signal)
    return header + wifi.sealed(frame)


def _sequence(counter: int) -> bytes:
    return (counter % 4096 << 4).to_bytes(2, "little")


def _service_data(counter: int, body: bytes) -> bytes:
    said = bluetooth.SERVICE + bytes([counter % 256]) + body
    return bytes([len(said)]) + said


def _sealed(unit: bytes, coding: bytes, signal: int) -> bytes:
    flags = _PHY_FLAGS if coding else _PHY_FLAGS & 0x3FFF
    channel = 17 if coding else 39
    header = _PHY.pack(channel, signal, -100, 0, int.from_bytes(bluetooth.ADVERTISING, "little"), flags)
    return header + bluetooth.ADVERTISING + coding + unit + bluetooth.crc(unit)
