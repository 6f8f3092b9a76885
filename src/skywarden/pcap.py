"""Recordings of network and radio traffic: the packets in a pcap or pcapng file, and the UDP datagrams in them.

Read: pcap of either byte order, in us or ns; pcapng (enhanced packet blocks, any time resolution). A file that ends
in the middle of a packet ends there. Who reads a file says what to take of each packet (`Take`). `udp` takes
datagrams, over Ethernet with any VLAN tags, raw IP, loopback, Linux cooked 1 and 2. IPv4 only; fragments, packets
that were cut off and everything that is not UDP are left out.

Sources: draft-ietf-opsawg-pcap (pcap), draft-ietf-opsawg-pcapng, RFC 791, RFC 768, IEEE 802.1Q; link types as
registered at tcpdump.org.
"""

from collections.abc import Callable, Iterator
from struct import Struct

from skywarden.errors import DecodeError
from skywarden.model.detection import Reason

SECOND = 1_000_000_000  # ns
LATEST = 9_000_000_000 * SECOND  # ns; the year 2255, and the largest time that 64 bits hold with sign
ETHERNET, LOOPBACK, COOKED, COOKED2 = 1, 0, 113, 276
RAW = (12, 14, 101, 228)  # the packet starts with its IP header
IPV4, VLAN_TAGS, UDP = 0x0800, (0x8100, 0x88A8, 0x9100), 17
MAGIC = {  # first four octets -> byte order, ns in a unit of the fraction
    b"\xa1\xb2\xc3\xd4": (">", 1000),
    b"\xd4\xc3\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\x3c\x4d": (">", 1),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
}
SECTION, INTERFACE, PACKET = 0x0A0D0D0A, 1, 6  # blocks of a pcapng file
RESOLUTION = 9  # option of an interface: if_tsresol

Take = Callable[[int, bytes, int], bytes | None]  # link type, packet, UTC ns -> message; None: it holds none


def udp(link: int, packet: bytes, time: int) -> bytes | None:
    """Return the payload of a packet that is a whole UDP datagram over IPv4."""
    return _udp(_ip(link, packet))


def packets(data: bytes, take: Take = udp) -> Iterator[tuple[int, bytes]]:
    """Yield (UTC ns, message) of each packet of which `take` makes a message, in the order of the file.

    Raises DecodeError when it is neither pcap nor pcapng.
    """
    if data[:4] in MAGIC:
        frames = _pcap(data)
    elif data[:4] == SECTION.to_bytes(4, "big"):
        frames = _pcapng(data)
    else:
        raise DecodeError(Reason.MALFORMED, "this is not a pcap or pcapng file")
    for time, link, frame in frames:
        message = take(link, frame, time)
        if message is not None:
            yield time, message


def _pcap(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    order, unit = MAGIC[data[:4]]
    header, at = Struct(order + "IIII"), 24
    if len(data) < at:
        return
    link = int.from_bytes(data[20:24], "big" if order == ">" else "little") & 0xFFFF
    while at + header.size <= len(data):
        seconds, fraction, size, _ = header.unpack_from(data, at)
        at += header.size
        if at + size > len(data):
            return
        yield seconds * SECOND + fraction * unit, link, data[at : at + size]
        at += size


def _pcapng(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    order, at = "<", 0
    links: list[tuple[int, int, int]] = []
    while at + 12 <= len(data):
        if data[at : at + 4] == SECTION.to_bytes(4, "big"):
            order = ">" if data[at + 8 : at + 12] == b"\x1a\x2b\x3c\x4d" else "<"
            links = []
        kind, size = Struct(order + "II").unpack_from(data, at)
        if size < 12 or at + size > len(data):
            return
        body = data[at + 8 : at + size - 4]
        if kind == INTERFACE and len(body) >= 8:
            links.append(_interface(body, order))
        elif kind == PACKET and len(body) >= 20:
            interface, high, low, length, _ = Struct(order + "IIIII").unpack_from(body)
            if interface < len(links):
                link, top, bottom = links[interface]
                time = (high << 32 | low) * top // bottom
                if time < LATEST:  # a wrong unit gives times that nothing can hold
                    yield time, link, body[20 : 20 + length]
        at += size


def _interface(body: bytes, order: str) -> tuple[int, int, int]:
    """Return link type and, as a fraction, ns in a unit of its clock (us when it does not say)."""
    link, top, bottom = Struct(order + "H").unpack_from(body)[0], 1000, 1
    at = 8
    while at + 4 <= len(body):
        code, size = Struct(order + "HH").unpack_from(body, at)
        if code == RESOLUTION and at + 4 < len(body):
            power = body[at + 4] & 0x7F
            top, bottom = SECOND, (2 if body[at + 4] & 0x80 else 10) ** power
        if code == 0:
            break
        at += 4 + (size + 3) // 4 * 4
    return link, top, bottom


def _ip(link: int, frame: bytes) -> bytes:
    """Return the IP packet in a frame; nothing when there is none."""
    if link in RAW:
        return frame
    if link == LOOPBACK:
        return frame[4:]
    if link == COOKED:
        return frame[16:] if frame[14:16] == IPV4.to_bytes(2, "big") else b""
    if link == COOKED2:
        return frame[20:] if frame[0:2] == IPV4.to_bytes(2, "big") else b""
    if link != ETHERNET:
        return b""
    at = 12
    while int.from_bytes(frame[at : at + 2], "big") in VLAN_TAGS:
        at += 4
    return frame[at + 2 :] if frame[at : at + 2] == IPV4.to_bytes(2, "big") else b""


def _udp(packet: bytes) -> bytes | None:
    """Return the payload of an IPv4 UDP packet that is there as a whole."""
    if len(packet) < 28 or packet[0] >> 4 != 4 or packet[9] != UDP:
        return None
    start, end = (packet[0] & 15) * 4, int.from_bytes(packet[2:4], "big")
    fragment = int.from_bytes(packet[6:8], "big") & 0x3FFF  # "more fragments" and the offset
    if fragment or start < 20 or end > len(packet) or start + 8 > end:
        return None
    size = int.from_bytes(packet[start + 4 : start + 6], "big")
    return packet[start + 8 : start + size] if 8 <= size <= end - start else None
