"""A disk that fails in the system's own words: EIO, no space, half of a write, a sync that is not done.

The faults come from below SQLite (bench/sqlite_layer.py): its own VFS and its reading of errors are the real ones.
"""

import errno
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from skywarden.errors import RecordError
from skywarden.record import SqliteLog, Writer
from skywarden.record import writer as writer_module
from skywarden.record.retention import Keep
from skywarden.record.segment import CHECKPOINT, files
from skywarden.record.verify import verify

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))

from power import Disk, memory, restore
from power_cuts import KEY, entry, state
from sqlite_layer import failing, watching

GROUPS = 6  # of 10 entries each


class Faulty:
    """Writes number `first` and later go wrong, so many of them. way: size -> what the system answers."""

    def __init__(self, way: Callable[[int], int], first: int, count: int) -> None:
        self.written = self.wrong = 0
        self._way, self._bad = way, range(first, first + count)

    def __call__(self, path: Path, size: int, offset: int) -> int:
        if "segment-" not in path.name:
            return size
        self.written += 1
        if self.written not in self._bad:
            return size
        self.wrong += 1
        return self._way(size)


@pytest.fixture
def here() -> Iterator[Path]:
    with memory() as directory:
        yield directory


@pytest.fixture(autouse=True)
def patient_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "RETRY_S", 0.005)


def write(log: SqliteLog) -> set[str]:
    """Write groups of entries until all are acknowledged. Return what was said to be wrong meanwhile."""
    writer, faults = Writer(log), set[str]()
    for _ in range(GROUPS):
        writer.submit([entry(seq) for seq in range(writer.next, writer.next + 10)])
        deadline = time.monotonic() + 10
        while not writer.wait(writer.next - 1, 1.0):
            faults.add(writer.fault or "")
            assert writer.durable <= log.last()
            assert time.monotonic() < deadline
    assert writer.close()
    return faults


def require_all(path: Path, last: int = GROUPS * 10) -> None:
    log = SqliteLog(path, KEY)
    assert list(log.entries()) == [entry(seq) for seq in range(1, last + 1)]
    log.close()
    assert verify(path, {KEY.public}).fault is None


@pytest.mark.parametrize(
    ("way", "words"),
    [
        (lambda size: -errno.EIO, "the disk does not read or write: check the disk"),
        (lambda size: -errno.ENOSPC, "the disk is full: free some space"),
        (lambda size: 0, "the disk is full: free some space"),
    ],
    ids=["EIO", "ENOSPC", "nothing written"],
)
@pytest.mark.parametrize("first", [1, 2, 5, 19, 60, 100])
def test_a_write_that_fails_is_said_and_tried_again_until_all_is_there(
    here: Path, way: Callable[[int], int], words: str, first: int
) -> None:
    log = SqliteLog(here / "record", KEY)
    faulty = Faulty(way, first, 3)
    with failing(faulty):
        faults = write(log)
    log.close()
    assert faulty.wrong == 3
    assert faults
    assert all(words in fault for fault in faults - {""})
    require_all(here / "record")


def test_half_a_write_before_the_disk_is_full_harms_nothing(here: Path) -> None:
    """The half stands in the file; what is written next must not be taken for its other half."""
    for first in range(1, 60, 3):
        log = SqliteLog(here / f"record{first}", KEY)
        answers = iter([lambda size: size // 2, lambda size: -errno.ENOSPC] * 2)
        with failing(Faulty(lambda size: next(answers)(size), first, 4)):  # noqa: B023 - used in this turn alone
            write(log)
        log.close()
        require_all(here / f"record{first}")


def test_writes_that_come_in_pieces_are_whole_in_the_end(here: Path) -> None:
    log = SqliteLog(here / "record", KEY)
    faulty = Faulty(lambda size: -(-size // 3), 1, 1 << 30)
    with failing(faulty):
        assert write(log) == set()
        log.close()
    assert faulty.wrong > 500
    require_all(here / "record")


@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC])
def test_a_segment_that_cannot_be_begun_is_begun_later_and_nothing_is_lost(here: Path, error: int) -> None:
    first = wrong = 1
    while wrong:
        path = here / f"record{first}"
        log = SqliteLog(path, KEY, Keep(segment=1))  # each state that is kept ends one
        log.append([entry(seq) for seq in range(1, 6)])
        faulty = Faulty(lambda size: -error, first, 2)
        with failing(faulty), suppress(RecordError):
            log.save_snapshot(5, state(5))
        log.append([entry(seq) for seq in range(6, 11)])
        log.save_snapshot(10, state(10))
        assert log.snapshot() == (10, state(10))
        log.close()
        assert len(files(path)) in (2, 3)
        require_all(path, 10)
        first, wrong = first + 3, faulty.wrong
    assert first > 40


@pytest.mark.parametrize("pages", [CHECKPOINT, 4], ids=["as it is", "moved to the segment at every transaction"])
def test_what_a_failed_sync_leaves_is_written_again_before_it_is_acknowledged(here: Path, pages: int) -> None:
    """After a failed sync Linux takes the pages for clean: a second sync without a second write is worth nothing."""
    number = done = 0
    while number == done:
        number += 1
        root, left = here / f"disk{number}", here / f"left{number}"
        root.mkdir()
        disk = Disk(root)
        with watching(disk, root):
            log = SqliteLog(root / "record", KEY)
            log._connection.execute(f"PRAGMA wal_autocheckpoint = {pages}")
            before = disk.syncs
            disk.failing_sync = before + number
            write(log)
            done = min(number, disk.syncs - before)
            found = disk.left(None)
            disk.failing_sync = 0
            log.close()
        restore(found, left, np.random.default_rng(number))
        require_all(left / "record")
    assert done >= (GROUPS if pages == CHECKPOINT else 3 * GROUPS)
