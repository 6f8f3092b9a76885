"""Recordings as sources, and the data clock."""

import gzip
import struct
import time
from pathlib import Path

from inbox_samples import SECOND, Lines, collect, connect, messages, running, source, until

from skywarden.model.detection import Frame
from skywarden.model.place import Source
from skywarden.service.clock import DataClock, HostClock
from skywarden.service.sources import Inbox

T0 = 1_700_000_000 * SECOND


def read_all(*sources: Source, clock: HostClock | DataClock | None = None) -> tuple[list[Frame], Inbox]:
    with running(*sources, clock=clock) as inbox:
        frames: list[Frame] = []
        deadline = time.monotonic() + 5
        while not inbox.finished():
            assert time.monotonic() < deadline
            frames += inbox.take(0.05)
        return frames, inbox


def test_recordings_are_read_to_the_end_raw_or_compressed(tmp_path: Path) -> None:
    lines = [b"line %d %s\n" % (i, b"x" * 50) for i in range(20_000)]
    (tmp_path / "raw").write_bytes(b"".join(lines) + b"no newline")
    (tmp_path / "zipped").write_bytes(gzip.compress(b"".join(lines)))
    frames, inbox = read_all(source("a", file=str(tmp_path / "raw")), source("b", file=str(tmp_path / "zipped")))
    assert messages([f for f in frames if f.source == "a"]) == [*lines, b"no newline"]
    assert messages([f for f in frames if f.source == "b"]) == lines
    assert [w.state for w in inbox.wires()] == ["finished", "finished"]
    assert [w.received for w in inbox.wires()] == [20_001, 20_000]


def test_recordings_wait_for_the_engine(tmp_path: Path) -> None:
    (tmp_path / "raw").write_bytes((b"x" * 999 + b"\n") * 20_000)
    with running(source(file=str(tmp_path / "raw"))) as inbox:
        until(lambda: inbox.wires()[0].received > 0)
        time.sleep(0.3)
        assert inbox.wires()[0].bytes < 2_500_000  # of 20 million
        assert inbox.wires()[0].state == "reading"
        assert len(messages(collect(inbox, 20_000, 10))) == 20_000


def test_recordings_that_cannot_be_read_say_why_and_the_rest_is_used(tmp_path: Path) -> None:
    whole = gzip.compress(b"".join(b"%d\n" % i for i in range(100_000)))
    (tmp_path / "cut.gz").write_bytes(whole[: len(whole) // 2])
    frames, inbox = read_all(
        source("a", file=str(tmp_path / "cut.gz")),
        source("b", file=str(tmp_path / "missing")),
        source("c", file=str(tmp_path)),
    )
    states = [w.state for w in inbox.wires()]
    assert states == [
        "cannot read: damaged gzip file",
        "cannot read: no such file or directory",
        "cannot read: is a directory",
    ]
    assert messages(frames)[:2] == [b"0\n", b"1\n"]


def test_on_the_data_clock_recordings_are_merged_by_their_own_times(tmp_path: Path) -> None:
    for name, start in (("a", 0), ("b", 1)):
        rows = [b"%d %s\n" % (T0 + i * SECOND, name.encode()) for i in range(start, 100, 2)]
        (tmp_path / name).write_bytes(b"noise\n" + b"".join(rows))
    clock = DataClock()
    frames, _ = read_all(source("a", file=str(tmp_path / "a")), source("b", file=str(tmp_path / "b")), clock=clock)
    timed = [f for f in frames if f.data != b"noise\n"]
    assert [f.received for f in timed] == [T0 + i * SECOND for i in range(100)]
    assert [f.source for f in timed] == ["a", "b"] * 50
    assert [f.received for f in frames if f.data == b"noise\n"] == [T0, T0]
    assert clock.now() == T0 + 99 * SECOND


def test_packet_captures_are_read_datagram_by_datagram(tmp_path: Path) -> None:
    def packet(payload: bytes, second: int) -> bytes:
        udp = struct.pack(">HHHH", 1, 2, 8 + len(payload), 0) + payload
        ip = struct.pack(">BBHIBBH8x", 0x45, 0, 20 + len(udp), 0, 64, 17, 0) + udp
        return struct.pack("<IIII", second, 0, len(ip), len(ip)) + ip

    header = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    start = T0 // SECOND
    path = tmp_path / "net.pcap.gz"
    path.write_bytes(gzip.compress(header + packet(b"one", start) + packet(b"two", start + 5)))
    frames, inbox = read_all(source(file=str(path)), clock=DataClock())
    assert messages(frames) == [b"one", b"two"]
    assert [f.received for f in frames] == [T0, T0 + 5 * SECOND]
    assert inbox.wires()[0].state == "finished"


def test_on_the_data_clock_every_message_is_a_frame_at_its_own_time() -> None:
    clock = DataClock()
    with running(source(listen="tcp://127.0.0.1:0"), clock=clock) as inbox, connect(inbox) as client:
        client.sendall(b"early\n%d x\n%d y\nno time\n" % (T0, T0 + SECOND))
        frames = collect(inbox, 4)
        assert [len(f) for f in frames] == [1, 1, 1, 1]
        assert [f.received for f in frames] == [T0, T0, T0 + SECOND, T0 + SECOND]
        assert clock.now() == T0 + SECOND


def test_a_recording_that_begins_with_an_absurd_time_waits_for_a_good_one(tmp_path: Path) -> None:
    (tmp_path / "raw").write_bytes(b"1 x\n%d y\n" % T0)
    frames, _ = read_all(source(file=str(tmp_path / "raw")), clock=DataClock())
    assert [f.received for f in frames] == [T0, T0]


def test_a_recording_at_which_the_format_s_code_fails_says_so_and_the_rest_is_read(tmp_path: Path) -> None:
    class Broken(Lines):
        @staticmethod
        def split(buffer: bytes) -> list[int]:
            if b"poison" in buffer:
                raise KeyError("a fault")
            return Lines.split(buffer)

    (tmp_path / "a").write_bytes(b"poison\n")
    (tmp_path / "b").write_bytes(b"good\n")
    two = source("a", file=str(tmp_path / "a")), source("b", file=str(tmp_path / "b"))
    with running(*two, decoders={"lines": Broken}) as inbox:
        assert messages(collect(inbox, 1)) == [b"good\n"]
        assert inbox.wires()[0].state == "cannot read: 'a fault'"


def test_a_recording_without_any_times_is_read_on_the_host_s_time(tmp_path: Path) -> None:
    (tmp_path / "raw").write_bytes(b"no\ntimes\n")
    frames, _ = read_all(source(file=str(tmp_path / "raw")), clock=DataClock())
    assert messages(frames) == [b"no\n", b"times\n"]
    assert all(abs(f.received - time.time_ns()) < 60 * SECOND for f in frames)
