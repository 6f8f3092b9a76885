"""What the benches share: a `skywarden run` in its own process, real sockets to it, and its answers."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from skywarden.sim.rehearsal import rehearse

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
START_S = 60.0  # s
TICK = os.sysconf("SC_CLK_TCK")  # of /proc/PID/stat


def need(name: str) -> Path:
    """Return the path of a recording, or end with the reason why the bench cannot run."""
    path = DATA / name
    if not path.exists():
        sys.exit(f"the bench needs ../shared/data/{name}, which is not here")
    return path


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """Return a port that nobody listens at just now."""
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def toml(head: str, values: Mapping[str, Any]) -> str:
    """Return one table of a configuration."""
    return "\n".join([head, *(f"{name} = {json.dumps(value)}" for name, value in values.items()), ""])


class Server:
    """One `skywarden run`. text: the configuration, without [api]; it may be started and killed again and again.

    program: what Python runs instead of `-m skywarden.cli`.
    """

    def __init__(
        self,
        directory: Path,
        text: str,
        environment: Mapping[str, str] | None = None,
        program: Sequence[str] = ("-m", "skywarden.cli"),
    ) -> None:
        self._program = program
        self.port = free_port()
        self.record = directory / "record"
        self._config = directory / "skywarden.toml"
        tail = [toml("[record]", {"path": str(self.record)}), toml("[api]", {"listen": f"127.0.0.1:{self.port}"})]
        self.text = "\n".join([text, *tail])
        self._config.write_text(self.text)
        self._log = directory / "run.log"
        self._environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"} | dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Start and wait for the first published tick. Return how long that took, s."""
        command = [sys.executable, *self._program, "run", "--config", str(self._config), "--no-view"]
        begun = time.monotonic()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=self._environment)
        while not self._live():
            if self._process.poll() is not None or time.monotonic() > begun + START_S:
                self.kill()
                raise RuntimeError(f"skywarden run did not start:\n{self._log.read_text()[-3000:]}")
            time.sleep(0.01)
        return time.monotonic() - begun

    def _live(self) -> bool:
        try:
            return int(self.get("health").get("tick", 0)) > 0
        except (OSError, ValueError):
            return False

    def get(self, what: str) -> dict[str, Any]:
        """Return /api/health or /api/picture. Raises OSError."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/{what}", timeout=5) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def sources(self) -> dict[str, dict[str, Any]]:
        """Return name -> its row in /api/health."""
        return {row["name"]: row for row in self.get("health")["sources"]}

    def wait_recorded(self, expected: Mapping[str, int], seconds: float = 30.0) -> bool:
        """Wait until so many messages of each source are recorded; False when they are not in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            rows = self.sources()
            if all(rows[name]["recorded"] >= count for name, count in expected.items()):
                return True
            time.sleep(0.1)
        return False

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def cpu_s(self) -> float:
        """Return the processor time it has taken, s."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def memory_mb(self, which: str = "VmRSS") -> float:
        """Return its memory, MB: VmRSS now, VmHWM the most ever."""
        line = next(x for x in Path(f"/proc/{self.pid}/status").read_text().splitlines() if x.startswith(which))
        return int(line.split()[1]) / 1024

    def kill(self) -> None:
        """SIGKILL: what a power failure looks like to the record."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end, as Ctrl-C does."""
        self._end(signal.SIGINT)

    def _end(self, number: int) -> None:
        if self._process is not None:
            if self._process.poll() is None:
                self._process.send_signal(number)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


@contextmanager
def running(directory: Path, text: str, environment: Mapping[str, str] | None = None) -> Iterator[Server]:
    """A server that is stopped at the end, whatever happens."""
    server = Server(directory, text, environment)
    warm()
    try:
        server.start()
        yield server
    finally:
        server.stop()


@cache
def warm() -> None:
    """Compile the kernels, if this machine has not yet: the benches do not measure the compiler."""
    rehearse()


def skywarden(*arguments: str, hash_seed: int | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command of skywarden to its end."""
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    if hash_seed is not None:
        environment["PYTHONHASHSEED"] = str(hash_seed)
    command = [sys.executable, "-m", "skywarden.cli", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def progress(text: str) -> None:
    """Tell a person how far it is; standard output is for the result."""
    print(text, file=sys.stderr, flush=True)


def report(result: Mapping[str, Any], goals: Sequence[tuple[str, str, bool]]) -> None:
    """Print the goals as a table for people and the result as one line of JSON. goals: name, figure, is it met."""
    width = max(len(name) for name, _, _ in goals)
    for name, figure, met in goals:
        progress(f"{'ok  ' if met else 'MISS'} {name:{width}}  {figure}")
    print(json.dumps(dict(result) | {"passed": all(met for _, _, met in goals)}))


def until(moment: float) -> None:
    """Sleep until a moment of the monotonic clock."""
    wait = moment - time.monotonic()
    if wait > 0:
        time.sleep(wait)
