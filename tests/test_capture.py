"""ASTERIX of a record as a capture file: what was written is read again, by us and by Wireshark where it is."""

import json
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from simulated_frames import START, written
from typer.testing import CliRunner

from skywarden.cli.app import app
from skywarden.errors import ConfigError
from skywarden.outputs.pcap import LONGEST, checksum, head, packet
from skywarden.pcap import packets
from skywarden.record.reading import SqliteRecord
from skywarden.service.capture import capture
from skywarden.service.frames import FrameRecord, frames_of


def summed(data: bytes) -> int:
    """Word by word, as RFC 1071 shows it in C."""
    total = 0
    for (word,) in struct.iter_unpack(">H", data + b"\0" * (len(data) % 2)):
        total += word
        total = (total & 0xFFFF) + (total >> 16)
    return total


@pytest.fixture(scope="module")
def captured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, int]:
    directory = tmp_path_factory.mktemp("captured")
    record = written(directory / "frames", 20.0)
    count = capture(SqliteRecord(record), directory / "radars.pcap")
    return record, directory / "radars.pcap", count


def test_every_asterix_message_comes_back_at_its_time_and_nothing_else(captured: tuple[Path, Path, int]) -> None:
    record, path, count = captured
    radars = ("orrin", "saltfen", "highmoor")
    frames = [f for f in frames_of(SqliteRecord(record).entries()) if f.source in radars]
    expected = [(f.received, data) for f in frames for data in f.messages()]
    assert list(packets(path.read_bytes())) == expected
    assert count == len(expected) > 100


def test_our_own_decoder_reads_the_capture(captured: tuple[Path, Path, int]) -> None:
    found = CliRunner().invoke(app, ["decode", "asterix", str(captured[1])])
    rows = [json.loads(line) for line in found.stdout.splitlines() if line.startswith("{")]
    assert found.exit_code == 0
    assert len(rows) >= captured[2]
    assert not [row for row in rows if "error" in row]


def test_checksums_are_those_of_the_standard() -> None:
    for data in (b"", b"\0\0", b"\xff\xff", b"\x00\x01\xf2\x03\xf4\xf5\xf6\xf7", b"odd", b"\xff" * 9, bytes(40) + b"x"):
        assert checksum(data) == 0xFFFF - summed(data)
    assert 0xFFFF - checksum(b"\x00\x01\xf2\x03\xf4\xf5\xf6\xf7") == 0xDDF2  # the example in RFC 1071, section 3


def test_headers_add_up() -> None:
    record = packet(START + 5, 7, b"block")
    seconds, fraction, length, original = struct.unpack_from("<IIII", record)
    frame = record[16:]
    assert (seconds, fraction, length, original) == (START // 10**9, 5, len(frame), len(frame))
    ip, datagram = frame[14:34], frame[34:]
    assert summed(ip) == 0xFFFF
    assert summed(ip[12:20] + b"\0\x11" + datagram[4:6] + datagram) == 0xFFFF
    assert ip[12:16] == bytes((192, 0, 2, 8))
    assert struct.unpack_from(">HHH", datagram) == (8600, 8600, 13)


def test_what_is_no_datagram_is_refused(tmp_path: Path) -> None:
    assert list(packets(head() + packet(START, 0, bytes(LONGEST)))) == [(START, bytes(LONGEST))]
    with pytest.raises(ValueError, match="no datagram"):
        packet(START, 0, bytes(LONGEST + 1))
    with pytest.raises(ValueError, match="no datagram"):
        packet(START, 254, b"")
    with FrameRecord(tmp_path / "frames", 1, '[run]\nmode = "sim"\n', START):
        pass
    with pytest.raises(ConfigError, match="record has 0"):
        capture(SqliteRecord(tmp_path / "frames"), tmp_path / "none.pcap")


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_wireshark_finds_asterix_and_no_fault(captured: tuple[Path, Path, int]) -> None:
    checks = ["-o", "udp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"]
    command = ["tshark", "-r", str(captured[1]), *checks, "-T", "fields", "-e", "asterix.category"]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(found) == captured[2]
    assert set(found) <= {"34", "48"}
