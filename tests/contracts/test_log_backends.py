"""What every log must do, run over the table of backends."""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest

from skywarden.errors import RecordError
from skywarden.model.detection import Frame
from skywarden.model.event import Arrived, Entry, Tick, encode
from skywarden.record import Log, MemoryLog, SqliteLog

BACKENDS: dict[str, Callable[[Path], Log]] = {"memory": lambda _: MemoryLog(), "sqlite": SqliteLog}


@pytest.fixture(params=BACKENDS)
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Log]:
    made = BACKENDS[request.param](tmp_path / "record")
    yield made
    made.close()


def entries(first: int, last: int, size: int = 10) -> list[Entry]:
    """Every fifth one is a tick, the others carry two messages of `size` bytes each."""
    made = []
    for seq in range(first, last + 1):
        frame = Frame.of(f"source {seq % 2}", seq, bytes([seq % 256]) * size, b"x" * size)
        made.append(Entry(seq, seq * 10, seq, encode(Tick(seq * 10) if seq % 5 == 0 else Arrived(frame))))
    return made


def test_a_new_log_is_empty(log):
    assert log.last() == 0
    assert list(log.entries()) == []
    assert log.snapshot() is None
    assert log.recorded() == {}


def test_entries_come_back_equal_and_in_order(log):
    log.append(entries(1, 7))
    log.append(entries(8, 20))
    assert list(log.entries()) == entries(1, 20)
    assert log.last() == 20


def test_reading_starts_after_any_entry(log):
    log.append(entries(1, 20))
    assert list(log.entries(after=13)) == entries(14, 20)
    assert list(log.entries(after=20)) == []


@pytest.mark.parametrize("seqs", [[2], [1, 3], [1, 1], [0]])
def test_a_gap_or_a_repetition_is_refused_whole(log, seqs):
    with pytest.raises(RecordError, match="cannot be added"):
        log.append([Entry(seq, 0, seq, encode(Tick(0))) for seq in seqs])
    assert list(log.entries()) == []
    log.append(entries(1, 2))
    with pytest.raises(RecordError, match="the next one is 3"):
        log.append(entries(2, 3))
    assert log.last() == 2


def test_nothing_is_appended_by_an_empty_transaction(log):
    log.append([])
    assert log.last() == 0


def test_an_entry_that_is_no_event_is_kept_all_the_same(log):
    log.append([Entry(1, 5, 1, b"\xff\x00garbage")])
    assert list(log.entries()) == [Entry(1, 5, 1, b"\xff\x00garbage")]


def test_large_entries_come_back_whole(log):
    log.append(entries(1, 4, size=3_000_000))
    assert [len(e.payload) for e in log.entries()] == [len(e.payload) for e in entries(1, 4, size=3_000_000)]


def test_messages_are_counted_by_source(log):
    log.append(entries(1, 5))
    log.append(entries(6, 10))
    assert log.recorded() == {"source 0": 8, "source 1": 8}


def test_the_newest_three_snapshots_are_kept(log):
    log.append(entries(1, 20))
    for seq in (2, 4, 6, 8, 20):
        log.save_snapshot(seq, b"state after %d" % seq)
    assert log.snapshot() == (20, b"state after 20")


def test_a_snapshot_saved_again_replaces_the_first(log):
    log.append(entries(1, 3))
    log.save_snapshot(3, b"first")
    log.save_snapshot(3, b"second")
    assert log.snapshot() == (3, b"second")


def test_a_snapshot_ahead_of_the_log_is_refused(log):
    log.append(entries(1, 3))
    with pytest.raises(RecordError, match="the last entry is 3"):
        log.save_snapshot(4, b"state")
    assert log.snapshot() is None


def test_reading_goes_on_while_entries_are_added(log):
    log.append(entries(1, 50, size=100_000))
    reading = log.entries()
    first = [next(reading) for _ in range(5)]
    log.append(entries(51, 60))
    assert first + list(reading) == entries(1, 50, size=100_000) + entries(51, 60)


def test_another_thread_reads_only_whole_transactions(log):
    seen: list[int] = []

    def read() -> None:
        while not seen or seen[-1] < 300:
            seen.append(sum(1 for _ in log.entries()))

    reader = Thread(target=read)
    reader.start()
    for first in range(1, 301, 30):
        log.append(entries(first, first + 29))
    reader.join(30)
    assert not reader.is_alive()
    assert {count % 30 for count in seen} == {0}
