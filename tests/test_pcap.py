"""Datagrams out of pcap and pcapng files."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skywarden.errors import DecodeError
from skywarden.pcap import packets

TIME = 1_789_992_000_123_456_000  # ns
PAYLOAD = b"\x30\x00\x05\x80\x01"


def udp(payload: bytes = PAYLOAD, fragment: int = 0, protocol: int = 17, options: bytes = b"") -> bytes:
    datagram = struct.pack(">HHHH", 8600, 8600, 8 + len(payload), 0) + payload
    first = 0x45 + len(options) // 4
    size = 20 + len(options) + len(datagram)
    address = bytes([192, 0, 2, 1, 232, 1, 1, 1])
    return struct.pack(">BBHHHBBH", first, 0, size, 1, fragment, 16, protocol, 0) + address + options + datagram


def ethernet(packet: bytes, *tags: int) -> bytes:
    marks = b"".join(struct.pack(">HH", tag, 7) for tag in tags)
    return bytes(12) + marks + b"\x08\x00" + packet


def pcap(*frames: bytes, link: int = 1, order: str = "<", magic: int = 0xA1B2C3D4) -> bytes:
    unit = 1 if magic == 0xA1B23C4D else 1000
    seconds, fraction = divmod(TIME, 10**9)
    head = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link)
    return head + b"".join(struct.pack(order + "IIII", seconds, fraction // unit, len(f), len(f)) + f for f in frames)


def block(order: str, kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    return struct.pack(order + "II", kind, len(body) + 12) + body + struct.pack(order + "I", len(body) + 12)


def pcapng(frame: bytes, order: str = "<", resolution: bytes = b"", ticks: int = TIME // 1000) -> bytes:
    section = block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
    option = struct.pack(order + "HH", 9, 1) + resolution + bytes(3) if resolution else b""
    interface = block(order, 1, struct.pack(order + "HHI", 1, 0, 65535) + option)
    head = struct.pack(order + "IIIII", 0, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), len(frame))
    return section + interface + block(order, 6, head + frame)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("magic", [0xA1B2C3D4, 0xA1B23C4D])
def test_both_byte_orders_and_both_clocks(order: str, magic: int) -> None:
    assert list(packets(pcap(ethernet(udp()), order=order, magic=magic))) == [(TIME, PAYLOAD)]


@pytest.mark.parametrize(
    ("link", "frame"),
    [
        (1, ethernet(udp(), 0x8100)),
        (1, ethernet(udp(), 0x88A8, 0x8100)),
        (1, ethernet(udp()) + bytes(18)),  # padded to the least length of a frame
        (1, ethernet(udp(options=bytes(8)))),
        (101, udp()),
        (0, b"\x02\x00\x00\x00" + udp()),
        (113, bytes(14) + b"\x08\x00" + udp()),
        (276, b"\x08\x00" + bytes(18) + udp()),
    ],
)
def test_datagrams_are_found_behind_every_link_header(link: int, frame: bytes) -> None:
    assert list(packets(pcap(frame, link=link))) == [(TIME, PAYLOAD)]


@pytest.mark.parametrize(
    "frame",
    [
        ethernet(udp(fragment=0x2000)),  # more fragments follow
        ethernet(udp(fragment=0x0010)),  # a later fragment
        ethernet(udp(protocol=6)),
        ethernet(udp())[:-1],  # cut off
        bytes(12) + b"\x86\xdd" + udp(),
        b"",
    ],
)
def test_what_is_no_whole_datagram_is_left_out(frame: bytes) -> None:
    assert list(packets(pcap(frame, ethernet(udp())))) == [(TIME, PAYLOAD)]


def test_a_packet_may_say_do_not_fragment() -> None:
    assert len(list(packets(pcap(ethernet(udp(fragment=0x4000)))))) == 1


def test_a_file_that_was_cut_off_gives_what_is_whole() -> None:
    data = pcap(ethernet(udp()), ethernet(udp()))
    assert len(list(packets(data[:-1]))) == 1


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("resolution", "ticks", "time"),
    [
        (b"", TIME // 1000, TIME),
        (b"\x09", TIME, TIME),
        (b"\x03", TIME // 10**6, TIME // 10**6 * 10**6),
        (b"\x81", 3, 15 * 10**8),
    ],
)
def test_pcapng_in_any_byte_order_and_resolution(order: str, resolution: bytes, ticks: int, time: int) -> None:
    assert list(packets(pcapng(ethernet(udp()), order, resolution, ticks))) == [(time, PAYLOAD)]


def test_a_packet_of_an_impossible_time_is_left_out() -> None:
    whole_seconds = b"\x00"
    assert list(packets(pcapng(ethernet(udp()), "<", whole_seconds, 0xFFFFFFFF << 32))) == []


def test_a_block_that_says_it_is_shorter_than_its_header_ends_the_file() -> None:
    data = pcapng(ethernet(udp()))
    assert len(list(packets(data + data))) == 2
    assert list(packets(data[:28] + struct.pack("<II", 5, 0) + data[28:])) == []


def test_another_file_is_refused() -> None:
    with pytest.raises(DecodeError, match="pcap"):
        list(packets(b"PK\x03\x04"))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damaged_files_give_datagrams_or_nothing(data: st.DataObject) -> None:
    made = bytearray(data.draw(st.sampled_from([pcap(ethernet(udp())), pcapng(ethernet(udp()), resolution=b"\x09")])))
    for _ in range(data.draw(st.integers(0, 5))):
        made[data.draw(st.integers(4, len(made) - 1))] = data.draw(st.integers(0, 255))
    for time, payload in packets(bytes(made[: data.draw(st.integers(4, len(made)))])):
        assert isinstance(time, int)
        assert isinstance(payload, bytes)
