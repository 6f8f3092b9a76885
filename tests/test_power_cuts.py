"""A power cut: what was acknowledged is there, whatever the disk did with what was not synced yet.

The disk is simulated below SQLite (bench/power.py); the record, its writer and their pragmas are the real ones.
"""

import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from skywarden.errors import RecordError
from skywarden.record import SqliteLog
from skywarden.record.retention import Keep
from skywarden.record.verify import verify

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))

import power_cuts
from power import Disk, File, memory, restore
from power_cuts import KEY, RECORD, entry, state
from sqlite_layer import watching

FIRST = 3  # entries, one transaction each


@pytest.fixture
def here() -> Iterator[Path]:
    """A directory in memory, where there is one."""
    with memory() as directory:
        yield directory


def begin(disk: Disk, root: Path) -> int:
    """Make a record and write a little, until the disk is dead. Return how many entries were acknowledged."""
    done = 0
    try:
        log = SqliteLog(root / RECORD, KEY)
    except RecordError:
        return done
    with suppress(RecordError):
        for seq in range(log.last() + 1, log.last() + FIRST + 1):
            log.append([entry(seq)])
            done = seq
    with suppress(RecordError):
        log.close()
    return done


def operations(directory: Path) -> int:
    """Return how many operations on the disk `begin` takes when nothing happens."""
    directory.mkdir()
    disk = Disk(directory)
    with watching(disk, directory):
        assert begin(disk, directory) == FIRST
    return disk.operations


def require_whole(path: Path, safe: int) -> None:
    """Fail unless the record has what was acknowledged, and goes on."""
    log = SqliteLog(path, KEY)
    last = log.last()
    assert last >= safe
    found = list(log.entries())
    before = log.beginning()
    first = found[0].seq if found else last + 1
    assert found == [entry(seq) for seq in range(first, last + 1)]
    assert first == 1 or before == (first - 1, state(first - 1))
    log.append([entry(last + 1)])
    log.close()
    assert verify(path, {KEY.public}).fault is None


def cut_after(here: Path, number: int) -> tuple[Path, Path, Disk]:
    """Return a disk, its root, and where to put what is left of it once the power is cut before that operation."""
    root, left = here / f"cut{number}", here / f"left{number}"
    root.mkdir()
    disk = Disk(root)
    disk.cut_after(number)
    return root, left, disk


@pytest.mark.parametrize("draw", range(2))
def test_a_power_cut_at_every_operation_of_a_first_start_costs_nothing_acknowledged(here: Path, draw: int) -> None:
    for number in range(1, operations(here / "whole") + 1):
        root, left, disk = cut_after(here, number)
        with watching(disk, root):
            safe = begin(disk, root)
        assert disk.dead
        rng = np.random.default_rng([draw, number])
        restore(disk.left(rng), left, rng)
        require_whole(left / RECORD, safe)


def test_a_kill_at_every_operation_of_a_first_start_and_a_power_cut_after_it_cost_nothing(here: Path) -> None:
    """What the killed process has not synced, the next one must: nobody but the kernel knows that it waits."""
    for number in range(1, operations(here / "whole") + 1):
        root, left, disk = cut_after(here, number)
        with watching(disk, root):
            begin(disk, root)
            disk.go_on()
            log = SqliteLog(root / RECORD, KEY)
            log.append([entry(log.last() + 1)])
            safe = log.last()
            disk.cut()
            with pytest.raises(RecordError):
                log.close()
        restore(disk.left(None), left, np.random.default_rng(number))
        require_whole(left / RECORD, safe)


@pytest.mark.parametrize("keep", [Keep(segment=1), Keep(bytes=1)], ids=["kept", "deleted"])
def test_a_power_cut_at_every_operation_of_a_change_of_segments_costs_nothing(here: Path, keep: Keep) -> None:
    number, dead = 0, True
    while dead:
        number += 1
        root, left = here / f"cut{number}", here / f"left{number}"
        root.mkdir()
        disk = Disk(root)
        with watching(disk, root):
            log = SqliteLog(root / RECORD, KEY, keep)
            for last in (5, 10):
                log.append([entry(seq) for seq in range(last - 4, last + 1)])
                disk.cut_after(number if last == 10 else 1 << 30)
                with suppress(RecordError):
                    log.save_snapshot(last, state(last))
            dead = disk.dead
            disk.cut()
            with suppress(RecordError):
                log.close()
        rng = np.random.default_rng(number)
        restore(disk.left(rng), left, rng)
        require_whole(left / RECORD, 10)
        shutil.rmtree(root)
        shutil.rmtree(left)
    assert number > 40


def test_power_cuts_cost_nothing_that_was_acknowledged(here: Path) -> None:
    found = power_cuts.bench(20, 1, here)
    assert found["faults"] == []
    assert found["cuts"] == 20
    assert found["acknowledged"] > 1000
    assert {"write of .sqlite", "write of .sqlite-wal"} <= set(found["cut_in"])


@pytest.mark.parametrize("synchronous", ["OFF", "NORMAL"])
def test_a_record_that_is_not_synced_does_not_pass(here: Path, synchronous: str) -> None:
    assert power_cuts.bench(40, 1, here, synchronous, first_fault=True)["faults"]


@pytest.mark.parametrize("promise", ["sync", "sync_directory"])
def test_a_disk_that_does_not_sync_does_not_pass(here: Path, promise: str) -> None:
    assert power_cuts.bench(40, 1, here, first_fault=True, **{promise: False})["faults"]


def test_what_was_synced_stays_and_what_was_not_may_be_anything(here: Path) -> None:
    file = File(b"a" * 1024)
    file.waiting = [(512, b"b" * 1024), (100, b"c" * 10)]
    found = {file.left(np.random.default_rng(seed)) for seed in range(300)}
    assert all(one[:100] == b"a" * 100 and one[110:512] == b"a" * 402 for one in found if one)
    assert {len(one) for one in found if one} >= {1024, 1536}
    assert b"a" * 1024 in found
    assert b"a" * 100 + b"c" * 10 + b"a" * 402 + b"b" * 1024 in found
    assert any(one and 0 < one[512:1024].count(b"b") < 512 for one in found)  # torn inside of a sector
    assert any(
        one and one[512:1024] == b"a" * 512 and b"b" in one[1024:] for one in found
    )  # the later without the first
    file.sync()
    assert {file.left(np.random.default_rng(seed)) for seed in range(20)} == {file.left(None)}


def test_without_the_layer_sqlite_is_as_before(here: Path) -> None:
    disk = Disk(here)
    with watching(disk, here):
        SqliteLog(here / "record").close()
    done = disk.operations
    SqliteLog(here / "record").close()
    assert disk.operations == done > 20
