"""Single microphones on a grid and what they call: everything that flies within reach is heard, a second later told."""

import numpy as np
from track_world import START

from skywarden import geo
from skywarden.model.detection import Kind, detections

SECOND = 1_000_000_000
ORIGIN, AXES = geo.ecef(0.9, 0.5, 0.0), geo.east_north_up(0.9, 0.5)
REACH, SPACING, SIDE, SOUND = 3700.0, 4000.0, 10, 340.0
EAST, NORTH = np.meshgrid(SPACING * np.arange(SIDE), SPACING * np.arange(SIDE))
LEVEL = np.column_stack([EAST.ravel(), NORTH.ravel(), np.full(SIDE * SIDE, 2.0)])
PLACES = ORIGIN + LEVEL @ AXES


class Path:
    """A straight flight: place and velocity, east, north, up, m and m/s, at second 0."""

    def __init__(self, place, velocity):
        self.place, self.velocity = np.array(place, float), np.array(velocity, float)

    def at(self, t):
        """Return the ECEF position at t, s."""
        return ORIGIN + (self.place + t * self.velocity) @ AXES

    def way(self, t):
        """Return (n,) m that the sound went which comes to each node at t."""
        d, u = self.place + t * self.velocity - LEVEL, self.velocity
        dd, du, uu = (d * d).sum(1), d @ u, u @ u
        return SOUND * (np.sqrt(du * du + (SOUND**2 - uu) * dd) - du) / (SOUND**2 - uu)


def flight(begin=-200.0):
    """Return one that comes in from the west between two rows of nodes, 50 m/s, 300 m up."""
    return Path((begin * 50.0, 17_500.0, 300.0), (50.0, 0.0, 0.0))


def called(flights, t, dead=()):
    """Return the batches that nodes send of second t: reports of who hears, and one heartbeat a minute each."""
    lives = np.setdiff1d(np.arange(len(PLACES)), dead)
    hears = np.zeros(len(PLACES), bool)
    for one in flights:
        hears |= one.way(t) < REACH
    return [
        batch
        for batch in (
            told(Kind.PRESENCE, lives[hears[lives]], t),
            told(Kind.SILENCE, lives[lives % 60 == int(t) % 60], t),
        )
        if len(batch)
    ]


def told(kind, nodes, t, source="ears"):
    """Return a batch of calls of `nodes` at t, s."""
    n = len(nodes)
    time = np.full(n, START + round(t * SECOND))
    z, covariance = np.ones((n, 2)), np.tile(np.eye(2), (n, 1, 1))
    return detections(kind, source, START, time, z, covariance, node=nodes, origin=PLACES[nodes], revisit=1.0)
