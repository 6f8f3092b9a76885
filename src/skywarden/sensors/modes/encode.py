"""Build DF 17 squitters, and wrap them as JSON lines or Beast messages: for the simulator and the tests.

Every function is pure. Angles in degrees, heights in feet, speeds in knots: the units of the format.

Source: ICAO Doc 9871, tables A-2-5, A-2-6, A-2-8, A-2-9a, A-2-101; RTCA DO-260B, 2.2.3.2.
"""

from math import cos, radians, sin

import msgspec

from skywarden.sensors.modes import altitude, cpr, crc
from skywarden.sensors.modes.fields import ALPHABET

_EXTENDED_SQUITTER = 17 << 3
_AIRBORNE = 5  # CA: level 2 or higher, airborne
_ON_GROUND = 4


def identification(icao24: int, callsign: str, category: str = "A0") -> bytes:
    """Return the squitter that says the callsign (8 of A-Z, 0-9, space) and the emitter category, "A0" to "D7"."""
    me = ("DCBA".index(category[0]) + 1) << 3 | int(category[1])
    for letter in f"{callsign:8.8}":
        me = me << 6 | ALPHABET.index(letter)
    return _squitter(icao24, me)


def airborne_position(icao24: int, latitude: float, longitude: float, altitude_ft: float, odd: bool) -> bytes:
    """Return one half of a position pair, barometric altitude, type code 11 (95 % within 0.05 NM)."""
    y, x = cpr.encode(latitude, longitude, odd)
    me = 11 << 51 | altitude.encode_12(altitude_ft) << 36 | odd << 34 | y << 17 | x
    return _squitter(icao24, me)


def surface_position(icao24: int, latitude: float, longitude: float, track_deg: float, odd: bool) -> bytes:
    """Return one half of a surface position pair, standing still, type code 7."""
    y, x = cpr.encode(latitude, longitude, odd, surface=True)
    heading = round(track_deg / 360 * 128) % 128
    me = 7 << 51 | 1 << 44 | 1 << 43 | heading << 36 | odd << 34 | y << 17 | x
    return _squitter(icao24, me, _ON_GROUND)


def velocity(
    icao24: int,
    groundspeed_kt: float,
    track_deg: float,
    vertical_rate_ft_min: float = 0.0,
    geo_minus_baro_ft: float | None = None,
) -> bytes:
    """Return the airborne velocity squitter; 4 kt steps above 1,022 kt a component.

    geo_minus_baro_ft: GNSS height minus barometric altitude, within 3,125 ft; None says nothing of it.
    """
    components = (groundspeed_kt * sin(radians(track_deg)), groundspeed_kt * cos(radians(track_deg)))
    step = 1 if max(map(abs, components)) < 1021.5 else 4
    east, north = (_signed(value / step, 10) for value in components)
    difference = 0 if geo_minus_baro_ft is None else _signed(geo_minus_baro_ft / 25, 7)
    me = 19 << 51 | (1 if step == 1 else 2) << 48 | 2 << 43 | east << 32 | north << 21
    return _squitter(icao24, me | 1 << 20 | _signed(vertical_rate_ft_min / 64, 9) << 10 | difference)


def operational_status(icao24: int, nacp: int, version: int = 2) -> bytes:
    """Return the status squitter that says ADS-B version and position accuracy (NACp 11: 3 m ... 1: 10 NM, 95 %)."""
    return _squitter(icao24, 31 << 51 | version << 13 | nacp << 8)


def emergency(icao24: int, state: int, squawk: str) -> bytes:
    """Return the emergency squitter: state 0 none, 1 general, 5 unlawful interference; and the Mode A code."""
    return _squitter(icao24, 28 << 51 | 1 << 48 | state << 45 | altitude.encode_squawk(squawk) << 32)


def json_line(time: int, frame: bytes) -> bytes:
    """Return the line that the `modes` format reads. time: UTC ns, kept to the microsecond."""
    return msgspec.json.encode({"timestamp": time // 1000 / 1e6, "frame": frame.hex()}) + b"\n"


def beast_message(frame: bytes, counter: int = 0, signal: int = 128) -> bytes:
    """Return the message that the `beast` format reads. counter: 12 MHz ticks, 48 bits."""
    body = counter.to_bytes(6) + bytes([signal]) + frame
    return b"\x1a" + {2: b"1", 7: b"2", 14: b"3"}[len(frame)] + body.replace(b"\x1a", b"\x1a\x1a")


def _squitter(icao24: int, me: int, capability: int = _AIRBORNE) -> bytes:
    return crc.sealed(bytes([_EXTENDED_SQUITTER | capability]) + icao24.to_bytes(3) + me.to_bytes(7))


def _signed(value: float, bits: int) -> int:
    """Return sign and magnitude + 1, so that 0 can say "unknown"; clipped to the largest exact value."""
    magnitude = min(round(abs(value)) + 1, (1 << bits) - 2)
    return (value < 0) << bits | magnitude
