"""Damage below SQLite: a record whose files a disk has torn. Said in words, never taken for whole, never a traceback.

What nobody can tell from the files alone: when the end of the journal (-wal) is lost or damaged, SQLite goes back to
the transaction before, and what is left is a record that ended earlier.
"""

import json
import shutil
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import pytest
import raid
from test_cli import Cli
from torn import PAGE, TEARS, Tear, bits_flipped, tear

from skywarden.errors import RecordError
from skywarden.record import SqliteLog, SqliteRecord, info, segment
from skywarden.record.checkpoint import Key
from skywarden.record.verify import verify
from skywarden.record.walk import Report
from skywarden.replay import compare, is_input, recover, to_json

KEY = Key(bytes(range(32)))
TRIES = 24  # for each way and kind of record
BOUND_S = 10.0  # it takes milliseconds; the machine may be busy
Row = tuple[Any, ...]
Records = dict[str, Path]


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]) -> Cli:
    return Cli(monkeypatch, capsysbinary)


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Records:
    """Return the record of a small raid as a process leaves it that was closed, and one that was killed."""
    place = tmp_path_factory.mktemp("records")
    engine = raid.Engine(SqliteLog(place / "closed", KEY))
    for k, turn in enumerate(raid.inputs(20)):
        engine.turn(turn)
        if k in (8, 16):
            engine.snapshot()
    shutil.copytree(place / "closed", place / "killed")
    engine.log.close()
    assert [p.suffix for p in written(place / "closed")] == [".sqlite"]
    assert [p.suffix for p in written(place / "killed")] == [".sqlite", ".sqlite-wal"]
    return {"closed": place / "closed", "killed": place / "killed"}


def written(record: Path) -> list[Path]:
    """Return the files that hold what was written."""
    return sorted(p for p in record.glob("segment-*") if p.suffix in (".sqlite", ".sqlite-wal"))


def rows(record: Path) -> list[Row]:
    found: list[Row] = []
    for file in segment.files(record):
        with segment.in_words(file), closing(segment.open_for_reading(file)) as connection:
            query = "SELECT seq, time, cause, kind, payload FROM entries ORDER BY seq"
            found += connection.execute(query).fetchall()
    return found


def damaged(record: Path, place: Path, way: Tear, rng: np.random.Generator) -> tuple[Path, str]:
    """Copy a record and damage one of its files; return the copy and which one it was."""
    copy = Path(shutil.copytree(record, place))
    files = written(copy)
    file = files[int(rng.integers(len(files)))]
    tear(file, way, rng)
    if rng.random() < 0.5:  # nobody keeps the shared memory of a journal
        file.with_name(file.name.removesuffix("-wal") + "-shm").unlink(missing_ok=True)
    return copy, file.suffix


@pytest.mark.parametrize("kind", ["closed", "killed"])
@pytest.mark.parametrize("way", TEARS, ids=lambda way: way.__name__)
def test_a_record_that_verifies_holds_what_was_written(records: Records, tmp_path: Path, kind: str, way: Tear) -> None:
    whole, rng = rows(records[kind]), np.random.default_rng(TEARS.index(way))
    before = verify(records[kind], {KEY.public})
    assert (before.fault, before.entries) == (None, len(whole))
    for k in range(TRIES):
        record, where = damaged(records[kind], tmp_path / f"{k}", way, rng)
        begun = monotonic()
        found = verdict(record)
        assert monotonic() - begun < BOUND_S
        if isinstance(found, str):
            assert found
            continue
        left = rows(record)
        assert left == whole[: len(left)], f"try {k}: said to be whole, and is not"
        assert found.entries == len(left)
        if where == ".sqlite-wal":
            assert found.last is None or found.last.seq <= len(left)
        else:
            assert (found, left) == (before, whole), f"try {k}: something is gone, and is not missed"


def verdict(record: Path) -> Report | str:
    """Return what verify found, or its words when something is wrong."""
    try:
        found = verify(record, {KEY.public})
    except RecordError as error:
        return str(error)
    return found if found.fault is None else found.fault.what


def take_up(record: Path) -> None:
    with closing(SqliteLog(record, KEY)) as log:
        recover(log)


READERS: dict[str, Callable[[Path], object]] = {
    "entries": lambda record: [to_json(entry) for entry in SqliteRecord(record).entries()],
    "last": lambda record: SqliteRecord(record).last(),
    "recorded": lambda record: SqliteRecord(record).recorded(),
    "snapshot": lambda record: SqliteRecord(record).snapshot(),
    "info": lambda record: json.dumps(info(record)),
    "take up": take_up,  # the last: it writes
}


@pytest.mark.parametrize("kind", ["closed", "killed"])
@pytest.mark.parametrize("way", TEARS, ids=lambda way: way.__name__)
def test_whoever_reads_a_torn_record_gets_words(records: Records, tmp_path: Path, kind: str, way: Tear) -> None:
    rng = np.random.default_rng(1000 + TEARS.index(way))
    for k in range(TRIES // 2):
        record, _ = damaged(records[kind], tmp_path / f"{k}", way, rng)
        for name, read in READERS.items():
            begun = monotonic()
            with suppress(RecordError):
                read(record)
            assert monotonic() - begun < BOUND_S, name


@pytest.mark.parametrize("way", TEARS, ids=lambda way: way.__name__)
def test_the_commands_say_it_on_one_line_and_end_with_1(records: Records, tmp_path: Path, way: Tear, cli: Cli) -> None:
    rng = np.random.default_rng(2000 + TEARS.index(way))
    for k in range(4):
        record, _ = damaged(records["closed"], tmp_path / f"{k}", way, rng)
        for words in (("record", "verify"), ("record", "verify", "--json"), ("record", "info"), ("replay", "--verify")):
            done = cli(*words, record, *(("--key", KEY.public.hex()) if "verify" in words else ()))
            assert done.code in (0, 1), done
            assert "Traceback" not in done.err
            assert done.code == 0 or done.err or json.loads(done.out)["fault"]


@pytest.mark.parametrize("value", [None, 5, 0.5, "text"])
@pytest.mark.parametrize(
    "place", ["entries payload", "entries time", "snapshots payload", "tally messages", "meta value"]
)
def test_a_value_of_another_type_is_damage(records: Records, tmp_path: Path, place: str, value: object) -> None:
    table, column = place.split()
    record = Path(shutil.copytree(records["closed"], tmp_path / "record"))
    file = segment.files(record)[0]
    data = bytearray(file.read_bytes())
    with closing(segment.open_for_writing(file)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = 1")
        connection.execute("PRAGMA writable_schema = 1")  # one bit in a file does not ask for NOT NULL
        connection.execute("UPDATE sqlite_master SET sql = replace(sql, ' NOT NULL', '')")
        connection.execute("PRAGMA writable_schema = 0")
        connection.execute("PRAGMA journal_mode = DELETE")
    with closing(segment.open_for_writing(file)) as connection:
        connection.execute(f"UPDATE {table} SET {column} = ?", (value,))
        connection.execute("PRAGMA journal_mode = DELETE")
    assert len(data) % PAGE == 0
    assert file.read_bytes() != data
    for read in READERS.values():
        with suppress(RecordError):
            read(record)


def test_an_input_with_some_bytes_changed_is_run_or_refused_in_words() -> None:
    """What a decoder or the pipeline would stumble over would do so live as well."""
    entries, rng = raid.record(turns=3), np.random.default_rng(7)
    inputs = [k for k, entry in enumerate(entries) if is_input(entry)]
    said = 0
    for _ in range(60):
        k = inputs[int(rng.integers(len(inputs)))]
        payload = bytearray(entries[k].payload)
        bits_flipped(payload, rng)
        payload[int(rng.integers(min(len(payload), 60)))] = int(rng.integers(256))
        try:
            compare([*entries[:k], entries[k]._replace(payload=bytes(payload)), *entries[k + 1 :]])
        except RecordError as error:
            said += bool(str(error))
    assert 10 < said < 60
