"""DJI's own drone ID in a Wi-Fi beacon (OUI 26-37-12): not ASTM's, no standard; named so that nobody takes it for one.

    58, 2 bytes, 10 (flight data; 11 is text)   version 1 or 2   counter 2   state 2   serial 16   longitude 4
    latitude 4

What follows (heights, speeds, home and pilot's place) differs between versions and is not read: its units are not
published. Coordinates are int32 in 1/174533 deg, which is 1e-7 rad.

Source: as described by researchers and by Kismet's documentation; DJI has published nothing.
"""

from struct import Struct

import msgspec

from skywarden.model.detection import Reason

UNIT = 1 / 174533.0  # deg
FLIGHT, VENDOR, VERSIONS = 0x10, 0x58, (1, 2)
_LAYOUT = Struct("<BxxBBHH16sii")


class Flight(msgspec.Struct, frozen=True):
    """What the aircraft says of itself. deg; None: it does not know its place."""

    layout: int
    counter: int
    serial: str
    latitude: float | None
    longitude: float | None


def read(body: bytes) -> Flight | Reason:
    """Return what the element behind its OUI says, or why it cannot be read."""
    if len(body) < 4:
        return Reason.TRUNCATED
    if body[0] != VENDOR or body[3] != FLIGHT:
        return Reason.UNSUPPORTED
    if len(body) < _LAYOUT.size:
        return Reason.TRUNCATED
    _, _, version, counter, _, serial, longitude, latitude = _LAYOUT.unpack_from(body)
    if version not in VERSIONS:
        return Reason.UNSUPPORTED
    text = "".join(chr(c) if 32 < c < 127 else "?" for c in serial.rstrip(b"\0 "))
    placed = latitude != 0 or longitude != 0
    found = Flight(version, counter, text, latitude * UNIT if placed else None, longitude * UNIT if placed else None)
    possible = abs(found.latitude or 0.0) <= 90 and abs(found.longitude or 0.0) <= 180
    return found if possible else Reason.IMPLAUSIBLE
