"""The 56-bit message field (ME) of extended squitters, DF 17 and 18.

    TC 1-4    identification and category          BDS 0,8      TC 19     airborne velocity        BDS 0,9
    TC 5-8    surface position                     BDS 0,6      TC 23     test
    TC 0, 9-18, 20-22  airborne position           BDS 0,5      TC 28     aircraft status          BDS 6,1
    TC 31     operational status                   BDS 6,5      TC 29     target state, status     BDS 6,2

Source: ICAO Doc 9871, tables A-2-5 to A-2-9b, A-2-97, A-2-98, A-2-101; RTCA DO-260B, 2.2.3.2. Bits are counted
from 1, as there.
"""

from math import atan2, degrees, hypot

from skywarden.model.detection import Reason
from skywarden.sensors.modes import altitude
from skywarden.sensors.modes.cpr import Half
from skywarden.sensors.modes.fields import ALPHABET, Message

FEET = 0.3048  # m
_EMERGENCIES = ("", "general", "medical", "minimum fuel", "no communications", "unlawful interference", "downed", "")
# Surface movement (Doc 9871, table A-2-6): first code, kt at it, kt a code.
_MOVEMENT = ((109, 100.0, 5.0), (94, 70.0, 2.0), (39, 15.0, 1.0), (13, 2.0, 0.5), (9, 1.0, 0.25), (2, 0.125, 0.125))
_NUCP_AIRBORNE = (None, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)  # TC 8 (unused), 9 ... 18; DO-260, table 2-11
_NUCP_GNSS = (9, 8, 0)  # TC 20, 21, 22


def read(message: Message, me: int) -> Reason | None:
    """Fill in what the 56 bits say; return a reason if they cannot be used."""
    typecode = me >> 51
    message.typecode = typecode
    if 9 <= typecode <= 18 or 20 <= typecode <= 22 or typecode == 0:
        _airborne(message, me, typecode)
    elif typecode == 19:
        return _velocity(message, me)
    elif 5 <= typecode <= 8:
        _surface(message, me, typecode)
    elif typecode <= 4:
        _identification(message, me, typecode)
    elif typecode == 28:
        _status(message, me)
    elif typecode == 29:
        _target_state(message, me)
    elif typecode == 31:
        _operational_status(message, me)
    elif typecode == 23:
        message.test = True
    else:
        return Reason.UNSUPPORTED
    return None


def callsign(bits: int) -> str | None:
    """Return the eight 6-bit letters of an identification; None if there are others than A-Z, 0-9 and space."""
    letters = "".join([ALPHABET[bits >> shift & 0x3F] for shift in range(42, -1, -6)])
    return None if "#" in letters else letters.strip() or None


def _airborne(message: Message, me: int, typecode: int) -> None:
    message.on_ground = False
    message.bds = "05"
    height = altitude.altitude_12(me >> 36 & 0xFFF)
    if typecode >= 20:
        message.altitude_gnss_ft = height  # above the ellipsoid, in the same code (DO-260B 2.2.3.2.3.4)
    else:
        message.altitude_ft = height
    surveillance = me >> 49 & 3
    message.alert = True if surveillance in (1, 2) else None
    message.ident = True if surveillance == 3 else None
    if typecode == 0:
        return  # says that there is no position
    message.nucp = _NUCP_GNSS[typecode - 20] if typecode >= 20 else _NUCP_AIRBORNE[typecode - 8]
    message.nic_bits = me >> 48 & 1
    message.position = Half(0, me >> 17 & 0x1FFFF, me & 0x1FFFF, bool(me >> 34 & 1), False)


def _surface(message: Message, me: int, typecode: int) -> None:
    message.on_ground = True
    message.bds = "06"
    message.nucp = 14 - typecode
    message.groundspeed_kt = movement(me >> 44 & 0x7F)
    if me >> 43 & 1:
        message.track_deg = (me >> 36 & 0x7F) * 360 / 128
    message.position = Half(0, me >> 17 & 0x1FFFF, me & 0x1FFFF, bool(me >> 34 & 1), True)


def movement(code: int) -> float | None:
    """Return kt, the lower end of the code's interval; None: no information or reserved. 124: 175 kt or more."""
    if code == 1:
        return 0.0
    if code == 124:
        return 175.0
    for first, start, step in _MOVEMENT:
        if first <= code < 124:
            return start + step * (code - first)
    return None


def _identification(message: Message, me: int, typecode: int) -> None:
    message.bds = "08"
    message.category = f"{'DCBA'[typecode - 1]}{me >> 48 & 7}"
    message.callsign = callsign(me & 0xFFFFFFFFFFFF)


def _velocity(message: Message, me: int) -> Reason | None:
    """Subtypes 1, 2: speed over ground by east and north; 3, 4: airspeed and heading; 2, 4: in steps of 4 kt."""
    subtype = me >> 48 & 7
    if not 1 <= subtype <= 4:
        return Reason.UNSUPPORTED
    message.bds = "09"
    step = 4 if subtype in (2, 4) else 1
    first, second = me >> 32 & 0x3FF, me >> 21 & 0x3FF
    message.nac_velocity = me >> 43 & 7
    if subtype <= 2:
        if 0 < first < 1023 and 0 < second < 1023:  # 0 unknown, 1023 faster than can be said
            east = (first - 1) * (-step if me >> 42 & 1 else step)
            north = (second - 1) * (-step if me >> 31 & 1 else step)
            message.groundspeed_kt = hypot(east, north)
            message.track_deg = degrees(atan2(east, north)) % 360.0
    else:
        if me >> 42 & 1:
            message.heading_deg = first * 360 / 1024
        if 0 < second < 1023:
            message.airspeed_kt = float((second - 1) * step)
            message.airspeed_type = "TAS" if me >> 31 & 1 else "IAS"
    rate = me >> 10 & 0x1FF
    if 0 < rate < 511:
        message.vertical_rate_ft_min = float((rate - 1) * (-64 if me >> 19 & 1 else 64))
        message.vertical_rate_source = "barometric" if me >> 20 & 1 else "gnss"
    difference = me & 0x7F
    if message.control in (2, 5) and not me >> 20 & 1:
        difference = 0  # TIS-B has other things here when its height is geometric (DO-260B 2.2.17.3.4)
    if 0 < difference < 127:
        message.geo_minus_baro_ft = float((difference - 1) * (-25 if me >> 7 & 1 else 25))
    return None


def _status(message: Message, me: int) -> None:
    message.bds = "61"
    if me >> 48 & 7 == 1:
        message.emergency = _EMERGENCIES[me >> 45 & 7]
        message.squawk = altitude.squawk(me >> 32 & 0x1FFF)


def _target_state(message: Message, me: int) -> None:
    message.bds = "62"
    if me >> 49 & 3 != 1:
        return  # subtype 0 is of version 1 and 2, 3 are reserved
    selected, setting = me >> 36 & 0x7FF, me >> 27 & 0x1FF
    if selected:
        value = float((selected - 1) * 32)
        if me >> 47 & 1:
            message.fms_altitude_ft = value
        else:
            message.selected_altitude_ft = value
    if setting:
        message.pressure_setting_hpa = 800 + (setting - 1) * 0.8
    message.nacp = me >> 13 & 0xF


def _operational_status(message: Message, me: int) -> None:
    message.bds = "65"
    message.version = me >> 13 & 7
    if message.version:
        message.nacp = me >> 8 & 0xF
        message.nic_bits = me >> 12 & 1
