"""Parity of Mode S frames: the 24-bit cyclic code.

The last 24 bits of every frame are the code of what stands before, XOR zero (DF 17, 18), XOR the interrogator's
code (DF 11) or XOR the aircraft's address (DF 0, 4, 5, 16, 20, 21).

Source: ICAO Annex 10 Vol IV, 3.1.2.3.3 (generator polynomial, address and interrogator parity).
"""

GENERATOR = 0xFFF409  # x^24 + x^23 + ... + x^12 + x^10 + x^3 + 1, the leading one left out


LONGEST = 11  # bytes before the parity


def _tables() -> tuple[tuple[int, ...], ...]:
    """Return for each place in the longest frame, first to last, the code of each byte there."""
    codes = [byte << 16 for byte in range(256)]
    tables = []
    for _ in range(LONGEST):
        for _ in range(8):
            codes = [(code << 1) & 0xFFFFFF ^ (GENERATOR if code & 0x800000 else 0) for code in codes]
        tables.append(tuple(codes))
    return tuple(reversed(tables))


_TABLES = _tables()
_SHORT_TABLES = _TABLES[-4:]


def parity(data: bytes) -> int:
    """Return the 24-bit code of `data`, the frame without its last 3 bytes; 4 or 11 bytes."""
    code = 0
    for table, byte in zip(_SHORT_TABLES if len(data) == 4 else _TABLES, data, strict=True):
        code ^= table[byte]
    return code


def remainder(frame: bytes) -> int:
    """Return what was laid over a whole frame's parity: 0, an interrogator code or the address."""
    return parity(frame[:-3]) ^ int.from_bytes(frame[-3:])


def sealed(data: bytes, overlay: int = 0) -> bytes:
    """Return `data` with its parity behind it; overlay: address or interrogator code, 0 for a squitter."""
    return data + (parity(data) ^ overlay).to_bytes(3)
