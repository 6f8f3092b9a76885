"""The raid benchmark: its scenario files say what they are said to be."""

import sys
from pathlib import Path

import pytest
from skies import sky, straight

from skywarden.sim.kinds import Kind
from skywarden.sim.scene.ground import ground as world_ground
from skywarden.sim.scene.read import read
from skywarden.sim.scene.settings import Scene
from skywarden.sim.sense import SENSES
from skywarden.sim.sky import Window

RAIDS = Path(__file__).parent.parent / "bench" / "raids"
sys.path.insert(0, str(RAIDS))
import run as benchmark  # noqa: E402

FILES = sorted(path.stem for path in RAIDS.glob("*.toml"))
UAVS = (Kind.UAV_PISTON, Kind.UAV_JET, Kind.DECOY)
MISSILES = (Kind.CRUISE, Kind.BALLISTIC)


def scene(name: str) -> Scene:
    return read((RAIDS / f"{name}.toml").read_text())


def count(name: str, *kinds: Kind) -> int:
    return sum(wave.count for wave in scene(name).waves if wave.kind in kinds)


@pytest.mark.parametrize("name", FILES)
def test_every_scenario_file_is_right(name: str) -> None:
    assert scene(name).sites


def test_the_eight_are_there() -> None:
    assert len(benchmark.NAMES) == 8
    assert set(benchmark.NAMES) | {"real_dense", "real_gliders"} == set(FILES)


def test_they_have_the_sizes_that_they_are_named_for() -> None:
    assert not scene("quiet").waves
    assert count("drones30", *UAVS) == 30
    thirty = scene("drones30")
    sensors = (*thirty.radars, *thirty.receivers, *thirty.cameras, *thirty.microphones)
    assert sum(block.count for block in sensors) == 5
    assert count("drones100", *UAVS) == 100
    assert count("decoys300", *UAVS) == 300
    assert count("decoys300", Kind.DECOY) >= 100
    assert scene("decoys300").faults.lost == 0.1
    assert (count("directions500", *UAVS), count("directions500", *MISSILES)) == (480, 20)
    assert {angle for wave in scene("directions500").waves for angle in wave.from_deg} >= {0, 60, 120, 180, 240, 300}
    assert (count("night948", *UAVS), count("night948", *MISSILES)) == (948, 34)
    night = scene("night948")
    assert sum(block.count for block in night.microphones) == 15_000
    assert sum(block.count for block in night.radars) == 200
    assert count("swarm", Kind.MULTIROTOR) == 40
    assert len(scene("swarm").sites) == 1
    assert {spoofer.what for spoofer in scene("spoofing").spoofers} == {"adsb", "remote-id"}
    assert scene("spoofing").faults.gnss_spoofed == 0.1


def test_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["run.py", "drones1000"])
    with pytest.raises(SystemExit) as refused:
        benchmark.main()
    assert refused.value.code == 2
    assert "there is no drones1000.toml" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["receivers", "remote_id"])
def test_what_is_spoofed_is_heard(kind: str) -> None:
    spoofed = scene("spoofing")
    ground = world_ground(spoofed, 101, {})
    found = SENSES[kind](getattr(spoofed, kind), spoofed, ground, 101)
    nobody = sky([straight((90e3, 0.0, 100.0), (0.0, 0.0, 0.0), 2400)])
    assert len(found.sent(nobody, Window(700.0, 730.0)).time) > 100
