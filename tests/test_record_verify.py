"""A record that holds: its tree, its signed checkpoints, and every way to change it that we know of."""

import errno
import json
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spoiled import FILE_WAYS, WAYS, Spoil, other_type, spoil

from skywarden.errors import RecordError
from skywarden.model.event import Entry, Tick, encode
from skywarden.record import segment
from skywarden.record.checkpoint import Key, beside, key_at, known, public_at
from skywarden.record.retention import Keep
from skywarden.record.sqlite import SqliteLog
from skywarden.record.tree import EMPTY, Edge, parent
from skywarden.record.verify import verify

SECOND = 1_000_000_000
ENTRIES = 210
SMALL = Keep(segment=1)  # a segment is closed at each snapshot after the last entry
SEED = bytes(range(32))
# RFC 6962's reference: inputs of the leaves, and the roots of the first n of them.
INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def entries(first: int, last: int) -> list[Entry]:
    """One a second."""
    return [Entry(k, k * SECOND, k, encode(Tick(k * SECOND))) for k in range(first, last + 1)]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("written") / "record"
    log = SqliteLog(path, Key(SEED), SMALL)
    for first in range(1, ENTRIES, 7):
        log.append(entries(first, first + 6))
        if first in (64, 127):
            log.save_snapshot(log.last(), b"state")
    log.close()
    assert len(segment.files(path)) == 3
    return path


@pytest.fixture
def record(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "record"))


def file_of(record: Path) -> Path:
    return segment.files(record)[0]


def test_the_tree_is_that_of_the_standard() -> None:
    edge = Edge()
    assert edge.root() == EMPTY == sha256().digest()
    for text, root in zip(INPUTS, ROOTS, strict=True):
        edge.add(sha256(b"\0" + bytes.fromhex(text)).digest())
        assert edge.root().hex() == root


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=70))
def test_an_edge_that_was_saved_goes_on_as_before(hashes: list[bytes]) -> None:
    whole, pieces = Edge(), Edge()
    for hashed in hashes:
        whole.add(hashed)
        pieces = Edge.decode(pieces.size, pieces.encode())
        pieces.add(hashed)
    assert pieces.root() == whole.root() == recursive(hashes)


@given(st.lists(st.integers(0, 300), max_size=6))
def test_leaves_taken_together_make_the_same_tree(counts: list[int]) -> None:
    one_by_one, together = Edge(), Edge()
    for number, count in enumerate(counts):
        hashes = [sha256(b"%d %d" % (number, k)).digest() for k in range(count)]
        together.extend(hashes)
        for hashed in hashes:
            one_by_one.add(hashed)
    assert (together.size, together.encode()) == (one_by_one.size, one_by_one.encode())


def recursive(hashes: list[bytes]) -> bytes:
    """Return the root as RFC 9162 defines it."""
    if not hashes:
        return EMPTY
    if len(hashes) == 1:
        return hashes[0]
    half = 1 << (len(hashes) - 1).bit_length() - 1
    return parent(recursive(hashes[:half]), recursive(hashes[half:]))


def test_what_was_written_is_found_whole(written: Path) -> None:
    found = verify(written, {Key(SEED).public})
    assert found.fault is None
    assert (found.entries, found.seqs, found.covered, found.uncovered) == (ENTRIES, (1, ENTRIES), 1, 0)
    assert found.checkpoints == 16  # appends are of 7 s, and one in two has a checkpoint; one more at each end
    assert found.last is not None
    assert found.last.seq == ENTRIES


def test_a_record_that_goes_on_keeps_its_tree(record: Path) -> None:
    for first in (ENTRIES + 1, ENTRIES + 31):
        log = SqliteLog(record, Key(SEED))
        log.append(entries(first, first + 29))
        log.close()
    found = verify(record, {Key(SEED).public})
    assert found.fault is None
    assert (found.entries, found.uncovered) == (ENTRIES + 60, 0)


def test_beside_a_writer_what_is_there_verifies_and_what_is_added_meanwhile_is_left(record: Path) -> None:
    log = SqliteLog(record, Key(SEED), SMALL)
    log.append(entries(ENTRIES + 1, ENTRIES + 4))
    added = []

    def add(_: int) -> None:
        added.append(log.last() + 1)
        log.append(entries(added[-1], added[-1]))
        if len(added) in (1, 4):  # another segment is begun before the last one is read, and while it is
            log.save_snapshot(log.last(), b"state")

    found = verify(record, {Key(SEED).public}, add)
    assert found.fault is None
    assert ENTRIES + 4 <= found.entries < log.last()
    assert len(added) >= 3
    log.close()
    assert verify(record, {Key(SEED).public}).entries == ENTRIES + 4 + len(added)


KILLED = """
import sys, os, signal
sys.path.insert(0, {tests!r})
from test_record_verify import *
log = SqliteLog({path!r}, Key(SEED))
log.append(entries(ENTRIES + 1, ENTRIES + 4))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_writer_leaves_a_record_that_verifies(record: Path) -> None:
    code = KILLED.format(tests=str(Path(__file__).parent), path=str(record))
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    found = verify(record, {Key(SEED).public})
    assert (found.fault, found.entries, found.uncovered) == (None, ENTRIES + 4, 4)


def test_after_a_wrong_clock_checkpoints_go_on(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "record", Key(SEED))
    year = 365 * 86_400 * SECOND
    log.append([Entry(1, year, 1, encode(Tick(year)))])
    for first in range(2, 100, 7):
        log.append(entries(first, first + 6))
    log.close()
    found = verify(tmp_path / "record", {Key(SEED).public})
    assert found.fault is None
    assert found.checkpoints > 8


def test_a_transaction_that_fails_after_it_was_written_does_not_spoil_the_tree(
    record: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = SqliteLog(record, Key(SEED))
    real = segment.transaction

    @contextmanager
    def failing(connection: sqlite3.Connection) -> Iterator[None]:
        with real(connection):
            yield
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(segment, "transaction", failing)
        with pytest.raises(RecordError):
            log.append(entries(ENTRIES + 1, ENTRIES + 5))
    log.append(entries(log.last() + 1, log.last() + 40))
    log.close()
    assert verify(record, {Key(SEED).public}).fault is None


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_every_change_is_found_and_named(written: Path, tmp_path: Path, way: Spoil) -> None:
    rng = np.random.default_rng(WAYS.index(way))
    for k in range(12):
        record = Path(shutil.copytree(written, tmp_path / f"{k}"))
        seq = spoil(record, way, rng)
        try:
            fault = verify(record, {Key(SEED).public}).fault
        except RecordError:  # it is no record of ours any more, and that is said
            assert way is other_type
            continue
        assert fault is not None
        assert seq in (0, fault.seq)
        assert fault.what


@pytest.mark.parametrize("way", FILE_WAYS, ids=lambda way: way.__name__)
def test_segments_that_are_not_those_that_were_written_are_found(
    written: Path, tmp_path: Path, way: Callable[[Path, np.random.Generator], None]
) -> None:
    for k in range(6):
        record = Path(shutil.copytree(written, tmp_path / f"{k}"))
        way(record, np.random.default_rng(k))
        assert verify(record, {Key(SEED).public}).fault is not None


def test_without_the_key_a_foreign_checkpoint_that_fits_passes_and_the_key_is_shown(record: Path) -> None:
    foreign = Key(bytes(32))
    for file in segment.files(record):
        with closing(sqlite3.connect(file, isolation_level=None)) as db:
            for row in db.execute("SELECT size, first, time, root FROM checkpoints").fetchall():
                point = foreign.sign(*row)
                changed = (point.key, point.signature, point.size)
                db.execute("UPDATE checkpoints SET key = ?, signature = ? WHERE size = ?", changed)
    found = verify(record)
    assert found.fault is None
    assert found.last is not None
    assert found.last.key == foreign.public
    assert verify(record, {Key(SEED).public}).fault is not None


def test_what_comes_after_the_last_checkpoint_may_be_cut_off_and_is_said_to_be_unsigned(record: Path) -> None:
    log = SqliteLog(record)  # nobody signs
    log.append(entries(ENTRIES + 1, ENTRIES + 5))
    log.close()
    assert verify(record, {Key(SEED).public}).uncovered == 5


def test_a_torn_file_is_named_and_no_traceback(record: Path) -> None:
    data = file_of(record).read_bytes()
    file_of(record).write_bytes(data[: len(data) // 2 // 8192 * 8192])
    with closing(sqlite3.connect(file_of(record))) as db, pytest.raises(sqlite3.DatabaseError):
        db.execute("SELECT sum(length(payload)) FROM entries").fetchone()
    assert told(record)


def told(record: Path) -> str:
    """Return what is said of a record: its fault, or why it cannot be read."""
    try:
        fault = verify(record, {Key(SEED).public}).fault
    except RecordError as error:
        return str(error)
    return fault.what if fault else ""


def test_the_key_is_made_once_outside_the_record_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = beside(tmp_path / "record")
    assert path == tmp_path / "record.key"
    made = key_at(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert key_at(path).public == made.public
    assert known(path) == {made.public}
    path.unlink()
    assert known(path) == {made.public}  # no private key is needed to verify
    other = key_at(path)
    assert known(path) == {made.public, other.public}
    path.write_bytes(b"short")
    with pytest.raises(RecordError, match="not a key"):
        key_at(path)


@pytest.mark.parametrize("torn", [b"", b"abcde", b"abcd", bytes(65), b"\xff" * 9], ids=repr)
def test_a_power_cut_in_the_list_of_public_keys_hides_none_of_the_others(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "record.key"
    first = key_at(path).public
    path.unlink()
    with public_at(path).open("ab") as file:
        file.write(torn)
    assert known(path) == {first}
    second = key_at(path).public
    assert known(path) == {first, second}
    assert key_at(path).public == second
    assert len(public_at(path).read_bytes().split()) == 2 + bool(torn)


def test_a_disk_that_is_full_leaves_no_half_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(RecordError, match="No space left"):
            key_at(tmp_path / "record.key")
    assert list(tmp_path.iterdir()) == []
    assert key_at(tmp_path / "record.key")


def command(*arguments: str) -> tuple[int, str]:
    done = subprocess.run([sys.executable, "-m", "skywarden.cli", "record", *arguments], capture_output=True, text=True)
    return done.returncode, done.stdout


def test_the_command_says_so_in_words_and_in_json(record: Path) -> None:
    key = Key(SEED).public.hex()
    code, said = command("verify", str(record), "--key", key)
    assert code == 0
    assert f"checkpoints fit, the last after entry {ENTRIES}, by key {key}" in said
    spoil(record, WAYS[0], np.random.default_rng(1))
    code, said = command("verify", str(record), "--json")
    found = json.loads(said)
    assert code == 1
    assert found["ok"] is False
    assert found["fault"]["what"] == "this entry is not what was written"
    assert command("verify", str(record), "--key", "abc")[0] == 2
