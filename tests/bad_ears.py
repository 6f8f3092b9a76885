"""Sources of bearings, sounds, places on a map and calls, all named "bad", for tests of what is wrong with them."""

from dataclasses import dataclass

import numpy as np
from hark_world import Ears, Finder, stand
from track_world import batch, where

from skywarden import geo
from skywarden.model.detection import Kind

HERE = stand(10_000.0, 5_000.0)
GROUND = [(east, north) for east in range(-13_500, 15_000, 4_500) for north in range(-13_500, 0, 4_500)]
STANDS = [stand(east, north) for east, north in GROUND]
ORIGINS = np.array([place.position for place in STANDS])
HEARS = 3_700.0  # m


def bearings(_name, begins=20_000.0, **more):
    """Return a direction finder that begins targets."""
    return Finder("bad", HERE, begins=begins, **more)


def watchers(_name, **more):
    """Return somebody who points at what he sees, and begins nothing."""
    return Finder("bad", HERE, **more)


def arrays(_name, **more):
    """Return microphone arrays all around."""
    return Ears(STANDS, "bad", **more)


@dataclass
class People:
    """People who say where on the map each flight is."""

    name: str = "bad"
    revisit: float = 5.0
    offset: float = 1.0
    late: float = 0.0
    sigma: float = 300.0

    def look(self, flights, t, rng):
        level = rng.normal(size=(len(flights), 3)) * self.sigma
        latitude, longitude, _ = geo.geodetic(np.array([f.at(t) for f in flights]) + level)
        z, R = np.column_stack([latitude, longitude]), np.eye(2) * self.sigma**2
        return batch(Kind.PLANE, self.name, t, z, R, time_sigma=2.0, revisit=self.revisit)


@dataclass
class Nodes:
    """Single microphones: who hears a flight says so, and all that they live. always: so many hear something always."""

    name: str = "bad"
    revisit: float = 1.0
    offset: float = 0.0
    late: float = 0.0
    always: int = 0

    def look(self, flights, t, _rng):
        away = np.linalg.norm(ORIGINS[:, None] - np.array([f.at(t - 5.0) for f in flights]), axis=2)
        hears = (away.min(1) < HEARS) | (np.arange(len(ORIGINS)) < self.always)
        kind = Kind.PRESENCE if round(t) % 2 else Kind.SILENCE
        node = np.flatnonzero(hears) if kind is Kind.PRESENCE else np.arange(len(ORIGINS))
        return calls(kind, t, node, ORIGINS[node]) if len(node) else None


def calls(kind, t, node, origin):
    """Return what nodes (n,) at places (n, 3) call."""
    n = len(node)
    return batch(kind, "bad", t, np.ones((n, 2)), np.eye(2), node=node, origin=origin.copy(), revisit=1.0)


@dataclass
class Flood:
    """So many of one kind at once, each in another direction or place."""

    kind: str
    count: int = 100_000
    revisit: float = 20.0
    offset: float = 20.0
    late: float = 0.0

    def look(self, _flights, t, rng):
        n = self.count
        around = np.column_stack([rng.uniform(-np.pi, np.pi, n), np.full(n, np.nan)])
        place = where(*rng.uniform(-30_000.0, 30_000.0, (2, n)), 100.0)
        if self.kind in ("bearings", "watchers"):
            return (bearings if self.kind == "bearings" else watchers)("bad").said(around, t)
        if self.kind == "arrays":
            around[:, 1] = rng.uniform(0.0, 1.0, n)
            return Ears(STANDS, "bad").said(around, t, rng.integers(0, len(STANDS), n))
        if self.kind == "people":
            latitude, longitude, _ = geo.geodetic(place)
            z = np.column_stack([latitude, longitude])
            return batch(Kind.PLANE, "bad", t, z, np.eye(2) * 9e4, time_sigma=2.0, revisit=self.revisit)
        return calls(Kind.PRESENCE if self.kind == "hearing" else Kind.SILENCE, t, rng.permutation(n), place)
