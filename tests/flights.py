"""Tracks that fly where a test wants them: states in the level plane of a site."""

import numpy as np

from skywarden.geo import east_north_up, ecef
from skywarden.model.place import Site
from skywarden.model.threats import Threats
from skywarden.model.track import Status, Tracks

SECOND = 1_000_000_000
TIME = 1_800_000_000 * SECOND
LEVEL_NOISE = 5.0  # m^2/s^3
PLANT = Site(name="plant", latitude=36.30, longitude=-33.10, radius_m=3000.0)


def flying(*states, sites_at=PLANT, sigma=(1.0, 1e-3), status=Status.CONFIRMED, time=TIME):
    """Return tracks that are (east, north, up m, velocity east, north, up m/s) from a site."""
    state = np.array(states, float).reshape(-1, 6)
    at = np.radians([sites_at.latitude, sites_at.longitude])
    axes = east_north_up(*at)
    mean = np.hstack([ecef(*at, sites_at.height_m) + state[:, :3] @ axes, state[:, 3:] @ axes])
    n = len(mean)
    covariance = np.diag([sigma[0] ** 2] * 3 + [sigma[1] ** 2] * 3)[None].repeat(n, axis=0)
    zero, flat, pair = np.zeros(n, np.int64), np.zeros(n), np.zeros((n, 4), np.int64)
    label = np.arange(1, n + 1)
    when, each, noise = np.full(n, time), np.full(n, status, np.int8), np.full(n, LEVEL_NOISE)
    state = (label, label, each, when, when, mean, covariance, noise)
    books = {"address": zero, "seen_by": pair, "seen_at": pair, "since": when, "kind": np.zeros(n, np.int8)}
    return Tracks(*state, born=when, hits=zero, existence=flat, revisit=flat, **books)


def listed(*threats, time=TIME, sites=(PLANT,)):
    """Return threats as the picture keeps them, all judged at `time`."""
    names = tuple(site.name for site in sites)
    rows = sorted((names.index(one.site), one.track, one) for one in threats)
    site, track, each = zip(*rows, strict=True) if rows else ((), (), ())
    whole = [np.array(values, np.int64) for values in (track, site, [time] * len(rows))]
    chance, miss = (np.array([getattr(one, name) for one in each], float) for name in ("probability", "miss"))
    times, vague = np.array([one.times for one in each]).reshape(-1, 7), np.array([one.vague for one in each], bool)
    stake = np.array([one.stake for one in each], float)
    return Threats(Threats().judged, names, *whole, chance, times, miss, vague, stake)
