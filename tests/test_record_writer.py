"""The writing thread: order, durability, what happens when the disk is slow, full, or full for too long."""

import errno
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from resource import RLIM_INFINITY, RLIMIT_FSIZE, getrlimit, setrlimit

import pytest

from skywarden.model.detection import Frame
from skywarden.model.event import Arrived, Entry, encode
from skywarden.record import MemoryLog, SqliteLog, SqliteRecord, Writer
from skywarden.record.states import States
from skywarden.record.writer import GROUP


def entries(first: int, last: int, size: int = 1000) -> list[Entry]:
    return [Entry(s, s, s, encode(Arrived(Frame.of("a", s, bytes([s % 256]) * size)))) for s in range(first, last + 1)]


@contextmanager
def full_disk(log: SqliteLog) -> Iterator[None]:
    """No page can be added: SQLite says SQLITE_FULL, as it does when the disk is full."""
    pages = log._connection.execute("PRAGMA page_count").fetchone()[0]
    log._connection.execute(f"PRAGMA max_page_count = {pages}")
    try:
        yield
    finally:
        log._connection.execute("PRAGMA max_page_count = 1073741823")


@contextmanager
def small_files(size: int) -> Iterator[None]:
    """The system refuses to let any file grow beyond `size` bytes."""
    hard = getrlimit(RLIMIT_FSIZE)[1]
    setrlimit(RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        setrlimit(RLIMIT_FSIZE, (RLIM_INFINITY if hard == RLIM_INFINITY else hard, hard))


class SlowLog(MemoryLog):
    """A disk that takes 0.2 s for each transaction."""

    def append(self, entries):
        time.sleep(0.2)
        super().append(entries)


def eventually(condition, timeout: float = 10.0) -> bool:
    end = time.monotonic() + timeout
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return bool(condition())


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SqliteLog]:
    made = SqliteLog(tmp_path / "record")
    yield made
    made.close()


def test_what_was_waited_for_is_on_disk(log):
    writer = Writer(log)
    assert writer.submit(entries(1, 20))
    assert writer.wait(20, timeout=10)
    assert writer.durable == 20
    assert list(SqliteRecord(log.path).entries()) == entries(1, 20)
    assert writer.close()


def test_a_writer_goes_on_where_the_log_ends(log):
    log.append(entries(1, 5))
    writer = Writer(log)
    assert (writer.durable, writer.next) == (5, 6)
    assert writer.submit(entries(6, 7))
    assert writer.close()
    assert list(log.entries()) == entries(1, 7)


def test_submitting_does_not_wait_for_a_slow_disk():
    writer = Writer(SlowLog())
    start = time.monotonic()
    for first in range(1, 101, 10):
        writer.submit(entries(first, first + 9))
    assert time.monotonic() - start < 0.15
    assert not writer.wait(100, timeout=0.01)
    assert writer.wait(100, timeout=10)
    assert writer.fault is None


def test_what_waits_goes_into_one_transaction():
    writer = Writer(SlowLog())
    start = time.monotonic()
    for seq in range(1, 101):
        writer.submit(entries(seq, seq))
    assert writer.close()
    assert time.monotonic() - start < 2  # 100 transactions would take 20 s


def test_a_long_backlog_is_acknowledged_in_pieces():
    writer = Writer(SlowLog())
    writer.submit(entries(1, 1))
    writer.submit(entries(2, 41, size=GROUP // 8))
    assert writer.wait(3, timeout=10)
    assert writer.durable < 41
    assert writer.close()
    assert writer.backlog == 0


def test_close_writes_everything_that_waits(log):
    writer = Writer(log)
    for first in range(1, 1001, 10):
        writer.submit(entries(first, first + 9))
    assert writer.close()
    assert list(log.entries()) == entries(1, 1000)
    assert not writer.submit(entries(1001, 1001))


def test_a_full_disk_is_reported_and_nothing_is_lost_when_space_returns(log):
    writer = Writer(log)
    with full_disk(log):
        for first in range(1, 2001, 100):
            assert writer.submit(entries(first, first + 99))
        assert eventually(lambda: writer.fault)
        assert "the disk is full" in writer.fault
        start = time.monotonic()
        assert not writer.wait(2000, timeout=5)
        assert time.monotonic() - start < 1  # waiting for a disk that refuses would delay a warning
        held = list(SqliteRecord(log.path).entries())
        assert held == entries(1, len(held))
        assert len(held) == writer.durable < 2000
    assert eventually(lambda: writer.durable == 2000)
    assert (writer.fault, writer.backlog) == (None, 0)
    assert list(log.entries()) == entries(1, 2000)
    assert writer.close()


def test_a_disk_that_fails_to_write_is_reported_and_nothing_is_lost_when_it_works_again(log):
    writer = Writer(log)
    with small_files(200_000):
        writer.submit(entries(1, 2000))
        assert eventually(lambda: writer.fault)
        assert "check the disk" in writer.fault
        assert writer.durable == 0
    assert eventually(lambda: writer.durable == 2000)
    assert writer.fault is None
    assert list(log.entries()) == entries(1, 2000)
    assert writer.close()


def test_beyond_the_memory_limit_new_entries_are_refused_but_for_the_one_that_says_so(log):
    writer = Writer(log, limit=150_000)
    with full_disk(log):
        assert writer.submit(entries(1, 100))
        assert not writer.submit(entries(101, 200))
        assert not writer.submit(entries(201, 210))  # would leave a gap
        assert not writer.wait(150, timeout=5)
        assert not writer.eased
        assert writer.submit(entries(101, 101, size=200_000), beyond=True)
    assert eventually(lambda: writer.durable == 101)
    assert writer.eased
    assert writer.next == 102
    assert writer.submit(entries(102, 150))  # numbered anew
    assert writer.close()
    assert list(log.entries()) == [*entries(1, 100), *entries(101, 101, size=200_000), *entries(102, 150)]


def test_messages_are_acknowledged_when_they_are_on_disk_and_not_before(log):
    log.append(entries(1, 5))
    writer = Writer(log, limit=200_000)
    assert writer.recorded == {"a": 5}
    with full_disk(log):
        writer.submit(entries(6, 100))
        writer.submit(entries(101, 300))  # refused: never acknowledged
        assert eventually(lambda: writer.fault)
        assert writer.recorded == log.recorded() == {"a": 5}
    assert writer.wait(100, timeout=10) or eventually(lambda: writer.durable == 100)
    assert writer.recorded == log.recorded() == {"a": 100}
    assert writer.close()


def test_closing_on_a_full_disk_ends_and_says_so(log):
    writer = Writer(log)
    with full_disk(log):
        writer.submit(entries(1, 2000))
        assert not writer.close(timeout=0.3)
        assert not writer._thread.is_alive()
    assert "the disk is full" in writer.fault


def test_a_snapshot_is_saved_after_the_entries_that_it_covers(log):
    writer = Writer(log)
    with full_disk(log):
        writer.submit(entries(1, 200))
        writer.snapshot(150, b"old")
        writer.snapshot(200, b"new")
        assert eventually(lambda: writer.fault)
        assert log.snapshot() is None
    assert eventually(lambda: log.snapshot() == (200, b"new"))
    assert writer.close()


def test_a_snapshot_that_does_not_fit_stops_no_entry(log, monkeypatch):
    log.append(entries(1, 40))
    writer = Writer(log)
    with monkeypatch.context() as patch:
        patch.setattr(States, "_save", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")))
        writer.snapshot(40, bytes(10_000_000))
        assert eventually(lambda: writer.fault)
        assert writer.fault.startswith("snapshot not kept")
    writer.submit(entries(41, 42))
    assert writer.wait(42, timeout=10)
    writer.snapshot(42, b"small")
    assert eventually(lambda: log.snapshot() == (42, b"small"))
    assert eventually(lambda: writer.fault is None)  # the other thread clears it after it has written
    assert writer.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_writing_thread_that_dies_is_a_fault_and_not_a_silence():
    class Broken(MemoryLog):
        def append(self, entries):
            raise TypeError("a fault of ours")

    writer = Writer(Broken())
    writer.submit(entries(1, 1))
    start = time.monotonic()
    assert not writer.wait(1, timeout=5)
    assert time.monotonic() - start < 3
    assert "restart" in writer.fault
    assert not writer.submit(entries(2, 2))
    writer._thread.join()
