"""What the sensors could have seen, from the true probabilities of detection; never from what a system made of it."""

from typing import NamedTuple

import numpy as np

from skywarden.geo.earth import ecef
from skywarden.model.place import F64, I64
from skywarden.score.case import Case
from skywarden.score.spans import NS

ENOUGH = 0.9  # probability; DESIGN 6
BLIND_RADIUS = 30_000.0  # m round a site
MINUTE = 60  # s
SURE = 1 - 1e-9  # a Pd of 1 is taken as this, so that its logarithm is finite


class Looks(NamedTuple):
    """The coverage table by target: rows of target k are begin[k] to begin[k + 1], in the order of time.

    second: (n,) since the case's start; sensor: (n,); missed: (n,) ln of the probability that nothing detects the
    target in that second: ln(1 - Pd) / revisit.
    """

    begin: I64
    second: I64
    sensor: I64
    missed: F64

    def of(self, target: int) -> slice:
        """Return the rows of a target (row of targets.json)."""
        return slice(int(self.begin[target]), int(self.begin[target + 1]))


def looks(given: Case) -> Looks | None:
    """Return the coverage table by target; None without one or without a list of sensors.

    A sensor looks 1/revisit times a second, so a target-second counts as that part of a look.
    """
    table = given.coverage
    if table is None or not given.sensors:
        return None
    order = np.argsort(table.target, kind="stable")
    revisit = np.array([sensor.revisit_s for sensor in given.sensors])
    sensor = table.sensor[order].astype(np.int64)
    missed = np.log1p(-np.minimum(table.pd[order].astype(np.float64), SURE)) / revisit[sensor]
    begin = np.searchsorted(table.target[order], np.arange(len(given.targets) + 1))
    return Looks(begin.astype(np.int64), table.second[order].astype(np.int64), sensor, missed)


def detected(table: Looks, target: int, before: float) -> tuple[float, float]:
    """Return the probability that at least one look, and that at least two sensors, detect a target before a time.

    before: s since the start. P1 = 1 - prod over sensors (1 - P), P = 1 - prod over seconds (1 - Pd)^(1/revisit);
    P2 = P1 - sum over sensors of P prod over the others (1 - P).
    """
    rows = table.of(target)
    end = rows.start + int(np.searchsorted(table.second[rows], before, "left"))
    if end == rows.start:
        return 0.0, 0.0
    _, which = np.unique(table.sensor[rows.start : end], return_inverse=True)
    missed = np.bincount(which, table.missed[rows.start : end])
    nobody = float(np.exp(missed.sum()))
    only_one = float(np.sum(-np.expm1(missed) * np.exp(missed.sum() - missed)))
    return 1 - nobody, max(1 - nobody - only_one, 0.0)


def first_covered(table: Looks, target: int) -> int | None:
    """Return the second (since the start) by which at least one look has detected a target with P >= 0.9, or None."""
    rows = table.of(target)
    over = np.flatnonzero(np.cumsum(table.missed[rows]) <= np.log(1 - ENOUGH) + 1e-12)
    return int(table.second[rows][over[0]]) if len(over) else None


class Blind(NamedTuple):
    """One site. seconds: target-seconds of raid targets near it; blind: those of them that were not watched."""

    site: int
    seconds: float
    blind: float


def blind(given: Case, table: Looks) -> list[Blind]:
    """Return for each site how much of the raid near it was not watched.

    Near: within BLIND_RADIUS, level. Not watched: the probability that at least one look detected the target in the
    60 s up to this second is under ENOUGH.
    """
    places = [ecef(np.radians(site.latitude), np.radians(site.longitude), 0.0) for site in given.sites]
    seconds, unwatched = np.zeros(len(places)), np.zeros(len(places))
    rows_of = given.target_rows()
    order = np.lexsort((given.truth.time, given.truth.id))
    begin = np.searchsorted(given.truth.id[order], np.arange(len(given.truth.names) + 1))
    for name, row in enumerate(rows_of.tolist()):
        if row < 0 or not given.targets[row].raid:
            continue
        points = order[begin[name] : begin[name + 1]]
        second = (given.truth.time[points] - given.start) // NS
        dark = in_last_minute(table, row, second) < ENOUGH
        for site, place in enumerate(places):
            close = np.linalg.norm(given.below[points] - place, axis=1) <= BLIND_RADIUS
            seconds[site] += close.sum()
            unwatched[site] += (close & dark).sum()
    return [Blind(site, seconds[site], unwatched[site]) for site in range(len(places))]


def in_last_minute(table: Looks, target: int, second: I64) -> F64:
    """Return (n,) the probability of at least one detection in the 60 whole seconds up to and with each `second`."""
    if not len(second):
        return np.empty(0)
    rows = table.of(target)
    first = int(min(second.min() - MINUTE, table.second[rows.start] if rows.stop > rows.start else 0))
    length = int(second.max()) - first + 2
    within = table.second[rows] - first < length - 1
    each = np.bincount(table.second[rows][within] - first, table.missed[rows][within], length)
    total = np.r_[0.0, np.cumsum(each)]
    at = second - first + 1
    return np.asarray(-np.expm1(total[at] - total[np.maximum(at - MINUTE, 0)]))
