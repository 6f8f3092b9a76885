"""SIGHUP to a running process: a reload, or the end when its terminal has closed; and kill -9 right after a reload."""

import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from reload_site import BASE, PLANES, connected, free
from test_app import SECOND, flight, heeding, ticked, wait

from skywarden.errors import RecordError
from skywarden.model.event import Started, TrackConfirmed, decode
from skywarden.record.reading import SqliteRecord
from skywarden.replay import compare
from skywarden.service.hangup import Hangup


@contextmanager
def process(file: Path, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "skywarden.cli", "run", "--config", str(file), "--no-view"]
    wanted = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "preexec_fn": heeding, **options}
    with subprocess.Popen(command, **wanted) as one:
        try:
            yield one
        finally:
            one.kill()


def started(record: Path) -> list[Started]:
    with suppress(RecordError):  # it is just being made
        events = [decode(e.payload) for e in SqliteRecord(record).entries()] if record.exists() else []
        return [event for event in events if isinstance(event, Started)]
    return []


def written(directory: Path, port: int) -> tuple[Path, Path]:
    record, file = directory / "record", directory / "site.toml"
    file.write_text(PLANES.format(port=port) + BASE.format(record=record))
    return file, record


def test_kill_minus_hup_reloads_and_kill_minus_9_right_after_it_loses_nothing(tmp_path: Path) -> None:
    port = free()
    file, record = written(tmp_path, port)
    with process(file) as one:
        wait(lambda: started(record), 60.0)
        with wait(lambda: connected(port)) as planes:
            planes.sendall(b"".join(flight(8, time.time_ns() - 8 * SECOND)))
            wait(lambda: SqliteRecord(record).recorded().get("planes") == 16)
            file.write_text(file.read_text().replace("Station", "Dam"))
            one.send_signal(signal.SIGHUP)
            wait(lambda: len(started(record)) == 2)
            planes.sendall(b"".join(flight(1, time.time_ns())))
            wait(lambda: SqliteRecord(record).recorded().get("planes") == 18)
            one.kill()
        _, errors = one.communicate(timeout=30)
    assert b"the configuration was read again and is in force" in errors
    last = SqliteRecord(record).last()
    with process(file) as one:
        wait(lambda: SqliteRecord(record).last() > last + 20, 60.0)  # it runs
        one.send_signal(signal.SIGTERM)
        assert one.wait(30) == 0
    assert [event.reload for event in started(record)] == [False, True, False]
    events = [decode(e.payload) for e in SqliteRecord(record).entries()]
    assert [e.number for e in events if isinstance(e, TrackConfirmed)] == [1]  # the same track all the time
    outputs = {replayed(record, tmp_path / "events.jsonl", seed) for seed in ("0", "4242")}
    assert len(outputs) == 1


def replayed(record: Path, out: Path, seed: str) -> bytes:
    """Verify a record, and return what its replay gives."""
    command = [sys.executable, "-m", "skywarden.cli", "replay", str(record)]
    environment = os.environ | {"PYTHONHASHSEED": seed}
    for options in (["--verify"], ["--out", str(out)]):
        subprocess.run([*command, *options], env=environment, stdout=subprocess.DEVNULL, check=True)
    return out.read_bytes()


def test_a_terminal_that_closes_ends_the_run_and_one_that_stays_open_does_not(tmp_path: Path) -> None:
    file, record = written(tmp_path, free())
    near, far = pty.openpty()

    def in_a_terminal() -> None:
        heeding()
        os.setsid()
        fcntl.ioctl(far, termios.TIOCSCTTY, 0)

    with process(file, stdin=far, preexec_fn=in_a_terminal) as one:
        os.close(far)
        wait(lambda: started(record), 60.0)
        one.send_signal(signal.SIGHUP)
        wait(lambda: len(started(record)) == 2)
        os.close(near)
        assert one.wait(30) == 0
    assert compare(SqliteRecord(record).entries()).difference is None
    assert SqliteRecord(record).snapshot()[0] == SqliteRecord(record).last()  # closed in order


def test_under_nohup_the_signal_means_nothing(tmp_path: Path) -> None:
    file, record = written(tmp_path, free())
    with process(file, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)) as one:
        wait(lambda: ticked(record), 60.0)
        one.send_signal(signal.SIGHUP)
        time.sleep(1.0)
        one.send_signal(signal.SIGTERM)
        assert one.wait(30) == 0
    assert len(started(record)) == 1


def test_a_signal_before_everything_runs_is_not_lost() -> None:
    hangup = Hangup()
    hangup(signal.SIGHUP, None)
    assert hangup.asked
