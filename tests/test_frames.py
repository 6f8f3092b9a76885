"""Simulated frames as a record: readable like any other, with equal bytes for equal input."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from simulated_frames import START, TICK, settings_of, sums, written
from typer.testing import CliRunner

from skywarden.cli.app import app
from skywarden.errors import ConfigError, RecordError
from skywarden.model.detection import Frame
from skywarden.record.info import info
from skywarden.record.reading import SqliteRecord
from skywarden.record.verify import verify
from skywarden.replay import replay
from skywarden.service.frames import FrameRecord, frames_of, place_of, record_in, simulation_key
from skywarden.sim.scenario import coast

TOML = settings_of(coast(1, seconds=1.0))


def test_two_processes_with_other_hash_seeds_write_equal_files(tmp_path: Path) -> None:
    found = []
    for seed in ("0", "1"):
        command = [sys.executable, Path(__file__).with_name("simulated_frames.py"), tmp_path / seed]
        run = subprocess.run(command, env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        found.append(run.stdout)
    assert found[0] == found[1]
    assert "segment-000001.sqlite" in found[0]


def test_another_seed_gives_another_record_and_nothing_else_lies_beside_it(tmp_path: Path) -> None:
    one, other = written(tmp_path / "one", 2.0), written(tmp_path / "two", 2.0, seed=2)
    assert sums(one) != sums(other)
    assert [p.name for p in one.iterdir()] == ["segment-000001.sqlite"]


def test_a_record_of_frames_is_verified_described_and_replayed_like_any_other(tmp_path: Path) -> None:
    path = written(tmp_path / "frames", 30.0)
    report = verify(path, {simulation_key(1).public})
    assert report.fault is None
    assert report.checkpoints >= 3
    assert report.uncovered == 0
    assert verify(path, {simulation_key(2).public}).fault is not None  # another seed's key
    said = info(path)
    assert said["modes"] == ["sim"]
    assert said["created"] == said["first_utc"] == "2030-03-17T17:46:40.000Z"
    assert said["entries"]["Tick"] == 300
    kinds = {entry.payload[:40].find(b"TrackConfirmed") >= 0 for entry in replay(SqliteRecord(path).entries())}
    assert True in kinds


def test_what_was_added_comes_back_frame_by_frame(tmp_path: Path) -> None:
    frames = [Frame.of("orrin", START + k, bytes([k, 1]), bytes([k])) for k in range(5)]
    with FrameRecord(tmp_path / "frames", 1, TOML, START) as record:
        record.add(frames[:3], START + TICK)
        record.add([], START + 2 * TICK)
        record.add(frames[3:], START + 3 * TICK)
    assert list(frames_of(record_in(tmp_path).entries())) == frames  # the directory above is known too


def test_the_commands_for_records_take_the_directory_above(tmp_path: Path) -> None:
    written(tmp_path / "hills" / "frames", 2.0)
    for command in (["info"], ["verify"], ["backup"]):
        more = [str(tmp_path / "copy")] if command == ["backup"] else []
        found = CliRunner().invoke(app, ["record", *command, str(tmp_path / "hills"), *more])
        assert found.exit_code == 0, found.output
    assert info(tmp_path / "copy")["entries"] == info(tmp_path / "hills" / "frames")["entries"]
    written(tmp_path / "copy" / "frames", 3.0)
    assert place_of(tmp_path / "copy") == tmp_path / "copy"  # what is a record itself stays what is meant


def test_a_simulation_that_breaks_off_leaves_no_record(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), FrameRecord(tmp_path / "frames", 1, TOML, START) as record:
        record.add([Frame.of("orrin", START, b"x")], START + 1 // 0)
    assert list((tmp_path / "frames").iterdir()) == []
    written(tmp_path / "frames", 1.0)


def test_a_record_is_not_written_over(tmp_path: Path) -> None:
    before = sums(written(tmp_path / "frames", 1.0))
    with pytest.raises(RecordError, match="holds a record already"):
        written(tmp_path / "frames", 1.0)
    assert sums(tmp_path / "frames") == before


def test_frames_that_nobody_received_make_no_live_record(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="sim"):
        FrameRecord(tmp_path / "frames", 1, TOML.replace('"sim"', '"live"'), START)
    assert not (tmp_path / "frames").exists()
