"""One field between its bits and its value.

A number with a unit is a float, another number an int, text a str without the padding at its end. Every bit pattern
has a value of its own, so nothing is lost on the way there and back.
"""

from typing import Any

from skywarden.sensors.asterix.layout import Field

# Six bits a character: ICAO Annex 10 volume IV, table 3-9, has A-Z, 0-9 and space; the other codes are named as in
# 6-bit ASCII.
ICAO = "@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_ !\"#$%&'()*+,-./0123456789:;<=>?"
_WIDTH = {"octal": 3, "hex": 4, "icao": 6, "ascii": 8}


def signed(raw: int, bits: int) -> int:
    """Return the two's complement number that `bits` bits hold."""
    return raw - (1 << bits) if raw >> (bits - 1) else raw


def to_value(field: Field, raw: int) -> Any:
    """Return what the bits of a field say."""
    if field.kind in ("u", "s"):
        whole = signed(raw, field.bits) if field.kind == "s" else raw
        return whole if field.lsb is None else whole * field.lsb
    if field.kind == "hex":
        return f"{raw:0{field.bits // 4}X}"
    if field.kind == "octal":
        return f"{raw:0{field.bits // 3}o}"
    width = _WIDTH[field.kind]
    codes = [(raw >> shift) & ((1 << width) - 1) for shift in range(field.bits - width, -1, -width)]
    return "".join(ICAO[c] if field.kind == "icao" else chr(c) for c in codes).rstrip(" ")


def to_raw(field: Field, value: Any) -> int:
    """Return the bits for a value. Raises ValueError when it does not fit."""
    raw = _text(field, value) if isinstance(value, str) else round(value if field.lsb is None else value / field.lsb)
    low, high = 0, (1 << field.bits) - 1
    if field.kind == "s":
        low, high = -(1 << (field.bits - 1)), (1 << (field.bits - 1)) - 1
    if not low <= raw <= high:
        lsb = field.lsb or 1
        raise ValueError(f"{field.key}: {value!r} does not fit; it goes from {low * lsb:g} to {high * lsb:g}")
    return raw & ((1 << field.bits) - 1)


def _text(field: Field, value: str) -> int:
    if field.kind in ("octal", "hex"):
        return int(value, 8 if field.kind == "octal" else 16)
    if field.kind not in ("icao", "ascii"):
        raise ValueError(f"{field.key}: a number is needed, not {value!r}")
    width = _WIDTH[field.kind]
    padded = value.ljust(field.bits // width)
    raw = 0
    for character in padded:
        code = ICAO.find(character) if field.kind == "icao" else ord(character)
        if not 0 <= code < 1 << width:
            raise ValueError(f"{field.key}: {character!r} cannot be written")
        raw = raw << width | code
    return raw
