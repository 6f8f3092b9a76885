"""What a receiver heard: one radio frame that carries Remote ID, whichever radio it came by."""

from typing import NamedTuple

ASTM_STANDARD, DJI_STANDARD = "astm-f3411", "dji-legacy"


class Heard(NamedTuple):
    """One frame with Remote ID in it.

    carrier: "wifi-beacon", "wifi-nan", "bluetooth-4", "bluetooth-5". sender: its radio address, which anybody may use.
    counter: of messages, 0 to 255. body: a message or a pack. frame: as it was in the air, to know it again.
    checked: its checksum was captured and fits. signal: dBm at the receiver, if it says so.
    """

    carrier: str
    sender: str
    counter: int
    body: bytes
    frame: bytes
    checked: bool
    signal: float | None = None
    standard: str = ASTM_STANDARD
