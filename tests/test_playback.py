"""Simulated frames as the source of a running installation, and over the network."""

import json
import threading
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from simulated_frames import SECOND, START, TICK, settings_of, written
from typer.testing import CliRunner

from skywarden.cli.app import app as commands
from skywarden.errors import ConfigError
from skywarden.model.detection import Frame
from skywarden.pipeline import Line
from skywarden.replay import by_tick, verify
from skywarden.service.app import App
from skywarden.service.demo import bound
from skywarden.service.frames import frames_of, record_in
from skywarden.service.playback import Play
from skywarden.service.send import send
from skywarden.sim.scenario import coast

SCENARIO = coast(1, seconds=1.0)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("simulated")
    written(path / "frames", 30.0)
    return path


def installation(simulated: Path, record: Path, speed: float | None) -> App:
    return App(settings_of(SCENARIO, str(record)), play=Play(simulated, speed))


def played(app: App) -> App:
    try:
        app.start()
        app.run(view=False, seconds=50.0)
    finally:
        app.stop()
    return app


def seen(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the tracks people see when a record's replay ends: (n, 3) ECEF m half a minute in, and (n,) sigma in m."""
    line = Line()
    for _ in by_tick(record_in(path).entries(), line):
        pass
    assert line.picture is not None
    tracks = line.picture.tracks
    tracks = tracks.take(tracks.shown())
    since = (START + 30 * SECOND - tracks.time)[:, None] / SECOND  # a state holds when a look last could have seen it
    sigma = np.sqrt(tracks.covariance[:, :3, :3].trace(axis1=1, axis2=2))
    return tracks.mean[:, :3] + since * tracks.mean[:, 3:], sigma


def test_a_run_from_frames_sees_the_tracks_that_their_replay_sees(simulated: Path, tmp_path: Path) -> None:
    app = played(installation(simulated, tmp_path / "record", None))
    assert app.summary()["tracks_confirmed"] > 10
    assert {wire.state for wire in app.wires if wire.name != "nodes"} == {"finished"}
    assert list(frames_of(record_in(tmp_path / "record").entries())) == list(frames_of(record_in(simulated).entries()))
    assert verify(record_in(tmp_path / "record").entries()) is None
    (ran, _), (replayed, sigma) = seen(tmp_path / "record"), seen(simulated)  # other ticks, so other looks
    assert abs(len(ran) - len(replayed)) <= 1  # one that was hardly seen may have been given up
    row, column = linear_sum_assignment(between := cdist(replayed, ran))
    assert len(row) > 30
    assert (between[row, column] < 0.2 * sigma[row]).all()


def test_a_second_run_into_the_same_record_begins_with_an_empty_picture(simulated: Path, tmp_path: Path) -> None:
    first = played(installation(simulated, tmp_path / "record", None)).summary()
    second = played(installation(simulated, tmp_path / "record", None)).summary()
    assert second["tracks_confirmed"] == first["tracks_confirmed"]
    assert verify(record_in(tmp_path / "record").entries()) is None


def test_frames_come_at_their_own_speed_and_the_page_shows_the_scenarios_time(simulated: Path, tmp_path: Path) -> None:
    app = installation(simulated, tmp_path / "record", 10.0)
    begun = time.monotonic()
    try:
        app.start()
        picture = {"tracks": []}
        while not picture["tracks"] and time.monotonic() < begun + 60.0:
            time.sleep(0.1)
            with urllib.request.urlopen(f"{app.address}api/picture", timeout=5) as answer:
                picture = json.load(answer)
        passed = (time.monotonic() - begun) * 10.0
    finally:
        app.stop()
    assert picture["mode"] == "sim"
    assert picture["tracks"]
    assert 0.0 < (picture["time"] - START) / SECOND <= passed


def test_a_live_configuration_or_one_without_the_sources_is_refused(simulated: Path, tmp_path: Path) -> None:
    text = settings_of(SCENARIO, str(tmp_path / "record"))
    with pytest.raises(ConfigError, match="no live picture"):
        App(text.replace('"sim"', '"live"'), play=Play(simulated))
    with pytest.raises(ConfigError, match="no source orrin"):
        App(text.replace('"orrin"', '"other"'), play=Play(simulated))
    assert not (tmp_path / "record").exists()


def test_run_takes_the_configuration_beside_the_frames(simulated: Path, tmp_path: Path) -> None:
    (simulated / "skywarden.toml").write_text(settings_of(SCENARIO, str(tmp_path / "record")))
    found = CliRunner().invoke(
        commands, ["run", "--from", str(simulated), "--speed", "max", "--for", "40", "--no-view"]
    )
    assert found.exit_code == 0, found.output
    assert json.loads(found.stdout.splitlines()[-1])["tracks_confirmed"] > 10


def test_run_without_configuration_and_frames_says_what_is_needed() -> None:
    found = CliRunner().invoke(commands, ["run"])
    assert found.exit_code == 2
    assert "--from" in found.output


def test_a_speed_without_frames_is_refused_and_not_passed_over(tmp_path: Path) -> None:
    found = CliRunner().invoke(commands, ["run", "--config", str(tmp_path / "site.toml"), "--speed", "4"])
    assert found.exit_code == 2
    assert "--speed needs --from" in found.output


def test_frames_of_now_are_sent_to_a_running_system(tmp_path: Path) -> None:
    app = App(settings_of(SCENARIO, str(tmp_path / "record")))
    try:
        app.start()
        addresses = bound(app)
        start = time.time_ns() + SECOND // 4
        written(tmp_path / "frames", 3.0, start=start - start % TICK)
        expected = list(frames_of(record_in(tmp_path / "frames").entries()))
        sent = send(expected, {name: addresses[name] for name in ("orrin", "adsb")}, threading.Event())
        time.sleep(0.5)
        received = {wire.name: wire.received for wire in app.wires}
    finally:
        app.stop()
    assert sent == {name: sum(len(f) for f in expected if f.source == name) for name in ("orrin", "adsb")}
    assert {name: received[name] for name in sent} == sent
    assert received["saltfen"] == 0


def test_frames_of_another_time_are_not_sent_and_a_stop_ends_sending() -> None:
    addresses = {"orrin": "udp://127.0.0.1:9"}
    with pytest.raises(ConfigError, match="start now"):
        send([Frame.of("orrin", START, b"x")], addresses, threading.Event())
    stopped = threading.Event()
    stopped.set()
    later = [Frame.of("orrin", time.time_ns() + 60 * SECOND, b"x")]
    assert send(later, addresses, stopped) == {"orrin": 0}
    assert send([], addresses, stopped) == {}
