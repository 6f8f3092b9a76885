"""Comm-B registers in DF 20 and 21. A reply does not say which register it holds: it is told from the content.

A register is named when its fixed bits, its unused fields and its values fit, and those of no other do. What is
named so is marked `inferred`. 5,0 and 6,0 overlap; a reply that fits both is left unnamed.

    1,0  data link capability     1,7  capability to report    2,0  identification
    4,0  selected altitude        5,0  track and turn          6,0  heading and speed

Source: ICAO Doc 9871, tables A-2-16, A-2-23, A-2-32, A-2-64, A-2-80, A-2-96. Bits are counted from 1, as there.
"""

from collections.abc import Callable

from skywarden.sensors.modes.fields import Message
from skywarden.sensors.modes.squitter import callsign

MAX_ROLL = 50.0  # deg; an airliner's limit is 35
MAX_SPEED = 600.0  # kt
MAX_INDICATED = 500.0  # kt
MAX_RATE = 6000.0  # ft/min


def infer(message: Message, mb: int) -> None:
    """Fill in what the 56 bits say if they can only be of one register."""
    found = [fill for fits, fill in _REGISTERS if fits(mb)]
    if len(found) == 1:
        found[0](message, mb)
        message.inferred = True


def _value(mb: int, first: int, last: int) -> int:
    return mb >> (56 - last) & ((1 << (last - first + 1)) - 1)


def _signed(mb: int, first: int, last: int) -> int:
    """Two's complement, sign bit first."""
    value = _value(mb, first, last)
    width = last - first + 1
    return value - (1 << width) if value >> (width - 1) else value


def _silent(mb: int, fields: tuple[tuple[int, int], ...]) -> bool:
    """Whether every field whose status bit (its first) is 0 is 0 throughout."""
    return all(_value(mb, first, first) or not _value(mb, first, last) for first, last in fields)


def _is_link_capability(mb: int) -> bool:
    return mb >> 48 == 0x10 and not _value(mb, 10, 14)


def _link_capability(message: Message, mb: int) -> None:
    message.bds = "10"


def _is_capability_report(mb: int) -> bool:
    return bool(_value(mb, 7, 7)) and not _value(mb, 29, 56) and bool(_value(mb, 1, 6))


def _capability_report(message: Message, mb: int) -> None:
    message.bds = "17"


def _is_identification(mb: int) -> bool:
    return mb >> 48 == 0x20 and callsign(mb & 0xFFFFFFFFFFFF) is not None


def _identification(message: Message, mb: int) -> None:
    message.bds = "20"
    message.callsign = callsign(mb & 0xFFFFFFFFFFFF)


_SELECTED = ((1, 13), (14, 26), (27, 39), (48, 51), (54, 56))


def _is_selected_altitude(mb: int) -> bool:
    if _value(mb, 40, 47) or _value(mb, 52, 53) or not _silent(mb, _SELECTED):
        return False
    altitudes = (16 * _value(mb, 2, 13), 16 * _value(mb, 15, 26))
    setting = 800 + 0.1 * _value(mb, 28, 39)
    said = _value(mb, 1, 1) + _value(mb, 14, 14) + _value(mb, 27, 27)
    return said > 0 and max(altitudes) <= 50_000 and (not _value(mb, 27, 27) or 850 <= setting <= 1100)


def _selected_altitude(message: Message, mb: int) -> None:
    message.bds = "40"
    if _value(mb, 1, 1):
        message.selected_altitude_ft = 16.0 * _value(mb, 2, 13)
    if _value(mb, 14, 14):
        message.fms_altitude_ft = 16.0 * _value(mb, 15, 26)
    if _value(mb, 27, 27):
        message.pressure_setting_hpa = round(800 + 0.1 * _value(mb, 28, 39), 1)


_TURN = ((1, 11), (12, 23), (24, 34), (35, 45), (46, 56))


def _is_track_and_turn(mb: int) -> bool:
    if not _silent(mb, _TURN) or not (_value(mb, 24, 24) and _value(mb, 46, 46) and _value(mb, 12, 12)):
        return False
    ground, air = 2 * _value(mb, 25, 34), 2 * _value(mb, 47, 56)
    roll = _signed(mb, 2, 11) * 45 / 256
    return abs(roll) <= MAX_ROLL and max(ground, air) <= MAX_SPEED and abs(ground - air) <= 200 and min(ground, air) > 0


def _track_and_turn(message: Message, mb: int) -> None:
    message.bds = "50"
    if _value(mb, 1, 1):
        message.roll_deg = _signed(mb, 2, 11) * 45 / 256
    message.track_deg = _signed(mb, 13, 23) * 90 / 512 % 360
    message.groundspeed_kt = 2.0 * _value(mb, 25, 34)
    if _value(mb, 35, 35):
        message.track_rate_deg_s = _signed(mb, 36, 45) * 8 / 256
    message.true_airspeed_kt = 2.0 * _value(mb, 47, 56)


_SPEED = ((1, 12), (13, 23), (24, 34), (35, 45), (46, 56))


def _is_heading_and_speed(mb: int) -> bool:
    if not _silent(mb, _SPEED) or not (_value(mb, 1, 1) and _value(mb, 13, 13) and _value(mb, 24, 24)):
        return False
    indicated, mach = _value(mb, 14, 23), _value(mb, 25, 34) * 2.048 / 512
    rates = (32 * _signed(mb, 36, 45), 32 * _signed(mb, 47, 56))
    # At sea level Mach 1 is 661 kt indicated; higher up less indicated makes the same Mach number.
    return 0 < indicated <= MAX_INDICATED and indicated / 700 <= mach <= 1.0 and max(map(abs, rates)) <= MAX_RATE


def _heading_and_speed(message: Message, mb: int) -> None:
    message.bds = "60"
    message.heading_deg = _signed(mb, 2, 12) * 90 / 512 % 360
    message.airspeed_kt, message.airspeed_type = float(_value(mb, 14, 23)), "IAS"
    message.mach = round(_value(mb, 25, 34) * 2.048 / 512, 3)
    if _value(mb, 35, 35):
        message.vertical_rate_ft_min, message.vertical_rate_source = 32.0 * _signed(mb, 36, 45), "barometric"
    if _value(mb, 46, 46):
        message.inertial_rate_ft_min = 32.0 * _signed(mb, 47, 56)


_REGISTERS: tuple[tuple[Callable[[int], bool], Callable[[Message, int], None]], ...] = (
    (_is_link_capability, _link_capability),
    (_is_capability_report, _capability_report),
    (_is_identification, _identification),
    (_is_selected_altitude, _selected_altitude),
    (_is_track_and_turn, _track_and_turn),
    (_is_heading_and_speed, _heading_and_speed),
)
