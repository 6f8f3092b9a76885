"""Remote ID in Bluetooth: what stands in a captured advertising packet.

    access address 8E89BED6, [coding indicator], header, payload, CRC (24 bits)

    Bluetooth 4    ADV_IND, ADV_NONCONN_IND, ADV_SCAN_IND: address, advertising data
    Bluetooth 5    extended advertising: extended header with address, then advertising data
    data           length, 16 (service data), FFFA, 0D, counter, message or pack

Link types: 251 bare, 256 with ten bytes of what the receiver knows, 272 of the nRF Sniffer (versions 2 and 3). The CRC
must fit: a Remote ID packet with a few wrong bits reads as another aircraft at another place.

Sources: Bluetooth Core 5.4, vol 6 part B, 2.1, 2.3, 3.1.1 (CRC: x^24 + x^10 + x^9 + x^6 + x^4 + x^3 + x + 1, starts
with 555555 for advertising); ASTM F3411-22a, 5.4.6; tcpdump.org: LINKTYPE_BLUETOOTH_LE_LL_WITH_PHDR, _NORDIC_BLE.
"""

from typing import NamedTuple

from skywarden.model.detection import Reason
from skywarden.sensors.remoteid.heard import Heard

BARE, WITH_HEADER, NORDIC = 251, 256, 272  # link types
ADVERTISING = b"\xd6\xbe\x89\x8e"  # access address as it stands in a packet
SERVICE = b"\x16\xfa\xff\x0d"  # service data, UUID FFFA, application code
LEGACY, EXTENDED = (0, 2, 6), 7  # types of packet that carry advertising data
CODED = 2  # PHY of long range
_PARTS = ((0x01, 6), (0x02, 6), (0x04, 1), (0x08, 2), (0x10, 3), (0x20, 18), (0x40, 1))  # of an extended header
_ADDRESS = 0x01
_SIGNAL_KNOWN = 0x0002


def _table() -> tuple[int, ...]:
    codes = []
    for byte in range(256):
        code = byte
        for _ in range(8):
            code = code >> 1 ^ (0xDA6000 if code & 1 else 0)  # 00065B with its bits in the order of the air
        codes.append(code)
    return tuple(codes)


_TABLE = _table()


def crc(data: bytes) -> bytes:
    """Return the three bytes of the CRC of an advertising packet's header and payload, as they are sent."""
    code = 0xAAAAAA  # 555555 with its bits in the order of the air
    for byte in data:
        code = code >> 8 ^ _TABLE[(code ^ byte) & 0xFF]
    return code.to_bytes(3, "little")


class Wave(NamedTuple):
    """A packet from its access address on. coded: a coding indicator stands behind that."""

    packet: bytes
    coded: bool
    signal: float | None = None


def hear(link: int, packet: bytes) -> Heard | Reason | None:
    """Return what Remote ID a captured packet holds, why it cannot be read, None if it is another matter."""
    wave = _UNWRAP[link](packet)
    if wave is None:
        return Reason.MALFORMED
    if not wave.packet.startswith(ADVERTISING):
        return None  # a connection: nobody advertises there
    air = wave.packet[4 + wave.coded :]
    if len(air) < 2 or len(air) < 2 + air[1] + 3:
        return Reason.TRUNCATED
    unit = air[: 2 + air[1]]
    if crc(unit) != air[len(unit) : len(unit) + 3]:
        return Reason.CHECKSUM
    kind, payload = unit[0] & 15, unit[2:]
    if kind in LEGACY:
        sender, data, carrier = payload[5::-1], payload[6:], "bluetooth-4"
    elif kind == EXTENDED:
        sender, data = _extended(payload)
        carrier = "bluetooth-5"
    else:
        return None
    said = _service_data(data)
    if said is None:
        return None
    if len(said) < 1 or len(sender) < 6:
        return Reason.UNSUPPORTED if said else Reason.TRUNCATED  # nobody says whose it is
    return Heard(carrier, sender.hex(":"), said[0], said[1:], unit, True, wave.signal)


def _extended(payload: bytes) -> tuple[bytes, bytes]:
    """Return the sender's address (empty if it is not said) and the advertising data."""
    size = payload[0] & 0x3F if payload else 0
    header, data = payload[1 : 1 + size], payload[1 + size :]
    known = len(header) >= 7 and header[0] & _ADDRESS
    return (header[6:0:-1] if known else b""), data


def _service_data(data: bytes) -> bytes | None:
    """Return counter and message of the first service data of Remote ID among the advertising data."""
    at = 0
    while at + 1 < len(data) and data[at]:
        body = data[at + 1 : at + 1 + data[at]]
        if body.startswith(SERVICE):
            return body[len(SERVICE) :]
        at += 1 + data[at]
    return None


def _bare(packet: bytes) -> Wave | None:
    return Wave(packet, False)


def _with_header(packet: bytes) -> Wave | None:
    if len(packet) < 14:
        return None
    flags = int.from_bytes(packet[8:10], "little")
    signal = packet[1] - 256 if packet[1] > 127 else packet[1]
    return Wave(packet[10:], flags >> 14 == CODED, float(signal) if flags & _SIGNAL_KNOWN else None)


def _nordic(packet: bytes) -> Wave | None:
    """board, length (2), version, counter (2), packet id, header length, flags, channel, RSSI, counter, time (4)."""
    if len(packet) < 21 or packet[3] not in (2, 3) or packet[7] != 10:
        return None
    coded = packet[3] == 3 and packet[8] >> 4 & 7 == CODED
    return Wave(packet[17:], coded, -float(packet[10]))


_UNWRAP = {BARE: _bare, WITH_HEADER: _with_header, NORDIC: _nordic}
