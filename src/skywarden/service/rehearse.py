"""A scenario sent to a running system while it is made: `skywarden simulate --speed real`.

It begins when somebody listens, and from then on each message goes out at its own time on this computer's clock.
"""

import socket
import time
from collections.abc import Callable
from pathlib import Path

from skywarden.config import Settings, load
from skywarden.config.address import address
from skywarden.errors import ConfigError
from skywarden.service.send import Sender

SECOND = 1_000_000_000
AHEAD_S = 3  # from the moment that somebody listens to the scenario's second 0
WAIT_S = 600.0  # for somebody to listen
POLL_S = 0.5


def connected(file: Path, tell: Callable[[str], None]) -> Sender:
    """Wait until a system listens where a configuration says, interface and sources, and connect to it.

    The file is read again at each attempt, so that its addresses can be changed meanwhile. Raises ConfigError.
    """
    hint = f"start it in another terminal: skywarden run --config {file}"
    deadline, told = time.monotonic() + WAIT_S, False
    while True:
        settings = load(file)
        try:
            return _connect(settings)
        except OSError as e:
            why = e.strerror or str(e)
        if not told:
            tell(hint)
            told = True
        if time.monotonic() > deadline:
            raise ConfigError(f"nobody listened at {settings.api.listen} for {WAIT_S:g} s ({why}); {hint}")
        time.sleep(POLL_S)


def _connect(settings: Settings) -> Sender:
    """Connect to everything, or to nothing. Raises OSError."""
    to = address(settings.api.listen, "tcp")
    socket.create_connection((to.host, to.port), POLL_S).close()
    return Sender({source.name: source.listens[0] for source in settings.sources})


def soon() -> int:
    """Return the whole second, in s since 1970, at which a scenario begins that somebody waits for."""
    return time.time_ns() // SECOND + AHEAD_S
