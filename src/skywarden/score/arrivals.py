"""How far arrival forecasts can be trusted: coverage of their intervals, their loss, and their probabilities.

A forecast is judged by its own horizon. Binned by the true time to go, even an ideal forecast looks bad: those moments
are chosen by how it ended (docs/scoring.md).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from skywarden.model.place import F64, I64
from skywarden.score.case import Case, entries
from skywarden.score.notices import LEVELS, Forecasts
from skywarden.score.spans import NS

HORIZONS = (60.0, 120.0, 300.0, 600.0, 1200.0)  # s
INTERVALS = {0.5: (2, 4), 0.8: (1, 5), 0.95: (0, 6)}  # nominal coverage -> columns of LEVELS
NEAREST = 0.5  # part of the horizon; a forecast whose median is under it already belongs to a shorter one
BINS = 10  # of probability


class Settled(NamedTuple):
    """One forecast for each (track, site, horizon), with what became of it. All (n,), quantiles (n, 7) s.

    horizon: row of HORIZONS. wait: true s from the forecast to arrival, NaN if it never came. known: False where it is
    not known whether it would have come (the target still flew when the case ended), or whose track it is.
    block: a number for each (track, site), for the bootstrap.
    """

    horizon: I64
    probability: F64
    quantiles: F64
    wait: F64
    known: F64
    block: I64


def sampled(given: Forecasts) -> tuple[I64, I64]:
    """Return rows of forecasts and their horizons: one for each track, site and horizon.

    It is the first one whose median is at most the horizon, if it is still more than half of it. Such a moment is
    chosen by what was known then, so an ideal forecast keeps its coverage; the one "nearest to the horizon" is not.
    """
    if not len(given.time):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    key = np.r_[True, (np.diff(given.track) != 0) | (np.diff(given.site) != 0)]
    group = np.cumsum(key) - 1
    median = given.quantiles[:, LEVELS.index(0.5)]
    rows, horizons = [], []
    for number, horizon in enumerate(HORIZONS):
        below = np.flatnonzero(median <= horizon)
        _, first = np.unique(group[below], return_index=True)
        chosen = below[first]
        chosen = chosen[median[chosen] > NEAREST * horizon]
        rows.append(chosen)
        horizons.append(np.full(len(chosen), number, np.int64))
    return np.concatenate(rows), np.concatenate(horizons)


def settled(given: Case, owner: I64) -> Settled:
    """Return the sampled forecasts of a case with their outcomes. owner: target of each track (nearby.target_of).

    A track is found in alerts.csv and tracks.csv by its name. A forecast after its target's first entry into the site
    is about something that has happened, and is not known.
    """
    table = given.forecasts
    rows, horizon = sampled(table)
    names = {name: row for row, name in enumerate(given.tracks.names)}
    number = np.array([names.get(name, -1) for name in table.tracks], np.int64)
    target_of = np.append(owner, -1)[number] if len(number) else np.empty(0, np.int64)
    target = target_of[table.track[rows]] if len(rows) else np.empty(0, np.int64)
    came = entries(given)
    at = dict(zip(zip(came.target.tolist(), came.site.tolist(), strict=True), came.time.tolist(), strict=True))
    pairs = zip(target.tolist(), table.site[rows].tolist(), strict=True)
    arrival = np.array([at.get(pair, -1) for pair in pairs], np.int64)
    wait = np.where(arrival >= 0, (arrival - table.time[rows]) / NS, np.nan)
    last = np.full(len(given.truth.names) + 1, np.iinfo(np.int64).max)
    last[: len(given.truth.names)] = _last_seen(given)
    flies_on = (arrival < 0) & (last[target] >= given.span()[1])
    known = (target >= 0) & ~flies_on & ~(wait < 0)
    _, block = np.unique(table.track[rows] * (len(given.sites) + 1) + table.site[rows], return_inverse=True)
    return Settled(horizon, table.probability[rows], table.quantiles[rows], wait, known.astype(float), block)


def _last_seen(given: Case) -> I64:
    last = np.zeros(len(given.truth.names), np.int64)
    np.maximum.at(last, given.truth.id, given.truth.time)
    return last


class Calibration(NamedTuple):
    """One horizon and interval. nominal: 0.5, 0.8, 0.95; inside: part of the arrivals in it; arrived: how many."""

    horizon: float
    nominal: float
    inside: float
    arrived: int


def calibration(found: Settled) -> list[Calibration]:
    """Return the coverage of the 50, 80 and 95 % intervals at each horizon, over forecasts whose target arrived."""
    result = []
    for number, horizon in enumerate(HORIZONS):
        rows = (found.horizon == number) & (found.known > 0) & ~np.isnan(found.wait)
        for nominal in INTERVALS:
            hits = inside(found.quantiles[rows], found.wait[rows], nominal)
            result.append(Calibration(horizon, nominal, float(hits.mean()) if len(hits) else np.nan, len(hits)))
    return result


def inside(quantiles: F64, wait: F64, nominal: float) -> F64:
    """Return (n,) 1 where the wait (n,) is in the interval of a nominal coverage, else 0. quantiles: (n, 7) s."""
    low, high = INTERVALS[nominal]
    return ((wait >= quantiles[:, low]) & (wait <= quantiles[:, high])).astype(float)


def pinball(quantiles: F64, wait: F64, levels: Sequence[float] = LEVELS) -> F64:
    """Return (n, q) pinball losses, s. Source: Koenker, Bassett 1978; Gneiting, Raftery 2007, section 6.1."""
    over = wait[:, None] - quantiles
    level = np.asarray(levels)
    return np.asarray(np.maximum(level * over, (level - 1) * over))


def ranked_score(quantiles: F64, wait: F64) -> F64:
    """Return (n,) continuous ranked probability scores, s: 2 times the integral of the pinball loss over the levels.

    The integral is a sum over seven levels, each with the part of [0, 1] that is nearest to it. Source: Gneiting,
    Raftery 2007, section 4.2; Laio, Tamea 2007, equation 8.
    """
    level = np.asarray(LEVELS)
    edges = np.r_[0.0, (level[1:] + level[:-1]) / 2, 1.0]
    return np.asarray(2 * pinball(quantiles, wait) @ np.diff(edges))


class Reliability(NamedTuple):
    """One bin of probability. said: mean of its forecasts; happened: part that arrived; forecasts: how many."""

    said: float
    happened: float
    forecasts: int


def reliability(found: Settled) -> list[Reliability]:
    """Return what was said and what happened in BINS bins of probability; empty bins are left out.

    Source: Murphy, Winkler 1977. One forecast for each track, site and horizon; those that are not known are left out.
    """
    rows = found.known > 0
    said, came = found.probability[rows], ~np.isnan(found.wait[rows])
    bin_of = np.minimum((said * BINS).astype(np.int64), BINS - 1)
    result = []
    for number in range(BINS):
        of = bin_of == number
        if of.any():
            result.append(Reliability(float(said[of].mean()), float(came[of].mean()), int(of.sum())))
    return result


def brier(found: Settled) -> float:
    """Return the mean squared error of the probabilities, NaN without known forecasts. Source: Brier 1950."""
    rows = found.known > 0
    if not rows.any():
        return np.nan
    return float(np.mean((found.probability[rows] - ~np.isnan(found.wait[rows])) ** 2))
