"""A scenario sent to a running system while it is made: `skywarden simulate --speed real`.

It begins when somebody listens, and from then on each message goes out at its own time on this computer's clock.
"""

import socket
import time
from collections.abc import Callable

from skywarden.config.address import address
from skywarden.errors import ConfigError

SECOND = 1_000_000_000
AHEAD_S = 3  # from the moment that somebody listens to the scenario's second 0
WAIT_S = 600.0  # for somebody to listen
POLL_S = 0.5


def await_listener(listen: str, tell: Callable[[str], None], hint: str) -> None:
    """Wait until something accepts connections at `listen`, "host:port". hint: what to start. Raises ConfigError."""
    to = address(listen, "tcp")
    deadline = time.monotonic() + WAIT_S
    told = False
    while True:
        try:
            socket.create_connection((to.host, to.port), POLL_S).close()
        except OSError:
            if not told:
                tell(hint)
                told = True
        else:
            return
        if time.monotonic() > deadline:
            raise ConfigError(f"nobody listened at {listen} for {WAIT_S:g} s; {hint}")
        time.sleep(POLL_S)


def soon() -> int:
    """Return the whole second, in s since 1970, at which a scenario begins that somebody waits for."""
    return time.time_ns() // SECOND + AHEAD_S
