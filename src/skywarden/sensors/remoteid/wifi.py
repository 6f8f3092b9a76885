"""Remote ID in Wi-Fi: what stands in a captured 802.11 management frame.

    beacon, probe response    element 221, OUI FA-0B-BC, type 0D: counter, message or pack
                              element 221, OUI 26-37-12: DJI's own beacon, which is not ASTM's
    NAN action frame          attribute 3, service 88-69-19-9D-92-09: counter, message or pack

A radiotap header says whether the frame check sequence was captured; then it must fit. Without that header (link type
105) it is taken to be there if it fits.

Sources: ASTM F3411-22a, 5.4.7 and 5.4.8; IEEE 802.11-2020, 9.2.4.8 (FCS), 9.3.3, 9.4.2.25; Wi-Fi Aware 4.0, 9.5.3
(service descriptor attribute); radiotap.org (fields TSFT, flags, rate, channel, FHSS, antenna signal).
"""

from binascii import crc32
from typing import NamedTuple

from skywarden.model.detection import Reason
from skywarden.sensors.remoteid.heard import Heard

PLAIN, RADIOTAP = 105, 127  # link types
ASTM = b"\xfa\x0b\xbc\x0d"  # OUI and type
DJI = b"\x26\x37\x12"
ALLIANCE_NAN = b"\x04\x09\x50\x6f\x9a\x13"  # public action, vendor specific, OUI, type
SERVICE = bytes.fromhex("8869199d9209")  # first six bytes of SHA-256 of "org.opendroneid.remoteid"
BEACON, PROBE_RESPONSE, ACTION = 0x80, 0x50, 0xD0  # first octet of the frame
_CARRIERS = (b"\x80", b"\x50", b"\xd0")
HEADER, FIXED = 24, 12  # bytes: header of a management frame; timestamp, interval and capabilities of a beacon
_FIELDS = ((0, 8, 8), (1, 1, 1), (2, 1, 1), (3, 4, 2), (4, 2, 1), (5, 1, 1))  # radiotap: bit, size, alignment
_FLAGS, _SIGNAL = 1, 5
_FCS, _BAD_FCS = 0x10, 0x40
_MORE = 1 << 31  # one more word of bits follows


class Wave(NamedTuple):
    """A frame without what the receiver put around it. checked: its FCS was there and fits."""

    frame: bytes
    checked: bool
    signal: float | None = None


def hear(link: int, packet: bytes) -> Heard | Reason | None:
    """Return what Remote ID a captured packet holds, why it cannot be read, None if it is another matter."""
    wave = _radiotap(packet) if link == RADIOTAP else _plain(packet)
    if isinstance(wave, Reason):
        return wave
    frame = wave.frame
    if frame[:1] not in _CARRIERS:
        return None
    if len(frame) < HEADER:
        return Reason.TRUNCATED
    sender = frame[10:16].hex(":")
    if frame[0] != ACTION:
        found = _elements(frame[HEADER + FIXED :])
    else:
        named = frame[HEADER:].startswith(ALLIANCE_NAN)
        found = _nan(frame[HEADER + len(ALLIANCE_NAN) :]) if named else None
    if found is None or isinstance(found, Reason):
        return found
    carrier, body = found
    if carrier == "dji":
        return Heard("wifi-beacon", sender, 0, body, frame, wave.checked, wave.signal, "dji-legacy")
    return Heard(carrier, sender, body[0], body[1:], frame, wave.checked, wave.signal) if body else Reason.TRUNCATED


def sealed(frame: bytes) -> bytes:
    """Return an 802.11 frame with its check sequence behind it."""
    return frame + crc32(frame).to_bytes(4, "little")


def _plain(packet: bytes) -> Wave:
    fits = len(packet) > HEADER + 4 and sealed(packet[:-4]) == packet
    return Wave(packet[:-4] if fits else packet, fits)


def _radiotap(packet: bytes) -> Wave | Reason:
    if len(packet) < 8 or packet[0] != 0:
        return Reason.MALFORMED
    size = int.from_bytes(packet[2:4], "little")
    if not 8 <= size <= len(packet):
        return Reason.MALFORMED
    values = _fields(packet[:size])
    flags, signal = values.get(_FLAGS, 0), values.get(_SIGNAL)
    frame, level = packet[size:], None if signal is None else float(signal - 256 if signal > 127 else signal)
    if flags & _BAD_FCS:
        return Reason.CHECKSUM
    if not flags & _FCS:
        return Wave(frame, False, level)
    return Wave(frame[:-4], True, level) if sealed(frame[:-4]) == frame else Reason.CHECKSUM


def _fields(header: bytes) -> dict[int, int]:
    """Return the first fields by their bit; each is aligned to its size, counted from the header's start."""
    present = word = int.from_bytes(header[4:8], "little")
    at, found = 8, dict[int, int]()
    while word & _MORE and at + 4 <= len(header):
        word = int.from_bytes(header[at : at + 4], "little")
        at += 4
    for bit, size, alignment in _FIELDS:
        if present >> bit & 1:
            at += -at % alignment
            if at + size > len(header):
                break
            found[bit] = int.from_bytes(header[at : at + size], "little")
            at += size
    return found


def _elements(data: bytes) -> tuple[str, bytes] | Reason | None:
    """Return the Remote ID among the elements of a beacon; ASTM's before DJI's."""
    at, foreign = 0, None
    while at + 2 <= len(data):
        kind, size = data[at], data[at + 1]
        body = data[at + 2 : at + 2 + size]
        if kind == 221 and body.startswith(ASTM):
            return ("wifi-beacon", body[len(ASTM) :]) if len(body) == size else Reason.TRUNCATED
        if kind == 221 and body.startswith(DJI):
            foreign = body[len(DJI) :] if len(body) == size else None
        at += 2 + size
    return None if foreign is None else ("dji", foreign)


def _nan(data: bytes) -> tuple[str, bytes] | Reason | None:
    """Return the service information of Remote ID's service among the attributes."""
    at = 0
    while at + 3 <= len(data):
        kind, size = data[at], int.from_bytes(data[at + 1 : at + 3], "little")
        body = data[at + 3 : at + 3 + size]
        if kind == 3 and body.startswith(SERVICE):
            return _service(body) if len(body) == size and size > 8 else Reason.TRUNCATED
        at += 3 + size
    return None


def _service(body: bytes) -> tuple[str, bytes] | Reason | None:
    control, at = body[8], 9
    at += 2 if control & 0x40 else 0  # binding bitmap
    for bit in (0x04, 0x08):  # matching filter, service response filter
        if control & bit:
            if at >= len(body):
                return Reason.TRUNCATED
            at += 1 + body[at]
    if not control & 0x10:
        return None
    if at >= len(body):
        return Reason.TRUNCATED
    said = body[at + 1 : at + 1 + body[at]]
    return ("wifi-nan", said) if len(said) == body[at] else Reason.TRUNCATED
