"""What is remembered of each aircraft that SBS lines spoke of, and which positions are believed.

Bounded: an aircraft unheard for 10 minutes is forgotten, and beyond 20,000 the longest unheard go. Time is the
lines' own, UTC ns.
"""

from math import cos, hypot, radians

import msgspec

from skywarden.sensors.sbs.line import Message

SECOND = 1_000_000_000  # ns
FEET = 0.3048  # m
BAROMETRIC_SIGMA, UNKNOWN_SIGMA = 150.0, 3000.0  # m
UNKNOWN_HEIGHT = 5000.0  # m
HEIGHT_HOLDS = 60 * SECOND
FORGET_AFTER, FORGET_EVERY = 600 * SECOND, 60 * SECOND
MAX_AIRCRAFT = 20_000
MAX_RECENT = 4096  # lines remembered to tell a repeated one; then the older half is forgotten
JUMP_WITHIN, MAX_SPEED, JUMP_SLACK = 30 * SECOND, 1000.0, 600.0  # ns, m/s, m
CONSISTENT = 3  # doubted positions in a row, each within reach of the one before, are believed
DEGREE = 111_195.0  # m


class Fix(msgspec.Struct, frozen=True, array_like=True):
    """A position: ns, deg, deg, and the height that goes with it: m above the geoid, 1 sigma m."""

    time: int
    latitude: float
    longitude: float
    height: float
    sigma: float


class Aircraft(msgspec.Struct, array_like=True):
    """What is remembered of one aircraft. heard, altitude_time: ns; altitude: m."""

    heard: int
    callsign: str = ""
    squawk: str = ""
    emergency: bool = False
    altitude: float = 0.0
    altitude_time: int | None = None
    fix: Fix | None = None
    doubted: Fix | None = None
    doubts: int = 0


class State(msgspec.Struct):
    """Everything the decoder remembers. recent: the latest lines, oldest first, to tell a repeated one."""

    aircraft: dict[int, Aircraft] = {}
    recent: dict[bytes, int] = {}
    swept: int = 0


def repeated(state: State, line: bytes, time: int) -> bool:
    """Return whether the very same line was seen lately; remember it."""
    if line in state.recent:
        return True
    state.recent[line] = time
    if len(state.recent) > MAX_RECENT:
        for old in list(state.recent)[: MAX_RECENT // 2]:
            del state.recent[old]
    return False


def remember(state: State, message: Message) -> Aircraft:
    """Take in what a line says of its aircraft; return what is known of it."""
    time = message.time
    if abs(time - state.swept) >= FORGET_EVERY or len(state.aircraft) > MAX_AIRCRAFT:
        _sweep(state, time)
    found = state.aircraft.setdefault(message.address, Aircraft(time))
    found.heard = time
    if message.callsign is not None:
        found.callsign = message.callsign
    if message.squawk is not None:
        found.squawk = message.squawk
    if message.emergency is not None:
        found.emergency = message.emergency
    if message.altitude_ft is not None:
        found.altitude, found.altitude_time = message.altitude_ft * FEET, time
    return found


def _sweep(state: State, time: int) -> None:
    state.swept = time
    for key in [k for k, a in state.aircraft.items() if abs(time - a.heard) > FORGET_AFTER]:
        del state.aircraft[key]
    if len(state.aircraft) > MAX_AIRCRAFT:
        oldest = sorted(state.aircraft, key=lambda k: (state.aircraft[k].heard, k))
        for key in oldest[: len(oldest) - MAX_AIRCRAFT * 9 // 10]:
            del state.aircraft[key]


def locate(found: Aircraft, message: Message, latitude: float, longitude: float) -> Fix:
    """Return the position with the best height there is."""
    if found.altitude_time is not None and abs(message.time - found.altitude_time) <= HEIGHT_HOLDS:
        return Fix(message.time, latitude, longitude, found.altitude, BAROMETRIC_SIGMA)
    if message.type == 2 or message.on_ground:
        return Fix(message.time, latitude, longitude, found.altitude, BAROMETRIC_SIGMA)
    return Fix(message.time, latitude, longitude, UNKNOWN_HEIGHT, UNKNOWN_SIGMA)


def believed(found: Aircraft, fix: Fix) -> bool:
    """Return whether the aircraft can have come there, or has insisted; remember the position."""
    last = found.fix
    if last is not None and abs(fix.time - last.time) <= JUMP_WITHIN and not _reachable(last, fix):
        follows = found.doubted is not None and _reachable(found.doubted, fix)
        found.doubted, found.doubts = fix, found.doubts + 1 if follows else 1
        if found.doubts < CONSISTENT:
            return False
    found.fix, found.doubted, found.doubts = fix, None, 0
    return True


def _reachable(one: Fix, two: Fix) -> bool:
    east = ((two.longitude - one.longitude + 180.0) % 360.0 - 180.0) * cos(radians(one.latitude))
    limit = MAX_SPEED * abs(two.time - one.time) * 1e-9 + JUMP_SLACK
    return DEGREE * hypot(two.latitude - one.latitude, east) <= limit
