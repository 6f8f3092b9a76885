"""Slow twins of what is reckoned with beginnings: a flight and a clap, node by node."""

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

from skywarden.model.place import F64
from skywarden.track.audible import FAINT, Hearing
from skywarden.track.claps import DETECTION, FADING, LOUDEST, SIGMA
from skywarden.track.flights import Flights
from skywarden.track.lines import FADES, REPORTED, SUDDEN, WINDOW, Onsets


def flown(onsets: Onsets, table: Flights, s: int, hearing: Hearing) -> F64:
    """Return (6,) where flight s is when the first node begins to hear it, found from where its sound left."""
    reach = table.reach[s] * onsets.reach[0]
    height = min(table.height[s], 0.9 * reach)
    way = np.array([table.sine[s], table.cosine[s]])
    right = np.array([way[1], -way[0]])
    side = table.side[s] * reach
    ahead = np.sqrt(max(reach**2 - side**2 - height**2, 0.0))
    left = onsets.place[0, :2] - ahead * way + side * right
    now = left + table.speed[s] * way * reach / hearing.sound
    return np.array([*now, onsets.place[0, 2] + height, *(table.speed[s] * way), 0.0])


def away(place: F64, line: F64, after: float, sound: float) -> float:
    """Return m that the sound went that comes `after` s on."""
    d = line[:3] + after * line[3:] - place
    tau = brentq(lambda t: np.linalg.norm(d - line[3:] * t) - sound * t, 0.0, 4 * np.linalg.norm(d) / 90.0, xtol=1e-13)
    return sound * tau


def nearing(place: F64, line: F64, after: float, sound: float) -> float:
    """Return m/s by which that way shrinks: the same root a complex step later, after two steps of Newton."""
    tau, step = complex(away(place, line, after, sound) / sound), 1e-30
    for _ in range(3):
        e = line[:3] + (after + 1j * step) * line[3:] - place - line[3:] * tau
        tau -= (e @ e - (sound * tau) ** 2) / (-2.0 * (e @ line[3:]) - 2.0 * sound**2 * tau)
    return -sound * tau.imag / step


def passes(place: F64, line: F64) -> float:
    """Return m by which a flight passes."""
    d, v = line[:3] - place, line[3:]
    return float(np.linalg.norm(d - v * (d @ v) / (v @ v)))


def chance(distance: float, reach: float, detection: float, spread: float) -> float:
    """Return the chance to hear, none beyond three sigmas."""
    z = np.log(max(distance, 1.0) / reach) / spread
    return float(detection * norm.cdf(-z)) if z <= FAINT else 0.0


def begun_by(place: F64, line: F64, after: float, reach: float, hearing: Hearing) -> float:
    """Return the probability that a node has begun to hear a flight until `after` s on."""
    nears = nearing(place, line, after, hearing.sound) > 0.0
    far = away(place, line, after, hearing.sound) if nears else passes(place, line)
    return chance(far, reach, hearing.detection, hearing.spread)


def density(place: F64, line: F64, after: float, reach: float, hearing: Hearing) -> float:
    """Return 1/s at which a node begins to hear a flight."""
    rate = nearing(place, line, after, hearing.sound)
    far = away(place, line, after, hearing.sound)
    z = np.log(far / reach) / hearing.spread
    if rate <= 0.0 or z > FAINT:
        return 0.0
    return float(hearing.detection * norm.pdf(z) / (hearing.spread * far) * rate)


def lasts(onsets: Onsets, j: int, line: F64, sound: float) -> float:
    """Return the likelihood ratio of whether a node still hears."""
    at = onsets.begun[j] - onsets.begun[0]
    gone = min(onsets.quiet[j], -REPORTED) - onsets.begun[j]
    if gone <= 0:
        return 1.0
    false = np.exp(-gone / onsets.lasts[j])
    first, last = (away(onsets.place[j], line, at + t, sound) for t in (0.0, gone))
    nears = nearing(onsets.place[j], line, at + gone, sound) > 0.0
    on = 1.0 if nears else chance(last, first, 1.0, FADES)
    on = SUDDEN * false + (1 - SUDDEN) * on
    return on / false if onsets.still[j] else (1 - on) / max(1 - false, 1e-9)


def node(onsets: Onsets, j: int, line: F64, hearing: Hearing) -> tuple[float, float]:
    """Return a node's likelihood ratio of a flight, and the probability that it began by it."""
    heard = onsets.begun[j] >= -WINDOW
    until, at = onsets.begun[j] if heard else onsets.quiet[j], onsets.begun[0]
    if until <= onsets.free[j] or passes(onsets.place[j], line) > onsets.reach[j] * np.exp(FAINT * hearing.spread):
        return 1.0, 0.0
    place, reach = onsets.place[j], onsets.reach[j]
    missed = 1.0 - begun_by(place, line, until - at, reach, hearing)
    free = 1.0
    if onsets.free[j] > -WINDOW:
        free = max(1.0 - begun_by(place, line, onsets.free[j] - at, reach, hearing), missed)
    if not heard:
        return missed / free, 0.0
    by = density(place, line, until - at, reach, hearing) / onsets.rate[j]
    by *= lasts(onsets, j, line, hearing.sound) if by > 0 else 1.0
    return (by + missed) / free, by / (by + missed)


def compared(onsets: Onsets, table: Flights, hearing: Hearing) -> tuple[F64, F64]:
    """Return the ratio of each flight (s,), and how likely each node began by each, (s, k)."""
    count = len(table.speed)
    lines = [flown(onsets, table, s, hearing) for s in range(count)]
    told = np.array([[node(onsets, j, line, hearing) for j in range(1, len(onsets.begun))] for line in lines])
    return told[:, :, 0].prod(axis=1), np.hstack([np.ones((count, 1)), told[:, :, 1]])


def clapped(onsets: Onsets, table: F64, sound: float) -> tuple[F64, F64]:
    """Return the ratio of claps from all places (s,), and how likely each node began by each, (s, k)."""
    ratios, shares = np.ones(len(table)), np.zeros((len(table), len(onsets.begun)))
    shares[:, 0] = 1.0
    for s, j in np.ndindex(len(table), len(onsets.begun)):
        if j == 0:
            continue
        far = np.linalg.norm(onsets.place[j, :2] - table[s])
        at = onsets.begun[0] + (far - np.linalg.norm(table[s])) / sound
        if onsets.free[j] > at - SIGMA:
            continue
        began = onsets.begun[j] >= -WINDOW
        pd = DETECTION * norm.cdf(-np.log(max(far, 1.0) / LOUDEST) / FADING)
        off = (onsets.begun[j] if began else onsets.quiet[j]) - at
        missed = 1.0 - pd * norm.cdf(off / SIGMA)
        by = pd * norm.pdf(off, 0.0, SIGMA) / onsets.rate[j] if began else 0.0
        ratios[s] *= missed + by
        shares[s, j] = by / (missed + by)
    return ratios, shares


def summed(ratios: F64, shares: F64, few: float = 0.0) -> tuple[float, F64, F64]:
    """Return the mean of ratios (s,), their weights, and the share of each node by those with a weight of `few`."""
    weight = ratios / ratios.sum()
    return float(ratios.mean()), weight, np.where(weight < few, 0.0, weight) @ shares
