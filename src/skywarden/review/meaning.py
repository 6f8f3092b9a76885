"""One measurement for people: what a sensor said, as names with their units and numbers in these units."""

from collections.abc import Callable, Mapping

import numpy as np

from skywarden.geo import geodetic
from skywarden.model.detection import NO_ADDRESS, Detections, Kind, Reporter
from skywarden.model.place import F64

KM = 1000.0

Says = dict[str, str]  # name with its unit -> number or word; names are those of review.words


def meaning(batch: Detections, row: int) -> Says:
    """Return what one row of a batch says, as it was measured: before any correction of the sensor's bias."""
    said = {} if batch.reporter is Reporter.DEVICE else {"person": batch.reporter.name.lower()}
    said |= {name: text for name, text in _SAID[batch.kind](batch.raw[row]).items() if text != "nan"}
    address = int(batch.address[row])
    if address != NO_ADDRESS:
        said["icao24"] = f"{address:06x}"
    words = [f"{one.name} {one.value}" for one in batch.claims if one.index == row and one.value]
    return said | ({"claims": ", ".join(words)} if words else {})


def _position(z: F64) -> Says:
    latitude, longitude, height = (float(one) for one in geodetic(z[:3]))
    return {**_plane(np.array([latitude, longitude])), "height_m": f"{height:.0f}"}


def _plane(z: F64) -> Says:
    return {"latitude": f"{np.degrees(z[0]):.5f}", "longitude": f"{np.degrees(z[1]):.5f}"}


def _direction(z: F64) -> Says:
    return {"bearing_deg": f"{np.degrees(z[0]) % 360:.1f}", "up_deg": f"{np.degrees(z[1]):.1f}"}


def _polar(z: F64) -> Says:
    return {"range_km": f"{z[0] / KM:.2f}", **_direction(z[1:]), "away_m_s": f"{z[3]:.0f}"}


def _sound(z: F64) -> Says:
    return {"sound_deg": f"{np.degrees(z[0]) % 360:.1f}", "up_deg": f"{np.degrees(z[1]):.1f}", "tone_hz": f"{z[2]:.0f}"}


def _presence(z: F64) -> Says:
    return {"level_db": f"{z[0]:.0f}", "tone_hz": f"{z[1]:.0f}"}


def _silence(z: F64) -> Says:
    return {"noise_db": f"{z[0]:.0f}"}


def _delay(z: F64) -> Says:
    return {"later_s": f"{z[0]:.3f}"}


_SAID: Mapping[Kind, Callable[[F64], Says]] = {
    Kind.POSITION: _position,
    Kind.PLANE: _plane,
    Kind.POLAR: _polar,
    Kind.DIRECTION: _direction,
    Kind.SOUND: _sound,
    Kind.PRESENCE: _presence,
    Kind.SILENCE: _silence,
    Kind.DELAY: _delay,
    Kind.TRACK: _position,
}
