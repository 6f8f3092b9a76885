"""Whether the clock is synchronised: what the kernel's figures mean, and that asking can never end the program."""

import ctypes
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from skywarden.service import sync
from skywarden.service.host import Host
from skywarden.service.sync import INEXACT, NOT, OK, UNKNOWN, allowed, judged, read

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="adjtimex is Linux's")


@pytest.mark.parametrize(
    ("status", "estimated_us", "state", "synchronised"),
    [
        (0x0001, 40, OK, True),  # STA_PLL
        (0x2001, 99_000, OK, True),  # and STA_NANO
        (0x2001, 101_000, INEXACT, True),
        (0x0040, 16_000_000, NOT, False),
        (0x2041, 40, NOT, False),
    ],
)
def test_the_kernels_figures_are_judged(status: int, estimated_us: int, state: str, synchronised: bool) -> None:
    found = judged(status, estimated_us, 500_000, 0.1)
    assert (found.state, found.synchronised) == (state, synchronised)
    assert (found.estimated_s, found.maximum_s) == (estimated_us / 1e6, 0.5)


@LINUX
def test_this_computers_answer_is_what_the_kernel_wrote() -> None:
    raw = ctypes.create_string_buffer(512)
    answer = ctypes.CDLL(None).adjtimex(raw)
    maximum, estimated, status = struct.unpack_from("=qqi", raw, 24)
    found = read(0.1)
    if answer < 0:
        assert found.state == UNKNOWN
    else:
        assert found.synchronised == (not status & 0x40)
        assert found.estimated_s == pytest.approx(estimated / 1e6, abs=0.1)
        assert found.maximum_s == pytest.approx(maximum / 1e6, abs=0.1)


def test_a_system_without_the_call_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert read(0.1) == sync.Sync(UNKNOWN, None, None)
    assert read(0.1).synchronised is None


FILTERED = """
import ctypes, struct, sys
from skywarden.service.sync import allowed, read
libc = ctypes.CDLL(None, use_errno=True)
ADJTIMEX, CLOCK_ADJTIME, ALLOW, REFUSE = 159, 305, 0x7FFF0000, {action}
program = [  # load the number of the system call; refuse these two, allow the others
    (0x20, 0, 0, 0), (0x15, 2, 0, ADJTIMEX), (0x15, 1, 0, CLOCK_ADJTIME), (0x06, 0, 0, ALLOW), (0x06, 0, 0, REFUSE),
]
code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *one) for one in program))
filters = ctypes.create_string_buffer(struct.pack("=HxxxxxxQ", len(program), ctypes.addressof(code)))
assert libc.prctl(38, 1, 0, 0, 0) == 0  # no new privileges
if libc.prctl(22, 2, filters, 0, 0) != 0:  # seccomp
    sys.exit(77)
print(allowed(), read(0.1).state if {ask} else "")
"""
KILL, REFUSE = 0x80000000, 0x00050001  # the process; the call with EPERM


def filtered(action: int, ask: bool) -> "subprocess.CompletedProcess[str]":
    code = FILTERED.format(action=action, ask=ask)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode == 77:
        pytest.skip("system calls cannot be filtered here")
    return done


@LINUX
@pytest.mark.skipif(ctypes.sizeof(ctypes.c_long) != 8 or "x86_64" not in sys.implementation._multiarch, reason="x86-64")
def test_a_filter_that_kills_who_asks_kills_a_child_and_not_us() -> None:
    """systemd's @system-service does that."""
    assert filtered(KILL, ask=True).returncode == -31  # SIGSYS: the filter works
    done = filtered(KILL, ask=False)
    assert (done.returncode, done.stdout.split()) == (0, ["False"])
    refused = filtered(REFUSE, ask=True)
    assert (refused.returncode, refused.stdout.split()) == (0, ["True", UNKNOWN])


def test_without_a_filter_nobody_is_asked_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere")
    status = tmp_path / "status"
    status.write_text("Name:\ta\nSeccomp:\t0\n")
    assert allowed(status)
    status.write_text("Name:\ta\nSeccomp:\t2\n")
    assert not allowed(status)  # the child cannot be started
    assert not allowed(tmp_path / "none")


def test_the_host_is_looked_at_beside_the_engine_and_not_for_recordings() -> None:
    live, recording = Host(tuple, 0.1, lambda: None), Host(tuple, None, lambda: None)
    assert live.sync.state == UNKNOWN
    for host in (live, recording):
        host.start()
        host.stop()
    assert live.sync.state == read(0.1).state
    assert recording.sync == sync.NOT_ASKED
