"""Attacks: every true entry of a raid target into a site, and what became of it, in exactly one class."""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.model.place import F64, I64
from skywarden.score.case import Case, Entries, entries
from skywarden.score.covered import ENOUGH, Looks, detected, looks
from skywarden.score.nearby import Near, step_s, target_of
from skywarden.score.spans import NS, since

TRACKED_S = 10.0  # s within the limit, by one track number, before it counts as tracked


class Fate(IntEnum):
    """What became of an attack. The worst that comes first of three is why it was not warned of in time.

    UNKNOWN: there is no table of alerts.
    """

    UNKNOWN = -1
    NOT_COVERED = 0
    NOT_TRACKED = 1
    LATE = 2
    IN_TIME = 3


class Attacks(NamedTuple):
    """All attacks of a case, sorted by arrival. All (n,).

    target: row of truth.names; site: row of sites.json; arrival: ns; need: s, the site's lead time.
    covered, twice: probability that at least one look, and at least two sensors, detect it before arrival - need; NaN
    without a coverage table. tracked: bool. lead: s for which alerts of the site had stood at arrival, NaN if
    none stood. own: s from the first alert of one of its own tracks to arrival, NaN if there was none. fate: of Fate.
    Without a table of alerts all leads are NaN and all fates UNKNOWN.
    """

    target: I64
    site: I64
    arrival: I64
    need: F64
    covered: F64
    twice: F64
    tracked: NDArray[np.bool_]
    lead: F64
    own: F64
    fate: I64

    def rate(self, fate: Fate) -> float:
        """Return the part of the attacks with a fate, NaN without attacks."""
        return float(np.mean(self.fate == fate)) if len(self.fate) else np.nan

    def missed(self) -> float:
        """Return the part of the attacks that were not warned of in time, NaN without attacks."""
        return 1 - self.rate(Fate.IN_TIME)


def attacks(given: Case, pairs: Near) -> Attacks:
    """Return all attacks of a case.

    pairs: tracks near targets within the limit c (nearby.near). An attack is a raid target whose true path enters a
    site's radius (level distance) for the first time, also when it was sent to another site. It is

    - warned in time if alerts for the site stand without a gap from arrival - need or before until arrival; else
    - not covered if P(at least one look detects it before arrival - need) < 0.9; else
    - covered, not tracked, unless one track number is within c for 10 s or more before arrival - need; else
    - tracked, warned late or not.
    """
    came = attacking(given, entries(given))
    need = np.array([given.sites[site].lead_time_s for site in came.site.tolist()], float)
    deadline = came.time - np.rint(need * NS).astype(np.int64)
    covered, twice = _coverage(given, looks(given), came, deadline)
    tracked = _tracked(came.target, deadline, pairs, step_s(given))
    lead = leads(given, came)
    fate = np.select(
        [lead >= need, covered < ENOUGH, ~tracked],  # an unknown coverage (NaN) is not under it
        [Fate.IN_TIME, Fate.NOT_COVERED, Fate.NOT_TRACKED],
        Fate.LATE,
    ).astype(np.int64)
    if given.alerts is None:
        fate = np.full(len(fate), Fate.UNKNOWN, np.int64)
    return Attacks(
        came.target,
        came.site,
        came.time,
        need,
        covered,
        twice,
        tracked,
        lead,
        own_leads(given, came, target_of(given, pairs)),
        fate,
    )


def attacking(given: Case, came: Entries) -> Entries:
    """Return the entries of raid targets only, sorted by time."""
    raid = np.array([row >= 0 and given.targets[row].raid for row in given.target_rows().tolist()], bool)
    kept = np.flatnonzero(raid[came.target]) if len(came.target) else np.empty(0, np.int64)
    kept = kept[np.argsort(came.time[kept], kind="stable")]
    return Entries(came.target[kept], came.site[kept], came.time[kept])


def leads(given: Case, came: Entries) -> F64:
    """Return (n,) s for which alerts of the site had stood without a gap at each arrival; NaN: none stood."""
    lead = np.full(len(came.time), np.nan)
    if given.alerts is None:
        return lead
    for site in range(len(given.sites)):
        at = np.flatnonzero(came.site == site)
        lead[at] = since(given.alerts.standing(site), came.time[at])
    return lead


def own_leads(given: Case, came: Entries, owner: I64) -> F64:
    """Return (n,) s from the first alert of a track of the target itself for the site to arrival; NaN: there is none.

    owner: target of each of tracks.names. In a raid the site's alarm stands for hours; this says when each was seen.
    """
    if given.alerts is None:
        return np.full(len(came.time), np.nan)
    number = {name: row for row, name in enumerate(given.tracks.names)}
    first: dict[tuple[int, int], int] = {}
    alerts = zip(given.alerts.site.tolist(), given.alerts.track.tolist(), given.alerts.raised.tolist(), strict=True)
    for site, track, raised in alerts:
        row = number.get(given.alerts.tracks[track], -1)
        if row >= 0:
            first.setdefault((int(owner[row]), site), raised)  # in the order of time
    pairs = zip(came.target.tolist(), came.site.tolist(), came.time.tolist(), strict=True)
    wait = [(moment - first.get((target, site), moment + 1)) / NS for target, site, moment in pairs]
    return np.array([one if one >= 0 else np.nan for one in wait], float)


def _coverage(given: Case, table: Looks | None, came: Entries, deadline: I64) -> tuple[F64, F64]:
    if table is None:
        return np.full(len(deadline), np.nan), np.full(len(deadline), np.nan)
    rows = given.target_rows()[came.target].tolist()
    before = ((deadline - given.start) / NS).tolist()
    found = np.array([detected(table, row, moment) for row, moment in zip(rows, before, strict=True)], float)
    found = found.reshape(-1, 2)
    return found[:, 0], found[:, 1]


def _tracked(target: I64, deadline: I64, pairs: Near, step: float) -> NDArray[np.bool_]:
    """Return (n,) whether one track number was near the target for TRACKED_S before the deadline."""
    order = np.argsort(pairs.target, kind="stable")  # stays in the order of time within a target
    names, time, track = pairs.target[order], pairs.time[order], pairs.track[order]
    first, last = np.searchsorted(names, target, "left"), np.searchsorted(names, target, "right")
    found = np.zeros(len(target), bool)
    for row, (low, high, until) in enumerate(zip(first, last, deadline, strict=True)):
        end = low + np.searchsorted(time[low:high], until, "right")
        if end > low:
            found[row] = np.unique(track[low:end], return_counts=True)[1].max() * step >= TRACKED_S
    return found
