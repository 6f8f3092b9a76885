"""Microphone arrays and direction finders for the tracker's sky: one source, many ears, each with its own place."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from track_world import Flight, batch, where

from skywarden import geo
from skywarden.model.detection import Detections, Kind
from skywarden.model.place import F64, Coverage, Place, Sensor

SOUND_SPEED = 340.0


def stand(east: float, north: float, height: float = 100.0) -> Place:
    """Return a place, level and to true north, so many metres from the middle of the sky."""
    latitude, longitude, up = geo.geodetic(where(east, north, height))
    return geo.place(float(latitude), float(longitude), float(up))


def bearing(place: Place, position: F64) -> F64:
    """Return azimuth and elevation, rad, of a position."""
    e = place.rotation @ (position - place.position)
    return np.array([np.arctan2(e[0], e[1]), np.arcsin(e[2] / np.linalg.norm(e))])


def delay(flight: Flight, place: Place, t: float) -> float:
    """Return s before t that a sound left which comes to a place at t."""
    return brentq(lambda tau: np.linalg.norm(flight.at(t - tau) - place.position) - SOUND_SPEED * tau, 0.0, 200.0)


@dataclass
class Ears:
    """Arrays of one source, which hear what is within reach when the sound left: one row for each and flight."""

    places: list[Place]
    name: str = "ears"
    reach: float = 5000.0
    sigma: float = 0.06
    revisit: float = 1.0
    offset: float = 0.0
    late: float = 0.0

    def look(self, flights: list[Flight], t: float, rng: np.random.Generator) -> Detections | None:
        z, node = list[F64](), list[int]()
        for k, place in enumerate(self.places):
            for flight in flights:
                position = flight.at(t - delay(flight, place, t))
                if np.linalg.norm(position - place.position) < self.reach and rng.random() < 0.9:
                    z.append(bearing(place, position) + rng.normal(size=2) * self.sigma)
                    node.append(k)
        if not z:
            return None
        order = rng.permutation(len(z))
        return self.said(np.array(z)[order], t, np.array(node)[order])

    def said(self, z: F64, t: F64 | float, node: np.ndarray) -> Detections:
        """Return bearings (n, 2) of nodes (n,)."""
        origin = np.array([self.places[k].position for k in node]).reshape(-1, 3)
        covariance = np.eye(2) * self.sigma**2
        return batch(
            Kind.SOUND,
            self.name,
            t,
            z,
            covariance,
            revisit=1.0,
            time_sigma=0.05,
            node=node,
            origin=origin,
            subject=node,
        )


@dataclass
class Finder:
    """A direction finder, which measures azimuths of all at once. begins: m, up to which it begins targets."""

    name: str
    place: Place
    revisit: float = 2.0
    offset: float = 0.0
    sigma: float = 0.02
    detection: float = 0.9
    begins: float = 0.0
    late: float = 0.0

    @property
    def coverage(self) -> Coverage | None:
        return Sensor(name=self.name, source="s", max_range_m=20_000.0, begins_m=self.begins).coverage

    def look(self, flights: list[Flight], t: float, rng: np.random.Generator) -> Detections | None:
        seen = [f for f in flights if rng.random() < self.detection]
        if not seen:
            return None
        z = np.array([bearing(self.place, f.at(t)) for f in seen]) + rng.normal(size=(len(seen), 2)) * self.sigma
        z[:, 1] = np.nan
        return self.said(z, t)

    def said(self, z: F64, t: float) -> Detections:
        """Return bearings (n, 2)."""
        R = np.eye(2) * self.sigma**2
        found = batch(Kind.DIRECTION, self.name, t, z, R, place=self.place, revisit=self.revisit)
        object.__setattr__(found, "coverage", self.coverage)
        return found
