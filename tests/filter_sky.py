"""Targets, looks at them and a filter, for tests of the filter as a whole."""

from dataclasses import fields

import numpy as np
from filter_memory import NOW, SECOND, SITE
from filter_reference import polar

from skywarden import geo
from skywarden.model.detection import Kind, detections
from skywarden.track.pmb import Filter, FilterSettings, Sensor, evenly

SIGMA = np.array([30.0, 0.004, 0.006, 1.0])
NOISE = np.diag(SIGMA**2)
RADAR = Sensor(Kind.POLAR, detection=0.9, clutter=1e-10, reach_m=60e3, revisit_s=2.0)
POSITIONS = Sensor(Kind.POSITION, detection=0.9, clutter=1e-10)
PLANES = Sensor(Kind.PLANE, detection=0.9, clutter=1e-10)
CAMERA = Sensor(Kind.DIRECTION, detection=0.9, clutter=0.01, whole=False)
FAR = 50e3


def tracker(capacity=256, **settings):
    return Filter(FilterSettings(**settings), evenly(SITE, 60e3, 5.0, 1.0), capacity)


def ecef(position, velocity):
    """Return a state (6,) of a place and velocity east, north, up of SITE."""
    turn = SITE.rotation
    return np.concatenate([SITE.position + np.asarray(position) @ turn, np.asarray(velocity) @ turn])


def plots(states, rng, errors=1.0):
    """Return (n, 4) what the radar measures of states."""
    z = np.array([polar(s, SITE)[0] for s in states]).reshape(-1, 4)
    return z + rng.normal(size=z.shape) * SIGMA * errors


def batch(z, seconds, sensor=RADAR, R=NOISE):
    """Return detections of one look. R (w, w), or (n, w, w)."""
    z, time = np.asarray(z, float), NOW + round(seconds * SECOND)
    R = np.broadcast_to(R, (len(z), *np.shape(R)[-2:])).copy()
    place = SITE if sensor.kind in (Kind.POLAR, Kind.DIRECTION) else None
    return detections(sensor.kind, "sensor", time, np.full(len(z), time), z, R, place=place)


def look(used, z, seconds, sensor=RADAR, R=NOISE):
    return used.look(batch(z, seconds, sensor, R), sensor, NOW + round(seconds * SECOND))


def bits(used):
    """Return all that the filter says, to the bit."""
    found = used.targets(0.0)
    return [getattr(found, f.name).tobytes() for f in fields(found)]


def false(rng, count):
    """Return detections of nothing, evenly in range and bearing."""
    low, high = [100.0, -np.pi, 0.0, -50.0], [FAR, np.pi, 0.3, 50.0]
    return rng.uniform(low, high, (count, 4))


def straight(starts, velocities, looks):
    return [
        [ecef(np.add(p, 2.0 * k * np.array(v)), v) for p, v in zip(starts, velocities, strict=True)]
        for k in range(looks)
    ]


def scene(sensor, seconds=6):
    """Return looks (z, R) of a few targets, among them two close ones, and false alarms."""
    rng = np.random.default_rng(4)
    starts = [(6e3, 4e3, 500.0), (6.1e3, 4.05e3, 500.0), (-9e3, 7e3, 900.0), (-9.05e3, 7.05e3, 900.0)]
    flight = straight(starts, [(30.0, 0.0, 0.0), (28.0, 1.0, 0.0), (0.0, 30.0, 0.0), (0.0, 30.0, 1.0)], seconds)
    looks = []
    for states in flight:
        if sensor is RADAR:
            looks.append((np.vstack([plots(states, rng), false(rng, 3)]), NOISE))
            continue
        x = np.array([s[:3] for s in states]) + rng.normal(size=(4, 3)) * 30.0
        if sensor is PLANES:
            latitude, longitude, _ = geo.geodetic(x)
            x = np.stack([latitude, longitude], -1)
        looks.append((x, np.eye(x.shape[1]) * 900.0))
    return looks
