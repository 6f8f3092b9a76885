"""The compiler beside the engine: on a machine's first run, kernels are plain Python until compiled ones are kept."""

import os
import subprocess
import sys
import threading

from skywarden.kernel import compiler, kept, plain_while

POLITE = 10  # niceness: the engine goes first


class Compiling:
    """Compiles all kernels in a process of its own, unless they are kept already.

    If that process fails, this one compiles when it needs them, and waits.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._wait, name="compiling", daemon=True)

    def start(self) -> None:
        """Begin, and let kernels be plain until it is done."""
        if kept():
            compiler()
            return
        command = [sys.executable, "-m", "skywarden.sim.rehearsal"]
        nowhere = subprocess.DEVNULL
        # A session of its own: Ctrl-C is for the engine, which still needs the plain kernels to end well.
        self._process = subprocess.Popen(command, stdin=nowhere, stdout=nowhere, stderr=nowhere, start_new_session=True)
        os.setpriority(os.PRIO_PROCESS, self._process.pid, POLITE)
        self._thread.start()
        plain_while(self._thread.is_alive)

    def stop(self) -> None:
        """Stop compiling, after the engine's last step; what is compiled so far is kept."""
        if self._process is not None:
            self._process.kill()
            self._thread.join()

    def _wait(self) -> None:
        assert self._process is not None
        self._process.wait()
        compiler()
