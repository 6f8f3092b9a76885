"""The messages of Remote ID: 25 bytes each, alone or up to nine in a pack.

    byte 0      type (high four bits), version (low four)
    0 Basic ID        1 kinds of ID and aircraft   2-21 ID
    1 Location        1 status, flags   2 track   3 speed   4 climb   5-8 latitude   9-12 longitude   13-14 pressure
                      altitude   15-16 height above the ellipsoid   17-18 height   19-20 accuracies   21-22 time   23
    2 Authentication  1 kind, page   2-24 kept as bytes
    3 Self ID         1 kind   2-24 text
    4 System          1 kinds   2-9 operator's place   10-11 count   12 radius   13-16 ceiling, floor   17 class
                      18-19 operator's height   20-23 time
    5 Operator ID     1 kind   2-21 ID
    F Pack            1 size of a message, 25   2 how many   3 ... the messages

All integers little-endian. Versions 0, 1 and 2 (F3411-19, F3411-22a) have the same layout; so is a later one read.

Source: ASTM F3411-22a, 5.4.5 (tables 4 to 12); EN 4709-002:2023, annex A, which is the same over the air.
"""

from struct import Struct
from typing import Any

import msgspec

from skywarden.model.detection import Reason

SIZE = 25  # bytes of a message
MOST = 9  # messages in a pack
EPOCH = 1_546_300_800  # s since 1970 of 1 January 2019, from where System counts
ID_TYPES = ("none", "serial", "registration", "utm", "session")
AIRCRAFT = (
    "undeclared", "aeroplane", "rotorcraft", "gyroplane", "vtol", "ornithopter", "glider", "kite",
    "free balloon", "captive balloon", "airship", "parachute", "rocket", "tethered", "obstacle", "other",
)  # fmt: skip
STATUSES = ("undeclared", "ground", "airborne", "emergency", "system failure")
OPERATOR_PLACES = ("takeoff", "live", "fixed")
DESCRIPTIONS = ("text", "emergency", "extended status")
CATEGORIES = ("undeclared", "open", "specific", "certified")
HORIZONTAL = (None, 18520.0, 7408.0, 3704.0, 1852.0, 926.0, 555.6, 185.2, 92.6, 30.0, 10.0, 3.0, 1.0)  # m, 95 %
VERTICAL = (None, 150.0, 45.0, 25.0, 10.0, 3.0, 1.0)  # m, 95 %
SPEED = (None, 10.0, 3.0, 1.0, 0.3)  # m/s, 95 %
LOCATION = Struct("<BBBBbiiHHHBBHBx")
SYSTEM = Struct("<BBiiHBHHBHIx")
_UNKNOWN_TRACK, _UNKNOWN_SPEED, _UNKNOWN_CLIMB, _UNKNOWN_TIME = 361, 255, 126, 0xFFFF
_HEX_IDS = (3, 4)  # a UUID, a session's bytes


class BasicId(msgspec.Struct, frozen=True):
    """Who the aircraft says it is. id: text; a UUID and a session's ID in hexadecimal."""

    id_type: str
    aircraft: str
    id: str


class Location(msgspec.Struct, frozen=True):
    """Where it says it is. None: not known to it. Accuracies are bounds of 95 %; deg, m, m/s, s.

    height_ellipsoid_m: above the WGS 84 ellipsoid; pressure_altitude_m: 1013.25 hPa; height_m: above height_above.
    seconds_after_hour: UTC, when it was there.
    """

    status: str
    latitude: float | None
    longitude: float | None
    height_ellipsoid_m: float | None
    pressure_altitude_m: float | None
    height_m: float | None
    height_above: str
    track_deg: float | None
    speed_m_s: float | None
    climb_m_s: float | None
    horizontal_accuracy_m: float | None
    vertical_accuracy_m: float | None
    pressure_accuracy_m: float | None
    speed_accuracy_m_s: float | None
    seconds_after_hour: float | None
    time_accuracy_s: float | None

    @property
    def possible(self) -> bool:
        """Say whether there is such a place, direction and time."""
        return (
            abs(self.latitude or 0.0) <= 90
            and abs(self.longitude or 0.0) <= 180
            and (self.track_deg or 0.0) < 360
            and (self.seconds_after_hour or 0.0) <= 3600
        )


class Authentication(msgspec.Struct, frozen=True):
    """One page of a signature, kept as it is: nothing here can check it."""

    authentication_type: int
    page: int
    data: str  # hexadecimal, 23 bytes


class SelfId(msgspec.Struct, frozen=True):
    """What the operator says the flight is."""

    description_type: str
    description: str


class System(msgspec.Struct, frozen=True):
    """Where the operator says he is, and for how many aircraft the Location stands. deg, m; None: not known."""

    operator_from: str
    classification: str
    operator_latitude: float | None
    operator_longitude: float | None
    operator_height_m: float | None
    area_count: int
    area_radius_m: float
    area_ceiling_m: float | None
    area_floor_m: float | None
    category: str
    category_class: int
    time: int | None  # ns


class OperatorId(msgspec.Struct, frozen=True):
    """Who the operator says he is."""

    operator_id_type: int
    operator_id: str


class Said(msgspec.Struct):
    """What one message or pack says. version: of the protocol; other: messages of kinds that are not known."""

    version: int
    basic_id: list[BasicId] = []
    location: Location | None = None
    authentication: list[Authentication] = []
    self_id: SelfId | None = None
    system: System | None = None
    operator_id: OperatorId | None = None
    other: int = 0


def read(body: bytes) -> Said | Reason:
    """Return what a message or a pack says, or why it cannot be read. What stands behind it is not looked at.

    A pack that ends inside a message is read up to there: there are transmitters that leave its last bytes away.
    """
    if len(body) < 3:
        return Reason.TRUNCATED
    said = Said(body[0] & 15)
    if body[0] >> 4 != 15:
        if len(body) < SIZE:
            return Reason.TRUNCATED
        _READERS.get(body[0] >> 4, _other)(said, body[:SIZE])
        return said if not said.other else Reason.UNSUPPORTED
    size, count = body[1], body[2]
    if size != SIZE or count > MOST:
        return Reason.MALFORMED
    whole = min(count, (len(body) - 3) // SIZE)
    for at in range(3, 3 + whole * SIZE, SIZE):
        _READERS.get(body[at] >> 4, _other)(said, body[at : at + SIZE])
    return said if whole or not count else Reason.TRUNCATED


def row(said: Said) -> dict[str, Any]:
    """Return what was said as a JSON-ready row; what was not said is left out."""
    found: dict[str, Any] = {"version": said.version}
    for name in ("basic_id", "location", "authentication", "self_id", "system", "operator_id"):
        part = msgspec.to_builtins(getattr(said, name))
        if isinstance(part, dict):
            part = {key: value for key, value in part.items() if value is not None}
        if part:
            found[name] = part
    return found


def _basic_id(said: Said, data: bytes) -> None:
    kind = data[1] >> 4
    text = data[2:22].rstrip(b"\0").hex() if kind in _HEX_IDS else _text(data[2:22])
    said.basic_id.append(BasicId(_word(ID_TYPES, kind), AIRCRAFT[data[1] & 15], text))


def _location(said: Said, data: bytes) -> None:
    _, flags, track, speed, climb, latitude, longitude, pressure, geodetic, height, level, others, time, precise = (
        LOCATION.unpack(data)
    )
    track += 180 if flags & 2 else 0
    placed = latitude != 0 or longitude != 0
    said.location = Location(
        _word(STATUSES, flags >> 4),
        round(latitude * 1e-7, 7) if placed else None,
        round(longitude * 1e-7, 7) if placed else None,
        _altitude(geodetic),
        _altitude(pressure),
        _altitude(height),
        "ground" if flags & 4 else "takeoff",
        None if track == _UNKNOWN_TRACK else float(track),
        None if speed == _UNKNOWN_SPEED else speed * 0.75 + 63.75 if flags & 1 else speed * 0.25,
        None if climb == _UNKNOWN_CLIMB else climb * 0.5,
        _one(HORIZONTAL, level & 15),
        _one(VERTICAL, level >> 4),
        _one(VERTICAL, others >> 4),
        _one(SPEED, others & 15),
        None if time == _UNKNOWN_TIME else time / 10,
        (precise & 15) / 10 or None,
    )


def _authentication(said: Said, data: bytes) -> None:
    said.authentication.append(Authentication(data[1] >> 4, data[1] & 15, data[2:].hex()))


def _self_id(said: Said, data: bytes) -> None:
    said.self_id = SelfId(_word(DESCRIPTIONS, data[1]), _text(data[2:]))


def _system(said: Said, data: bytes) -> None:
    _, flags, latitude, longitude, count, radius, ceiling, floor, kind, height, time = SYSTEM.unpack(data)
    placed = latitude != 0 or longitude != 0
    said.system = System(
        _word(OPERATOR_PLACES, flags & 3),
        "eu" if flags >> 2 & 7 == 1 else "undeclared",
        round(latitude * 1e-7, 7) if placed else None,
        round(longitude * 1e-7, 7) if placed else None,
        _altitude(height),
        count,
        radius * 10.0,
        _altitude(ceiling),
        _altitude(floor),
        _word(CATEGORIES, kind >> 4),
        kind & 15,
        (EPOCH + time) * 1_000_000_000 if time else None,
    )


def _operator_id(said: Said, data: bytes) -> None:
    said.operator_id = OperatorId(data[1], _text(data[2:22]))


def _other(said: Said, data: bytes) -> None:
    said.other += 1


_READERS = {0: _basic_id, 1: _location, 2: _authentication, 3: _self_id, 4: _system, 5: _operator_id}


def _text(data: bytes) -> str:
    """Return text up to the first NUL; what is not printable ASCII is shown as "?"."""
    return "".join(chr(c) if 32 <= c < 127 else "?" for c in data.partition(b"\0")[0]).strip()


def _altitude(raw: int) -> float | None:
    return raw * 0.5 - 1000.0 if raw else None


def _word(words: tuple[str, ...], code: int) -> str:
    return words[code] if code < len(words) else f"reserved {code}"


def _one(bounds: tuple[float | None, ...], code: int) -> float | None:
    return bounds[code] if code < len(bounds) else None
