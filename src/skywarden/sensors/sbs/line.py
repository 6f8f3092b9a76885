"""One SBS line: reading it and writing it. The layout stands in the package's docstring."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import isfinite

import msgspec

from skywarden.framing import MAX_LINE
from skywarden.model.detection import Reason

LONGEST = 512  # bytes; a line of 22 fields has about 120
_TYPES = ("1", "2", "3", "4", "5", "6", "7", "8")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = datetime(2255, 1, 1, tzinfo=UTC)  # int64 ns since 1970 end in 2262
_MICROSECOND = timedelta(microseconds=1)
_OCTAL = frozenset("01234567")
_NUMBERS = (
    (11, "altitude_ft"),
    (12, "groundspeed_kt"),
    (13, "track_deg"),
    (14, "latitude"),
    (15, "longitude"),
    (16, "vertical_rate_ft_min"),
)
_FLAGS = ((18, "alert"), (19, "emergency"), (20, "ident"), (21, "on_ground"))
_OTHERS = ("SEL", "ID", "AIR", "STA", "CLK")


class Message(msgspec.Struct, gc=False):
    """What one MSG line says; None: nothing. time: UTC ns, when made. Degrees, feet, knots as in the line."""

    type: int
    address: int
    time: int
    callsign: str | None = None
    altitude_ft: float | None = None
    groundspeed_kt: float | None = None
    track_deg: float | None = None
    latitude: float | None = None
    longitude: float | None = None
    vertical_rate_ft_min: float | None = None
    squawk: str | None = None
    alert: bool | None = None
    emergency: bool | None = None
    ident: bool | None = None
    on_ground: bool | None = None


def parse(line: bytes) -> Message | Reason:
    """Return what one line says, or why not."""
    if len(line) >= MAX_LINE:
        return Reason.OVERSIZE
    if len(line) > LONGEST:
        return Reason.MALFORMED
    try:
        fields = [field.strip() for field in line.decode("ascii").split(",")]
    except UnicodeDecodeError:
        return Reason.MALFORMED
    if fields[0] != "MSG":
        return Reason.UNSUPPORTED if fields[0] in _OTHERS else Reason.MALFORMED
    if len(fields) < 10:
        return Reason.TRUNCATED
    time = made(fields)
    address = _address(fields[4])
    if time is None or address is None or fields[1] not in _TYPES:
        return Reason.MALFORMED
    message = Message(int(fields[1]), address, time)
    fields += [""] * (22 - len(fields))
    return _fill(message, fields)


def _fill(message: Message, fields: Sequence[str]) -> Message | Reason:
    message.callsign = fields[10] or None
    squawk = fields[17]
    if squawk:
        if len(squawk) != 4 or not _OCTAL.issuperset(squawk):
            return Reason.MALFORMED
        message.squawk = squawk
    try:
        for place, name in _NUMBERS:
            if fields[place]:
                setattr(message, name, float(fields[place]))
        for place, name in _FLAGS:
            if fields[place]:
                setattr(message, name, int(fields[place]) != 0)
    except ValueError:
        return Reason.MALFORMED
    return message if _possible(message) else Reason.IMPLAUSIBLE


def _possible(message: Message) -> bool:
    numbers = (message.altitude_ft, message.groundspeed_kt, message.track_deg, message.vertical_rate_ft_min)
    return (
        all(value is None or isfinite(value) for value in numbers)
        and abs(message.altitude_ft or 0.0) <= 130_000
        and abs(message.latitude or 0.0) <= 90
        and abs(message.longitude or 0.0) <= 180
    )


def _address(text: str) -> int | None:
    try:
        return int(text, 16) if len(text) <= 6 and text.isalnum() else None
    except ValueError:
        return None


def made(fields: Sequence[str]) -> int | None:
    """Return when the message was made or, if that is not said, logged; UTC ns."""
    for date, clock in ((6, 7), (8, 9)):
        if len(fields) > clock and fields[date] and fields[clock]:
            try:
                at = datetime.fromisoformat(f"{fields[date].replace('/', '-')}T{fields[clock]}+00:00")
            except ValueError:
                continue
            if _EPOCH <= at < _LAST:
                return (at - _EPOCH) // _MICROSECOND * 1000
    return None


def encode(message: Message) -> bytes:
    """Return the line that says this, to the millisecond and 1e-6 degree."""
    at = _EPOCH + message.time // 1000 * _MICROSECOND
    stamp = f"{at:%Y/%m/%d},{at:%H:%M:%S}.{at.microsecond // 1000:03}"
    numbers = [
        "" if value is None else f"{value:.{digits}f}".rstrip("0").rstrip(".") if digits else f"{value:.0f}"
        for value, digits in (
            (message.altitude_ft, 0),
            (message.groundspeed_kt, 1),
            (message.track_deg, 1),
            (message.latitude, 6),
            (message.longitude, 6),
            (message.vertical_rate_ft_min, 0),
        )
    ]
    flags = [
        "" if flag is None else "-1" if flag else "0"
        for flag in (message.alert, message.emergency, message.ident, message.on_ground)
    ]
    start = ["MSG", str(message.type), "1", "1", f"{message.address:06X}", "1", stamp, stamp, message.callsign or ""]
    return ",".join([*start, *numbers, message.squawk or "", *flags]).encode("ascii") + b"\r\n"
