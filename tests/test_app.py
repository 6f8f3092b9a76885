"""A whole installation on loopback: messages in over TCP, picture and acknowledgements out, restart, recordings."""

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

from skywarden.config import parse
from skywarden.errors import ConfigError, RecordError
from skywarden.model.detection import Frame
from skywarden.model.event import (
    AlertRaised,
    AlertUpdated,
    ClockStepped,
    Started,
    Tick,
    TrackConfirmed,
    decode,
)
from skywarden.model.track import Mode
from skywarden.pipeline import Line
from skywarden.record import MemoryLog
from skywarden.record.reading import SqliteRecord
from skywarden.replay import compare, is_input
from skywarden.sensors.modes import encode
from skywarden.service.app import App, run_live
from skywarden.service.clock import DataClock, HostClock
from skywarden.service.engine import Engine

SECOND = 1_000_000_000
LATITUDE, LONGITUDE = 38.0, -31.0  # a neutral place: the open Atlantic
PAST = 1_700_000_000 * SECOND

STATION = """
[[sites]]
name = "Station"
latitude = 38.3
longitude = -31.0
lead_time_s = 200
[record]
path = "{record}"
[api]
listen = "127.0.0.1:0"
"""

SETTINGS = (
    """
[run]
{run}
[[sources]]
name = "receiver"
format = "modes"
listen = "tcp://127.0.0.1:0"
latitude = 38.0
longitude = -31.0
"""
    + STATION
)


def settings(tmp_path, run=""):
    return SETTINGS.format(run=run, record=tmp_path / "record")


def flight(seconds, start, icao24=0xABC123, longitude=LONGITUDE):
    """Return the JSON lines of an aircraft that flies north at 400 kt, two positions a second."""
    lines = []
    for half in range(2 * seconds):
        at = start + half * SECOND // 2
        latitude = LATITUDE + half / 2 * 205.8 / 111_000
        frame = encode.airborne_position(icao24, latitude, longitude, 20_000, odd=bool(half % 2))
        lines.append(encode.json_line(at, frame))
    return lines


def wait(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)
    return found


@pytest.fixture
def running():
    """Start installations; all are stopped at the end."""
    apps = []

    def start(text, **options):
        app = App(text, **options)
        apps.append(app)
        app.start()
        return app

    yield start
    for app in apps:
        app.stop()


def send(app, lines, name="receiver"):
    (address,) = wait(lambda: [w.address for w in app.wires if w.name == name and not w.address.endswith(":0")])
    host, port = address.removeprefix("tcp://").rsplit(":", 1)
    with socket.create_connection((host, int(port)), 5) as connection:
        connection.sendall(b"".join(lines))


def ask(app, path):
    with urllib.request.urlopen(f"{app.address}{path}", timeout=5) as answer:
        return json.load(answer)


def receiver(app):
    wait(lambda: app.publisher.latest)
    return ask(app, "api/health")["sources"][0]


def test_messages_become_a_track_that_is_published_and_acknowledged(running, tmp_path):
    app = running(settings(tmp_path))
    now = time.time_ns()
    send(app, flight(8, now - 8 * SECOND))
    wait(lambda: app.publisher.latest and app.publisher.latest.tracks)
    picture = ask(app, "api/picture")
    (track,) = picture["tracks"]
    assert picture["mode"] == "live"
    assert track["number"] == 1
    assert track["latitude"] == pytest.approx(LATITUDE + 8 * 205.8 / 111_000, abs=0.01)
    assert track["sources"] == ["receiver"]
    assert track["category"] == "pending"
    wait(lambda: receiver(app)["recorded"] == 16)
    assert receiver(app)["received"] == receiver(app)["decoded"] == 16


def test_what_was_acknowledged_is_in_the_record_when_the_process_dies(running, tmp_path):
    app = running(settings(tmp_path))
    send(app, flight(5, time.time_ns() - 5 * SECOND))
    told = wait(lambda: receiver(app)["recorded"])
    assert SqliteRecord(tmp_path / "record").recorded()["receiver"] >= told  # read while the writer goes on


def test_a_restart_keeps_tracks_numbers_and_counters(running, tmp_path):
    first = running(settings(tmp_path))
    start = time.time_ns() - 8 * SECOND
    send(first, flight(4, start, 0x111111, LONGITUDE - 0.5))
    send(first, flight(8, start, 0x222222))
    wait(lambda: len(first.publisher.latest.tracks if first.publisher.latest else ()) == 2)
    before = {t.icao24: t.number for t in first.publisher.latest.tracks}
    wait(lambda: receiver(first)["recorded"] == 24)
    first.stop()
    second = running(settings(tmp_path))
    wait(lambda: second.publisher.latest)
    assert {t.icao24: t.number for t in second.publisher.latest.tracks} == before
    assert receiver(second)["recorded"] == 24
    second.stop()
    starts = [e for e in map(decode, (e.payload for e in SqliteRecord(tmp_path / "record").entries()))
              if isinstance(e, Started)]  # fmt: skip
    assert len(starts) == 2
    assert compare(SqliteRecord(tmp_path / "record").entries()).difference is None


def test_a_recording_runs_on_its_own_time_and_warns_before_the_passage(running, tmp_path):
    app = running(settings(tmp_path, 'clock = "data"\nmode = "replay"'))
    send(app, flight(200, PAST))  # the site is 33 km ahead: 162 s at 206 m/s, 15 s less to its edge
    wait(lambda: receiver(app)["recorded"] == 400)
    app.stop()
    events = [decode(e.payload) for e in SqliteRecord(tmp_path / "record").entries()]
    (confirmed,) = [e for e in events if isinstance(e, TrackConfirmed)]
    raised = [e.alert for e in events if isinstance(e, AlertRaised)]
    assert PAST < confirmed.time < PAST + 10 * SECOND
    assert [a.site for a in raised] == ["Station"]
    assert raised[0].raised < PAST + 15 * SECOND
    last = [e.alert for e in events if isinstance(e, AlertUpdated)][-1]
    assert last.arrival == pytest.approx(PAST + 147 * SECOND, abs=3 * SECOND)
    ticks = [e.time for e in events if isinstance(e, Tick)]
    assert ticks == sorted(ticks)
    assert ticks[-1] < PAST + 201 * SECOND  # never the host's time


def test_old_messages_are_refused_by_name_in_a_live_picture(running, tmp_path):
    app = running(settings(tmp_path))
    send(app, flight(3, PAST))
    wait(lambda: receiver(app)["recorded"] == 6)
    wait(lambda: receiver(app)["refused"])
    assert set(receiver(app)["refused"]) <= {"time in the past", "no reference"}
    assert receiver(app)["refused"]["time in the past"] >= 4
    assert ask(app, "api/picture")["tracks"] == []


def test_a_second_process_on_one_record_is_refused(running, tmp_path):
    running(settings(tmp_path))
    with pytest.raises(RecordError, match="being written by process"):
        App(settings(tmp_path))


def test_an_address_that_others_can_reach_needs_expose(tmp_path):
    text = settings(tmp_path).replace('"tcp://127.0.0.1:0"', '"tcp://0.0.0.0:0"\nplain = true')
    with pytest.raises(ConfigError, match="--expose"):
        App(text)
    assert not (tmp_path / "record").exists()


def test_the_engine_records_a_step_of_the_hosts_clock_and_keeps_its_own_time():
    offset = [0]
    clock = HostClock(wall=lambda: time.time_ns() + offset[0])
    published = []
    text = ""
    log = MemoryLog()
    engine = Engine(parse(text), text, log, clock, published.append)
    engine.turn([])
    offset[0] = 10 * SECOND
    engine.turn([])
    engine.turn([])
    engine.close()
    steps = [e for e in (decode(x.payload) for x in log.entries()) if isinstance(e, ClockStepped)]
    assert [round(s.step / SECOND) for s in steps] == [10]
    assert published[-1].picture.time - published[0].picture.time < SECOND
    assert published[-1].picture.mode is Mode.LIVE


def test_health_tells_by_how_much_and_when_the_clock_jumped(running, tmp_path):
    app = running(settings(tmp_path))
    wait(lambda: app.publisher.latest)
    clock = ask(app, "api/health")["clock"]
    assert (clock["stepped_s"], clock["stepped_at"]) == (0.0, None)
    app.clock._wall = lambda: time.time_ns() + 10 * SECOND
    clock = wait(lambda: (found := ask(app, "api/health")["clock"])["stepped_at"] and found)
    assert clock["stepped_s"] == 10.0
    assert abs(clock["stepped_at"] - app.clock.now()) < 5 * SECOND


def engine(clock, log, text=""):
    published = []
    return Engine(parse(text), text, log, clock, published.append), published


def test_a_gap_of_years_in_a_recording_is_one_tick():
    clock = DataClock()
    made, published = engine(clock, MemoryLog(), settings(Path("unused"), 'clock = "data"\nmode = "replay"'))
    for at in (PAST, PAST + 10**9 * SECOND):
        made.turn([Frame.of("receiver", at, b"x")])
    assert published[-1].picture.time > PAST
    made.turn([Frame.of("receiver", PAST + (10**9 + 1) * SECOND, b"x")])
    assert published[-1].picture.time > PAST + 10**9 * SECOND
    made.close()


def test_the_last_messages_of_a_recording_are_handled(tmp_path):
    (tmp_path / "flight.jsonl").write_bytes(b"".join(flight(10, PAST)))
    text = settings(tmp_path, 'clock = "data"\nmode = "replay"')
    text = text.replace('listen = "tcp://127.0.0.1:0"', f'file = "{tmp_path / "flight.jsonl"}"')
    run_live(text, expose=False, view=False, seconds=None)
    (row,) = SqliteRecord(tmp_path / "record").recorded().items()
    assert row == ("receiver", 20)
    line = Line()
    for entry in SqliteRecord(tmp_path / "record").entries():
        if is_input(entry):
            line.feed(entry.seq, decode(entry.payload))
    assert line.picture.health[0].decoded == 20
    with pytest.raises(RecordError, match="holds a run already"):
        run_live(text, expose=False, view=False, seconds=None)


def heeding():
    """Jobs in the background ignore SIGINT, and so would what these tests start."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def ticked(record):
    with suppress(RecordError):  # it is just being made
        return SqliteRecord(record).last() > 10
    return False


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_service_managers_stop_closes_the_record_in_order(how, tmp_path):
    file = tmp_path / "site.toml"
    file.write_text(settings(tmp_path))
    command = [sys.executable, "-m", "skywarden.cli", "run", "--config", str(file)]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "preexec_fn": heeding}
    with subprocess.Popen(command, **options) as process:
        try:
            wait(lambda: ticked(tmp_path / "record"), 60.0)
            process.send_signal(how)
            _, errors = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 0, errors
    assert b"losing" not in errors  # the last pass came before the end of the record
    record = SqliteRecord(tmp_path / "record")
    seq, _ = record.snapshot()
    assert seq == record.last()
    assert not list((tmp_path / "record").glob("*-wal"))  # one self-contained file
