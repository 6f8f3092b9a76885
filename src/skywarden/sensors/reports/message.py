"""One report: its fields, reading it, and what it may say."""

from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Annotated, Literal

import msgspec

from skywarden.model.assessment import Class
from skywarden.model.detection import Reason

LONGEST = 4096  # bytes of a line
NAME, TEXT = 64, 500  # characters of a name, of free text
LATEST = 2**62  # ns; int64 ends in 2262
SLACK = 1_000_000_000  # ns; what clocks of one device may differ by
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Instant = Annotated[datetime, msgspec.Meta(tz=True)] | int  # ISO 8601 with a zone, or ns since 1970, UTC
LIMITS = {
    "latitude": (-90.0, 90.0),
    "longitude": (-180.0, 180.0),
    "height_m": (-1000.0, 20_000.0),
    "azimuth_deg": (-360.0, 360.0),
    "moving_deg": (-360.0, 360.0),
    "elevation_deg": (-90.0, 90.0),
    "sigma_deg": (1e-3, 90.0),
    "azimuth_sigma_deg": (1e-3, 90.0),
    "elevation_sigma_deg": (1e-3, 90.0),
    "frequency_mhz": (1e-3, 300_000.0),
    "bandwidth_khz": (0.0, 10_000_000.0),
    "level_dbm": (-250.0, 100.0),
    "size_deg": (0.0, 180.0),
    "radius_m": (1.0, 200_000.0),
    "count": (1, 100_000),
    "number": (0, LATEST),
}


class Spot(msgspec.Struct, frozen=True, omit_defaults=True):
    """A place: deg, deg, m above the WGS 84 ellipsoid."""

    latitude: float
    longitude: float
    height_m: float = 0.0


class Common(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """What every report says. time: when the target was there, or was heard. mark: such a report is not of a target.

    mobile: the device moves, so that its place is that of each report; people move in any case.
    """

    sensor: str
    number: int
    time: Instant
    place: Spot | None = None
    mark: Literal["", "simulated", "test"] = ""
    mobile: bool = False


class DirectionFinder(Common, frozen=True, kw_only=True, omit_defaults=True, tag="direction_finder"):
    """Where a radio signal comes from. sigma_deg: one standard deviation, of the elevation too if it is said."""

    azimuth_deg: float
    sigma_deg: float
    elevation_deg: float | None = None
    frequency_mhz: float | None = None
    bandwidth_khz: float | None = None
    level_dbm: float | None = None
    signal: str = ""


class Camera(Common, frozen=True, kw_only=True, omit_defaults=True, tag="camera"):
    """Where something stands in a picture. classes: how probable each is; prior: how probable it was beforehand."""

    azimuth_deg: float
    elevation_deg: float
    azimuth_sigma_deg: float
    elevation_sigma_deg: float
    classes: dict[Class, float] = {}
    prior: dict[Class, float] = {}
    size_deg: float | None = None


class Observer(Common, frozen=True, kw_only=True, omit_defaults=True, tag="observer"):
    """What a person saw (or, seen = false, heard): a direction from the person's place, or a circle on a map.

    who: a pseudonym; pointed: how the direction was found; moving_deg: where it flies to; at: the circle's middle.
    """

    who: str
    seen: bool
    trained: bool = False
    azimuth_deg: float | None = None
    elevation_deg: float | None = None
    pointed: Literal["device", "landmark", "guess"] = "guess"
    moving_deg: float | None = None
    at: Spot | None = None
    radius_m: float | None = None
    what: Class | None = None
    count: int = 1
    text: str = ""
    time_sent: Instant | None = None


Report = DirectionFinder | Camera | Observer
_decode = msgspec.json.Decoder(Report).decode


def parse(line: bytes) -> Report | Reason:
    """Return what one line says, or why it cannot be used."""
    if len(line) >= LONGEST:
        return Reason.OVERSIZE
    try:
        report = _decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Reason.MALFORMED
    return report if _possible(report) else Reason.IMPLAUSIBLE


def nanoseconds(time: Instant) -> int:
    """Return UTC ns since 1970."""
    return time if isinstance(time, int) else (time - EPOCH) // timedelta(microseconds=1) * 1000


def _possible(report: Report) -> bool:
    names = (report.sensor, report.who) if isinstance(report, Observer) else (report.sensor,)
    if not all(0 < len(name) <= NAME and name.isprintable() for name in names):
        return False
    if not within(report) or not all(within(spot) for spot in (report.place, getattr(report, "at", None)) if spot):
        return False
    time = nanoseconds(report.time)
    if not 0 <= time < LATEST:
        return False
    if isinstance(report, Observer):
        return _told(report, time)
    if isinstance(report, DirectionFinder):
        return len(report.signal) <= NAME and (report.signal == "" or report.signal.isprintable())
    return shares(report.classes) and shares(report.prior) and report.classes.keys() <= report.prior.keys()


def within(said: Report | Spot) -> bool:
    """Say whether all numbers are within their limits."""
    for name in said.__struct_fields__:
        value = getattr(said, name)
        if value is not None and name in LIMITS and not LIMITS[name][0] <= value <= LIMITS[name][1]:
            return False
    return True


def shares(parts: dict[Class, float]) -> bool:
    """Say whether probabilities can be parts of one whole; they need not fill it."""
    return all(isfinite(p) and 0 <= p <= 1 for p in parts.values()) and sum(parts.values()) <= 1.001


def _told(report: Observer, time: int) -> bool:
    """Say whether a person's report has one direction or one circle, and was not sent before it was seen."""
    direction, circle = report.azimuth_deg is not None, report.at is not None and report.radius_m is not None
    sent = time if report.time_sent is None else nanoseconds(report.time_sent)
    return direction != circle and time - SLACK <= sent < LATEST and len(report.text) <= TEXT
