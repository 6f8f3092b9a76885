"""One captured radio frame as a JSON line, so that any transport carries it.

    {"time_ns": 1790000000000000000, "link": 127, "frame": "0000...", "rssi_dbm": -61, "receiver": "mast"}

`timestamp` (s since 1970, a fraction is allowed) does instead of `time_ns`. link: the type in libpcap's list: 105
and 127 are Wi-Fi, 251, 256 and 272 Bluetooth. rssi_dbm and receiver may be left out. Other fields are not read.
"""

import binascii

import msgspec

from skywarden.model.detection import Reason
from skywarden.sensors.remoteid import bluetooth, wifi
from skywarden.sensors.remoteid.heard import Heard

LONGEST = 16_384  # bytes; the longest frame of Wi-Fi has 2304 bytes of data, as many again would fit
DEEPEST = 64  # brackets; what is nested deeper than the stack allows would raise, here or there but not in both
SECOND = 1_000_000_000  # ns
FIRST, LAST = 631_152_000 * SECOND, 7_258_118_400 * SECOND  # 1990, 2200
WIFI = (wifi.PLAIN, wifi.RADIOTAP)
BLUETOOTH = (bluetooth.BARE, bluetooth.WITH_HEADER, bluetooth.NORDIC)
MARKS = (wifi.ASTM, wifi.DJI, wifi.SERVICE, bluetooth.SERVICE)  # one of them is in every frame that matters


class Line(msgspec.Struct, gc=False):
    """The fields that are read."""

    link: int
    frame: str
    time_ns: int | None = None
    timestamp: float | None = None
    rssi_dbm: float | None = None
    receiver: str = ""

    @property
    def time(self) -> int | None:
        """Return UTC ns; None if that is no time of this and the next century."""
        if self.time_ns is not None:
            return self.time_ns if FIRST <= self.time_ns < LAST else None
        if self.timestamp is None or not FIRST <= self.timestamp * SECOND < LAST:
            return None
        whole = int(self.timestamp)
        return whole * SECOND + round((self.timestamp - whole) * 1e9)


_line = msgspec.json.Decoder(Line)


def parse(message: bytes) -> Line | Reason:
    """Return the fields of one line, or why it has none. Its time is sound."""
    if len(message) > LONGEST:
        return Reason.OVERSIZE
    if message.count(b"[") + message.count(b"{") > DEEPEST:
        return Reason.MALFORMED
    try:
        line = _line.decode(message)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Reason.MALFORMED
    return Reason.MALFORMED if line.time is None else line


def made(time: int, link: int, frame: bytes, receiver: str = "") -> bytes:
    """Return the line that says this, with its end. time: UTC ns."""
    said: dict[str, int | str] = {"time_ns": time, "link": link, "frame": frame.hex()}
    if receiver:
        said["receiver"] = receiver
    return msgspec.json.encode(said) + b"\n"


def heard(line: Line) -> Heard | Reason:
    """Return the Remote ID in a line's frame, or why there is none."""
    try:
        frame = binascii.unhexlify(line.frame)
    except ValueError:
        return Reason.MALFORMED
    return hear(line.link, frame) or Reason.UNSUPPORTED


def hear(link: int, frame: bytes) -> Heard | Reason | None:
    """Return what Remote ID a captured frame holds, why it cannot be read, None if it is another matter."""
    if link in WIFI:
        return wifi.hear(link, frame)
    return bluetooth.hear(link, frame) if link in BLUETOOTH else None


def captured(link: int, packet: bytes, time: int) -> bytes | None:
    """Return a captured packet as a line if it may hold Remote ID, also if it is damaged."""
    if not any(mark in packet for mark in MARKS) or hear(link, packet) is None:
        return None
    return made(time, link, packet)
