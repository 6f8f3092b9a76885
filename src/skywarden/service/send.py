"""Simulated frames over the network, at their own times, to a system that runs on this computer's clock.

The times inside messages are those of the scenario, and nobody can move them without knowing every format. So a
scenario is sent as it was made, and it must have been made to begin now.
"""

import threading
import time
from collections.abc import Iterable, Mapping
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
    outlets = Outlets(addresses)
    try:
        for frame in chain([first], found):
            if frame.source not in addresses:
                continue
            if stopping.wait(max(frame.received - time.time_ns(), 0) / SECOND):
                break
            for data in frame.messages() if addresses[frame.source].startswith("udp:") else [frame.data]:
                outlets.send(frame.source, data)
            sent[frame.source] += len(frame)
    finally:
        outlets.close()
    return sent


def _require_now(begins: int) -> None:
    ahead = begins - time.time_ns()
    if not -BEHIND <= ahead <= AHEAD:
        raise ConfigError(
            f"the scenario begins {utc(begins)}, and its messages carry their own times: to send them to a running "
            f"system generate it to start now; at any time `skywarden run --from` plays it"
        )
