"""Another system that tracks the flights of the test sky with a sensor of its own, and tells us what it thinks."""

from dataclasses import dataclass, field, replace

import numpy as np
from track_world import START, batch

from skywarden.model.detection import Kind
from skywarden.model.place import TrackPolicy
from skywarden.track.foreign import Estimate
from skywarden.track.states import at


def moved(estimate, dt, q):
    F = np.eye(6)
    F[:3, 3:] = np.eye(3) * dt
    Q = np.kron(np.array([[dt**3 / 3, dt**2 / 2], [dt**2 / 2, dt]]) * q, np.eye(3))
    return Estimate(estimate.mean @ F.T, F @ estimate.covariance @ F.T + Q)


def measured(estimate, z, R):
    H = np.eye(3, 6)
    S = H @ estimate.covariance @ H.T + R
    K = np.linalg.solve(S, H @ estimate.covariance).swapaxes(1, 2)
    mean = estimate.mean + np.einsum("nab,nb->na", K, z - estimate.mean[:, :3])
    return Estimate(mean, estimate.covariance - K @ S @ K.swapaxes(1, 2))


@dataclass
class Other:
    """Plots of every flight once a revisit, a Kalman filter for each, whose state is reported from the third on.

    noise: m^2/s^3, that it reckons with. boast: its errors are so many times what it says. until: s, of the last plot.
    """

    policy: TrackPolicy
    name: str = "other"
    revisit: float = 2.0
    offset: float = 0.4
    sigma: float = 50.0
    noise: float = 5.0
    boast: float = 1.0
    until: float = 1e9
    late: float = 0.0  # s from the time of a report to its arrival
    seed: int = 7
    known: dict = field(default_factory=dict)  # flight -> (s, hits, Estimate)

    def __post_init__(self):
        self.rng = np.random.default_rng(self.seed)  # so that others measure the same with it and without

    def look(self, flights, t, _):
        told = []
        for k, flight in enumerate(flights):
            z = flight.at(t) + self.rng.normal(size=3) * self.sigma
            if t > self.until:
                continue
            R = np.eye(3) * self.sigma**2
            if k in self.known:
                since, hits, state = self.known[k]
                state = measured(moved(state, t - since, self.noise), z[None], R)
            else:
                wide = np.diag([self.sigma**2] * 3 + [200.0**2] * 3)
                hits, state = 0, Estimate(np.concatenate((z, np.zeros(3)))[None], wide[None])
            self.known[k] = t, hits + 1, state
            if hits >= 2:
                told.append((k, state))
        if not told:
            return None
        mean = np.concatenate([state.mean for _, state in told])
        covariance = np.concatenate([state.covariance for _, state in told]) / self.boast**2
        return report(self, t, np.array([k for k, _ in told]), mean, covariance)


@dataclass
class Echo:
    """It measures nothing and tells us our own shown tracks, `late` s old, rounded, with numbers of its own.

    after: s, when it begins. With heights of its own it is not found out to be ours.
    """

    policy: TrackPolicy
    name: str = "echo"
    revisit: float = 1.0
    offset: float = 0.1
    late: float = 1.0
    after: float = 0.0
    higher: float = 0.0  # m, that it makes of our heights
    sky: object = None
    seen: list = field(default_factory=list)

    def look(self, flights, t, _):
        self.seen.append(self.sky.picture)
        old = [one for one in self.seen if one.time <= START + round((t - self.late) * 1e9)]
        if not old or t < self.after:
            return None
        shown = old[-1].tracks.take(old[-1].tracks.shown())
        mean, covariance = at(shown, old[-1].time)
        if not len(shown):
            return None
        mean[:, :3] += self.higher * mean[:, :3] / np.linalg.norm(mean[:, :3], axis=1)[:, None]
        return report(self, (old[-1].time - START) * 1e-9, 500 + shown.number, np.round(mean * 2) / 2, covariance)


def report(system, t, subject, mean, covariance):
    """Return what a system tells of its tracks at t s."""
    made = batch(Kind.TRACK, system.name, t, mean, covariance, revisit=system.revisit, subject=subject)
    return replace(made, policy=system.policy)
