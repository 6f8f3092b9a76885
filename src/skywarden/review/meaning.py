"""One measurement in one line, for people: what a sensor said, in the units that people use."""

from collections.abc import Callable, Mapping

import numpy as np

from skywarden.geo import geodetic
from skywarden.model.detection import NO_ADDRESS, Detections, Kind, Reporter
from skywarden.model.place import F64

KM = 1000.0


def meaning(batch: Detections, row: int) -> str:
    """Return what one row of a batch says, as it was measured: before any correction of the sensor's bias."""
    said = _SAID[batch.kind](batch.raw[row])
    who = "" if batch.reporter is Reporter.DEVICE else f"{batch.reporter.name.lower()}: "
    address = int(batch.address[row])
    claimed = "" if address == NO_ADDRESS else f", says it is {address:06x}"
    words = [f"{one.name} {one.value}" for one in batch.claims if one.index == row and one.value]
    return f"{who}{said}{claimed}{''.join(f', {word}' for word in words)}"


def _position(z: F64) -> str:
    latitude, longitude, height = (float(one) for one in geodetic(z[:3]))
    return f"place {np.degrees(latitude):.5f}, {np.degrees(longitude):.5f}, {height:.0f} m high"


def _plane(z: F64) -> str:
    return f"place {np.degrees(z[0]):.5f}, {np.degrees(z[1]):.5f}"


def _angles(azimuth: float, elevation: float) -> str:
    upward = "" if np.isnan(elevation) else f", {np.degrees(elevation):.1f} deg up"
    return f"bearing {np.degrees(azimuth) % 360:.1f} deg{upward}"


def _polar(z: F64) -> str:
    rate = "" if np.isnan(z[3]) else f", {z[3]:+.0f} m/s away"
    return f"range {z[0] / KM:.2f} km, {_angles(z[1], z[2])}{rate}"


def _direction(z: F64) -> str:
    return _angles(z[0], z[1])


def _sound(z: F64) -> str:
    return f"sound, {_angles(z[0], z[1])}{'' if np.isnan(z[2]) else f', tone {z[2]:.0f} Hz'}"


def _presence(z: F64) -> str:
    return f"heard, {z[0]:.0f} dB{'' if np.isnan(z[1]) else f', tone {z[1]:.0f} Hz'}"


def _silence(z: F64) -> str:
    return f"nothing heard, noise {z[0]:.0f} dB"


def _delay(z: F64) -> str:
    return f"sound {z[0]:+.3f} s later at one than at the other"


def _track(z: F64) -> str:
    return f"another system's track, {_position(z)}"


_SAID: Mapping[Kind, Callable[[F64], str]] = {
    Kind.POSITION: _position,
    Kind.PLANE: _plane,
    Kind.POLAR: _polar,
    Kind.DIRECTION: _direction,
    Kind.SOUND: _sound,
    Kind.PRESENCE: _presence,
    Kind.SILENCE: _silence,
    Kind.DELAY: _delay,
    Kind.TRACK: _track,
}
