"""Targets of ours with states made by hand, and reports of other systems about them, without a filter between."""

from dataclasses import replace

import numpy as np
from foreign_world import Other, report
from track_world import where

from skywarden.model.detection import NO_ADDRESS
from skywarden.model.place import TrackPolicy
from skywarden.model.track import Beliefs
from skywarden.track.beliefs import closed, opened, records
from skywarden.track.feeds import told
from skywarden.track.items import FEED, items
from skywarden.track.pool import LEAF, TARGET
from skywarden.track.settings import TrackerSettings

SETTINGS = TrackerSettings(settle_slow_s=60.0, max_tracks_per_sensor=50)
SIGMA, SPEED = 10.0, 2.0  # m, m/s, of our targets
HERE = where(0.0, 0.0, 1000.0)
EAST = (where(1.0, 0.0, 1000.0) - where(-1.0, 0.0, 1000.0)) / 2.0


def place(east, speed=0.0):
    """Return states (n, 6) that stand so many metres east, which fly east."""
    along = np.atleast_1d(np.asarray(east, float))[:, None] * EAST
    return np.concatenate((HERE + along, np.full((len(along), 1), speed) * EAST), 1)


def spread(sigma=SIGMA, speed=SPEED):
    return np.diag([sigma**2] * 3 + [speed**2] * 3)


def memory_of(mean, t=0.0, confirmed=1, existence=0.999, address=NO_ADDRESS, covariance=None, first=101, room=8):
    """Return a filter's memory with targets first, first + 1, ... of these states (n, 6) at t s."""
    time, n = report(Other(TrackPolicy.DISPLAY), t, np.arange(1), place(0.0), spread()).time[0], len(mean)
    memory = opened(Beliefs(), (n + room, 1), 3, SETTINGS)
    targets, leaves = memory.targets[:n], memory.leaves[:n]
    targets[:], leaves[:] = np.zeros(n, TARGET), np.zeros(n, LEAF)
    targets["label"], targets["leaf"], targets["address"] = first + np.arange(n), np.arange(n), address
    targets["born"] = targets["seen"] = leaves["time"] = time
    targets["hits"], targets["revisit"], targets["seen_by"], targets["confirmed"] = 3, 2.0, -1, confirmed
    leaves["target"], leaves["group"], leaves["existence"] = np.arange(n), -1, existence
    leaves["weight"] = 1.0, 0.0
    leaves["mean"] = np.asarray(mean)[:, None]
    leaves["covariance"] = spread() if covariance is None else covariance
    memory.counts[:2] = n, n
    return memory


def ours(mean, t=0.0, **more):
    """Return beliefs in these targets."""
    memory = memory_of(mean, t, **more)
    return closed(memory, np.zeros(memory.counts[0], bool))


class Ear:
    """One chain that is told of other systems' tracks: what it decided of each, told by told."""

    def __init__(self, beliefs, policy=TrackPolicy.INTERSECTION, settings=SETTINGS, judged=None):
        self.beliefs, self.sensors, self.policy = beliefs, (), policy
        self.settings, self.judged = settings, judged

    def hear(self, t, mean, subject=None, covariance=None, name="other", **more):
        """Hear what a system says at t s of its subjects; return what follows."""
        subject = np.arange(len(mean)) if subject is None else np.asarray(subject)
        made = report(Other(self.policy, name=name), t, subject, mean, spread() if covariance is None else covariance)
        return self.take([replace(made, **{key: np.asarray(value) for key, value in more.items()})])

    def take(self, batches):
        said = told(self.beliefs, self.sensors, items(batches, self.settings), self.settings, self.judged)
        self.sensors = said.sensors
        self.beliefs = replace(self.beliefs, feeds=said.feeds)
        return said

    def now(self, t, mean, **more):
        """Let ours be elsewhere at t s."""
        self.beliefs = replace(ours(mean, t, **more), feeds=self.beliefs.feeds)

    @property
    def table(self):
        return records(self.beliefs.feeds, FEED)
