"""Leaves with an ear block for tests: eleven numbers, and slow plain twins of what becomes of them."""

from typing import NamedTuple

import numpy as np
from filter_memory import NOW, SITE, State, put
from scipy.optimize import brentq

from skywarden.model.place import F64
from skywarden.track.pool import Memory

TONE, EAST, NORTH, SPEED, TURN = range(6, 11)
SIGMAS = np.array([40.0] * 3 + [4.0] * 3 + [0.01, 3.0, 3.0, 3.0, 0.03])


class Whole(NamedTuple):
    """mean (2, 11), covariance (2, 11, 11) of a leaf's state and ear block."""

    mean: F64
    covariance: F64


def someone(rng: np.random.Generator, away: float = 3e3) -> Whole:
    """Return somebody who flies about `away` m from SITE and was heard."""
    bearing, heading = rng.uniform(-np.pi, np.pi, 2)
    place = SITE.position + away * np.array([np.sin(bearing), np.cos(bearing), 0.2]) @ SITE.rotation
    velocity = rng.uniform(30.0, 90.0) * np.array([np.sin(heading), np.cos(heading), 0.05]) @ SITE.rotation
    block = [np.log(rng.uniform(80.0, 200.0)), *rng.normal(size=2) * 5.0, 340.0 + 5.0 * rng.normal(), 0.0]
    mean = np.tile(np.concatenate([place, velocity, block]), (2, 1))
    mean[1] += rng.normal(size=11) * SIGMAS * 0.3
    mean[1, TURN] = rng.normal() * 0.05
    root = rng.normal(size=(2, 11, 11)) * SIGMAS[:, None] / 3.0
    P = root @ root.swapaxes(1, 2) + 0.1 * np.diag(SIGMAS**2)
    P[0, TURN], P[0, :, TURN] = 0.0, 0.0
    P[0, TURN, TURN] = 0.05**2
    return Whole(mean, P)


def place(
    memory: Memory, whole: Whole, time: int = NOW, heard: int = NOW, weight: tuple[float, float] = (0.7, 0.3)
) -> int:
    """Add a leaf with an ear block and its target; return its row."""
    row = put(memory, State(whole.mean[:, :6], whole.covariance[:, :6, :6], weight), time)
    leaf = memory.leaves[row]
    leaf.ear[:], leaf.tail[:], leaf.heard = whole.mean[:, 6:], whole.covariance[:, 6:], heard
    return row


def whole_of(memory: Memory, row: int) -> Whole:
    """Return all eleven of a leaf."""
    leaf = memory.leaves[row]
    mean, tail = np.concatenate([leaf["mean"], leaf["ear"]], 1), leaf["tail"]
    P = np.zeros((2, 11, 11))
    P[:, :6, :6], P[:, 6:] = leaf["covariance"], tail
    P[:, :6, 6:] = tail[:, :, :6].swapaxes(1, 2)
    return Whole(mean, P)


def vertical(x: F64) -> F64:
    """Return the local up at an ECEF position."""
    n = x[:3] / [1.0, 1.0, 1.0 - 0.0066943799901413165]
    return np.asarray(n / np.linalg.norm(n))


def flown(x: F64, turn: float, dt: float, up: F64) -> F64:
    """Return a state (6,) dt s later on a circle to the right, by the matrix of the turn; dt may be negative."""
    climb = up * (up @ x[3:])
    level, right = x[3:] - climb, np.cross(x[3:], up)
    fall = level @ level / np.sqrt(x[:3] @ x[:3] + 1.0) * up
    angle = turn * dt
    ahead = np.sin(angle) / turn if turn else dt
    aside = (1.0 - np.cos(angle)) / turn if turn else 0.0
    there = x[:3] + ahead * level + aside * right + dt * climb - 0.5 * dt * dt * fall
    return np.concatenate([there, np.cos(angle) * level + np.sin(angle) * right + climb - dt * fall])


class Sound(NamedTuple):
    """delay: s; z (4,): range, azimuth, elevation of where a sound seems to come from, ln of its tone."""

    delay: float
    z: F64


def sounds(whole: F64, age: float, steep: float = 0.0) -> Sound:
    """Return what SITE hears of a target whose eleven numbers are `age` s old. steep: m/s, wind upwards."""
    wind = np.array([whole[EAST], whole[NORTH], steep]) @ SITE.rotation
    up = vertical(whole)

    def seems(tau: float) -> tuple[F64, F64]:
        x = flown(whole[:6], float(whole[TURN]), age - tau, up)
        return x[:3] + tau * wind - SITE.position, x[3:]

    tau = brentq(lambda t: np.linalg.norm(seems(t)[0]) - whole[SPEED] * t, 0.0, 200.0, xtol=1e-13, rtol=1e-14)
    r, v = seems(tau)
    e = SITE.rotation @ r
    away = np.linalg.norm(e)
    n = r / away
    tone = whole[TONE] - np.log(1.0 + n @ v / (whole[SPEED] - n @ wind))
    return Sound(tau, np.array([away, np.arctan2(e[0], e[1]), np.arcsin(e[2] / away), tone]))


def slopes_of(of, at: F64, steps: F64) -> F64:
    """Return the derivative of a function of a vector, by differences; columns go with the vector."""
    return np.stack([(of(at + h) - of(at - h)) / (2.0 * h.sum()) for h in np.diag(steps)], -1)
