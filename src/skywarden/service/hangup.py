"""SIGHUP for `skywarden run`: read the configuration again; or the end, when the terminal has closed."""

import os
from contextlib import suppress

TERMINAL = "/dev/tty"


class Hangup:
    """The signal's handler. asked: the configuration is to be read again.

    It is no threading.Event: the signal may come while the main thread holds that one's lock.
    A terminal that closes sends the same signal. Who was started in one ends with it, as after Ctrl-C.
    """

    def __init__(self) -> None:
        self.asked = False
        self._terminal = has_terminal()

    def __call__(self, number: int, frame: object) -> None:
        """Take one signal. Raises KeyboardInterrupt when it means the end."""
        if self._terminal and not has_terminal():
            raise KeyboardInterrupt
        self.asked = True


def has_terminal() -> bool:
    """Say whether this process has a terminal that controls it, and that is still there."""
    with suppress(OSError):
        os.close(os.open(TERMINAL, os.O_RDWR | os.O_NOCTTY))
        return True
    return False
