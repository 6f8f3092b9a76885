"""What is remembered of each aircraft, and how a position is resolved and doubted.

The memory is bounded: an aircraft unheard for 10 minutes is forgotten, and beyond 20,000 the longest unheard go.
Time is the messages' own, UTC ns.
"""

from math import cos, hypot, radians, sqrt

import msgspec

from skywarden.model.detection import Reason
from skywarden.sensors.modes import cpr
from skywarden.sensors.modes.cpr import Half

SECOND = 1_000_000_000  # ns
FORGET_AFTER = 600 * SECOND
FORGET_EVERY = 60 * SECOND
MAX_AIRCRAFT = 20_000
MAX_RECENT = 4096  # messages remembered to tell a repeated one; then the older half is forgotten
PAIR_WITHIN = 10 * SECOND  # Doc 9871, C.2.6.7
PAIR_WITHIN_SURFACE = 25 * SECOND  # Doc 9871, C.2.6.8: 50 s, 25 s if faster than 25 kt
NEAR_WITHIN = 180 * SECOND  # 180 NM at MAX_SPEED; older places say nothing of the cell
NEAR_WITHIN_SURFACE = 600 * SECOND
JUMP_WITHIN = 30 * SECOND
MAX_SPEED = 1000.0  # m/s
JUMP_SLACK = 600.0  # m; receipts of one aircraft by several receivers are up to seconds out of order
CONSISTENT = 3  # doubted positions in a row, each within reach of the one before, are believed
MAX_RANGE = 700_000.0  # m; no receiver hears further (line of sight of 20 km height is 590 km)
CELL = 667_000.0  # m; 360 NM, between two places with the same airborne message
DEGREE = 111_195.0  # m; mean of a degree of arc


class Fix(msgspec.Struct, frozen=True, array_like=True):
    """An accepted or doubted position. time: ns; latitude, longitude: deg."""

    time: int
    latitude: float
    longitude: float


class Height(msgspec.Struct, frozen=True, array_like=True):
    """Height at some time. metres: above the ellipsoid or, if `geoid`, above the geoid. sigma: m."""

    time: int
    metres: float
    geoid: bool
    sigma: float


class Aircraft(msgspec.Struct, array_like=True):
    """One aircraft. heard: ns of the last message; certain: ns of the last with a free parity."""

    heard: int
    certain: int
    even: Half | None = None
    odd: Half | None = None
    fix: Fix | None = None
    sure: bool = False  # the fix rests on a pair, not on the receiver's place alone
    doubted: Fix | None = None
    doubts: int = 0
    height: Height | None = None
    geo_minus_baro: Height | None = None  # metres: GNSS height minus barometric altitude
    callsign: str = ""
    squawk: str = ""
    emergency: str = ""
    version: int = 0
    nacp: int = 0
    nic_a: int = 0
    velocity_time: int = 0
    groundspeed_kt: float = 0.0
    track_deg: float = 0.0


class State(msgspec.Struct):
    """Everything a decoder of Mode S remembers. recent: message -> its time, oldest first."""

    aircraft: dict[int, Aircraft] = {}
    recent: dict[bytes, int] = {}
    swept: int = 0
    received: int = 0  # Beast: the read that `counter` belongs to
    counter: int = 0


def repeated(state: State, key: bytes, time: int) -> bool:
    """Return whether the very same message with the same time was seen lately; remember it."""
    if state.recent.get(key) == time:
        return True
    state.recent.pop(key, None)
    state.recent[key] = time
    if len(state.recent) > MAX_RECENT:
        for old in list(state.recent)[: MAX_RECENT // 2]:
            del state.recent[old]
    return False


def sweep(state: State, time: int) -> None:
    """Forget who was not heard lately."""
    if abs(time - state.swept) >= FORGET_EVERY:
        state.swept = time
        for key in [k for k, a in state.aircraft.items() if abs(time - a.heard) > FORGET_AFTER]:
            del state.aircraft[key]
    if len(state.aircraft) > MAX_AIRCRAFT:
        oldest = sorted(state.aircraft, key=lambda k: (state.aircraft[k].heard, k))
        for key in oldest[: len(oldest) - MAX_AIRCRAFT * 9 // 10]:
            del state.aircraft[key]


def resolve(aircraft: Aircraft, half: Half, receiver: tuple[float, float] | None, height: float) -> Fix | Reason:
    """Return where the aircraft says it is, or why that cannot be told or believed; remember it.

    receiver: latitude, longitude deg, if known. height: m, for the radio horizon.
    """
    other = aircraft.even if half.odd else aircraft.odd
    if half.odd:
        aircraft.odd = half
    else:
        aircraft.even = half
    base = _base(aircraft, half)
    found, sure = _candidate(half, other, base if aircraft.sure else None, base, receiver)
    if found is None and receiver is not None:
        found = _by_receiver(half, receiver, height)
    if found is None:
        return Reason.NO_REFERENCE
    fix = Fix(half.time, *found)
    if receiver is not None and distance(*receiver, *found) > MAX_RANGE:
        return Reason.IMPLAUSIBLE
    if (
        aircraft.fix is not None
        and abs(half.time - aircraft.fix.time) <= JUMP_WITHIN
        and not reachable(aircraft.fix, fix)
    ):
        follows = aircraft.doubted is not None and reachable(aircraft.doubted, fix)
        aircraft.doubted, aircraft.doubts = fix, aircraft.doubts + 1 if follows else 1
        if aircraft.doubts < CONSISTENT:
            return Reason.IMPLAUSIBLE
    aircraft.fix, aircraft.sure, aircraft.doubted, aircraft.doubts = fix, sure, None, 0
    return fix


def _base(aircraft: Aircraft, half: Half) -> Fix | None:
    limit = NEAR_WITHIN_SURFACE if half.surface else NEAR_WITHIN
    fix = aircraft.fix
    return fix if fix is not None and abs(half.time - fix.time) <= limit else None


def _candidate(
    half: Half, other: Half | None, sure: Fix | None, base: Fix | None, receiver: tuple[float, float] | None
) -> tuple[tuple[float, float] | None, bool]:
    """Return the best place, and whether it is sure.

    Next to a sure fix the single message decides, so that a second sender under the same address cannot spoil the
    pairs. Otherwise the pair decides, so that a wrong cell is left as soon as there is one.
    """
    alone = cpr.local(half, base.latitude, base.longitude) if base is not None else None
    if sure is not None and alone is not None and reachable(sure, Fix(half.time, *alone)):
        return alone, True
    limit = PAIR_WITHIN_SURFACE if half.surface else PAIR_WITHIN
    if other is not None and other.surface == half.surface and abs(half.time - other.time) <= limit:
        near = (base.latitude, base.longitude) if base is not None else receiver
        pair = cpr.whole(half, other, near)
        if pair is not None:
            return pair, True
    return alone, False


def _by_receiver(half: Half, receiver: tuple[float, float], height: float) -> tuple[float, float] | None:
    """Resolve against the receiver's place, if every other place with this message is below its horizon."""
    found = cpr.local(half, *receiver)
    if found is None or half.surface:
        return found  # cells of 90 NM: traffic on the ground is never heard from 45 NM
    horizon = 4124.0 * (sqrt(max(height, 0.0)) + 10.0)  # m, 4/3 earth; 10: a receiver 100 m up
    return found if distance(*receiver, *found) <= min(CELL / 2, CELL - horizon) else None


def reachable(one: Fix, two: Fix) -> bool:
    """Return whether one aircraft can have been at both."""
    limit = MAX_SPEED * abs(two.time - one.time) * 1e-9 + JUMP_SLACK
    return distance(one.latitude, one.longitude, two.latitude, two.longitude) <= limit


def distance(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Return m between two places given in deg; flat between them, 1 % off at 700 km in middle latitudes."""
    north = other_latitude - latitude
    east = cpr.wrap(other_longitude - longitude) * cos(radians(0.5 * (latitude + other_latitude)))
    return DEGREE * hypot(north, east)
