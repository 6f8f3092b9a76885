"""`skywarden simulate`: the same bytes from one seed, and everything that reads them reads them."""

import csv
import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from skies import ALL, HEAD

from skywarden.errors import ConfigError
from skywarden.geo import ecef
from skywarden.model.detection import Kind
from skywarden.service.frames import frames_of, record_in
from skywarden.service.progress import now_and_then
from skywarden.service.simulate import Made, Order, simulate

RAID = """
[terrain]
kind = "hills"
relief_m = 80

[[waves]]
name = "west"
kind = "uav-piston"
count = 4
distance_km = 6
spread_s = 20
radio = 0.5

[[traffic]]
kind = "airliner"
count = 2

[[traffic]]
kind = "multirotor"
count = 1

[faults]
late = 0.05
duplicated = 0.02
outages = 0.1
gnss_spoofed = 0.2
"""
SECONDS = 60


def run(directory: Path, name: str, seed: int = 3, processes: int = 1) -> Made:
    file = directory / "raid.toml"
    file.write_text(HEAD.format(seconds=SECONDS) + ALL + RAID)
    return simulate(Order(file, seed, directory / name, processes=processes), lambda what, done, total: None)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return run(tmp_path_factory.mktemp("simulated"), "one")


def command(*words: str, hash_seed: str = "0") -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONHASHSEED": hash_seed}
    return subprocess.run(
        [sys.executable, "-m", "skywarden.cli", *words], env=environment, capture_output=True, text=True, timeout=300
    )


def test_one_seed_gives_the_same_bytes_in_any_process_with_any_number_of_workers(tmp_path: Path, made: Made) -> None:
    file = made.directory.parent / "raid.toml"
    for hash_seed in ("0", "4242"):
        out = tmp_path / hash_seed
        done = command("simulate", str(file), "--seed", "3", "--out", str(out), hash_seed=hash_seed)
        assert done.returncode == 0, done.stderr
        for path in sorted(p for p in made.directory.rglob("*") if p.is_file()):
            assert (out / path.relative_to(made.directory)).read_bytes() == path.read_bytes(), path.name


def test_another_seed_gives_another_raid(tmp_path: Path, made: Made) -> None:
    other = run(tmp_path, "other", seed=4)
    assert (other.directory / "truth.csv").read_bytes() != (made.directory / "truth.csv").read_bytes()


def test_the_manifest_names_every_file_with_its_hash(made: Made) -> None:
    manifest = json.loads((made.directory / "manifest.json").read_text())
    there = {str(p.relative_to(made.directory)) for p in made.directory.rglob("*") if p.is_file()} - {"manifest.json"}
    assert set(manifest["sha256"]) == there
    for name, digest in manifest["sha256"].items():
        assert sha256((made.directory / name).read_bytes()).hexdigest() == digest
    assert manifest["seed"] == 3
    assert manifest["sources"].keys() == made.sources.keys()
    silent = {name for name, source in manifest["sources"].items() if not source["messages"]}
    assert silent <= {"remote-id"}  # the one drone that sends it may be far away


def test_truth_is_once_a_second_and_everyone_ends_once(made: Made) -> None:
    rows = list(csv.DictReader((made.directory / "truth.csv").read_text().splitlines()))
    times = [int(row["time_ns"]) for row in rows]
    assert times == sorted(times)
    assert all(time % 1_000_000_000 == 0 for time in times)
    names = {row["target"] for row in rows}
    assert names == {target["target"] for target in json.loads((made.directory / "targets.json").read_text())}
    assert len(names) == made.targets
    ended = 0
    for name in names:
        mine = [row for row in rows if row["target"] == name]
        flies_on = int(mine[-1]["time_ns"]) == times[0] + SECONDS * 1_000_000_000
        assert [row["alive"] for row in mine] == ["1"] * (len(mine) - 1) + ["1" if flies_on else "0"]
        ended += not flies_on
        assert np.all(np.diff([int(row["time_ns"]) for row in mine]) == 1_000_000_000)
    assert 0 < ended < len(names)


def test_coverage_names_sensors_and_targets_that_exist(made: Made) -> None:
    table = np.load(made.directory / "coverage.npy")
    sensors = json.loads((made.directory / "sensors.json").read_text())
    assert len(table)
    assert table["sensor"].max() < len(sensors)
    assert table["target"].max() < made.targets
    assert table["second"].max() < SECONDS
    assert {s["source"] for s in sensors} == set(made.sources)


def test_every_frame_is_of_its_tick_and_in_order(made: Made) -> None:
    frames = list(frames_of(record_in(made.directory).entries()))
    ticks = [frame.received // 100_000_000 for frame in frames]
    assert ticks == sorted(ticks)
    counts = {name: sum(len(f) for f in frames if f.source == name) for name in made.sources}
    assert counts == {name: count.messages for name, count in made.sources.items()}


def test_radar_plots_stand_where_the_truth_says(made: Made) -> None:
    from skywarden.config import load
    from skywarden.sensors import Reader

    settings = load(made.directory / "skywarden.toml")
    reader = Reader(settings.sources, settings.sensors, settings.run.mode)
    rows = list(csv.DictReader((made.directory / "truth.csv").read_text().splitlines()))
    truth = {(int(r["time_ns"]), r["target"]): r for r in rows}
    near = 0
    for frame in frames_of(record_in(made.directory).entries()):
        for batch in reader.read(frame).batches if frame.source == "radars" else ():
            assert batch.kind is Kind.POLAR
            assert batch.place is not None
            for time, z in zip(batch.time.tolist(), batch.z, strict=True):
                second = round(time / 1e9) * 1_000_000_000
                points = [r for (t, _), r in truth.items() if t == second]
                places = np.array([[float(r[k]) for k in ("latitude", "longitude", "height_m")] for r in points])
                points_ecef = ecef(*np.radians(places[:, :2].T), places[:, 2])
                local = (points_ecef - batch.place.position) @ batch.place.rotation.T
                off = np.abs(np.linalg.norm(local, axis=1) - z[0])
                turn = np.abs((np.arctan2(local[:, 0], local[:, 1]) - z[1] + np.pi) % (2 * np.pi) - np.pi)
                near += bool(((off < 300) & (turn < 0.05)).any())
    assert near >= 10


def test_the_record_is_whole_and_replays_and_is_scored(tmp_path: Path, made: Made) -> None:
    for words in (
        ("record", "verify", str(made.directory / "frames")),
        ("replay", str(made.directory / "frames"), "--tables", str(tmp_path / "tables")),
    ):
        done = command(*words)
        assert done.returncode == 0, done.stderr
    done = command("score", str(made.directory), str(tmp_path / "tables"), "--json", "--html", str(tmp_path / "r.html"))
    assert done.returncode == 0, done.stderr
    figures = {figure["name"]: figure["value"] for figure in json.loads(done.stdout)["figures"]}
    assert figures
    assert (tmp_path / "r.html").stat().st_size > 10_000


def test_a_directory_that_holds_something_is_left_alone(made: Made) -> None:
    with pytest.raises(ConfigError, match="not an empty directory"):
        simulate(Order(made.directory.parent / "raid.toml", 3, made.directory), lambda what, done, total: None)


def test_a_mistake_in_a_scenario_is_refused_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(HEAD.format(seconds=-5) + "[[lidar]]\nname = 'x'\n")
    done = command("simulate", str(file), "--out", str(tmp_path / "out"))
    assert done.returncode == 2
    assert "line 7" in done.stderr
    assert "lidar" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_recording_that_is_not_there_is_named(tmp_path: Path) -> None:
    file = tmp_path / "raid.toml"
    blocks = '[[receivers]]\nname = "adsb"\n[[recordings]]\nfile = "nowhere.csv.gz"\n'
    file.write_text(HEAD.format(seconds=60) + blocks)
    done = command("simulate", str(file), "--out", str(tmp_path / "out"))
    assert done.returncode == 2
    assert "nowhere.csv.gz is not there" in done.stderr


def test_a_scenario_without_sensors_and_a_file_that_is_no_text_are_refused(tmp_path: Path) -> None:
    file, out = tmp_path / "raid.toml", tmp_path / "out"
    for content, said in ((HEAD.format(seconds=60).encode(), "has no sensors"), (b"\xff\xfe\x00", "UTF-8")):
        file.write_bytes(content)
        done = command("simulate", str(file), "--out", str(out))
        assert (done.returncode, said in done.stderr) == (2, True), done.stderr
        assert not out.exists()


def test_what_breaks_off_leaves_nothing_and_can_be_run_again(tmp_path: Path) -> None:
    file, out = tmp_path / "raid.toml", tmp_path / "out"
    file.write_text(HEAD.format(seconds=20) + '[[receivers]]\nname = "adsb"\n')

    def interrupted(frames: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(Order(file, 1, out, sink=interrupted, processes=1), lambda what, done, total: None)
    assert not out.exists()
    out.mkdir()
    with pytest.raises(KeyboardInterrupt):
        simulate(Order(file, 1, out, sink=interrupted, processes=1), lambda what, done, total: None)
    assert list(out.iterdir()) == []
    simulate(Order(file, 1, out, processes=1), lambda what, done, total: None)
    with pytest.raises(ConfigError, match="--pcap"):
        simulate(Order(file, 1, tmp_path / "other", pcap=True), lambda what, done, total: None)


def test_fliers_that_come_after_the_end_are_named_and_all_are_counted_by_sort(tmp_path: Path) -> None:
    file, out = tmp_path / "raid.toml", tmp_path / "out"
    wave = '[[waves]]\nname = "m"\nkind = "uav-piston"\ncount = 8\n'
    traffic = '[[traffic]]\nkind = "birds"\ncount = 2\n[[traffic]]\nkind = "airliner"\ncount = 3\n'
    file.write_text(HEAD.format(seconds=60) + '[[receivers]]\nname = "adsb"\n' + wave + traffic)
    notes: list[str] = []
    made = simulate(Order(file, 1, out, processes=1, note=notes.append), lambda what, done, total: None)
    there = sum(target["raid"] for target in json.loads((out / "targets.json").read_text()))
    assert 1 <= there < 8  # appearing evenly over 600 s, the first one at 0
    assert notes[0].startswith(f"wave m (line 14): {8 - there} of 8 appear after the end of the scenario; write a")
    assert made.fliers == (there, 3, 2)
    assert sum(made.fliers) == made.targets
    done = command("simulate", str(file), "--out", str(tmp_path / "other"))
    assert notes[0] in done.stderr.replace("\n", " ")
    assert f"{there + 5} targets ({there} of the raid, 3 of traffic, 2 of birds), 60 s" in done.stdout


def test_a_wave_that_fits_is_not_spoken_of(tmp_path: Path) -> None:
    file, notes = tmp_path / "raid.toml", list[str]()
    wave = '[[waves]]\nname = "{}"\nkind = "{}"\ncount = 4\nspread_s = 58.9\n'
    waves = wave.format("a", "uav-piston") + wave.format("b", "ballistic") + wave.format("c", "multirotor")
    file.write_text(HEAD.format(seconds=60) + '[[receivers]]\nname = "adsb"\n' + waves)
    made = simulate(Order(file, 1, tmp_path / "o", processes=1, note=notes.append), lambda what, done, total: None)
    assert (notes, made.fliers.raid) == ([], 12)


def test_a_refused_recording_or_tile_leaves_no_directory(tmp_path: Path) -> None:
    file, out = tmp_path / "raid.toml", tmp_path / "deep" / "out"
    for name, block in (("a.csv", "[[recordings]]\nfile"), ("N29W046.hgt", '[terrain]\nkind = "tiles"\ntiles')):
        (tmp_path / name).write_bytes(b"x,y\n1,2\n")
        value = f'"{tmp_path / name}"'
        file.write_text(
            HEAD.format(seconds=60)
            + f'[[receivers]]\nname = "adsb"\n{block} = {f"[{value}]" if "tiles" in block else value}\n'
        )
        with pytest.raises(ConfigError, match=name):
            simulate(Order(file, 1, out, processes=1), lambda what, done, total: None)
        assert not out.parent.exists()


def test_a_start_with_a_part_of_a_second_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "raid.toml"
    file.write_text(HEAD.format(seconds=60) + '[[receivers]]\nname = "adsb"\n')
    done = command("simulate", str(file), "--out", str(tmp_path / "out"), "--start", "2030-03-14T20:00:00.5Z")
    assert done.returncode == 2
    assert "write 2030-03-14T20:00:00Z" in " ".join(done.stderr.replace("│", " ").split())


def test_progress_is_said_now_and_then() -> None:
    said: list[str] = []
    line = now_and_then(said.append, every=0.0)
    line("a")
    line("b")
    rare = now_and_then(said.append, every=1e6)
    rare("c")
    assert said == ["a", "b"]
