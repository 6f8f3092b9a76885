"""Parity of Mode S frames: the 24-bit cyclic code.

The last 24 bits of every frame are the code of what stands before, XOR zero (DF 17, 18), XOR the interrogator's
code (DF 11) or XOR the aircraft's address (DF 0, 4, 5, 16, 20, 21).

Source: ICAO Annex 10 Vol IV, 3.1.2.3.3 (generator polynomial, address and interrogator parity).
"""

GENERATOR = 0xFFF409  # x^24 + x^23 + ... + x^12 + x^10 + x^3 + 1, the leading one left out


def _table() -> tuple[int, ...]:
    rows = []
    for byte in range(256):
        code = byte << 16
        for _ in range(8):
            code = (code << 1) ^ (GENERATOR if code & 0x800000 else 0)
            code &= 0xFFFFFF
        rows.append(code)
    return tuple(rows)


_TABLE = _table()


def parity(data: bytes) -> int:
    """Return the 24-bit code of `data`, the frame without its last 3 bytes."""
    code = 0
    for byte in data:
        code = ((code << 8) & 0xFFFFFF) ^ _TABLE[(code >> 16) ^ byte]
    return code


def remainder(frame: bytes) -> int:
    """Return what was laid over a whole frame's parity: 0, an interrogator code or the address."""
    return parity(frame[:-3]) ^ int.from_bytes(frame[-3:])


def sealed(data: bytes, overlay: int = 0) -> bytes:
    """Return `data` with its parity behind it; overlay: address or interrogator code, 0 for a squitter."""
    return data + (parity(data) ^ overlay).to_bytes(3)
