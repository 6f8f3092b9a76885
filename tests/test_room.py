"""How long the record's disk will last."""

from pathlib import Path

import pytest

from skywarden.record import SqliteLog
from skywarden.record.retention import ALL, Keep
from skywarden.service.room import Left, Room, Sample, left

GB = 10**9


def test_hours_are_what_is_free_by_what_is_written() -> None:
    found = left(Sample(0, 0, 0), Sample(3600, 1 * GB, 1 * GB), 10 * GB, ALL)
    assert found == Left(1 * GB, 10 * GB, pytest.approx(GB / 3600, rel=1e-3), 10.0, None)
    assert not found.scarce
    assert left(Sample(0, 0, 0), Sample(3600, 1 * GB, 1 * GB), 5 * GB, ALL).scarce


def test_what_retention_deletes_counts_as_written() -> None:
    found = left(Sample(0, 5 * GB, 5 * GB), Sample(3600, 5 * GB, 6 * GB), 1 * GB, Keep(bytes=5 * GB))
    assert (found.hours_left, found.hours_kept) == (None, 5.0)  # the limit comes first


def test_a_limit_beyond_the_disk_does_not_help() -> None:
    found = left(Sample(0, 0, 0), Sample(3600, 1 * GB, 1 * GB), 2 * GB, Keep(bytes=50 * GB))
    assert (found.hours_left, found.hours_kept) == (2.0, 50.0)


def test_at_first_and_without_traffic_nobody_knows() -> None:
    assert left(Sample(0, 0, 0), Sample(10, GB, GB), GB, ALL) == Left(GB, GB, None, None, None)
    assert left(Sample(0, 0, 0), Sample(90, 0, 0), GB, ALL).hours_left is None


def test_it_looks_at_a_record_and_at_none(tmp_path: Path) -> None:
    room = Room(tmp_path / "record", ALL, lambda: 0)
    room.look(0.0)
    assert room.left is None
    log = SqliteLog(tmp_path / "record")
    room.look(1.0)
    assert room.left is not None
    assert room.left.bytes == sum(file.stat().st_size for file in (tmp_path / "record").glob("segment-*"))
    assert room.left.free_bytes > 0
    log.close()
