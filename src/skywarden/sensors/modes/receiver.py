"""From one frame to what it means, with the memory of what the same receiver heard before.

Source of accuracies: RTCA DO-260B, 2.2.3.2.7.2.7 (NACp) and table 2-11 of DO-260 (NUCp): radius of 95 %.
"""

from dataclasses import dataclass
from math import radians

import msgspec

from skywarden import geo
from skywarden.model.detection import Reason
from skywarden.model.place import Place, Sensor, Source
from skywarden.sensors.modes import aircraft as memory
from skywarden.sensors.modes.aircraft import SECOND, Aircraft, Fix, Height, State
from skywarden.sensors.modes.cpr import Half
from skywarden.sensors.modes.fields import Message
from skywarden.sensors.modes.message import read
from skywarden.sensors.modes.squitter import FEET

ADDRESS_HOLDS = 60 * SECOND  # an address in a parity is believed this long after one sent openly
CORRECTION_HOLDS = 60 * SECOND  # GNSS minus barometric
HEIGHT_HOLDS = 60 * SECOND
FOREIGN = 1 << 24  # added to the key of an address that is not of the ICAO's plan
PERCENT_95 = 2.45  # radius that holds 95 % of a level normal error, in sigma
MIN_SIGMA = 10.0  # m
# Radius of 95 %, m, by category; 0 says "unknown or more than 10 NM": taken as 10 NM.
_NACP = (18520.0, 18520.0, 7408.0, 3704.0, 1852.0, 926.0, 555.6, 185.2, 92.6, 30.0, 10.0, 3.0)
_NUCP = (18520.0, 18520.0, 9260.0, 1852.0, 926.0, 463.0, 185.2, 92.6, 10.0, 3.0)
GNSS_SIGMA, BAROMETRIC_SIGMA, UNKNOWN_SIGMA = 30.0, 150.0, 3000.0  # m
_GROUND = Height(0, 0.0, True, BAROMETRIC_SIGMA)
_NO_HEIGHT = Height(0, 5000.0, True, UNKNOWN_SIGMA)
# NIC by type code without supplements (DO-260B, table N-4), and what the supplements A = B = 1 make of it.
_NIC = {
    5: 11,
    6: 10,
    7: 8,
    8: 0,
    9: 11,
    10: 10,
    11: 8,
    12: 7,
    13: 6,
    14: 5,
    15: 4,
    16: 2,
    17: 1,
    18: 0,
    20: 11,
    21: 10,
    22: 0,
}
_NIC_SUPPLEMENTED = {7: 9, 11: 9, 16: 3}
_SQUAWKS = {"7500": "unlawful interference", "7600": "no communications", "7700": "general"}


@dataclass(frozen=True, slots=True)
class Setting:
    """What is configured of a source. place: the receiver's latitude, longitude deg; stand: the same, ECEF."""

    source: str
    sensor: str
    live: bool
    place: tuple[float, float] | None = None
    stand: Place | None = None


def setting(source: Source, sensors: tuple[Sensor, ...], live: bool) -> Setting:
    """Take what matters here from the configuration. A single sensor of this source gives the name."""
    sensor = sensors[0] if len(sensors) == 1 else None
    name = sensor.name if sensor else source.name
    if source.latitude is None or source.longitude is None:
        return Setting(source.name, name, live)
    stand = geo.place(radians(source.latitude), radians(source.longitude), 0.0)
    return Setting(source.name, name, live, (source.latitude, source.longitude), stand)


class Report(msgspec.Struct, frozen=True, gc=False):
    """A position of one aircraft, with what it says of itself. sigma: m, each way on the level."""

    address: int  # with FOREIGN added where that holds
    fix: Fix
    height: Height
    sigma: float
    callsign: str
    squawk: str
    emergency: str


class Heard(msgspec.Struct, frozen=True, gc=False):
    """One message after all checks: what it says, the position it gives, the reason why it gives none."""

    message: Message | None = None
    report: Report | None = None
    reason: Reason | None = None
    known: bool = True  # the address is certain, or was so lately


def hear(state: State, settings: Setting, time: int, frame: bytes) -> Heard:
    """Take one Mode S frame in."""
    message = read(frame)
    if isinstance(message, Reason):
        return Heard(reason=message)
    if message.test and settings.live:
        return Heard(message, reason=Reason.SIMULATED)
    key = message.address | FOREIGN if message.foreign else message.address
    found = state.aircraft.get(key)
    if not message.checked:
        return _reply(found, message, time)
    if found is None:
        memory.sweep(state, time)
        found = state.aircraft[key] = Aircraft(time, time)
    elif abs(time - state.swept) >= memory.FORGET_EVERY:
        memory.sweep(state, time)
    found.heard = found.certain = time
    _remember(found, message, time)
    if message.position is None:
        return Heard(message)
    return _position(found, settings, key, message, msgspec.structs.replace(message.position, time=time))


def _reply(found: Aircraft | None, message: Message, time: int) -> Heard:
    """A message that does not prove its address: believed if the address was certain lately."""
    if found is None or abs(time - found.certain) > ADDRESS_HOLDS:
        return Heard(message, known=False)
    found.heard = time
    if message.squawk is not None:
        found.squawk = message.squawk
    return Heard(message)


def _remember(found: Aircraft, message: Message, time: int) -> None:
    typecode = message.typecode
    if typecode == 19:
        if message.geo_minus_baro_ft is not None:
            found.geo_minus_baro = Height(time, message.geo_minus_baro_ft * FEET, False, GNSS_SIGMA)
    elif message.callsign is not None:
        found.callsign = message.callsign
    elif typecode == 28 and message.squawk is not None:
        found.squawk, found.emergency = message.squawk, message.emergency or ""
        message.emergency = message.emergency or None
    elif typecode == 31 and message.version is not None:
        found.version = message.version
        found.nic_a = message.nic_bits or 0
    if message.nacp is not None:
        found.nacp = message.nacp


def _position(found: Aircraft, settings: Setting, key: int, message: Message, half: Half) -> Heard:
    nucp = message.nucp or 0
    _accuracy(found, message)
    height = _height(found, message, half.time)
    fix = memory.resolve(found, half, settings.place, height.metres + 2 * height.sigma)
    if isinstance(fix, Reason):
        return Heard(message, reason=fix)
    message.latitude, message.longitude = fix.latitude, fix.longitude
    radius = _NACP[found.nacp] if found.version and 0 < found.nacp < len(_NACP) else _NUCP[nucp]
    emergency = found.emergency or _SQUAWKS.get(found.squawk, "")
    sigma = max(radius / PERCENT_95, MIN_SIGMA)
    return Heard(message, Report(key, fix, height, sigma, found.callsign, found.squawk, emergency))


def _accuracy(found: Aircraft, message: Message) -> None:
    """From ADS-B version 1 on the type code means NIC; NACp comes in another message."""
    if not found.version:
        return
    typecode = message.typecode or 0
    supplemented = found.nic_a and (found.version == 1 or message.nic_bits or typecode == 7)
    message.nic = _NIC_SUPPLEMENTED.get(typecode, _NIC[typecode]) if supplemented else _NIC[typecode]
    message.nucp = None
    message.nacp = found.nacp


def _height(found: Aircraft, message: Message, time: int) -> Height:
    """Return the best height of this message, remembered if it is its own."""
    if message.altitude_gnss_ft is not None:
        height = Height(time, message.altitude_gnss_ft * FEET, False, GNSS_SIGMA)
    elif message.altitude_ft is not None:
        metres, correction = message.altitude_ft * FEET, found.geo_minus_baro
        if correction is not None and abs(time - correction.time) <= CORRECTION_HOLDS:
            height = Height(time, metres + correction.metres, False, GNSS_SIGMA)
        else:
            height = Height(time, metres, True, BAROMETRIC_SIGMA)
    else:
        return _height_unsaid(found, message.typecode or 0, time)
    found.height = height
    return height


def _height_unsaid(found: Aircraft, typecode: int, time: int) -> Height:
    last = found.height
    if 5 <= typecode <= 8:  # on the surface
        if last is not None:
            return Height(last.time, last.metres, last.geoid, BAROMETRIC_SIGMA)
        return _GROUND
    if last is not None and abs(time - last.time) <= HEIGHT_HOLDS:
        return Height(last.time, last.metres, last.geoid, 2 * BAROMETRIC_SIGMA)
    return _NO_HEIGHT
