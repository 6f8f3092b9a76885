"""Processes that work side by side end quietly, whoever ends them and when."""

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from itertools import islice
from pathlib import Path

import pytest
from skies import HEAD

from skywarden.errors import WorkError
from skywarden.service.side_by_side import in_order

QUIET = 20.0  # s after which a process should have ended on any computer
PROGRAM = """
import sys, time
from contextlib import closing
from skywarden import cli
from skywarden.service.side_by_side import in_order

def work(n):
    time.sleep(0.05)
    return n

def run():
    with closing(in_order(work, range(100_000), 2)) as found:
        for n in found:
            print(n, flush=True)

cli._run = run
cli.main()
"""


def began(program: str, *words: str) -> "subprocess.Popen[str]":
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([sys.executable, program, *words], start_new_session=True, text=True, **pipes)


def ended(process: "subprocess.Popen[str]") -> tuple[str, str]:
    """Return what it printed and what it complained of. One that goes on is a failure, and is ended."""
    try:
        return process.communicate(timeout=QUIET)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise


def members(group: int) -> list[str]:
    """Return the processes of a group that are left, ended ones that nobody has asked for apart."""
    found = subprocess.run(["ps", "-eo", "pgid=,stat="], capture_output=True, text=True, check=True).stdout
    return [line for line in found.splitlines() if line.split()[0] == str(group) and "Z" not in line]


def nobody_left(group: int) -> bool:
    end = time.monotonic() + QUIET
    while members(group) and time.monotonic() < end:
        time.sleep(0.05)
    return not members(group)


@pytest.fixture
def program(tmp_path: Path) -> str:
    file = tmp_path / "program.py"
    file.write_text(PROGRAM)
    return str(file)


def test_work_comes_in_its_order_and_can_be_left_alone() -> None:
    with closing(in_order(lambda n: n * n, range(50), 2)) as found:
        assert list(found) == [n * n for n in range(50)]
    with closing(in_order(lambda n: n, iter(range(10**9)), 2)) as found:
        assert list(islice(found, 3)) == [0, 1, 2]
    with closing(in_order(lambda n: n, [], 2)) as found:
        assert list(found) == []


def test_a_fault_of_the_work_is_raised_where_it_was_ordered() -> None:
    with closing(in_order(lambda n: 1 // n, [1, 0], 2)) as found, pytest.raises(ZeroDivisionError):
        list(found)


def test_a_process_that_somebody_ended_is_named() -> None:
    def work(n: int) -> int:
        if n == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return n

    with closing(in_order(work, range(10), 2)) as found, pytest.raises(WorkError, match="memory"):
        list(found)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("send", [os.kill, os.killpg], ids=["one", "group"])
@pytest.mark.parametrize("wait", [0.0, 0.3])
def test_a_signal_to_one_or_to_all_ends_them_without_a_word(program: str, number: int, send, wait: float) -> None:
    process = began(program)
    assert process.stdout is not None
    assert process.stdout.readline() == "0\n"
    time.sleep(wait)
    send(process.pid, number)
    send(process.pid, number)  # `timeout` sends two: to the process, and to its group
    _, said = ended(process)
    assert said == ""
    assert process.returncode in (130, -number)  # the second one may come when all is done
    assert nobody_left(process.pid)


def test_they_end_with_the_process_that_began_them_when_that_is_killed(program: str) -> None:
    process = began(program)
    assert process.stdout is not None
    process.stdout.readline()
    process.kill()
    ended(process)
    assert nobody_left(process.pid)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_long_simulation_that_is_stopped_says_nothing_and_leaves_nothing(tmp_path: Path, number: int) -> None:
    file, out = tmp_path / "day.toml", tmp_path / "new" / "out"
    file.write_text(HEAD.format(seconds=86_400) + '[[receivers]]\nname = "adsb"\n')
    process = began("-m", "skywarden.cli", "simulate", str(file), "--out", str(out))
    end = time.monotonic() + 3 * QUIET
    while not (out / "frames").exists() and time.monotonic() < end:
        time.sleep(0.02)
    time.sleep(0.2)
    os.killpg(process.pid, number)
    _, said = ended(process)
    assert (process.returncode, said) == (130, "")
    assert not out.parent.exists()
    assert nobody_left(process.pid)


ANYWHERE = """
import os, signal, sys
from contextlib import closing, suppress
from skywarden.service.side_by_side import in_order

signal.signal(signal.SIGTERM, signal.default_int_handler)
this = os.getpid()
for line in range(200, 2000, 61):  # of the library's own lines, of which it runs 3,000 here
    left = line

    def trace(frame, event, value):
        global left
        if os.getpid() != this or not frame.f_code.co_filename.endswith(("_base.py", "process.py", "threading.py")):
            return None
        left -= 1
        if left == 0:
            os.kill(this, signal.SIGTERM)
        return trace

    with suppress(KeyboardInterrupt), closing(in_order(lambda n: n, range(60), 2)) as found:
        sys.settrace(trace)
        for n in found:
            pass
    sys.settrace(None)
    print(left <= 0, flush=True)
"""


def test_a_signal_within_a_lock_of_the_library_holds_nothing_up(tmp_path: Path) -> None:
    file = tmp_path / "anywhere.py"
    file.write_text(ANYWHERE)
    process = began(str(file))
    shown, said = ended(process)
    assert (shown.split(), said) == (30 * ["True"], "")


LOST = """
import os, signal, time
from skywarden import cli

class Callback:
    def __del__(self):
        os.kill(os.getpid(), signal.{name})
        time.sleep(0)

def run():
    Callback()
    for _ in range(200):
        time.sleep(0.05)
    print("went on")

cli._run = run
cli.main()
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_that_comes_in_a_callback_of_pythons_own_is_not_lost(tmp_path: Path, name: str) -> None:
    file = tmp_path / "lost.py"
    file.write_text(LOST.format(name=name))
    process = began(str(file))
    shown, said = ended(process)
    assert (process.returncode, shown, said) == (130, "", "")
