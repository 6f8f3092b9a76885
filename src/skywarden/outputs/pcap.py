"""Messages as a capture file, as if somebody had listened on the wire: UDP over IPv4 over Ethernet, times in ns.

Every reader of pcap takes it. Addresses are of the blocks that are kept for documentation, so that no packet can be
taken for one of a real network: each sender has its own in 192.0.2.0/24, the receiver is 198.51.100.1.

Sources: draft-ietf-opsawg-pcap (file, magic number of ns), RFC 791 (IPv4), RFC 768 (UDP), RFC 1071 (checksum),
RFC 5737 (addresses).
"""

from struct import Struct

MAGIC, VERSION, SNAP, ETHERNET = 0xA1B23C4D, (2, 4), 1 << 18, 1
SECOND = 1_000_000_000
UDP, TTL, PORT = 17, 64, 8600  # the port that is usual for ASTERIX
LONGEST = 65_507  # bytes of a datagram's payload over IPv4
SENDERS = 254
RECEIVER = bytes((198, 51, 100, 1))
_FILE = Struct("<IHHiIII")
_PACKET = Struct("<IIII")
_IP = Struct(">BBHHHBBH4s4s")
_UDP = Struct(">HHHH")
_PSEUDO = Struct(">4s4sBBH")
_MACHINES = b"\x02\x00\x00\x00\x00\x01" + b"\x02\x00\x00\x00\x00\x02" + b"\x08\x00"  # locally administered; IPv4


def head() -> bytes:
    """Return what a capture begins with."""
    return _FILE.pack(MAGIC, *VERSION, 0, 0, SNAP, ETHERNET)


def packet(time: int, sender: int, data: bytes) -> bytes:
    """Return one datagram as a record of the capture.

    time: UTC ns; sender: 0 to 253, which of the addresses; data: up to 65,507 bytes. Raises ValueError when it is
    longer, or there is no such sender: neither can be written.
    """
    if len(data) > LONGEST or not 0 <= sender < SENDERS:
        raise ValueError(f"{len(data)} bytes from sender {sender} are no datagram")
    source = bytes((192, 0, 2, sender + 1))
    length = _UDP.size + len(data)
    pseudo = _PSEUDO.pack(source, RECEIVER, 0, UDP, length)
    checked = checksum(pseudo + _UDP.pack(PORT, PORT, length, 0) + data) or 0xFFFF  # 0 would mean: none
    datagram = _UDP.pack(PORT, PORT, length, checked) + data
    fields = (0x45, 0, _IP.size + length, 0, 0x4000, TTL, UDP)  # one piece: "do not fragment"
    frame = _MACHINES + _IP.pack(*fields, checksum(_IP.pack(*fields, 0, source, RECEIVER)), source, RECEIVER) + datagram
    seconds, fraction = divmod(time, SECOND)
    return _PACKET.pack(seconds, fraction, len(frame), len(frame)) + frame


def checksum(data: bytes) -> int:
    """Return the 16-bit ones' complement of the ones' complement sum of 16-bit words. Source: RFC 1071, section 1.

    That sum is the number modulo 65,535, with 65,535 for 0 unless all is 0.
    """
    number = int.from_bytes(data + b"\0" * (len(data) % 2), "big")
    total = number % 0xFFFF or (0xFFFF if number else 0)
    return 0xFFFF - total
