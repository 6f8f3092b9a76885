"""Whether this computer's clock is synchronised, as the kernel knows it from chrony, ntpd or systemd-timesyncd.

Source: adjtimex(2) and <linux/timex.h>, with modes = 0: it reads and changes nothing, and needs no privilege.
"""

import ctypes
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

OK, NOT, INEXACT, UNKNOWN = "ok", "not synchronised", "inexact", "unknown"
STA_UNSYNC = 0x0040
STATUS = Path("/proc/self/status")
PROBE_WITHIN = 5.0  # s
PROBE = "import ctypes; ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512))"


class Sync(NamedTuple):
    """state: OK; NOT; INEXACT: the estimated error is above the bound; UNKNOWN: the system does not say.

    estimated_s, maximum_s: s, what the kernel believes of the error; it counts to 16 s and stays there.
    """

    state: str = UNKNOWN
    estimated_s: float | None = None
    maximum_s: float | None = None

    @property
    def synchronised(self) -> bool | None:
        return None if self.state == UNKNOWN else self.state != NOT


NOT_ASKED = Sync()


class _Timex(ctypes.Structure):
    """The beginning of struct timex of 64-bit Linux; the kernel writes 208 bytes."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("frequency", ctypes.c_long),
        ("maximum", ctypes.c_long),  # us
        ("estimated", ctypes.c_long),  # us
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 256),
    )


def allowed(status: Path = STATUS) -> bool:
    """Say whether the kernel may be asked. Where system calls are filtered a child asks first: the filter may kill."""
    try:
        filtered = any(line.split() == ["Seccomp:", "2"] for line in status.read_text().splitlines())
        if not filtered:
            return True
        done = subprocess.run([sys.executable, "-I", "-S", "-c", PROBE], timeout=PROBE_WITHIN, check=False)
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0


def read(bound_s: float) -> Sync:
    """Ask the kernel. bound_s: s, of the estimated error; see `allowed`."""
    if not sys.platform.startswith("linux") or ctypes.sizeof(ctypes.c_long) != 8:
        return Sync()
    call = getattr(ctypes.CDLL(None), "adjtimex", None)
    found = _Timex()
    if call is None or call(ctypes.byref(found)) < 0:
        return Sync()
    return judged(found.status, found.estimated, found.maximum, bound_s)


def judged(status: int, estimated_us: int, maximum_us: int, bound_s: float) -> Sync:
    """Return what the kernel's figures mean. bound_s: s, of the estimated error."""
    state = NOT if status & STA_UNSYNC else INEXACT if estimated_us * 1e-6 > bound_s else OK
    return Sync(state, round(estimated_us * 1e-6, 6), round(maximum_us * 1e-6, 6))
