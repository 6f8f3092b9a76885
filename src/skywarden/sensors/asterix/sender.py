"""What is known of a source and its radars before they say anything: settings, and what follows from them."""

from collections.abc import Mapping
from datetime import UTC, datetime

import numpy as np

from skywarden import geo
from skywarden.model.place import NorthReference, Sensor, Source
from skywarden.sensors.asterix.plots import Radar

SomePlace = tuple[float, float, float]  # deg, deg, m above the ellipsoid


def named(key: int) -> str:
    """Return "sac-sic" for SAC * 256 + SIC."""
    return f"{key // 256}-{key % 256}"


class Sender:
    """One source. Radars are named "sac-sic". enrolled: radar -> its configured place; blocks: -> its settings."""

    def __init__(self, source: Source, sensors: tuple[Sensor, ...]) -> None:
        """Raises ConfigError for a height or a north that cannot be used."""
        self.name = source.name
        self.enrolled: Mapping[str, SomePlace] = {f"{s.sac}-{s.sic}": place for s in sensors if (place := _enrolled(s))}
        self.blocks: Mapping[str, Sensor] = {f"{s.sac}-{s.sic}": s for s in sensors}
        self._radars: dict[str, tuple[tuple[SomePlace, float], Radar]] = {}
        for sensor in sensors:
            _north(sensor, 0.0, 0.0, 0.0, 0)  # raises now, at start, what it cannot use

    def sensor(self, key: int) -> tuple[str, Sensor]:
        """Return "sac-sic" and the sensor's settings, for SAC * 256 + SIC."""
        name, (sac, sic) = named(key), divmod(key, 256)
        sensor = self.blocks.get(name) or Sensor(name=f"{self.name}/{name}", source=self.name, sac=sac, sic=sic)
        return name, sensor

    def radar(self, name: str, sensor: Sensor, place: SomePlace, received: int) -> Radar:
        """Return what follows from a place and a north; the latest is kept, it is the same almost always."""
        north = _north(sensor, float(np.radians(place[0])), float(np.radians(place[1])), place[2], received)
        last = self._radars.get(name)
        if last is None or last[0] != (place, north):
            last = self._radars[name] = ((place, north), Radar.at(sensor, place, north, name in self.blocks))
        return last[1]


def _enrolled(sensor: Sensor) -> SomePlace | None:
    """Return the configured place; None when there is none."""
    if sensor.latitude is None or sensor.longitude is None:
        return None
    latitude, longitude = float(np.radians(sensor.latitude)), float(np.radians(sensor.longitude))
    height = geo.height_above_ellipsoid(sensor.height_m, sensor.height_reference, latitude, longitude)
    return sensor.latitude, sensor.longitude, float(height)


def _north(sensor: Sensor, latitude: float, longitude: float, height: float, received: int) -> float:
    """Return the azimuth of the radar's north, rad; magnetic north moves, so it depends on the month."""
    if sensor.north_reference is NorthReference.TRUE:
        return 0.0
    date = datetime.fromtimestamp(received // 1_000_000_000, UTC)
    year = date.year + (date.month - 0.5) / 12
    return geo.north_offset(sensor.north_reference, latitude, longitude, height, year)
