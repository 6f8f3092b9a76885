"""Simulated frames over the network, at their own times, to a system that runs on this computer's clock.

The times inside messages are those of the scenario, and nobody can move them without knowing every format. So a
scenario is sent as it was made, and it must have been made to begin now.
"""

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from skywarden.errors import ConfigError
from skywarden.model.detection import Frame
from skywarden.record.info import utc
from skywarden.service.outlets import Outlets

SECOND = 1_000_000_000
BEHIND = 5 * SECOND  # ns that a scenario may have begun before; a source refuses no time of so little ago
AHEAD = 600 * SECOND  # ns that it may begin later; then who waits has mistyped the time


def send(frames: Iterable[Frame], addresses: Mapping[str, str], stopping: threading.Event) -> dict[str, int]:
    """Send every frame when its time has come, until `stopping` is set; return source -> messages that were sent.

    addresses: source -> "udp://host:port", a datagram for each message, or "tcp://host:port", a stream. Frames of
    other sources are passed over. Raises ConfigError when the first frame is not of now, OSError when the other end of
    a stream is not there or goes away.
    """
    found = iter(frames)
    first = next(found, None)
    if first is None:
        return {}
    _require_now(first.received)
    sent = dict.fromkeys(addresses, 0)
    sender = Sender(addresses)
    try:
        for frame in chain([first], found):
            if frame.source not in addresses:
                continue
            if stopping.wait(max(frame.received - time.time_ns(), 0) / SECOND):
                break
            sender.send(frame)
            sent[frame.source] += len(frame)
    finally:
        sender.close()
    return sent


class Sender:
    """Sends frames. addresses: source -> "udp://host:port", a datagram for each message, or "tcp://host:port"."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        """Connect. Raises OSError when the other end of a stream is not there."""
        self._addresses = addresses
        self._outlets = Outlets(addresses)

    def __call__(self, frames: Sequence[Frame]) -> None:
        """Wait for each frame's time and send it. Raises OSError when the other end goes away."""
        for frame in sorted(frames, key=lambda f: f.received):
            time.sleep(max(frame.received - time.time_ns(), 0) / SECOND)
            self.send(frame)

    def send(self, frame: Frame) -> None:
        """Send a frame now."""
        datagrams = self._addresses[frame.source].startswith("udp:")
        for data in frame.messages() if datagrams else [frame.data]:
            self._outlets.send(frame.source, data)

    def close(self) -> None:
        """Close all connections."""
        self._outlets.close()


def _require_now(begins: int) -> None:
    ahead = begins - time.time_ns()
    if not -BEHIND <= ahead <= AHEAD:
        raise ConfigError(
            f"the scenario begins {utc(begins)}, and its messages carry their own times: to send them to a running "
            f"system generate it to start now; at any time `skywarden run --from` plays it"
        )
