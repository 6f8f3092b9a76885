"""`skywarden run` on a disk that stalls when it is told to. Used by stalls.py: the arguments are those of `skywarden`.

STALL_FILE names a file with the moment (of the steady clock, s) until which every write, sync, making and removal of
a file below STALL_BELOW takes. Nothing else differs from `skywarden run`.
"""

import os
import time
from pathlib import Path

from sqlite_layer import Passing, watching

from skywarden.cli import main


class Stalling(Passing):
    """Lets nothing pass before the moment in the file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def _wait(self) -> None:
        try:
            until = float(self._file.read_text())
        except (OSError, ValueError):
            return
        time.sleep(max(0.0, until - time.monotonic()))

    def opened(self, handle: int, path: Path, made: bool) -> None:
        self._wait()

    def wrote(self, handle: int, offset: int, data: bytes) -> None:
        self._wait()

    def truncated(self, handle: int, size: int) -> None:
        self._wait()

    def synced(self, handle: int) -> None:
        self._wait()

    def removed(self, path: Path) -> None:
        self._wait()

    def synced_directory(self, path: Path) -> None:
        self._wait()


if __name__ == "__main__":
    with watching(Stalling(Path(os.environ["STALL_FILE"])), Path(os.environ["STALL_BELOW"])):
        main()
