"""The demo: real sockets, the real engine, nothing of it live."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from skywarden.model.track import Mode
from skywarden.service.app import App
from skywarden.service.demo import Raid, bound
from skywarden.service.outlets import Outlets
from skywarden.service.publish import Published
from skywarden.sim.blocks import Timed
from skywarden.sim.installation import configuration
from skywarden.sim.scenario import coast

PATIENCE_S = 150.0  # s; the first run on a machine compiles the kernels


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    scenario = coast(1, seconds=1.0)
    found = App(configuration(scenario, scenario.loopback(), str(tmp_path / "record"), "127.0.0.1:0"))
    found.start()
    yield found
    found.stop()


def until_seen(app: App, tracks: int) -> Published:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        latest = app.publisher.latest
        if latest and len(latest.states.number) >= tracks and latest.picture.alerts:
            return latest
        time.sleep(0.1)
    raise AssertionError(f"no {tracks} tracks with an alert within {PATIENCE_S} s: {app.summary()}")


def test_the_raid_gives_tracks_and_warnings_and_nothing_is_refused(app: App) -> None:
    raid = Raid(bound(app), 30, 1, None)
    raid.start()
    latest = until_seen(app, 15)
    raid.stop()
    assert latest.picture.mode is Mode.SIM
    assert {alert.site for alert in latest.picture.alerts} <= {site.name for site in coast(1, seconds=1.0).sites}
    assert {row.name: row.refused for row in latest.sources} == {name: {} for name in bound(app)}
    assert all(row.received > 0 for row in latest.sources)
    assert app.summary()["first_track_s"] is not None


def test_messages_that_are_much_too_late_are_left_out(app: App) -> None:
    addresses = bound(app)
    outlets = Outlets({"adsb": addresses["adsb"]})
    now = time.time_ns()
    player = Raid(addresses, 1, 1, 1.0)
    late = now - 5_000_000_000
    player.play([Timed(late, "adsb", b"old\n"), Timed(now, "adsb", b"new\n")], outlets)
    deadline = time.monotonic() + PATIENCE_S
    while sum(wire.received for wire in app.wires) < 1 and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.1)
    outlets.close()
    assert {wire.name: wire.received for wire in app.wires if wire.received} == {"adsb": 1}


def test_headless_ends_with_one_line_of_json() -> None:
    command = [sys.executable, "-m", "skywarden.cli", "demo", "--headless", "--for", "4", "--targets", "5"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    found = json.loads(run.stdout.splitlines()[-1])
    assert set(found) == {"tracks_confirmed", "alerts", "frames", "refused", "latency_ms", "first_track_s"}
    assert set(found["latency_ms"]) == {"p50", "p99"}
    assert found["frames"] > 0
    assert found["refused"] == 0


def test_what_a_node_begins_with_is_sent_however_late() -> None:
    class Sent:
        """In the place of sockets."""

        def __init__(self) -> None:
            self.data: list[bytes] = []

        def send(self, sender: str, data: bytes) -> None:
            self.data.append(data)

    late, sent = time.time_ns() - 5_000_000_000, Sent()
    said = [Timed(late + k, "nodes", b"%d" % k, "lookout") for k in range(4)]
    Raid({}, 1, 1, 1.0).play(said, sent)  # type: ignore[arg-type]
    assert sent.data == [b"0", b"1"]
