"""A scenario sent to a running system while it is made: `skywarden simulate --speed real`.

It begins when somebody listens, and from then on each message goes out at its own time on this computer's clock.
"""

import socket
import time
from collections.abc import Callable, Mapping, Sequence

from skywarden.config.address import address
from skywarden.errors import ConfigError
from skywarden.model.detection import Frame
from skywarden.service.outlets import Outlets

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


class Sender:
    """Sends frames at their own times. addresses: source -> "udp://host:port" or "tcp://host:port"."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        """Connect. Raises OSError when the other end of a stream is not there."""
        self._addresses = addresses
        self._outlets = Outlets(addresses)

    def __call__(self, frames: Sequence[Frame]) -> None:
        """Wait for each frame's time and send it. Raises OSError when the other end goes away."""
        for frame in sorted(frames, key=lambda f: f.received):
            time.sleep(max(frame.received - time.time_ns(), 0) / SECOND)
            for data in frame.messages() if self._addresses[frame.source].startswith("udp:") else [frame.data]:
                self._outlets.send(frame.source, data)

    def close(self) -> None:
        """Close all connections."""
        self._outlets.close()
