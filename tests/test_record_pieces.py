"""A record that is verified in pieces side by side: the same is found as by one walk over all of it."""

import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import BrokenExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from spoiled import FILE_WAYS, WAYS, flipped, spoil

from skywarden.cli.terminal import progress
from skywarden.errors import RecordError
from skywarden.model.event import Entry, Tick, encode
from skywarden.record import pieces, segment
from skywarden.record.checkpoint import Key
from skywarden.record.pieces import Piece, Pool, examine, workers
from skywarden.record.retention import Keep
from skywarden.record.sqlite import SqliteLog
from skywarden.record.tree import MARK, Edge, leaf
from skywarden.record.verify import verify
from skywarden.record.walk import Report, Walk

SECOND = 1_000_000_000
KEY = Key(bytes(range(32)))
ENTRIES = 630


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("written") / "record"
    log = SqliteLog(path, KEY, Keep(segment=1))
    for first in range(1, ENTRIES, 7):
        log.append([Entry(k, k * SECOND, k, encode(Tick(k * SECOND))) for k in range(first, first + 7)])
        if first in (204, 414):
            log.save_snapshot(log.last(), b"state")
    log.close()
    assert len(segment.files(path)) == 3
    return path


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "PIECE", 40)


class Counting:
    """The built-in map, which counts what it gave."""

    def __init__(self) -> None:
        self.fit = self.not_fit = 0

    def __call__(self, work: Callable[[Piece], Walk | None], some: Iterable[Piece]) -> Iterable[Walk | None]:
        for piece in some:
            found = work(piece)
            self.fit += found is not None
            self.not_fit += found is None
            yield found


def found(record: Path, pool: Pool | None = None) -> Report | str:
    try:
        return verify(record, {KEY.public}, pool=pool)
    except RecordError as error:
        return str(error)


def test_pieces_give_the_same_report(written: Path) -> None:
    count, told = Counting(), list[int]()
    assert verify(written, {KEY.public}, told.append, count) == found(written)
    assert (count.fit, count.not_fit) == (15, 0)  # 42 entries at least, up to a checkpoint, of 210 in each segment
    assert told == [42 * (k + 1) for k in range(15)]


@pytest.mark.parametrize("way", [*WAYS, *FILE_WAYS], ids=lambda way: way.__name__)
def test_what_was_changed_is_named_alike(way: Any, written: Path, tmp_path: Path) -> None:
    rng, faults = np.random.default_rng(3), 0
    for k in range(3):
        record = Path(shutil.copytree(written, tmp_path / f"record{k}"))
        _ = way(record, rng) if way in FILE_WAYS else spoil(record, way, rng)
        alone, beside = found(record), found(record, Counting())
        assert beside == alone
        faults += isinstance(alone, str) or alone.fault is not None
    assert faults == 3


def test_a_piece_that_only_fits_itself_is_not_believed(written: Path, tmp_path: Path) -> None:
    record = Path(shutil.copytree(written, tmp_path / "record"))
    spoil(record, flipped, np.random.default_rng(1))
    count = Counting()
    report = found(record, count)
    assert not isinstance(report, str)
    assert report.fault is not None
    assert count.not_fit == 1  # whatever was found in the pieces after it does not count
    assert report.entries == report.fault.seq


def test_a_piece_that_does_not_go_on_from_the_one_before_is_not_believed(written: Path, tmp_path: Path) -> None:
    """The first piece is forged and signed anew by another key; the next would begin at the edge that was there."""
    record, other = Path(shutil.copytree(written, tmp_path / "record")), Key(bytes(range(1, 33)))
    with closing(sqlite3.connect(segment.files(record)[0], isolation_level=None)) as db:
        db.execute("UPDATE entries SET payload = ? WHERE seq = 5", (encode(Tick(6 * SECOND)),))
        edge = Edge()
        for row in db.execute("SELECT seq, time, cause, kind, payload FROM entries WHERE seq <= 42").fetchall():
            hashed = leaf(*row)
            edge.add(hashed)
            db.execute("UPDATE entries SET mark = ? WHERE seq = ?", (hashed[:MARK], row[0]))
            known = db.execute("SELECT first, time FROM checkpoints WHERE size = ?", (edge.size,)).fetchone()
            if known is not None:
                point = other.sign(edge.size, *known, edge.root())
                values = (point.root, point.key, point.signature, edge.size)
                db.execute("UPDATE checkpoints SET root = ?, key = ?, signature = ? WHERE size = ?", values)
    count = Counting()
    alone, beside = verify(record), verify(record, pool=count)
    assert count.not_fit == 0  # each of them fits itself
    assert beside == alone
    assert alone.fault is not None
    assert "are not those that were signed" in alone.fault.what


def test_a_process_that_dies_is_done_without(written: Path) -> None:
    def broken(work: Callable[[Piece], Walk | None], some: Iterable[Piece]) -> Iterable[Walk | None]:
        yield work(next(iter(some)))
        raise BrokenExecutor

    assert found(written, broken) == found(written)


def test_a_file_that_is_gone_is_no_piece(written: Path, tmp_path: Path) -> None:
    some = list[Piece]()

    def keep(work: Callable[[Piece], Walk | None], them: Iterable[Piece]) -> Iterable[Walk | None]:
        some.extend(them)
        return map(work, some[-5:])

    found(written, keep)
    assert examine(some[0]) is not None
    assert examine(some[0]._replace(file=tmp_path / "segment-000001.sqlite")) is None


def test_processes_are_used_for_large_records_only(monkeypatch: pytest.MonkeyPatch, written: Path) -> None:
    with workers(pieces.WORTH - 1) as pool:
        assert pool is None
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    with workers(pieces.WORTH) as pool:
        assert pool is not None
        assert found(written, pool) == found(written)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    with workers(pieces.WORTH) as pool:
        assert pool is None


@pytest.mark.parametrize("printing", [True, False])
def test_a_bar_is_shown_where_nothing_is_printed_meanwhile(
    printing: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", "xterm")  # on a dumb one there are no bars
    for stream in (sys.stdout, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    with progress("verifying", 10, printing=printing) as told:
        told(5)
    assert ("verifying" in capsys.readouterr().err) is not printing
