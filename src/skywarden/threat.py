"""Which track could reach which site, when, and how likely: straight ahead, with a stated spread of futures.

The model. A track flies on at its present velocity. Its true velocity wanders around that: a zero-mean
Ornstein-Uhlenbeck process, level, with standard deviation `wander_ratio` x speed and correlation time
`wander_time_s`. So the spread of its place grows with t^1.5 at first and with the square root of t later, and stays
in proportion to the distance flown. Added to it: the track's own covariance, carried forward. Everything is
first-order and is worked out in the level plane (east, north) of the site; docs/alerts.md shows it with figures.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from skywarden.geo import east_north_up, ecef
from skywarden.model.assessment import Category, Identity, Threat
from skywarden.model.place import F64, I64, Site
from skywarden.model.track import TrackKind, Tracks

SLOWEST = 1.0  # m/s; slower than this a track comes from nowhere and goes nowhere
GATE = 3.0  # standard deviations; what passes further outside the radius has a probability under 0.002
NODES = 8  # points of the passing distance at which the arrival is worked out
ALERTING = (Category.SUSPECT, Category.HOSTILE)


class ThreatSettings(Protocol):
    """What this stage needs of alert.AlertSettings; see there."""

    @property
    def alert_on(self) -> str: ...
    @property
    def horizon_s(self) -> float: ...
    @property
    def floor_probability(self) -> float: ...
    @property
    def wander_ratio(self) -> float: ...
    @property
    def wander_time_s(self) -> float: ...


class _Pairs(NamedTuple):
    """k pairs of a track and a site. Level plane of the site: m, m/s, east and north; mean at the picture's time.

    track, site: (k,) rows. offset, velocity: (k, 2). axes: (k, 2, 3) ECEF -> east, north. since: (k,) s since the
    track's update. covariance: (k, 6, 6) at that update. radius, horizon: (k,) m, s. vague: (k,) bool, of the track
    only a wide region is known.
    """

    track: I64
    site: I64
    offset: F64
    velocity: F64
    axes: F64
    since: F64
    covariance: F64
    radius: F64
    horizon: F64
    vague: NDArray[np.bool_]


def evaluate(
    tracks: Tracks, identities: tuple[Identity, ...], time: int, sites: Sequence[Site], settings: ThreatSettings
) -> tuple[Threat, ...]:
    """Return a Threat for each shown track and site it could reach, in the order of the sites, then of track numbers.

    time: ns. Left out: probability under `floor_probability`, arrival after the horizon (`horizon_s`, or twice the
    site's lead time where that is longer), and what moves away or under 1 m/s, unless it is inside the radius.
    Inside the radius arrival is 0 and probability 1, unless only a wide region is known of the track (`TrackKind`): the
    middle of that is no place, and only probabilities count. Otherwise arrival is that of the futures that pass within
    the radius: to its edge and, when the straight line passes outside, in effect to closest approach.
    """
    counted = _counted(tracks, identities, settings.alert_on)
    if not len(counted) or not sites:
        return ()
    pairs = _near(tracks, counted, time, sites, settings)
    found = _passages(pairs, settings)
    keep = np.flatnonzero((found[:, 4] >= settings.floor_probability) & (found[:, 0] <= pairs.horizon))
    number = tracks.number[pairs.track]
    keep = keep[np.lexsort((number[keep], pairs.site[keep]))]
    names = [site.name for site in sites]
    rows = zip(*(column[keep].tolist() for column in (number, pairs.site, found, pairs.vague)), strict=True)
    return tuple(
        Threat(track, names[site], arrival, arrival_sigma, miss, miss_sigma, probability, wide)
        for track, site, (arrival, arrival_sigma, miss, miss_sigma, probability), wide in rows
    )


def _counted(tracks: Tracks, identities: tuple[Identity, ...], alert_on: str) -> I64:
    """Return the rows of the tracks that may raise an alert."""
    shown = tracks.shown()
    if alert_on == "suspect":
        suspect = [identity.track for identity in identities if identity.category in ALERTING]
        shown &= np.isin(tracks.number, suspect)
    return np.flatnonzero(shown)


def _near(tracks: Tracks, rows: I64, time: int, sites: Sequence[Site], settings: ThreatSettings) -> _Pairs:
    """Return the pairs that can matter: near enough, and inside the radius or on a way that may lead there."""
    place = np.radians([(site.latitude, site.longitude) for site in sites])
    centre = ecef(place[:, 0], place[:, 1], np.array([site.height_m for site in sites]))
    axes = east_north_up(place[:, 0], place[:, 1])[:, :2]
    radius = np.array([site.radius_m for site in sites])
    horizon = np.array([max(settings.horizon_s, 2 * site.lead_time_s) for site in sites])
    since = np.asarray((time - tracks.time[rows]) * 1e-9, float)
    velocity = tracks.mean[rows, 3:]
    position = tracks.mean[rows, :3] + velocity * since[:, None]
    speed = np.sqrt((velocity**2).sum(1))
    spread = np.sqrt(np.trace(tracks.covariance[rows, :3, :3], axis1=1, axis2=2))
    drift = np.sqrt(np.trace(tracks.covariance[rows, 3:, 3:], axis1=1, axis2=2))
    drift = np.hypot(drift, settings.wander_ratio * speed)  # an upper bound: as if it never came back

    # A gate in three dimensions, straight through the Earth: in the level plane alone the antipodes are overhead.
    apart2 = position @ (-2 * centre.T)
    apart2 += (position**2).sum(1)[:, None]
    apart2 += (centre**2).sum(1)
    reach = np.outer(speed, horizon)
    reach += GATE * spread[:, None] + radius
    pair = np.flatnonzero(apart2 <= np.square(reach, out=reach))
    i, j = np.divmod(pair, len(sites))
    u, v = (np.take(velocity @ axes[:, axis].T, pair) for axis in (0, 1))
    x, y = (np.take(position @ axes[:, axis].T, pair) - (centre * axes[:, axis]).sum(1)[j] for axis in (0, 1))
    toward = -(x * u + y * v)
    slowly = np.maximum(u * u + v * v, SLOWEST**2)
    blur = GATE * (spread[i] + drift[i] * (since[i] + np.maximum(toward, 0) / slowly))
    inside = x * x + y * y <= radius[j] ** 2
    passes = np.abs(x * v - y * u) <= (radius[j] + blur) * np.sqrt(slowly)
    vague, moves = tracks.kind[rows[i]] != TrackKind.POINT, u * u + v * v >= SLOWEST**2
    keep = np.flatnonzero((inside & (moves | ~vague)) | (moves & (toward > 0) & passes))
    offset, level = np.stack([x[keep], y[keep]], 1), np.stack([u[keep], v[keep]], 1)
    i, j = i[keep], j[keep]
    spread, site, vague = tracks.covariance[rows[i]], (radius[j], horizon[j]), vague[keep]
    return _Pairs(rows[i], j, offset, level, axes[j], since[i], spread, *site, vague)


def _passages(pairs: _Pairs, settings: ThreatSettings) -> F64:
    """Return (k, 5): arrival s, its sigma s, miss m, its sigma m, probability of passing within the radius."""
    squared = (pairs.velocity**2).sum(1)
    speed = np.sqrt(np.maximum(squared, SLOWEST**2))
    heading = pairs.velocity / speed[:, None]
    left = np.stack([-heading[:, 1], heading[:, 0]], axis=1)
    ahead = -(pairs.offset * heading).sum(1)  # m to closest approach
    miss = (pairs.offset * left).sum(1)  # m, signed: left of the way is positive
    inside = ((pairs.offset**2).sum(1) <= pairs.radius**2) & ~pairs.vague
    closest = np.maximum(ahead, 0) / speed
    edge = np.maximum(ahead - np.sqrt(np.maximum(pairs.radius**2 - miss**2, 0)), 0) / speed

    # How miss and time to closest approach change with the track's position and velocity (ECEF).
    heading_ecef = np.einsum("kab,ka->kb", pairs.axes, heading)
    left_ecef = np.einsum("kab,ka->kb", pairs.axes, left)
    of_miss = np.hstack([left_ecef, (closest + pairs.since)[:, None] * left_ecef])
    turning = (edge + pairs.since)[:, None] * heading_ecef + (miss / speed)[:, None] * left_ecef
    of_time = -np.hstack([heading_ecef, turning]) / speed[:, None]
    by_miss = np.einsum("ki,kij->kj", of_miss, pairs.covariance)
    by_time = np.einsum("ki,kij->kj", of_time, pairs.covariance)
    wander = settings.wander_ratio * speed
    miss_var = (by_miss * of_miss).sum(1) + wander**2 * _grown(closest + pairs.since, settings.wander_time_s)
    time_var = (by_time * of_time).sum(1) + (wander / speed) ** 2 * _grown(edge + pairs.since, settings.wander_time_s)
    miss_sigma = np.sqrt(np.maximum(miss_var, 1e-6))
    probability, arrival, arrival_var = _arrivals(
        np.stack([miss, miss_sigma, pairs.radius, speed, (by_miss * of_time).sum(1)])
    )
    arrival = np.maximum(arrival + ahead / speed, 0)
    arrival_sigma = np.sqrt(np.maximum(time_var + arrival_var, 0))
    nearest = np.where(ahead > 0, np.abs(miss), np.sqrt((pairs.offset**2).sum(1)))
    return np.stack(
        [
            np.where(inside, 0.0, arrival),
            np.where(inside, 0.0, arrival_sigma),
            nearest,
            miss_sigma,
            np.where(inside, 1.0, probability),
        ],
        axis=1,
    )


def _arrivals(passing: F64) -> tuple[F64, F64, F64]:
    """Return probability, and mean s and variance s^2 that where the radius is crossed adds to the arrival.

    passing (5, k): miss and its sigma m, radius m, speed m/s, covariance of miss and time m s. The miss of the futures
    that come within the radius is a normal distribution cut off at both ends; NODES points of equal probability.
    The mean is measured from closest approach; the variance replaces the share that miss has in the time's.
    """
    miss, sigma, radius, speed, shared = passing
    side = np.where(miss < 0, -1.0, 1.0)
    # On the lower side of the normal distribution, where small probabilities keep their digits.
    low, high = ndtr((-radius - np.abs(miss)) / sigma), ndtr((radius - np.abs(miss)) / sigma)
    probability = high - low
    share = (np.arange(NODES) + 0.5) / NODES
    level = np.clip(low + share[:, None] * probability, 1e-300, 1 - 1e-16)
    deviation = side * sigma * ndtri(level)
    crossing = np.clip(miss + deviation, -radius, radius)
    slope = shared / sigma**2
    time = slope * deviation - np.sqrt(radius**2 - crossing**2) / speed
    return probability, time.mean(0), time.var(0) - slope * shared


def _grown(time: F64, correlation: float) -> F64:
    """Return s^2: variance of the place per variance of the velocity, `time` s after both were known.

    Source: integral of an Ornstein-Uhlenbeck velocity from rest, Gillespie 1996, equation 2.14b.
    """
    x = time / correlation
    return np.asarray(correlation**2 * np.maximum(2 * x - 3 + 4 * np.exp(-x) - np.exp(-2 * x), 0))
