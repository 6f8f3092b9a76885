"""Alerts: raised early, held through gaps, cleared late. The state is the tuple of standing alerts, nothing else."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from enum import StrEnum
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from skywarden.model.assessment import EARLY, LATE, MEDIAN, Alert
from skywarden.model.event import AlertCleared, AlertRaised, AlertUpdated
from skywarden.model.place import I64, Site
from skywarden.model.threats import Threats

SECOND = 1_000_000_000  # ns
MOVED, MOVED_SHARE, MOVED_LEAST = 10.0, 0.1, 2.0  # s, share of what is left, s: a change that people are told
MOVED_SPREAD = 0.25  # of the 80 % interval: less than that is no news
HELD_STAKE = 0.5  # of what it would do, from which an alert is held by that alone
HELD_RADII = 3.0  # radii that the straight way may miss by before an alert loses its support: who weaves still comes

AlertChange = AlertRaised | AlertUpdated | AlertCleared


class AlertOn(StrEnum):
    """Which tracks can raise an alert."""

    HARM = "harm"
    ALL = "all"
    SUSPECT = "suspect"


class AlertSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What raises, holds and clears an alert. docs/alerts.md has the reasons at length."""

    alert_on: AlertOn = AlertOn.HARM  # nothing is excluded; what is measured to be a bird or an airliner counts little
    raise_probability: float = 0.2  # of passing within the radius: a missed raid costs more than a shelter drill
    clear_probability: float = 0.08  # well below raise_probability, so that noise does not switch an alert
    floor_probability: float = 0.05  # below it a pair of track and site is not listed
    lead_factor: float = 1.0  # times the site's lead_time_s, for sites that react slower than they say
    margin_s: float = 30.0  # s on top of it: time to confirm, send and read
    hold_s: float = 20.0  # s that an alert outlives its support: two turns of a slow radar
    clear_after_s: float = 30.0  # s below clear_probability: longer than a weave between two way-points
    lost_hold_s: float = 300.0  # s at most that a track lost on its way in is still expected to arrive
    horizon_s: float = 1800.0  # s; arrivals further off say little
    wander_ratio: float = 0.2  # of a wide region: standard deviation of its velocity as a share of its speed
    wander_time_s: float = 120.0  # s until its course is forgotten


class _Now(NamedTuple):
    time: int
    threats: Threats
    settings: AlertSettings
    wanted: dict[str, float]  # site -> s before arrival at which it wants to know
    radius: dict[str, float]  # site -> m
    shown: AbstractSet[int] | None


def decide(  # noqa: PLR0913 - `shown` tells a track that was lost from one that turned away
    alerts: tuple[Alert, ...],
    threats: Threats,
    time: int,
    sites: Sequence[Site],
    settings: AlertSettings,
    shown: AbstractSet[int] | None = None,
) -> tuple[tuple[Alert, ...], list[AlertChange]]:
    """Return the alerts that stand at `time` (ns) and what changed, in the order of sites, then tracks.

    threats: as each track was judged last: until its next turn that supports an alert, or does not.
    shown: public numbers of the tracks in the picture; None: not known, so silence is held for `hold_s` only.
    Arrival, early and late of a standing alert are what was last told; they move with an AlertUpdated only.
    """
    wanted = {site.name: site.need_s * settings.lead_factor + settings.margin_s for site in sites}
    radius = {site.name: site.radius_m for site in sites}
    now = _Now(time, threats, settings, wanted, radius, shown)
    place = {name: index for index, name in enumerate(wanted)}
    standing = {(alert.site, alert.track): alert for alert in alerts}
    due, supports = _looked(now)
    rows = dict(zip(standing, _rows(standing, threats), strict=True))
    columns = threats.site[due].tolist(), threats.track[due].tolist(), due.tolist()
    raised = {(threats.sites[site], track): row for site, track, row in zip(*columns, strict=True)}
    after: list[Alert] = []
    changes: list[AlertChange] = []
    for key in sorted(standing.keys() | raised.keys(), key=lambda k: (place.get(k[0], len(place)), *k)):
        alert: Alert | None
        change: AlertChange | None
        if key in standing:
            row = rows[key]
            alert, change = _kept(standing[key], row, row >= 0 and bool(supports[row]), now)
        else:
            alert = _told(raised[key], time, now)
            change = AlertRaised(alert)
        after += [alert] if alert else []
        changes += [change] if change else []
    return tuple(after), changes


def _rows(standing: Iterable[tuple[str, int]], threats: Threats) -> list[int]:
    """Return the row of each alert among threats, -1 where there is none."""
    place = {name: row for row, name in enumerate(threats.sites)}
    pairs = np.array([(place.get(site, -1), track) for site, track in standing], np.int64).reshape(-1, 2)
    return [*map(int, threats.rows_of(pairs[:, 0], pairs[:, 1]))]


def _looked(now: _Now) -> tuple[I64, NDArray[np.bool_]]:
    """Return the rows of which people must be warned now, and (k,) which support an alert that stands.

    It is time to warn when it is likely, and one of ten such would be here before people need to know; of those judged
    in an earlier tick too, as time has gone on. Likely enough is also what would hold an alert, if the present course
    leads there: minutes ahead no single course of a fast target is likely, this one included.
    """
    threats, settings = now.threats, now.settings
    wanted = np.array([now.wanted.get(name, -np.inf) for name in threats.sites])[threats.site]
    radius = np.array([now.radius.get(name, 0.0) for name in threats.sites])[threats.site]
    harmed, known = threats.probability * threats.stake, ~threats.vague
    holds = harmed >= settings.clear_probability
    likely = (harmed >= settings.raise_probability) | (holds & known & (threats.miss <= radius))
    early = np.maximum(threats.times[:, EARLY] - (now.time - threats.time) * 1e-9, 0.0)
    straight = known & (threats.miss <= HELD_RADII * radius) & (threats.stake >= HELD_STAKE)
    supports = (holds | straight) & np.isfinite(wanted)
    return np.flatnonzero(likely & (early <= wanted)), supports


def _kept(alert: Alert, row: int, supported: bool, now: _Now) -> tuple[Alert | None, AlertChange | None]:
    """Return what becomes of a standing alert. row: of its threat, -1 none. Only what was judged now can be news."""
    if supported:
        if now.threats.time[row] != now.time:
            return msgspec.structs.replace(alert, updated=now.time), None
        told = _told(row, alert.raised, now)
        if _has_moved(alert, row, told, now):
            return told, AlertUpdated(told)
        return msgspec.structs.replace(alert, probability=told.probability, stake=told.stake, updated=now.time), None
    until, reason = _end(alert, row >= 0, now)
    if now.time < until:
        return alert, None
    return None, AlertCleared(now.time, alert.site, alert.track, reason)


def _end(alert: Alert, listed: bool, now: _Now) -> tuple[int, str]:
    """Return when an alert without support ends, ns, and why, in words."""
    settings = now.settings
    arrived = alert.arrival <= alert.updated
    if alert.site not in now.wanted:
        return now.time, "the site is no longer configured"
    if not listed and now.shown is None:
        return alert.updated + _ns(settings.hold_s), "nothing heads for the site any more"
    if listed or (now.shown is not None and alert.track in now.shown):
        reason = "it has passed the site and moves away" if arrived else "it no longer heads for the site"
        return alert.updated + _ns(settings.clear_after_s), reason
    expected = max(alert.updated, min(alert.late, alert.updated + _ns(settings.lost_hold_s)))
    reason = "lost inside the radius of the site" if arrived else "lost on its way, and not seen again when expected"
    return expected + _ns(settings.hold_s), reason


def _told(row: int, raised: int, now: _Now) -> Alert:
    threats = now.threats
    judged, times = int(threats.time[row]), threats.times[row].tolist()
    return Alert(
        site=threats.sites[int(threats.site[row])],
        track=int(threats.track[row]),
        raised=raised,
        arrival=max(judged + _ns(times[MEDIAN]), now.time),
        early=max(judged + _ns(times[EARLY]), now.time),
        late=max(judged + _ns(times[LATE]), now.time),
        probability=float(threats.probability[row]),
        updated=now.time,
        stake=float(threats.stake[row]),
    )


def _has_moved(alert: Alert, row: int, told: Alert, now: _Now) -> bool:
    """Return whether the arrival differs from what people were told by more than they would shrug off."""
    times = now.threats.times[row]
    if times[MEDIAN] == 0 and alert.arrival <= told.updated:
        return False  # it has arrived, as told; how long it stays is no news
    left = max(alert.arrival - told.updated, 0) / SECOND
    limit = max(MOVED_LEAST, min(MOVED, MOVED_SHARE * left), MOVED_SPREAD * float(times[LATE] - times[EARLY]))
    return abs(told.arrival - alert.arrival) > limit * SECOND


def _ns(seconds: float) -> int:
    return round(seconds * SECOND)
