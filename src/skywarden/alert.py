"""Alerts: raised early, held through gaps, cleared late. The state is the tuple of standing alerts, nothing else."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from enum import StrEnum
from typing import NamedTuple

import msgspec

from skywarden.model.assessment import Alert, Threat
from skywarden.model.event import AlertCleared, AlertRaised, AlertUpdated
from skywarden.model.place import Site

SECOND = 1_000_000_000  # ns
MOVED, MOVED_SHARE, MOVED_LEAST = 10.0, 0.1, 2.0  # s, share of what is left, s: a change that people are told
MOVED_SPREAD = 0.25  # of the 80 % interval: less than that is no news
HELD_RADII = 3.0  # radii that the straight way may miss by before an alert loses its support: who weaves still comes

AlertChange = AlertRaised | AlertUpdated | AlertCleared


class AlertOn(StrEnum):
    """Which tracks can raise an alert."""

    ALL = "all"
    SUSPECT = "suspect"


class AlertSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What raises, holds and clears an alert. docs/alerts.md has the reasons at length."""

    alert_on: AlertOn = AlertOn.ALL  # nothing is excluded while identity rests on claims alone
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
    settings: AlertSettings
    wanted: dict[str, float]  # site -> s before arrival at which it wants to know
    radius: dict[str, float]  # site -> m
    shown: AbstractSet[int] | None


def decide(  # noqa: PLR0913 - `shown` tells a track that was lost from one that turned away
    alerts: tuple[Alert, ...],
    threats: tuple[Threat, ...],
    time: int,
    sites: Sequence[Site],
    settings: AlertSettings,
    shown: AbstractSet[int] | None = None,
) -> tuple[tuple[Alert, ...], list[AlertChange]]:
    """Return the alerts that stand at `time` (ns) and what changed, in the order of sites, then tracks.

    shown: public numbers of the tracks in the picture; None: not known, so silence is held for `hold_s` only.
    Arrival, early and late of a standing alert are what was last told; they move with an AlertUpdated only.
    """
    wanted = {site.name: site.lead_time_s * settings.lead_factor + settings.margin_s for site in sites}
    now = _Now(time, settings, wanted, {site.name: site.radius_m for site in sites}, shown)
    place = {name: index for index, name in enumerate(wanted)}
    standing = {(alert.site, alert.track): alert for alert in alerts}
    present = {(threat.site, threat.track): threat for threat in threats if threat.site in wanted}
    after: list[Alert] = []
    changes: list[AlertChange] = []
    for key in sorted(standing.keys() | present.keys(), key=lambda k: (place.get(k[0], len(place)), *k)):
        alert, threat = standing.get(key), present.get(key)
        if alert is not None:
            alert, change = _kept(alert, threat, now)
        elif threat is not None and _is_due(threat, now):
            alert = _told(threat, time, time)
            change = AlertRaised(alert)
        else:
            continue
        after += [alert] if alert else []
        changes += [change] if change else []
    return tuple(after), changes


def _is_due(threat: Threat, now: _Now) -> bool:
    """Return whether it is time to warn: it is likely, and one of ten such would be here before people need to know.

    Likely enough is also what would hold an alert, if the present course leads there: minutes ahead no single course of
    a fast target is likely, this one included.
    """
    likely = threat.probability >= now.settings.raise_probability
    leads = not threat.vague and threat.miss <= now.radius[threat.site]
    likely |= leads and threat.probability >= now.settings.clear_probability
    return likely and threat.early <= now.wanted[threat.site]


def _is_supported(threat: Threat, now: _Now) -> bool:
    likely = threat.probability >= now.settings.clear_probability
    return likely or (not threat.vague and threat.miss <= HELD_RADII * now.radius[threat.site])


def _kept(alert: Alert, threat: Threat | None, now: _Now) -> tuple[Alert | None, AlertChange | None]:
    """Return what becomes of a standing alert."""
    if threat is not None and threat.site in now.wanted and _is_supported(threat, now):
        told = _told(threat, alert.raised, now.time)
        if _has_moved(alert, threat, told):
            return told, AlertUpdated(told)
        return msgspec.structs.replace(alert, probability=threat.probability, updated=now.time), None
    until, reason = _end(alert, threat, now)
    if now.time < until:
        return alert, None
    return None, AlertCleared(now.time, alert.site, alert.track, reason)


def _end(alert: Alert, threat: Threat | None, now: _Now) -> tuple[int, str]:
    """Return when an alert without support ends, ns, and why, in words."""
    settings = now.settings
    arrived = alert.arrival <= alert.updated
    if alert.site not in now.wanted:
        return now.time, "the site is no longer configured"
    if threat is None and now.shown is None:
        return alert.updated + _ns(settings.hold_s), "nothing heads for the site any more"
    if threat is not None or (now.shown is not None and alert.track in now.shown):
        reason = "it has passed the site and moves away" if arrived else "it no longer heads for the site"
        return alert.updated + _ns(settings.clear_after_s), reason
    expected = max(alert.updated, min(alert.late, alert.updated + _ns(settings.lost_hold_s)))
    reason = "lost inside the radius of the site" if arrived else "lost on its way, and not seen again when expected"
    return expected + _ns(settings.hold_s), reason


def _told(threat: Threat, raised: int, time: int) -> Alert:
    return Alert(
        site=threat.site,
        track=threat.track,
        raised=raised,
        arrival=time + _ns(threat.arrival),
        early=time + _ns(threat.early),
        late=time + _ns(threat.late),
        probability=threat.probability,
        updated=time,
    )


def _has_moved(alert: Alert, threat: Threat, told: Alert) -> bool:
    """Return whether the arrival differs from what people were told by more than they would shrug off."""
    if threat.arrival == 0 and alert.arrival <= told.updated:
        return False  # it has arrived, as told; how long it stays is no news
    left = max(alert.arrival - told.updated, 0) / SECOND
    limit = max(MOVED_LEAST, min(MOVED, MOVED_SHARE * left), MOVED_SPREAD * (threat.late - threat.early))
    return abs(told.arrival - alert.arrival) > limit * SECOND


def _ns(seconds: float) -> int:
    return round(seconds * SECOND)
