"""The tracker alone on scenarios of the tracking benchmark: axes, units, settings and what it must not know."""

import csv
import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from skywarden import geo
from skywarden.cli.app import app
from skywarden.errors import ConfigError
from skywarden.trial.follow import Follower
from skywarden.trial.layout import PLANE, read, to_scenario

SHARED = Path(__file__).parents[2] / "shared" / "bench"
START, VELOCITY = np.array([9000.0, -4000.0, 700.0]), np.array([-40.0, 25.0, 1.5])
RADAR = {"pos": [500.0, -300.0, 12.0], "sigma_r": 20.0, "sigma_b": 0.005, "rmax": 40e3, "pd": 0.9, "lam": 20.0}
THREE = {"sigma_e": 0.009, "sigma_rr": 1.0, "e_lim": [0.0, 0.17], "rr_lim": [-65.0, 65.0]}


def meta(dim: int) -> bytes:
    radar = RADAR | {"id": 0} | (THREE if dim == 3 else {})
    known = {"dim": dim, "n": 1, "scans": 20, "dt": 2.0, "sensors": [radar], "tracker_hint": {"q": 5.0, "vmax": 65.0}}
    return json.dumps(known).encode()


def table(dim: int, scans: int = 20, origin: str = "0") -> str:
    """One target without noise, as an independent hand writes it down."""
    lines = ["scan,sensor,t,range,bearing,elevation,range_rate,origin"]
    for scan in range(scans):
        time = scan * 2.0
        offset = START + VELOCITY * time - RADAR["pos"]
        velocity = VELOCITY.copy()
        if dim == 2:
            offset[2], velocity[2] = -RADAR["pos"][2], 0.0
        slant = np.sqrt((offset**2).sum())
        bearing = np.arctan2(offset[1], offset[0])
        upright = [np.arcsin(offset[2] / slant), offset @ velocity / slant] if dim == 3 else [0.0, 0.0]
        measured = ",".join(f"{value:.9f}" for value in (slant, bearing, *upright))
        lines.append(f"{scan},0,{time:.3f},{measured},{origin}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("dim", [2, 3])
def test_a_target_is_followed_in_the_scenarios_own_axes(dim: int) -> None:
    trial = read(meta(dim), table(dim))
    follower = Follower(trial.world)
    for scan in trial.runs[0].scans:
        follower.step(scan)
    numbers, states = follower.shown()
    assert numbers.tolist() == [1]
    end = START + VELOCITY * trial.runs[0].scans[-1].time
    seen = 2 if dim == 2 else 3
    assert states[0, :seen] == pytest.approx(end[:seen], abs=25.0)
    assert states[0, 3 : 3 + seen] == pytest.approx(VELOCITY[:seen], abs=3.0)


@pytest.mark.parametrize("odd", [{"lam": 0}, {"pd": 1}])
def test_a_world_without_false_alarms_or_misses_is_a_world_too(odd: dict[str, float]) -> None:
    known = json.loads(meta(3))
    known["sensors"][0] |= odd
    trial = read(json.dumps(known).encode(), table(3))
    follower = Follower(trial.world)
    for scan in trial.runs[0].scans:
        follower.step(scan)
    assert follower.shown()[0].tolist() == [1]


def test_the_plane_touches_the_earth_and_only_turns_it() -> None:
    level = np.array([[1000.0, 0.0, 0.0], [0.0, 1000.0, 0.0], [0.0, 0.0, 1000.0]])
    ecef = PLANE.position + level @ PLANE.rotation
    latitude, longitude, height = geo.geodetic(ecef)
    assert longitude[0] > longitude[1] == pytest.approx(longitude[2])
    assert latitude[1] > latitude[2] == pytest.approx(latitude[0], abs=1e-6)
    assert height == pytest.approx([0.0785, 0.0785, 1000.0], abs=0.001)  # d^2 / 2R at 1 km
    assert to_scenario(np.hstack([ecef, np.zeros((3, 3))]))[:, :3] == pytest.approx(level, abs=1e-6)


def test_what_comes_later_and_whose_a_detection_is_are_not_known() -> None:
    told = []
    for text in (table(3), table(3, scans=12), table(3, origin="17")):
        trial = read(meta(3), text)
        follower = Follower(trial.world)
        states = []
        for scan in trial.runs[0].scans[:12]:
            follower.step(scan)
            states.append(follower.shown()[1].tobytes())
        told.append(states)
    assert told[0] == told[1] == told[2]


def test_false_alarms_are_as_dense_as_the_scenario_makes_them() -> None:
    rng = np.random.default_rng(7)
    low, high, looks = 19e3, 21e3, 20_000
    found = rng.uniform(0, RADAR["rmax"], rng.poisson(RADAR["lam"] * looks))
    per_m_rad = ((found > low) & (found < high)).sum() / looks / ((high - low) * 2 * np.pi)
    sensor = read(meta(2), table(2)).world.sensors["radar0"]
    assert sensor.clutter / sensor.volume == pytest.approx(per_m_rad, rel=0.03)
    assert sensor.detection == RADAR["pd"]


def test_the_command_writes_the_judges_columns_and_stops_in_time(tmp_path: Path) -> None:
    (tmp_path / "meta.json").write_bytes(meta(3))
    (tmp_path / "detections.csv").write_text(table(3))
    options = ["--out", str(tmp_path / "t.csv"), "--timing", str(tmp_path / "run.json"), "--tmax", "21"]
    found = CliRunner().invoke(app, ["track", str(tmp_path), *options])
    assert found.exit_code == 0, found.output
    rows = list(csv.DictReader((tmp_path / "t.csv").read_text().splitlines()))
    assert list(rows[0]) == ["scan", "t", "track", "x", "vx", "y", "vy", "z", "vz"]
    assert (rows[-1]["scan"], rows[-1]["t"]) == ("10", "20.000")
    assert float(rows[-1]["vy"]) == pytest.approx(VELOCITY[1], abs=3.0)
    timing = json.loads((tmp_path / "run.json").read_text())
    assert timing["scans"] == len(timing["cpu_s"]) == 11


def test_a_run_that_is_stopped_leaves_the_file_of_the_last_whole_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "meta.json").write_bytes(meta(3))
    (tmp_path / "detections.csv").write_text(table(3))
    out = tmp_path / "t.csv"
    out.write_text("of the last run\n")

    def stop(follower: Follower, scan: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Follower, "step", stop)
    found = CliRunner().invoke(app, ["track", str(tmp_path), "--out", str(out)])
    assert found.exit_code == 130
    assert out.read_text() == "of the last run\n"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["detections.csv", "meta.json", "t.csv"]


def test_tracks_can_go_into_a_pipe_by_name(tmp_path: Path) -> None:
    (tmp_path / "meta.json").write_bytes(meta(3))
    (tmp_path / "detections.csv").write_text(table(3))
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDWR | os.O_NONBLOCK)  # so that nobody waits for the other side
    try:
        found = CliRunner().invoke(app, ["track", str(tmp_path), "--out", str(tmp_path / "pipe"), "--tmax", "4"])
        assert found.exit_code == 0, found.output
        assert os.read(reader, 1 << 16).startswith(b"scan,t,track,")
    finally:
        os.close(reader)


def test_the_command_says_what_it_did_not_use(tmp_path: Path) -> None:
    (tmp_path / "meta.json").write_bytes(meta(3))
    lines = table(3).splitlines()
    far = [line.split(",") for line in lines[1:6]]
    odd = [",".join([*row[:3], "1e30", *row[4:]]) for row in far[:3]]  # a range that nothing has
    odd += [",".join([*row[:5], "57.3", *row[6:]]) for row in far[3:]]  # an elevation in degrees
    (tmp_path / "detections.csv").write_text("\n".join([lines[0], *odd, *lines[6:]]) + "\n")
    found = CliRunner().invoke(app, ["track", str(tmp_path), "--out", str(tmp_path / "t.csv")])
    assert found.exit_code == 0
    assert "5 detections refused: 5 implausible" in found.stderr
    (tmp_path / "detections.csv").write_text(table(3))
    found = CliRunner().invoke(app, ["track", str(tmp_path), "--out", str(tmp_path / "t.csv")])
    assert "refused" not in found.stderr


@pytest.mark.skipif(not SHARED.exists(), reason="../shared/bench is not here")
def test_the_crossing_targets_are_all_found_before_they_meet(tmp_path: Path) -> None:
    source = SHARED / "williams15"
    lines = gzip.decompress((source / "detections.csv.gz").read_bytes()).decode().splitlines()
    few = [line for line in lines[1:] if int(line.partition(",")[0]) <= 2]
    (tmp_path / "meta.json").write_bytes((source / "meta.json").read_bytes())
    (tmp_path / "detections.csv.gz").write_bytes(gzip.compress("\n".join([lines[0], *few]).encode()))
    found = CliRunner().invoke(app, ["track", str(tmp_path), "--out", str(tmp_path / "t.csv")])
    assert found.exit_code == 0, found.output
    rows = list(csv.DictReader((tmp_path / "t.csv").read_text().splitlines()))
    assert list(rows[0]) == ["mc", "k", "track", "x", "vx", "y", "vy"]
    assert {row["mc"] for row in rows} == {"1", "2"}
    truth = [r for r in csv.DictReader((source / "truth.csv").read_text().splitlines()) if r["k"] == "30"]
    for run in ("1", "2"):
        at = [(float(r["x"]), float(r["y"])) for r in rows if (r["mc"], r["k"]) == (run, "30")]
        for target in truth:
            assert min(np.hypot(x - float(target["x"]), y - float(target["y"])) for x, y in at) < 4.0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("scan,sensor,t,range\n0,0,0,1\n", "no column bearing"),
        (table(2).replace(",0,0.000", ",5,0.000"), "line 2, column sensor: meta.json does not know"),
        ("\n".join(table(2).splitlines()[:1]), "no detections"),
        (table(2).replace("\n3,0,", "\n1,0,"), "line 5, column scan: not in the order of its scans"),
        (table(2).replace(",0,6.000,", ",0,six,"), "line 5, column t: cannot be read"),
        (table(2).replace("\n3,0,", "\n\n3,0,").replace(",0,6.000,", ",0,nan,"), "line 6, column t: write s"),
        (table(2).replace(",0,6.000,", ",0,2.000,"), "line 5, column t: earlier"),
        (table(2).replace("\n3,0,", "\n2,0,"), "line 5, column t: not that of the row before"),
        (table(2).replace("\n3,0,", "\n3.5,0,"), "line 5, column scan: write a whole number"),
        (table(2).replace(",0,6.000,", ",0,6.000,-"), "line 5, column range: write a distance"),
        (table(2).replace(",0,6.000,", ",0,6.000,inf,"), "line 5, column range: write a distance"),
    ],
)
def test_a_table_that_is_wrong_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        read(meta(2), text)


def test_a_directory_that_is_no_scenario_says_what_is_missing(tmp_path: Path) -> None:
    found = CliRunner().invoke(app, ["track", str(tmp_path), "--out", str(tmp_path / "t.csv")])
    assert isinstance(found.exception, ConfigError)
    assert "meta.json" in str(found.exception)
    with pytest.raises(ConfigError, match="layout"):
        read(b"{}", table(2))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("dim", 0, ">= 2.*dim"),
        ("dim", -1, ">= 2.*dim"),
        ("dt", 0, "> 0.*dt"),
        ("sensors", [], "length >= 1.*sensors"),
        ("rmax", 1e300, "<= 1"),
        ("rmax", 0, r"> 0.*sensors\[0\]"),
        ("sigma_r", -1, "> 0"),
        ("sigma_e", 0, r"sensors\[0\].sigma_e must be > 0"),
        ("e_lim", [1, 1], "e_lim must be two numbers that rise"),
        ("pd", 1.1, "<= 1"),
        ("pd", 0, "> 0"),
        ("lam", -1, ">= 0"),
    ],
)
def test_a_world_that_cannot_be_is_refused_by_field(name: str, value: object, words: str) -> None:
    known = json.loads(meta(3))
    (known if name in known else known["sensors"][0])[name] = value
    with pytest.raises(ConfigError, match=f"meta.json.*{words}"):
        read(json.dumps(known).encode(), table(3))


@pytest.mark.parametrize(
    ("file", "data", "words"),
    [
        ("detections.csv", b"scan,sensor\n\xff\xfe\x00", "detections.csv, line 2: this is not UTF-8"),
        (
            "detections.csv.gz",
            gzip.compress(table(2).encode(), mtime=0)[:-40],
            "detections.csv.gz is not a whole gzip file",
        ),
        ("detections.csv.gz", b"scan,sensor", "detections.csv.gz is not a whole gzip file"),
        ("detections.csv.gz", gzip.compress(b"\xff\xfe\x00", mtime=0), "detections.csv.gz, line 1: this is not UTF-8"),
        ("meta.json", b'{"kind": "\xff"}', "meta.json"),
    ],
)
def test_a_file_that_is_something_else_is_named(file: str, data: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "meta.json").write_bytes(meta(2))
    (tmp_path / file).write_bytes(data)
    if file == "meta.json":
        (tmp_path / "detections.csv").write_text(table(2))
    found = CliRunner().invoke(app, ["track", str(tmp_path), "--out", str(tmp_path / "t.csv")])
    assert isinstance(found.exception, ConfigError)
    assert words in str(found.exception)


def test_a_mark_before_the_text_does_not_matter_and_a_dash_is_stdout(tmp_path: Path) -> None:
    (tmp_path / "meta.json").write_bytes(b"\xef\xbb\xbf" + meta(3))
    (tmp_path / "detections.csv").write_bytes(b"\xef\xbb\xbf" + table(3).replace("\n", "\r\n").encode())
    found = CliRunner().invoke(app, ["track", str(tmp_path), "--out", "-"])
    assert found.exit_code == 0, found.output
    assert found.stdout.startswith("scan,t,track,x,vx,y,vy,z,vz\n")
    assert found.stdout.splitlines()[-1].startswith("19,38.000,1,")


@pytest.mark.parametrize("value", ["-1", "nan"])
def test_an_end_before_the_start_is_refused(value: str, tmp_path: Path) -> None:
    found = CliRunner().invoke(app, ["track", str(tmp_path), "--out", str(tmp_path / "t.csv"), "--tmax", value])
    assert found.exit_code == 2
    assert "--tmax" in found.output


@pytest.mark.parametrize("option", ["--out", "--timing"])
def test_a_folder_that_is_not_there_is_named_before_anything_is_done(option: str, tmp_path: Path) -> None:
    (tmp_path / "meta.json").write_bytes(meta(2))
    (tmp_path / "detections.csv").write_text(table(2))
    files = {"--out": tmp_path / "t.csv"} | {option: tmp_path / "not" / "there.csv"}
    found = CliRunner().invoke(app, ["track", str(tmp_path), *(str(word) for pair in files.items() for word in pair)])
    assert isinstance(found.exception, ConfigError)
    assert f"mkdir -p {tmp_path / 'not'}" in str(found.exception)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["detections.csv", "meta.json"]


def test_a_folder_that_is_a_file_is_said_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "meta.json").write_bytes(meta(2))
    (tmp_path / "detections.csv").write_text(table(2))
    found = CliRunner().invoke(app, ["track", str(tmp_path), "--out", str(tmp_path / "meta.json" / "t.csv")])
    assert isinstance(found.exception, ConfigError)
    assert "meta.json is a file and no folder" in str(found.exception)
