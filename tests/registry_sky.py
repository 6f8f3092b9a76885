"""Radars and aircraft of the made-up sky of bench/registration.py, tick by tick through the running system."""

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))

import registration_world as world

from skywarden.config import Settings
from skywarden.model.detection import Kind, detections
from skywarden.model.track import Picture
from skywarden.pipeline import step
from skywarden.track.measured import FIX
from skywarden.track.registry import anew
from skywarden.track.settings import TrackerSettings

SECOND, START = world.SECOND, world.START
DEGREE = np.radians(1.0)
SIGMA = (50.0, 0.1 * DEGREE, 0.3 * DEGREE)
WEST = world.Radar(-15e3, 0.0, SIGMA, (150.0, 0.5 * DEGREE, 0.0, 0.2), turning=False)
EAST = world.Radar(15e3, 5e3, SIGMA, (-150.0, -0.5 * DEGREE, 0.0, -0.2), turning=False)
NAMES = ("west", "east", "south", "north")


class Sky(NamedTuple):
    """What flies, and what is measured of it: batches in the order in which they come, (ns of arrival, batch)."""

    flown: world.Sky
    batches: list


def sky(radars, seconds, count=8, speed=150.0, fixes=True, seed=0):
    """Return batches: a radar's look each, and the fixes of half a second; exact times, ordinary latencies."""
    rng = np.random.default_rng([17, seed])
    flown = world.sky(rng, count, speed, seconds + 2.0)
    seen = world.looks(rng, flown, radars, seconds)
    found = []
    for row, radar in enumerate(radars):
        mine = np.flatnonzero(seen.sensor == row)
        for time in np.unique(seen.time[mine]).tolist():
            found.append(plots(NAMES[row], radar, seen, mine[seen.time[mine] == time]))
    if fixes:
        late, none = rng.uniform(0.0, 0.6, count), np.zeros(count)
        told = world.fixes(rng, flown, seconds, late, none, False)
        half = (told.time - START) // (SECOND // 2)
        for k in np.unique(half).tolist():
            found.append(sent(told, np.flatnonzero(half == k)))
    return Sky(flown, sorted(found, key=lambda one: (int(one.time[-1]), one.sensor)))


def plots(name, radar, seen, rows):
    """Return a radar's look."""
    z = np.column_stack([seen.z[rows], np.full(len(rows), np.nan)])
    covariance = np.tile(np.eye(4), (len(rows), 1, 1))
    covariance[:, :3, :3] = seen.covariance[rows]
    time = seen.time[rows]
    return detections(Kind.POLAR, name, int(time[-1]), time, z, covariance, place=radar.place(), revisit=radar.revisit)


def sent(told, rows):
    """Return fixes of aircraft with addresses."""
    assert (told.sensor[rows] == FIX).all()
    time, address = told.time[rows], 0x500000 + told.target[rows]
    z, covariance = told.z[rows], told.covariance[rows]
    return detections(
        Kind.POSITION, "adsb", int(time[-1]), time, z, covariance, address=address, subject=address, revisit=1.0
    )


def settings(**tracker):
    """Return settings of a system with nothing but a tracker."""
    return Settings(tracker=TrackerSettings(**tracker))


def begun(chosen):
    """Return the picture before anything came."""
    return anew(Picture(START), (), chosen.tracker)


def run(picture, batches, until, chosen, tick=0.5, each=None):
    """Return the picture at `until` s after START, and all events; `each` is called with each picture."""
    events, left = [], [one for one in batches if one.received >= picture.time]
    while picture.time < START + round(until * SECOND):
        now = picture.time + round(tick * SECOND)
        come = [one for one in left if one.received < now]
        left = left[len(come) :]
        picture, told = step(picture, come, now, chosen)
        events += told
        if each:
            each(picture)
    return picture, events


def truth(flown, time):
    """Return (n, 3) ECEF m of all aircraft at ns."""
    every = np.arange(flown.position.shape[1])
    return world.state(flown, np.full(len(every), (time - START) / SECOND), every)[:, :3]


def tracks_each(picture, flown, near=3000.0):
    """Return how many shown tracks there are for each aircraft, in the mean."""
    tracks = picture.tracks.take(picture.tracks.shown())
    ahead = (picture.time - tracks.time)[:, None] * 1e-9
    apart = np.linalg.norm(
        (tracks.mean[:, :3] + ahead * tracks.mean[:, 3:])[:, None] - truth(flown, picture.time), axis=2
    )
    return float((apart.min(1, initial=np.inf) < near).sum() / apart.shape[1])


def last(picture):
    """Return the newest version of each sensor."""
    return {one.sensor: one for one in sorted(picture.registrations, key=lambda one: one.version)}
