"""Altitude and identity codes of replies and squitters.

    AC, 13 bits  C1 A1 C2 A2 C4 A4 M B1 Q B2 D2 B4 D4
    M = 1        metric units; ICAO reserves the coding and does not say it: flagged, not used
    Q = 1        the 11 other bits count 25 ft from -1,000 ft
    Q = 0        Gillham code: Gray code of 500 ft steps (D2 D4 A1 A2 A4 B1 B2 B4) and 100 ft within (C1 C2 C4)
    all zero     no altitude

An airborne squitter carries the same without M (12 bits). All are pressure altitudes, standard atmosphere.

Source: ICAO Annex 10 Vol IV, 3.1.2.6.5.4 (AC), 3.1.2.6.7.1 (ID) and its appendix to chapter 3 (Mode C code).
"""

METRIC = 0x40  # the M bit of the 13
_Q = 0x10


def altitude_13(code: int) -> int | None:
    """Return ft above 1013.25 hPa; None: no altitude, metric or an impossible code."""
    if not code or code & METRIC:
        return None
    return altitude_12((code >> 1) & 0xFC0 | code & 0x3F)


def altitude_12(code: int) -> int | None:
    """Return ft of the 12-bit field of an airborne squitter (AC without M); None: no altitude or impossible."""
    if code & _Q:
        return 25 * ((code >> 1) & 0x7F0 | code & 0xF) - 1000
    return gillham(code) if code else None


def gillham(code: int) -> int | None:
    """Return ft, a multiple of 100, of C1 A1 C2 A2 C4 A4 B1 (D1) B2 D2 B4 D4; None if no such code exists."""

    def bits(*positions: int) -> int:
        value = 0
        for position in positions:  # Gray to binary: each bit is the XOR of all before it
            value = value << 1 | ((code >> position) & 1) ^ (value & 1)
        return value

    hundreds = bits(11, 9, 7)
    if hundreds in (0, 5, 6):
        return None
    hundreds = 5 if hundreds == 7 else hundreds
    fives = bits(2, 0, 10, 8, 6, 5, 3, 1)
    altitude = 500 * fives + 100 * (6 - hundreds if fives & 1 else hundreds) - 1300
    return altitude if altitude >= -1200 else None


def squawk(code: int) -> str:
    """Return the four octal digits of a 13-bit identity field C1 A1 C2 A2 C4 A4 X B1 D1 B2 D2 B4 D4."""

    def digit(one: int, two: int, four: int) -> int:
        return (code >> one & 1) + 2 * (code >> two & 1) + 4 * (code >> four & 1)

    return f"{digit(11, 9, 7)}{digit(5, 3, 1)}{digit(12, 10, 8)}{digit(4, 2, 0)}"


def encode_12(altitude_ft: float) -> int:
    """Return the 12-bit field of the nearest 25 ft (Q = 1), -1,000 to 50,175 ft; outside: 0, no altitude."""
    steps = round((altitude_ft + 1000) / 25)
    if not 0 <= steps < 2048:
        return 0
    return (steps & 0x7F0) << 1 | _Q | steps & 0xF


def encode_squawk(digits: str) -> int:
    """Return the 13-bit identity field of four octal digits."""
    places = ((11, 9, 7), (5, 3, 1), (12, 10, 8), (4, 2, 0))
    code = 0
    for digit, positions in zip(digits, places, strict=True):
        for bit, position in enumerate(positions):
            code |= (int(digit, 8) >> bit & 1) << position
    return code
